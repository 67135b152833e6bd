/* What a store is made of, and how an older one is brought up to date.
 *
 *   format 1   no credentials; the head ends before what counts them (record_head.c); all answers
 *              have share 0
 *   format 2   this one
 *
 * An older store gets the databases that it lacks, and its number, in the transaction that opens it
 * for writing; its head grows with the first commit. From then on an older taskboardd refuses it.
 * One that is only looked at stays as it is. */
#include <errno.h>
#include <stdio.h>

#include "lmdb/lmdb.h"

#define STORE_FORMAT 2

/* NULL is LMDB's own database, which holds the roots of the others: it changes with every commit,
 * so that what else does had better stand in the same page. */
static const char *const db_names[TB_DB_COUNT] = {
    [TB_DB_TASK] = "task",       [TB_DB_NOTE] = "note",       [TB_DB_ARTIFACT] = "artifact",
    [TB_DB_ATTEMPT] = "attempt", [TB_DB_EVENT] = "event",     [TB_DB_ANSWER] = "answer",
    [TB_DB_INDEX] = "index",     [TB_DB_RUN] = "run",         [TB_DB_META] = NULL,
    [TB_DB_VM] = "vm",           [TB_DB_VM_SEEN] = "vm_seen", [TB_DB_CREDENTIAL] = "credential",
};

const char *tb_lmdb_db_name(enum tb_lmdb_db db)
{
    return db_names[db];
}

static int put_meta(MDB_txn *mdb, MDB_dbi meta, const char *name, const void *bytes, size_t size)
{
    MDB_val key = tb_mdb_val(name, strlen(name));
    MDB_val value = tb_mdb_val(bytes, size);
    return mdb_put(mdb, meta, &key, &value, 0);
}

int tb_lmdb_put_format(const struct tb_lmdb_store *store, MDB_txn *mdb)
{
    uint32_t format = STORE_FORMAT;
    return put_meta(mdb, store->dbis[TB_DB_META], "format", &format, sizeof format);
}

static int write_first_head(struct tb_lmdb_store *store, MDB_txn *mdb)
{
    struct tb_head head;
    if (!tb_head_init(&head)) {
        return errno;
    }
    uint8_t record[TB_RECORD_HEAD_BYTES];
    tb_record_encode_head(&head, record);
    int rc = tb_lmdb_put_format(store, mdb);
    return rc != 0 ? rc : put_meta(mdb, store->dbis[TB_DB_META], "head", record, sizeof record);
}

static int make_store(struct tb_lmdb_store *store, MDB_txn *mdb)
{
    int rc = 0;
    for (int db = 0; db < TB_DB_COUNT && rc == 0; db++) {
        rc = mdb_dbi_open(mdb, db_names[db], MDB_CREATE, &store->dbis[db]);
    }
    return rc != 0 ? rc : write_first_head(store, mdb);
}

/* MDB_INVALID: something else than a board. */
static int read_format(struct tb_lmdb_store *store, MDB_txn *mdb, uint32_t *format)
{
    int rc = mdb_dbi_open(mdb, db_names[TB_DB_META], 0, &store->dbis[TB_DB_META]);
    MDB_val key = tb_mdb_val("format", strlen("format"));
    MDB_val value;
    if (rc == 0) {
        rc = mdb_get(mdb, store->dbis[TB_DB_META], &key, &value);
    }
    if (rc == MDB_NOTFOUND || (rc == 0 && value.mv_size != sizeof *format)) {
        return MDB_INVALID;
    }
    if (rc == 0) {
        memcpy(format, value.mv_data, sizeof *format);
    }
    return rc;
}

int tb_lmdb_open_dbs(MDB_txn *mdb, MDB_dbi dbis[TB_DB_COUNT])
{
    int rc = 0;
    for (int db = 0; db < TB_DB_COUNT && rc == 0; db++) {
        rc = mdb_dbi_open(mdb, db_names[db], 0, &dbis[db]);
    }
    return rc == MDB_NOTFOUND || rc == MDB_INCOMPATIBLE ? MDB_INVALID : rc;
}

/* Of a store of format 1. */
static int open_older_dbs(struct tb_lmdb_store *store, MDB_txn *mdb, bool writes)
{
    int rc = 0;
    for (int db = 0; db < TB_DB_COUNT && rc == 0; db++) {
        bool is_added = db == TB_DB_CREDENTIAL;
        rc = mdb_dbi_open(mdb, db_names[db], is_added && writes ? MDB_CREATE : 0, &store->dbis[db]);
        if (rc == MDB_NOTFOUND && is_added) {
            store->dbis[db] = TB_LMDB_NO_DBI;
            rc = 0;
        }
    }
    if (rc == 0 && writes) {
        rc = tb_lmdb_put_format(store, mdb);
    }
    return rc == MDB_NOTFOUND || rc == MDB_INCOMPATIBLE ? MDB_INVALID : rc;
}

static int is_new(MDB_txn *mdb, bool *yes)
{
    MDB_dbi main_dbi = 0;
    MDB_stat stat;
    int rc = mdb_dbi_open(mdb, NULL, 0, &main_dbi);
    if (rc == 0) {
        rc = mdb_stat(mdb, main_dbi, &stat);
    }
    *yes = rc == 0 && stat.ms_entries == 0;
    return rc;
}

static int open_dbs(struct tb_lmdb_store *store, MDB_txn *mdb, uint32_t format, bool writes)
{
    switch (format) {
    case STORE_FORMAT:
        return tb_lmdb_open_dbs(mdb, store->dbis);
    case 1:
        return open_older_dbs(store, mdb, writes);
    default:
        return MDB_INVALID; /* no other was ever written */
    }
}

enum tb_err tb_lmdb_open_format(struct tb_lmdb_store *store, MDB_txn *mdb, bool writes,
                                const char *folder, char *why, size_t why_size)
{
    bool fresh = false;
    uint32_t format = STORE_FORMAT;
    int rc = is_new(mdb, &fresh);
    if (rc == 0 && fresh && !writes) {
        snprintf(why, why_size, "The folder %s holds no board yet", folder);
        return TB_E_ABSENT;
    }
    if (rc == 0) {
        rc = fresh ? make_store(store, mdb) : read_format(store, mdb, &format);
    }
    if (rc == 0 && format > STORE_FORMAT) {
        snprintf(why, why_size,
                 "The board in %s has format %u, made by a newer taskboardd; this one knows "
                 "formats up to %u",
                 folder, format, STORE_FORMAT);
        return TB_E_STORAGE_DOWN;
    }
    rc = rc != 0 ? rc : open_dbs(store, mdb, format, writes);
    return rc == 0 ? TB_OK : tb_lmdb_explain(store, rc, folder, why, why_size);
}
