/* What stands in the kernel's cache and not on the disk yet is shown to nobody: neither what a
 * server left that died in a commit, nor what LMDB's readers may meet while one is written. The
 * program has fdatasync, pwrite and writev of its own, which count; the linker puts calls of ours
 * in front of LMDB's (--wrap). */
#include "folder.h"

#include <errno.h>
#include <lmdb.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Whatever else LMDB writes is longer; the owner of the lock is written to its file's beginning. */
#define ROOT_BYTES_MAX 4096

static struct {
    unsigned syncs;
    unsigned roots; /* each on the disk when it is written */
    unsigned early; /* writes before the first sync */
} disk;

int fdatasync(int fd)
{
    disk.syncs++;
    return (int)syscall(SYS_fdatasync, fd);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    disk.roots += size < ROOT_BYTES_MAX && at > 0 ? 1 : 0;
    disk.early += disk.syncs == 0 && at > 0 ? 1 : 0;
    return (ssize_t)syscall(SYS_pwrite64, fd, bytes, size, at);
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    disk.early += disk.syncs == 0 ? 1 : 0;
    return (ssize_t)syscall(SYS_writev, fd, pieces, count);
}

/* --- LMDB --- */

static struct {
    int put;               /* what the next mdb_put returns; 0: what it would */
    int commit;            /* likewise, and the transaction is gone */
    struct world *writer;  /* commits while a snapshot begins */
    unsigned commits_left; /* so many, each in another beginning */
    unsigned renewals;
} lmdb;

static int once(int *rc)
{
    int next = *rc;
    *rc = 0;
    return next;
}

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
int __real_mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags);
int __wrap_mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags);
int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);
int __real_mdb_txn_renew(MDB_txn *txn);
int __wrap_mdb_txn_renew(MDB_txn *txn);

int __wrap_mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags)
{
    int rc = once(&lmdb.put);
    return rc != 0 ? rc : __real_mdb_put(txn, dbi, key, value, flags);
}

/* The first commit of an open one changes nothing. */
int __wrap_mdb_txn_commit(MDB_txn *txn)
{
    static unsigned commits;
    if (lmdb.commit == 0 || ++commits % 2 == 1) {
        return __real_mdb_txn_commit(txn);
    }
    mdb_txn_abort(txn);
    return once(&lmdb.commit);
}

int __wrap_mdb_txn_renew(MDB_txn *txn)
{
    int rc = __real_mdb_txn_renew(txn);
    lmdb.renewals++;
    if (lmdb.commits_left > 0) {
        lmdb.commits_left--;
        (void)created(lmdb.writer, draft(lmdb.writer, "meanwhile"));
    }
    return rc;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* --- opening --- */

static struct world *closed_world(struct tb_str *before)
{
    struct world *world = world_open(ENGINE_LMDB, 8);
    created(world, draft(world, "kept"));
    *before = dump_now(world);
    close_store_of(world);
    memset(&disk, 0, sizeof(disk));
    return world;
}

static void open_again(struct world *world, struct tb_str before)
{
    char why[256];
    assert_int_equal(open_folder(world->folder, true, 0, &world->store, why), TB_OK);
    assert_int_equal(tb_reader_new(world->store, &world->reader), TB_OK);
    assert_same_str(dump_now(world), before);
    created(world, draft(world, "more"));
    world_close(world);
}

/* A root that a killed process had written may not be on the disk, or the kernel may take it for
 * written though the disk refused it: only one that is written now is sure. */
static void an_open_writes_a_root_of_its_own(void **state)
{
    (void)state;
    struct tb_str before;
    struct world *world = closed_world(&before);
    char why[256];
    assert_int_equal(open_folder(world->folder, true, 0, &world->store, why), TB_OK);
    assert_int_equal(disk.roots, 1);
    assert_true(disk.syncs >= 2);
    assert_int_equal(disk.early, 0); /* an old root that was put back keeps pages from being used */
    tb_store_close(&world->store);
    open_again(world, before);
}

static void what_only_looks_writes_nothing(void **state)
{
    (void)state;
    struct tb_str before;
    struct world *world = closed_world(&before);
    struct tb_store *store = NULL;
    assert_int_equal(open_to_look(world->folder, &store), TB_OK);
    tb_store_close(&store);
    assert_int_equal(disk.roots + disk.syncs, 0);
    open_again(world, before);
}

static void expect_that_it_is_synced_as_it_is(int put, int commit)
{
    struct tb_str before;
    struct world *world = closed_world(&before);
    lmdb.put = put;
    lmdb.commit = commit;
    open_again(world, before);
    assert_int_equal(lmdb.put, 0);
    assert_int_equal(lmdb.commit, 0);
    assert_true(disk.syncs >= 2); /* this one, and that of the task */
}

static void a_store_without_room_is_synced_as_it_is(void **state)
{
    (void)state;
    expect_that_it_is_synced_as_it_is(MDB_MAP_FULL, 0);
    expect_that_it_is_synced_as_it_is(0, ENOSPC);
}

/* --- snapshots --- */

static uint64_t head_seq(struct world *world)
{
    struct tb_txn *txn = snapshot(world);
    uint64_t seq = tb_txn_head(txn)->seq;
    tb_read_end(&txn);
    return seq;
}

/* LMDB reads the number of a snapshot and its root one after the other. When a commit has ended in
 * between, the root may be that of the next one, which is not on the disk yet. */
static void a_snapshot_that_a_commit_overtook_is_begun_anew(void **state)
{
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 9);
    created(world, draft(world, "first"));
    uint64_t seq = head_seq(world);
    for (unsigned overtaken = 0; overtaken < 4; overtaken++) {
        lmdb.writer = world;
        lmdb.commits_left = overtaken;
        lmdb.renewals = 0;
        seq += overtaken;
        assert_int_equal(head_seq(world), seq);
        assert_int_equal(lmdb.renewals, overtaken + 1);
    }
    world_close(world);
}

/* No reader tries for ever. */
static void a_snapshot_that_is_always_overtaken_is_refused(void **state)
{
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 10);
    created(world, draft(world, "first"));
    struct tb_txn *txn = NULL;
    lmdb.writer = world;
    lmdb.commits_left = 1000;
    assert_int_equal(tb_read_begin(world->reader, world->arena, &txn), TB_E_STORAGE_DOWN);
    assert_int_equal(lmdb.commits_left, 0);
    assert_int_equal(head_seq(world), 1001);
    world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_writes_a_root_of_its_own),
        cmocka_unit_test(what_only_looks_writes_nothing),
        cmocka_unit_test(a_store_without_room_is_synced_as_it_is),
        cmocka_unit_test(a_snapshot_that_a_commit_overtook_is_begun_anew),
        cmocka_unit_test(a_snapshot_that_is_always_overtaken_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
