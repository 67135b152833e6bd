/* Idempotency-Key: one effect and one answer, however often a request comes. */
#include "fixture/fixture.h"

#include "taskboard/limits.h"
#include "taskboard/storage_testing.h"

static const struct tb_id none = {{0}};

static void create(struct fixture *f, const char *key, const char *title)
{
    f->idempotency_key = key;
    fixture_send(f, TB_COMMAND_CREATE, none, "{'title':'%s','createdBy':'ann'}", title);
    f->idempotency_key = NULL;
}

static uint64_t task_count(struct fixture *f)
{
    struct tb_head head = fixture_head(f);
    uint64_t count = 0;
    for (unsigned state = 0; state < TB_STATE_COUNT; state++) {
        count += head.task_counts[state];
    }
    return count;
}

static void the_first_answer_is_given_again(void **state)
{
    struct fixture *f = *state;
    create(f, "k", "a");
    assert_reply(f, 201);
    assert_false(f->reply.replayed);
    struct tb_reply first = f->reply;
    fixture_advance(f, 60000);
    fixture_task_named(f, "b"); /* other things go on */
    create(f, "k", "a");
    assert_reply(f, 201);
    assert_true(f->reply.replayed);
    assert_str_eq(f->reply.body, first.body);
    assert_int_equal(f->reply.version, first.version);
    assert_int_equal(f->reply.seq, first.seq);
    assert_int_equal(task_count(f), 2);
    assert_int_equal(fixture_head(f).answers, 1);
    assert_int_equal(fixture_head(f).answer_bytes, first.body.len);
}

static void it_is_given_again_within_the_batch_and_after_a_restart(void **state)
{
    struct fixture *f = *state;
    fixture_begin(f);
    create(f, "k", "a");
    struct tb_str body = f->reply.body;
    create(f, "k", "a");
    assert_true(f->reply.replayed);
    fixture_commit(f);
    fixture_restart(f);
    create(f, "k", "a");
    assert_true(f->reply.replayed);
    assert_str_eq(f->reply.body, body);
    assert_int_equal(task_count(f), 1);
}

/* Effect and answer are one: what was not committed was neither. */
static void what_was_not_committed_runs_again(void **state)
{
    struct fixture *f = *state;
    fixture_begin(f);
    create(f, "k", "a");
    fixture_abort(f);
    create(f, "k", "a");
    assert_reply(f, 201);
    assert_false(f->reply.replayed);
    assert_int_equal(task_count(f), 1);
}

static void the_answer_is_given_again_even_when_its_task_is_gone(void **state)
{
    struct fixture *f = *state;
    struct tb_id id;
    create(f, "k", "a");
    assert_reply(f, 201);
    struct tb_str body = f->reply.body;
    size_t at = sizeof("{\"id\":\"") - 1;
    assert_true(tb_ulid_parse(tb_str_from(body.ptr + at, TB_ULID_LEN), &id));
    fixture_delete(f, id);
    create(f, "k", "a");
    assert_true(f->reply.replayed);
    assert_str_eq(f->reply.body, body);
    assert_int_equal(task_count(f), 0);
}

static void another_request_under_the_same_key_is_refused(void **state)
{
    struct fixture *f = *state;
    create(f, "k", "a");
    create(f, "k", "b");
    assert_refused(f, TB_E_IDEMPOTENCY_KEY_REUSED, NULL, NULL);
    assert_int_equal(tb_err_status(TB_E_IDEMPOTENCY_KEY_REUSED), 422);
    assert_int_equal(task_count(f), 1);
    create(f, "l", "b");
    assert_reply(f, 201);
    create(f, "k", "a"); /* the refusal has spoilt nothing */
    assert_true(f->reply.replayed);
}

static void refusals_store_nothing(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    f->idempotency_key = "k";
    f->if_match = TB_STR("\"7\"");
    fixture_send(f, TB_COMMAND_BUMP, id, "{}");
    assert_refused(f, TB_E_VERSION_MISMATCH, NULL, ",'version':1");
    assert_int_equal(fixture_head(f).answers, 0);
    f->if_match = TB_STR_NONE;
    fixture_send(f, TB_COMMAND_BUMP, id, "{}");
    assert_reply(f, 200);
    assert_false(f->reply.replayed);
    assert_int_equal(fixture_task(f, id).score, 1);
    fixture_send(f, TB_COMMAND_BUMP, id, "{}");
    assert_true(f->reply.replayed);
    assert_int_equal(fixture_task(f, id).score, 1);
}

static void what_changed_nothing_stores_nothing(void **state)
{
    struct fixture *f = *state;
    f->idempotency_key = "k";
    fixture_send(f, TB_COMMAND_RESUME, none, "{}");
    assert_reply(f, 200);
    fixture_send(f, TB_COMMAND_CLAIM, none, "{'agent':'ann'}"); /* there is nothing to claim */
    assert_reply(f, 200);
    assert_true(f->reply.found_nothing);
    assert_int_equal(fixture_head(f).answers, 0);
    fixture_task_named(f, "t");
    assert_int_equal(fixture_head(f).answers, 1);
    f->idempotency_key = "l";
    fixture_send(f, TB_COMMAND_CLAIM, none, "{'agent':'ann'}");
    assert_false(f->reply.found_nothing);
    assert_int_equal(fixture_head(f).answers, 2);
}

static void a_create_that_found_its_task_is_answered_again(void **state)
{
    static const char body[] = "{'title':'t','createdBy':'ann','uniqueKey':'one'}";
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "%s", body);
    uint64_t seq = fixture_head(f).seq;
    f->idempotency_key = "k";
    fixture_send(f, TB_COMMAND_CREATE, none, "%s", body);
    assert_reply(f, 200);
    assert_int_equal(f->reply.seq, 0);
    assert_int_equal(fixture_head(f).seq, seq);
    assert_int_equal(fixture_head(f).answers, 1);
    f->idempotency_key = NULL;
    fixture_patch(f, id, "{'status':'done'}");
    f->idempotency_key = "k";
    fixture_send(f, TB_COMMAND_CREATE, none, "%s", body);
    assert_reply(f, 200);
    assert_true(f->reply.replayed);
    assert_int_equal(task_count(f), 1);
}

/* It writes no event, but it has an effect. */
static void a_heartbeat_is_answered_again(void **state)
{
    struct fixture *f = *state;
    struct fixture_claim claim = fixture_claim_task(f, fixture_task_named(f, "t"), "ann");
    fixture_register(f, "a", 300);
    fixture_advance(f, 1000);
    f->idempotency_key = "k";
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, " ");
    assert_reply(f, 200);
    struct tb_str renewed = f->reply.body;
    f->idempotency_key = "l";
    fixture_send_vm(f, TB_COMMAND_VM_HEARTBEAT, "a", "{}");
    assert_reply(f, 200);
    struct tb_str seen = f->reply.body;
    assert_int_equal(fixture_head(f).answers, 2);
    fixture_advance(f, 1000);
    fixture_send_vm(f, TB_COMMAND_VM_HEARTBEAT, "a", "{}");
    assert_true(f->reply.replayed);
    assert_str_eq(f->reply.body, seen);
    fixture_send_vm(f, TB_COMMAND_VM_HEARTBEAT, "a", "{'x':1}");
    assert_refused(f, TB_E_IDEMPOTENCY_KEY_REUSED, NULL, NULL);
    f->idempotency_key = "k";
    fixture_hold(f, TB_COMMAND_HEARTBEAT, claim, " ");
    assert_true(f->reply.replayed);
    assert_str_eq(f->reply.body, renewed);
}

/* A lost response must not strand a task with a holder that does not know of it. */
static void a_claim_is_answered_with_the_same_token_again(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "a");
    fixture_task_named(f, "b");
    f->idempotency_key = "k";
    fixture_send(f, TB_COMMAND_CLAIM, none, "{'agent':'ann'}");
    assert_reply(f, 200);
    struct tb_str body = f->reply.body;
    assert_non_null(memmem(body.ptr, body.len, "\"token\":", 8));
    fixture_send(f, TB_COMMAND_CLAIM, none, "{'agent':'ann'}");
    assert_true(f->reply.replayed);
    assert_str_eq(f->reply.body, body);
    assert_int_equal(fixture_head(f).claimed, 1);
}

static void an_answer_is_kept_for_a_day(void **state)
{
    struct fixture *f = *state;
    create(f, "k", "a");
    fixture_advance(f, TB_ANSWER_KEPT_MS - 1);
    create(f, "k", "a");
    assert_true(f->reply.replayed);
    fixture_advance(f, 1);
    create(f, "k", "b"); /* free for another request */
    assert_reply(f, 201);
    assert_false(f->reply.replayed);
    assert_int_equal(task_count(f), 2);
    assert_int_equal(fixture_head(f).answers, 1);
}

static void bump(struct fixture *f, struct tb_id id, const char *key)
{
    f->idempotency_key = key;
    fixture_send(f, TB_COMMAND_BUMP, id, "{}");
    f->idempotency_key = NULL;
}

/* So many answers, all of them over. */
static struct tb_id make_old_answers(struct fixture *f, int count)
{
    struct tb_id id = fixture_task_named(f, "t");
    fixture_begin(f);
    for (int i = 0; i < count; i++) {
        bump(f, id, tb_arena_printf(f->arena, "old %d", i).ptr);
        assert_reply(f, 200);
    }
    fixture_commit(f);
    assert_int_equal(fixture_head(f).answers, count);
    fixture_advance(f, TB_ANSWER_KEPT_MS);
    return id;
}

static void answers_that_are_over_are_dropped_with_what_comes(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = make_old_answers(f, 2500);
    fixture_begin(f); /* so many a batch, and two with each answer */
    assert_int_equal(fixture_head(f).answers, 1500);
    bump(f, id, "new");
    assert_int_equal(fixture_head(f).answers, 1499);
    size_t bytes = f->reply.body.len;
    fixture_commit(f);
    bump(f, id, NULL);
    bump(f, id, NULL);
    assert_int_equal(fixture_head(f).answers, 1);
    assert_int_equal(fixture_head(f).answer_bytes, bytes);
}

/* The key's own turn to be dropped may not have come yet. */
static void an_answer_that_is_over_counts_for_nothing_though_it_is_there(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = make_old_answers(f, 3200);
    fixture_begin(f);
    bump(f, id, "old 1900");
    assert_reply(f, 200);
    assert_false(f->reply.replayed);
    fixture_abort(f);
    fixture_begin(f);
    bump(f, id, "old 3100"); /* it cannot be dropped at once: nothing is done rather than twice */
    assert_refused(f, TB_E_TOO_MANY_ANSWERS, NULL, NULL);
    fixture_commit(f);
    bump(f, id, "old 3100");
    assert_reply(f, 200);
    assert_false(f->reply.replayed);
    assert_int_equal(fixture_task(f, id).score, 3201);
}

static void a_full_store_of_answers_refuses_before_it_does_anything(void **state)
{
    struct fixture *f = *state;
    create(f, "k", "a");
    fixture_begin(f);
    tb_txn_head(f->txn)->answers = TB_ANSWERS_MAX;
    create(f, "l", "b");
    assert_refused(f, TB_E_TOO_MANY_ANSWERS, NULL, NULL);
    assert_int_equal(task_count(f), 1);
    create(f, "k", "a"); /* what is there is given */
    assert_true(f->reply.replayed);
    create(f, NULL, "c"); /* and who needs no room goes on */
    assert_reply(f, 201);
    tb_txn_head(f->txn)->answers = 1;
    tb_txn_head(f->txn)->answer_bytes = TB_ANSWERS_BYTES_MAX;
    create(f, "l", "b");
    assert_refused(f, TB_E_TOO_MANY_ANSWERS, NULL, NULL);
    fixture_abort(f);
}

static void create_of(struct fixture *f, uint16_t share, const char *key)
{
    f->share = share;
    create(f, key, "a");
}

/* With two left a token may have six: three times as many. */
static void who_sends_most_leaves_room_to_others(void **state)
{
    static const char *const keys[] = {"1", "2", "3", "4", "5", "6"};
    struct fixture *f = *state;
    for (size_t i = 0; i < 6; i++) {
        create_of(f, 1, keys[i]);
    }
    fixture_begin(f);
    tb_txn_head(f->txn)->answers = TB_ANSWERS_MAX - 3;
    create_of(f, 1, "7");
    assert_reply(f, 201);
    create_of(f, 1, "8");
    assert_refused(f, TB_E_TOO_MANY_ANSWERS, NULL, NULL);
    create_of(f, 1, "7"); /* what is there is given */
    assert_true(f->reply.replayed);
    create_of(f, 2, "9");
    assert_reply(f, 201);
    create_of(f, 3, "10"); /* one is left */
    assert_reply(f, 201);
    create_of(f, 4, "11");
    assert_refused(f, TB_E_TOO_MANY_ANSWERS, NULL, NULL);
    fixture_abort(f);
}

static void who_sends_the_largest_leaves_room_to_others(void **state)
{
    struct fixture *f = *state;
    create_of(f, 1, "1");
    uint64_t bytes = f->reply.body.len;
    fixture_begin(f);
    tb_txn_head(f->txn)->answer_bytes = TB_ANSWERS_BYTES_MAX - bytes / 3;
    create_of(f, 1, "2");
    assert_refused(f, TB_E_TOO_MANY_ANSWERS, NULL, NULL);
    create_of(f, 2, "3");
    assert_reply(f, 201);
    fixture_abort(f);
}

static void a_share_comes_back_when_its_answers_are_over(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < 3; i++) {
        create_of(f, 1, i == 0 ? "1" : i == 1 ? "2" : "3");
    }
    fixture_advance(f, TB_ANSWER_KEPT_MS);
    fixture_begin(f);
    create_of(f, 1, "4"); /* the others are dropped with this batch */
    assert_reply(f, 201);
    struct tb_answer_share kept;
    assert_int_equal(tb_get_answer_share(f->txn, 1, &kept), TB_OK);
    assert_int_equal(kept.answers, 1);
    assert_int_equal(kept.bytes, f->reply.body.len);
    tb_txn_head(f->txn)->answers = TB_ANSWERS_MAX - 1;
    create_of(f, 1, "5");
    assert_reply(f, 201);
    fixture_abort(f);
}

static void when_the_engine_fails_nobody_is_told_of_a_success(void **state)
{
    struct fixture *f = *state;
    fixture_add_faults(f);
    create(f, "k", "a");
    struct tb_str body = f->reply.body;
    unsigned failed = 0;
    for (unsigned call = 1; call < 200; call++) {
        fixture_begin(f);
        tb_fault_set(f->store, call, TB_E_STORAGE_DOWN, true);
        create(f, "l", "b");
        tb_fault_set(f->store, 0, TB_OK, false);
        bool broken = tb_txn_error(f->txn) != TB_OK;
        assert_int_equal(f->reply.err, broken ? TB_E_STORAGE_DOWN : TB_OK);
        fixture_abort(f);
        failed += broken ? 1 : 0;
    }
    assert_true(failed > 3);
    create(f, "k", "a");
    assert_str_eq(f->reply.body, body);
    assert_int_equal(task_count(f), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(the_first_answer_is_given_again),
        fixture_test(it_is_given_again_within_the_batch_and_after_a_restart),
        fixture_test(what_was_not_committed_runs_again),
        fixture_test(the_answer_is_given_again_even_when_its_task_is_gone),
        fixture_test(another_request_under_the_same_key_is_refused),
        fixture_test(refusals_store_nothing),
        fixture_test(what_changed_nothing_stores_nothing),
        fixture_test(a_create_that_found_its_task_is_answered_again),
        fixture_test(a_heartbeat_is_answered_again),
        fixture_test(a_claim_is_answered_with_the_same_token_again),
        fixture_test(an_answer_is_kept_for_a_day),
        fixture_test(answers_that_are_over_are_dropped_with_what_comes),
        fixture_test(an_answer_that_is_over_counts_for_nothing_though_it_is_there),
        fixture_test(a_full_store_of_answers_refuses_before_it_does_anything),
        fixture_test(who_sends_most_leaves_room_to_others),
        fixture_test(who_sends_the_largest_leaves_room_to_others),
        fixture_test(a_share_comes_back_when_its_answers_are_over),
        fixture_test(when_the_engine_fails_nobody_is_told_of_a_success),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
