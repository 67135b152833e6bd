#include "lmdb/lmdb.h"

static MDB_val pauses_key(void)
{
    return tb_mdb_val("pauses", strlen("pauses"));
}

enum tb_err tb_lmdb_get_pauses(struct tb_txn *base, struct tb_str *json)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    MDB_val key = pauses_key();
    MDB_val value;
    int rc = mdb_get(txn->mdb, txn->store->dbis[TB_DB_META], &key, &value);
    if (rc != 0) {
        return tb_lmdb_err(rc);
    }
    enum tb_err err = tb_record_decode_wire(TB_RECORD_PAUSES, tb_mdb_str(value), json);
    if (err == TB_OK && base->writable) {
        *json = tb_arena_dup(txn->arena, *json);
    }
    return err;
}

enum tb_err tb_lmdb_put_pauses(struct tb_txn *base, struct tb_str json)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    void *record = NULL;
    int rc = tb_lmdb_put(txn, TB_DB_META, pauses_key(), tb_record_wire_size(json), 0, &record);
    if (rc == 0) {
        tb_record_encode_wire(TB_RECORD_PAUSES, json, record);
    }
    return tb_lmdb_write_err(txn->store, rc);
}
