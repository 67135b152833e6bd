/* Attempts that failed: the backoff, and the dead letter behind the last one. */
#include "fixture/fixture.h"

#include "taskboard/limits.h"

static struct fixture_claim claimed(struct fixture *f)
{
    return fixture_claim_task(f, fixture_task_named(f, "t"), "ann");
}

static uint64_t rate(struct fixture *f, enum tb_rate what)
{
    struct tb_head head = fixture_head(f);
    return tb_rates_within(&head.rates, what, 60000, f->clock.now_ms);
}

static int64_t backoff_ms(struct fixture *f, struct tb_id id)
{
    return fixture_task(f, id).not_before_ms - f->clock.now_ms;
}

static void a_failed_task_is_open_again_after_a_while(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'no \\'paint\\''");
    assert_reply(f, 200);
    assert_event(f, 3, "task.failed", claim.id);
    assert_str(fixture_last_event(f).actor, "ann");
    assert_json(f, fixture_told(f, "error"), "'no \\'paint\\''");
    assert_str(fixture_told(f, "attempt"), "1");
    assert_str(fixture_field(f, claim.id, "status"), "\"open\"");
    assert_str(fixture_field(f, claim.id, "attempts"), "1");
    assert_absent(fixture_field(f, claim.id, "assignee"));
    assert_waiting(f, claim.id, "[]", false);
    assert_int_equal(fixture_head(f).scheduled, 1);
    assert_int_equal(rate(f, TB_RATE_FAILED), 1);
    fixture_advance(f, backoff_ms(f, claim.id));
    fixture_run_due(f, 10);
    assert_waiting(f, claim.id, "[]", true);
    assert_int_equal(fixture_head(f).scheduled, 0);
}

static void the_backoff_doubles_up_to_an_hour_and_is_spread(void **state)
{
    struct fixture *f = *state;
    int64_t usual_ms = TB_BACKOFF_MS_MIN;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','maxAttempts':0}");
    for (int i = 0; i < 14; i++) {
        struct fixture_claim claim = fixture_claim_task(f, id, "ann");
        fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'e'");
        int64_t ms = backoff_ms(f, id);
        assert_in_range(ms, usual_ms * 4 / 5, usual_ms * 6 / 5);
        assert_in_range(ms, 1, TB_BACKOFF_MS_MAX);
        usual_ms = usual_ms * 2 < TB_BACKOFF_MS_MAX ? usual_ms * 2 : TB_BACKOFF_MS_MAX;
        fixture_advance(f, ms);
    }
}

/* Many that failed at the same moment do not come back at the same moment. */
static void the_spread_reaches_to_both_sides(void **state)
{
    struct fixture *f = *state;
    int64_t least_ms = INT64_MAX;
    int64_t most_ms = 0;
    for (int i = 0; i < 200; i++) {
        struct fixture_claim claim = claimed(f);
        fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'e'");
        int64_t ms = backoff_ms(f, claim.id);
        least_ms = ms < least_ms ? ms : least_ms;
        most_ms = ms > most_ms ? ms : most_ms;
    }
    assert_in_range(least_ms, 8000, 8400);
    assert_in_range(most_ms, 11600, 12000);
}

static void a_delay_that_is_asked_for_overrides_the_backoff(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'e','delaySeconds':7200");
    assert_true(backoff_ms(f, claim.id) == 7200000);
    claim = claimed(f);
    fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'e','delaySeconds':0");
    assert_waiting(f, claim.id, "[]", true);
    assert_absent(fixture_field(f, claim.id, "notBefore"));
}

/* Somebody put the task off while it was being worked on. */
static void a_later_not_before_outlasts_the_backoff(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_patch(f, claim.id, "{'notBefore':'2024-01-01T00:00:00Z'}");
    fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'e'");
    assert_str(fixture_field(f, claim.id, "notBefore"), "\"2024-01-01T00:00:00.000Z\"");
    assert_waiting(f, claim.id, "[]", false);
}

static void the_last_attempt_leaves_a_dead_letter(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','maxAttempts':2}");
    for (int i = 0; i < 2; i++) {
        fixture_hold(f, TB_COMMAND_FAIL, fixture_claim_task(f, id, "ann"),
                     ",'error':'e','delaySeconds':0");
    }
    assert_event(f, 5, "task.dead", id);
    assert_str(fixture_told(f, "attempt"), "2");
    assert_str(fixture_told(f, "error"), "\"e\"");
    assert_str(fixture_field(f, id, "status"), "\"blocked\"");
    assert_json(f, fixture_field(f, id, "blockedReason"),
                "{'kind':'dead_letter','attempt':2,'outcome':'failed','at':'" FIXTURE_START "'}");
    assert_int_equal(fixture_head(f).dead_letters, 1);
    assert_int_equal(rate(f, TB_RATE_FAILED), 2);
    fixture_send(f, TB_COMMAND_CLAIM_TASK, id, "{'agent':'ann'}");
    assert_int_equal(f->reply.err, TB_E_NOT_READY);
}

static void what_is_not_retryable_is_a_dead_letter_at_once(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','maxAttempts':0}");
    fixture_hold(f, TB_COMMAND_FAIL, fixture_claim_task(f, id, "ann"),
                 ",'error':'e','retryable':false,'delaySeconds':5");
    assert_event(f, 3, "task.dead", id);
    assert_absent(fixture_field(f, id, "notBefore"));
}

static void no_limit_means_no_dead_letter(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','maxAttempts':0}");
    for (int i = 0; i < 20; i++) {
        fixture_hold(f, TB_COMMAND_FAIL, fixture_claim_task(f, id, "ann"),
                     ",'error':'e','delaySeconds':0");
    }
    assert_waiting(f, id, "[]", true);
    assert_int_equal(fixture_task(f, id).attempts, 20);
}

static void fewer_attempts_than_were_made_are_used_up(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'e','delaySeconds':0");
    claim = fixture_claim_task(f, claim.id, "ann");
    fixture_patch(f, claim.id, "{'maxAttempts':1}");
    fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'e'");
    assert_str(fixture_field(f, claim.id, "status"), "\"blocked\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_failed_task_is_open_again_after_a_while),
        fixture_test(the_backoff_doubles_up_to_an_hour_and_is_spread),
        fixture_test(the_spread_reaches_to_both_sides),
        fixture_test(a_delay_that_is_asked_for_overrides_the_backoff),
        fixture_test(a_later_not_before_outlasts_the_backoff),
        fixture_test(the_last_attempt_leaves_a_dead_letter),
        fixture_test(what_is_not_retryable_is_a_dead_letter_at_once),
        fixture_test(no_limit_means_no_dead_letter),
        fixture_test(fewer_attempts_than_were_made_are_used_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
