/* A little hash table from unique keys to tasks. It only ever grows: an id in a bucket is a
 * candidate, to be compared with the task as the asking transaction sees it. */
#include <stdlib.h>

#include "memory/memory.h"

enum { BUCKETS = 4096 };

static size_t bucket_of(struct tb_str unique_key)
{
    uint32_t hash = 2166136261U; /* FNV-1a */
    for (size_t i = 0; i < unique_key.len; i++) {
        hash = (hash ^ (uint8_t)unique_key.ptr[i]) * 16777619U;
    }
    return hash % BUCKETS;
}

void tb_memory_unique_fini(struct tb_memory_store *store)
{
    for (size_t i = 0; store->unique != NULL && i < BUCKETS; i++) {
        free(store->unique[i].ids);
    }
    free(store->unique);
}

static bool holds(const struct tb_id_list *list, struct tb_id id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (tb_id_cmp(list->ids[i], id) == 0) {
            return true;
        }
    }
    return false;
}

void tb_memory_unique_add(struct tb_memory_store *store, struct tb_str unique_key, struct tb_id id)
{
    if (store->unique == NULL) {
        store->unique = calloc(BUCKETS, sizeof *store->unique);
    }
    struct tb_id_list *list = store->unique == NULL ? NULL : &store->unique[bucket_of(unique_key)];
    if (list == NULL) {
        abort();
    }
    if (holds(list, id)) {
        return;
    }
    list->ids = realloc(list->ids, (list->count + 1) * sizeof *list->ids);
    if (list->ids == NULL) {
        abort();
    }
    list->ids[list->count++] = id;
}

struct tb_id_list tb_memory_unique_candidates(const struct tb_memory_store *store,
                                              struct tb_str unique_key)
{
    return store->unique == NULL ? (struct tb_id_list){.ids = NULL}
                                 : store->unique[bucket_of(unique_key)];
}
