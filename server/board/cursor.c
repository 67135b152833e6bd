/* A cursor is a position in hexadecimal:  version 1 | order 1 | key 8 | id 16 | check 4  (bytes).
 */
#include "board/query.h"

#define CURSOR_VERSION 1
#define BODY_BYTES     26
#define CURSOR_BYTES   30

/* FNV-1a: finds typing errors and cut cursors, no more; a forged one is harmless. */
static uint32_t check_of(const uint8_t *bytes)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < BODY_BYTES; i++) {
        hash = (hash ^ bytes[i]) * 16777619U;
    }
    return hash;
}

struct tb_str tb_cursor_format(struct tb_arena *arena, enum tb_order order,
                               struct tb_position position)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[CURSOR_BYTES] = {CURSOR_VERSION, (uint8_t)order};
    for (size_t i = 0; i < 8; i++) {
        bytes[2 + i] = (uint8_t)((uint64_t)position.key >> (56 - 8 * i));
    }
    memcpy(bytes + 10, position.id.bytes, sizeof(position.id.bytes));
    uint32_t check = check_of(bytes);
    for (size_t i = 0; i < 4; i++) {
        bytes[BODY_BYTES + i] = (uint8_t)(check >> (24 - 8 * i));
    }
    char *text = tb_arena_alloc(arena, 2 * CURSOR_BYTES);
    for (size_t i = 0; i < CURSOR_BYTES; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    return tb_str_from(text, 2 * CURSOR_BYTES);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool tb_cursor_parse(struct tb_str text, enum tb_order order, struct tb_position *position)
{
    uint8_t bytes[CURSOR_BYTES];
    if (text.len != 2 * CURSOR_BYTES) {
        return false;
    }
    for (size_t i = 0; i < CURSOR_BYTES; i++) {
        int high = digit(text.ptr[2 * i]);
        int low = digit(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = (uint8_t)(high * 16 + low);
    }
    uint32_t check = 0;
    for (size_t i = 0; i < 4; i++) {
        check = check << 8 | bytes[BODY_BYTES + i];
    }
    if (bytes[0] != CURSOR_VERSION || bytes[1] != (uint8_t)order || check != check_of(bytes)) {
        return false;
    }
    uint64_t key = 0;
    for (size_t i = 0; i < 8; i++) {
        key = key << 8 | bytes[2 + i];
    }
    position->key = (int64_t)key;
    memcpy(position->id.bytes, bytes + 10, sizeof(position->id.bytes));
    return true;
}
