/* Cancelling: at once where nobody has claimed the task, else by asking its holder. */
#include "fixture/fixture.h"

static struct fixture_claim claimed(struct fixture *f)
{
    return fixture_claim_task(f, fixture_task_named(f, "t"), "ann");
}

static void assert_cancelled(struct fixture *f, struct tb_id id)
{
    assert_str(fixture_field(f, id, "status"), "\"done\"");
    assert_str(fixture_field(f, id, "outcome"), "\"cancelled\"");
    assert_event(f, fixture_head(f).seq, "task.cancelled", id);
    assert_verified(f);
}

static void assert_attempt_was_cancelled(struct fixture *f, struct tb_id id)
{
    struct tb_str attempts = fixture_member(fixture_attempts(f, id), "attempts");
    struct tb_str first = tb_str_from(attempts.ptr + 1, attempts.len - 2);
    assert_str(fixture_member(first, "outcome"), "\"cancelled\"");
}

static void an_unclaimed_task_is_cancelled_at_once(void **state)
{
    struct fixture *f = *state;
    static const char *const statuses[] = {"open", "in_progress", "in_review", "blocked"};
    for (size_t i = 0; i < COUNT(statuses); i++) {
        struct tb_id id =
            fixture_create(f, "{'title':'t','createdBy':'a','status':'%s'}", statuses[i]);
        fixture_send(f, TB_COMMAND_CANCEL, id, "{'by':'lead','reason':'not needed'}");
        assert_reply(f, 200);
        assert_str_eq(f->reply.body, fixture_view(f, id));
        assert_cancelled(f, id);
        assert_str(fixture_last_event(f).actor, "lead");
        assert_str(fixture_told(f, "reason"), "\"not needed\"");
        assert_absent(fixture_told(f, "attempt"));
    }
}

static void what_is_done_cannot_be_cancelled(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','status':'done'}");
    fixture_send(f, TB_COMMAND_CANCEL, id, "{}");
    assert_refused(f, TB_E_ALREADY_DONE, NULL, NULL);
    fixture_send(f, TB_COMMAND_CANCEL, id, "{'force':true}");
    assert_refused(f, TB_E_ALREADY_DONE, NULL, NULL);
}

static void the_holder_is_asked(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_send(f, TB_COMMAND_CANCEL, claim.id, "{'by':'lead','reason':'r'}");
    assert_reply(f, 200);
    assert_event(f, 3, "task.cancel_requested", claim.id);
    assert_str(fixture_told(f, "attempt"), "1");
    assert_json(f, fixture_told(f, "cancelRequested"),
                "{'by':'lead','reason':'r','at':'" FIXTURE_START "'}");
    assert_json(f, fixture_member(fixture_field(f, claim.id, "claim"), "cancelRequested"),
                "{'by':'lead','reason':'r','at':'" FIXTURE_START "'}");
    assert_int_equal(fixture_task(f, claim.id).version, 3);
    assert_int_equal(fixture_head(f).claimed, 1);
}

static void who_asks_without_a_name_is_the_token(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    f->actor = TB_STR("admin");
    fixture_send(f, TB_COMMAND_CANCEL, claim.id, "{}");
    assert_json(f, fixture_told(f, "cancelRequested"), "{'by':'admin','at':'" FIXTURE_START "'}");
    assert_str(fixture_last_event(f).actor, "admin");
}

static void asking_twice_is_asking_once(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_send(f, TB_COMMAND_CANCEL, claim.id, "{'by':'lead'}");
    struct tb_str before = fixture_view(f, claim.id);
    fixture_send(f, TB_COMMAND_CANCEL, claim.id, "{'by':'eve','reason':'r'}");
    assert_reply(f, 200);
    assert_int_equal(f->reply.seq, 0);
    assert_str_eq(f->reply.body, before);
    assert_int_equal(fixture_head(f).seq, 3);
}

static void release_failure_and_lapse_end_it_as_cancelled(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++) {
        struct fixture_claim claim = claimed(f);
        fixture_send(f, TB_COMMAND_CANCEL, claim.id, "{'by':'lead'}");
        if (i == 0) {
            fixture_hold(f, TB_COMMAND_RELEASE, claim, "%s", "");
        } else if (i == 1) {
            fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'e','retryable':false");
        } else {
            fixture_advance(f, 300000);
            fixture_run_due(f, 10);
        }
        assert_cancelled(f, claim.id);
        assert_attempt_was_cancelled(f, claim.id);
        assert_str(fixture_told(f, "attempt"), "1");
        struct tb_str asked = fixture_told(f, "cancelRequested");
        assert_str(fixture_member(asked, "by"), "\"lead\"");
        assert_str(fixture_field(f, claim.id, "assignee"), "\"ann\"");
        fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, "%s", "");
        assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'reason':'cancelled'");
    }
    struct tb_head head = fixture_head(f);
    assert_int_equal(tb_rates_within(&head.rates, TB_RATE_FAILED, 300000, f->clock.now_ms), 0);
}

static void the_error_of_a_cancelled_attempt_is_kept(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_send(f, TB_COMMAND_CANCEL, claim.id, "{}");
    fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'stopped'");
    struct tb_str attempts = fixture_member(fixture_attempts(f, claim.id), "attempts");
    struct tb_str first = tb_str_from(attempts.ptr + 1, attempts.len - 2);
    assert_str(fixture_member(first, "error"), "\"stopped\"");
    fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'stopped'");
    assert_reply(f, 200); /* the verb that ended it */
}

static void a_completion_that_comes_first_wins(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_send(f, TB_COMMAND_CANCEL, claim.id, "{}");
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'result':1");
    assert_reply(f, 200);
    assert_str(fixture_field(f, claim.id, "outcome"), "\"success\"");
    fixture_send(f, TB_COMMAND_CANCEL, claim.id, "{}");
    assert_refused(f, TB_E_ALREADY_DONE, NULL, NULL);
}

static void force_does_not_wait_for_the_holder(void **state)
{
    struct fixture *f = *state;
    for (int asked = 0; asked < 2; asked++) {
        struct fixture_claim claim = claimed(f);
        if (asked) {
            fixture_send(f, TB_COMMAND_CANCEL, claim.id, "{'by':'lead'}");
        }
        fixture_send(f, TB_COMMAND_CANCEL, claim.id, "{'by':'boss','force':true}");
        assert_reply(f, 200);
        assert_cancelled(f, claim.id);
        assert_attempt_was_cancelled(f, claim.id);
        assert_str(fixture_last_event(f).actor, "boss");
        fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'result':1");
        assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'reason':'cancelled'");
        assert_event(f, fixture_head(f).seq, "task.late", claim.id);
    }
}

static void a_cancelled_task_does_not_meet_what_waits_for_it(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    struct tb_id after = fixture_task_after(f, "after", id);
    fixture_send(f, TB_COMMAND_CANCEL, id, "{}");
    assert_waiting(f, after, tb_arena_printf(f->arena, "['%s']", fixture_id(f, id)).ptr, false);
}

/* Whoever claims it next was not asked. */
static void what_was_asked_of_one_holder_is_not_asked_of_the_next(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_send(f, TB_COMMAND_CANCEL, claim.id, "{}");
    f->claim_token = tb_str_c(claim.token);
    fixture_patch(f, claim.id, "{'status':'open'}");
    f->claim_token = TB_STR_NONE;
    claim = fixture_claim_task(f, claim.id, "bob");
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, "%s", "");
    assert_str(fixture_member(f->reply.body, "cancelRequested"), "false");
}

static void cancel_honours_if_match(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    f->if_match = TB_STR("\"2\"");
    fixture_send(f, TB_COMMAND_CANCEL, id, "{}");
    assert_refused(f, TB_E_VERSION_MISMATCH, NULL, ",'version':1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(an_unclaimed_task_is_cancelled_at_once),
        fixture_test(what_is_done_cannot_be_cancelled),
        fixture_test(the_holder_is_asked),
        fixture_test(who_asks_without_a_name_is_the_token),
        fixture_test(asking_twice_is_asking_once),
        fixture_test(release_failure_and_lapse_end_it_as_cancelled),
        fixture_test(the_error_of_a_cancelled_attempt_is_kept),
        fixture_test(a_completion_that_comes_first_wins),
        fixture_test(force_does_not_wait_for_the_holder),
        fixture_test(a_cancelled_task_does_not_meet_what_waits_for_it),
        fixture_test(what_was_asked_of_one_holder_is_not_asked_of_the_next),
        fixture_test(cancel_honours_if_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
