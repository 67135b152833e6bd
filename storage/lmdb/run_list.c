#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"
#include "lmdb/lmdb.h"

static bool has_ops(const struct tb_lmdb_txn *txn)
{
    return txn->base.writable && txn->store->ops.count > 0;
}

static void add_source(struct tb_run_list *list, struct tb_lmdb_txn *txn,
                       const struct tb_run_info *run, const struct tb_key *floor, size_t suffix_len)
{
    const struct tb_run_walk *walk = &list->walk;
    if (!tb_run_info_may_have(run, walk->prefix, walk->prefix_len)) {
        return;
    }
    struct tb_run_source *source = &list->sources[list->walk.count++];
    tb_run_source_init(source, txn, run->number);
    source->floor = floor;
    source->top = tb_run_info_top(run, walk->prefix_len > 0 ? walk->prefix[0] : 0, suffix_len);
}

/* Where the list lies to what a merge has taken: below 0 all of it was taken, above 0 nothing. */
static int side_of(const struct tb_run_list *list, const struct tb_key *taken)
{
    size_t len = list->walk.prefix_len < taken->len ? list->walk.prefix_len : taken->len;
    int order = memcmp(list->key.bytes, taken->bytes, len);
    return order != 0 ? order : taken->len < list->walk.prefix_len;
}

/* The inputs of a merge for what it has not taken, and its output for what it has; the count of the
 * inputs. */
static unsigned add_merge(struct tb_run_list *list, struct tb_lmdb_txn *txn,
                          const struct tb_run_merging *merge, unsigned at, size_t suffix_len)
{
    const struct tb_run_manifest *manifest = &txn->manifest;
    int side = merge->taken.len == 0 ? 1 : side_of(list, &merge->taken);
    for (unsigned i = at; i < at + merge->inputs && side >= 0; i++) {
        add_source(list, txn, &manifest->runs[i], side == 0 ? &merge->taken : NULL, suffix_len);
    }
    if (side <= 0 && merge->blocks > 0) {
        struct tb_run_info output = tb_run_manifest_output(manifest, merge, at);
        add_source(list, txn, &output, NULL, suffix_len);
    }
    return merge->inputs;
}

static struct tb_run_list *open_list(struct tb_lmdb_txn *txn, const uint8_t *prefix,
                                     size_t prefix_len, size_t suffix_len, bool with_ops, int *rc)
{
    *rc = tb_run_manifest_load(txn);
    if (*rc != 0) {
        return NULL;
    }
    const struct tb_run_manifest *manifest = &txn->manifest;
    size_t sources_max = 1 + manifest->count + TB_RUN_MERGES_MAX;
    struct tb_run_list *list = malloc(sizeof *list + sources_max * sizeof *list->sources);
    if (list == NULL) {
        tb_out_of_memory();
    }
    list->on_entry = false;
    memcpy(list->key.bytes, prefix, prefix_len);
    list->walk = (struct tb_run_walk){
        .prefix = list->key.bytes, .prefix_len = prefix_len, .sources = list->sources};
    if (with_ops) {
        tb_run_ops_sort(&txn->store->ops);
        tb_run_source_init(&list->sources[list->walk.count++], txn, 0);
    }
    for (unsigned i = 0; i < manifest->count;) {
        unsigned merge = manifest->runs[i].merge;
        if (merge != 0) {
            i += add_merge(list, txn, &manifest->merges[merge - 1], i, suffix_len);
        } else {
            add_source(list, txn, &manifest->runs[i++], NULL, suffix_len);
        }
    }
    return list;
}

struct tb_run_list *tb_run_list_open(struct tb_lmdb_txn *txn, const uint8_t *prefix,
                                     size_t prefix_len, size_t suffix_len, int *rc)
{
    return open_list(txn, prefix, prefix_len, suffix_len, has_ops(txn), rc);
}

struct tb_run_list *tb_run_list_open_stored(struct tb_lmdb_txn *txn, const uint8_t *prefix,
                                            size_t prefix_len, size_t suffix_len, int *rc)
{
    return open_list(txn, prefix, prefix_len, suffix_len, false, rc);
}

void tb_run_list_close(struct tb_run_list *list)
{
    free(list);
}

/* Moves every source that stands on the list's key past it. */
static int pass_key(struct tb_run_list *list)
{
    struct tb_run_walk *walk = &list->walk;
    int rc = 0;
    do {
        rc = tb_run_walk_step(walk);
    } while (rc == 0 && walk->front != NULL &&
             tb_run_same_key(&walk->front->place.key, &list->key));
    return rc;
}

/* From the walk's front on, to the first key whose newest entry is a put. */
static int settle(struct tb_run_list *list)
{
    const struct tb_run_walk *walk = &list->walk;
    int rc = 0;
    list->on_entry = false;
    while (rc == 0 && walk->front != NULL && !list->on_entry) {
        const struct tb_run_place *place = &walk->front->place;
        list->key.len = place->key.len;
        memcpy(list->key.bytes + walk->prefix_len, place->key.bytes + walk->prefix_len,
               place->key.len - walk->prefix_len);
        list->on_entry = place->put;
        rc = place->put ? 0 : pass_key(list);
    }
    return rc;
}

static size_t target(const struct tb_run_list *list, const uint8_t *suffix, size_t suffix_len,
                     uint8_t key[TB_KEY_BYTES_MAX])
{
    size_t prefix_len = list->walk.prefix_len;
    assert(prefix_len + suffix_len <= TB_KEY_BYTES_MAX);
    memcpy(key, list->key.bytes, prefix_len);
    if (suffix_len > 0) {
        memcpy(key + prefix_len, suffix, suffix_len);
    }
    return prefix_len + suffix_len;
}

int tb_run_list_seek(struct tb_run_list *list, enum tb_run_way way, const uint8_t *suffix,
                     size_t suffix_len)
{
    uint8_t key[TB_KEY_BYTES_MAX];
    size_t len = target(list, suffix, suffix_len, key);
    list->walk.way = way;
    int rc = tb_run_walk_seek(&list->walk, key, len);
    return rc != 0 ? rc : settle(list);
}

int tb_run_list_next(struct tb_run_list *list)
{
    assert(list->on_entry);
    int rc = pass_key(list);
    return rc != 0 ? rc : settle(list);
}

int tb_run_list_sink(struct tb_run_list *list, const uint8_t *bound, size_t bound_len)
{
    uint8_t key[TB_KEY_BYTES_MAX];
    size_t len = target(list, bound, bound_len, key);
    assert(list->walk.way == TB_RUN_DOWN);
    int rc = tb_run_walk_sink(&list->walk, key, len);
    return rc != 0 ? rc : settle(list);
}

int tb_run_list_rise(struct tb_run_list *list, const uint8_t *bound, size_t bound_len)
{
    uint8_t key[TB_KEY_BYTES_MAX];
    size_t len = target(list, bound, bound_len, key);
    assert(list->walk.way == TB_RUN_UP);
    int rc = tb_run_walk_rise(&list->walk, key, len);
    return rc != 0 ? rc : settle(list);
}
