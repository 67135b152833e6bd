#include "lmdb/lmdb.h"

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
    uint8_t head[sizeof source->head] = {0};
    size_t len = key->len - walk->prefix_len;
    memcpy(head, key->bytes + walk->prefix_len, len < sizeof head ? len : sizeof head);
    source->head = tb_key_read_u64(head);
}

/* In the order of the walk; of the same key the newer first. */
static bool comes_first(const struct tb_run_walk *walk, const struct tb_run_source *a,
                        const struct tb_run_source *b)
{
    if (a->head != b->head) {
        return (a->head < b->head) == (walk->way == TB_RUN_UP);
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

static void find_front(struct tb_run_walk *walk)
{
    walk->front = NULL;
    walk->second = NULL;
    for (size_t i = 0; i < walk->count; i++) {
        struct tb_run_source *source = &walk->sources[i];
        if (!source->on_entry) {
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

int tb_run_walk_seek(struct tb_run_walk *walk, const uint8_t *key, size_t len)
{
    int rc = 0;
    for (size_t i = 0; i < walk->count && rc == 0; i++) {
        rc = tb_run_source_seek(&walk->sources[i], walk->way, key, len);
        admit(walk, &walk->sources[i]);
    }
    find_front(walk);
    return rc;
}

int tb_run_walk_step(struct tb_run_walk *walk)
{
    int rc = tb_run_source_step(walk->front, walk->way);
    admit(walk, walk->front);
    /* Mostly several entries in a row come from one source. */
    if (rc != 0 || !walk->front->on_entry ||
        (walk->second != NULL && !comes_first(walk, walk->front, walk->second))) {
        find_front(walk);
    }
    return rc;
}

int tb_run_walk_sink(struct tb_run_walk *walk, const uint8_t *key, size_t len)
{
    int rc = 0;
    for (size_t i = 0; i < walk->count && rc == 0; i++) {
        struct tb_run_source *source = &walk->sources[i];
        const struct tb_key *at = &source->place.key;
        if (source->on_entry && tb_run_compare(at->bytes, at->len, key, len) > 0) {
            rc = tb_run_source_seek(source, TB_RUN_DOWN, key, len);
            admit(walk, source);
        }
    }
    find_front(walk);
    return rc;
}
