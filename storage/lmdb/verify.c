#include "lmdb/verify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define FAULT_BYTES 512

void tb_check_fault(struct tb_check *check, const char *format, ...)
{
    char text[FAULT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    check->report(check->ctx, text);
}

const char *tb_check_db_name(enum tb_lmdb_db db)
{
    const char *name = tb_lmdb_db_name(db);
    return name == NULL ? "main" : name;
}

void tb_check_walk(struct tb_check *check, enum tb_lmdb_db db, tb_check_record *each, void *ctx)
{
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    int rc = mdb_cursor_open(check->txn.mdb, check->txn.store->dbis[db], &cursor);
    if (rc == 0) {
        rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    }
    while (rc == 0) {
        each(ctx, key, value);
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    if (cursor != NULL) {
        mdb_cursor_close(cursor);
    }
    if (rc != MDB_NOTFOUND) {
        tb_check_fault(check, "the %s database cannot be read: %s", tb_check_db_name(db),
                       mdb_strerror(rc));
    }
}

static int listen_to_entry(struct tb_entry_listener *listener, const struct tb_key *key)
{
    char *listening = (char *)listener;
    tb_check_expect((struct tb_check *)(void *)(listening - offsetof(struct tb_check, listener)),
                    key);
    return 0;
}

static enum tb_err check_all(struct tb_check *check)
{
    if (!tb_check_pages(check)) {
        return TB_E_STORAGE_CORRUPT; /* LMDB would trust them */
    }
    tb_check_meta(check);
    tb_check_tasks(check);
    tb_check_attached(check);
    tb_check_vms(check);
    tb_check_credentials(check);
    tb_check_events(check);
    tb_check_answers(check);
    tb_check_expect_names(check);
    tb_check_index(check);
    bool runs = tb_check_runs(check);
    tb_check_tell_difference(check, runs);
    return TB_OK;
}

/* A fault that the pages have, the first one. */
struct first_fault {
    char *text;
    size_t size;
};

static void keep_first(void *ctx, const char *text)
{
    struct first_fault *first = ctx;
    if (first->text[0] == '\0') {
        (void)snprintf(first->text, first->size, "%s", text);
    }
}

int tb_lmdb_find_cut(struct tb_lmdb_store *store, char *fault, size_t fault_size)
{
    bool is_short = false;
    int rc = tb_lmdb_is_short(store, &is_short);
    if (rc != 0 || !is_short) {
        return rc;
    }
    struct first_fault first = {fault, fault_size};
    struct tb_check check = {.report = keep_first, .ctx = &first};
    fault[0] = '\0';
    check.txn.store = store;
    rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &check.txn.mdb);
    if (rc == 0) {
        rc = tb_check_pages(&check) ? 0 : MDB_CORRUPTED;
        mdb_txn_abort(check.txn.mdb);
    }
    return rc;
}

enum tb_err tb_lmdb_verify(struct tb_store *base, tb_report_fault *report, void *ctx,
                           struct tb_store_tally *tally)
{
    struct tb_lmdb_store *store = (struct tb_lmdb_store *)base;
    struct tb_check *check = calloc(1, sizeof *check);
    if (check == NULL) {
        abort();
    }
    int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &check->txn.mdb);
    enum tb_err err = tb_lmdb_err(rc);
    if (rc == 0) {
        check->txn.base.head = &check->txn.head;
        check->txn.store = store;
        check->listener.put = listen_to_entry;
        check->txn.listener = &check->listener;
        check->report = report;
        check->ctx = ctx;
        check->tally = tally;
        check->difference = tb_difference_new();
        check->names = tb_name_table_new();
        check->shares = calloc(TB_CHECKED_SHARES, sizeof *check->shares);
        if (check->shares == NULL) {
            abort();
        }
        err = check_all(check);
        tb_name_table_free(check->names);
        tb_difference_free(check->difference);
        free(check->record_entries);
        free(check->shares);
        mdb_txn_abort(check->txn.mdb);
    }
    free(check);
    return err;
}
