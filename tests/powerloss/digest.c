#include "digest.h"

#include <lmdb.h>
#include <string.h>
#include <xxhash.h>

#define DATABASES_MAX 64
#define NAME_MAX_LEN  32

static int add_database(MDB_txn *txn, MDB_dbi dbi, XXH3_state_t *state)
{
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    int rc = mdb_cursor_open(txn, dbi, &cursor);
    if (rc != 0) {
        return rc;
    }
    while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        const uint64_t lengths[] = {key.mv_size, value.mv_size};
        (void)XXH3_64bits_update(state, lengths, sizeof(lengths));
        (void)XXH3_64bits_update(state, key.mv_data, key.mv_size);
        (void)XXH3_64bits_update(state, value.mv_data, value.mv_size);
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* In LMDB's own database a key is the name of another database, or of a record of ours. */
static int add_named(MDB_txn *txn, MDB_dbi main_dbi, XXH3_state_t *state)
{
    MDB_cursor *cursor = NULL;
    MDB_val key;
    int rc = mdb_cursor_open(txn, main_dbi, &cursor);
    if (rc != 0) {
        return rc;
    }
    while ((rc = mdb_cursor_get(cursor, &key, NULL, MDB_NEXT_NODUP)) == 0) {
        char name[NAME_MAX_LEN + 1] = "";
        MDB_dbi dbi = 0;
        memcpy(name, key.mv_data, key.mv_size < NAME_MAX_LEN ? key.mv_size : NAME_MAX_LEN);
        rc = mdb_dbi_open(txn, name, 0, &dbi);
        rc = rc == 0 ? add_database(txn, dbi, state) : rc == MDB_INCOMPATIBLE ? 0 : rc;
        if (rc != 0) {
            break;
        }
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int add_all(MDB_env *env, XXH3_state_t *state)
{
    MDB_txn *txn = NULL;
    MDB_dbi main_dbi = 0;
    const MDB_dbi free_dbi = 0; /* the pages that are free */
    int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    if (rc != 0) {
        return rc;
    }
    rc = mdb_dbi_open(txn, NULL, 0, &main_dbi);
    rc = rc == 0 ? add_database(txn, free_dbi, state) : rc;
    rc = rc == 0 ? add_database(txn, main_dbi, state) : rc;
    rc = rc == 0 ? add_named(txn, main_dbi, state) : rc;
    mdb_txn_abort(txn);
    return rc;
}

bool digest_store(const char *folder, struct digest *digest)
{
    MDB_env *env = NULL;
    MDB_envinfo info;
    *digest = (struct digest){0, 0};
    if (mdb_env_create(&env) != 0) {
        return false;
    }
    XXH3_state_t *state = XXH3_createState();
    int rc = 0;
    if (state != NULL && XXH3_64bits_reset(state) == XXH_OK &&
        mdb_env_set_maxdbs(env, DATABASES_MAX) == 0 &&
        mdb_env_open(env, folder, MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0) == 0) {
        (void)mdb_env_info(env, &info);
        rc = add_all(env, state);
        *digest = (struct digest){info.me_last_txnid, XXH3_64bits_digest(state)};
    }
    (void)XXH3_freeState(state);
    mdb_env_close(env);
    return rc == 0;
}
