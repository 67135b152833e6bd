/* complete, fail, release, the `next` that they may carry, and results that come too late. */
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

/* --- complete --- */

static void a_completed_task_is_done_and_has_its_result(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'result':{'b':[1.50,null]}");
    assert_reply(f, 200);
    assert_int_equal(f->reply.version, 3);
    assert_int_equal(f->reply.seq, 3);
    assert_str_eq(f->reply.body, fixture_view(f, claim.id));
    assert_str(fixture_field(f, claim.id, "status"), "\"done\"");
    assert_str(fixture_field(f, claim.id, "outcome"), "\"success\"");
    assert_str(fixture_field(f, claim.id, "assignee"), "\"ann\"");
    assert_json(f, fixture_field(f, claim.id, "result"), "{'b':[1.50,null]}");
    assert_absent(fixture_field(f, claim.id, "claim"));
    assert_event(f, 3, "task.completed", claim.id);
    assert_str(fixture_last_event(f).actor, "ann");
    assert_str(fixture_told(f, "attempt"), "1");
    assert_str(fixture_told(f, "generation"), "1");
    assert_int_equal(rate(f, TB_RATE_COMPLETED), 1);
    assert_int_equal(fixture_head(f).claimed, 0);
}

static void what_waited_for_a_completed_task_is_ready(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    struct tb_id after = fixture_task_after(f, "after", claim.id);
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, "%s", "");
    assert_waiting(f, after, "[]", true);
}

static void a_summary_becomes_a_note_and_artifacts_the_holders(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_hold(f, TB_COMMAND_COMPLETE, claim,
                 ",'summary':'it is red','artifacts':[{'type':'url','url':'u','label':'l'},"
                 "{'type':'file','url':'v','label':'m','addedBy':'bob'}]");
    assert_reply(f, 200);
    struct tb_str note = fixture_told(f, "note");
    assert_str(fixture_member(note, "author"), "\"ann\"");
    assert_str(fixture_member(note, "type"), "\"update\"");
    assert_str(fixture_member(note, "content"), "\"it is red\"");
    assert_json(f, fixture_field(f, claim.id, "artifacts"),
                "[{'type':'url','url':'u','label':'l','addedAt':'" FIXTURE_START
                "','addedBy':'ann'},{'type':'file','url':'v','label':'m','addedAt':'" FIXTURE_START
                "','addedBy':'bob'}]");
    assert_str_eq(fixture_told(f, "artifacts"), fixture_field(f, claim.id, "artifacts"));
    assert_int_equal(fixture_head(f).seq, 3); /* one change, one event */
}

static void complete_may_ask_for_a_review(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'review':true,'result':7,'summary':'look'");
    assert_reply(f, 200);
    assert_event(f, 3, "task.reviewed", claim.id);
    assert_str(fixture_told(f, "attempt"), "1");
    assert_str(fixture_field(f, claim.id, "status"), "\"in_review\"");
    assert_absent(fixture_field(f, claim.id, "outcome"));
    assert_str(fixture_field(f, claim.id, "assignee"), "\"ann\"");
    assert_str(fixture_field(f, claim.id, "result"), "7");
    assert_int_equal(rate(f, TB_RATE_COMPLETED), 0);
    fixture_send(f, TB_COMMAND_APPROVE, claim.id, "{}");
    assert_str(fixture_field(f, claim.id, "assignee"), "\"ann\"");
    assert_int_equal(rate(f, TB_RATE_COMPLETED), 1);
}

static void a_result_belongs_to_the_attempt_that_made_it(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'review':true,'result':1");
    fixture_send(f, TB_COMMAND_REJECT, claim.id, "{'reason':'again'}");
    claim = fixture_claim_task(f, claim.id, "bob");
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, "%s", "");
    assert_absent(fixture_field(f, claim.id, "result"));
}

static void a_task_without_room_for_the_summary_is_not_completed(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_begin(f);
    struct tb_task old;
    assert_int_equal(tb_get_task(f->txn, claim.id, &old), TB_OK);
    struct tb_task full = old;
    full.note_count = TB_NOTES_MAX;
    full.artifact_count = TB_ARTIFACTS_MAX;
    tb_put_task(f->txn, &old, &full);
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'summary':'s'");
    assert_int_equal(f->reply.err, TB_E_LIMIT_REACHED);
    fixture_hold(f, TB_COMMAND_COMPLETE, claim,
                 ",'artifacts':[{'type':'url','url':'u','label':'l'}]");
    assert_int_equal(f->reply.err, TB_E_LIMIT_REACHED);
    fixture_abort(f);
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, "%s", "");
    assert_reply(f, 200);
}

/* --- release --- */

static void a_released_task_is_open_and_the_attempt_not_counted(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','maxAttempts':1}");
    for (unsigned i = 1; i <= 3; i++) {
        struct fixture_claim claim = fixture_claim_task(f, id, "ann");
        assert_int_equal(fixture_task(f, id).attempts, 1);
        fixture_hold(f, TB_COMMAND_RELEASE, claim, ",'reason':'too hard'");
        assert_reply(f, 200);
        assert_event(f, fixture_head(f).seq, "task.released", id);
        assert_str(fixture_last_event(f).actor, "ann");
        assert_str(fixture_told(f, "reason"), "\"too hard\"");
        assert_int_equal(fixture_task(f, id).attempts, 0);
        assert_int_equal(fixture_task(f, id).claims, i);
        assert_waiting(f, id, "[]", true);
    }
    assert_int_equal(rate(f, TB_RATE_FAILED), 0);
}

/* The holder is named as long as he works on it, and stays named when it is done. */
static void an_open_task_has_its_earlier_assignee_back(void **state)
{
    struct fixture *f = *state;
    static const char *const assignees[] = {"", ",'assignee':'ann'"};
    for (size_t i = 0; i < COUNT(assignees); i++) {
        struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a'%s}", assignees[i]);
        struct fixture_claim claim = fixture_claim_task(f, id, "ann");
        assert_str(fixture_field(f, id, "assignee"), "\"ann\"");
        fixture_hold(f, TB_COMMAND_RELEASE, claim, "%s", "");
        assert_int_equal(fixture_field(f, id, "assignee").ptr != NULL, i);
        claim = fixture_claim_task(f, id, "ann");
        fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'review':true");
        assert_str(fixture_field(f, id, "assignee"), "\"ann\"");
        fixture_send(f, TB_COMMAND_REJECT, id, "{'reason':'r'}");
        assert_int_equal(fixture_field(f, id, "assignee").ptr != NULL, i);
        claim = fixture_claim_task(f, id, "ann");
        fixture_hold(f, TB_COMMAND_COMPLETE, claim, "%s", "");
        fixture_patch(f, id, "{'status':'open'}");
        assert_int_equal(fixture_field(f, id, "assignee").ptr != NULL, i);
    }
}

static void a_released_task_that_must_wait_by_now_waits(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_patch(f, claim.id, "{'dependencies':['x']}");
    assert_str(fixture_field(f, claim.id, "status"), "\"in_progress\"");
    fixture_hold(f, TB_COMMAND_RELEASE, claim, "%s", "");
    assert_waiting(f, claim.id, "['x']", false);
}

/* --- next --- */

static void the_next_task_comes_with_the_answer(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    struct tb_id next = fixture_task_after(f, "next", claim.id);
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'next':{'agent':'ann','leaseSeconds':20}");
    assert_reply(f, 200);
    assert_int_equal(f->reply.version, 0);
    struct tb_str task = fixture_member(f->reply.body, "task");
    assert_str_eq(task, fixture_view(f, claim.id));
    struct fixture_claim second = fixture_claim_in(f, f->reply.body);
    assert_id(second.id, next);
    assert_int_equal(second.generation, 2);
    assert_true(fixture_task(f, next).claim.lease_ms == 20000);
    struct tb_str tasks = fixture_member(f->reply.body, "next");
    assert_str(fixture_member(tasks, "count"), "1");
    fixture_hold(f, TB_COMMAND_HEARTBEAT, second, "%s", "");
    assert_reply(f, 200);
}

static void nothing_next_is_an_empty_list(void **state)
{
    struct fixture *f = *state;
    static const enum tb_command_kind kinds[] = {TB_COMMAND_COMPLETE, TB_COMMAND_FAIL};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct fixture_claim claim = claimed(f);
        fixture_hold(f, kinds[i], claim, "%s,'next':{'agent':'ann'}",
                     kinds[i] == TB_COMMAND_FAIL ? ",'error':'e'" : "");
        assert_reply(f, 200);
        assert_json(f, fixture_member(f->reply.body, "next"), "{'tasks':[],'count':0}");
        assert_false(f->reply.found_nothing);
    }
}

/* What was let go is ready like any other. */
static void the_next_task_may_be_the_same(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_hold(f, TB_COMMAND_RELEASE, claim, ",'next':{'agent':'bob'}");
    struct tb_str task = fixture_member(f->reply.body, "task");
    assert_str(fixture_member(task, "status"), "\"open\"");
    struct fixture_claim again = fixture_claim_in(f, f->reply.body);
    assert_id(again.id, claim.id);
    assert_int_equal(again.attempt, 2);
    assert_str(fixture_field(f, claim.id, "assignee"), "\"bob\"");
}

static void a_bad_next_refuses_the_whole_request(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"{}", "{'agent':'a','wait':1}", "{'agent':'a','max':33}", "7",
                                      "{'agent':'a','nonsense':1}"};
    struct fixture_claim claim = claimed(f);
    for (size_t i = 0; i < COUNT(bad); i++) {
        fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'next':%s", bad[i]);
        assert_true(f->reply.err != TB_OK);
    }
    assert_int_equal(fixture_head(f).seq, 2);
    assert_true(tb_task_is_claimed(&(struct tb_task){.claim = fixture_task(f, claim.id).claim}));
}

/* --- repeated --- */

static void a_repeated_verb_gets_its_task_again_and_nothing_next(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum tb_command_kind kind;
        const char *more;
    } rows[] = {
        {TB_COMMAND_COMPLETE, ",'result':1"},
        {TB_COMMAND_FAIL, ",'error':'e'"},
        {TB_COMMAND_RELEASE, ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fixture_claim claim = claimed(f);
        fixture_hold(f, rows[i].kind, claim, "%s", rows[i].more);
        assert_reply(f, 200);
        uint64_t seq = fixture_head(f).seq;
        fixture_task_named(f, "bait");
        fixture_hold(f, rows[i].kind, claim, "%s", rows[i].more);
        assert_reply(f, 200);
        assert_int_equal(f->reply.seq, 0);
        assert_str_eq(f->reply.body, fixture_view(f, claim.id));
        fixture_hold(f, rows[i].kind, claim, "%s,'next':{'agent':'ann'}", rows[i].more);
        assert_reply(f, 200);
        assert_json(f, fixture_member(f->reply.body, "next"), "{'tasks':[],'count':0}");
        assert_int_equal(fixture_head(f).seq, seq + 1);
        fixture_send(f, TB_COMMAND_CLAIM, (struct tb_id){{0}}, "{'agent':'eve','max':32}");
    }
}

/* The task has gone on since: it is shown as it is now. */
static void a_repeated_verb_shows_the_task_of_today(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_hold(f, TB_COMMAND_RELEASE, claim, "%s", "");
    fixture_claim_task(f, claim.id, "bob");
    fixture_hold(f, TB_COMMAND_RELEASE, claim, "%s", "");
    assert_reply(f, 200);
    assert_str(fixture_member(f->reply.body, "assignee"), "\"bob\"");
    assert_true(fixture_task(f, claim.id).claim.generation == 2);
}

static void another_verb_than_the_one_that_ended_the_claim_is_refused(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'result':1");
    fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'e'");
    assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'reason':'completed'");
    fixture_hold(f, TB_COMMAND_RELEASE, claim, "%s", "");
    assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'reason':'completed'");
    assert_int_equal(fixture_head(f).seq, 3);
}

/* --- too late --- */

static void a_late_result_is_refused_and_kept(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim lost = claimed(f);
    fixture_advance(f, 300000);
    fixture_run_due(f, 10);
    struct fixture_claim holder = fixture_claim_task(f, lost.id, "bob");
    struct tb_task before = fixture_task(f, lost.id);
    uint64_t changes = fixture_head(f).changes;
    fixture_hold(f, TB_COMMAND_COMPLETE, lost, ",'result':{'n':1},'summary':'s'");
    assert_refused(f, TB_E_CLAIM_LOST, NULL,
                   ",'reason':'expired','claim':{'by':'bob','generation':2}");
    assert_int_equal(f->reply.seq, 5); /* but written */
    assert_event(f, 5, "task.late", lost.id);
    assert_str(fixture_last_event(f).actor, "ann");
    assert_str(fixture_told(f, "attempt"), "1");
    assert_str(fixture_told(f, "generation"), "1");
    struct tb_str attempts = fixture_member(fixture_attempts(f, lost.id), "attempts");
    struct tb_str first = tb_str_from(attempts.ptr + 1, attempts.len - 2);
    assert_json(f, fixture_member(first, "result"), "{'n':1}");
    assert_str(fixture_member(first, "late"), "true");
    assert_str(fixture_member(first, "outcome"), "\"expired\"");
    assert_str_eq(fixture_task(f, lost.id).wire, before.wire); /* the task is not touched */
    assert_int_equal(fixture_head(f).changes, changes);
    fixture_hold(f, TB_COMMAND_COMPLETE, holder, "%s", "");
    assert_reply(f, 200);
}

static void the_first_late_result_is_kept(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim lost = claimed(f);
    fixture_advance(f, 300000);
    fixture_run_due(f, 10);
    fixture_hold(f, TB_COMMAND_COMPLETE, lost, ",'result':1");
    fixture_hold(f, TB_COMMAND_COMPLETE, lost, ",'result':2");
    assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'reason':'expired'");
    assert_int_equal(f->reply.seq, 0);
    assert_int_equal(fixture_head(f).seq, 4);
    fixture_accept(f, lost.id, 1, false);
    assert_str(fixture_field(f, lost.id, "result"), "1");
}

static void a_stale_token_without_a_result_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim lost = claimed(f);
    fixture_advance(f, 300000);
    fixture_run_due(f, 10);
    static const struct {
        enum tb_command_kind kind;
        const char *more;
    } rows[] = {
        {TB_COMMAND_COMPLETE, ",'summary':'done','next':{'agent':'ann'}"},
        {TB_COMMAND_FAIL, ",'error':'e','next':{'agent':'ann'}"},
        {TB_COMMAND_RELEASE, ",'next':{'agent':'ann'}"},
        {TB_COMMAND_HEARTBEAT, ",'progress':{'percent':3}"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        fixture_hold(f, rows[i].kind, lost, "%s", rows[i].more);
        assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'reason':'expired'");
    }
    assert_int_equal(fixture_head(f).seq, 3);
    assert_int_equal(fixture_head(f).generation, 1);
}

/* Nobody had looked at the lease when the result came: it has ended all the same. */
static void a_result_behind_the_lease_is_late_also_when_nobody_looked(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_advance(f, 300000);
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'result':1");
    assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'reason':'expired'");
    assert_event(f, 3, "task.expired", claim.id);
    assert_event(f, 4, "task.late", claim.id);
    assert_str(fixture_field(f, claim.id, "status"), "\"open\"");
    assert_verified(f);
}

/* The task has gone on, so that no version which the holder knew can fit any more. */
static void a_late_result_is_kept_whatever_version_was_known(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_advance(f, 300000);
    f->if_match = TB_STR("\"2\"");
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'result':1");
    assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'reason':'expired'");
    assert_event(f, 4, "task.late", claim.id);
    f->if_match = TB_STR_NONE;
    struct fixture_claim next = fixture_claim_task(f, claim.id, "bob");
    f->if_match = TB_STR("\"4\"");
    fixture_hold(f, TB_COMMAND_COMPLETE, next, "%s", "");
    assert_reply(f, 200);
    fixture_hold(f, TB_COMMAND_COMPLETE, next, "%s", "");
    assert_reply(f, 200); /* repeated */
}

static void a_result_that_comes_after_a_failure_is_late_too(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'e'");
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'result':'found it'");
    assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'reason':'failed'");
    assert_event(f, 4, "task.late", claim.id);
    fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'e'");
    assert_reply(f, 200); /* it still is the verb that ended it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_completed_task_is_done_and_has_its_result),
        fixture_test(what_waited_for_a_completed_task_is_ready),
        fixture_test(a_summary_becomes_a_note_and_artifacts_the_holders),
        fixture_test(complete_may_ask_for_a_review),
        fixture_test(a_result_belongs_to_the_attempt_that_made_it),
        fixture_test(a_task_without_room_for_the_summary_is_not_completed),
        fixture_test(a_released_task_is_open_and_the_attempt_not_counted),
        fixture_test(an_open_task_has_its_earlier_assignee_back),
        fixture_test(a_released_task_that_must_wait_by_now_waits),
        fixture_test(the_next_task_comes_with_the_answer),
        fixture_test(nothing_next_is_an_empty_list),
        fixture_test(the_next_task_may_be_the_same),
        fixture_test(a_bad_next_refuses_the_whole_request),
        fixture_test(a_repeated_verb_gets_its_task_again_and_nothing_next),
        fixture_test(a_repeated_verb_shows_the_task_of_today),
        fixture_test(another_verb_than_the_one_that_ended_the_claim_is_refused),
        fixture_test(a_late_result_is_refused_and_kept),
        fixture_test(the_first_late_result_is_kept),
        fixture_test(a_stale_token_without_a_result_changes_nothing),
        fixture_test(a_result_behind_the_lease_is_late_also_when_nobody_looked),
        fixture_test(a_late_result_is_kept_whatever_version_was_known),
        fixture_test(a_result_that_comes_after_a_failure_is_late_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
