#include "lmdb/keys.h"

#include <assert.h>
#include <endian.h>
#include <xxhash.h>

#define SIGN_BIT (UINT64_C(1) << 63)

/* What a long text leaves of itself in a key. */
#define LONG_TEXT_PREFIX_BYTES 32

enum { END_OF_TEXT = 0x00, END_OF_PREFIX = 0x01 };

static_assert(1 + TB_KEY_TEXT_BYTES_MAX + 1 + 8 + sizeof(struct tb_id) <= TB_KEY_BYTES_MAX,
              "every key fits");
static_assert(LONG_TEXT_PREFIX_BYTES + sizeof(XXH128_canonical_t) <= TB_KEY_TEXT_BYTES_MAX,
              "a long text takes no more room than a short one");

static void add(struct tb_key *key, const void *bytes, size_t len)
{
    assert(len <= sizeof key->bytes - key->len);
    memcpy(key->bytes + key->len, bytes, len);
    key->len += len;
}

void tb_key_start(struct tb_key *key, enum tb_index index)
{
    key->bytes[0] = (uint8_t)index;
    key->len = 1;
}

void tb_key_add_byte(struct tb_key *key, uint8_t byte)
{
    add(key, &byte, 1);
}

void tb_key_add_u32(struct tb_key *key, uint32_t number)
{
    uint8_t bytes[4];
    tb_key_write_u32(bytes, number);
    add(key, bytes, sizeof bytes);
}

void tb_key_add_u64(struct tb_key *key, uint64_t number)
{
    uint8_t bytes[8];
    tb_key_write_u64(bytes, number);
    add(key, bytes, sizeof bytes);
}

void tb_key_add_i64(struct tb_key *key, int64_t number)
{
    tb_key_add_u64(key, (uint64_t)number ^ SIGN_BIT);
}

void tb_key_add_id(struct tb_key *key, struct tb_id id)
{
    add(key, id.bytes, sizeof id.bytes);
}

void tb_key_add_bytes(struct tb_key *key, const void *bytes, size_t len)
{
    add(key, bytes, len);
}

void tb_key_add_text(struct tb_key *key, struct tb_str text)
{
    if (text.len <= TB_KEY_TEXT_BYTES_MAX) {
        add(key, text.ptr, text.len);
        tb_key_add_byte(key, END_OF_TEXT);
        return;
    }
    XXH128_canonical_t hash;
    XXH128_canonicalFromHash(&hash, XXH3_128bits(text.ptr, text.len));
    add(key, text.ptr, LONG_TEXT_PREFIX_BYTES);
    tb_key_add_byte(key, END_OF_PREFIX);
    add(key, &hash, sizeof hash);
}

void tb_key_write_u32(uint8_t out[4], uint32_t number)
{
    uint32_t big = htobe32(number);
    memcpy(out, &big, sizeof big);
}

void tb_key_write_u64(uint8_t out[8], uint64_t number)
{
    uint64_t big = htobe64(number);
    memcpy(out, &big, sizeof big);
}

void tb_key_write_i64(uint8_t out[8], int64_t number)
{
    tb_key_write_u64(out, (uint64_t)number ^ SIGN_BIT);
}

uint32_t tb_key_read_u32(const uint8_t in[4])
{
    uint32_t big = 0;
    memcpy(&big, in, sizeof big);
    return be32toh(big);
}

uint64_t tb_key_read_u64(const uint8_t in[8])
{
    uint64_t big = 0;
    memcpy(&big, in, sizeof big);
    return be64toh(big);
}

int64_t tb_key_read_i64(const uint8_t in[8])
{
    return (int64_t)(tb_key_read_u64(in) ^ SIGN_BIT);
}
