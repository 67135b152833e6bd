/* The claim order: who gets which of the ready tasks. */
#include "suite.h"

#include <stdlib.h>

#define FILL   "0123456789012345678901234567890123456789012345678901234567890123456789"
#define LONG_1 "a-long-text-that-begins-alike-" FILL FILL "-first"
#define LONG_2 "a-long-text-that-begins-alike-" FILL FILL "-second"

enum { TASKS = 8 };

/* Ready tasks, oldest first; the tests change what they need and then store them. */
static void draft_all(struct world *world, struct tb_task tasks[TASKS])
{
    for (int i = 0; i < TASKS; i++) {
        tasks[i] = draft(world, "plain");
        tasks[i].ready_ms = 1000 + i;
    }
}

static struct tb_txn *store_all(struct world *world, struct tb_task tasks[TASKS])
{
    struct tb_txn *txn = begin(world);
    for (int i = 0; i < TASKS; i++) {
        create(world, txn, &tasks[i]);
    }
    commit(&txn);
    return snapshot(world);
}

/* Expects the tasks with these numbers, in that order; -1 ends them. Also when it stops early. */
static void expect_ready(struct tb_txn *txn, struct tb_ready_query query,
                         const struct tb_task tasks[TASKS], const int *numbers)
{
    size_t count = 0;
    while (numbers[count] >= 0) {
        count++;
    }
    for (size_t max = 1; max <= count + 1; max++) {
        struct page *page = ready_list(txn, &query, max);
        assert_int_equal(page->count, max < count ? max : count);
        for (size_t i = 0; i < page->count; i++) {
            assert_same_id(page->ids[i], tasks[numbers[i]].id);
        }
        free(page);
    }
}

#define EXPECT(txn, query, tasks, ...) expect_ready(txn, query, tasks, (const int[]){__VA_ARGS__})
#define ARRAY(texts)                   (texts), sizeof(texts) / sizeof *(texts)

static void ready_tasks_come_by_rank_then_by_age(void **state)
{
    struct world *world = *state;
    struct tb_task tasks[TASKS];
    draft_all(world, tasks);
    for (int i = 0; i < TASKS; i++) {
        tasks[i].rank_ms = 100;
    }
    tasks[6].rank_ms = -5;
    tasks[2].rank_ms = INT64_MIN;
    tasks[1].rank_ms = INT64_MAX;
    tasks[4].rank_ms = 0;
    struct tb_txn *txn = store_all(world, tasks);
    struct tb_ready_query query = {.agent = TB_STR("ann")};
    EXPECT(txn, query, tasks, 2, 6, 4, 0, 3, 5, 7, 1, -1);
    query.agent = TB_STR_NONE;
    EXPECT(txn, query, tasks, 2, 6, 4, 0, 3, 5, 7, 1, -1);
    tb_read_end(&txn);
}

static void only_tasks_in_state_ready_are_handed_out(void **state)
{
    struct world *world = *state;
    struct tb_task tasks[TASKS];
    draft_all(world, tasks);
    tasks[0].ready = false;
    tasks[1].status = TB_STATUS_IN_PROGRESS;
    tasks[2].status = TB_STATUS_IN_REVIEW;
    tasks[3].status = TB_STATUS_BLOCKED;
    tasks[4].status = TB_STATUS_DONE;
    for (int i = 1; i < 5; i++) {
        tasks[i].ready = false;
    }
    struct tb_txn *txn = store_all(world, tasks);
    EXPECT(txn, (struct tb_ready_query){.agent = TB_STR("ann")}, tasks, 5, 6, 7, -1);
    tb_read_end(&txn);
}

static void a_task_assigned_to_another_is_left_out(void **state)
{
    struct world *world = *state;
    struct tb_task tasks[TASKS];
    draft_all(world, tasks);
    tasks[0].assignee = TB_STR("ann");
    tasks[1].assignee = TB_STR("anna");
    tasks[3].assignee = TB_STR(LONG_1);
    tasks[4].assignee = TB_STR(LONG_2);
    tasks[6].assignee = TB_STR("ann");
    struct tb_txn *txn = store_all(world, tasks);
    EXPECT(txn, (struct tb_ready_query){.agent = TB_STR("ann")}, tasks, 0, 2, 5, 6, 7, -1);
    EXPECT(txn, (struct tb_ready_query){.agent = TB_STR("an")}, tasks, 2, 5, 7, -1);
    EXPECT(txn, (struct tb_ready_query){.agent = TB_STR(LONG_1)}, tasks, 2, 3, 5, 7, -1);
    EXPECT(txn, (struct tb_ready_query){.agent = TB_STR(LONG_2)}, tasks, 2, 4, 5, 7, -1);
    tb_read_end(&txn);
}

static void draft_tagged(struct world *world, struct tb_task tasks[TASKS])
{
    draft_all(world, tasks);
    tasks[0].tags = TB_STR("[\"a\"]");
    tasks[1].tags = TB_STR("[\"b\"]");
    tasks[2].tags = TB_STR("[\"a\",\"b\",\"a\"]");
    tasks[3].tags = TB_STR("[\"b\",\"c\",\"" LONG_1 "\"]");
    tasks[4].tags = TB_STR("[\"a\",\"b\",\"c\"]");
    tasks[5].tags = TB_STR("[\"" LONG_2 "\"]");
    tasks[6].tags = TB_STR("[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"]");
    tasks[4].assignee = TB_STR("ann");
    tasks[6].assignee = TB_STR("bob");
}

static void all_tags_asked_for_must_be_there(void **state)
{
    struct world *world = *state;
    struct tb_task tasks[TASKS];
    struct tb_str a_b[] = {TB_STR("a"), TB_STR("b")};
    struct tb_str b_c[] = {TB_STR("b"), TB_STR("c"), TB_STR("b")};
    struct tb_str missing[] = {TB_STR("a"), TB_STR("missing")};
    struct tb_str all[] = {TB_STR("a"), TB_STR("b"), TB_STR("c"),
                           TB_STR("d"), TB_STR("e"), TB_STR("f")};
    struct tb_str longs[] = {TB_STR(LONG_1)};
    draft_tagged(world, tasks);
    struct tb_txn *txn = store_all(world, tasks);
    struct tb_ready_query query = {TB_STR("ann"), ARRAY(a_b), NULL, 0, NULL, 0};
    EXPECT(txn, query, tasks, 2, 4, -1);
    query.tag_count = 1;
    EXPECT(txn, query, tasks, 0, 2, 4, -1);
    EXPECT(txn, ((struct tb_ready_query){TB_STR("ann"), ARRAY(b_c), NULL, 0, NULL, 0}), tasks, 3, 4,
           -1);
    EXPECT(txn, ((struct tb_ready_query){TB_STR("bob"), ARRAY(all), NULL, 0, NULL, 0}), tasks, 6,
           -1);
    EXPECT(txn, ((struct tb_ready_query){TB_STR("ann"), ARRAY(all), NULL, 0, NULL, 0}), tasks, -1);
    EXPECT(txn, ((struct tb_ready_query){TB_STR("ann"), ARRAY(missing), NULL, 0, NULL, 0}), tasks,
           -1);
    EXPECT(txn, ((struct tb_ready_query){TB_STR("ann"), ARRAY(longs), NULL, 0, NULL, 0}), tasks, 3,
           -1);
    tb_read_end(&txn);
}

static void one_of_the_tags_asked_for_is_enough(void **state)
{
    struct world *world = *state;
    struct tb_task tasks[TASKS];
    struct tb_str a_c[] = {TB_STR("a"), TB_STR("c"), TB_STR("missing"), TB_STR("a")};
    struct tb_str missing[] = {TB_STR("missing")};
    struct tb_str b[] = {TB_STR("b")};
    draft_tagged(world, tasks);
    struct tb_txn *txn = store_all(world, tasks);
    struct tb_ready_query query = {.agent = TB_STR("ann"), .any_tags = a_c, .any_tag_count = 4};
    EXPECT(txn, query, tasks, 0, 2, 3, 4, -1);
    query.tags = b;
    query.tag_count = 1;
    EXPECT(txn, query, tasks, 2, 3, 4, -1);
    query.any_tags = missing;
    query.any_tag_count = 1;
    EXPECT(txn, query, tasks, -1);
    tb_read_end(&txn);
}

static void none_of_the_tags_that_are_excluded_may_be_there(void **state)
{
    struct world *world = *state;
    struct tb_task tasks[TASKS];
    struct tb_str b[] = {TB_STR("b")};
    struct tb_str c_a[] = {TB_STR("c"), TB_STR("a"), TB_STR("missing")};
    draft_tagged(world, tasks);
    struct tb_txn *txn = store_all(world, tasks);
    struct tb_ready_query query = {.agent = TB_STR("ann"), .without_tags = b};
    query.without_tag_count = 1;
    EXPECT(txn, query, tasks, 0, 5, 7, -1);
    EXPECT(txn, query, tasks, 0, 5, 7, -1); /* again: what was learnt must be right */
    query.without_tags = c_a;
    query.without_tag_count = 3;
    EXPECT(txn, query, tasks, 1, 5, 7, -1);
    query.any_tags = c_a;
    query.any_tag_count = 3;
    EXPECT(txn, query, tasks, -1);
    query.tags = b;
    query.tag_count = 1;
    EXPECT(txn, query, tasks, -1);
    query.any_tag_count = 0;
    EXPECT(txn, query, tasks, 1, -1);
    query.without_tags = b;
    query.without_tag_count = 1;
    EXPECT(txn, query, tasks, -1);
    tb_read_end(&txn);
}

enum { EXCLUDED = 30 };

/* More than any engine keeps lists for. */
static void many_tags_can_be_excluded(void **state)
{
    struct world *world = *state;
    struct tb_task tasks[EXCLUDED];
    struct tb_str tags[EXCLUDED];
    struct tb_txn *txn = begin(world);
    for (int i = 0; i < EXCLUDED; i++) {
        tags[i] = text(world, "tag-%d", i);
        tasks[i] = draft(world, "tagged");
        tasks[i].tags = text(world, "[\"tag-%d\"]", i);
        create(world, txn, &tasks[i]);
    }
    commit(&txn);
    txn = snapshot(world);
    for (size_t count = 1; count <= EXCLUDED; count++) {
        struct tb_ready_query query = {
            .agent = TB_STR("ann"), .without_tags = tags, .without_tag_count = count};
        struct page *page = ready_list(txn, &query, SIZE_MAX);
        assert_int_equal(page->count, EXCLUDED - count);
        for (size_t i = 0; i < page->count; i++) {
            assert_same_id(page->ids[i], tasks[count + i].id);
        }
        free(page);
    }
    tb_read_end(&txn);
}

static void expect_first(struct tb_txn *txn, struct tb_str without, const struct tb_task *task)
{
    struct tb_ready_query query = {
        .agent = TB_STR("ann"), .without_tags = &without, .without_tag_count = 1};
    struct page *page = ready_list(txn, &query, 1);
    assert_int_equal(page->count, task != NULL);
    if (task != NULL) {
        assert_same_id(page->ids[0], task->id);
    }
    free(page);
}

/* An entry of the queue becomes one that counts without being put. */
static void a_task_that_loses_an_excluded_tag_is_found_where_it_was(void **state)
{
    struct world *world = *state;
    struct tb_task excluded = draft(world, "excluded");
    struct tb_task other = draft(world, "not excluded");
    excluded.tags = TB_STR("[\"x\",\"y\"]");
    created(world, excluded);
    created(world, other);
    struct tb_txn *txn = snapshot(world);
    expect_first(txn, TB_STR("x"), &other);
    expect_first(txn, TB_STR("x"), &other);
    tb_read_end(&txn);
    txn = begin(world);
    expect_first(txn, TB_STR("x"), &other);
    excluded.tags = TB_STR("[\"y\"]");
    replace(world, txn, &excluded);
    expect_first(txn, TB_STR("x"), &excluded);
    commit(&txn);
    txn = snapshot(world);
    expect_first(txn, TB_STR("x"), &excluded);
    expect_first(txn, TB_STR("y"), &other);
    tb_read_end(&txn);
    txn = begin(world);
    excluded.tags = TB_STR("[]");
    replace(world, txn, &excluded);
    tb_write_abort(&txn);
    txn = snapshot(world);
    expect_first(txn, TB_STR("y"), &other);
    expect_first(txn, TB_STR("x"), &excluded);
    tb_read_end(&txn);
}

static void every_change_of_a_ready_task_moves_it_in_the_queue(void **state)
{
    struct world *world = *state;
    struct tb_task tasks[TASKS];
    struct tb_str a[] = {TB_STR("a")};
    struct tb_ready_query all = {.agent = TB_STR("ann")};
    struct tb_ready_query tagged = {TB_STR("ann"), ARRAY(a), NULL, 0, NULL, 0};
    draft_all(world, tasks);
    struct tb_txn *txn = store_all(world, tasks);
    tb_read_end(&txn);
    txn = begin(world);
    EXPECT(txn, all, tasks, 0, 1, 2, 3, 4, 5, 6, 7, -1);
    tasks[3].rank_ms = 0;
    tasks[3].tags = TB_STR("[\"a\"]");
    replace(world, txn, &tasks[3]);
    tasks[5].tags = TB_STR("[\"a\"]");
    replace(world, txn, &tasks[5]);
    EXPECT(txn, all, tasks, 3, 0, 1, 2, 4, 5, 6, 7, -1);
    EXPECT(txn, tagged, tasks, 3, 5, -1);
    tasks[3].assignee = TB_STR("bob");
    replace(world, txn, &tasks[3]);
    tasks[0].status = TB_STATUS_IN_PROGRESS;
    tasks[0].ready = false;
    replace(world, txn, &tasks[0]);
    remove_task(world, txn, tasks[1].id);
    EXPECT(txn, all, tasks, 2, 4, 5, 6, 7, -1);
    EXPECT(txn, tagged, tasks, 5, -1);
    all.agent = TB_STR("bob");
    EXPECT(txn, all, tasks, 3, 2, 4, 5, 6, 7, -1);
    tasks[0].status = TB_STATUS_OPEN;
    tasks[0].ready = true;
    replace(world, txn, &tasks[0]);
    EXPECT(txn, all, tasks, 3, 0, 2, 4, 5, 6, 7, -1);
    commit(&txn);
    txn = snapshot(world);
    EXPECT(txn, all, tasks, 3, 0, 2, 4, 5, 6, 7, -1);
    tb_read_end(&txn);
}

static void expect_oldest(struct tb_txn *txn, int64_t expected)
{
    int64_t ready_ms = -1;
    enum tb_err err = tb_oldest_ready(txn, &ready_ms);
    assert_int_equal(err, expected < 0 ? TB_E_ABSENT : TB_OK);
    assert_int_equal(ready_ms, expected);
}

static void the_oldest_ready_task_is_known(void **state)
{
    struct world *world = *state;
    struct tb_task first = draft(world, "first");
    struct tb_task second = draft(world, "second");
    first.ready_ms = 500;
    second.ready_ms = 400;
    struct tb_txn *txn = begin(world);
    expect_oldest(txn, -1);
    create(world, txn, &first);
    expect_oldest(txn, 500);
    create(world, txn, &second);
    expect_oldest(txn, 400);
    commit(&txn);
    txn = begin(world);
    second.status = TB_STATUS_DONE;
    second.ready = false;
    second.ready_ms = 0;
    replace(world, txn, &second);
    expect_oldest(txn, 500);
    tb_write_abort(&txn);
    txn = snapshot(world);
    expect_oldest(txn, 400);
    tb_read_end(&txn);
    txn = begin(world);
    remove_task(world, txn, first.id);
    remove_task(world, txn, second.id);
    expect_oldest(txn, -1);
    commit(&txn);
    txn = snapshot(world);
    expect_oldest(txn, -1);
    tb_read_end(&txn);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(ready_tasks_come_by_rank_then_by_age),
        cmocka_unit_test(only_tasks_in_state_ready_are_handed_out),
        cmocka_unit_test(a_task_assigned_to_another_is_left_out),
        cmocka_unit_test(all_tags_asked_for_must_be_there),
        cmocka_unit_test(one_of_the_tags_asked_for_is_enough),
        cmocka_unit_test(none_of_the_tags_that_are_excluded_may_be_there),
        cmocka_unit_test(many_tags_can_be_excluded),
        cmocka_unit_test(a_task_that_loses_an_excluded_tag_is_found_where_it_was),
        cmocka_unit_test(every_change_of_a_ready_task_moves_it_in_the_queue),
        cmocka_unit_test(the_oldest_ready_task_is_known),
    };
    return run_on_every_engine("ready", tests, sizeof tests / sizeof *tests);
}
