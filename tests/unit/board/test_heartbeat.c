/* Heartbeats: the lease goes on, and the task is what it was. */
#include "fixture/fixture.h"

#include "taskboard/limits.h"

static const struct tb_id nobody = {{0}};

static void beat(struct fixture *f, struct fixture_claim claim, const char *more)
{
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, "%s", more);
    assert_reply(f, 200);
}

static int64_t left_ms(struct fixture *f, struct tb_id id)
{
    return fixture_task(f, id).claim.expires_ms - f->clock.now_ms;
}

static void a_heartbeat_renews_the_lease_by_its_length(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_send(f, TB_COMMAND_CLAIM_TASK, id, "{'agent':'ann','leaseSeconds':60}");
    struct fixture_claim claim = fixture_claim_in(f, f->reply.body);
    fixture_advance(f, 59999);
    beat(f, claim, "");
    assert_json(f, f->reply.body,
                "{'expiresAt':'2023-11-14T22:15:19.999Z','serverTime':'2023-11-14T22:14:19.999Z',"
                "'cancelRequested':false,'paused':false}");
    assert_true(left_ms(f, id) == 60000);
    fixture_advance(f, 59999);
    fixture_run_due(f, 10);
    beat(f, claim, "");
    assert_true(left_ms(f, id) == 60000);
}

static void a_heartbeat_may_change_the_length(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    struct fixture_claim claim = fixture_claim(f, "ann");
    beat(f, claim, ",'leaseSeconds':10");
    assert_true(left_ms(f, id) == 10000);
    assert_true(fixture_run_due(f, 10) == FIXTURE_START_MS + 10000);
    fixture_advance(f, 5000);
    beat(f, claim, "");
    assert_true(left_ms(f, id) == 10000);
    beat(f, claim, ",'leaseSeconds':86400");
    assert_true(left_ms(f, id) == 86400000);
}

static void a_heartbeat_is_no_change(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    struct fixture_claim claim = fixture_claim(f, "ann");
    struct tb_task before = fixture_task(f, id);
    fixture_advance(f, 5000);
    beat(f, claim, "");
    struct tb_task after = fixture_task(f, id);
    assert_int_equal(f->reply.seq, 0);
    assert_int_equal(f->reply.version, 0);
    assert_int_equal(fixture_head(f).seq, 2);
    assert_int_equal(after.version, before.version);
    assert_true(after.updated_ms == before.updated_ms);
    assert_true(after.due_ms == before.due_ms); /* the index of due things is not touched */
    assert_true(fixture_head(f).last_ms == f->clock.now_ms);
    assert_verified(f);
}

static void progress_is_kept_and_shown(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    struct fixture_claim claim = fixture_claim(f, "ann");
    beat(f, claim, ",'progress':{'percent':0,'message':'so \\'far\\''}");
    assert_json(f, fixture_field(f, id, "progress"),
                "{'percent':0,'message':'so \\'far\\'','at':'" FIXTURE_START "'}");
    fixture_advance(f, 1000);
    beat(f, claim, "");
    assert_json(f, fixture_member(fixture_field(f, id, "progress"), "at"), "'" FIXTURE_START "'");
    beat(f, claim, ",'progress':{'percent':100}");
    assert_json(f, fixture_field(f, id, "progress"),
                "{'percent':100,'at':'2023-11-14T22:13:21.000Z'}");
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, "%s", "");
    assert_absent(fixture_field(f, id, "progress"));
}

static void the_log_hears_of_progress_only_so_often(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    struct fixture_claim claim = fixture_claim(f, "ann");
    beat(f, claim, ",'progress':{'percent':1}");
    assert_int_equal(f->reply.seq, 3);
    assert_event(f, 3, "task.progress", id);
    assert_str(fixture_last_event(f).actor, "ann");
    assert_str(fixture_told(f, "attempt"), "1");
    assert_str(fixture_told(f, "generation"), "1");
    struct tb_str shown = fixture_member(fixture_told(f, "task"), "progress");
    assert_json(f, shown, "{'percent':1,'at':'" FIXTURE_START "'}");
    assert_int_equal(fixture_task(f, id).version, 2);

    fixture_advance(f, TB_PROGRESS_EVENT_MS - 1);
    beat(f, claim, ",'progress':{'percent':2}");
    assert_int_equal(f->reply.seq, 0);
    assert_str(fixture_member(fixture_field(f, id, "progress"), "percent"), "2");
    fixture_advance(f, 1);
    beat(f, claim, "");
    assert_int_equal(fixture_head(f).seq, 3);
    beat(f, claim, ",'progress':{'percent':3}");
    assert_int_equal(f->reply.seq, 4);
}

/* What was told of another claim does not count. */
static void progress_of_a_new_claim_is_told_at_once(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    struct fixture_claim claim = fixture_claim(f, "ann");
    beat(f, claim, ",'progress':{'percent':1}");
    fixture_hold(f, TB_COMMAND_RELEASE, claim, "%s", "");
    claim = fixture_claim_task(f, id, "bob");
    assert_absent(fixture_field(f, id, "progress"));
    beat(f, claim, ",'progress':{'percent':1}");
    assert_int_equal(f->reply.seq, 6);
}

static void a_heartbeat_hears_of_cancel_and_pause(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','tags':['x']}");
    struct fixture_claim claim = fixture_claim(f, "ann");
    fixture_send(f, TB_COMMAND_CANCEL, id, "{}");
    beat(f, claim, "");
    assert_str(fixture_member(f->reply.body, "cancelRequested"), "true");
    assert_str(fixture_member(f->reply.body, "paused"), "false");
    fixture_send(f, TB_COMMAND_PAUSE, nobody, "{'tag':'y'}");
    beat(f, claim, "");
    assert_str(fixture_member(f->reply.body, "paused"), "false");
    fixture_send(f, TB_COMMAND_PAUSE, nobody, "{'tag':'x'}");
    beat(f, claim, "");
    assert_str(fixture_member(f->reply.body, "paused"), "true");
    fixture_send(f, TB_COMMAND_RESUME, nobody, "{'tag':'x'}");
    fixture_send(f, TB_COMMAND_PAUSE, nobody, "{}");
    beat(f, claim, "");
    assert_str(fixture_member(f->reply.body, "paused"), "true");
}

/* Nobody has looked at the lease yet; it has ended all the same. */
static void a_heartbeat_that_comes_too_late_finds_the_lease_ended(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    struct fixture_claim claim = fixture_claim(f, "ann");
    fixture_advance(f, 300000);
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, "%s", "");
    assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'reason':'expired'");
    assert_int_equal(f->reply.seq, 0);
    assert_event(f, 3, "task.expired", id);
    assert_str(fixture_field(f, id, "status"), "\"open\"");
}

static void a_heartbeat_honours_if_match(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "t");
    struct fixture_claim claim = fixture_claim(f, "ann");
    f->if_match = TB_STR("\"1\"");
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, "%s", "");
    assert_refused(f, TB_E_VERSION_MISMATCH, NULL, ",'version':2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_heartbeat_renews_the_lease_by_its_length),
        fixture_test(a_heartbeat_may_change_the_length),
        fixture_test(a_heartbeat_is_no_change),
        fixture_test(progress_is_kept_and_shown),
        fixture_test(the_log_hears_of_progress_only_so_often),
        fixture_test(progress_of_a_new_claim_is_told_at_once),
        fixture_test(a_heartbeat_hears_of_cancel_and_pause),
        fixture_test(a_heartbeat_that_comes_too_late_finds_the_lease_ended),
        fixture_test(a_heartbeat_honours_if_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
