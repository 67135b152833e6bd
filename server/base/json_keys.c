#include "base/json_keys.h"

#include <endian.h>
#include <stdlib.h>

#define SMALL_COUNT 16
#define FIRST_CAP   64

static uint64_t prefix_of(struct tb_str text)
{
    uint64_t bytes;
    if (text.len == 0) {
        return 0;
    }
    memcpy(&bytes, text.ptr, sizeof(bytes));
    bytes = be64toh(bytes);
    return text.len < 8 ? bytes >> (64 - 8 * text.len) << (64 - 8 * text.len) : bytes;
}

static bool equal(const struct tb_json_key *a, const struct tb_json_key *b)
{
    return a->prefix == b->prefix && a->text.len == b->text.len &&
           (a->text.len <= 8 || memcmp(a->text.ptr + 8, b->text.ptr + 8, a->text.len - 8) == 0);
}

/* Equal names stand in the order of the input. */
static int compare(const void *left, const void *right)
{
    const struct tb_json_key *a = left;
    const struct tb_json_key *b = right;
    if (a->prefix != b->prefix) {
        return a->prefix < b->prefix ? -1 : 1;
    }
    int order = tb_str_cmp(a->text, b->text);
    return order != 0 ? order : (a->offset > b->offset) - (a->offset < b->offset);
}

static void grow(struct tb_json_keys *keys)
{
    size_t cap = keys->cap == 0 ? FIRST_CAP : keys->cap * 2;
    struct tb_json_key *items = tb_arena_alloc(keys->arena, cap * sizeof(*items));
    if (keys->count > 0) {
        memcpy(items, keys->items, keys->count * sizeof(*items));
    }
    keys->items = items;
    keys->cap = cap;
}

const struct tb_json_key *tb_json_keys_add(struct tb_json_keys *keys, size_t first,
                                           struct tb_str text, size_t offset)
{
    if (keys->count == keys->cap) {
        grow(keys);
    }
    struct tb_json_key *key = &keys->items[keys->count++];
    *key = (struct tb_json_key){prefix_of(text), text, offset};
    if (keys->count - first > SMALL_COUNT) {
        return NULL;
    }
    for (const struct tb_json_key *other = keys->items + first; other < key; other++) {
        if (equal(other, key)) {
            return key;
        }
    }
    return NULL;
}

const struct tb_json_key *tb_json_keys_close(struct tb_json_keys *keys, size_t first)
{
    size_t count = keys->count - first;
    keys->count = first;
    if (count <= SMALL_COUNT) {
        return NULL;
    }
    struct tb_json_key *items = keys->items + first;
    const struct tb_json_key *found = NULL;
    qsort(items, count, sizeof(*items), compare);
    for (size_t i = 1; i < count; i++) {
        if (equal(&items[i - 1], &items[i]) && (found == NULL || items[i].offset < found->offset)) {
            found = &items[i];
        }
    }
    return found;
}
