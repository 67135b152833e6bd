#include "older.h"

#include "record_seal.h"

MDB_txn *raw_open(const char *folder)
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 16), 0);
    assert_int_equal(mdb_env_open(env, folder, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    return txn;
}

void raw_close(MDB_txn *txn)
{
    MDB_env *env = mdb_txn_env(txn);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static MDB_dbi main_db(MDB_txn *txn)
{
    MDB_dbi dbi = 0;
    assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
    return dbi;
}

static MDB_val key_of(const char *name)
{
    return (MDB_val){strlen(name), (void *)(uintptr_t)name};
}

static MDB_val get_meta(MDB_txn *txn, const char *name)
{
    MDB_val key = key_of(name);
    MDB_val value;
    assert_int_equal(mdb_get(txn, main_db(txn), &key, &value), 0);
    return value;
}

void raw_put_meta(MDB_txn *txn, const char *name, const void *bytes, size_t size)
{
    MDB_val key = key_of(name);
    MDB_val value = {size, (void *)(uintptr_t)bytes};
    assert_int_equal(mdb_put(txn, main_db(txn), &key, &value, 0), 0);
}

size_t raw_meta_bytes(MDB_txn *txn, const char *name)
{
    return get_meta(txn, name).mv_size;
}

uint32_t raw_format(const char *folder)
{
    MDB_txn *txn = raw_open(folder);
    MDB_val value = get_meta(txn, "format");
    uint32_t format = 0;
    assert_int_equal(value.mv_size, sizeof format);
    memcpy(&format, value.mv_data, sizeof format);
    raw_close(txn);
    return format;
}

bool raw_has_db(MDB_txn *txn, const char *name)
{
    MDB_dbi dbi = 0;
    return mdb_dbi_open(txn, name, 0, &dbi) == 0;
}

void raw_drop_db(MDB_txn *txn, const char *name)
{
    MDB_dbi dbi = 0;
    assert_int_equal(mdb_dbi_open(txn, name, 0, &dbi), 0);
    assert_int_equal(mdb_drop(txn, dbi, 1), 0);
}

void make_older(const char *folder)
{
    const uint32_t first = 1;
    uint8_t head[TB_RECORD_HEAD_1_BYTES];
    MDB_txn *txn = raw_open(folder);
    assert_int_equal(raw_meta_bytes(txn, "head"), TB_RECORD_HEAD_BYTES);
    memcpy(head, get_meta(txn, "head").mv_data, sizeof head);
    tb_record_seal(head, sizeof head);
    raw_put_meta(txn, "head", head, sizeof head);
    raw_put_meta(txn, "format", &first, sizeof first);
    raw_drop_db(txn, "credential");
    raw_close(txn);
}
