#include "lmdb/lmdb.h"

/* A transaction that does more than this writes runs before its end. */
#define OPS_MAX (256U * 1024)

int tb_run_cursor(struct tb_lmdb_txn *txn, MDB_cursor **cursor)
{
    int rc = 0;
    if (txn->runs == NULL) {
        rc = mdb_cursor_open(txn->mdb, txn->store->dbis[TB_DB_RUN], &txn->runs);
    } else if (txn->runs_stale) {
        rc = mdb_cursor_renew(txn->mdb, txn->runs);
    }
    txn->runs_stale = txn->runs_stale && rc != 0;
    *cursor = txn->runs;
    return rc;
}

int tb_run_store_block(struct tb_lmdb_txn *txn, struct tb_run_builder *builder, bool append)
{
    struct tb_run_block_key name;
    MDB_cursor *cursor = NULL;
    size_t size = tb_run_builder_finish(builder);
    tb_run_block_key(&name, builder->number, builder->first.bytes, builder->first.len);
    MDB_val key = tb_mdb_val(name.bytes, name.len);
    MDB_val block = tb_mdb_val(builder->block, size);
    txn->changed = true;
    int rc = tb_run_cursor(txn, &cursor);
    return rc != 0 ? rc : mdb_cursor_put(cursor, &key, &block, append ? MDB_APPEND : 0);
}

/* Writes the sorted ops as a run of level 0. */
static int write_run(struct tb_lmdb_txn *txn)
{
    const struct tb_run_ops *ops = &txn->store->ops;
    struct tb_run_builder *builder = &txn->store->builder;
    struct tb_run_info run = {.number = txn->manifest.next};
    int rc = 0;
    tb_run_builder_start(builder, run.number, tb_run_block_pages(txn));
    for (size_t i = 0; i < ops->count && rc == 0; i++) {
        const struct tb_run_op *op = &ops->ops[i];
        if (op->first_put != op->last_put) {
            continue; /* it is as it was before */
        }
        if (tb_run_builder_is_full(builder, op->len)) {
            rc = tb_run_store_block(txn, builder, true);
            run.blocks++;
            tb_run_builder_start(builder, run.number, builder->pages_max);
        }
        if (rc == 0) {
            (void)tb_run_builder_add(builder, tb_run_op_key(ops, i), op->len, op->last_put);
            tb_run_info_add(&run, tb_run_op_key(ops, i), op->len);
            run.entries++;
            run.drops += op->last_put ? 0 : 1;
        }
    }
    if (rc == 0 && builder->total > 0) {
        rc = tb_run_store_block(txn, builder, true);
        run.blocks++;
    }
    if (rc == 0 && run.blocks > 0) {
        txn->manifest.next++;
        tb_run_manifest_add(&txn->manifest, run);
    }
    return rc;
}

/* Changes with each bit of work that merges do. */
static uint64_t progress_of(const struct tb_run_manifest *manifest)
{
    uint64_t progress = manifest->next;
    for (unsigned i = 0; i < TB_RUN_MERGES_MAX; i++) {
        progress += manifest->merges[i].entries - manifest->merges[i].left;
    }
    return progress - manifest->count;
}

/* As long as there are too many runs for one more, merges go on, whatever it takes. */
static int make_place(struct tb_lmdb_txn *txn)
{
    int rc = 0;
    bool goes_on = true;
    while (rc == 0 && goes_on && txn->manifest.count >= TB_RUN_COUNT_MAX) {
        uint64_t before = progress_of(&txn->manifest);
        rc = tb_run_work(txn, 0);
        goes_on = progress_of(&txn->manifest) != before;
    }
    return rc == 0 && txn->manifest.count >= TB_RUN_COUNT_MAX ? MDB_MAP_FULL : rc;
}

int tb_run_flush(struct tb_lmdb_txn *txn)
{
    struct tb_run_ops *ops = &txn->store->ops;
    if (ops->count == 0) {
        return 0;
    }
    int rc = tb_run_manifest_load(txn);
    if (rc == 0) {
        rc = make_place(txn);
    }
    if (rc == 0) {
        tb_run_ops_sort(ops);
        rc = write_run(txn);
    }
    if (rc == 0) {
        rc = tb_run_work(txn, ops->count);
    }
    tb_run_ops_forget(ops);
    return rc != 0 ? rc : tb_run_manifest_save(txn);
}

static int add_op(struct tb_lmdb_txn *txn, const struct tb_key *key, bool put)
{
    txn->changed = true;
    tb_run_ops_add(&txn->store->ops, key, put);
    return txn->store->ops.count < OPS_MAX ? 0 : tb_run_flush(txn);
}

int tb_run_put(struct tb_lmdb_txn *txn, const struct tb_key *key)
{
    return add_op(txn, key, true);
}

int tb_run_drop(struct tb_lmdb_txn *txn, const struct tb_key *key)
{
    return add_op(txn, key, false);
}
