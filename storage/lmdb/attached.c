/* What hangs on a task: notes and artifacts, records of their own behind their task's id. */
#include "lmdb/list.h"

static enum tb_err put_wire(struct tb_txn *base, enum tb_lmdb_db db, enum tb_record_kind kind,
                            MDB_val key, struct tb_str wire)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    if (!txn->may_grow) {
        return TB_E_STORAGE_FULL;
    }
    void *record = NULL;
    int rc = tb_lmdb_put(txn, db, key, tb_record_wire_size(wire), 0, &record);
    if (rc == 0) {
        tb_record_encode_wire(kind, wire, record);
    }
    return tb_lmdb_write_err(txn->store, rc);
}

enum tb_err tb_lmdb_put_note(struct tb_txn *txn, struct tb_id task_id, struct tb_id note_id,
                             struct tb_str wire)
{
    struct tb_id key[2] = {task_id, note_id};
    return put_wire(txn, TB_DB_NOTE, TB_RECORD_NOTE, tb_mdb_val(key, sizeof key), wire);
}

enum tb_err tb_lmdb_put_artifact(struct tb_txn *txn, struct tb_id task_id, uint32_t number,
                                 struct tb_str wire)
{
    uint8_t key[sizeof task_id + 4];
    memcpy(key, task_id.bytes, sizeof task_id);
    tb_key_write_u32(key + sizeof task_id, number);
    return put_wire(txn, TB_DB_ARTIFACT, TB_RECORD_ARTIFACT, tb_mdb_val(key, sizeof key), wire);
}

static int open_attached(struct tb_lmdb_txn *txn, enum tb_lmdb_db db, struct tb_id task_id,
                         struct tb_list *list)
{
    struct tb_key prefix = {.len = 0};
    tb_key_add_id(&prefix, task_id);
    return tb_list_open(txn, db, &prefix, db == TB_DB_NOTE ? sizeof(struct tb_id) : 4, list);
}

static enum tb_err visit_attached(struct tb_txn *base, enum tb_lmdb_db db, struct tb_id task_id,
                                  tb_visit_json *visit, void *ctx)
{
    struct tb_list list;
    int rc = open_attached(tb_lmdb_txn_of(base), db, task_id, &list);
    if (rc == 0) {
        rc = tb_list_start(&list, TB_LIST_UP, NULL);
    }
    enum tb_err err = TB_OK;
    while (rc == 0 && list.on_entry) {
        bool note = db == TB_DB_NOTE;
        struct tb_id id = note ? tb_list_id(&list) : (struct tb_id){{0}};
        struct tb_str wire = TB_STR_NONE;
        err = tb_record_decode_wire(note ? TB_RECORD_NOTE : TB_RECORD_ARTIFACT,
                                    tb_mdb_str(list.value), &wire);
        if (err != TB_OK || visit(ctx, id, wire) == TB_VISIT_STOP) {
            break;
        }
        rc = tb_list_next(&list, TB_LIST_UP);
    }
    tb_list_close(&list);
    return rc != 0 ? tb_lmdb_err(rc) : err;
}

enum tb_err tb_lmdb_visit_notes(struct tb_txn *txn, struct tb_id task_id, tb_visit_json *visit,
                                void *ctx)
{
    return visit_attached(txn, TB_DB_NOTE, task_id, visit, ctx);
}

enum tb_err tb_lmdb_visit_artifacts(struct tb_txn *txn, struct tb_id task_id, tb_visit_json *visit,
                                    void *ctx)
{
    return visit_attached(txn, TB_DB_ARTIFACT, task_id, visit, ctx);
}

/* Each round starts from the front: after a deletion a cursor's place is not worth trusting. */
static int delete_all(struct tb_lmdb_txn *txn, enum tb_lmdb_db db, struct tb_id task_id)
{
    struct tb_list list;
    int rc = open_attached(txn, db, task_id, &list);
    if (rc == 0) {
        rc = tb_list_start(&list, TB_LIST_UP, NULL);
    }
    while (rc == 0 && list.on_entry) {
        rc = mdb_cursor_del(list.cursor, 0);
        if (rc == 0) {
            rc = tb_list_start(&list, TB_LIST_UP, NULL);
        }
    }
    tb_list_close(&list);
    return rc;
}

int tb_lmdb_delete_attached(struct tb_lmdb_txn *txn, struct tb_id task_id)
{
    int rc = delete_all(txn, TB_DB_NOTE, task_id);
    if (rc == 0) {
        rc = delete_all(txn, TB_DB_ARTIFACT, task_id);
    }
    return rc != 0 ? rc : delete_all(txn, TB_DB_ATTEMPT, task_id);
}
