#include "fixture/fixture.h"

#include "taskboard/limits.h"

static const struct tb_id nobody = {.bytes = {1}};

/* The content of the task's nth note. */
static struct tb_str note_content(struct fixture *f, struct tb_id id, int n)
{
    struct tb_str notes = fixture_member(fixture_view(f, id), "notes");
    const char *at = notes.ptr;
    for (int i = 0; i <= n; i++) {
        at = memmem(at + 1, (size_t)(notes.ptr + notes.len - at - 1), "{\"id\"", 5);
        assert_non_null(at);
    }
    struct tb_str note = tb_str_from(at, (size_t)(notes.ptr + notes.len - at));
    assert_json(f, fixture_member(note, "type"), "'update'");
    return fixture_member(note, "content");
}

/* --- review --- */

static void a_review_puts_the_task_in_review_with_summary_and_artifacts(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_advance(f, 5);
    fixture_send(f, TB_COMMAND_REVIEW, id,
                 "{'summary':' it \\u0022works\\u0022 ','reviewedBy':'bob','artifacts':["
                 "{'type':'url','url':'u','label':'l'},"
                 "{'type':'branch','url':'v','label':'m','addedBy':'eve'}]}");
    assert_reply(f, 200);
    assert_str_eq(f->reply.body, fixture_view(f, id));
    assert_int_equal(f->reply.version, 2);
    struct tb_task task = fixture_task(f, id);
    assert_int_equal(task.status, TB_STATUS_IN_REVIEW);
    assert_int_equal(task.note_count, 1);
    assert_int_equal(task.artifact_count, 2);
    assert_true(task.updated_ms == FIXTURE_START_MS + 5);
    assert_str(note_content(f, id, 0), "\"it \\\"works\\\"\"");
    assert_json(f, fixture_member(f->reply.body, "artifacts"),
                "[{'type':'url','url':'u','label':'l','addedAt':'2023-11-14T22:13:20.005Z',"
                "'addedBy':'bob'},{'type':'branch','url':'v','label':'m',"
                "'addedAt':'2023-11-14T22:13:20.005Z','addedBy':'eve'}]");
}

static void a_review_is_one_event_with_the_note_and_the_artifacts(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    f->actor = TB_STR("token");
    fixture_send(f, TB_COMMAND_REVIEW, id,
                 "{'summary':'s','reviewedBy':'bob','artifacts':["
                 "{'type':'url','url':'u','label':'l'}]}");
    assert_int_equal(fixture_head(f).seq, 2);
    assert_event(f, 2, "task.reviewed", id);
    struct tb_event event = fixture_last_event(f);
    assert_str(event.actor, "bob");
    struct tb_str data = fixture_member(event.wire, "data");
    struct tb_str notes = fixture_member(f->reply.body, "notes");
    assert_json(f, notes, "[%.*s]", (int)fixture_member(data, "note").len,
                fixture_member(data, "note").ptr);
    assert_str_eq(fixture_member(data, "artifacts"), fixture_member(f->reply.body, "artifacts"));
    fixture_send(f, TB_COMMAND_REVIEW, id, "{'summary':'s'}");
    event = fixture_last_event(f);
    assert_str(event.actor, "unknown");
    assert_absent(fixture_member(fixture_member(event.wire, "data"), "artifacts"));
}

/* --- approve --- */

static void an_approval_finishes_the_task_with_a_note(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *body;
        const char *note;
        const char *actor;
    } rows[] = {
        {"{}", "'Approved by unknown'", "unknown"},
        {"{'approvedBy':' ann '}", "'Approved by ann'", "ann"},
        {"{'approvedBy':'ann','comment':' well\\ndone '}", "'Approved by ann: well\\ndone'", "ann"},
        {"{'comment':'ok \\u0022'}", "'Approved by unknown: ok \\\"'", "unknown"},
        {"{'approvedBy':'a\\\\b','comment':' '}", "'Approved by a\\\\b'", "a\\\\b"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tb_id id = fixture_task_named(f, "t");
        fixture_send(f, TB_COMMAND_APPROVE, id, "%s", rows[i].body);
        assert_reply(f, 200);
        struct tb_task task = fixture_task(f, id);
        assert_int_equal(task.status, TB_STATUS_DONE);
        assert_int_equal(task.outcome, TB_OUTCOME_SUCCESS);
        assert_json(f, note_content(f, id, 0), "%s", rows[i].note);
        struct tb_event event = fixture_last_event(f);
        assert_int_equal(event.type, TB_EVENT_APPROVED);
        assert_str_eq(event.actor, tb_str_c(rows[i].actor));
    }
}

static void an_approval_frees_those_that_wait(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    struct tb_id waiting = fixture_task_after(f, "w", id);
    fixture_send(f, TB_COMMAND_APPROVE, id, "{}");
    assert_waiting(f, waiting, "[]", true);
    assert_int_equal(f->reply.seq, 4);
    assert_event(f, 4, "task.ready", waiting);
}

static void an_approval_makes_a_success_of_a_failure(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    struct tb_id waiting = fixture_task_after(f, "w", id);
    fixture_patch(f, id, "{'status':'done','outcome':'failed'}");
    fixture_send(f, TB_COMMAND_APPROVE, id, "{}");
    assert_int_equal(fixture_task(f, id).outcome, TB_OUTCOME_SUCCESS);
    assert_waiting(f, waiting, "[]", true);
}

/* --- reject --- */

static void a_rejection_opens_the_task_with_a_note(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','status':'in_review',"
                                        "'assignee':'bob'}");
    fixture_send(f, TB_COMMAND_REJECT, id, "{'reason':' not\\tyet ','rejectedBy':'ann'}");
    assert_reply(f, 200);
    struct tb_task task = fixture_task(f, id);
    assert_int_equal(task.status, TB_STATUS_OPEN);
    assert_true(task.ready);
    assert_str(task.assignee, "bob");
    assert_json(f, note_content(f, id, 0), "'Rejected by ann: not\\tyet'");
    assert_event(f, 2, "task.rejected", id);
    assert_str(fixture_last_event(f).actor, "ann");
    fixture_send(f, TB_COMMAND_REJECT, id, "{'reason':'r'}");
    assert_json(f, note_content(f, id, 1), "'Rejected by unknown: r'");
}

static void a_rejected_task_that_was_done_makes_others_wait_again(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','status':'done'}");
    struct tb_id waiting = fixture_task_after(f, "w", id);
    fixture_send(f, TB_COMMAND_REJECT, id, "{'reason':'r'}");
    assert_int_equal(fixture_task(f, id).outcome, TB_OUTCOME_NONE);
    assert_waiting(f, waiting, tb_arena_printf(f->arena, "['%s']", fixture_id(f, id)).ptr, false);
}

/* --- all three --- */

static const struct {
    enum tb_command_kind kind;
    const char *body;
    enum tb_status status;
} verdicts[] = {
    {TB_COMMAND_REVIEW, "{'summary':'s'}", TB_STATUS_IN_REVIEW},
    {TB_COMMAND_APPROVE, "{}", TB_STATUS_DONE},
    {TB_COMMAND_REJECT, "{'reason':'r'}", TB_STATUS_OPEN},
};

static void a_verdict_is_taken_from_any_status(void **state)
{
    struct fixture *f = *state;
    for (unsigned status = 0; status < TB_STATUS_COUNT; status++) {
        for (size_t i = 0; i < COUNT(verdicts); i++) {
            struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','status':'%s'}",
                                             tb_status_name((enum tb_status)status));
            fixture_send(f, verdicts[i].kind, id, "%s", verdicts[i].body);
            assert_reply(f, 200);
            assert_int_equal(fixture_task(f, id).status, verdicts[i].status);
            assert_int_equal(fixture_task(f, id).version, 2);
            assert_int_equal(fixture_task(f, id).note_count, 1);
        }
    }
}

static void a_verdict_needs_its_task_and_its_condition(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    for (size_t i = 0; i < COUNT(verdicts); i++) {
        f->if_match = TB_STR_NONE;
        fixture_send(f, verdicts[i].kind, nobody, "%s", verdicts[i].body);
        assert_refused(f, TB_E_TASK_NOT_FOUND, NULL, NULL);
        f->if_match = TB_STR("\"2\"");
        fixture_send(f, verdicts[i].kind, id, "%s", verdicts[i].body);
        assert_refused(f, TB_E_VERSION_MISMATCH, NULL, ",'version':1");
    }
    assert_int_equal(fixture_task(f, id).note_count, 0);
    assert_int_equal(fixture_head(f).seq, 1);
}

static void a_verdict_cannot_open_a_task_whose_key_is_taken(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'1','createdBy':'a','uniqueKey':'k'}");
    fixture_finish(f, id);
    struct tb_id holder = fixture_create(f, "{'title':'2','createdBy':'a','uniqueKey':'k'}");
    struct tb_head before = fixture_head(f);
    for (size_t i = 0; i < COUNT(verdicts); i++) {
        fixture_send(f, verdicts[i].kind, id, "%s", verdicts[i].body);
        if (verdicts[i].status == TB_STATUS_DONE) {
            assert_reply(f, 200);
            continue;
        }
        assert_refused(f, TB_E_UNIQUE_KEY_TAKEN, NULL, NULL);
    }
    assert_int_equal(fixture_head(f).seq, before.seq + 1);
    assert_int_equal(fixture_task(f, id).note_count, 1);
    fixture_send(f, TB_COMMAND_REVIEW, holder, "{'summary':'s'}");
    assert_reply(f, 200);
}

static void the_longest_verdict_makes_a_note_like_any_other(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    const char *reason = fixture_repeat(f->arena, "x", TB_VERDICT_BYTES_MAX);
    const char *name = fixture_repeat(f->arena, "n", TB_NAME_BYTES_MAX);
    fixture_send(f, TB_COMMAND_REJECT, id, "{'reason':'%s','rejectedBy':'%s'}", reason, name);
    assert_reply(f, 200);
    assert_json(f, note_content(f, id, 0), "'Rejected by %s: %s'", name, reason);
    assert_in_range(strlen("Rejected by : ") + strlen(name) + strlen(reason), 1, TB_NOTE_BYTES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_review_puts_the_task_in_review_with_summary_and_artifacts),
        fixture_test(a_review_is_one_event_with_the_note_and_the_artifacts),
        fixture_test(an_approval_finishes_the_task_with_a_note),
        fixture_test(an_approval_frees_those_that_wait),
        fixture_test(an_approval_makes_a_success_of_a_failure),
        fixture_test(a_rejection_opens_the_task_with_a_note),
        fixture_test(a_rejected_task_that_was_done_makes_others_wait_again),
        fixture_test(a_verdict_is_taken_from_any_status),
        fixture_test(a_verdict_needs_its_task_and_its_condition),
        fixture_test(a_verdict_cannot_open_a_task_whose_key_is_taken),
        fixture_test(the_longest_verdict_makes_a_note_like_any_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
