/* Claim tokens, and the records that attempts leave behind. */
#include "fixture/fixture.h"

#include "taskboard/limits.h"

static void assert_lost(struct fixture *f, const char *reason)
{
    assert_refused(f, TB_E_CLAIM_LOST, NULL,
                   reason == NULL ? NULL : tb_arena_printf(f->arena, ",'reason':'%s'", reason).ptr);
    assert_int_equal(f->reply.seq, 0);
}

/* --- tokens --- */

static void a_token_is_the_attempt_and_a_secret(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    struct fixture_claim first = fixture_claim(f, "ann");
    assert_int_equal(strlen(first.token), 2 + 22);
    assert_memory_equal(first.token, "1.", 2);
    fixture_hold(f, TB_COMMAND_RELEASE, first, "%s", "");
    struct fixture_claim second = fixture_claim_task(f, id, "ann");
    assert_memory_equal(second.token, "2.", 2);
    assert_string_not_equal(first.token + 2, second.token + 2);
}

static void the_same_attempt_of_two_tasks_has_two_tokens(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim one = fixture_claim_task(f, fixture_task_named(f, "a"), "ann");
    struct fixture_claim other = fixture_claim_task(f, fixture_task_named(f, "b"), "ann");
    assert_string_not_equal(one.token, other.token);
    one.id = other.id;
    fixture_hold(f, TB_COMMAND_HEARTBEAT, one, "%s", "");
    assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'claim':{'by':'ann','generation':2}");
}

/* The tail of a token belongs to a number and a generation; with others it is worth nothing. */
static void a_token_that_was_made_up_holds_nothing(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    struct fixture_claim first = fixture_claim(f, "ann");
    fixture_hold(f, TB_COMMAND_RELEASE, first, "%s", "");
    struct fixture_claim second = fixture_claim_task(f, id, "bob");
    struct fixture_claim made_up = second;
    const char *const numbers[] = {"1", "3", "0", "02", "4294967295", "9999999999"};
    for (size_t i = 0; i < COUNT(numbers); i++) {
        made_up.token = tb_arena_printf(f->arena, "%s.%s", numbers[i], second.token + 2).ptr;
        fixture_hold(f, TB_COMMAND_COMPLETE, made_up, ",'result':1");
        assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'claim':{'by':'bob','generation':2}");
    }
    made_up.token = tb_arena_printf(f->arena, "2.%s", first.token + 2).ptr;
    fixture_hold(f, TB_COMMAND_COMPLETE, made_up, ",'result':1");
    assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'claim':{'by':'bob','generation':2}");
    assert_int_equal(fixture_head(f).seq, 4);
}

/* In a header it may be anything. */
static void what_is_no_token_holds_nothing(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = fixture_claim_task(f, fixture_task_named(f, "t"), "bob");
    const char *const texts[] = {
        "",
        "x",
        ".",
        "1",
        "1.",
        "1.short",
        tb_arena_printf(f->arena, ".%s", claim.token + 2).ptr,
        tb_arena_printf(f->arena, "1:%s", claim.token + 2).ptr,
        tb_arena_printf(f->arena, "a.%s", claim.token + 2).ptr,
        tb_arena_printf(f->arena, "1.%sA", claim.token + 2).ptr,
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        f->claim_token = tb_str_c(texts[i]);
        fixture_send(f, TB_COMMAND_PATCH, claim.id, "{'status':'done'}");
        assert_refused(f, TB_E_CLAIM_LOST, NULL, ",'claim':{'by':'bob','generation':1}");
    }
    f->claim_token = tb_str_c(claim.token);
    fixture_patch(f, claim.id, "{'status':'done'}");
}

static void a_token_is_good_over_a_restart(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "t");
    struct fixture_claim claim = fixture_claim(f, "ann");
    fixture_restart(f);
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, "%s", "");
    assert_reply(f, 200);
}

static void a_token_says_how_its_claim_was_lost(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    struct fixture_claim claim = fixture_claim(f, "ann");
    fixture_hold(f, TB_COMMAND_RELEASE, claim, "%s", "");
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, "%s", "");
    assert_lost(f, "released");

    claim = fixture_claim_task(f, id, "ann");
    fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'e','delaySeconds':0");
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, "%s", "");
    assert_lost(f, "failed");

    claim = fixture_claim_task(f, id, "ann");
    fixture_advance(f, 300000);
    fixture_run_due(f, 10);
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, "%s", "");
    assert_lost(f, "expired");

    claim = fixture_claim_task(f, id, "ann");
    f->force = true;
    fixture_patch(f, id, "{'status':'open'}");
    f->force = false;
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, "%s", "");
    assert_lost(f, "taken_over");

    claim = fixture_claim_task(f, id, "ann");
    fixture_send(f, TB_COMMAND_CANCEL, id, "{'force':true}");
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, "%s", "");
    assert_lost(f, "cancelled");

    fixture_send(f, TB_COMMAND_RETRY, id, "{}");
    claim = fixture_claim_task(f, id, "ann");
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, "%s", "");
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, "%s", "");
    assert_lost(f, "completed");
}

static void who_lost_a_claim_learns_who_has_the_task_now(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    struct fixture_claim lost = fixture_claim(f, "ann");
    fixture_hold(f, TB_COMMAND_RELEASE, lost, "%s", "");
    fixture_claim_task(f, id, "bob \\\"b\\\"");
    fixture_hold(f, TB_COMMAND_FAIL, lost, ",'error':'e'");
    assert_refused(f, TB_E_CLAIM_LOST, NULL,
                   ",'reason':'released','claim':{'by':'bob \\'b\\'','generation':2}");
}

static void a_token_is_required(void **state)
{
    struct fixture *f = *state;
    static const enum tb_command_kind kinds[] = {TB_COMMAND_HEARTBEAT, TB_COMMAND_COMPLETE,
                                                 TB_COMMAND_FAIL, TB_COMMAND_RELEASE};
    struct tb_id id = fixture_task_named(f, "t");
    fixture_claim(f, "ann");
    for (size_t i = 0; i < COUNT(kinds); i++) {
        fixture_send(f, kinds[i], id, "{}");
        assert_int_equal(f->reply.err, TB_E_CLAIM_TOKEN_REQUIRED);
        fixture_send(f, kinds[i], id, "{'claimToken':'nonsense'}");
        assert_int_equal(f->reply.err, TB_E_INVALID_FIELD);
    }
    assert_int_equal(fixture_head(f).seq, 2);
}

static void a_claim_on_a_task_that_was_deleted_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    struct fixture_claim claim = fixture_claim(f, "ann");
    f->force = true;
    fixture_delete(f, id);
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'result':1");
    assert_refused(f, TB_E_TASK_NOT_FOUND, NULL, NULL);
}

/* --- attempts --- */

static void attempts_tell_how_each_claim_went(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    assert_json(f, fixture_attempts(f, id), "{'attempts':[],'count':0}");
    fixture_register(f, "vm-1", 300);
    struct fixture_claim claim = fixture_claim_on(f, id, "vm-1", 300);
    assert_json(f, fixture_attempts(f, id),
                "{'attempts':[{'attempt':1,'generation':1,'agent':'ann','vmId':'vm-1',"
                "'claimedAt':'" FIXTURE_START "','outcome':'running'}],'count':1}");
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, ",'progress':{'percent':40}");
    fixture_advance(f, 1000);
    fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'no \\'paint\\'','delaySeconds':0");
    claim = fixture_claim_task(f, id, "bob");
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'result':{'a':[1.50]}");
    assert_json(
        f, fixture_attempts(f, id),
        "{'attempts':[{'attempt':1,'generation':1,'agent':'ann','vmId':'vm-1',"
        "'claimedAt':'" FIXTURE_START "','endedAt':'2023-11-14T22:13:21.000Z','outcome':'failed',"
        "'error':'no \\'paint\\'','progress':{'percent':40,'at':'" FIXTURE_START "'}},"
        "{'attempt':2,'generation':2,'agent':'bob','claimedAt':'2023-11-14T22:13:21.000Z',"
        "'endedAt':'2023-11-14T22:13:21.000Z','outcome':'completed','result':{'a':[1.50]}}],"
        "'count':2}");
}

static void attempts_of_no_task_are_not_found(void **state)
{
    struct fixture *f = *state;
    const struct tb_id nobody = {.bytes = {1}};
    struct tb_buf out;
    tb_buf_init(&out, f->arena, 64);
    assert_int_equal(tb_read_attempts(fixture_read(f), nobody, &out), TB_E_TASK_NOT_FOUND);
}

/* The number of an attempt counts all claims of the task's life, whatever was retried. */
static void an_attempts_number_never_resets(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','maxAttempts':1}");
    for (unsigned i = 1; i <= 3; i++) {
        struct fixture_claim claim = fixture_claim_task(f, id, "ann");
        assert_int_equal(claim.attempt, i);
        fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'e'");
        assert_int_equal(fixture_task(f, id).attempts, 1);
        fixture_send(f, TB_COMMAND_RETRY, id, "{}");
        assert_int_equal(fixture_task(f, id).attempts, 0);
        assert_int_equal(fixture_task(f, id).claims, i);
    }
}

static void only_the_latest_attempts_are_remembered(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    struct fixture_claim first = fixture_claim_task(f, id, "ann");
    struct fixture_claim second = {.token = NULL};
    fixture_hold(f, TB_COMMAND_RELEASE, first, "%s", "");
    for (int i = 0; i < TB_ATTEMPTS_KEPT; i++) {
        struct fixture_claim claim = fixture_claim_task(f, id, "ann");
        fixture_hold(f, TB_COMMAND_RELEASE, claim, "%s", "");
        second = i == 0 ? claim : second;
    }
    struct tb_str count = fixture_member(fixture_attempts(f, id), "count");
    assert_json(f, count, "%d", TB_ATTEMPTS_KEPT);
    fixture_hold(f, TB_COMMAND_COMPLETE, first, ",'result':1");
    assert_lost(f, NULL);
    fixture_hold(f, TB_COMMAND_COMPLETE, second, "%s", "");
    assert_lost(f, "released");
    assert_verified(f);
}

static void attempts_go_with_their_task(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    struct fixture_claim claim = fixture_claim(f, "ann");
    fixture_hold(f, TB_COMMAND_RELEASE, claim, "%s", "");
    fixture_delete(f, id);
    struct tb_attempt attempt;
    assert_int_equal(tb_get_attempt(fixture_read(f), id, 1, &attempt), TB_E_ABSENT);
    fixture_end_read(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_token_is_the_attempt_and_a_secret),
        fixture_test(the_same_attempt_of_two_tasks_has_two_tokens),
        fixture_test(a_token_that_was_made_up_holds_nothing),
        fixture_test(what_is_no_token_holds_nothing),
        fixture_test(a_token_is_good_over_a_restart),
        fixture_test(a_token_says_how_its_claim_was_lost),
        fixture_test(who_lost_a_claim_learns_who_has_the_task_now),
        fixture_test(a_token_is_required),
        fixture_test(a_claim_on_a_task_that_was_deleted_is_not_found),
        fixture_test(attempts_tell_how_each_claim_went),
        fixture_test(attempts_of_no_task_are_not_found),
        fixture_test(an_attempts_number_never_resets),
        fixture_test(only_the_latest_attempts_are_remembered),
        fixture_test(attempts_go_with_their_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
