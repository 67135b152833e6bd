/* Reading JSON that somebody else wrote.
 *
 * yajl checks the grammar; this module checks what yajl lets pass (depth, duplicate keys, NUL, BOM,
 * lone surrogates, overlong and surrogate UTF-8) and turns the input into its compact canonical
 * form (see str.h, kind json) in the arena. A tree of nodes is built only down to `tree_depth`;
 * below that a value is just its canonical text, so that free JSON of any shape costs no nodes.
 *
 * This is the only module that includes yajl. Thread-safe; needs LC_NUMERIC=C. */
#ifndef TB_BASE_JSON_H
#define TB_BASE_JSON_H

#include "base/arena.h"
#include "base/str.h"

enum tb_json_type {
    TB_JSON_NULL,
    TB_JSON_FALSE,
    TB_JSON_TRUE,
    TB_JSON_NUMBER,
    TB_JSON_STRING,
    TB_JSON_ARRAY,
    TB_JSON_OBJECT,
};

struct tb_json {
    enum tb_json_type type;
    unsigned child_count; /* of an array or object, also where no children are built */
    struct tb_str key;    /* text; the member's name when the parent is an object, else absent */
    struct tb_str raw;    /* json; the whole value. Numbers stand as they were sent */
    const struct tb_json *child; /* first child; NULL below tree_depth */
    const struct tb_json *next;  /* next sibling, in the order of the input */
};

struct tb_json_limits {
    unsigned depth_max;    /* of arrays and objects; the outermost has depth 1 */
    unsigned tree_depth;   /* containers at this depth and deeper get no child nodes */
    size_t node_count_max; /* tree nodes */
};

struct tb_json_error {
    size_t offset;      /* byte offset in the input where it was noticed */
    struct tb_str text; /* what is wrong, for a person: "duplicate key \"a\" at byte 17". In the
                           arena. Text kind */
};

/* Parses the whole of `input` (bytes). Returns the root, in the arena, or NULL with `*error`
 * filled. Input that is empty or only white space is an error here: the caller decides what an
 * empty body means. */
const struct tb_json *tb_json_parse(struct tb_arena *arena, struct tb_str input,
                                    const struct tb_json_limits *limits,
                                    struct tb_json_error *error);

/* The member with that name (plain ASCII), or NULL. */
const struct tb_json *tb_json_member(const struct tb_json *object, const char *name);

/* The text of a string node: its raw form without the quotes. */
struct tb_str tb_json_text(const struct tb_json *string);

/* True, with `*out` set, when the node is a number that is an integer in int64 range (1, -0, 1.0
 * and 1e3 are; 1.5 and 1e99 are not). */
bool tb_json_to_i64(const struct tb_json *node, int64_t *out);

/* --- walking a stored array of strings in canonical form, such as ["a","b"] --- */

struct tb_json_strings {
    const char *at;
    const char *end;
};

struct tb_json_strings tb_json_strings_of(struct tb_str json_array);

/* True with the next text, false at the end. The array must be canonical and hold only strings. */
bool tb_json_strings_next(struct tb_json_strings *strings, struct tb_str *text);

#endif
