/* Tokens, links and sessions.
 *
 *   credential  id (16 bytes) → credential record */
#include <assert.h>

#include "lmdb/list.h"

/* An older store that is only looked at. */
static bool has_none(const struct tb_lmdb_txn *txn)
{
    return txn->store->dbis[TB_DB_CREDENTIAL] == TB_LMDB_NO_DBI;
}

static MDB_val key_of(const struct tb_id *id)
{
    return tb_mdb_val(id->bytes, sizeof id->bytes);
}

enum tb_err tb_lmdb_decode_credential(MDB_val key, MDB_val record, struct tb_credential *credential)
{
    struct tb_credential found;
    enum tb_err err = tb_record_decode_credential(tb_mdb_str(record), &found);
    if (err == TB_OK && (key.mv_size != sizeof found.id ||
                         memcmp(key.mv_data, found.id.bytes, sizeof found.id) != 0)) {
        err = TB_E_STORAGE_CORRUPT;
    }
    if (err == TB_OK) {
        *credential = found;
    }
    return err;
}

/* In a write transaction the next write may move the record's page. */
static void keep(struct tb_lmdb_txn *txn, struct tb_credential *credential)
{
    if (!txn->base.writable) {
        return;
    }
    struct tb_str wire = tb_arena_dup(txn->arena, credential->wire);
    for (size_t i = 0; i < TB_CREDENTIAL_STRING_COUNT; i++) {
        struct tb_str *string = &credential->strings[i];
        if (string->ptr != NULL) {
            string->ptr = wire.ptr + (string->ptr - credential->wire.ptr);
        }
    }
    credential->wire = wire;
}

enum tb_err tb_lmdb_get_credential(struct tb_txn *base, struct tb_id id,
                                   struct tb_credential *credential)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    MDB_val key = key_of(&id);
    MDB_val value;
    if (has_none(txn)) {
        return TB_E_ABSENT;
    }
    int rc = mdb_get(txn->mdb, txn->store->dbis[TB_DB_CREDENTIAL], &key, &value);
    if (rc != 0) {
        return tb_lmdb_err(rc);
    }
    enum tb_err err = tb_lmdb_decode_credential(key, value, credential);
    if (err == TB_OK) {
        keep(txn, credential);
    }
    return err;
}

enum tb_err tb_lmdb_put_credential(struct tb_txn *base, const struct tb_credential *credential)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    void *record = NULL;
    if (!txn->may_grow) {
        return TB_E_STORAGE_FULL;
    }
    int rc = tb_lmdb_put(txn, TB_DB_CREDENTIAL, key_of(&credential->id),
                         tb_record_credential_size(credential), MDB_NOOVERWRITE, &record);
    assert(rc != MDB_KEYEXIST); /* a credential never changes */
    if (rc == 0) {
        tb_record_encode_credential(credential, record);
        txn->head.credential_changes++;
    }
    return tb_lmdb_write_err(txn->store, rc);
}

enum tb_err tb_lmdb_delete_credential(struct tb_txn *base, struct tb_id id)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    MDB_val key = key_of(&id);
    txn->deletes++;
    int rc = mdb_del(txn->mdb, txn->store->dbis[TB_DB_CREDENTIAL], &key, NULL);
    assert(rc != MDB_NOTFOUND); /* it was read in this transaction */
    if (rc == 0) {
        txn->head.credential_changes++;
    }
    return tb_lmdb_write_err(txn->store, rc);
}

enum tb_err tb_lmdb_visit_credentials(struct tb_txn *base, tb_visit_credential *visit, void *ctx)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    struct tb_list list;
    if (has_none(txn)) {
        return TB_OK;
    }
    int rc = tb_list_open(txn, TB_DB_CREDENTIAL, NULL, sizeof(struct tb_id), &list);
    rc = rc != 0 ? rc : tb_list_start(&list, TB_LIST_UP, NULL);
    enum tb_err err = TB_OK;
    while (rc == 0 && list.on_entry) {
        struct tb_credential credential;
        struct tb_id id = tb_list_id(&list);
        err = tb_lmdb_decode_credential(key_of(&id), list.value, &credential);
        if (err != TB_OK || visit(ctx, &credential) == TB_VISIT_STOP) {
            break;
        }
        rc = tb_list_next(&list, TB_LIST_UP);
    }
    tb_list_close(&list);
    return rc != 0 ? tb_lmdb_err(rc) : err;
}
