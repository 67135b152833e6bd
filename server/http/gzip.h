/* One gzip member (RFC 1952) made of parts that know nothing of each other: each begins and ends at
 * a whole byte and refers to nothing in front of it (RFC 1951). So a part is made once and can
 * stand in any number of members. What differs between members is only what their trailer says, and
 * that can be added up from the parts.
 *
 *   tb_gzip_begin  part  part  part  …  tb_gzip_end */
#ifndef TB_HTTP_GZIP_H
#define TB_HTTP_GZIP_H

#include "base/buf.h"

/* What a part adds to the trailer. */
struct tb_gzip_part {
    uint32_t crc;
    uint32_t shift; /* what the part's length does to the checksum of all in front of it */
    uint32_t len;
};

/* What the trailer would say now. All zeros: nothing so far. */
struct tb_gzip_sum {
    uint32_t crc;
    uint32_t len; /* modulo 2^32 */
};

struct tb_gzip_part tb_gzip_part_of(struct tb_str plain);
void tb_gzip_add(struct tb_gzip_sum *sum, const struct tb_gzip_part *part);

void tb_gzip_begin(struct tb_buf *out);
void tb_gzip_end(struct tb_buf *out, const struct tb_gzip_sum *sum);

/* Adds a part of a few bytes as they are: needs no compressor, and is five bytes longer. */
void tb_gzip_store(struct tb_buf *out, struct tb_str plain);

/* Some 260 KiB. Aborts when memory is out. */
struct tb_gzip;
struct tb_gzip *tb_gzip_new(void);
void tb_gzip_free(struct tb_gzip **gzip); /* NULL in it is accepted */

/* Adds a part that is compressed. */
void tb_gzip_deflate(struct tb_gzip *gzip, struct tb_buf *out, struct tb_str plain);

#endif
