/* What follows from a change: the derived fields of the task itself, and of those that depend on
 * it. */
#include "fixture/fixture.h"

static const char *one(struct fixture *f, struct tb_id id)
{
    return tb_arena_printf(f->arena, "['%s']", fixture_id(f, id)).ptr;
}

/* --- the task itself --- */

/* Every combination of status, dependencies and delay, reached from every other one. */
static void what_follows_from_status_dependencies_and_time_is_always_derived(void **state)
{
    struct fixture *f = *state;
    enum { DELAYS = 2, DEPENDENCIES = 3, ALL = TB_STATUS_COUNT * DELAYS * DEPENDENCIES };
    static const char *const delays[DELAYS] = {"null", "'2023-11-14T23:00:00Z'"};
    struct tb_id met = fixture_create(f, "{'title':'met','createdBy':'a','status':'done'}");
    const char *dependencies[DEPENDENCIES] = {"[]", one(f, met), "['x']"};
    struct tb_id id = fixture_task_named(f, "t");
    uint64_t version = 1;
    for (unsigned from = 0; from < ALL; from++) {
        for (unsigned to = 0; to < ALL; to++) {
            const unsigned steps[2] = {from, to};
            for (size_t i = 0; i < 2; i++) {
                unsigned status = steps[i] % TB_STATUS_COUNT;
                unsigned delay = steps[i] / TB_STATUS_COUNT % DELAYS;
                unsigned waits = steps[i] / TB_STATUS_COUNT / DELAYS;
                fixture_patch(f, id, "{'status':'%s','notBefore':%s,'dependencies':%s}",
                              tb_status_name((enum tb_status)status), delays[delay],
                              dependencies[waits]);
                struct tb_task task = fixture_task(f, id);
                bool done = status == TB_STATUS_DONE;
                bool free = status == TB_STATUS_OPEN && waits < 2;
                assert_str_eq(task.blocked_by,
                              waits == 2 && !done ? TB_STR("[\"x\"]") : TB_STR("[]"));
                assert_int_equal(task.ready, free && delay == 0);
                assert_true(task.due_ms == (free && delay == 1 ? task.not_before_ms : 0));
                assert_int_equal(task.version, ++version);
            }
        }
    }
}

static void counters_follow_the_state(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    static const struct {
        const char *body;
        enum tb_state state;
    } rows[] = {
        {"{'dependencies':['x']}", TB_STATE_WAITING},
        {"{'status':'in_progress'}", TB_STATE_IN_PROGRESS},
        {"{'status':'in_review'}", TB_STATE_IN_REVIEW},
        {"{'status':'blocked'}", TB_STATE_BLOCKED},
        {"{'status':'done'}", TB_STATE_DONE},
        {"{'status':'open','dependencies':[]}", TB_STATE_READY},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        fixture_patch(f, id, "%s", rows[i].body);
        struct tb_head head = fixture_head(f);
        for (unsigned k = 0; k < TB_STATE_COUNT; k++) {
            assert_int_equal(head.task_counts[k], k == rows[i].state);
        }
    }
}

static void a_blocked_task_keeps_its_reason(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','status':'blocked'}");
    fixture_patch(f, id, "{'status':'blocked','title':'u'}");
    assert_str(fixture_task(f, id).blocked_reason, "{\"kind\":\"manual\"}");
}

/* --- those that depend on it: becoming met --- */

static void a_task_that_is_done_frees_those_that_wait_for_it(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "first");
    struct tb_id waiting = fixture_task_after(f, "waiting", id);
    struct tb_id other = fixture_create(
        f, "{'title':'o','createdBy':'a','dependencies':['x','%s']}", fixture_id(f, id));
    fixture_advance(f, 5);
    f->actor = TB_STR("ann");
    fixture_finish(f, id);
    assert_int_equal(f->reply.seq, 6);
    assert_waiting(f, waiting, "[]", true);
    assert_waiting(f, other, "['x']", false);
    assert_event(f, 4, "task.completed", id);
    assert_event(f, 5, "task.ready", waiting);
    assert_event(f, 6, "task.updated", other);
    assert_absent(fixture_event(f, 5).actor); /* nobody did that */
    assert_absent(fixture_event(f, 6).actor);
}

static void becoming_ready_raises_the_version_but_not_updated_at(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "first");
    struct tb_id waiting = fixture_task_after(f, "waiting", id);
    fixture_advance(f, 5);
    fixture_finish(f, id);
    struct tb_task task = fixture_task(f, waiting);
    assert_int_equal(task.version, 2);
    assert_true(task.updated_ms == FIXTURE_START_MS);
    assert_true(fixture_event(f, 4).at_ms == FIXTURE_START_MS + 5);
}

static void only_success_frees(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "first");
    struct tb_id waiting = fixture_task_after(f, "waiting", id);
    fixture_patch(f, id, "{'status':'done','outcome':'failed'}");
    assert_waiting(f, waiting, one(f, id), false);
    assert_int_equal(fixture_task(f, waiting).version, 1);
    fixture_patch(f, id, "{'outcome':'cancelled'}");
    assert_waiting(f, waiting, one(f, id), false);
    fixture_patch(f, id, "{'outcome':'success'}");
    assert_waiting(f, waiting, "[]", true);
}

static void a_task_that_is_freed_may_still_be_delayed(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "first");
    struct tb_id waiting =
        fixture_create(f, "{'title':'w','createdBy':'a','dependencies':['%s'],'delaySeconds':60}",
                       fixture_id(f, id));
    fixture_finish(f, id);
    assert_waiting(f, waiting, "[]", false);
    assert_true(fixture_task(f, waiting).due_ms == FIXTURE_START_MS + 60000);
    assert_event(f, 4, "task.updated", waiting);
}

static void tasks_that_are_not_open_are_told_but_not_made_ready(void **state)
{
    struct fixture *f = *state;
    static const char *const statuses[] = {"in_progress", "in_review", "blocked"};
    struct tb_id id = fixture_task_named(f, "first");
    struct tb_id waiting[COUNT(statuses)];
    for (size_t i = 0; i < COUNT(statuses); i++) {
        waiting[i] =
            fixture_create(f, "{'title':'w','createdBy':'a','dependencies':['%s'],'status':'%s'}",
                           fixture_id(f, id), statuses[i]);
        assert_waiting(f, waiting[i], one(f, id), false);
    }
    fixture_finish(f, id);
    for (size_t i = 0; i < COUNT(statuses); i++) {
        assert_waiting(f, waiting[i], "[]", false);
        assert_event(f, 6 + i, "task.updated", waiting[i]);
    }
}

static void a_done_task_is_not_told(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "first");
    struct tb_id waiting = fixture_task_after(f, "waiting", id);
    fixture_finish(f, waiting);
    fixture_finish(f, id);
    assert_int_equal(f->reply.seq, 4);
    fixture_patch(f, id, "{'status':'open'}");
    assert_int_equal(f->reply.seq, 5);
    assert_int_equal(fixture_task(f, waiting).version, 2);
}

static void a_done_task_looks_again_when_it_is_opened(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "first");
    struct tb_id waiting = fixture_task_after(f, "waiting", id);
    fixture_finish(f, waiting);
    fixture_patch(f, waiting, "{'status':'open'}");
    assert_waiting(f, waiting, one(f, id), false);
    fixture_finish(f, waiting);
    fixture_finish(f, id);
    fixture_patch(f, waiting, "{'status':'open'}");
    assert_waiting(f, waiting, "[]", true);
}

static void being_done_twice_tells_nobody_twice(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "first");
    struct tb_id waiting = fixture_task_after(f, "waiting", id);
    fixture_finish(f, id);
    fixture_finish(f, id);
    fixture_send(f, TB_COMMAND_APPROVE, id, "{}");
    fixture_send(f, TB_COMMAND_BUMP, id, "{}");
    assert_int_equal(fixture_head(f).seq, 7);
    assert_int_equal(fixture_task(f, waiting).version, 2);
}

/* --- becoming unmet again --- */

static void a_task_that_is_opened_again_makes_others_wait_again(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'first','createdBy':'a','status':'done'}");
    struct tb_id waiting = fixture_task_after(f, "waiting", id);
    static const char *const bodies[] = {"{'status':'open'}", "{'outcome':'failed'}",
                                         "{'status':'in_progress'}"};
    for (size_t i = 0; i < COUNT(bodies); i++) {
        uint64_t seq = fixture_head(f).seq;
        fixture_patch(f, id, "%s", bodies[i]);
        assert_waiting(f, waiting, one(f, id), false);
        assert_event(f, seq + 2, "task.updated", waiting);
        fixture_patch(f, id, "{'status':'done','outcome':'success'}");
        assert_waiting(f, waiting, "[]", true);
        assert_event(f, seq + 4, "task.ready", waiting);
    }
    assert_true(fixture_task(f, waiting).updated_ms == FIXTURE_START_MS);
}

static void a_dependency_that_is_deleted_is_unmet(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'first','createdBy':'a','status':'done'}");
    struct tb_id waiting = fixture_task_after(f, "waiting", id);
    fixture_delete(f, id);
    assert_waiting(f, waiting, one(f, id), false);
    assert_event(f, 3, "task.deleted", id);
    assert_event(f, 4, "task.updated", waiting);
    assert_int_equal(f->reply.seq, 4);
}

static void an_unmet_dependency_that_is_deleted_stays_unmet_and_is_not_told(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "first");
    struct tb_id waiting = fixture_task_after(f, "waiting", id);
    fixture_delete(f, id);
    assert_waiting(f, waiting, one(f, id), false);
    assert_int_equal(fixture_task(f, waiting).version, 1);
    assert_int_equal(fixture_head(f).seq, 3);
}

static void a_task_that_no_longer_depends_is_not_told(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "first");
    struct tb_id waiting = fixture_task_after(f, "waiting", id);
    fixture_patch(f, waiting, "{'dependencies':[]}");
    fixture_finish(f, id);
    assert_int_equal(fixture_task(f, waiting).version, 2);
}

/* --- many --- */

static void blocked_by_keeps_the_order_of_dependencies_and_their_repetitions(void **state)
{
    struct fixture *f = *state;
    struct tb_id a = fixture_task_named(f, "a");
    struct tb_id b = fixture_task_named(f, "b");
    const char *a_id = fixture_id(f, a);
    const char *b_id = fixture_id(f, b);
    struct tb_id waiting =
        fixture_create(f, "{'title':'w','createdBy':'a','dependencies':['%s','x\\\"','%s','%s']}",
                       a_id, b_id, a_id);
    fixture_finish(f, a);
    assert_waiting(f, waiting, tb_arena_printf(f->arena, "['x\\\"','%s']", b_id).ptr, false);
    fixture_finish(f, b);
    assert_waiting(f, waiting, "['x\\\"']", false);
    fixture_patch(f, a, "{'status':'open'}");
    assert_waiting(f, waiting, tb_arena_printf(f->arena, "['%s','x\\\"','%s']", a_id, a_id).ptr,
                   false);
    fixture_patch(f, b, "{'status':'open'}");
    assert_waiting(f, waiting,
                   tb_arena_printf(f->arena, "['%s','x\\\"','%s','%s']", a_id, b_id, a_id).ptr,
                   false);
}

static void readiness_does_not_run_down_a_chain(void **state)
{
    struct fixture *f = *state;
    struct tb_id a = fixture_task_named(f, "a");
    struct tb_id b = fixture_task_after(f, "b", a);
    struct tb_id c = fixture_task_after(f, "c", b);
    fixture_finish(f, a);
    assert_waiting(f, b, "[]", true);
    assert_waiting(f, c, one(f, b), false);
    assert_int_equal(fixture_task(f, c).version, 1);
}

static void every_dependent_gets_one_event_in_the_order_of_their_ids(void **state)
{
    struct fixture *f = *state;
    enum { MANY = 40 };
    struct tb_id ids[MANY];
    struct tb_id id = fixture_task_named(f, "first");
    for (int i = 0; i < MANY; i++) {
        ids[i] = fixture_task_after(f, "w", id);
    }
    fixture_finish(f, id);
    for (int i = 0; i < MANY; i++) {
        assert_event(f, (uint64_t)(MANY + 3 + i), "task.ready", ids[i]);
    }
    assert_int_equal(fixture_head(f).seq, 2 * MANY + 2);
    assert_int_equal(fixture_head(f).task_counts[TB_STATE_READY], MANY);
}

/* The records of many and large dependents do not pile up in the batch's memory. */
static void telling_many_takes_little_memory(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "first");
    const char *text = fixture_repeat(f->arena, "x", 100000);
    for (int i = 0; i < 100; i++) {
        fixture_create(f, "{'title':'w','createdBy':'a','dependencies':['%s'],'description':'%s'}",
                       fixture_id(f, id), text);
    }
    fixture_begin(f);
    size_t before = tb_arena_size_bytes(f->batch_arena);
    fixture_finish(f, id);
    assert_in_range(tb_arena_size_bytes(f->batch_arena), before, before + 1000000);
    fixture_commit(f);
    assert_int_equal(fixture_head(f).task_counts[TB_STATE_READY], 100);
}

/* --- within one batch --- */

static void changes_of_one_batch_build_on_each_other(void **state)
{
    struct fixture *f = *state;
    fixture_begin(f);
    struct tb_id a = fixture_task_named(f, "a");
    struct tb_id b = fixture_task_after(f, "b", a);
    fixture_finish(f, a);
    assert_waiting(f, b, "[]", true);
    fixture_patch(f, a, "{'status':'open'}");
    assert_waiting(f, b, one(f, a), false);
    fixture_delete(f, a);
    fixture_commit(f);
    assert_waiting(f, b, one(f, a), false);
    assert_int_equal(fixture_task(f, b).version, 3);
}

/* --- what the summary and the waiting claims need --- */

static void who_waits_for_nothing_but_time_is_scheduled(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','delaySeconds':10}");
    assert_int_equal(fixture_head(f).scheduled, 1);
    fixture_patch(f, id, "{'dependencies':['x']}");
    assert_int_equal(fixture_head(f).scheduled, 0);
    fixture_patch(f, id, "{'dependencies':[]}");
    assert_int_equal(fixture_head(f).scheduled, 1);
    fixture_delete(f, id);
    assert_int_equal(fixture_head(f).scheduled, 0);
}

static void a_task_knows_since_when_it_has_been_ready(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','delaySeconds':10}");
    assert_true(fixture_task(f, id).ready_ms == 0);
    fixture_advance(f, 15000);
    fixture_run_due(f, 10);
    assert_true(fixture_task(f, id).ready_ms == FIXTURE_START_MS + 15000);
    fixture_advance(f, 1000);
    fixture_send(f, TB_COMMAND_BUMP, id, "{}");
    assert_true(fixture_task(f, id).ready_ms == FIXTURE_START_MS + 15000);
    fixture_patch(f, id, "{'status':'blocked'}");
    assert_true(fixture_task(f, id).ready_ms == 0);
    fixture_patch(f, id, "{'status':'open'}");
    assert_true(fixture_task(f, id).ready_ms == f->clock.now_ms);
}

static void rates_count_what_happened(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_create_array(f, "[{'title':'t','createdBy':'a'},{'title':'t','createdBy':'a'}]");
    fixture_patch(f, id, "{'status':'done','outcome':'failed'}");
    fixture_patch(f, id, "{'outcome':'success'}");
    fixture_send(f, TB_COMMAND_APPROVE, id, "{}"); /* it succeeded before */
    struct tb_head head = fixture_head(f);
    static const unsigned wanted[TB_RATE_COUNT] = {
        [TB_RATE_CREATED] = 3, [TB_RATE_COMPLETED] = 1, [TB_RATE_FAILED] = 1};
    for (unsigned i = 0; i < TB_RATE_COUNT; i++) {
        assert_int_equal(tb_rates_within(&head.rates, i, 60000, f->clock.now_ms), wanted[i]);
    }
}

static void what_is_stored_as_ready_is_noted_down_when_somebody_waits(void **state)
{
    struct fixture *f = *state;
    struct tb_id first = fixture_task_named(f, "first");
    struct tb_id second = fixture_task_after(f, "second", first);
    struct tb_id third = fixture_task_after(f, "third", first);
    fixture_begin(f);
    fixture_finish(f, first);
    assert_int_equal(f->board.readied.count, 0);
    fixture_abort(f);
    f->board.collects_readied = true;
    fixture_begin(f);
    fixture_finish(f, first);
    fixture_create(f, "{'title':'t','createdBy':'a','dependencies':['x']}");
    fixture_patch(f, second, "{'tags':['x']}"); /* somebody may want it now */
    assert_int_equal(f->board.readied.count, 3);
    assert_id(f->board.readied.ids[0], second);
    assert_id(f->board.readied.ids[1], third);
    assert_id(f->board.readied.ids[2], second);
    fixture_commit(f);
}

/* They are more than the first array of ids holds, and come out of scratch memory. */
static void many_that_become_ready_are_all_noted_down(void **state)
{
    struct fixture *f = *state;
    struct tb_id first = fixture_task_named(f, "first");
    for (int i = 0; i < 200; i++) {
        fixture_task_after(f, "t", first);
    }
    f->board.collects_readied = true;
    fixture_begin(f);
    fixture_finish(f, first);
    assert_int_equal(f->board.readied.count, 200);
    for (size_t i = 0; i < f->board.readied.count; i++) {
        struct tb_task task;
        assert_int_equal(tb_get_task(f->txn, f->board.readied.ids[i], &task), TB_OK);
        assert_true(task.ready);
    }
    fixture_commit(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(what_follows_from_status_dependencies_and_time_is_always_derived),
        fixture_test(counters_follow_the_state),
        fixture_test(a_blocked_task_keeps_its_reason),
        fixture_test(a_task_that_is_done_frees_those_that_wait_for_it),
        fixture_test(becoming_ready_raises_the_version_but_not_updated_at),
        fixture_test(only_success_frees),
        fixture_test(a_task_that_is_freed_may_still_be_delayed),
        fixture_test(tasks_that_are_not_open_are_told_but_not_made_ready),
        fixture_test(a_done_task_is_not_told),
        fixture_test(a_done_task_looks_again_when_it_is_opened),
        fixture_test(being_done_twice_tells_nobody_twice),
        fixture_test(a_task_that_is_opened_again_makes_others_wait_again),
        fixture_test(a_dependency_that_is_deleted_is_unmet),
        fixture_test(an_unmet_dependency_that_is_deleted_stays_unmet_and_is_not_told),
        fixture_test(a_task_that_no_longer_depends_is_not_told),
        fixture_test(blocked_by_keeps_the_order_of_dependencies_and_their_repetitions),
        fixture_test(readiness_does_not_run_down_a_chain),
        fixture_test(every_dependent_gets_one_event_in_the_order_of_their_ids),
        fixture_test(telling_many_takes_little_memory),
        fixture_test(changes_of_one_batch_build_on_each_other),
        fixture_test(who_waits_for_nothing_but_time_is_scheduled),
        fixture_test(a_task_knows_since_when_it_has_been_ready),
        fixture_test(rates_count_what_happened),
        fixture_test(what_is_stored_as_ready_is_noted_down_when_somebody_waits),
        fixture_test(many_that_become_ready_are_all_noted_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
