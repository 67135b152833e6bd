#include "http/gzip.h"

#include <assert.h>
#include <stdlib.h>
#include <zlib.h>

#define STORED_BYTES_MAX UINT16_MAX

/* Raw deflate; the library's usual memory. */
#define WINDOW_BITS  (-15)
#define MEMORY_LEVEL 8

/* Events are much alike: higher levels take two and a half times as long for a fifth less. */
#define LEVEL 1

/* At the end of a part: an empty stored block, which ends at a whole byte. */
#define MARK_BYTES 16

struct tb_gzip {
    z_stream deflate;
};

/* --- what the trailer says --- */

struct tb_gzip_part tb_gzip_part_of(struct tb_str plain)
{
    return (struct tb_gzip_part){
        .crc = (uint32_t)crc32_z(0, (const Bytef *)plain.ptr, plain.len),
        .shift = (uint32_t)crc32_combine_gen((z_off_t)plain.len),
        .len = (uint32_t)plain.len,
    };
}

void tb_gzip_add(struct tb_gzip_sum *sum, const struct tb_gzip_part *part)
{
    sum->crc = (uint32_t)crc32_combine_op(sum->crc, part->crc, part->shift);
    sum->len += part->len;
}

/* --- its ends --- */

static void add_little_endian(struct tb_buf *out, uint32_t number, size_t bytes)
{
    unsigned char *at = (unsigned char *)tb_buf_reserve(out, bytes);
    for (size_t i = 0; i < bytes; i++) {
        at[i] = (unsigned char)(number >> 8 * i);
    }
    out->len += bytes;
}

void tb_gzip_begin(struct tb_buf *out)
{
    /* deflate; no flags, no time; made on a system that is not told */
    TB_BUF_LIT(out, "\x1f\x8b\x08\0\0\0\0\0\0\xff");
}

void tb_gzip_end(struct tb_buf *out, const struct tb_gzip_sum *sum)
{
    TB_BUF_LIT(out, "\x03\0"); /* an empty block, the last one */
    add_little_endian(out, sum->crc, 4);
    add_little_endian(out, sum->len, 4);
}

/* --- parts --- */

void tb_gzip_store(struct tb_buf *out, struct tb_str plain)
{
    while (plain.len > 0) {
        size_t len = plain.len < STORED_BYTES_MAX ? plain.len : STORED_BYTES_MAX;
        TB_BUF_LIT(out, "\0"); /* a stored block, not the last one */
        add_little_endian(out, (uint32_t)len, 2);
        add_little_endian(out, ~(uint32_t)len, 2);
        tb_buf_add(out, plain.ptr, len);
        plain = tb_str_from(plain.ptr + len, plain.len - len);
    }
}

struct tb_gzip *tb_gzip_new(void)
{
    struct tb_gzip *gzip = calloc(1, sizeof(*gzip));
    if (gzip == NULL || deflateInit2(&gzip->deflate, LEVEL, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL,
                                     Z_DEFAULT_STRATEGY) != Z_OK) {
        abort();
    }
    return gzip;
}

void tb_gzip_free(struct tb_gzip **gzip)
{
    if (*gzip != NULL) {
        (void)deflateEnd(&(*gzip)->deflate);
        free(*gzip);
        *gzip = NULL;
    }
}

void tb_gzip_deflate(struct tb_gzip *gzip, struct tb_buf *out, struct tb_str plain)
{
    z_stream *deflater = &gzip->deflate;
    size_t room = deflateBound(deflater, plain.len) + MARK_BYTES; /* mostly enough for all */
    assert(plain.len > 0 && room <= UINT32_MAX);
    int err = deflateReset(deflater);
    deflater->next_in = (Bytef *)(uintptr_t)plain.ptr;
    deflater->avail_in = (uInt)plain.len;
    do {
        assert(err == Z_OK);
        deflater->next_out = (Bytef *)tb_buf_reserve(out, room);
        deflater->avail_out = (uInt)room;
        err = deflate(deflater, Z_SYNC_FLUSH);
        out->len += room - deflater->avail_out;
    } while (deflater->avail_out == 0);
    assert(err == Z_OK && deflater->avail_in == 0);
}
