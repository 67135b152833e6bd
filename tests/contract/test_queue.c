/* Queues under way: what is taken from the front, what is put in front of it, and who sees what. */
#include "suite.h"

#include <pthread.h>
#include <stdlib.h>

/* --- what readers must find --- */

struct ranked {
    int64_t rank_ms;
    struct tb_id id;
};

struct ranks {
    size_t count;
    struct ranked items[4000];
};

static enum tb_visit collect(void *ctx, const struct tb_task *task)
{
    struct ranks *ranks = ctx;
    assert_true(ranks->count < sizeof ranks->items / sizeof *ranks->items);
    ranks->items[ranks->count++] = (struct ranked){task->rank_ms, task->id};
    return TB_VISIT_NEXT;
}

static int compare(const void *a, const void *b)
{
    const struct ranked *left = a;
    const struct ranked *right = b;
    return left->rank_ms != right->rank_ms ? (left->rank_ms < right->rank_ms ? -1 : 1)
                                           : tb_id_cmp(left->id, right->id);
}

static void expect_same(const struct ranks *a, const struct ranks *b)
{
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->items, b->items, a->count * sizeof *a->items);
}

/* The claim order and the order `rank` against the list by creation, which is no queue. */
static void check_queues(struct tb_txn *txn)
{
    struct ranks *expected = calloc(1, sizeof *expected);
    struct ranks *got = calloc(1, sizeof *got);
    struct tb_query_end end;
    struct tb_task_query query = {.states = 1U << TB_STATE_READY};
    struct tb_ready_query ready = {.agent = TB_STR("ann")};
    assert_int_equal(tb_visit_tasks(txn, &query, collect, expected, &end), TB_OK);
    qsort(expected->items, expected->count, sizeof *expected->items, compare);
    assert_int_equal(tb_visit_ready(txn, &ready, collect, got), TB_OK);
    expect_same(got, expected);
    got->count = 0;
    query.order = TB_ORDER_RANK;
    assert_int_equal(tb_visit_tasks(txn, &query, collect, got, &end), TB_OK);
    expect_same(got, expected);
    free(expected);
    free(got);
}

/* --- taking --- */

/* The first one leaves; false: there is none. */
static bool take_first(struct world *world, struct tb_txn *txn)
{
    struct tb_ready_query query = {.agent = TB_STR("ann")};
    struct page *page = ready_list(txn, &query, 1);
    bool found = page->count == 1;
    if (found) {
        struct tb_task task = stored(txn, page->ids[0]);
        task.status = TB_STATUS_IN_PROGRESS;
        task.ready = false;
        replace(world, txn, &task);
    }
    free(page);
    return found;
}

static void put_ready(struct world *world, struct tb_txn *txn, int64_t rank_ms)
{
    struct tb_task task = draft(world, "queued");
    task.rank_ms = rank_ms;
    create(world, txn, &task);
}

static void a_task_put_in_front_of_all_is_found_at_once(void **state)
{
    struct world *world = *state;
    struct tb_txn *txn = begin(world);
    for (int i = 0; i < 100; i++) {
        put_ready(world, txn, i);
    }
    commit(&txn);
    for (int i = 0; i < 50; i++) {
        txn = begin(world);
        assert_true(take_first(world, txn));
        commit(&txn);
        txn = snapshot(world);
        check_queues(txn);
        tb_read_end(&txn);
    }
    txn = begin(world);
    put_ready(world, txn, 10);
    check_queues(txn);
    commit(&txn);
    txn = snapshot(world);
    check_queues(txn);
    struct tb_ready_query query = {.agent = TB_STR("ann")};
    struct page *page = ready_list(txn, &query, 1);
    assert_int_equal(page->last.key, 10);
    free(page);
    tb_read_end(&txn);
}

static void what_an_abort_took_is_there_again(void **state)
{
    struct world *world = *state;
    struct tb_txn *txn = begin(world);
    for (int i = 0; i < 20; i++) {
        put_ready(world, txn, i);
    }
    commit(&txn);
    for (int round = 0; round < 3; round++) {
        txn = begin(world);
        for (int i = 0; i < 10; i++) {
            assert_true(take_first(world, txn));
        }
        check_queues(txn);
        tb_write_abort(&txn);
        txn = snapshot(world);
        check_queues(txn);
        struct tb_ready_query query = {.agent = TB_STR("ann")};
        struct page *page = ready_list(txn, &query, SIZE_MAX);
        assert_int_equal(page->count, 20);
        free(page);
        tb_read_end(&txn);
    }
}

static void an_old_snapshot_still_sees_what_was_taken(void **state)
{
    struct world *world = *state;
    struct tb_reader *reader = NULL;
    struct tb_txn *old = NULL;
    struct tb_txn *txn = begin(world);
    for (int i = 0; i < 30; i++) {
        put_ready(world, txn, i);
    }
    commit(&txn);
    assert_int_equal(tb_reader_new(world->store, &reader), TB_OK);
    assert_int_equal(tb_read_begin(reader, world->arena, &old), TB_OK);
    for (int i = 0; i < 15; i++) {
        txn = begin(world);
        assert_true(take_first(world, txn));
        assert_true(take_first(world, txn));
        commit(&txn);
        check_queues(old);
        txn = snapshot(world);
        check_queues(txn);
        tb_read_end(&txn);
        check_queues(old);
    }
    tb_read_end(&old);
    tb_reader_free(&reader);
}

enum { LONG = 1500, LONG_BATCH = 40 };

/* Longer than what any engine keeps at hand; with and without a tag that is excluded. */
static void a_long_queue_is_taken_in_order(void **state)
{
    struct world *world = *state;
    struct tb_str paused = TB_STR("paused");
    struct tb_ready_query query = {.agent = TB_STR("ann"), .without_tags = &paused};
    struct tb_txn *txn = begin(world);
    for (int i = 0; i < LONG; i++) {
        struct tb_task task = draft(world, "queued");
        task.rank_ms = i;
        task.tags = i % 3 != 0 ? TB_STR("[\"paused\"]") : TB_STR("[]");
        create(world, txn, &task);
    }
    commit(&txn);
    int64_t last[2] = {-1, -1};
    for (int i = 0; i < LONG; i++) {
        if (i % LONG_BATCH == 0) {
            txn = begin(world);
        }
        query.without_tag_count = i % 7 < 2 || i >= LONG / 2 ? 0 : 1;
        struct page *page = ready_list(txn, &query, 1);
        if (page->count == 1) {
            assert_true(page->last.key > last[query.without_tag_count]);
            last[query.without_tag_count] = page->last.key;
            struct tb_task task = stored(txn, page->ids[0]);
            task.status = TB_STATUS_IN_PROGRESS;
            task.ready = false;
            replace(world, txn, &task);
        }
        free(page);
        if (i % LONG_BATCH == LONG_BATCH - 1 || i == LONG - 1) {
            check_queues(txn);
            commit(&txn);
        }
    }
}

/* --- one writer, several readers --- */

enum { READERS = 3, BATCHES = 150 };

struct reading {
    struct tb_store *store;
    pthread_mutex_t mutex;
    bool done;
};

static bool is_done(struct reading *reading)
{
    pthread_mutex_lock(&reading->mutex);
    bool done = reading->done;
    pthread_mutex_unlock(&reading->mutex);
    return done;
}

static void *read_on(void *ctx)
{
    struct reading *reading = ctx;
    struct tb_reader *reader = NULL;
    struct tb_arena *arena = tb_arena_new(0);
    assert_int_equal(tb_reader_new(reading->store, &reader), TB_OK);
    do {
        struct tb_txn *txn = NULL;
        assert_int_equal(tb_read_begin(reader, arena, &txn), TB_OK);
        check_queues(txn);
        check_queues(txn);
        tb_read_end(&txn);
        tb_arena_reset(arena);
    } while (!is_done(reading));
    tb_reader_free(&reader);
    tb_arena_free(arena);
    return NULL;
}

/* Some are taken, some put anywhere, and now and then all of it in vain. */
static void write_batch(struct world *world)
{
    struct tb_txn *txn = begin(world);
    for (uint64_t left = pick(world, 12); left > 0; left--) {
        if (pick(world, 2) == 0) {
            put_ready(world, txn, (int64_t)pick(world, 40));
        } else {
            take_first(world, txn);
        }
    }
    if (pick(world, 4) == 0) {
        tb_write_abort(&txn);
    } else {
        commit(&txn);
    }
}

static void readers_find_the_front_while_a_writer_moves_it(void **state)
{
    struct world *world = *state;
    struct reading reading = {.store = world->store, .mutex = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[READERS];
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &reading), 0);
    }
    for (int batch = 0; batch < BATCHES; batch++) {
        write_batch(world);
    }
    pthread_mutex_lock(&reading.mutex);
    reading.done = true;
    pthread_mutex_unlock(&reading.mutex);
    for (int i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
    }
    struct tb_txn *txn = snapshot(world);
    check_queues(txn);
    tb_read_end(&txn);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_put_in_front_of_all_is_found_at_once),
        cmocka_unit_test(what_an_abort_took_is_there_again),
        cmocka_unit_test(an_old_snapshot_still_sees_what_was_taken),
        cmocka_unit_test(a_long_queue_is_taken_in_order),
        cmocka_unit_test(readers_find_the_front_while_a_writer_moves_it),
    };
    return run_on_every_engine("queue", tests, sizeof tests / sizeof *tests);
}
