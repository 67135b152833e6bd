/* Tasks, and what finds one. */
#include "suite.h"

#define LONG_A "long-unique-key-that-begins-alike-"
#define FILL   "0123456789012345678901234567890123456789012345678901234567890123456789"
#define LONG_1 LONG_A FILL FILL FILL "-first"
#define LONG_2 LONG_A FILL FILL FILL "-second"

static struct tb_task full_draft(struct world *world)
{
    struct tb_task task = draft(world, "Fix the \\\"quoted\\\" thing");
    task.version = 7;
    task.updated_ms = task.created_ms + 1000;
    task.not_before_ms = task.created_ms + 5000;
    task.due_ms = task.not_before_ms;
    task.rank_ms = -12345;
    task.score = -3;
    task.priority = -100;
    task.attempts = 2;
    task.max_attempts = 0;
    task.note_count = 3;
    task.artifact_count = 4;
    task.notes_bytes = UINT64_C(5000000000);
    task.parent_id = new_id(world);
    task.status = TB_STATUS_DONE;
    task.outcome = TB_OUTCOME_CANCELLED;
    task.ready = false;
    task.assignee = TB_STR("worker");
    task.tags = TB_STR("[\"a\",\"b\",\"a\"]");
    task.dependencies = TB_STR("[\"x\"]");
    task.unique_key = TB_STR("key");
    task.blocked_reason = TB_STR("{\"kind\":\"manual\"}");
    task.blocked_by = TB_STR("[\"x\"]");
    task.description = TB_STR("");
    task.payload = TB_STR("{\"n\":[1,2,3]}");
    task.result = TB_STR("null");
    return task;
}

static void a_task_comes_back_as_it_was_put(void **state)
{
    struct world *world = *state;
    struct tb_task full = full_draft(world);
    struct tb_task bare = draft(world, "bare");
    struct tb_txn *txn = begin(world);
    create(world, txn, &full);
    create(world, txn, &bare);
    struct tb_task got = stored(txn, full.id);
    assert_same_task(&got, &full);
    commit(&txn);
    txn = snapshot(world);
    got = stored(txn, full.id);
    assert_same_task(&got, &full);
    got = stored(txn, bare.id);
    assert_same_task(&got, &bare);
    tb_read_end(&txn);
}

static void a_task_that_is_not_there_is_absent_and_no_failure(void **state)
{
    struct world *world = *state;
    struct tb_txn *txn = begin(world);
    struct tb_task task;
    assert_int_equal(tb_get_task(txn, new_id(world), &task), TB_E_ABSENT);
    assert_int_equal(tb_txn_error(txn), TB_OK);
    struct tb_task other = draft(world, "after that");
    create(world, txn, &other);
    commit(&txn);
    txn = snapshot(world);
    assert_int_equal(tb_get_task(txn, new_id(world), &task), TB_E_ABSENT);
    stored(txn, other.id);
    tb_read_end(&txn);
}

static void what_is_put_is_copied(void **state)
{
    struct world *world = *state;
    struct tb_task task = draft(world, "to be scribbled over");
    struct tb_task kept = task;
    struct tb_arena *arena = tb_arena_new(0);
    tb_task_render(&task, arena);
    tb_task_render(&kept, world->arena);
    struct tb_str wire = tb_arena_dup(arena, TB_STR("{\"a\":1}"));
    struct tb_txn *txn = begin(world);
    assert_int_equal(tb_put_task(txn, NULL, &task), TB_OK);
    assert_int_equal(tb_put_note(txn, task.id, new_id(world), wire), TB_OK);
    memset((char *)(uintptr_t)task.wire.ptr, 'x', task.wire.len);
    memset((char *)(uintptr_t)wire.ptr, 'x', wire.len);
    tb_arena_free(arena);
    struct tb_task got = stored(txn, task.id);
    assert_same_task(&got, &kept);
    commit(&txn);
}

static void what_a_write_transaction_read_lives_until_it_ends(void **state)
{
    struct world *world = *state;
    struct tb_task task = draft(world, "read early");
    created(world, task);
    struct tb_txn *txn = begin(world);
    struct tb_task early = stored(txn, task.id);
    struct tb_str wire = tb_arena_dup(world->arena, early.wire);
    for (int i = 0; i < 500; i++) {
        struct tb_task other = draft(world, "another");
        create(world, txn, &other);
    }
    struct tb_task changed = early;
    changed.title = TB_STR("changed");
    replace(world, txn, &changed);
    remove_task(world, txn, task.id);
    assert_same_str(early.wire, wire);
    commit(&txn);
}

static void tasks_of_every_size_are_kept(void **state)
{
    static const size_t sizes[] = {0, 1, 1000, 1400, 2000, 2100, 4000, 4096, 70000, 262144};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    struct world *world = *state;
    struct tb_task tasks[COUNT];
    struct tb_txn *txn = begin(world);
    for (size_t i = 0; i < COUNT; i++) {
        char *bytes = tb_arena_alloc(world->arena, sizes[i] + 1);
        memset(bytes, '-', sizes[i]);
        tasks[i] = draft(world, "sized");
        tasks[i].description = tb_str_from(bytes, sizes[i]);
        create(world, txn, &tasks[i]);
    }
    commit(&txn);
    txn = snapshot(world);
    for (size_t i = 0; i < COUNT; i++) {
        struct tb_task got = stored(txn, tasks[i].id);
        assert_same_task(&got, &tasks[i]);
    }
    tb_read_end(&txn);
}

static void a_task_with_an_older_id_can_be_put_later(void **state)
{
    struct world *world = *state;
    struct tb_task older = draft(world, "older");
    struct tb_task newer = draft(world, "newer");
    created(world, newer);
    created(world, older);
    struct tb_txn *txn = snapshot(world);
    stored(txn, older.id);
    const struct tb_id both[] = {newer.id, older.id};
    expect_list(txn, (struct tb_task_query){.states = TB_STATES_ALL}, both, 2);
    tb_read_end(&txn);
}

/* --- what finds a task --- */

static void expect_unique(struct tb_txn *txn, const char *key, const struct tb_id *expected)
{
    struct tb_id id;
    enum tb_err err = tb_find_unique(txn, tb_str_c(key), &id);
    assert_int_equal(err, expected == NULL ? TB_E_ABSENT : TB_OK);
    if (expected != NULL) {
        assert_same_id(id, *expected);
    }
}

static void a_unique_key_finds_its_task_while_that_is_not_done(void **state)
{
    struct world *world = *state;
    struct tb_task task = draft(world, "unique");
    struct tb_task longer = draft(world, "unique too");
    task.unique_key = TB_STR("nightly");
    longer.unique_key = TB_STR("nightly-build");
    created(world, task);
    struct tb_txn *txn = begin(world);
    create(world, txn, &longer);
    expect_unique(txn, "nightly", &task.id);
    expect_unique(txn, "nightly-build", &longer.id);
    expect_unique(txn, "night", NULL);
    expect_unique(txn, "nightly-", NULL);
    expect_unique(txn, "", NULL);
    task.status = TB_STATUS_DONE;
    task.outcome = TB_OUTCOME_SUCCESS;
    task.ready = false;
    replace(world, txn, &task);
    expect_unique(txn, "nightly", NULL);
    task.status = TB_STATUS_BLOCKED;
    task.outcome = TB_OUTCOME_NONE;
    replace(world, txn, &task);
    expect_unique(txn, "nightly", &task.id);
    task.unique_key = TB_STR("weekly");
    replace(world, txn, &task);
    expect_unique(txn, "nightly", NULL);
    expect_unique(txn, "weekly", &task.id);
    task.unique_key = TB_STR_NONE;
    replace(world, txn, &task);
    expect_unique(txn, "weekly", NULL);
    commit(&txn);
}

static void long_unique_keys_are_told_apart(void **state)
{
    struct world *world = *state;
    struct tb_task first = draft(world, "first");
    struct tb_task second = draft(world, "second");
    first.unique_key = TB_STR(LONG_1);
    second.unique_key = TB_STR(LONG_2);
    created(world, first);
    created(world, second);
    struct tb_txn *txn = snapshot(world);
    expect_unique(txn, LONG_1, &first.id);
    expect_unique(txn, LONG_2, &second.id);
    expect_unique(txn, LONG_A, NULL);
    expect_unique(txn, LONG_1 "x", NULL);
    tb_read_end(&txn);
}

struct ids {
    size_t count;
    size_t max;
    struct tb_id all[100];
    struct tb_txn *txn;
};

static enum tb_visit collect_id(void *ctx, struct tb_id id)
{
    struct ids *ids = ctx;
    ids->all[ids->count++] = id;
    stored(ids->txn, id); /* reading inside a visit is allowed */
    return ids->count == ids->max ? TB_VISIT_STOP : TB_VISIT_NEXT;
}

static void expect_dependents(struct tb_txn *txn, const char *dependency, size_t max,
                              const struct tb_id *expected, size_t count)
{
    struct ids ids = {.max = max, .txn = txn};
    assert_int_equal(tb_visit_dependents(txn, tb_str_c(dependency), collect_id, &ids), TB_OK);
    assert_int_equal(ids.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_same_id(ids.all[i], expected[i]);
    }
}

static void dependents_come_back_in_id_order_done_or_not(void **state)
{
    struct world *world = *state;
    struct tb_task a = draft(world, "a");
    struct tb_task b = draft(world, "b");
    struct tb_task c = draft(world, "c");
    a.dependencies = TB_STR("[\"x\",\"y\"]");
    b.dependencies = TB_STR("[\"xy\",\"" LONG_1 "\",\"x\",\"x\"]");
    c.dependencies = TB_STR("[\"" LONG_2 "\",\"x\"]");
    c.status = TB_STATUS_DONE;
    created(world, c);
    created(world, b);
    created(world, a);
    struct tb_txn *txn = begin(world);
    const struct tb_id all[] = {a.id, b.id, c.id};
    expect_dependents(txn, "x", 0, all, 3);
    expect_dependents(txn, "x", 2, all, 2);
    expect_dependents(txn, "y", 0, &a.id, 1);
    expect_dependents(txn, "xy", 0, &b.id, 1);
    expect_dependents(txn, LONG_1, 0, &b.id, 1);
    expect_dependents(txn, LONG_2, 0, &c.id, 1);
    expect_dependents(txn, "", 0, NULL, 0);
    expect_dependents(txn, "z", 0, NULL, 0);
    b.dependencies = TB_STR("[\"x\"]");
    replace(world, txn, &b);
    expect_dependents(txn, "x", 0, all, 3);
    expect_dependents(txn, LONG_1, 0, NULL, 0);
    b.dependencies = TB_STR("[]");
    replace(world, txn, &b);
    const struct tb_id two[] = {a.id, c.id};
    expect_dependents(txn, "x", 0, two, 2);
    remove_task(world, txn, a.id);
    expect_dependents(txn, "x", 0, &c.id, 1);
    commit(&txn);
}

static void expect_due(struct tb_txn *txn, int64_t due_ms, struct tb_id id)
{
    int64_t found_ms = 0;
    struct tb_id found;
    assert_int_equal(tb_next_due(txn, &found_ms, &found), TB_OK);
    assert_int_equal(found_ms, due_ms);
    assert_same_id(found, id);
}

static void the_earliest_due_task_is_next(void **state)
{
    struct world *world = *state;
    int64_t due_ms = 0;
    struct tb_id id;
    struct tb_task a = draft(world, "a");
    struct tb_task b = draft(world, "b");
    struct tb_task c = draft(world, "never");
    a.due_ms = INT64_C(1) << 40;
    b.due_ms = 300;
    struct tb_txn *txn = begin(world);
    assert_int_equal(tb_next_due(txn, &due_ms, &id), TB_E_ABSENT);
    create(world, txn, &c);
    assert_int_equal(tb_next_due(txn, &due_ms, &id), TB_E_ABSENT);
    create(world, txn, &a);
    expect_due(txn, INT64_C(1) << 40, a.id);
    create(world, txn, &b);
    expect_due(txn, 300, b.id);
    b.due_ms = 0;
    replace(world, txn, &b);
    expect_due(txn, INT64_C(1) << 40, a.id);
    a.due_ms = 299;
    replace(world, txn, &a);
    expect_due(txn, 299, a.id);
    commit(&txn);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_comes_back_as_it_was_put),
        cmocka_unit_test(a_task_that_is_not_there_is_absent_and_no_failure),
        cmocka_unit_test(what_is_put_is_copied),
        cmocka_unit_test(what_a_write_transaction_read_lives_until_it_ends),
        cmocka_unit_test(tasks_of_every_size_are_kept),
        cmocka_unit_test(a_task_with_an_older_id_can_be_put_later),
        cmocka_unit_test(a_unique_key_finds_its_task_while_that_is_not_done),
        cmocka_unit_test(long_unique_keys_are_told_apart),
        cmocka_unit_test(dependents_come_back_in_id_order_done_or_not),
        cmocka_unit_test(the_earliest_due_task_is_next),
    };
    return run_on_every_engine("tasks", tests, sizeof tests / sizeof *tests);
}
