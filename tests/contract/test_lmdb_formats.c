/* Formats of the store: newer ones, such as never were, and files of somebody else. */
#include "folder.h"

#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <unistd.h>

static void write_meta(const char *folder, const char *db, const void *bytes, size_t size)
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi dbi = 0;
    MDB_val key = {strlen("format"), (void *)(uintptr_t) "format"};
    MDB_val value = {size, (void *)(uintptr_t)bytes};
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 16), 0);
    assert_int_equal(mdb_env_open(env, folder, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, db, MDB_CREATE, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void a_newer_format_is_refused(void **state)
{
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 1);
    close_store_of(world);
    uint32_t newer = 3;
    uint32_t own = 2;
    write_meta(world->folder, NULL, &newer, sizeof newer);
    expect_refusal(world->folder, true, TB_E_STORAGE_DOWN, "newer taskboardd");
    write_meta(world->folder, NULL, &own, sizeof own);
    world_reopen(world);
    world_close(world);
}

static void a_format_that_never_was_is_refused(void **state)
{
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 1);
    close_store_of(world);
    const uint32_t none = 0;
    const uint32_t own = 2;
    write_meta(world->folder, NULL, &none, sizeof none);
    expect_refusal(world->folder, true, TB_E_STORAGE_CORRUPT, "damaged or is not a board's");
    write_meta(world->folder, NULL, &own, 2);
    expect_refusal(world->folder, true, TB_E_STORAGE_CORRUPT, "damaged or is not a board's");
    write_meta(world->folder, NULL, &own, sizeof own);
    world_reopen(world);
    world_close(world);
}

static void a_foreign_data_file_is_refused(void **state)
{
    (void)state;
    char folder[64];
    char path[128];
    folder_make(folder);
    write_meta(folder, "somebody-elses", "x", 1);
    expect_refusal(folder, true, TB_E_STORAGE_CORRUPT, "damaged or is not a board's");
    snprintf(path, sizeof path, "%s/data.mdb", folder);
    int fd = open(path, O_RDWR);
    char noise[8192];
    memset(noise, 'x', sizeof noise);
    assert_int_equal(pwrite(fd, noise, sizeof noise, 0), sizeof noise);
    close(fd);
    expect_refusal(folder, true, TB_E_STORAGE_CORRUPT, "damaged or is not a board's");
    assert_int_equal(truncate(path, 100), 0);
    expect_refusal(folder, true, TB_E_STORAGE_CORRUPT, "damaged or is not a board's");
    folder_remove(folder);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_newer_format_is_refused),
        cmocka_unit_test(a_format_that_never_was_is_refused),
        cmocka_unit_test(a_foreign_data_file_is_refused),
    };
    return cmocka_run_group_tests_name("formats", tests, NULL, NULL);
}
