#include "lmdb/lmdb.h"

/* The first bytes behind the prefix, as a number: they settle most comparisons. */
static uint64_t head_of(const struct tb_run_walk *walk, const uint8_t *key, size_t key_len)
{
    uint8_t head[sizeof(uint64_t)] = {0};
    size_t len = key_len - walk->prefix_len;
    memcpy(head, key + walk->prefix_len, len < sizeof head ? len : sizeof head);
    return tb_key_read_u64(head);
}

/* Whether the source still stands within the prefix; takes the head of what comes behind it. */
static void admit(const struct tb_run_walk *walk, struct tb_run_source *source)
{
    if (!source->on_entry) {
        return;
    }
    const struct tb_key *key = &source->place.key;
    if (walk->prefix_len > 0 && !tb_run_begins_with(key, walk->prefix, walk->prefix_len)) {
        source->on_entry = false;
        return;
    }
    source->head = head_of(walk, key->bytes, key->len);
}

static bool is_there(const struct tb_run_source *source)
{
    return source->on_entry || source->waits;
}

/* In the order of the walk; of the same key the newer first. A source that waits may turn out to
 * stand anywhere below its head: it comes before all that it might come before. */
static bool comes_first(const struct tb_run_walk *walk, const struct tb_run_source *a,
                        const struct tb_run_source *b)
{
    if (a->head != b->head) {
        return (a->head < b->head) == (walk->way == TB_RUN_UP);
    }
    if (a->waits || b->waits) {
        return a->waits;
    }
    const struct tb_key *x = &a->place.key;
    const struct tb_key *y = &b->place.key;
    size_t from = walk->prefix_len;
    int order = tb_run_compare(x->bytes + from, x->len - from, y->bytes + from, y->len - from);
    if (order == 0) {
        return a < b;
    }
    return (order < 0) == (walk->way == TB_RUN_UP);
}

static void find_foremost(struct tb_run_walk *walk)
{
    walk->front = NULL;
    walk->second = NULL;
    for (size_t i = 0; i < walk->count; i++) {
        struct tb_run_source *source = &walk->sources[i];
        if (!is_there(source)) {
            continue;
        }
        if (walk->front == NULL || comes_first(walk, source, walk->front)) {
            walk->second = walk->front;
            walk->front = source;
        } else if (walk->second == NULL || comes_first(walk, source, walk->second)) {
            walk->second = source;
        }
    }
}

/* Looks for the last entry of a source that waits: not above its head nor above the bound. */
static int stop_waiting(const struct tb_run_walk *walk, struct tb_run_source *source)
{
    const struct tb_key *bound = &walk->bound;
    uint8_t top[TB_KEY_BYTES_MAX];
    const uint8_t *from = bound->bytes;
    if (source->head < walk->bound_head) {
        from = top;
        memset(top, 0xff, bound->len);
        memcpy(top, walk->prefix, walk->prefix_len);
        tb_key_write_u64(top + walk->prefix_len, source->head);
    }
    source->waits = false;
    int rc = tb_run_source_seek(source, TB_RUN_DOWN, from, bound->len);
    admit(walk, source);
    return rc;
}

static int find_front(struct tb_run_walk *walk)
{
    int rc = 0;
    find_foremost(walk);
    while (rc == 0 && walk->front != NULL && walk->front->waits) {
        rc = stop_waiting(walk, walk->front);
        find_foremost(walk);
    }
    return rc;
}

static void set_bound(struct tb_run_walk *walk, const uint8_t *key, size_t len)
{
    walk->bound.len = len;
    memcpy(walk->bound.bytes, key, len);
    walk->bound_head = head_of(walk, key, len);
}

int tb_run_walk_seek(struct tb_run_walk *walk, const uint8_t *key, size_t len)
{
    int rc = 0;
    set_bound(walk, key, len);
    for (size_t i = 0; i < walk->count && rc == 0; i++) {
        struct tb_run_source *source = &walk->sources[i];
        source->waits = walk->way == TB_RUN_DOWN && source->top < walk->bound_head;
        if (source->waits) {
            source->head = source->top;
            source->on_entry = false;
        } else {
            rc = tb_run_source_seek(source, walk->way, key, len);
            admit(walk, source);
        }
    }
    return rc != 0 ? rc : find_front(walk);
}

int tb_run_walk_step(struct tb_run_walk *walk)
{
    int rc = tb_run_source_step(walk->front, walk->way);
    admit(walk, walk->front);
    /* Mostly several entries in a row come from one source. */
    if (rc == 0 && (!walk->front->on_entry ||
                    (walk->second != NULL && !comes_first(walk, walk->front, walk->second)))) {
        rc = find_front(walk);
    }
    return rc;
}

int tb_run_walk_sink(struct tb_run_walk *walk, const uint8_t *key, size_t len)
{
    int rc = 0;
    set_bound(walk, key, len);
    for (size_t i = 0; i < walk->count && rc == 0; i++) {
        struct tb_run_source *source = &walk->sources[i];
        const struct tb_key *at = &source->place.key;
        if (source->waits) {
            source->head = source->head < walk->bound_head ? source->head : walk->bound_head;
        } else if (source->on_entry && tb_run_compare(at->bytes, at->len, key, len) > 0) {
            rc = tb_run_source_seek(source, TB_RUN_DOWN, key, len);
            admit(walk, source);
        }
    }
    return rc != 0 ? rc : find_front(walk);
}

int tb_run_walk_rise(struct tb_run_walk *walk, const uint8_t *key, size_t len)
{
    int rc = 0;
    for (size_t i = 0; i < walk->count && rc == 0; i++) {
        struct tb_run_source *source = &walk->sources[i];
        const struct tb_key *at = &source->place.key;
        if (source->on_entry && tb_run_compare(at->bytes, at->len, key, len) < 0) {
            rc = tb_run_source_seek(source, TB_RUN_UP, key, len);
            admit(walk, source);
        }
    }
    return rc != 0 ? rc : find_front(walk);
}
