/* A second opinion on JSON and texts (RFC 8259, RFC 3629), which shares no line with the reader
 * that is judged by it. It is slow and simple. */
#ifndef TB_FUZZ_STRICT_H
#define TB_FUZZ_STRICT_H

#include "base/str.h"

struct strict_json {
    bool valid; /* JSON in well-formed UTF-8, without NUL, lone surrogates and duplicate keys */
    bool long_numbers; /* it has one of more than 15 characters, or with an exponent */
    unsigned depth;    /* of arrays and objects; the outermost has 1 */
    size_t value_count;
    uint64_t digest; /* of what it says: equal for documents that differ in white space and escapes
                      * only */
};

/* Documents deeper than 64 count as not valid. */
void strict_json_read(struct tb_str input, struct strict_json *out);

/* Is it a text in canonical escaping (str.h)? Then `*decoded_len` is its length in UTF-8. */
bool strict_text(struct tb_str text, size_t *decoded_len);

/* An absent one, or a canonical one of at most so many bytes. */
bool strict_text_within(struct tb_str text, size_t bytes_max);

/* A json value in compact form, or absent. */
bool strict_json_within(struct tb_str json, size_t bytes_max);

/* Well-formed UTF-8? */
bool strict_utf8(struct tb_str bytes);

#endif
