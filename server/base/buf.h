/* A growing byte buffer in an arena, and the writing of JSON into it.
 *
 * Growth takes new room from the arena, so a buffer that is sized well at the start costs nothing
 * extra. */
#ifndef TB_BASE_BUF_H
#define TB_BASE_BUF_H

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct tb_buf {
    struct tb_arena *arena; /* borrowed; must outlive the buffer */
    char *ptr;
    size_t len;
    size_t cap;
};

void tb_buf_init(struct tb_buf *buf, struct tb_arena *arena, size_t first_bytes);

/* Makes room for `more` bytes and returns where they go; the caller then adds to `len` what it
 * wrote. */
char *tb_buf_reserve(struct tb_buf *buf, size_t more);

void tb_buf_add(struct tb_buf *buf, const void *bytes, size_t len);
void tb_buf_add_str(struct tb_buf *buf, struct tb_str s);
void tb_buf_add_c(struct tb_buf *buf, const char *c_string);
void tb_buf_add_i64(struct tb_buf *buf, int64_t number);
void tb_buf_add_u64(struct tb_buf *buf, uint64_t number);

/* Adds a literal, its length known at compile time. */
#define TB_BUF_LIT(buf, literal) tb_buf_add((buf), "" literal, sizeof(literal) - 1)

/* Adds a text (see str.h) with quotes round it. */
void tb_buf_add_quoted(struct tb_buf *buf, struct tb_str text);

/* Adds arbitrary UTF-8 bytes as text in canonical escaping, without quotes. Bytes that are no UTF-8
 * come out as U+FFFD, so that the result can always stand in JSON. */
void tb_buf_add_escaped(struct tb_buf *buf, struct tb_str bytes);

/* Adds an instant as ISO 8601 UTC with milliseconds, with quotes. */
void tb_buf_add_instant(struct tb_buf *buf, int64_t ms);

struct tb_str tb_buf_str(const struct tb_buf *buf);

/* Escapes bytes into the arena as a text. An absent string stays absent. */
struct tb_str tb_text_from_bytes(struct tb_arena *arena, struct tb_str bytes);

/* Decodes a text (which must be canonical) back to bytes in the arena. */
struct tb_str tb_text_to_bytes(struct tb_arena *arena, struct tb_str text);

#endif
