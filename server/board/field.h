/* Reading single fields of a body. Internal to the parsers.
 *
 * Each reader takes the member (NULL: absent) and puts its value into `*out`, untouched when the
 * field is refused. Null counts as absent. False: refused, and parse->refusal names the field and
 * the reason. */
#ifndef TB_BOARD_FIELD_H
#define TB_BOARD_FIELD_H

#include "board/parse.h"

/* Refuses with a formatted sentence and `,"field":"…"`. Always false, so that a parser can return
 * it. `field` NULL: no field. */
bool tb_field_refuse(struct tb_parse *parse, enum tb_err err, const char *field, const char *format,
                     ...) __attribute__((format(printf, 4, 5)));

bool tb_field_is_absent(const struct tb_json *node);

/* A text that must be there and not be blank; else 400 with the sentence `missing`. Trimmed. */
bool tb_field_required(struct tb_parse *parse, const struct tb_json *node, const char *field,
                       size_t bytes_max, const char *missing, struct tb_str *out);

/* A text that may be missing; blank counts as missing. Trimmed. */
bool tb_field_text(struct tb_parse *parse, const struct tb_json *node, const char *field,
                   size_t bytes_max, struct tb_str *out);

/* A name that says who does something: required, with the sentence `missing`, or not (NULL). Where
 * parse->speaker is there it stands for one that is absent, and any other is TB_E_FORBIDDEN. */
bool tb_field_actor(struct tb_parse *parse, const struct tb_json *node, const char *field,
                    const char *missing, struct tb_str *out);

/* The same of a name that was read already. */
bool tb_field_speaks(struct tb_parse *parse, const char *field, struct tb_str *name);

/* The same, kept exactly as sent and never blank-to-absent: empty is refused. */
bool tb_field_exact_text(struct tb_parse *parse, const struct tb_json *node, const char *field,
                         size_t bytes_max, struct tb_str *out);

/* An array of strings of 1 to bytes_max bytes, at most count_max of them, kept exactly as sent. */
bool tb_field_strings(struct tb_parse *parse, const struct tb_json *node, const char *field,
                      size_t count_max, size_t bytes_max, struct tb_str *out);

/* The same as an array of texts; none when it is absent or empty. */
bool tb_field_texts(struct tb_parse *parse, const struct tb_json *node, const char *field,
                    size_t count_max, size_t bytes_max, const struct tb_str **out, size_t *count);

bool tb_field_bool(struct tb_parse *parse, const struct tb_json *node, const char *field,
                   bool *out);

bool tb_field_integer(struct tb_parse *parse, const struct tb_json *node, const char *field,
                      int64_t min, int64_t max, int64_t *out);

bool tb_field_instant(struct tb_parse *parse, const struct tb_json *node, const char *field,
                      int64_t *ms);

/* Any JSON value of at most bytes_max bytes in compact form. */
bool tb_field_json(struct tb_parse *parse, const struct tb_json *node, const char *field,
                   size_t bytes_max, struct tb_str *out);

/* What a sentence shows of a wrong value: its text, its JSON, or `undefined`, cut to a readable
 * length. Text kind. */
struct tb_str tb_field_shown(struct tb_parse *parse, const struct tb_json *node);

/* Refuses, or notes down in parse->ignored, members that are not among `known` (a NULL-ended list).
 * `strict` overrides parse->strict; `prefix` stands before the name in the error: "artifacts[0].".
 */
bool tb_field_check_known(struct tb_parse *parse, const struct tb_json *object,
                          const char *const *known, bool strict, const char *prefix);

/* Refuses a body that is no object, then as tb_field_check_known does. */
bool tb_field_check_body(struct tb_parse *parse, const struct tb_json *body,
                         const char *const *known, bool strict);

/* The entries of an array of artifacts, each strict; those that name nobody were added by
 * `added_by` (may be absent). */
bool tb_field_artifacts(struct tb_parse *parse, const struct tb_json *list, struct tb_str added_by,
                        struct tb_artifacts_command *out);

#endif
