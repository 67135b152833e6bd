#include "base/ulid.h"

#include <assert.h>

#define ULID_MS_MAX ((INT64_C(1) << 48) - 1)

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void put_ms(struct tb_id *id, int64_t ms)
{
    for (int i = 0; i < 6; i++) {
        id->bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    }
}

/* False when the 80 bits were all ones: they are zero then. */
static bool count_up(struct tb_id *id)
{
    for (int i = 15; i >= 6; i--) {
        if (++id->bytes[i] != 0) {
            return true;
        }
    }
    return false;
}

static struct tb_id fresh(struct tb_ulid_source *source, int64_t ms)
{
    struct tb_id id;
    assert(ms <= ULID_MS_MAX);
    put_ms(&id, ms);
    source->random(source->random_ctx, id.bytes + 6, sizeof(id.bytes) - 6);
    if (tb_id_is_zero(id)) {
        id.bytes[15] = 1; /* zero means no id */
    }
    return id;
}

struct tb_id tb_ulid_next(struct tb_ulid_source *source, int64_t now_ms)
{
    int64_t ms = now_ms < 0 ? 0 : now_ms; /* a clock before 1970 */
    int64_t last_ms = tb_ulid_ms(source->last);
    struct tb_id id = source->last;
    if (ms > last_ms || tb_id_is_zero(source->last)) {
        id = fresh(source, ms);
    } else if (!count_up(&id)) {
        id = fresh(source, last_ms + 1);
    }
    source->last = id;
    return id;
}

/* 26 characters of 5 bits hold 130 bits: the first character has only 3. */
void tb_ulid_format(struct tb_id id, char out[TB_ULID_LEN])
{
    unsigned bits = 0;
    unsigned bit_count = 2; /* the two leading zeros */
    size_t at = 0;
    for (int i = 0; i < 16; i++) {
        bits = bits << 8 | id.bytes[i];
        bit_count += 8;
        while (bit_count >= 5) {
            bit_count -= 5;
            out[at++] = alphabet[bits >> bit_count & 31];
        }
    }
}

#define XX 0xff
static const uint8_t digit_of[256] = {
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  XX, XX, XX, XX, XX, XX, XX, 10, 11, 12, 13, 14, 15, 16,
    17, XX, 18, 19, XX, 20, 21, XX, 22, 23, 24, 25, 26, XX, 27, 28, 29, 30, 31, XX, XX, XX, XX, XX,
    XX, 10, 11, 12, 13, 14, 15, 16, 17, XX, 18, 19, XX, 20, 21, XX, 22, 23, 24, 25, 26, XX, 27, 28,
    29, 30, 31, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
};
#undef XX

bool tb_ulid_parse(struct tb_str s, struct tb_id *out)
{
    if (s.len != TB_ULID_LEN || digit_of[(uint8_t)s.ptr[0]] > 7) {
        return false;
    }
    struct tb_id id;
    unsigned bits = 0;
    unsigned bit_count = 0;
    unsigned bad = 0;
    size_t at = 0;
    for (size_t i = 0; i < TB_ULID_LEN; i++) {
        uint8_t digit = digit_of[(uint8_t)s.ptr[i]];
        bad |= digit & 0x80;
        bits = bits << 5 | digit;
        bit_count += i == 0 ? 3 : 5;
        if (bit_count >= 8) {
            bit_count -= 8;
            id.bytes[at++] = (uint8_t)(bits >> bit_count);
        }
    }
    if (bad != 0) {
        return false;
    }
    *out = id;
    return true;
}

int64_t tb_ulid_ms(struct tb_id id)
{
    int64_t ms = 0;
    for (int i = 0; i < 6; i++) {
        ms = ms << 8 | id.bytes[i];
    }
    return ms;
}

int tb_id_cmp(struct tb_id a, struct tb_id b)
{
    return memcmp(a.bytes, b.bytes, sizeof(a.bytes));
}

bool tb_id_is_zero(struct tb_id id)
{
    static const struct tb_id zero;
    return tb_id_cmp(id, zero) == 0;
}
