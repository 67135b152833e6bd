#include "lmdb/query.h"

/* An id; a number and an id; or more. */
static size_t suffix_len(enum tb_index index)
{
    size_t number_and_id = sizeof(int64_t) + sizeof(struct tb_id);
    return index == TB_INDEX_CREATED   ? sizeof(struct tb_id)
           : index == TB_INDEX_UPDATED ? TB_KEY_UPDATED_SUFFIX_BYTES
                                       : number_and_id;
}

int tb_merge_open_states(struct tb_lmdb_txn *txn, enum tb_index index, unsigned states,
                         enum tb_list_way way, struct tb_merge *merge)
{
    *merge = (struct tb_merge){.way = way};
    int rc = 0;
    for (int state = 0; state < TB_STATE_COUNT && rc == 0; state++) {
        if ((states & (1U << state)) == 0) {
            continue;
        }
        struct tb_key prefix;
        tb_key_start(&prefix, index);
        tb_key_add_byte(&prefix, (uint8_t)state);
        rc = tb_list_open(txn, tb_lmdb_index_db(index), &prefix, suffix_len(index),
                          &merge->lists[merge->count++]);
    }
    return rc;
}

int tb_merge_open_list(struct tb_lmdb_txn *txn, enum tb_lmdb_db db, const struct tb_key *prefix,
                       struct tb_merge *merge)
{
    *merge = (struct tb_merge){.way = TB_LIST_DOWN, .count = 1};
    return tb_list_open(txn, db, prefix, sizeof(struct tb_id), &merge->lists[0]);
}

void tb_merge_close(struct tb_merge *merge)
{
    for (size_t i = 0; i < merge->count; i++) {
        tb_list_close(&merge->lists[i]);
    }
    merge->count = 0;
    merge->front = NULL;
}

static bool comes_first(const struct tb_merge *merge, const struct tb_list *a,
                        const struct tb_list *b)
{
    int order = memcmp(tb_list_suffix(a), tb_list_suffix(b), a->suffix_len);
    return merge->way == TB_LIST_UP ? order < 0 : order > 0;
}

static void find_front(struct tb_merge *merge)
{
    merge->front = NULL;
    for (size_t i = 0; i < merge->count; i++) {
        struct tb_list *list = &merge->lists[i];
        if (list->on_entry && (merge->front == NULL || comes_first(merge, list, merge->front))) {
            merge->front = list;
        }
    }
}

int tb_merge_start(struct tb_merge *merge, const uint8_t *after)
{
    int rc = 0;
    for (size_t i = 0; i < merge->count && rc == 0; i++) {
        rc = tb_list_start(&merge->lists[i], merge->way, after);
    }
    find_front(merge);
    return rc;
}

int tb_merge_next(struct tb_merge *merge)
{
    int rc = tb_list_next(merge->front, merge->way);
    find_front(merge);
    return rc;
}

int tb_merge_sink(struct tb_merge *merge, const uint8_t *bound)
{
    int rc = 0;
    for (size_t i = 0; i < merge->count && rc == 0; i++) {
        rc = tb_list_sink(&merge->lists[i], bound);
    }
    find_front(merge);
    return rc;
}
