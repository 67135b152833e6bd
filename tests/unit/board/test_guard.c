/* Writes of those who do not hold a claimed task: PATCH, DELETE, review, approve, reject. */
#include "fixture/fixture.h"

#include <string.h>

static struct fixture_claim claimed(struct fixture *f)
{
    return fixture_claim_task(
        f, fixture_create(f, "{'title':'t','createdBy':'a','assignee':'ann'}"), "ann");
}

/* Every request that would end a claim. */
static const struct {
    enum tb_command_kind kind;
    const char *body;
    const char *status; /* of the task behind it; NULL: it is gone */
} enders[] = {
    {TB_COMMAND_PATCH, "{'status':'open'}", "open"},
    {TB_COMMAND_PATCH, "{'status':'in_review'}", "in_review"},
    {TB_COMMAND_PATCH, "{'status':'blocked'}", "blocked"},
    {TB_COMMAND_PATCH, "{'status':'done'}", "done"},
    {TB_COMMAND_PATCH, "{'status':'done','outcome':'failed'}", "done"},
    {TB_COMMAND_PATCH, "{'assignee':'bob'}", "in_progress"},
    {TB_COMMAND_PATCH, "{'assignee':null}", "in_progress"},
    {TB_COMMAND_REVIEW, "{'summary':'s'}", "in_review"},
    {TB_COMMAND_APPROVE, "{}", "done"},
    {TB_COMMAND_REJECT, "{'reason':'r'}", "open"},
    {TB_COMMAND_DELETE, "{}", NULL},
};

static void a_live_claim_is_not_ended_by_others(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(enders); i++) {
        struct fixture_claim claim = claimed(f);
        struct tb_head before = fixture_head(f);
        fixture_send(f, enders[i].kind, claim.id, "%s", enders[i].body);
        assert_refused(f, TB_E_ALREADY_CLAIMED, NULL,
                       tb_arena_printf(f->arena, ",'claim':{'by':'ann','generation':%d}",
                                       (int)claim.generation)
                           .ptr);
        struct tb_head after = fixture_head(f);
        assert_memory_equal(&before, &after, sizeof(before));
    }
}

static void check_ended(struct fixture *f, struct fixture_claim claim, const char *status)
{
    if (status == NULL) {
        assert_false(fixture_exists(f, claim.id));
        assert_event(f, fixture_head(f).seq, "task.deleted", claim.id);
        return;
    }
    assert_json(f, fixture_field(f, claim.id, "status"), "'%s'", status);
    assert_absent(fixture_field(f, claim.id, "claim"));
    assert_str(fixture_told(f, "attempt"), "1");
    struct tb_str attempts = fixture_member(fixture_attempts(f, claim.id), "attempts");
    struct tb_str first = tb_str_from(attempts.ptr + 1, attempts.len - 2);
    assert_str(fixture_member(first, "outcome"), "\"taken_over\"");
    f->claim_token = TB_STR_NONE;
    f->force = false;
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, "%s", "");
    assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'reason':'taken_over'");
}

static void force_ends_a_claim(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(enders); i++) {
        struct fixture_claim claim = claimed(f);
        f->force = true;
        fixture_send(f, enders[i].kind, claim.id, "%s", enders[i].body);
        assert_reply(f, 200);
        f->force = false;
        check_ended(f, claim, enders[i].status);
        assert_verified(f);
    }
}

static void the_holders_token_ends_its_own_claim(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(enders); i++) {
        struct fixture_claim claim = claimed(f);
        f->claim_token = tb_str_c(claim.token);
        fixture_send(f, enders[i].kind, claim.id, "%s", enders[i].body);
        assert_reply(f, 200);
        f->claim_token = TB_STR_NONE;
        check_ended(f, claim, enders[i].status);
    }
}

static void a_token_that_does_not_hold_the_task_ends_nothing(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(enders); i++) {
        struct fixture_claim stale = claimed(f);
        fixture_hold(f, TB_COMMAND_RELEASE, stale, "%s", "");
        struct fixture_claim claim = fixture_claim_task(f, stale.id, "ann");
        f->claim_token = tb_str_c(stale.token);
        fixture_send(f, enders[i].kind, claim.id, "%s", enders[i].body);
        assert_refused(f, TB_E_CLAIM_LOST, NULL,
                       tb_arena_printf(f->arena,
                                       ",'reason':'released','claim':{'by':'ann','generation':%d}",
                                       (int)claim.generation)
                           .ptr);
        f->force = true; /* who may force needs no token */
        fixture_send(f, enders[i].kind, claim.id, "%s", enders[i].body);
        assert_reply(f, 200);
        f->force = false;
        f->claim_token = TB_STR_NONE;
    }
}

static void writes_that_leave_the_claim_alone_need_nothing(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum tb_command_kind kind;
        const char *body;
    } rows[] = {
        {TB_COMMAND_PATCH, "{'status':'in_progress'}"},
        {TB_COMMAND_PATCH, "{'assignee':'ann'}"},
        {TB_COMMAND_PATCH, "{'status':'in_progress','assignee':' ann '}"},
        {TB_COMMAND_PATCH, "{'title':'u','description':'d','payload':1,'maxAttempts':7}"},
        {TB_COMMAND_PATCH, "{'tags':['x'],'priority':3}"},
        {TB_COMMAND_PATCH, "{'dependencies':['x']}"},
        {TB_COMMAND_PATCH, "{'notBefore':'2030-01-01T00:00:00Z'}"},
        {TB_COMMAND_NOTE, "{'author':'b','content':'c','type':'finding'}"},
        {TB_COMMAND_ARTIFACTS, "{'artifacts':[{'type':'url','url':'u','label':'l'}]}"},
        {TB_COMMAND_BUMP, "{}"},
    };
    struct fixture_claim claim = claimed(f);
    for (size_t i = 0; i < COUNT(rows); i++) {
        fixture_send(f, rows[i].kind, claim.id, "%s", rows[i].body);
        assert_int_equal(f->reply.err, TB_OK);
        assert_int_equal(fixture_task(f, claim.id).claim.generation, 1);
        assert_true(fixture_task(f, claim.id).due_ms == FIXTURE_START_MS + 300000);
    }
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, "%s", "");
    assert_reply(f, 200);
}

static void a_patch_that_is_refused_for_something_else_ends_nothing(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    struct tb_id other = fixture_task_after(f, "u", claim.id);
    f->force = true;
    fixture_send(f, TB_COMMAND_PATCH, claim.id, "{'status':'open','dependencies':['%s']}",
                 fixture_id(f, other));
    assert_int_equal(f->reply.err, TB_E_DEPENDENCY_CYCLE);
    fixture_send(f, TB_COMMAND_PATCH, claim.id, "{'outcome':'failed'}");
    assert_int_equal(f->reply.err, TB_E_INVALID_FIELD);
    assert_int_equal(fixture_task(f, claim.id).claim.generation, 1);
    assert_json(f, fixture_member(fixture_attempts(f, claim.id), "count"), "1");
}

/* --- whose task it is then --- */

static void an_assignee_that_was_patched_stays(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    f->force = true;
    fixture_patch(f, claim.id, "{'status':'open','assignee':'bob'}");
    assert_str(fixture_field(f, claim.id, "assignee"), "\"bob\"");
    claim = fixture_claim_task(f, claim.id, "bob");
    fixture_patch(f, claim.id, "{'status':'open','assignee':null}");
    assert_absent(fixture_field(f, claim.id, "assignee"));

    claim = claimed(f);
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, "%s", "");
    fixture_patch(f, claim.id, "{'assignee':'eve'}");
    fixture_patch(f, claim.id, "{'status':'open'}");
    assert_str(fixture_field(f, claim.id, "assignee"), "\"eve\"");
}

/* The claim is handed over to somebody who works without one. */
static void a_new_assignee_holds_the_task_as_of_old(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    f->force = true;
    fixture_patch(f, claim.id, "{'assignee':'bob'}");
    assert_str(fixture_field(f, claim.id, "status"), "\"in_progress\"");
    assert_int_equal(fixture_head(f).claimed, 0);
    f->force = false;
    fixture_patch(f, claim.id, "{'status':'open'}"); /* no claim, no guard */
    assert_str(fixture_field(f, claim.id, "assignee"), "\"bob\"");
}

/* A PATCH never makes a lease: who sets in_progress holds the task until it is changed. */
static void a_patch_makes_no_claim(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_patch(f, id, "{'status':'in_progress','assignee':'bob'}");
    assert_absent(fixture_field(f, id, "claim"));
    assert_int_equal(fixture_task(f, id).attempts, 0);
    fixture_advance(f, 864000000);
    assert_true(fixture_run_due(f, 10) == 0);
    fixture_patch(f, id, "{'status':'open'}");
    assert_str(fixture_field(f, id, "assignee"), "\"bob\"");
}

/* Who lost the task is told so, also where nobody holds it now: it would else finish what is
 * somebody else's to do. */
static void a_lost_claim_writes_nothing_where_nobody_holds_the_task(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(enders); i++) {
        if (enders[i].status != NULL && strcmp(enders[i].status, "open") == 0) {
            continue; /* it is open already */
        }
        struct fixture_claim claim = claimed(f);
        fixture_advance(f, 300000);
        fixture_run_due(f, 10);
        fixture_advance(f, 60000);
        fixture_run_due(f, 10);
        assert_json(f, fixture_field(f, claim.id, "status"), "'open'");
        struct tb_head before = fixture_head(f);
        f->claim_token = tb_str_c(claim.token);
        fixture_send(f, enders[i].kind, claim.id, "%s", enders[i].body);
        assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'reason':'expired'");
        f->claim_token = TB_STR("1.AAAAAAAAAAAAAAAAAAAAAA"); /* of no claim */
        fixture_send(f, enders[i].kind, claim.id, "%s", enders[i].body);
        assert_int_equal(f->reply.err, TB_E_CLAIM_LOST);
        struct tb_head after = fixture_head(f);
        assert_memory_equal(&before, &after, sizeof(before));
        f->claim_token = TB_STR_NONE; /* as one who never held it */
        fixture_send(f, enders[i].kind, claim.id, "%s", enders[i].body);
        assert_reply(f, 200);
    }
}

static void so_it_is_behind_a_release_and_a_completion(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    fixture_hold(f, TB_COMMAND_RELEASE, claim, "%s", "");
    f->claim_token = tb_str_c(claim.token);
    fixture_send(f, TB_COMMAND_PATCH, claim.id, "%s", "{'status':'done'}");
    assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'reason':'released'");
    fixture_patch(f, claim.id, "{'title':'u'}"); /* it would end no claim */

    f->claim_token = TB_STR_NONE;
    claim = claimed(f);
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, "%s", "");
    f->claim_token = tb_str_c(claim.token);
    fixture_send(f, TB_COMMAND_REVIEW, claim.id, "%s", "{'summary':'s'}");
    assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'reason':'completed'");
    f->force = true;
    fixture_send(f, TB_COMMAND_REVIEW, claim.id, "%s", "{'summary':'s'}");
    assert_reply(f, 200);
}

static void so_it_is_behind_a_force(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = claimed(f);
    f->force = true;
    fixture_patch(f, claim.id, "{'status':'open'}");
    f->force = false;
    f->claim_token = tb_str_c(claim.token);
    fixture_send(f, TB_COMMAND_PATCH, claim.id, "%s", "{'status':'done'}");
    assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'reason':'taken_over'");
    fixture_send(f, TB_COMMAND_DELETE, claim.id, "%s", "{}");
    assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'reason':'taken_over'");
}

/* Its first answer may have been lost on the way. */
static void the_write_that_ended_a_claim_can_be_sent_again(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(enders); i++) {
        struct fixture_claim claim = claimed(f);
        f->claim_token = tb_str_c(claim.token);
        fixture_send(f, enders[i].kind, claim.id, "%s", enders[i].body);
        assert_reply(f, 200);
        fixture_send(f, enders[i].kind, claim.id, "%s", enders[i].body);
        if (enders[i].status != NULL) {
            assert_reply(f, 200);
        } else {
            assert_refused(f, TB_E_TASK_NOT_FOUND, NULL, NULL);
        }
        f->claim_token = TB_STR_NONE;
    }
}

/* --- what a claim makes of dependencies and rejections --- */

static void a_claimed_task_does_not_wait_again(void **state)
{
    struct fixture *f = *state;
    struct tb_id first = fixture_task_named(f, "first");
    struct tb_id claimed_one = fixture_task_after(f, "a", first);
    struct tb_id open_one = fixture_task_after(f, "b", first);
    fixture_finish(f, first);
    struct fixture_claim claim = fixture_claim_task(f, claimed_one, "ann");
    fixture_patch(f, first, "{'status':'open'}");
    assert_str(fixture_field(f, claimed_one, "status"), "\"in_progress\"");
    assert_waiting(f, open_one, tb_arena_printf(f->arena, "['%s']", fixture_id(f, first)).ptr,
                   false);
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, "%s", "");
    assert_reply(f, 200);
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, "%s", "");
    assert_reply(f, 200);
}

static void a_rejected_task_can_be_claimed_with_its_attempts_used_up(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','maxAttempts':1}");
    struct fixture_claim claim = fixture_claim_task(f, id, "ann");
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'review':true");
    fixture_send(f, TB_COMMAND_REJECT, id, "{'reason':'too red','rejectedBy':'lead'}");
    assert_waiting(f, id, "[]", true);
    fixture_send(f, TB_COMMAND_CLAIM_TASK, id, "{'agent':'bob'}");
    assert_reply(f, 200);
    struct tb_str notes = fixture_member(f->reply.body, "notes");
    assert_non_null(memmem(notes.ptr, notes.len, "Rejected by lead: too red", 25));
    claim = fixture_claim_in(f, f->reply.body);
    fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'e'");
    assert_str(fixture_field(f, id, "status"), "\"blocked\"");
}

/* An opened dead letter is no dead letter any more, but has no fresh attempts. */
static void a_dead_letter_that_is_patched_open_can_be_claimed(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','maxAttempts':1}");
    fixture_hold(f, TB_COMMAND_FAIL, fixture_claim_task(f, id, "ann"), ",'error':'e'");
    fixture_patch(f, id, "{'status':'blocked'}");
    assert_int_equal(fixture_head(f).dead_letters, 1);
    fixture_patch(f, id, "{'status':'open'}");
    assert_absent(fixture_field(f, id, "blockedReason"));
    assert_int_equal(fixture_head(f).dead_letters, 0);
    assert_int_equal(fixture_task(f, id).attempts, 1);
    fixture_hold(f, TB_COMMAND_FAIL, fixture_claim_task(f, id, "ann"), ",'error':'e'");
    assert_int_equal(fixture_head(f).dead_letters, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_live_claim_is_not_ended_by_others),
        fixture_test(force_ends_a_claim),
        fixture_test(the_holders_token_ends_its_own_claim),
        fixture_test(a_token_that_does_not_hold_the_task_ends_nothing),
        fixture_test(writes_that_leave_the_claim_alone_need_nothing),
        fixture_test(a_patch_that_is_refused_for_something_else_ends_nothing),
        fixture_test(an_assignee_that_was_patched_stays),
        fixture_test(a_new_assignee_holds_the_task_as_of_old),
        fixture_test(a_patch_makes_no_claim),
        fixture_test(a_lost_claim_writes_nothing_where_nobody_holds_the_task),
        fixture_test(so_it_is_behind_a_release_and_a_completion),
        fixture_test(so_it_is_behind_a_force),
        fixture_test(the_write_that_ended_a_claim_can_be_sent_again),
        fixture_test(a_claimed_task_does_not_wait_again),
        fixture_test(a_rejected_task_can_be_claimed_with_its_attempts_used_up),
        fixture_test(a_dead_letter_that_is_patched_open_can_be_claimed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
