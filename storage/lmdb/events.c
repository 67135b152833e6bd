/* The event log, writing: blocks of records (block.h), one or a few a commit, in the `event`
 * database; a record's number is its event's seq. Entries in the runs find the events of a task
 * (EVENT), of the feed (FEED), and of the feed by agent (FEED_AGENT). The oldest leave from the
 * left edge, whole blocks with their entries. */
#include "lmdb/lmdb.h"
#include "lmdb/log.h"

int tb_events_flush(struct tb_lmdb_txn *txn)
{
    struct tb_block_maker *coming = &txn->store->events;
    if (coming->count == 0) {
        return 0;
    }
    uint8_t seq[8];
    tb_key_write_u64(seq, coming->first);
    void *block = NULL;
    int rc = tb_lmdb_put(txn, TB_DB_EVENT, tb_mdb_val(seq, sizeof seq), tb_block_maker_size(coming),
                         MDB_APPEND, &block);
    if (rc == 0) {
        tb_block_maker_fill(coming, block);
    }
    tb_block_maker_forget(coming);
    return rc;
}

/* A block holds what is left of consecutive seqs and, when room is scarce, one event. */
static int gather(struct tb_lmdb_txn *txn, const struct tb_event *event)
{
    struct tb_block_maker *coming = &txn->store->events;
    int rc = 0;
    if (coming->count > 0 && (event->seq != coming->first + coming->count ||
                              coming->used >= TB_BLOCK_BYTES_MAX || tb_lmdb_is_tight(txn))) {
        rc = tb_events_flush(txn);
    }
    if (rc == 0) {
        txn->changed = true;
        size_t size = tb_record_event_size(event);
        tb_record_encode_event(event, tb_block_maker_add(coming, event->seq, size));
    }
    return rc;
}

/* --- index entries --- */

int tb_event_entries(struct tb_lmdb_txn *txn, const struct tb_event *event, tb_change_entry *change)
{
    struct tb_key key;
    int rc = 0;
    if (!tb_id_is_zero(event->task_id)) {
        tb_key_start(&key, TB_INDEX_EVENT);
        tb_key_add_id(&key, event->task_id);
        tb_key_add_u64(&key, event->seq);
        rc = change(txn, &key);
    }
    if (rc != 0 || !tb_event_is_of_feed(event->type)) {
        return rc;
    }
    tb_key_start(&key, TB_INDEX_FEED);
    tb_key_add_u64(&key, event->seq);
    rc = change(txn, &key);
    if (rc == 0 && event->actor.ptr != NULL) {
        tb_key_start(&key, TB_INDEX_FEED_AGENT);
        tb_key_add_text(&key, event->actor);
        tb_key_add_u64(&key, event->seq);
        rc = change(txn, &key);
    }
    return rc;
}

/* What others do is told of even when room is scarce; news that nobody needs are refused then. */
enum tb_err tb_lmdb_append_event(struct tb_txn *base, const struct tb_event *event)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    if (tb_event_is_of_feed(event->type) && !txn->may_grow) {
        return TB_E_STORAGE_FULL;
    }
    int rc = gather(txn, event);
    rc = rc != 0 ? rc : tb_event_entries(txn, event, tb_run_put);
    return tb_lmdb_write_err(txn->store, rc);
}

/* --- dropping --- */

static enum tb_err drop_entries(struct tb_lmdb_txn *txn, const struct tb_block *block)
{
    enum tb_err err = TB_OK;
    for (uint32_t i = 0; i < block->count && err == TB_OK; i++) {
        struct tb_event event;
        err = tb_event_of_block(block, i, &event);
        if (err == TB_OK) {
            err = tb_lmdb_write_err(txn->store, tb_event_entries(txn, &event, tb_run_drop));
        }
    }
    return err;
}

/* Drops the first block if it ends at or before `seq`; `*count` of events that it had, or 0. */
static enum tb_err drop_first(struct tb_lmdb_txn *txn, MDB_cursor *cursor, uint64_t seq,
                              uint32_t *count)
{
    struct tb_block block;
    MDB_val key;
    MDB_val value;
    *count = 0;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    if (rc == MDB_NOTFOUND) {
        return TB_OK;
    }
    rc = rc != 0 ? rc : tb_block_open(key, value, &block);
    if (rc != 0) {
        return tb_lmdb_err(rc);
    }
    if (block.first + block.count - 1 > seq) {
        return TB_OK;
    }
    enum tb_err err = drop_entries(txn, &block);
    if (err == TB_OK) {
        txn->changed = true;
        txn->dropped_bytes += value.mv_size;
        txn->head.oldest_seq = block.first + block.count;
        *count = block.count;
        err = tb_lmdb_write_err(txn->store, mdb_cursor_del(cursor, 0));
    }
    return err;
}

/* Those of this transaction stay in any case: their commit is not whole yet. */
enum tb_err tb_lmdb_drop_events(struct tb_txn *base, uint64_t seq, uint32_t max)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    uint64_t last = seq < txn->seq_before ? seq : txn->seq_before;
    MDB_cursor *cursor = NULL;
    if (last < txn->head.oldest_seq || max == 0) {
        return TB_OK;
    }
    int rc = mdb_cursor_open(txn->mdb, txn->store->dbis[TB_DB_EVENT], &cursor);
    if (rc != 0) {
        return tb_lmdb_err(rc);
    }
    enum tb_err err = TB_OK;
    uint32_t dropped = 0;
    uint32_t count = 0;
    do {
        err = drop_first(txn, cursor, last, &count);
        dropped += count;
    } while (err == TB_OK && count > 0 && dropped < max);
    mdb_cursor_close(cursor);
    return err;
}
