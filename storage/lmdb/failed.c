#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "lmdb/lmdb.h"

/* A disk that fails to take what was written leaves nobody knowing what it holds: the kernel tells
 * of a page that it could not write once, then it takes the page for written. A sync that succeeds
 * later proves nothing. So a store whose commit the system failed writes no more:
 *
 * - A page, or the sync after it: the root was not written, so that the commit did not happen. LMDB
 *   would go on; write_begin refuses.
 * - The root (a write that syncs): the commit is on the disk or not. LMDB puts the old root back and
 *   lets nobody begin anything on that environment any more (MDB_PANIC), readers neither. Each
 *   reader then opens an environment of its own, for reading alone. It needs no lock: there is no
 *   writer any more that could use a page again. Where the old root could not be put back either,
 *   the new one is what anybody finds who opens the file, and maybe on no disk: nobody reads on.
 *
 * The next open finds the last commit whose root is on the disk. A full disk is no failure: what it
 * refuses it refuses at once, and pages of a commit that did not happen nobody reads. */

/* LMDB maps what the file holds if that is more; nothing will be added. */
#define READER_MAP_BYTES ((size_t)1 << 20)

/* Whether LMDB lets nobody begin anything any more. It tells nobody else. */
static bool is_in_panic(const struct tb_lmdb_store *store)
{
    MDB_txn *mdb = NULL;
    int rc = mdb_txn_begin(store->env, NULL, 0, &mdb);
    mdb_txn_abort(mdb);
    return rc == MDB_PANIC;
}

bool tb_lmdb_is_failure(const struct tb_lmdb_store *store, enum tb_err err, int rc)
{
    bool of_system = rc > 0 && rc != ENOMEM;
    return (err == TB_E_STORAGE_DOWN && of_system) || (err != TB_OK && is_in_panic(store));
}

/* MDB_PANIC: the root that is found there is that of the commit that failed. */
static int open_dbs(const struct tb_lmdb_store *store, MDB_env *env)
{
    MDB_dbi dbis[TB_DB_COUNT];
    MDB_txn *mdb = NULL;
    int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &mdb);
    if (rc != 0) {
        return rc;
    }
    bool refused = mdb_txn_id(mdb) > atomic_load(&store->committed);
    rc = refused ? MDB_PANIC : tb_lmdb_open_dbs(mdb, dbis);
    if (rc != 0) {
        mdb_txn_abort(mdb);
        return rc;
    }
    assert(memcmp(dbis, store->dbis, sizeof dbis) == 0); /* handles follow from the order alone */
    return mdb_txn_commit(mdb);                          /* keeps the handles */
}

int tb_lmdb_open_beside(const struct tb_lmdb_store *store, MDB_env **out)
{
    const char *folder = NULL;
    MDB_env *env = NULL;
    (void)mdb_env_get_path(store->env, &folder); /* fails for want of an environment alone */
    int rc = mdb_env_create(&env);
    if (rc != 0) {
        return rc;
    }
    if ((rc = mdb_env_set_mapsize(env, READER_MAP_BYTES)) != 0 ||
        (rc = mdb_env_set_maxdbs(env, TB_DB_COUNT)) != 0 ||
        (rc = mdb_env_open(env, folder, MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0)) != 0 ||
        (rc = open_dbs(store, env)) != 0) {
        mdb_env_close(env);
        return rc;
    }
    *out = env;
    return 0;
}

int tb_lmdb_read_on(struct tb_lmdb_reader *reader)
{
    MDB_env *env = NULL;
    MDB_txn *mdb = NULL;
    assert(reader->env == NULL); /* nobody writes to that one, so it cannot fail likewise */
    int rc = tb_lmdb_open_beside(reader->txn.store, &env);
    if (rc != 0) {
        return rc;
    }
    rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &mdb);
    if (rc != 0) {
        mdb_env_close(env);
        return rc;
    }
    tb_lmdb_reader_close(reader);
    reader->env = env;
    reader->txn.mdb = mdb;
    reader->known = 0;
    return 0;
}

void tb_lmdb_reader_close(struct tb_lmdb_reader *reader)
{
    if (reader->txn.runs != NULL) {
        mdb_cursor_close(reader->txn.runs);
        reader->txn.runs = NULL;
    }
    mdb_txn_abort(reader->txn.mdb);
    if (reader->env != NULL) {
        mdb_env_close(reader->env);
    }
}
