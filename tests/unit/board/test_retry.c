/* What was given up is open again: one task, or many. */
#include "fixture/fixture.h"

static const struct tb_id nobody = {{0}};

static struct tb_id dead_letter(struct fixture *f, const char *more)
{
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a'%s}", more);
    fixture_hold(f, TB_COMMAND_FAIL, fixture_claim_task(f, id, "ann"),
                 ",'error':'e','retryable':false");
    assert_str(fixture_field(f, id, "status"), "\"blocked\"");
    return id;
}

/* --- one --- */

static void a_dead_letter_gets_fresh_attempts(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = dead_letter(f, ",'maxAttempts':1");
    fixture_advance(f, 1000);
    fixture_send(f, TB_COMMAND_RETRY, id, "{'by':'lead'}");
    assert_reply(f, 200);
    assert_str_eq(f->reply.body, fixture_view(f, id));
    assert_event(f, 4, "task.retried", id);
    assert_str(fixture_last_event(f).actor, "lead");
    struct tb_task task = fixture_task(f, id);
    assert_int_equal(task.attempts, 0);
    assert_int_equal(task.claims, 1);
    assert_true(task.ready);
    assert_true(task.ready_ms == f->clock.now_ms);
    assert_absent(task.blocked_reason);
    assert_absent(task.assignee);
    assert_int_equal(fixture_head(f).dead_letters, 0);
    assert_int_equal(fixture_claim(f, "bob").attempt, 2);
}

static void failed_and_cancelled_tasks_can_be_retried(void **state)
{
    struct fixture *f = *state;
    static const char *const outcomes[] = {"failed", "cancelled"};
    for (size_t i = 0; i < COUNT(outcomes); i++) {
        struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','delaySeconds':60}");
        fixture_patch(f, id, "{'status':'done','outcome':'%s'}", outcomes[i]);
        fixture_send(f, TB_COMMAND_RETRY, id, "{}");
        assert_reply(f, 200);
        assert_str(fixture_field(f, id, "status"), "\"open\"");
        assert_absent(fixture_field(f, id, "outcome"));
        assert_absent(fixture_field(f, id, "notBefore"));
        assert_waiting(f, id, "[]", true);
    }
}

static void a_retried_task_has_no_result_yet(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = fixture_claim_task(f, fixture_task_named(f, "t"), "ann");
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'result':1");
    fixture_patch(f, claim.id, "{'outcome':'failed'}");
    fixture_send(f, TB_COMMAND_RETRY, claim.id, "{}");
    assert_absent(fixture_field(f, claim.id, "result"));
}

static void nothing_else_can_be_retried(void **state)
{
    struct fixture *f = *state;
    static const char *const statuses[] = {"open", "in_progress", "in_review", "blocked", "done"};
    for (size_t i = 0; i < COUNT(statuses); i++) {
        struct tb_id id =
            fixture_create(f, "{'title':'t','createdBy':'a','status':'%s'}", statuses[i]);
        fixture_send(f, TB_COMMAND_RETRY, id, "{}");
        assert_refused(f, TB_E_NOT_RETRYABLE, NULL, NULL);
    }
    struct fixture_claim claim = fixture_claim(f, "ann");
    fixture_send(f, TB_COMMAND_RETRY, claim.id, "{}");
    assert_refused(f, TB_E_NOT_RETRYABLE, NULL, NULL);
}

static void a_key_that_is_taken_by_now_hinders_a_retry(void **state)
{
    struct fixture *f = *state;
    struct tb_id old = fixture_create(f, "{'title':'t','createdBy':'a','uniqueKey':'k'}");
    fixture_send(f, TB_COMMAND_CANCEL, old, "{}");
    struct tb_id young = fixture_create(f, "{'title':'t','createdBy':'a','uniqueKey':'k'}");
    fixture_send(f, TB_COMMAND_RETRY, old, "{}");
    assert_refused(f, TB_E_UNIQUE_KEY_TAKEN, NULL, NULL);
    fixture_finish(f, young);
    fixture_send(f, TB_COMMAND_RETRY, old, "{}");
    assert_reply(f, 200);
}

static void a_retried_task_waits_for_what_is_unmet(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','dependencies':['x']}");
    fixture_send(f, TB_COMMAND_CANCEL, id, "{}");
    fixture_send(f, TB_COMMAND_RETRY, id, "{}");
    assert_waiting(f, id, "['x']", false);
}

/* --- many --- */

static void retry(struct fixture *f, const char *body, const char *answer)
{
    fixture_send(f, TB_COMMAND_RETRY_MANY, nobody, "%s", body);
    assert_reply(f, 200);
    assert_json(f, f->reply.body, "%s", answer);
}

static void all_dead_letters_are_retried_at_once(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[3];
    for (size_t i = 0; i < COUNT(ids); i++) {
        ids[i] = dead_letter(f, "");
    }
    struct tb_id manual = fixture_create(f, "{'title':'t','createdBy':'a','status':'blocked'}");
    struct tb_id failed = fixture_task_named(f, "t");
    fixture_patch(f, failed, "{'status':'done','outcome':'failed'}");
    uint64_t seq = fixture_head(f).seq;
    retry(f, "{'by':'lead'}", "{'count':3,'more':false}");
    assert_int_equal(f->reply.seq, seq + 3);
    for (size_t i = 0; i < COUNT(ids); i++) {
        assert_event(f, seq + 1 + i, "task.retried", ids[i]); /* oldest first */
        assert_str(fixture_event(f, seq + 1 + i).actor, "lead");
        assert_waiting(f, ids[i], "[]", true);
    }
    assert_str(fixture_field(f, manual, "status"), "\"blocked\"");
    assert_str(fixture_field(f, failed, "status"), "\"done\"");
    retry(f, "{}", "{'count':0,'more':false}");
    assert_int_equal(f->reply.seq, 0);
}

static void the_oldest_come_first_and_there_may_be_more(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[5];
    for (size_t i = 0; i < COUNT(ids); i++) {
        ids[i] = dead_letter(f, "");
    }
    retry(f, "{'max':2}", "{'count':2,'more':true}");
    assert_waiting(f, ids[0], "[]", true);
    assert_waiting(f, ids[1], "[]", true);
    assert_waiting(f, ids[2], "[]", false);
    retry(f, "{'max':3}", "{'count':3,'more':false}");
}

static void conditions_narrow_what_is_retried(void **state)
{
    struct fixture *f = *state;
    struct tb_id parent = fixture_task_named(f, "parent");
    const char *of_parent =
        tb_arena_printf(f->arena, "{'parentId':'%s'}", fixture_id(f, parent)).ptr;
    dead_letter(f, ",'tags':['x']");
    dead_letter(f, ",'assignee':'ann'");
    dead_letter(f, tb_arena_printf(f->arena, ",'parentId':'%s'", fixture_id(f, parent)).ptr);
    retry(f, "{'tag':'y'}", "{'count':0,'more':false}");
    retry(f, "{'tag':'x'}", "{'count':1,'more':false}");
    retry(f, "{'createdBy':'b'}", "{'count':0,'more':false}");
    retry(f, of_parent, "{'count':1,'more':false}");
    retry(f, "{'assignee':'bob'}", "{'count':0,'more':false}");
    retry(f, "{'assignee':'ann','createdBy':'a'}", "{'count':1,'more':false}");
}

static void an_outcome_picks_done_tasks(void **state)
{
    struct fixture *f = *state;
    static const char *const outcomes[] = {"failed", "cancelled", "success"};
    for (size_t i = 0; i < COUNT(outcomes); i++) {
        fixture_patch(f, fixture_task_named(f, "t"), "{'status':'done','outcome':'%s'}",
                      outcomes[i]);
    }
    dead_letter(f, "");
    retry(f, "{'outcome':'failed'}", "{'count':1,'more':false}");
    retry(f, "{'outcome':'failed'}", "{'count':0,'more':false}");
    retry(f, "{'outcome':'cancelled'}", "{'count':1,'more':false}");
    assert_int_equal(fixture_head(f).task_counts[TB_STATE_READY], 2);
}

/* Two had the same key, one after the other: only one can have it again. */
static void tasks_whose_key_is_taken_are_left_out(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[3];
    for (size_t i = 0; i < COUNT(ids); i++) {
        ids[i] =
            fixture_create(f, "{'title':'t','createdBy':'a','uniqueKey':'%s'}", i < 2 ? "k" : "l");
        fixture_send(f, TB_COMMAND_CANCEL, ids[i], "{}");
    }
    fixture_create(f, "{'title':'t','createdBy':'a','uniqueKey':'l'}");
    retry(f, "{'outcome':'cancelled'}", "{'count':1,'more':false}");
    assert_waiting(f, ids[0], "[]", true);
    retry(f, "{'outcome':'cancelled'}", "{'count':0,'more':false}");
}

static void those_that_are_retried_are_told_to_the_waiting(void **state)
{
    struct fixture *f = *state;
    struct tb_id one = dead_letter(f, "");
    struct tb_id other = dead_letter(f, "");
    f->board.collects_readied = true;
    fixture_begin(f);
    retry(f, "{}", "{'count':2,'more':false}");
    assert_int_equal(f->board.readied.count, 2);
    assert_id(f->board.readied.ids[0], one);
    assert_id(f->board.readied.ids[1], other);
    fixture_commit(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_dead_letter_gets_fresh_attempts),
        fixture_test(failed_and_cancelled_tasks_can_be_retried),
        fixture_test(a_retried_task_has_no_result_yet),
        fixture_test(nothing_else_can_be_retried),
        fixture_test(a_key_that_is_taken_by_now_hinders_a_retry),
        fixture_test(a_retried_task_waits_for_what_is_unmet),
        fixture_test(all_dead_letters_are_retried_at_once),
        fixture_test(the_oldest_come_first_and_there_may_be_more),
        fixture_test(conditions_narrow_what_is_retried),
        fixture_test(an_outcome_picks_done_tasks),
        fixture_test(tasks_whose_key_is_taken_are_left_out),
        fixture_test(those_that_are_retried_are_told_to_the_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
