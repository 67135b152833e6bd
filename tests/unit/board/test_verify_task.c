#include "unit/board/damage_check.h"

static void block(struct tb_task *task)
{
    task->blocked_by = TB_STR("[\"x\"]");
}

static void unblock(struct tb_task *task)
{
    task->blocked_by = TB_STR("[]");
}

static void a_wrong_blocked_by_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    assert_task_damage(f, id, block, "blockedBy is wrong");
    struct tb_id waiting = fixture_create(f, "{'title':'w','createdBy':'a','dependencies':['x']}");
    assert_task_damage(f, waiting, unblock, "blockedBy is wrong");
    struct tb_id done =
        fixture_create(f, "{'title':'d','createdBy':'a','dependencies':['x'],'status':'done'}");
    assert_task_damage(f, done, block, "blockedBy is wrong");
}

static void make_ready(struct tb_task *task)
{
    task->ready = true;
}

static void make_unready(struct tb_task *task)
{
    task->ready = false;
}

static void readiness_that_came_too_early_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id waiting = fixture_create(f, "{'title':'w','createdBy':'a','dependencies':['x']}");
    assert_task_damage(f, waiting, make_ready, "it is ready too early");
    struct tb_id delayed = fixture_create(f, "{'title':'d','createdBy':'a','delaySeconds':9}");
    assert_task_damage(f, delayed, make_ready, "it is ready too early");
    struct tb_id busy = fixture_create(f, "{'title':'p','createdBy':'a','status':'in_progress'}");
    assert_task_damage(f, busy, make_ready, "it is ready too early");
}

static void forget_due(struct tb_task *task)
{
    task->due_ms = 0;
}

static void be_due(struct tb_task *task)
{
    task->due_ms = FIXTURE_START_MS + 9000;
}

static void be_due_late(struct tb_task *task)
{
    task->due_ms = FIXTURE_START_MS + 9001;
}

static void readiness_that_would_never_come_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    assert_task_damage(f, id, make_unready, "nothing will ever make it ready");
    struct tb_id delayed = fixture_create(f, "{'title':'d','createdBy':'a','delaySeconds':9}");
    assert_task_damage(f, delayed, forget_due, "nothing will ever make it ready");
    assert_task_damage(f, delayed, be_due_late, "nothing will ever make it ready");
}

static void being_due_without_a_reason_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id busy = fixture_create(f, "{'title':'p','createdBy':'a','status':'in_progress'}");
    assert_task_damage(f, busy, be_due, "it is due without a reason");
}

/* A ready task has nothing left to wait for. */
static void a_ready_task_that_is_due_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    assert_task_damage(f, id, be_due, "it is due without a reason");
}

static void succeed(struct tb_task *task)
{
    task->outcome = TB_OUTCOME_SUCCESS;
}

static void end_without_outcome(struct tb_task *task)
{
    task->outcome = TB_OUTCOME_NONE;
}

static void an_outcome_that_does_not_fit_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    assert_task_damage(f, id, succeed, "status and outcome disagree");
    struct tb_id done = fixture_create(f, "{'title':'d','createdBy':'a','status':'done'}");
    assert_task_damage(f, done, end_without_outcome, "status and outcome disagree");
}

static void give_reason(struct tb_task *task)
{
    task->blocked_reason = TB_STR("{\"kind\":\"manual\"}");
}

static void take_reason(struct tb_task *task)
{
    task->blocked_reason = TB_STR_NONE;
}

static void a_reason_that_does_not_fit_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    assert_task_damage(f, id, give_reason, "status and blockedReason disagree");
    struct tb_id blocked = fixture_create(f, "{'title':'b','createdBy':'a','status':'blocked'}");
    assert_task_damage(f, blocked, take_reason, "status and blockedReason disagree");
}

static void move_ahead(struct tb_task *task)
{
    task->rank_ms--;
}

static void a_wrong_rank_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    assert_task_damage(f, id, move_ahead, "its rank is wrong");
}

static void be_from_tomorrow(struct tb_task *task)
{
    task->updated_ms += 86400000;
}

static void a_task_that_is_newer_than_the_board_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    assert_task_damage(f, id, be_from_tomorrow, "it is newer than the board");
    struct tb_head good = fixture_head(f);
    struct tb_head bad = good;
    memset(&bad.last_id, 0, sizeof(bad.last_id));
    set_head(f, &bad);
    assert_damage(f, "task %s: it is newer than the board", fixture_id(f, id));
    set_head(f, &good);
}

static void take_key(struct tb_task *task)
{
    task->unique_key = TB_STR("k");
}

static void two_tasks_with_one_key_are_found(void **state)
{
    struct fixture *f = *state;
    fixture_create(f, "{'title':'t','createdBy':'a','uniqueKey':'k'}");
    struct tb_id id = fixture_task_named(f, "t");
    assert_task_damage(f, id, take_key, "its uniqueKey does not lead to it");
}

static void one_more_note(struct tb_task *task)
{
    task->note_count++;
}

static void one_note_less(struct tb_task *task)
{
    task->note_count--;
}

static void one_more_byte(struct tb_task *task)
{
    task->notes_bytes++;
}

static void one_more_artifact(struct tb_task *task)
{
    task->artifact_count++;
}

static void one_artifact_less(struct tb_task *task)
{
    task->artifact_count--;
}

static void miscounted_notes_and_artifacts_are_found(void **state)
{
    struct fixture *f = *state;
    static const char what[] = "its notes or artifacts are miscounted";
    struct tb_id id = fixture_task_named(f, "t");
    fixture_send(f, TB_COMMAND_REVIEW, id,
                 "{'summary':'s','artifacts':[{'type':'url','url':'u','label':'l'}]}");
    assert_task_damage(f, id, one_more_note, what);
    assert_task_damage(f, id, one_note_less, what);
    assert_task_damage(f, id, one_more_byte, what);
    assert_task_damage(f, id, one_more_artifact, what);
    assert_task_damage(f, id, one_artifact_less, what);
}

static void be_ready_tomorrow(struct tb_task *task)
{
    task->ready_ms += 86400000;
}

static void forget_ready(struct tb_task *task)
{
    task->ready_ms = 0;
}

static void be_ready_since_the_start(struct tb_task *task)
{
    task->ready_ms = FIXTURE_START_MS;
}

static void a_wrong_instant_of_readiness_is_found(void **state)
{
    struct fixture *f = *state;
    static const char what[] = "nobody knows since when it has been ready";
    struct tb_id id = fixture_task_named(f, "t");
    assert_task_damage(f, id, be_ready_tomorrow, what);
    assert_task_damage(f, id, forget_ready, what);
    struct tb_id waiting = fixture_create(f, "{'title':'w','createdBy':'a','dependencies':['x']}");
    assert_task_damage(f, waiting, be_ready_since_the_start, what);
}

/* In the record alone: its JSON stays. */
static void set_max_attempts(struct fixture *f, struct tb_id id, uint32_t number)
{
    struct tb_task old;
    fixture_begin(f);
    assert_int_equal(tb_get_task(f->txn, id, &old), TB_OK);
    struct tb_task task = old;
    task.max_attempts = number;
    assert_int_equal(tb_put_task(f->txn, &old, &task), TB_OK);
    fixture_commit(f);
}

static void what_is_shown_must_be_what_is_stored(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    set_max_attempts(f, id, 4);
    assert_damage(f, "task %s: what is shown of it is not what is stored", fixture_id(f, id));
    set_max_attempts(f, id, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_wrong_blocked_by_is_found),
        fixture_test(readiness_that_came_too_early_is_found),
        fixture_test(readiness_that_would_never_come_is_found),
        fixture_test(being_due_without_a_reason_is_found),
        fixture_test(a_ready_task_that_is_due_is_found),
        fixture_test(an_outcome_that_does_not_fit_is_found),
        fixture_test(a_reason_that_does_not_fit_is_found),
        fixture_test(a_wrong_rank_is_found),
        fixture_test(a_task_that_is_newer_than_the_board_is_found),
        fixture_test(two_tasks_with_one_key_are_found),
        fixture_test(miscounted_notes_and_artifacts_are_found),
        fixture_test(a_wrong_instant_of_readiness_is_found),
        fixture_test(what_is_shown_must_be_what_is_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
