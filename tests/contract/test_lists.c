/* Lists: each condition, each order, positions and limits. */
#include "suite.h"

#include <stdlib.h>

#define FILL   "0123456789012345678901234567890123456789012345678901234567890123456789"
#define LONG_1 "a-long-text-that-begins-alike-" FILL FILL "-first"
#define LONG_2 "a-long-text-that-begins-alike-" FILL FILL "-second"

enum { TASKS = 6 };

/* Six tasks, oldest first; the tests change what they need and then store them. */
static void draft_all(struct world *world, struct tb_task tasks[TASKS])
{
    for (int i = 0; i < TASKS; i++) {
        tasks[i] = draft(world, "plain");
    }
}

/* Stores them and opens a snapshot. */
static struct tb_txn *store_all(struct world *world, struct tb_task tasks[TASKS])
{
    struct tb_txn *txn = begin(world);
    for (int i = 0; i < TASKS; i++) {
        create(world, txn, &tasks[i]);
    }
    commit(&txn);
    return snapshot(world);
}

/* Expects the tasks with these numbers, in that order; -1 ends them. */
static void expect_tasks(struct tb_txn *txn, struct tb_task_query query,
                         const struct tb_task tasks[TASKS], const int *numbers)
{
    struct tb_id ids[TASKS];
    size_t count = 0;
    for (; numbers[count] >= 0; count++) {
        ids[count] = tasks[numbers[count]].id;
    }
    expect_list(txn, query, ids, count);
}

#define EXPECT(txn, query, tasks, ...) expect_tasks(txn, query, tasks, (const int[]){__VA_ARGS__})

static void without_conditions_all_come_newest_first(void **state)
{
    struct world *world = *state;
    struct tb_task tasks[TASKS];
    draft_all(world, tasks);
    struct tb_txn *txn = store_all(world, tasks);
    struct tb_task_query query = {.states = TB_STATES_ALL};
    EXPECT(txn, query, tasks, 5, 4, 3, 2, 1, 0, -1);
    query.states = 0; /* no condition either */
    EXPECT(txn, query, tasks, 5, 4, 3, 2, 1, 0, -1);
    tb_read_end(&txn);
}

static void states_are_any_of_a_set(void **state)
{
    struct world *world = *state;
    struct tb_task tasks[TASKS];
    draft_all(world, tasks);
    tasks[1].ready = false;
    tasks[2].status = TB_STATUS_IN_PROGRESS;
    tasks[3].status = TB_STATUS_IN_REVIEW;
    tasks[4].status = TB_STATUS_BLOCKED;
    tasks[5].status = TB_STATUS_DONE;
    struct tb_txn *txn = store_all(world, tasks);
    for (enum tb_order order = TB_ORDER_CREATED; order <= TB_ORDER_UPDATED; order++) {
        struct tb_task_query query = {.order = order};
        query.states = 1U << TB_STATE_READY;
        EXPECT(txn, query, tasks, 0, -1);
        query.states = 1U << TB_STATE_READY | 1U << TB_STATE_WAITING;
        EXPECT(txn, query, tasks, 1, 0, -1);
        query.states = 1U << TB_STATE_DONE | 1U << TB_STATE_READY | 1U << TB_STATE_IN_REVIEW;
        EXPECT(txn, query, tasks, 5, 3, 0, -1);
        query.states = 1U << TB_STATE_BLOCKED | 1U << TB_STATE_IN_PROGRESS;
        EXPECT(txn, query, tasks, 4, 2, -1);
    }
    tb_read_end(&txn);
}

static void names_match_whole_and_exactly(void **state)
{
    struct world *world = *state;
    struct tb_task tasks[TASKS];
    draft_all(world, tasks);
    tasks[0].assignee = TB_STR("ann");
    tasks[1].assignee = TB_STR("anna");
    tasks[2].assignee = TB_STR("an");
    tasks[3].assignee = TB_STR(LONG_1);
    tasks[4].assignee = TB_STR(LONG_2);
    tasks[5].created_by = TB_STR("ann");
    struct tb_txn *txn = store_all(world, tasks);
    EXPECT(txn, (struct tb_task_query){.assignee = TB_STR("ann")}, tasks, 0, -1);
    EXPECT(txn, (struct tb_task_query){.assignee = TB_STR("an")}, tasks, 2, -1);
    EXPECT(txn, (struct tb_task_query){.assignee = TB_STR(LONG_1)}, tasks, 3, -1);
    EXPECT(txn, (struct tb_task_query){.assignee = TB_STR(LONG_2)}, tasks, 4, -1);
    EXPECT(txn, (struct tb_task_query){.assignee = TB_STR(LONG_2 "x")}, tasks, -1);
    EXPECT(txn, (struct tb_task_query){.assignee = TB_STR("")}, tasks, -1);
    EXPECT(txn, (struct tb_task_query){.created_by = TB_STR("ann")}, tasks, 5, -1);
    EXPECT(txn, (struct tb_task_query){.created_by = TB_STR("tester")}, tasks, 4, 3, 2, 1, 0, -1);
    tb_read_end(&txn);
}

static void tags_and_words_must_all_be_there(void **state)
{
    struct world *world = *state;
    struct tb_task tasks[TASKS];
    draft_all(world, tasks);
    tasks[0].tags = TB_STR("[\"a\",\"b\"]");
    tasks[1].tags = TB_STR("[\"b\",\"b\"]");
    tasks[2].tags = TB_STR("[\"ab\",\"" LONG_1 "\"]");
    tasks[3].title = TB_STR("Red APPLE");
    tasks[4].title = TB_STR("a red pear, and an apple-tree");
    tasks[5].description = TB_STR("apples\\nred");
    struct tb_txn *txn = store_all(world, tasks);
    struct tb_str a_b[] = {TB_STR("a"), TB_STR("b")};
    struct tb_str longs[] = {TB_STR(LONG_1), TB_STR(LONG_2)};
    EXPECT(txn, ((struct tb_task_query){.tags = a_b, .tag_count = 1}), tasks, 0, -1);
    EXPECT(txn, ((struct tb_task_query){.tags = a_b + 1, .tag_count = 1}), tasks, 1, 0, -1);
    EXPECT(txn, ((struct tb_task_query){.tags = a_b, .tag_count = 2}), tasks, 0, -1);
    EXPECT(txn, ((struct tb_task_query){.tags = longs, .tag_count = 1}), tasks, 2, -1);
    EXPECT(txn, ((struct tb_task_query){.tags = longs, .tag_count = 2}), tasks, -1);
    struct tb_str words[] = {TB_STR("apple"), TB_STR("red"), TB_STR("appl")};
    for (enum tb_order order = TB_ORDER_CREATED; order <= TB_ORDER_UPDATED; order++) {
        struct tb_task_query query = {.order = order, .words = words, .word_count = 1};
        EXPECT(txn, query, tasks, 4, 3, -1);
        query.word_count = 2;
        EXPECT(txn, query, tasks, 4, 3, -1);
        query.word_count = 3;
        EXPECT(txn, query, tasks, -1);
        query = (struct tb_task_query){.order = order, .words = words + 1, .word_count = 1};
        EXPECT(txn, query, tasks, 5, 4, 3, -1);
    }
    tb_read_end(&txn);
}

static void children_are_found_by_their_parent(void **state)
{
    struct world *world = *state;
    struct tb_task tasks[TASKS];
    draft_all(world, tasks);
    tasks[1].parent_id = tasks[0].id;
    tasks[4].parent_id = tasks[0].id;
    tasks[5].parent_id = tasks[4].id;
    struct tb_txn *txn = store_all(world, tasks);
    EXPECT(txn, (struct tb_task_query){.parent_id = tasks[0].id}, tasks, 4, 1, -1);
    EXPECT(txn, (struct tb_task_query){.parent_id = tasks[4].id}, tasks, 5, -1);
    EXPECT(txn, (struct tb_task_query){.parent_id = tasks[5].id}, tasks, -1);
    tb_read_end(&txn);
}

static void conditions_are_combined(void **state)
{
    struct world *world = *state;
    struct tb_task tasks[TASKS];
    draft_all(world, tasks);
    for (int i = 0; i < TASKS; i++) {
        tasks[i].assignee = i % 2 == 0 ? TB_STR("even") : TB_STR("odd");
        tasks[i].tags = i % 3 == 0 ? TB_STR("[\"three\"]") : TB_STR("[]");
        tasks[i].ready = i < 4;
    }
    struct tb_txn *txn = store_all(world, tasks);
    struct tb_str three = TB_STR("three");
    struct tb_task_query query = {
        .assignee = TB_STR("even"),
        .created_by = TB_STR("tester"),
        .tags = &three,
        .tag_count = 1,
    };
    EXPECT(txn, query, tasks, 0, -1);
    query.assignee = TB_STR_NONE;
    EXPECT(txn, query, tasks, 3, 0, -1);
    query.tag_count = 0;
    query.states = 1U << TB_STATE_READY;
    query.assignee = TB_STR("odd");
    EXPECT(txn, query, tasks, 3, 1, -1);
    query.order = TB_ORDER_RANK;
    EXPECT(txn, query, tasks, 1, 3, -1);
    tb_read_end(&txn);
}

static void updated_order_is_latest_first_then_newest(void **state)
{
    struct world *world = *state;
    struct tb_task tasks[TASKS];
    draft_all(world, tasks);
    static const int64_t updated[TASKS] = {900, 500, 700, 500, 900, 100};
    for (int i = 0; i < TASKS; i++) {
        tasks[i].updated_ms = updated[i];
        tasks[i].ready = i % 2 == 0;
    }
    struct tb_txn *txn = store_all(world, tasks);
    struct tb_task_query query = {.order = TB_ORDER_UPDATED};
    EXPECT(txn, query, tasks, 4, 0, 2, 3, 1, 5, -1);
    query.created_by = TB_STR("tester");
    EXPECT(txn, query, tasks, 4, 0, 2, 3, 1, 5, -1);
    query.states = 1U << TB_STATE_WAITING;
    EXPECT(txn, query, tasks, 3, 1, 5, -1);
    tb_read_end(&txn);
}

static void rank_order_is_least_first_then_oldest(void **state)
{
    struct world *world = *state;
    struct tb_task tasks[TASKS];
    draft_all(world, tasks);
    static const int64_t ranks[TASKS] = {5, -5, INT64_MAX, 0, INT64_MIN, 0};
    for (int i = 0; i < TASKS; i++) {
        tasks[i].rank_ms = ranks[i];
        tasks[i].ready = i % 2 == 0;
    }
    struct tb_txn *txn = store_all(world, tasks);
    struct tb_task_query query = {.order = TB_ORDER_RANK};
    EXPECT(txn, query, tasks, 4, 1, 3, 5, 0, 2, -1);
    query.created_by = TB_STR("tester");
    EXPECT(txn, query, tasks, 4, 1, 3, 5, 0, 2, -1);
    query.states = 1U << TB_STATE_READY;
    EXPECT(txn, query, tasks, 4, 0, 2, -1);
    tb_read_end(&txn);
}

static void updated_since_is_inclusive_in_every_order(void **state)
{
    struct world *world = *state;
    struct tb_task tasks[TASKS];
    draft_all(world, tasks);
    static const int64_t updated[TASKS] = {900, 500, 700, 499, 900, 100};
    for (int i = 0; i < TASKS; i++) {
        tasks[i].updated_ms = updated[i];
        tasks[i].rank_ms = -i;
    }
    struct tb_txn *txn = store_all(world, tasks);
    struct tb_task_query query = {.updated_since_ms = 500};
    EXPECT(txn, query, tasks, 4, 2, 1, 0, -1);
    query.order = TB_ORDER_UPDATED;
    EXPECT(txn, query, tasks, 4, 0, 2, 1, -1);
    query.order = TB_ORDER_RANK;
    EXPECT(txn, query, tasks, 4, 2, 1, 0, -1);
    query.updated_since_ms = 901;
    EXPECT(txn, query, tasks, -1);
    tb_read_end(&txn);
}

static void a_position_need_not_be_a_task(void **state)
{
    struct world *world = *state;
    struct tb_task tasks[TASKS];
    draft_all(world, tasks);
    struct tb_task gone = draft(world, "never stored");
    tasks[5] = draft(world, "the newest");
    struct tb_txn *txn = store_all(world, tasks);
    struct tb_task_query query = {.has_after = true, .after = {.id = gone.id}};
    struct page *page = list(txn, &query, SIZE_MAX);
    assert_int_equal(page->count, 5);
    assert_same_id(page->ids[0], tasks[4].id);
    free(page);
    query.order = TB_ORDER_RANK;
    query.after.key = tasks[4].rank_ms;
    query.after.id = gone.id;
    page = list(txn, &query, SIZE_MAX);
    assert_int_equal(page->count, 1);
    assert_same_id(page->ids[0], tasks[5].id);
    free(page);
    query.order = TB_ORDER_UPDATED;
    query.after.key = tasks[1].updated_ms;
    memset(query.after.id.bytes, 0, sizeof query.after.id.bytes);
    page = list(txn, &query, SIZE_MAX);
    assert_int_equal(page->count, 1);
    assert_same_id(page->ids[0], tasks[0].id);
    free(page);
    tb_read_end(&txn);
}

static void a_limited_scan_says_where_it_stopped(void **state)
{
    struct world *world = *state;
    struct tb_task tasks[TASKS];
    draft_all(world, tasks);
    tasks[0].description = TB_STR("needle");
    tasks[0].tags = TB_STR("[\"t\"]");
    tasks[5].tags = TB_STR("[\"t\"]");
    struct tb_txn *txn = store_all(world, tasks);
    struct tb_str needle = TB_STR("needle");
    struct tb_str tag = TB_STR("t");
    struct tb_task_query query = {
        .order = TB_ORDER_UPDATED,
        .words = &needle,
        .word_count = 1,
        .tags = &tag,
        .tag_count = 1,
        .created_by = TB_STR("tester"),
        .scan_max = 1,
    };
    struct page *page = list(txn, &query, SIZE_MAX);
    assert_true(page->count == 0 && page->end.more_to_scan);
    free(page);
    query.scan_max = 0;
    page = list(txn, &query, SIZE_MAX);
    assert_true(page->count == 1 && !page->end.more_to_scan);
    free(page);
    EXPECT(txn, query, tasks, 0, -1);
    tb_read_end(&txn);
}

static void changed_fields_move_in_every_list(void **state)
{
    struct world *world = *state;
    struct tb_task tasks[TASKS];
    draft_all(world, tasks);
    struct tb_txn *txn = store_all(world, tasks);
    tb_read_end(&txn);
    txn = begin(world);
    struct tb_task task = tasks[2];
    task.status = TB_STATUS_IN_PROGRESS;
    task.assignee = TB_STR("worker");
    task.tags = TB_STR("[\"new\"]");
    task.title = TB_STR("other words");
    task.updated_ms += 100;
    task.rank_ms -= 100;
    replace(world, txn, &task);
    struct tb_str tag = TB_STR("new");
    struct tb_str old_word = TB_STR("plain");
    struct tb_str new_word = TB_STR("words");
    struct tb_task_query query = {.states = 1U << TB_STATE_READY};
    EXPECT(txn, query, tasks, 5, 4, 3, 1, 0, -1);
    EXPECT(txn, (struct tb_task_query){.states = 1U << TB_STATE_IN_PROGRESS}, tasks, 2, -1);
    EXPECT(txn, (struct tb_task_query){.assignee = TB_STR("worker")}, tasks, 2, -1);
    EXPECT(txn, ((struct tb_task_query){.tags = &tag, .tag_count = 1}), tasks, 2, -1);
    EXPECT(txn, ((struct tb_task_query){.words = &old_word, .word_count = 1}), tasks, 5, 4, 3, 1, 0,
           -1);
    EXPECT(txn, ((struct tb_task_query){.words = &new_word, .word_count = 1}), tasks, 2, -1);
    EXPECT(txn, (struct tb_task_query){.order = TB_ORDER_UPDATED}, tasks, 2, 5, 4, 3, 1, 0, -1);
    EXPECT(txn, (struct tb_task_query){.order = TB_ORDER_RANK}, tasks, 2, 0, 1, 3, 4, 5, -1);
    commit(&txn);
}

enum { MANY = 500 };

/* Of many tasks every `step`th is tagged, and all the later changed the older it is. */
static struct tb_txn *store_many(struct world *world, struct tb_id ids[MANY], int step)
{
    struct tb_txn *txn = begin(world);
    for (int i = 0; i < MANY; i++) {
        struct tb_task task = draft(world, "plain");
        int64_t later_ms = i % step == 0 ? 2 * MANY - i : 0;
        task.tags = i % step == 0 ? TB_STR("[\"t\",\"other\"]") : TB_STR("[\"other\"]");
        task.updated_ms = 1000000 + later_ms;
        task.rank_ms = -later_ms;
        create(world, txn, &task);
        ids[i] = task.id;
    }
    commit(&txn);
    return snapshot(world);
}

static void check_among_many(struct world *world, int step)
{
    struct tb_id ids[MANY];
    struct tb_id up[MANY];
    struct tb_id down[MANY];
    struct tb_str tag = TB_STR("t");
    size_t count = 0;
    struct tb_txn *txn = store_many(world, ids, step);
    for (int i = 0; i < MANY; i += step) {
        up[count] = ids[i];
        down[(MANY - 1) / step - (int)count] = ids[i];
        count++;
    }
    struct tb_task_query query = {.tags = &tag, .tag_count = 1, .created_by = TB_STR("tester")};
    expect_list(txn, query, down, count);
    query.order = TB_ORDER_UPDATED;
    expect_list(txn, query, up, count);
    query.order = TB_ORDER_RANK;
    expect_list(txn, query, up, count);
    query = (struct tb_task_query){.updated_since_ms = 1000001};
    expect_list(txn, query, down, count);
    query.order = TB_ORDER_UPDATED;
    expect_list(txn, query, up, count);
    query.order = TB_ORDER_RANK;
    expect_list(txn, query, up, count);
    tb_read_end(&txn);
}

/* Whether there are few matches or many decides how an engine looks for them. */
static void few_matches_are_found_among_many_tasks(void **state)
{
    check_among_many(*state, 83);
}

static void many_matches_are_found_among_many_tasks(void **state)
{
    check_among_many(*state, 5);
}

static enum tb_visit look_around(void *ctx, const struct tb_task *task)
{
    struct tb_txn *txn = ctx;
    struct tb_task got = stored(txn, task->id);
    assert_same_task(&got, task);
    struct tb_task_query query = {.order = TB_ORDER_RANK};
    struct page *page = list(txn, &query, 3);
    assert_int_equal(page->count, 3);
    free(page);
    return TB_VISIT_NEXT;
}

static void reading_inside_a_visit_is_allowed(void **state)
{
    struct world *world = *state;
    struct tb_task tasks[TASKS];
    struct tb_query_end end;
    struct tb_task_query query = {.created_by = TB_STR("tester")};
    draft_all(world, tasks);
    struct tb_txn *txn = store_all(world, tasks);
    assert_int_equal(tb_visit_tasks(txn, &query, look_around, txn, &end), TB_OK);
    tb_read_end(&txn);
    txn = begin(world);
    struct tb_task more = draft(world, "in the transaction");
    create(world, txn, &more);
    assert_int_equal(tb_visit_tasks(txn, &query, look_around, txn, &end), TB_OK);
    commit(&txn);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_conditions_all_come_newest_first),
        cmocka_unit_test(states_are_any_of_a_set),
        cmocka_unit_test(names_match_whole_and_exactly),
        cmocka_unit_test(tags_and_words_must_all_be_there),
        cmocka_unit_test(children_are_found_by_their_parent),
        cmocka_unit_test(conditions_are_combined),
        cmocka_unit_test(updated_order_is_latest_first_then_newest),
        cmocka_unit_test(rank_order_is_least_first_then_oldest),
        cmocka_unit_test(updated_since_is_inclusive_in_every_order),
        cmocka_unit_test(a_position_need_not_be_a_task),
        cmocka_unit_test(a_limited_scan_says_where_it_stopped),
        cmocka_unit_test(changed_fields_move_in_every_list),
        cmocka_unit_test(few_matches_are_found_among_many_tasks),
        cmocka_unit_test(many_matches_are_found_among_many_tasks),
        cmocka_unit_test(reading_inside_a_visit_is_allowed),
    };
    return run_on_every_engine("lists", tests, sizeof tests / sizeof *tests);
}
