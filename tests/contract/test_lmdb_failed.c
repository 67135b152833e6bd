/* A disk that fails while a commit is written: this program has fdatasync and pwrite of its own,
 * which fail when they are told to. LMDB calls them, as any library calls what the program has.
 * What opens another way to read then fails, too: the linker puts calls of ours in front of LMDB's. */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum call {
    CALL_NONE,
    CALL_SYNC,
    CALL_PAGE,
    CALL_HALF_A_PAGE,  /* half of what is to be written is */
    CALL_ROOT,         /* and the attempt to put the old one back */
    CALL_SYNC_OF_ROOT, /* it was written */
    CALL_ROOT_STAYS    /* and so it stays: the old one cannot be put back */
};

static struct {
    enum call call; /* that fails from now on */
    int error;      /* with this */
    unsigned failed;
    unsigned syncs; /* all calls */
} disk;

int fdatasync(int fd)
{
    disk.syncs++;
    if (disk.call == CALL_SYNC) {
        disk.failed++;
        errno = disk.error;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

/* LMDB writes a root, and nothing else, with a write of less than a page in one of the first two.
 */
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    enum call call = size < 4096 ? CALL_ROOT : CALL_PAGE;
    if (disk.call == CALL_HALF_A_PAGE && call == CALL_PAGE) {
        disk.failed++;
        return (ssize_t)syscall(SYS_pwrite64, fd, bytes, size / 2, at);
    }
    bool syncs = disk.call == CALL_SYNC_OF_ROOT && call == CALL_ROOT && disk.failed == 0;
    bool stays = disk.call == CALL_ROOT_STAYS && call == CALL_ROOT;
    bool lost = disk.call == call || (stays && disk.failed > 0);
    ssize_t written = lost ? -1 : (ssize_t)syscall(SYS_pwrite64, fd, bytes, size, at);
    if (disk.call == call || syncs || stays) {
        disk.failed++;
        errno = disk.error;
        return -1;
    }
    return written;
}

/* --- LMDB --- */

/* The call of LMDB that fails, counted down; 0: none. */
static unsigned countdown;

static bool fails_now(void)
{
    return countdown > 0 && --countdown == 0;
}

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#define WRAP(name, parameters, arguments)                                                          \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters                                                                   \
    {                                                                                              \
        return fails_now() ? EIO : __real_##name arguments;                                        \
    }

WRAP(mdb_env_create, (MDB_env * *env), (env))
WRAP(mdb_env_set_mapsize, (MDB_env * env, size_t size), (env, size))
WRAP(mdb_env_set_maxdbs, (MDB_env * env, MDB_dbi dbs), (env, dbs))
WRAP(mdb_env_open, (MDB_env * env, const char *path, unsigned flags, mdb_mode_t mode),
     (env, path, flags, mode))
WRAP(mdb_env_copyfd2, (MDB_env * env, mdb_filehandle_t fd, unsigned flags), (env, fd, flags))
WRAP(mdb_dbi_open, (MDB_txn * txn, const char *name, unsigned flags, MDB_dbi *dbi),
     (txn, name, flags, dbi))
WRAP(mdb_txn_begin, (MDB_env * env, MDB_txn *parent, unsigned flags, MDB_txn **txn),
     (env, parent, flags, txn))
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static void break_disk(enum call call, int error)
{
    disk.call = call;
    disk.error = error;
    disk.failed = 0;
}

static void mend_disk(void)
{
    disk.call = CALL_NONE;
}

static enum tb_err try_to_create(struct world *world, const char *title)
{
    struct tb_txn *txn = NULL;
    enum tb_err err = tb_write_begin(world->store, world->arena, &txn);
    if (err != TB_OK) {
        return err;
    }
    struct tb_task task = draft(world, title);
    create(world, txn, &task);
    return tb_write_commit(&txn);
}

static struct world *world_with_tasks(void)
{
    struct world *world = world_open(ENGINE_LMDB, 5);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(try_to_create(world, "kept"), TB_OK);
    }
    return world;
}

static void expect_that_writes_stop(enum call call, int error)
{
    struct world *world = world_with_tasks();
    struct tb_str before = dump_now(world);
    break_disk(call, error);
    assert_int_equal(try_to_create(world, "refused"), TB_E_STORAGE_FAILED);
    assert_int_equal(disk.failed, call == CALL_ROOT ? 2 : 1);
    mend_disk(); /* too late */
    unsigned syncs = disk.syncs;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(try_to_create(world, "refused"), TB_E_STORAGE_FAILED);
        assert_same_str(dump_now(world), before);
    }
    assert_int_equal(disk.syncs, syncs);
    world_reopen(world);
    assert_same_str(dump_now(world), before);
    assert_int_equal(try_to_create(world, "kept again"), TB_OK);
    world_close(world);
}

static void a_failed_sync_ends_all_writing_and_reads_go_on(void **state)
{
    (void)state;
    expect_that_writes_stop(CALL_SYNC, EIO);
}

static void a_page_that_cannot_be_written_ends_all_writing_and_reads_go_on(void **state)
{
    (void)state;
    expect_that_writes_stop(CALL_PAGE, EIO);
}

static void a_root_that_cannot_be_written_ends_all_writing_and_reads_go_on(void **state)
{
    (void)state;
    expect_that_writes_stop(CALL_ROOT, EIO);
    expect_that_writes_stop(CALL_SYNC_OF_ROOT, EIO);
    expect_that_writes_stop(CALL_ROOT, ENOSPC); /* LMDB takes it for fatal, too */
}

static void a_full_disk_is_no_failure(void **state)
{
    (void)state;
    static const enum call calls[] = {CALL_PAGE, CALL_SYNC};
    struct world *world = world_with_tasks();
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct tb_str before = dump_now(world);
        break_disk(calls[i], ENOSPC);
        assert_int_equal(try_to_create(world, "refused"), TB_E_STORAGE_FULL);
        assert_int_equal(try_to_create(world, "refused"), TB_E_STORAGE_FULL);
        mend_disk();
        assert_same_str(dump_now(world), before);
        assert_int_equal(try_to_create(world, "kept"), TB_OK);
    }
    world_close(world);
}

/* Not only those of the thread that wrote: each gets its own way to read. */
static void every_reader_reads_on(void **state)
{
    (void)state;
    struct world *world = world_with_tasks();
    struct tb_reader *first = world->reader;
    struct tb_reader *second = NULL;
    assert_int_equal(tb_reader_new(world->store, &second), TB_OK);
    struct tb_str before = dump_now(world);
    break_disk(CALL_ROOT, EIO);
    assert_int_equal(try_to_create(world, "refused"), TB_E_STORAGE_FAILED);
    mend_disk();
    struct tb_reader *late = NULL; /* an export has a reader of its own */
    assert_int_equal(tb_reader_new(world->store, &late), TB_OK);
    struct tb_reader *const readers[] = {second, first, late};
    for (size_t i = 0; i < 6; i++) {
        world->reader = readers[i % 3];
        assert_same_str(dump_now(world), before);
    }
    world->reader = first;
    tb_reader_free(&late);
    tb_reader_free(&second);
    world_reopen(world);
    world_close(world);
}

static bool count_bytes(void *ctx, const void *bytes, size_t len)
{
    (void)bytes;
    *(size_t *)ctx += len;
    return true;
}

/* It is when one wants it most. */
static void a_store_that_has_failed_can_be_copied(void **state)
{
    (void)state;
    static const enum call calls[] = {CALL_SYNC, CALL_PAGE, CALL_ROOT};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct world *world = world_with_tasks();
        size_t before = 0;
        size_t after = 0;
        assert_int_equal(tb_store_copy(world->store, count_bytes, &before), TB_OK);
        break_disk(calls[i], EIO);
        assert_int_equal(try_to_create(world, "refused"), TB_E_STORAGE_FAILED);
        mend_disk();
        assert_int_equal(tb_store_copy(world->store, count_bytes, &after), TB_OK);
        assert_true(before > 0 && after == before);
        world_reopen(world);
        world_close(world);
    }
}

/* A file system that lets nobody write once its disk has failed leaves the new root in the kernel's
 * cache, where whoever opens the file finds it. */
static void a_root_that_was_refused_is_shown_to_nobody(void **state)
{
    (void)state;
    struct world *world = world_with_tasks();
    struct tb_txn *txn = NULL;
    size_t bytes = 0;
    break_disk(CALL_ROOT_STAYS, EROFS);
    assert_int_equal(try_to_create(world, "refused"), TB_E_STORAGE_FAILED);
    assert_int_equal(disk.failed, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tb_read_begin(world->reader, world->arena, &txn), TB_E_STORAGE_FAILED);
        assert_int_equal(tb_store_copy(world->store, count_bytes, &bytes), TB_E_STORAGE_FAILED);
    }
    assert_int_equal(bytes, 0);
    mend_disk();
    world_reopen(world); /* it was written after all, and now it is on the disk */
    assert_int_equal(try_to_create(world, "kept again"), TB_OK);
    world_close(world);
}

/* A reader's own way to read fails at one call after the other; the next attempt finds it. */
static void a_reader_that_cannot_read_on_says_so_and_may_later(void **state)
{
    (void)state;
    struct world *world = world_with_tasks();
    struct tb_str before = dump_now(world);
    struct tb_txn *txn = NULL;
    break_disk(CALL_ROOT, EIO);
    assert_int_equal(try_to_create(world, "refused"), TB_E_STORAGE_FAILED);
    mend_disk();
    unsigned nth = 0;
    do {
        nth++;
        assert_true(nth < 100);
        countdown = nth;
        enum tb_err err = tb_read_begin(world->reader, world->arena, &txn);
        assert_int_equal(err, countdown == 0 ? TB_E_STORAGE_DOWN : TB_OK);
    } while (countdown == 0);
    countdown = 0;
    assert_true(nth > 17); /* the environment, twelve databases, and what reads */
    tb_read_end(&txn);
    assert_same_str(dump_now(world), before);
    world_reopen(world);
    world_close(world);
}

/* The first call is the copy of the store itself, which says that nobody may begin anything. */
static void a_copy_of_a_failed_store_that_fails_says_so(void **state)
{
    enum { CALLS_TRIED = 5 };
    (void)state;
    struct world *world = world_with_tasks();
    size_t bytes = 0;
    break_disk(CALL_ROOT, EIO);
    assert_int_equal(try_to_create(world, "refused"), TB_E_STORAGE_FAILED);
    mend_disk();
    for (unsigned nth = 2; nth < 2 + CALLS_TRIED; nth++) {
        countdown = nth;
        assert_int_equal(tb_store_copy(world->store, count_bytes, &bytes), TB_E_STORAGE_DOWN);
        assert_int_equal(countdown, 0);
    }
    assert_int_equal(bytes, 0);
    assert_int_equal(tb_store_copy(world->store, count_bytes, &bytes), TB_OK);
    assert_true(bytes > 0);
    world_reopen(world);
    world_close(world);
}

/* --- making a store --- */

static enum tb_err try_to_open(const char *folder)
{
    struct tb_store_options options = {.url = folder, .readers_max = 4, .create = true};
    struct tb_store *store = NULL;
    char why[256];
    enum tb_err err = tb_store_open(&options, &store, why, sizeof why);
    assert_true((err == TB_OK) == (strlen(why) == 0));
    tb_store_close(&store);
    return err;
}

static bool has(const char *folder, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

/* Whatever fails, also half way through the two roots: the next start makes the store. */
static void a_store_that_could_not_be_made_is_made_by_the_next_start(void **state)
{
    (void)state;
    static const enum call calls[] = {CALL_SYNC, CALL_PAGE, CALL_HALF_A_PAGE, CALL_ROOT};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char folder[64];
        folder_make(folder);
        break_disk(calls[i], EIO);
        assert_int_not_equal(try_to_open(folder), TB_OK);
        assert_true(disk.failed > 0);
        mend_disk();
        assert_int_equal(try_to_open(folder), TB_OK);
        assert_int_equal(try_to_open(folder), TB_OK);
        assert_false(has(folder, "data.mdb.new"));
        folder_remove(folder);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_sync_ends_all_writing_and_reads_go_on),
        cmocka_unit_test(a_page_that_cannot_be_written_ends_all_writing_and_reads_go_on),
        cmocka_unit_test(a_root_that_cannot_be_written_ends_all_writing_and_reads_go_on),
        cmocka_unit_test(a_full_disk_is_no_failure),
        cmocka_unit_test(every_reader_reads_on),
        cmocka_unit_test(a_store_that_has_failed_can_be_copied),
        cmocka_unit_test(a_root_that_was_refused_is_shown_to_nobody),
        cmocka_unit_test(a_reader_that_cannot_read_on_says_so_and_may_later),
        cmocka_unit_test(a_copy_of_a_failed_store_that_fails_says_so),
        cmocka_unit_test(a_store_that_could_not_be_made_is_made_by_the_next_start),
    };
    return cmocka_run_group_tests_name("failed disk", tests, NULL, NULL);
}
