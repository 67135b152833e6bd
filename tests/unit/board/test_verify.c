/* tb_board_verify as a whole: what it finds good, the head and the log. */
#include "unit/board/damage_check.h"

#include "taskboard/storage_testing.h"

/* --- nothing wrong --- */

static void a_good_board_is_found_good(void **state)
{
    struct fixture *f = *state;
    char why[64] = "untouched";
    assert_true(verify(f, why, sizeof(why)));
    struct tb_id a = fixture_task_named(f, "a");
    fixture_task_after(f, "b", a);
    fixture_create(f, "{'title':'c','createdBy':'a','delaySeconds':60}");
    fixture_create(f, "{'title':'d','createdBy':'a','status':'blocked'}");
    fixture_send(f, TB_COMMAND_NOTE, a, "{'author':'a','content':'c','type':'update'}");
    fixture_finish(f, a);
    assert_true(verify(f, why, sizeof(why)));
    assert_string_equal(why, "untouched");
}

static void a_delay_that_is_over_but_not_yet_handled_is_no_damage(void **state)
{
    struct fixture *f = *state;
    fixture_create(f, "{'title':'t','createdBy':'a','delaySeconds':60}");
    fixture_advance(f, 100000);
    assert_verified(f);
}

static void a_batch_is_verified_as_it_stands(void **state)
{
    struct fixture *f = *state;
    fixture_begin(f);
    fixture_task_named(f, "t");
    assert_verified(f);
    fixture_commit(f);
}

static void a_long_reason_is_cut_to_fit(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "t");
    struct tb_head good = fixture_head(f);
    struct tb_head bad = good;
    bad.task_counts[TB_STATE_READY] = 0;
    set_head(f, &bad);
    char why[8];
    assert_false(verify(f, why, sizeof(why)));
    assert_string_equal(why, "state 0");
    set_head(f, &good);
}

static void count_fault(void *ctx, const char *fault)
{
    size_t *count = ctx;
    (void)fault;
    ++*count;
}

static void every_fault_is_told(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "t");
    struct tb_head good = fixture_head(f);
    struct tb_head bad = good;
    bad.task_counts[TB_STATE_READY] = 7;
    bad.claimed = 1;
    bad.feed_cleared_seq = good.seq + 1;
    set_head(f, &bad);
    size_t count = 0;
    struct tb_txn *txn = fixture_read(f);
    assert_false(tb_board_verify_all(txn, &f->board.options, f->clock.now_ms, f->arena, count_fault,
                                     &count));
    fixture_end_read(f);
    assert_int_equal(count, 3);
    set_head(f, &good);
}

/* --- an engine that fails --- */

/* From the nth call on nothing can be read. */
static bool holds_with_faults(struct fixture *f, uint64_t nth, bool *reached)
{
    char why[256] = "";
    struct tb_txn *txn = fixture_read(f);
    tb_fault_set(f->store, nth, TB_E_STORAGE_DOWN, false);
    bool holds =
        tb_board_verify(txn, &f->board.options, f->clock.now_ms, f->arena, why, sizeof(why));
    *reached = tb_fault_calls(f->store) >= nth;
    tb_fault_set(f->store, 0, TB_OK, true);
    fixture_end_read(f);
    return holds;
}

static void what_cannot_be_read_is_not_found_good(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "vm", 300);
    struct tb_id id =
        fixture_create(f, "{'title':'t','createdBy':'a','tags':['red'],'uniqueKey':'k'}");
    fixture_task_after(f, "u", id);
    fixture_hold(f, TB_COMMAND_RELEASE, fixture_claim_task(f, id, "ann"), "%s", "");
    (void)fixture_claim_on(f, id, "vm", 60);
    fixture_send(f, TB_COMMAND_TOKEN_CREATE, (struct tb_id){{0}}, "{'name':'n','role':'viewer'}");
    fixture_set_vm(f, "vm", "paused");
    fixture_add_faults(f);
    bool reached = true;
    uint64_t nth = 0;
    for (nth = 1; reached && nth < 200; nth++) {
        bool holds = holds_with_faults(f, nth, &reached);
        assert_int_equal(holds, !reached);
    }
    assert_in_range(nth, 20, 199);
}

/* --- the head --- */

static void a_change_that_is_yet_to_come_is_found(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "t");
    struct tb_head good = fixture_head(f);
    struct tb_head bad = good;
    bad.state_changes[TB_STATE_DONE] = good.changes + 1;
    set_head(f, &bad);
    assert_damage(f, "change %u is named, the head counts %u", (unsigned)good.changes + 1,
                  (unsigned)good.changes);
    set_head(f, &good);
}

static void wrong_counters_are_found(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "t");
    struct tb_head good = fixture_head(f);
    for (unsigned i = 0; i < TB_STATE_COUNT; i++) {
        struct tb_head bad = good;
        bad.task_counts[i] += 3;
        set_head(f, &bad);
        assert_damage(f, "state %u counts %u tasks, there are %u", i, i == 0 ? 4 : 3,
                      i == 0 ? 1 : 0);
        set_head(f, &good);
    }
}

static void wrong_counters_of_the_summary_are_found(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "t");
    struct tb_head good = fixture_head(f);
    struct tb_head bad = good;
    bad.scheduled++;
    set_head(f, &bad);
    assert_damage(f, "scheduled counts 1 tasks, there are 0");
    bad = good;
    bad.claimed++;
    set_head(f, &bad);
    assert_damage(f, "claimed counts 1 tasks, there are 0");
    bad = good;
    bad.dead_letters++;
    set_head(f, &bad);
    assert_damage(f, "deadLetters counts 1 tasks, there are 0");
    set_head(f, &good);
}

static void pauses_that_are_not_what_the_head_says_are_found(void **state)
{
    struct fixture *f = *state;
    const struct tb_id no_task = {{0}};
    fixture_send(f, TB_COMMAND_PAUSE, no_task, "{'tag':'x'}");
    fixture_send(f, TB_COMMAND_PAUSE, no_task, "{'tag':'y'}");
    struct tb_head good = fixture_head(f);
    struct tb_head bad = good;
    for (bad.pauses = 1; bad.pauses <= 3; bad.pauses += 2) {
        set_head(f, &bad);
        assert_damage(f, "what is paused is not what the head says");
    }
    set_head(f, &good);
    static const char *const stored[] = {"",
                                         "[",
                                         "[true,[\"x\",\"y\"],[{},{}]]",
                                         "[false,[\"y\",\"x\"],[{},{}]]",
                                         "[false,[\"x\",\"y",
                                         "[false,[\"x\",\"y\\",
                                         "[false,[\"x\",\"y\"],",
                                         "[false,[\"x\"\"y\"],[{},{}]]"};
    for (size_t i = 0; i < COUNT(stored); i++) {
        fixture_begin(f);
        tb_put_pauses(f->txn, tb_str_c(stored[i]));
        assert_damage(f, "what is paused is not what the head says");
        fixture_abort(f);
    }
}

/* --- the log --- */

/* Appends one behind the rules' back, and has it dropped again. */
static void check_event_damage(struct fixture *f, struct tb_event event, const char *what)
{
    fixture_begin(f);
    event.seq = tb_txn_head(f->txn)->seq + 1;
    tb_event_render(&event, NULL, TB_STR_NONE, f->batch_arena);
    assert_int_equal(tb_append_event(f->txn, &event), TB_OK);
    tb_txn_head(f->txn)->seq++;
    fixture_commit(f);
    assert_damage(f, "event %u: %s", (unsigned)event.seq, what);
    fixture_begin(f);
    assert_int_equal(tb_drop_events(f->txn, event.seq, 1000), TB_OK);
    fixture_commit(f);
    assert_verified(f);
}

static void an_event_out_of_order_or_from_the_future_is_found(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "t");
    struct tb_event event = {.type = TB_EVENT_UPDATED};
    check_event_damage(f, event, "its id is not above the one in front of it");
    memset(event.id.bytes, 0x7f, sizeof(event.id.bytes));
    check_event_damage(f, event, "it is newer than the board");
    event.id = fixture_head(f).last_id;
    event.at_ms = fixture_head(f).last_ms + 1;
    check_event_damage(f, event, "it is newer than the board");
}

static void a_feed_that_was_cleared_in_the_future_is_found(void **state)
{
    struct fixture *f = *state;
    fixture_publish(f, "ann", "s");
    struct tb_head good = fixture_head(f);
    struct tb_head bad = good;
    bad.feed_cleared_seq = 2;
    set_head(f, &bad);
    assert_damage(f, "the feed was cleared at an event that is yet to come");
    set_head(f, &good);
}

static void a_log_that_is_shorter_than_the_head_says_is_found(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "t");
    struct tb_head good = fixture_head(f);
    struct tb_head bad = good;
    bad.seq = 2;
    set_head(f, &bad);
    assert_damage(f, "the log ends at event 1, the head says 2");
    bad.seq = 0;
    set_head(f, &bad);
    assert_damage(f, "the log ends at event 1, the head says 0");
    set_head(f, &good);
}

static void a_log_that_begins_where_the_head_says_is_good(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++) {
        fixture_task_named(f, "t");
    }
    struct tb_head head = fixture_head(f);
    head.oldest_seq = 3;
    set_head(f, &head);
    assert_verified(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_good_board_is_found_good),
        fixture_test(a_delay_that_is_over_but_not_yet_handled_is_no_damage),
        fixture_test(a_batch_is_verified_as_it_stands),
        fixture_test(a_long_reason_is_cut_to_fit),
        fixture_test(every_fault_is_told),
        fixture_test(what_cannot_be_read_is_not_found_good),
        fixture_test(a_change_that_is_yet_to_come_is_found),
        fixture_test(wrong_counters_are_found),
        fixture_test(wrong_counters_of_the_summary_are_found),
        fixture_test(pauses_that_are_not_what_the_head_says_are_found),
        fixture_test(an_event_out_of_order_or_from_the_future_is_found),
        fixture_test(a_feed_that_was_cleared_in_the_future_is_found),
        fixture_test(a_log_that_is_shorter_than_the_head_says_is_found),
        fixture_test(a_log_that_begins_where_the_head_says_is_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
