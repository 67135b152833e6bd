/* Ended attempts: records of their own behind their task's id. */
#include "lmdb/list.h"

struct attempt_key {
    uint8_t bytes[sizeof(struct tb_id) + 4];
};

static MDB_val key_of(struct attempt_key *key, struct tb_id task_id, uint32_t number)
{
    memcpy(key->bytes, task_id.bytes, sizeof task_id);
    tb_key_write_u32(key->bytes + sizeof task_id, number);
    return tb_mdb_val(key->bytes, sizeof key->bytes);
}

enum tb_err tb_lmdb_put_attempt(struct tb_txn *base, struct tb_id task_id,
                                const struct tb_attempt *attempt)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    struct attempt_key key;
    void *record = NULL;
    int rc = tb_lmdb_put(txn, TB_DB_ATTEMPT, key_of(&key, task_id, attempt->number),
                         tb_record_attempt_size(attempt), 0, &record);
    if (rc == 0) {
        tb_record_encode_attempt(attempt, record);
    }
    return tb_lmdb_write_err(txn->store, rc);
}

enum tb_err tb_lmdb_get_attempt(struct tb_txn *base, struct tb_id task_id, uint32_t number,
                                struct tb_attempt *attempt)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    struct attempt_key key;
    MDB_val key_val = key_of(&key, task_id, number);
    MDB_val value;
    int rc = mdb_get(txn->mdb, txn->store->dbis[TB_DB_ATTEMPT], &key_val, &value);
    if (rc != 0) {
        return tb_lmdb_err(rc);
    }
    struct tb_str record = tb_mdb_str(value);
    if (base->writable) { /* the next write may move it */
        record = tb_arena_dup(txn->arena, record);
    }
    struct tb_attempt got;
    enum tb_err err = tb_record_decode_attempt(record, &got);
    if (err == TB_OK && got.number != number) {
        err = TB_E_STORAGE_CORRUPT;
    }
    if (err == TB_OK) {
        *attempt = got;
    }
    return err;
}

enum tb_err tb_lmdb_delete_attempt(struct tb_txn *base, struct tb_id task_id, uint32_t number)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    struct attempt_key key;
    MDB_val key_val = key_of(&key, task_id, number);
    int rc = mdb_del(txn->mdb, txn->store->dbis[TB_DB_ATTEMPT], &key_val, NULL);
    txn->changed = txn->changed || rc == 0;
    return tb_lmdb_write_err(txn->store, rc == MDB_NOTFOUND ? 0 : rc);
}

enum tb_err tb_lmdb_visit_attempts(struct tb_txn *base, struct tb_id task_id,
                                   tb_visit_attempt *visit, void *ctx)
{
    struct tb_key prefix = {.len = 0};
    struct tb_list list;
    tb_key_add_id(&prefix, task_id);
    int rc = tb_list_open(tb_lmdb_txn_of(base), TB_DB_ATTEMPT, &prefix, sizeof(uint32_t), &list);
    if (rc == 0) {
        rc = tb_list_start(&list, TB_LIST_UP, NULL);
    }
    enum tb_err err = TB_OK;
    while (rc == 0 && list.on_entry) {
        struct tb_attempt attempt;
        err = tb_record_decode_attempt(tb_mdb_str(list.value), &attempt);
        if (err != TB_OK || visit(ctx, &attempt) == TB_VISIT_STOP) {
            break;
        }
        rc = tb_list_next(&list, TB_LIST_UP);
    }
    tb_list_close(&list);
    return rc != 0 ? tb_lmdb_err(rc) : err;
}
