/* The small questions that an index answers: unique keys, dependents, what is due. */
#include "lmdb/list.h"

static void text_prefix(enum tb_index index, struct tb_str text, struct tb_key *prefix)
{
    tb_key_start(prefix, index);
    tb_key_add_text(prefix, text);
}

/* ABSENT: this one is not it. */
static enum tb_err check_unique(struct tb_lmdb_txn *txn, struct tb_id id, struct tb_str unique_key)
{
    struct tb_task task;
    enum tb_err err = tb_lmdb_must_exist(tb_lmdb_peek_task(txn, id, &task));
    if (err == TB_OK && !tb_str_eq(task.unique_key, unique_key)) {
        err = TB_E_ABSENT; /* another text with the same hash */
    }
    return err;
}

enum tb_err tb_lmdb_find_unique(struct tb_txn *base, struct tb_str unique_key, struct tb_id *id)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    struct tb_key prefix;
    struct tb_list list;
    text_prefix(TB_INDEX_UNIQUE, unique_key, &prefix);
    int rc = tb_list_open(txn, TB_DB_INDEX, &prefix, sizeof *id, &list);
    if (rc == 0) {
        rc = tb_list_start(&list, TB_LIST_UP, NULL);
    }
    enum tb_err err = TB_E_ABSENT;
    while (rc == 0 && list.on_entry && err == TB_E_ABSENT) {
        struct tb_id found = tb_list_id(&list);
        err = check_unique(txn, found, unique_key);
        if (err == TB_OK) {
            *id = found;
        } else {
            rc = tb_list_next(&list, TB_LIST_UP);
        }
    }
    tb_list_close(&list);
    return rc != 0 ? tb_lmdb_err(rc) : err;
}

/* Only the hash of a long text stands in the key. */
static enum tb_err check_dependent(struct tb_lmdb_txn *txn, struct tb_id id,
                                   struct tb_str dependency, bool *yes)
{
    struct tb_task task;
    *yes = true;
    if (dependency.len <= TB_KEY_TEXT_BYTES_MAX) {
        return TB_OK;
    }
    enum tb_err err = tb_lmdb_must_exist(tb_lmdb_peek_task(txn, id, &task));
    *yes = err == TB_OK && tb_strings_contain(task.dependencies, dependency);
    return err;
}

enum tb_err tb_lmdb_visit_dependents(struct tb_txn *base, struct tb_str dependency,
                                     tb_visit_id *visit, void *ctx)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    struct tb_key prefix;
    struct tb_list list;
    text_prefix(TB_INDEX_DEPENDENT, dependency, &prefix);
    int rc = tb_list_open(txn, TB_DB_INDEX, &prefix, sizeof(struct tb_id), &list);
    if (rc == 0) {
        rc = tb_list_start(&list, TB_LIST_UP, NULL);
    }
    enum tb_err err = TB_OK;
    while (rc == 0 && list.on_entry) {
        bool yes = false;
        err = check_dependent(txn, tb_list_id(&list), dependency, &yes);
        if (err != TB_OK || (yes && visit(ctx, tb_list_id(&list)) == TB_VISIT_STOP)) {
            break;
        }
        rc = tb_list_next(&list, TB_LIST_UP);
    }
    tb_list_close(&list);
    return rc != 0 ? tb_lmdb_err(rc) : err;
}

enum tb_err tb_lmdb_next_due(struct tb_txn *base, int64_t *due_ms, struct tb_id *id)
{
    struct tb_key prefix;
    struct tb_list list;
    tb_key_start(&prefix, TB_INDEX_DUE);
    int rc = tb_list_open(tb_lmdb_txn_of(base), TB_DB_INDEX, &prefix, sizeof(int64_t) + sizeof *id,
                          &list);
    if (rc == 0) {
        rc = tb_list_start(&list, TB_LIST_UP, NULL);
    }
    bool found = rc == 0 && list.on_entry;
    if (found) {
        *due_ms = tb_key_read_i64(tb_list_suffix(&list));
        *id = tb_list_id(&list);
    }
    tb_list_close(&list);
    if (rc != 0) {
        return tb_lmdb_err(rc);
    }
    return found ? TB_OK : TB_E_ABSENT;
}
