#include "lmdb/query.h"

void tb_query_suffix(struct tb_position position, uint8_t suffix[TB_SUFFIX_BYTES_MAX])
{
    tb_key_write_i64(suffix, position.key);
    memcpy(suffix + sizeof position.key, position.id.bytes, sizeof position.id);
}

struct tb_position tb_query_position(const uint8_t suffix[TB_SUFFIX_BYTES_MAX])
{
    struct tb_position position = {.key = tb_key_read_i64(suffix)};
    memcpy(position.id.bytes, suffix + sizeof position.key, sizeof position.id);
    return position;
}

static enum tb_err walk(struct tb_query *query, struct tb_merge *merge)
{
    const struct tb_task_query *ask = query->ask;
    bool bounded = ask->order == TB_ORDER_UPDATED && ask->updated_since_ms != 0;
    enum tb_err err = TB_OK;
    int rc = 0;
    while (err == TB_OK && rc == 0 && merge->front != NULL) {
        struct tb_position at = tb_query_position(tb_list_suffix(merge->front));
        if (bounded && at.key < ask->updated_since_ms) {
            break;
        }
        err = tb_query_offer(query, at.id, false);
        if (err != TB_OK || query->stopped || tb_query_gives_up(query, at)) {
            break;
        }
        rc = tb_merge_next(merge);
    }
    return rc != 0 ? tb_lmdb_err(rc) : err;
}

enum tb_err tb_query_ordered(struct tb_query *query)
{
    const struct tb_task_query *ask = query->ask;
    bool latest_first = ask->order == TB_ORDER_UPDATED;
    struct tb_merge merge;
    int rc = tb_merge_open_states(query->txn, latest_first ? TB_INDEX_UPDATED : TB_INDEX_RANK,
                                  ask->states, latest_first ? TB_LIST_DOWN : TB_LIST_UP, &merge);
    if (rc == 0) {
        uint8_t after[TB_SUFFIX_BYTES_MAX];
        tb_query_suffix(ask->after, after);
        rc = tb_merge_start(&merge, ask->has_after ? after : NULL);
    }
    enum tb_err err = rc != 0 ? tb_lmdb_err(rc) : walk(query, &merge);
    tb_merge_close(&merge);
    return err;
}
