/* Queues under way: what is taken from the front, what is put in front of it, and who sees what. */
#include "suite.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

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

/* --- conditions that few tasks meet --- */

enum { MODEL_TASKS = 150, MODEL_TAGS = 7, MODEL_ASKED = 6 };

struct model_task {
    struct tb_id id;
    unsigned tags; /* bits */
    bool ready;
    int64_t rank_ms;
    struct tb_str assignee;
};

struct model_query {
    unsigned tags;
    unsigned any_tags;
    unsigned without_tags;
};

static unsigned some_tags(struct world *world)
{
    return (unsigned)pick(world, 1U << MODEL_TAGS);
}

static unsigned most_tags(struct world *world)
{
    unsigned tags = some_tags(world);
    return tags | some_tags(world);
}

static unsigned few_tags(struct world *world)
{
    unsigned tags = some_tags(world);
    return tags & some_tags(world);
}

static size_t names_of(unsigned tags, struct tb_str names[MODEL_TAGS])
{
    static const struct tb_str all[MODEL_TAGS] = {
        TB_STR("a"), TB_STR("b"), TB_STR("c"), TB_STR("d"), TB_STR("e"), TB_STR("f"), TB_STR("g")};
    size_t count = 0;
    for (unsigned i = 0; i < MODEL_TAGS; i++) {
        if ((tags & (1U << i)) != 0) {
            names[count++] = all[i];
        }
    }
    return count;
}

static struct tb_str tags_json(struct world *world, unsigned tags)
{
    struct tb_str names[MODEL_TAGS];
    size_t count = names_of(tags, names);
    struct tb_str json = text(world, "[");
    for (size_t i = 0; i < count; i++) {
        json = text(world, "%.*s%s\"%s\"", (int)json.len, json.ptr, i > 0 ? "," : "", names[i].ptr);
    }
    return text(world, "%.*s]", (int)json.len, json.ptr);
}

static bool meets(const struct model_task *task, const struct model_query *query)
{
    return task->ready &&
           (task->assignee.ptr == NULL || tb_str_eq(task->assignee, TB_STR("ann"))) &&
           (task->tags & query->tags) == query->tags &&
           (query->any_tags == 0 || (task->tags & query->any_tags) != 0) &&
           (task->tags & query->without_tags) == 0;
}

static bool comes_before(const struct model_task *a, const struct model_task *b)
{
    return a->rank_ms != b->rank_ms ? a->rank_ms < b->rank_ms : tb_id_cmp(a->id, b->id) < 0;
}

static void check_model(struct tb_txn *txn, const struct model_task tasks[MODEL_TASKS],
                        const struct model_query *asked, size_t max)
{
    const struct model_task *first = NULL;
    size_t count = 0;
    for (size_t i = 0; i < MODEL_TASKS; i++) {
        if (meets(&tasks[i], asked)) {
            count++;
            first = first == NULL || comes_before(&tasks[i], first) ? &tasks[i] : first;
        }
    }
    struct tb_str tags[MODEL_TAGS];
    struct tb_str any_tags[MODEL_TAGS];
    struct tb_str without_tags[MODEL_TAGS];
    const struct tb_ready_query query = {
        .agent = TB_STR("ann"),
        .tags = tags,
        .tag_count = names_of(asked->tags, tags),
        .any_tags = any_tags,
        .any_tag_count = names_of(asked->any_tags, any_tags),
        .without_tags = without_tags,
        .without_tag_count = names_of(asked->without_tags, without_tags),
    };
    struct page *page = ready_list(txn, &query, max);
    assert_int_equal(page->count, count < max ? count : max);
    if (count > 0) {
        assert_same_id(page->ids[0], first->id);
    }
    free(page);
}

static void change_model_task(struct world *world, struct tb_txn *txn, struct model_task *task)
{
    struct tb_task changed = stored(txn, task->id);
    task->tags ^= 1U << pick(world, MODEL_TAGS);
    task->ready = pick(world, 6) != 0;
    task->rank_ms = pick(world, 4) == 0 ? (int64_t)pick(world, 100) : task->rank_ms;
    task->assignee = pick(world, 8) == 0 ? TB_STR("ann") : TB_STR_NONE;
    changed.tags = tags_json(world, task->tags);
    changed.ready = task->ready;
    changed.status = task->ready ? TB_STATUS_OPEN : TB_STATUS_BLOCKED;
    changed.ready_ms = task->ready ? 1 : 0;
    changed.rank_ms = task->rank_ms;
    changed.assignee = task->assignee;
    replace(world, txn, &changed);
}

static void create_model(struct world *world, struct model_task tasks[MODEL_TASKS])
{
    struct tb_txn *txn = begin(world);
    for (int i = 0; i < MODEL_TASKS; i++) {
        struct tb_task task = draft(world, "t");
        tasks[i] =
            (struct model_task){task.id, some_tags(world), true, (int64_t)pick(world, 100), {0}};
        task.tags = tags_json(world, tasks[i].tags);
        task.rank_ms = tasks[i].rank_ms;
        create(world, txn, &task);
    }
    commit(&txn);
}

/* Whatever walks have remembered of entries that they passed in vain: the same few conditions are
 * asked for again and again, by the writer, by readers, and by one whose snapshot is old, while
 * tasks come to meet them and cease to, and transactions are given up. */
static void conditions_that_few_tasks_meet_are_always_answered_right(void **state)
{
    struct world *world = *state;
    struct model_task *tasks = calloc(3 * MODEL_TASKS, sizeof *tasks);
    struct model_task *before = tasks + MODEL_TASKS;
    struct model_task *then = before + MODEL_TASKS;
    struct tb_txn *old = NULL;
    struct model_query asked[MODEL_ASKED];
    create_model(world, tasks);
    for (int round = 0; round < 900; round++) {
        for (int i = 0; i < MODEL_ASKED && round % 60 == 0; i++) {
            asked[i] = (struct model_query){
                .tags = most_tags(world) & (i < 2 ? 7U : 63U),
                .any_tags = i % 2 == 0 ? 0 : few_tags(world) & 63U,
                .without_tags = i % 3 == 0 ? 0 : 64U,
            };
        }
        const struct model_query *query = &asked[pick(world, MODEL_ASKED)];
        if (old == NULL) {
            old = snapshot(world);
            memcpy(then, tasks, MODEL_TASKS * sizeof *tasks);
        }
        struct tb_txn *txn = begin(world);
        memcpy(before, tasks, MODEL_TASKS * sizeof *tasks);
        for (uint64_t i = pick(world, 4); i > 0; i--) {
            change_model_task(world, txn, &tasks[pick(world, MODEL_TASKS)]);
            check_model(txn, tasks, query, 1 + pick(world, 3));
        }
        if (pick(world, 3) == 0) {
            tb_write_abort(&txn);
            memcpy(tasks, before, MODEL_TASKS * sizeof *tasks);
        } else {
            commit(&txn);
        }
        check_model(old, then, query, 1 + pick(world, MODEL_TASKS));
        if (pick(world, 3) == 0) {
            tb_read_end(&old);
            txn = snapshot(world);
            check_model(txn, tasks, query, 1 + pick(world, MODEL_TASKS));
            tb_read_end(&txn);
        }
    }
    if (old != NULL) {
        tb_read_end(&old);
    }
    free(tasks);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_put_in_front_of_all_is_found_at_once),
        cmocka_unit_test(what_an_abort_took_is_there_again),
        cmocka_unit_test(an_old_snapshot_still_sees_what_was_taken),
        cmocka_unit_test(a_long_queue_is_taken_in_order),
        cmocka_unit_test(readers_find_the_front_while_a_writer_moves_it),
        cmocka_unit_test(conditions_that_few_tasks_meet_are_always_answered_right),
    };
    return run_on_every_engine("queue", tests, sizeof tests / sizeof *tests);
}
