#include <assert.h>

#include "lmdb/lmdb.h"
#include "taskboard/limits.h"

enum tb_err tb_lmdb_peek_task(struct tb_lmdb_txn *txn, struct tb_id id, struct tb_task *task)
{
    MDB_val key = tb_mdb_val(id.bytes, sizeof id.bytes);
    MDB_val value;
    int rc = mdb_get(txn->mdb, txn->store->dbis[TB_DB_TASK], &key, &value);
    if (rc != 0) {
        return tb_lmdb_err(rc);
    }
    struct tb_task found;
    enum tb_err err = tb_record_decode_task(tb_mdb_str(value), &found);
    if (err == TB_OK && tb_id_cmp(found.id, id) != 0) {
        err = TB_E_STORAGE_CORRUPT;
    }
    if (err == TB_OK) {
        *task = found;
    }
    return err;
}

/* In a write transaction the next write may move the record's page: what is handed out is a copy.
 */
enum tb_err tb_lmdb_get_task(struct tb_txn *base, struct tb_id id, struct tb_task *task)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    enum tb_err err = tb_lmdb_peek_task(txn, id, task);
    if (err != TB_OK || !base->writable) {
        return err;
    }
    struct tb_str wire = tb_arena_dup(txn->arena, task->wire);
    for (size_t i = 0; i < TB_TASK_STRING_COUNT; i++) {
        if (task->strings[i].ptr != NULL) {
            task->strings[i].ptr = wire.ptr + (task->strings[i].ptr - task->wire.ptr);
        }
    }
    task->wire = wire;
    return TB_OK;
}

enum tb_err tb_lmdb_put_task(struct tb_txn *base, const struct tb_task *old,
                             const struct tb_task *task)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    bool grows = old == NULL || task->wire.len > old->wire.len + TB_NAME_BYTES_MAX;
    if (grows && !txn->may_grow) {
        return TB_E_STORAGE_FULL;
    }
    void *record = NULL;
    MDB_val key = tb_mdb_val(task->id.bytes, sizeof task->id.bytes);
    int rc = tb_lmdb_put(txn, TB_DB_TASK, key, tb_record_task_size(task),
                         old == NULL ? MDB_APPEND | MDB_NOOVERWRITE : 0, &record);
    assert(rc != MDB_KEYEXIST); /* a new task with the id of another */
    if (rc == 0) {
        tb_record_encode_task(task, record);
        tb_head_note_change(&txn->head, old, task);
        rc = tb_lmdb_index_change(txn, old, task);
    }
    return tb_lmdb_write_err(txn->store, rc);
}

enum tb_err tb_lmdb_delete_task(struct tb_txn *base, const struct tb_task *old)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    txn->deletes++;
    MDB_val key = tb_mdb_val(old->id.bytes, sizeof old->id.bytes);
    int rc = mdb_del(txn->mdb, txn->store->dbis[TB_DB_TASK], &key, NULL);
    assert(rc != MDB_NOTFOUND); /* it was read in this transaction */
    if (rc == 0) {
        tb_head_note_change(&txn->head, old, NULL);
        rc = tb_lmdb_index_change(txn, old, NULL);
    }
    if (rc == 0) {
        rc = tb_lmdb_delete_attached(txn, old->id);
    }
    return tb_lmdb_write_err(txn->store, rc);
}
