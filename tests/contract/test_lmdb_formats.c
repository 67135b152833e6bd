/* Formats of the store: newer ones, older ones, such as never were, and files of somebody else. */
#include "older.h"

#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <unistd.h>

enum { HEAD_1_BYTES = 1760, HEAD_BYTES = 1768 };

static void write_format(const char *folder, const void *bytes, size_t size)
{
    MDB_txn *txn = raw_open(folder);
    raw_put_meta(txn, "format", bytes, size);
    raw_close(txn);
}

static void a_newer_format_is_refused(void **state)
{
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 1);
    close_store_of(world);
    uint32_t newer = 3;
    uint32_t own = 2;
    write_format(world->folder, &newer, sizeof newer);
    expect_refusal(world->folder, true, TB_E_STORAGE_DOWN, "newer taskboardd");
    write_format(world->folder, &own, sizeof own);
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
    write_format(world->folder, &none, sizeof none);
    expect_refusal(world->folder, true, TB_E_STORAGE_CORRUPT, "damaged or is not a board's");
    write_format(world->folder, &own, 2);
    expect_refusal(world->folder, true, TB_E_STORAGE_CORRUPT, "damaged or is not a board's");
    write_format(world->folder, &own, sizeof own);
    world_reopen(world);
    world_close(world);
}

/* --- older ones --- */

/* A closed store of format 1 with some tasks in it, and all of it as text. */
static struct world *older_world(struct tb_str *all)
{
    struct world *world = world_open(ENGINE_LMDB, 3);
    for (int i = 0; i < 5; i++) {
        created(world, draft(world, "older than tokens"));
    }
    *all = dump_now(world);
    close_store_of(world);
    make_older(world->folder);
    return world;
}

static enum tb_visit count_credential(void *ctx, const struct tb_credential *credential)
{
    (void)credential;
    ++*(size_t *)ctx;
    return TB_VISIT_NEXT;
}

static size_t count_credentials(struct world *world)
{
    size_t count = 0;
    struct tb_txn *txn = snapshot(world);
    assert_int_equal(tb_visit_credentials(txn, count_credential, &count), TB_OK);
    tb_read_end(&txn);
    return count;
}

static void an_older_store_is_looked_at_and_stays_as_it_is(void **state)
{
    (void)state;
    struct tb_str all;
    struct tb_credential credential;
    struct world *world = older_world(&all);
    assert_int_equal(open_to_look(world->folder, &world->store), TB_OK);
    assert_int_equal(tb_reader_new(world->store, &world->reader), TB_OK);
    assert_same_str(dump_now(world), all);
    expect_sound(world);
    assert_int_equal(count_credentials(world), 0);
    struct tb_txn *txn = snapshot(world);
    assert_int_equal(tb_get_credential(txn, new_id(world), &credential), TB_E_ABSENT);
    tb_read_end(&txn);
    close_store_of(world);
    assert_int_equal(raw_format(world->folder), 1);
    world_reopen(world);
    world_close(world);
}

static void an_older_store_is_brought_up_to_date_when_it_is_opened_to_write(void **state)
{
    (void)state;
    struct tb_str all;
    struct world *world = older_world(&all);
    world_reopen(world);
    assert_same_str(dump_now(world), all);
    close_store_of(world);
    assert_int_equal(raw_format(world->folder), 2);
    MDB_txn *raw = raw_open(world->folder);
    assert_true(raw_has_db(raw, "credential"));
    assert_int_equal(raw_meta_bytes(raw, "head"), HEAD_1_BYTES);
    raw_close(raw);
    world_reopen(world);
    struct tb_credential credential = draft_credential(world, TB_STR("the first token"));
    struct tb_txn *txn = begin(world);
    put_credential(world, txn, &credential);
    commit(&txn);
    assert_int_equal(count_credentials(world), 1);
    world_reopen(world);
    assert_int_equal(count_credentials(world), 1);
    close_store_of(world);
    raw = raw_open(world->folder);
    assert_int_equal(raw_meta_bytes(raw, "head"), HEAD_BYTES);
    raw_close(raw);
    world_reopen(world);
    world_close(world);
}

/* Somebody put the number back. */
static void an_older_store_that_has_what_was_added_keeps_it(void **state)
{
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 3);
    const uint32_t first = 1;
    struct tb_credential credential = draft_credential(world, TB_STR("a token"));
    struct tb_txn *txn = begin(world);
    put_credential(world, txn, &credential);
    commit(&txn);
    close_store_of(world);
    write_format(world->folder, &first, sizeof first);
    assert_int_equal(open_to_look(world->folder, &world->store), TB_OK);
    tb_store_close(&world->store);
    world_reopen(world);
    assert_int_equal(count_credentials(world), 1);
    world_close(world);
}

static void a_store_of_either_format_that_lacks_a_database_is_refused(void **state)
{
    (void)state;
    for (int older = 0; older <= 1; older++) {
        for (int is_value = 0; is_value <= 1; is_value++) {
            struct tb_str all;
            struct world *world = older_world(&all);
            if (!older) {
                world_reopen(world);
                close_store_of(world);
            }
            MDB_txn *txn = raw_open(world->folder);
            raw_drop_db(txn, "vm");
            if (is_value) { /* and not a database */
                raw_put_meta(txn, "vm", "x", 1);
            }
            raw_close(txn);
            expect_refusal(world->folder, true, TB_E_STORAGE_CORRUPT,
                           "damaged or is not a board's");
            assert_int_equal(open_to_look(world->folder, &world->store), TB_E_STORAGE_CORRUPT);
            assert_int_equal(raw_format(world->folder), older ? 1 : 2);
            world->damaged = true;
            world_close(world);
        }
    }
}

/* --- those of somebody else --- */

static void a_foreign_data_file_is_refused(void **state)
{
    (void)state;
    char folder[64];
    char path[128];
    MDB_dbi dbi = 0;
    folder_make(folder);
    MDB_txn *txn = raw_open(folder);
    assert_int_equal(mdb_dbi_open(txn, "somebody-elses", MDB_CREATE, &dbi), 0);
    raw_close(txn);
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
        cmocka_unit_test(an_older_store_is_looked_at_and_stays_as_it_is),
        cmocka_unit_test(an_older_store_is_brought_up_to_date_when_it_is_opened_to_write),
        cmocka_unit_test(an_older_store_that_has_what_was_added_keeps_it),
        cmocka_unit_test(a_store_of_either_format_that_lacks_a_database_is_refused),
        cmocka_unit_test(a_foreign_data_file_is_refused),
    };
    return cmocka_run_group_tests_name("formats", tests, NULL, NULL);
}
