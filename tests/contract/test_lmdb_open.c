/* A store in a folder: restarts, other processes, folders that will not do, and what a start that
 * was cut short has left. */
#include "folder.h"

#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_reopened_store_keeps_everything(void **state)
{
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 3);
    struct tb_task task = draft(world, "kept over a restart");
    task.tags = TB_STR("[\"a\"]");
    created(world, task);
    struct tb_txn *txn = begin(world);
    uint64_t store_id = tb_txn_head(txn)->store_id;
    tb_txn_head(txn)->aging_ms = 7;
    assert_int_equal(tb_put_note(txn, task.id, new_id(world), TB_STR("n")), TB_OK);
    assert_int_equal(tb_put_artifact(txn, task.id, 0, TB_STR("a")), TB_OK);
    commit(&txn);
    struct tb_str before = dump_now(world);
    world_reopen(world);
    assert_same_str(dump_now(world), before);
    txn = snapshot(world);
    assert_int_equal(tb_txn_head(txn)->store_id, store_id);
    tb_read_end(&txn);
    world_close(world);
}

/* A child process does some of the work and dies; nothing is closed. */
static void work_and_die(const char *folder, bool commit_second)
{
    struct tb_store *store = NULL;
    char why[256];
    if (open_folder(folder, true, 0, &store, why) != TB_OK) {
        _exit(1);
    }
    struct world world = {.store = store, .arena = tb_arena_new(0), .now_ms = 1};
    for (int round = 0; round < 2; round++) {
        struct tb_txn *txn = NULL;
        if (tb_write_begin(store, world.arena, &txn) != TB_OK) {
            _exit(2);
        }
        struct tb_task task = {.id.bytes = {(uint8_t)(round + 1)},
                               .title = TB_STR("t"),
                               .tags = TB_STR("[]"),
                               .dependencies = TB_STR("[]"),
                               .blocked_by = TB_STR("[]"),
                               .created_by = TB_STR("child")};
        tb_task_render(&task, world.arena);
        enum tb_err err = tb_put_task(txn, NULL, &task);
        if (err == TB_OK && (round == 0 || commit_second)) {
            err = tb_write_commit(&txn);
        }
        if (err != TB_OK) {
            _exit(3);
        }
    }
    _exit(0);
}

static void what_was_committed_survives_a_killed_process(void **state)
{
    (void)state;
    for (int commit_second = 0; commit_second <= 1; commit_second++) {
        char folder[64];
        folder_make(folder);
        pid_t child = fork();
        if (child == 0) {
            work_and_die(folder, commit_second != 0);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        struct world *world = world_open(ENGINE_MEMORY, 1);
        struct tb_store *store = NULL;
        struct tb_store *memory = world->store;
        char why[256];
        assert_int_equal(open_folder(folder, false, 0, &store, why), TB_OK);
        world->store = store;
        struct tb_txn *txn = begin(world);
        struct page *page = list(txn, &(struct tb_task_query){.states = 0}, SIZE_MAX);
        assert_int_equal(page->count, 1 + commit_second);
        free(page);
        struct tb_task task = draft(world, "and it goes on");
        create(world, txn, &task);
        commit(&txn);
        tb_store_close(&store);
        world->store = memory;
        world_close(world);
        folder_remove(folder);
    }
}

static void a_store_in_use_is_refused(void **state)
{
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 1);
    expect_refusal(world->folder, true, TB_E_STORAGE_DOWN, "in use by another taskboardd");
    pid_t child = fork();
    if (child == 0) {
        struct tb_store *store = NULL;
        char why[256];
        enum tb_err err = open_folder(world->folder, true, 0, &store, why);
        _exit(err == TB_E_STORAGE_DOWN && strstr(why, "in use by another") != NULL ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    world_close(world);
}

static void a_folder_that_cannot_be_a_store_is_refused_with_a_reason(void **state)
{
    (void)state;
    char folder[64];
    char path[128];
    folder_make(folder);
    snprintf(path, sizeof path, "%s/missing/store", folder);
    expect_refusal(path, true, TB_E_STORAGE_DOWN, "does not exist");
    snprintf(path, sizeof path, "%s/missing", folder);
    expect_refusal(path, false, TB_E_STORAGE_DOWN, "does not exist");
    expect_refusal(folder, false, TB_E_STORAGE_DOWN, "holds no board");
    snprintf(path, sizeof path, "%s/file", folder);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
    expect_refusal(path, true, TB_E_STORAGE_DOWN, "is not a folder");
    folder_remove(folder);

    struct tb_store *store = NULL;
    char why[256];
    assert_int_equal(open_folder("", true, 0, &store, why), TB_E_STORAGE_DOWN);
    assert_non_null(strstr(why, "empty"));
}

/* Root may write anywhere: the child becomes nobody. */
static void a_folder_that_cannot_be_written_is_refused(void **state)
{
    (void)state;
    char folder[64];
    folder_make(folder);
    assert_int_equal(chmod(folder, 0555), 0);
    pid_t child = fork();
    if (child == 0) {
        struct tb_store *store = NULL;
        char why[256];
        if (geteuid() == 0 && setuid(65534) != 0) {
            _exit(2);
        }
        enum tb_err err = open_folder(folder, true, 0, &store, why);
        _exit(err == TB_E_STORAGE_DOWN && strstr(why, "cannot be written") != NULL ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(chmod(folder, 0755), 0);
    folder_remove(folder);
}

static void a_store_that_is_only_looked_at_takes_no_writes_and_needs_no_lock_file(void **state)
{
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 1);
    struct tb_store *store = NULL;
    struct tb_txn *txn = NULL;
    char path[128];
    created(world, draft(world, "looked at"));
    assert_int_equal(open_to_look(world->folder, &store), TB_E_STORAGE_DOWN);
    close_store_of(world);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(open_to_look(world->folder, &store), TB_OK);
        assert_int_equal(tb_write_begin(store, world->arena, &txn), TB_E_STORAGE_DOWN);
        tb_store_close(&store);
        snprintf(path, sizeof path, "%s/lock", world->folder);
        assert_int_equal(unlink(path), round == 0 ? 0 : -1);
    }
    world_reopen(world);
    world_close(world);
}

/* There is no table of readers: nobody writes. */
static void a_store_that_is_only_looked_at_tells_of_no_readers(void **state)
{
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 1);
    struct tb_store_stats stats = {.snapshots = 9, .oldest_behind = 9};
    created(world, draft(world, "looked at"));
    close_store_of(world);
    assert_int_equal(open_to_look(world->folder, &world->store), TB_OK);
    assert_int_equal(tb_reader_new(world->store, &world->reader), TB_OK);
    struct tb_txn *txn = snapshot(world);
    assert_int_equal(tb_store_stats(txn, &stats), TB_OK);
    assert_int_equal(stats.snapshots, 0);
    assert_int_equal(stats.oldest_behind, 0);
    assert_true(stats.used_bytes > 0);
    tb_read_end(&txn);
    world_close(world);
}

static void an_environment_without_a_board_is_told_from_a_damaged_one(void **state)
{
    (void)state;
    char folder[64];
    struct tb_store *store = NULL;
    MDB_env *env = NULL;
    folder_make(folder);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_open(env, folder, 0, 0600), 0);
    mdb_env_close(env);
    assert_int_equal(open_to_look(folder, &store), TB_E_ABSENT);
    assert_null(store);
    folder_remove(folder);
}

static void what_stands_in_the_way_of_a_new_store_is_told(void **state)
{
    (void)state;
    char folder[64];
    char path[128];
    folder_make(folder);
    snprintf(path, sizeof path, "%s/data.mdb.new", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    expect_refusal(folder, true, TB_E_STORAGE_DOWN, "cannot be opened: Is a directory");
    snprintf(path, sizeof path, "%s/data.mdb", folder);
    assert_int_not_equal(access(path, F_OK), 0);
    folder_remove(folder);
}

/* LMDB needs some room to begin with. */
static void a_map_that_is_too_small_is_made_large_enough(void **state)
{
    (void)state;
    struct tb_store *store = NULL;
    char folder[64];
    char why[256];
    folder_make(folder);
    assert_int_equal(open_folder(folder, true, 1, &store, why), TB_OK);
    tb_store_close(&store);
    folder_remove(folder);
}

/* A crash while the store was made leaves any part of the file under its first name, and LMDB would
 * refuse that. */
static void what_a_cut_first_start_left_is_made_anew(void **state)
{
    static const char half[8192] = "half a page";
    struct tb_store *store = NULL;
    char why[256];
    (void)state;
    char folder[64];
    char path[128];
    folder_make(folder);
    snprintf(path, sizeof path, "%s/data.mdb.new", folder);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, half, sizeof half), sizeof half);
    close(fd);
    for (int start = 0; start < 2; start++) {
        assert_int_equal(open_folder(folder, true, 0, &store, why), TB_OK);
        assert_int_not_equal(access(path, F_OK), 0);
        tb_store_close(&store);
    }
    folder_remove(folder);
}

/* As a crash of a restore leaves it. */
static void what_a_cut_restore_left_is_removed(void **state)
{
    struct tb_store *store = NULL;
    char why[256];
    (void)state;
    char folder[64];
    char path[128];
    folder_make(folder);
    snprintf(path, sizeof path, "%s/new", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/new/data.mdb", folder);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(open_folder(folder, true, 0, &store, why), TB_OK);
    snprintf(path, sizeof path, "%s/new", folder);
    assert_int_not_equal(access(path, F_OK), 0);
    tb_store_close(&store);
    folder_remove(folder);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reopened_store_keeps_everything),
        cmocka_unit_test(what_was_committed_survives_a_killed_process),
        cmocka_unit_test(a_store_in_use_is_refused),
        cmocka_unit_test(a_folder_that_cannot_be_a_store_is_refused_with_a_reason),
        cmocka_unit_test(a_folder_that_cannot_be_written_is_refused),
        cmocka_unit_test(a_store_that_is_only_looked_at_takes_no_writes_and_needs_no_lock_file),
        cmocka_unit_test(a_store_that_is_only_looked_at_tells_of_no_readers),
        cmocka_unit_test(an_environment_without_a_board_is_told_from_a_damaged_one),
        cmocka_unit_test(what_stands_in_the_way_of_a_new_store_is_told),
        cmocka_unit_test(a_map_that_is_too_small_is_made_large_enough),
        cmocka_unit_test(what_a_cut_first_start_left_is_made_anew),
        cmocka_unit_test(what_a_cut_restore_left_is_removed),
    };
    return cmocka_run_group_tests_name("opening", tests, NULL, NULL);
}
