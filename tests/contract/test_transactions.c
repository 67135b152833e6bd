/* Units of work: what is seen when, what an abort leaves, what a store keeps. */
#include "suite.h"

#include <pthread.h>

static void a_new_store_is_empty(void **state)
{
    struct world *world = *state;
    struct tb_txn *txn = snapshot(world);
    const struct tb_head *head = tb_txn_head(txn);
    assert_int_equal(head->seq, 0);
    assert_int_equal(head->oldest_seq, 1);
    assert_int_equal(head->last_ms, 0);
    assert_int_equal(head->aging_ms, 0);
    assert_true(tb_id_is_zero(head->last_id));
    for (int i = 0; i < TB_STATE_COUNT; i++) {
        assert_int_equal(head->task_counts[i], 0);
    }
    expect_list(txn, (struct tb_task_query){.states = TB_STATES_ALL}, NULL, 0);
    tb_read_end(&txn);
}

static void every_store_has_an_id_of_its_own(void **state)
{
    struct world *world = *state;
    struct world *other = world_open(world->engine, 1);
    struct tb_txn *txn = snapshot(world);
    struct tb_txn *other_txn = snapshot(other);
    assert_int_not_equal(tb_txn_head(txn)->store_id, tb_txn_head(other_txn)->store_id);
    tb_read_end(&other_txn);
    tb_read_end(&txn);
    world_close(other);
}

static void a_commit_stores_the_head_and_an_abort_does_not(void **state)
{
    struct world *world = *state;
    struct tb_txn *txn = begin(world);
    tb_txn_head(txn)->aging_ms = 3600000;
    tb_txn_head(txn)->last_ms = 77;
    commit(&txn);
    txn = begin(world);
    assert_int_equal(tb_txn_head(txn)->aging_ms, 3600000);
    tb_txn_head(txn)->aging_ms = 1;
    tb_write_abort(&txn);
    assert_null(txn);
    txn = snapshot(world);
    assert_int_equal(tb_txn_head(txn)->aging_ms, 3600000);
    assert_int_equal(tb_txn_head(txn)->last_ms, 77);
    tb_read_end(&txn);
    assert_null(txn);
}

static void a_commit_of_nothing_changes_nothing(void **state)
{
    struct world *world = *state;
    created(world, draft(world, "stays"));
    struct tb_txn *txn = snapshot(world);
    struct tb_str before = dump(world, txn);
    tb_read_end(&txn);
    txn = begin(world);
    commit(&txn);
    txn = snapshot(world);
    assert_same_str(dump(world, txn), before);
    tb_read_end(&txn);
}

static void a_snapshot_stands_still(void **state)
{
    struct world *world = *state;
    struct tb_task task = draft(world, "first title");
    created(world, task);
    struct tb_txn *old = snapshot(world);
    struct tb_str before = dump(world, old);

    struct tb_txn *txn = begin(world);
    task.title = TB_STR("second title");
    replace(world, txn, &task);
    assert_int_equal(tb_put_note(txn, task.id, new_id(world), TB_STR("n")), TB_OK);
    struct tb_task other = draft(world, "other");
    create(world, txn, &other);
    assert_same_str(dump(world, old), before);
    commit(&txn);
    assert_same_str(dump(world, old), before);

    txn = begin(world);
    remove_task(world, txn, task.id);
    commit(&txn);
    assert_same_str(dump(world, old), before);
    tb_read_end(&old);

    txn = snapshot(world);
    struct tb_task got;
    assert_int_equal(tb_get_task(txn, task.id, &got), TB_E_ABSENT);
    tb_read_end(&txn);
}

static void a_write_transaction_sees_its_own_writes(void **state)
{
    struct world *world = *state;
    struct tb_task task = draft(world, "mine");
    struct tb_txn *txn = begin(world);
    create(world, txn, &task);
    struct tb_str word = TB_STR("mine");
    struct tb_task_query query = {.words = &word, .word_count = 1};
    expect_list(txn, query, &task.id, 1);
    task.title = TB_STR("yours");
    replace(world, txn, &task);
    expect_list(txn, query, NULL, 0);
    word = TB_STR("yours");
    expect_list(txn, query, &task.id, 1);
    query.order = TB_ORDER_UPDATED;
    expect_list(txn, query, &task.id, 1);
    remove_task(world, txn, task.id);
    expect_list(txn, query, NULL, 0);
    commit(&txn);
}

static void an_abort_leaves_nothing(void **state)
{
    struct world *world = *state;
    struct tb_task kept = draft(world, "kept");
    struct tb_task removed = draft(world, "removed in vain");
    kept.tags = TB_STR("[\"a\"]");
    kept.unique_key = TB_STR("key");
    created(world, kept);
    created(world, removed);
    struct tb_txn *txn = snapshot(world);
    struct tb_str before = dump(world, txn);
    tb_read_end(&txn);

    txn = begin(world);
    struct tb_task other = draft(world, "never was");
    create(world, txn, &other);
    kept.tags = TB_STR("[\"b\"]");
    kept.unique_key = TB_STR("other");
    replace(world, txn, &kept);
    replace(world, txn, &kept);
    remove_task(world, txn, removed.id);
    assert_int_equal(tb_put_note(txn, kept.id, new_id(world), TB_STR("n")), TB_OK);
    assert_int_equal(tb_put_artifact(txn, kept.id, 0, TB_STR("a")), TB_OK);
    tb_write_abort(&txn);

    txn = snapshot(world);
    assert_same_str(dump(world, txn), before);
    tb_read_end(&txn);
}

struct scratching {
    struct tb_txn *txn;
    struct tb_arena *scratch;
    size_t visited;
};

static enum tb_visit read_into_scratch(void *ctx, const struct tb_task *task)
{
    struct scratching *scratching = ctx;
    struct tb_arena *previous = tb_txn_swap_arena(scratching->txn, scratching->scratch);
    struct tb_task got = stored(scratching->txn, task->id);
    assert_same_task(&got, task);
    assert_ptr_equal(tb_txn_swap_arena(scratching->txn, previous), scratching->scratch);
    memset((char *)(uintptr_t)tb_arena_alloc(scratching->scratch, 100), 'x', 100);
    tb_arena_reset(scratching->scratch);
    scratching->visited++;
    return TB_VISIT_NEXT;
}

/* Also within a visit: engines keep nothing of their own in the arena. */
static void reads_use_the_arena_that_is_in_place(void **state)
{
    struct world *world = *state;
    struct tb_txn *txn = begin(world);
    for (int i = 0; i < 50; i++) {
        struct tb_task task = draft(world, "to be read");
        create(world, txn, &task);
    }
    struct scratching scratching = {.txn = txn, .scratch = tb_arena_new(0)};
    struct tb_arena *previous = tb_txn_swap_arena(txn, scratching.scratch);
    assert_ptr_equal(previous, world->arena);
    struct tb_str word = TB_STR("read");
    for (enum tb_order order = TB_ORDER_CREATED; order <= TB_ORDER_RANK; order++) {
        struct tb_query_end end;
        struct tb_task_query query = {
            .order = order, .created_by = TB_STR("tester"), .words = &word, .word_count = 1};
        assert_int_equal(tb_visit_tasks(txn, &query, read_into_scratch, &scratching, &end), TB_OK);
    }
    assert_int_equal(scratching.visited, 150);
    tb_txn_swap_arena(txn, previous);
    commit(&txn);
    tb_arena_free(scratching.scratch);
}

static void closing_accepts_null(void **state)
{
    (void)state;
    struct tb_store *store = NULL;
    struct tb_reader *reader = NULL;
    struct tb_txn *txn = NULL;
    tb_store_close(&store);
    tb_reader_free(&reader);
    tb_write_abort(&txn);
    tb_read_end(&txn);
}

/* --- one writer, several readers --- */

enum { READERS = 3, BATCHES = 60, BATCH_TASKS = 10 };

static enum tb_visit count_task(void *ctx, const struct tb_task *task)
{
    uint64_t *counts = ctx;
    counts[tb_task_state(task)]++;
    return TB_VISIT_NEXT;
}

/* In every snapshot the counters of the head are those of the tasks: no batch is seen half. */
static void check_snapshot(struct tb_reader *reader)
{
    struct tb_arena *arena = tb_arena_new(0);
    struct tb_txn *txn = NULL;
    struct tb_query_end end;
    uint64_t counts[TB_STATE_COUNT] = {0};
    struct tb_task_query query = {.states = TB_STATES_ALL, .order = TB_ORDER_UPDATED};
    assert_int_equal(tb_read_begin(reader, arena, &txn), TB_OK);
    assert_int_equal(tb_visit_tasks(txn, &query, count_task, counts, &end), TB_OK);
    assert_memory_equal(counts, tb_txn_head(txn)->task_counts, sizeof counts);
    assert_int_equal(counts[TB_STATE_READY] % BATCH_TASKS, 0);
    tb_read_end(&txn);
    tb_arena_free(arena);
}

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
    assert_int_equal(tb_reader_new(reading->store, &reader), TB_OK);
    do {
        check_snapshot(reader);
    } while (!is_done(reading));
    check_snapshot(reader);
    tb_reader_free(&reader);
    return NULL;
}

static void readers_see_whole_batches_while_a_writer_writes(void **state)
{
    struct world *world = *state;
    struct reading reading = {.store = world->store, .mutex = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[READERS];
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &reading), 0);
    }
    for (int batch = 0; batch < BATCHES; batch++) {
        struct tb_txn *txn = begin(world);
        for (int i = 0; i < BATCH_TASKS; i++) {
            struct tb_task task = draft(world, "concurrent");
            create(world, txn, &task);
        }
        commit(&txn);
    }
    pthread_mutex_lock(&reading.mutex);
    reading.done = true;
    pthread_mutex_unlock(&reading.mutex);
    for (int i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_store_is_empty),
        cmocka_unit_test(every_store_has_an_id_of_its_own),
        cmocka_unit_test(a_commit_stores_the_head_and_an_abort_does_not),
        cmocka_unit_test(a_commit_of_nothing_changes_nothing),
        cmocka_unit_test(a_snapshot_stands_still),
        cmocka_unit_test(a_write_transaction_sees_its_own_writes),
        cmocka_unit_test(an_abort_leaves_nothing),
        cmocka_unit_test(reads_use_the_arena_that_is_in_place),
        cmocka_unit_test(closing_accepts_null),
        cmocka_unit_test(readers_see_whole_batches_while_a_writer_writes),
    };
    return run_on_every_engine("transactions", tests, sizeof tests / sizeof *tests);
}
