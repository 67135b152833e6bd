#include "lmdb/log.h"

#include <stdlib.h>

#include "base/memory.h"

int tb_log_open(struct tb_lmdb_txn *txn, struct tb_log *log)
{
    const struct tb_block_maker *coming = &txn->store->events;
    *log = (struct tb_log){.cursor = NULL};
    if (txn->base.writable && coming->count > 0) {
        size_t size = tb_block_maker_size(coming);
        log->image = malloc(size);
        if (log->image == NULL) {
            tb_out_of_memory();
        }
        tb_block_maker_fill(coming, log->image);
        log->coming = (struct tb_block){
            .first = coming->first, .count = coming->count, .bytes = {size, log->image}};
    }
    return mdb_cursor_open(txn->mdb, txn->store->dbis[TB_DB_EVENT], &log->cursor);
}

void tb_log_close(struct tb_log *log)
{
    if (log->cursor != NULL) {
        mdb_cursor_close(log->cursor);
    }
    free(log->image);
}

enum tb_err tb_event_of_block(const struct tb_block *block, uint32_t index, struct tb_event *event)
{
    struct tb_str record;
    int rc = tb_block_record(block, index, &record);
    if (rc != 0) {
        return tb_lmdb_err(rc);
    }
    enum tb_err err = tb_record_decode_event(record, event);
    return err == TB_OK && event->seq != block->first + index ? TB_E_STORAGE_CORRUPT : err;
}

static enum tb_err visit_block(const struct tb_block *block, uint64_t since, tb_visit_event *visit,
                               void *ctx, bool *stopped)
{
    enum tb_err err = TB_OK;
    uint64_t index = since >= block->first ? since + 1 - block->first : 0;
    for (; index < block->count && err == TB_OK && !*stopped; index++) {
        struct tb_event event;
        err = tb_event_of_block(block, (uint32_t)index, &event);
        *stopped = err == TB_OK && visit(ctx, &event) == TB_VISIT_STOP;
    }
    return err;
}

enum tb_err tb_log_visit(struct tb_log *log, uint64_t since, tb_visit_event *visit, void *ctx)
{
    struct tb_block block;
    bool stopped = since == UINT64_MAX;
    enum tb_err err = TB_OK;
    int rc = stopped ? 0 : tb_block_find(log->cursor, since + 1, &block);
    while (rc == 0 && err == TB_OK && !stopped) {
        MDB_val key;
        MDB_val value;
        err = visit_block(&block, since, visit, ctx, &stopped);
        if (err == TB_OK && !stopped) {
            rc = mdb_cursor_get(log->cursor, &key, &value, MDB_NEXT);
            rc = rc != 0 ? rc : tb_block_open(key, value, &block);
        }
    }
    if (rc != 0 && rc != MDB_NOTFOUND) {
        return tb_lmdb_err(rc);
    }
    return err == TB_OK && !stopped ? visit_block(&log->coming, since, visit, ctx, &stopped) : err;
}

enum tb_err tb_log_get(const struct tb_log *log, uint64_t seq, struct tb_event *event)
{
    struct tb_block block = log->coming;
    int rc = 0;
    if (!tb_block_holds(&block, seq)) {
        rc = tb_block_find(log->cursor, seq, &block);
    }
    if (rc == 0 && !tb_block_holds(&block, seq)) {
        rc = MDB_NOTFOUND;
    }
    return rc != 0 ? tb_lmdb_must_exist(tb_lmdb_err(rc))
                   : tb_event_of_block(&block, (uint32_t)(seq - block.first), event);
}
