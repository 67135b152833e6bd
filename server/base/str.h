/* Borrowed runs of bytes.
 *
 * `struct tb_str` is used for three kinds of content, and each field says which it holds:
 *   bytes  anything;
 *   text   UTF-8 in the canonical JSON escaping, without the quotes. Only `"`, `\` and
 *          U+0000..U+001F are escaped, in their shortest form (\b \t \n \f \r, else \u00xx in
 *          lower case). Equal texts have equal bytes, so texts are compared, indexed and copied
 *          into answers without ever being decoded;
 *   json   one JSON value in compact form (no white space outside strings), its strings in
 *          canonical escaping.
 *
 * ptr == NULL means absent, which is not the same as empty. */
#ifndef TB_BASE_STR_H
#define TB_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct tb_str {
    const char *ptr;
    size_t len;
};

#define TB_STR_NONE ((struct tb_str){NULL, 0})
/* From a string literal. */
#define TB_STR(literal) ((struct tb_str){"" literal, sizeof(literal) - 1})

static inline struct tb_str tb_str_from(const char *ptr, size_t len)
{
    return (struct tb_str){ptr, len};
}

static inline struct tb_str tb_str_c(const char *c_string)
{
    return (struct tb_str){c_string, c_string == NULL ? 0 : strlen(c_string)};
}

static inline bool tb_str_eq(struct tb_str a, struct tb_str b)
{
    if (a.ptr == NULL || b.ptr == NULL) {
        return a.ptr == b.ptr;
    }
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static inline bool tb_str_eq_c(struct tb_str a, const char *c_string)
{
    return tb_str_eq(a, tb_str_c(c_string));
}

/* Bytewise order; a prefix comes first; absent sorts as empty. */
int tb_str_cmp(struct tb_str a, struct tb_str b);

/* The edit distance (Levenshtein) of two short strings, at most `max`; used to suggest names.
 * Strings of more than 64 bytes count as `max` apart. */
unsigned tb_str_distance(struct tb_str a, struct tb_str b, unsigned max);

/* Parses a whole decimal number of at most 19 digits with an optional minus sign. False, and `*out`
 * untouched, for anything else (empty, spaces, a plus sign, out of range). */
bool tb_str_to_i64(struct tb_str s, int64_t *out);

/* How many bytes at the start of `bytes` are well-formed UTF-8 (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF); `bytes.len` when all are. */
size_t tb_utf8_valid_len(struct tb_str bytes);

/* --- texts (canonical escaping) --- */

/* The text without the white space at both ends, as JavaScript's trim() sees it (the escaped \t \n
 * \u000b \f \r, space, U+00A0, U+FEFF, U+1680, U+2000..U+200A, U+2028, U+2029, U+202F, U+205F,
 * U+3000). */
struct tb_str tb_text_trim(struct tb_str text);

/* How many UTF-8 bytes the text has once decoded: what length limits count. */
size_t tb_text_decoded_len(struct tb_str text);

#endif
