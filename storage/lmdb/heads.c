#include "lmdb/heads.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/memory.h"

#define BUCKETS 256

struct tb_heads {
    unsigned capacity;
    unsigned count;
    uint64_t uses;
    struct tb_window *buckets[BUCKETS];
    struct tb_window *windows;
};

struct tb_heads *tb_heads_new(unsigned capacity)
{
    struct tb_heads *heads = calloc(1, sizeof *heads);
    if (heads == NULL) {
        tb_out_of_memory();
    }
    heads->capacity = capacity;
    heads->windows = calloc(capacity, sizeof *heads->windows);
    if (heads->windows == NULL) {
        tb_out_of_memory();
    }
    return heads;
}

void tb_heads_free(struct tb_heads *heads)
{
    if (heads != NULL) {
        free(heads->windows);
        free(heads);
    }
}

void tb_heads_forget(struct tb_heads *heads)
{
    for (unsigned i = 0; i < heads->count; i++) {
        assert(heads->windows[i].pins == 0);
    }
    memset(heads->buckets, 0, sizeof heads->buckets);
    heads->count = 0;
}

void tb_window_clear(struct tb_window *window, const uint8_t *from)
{
    window->known = false;
    window->whole = false;
    window->count = 0;
    window->step = TB_WINDOW_STEP_FIRST;
    memset(window->from, 0, sizeof window->from);
    if (from != NULL) {
        memcpy(window->from, from, sizeof window->from);
    }
}

bool tb_window_is_at_beginning(const struct tb_window *window)
{
    static const uint8_t beginning[TB_FRONT_SUFFIX_BYTES];
    return memcmp(window->from, beginning, sizeof beginning) == 0;
}

/* --- the table --- */

static struct tb_window **bucket_of(struct tb_heads *heads, const uint8_t *prefix, size_t len)
{
    return &heads->buckets[XXH3_64bits(prefix, len) % BUCKETS];
}

static struct tb_window *find(struct tb_heads *heads, const uint8_t *prefix, size_t len)
{
    struct tb_window *window = *bucket_of(heads, prefix, len);
    while (window != NULL &&
           (window->prefix_len != len || memcmp(window->prefix, prefix, len) != 0)) {
        window = window->next_alike;
    }
    return window;
}

/* The one that was not used for the longest time, out of the table; NULL: all are in use. */
static struct tb_window *evict(struct tb_heads *heads)
{
    struct tb_window *oldest = NULL;
    for (unsigned i = 0; i < heads->count; i++) {
        struct tb_window *window = &heads->windows[i];
        if (window->pins == 0 && (oldest == NULL || window->used < oldest->used)) {
            oldest = window;
        }
    }
    if (oldest != NULL) {
        struct tb_window **link = bucket_of(heads, oldest->prefix, oldest->prefix_len);
        while (*link != oldest) {
            link = &(*link)->next_alike;
        }
        *link = oldest->next_alike;
    }
    return oldest;
}

static struct tb_window *make(struct tb_heads *heads, const uint8_t *prefix, size_t len)
{
    struct tb_window *window =
        heads->count < heads->capacity ? &heads->windows[heads->count++] : evict(heads);
    if (window == NULL) {
        return NULL;
    }
    struct tb_window **bucket = bucket_of(heads, prefix, len);
    tb_window_clear(window, NULL);
    window->pins = 0;
    window->prefix_len = len;
    memcpy(window->prefix, prefix, len);
    window->next_alike = *bucket;
    *bucket = window;
    return window;
}

struct tb_window *tb_heads_take(struct tb_heads *heads, const uint8_t *prefix, size_t prefix_len)
{
    assert(prefix_len <= TB_FRONT_PREFIX_BYTES_MAX);
    struct tb_window *window = find(heads, prefix, prefix_len);
    if (window == NULL) {
        window = make(heads, prefix, prefix_len);
    }
    if (window != NULL) {
        window->used = ++heads->uses;
        window->pins++;
    }
    return window;
}

void tb_heads_give_back(struct tb_window *window)
{
    window->pins--;
}

/* --- of one window --- */

static int compare(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, TB_FRONT_SUFFIX_BYTES);
}

bool tb_window_covers(const struct tb_window *window, const uint8_t suffix[TB_FRONT_SUFFIX_BYTES])
{
    return window->known && compare(suffix, window->from) >= 0 &&
           (window->whole || compare(suffix, window->through) <= 0);
}

size_t tb_window_rank(const struct tb_window *window, const uint8_t suffix[TB_FRONT_SUFFIX_BYTES])
{
    size_t low = 0;
    size_t high = window->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(window->entries[middle], suffix) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void tb_window_append(struct tb_window *window, const uint8_t suffix[TB_FRONT_SUFFIX_BYTES])
{
    assert(window->count < TB_WINDOW_ENTRIES);
    memcpy(window->entries[window->count++], suffix, TB_FRONT_SUFFIX_BYTES);
    memcpy(window->through, suffix, sizeof window->through);
}

/* --- changing --- */

static bool has_at(const struct tb_window *window, size_t i, const uint8_t *suffix)
{
    return i < window->count && compare(window->entries[i], suffix) == 0;
}

/* Makes room for one more: the last half is left to the runs. */
static void shorten(struct tb_window *window)
{
    window->count /= 2;
    window->whole = false;
    memcpy(window->through, window->entries[window->count - 1], sizeof window->through);
}

void tb_heads_put(struct tb_heads *heads, const uint8_t *prefix, size_t prefix_len,
                  const uint8_t suffix[TB_FRONT_SUFFIX_BYTES])
{
    struct tb_window *window = find(heads, prefix, prefix_len);
    if (window != NULL && window->count == TB_WINDOW_ENTRIES) {
        shorten(window);
    }
    if (window == NULL || !tb_window_covers(window, suffix)) {
        return;
    }
    size_t i = tb_window_rank(window, suffix);
    if (!has_at(window, i, suffix)) {
        memmove(window->entries[i + 1], window->entries[i],
                (window->count - i) * sizeof *window->entries);
        memcpy(window->entries[i], suffix, sizeof *window->entries);
        window->count++;
    }
}

void tb_heads_drop(struct tb_heads *heads, const uint8_t *prefix, size_t prefix_len,
                   const uint8_t suffix[TB_FRONT_SUFFIX_BYTES])
{
    struct tb_window *window = find(heads, prefix, prefix_len);
    if (window == NULL || !tb_window_covers(window, suffix)) {
        return;
    }
    size_t i = tb_window_rank(window, suffix);
    if (has_at(window, i, suffix)) {
        window->count--;
        memmove(window->entries[i], window->entries[i + 1],
                (window->count - i) * sizeof *window->entries);
    }
}
