/* A result that an attempt left becomes the task's. */
#include "fixture/fixture.h"

/* A task whose first attempt has left a result too late. */
static struct fixture_claim late(struct fixture *f)
{
    struct fixture_claim claim = fixture_claim_task(f, fixture_task_named(f, "t"), "ann");
    fixture_advance(f, 300000);
    fixture_run_due(f, 10);
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'result':{'n':1}");
    return claim;
}

static void an_accepted_result_finishes_the_task(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = late(f);
    struct tb_id after = fixture_task_after(f, "after", claim.id);
    fixture_accept(f, claim.id, 1, false);
    assert_reply(f, 200);
    assert_str_eq(f->reply.body, fixture_view(f, claim.id));
    assert_str(fixture_field(f, claim.id, "status"), "\"done\"");
    assert_str(fixture_field(f, claim.id, "outcome"), "\"success\"");
    assert_json(f, fixture_field(f, claim.id, "result"), "{'n':1}");
    assert_waiting(f, after, "[]", true);
    assert_event(f, 6, "task.completed", claim.id);
    struct tb_event event = fixture_event(f, 6);
    assert_str(event.actor, "lead");
    assert_str(fixture_member(fixture_member(event.wire, "data"), "acceptedAttempt"), "1");
}

static void accept_works_from_any_status(void **state)
{
    struct fixture *f = *state;
    static const char *const patches[] = {
        "{'status':'open'}",
        "{'status':'in_progress'}",
        "{'status':'in_review'}",
        "{'status':'blocked'}",
        "{'status':'done','outcome':'failed'}",
        "{'status':'done','outcome':'cancelled'}",
    };
    for (size_t i = 0; i < COUNT(patches); i++) {
        struct fixture_claim claim = late(f);
        fixture_patch(f, claim.id, "%s", patches[i]);
        fixture_accept(f, claim.id, 1, false);
        assert_reply(f, 200);
        assert_str(fixture_field(f, claim.id, "outcome"), "\"success\"");
    }
}

static void a_task_that_succeeded_accepts_nothing_more(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = late(f);
    fixture_accept(f, claim.id, 1, false);
    fixture_accept(f, claim.id, 1, true);
    assert_refused(f, TB_E_ALREADY_DONE, NULL, NULL);
}

static void a_claimed_task_accepts_only_by_force(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = late(f);
    struct fixture_claim holder = fixture_claim_task(f, claim.id, "bob");
    fixture_accept(f, claim.id, 1, false);
    assert_refused(f, TB_E_ALREADY_CLAIMED, NULL, ",'claim':{'by':'bob','generation':2}");
    fixture_accept(f, claim.id, 1, true);
    assert_reply(f, 200);
    assert_str(fixture_told(f, "acceptedAttempt"), "1");
    assert_str(fixture_told(f, "attempt"), "2"); /* which it ended */
    fixture_hold(f, TB_COMMAND_HEARTBEAT, holder, "%s", "");
    assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'reason':'taken_over'");
    assert_int_equal(fixture_head(f).claimed, 0);
}

static void an_attempt_without_a_result_cannot_be_accepted(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    struct fixture_claim claim = fixture_claim_task(f, id, "ann");
    fixture_accept(f, id, 1, true);
    assert_refused(f, TB_E_NO_RESULT, NULL, NULL);
    fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'e'");
    fixture_accept(f, id, 1, false);
    assert_refused(f, TB_E_NO_RESULT, NULL, NULL);
    fixture_accept(f, id, 2, false);
    assert_refused(f, TB_E_ATTEMPT_NOT_FOUND, NULL, NULL);
    fixture_accept(f, (struct tb_id){.bytes = {1}}, 1, false);
    assert_refused(f, TB_E_TASK_NOT_FOUND, NULL, NULL);
    assert_int_equal(fixture_head(f).seq, 3);
}

/* Not only late ones: that of a completion which a review turned down, too. */
static void a_result_that_was_rejected_may_be_accepted_after_all(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = fixture_claim_task(f, fixture_task_named(f, "t"), "ann");
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'result':1,'review':true");
    fixture_send(f, TB_COMMAND_REJECT, claim.id, "{'reason':'r'}");
    claim = fixture_claim_task(f, claim.id, "bob");
    fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'e'");
    fixture_accept(f, claim.id, 1, false);
    assert_reply(f, 200);
    assert_str(fixture_field(f, claim.id, "result"), "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(an_accepted_result_finishes_the_task),
        fixture_test(accept_works_from_any_status),
        fixture_test(a_task_that_succeeded_accepts_nothing_more),
        fixture_test(a_claimed_task_accepts_only_by_force),
        fixture_test(an_attempt_without_a_result_cannot_be_accepted),
        fixture_test(a_result_that_was_rejected_may_be_accepted_after_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
