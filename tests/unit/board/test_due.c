/* What time does: delays that are over, and ranks that are made with another aging. */
#include "fixture/fixture.h"

static struct tb_id delayed(struct fixture *f, int seconds)
{
    return fixture_create(f, "{'title':'t','createdBy':'a','delaySeconds':%d}", seconds);
}

/* --- delays --- */

static void nothing_is_due_on_a_board_without_delays(void **state)
{
    struct fixture *f = *state;
    assert_true(fixture_run_due(f, 10) == 0);
    fixture_task_named(f, "t");
    assert_true(fixture_run_due(f, 10) == 0);
    assert_int_equal(fixture_head(f).seq, 1);
}

static void a_delay_ends_exactly_at_its_instant(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = delayed(f, 60);
    fixture_advance(f, 59999);
    assert_true(fixture_run_due(f, 10) == FIXTURE_START_MS + 60000);
    assert_waiting(f, id, "[]", false);
    fixture_advance(f, 1);
    assert_true(fixture_run_due(f, 10) == 0);
    assert_waiting(f, id, "[]", true);
    assert_event(f, 2, "task.ready", id);
    struct tb_event event = fixture_last_event(f);
    assert_absent(event.actor);
    assert_true(event.at_ms == FIXTURE_START_MS + 60000);
    struct tb_task task = fixture_task(f, id);
    assert_int_equal(task.version, 2);
    assert_true(task.updated_ms == FIXTURE_START_MS);
    assert_true(task.due_ms == 0);
    assert_true(task.not_before_ms == FIXTURE_START_MS + 60000);
}

static void delays_end_in_their_order_and_only_when_they_are_over(void **state)
{
    struct fixture *f = *state;
    struct tb_id late = delayed(f, 30);
    struct tb_id early = delayed(f, 10);
    struct tb_id middle = delayed(f, 20);
    fixture_advance(f, 20000);
    assert_true(fixture_run_due(f, 10) == FIXTURE_START_MS + 30000);
    assert_event(f, 4, "task.ready", early);
    assert_event(f, 5, "task.ready", middle);
    assert_waiting(f, late, "[]", false);
    assert_int_equal(fixture_head(f).seq, 5);
}

static void at_most_so_many_are_handled_at_once(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 5; i++) {
        delayed(f, 10);
    }
    fixture_advance(f, 10000);
    assert_true(fixture_run_due(f, 2) == f->clock.now_ms); /* there is more */
    assert_int_equal(fixture_head(f).task_counts[TB_STATE_READY], 2);
    assert_true(fixture_run_due(f, 2) == f->clock.now_ms);
    assert_true(fixture_run_due(f, 2) == 0);
    assert_int_equal(fixture_head(f).task_counts[TB_STATE_READY], 5);
    assert_int_equal(fixture_head(f).seq, 10);
}

static void a_delay_that_is_over_is_noticed_by_any_change_of_the_task(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = delayed(f, 10);
    fixture_advance(f, 10000);
    fixture_send(f, TB_COMMAND_BUMP, id, "{}");
    assert_waiting(f, id, "[]", true);
    assert_true(fixture_run_due(f, 10) == 0);
    assert_int_equal(fixture_head(f).seq, 2);
}

static void a_delayed_task_that_waits_for_another_is_not_due_before_that(void **state)
{
    struct fixture *f = *state;
    struct tb_id first = fixture_task_named(f, "first");
    struct tb_id id =
        fixture_create(f, "{'title':'t','createdBy':'a','delaySeconds':10,'dependencies':['%s']}",
                       fixture_id(f, first));
    fixture_advance(f, 10000);
    assert_true(fixture_run_due(f, 10) == 0);
    fixture_finish(f, first);
    assert_waiting(f, id, "[]", true);
    assert_event(f, 4, "task.ready", id);
}

static void a_delayed_task_that_loses_its_dependency_is_not_due_any_more(void **state)
{
    struct fixture *f = *state;
    struct tb_id first = fixture_create(f, "{'title':'f','createdBy':'a','status':'done'}");
    struct tb_id id =
        fixture_create(f, "{'title':'t','createdBy':'a','delaySeconds':10,'dependencies':['%s']}",
                       fixture_id(f, first));
    assert_true(fixture_task(f, id).due_ms != 0);
    fixture_patch(f, first, "{'status':'open'}");
    assert_true(fixture_task(f, id).due_ms == 0);
    fixture_advance(f, 10000);
    assert_true(fixture_run_due(f, 10) == 0);
    assert_waiting(f, id, tb_arena_printf(f->arena, "['%s']", fixture_id(f, first)).ptr, false);
}

static void a_delayed_task_that_is_taken_up_or_deleted_is_not_due(void **state)
{
    struct fixture *f = *state;
    struct tb_id taken = delayed(f, 10);
    struct tb_id deleted = delayed(f, 10);
    fixture_patch(f, taken, "{'status':'in_progress'}");
    fixture_delete(f, deleted);
    fixture_advance(f, 10000);
    assert_true(fixture_run_due(f, 10) == 0);
    assert_int_equal(fixture_head(f).seq, 4);
    fixture_patch(f, taken, "{'status':'open'}");
    assert_waiting(f, taken, "[]", true);
}

static void a_clock_that_is_set_back_makes_nobody_wait_again(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = delayed(f, 10);
    fixture_advance(f, 10000);
    fixture_run_due(f, 10);
    fixture_advance(f, -3600000);
    fixture_send(f, TB_COMMAND_BUMP, id, "{}");
    assert_waiting(f, id, "[]", true);
}

static void due_tasks_survive_a_restart(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = delayed(f, 10);
    fixture_restart(f);
    assert_true(fixture_run_due(f, 10) == FIXTURE_START_MS + 10000);
    fixture_advance(f, 50000);
    fixture_run_due(f, 10);
    assert_waiting(f, id, "[]", true);
}

/* --- ranks --- */

/* Runs tb_board_rerank to the end, one batch a call; returns the number of calls. */
static int rerank(struct fixture *f, int64_t aging_ms, unsigned max)
{
    struct tb_id after = {{0}};
    f->board.options.aging_ms = aging_ms;
    for (int calls = 1;; calls++) {
        fixture_begin(f);
        bool through = tb_board_rerank(&f->board, &after, max);
        assert_int_equal(tb_txn_head(f->txn)->aging_ms == aging_ms, through);
        fixture_commit(f);
        if (through) {
            return calls;
        }
    }
}

static void every_rank_is_made_anew_in_pieces(void **state)
{
    struct fixture *f = *state;
    static const struct {
        unsigned max;
        int calls;
    } rows[] = {{1, 8}, {3, 3}, {7, 2}, {8, 1}, {100, 1}};
    for (int i = 0; i < 7; i++) {
        fixture_create(f, "{'title':'t','createdBy':'a','priority':%d,'status':'%s'}", i,
                       i == 3 ? "done" : "open");
    }
    struct tb_str before = fixture_list(f, "order=created");
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(rerank(f, (int64_t)i * 1000 + 5, rows[i].max), rows[i].calls);
        assert_verified(f);
    }
    assert_str_eq(fixture_list(f, "order=created"), before); /* a rank is not on the wire */
    assert_int_equal(fixture_head(f).seq, 7);
}

static void ranks_of_an_empty_board_are_made_at_once(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(rerank(f, 77, 10), 1);
    assert_true(fixture_head(f).aging_ms == 77);
}

static void another_aging_is_another_claim_order(void **state)
{
    struct fixture *f = *state;
    struct tb_id old = fixture_task_named(f, "old");
    fixture_advance(f, 60000);
    struct tb_id urgent = fixture_create(f, "{'title':'urgent','createdBy':'a','priority':1}");
    struct tb_str list = fixture_list(f, "order=rank&fields=id");
    assert_json(f, list, "{'tasks':[{'id':'%s'},{'id':'%s'}],'count':2}", fixture_id(f, urgent),
                fixture_id(f, old));
    rerank(f, 1000, 10);
    list = fixture_list(f, "order=rank&fields=id");
    assert_json(f, list, "{'tasks':[{'id':'%s'},{'id':'%s'}],'count':2}", fixture_id(f, old),
                fixture_id(f, urgent));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(nothing_is_due_on_a_board_without_delays),
        fixture_test(a_delay_ends_exactly_at_its_instant),
        fixture_test(delays_end_in_their_order_and_only_when_they_are_over),
        fixture_test(at_most_so_many_are_handled_at_once),
        fixture_test(a_delay_that_is_over_is_noticed_by_any_change_of_the_task),
        fixture_test(a_delayed_task_that_waits_for_another_is_not_due_before_that),
        fixture_test(a_delayed_task_that_loses_its_dependency_is_not_due_any_more),
        fixture_test(a_delayed_task_that_is_taken_up_or_deleted_is_not_due),
        fixture_test(a_clock_that_is_set_back_makes_nobody_wait_again),
        fixture_test(due_tasks_survive_a_restart),
        fixture_test(every_rank_is_made_anew_in_pieces),
        fixture_test(ranks_of_an_empty_board_are_made_at_once),
        fixture_test(another_aging_is_another_claim_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
