/* Leases that run out, and what a restart gives back. */
#include "fixture/fixture.h"

#define LEASE_MS 300000

static struct fixture_claim claimed(struct fixture *f)
{
    return fixture_claim_task(f, fixture_task_named(f, "t"), "ann");
}

static void a_lease_that_runs_out_opens_the_task_again(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','assignee':'ann'}");
    struct fixture_claim claim = fixture_claim(f, "ann");
    fixture_advance(f, LEASE_MS - 1);
    assert_true(fixture_run_due(f, 10) == FIXTURE_START_MS + LEASE_MS);
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, "%s", "");
    assert_reply(f, 200);
    fixture_advance(f, LEASE_MS);
    assert_true(fixture_run_due(f, 10) == 0);
    assert_event(f, 3, "task.expired", id);
    assert_absent(fixture_last_event(f).actor);
    assert_str(fixture_told(f, "attempt"), "1");
    assert_str(fixture_told(f, "generation"), "1");
    struct tb_task task = fixture_task(f, id);
    assert_true(task.ready); /* at once: no backoff */
    assert_str(task.assignee, "ann");
    assert_int_equal(task.attempts, 1);
    assert_int_equal(task.version, 3);
    assert_true(task.updated_ms == f->clock.now_ms);
    assert_int_equal(fixture_head(f).claimed, 0);
    struct tb_head head = fixture_head(f);
    assert_int_equal(tb_rates_within(&head.rates, TB_RATE_FAILED, 60000, f->clock.now_ms), 1);
}

static void the_last_attempt_that_expires_leaves_a_dead_letter(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','maxAttempts':2}");
    for (int i = 0; i < 2; i++) {
        fixture_claim(f, "ann");
        fixture_advance(f, LEASE_MS);
        fixture_run_due(f, 10);
    }
    assert_event(f, 5, "task.dead", id);
    assert_str(fixture_told(f, "attempt"), "2");
    assert_str(fixture_told(f, "reason"), "\"expired\"");
    assert_json(f, fixture_field(f, id, "blockedReason"),
                "{'kind':'dead_letter','attempt':2,'outcome':'expired',"
                "'at':'2023-11-14T22:23:20.000Z'}");
    assert_str(fixture_field(f, id, "assignee"), "\"ann\"");
}

/* Heartbeats leave the timer's instant alone; when it comes, the timer finds the lease going on. */
static void a_lease_that_goes_on_is_quietly_looked_at_again(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_advance(f, LEASE_MS / 2);
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, "%s", "");
    struct tb_task before = fixture_task(f, claim.id);
    assert_true(before.due_ms == FIXTURE_START_MS + LEASE_MS);
    fixture_advance(f, LEASE_MS / 2);
    int64_t ends_ms = FIXTURE_START_MS + LEASE_MS * 3 / 2;
    assert_true(fixture_run_due(f, 10) == ends_ms);
    struct tb_task after = fixture_task(f, claim.id);
    assert_true(after.due_ms == ends_ms);
    assert_int_equal(after.version, before.version);
    assert_true(after.updated_ms == before.updated_ms);
    assert_int_equal(fixture_head(f).seq, 2);
    fixture_advance(f, LEASE_MS / 2);
    fixture_run_due(f, 10);
    assert_event(f, 3, "task.expired", claim.id);
}

static void a_shorter_lease_ends_earlier(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, ",'leaseSeconds':10");
    fixture_advance(f, 10000);
    fixture_run_due(f, 10);
    assert_event(f, 3, "task.expired", claim.id);
}

/* Nobody could heartbeat while the server was down. */
static void after_a_restart_every_lease_has_its_own_length_again(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, ",'leaseSeconds':60");
    fixture_advance(f, 3600000);
    fixture_restart(f);
    assert_true(fixture_run_due(f, 10) == f->clock.now_ms + 60000);
    struct tb_task task = fixture_task(f, claim.id);
    assert_true(task.claim.expires_ms == f->clock.now_ms + 60000);
    assert_int_equal(task.version, 2);
    assert_int_equal(fixture_head(f).seq, 2);
    fixture_advance(f, 59999);
    fixture_run_due(f, 10);
    assert_true(fixture_task(f, claim.id).claim.generation != 0);
    fixture_advance(f, 1);
    fixture_run_due(f, 10);
    assert_event(f, 3, "task.expired", claim.id);
}

static void a_holder_that_comes_first_after_a_restart_finds_its_claim(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_advance(f, 3600000);
    fixture_restart(f);
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, "%s", "");
    assert_reply(f, 200);
}

static void a_restart_shortens_no_lease(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "t");
    fixture_send(f, TB_COMMAND_CLAIM, (struct tb_id){{0}}, "{'agent':'a','leaseSeconds':86400}");
    fixture_advance(f, 1000);
    fixture_restart(f);
    fixture_advance(f, 86399000);
    assert_true(fixture_run_due(f, 10) == FIXTURE_START_MS + 1000 + 86400000);
    fixture_restart(f);
    assert_true(fixture_run_due(f, 10) == FIXTURE_START_MS + 1000 + 86400000);
}

static void a_clock_that_is_set_back_ends_no_lease_early(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_advance(f, -3600000);
    fixture_run_due(f, 10);
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, "%s", "");
    assert_reply(f, 200);
    assert_true(fixture_task(f, claim.id).claim.expires_ms == FIXTURE_START_MS + LEASE_MS);
}

static void leases_and_delays_are_handled_in_their_order(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    struct tb_id early = fixture_create(f, "{'title':'t','createdBy':'a','delaySeconds':299}");
    struct tb_id late = fixture_create(f, "{'title':'t','createdBy':'a','delaySeconds':301}");
    fixture_advance(f, 400000);
    assert_true(fixture_run_due(f, 2) == f->clock.now_ms);
    assert_event(f, 5, "task.ready", early);
    assert_event(f, 6, "task.expired", claim.id);
    assert_true(fixture_run_due(f, 2) == 0);
    assert_event(f, 7, "task.ready", late);
}

/* Any command on the task comes behind what time has done to it. */
static void an_ended_lease_protects_nothing_also_when_nobody_looked(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_advance(f, LEASE_MS);
    fixture_patch(f, claim.id, "{'status':'done'}");
    assert_event(f, 3, "task.expired", claim.id);
    assert_event(f, 4, "task.completed", claim.id);
    assert_int_equal(f->reply.seq, 4);
    assert_int_equal(f->reply.version, 4);

    claim = claimed(f);
    fixture_advance(f, LEASE_MS);
    struct fixture_claim next = fixture_claim_task(f, claim.id, "bob");
    assert_int_equal(next.attempt, 2);
    fixture_advance(f, LEASE_MS);
    fixture_delete(f, claim.id);
    assert_verified(f);
}

static void a_refusal_behind_an_ended_lease_has_written_only_its_end(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_advance(f, LEASE_MS);
    f->if_match = TB_STR("\"2\"");
    fixture_send(f, TB_COMMAND_BUMP, claim.id, "{}");
    assert_refused(f, TB_E_VERSION_MISMATCH, NULL, ",'version':3");
    assert_int_equal(f->reply.seq, 0);
    assert_event(f, 3, "task.expired", claim.id);
}

static void a_deleted_or_finished_task_is_due_no_more(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim one = claimed(f);
    struct fixture_claim other = claimed(f);
    fixture_hold(f, TB_COMMAND_COMPLETE, one, "%s", "");
    f->force = true;
    fixture_delete(f, other.id);
    assert_true(fixture_run_due(f, 10) == 0);
}

static void expired_tasks_are_told_to_the_waiting(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    f->board.collects_readied = true;
    fixture_advance(f, LEASE_MS);
    fixture_begin(f);
    fixture_run_due(f, 10);
    assert_int_equal(f->board.readied.count, 1);
    assert_id(f->board.readied.ids[0], claim.id);
    fixture_commit(f);
    fixture_begin(f);
    assert_int_equal(f->board.readied.count, 0);
    fixture_commit(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_lease_that_runs_out_opens_the_task_again),
        fixture_test(the_last_attempt_that_expires_leaves_a_dead_letter),
        fixture_test(a_lease_that_goes_on_is_quietly_looked_at_again),
        fixture_test(a_shorter_lease_ends_earlier),
        fixture_test(after_a_restart_every_lease_has_its_own_length_again),
        fixture_test(a_holder_that_comes_first_after_a_restart_finds_its_claim),
        fixture_test(a_restart_shortens_no_lease),
        fixture_test(a_clock_that_is_set_back_ends_no_lease_early),
        fixture_test(leases_and_delays_are_handled_in_their_order),
        fixture_test(an_ended_lease_protects_nothing_also_when_nobody_looked),
        fixture_test(a_refusal_behind_an_ended_lease_has_written_only_its_end),
        fixture_test(a_deleted_or_finished_task_is_due_no_more),
        fixture_test(expired_tasks_are_told_to_the_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
