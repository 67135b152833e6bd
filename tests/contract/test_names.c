/* What is counted by tag and by assignee, and which change touched what last. */
#include "suite.h"

#include <stdlib.h>

#define FILL   "0123456789012345678901234567890123456789012345678901234567890123456789"
#define LONG_1 "a-long-text-that-begins-alike-" FILL FILL "-first"
#define LONG_2 "a-long-text-that-begins-alike-" FILL FILL "-second"

static void expect_count(struct tb_txn *txn, enum tb_name_kind kind, struct tb_str name,
                         uint64_t tasks, uint64_t ready)
{
    struct tb_name_count count;
    assert_int_equal(tb_get_name(txn, kind, name, &count), TB_OK);
    assert_int_equal(count.tasks, tasks);
    assert_int_equal(count.ready, ready);
}

static void expect_absent(struct tb_txn *txn, enum tb_name_kind kind, struct tb_str name)
{
    struct tb_name_count count;
    assert_int_equal(tb_get_name(txn, kind, name, &count), TB_E_ABSENT);
    assert_int_equal(tb_txn_error(txn), TB_OK);
}

static uint64_t changed(struct tb_txn *txn, enum tb_name_kind kind, struct tb_str name)
{
    struct tb_name_count count;
    assert_int_equal(tb_get_name(txn, kind, name, &count), TB_OK);
    return count.changed;
}

#define TAG(literal)      TB_NAME_TAG, TB_STR(literal)
#define ASSIGNEE(literal) TB_NAME_ASSIGNEE, TB_STR(literal)

static void names_count_tasks_that_are_not_done(void **state)
{
    struct world *world = *state;
    struct tb_task task = draft(world, "one");
    struct tb_task waiting = draft(world, "two");
    task.tags = TB_STR("[\"a\",\"b\",\"a\"]");
    task.assignee = TB_STR("ann");
    waiting.tags = TB_STR("[\"a\",\"ann\"]");
    waiting.ready = false;
    struct tb_txn *txn = begin(world);
    create(world, txn, &task);
    expect_count(txn, TAG("a"), 1, 1);
    create(world, txn, &waiting);
    expect_count(txn, TAG("a"), 2, 1);
    commit(&txn);
    txn = snapshot(world);
    expect_count(txn, TAG("a"), 2, 1);
    expect_count(txn, TAG("b"), 1, 1);
    expect_count(txn, TAG("ann"), 1, 0);
    expect_count(txn, ASSIGNEE("ann"), 1, 1);
    expect_absent(txn, ASSIGNEE("a"));
    expect_absent(txn, TAG("nowhere"));
    tb_read_end(&txn);
}

static void a_change_moves_a_task_between_names(void **state)
{
    struct world *world = *state;
    struct tb_task task = draft(world, "one");
    task.tags = TB_STR("[\"a\",\"b\"]");
    created(world, task);
    struct tb_txn *txn = begin(world);
    task.tags = TB_STR("[\"b\",\"c\"]");
    task.assignee = TB_STR("ann");
    task.status = TB_STATUS_IN_PROGRESS;
    task.ready = false;
    replace(world, txn, &task);
    expect_absent(txn, TAG("a"));
    expect_count(txn, TAG("b"), 1, 0);
    expect_count(txn, TAG("c"), 1, 0);
    expect_count(txn, ASSIGNEE("ann"), 1, 0);
    tb_write_abort(&txn);
    txn = begin(world);
    expect_count(txn, TAG("a"), 1, 1);
    expect_count(txn, TAG("b"), 1, 1);
    expect_absent(txn, TAG("c"));
    expect_absent(txn, ASSIGNEE("ann"));
    replace(world, txn, &task);
    commit(&txn);
    txn = snapshot(world);
    expect_absent(txn, TAG("a"));
    expect_count(txn, TAG("b"), 1, 0);
    expect_count(txn, ASSIGNEE("ann"), 1, 0);
    tb_read_end(&txn);
    txn = begin(world);
    task.status = TB_STATUS_DONE;
    replace(world, txn, &task);
    expect_absent(txn, TAG("b"));
    commit(&txn);
    txn = begin(world);
    expect_absent(txn, TAG("b"));
    expect_absent(txn, ASSIGNEE("ann"));
    remove_task(world, txn, task.id);
    expect_absent(txn, TAG("b"));
    commit(&txn);
}

static void a_name_knows_what_changed_it_last(void **state)
{
    struct world *world = *state;
    struct tb_task task = draft(world, "one");
    struct tb_task done = draft(world, "two");
    struct tb_task other = draft(world, "three");
    task.tags = TB_STR("[\"a\",\"b\"]");
    done.tags = TB_STR("[\"b\"]");
    other.tags = TB_STR("[\"c\"]");
    done.status = TB_STATUS_DONE;
    done.ready = false;
    struct tb_txn *txn = begin(world);
    create(world, txn, &task);
    create(world, txn, &done);
    create(world, txn, &other);
    assert_int_equal(tb_txn_head(txn)->changes, 3);
    assert_int_equal(changed(txn, TAG("a")), 1);
    assert_int_equal(changed(txn, TAG("b")), 2); /* also by one that is done */
    assert_int_equal(changed(txn, TAG("c")), 3);
    commit(&txn);
    txn = begin(world);
    task.title = TB_STR("another title"); /* it keeps its names */
    replace(world, txn, &task);
    done.tags = TB_STR("[\"c\"]");
    replace(world, txn, &done);
    commit(&txn);
    txn = snapshot(world);
    assert_int_equal(changed(txn, TAG("a")), 4);
    assert_int_equal(changed(txn, TAG("b")), 5);
    assert_int_equal(changed(txn, TAG("c")), 5);
    assert_int_equal(tb_txn_head(txn)->changes, 5);
    tb_read_end(&txn);
    txn = begin(world);
    remove_task(world, txn, done.id);
    commit(&txn);
    txn = snapshot(world);
    assert_int_equal(changed(txn, TAG("c")), 6);
    assert_int_equal(changed(txn, TAG("a")), 4);
    tb_read_end(&txn);
}

static void the_head_knows_what_changed_a_state_last(void **state)
{
    struct world *world = *state;
    struct tb_task task = draft(world, "one");
    struct tb_txn *txn = begin(world);
    create(world, txn, &task);
    assert_int_equal(tb_txn_head(txn)->state_changes[TB_STATE_READY], 1);
    task.status = TB_STATUS_IN_REVIEW;
    task.ready = false;
    replace(world, txn, &task);
    replace(world, txn, &task);
    assert_int_equal(tb_txn_head(txn)->state_changes[TB_STATE_READY], 2);
    assert_int_equal(tb_txn_head(txn)->state_changes[TB_STATE_IN_REVIEW], 3);
    commit(&txn);
    txn = begin(world);
    remove_task(world, txn, task.id);
    tb_write_abort(&txn);
    txn = begin(world);
    assert_int_equal(tb_txn_head(txn)->changes, 3);
    remove_task(world, txn, task.id);
    commit(&txn);
    txn = snapshot(world);
    assert_int_equal(tb_txn_head(txn)->changes, 4);
    assert_int_equal(tb_txn_head(txn)->state_changes[TB_STATE_READY], 2);
    assert_int_equal(tb_txn_head(txn)->state_changes[TB_STATE_IN_REVIEW], 4);
    assert_int_equal(tb_txn_head(txn)->state_changes[TB_STATE_DONE], 0);
    tb_read_end(&txn);
}

/* --- the largest --- */

struct largest {
    size_t count;
    size_t stop_at; /* 0: never */
    struct tb_str names[1000];
    uint64_t tasks[1000];
};

static enum tb_visit remember(void *ctx, struct tb_str name, const struct tb_name_count *count)
{
    struct largest *largest = ctx;
    largest->names[largest->count] = name;
    largest->tasks[largest->count++] = count->tasks;
    return largest->count == largest->stop_at ? TB_VISIT_STOP : TB_VISIT_NEXT;
}

static struct largest find_largest(struct tb_txn *txn, enum tb_name_kind kind, uint32_t max)
{
    struct largest largest = {.count = 0};
    assert_int_equal(tb_visit_names(txn, kind, max, remember, &largest), TB_OK);
    return largest;
}

/* `counts[i]` tasks of the assignee `who-i`, in so many transactions. */
static void store_counts(struct world *world, const int *counts, int count, int batches)
{
    for (int batch = 0; batch < batches; batch++) {
        struct tb_txn *txn = begin(world);
        for (int i = 0; i < count; i++) {
            int from = counts[i] * batch / batches;
            int to = counts[i] * (batch + 1) / batches;
            for (int k = from; k < to; k++) {
                struct tb_task task = draft(world, "t");
                task.assignee = text(world, "who-%03d", i);
                create(world, txn, &task);
            }
        }
        commit(&txn);
    }
}

static void the_largest_names_come_first(void **state)
{
    struct world *world = *state;
    static const int counts[] = {3, 1, 40, 41, 17, 16, 15, 3, 0, 2, 44, 100, 47, 3};
    static const int order[] = {11, 12, 10, 3, 2, 4, 5, 6, 0, 7, 13, 9, 1};
    enum { COUNT = sizeof counts / sizeof *counts, NAMES = sizeof order / sizeof *order };
    store_counts(world, counts, COUNT, 7);
    struct tb_txn *txn = snapshot(world);
    for (uint32_t max = 0; max <= NAMES + 1; max++) {
        struct largest largest = find_largest(txn, TB_NAME_ASSIGNEE, max);
        assert_int_equal(largest.count, max < NAMES ? max : NAMES);
        for (size_t i = 0; i < largest.count; i++) {
            assert_same_str(largest.names[i], text(world, "who-%03d", order[i]));
            assert_int_equal(largest.tasks[i], counts[order[i]]);
        }
    }
    struct largest stopped = {.stop_at = 2};
    assert_int_equal(tb_visit_names(txn, TB_NAME_ASSIGNEE, 10, remember, &stopped), TB_OK);
    assert_int_equal(stopped.count, 2);
    assert_int_equal(find_largest(txn, TB_NAME_TAG, 100).count, 0);
    tb_read_end(&txn);
}

static void the_largest_names_are_known_within_a_transaction(void **state)
{
    struct world *world = *state;
    static const int counts[] = {30, 20, 10};
    store_counts(world, counts, 3, 1);
    struct tb_txn *txn = begin(world);
    for (int i = 0; i < 25; i++) {
        struct tb_task task = draft(world, "t");
        task.assignee = i < 24 ? TB_STR("who-002") : TB_STR("new");
        create(world, txn, &task);
    }
    struct largest largest = find_largest(txn, TB_NAME_ASSIGNEE, 3);
    assert_int_equal(largest.count, 3);
    assert_same_str(largest.names[0], TB_STR("who-002"));
    assert_same_str(largest.names[1], TB_STR("who-000"));
    assert_same_str(largest.names[2], TB_STR("who-001"));
    assert_int_equal(largest.tasks[0], 34);
    assert_int_equal(find_largest(txn, TB_NAME_ASSIGNEE, 9).count, 4);
    tb_write_abort(&txn);
    txn = snapshot(world);
    largest = find_largest(txn, TB_NAME_ASSIGNEE, 9);
    assert_int_equal(largest.count, 3);
    assert_int_equal(largest.tasks[0], 30);
    tb_read_end(&txn);
}

enum { ALIKE = 900 };

/* Many of the same size: any of them, but none twice, and the larger ones first. */
static void among_many_of_one_size_some_are_chosen(void **state)
{
    struct world *world = *state;
    struct tb_txn *txn = begin(world);
    for (int i = 0; i < ALIKE; i++) {
        struct tb_task task = draft(world, "t");
        task.tags = i % 300 == 0 ? TB_STR("[\"large\"]") : text(world, "[\"tag-%d\"]", i);
        create(world, txn, &task);
    }
    commit(&txn);
    txn = snapshot(world);
    struct largest largest = find_largest(txn, TB_NAME_TAG, 100);
    assert_int_equal(largest.count, 100);
    assert_same_str(largest.names[0], TB_STR("large"));
    for (size_t i = 1; i < largest.count; i++) {
        assert_int_equal(largest.tasks[i], 1);
        for (size_t k = 0; k < i; k++) {
            assert_false(tb_str_eq(largest.names[i], largest.names[k]));
        }
    }
    assert_int_equal(find_largest(txn, TB_NAME_TAG, 1000).count, ALIKE - 2);
    tb_read_end(&txn);
}

static void long_and_odd_names_are_told_apart(void **state)
{
    struct world *world = *state;
    struct tb_task task = draft(world, "one");
    struct tb_task other = draft(world, "two");
    task.tags = TB_STR("[\"" LONG_1 "\",\"a\\\"b\"]");
    other.tags = TB_STR("[\"" LONG_2 "\",\"" LONG_1 "\"]");
    created(world, task);
    created(world, other);
    struct tb_txn *txn = snapshot(world);
    expect_count(txn, TAG(LONG_1), 2, 2);
    expect_count(txn, TAG(LONG_2), 1, 1);
    expect_count(txn, TAG("a\\\"b"), 1, 1);
    struct largest largest = find_largest(txn, TB_NAME_TAG, 100);
    assert_int_equal(largest.count, 3);
    assert_same_str(largest.names[0], TB_STR(LONG_1));
    assert_same_str(largest.names[1], TB_STR(LONG_2));
    assert_same_str(largest.names[2], TB_STR("a\\\"b"));
    tb_read_end(&txn);
}

static void an_old_snapshot_counts_as_it_was(void **state)
{
    struct world *world = *state;
    static const int counts[] = {5, 6};
    store_counts(world, counts, 2, 2);
    struct tb_txn *old = snapshot(world);
    store_counts(world, counts, 1, 1);
    expect_count(old, ASSIGNEE("who-000"), 5, 5);
    assert_same_str(find_largest(old, TB_NAME_ASSIGNEE, 1).names[0], TB_STR("who-001"));
    tb_read_end(&old);
    old = snapshot(world);
    expect_count(old, ASSIGNEE("who-000"), 10, 10);
    tb_read_end(&old);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_count_tasks_that_are_not_done),
        cmocka_unit_test(a_change_moves_a_task_between_names),
        cmocka_unit_test(a_name_knows_what_changed_it_last),
        cmocka_unit_test(the_head_knows_what_changed_a_state_last),
        cmocka_unit_test(the_largest_names_come_first),
        cmocka_unit_test(the_largest_names_are_known_within_a_transaction),
        cmocka_unit_test(among_many_of_one_size_some_are_chosen),
        cmocka_unit_test(long_and_odd_names_are_told_apart),
        cmocka_unit_test(an_old_snapshot_counts_as_it_was),
    };
    return run_on_every_engine("names", tests, sizeof tests / sizeof *tests);
}
