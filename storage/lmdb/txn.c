#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"
#include "lmdb/names.h"

/* Each of them takes a fraction of a microsecond, a commit many of them. */
#define RENEWALS_MAX 1000

static enum tb_err read_head(struct tb_lmdb_txn *txn)
{
    MDB_val key = tb_mdb_val("head", strlen("head"));
    MDB_val value;
    int rc = mdb_get(txn->mdb, txn->store->dbis[TB_DB_META], &key, &value);
    if (rc != 0) {
        return tb_lmdb_must_exist(tb_lmdb_err(rc));
    }
    return tb_record_decode_head(tb_mdb_str(value), &txn->head);
}

static void start(struct tb_lmdb_txn *txn, struct tb_lmdb_store *store, struct tb_arena *arena,
                  bool writable)
{
    txn->base = (struct tb_txn){.ops = store->base.ops, .head = &txn->head, .writable = writable};
    txn->store = store;
    txn->arena = arena;
    txn->runs_stale = txn->runs != NULL;
}

/* --- the write transaction --- */

enum tb_err tb_lmdb_write_begin(struct tb_store *base, struct tb_arena *arena, struct tb_txn **out)
{
    struct tb_lmdb_store *store = (struct tb_lmdb_store *)base;
    struct tb_lmdb_txn *txn = &store->write;
    assert(txn->base.ops == NULL); /* one at a time */
    if (store->has_failed) {
        return TB_E_STORAGE_FAILED;
    }
    MDB_txn *mdb = NULL;
    int rc = mdb_txn_begin(store->env, NULL, 0, &mdb);
    if (rc != 0) {
        return tb_lmdb_err(rc);
    }
    *txn = (struct tb_lmdb_txn){.mdb = mdb};
    start(txn, store, arena, true);
    enum tb_err err = read_head(txn);
    if (err != TB_OK) {
        tb_lmdb_write_abort(&txn->base);
        return err;
    }
    tb_fronts_begin(store->fronts, mdb_txn_id(mdb));
    tb_record_encode_head(&txn->head, txn->head_before);
    txn->seq_before = txn->head.seq;
    tb_lmdb_look_for_room(txn);
    *out = &txn->base;
    return TB_OK;
}

static void forget(struct tb_lmdb_txn *txn)
{
    tb_run_ops_forget(&txn->store->ops);
    tb_block_maker_forget(&txn->store->events);
    tb_block_maker_forget(&txn->store->answers);
}

static bool has_changes(const struct tb_lmdb_txn *txn)
{
    return txn->changed || txn->puts + txn->deletes > 0 || txn->store->ops.count > 0 ||
           txn->store->events.count > 0 || txn->store->answers.count > 0;
}

void tb_lmdb_write_abort(struct tb_txn *base)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    if (has_changes(txn)) {
        tb_fronts_abort(txn->store->fronts);
        tb_heads_forget(txn->store->heads);
    } else {
        tb_fronts_publish(txn->store->fronts, mdb_txn_id(txn->mdb) - 1);
    }
    tb_names_end(txn->store->names, false);
    forget(txn);
    mdb_txn_abort(txn->mdb);
    txn->base.ops = NULL;
}

static int put_head(struct tb_lmdb_txn *txn, const uint8_t head[TB_RECORD_HEAD_BYTES])
{
    MDB_val key = tb_mdb_val("head", strlen("head"));
    MDB_val value = tb_mdb_val(head, TB_RECORD_HEAD_BYTES);
    return mdb_put(txn->mdb, txn->store->dbis[TB_DB_META], &key, &value, 0);
}

/* Writes what was gathered in memory so far. */
static int flush(struct tb_lmdb_txn *txn)
{
    int rc = tb_events_flush(txn);
    if (rc == 0) {
        rc = tb_answers_flush(txn);
    }
    if (rc == 0) {
        rc = tb_names_flush(txn);
    }
    if (rc == 0) {
        rc = tb_run_flush(txn);
    }
    return rc != 0 ? rc : tb_lmdb_leave_room(txn);
}

/* Only now may others begin where this transaction's walks found a front. */
static int commit(struct tb_lmdb_txn *txn)
{
    uint64_t number = mdb_txn_id(txn->mdb);
    int rc = mdb_txn_commit(txn->mdb);
    if (rc == 0) {
        atomic_store(&txn->store->committed, number);
        tb_fronts_publish(txn->store->fronts, number);
    } else {
        tb_fronts_abort(txn->store->fronts);
        tb_heads_forget(txn->store->heads);
    }
    tb_names_end(txn->store->names, rc == 0);
    forget(txn);
    txn->base.ops = NULL;
    return rc;
}

enum tb_err tb_lmdb_write_commit(struct tb_txn *base)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    uint8_t head[TB_RECORD_HEAD_BYTES];
    tb_record_encode_head(&txn->head, head);
    if (!has_changes(txn) && memcmp(head, txn->head_before, sizeof head) == 0) {
        tb_lmdb_write_abort(base); /* nothing to make durable */
        return TB_OK;
    }
    int rc = put_head(txn, head);
    rc = rc != 0 ? rc : flush(txn);
    if (rc != 0) {
        tb_lmdb_write_abort(base);
    } else {
        rc = commit(txn);
    }
    enum tb_err err = tb_lmdb_write_err(txn->store, rc);
    if (tb_lmdb_is_failure(txn->store, err, rc)) {
        txn->store->has_failed = true;
        return TB_E_STORAGE_FAILED;
    }
    tb_lmdb_note_commit(txn->store, err);
    return err;
}

int tb_lmdb_put(struct tb_lmdb_txn *txn, enum tb_lmdb_db db, MDB_val key, size_t size,
                unsigned flags, void **record)
{
    txn->puts++;
    MDB_val value = tb_mdb_val(NULL, size);
    int rc = mdb_put(txn->mdb, txn->store->dbis[db], &key, &value, flags | MDB_RESERVE);
    if (rc == MDB_KEYEXIST && (flags & MDB_APPEND) != 0) { /* not the last: anywhere else */
        value = tb_mdb_val(NULL, size);
        rc = mdb_put(txn->mdb, txn->store->dbis[db], &key, &value,
                     (flags & ~(unsigned)MDB_APPEND) | MDB_RESERVE);
    }
    *record = value.mv_data;
    return rc;
}

/* --- snapshots --- */

enum tb_err tb_lmdb_reader_new(struct tb_store *base, struct tb_reader **out)
{
    struct tb_lmdb_store *store = (struct tb_lmdb_store *)base;
    struct tb_lmdb_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        tb_out_of_memory();
    }
    reader->base.ops = store->base.ops;
    reader->txn.store = store;
    int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &reader->txn.mdb);
    if (rc == MDB_PANIC) {
        rc = tb_lmdb_read_on(reader);
    }
    if (rc != 0) {
        free(reader);
        return tb_lmdb_err(rc);
    }
    mdb_txn_reset(reader->txn.mdb); /* keeps the slot in the table of readers */
    *out = &reader->base;
    return TB_OK;
}

void tb_lmdb_reader_free(struct tb_reader *base)
{
    struct tb_lmdb_reader *reader = (struct tb_lmdb_reader *)base;
    assert(reader->txn.base.ops == NULL);
    tb_lmdb_reader_close(reader);
    free(reader);
}

/* LMDB gives a reader the number of the last commit, then the root in that commit's place. There are
 * two places, so if the reader is held up in between, the next commit but one may have come to that
 * one: its root is then copied while it is written, or is not synced yet, and goes by a number that
 * is not its own. For that, the commit between them has to be over before. So a snapshot is begun
 * anew when one has been since. */
static int renew(struct tb_lmdb_txn *txn)
{
    for (int i = 0; i < RENEWALS_MAX; i++) {
        int rc = mdb_txn_renew(txn->mdb);
        if (rc != 0) {
            return rc;
        }
        atomic_thread_fence(memory_order_acquire);
        if (mdb_txn_id(txn->mdb) >= atomic_load(&txn->store->committed)) {
            return 0;
        }
        mdb_txn_reset(txn->mdb);
    }
    return EBUSY;
}

enum tb_err tb_lmdb_read_begin(struct tb_reader *base, struct tb_arena *arena, struct tb_txn **out)
{
    struct tb_lmdb_reader *reader = (struct tb_lmdb_reader *)base;
    struct tb_lmdb_txn *txn = &reader->txn;
    assert(txn->base.ops == NULL); /* one snapshot at a time */
    int rc = renew(txn);
    if (rc == MDB_PANIC) {
        rc = tb_lmdb_read_on(reader);
    }
    if (rc != 0) {
        return tb_lmdb_err(rc);
    }
    start(txn, txn->store, arena, false);
    if (reader->known != mdb_txn_id(txn->mdb)) {
        reader->known = 0;
        txn->manifest.loaded = false;
        enum tb_err err = read_head(txn);
        if (err != TB_OK) {
            tb_lmdb_read_end(&txn->base);
            return err;
        }
        reader->known = mdb_txn_id(txn->mdb);
    }
    *out = &txn->base;
    return TB_OK;
}

void tb_lmdb_read_end(struct tb_txn *base)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    mdb_txn_reset(txn->mdb);
    txn->base.ops = NULL;
}

struct tb_arena *tb_lmdb_swap_arena(struct tb_txn *base, struct tb_arena *arena)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    struct tb_arena *previous = txn->arena;
    txn->arena = arena;
    return previous;
}
