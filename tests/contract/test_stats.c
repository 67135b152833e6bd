/* What a store tells of its own size and of its snapshots. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct tb_store_stats stats_of(struct tb_txn *txn)
{
    struct tb_store_stats stats;
    memset(&stats, 0xff, sizeof stats);
    assert_int_equal(tb_store_stats(txn, &stats), TB_OK);
    return stats;
}

static struct tb_store_stats stats_now(struct world *world)
{
    struct tb_txn *txn = snapshot(world);
    struct tb_store_stats stats = stats_of(txn);
    tb_read_end(&txn);
    return stats;
}

static bool counts_bytes(const struct world *world)
{
    return world->engine == ENGINE_LMDB || world->engine == ENGINE_FAULT_ON_LMDB;
}

static void create_many(struct world *world, int count)
{
    struct tb_txn *txn = begin(world);
    for (int i = 0; i < count; i++) {
        struct tb_task task = draft(world, "a task that takes room");
        create(world, txn, &task);
    }
    commit(&txn);
}

static void the_snapshot_that_asks_is_counted_and_not_behind(void **state)
{
    struct world *world = *state;
    struct tb_store_stats stats = stats_now(world);
    assert_int_equal(stats.snapshots, 1);
    assert_int_equal(stats.oldest_behind, 0);
}

static void an_old_snapshot_is_behind_by_the_commits_since(void **state)
{
    struct world *world = *state;
    struct tb_reader *other = NULL;
    struct tb_txn *old = NULL;
    assert_int_equal(tb_reader_new(world->store, &other), TB_OK);
    created(world, draft(world, "before"));
    assert_int_equal(tb_read_begin(other, world->arena, &old), TB_OK);
    for (uint64_t i = 1; i <= 5; i++) {
        created(world, draft(world, "later"));
        struct tb_store_stats stats = stats_now(world);
        assert_int_equal(stats.snapshots, 2);
        assert_int_equal(stats.oldest_behind, i);
        assert_int_equal(stats_of(old).oldest_behind, i);
    }
    tb_read_end(&old);
    assert_int_equal(stats_now(world).snapshots, 1);
    assert_int_equal(stats_now(world).oldest_behind, 0);
    tb_reader_free(&other);
}

/* Whichever of the readers it is. */
static void the_oldest_of_several_snapshots_counts(void **state)
{
    enum { READERS = 4 };
    struct world *world = *state;
    struct tb_reader *readers[READERS];
    struct tb_txn *txns[READERS];
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(tb_reader_new(world->store, &readers[i]), TB_OK);
    }
    for (size_t oldest = 0; oldest < READERS; oldest++) {
        for (size_t i = 0; i < READERS; i++) {
            size_t at = (oldest + i) % READERS;
            assert_int_equal(tb_read_begin(readers[at], world->arena, &txns[at]), TB_OK);
            created(world, draft(world, "between two snapshots"));
        }
        struct tb_store_stats stats = stats_of(txns[oldest]);
        assert_int_equal(stats.snapshots, READERS);
        assert_int_equal(stats.oldest_behind, READERS);
        for (size_t i = 0; i < READERS; i++) {
            tb_read_end(&txns[i]);
        }
    }
    for (size_t i = 0; i < READERS; i++) {
        tb_reader_free(&readers[i]);
    }
}

static void bytes_are_used_and_set_free(void **state)
{
    struct world *world = *state;
    if (!counts_bytes(world)) {
        struct tb_store_stats none = stats_now(world);
        assert_int_equal(none.used_bytes + none.free_bytes + none.limit_bytes, 0);
        return;
    }
    struct tb_store_stats before = stats_now(world);
    create_many(world, 2000);
    struct tb_store_stats full = stats_now(world);
    assert_true(full.used_bytes > before.used_bytes + 2000 * 100);
    assert_true(full.used_bytes + full.free_bytes <= full.limit_bytes);

    struct tb_txn *txn = begin(world);
    struct page *page = list(txn, &(struct tb_task_query){.states = TB_STATES_ALL}, 2000);
    for (size_t i = 0; i < page->count; i++) {
        remove_task(world, txn, page->ids[i]);
    }
    free(page);
    commit(&txn);
    assert_true(stats_now(world).free_bytes > full.free_bytes);
}

static void what_is_used_and_free_is_the_file(void **state)
{
    struct world *world = *state;
    char path[128];
    struct stat file;
    if (!counts_bytes(world)) {
        return;
    }
    create_many(world, 500);
    struct tb_store_stats stats = stats_now(world);
    (void)snprintf(path, sizeof path, "%s/data.mdb", world->folder);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(stats.used_bytes + stats.free_bytes, file.st_size);
}

static void the_limit_is_the_one_that_was_set(void **state)
{
    (void)state;
    struct world *world = world_open_small((uint64_t)64 << 20);
    assert_int_equal(stats_now(world).limit_bytes, 64 << 20);
    world_close(world);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_snapshot_that_asks_is_counted_and_not_behind),
        cmocka_unit_test(an_old_snapshot_is_behind_by_the_commits_since),
        cmocka_unit_test(the_oldest_of_several_snapshots_counts),
        cmocka_unit_test(bytes_are_used_and_set_free),
        cmocka_unit_test(what_is_used_and_free_is_the_file),
        cmocka_unit_test(the_limit_is_the_one_that_was_set),
    };
    return run_on_every_engine("stats", tests, sizeof tests / sizeof *tests);
}
