/* tb_board_verify must find damage: each test plants some, and takes it away again because the
 * fixture verifies once more when it closes. */
#include "fixture/fixture.h"

static bool verify(struct fixture *f, char *why, size_t why_size)
{
    struct tb_txn *txn = fixture_read(f);
    bool holds = tb_board_verify(txn, &f->board.options, f->clock.now_ms, f->arena, why, why_size);
    fixture_end_read(f);
    return holds;
}

static void check_damage(struct fixture *f, const char *wanted, int line)
{
    char why[256] = "";
    bool holds = verify(f, why, sizeof(why));
    if (holds || strcmp(why, wanted) != 0) {
        print_error("line %d: got [%s], wanted [%s]\n", line, why, wanted);
    }
    assert_false(holds);
    assert_string_equal(why, wanted);
}

#define assert_damage(f, ...)                                                                      \
    check_damage((f), tb_arena_printf((f)->arena, __VA_ARGS__).ptr, __LINE__)

typedef void damage_task(struct tb_task *task);

/* Puts a task into the store behind the rules' back. */
static void change_behind(struct fixture *f, struct tb_id id, damage_task *damage)
{
    struct tb_task old;
    fixture_begin(f);
    assert_int_equal(tb_get_task(f->txn, id, &old), TB_OK);
    struct tb_task task = old;
    damage(&task);
    tb_task_render(&task, f->batch_arena);
    assert_int_equal(tb_put_task(f->txn, &old, &task), TB_OK);
    fixture_commit(f);
}

static void set_head(struct fixture *f, const struct tb_head *head)
{
    fixture_begin(f);
    *tb_txn_head(f->txn) = *head;
    fixture_commit(f);
}

/* Damage to a task: seen, and its name is in the sentence; then repaired by any change. */
static void check_task_damage(struct fixture *f, struct tb_id id, damage_task *damage,
                              damage_task *repair, const char *what)
{
    change_behind(f, id, damage);
    check_damage(f, tb_arena_printf(f->arena, "task %s: %s", fixture_id(f, id), what).ptr,
                 __LINE__);
    change_behind(f, id, repair);
    assert_verified(f);
}

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

/* In the record alone: its JSON stays. */
static void set_max_attempts(struct fixture *f, struct tb_id id, uint32_t number)
{
    struct tb_task old;
    fixture_begin(f);
    assert_int_equal(tb_get_task(f->txn, id, &old), TB_OK);
    struct tb_task task = old;
    task.max_attempts = number;
    assert_int_equal(tb_put_task(f->txn, &old, &task), TB_OK);
    fixture_commit(f);
}

static void what_is_shown_must_be_what_is_stored(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    set_max_attempts(f, id, 4);
    assert_damage(f, "task %s: what is shown of it is not what is stored", fixture_id(f, id));
    set_max_attempts(f, id, 3);
}

/* --- tasks --- */

static void block(struct tb_task *task)
{
    task->blocked_by = TB_STR("[\"x\"]");
}

static void unblock(struct tb_task *task)
{
    task->blocked_by = TB_STR("[]");
}

static void a_wrong_blocked_by_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    check_task_damage(f, id, block, unblock, "blockedBy is wrong");
    struct tb_id waiting = fixture_create(f, "{'title':'w','createdBy':'a','dependencies':['x']}");
    check_task_damage(f, waiting, unblock, block, "blockedBy is wrong");
    struct tb_id done =
        fixture_create(f, "{'title':'d','createdBy':'a','dependencies':['x'],'status':'done'}");
    check_task_damage(f, done, block, unblock, "blockedBy is wrong");
}

static void make_ready(struct tb_task *task)
{
    task->ready = true;
}

static void make_unready(struct tb_task *task)
{
    task->ready = false;
}

static void readiness_that_came_too_early_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id waiting = fixture_create(f, "{'title':'w','createdBy':'a','dependencies':['x']}");
    check_task_damage(f, waiting, make_ready, make_unready, "it is ready too early");
    struct tb_id delayed = fixture_create(f, "{'title':'d','createdBy':'a','delaySeconds':9}");
    check_task_damage(f, delayed, make_ready, make_unready, "it is ready too early");
    struct tb_id busy = fixture_create(f, "{'title':'p','createdBy':'a','status':'in_progress'}");
    check_task_damage(f, busy, make_ready, make_unready, "it is ready too early");
}

static void forget_due(struct tb_task *task)
{
    task->due_ms = 0;
}

static void be_due(struct tb_task *task)
{
    task->due_ms = FIXTURE_START_MS + 9000;
}

static void be_due_late(struct tb_task *task)
{
    task->due_ms = FIXTURE_START_MS + 9001;
}

static void readiness_that_would_never_come_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    check_task_damage(f, id, make_unready, make_ready, "nothing will ever make it ready");
    struct tb_id delayed = fixture_create(f, "{'title':'d','createdBy':'a','delaySeconds':9}");
    check_task_damage(f, delayed, forget_due, be_due, "nothing will ever make it ready");
    check_task_damage(f, delayed, be_due_late, be_due, "nothing will ever make it ready");
}

static void being_due_without_a_reason_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id busy = fixture_create(f, "{'title':'p','createdBy':'a','status':'in_progress'}");
    check_task_damage(f, busy, be_due, forget_due, "it is due without a reason");
}

/* A ready task has nothing left to wait for. */
static void a_ready_task_that_is_due_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    check_task_damage(f, id, be_due, forget_due, "it is due without a reason");
}

static void succeed(struct tb_task *task)
{
    task->outcome = TB_OUTCOME_SUCCESS;
}

static void end_without_outcome(struct tb_task *task)
{
    task->outcome = TB_OUTCOME_NONE;
}

static void an_outcome_that_does_not_fit_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    check_task_damage(f, id, succeed, end_without_outcome, "status and outcome disagree");
    struct tb_id done = fixture_create(f, "{'title':'d','createdBy':'a','status':'done'}");
    check_task_damage(f, done, end_without_outcome, succeed, "status and outcome disagree");
}

static void give_reason(struct tb_task *task)
{
    task->blocked_reason = TB_STR("{\"kind\":\"manual\"}");
}

static void take_reason(struct tb_task *task)
{
    task->blocked_reason = TB_STR_NONE;
}

static void a_reason_that_does_not_fit_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    check_task_damage(f, id, give_reason, take_reason, "status and blockedReason disagree");
    struct tb_id blocked = fixture_create(f, "{'title':'b','createdBy':'a','status':'blocked'}");
    check_task_damage(f, blocked, take_reason, give_reason, "status and blockedReason disagree");
}

static void move_ahead(struct tb_task *task)
{
    task->rank_ms--;
}

static void move_back(struct tb_task *task)
{
    task->rank_ms++;
}

static void a_wrong_rank_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    check_task_damage(f, id, move_ahead, move_back, "its rank is wrong");
}

static void be_from_tomorrow(struct tb_task *task)
{
    task->updated_ms += 86400000;
}

static void be_from_today(struct tb_task *task)
{
    task->updated_ms -= 86400000;
}

static void a_task_that_is_newer_than_the_board_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    check_task_damage(f, id, be_from_tomorrow, be_from_today, "it is newer than the board");
    struct tb_head good = fixture_head(f);
    struct tb_head bad = good;
    memset(&bad.last_id, 0, sizeof(bad.last_id));
    set_head(f, &bad);
    assert_damage(f, "task %s: it is newer than the board", fixture_id(f, id));
    set_head(f, &good);
}

static void take_key(struct tb_task *task)
{
    task->unique_key = TB_STR("k");
}

static void leave_key(struct tb_task *task)
{
    task->unique_key = TB_STR_NONE;
}

static void two_tasks_with_one_key_are_found(void **state)
{
    struct fixture *f = *state;
    fixture_create(f, "{'title':'t','createdBy':'a','uniqueKey':'k'}");
    struct tb_id id = fixture_task_named(f, "t");
    check_task_damage(f, id, take_key, leave_key, "its uniqueKey does not lead to it");
}

static void one_more_note(struct tb_task *task)
{
    task->note_count++;
}

static void one_note_less(struct tb_task *task)
{
    task->note_count--;
}

static void one_more_byte(struct tb_task *task)
{
    task->notes_bytes++;
}

static void one_byte_less(struct tb_task *task)
{
    task->notes_bytes--;
}

static void one_more_artifact(struct tb_task *task)
{
    task->artifact_count++;
}

static void one_artifact_less(struct tb_task *task)
{
    task->artifact_count--;
}

static void miscounted_notes_and_artifacts_are_found(void **state)
{
    struct fixture *f = *state;
    static const char what[] = "its notes or artifacts are miscounted";
    struct tb_id id = fixture_task_named(f, "t");
    fixture_send(f, TB_COMMAND_REVIEW, id,
                 "{'summary':'s','artifacts':[{'type':'url','url':'u','label':'l'}]}");
    check_task_damage(f, id, one_more_note, one_note_less, what);
    check_task_damage(f, id, one_note_less, one_more_note, what);
    check_task_damage(f, id, one_more_byte, one_byte_less, what);
    check_task_damage(f, id, one_more_artifact, one_artifact_less, what);
    check_task_damage(f, id, one_artifact_less, one_more_artifact, what);
}

static void be_ready_tomorrow(struct tb_task *task)
{
    task->ready_ms += 86400000;
}

static void be_ready_today(struct tb_task *task)
{
    task->ready_ms -= 86400000;
}

static void forget_ready(struct tb_task *task)
{
    task->ready_ms = 0;
}

static void be_ready_since_the_start(struct tb_task *task)
{
    task->ready_ms = FIXTURE_START_MS;
}

static void a_wrong_instant_of_readiness_is_found(void **state)
{
    struct fixture *f = *state;
    static const char what[] = "nobody knows since when it has been ready";
    struct tb_id id = fixture_task_named(f, "t");
    check_task_damage(f, id, be_ready_tomorrow, be_ready_today, what);
    check_task_damage(f, id, forget_ready, be_ready_since_the_start, what);
    struct tb_id waiting = fixture_create(f, "{'title':'w','createdBy':'a','dependencies':['x']}");
    check_task_damage(f, waiting, be_ready_since_the_start, forget_ready, what);
}

/* --- claims --- */

static void claim_ahead(struct tb_task *task)
{
    task->claim.generation += 5;
}

static void claim_back(struct tb_task *task)
{
    task->claim.generation -= 5;
}

static void claim_for_no_time(struct tb_task *task)
{
    task->claim.lease_ms = 0;
}

static void claim_for_some_time(struct tb_task *task)
{
    task->claim.lease_ms = 300000;
}

static void be_another_attempt(struct tb_task *task)
{
    task->claim.attempt++;
}

static void be_that_attempt(struct tb_task *task)
{
    task->claim.attempt--;
}

static void stop_expiring(struct tb_task *task)
{
    task->due_ms = 0;
}

static void expire_in_time(struct tb_task *task)
{
    task->due_ms = task->claim.expires_ms;
}

static void expire_too_late(struct tb_task *task)
{
    task->due_ms = task->claim.expires_ms + 1;
}

static void claim_more_often(struct tb_task *task)
{
    task->claims++;
}

static void claim_less_often(struct tb_task *task)
{
    task->claims--;
}

static void try_more_often(struct tb_task *task)
{
    task->attempts += 2;
}

static void try_less_often(struct tb_task *task)
{
    task->attempts -= 2;
}

static void a_wrong_claim_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_claim(f, "ann");
    check_task_damage(f, id, claim_ahead, claim_back, "its claim is wrong");
    check_task_damage(f, id, claim_for_no_time, claim_for_some_time, "its claim is wrong");
    check_task_damage(f, id, be_another_attempt, be_that_attempt, "its claim is wrong");
    check_task_damage(f, id, claim_more_often, claim_less_often, "its claim is wrong");
    check_task_damage(f, id, stop_expiring, expire_in_time, "nothing will end its lease");
    check_task_damage(f, id, expire_too_late, expire_in_time, "nothing will end its lease");
    check_task_damage(f, id, try_more_often, try_less_often, "it counts more attempts than claims");
}

static void reserve(struct tb_task *task)
{
    task->reserved_for = TB_STR("bob");
}

static void stop_reserving(struct tb_task *task)
{
    task->reserved_for = TB_STR_NONE;
}

static void keep_a_lease(struct tb_task *task)
{
    task->claim.lease_ms = 5;
}

static void keep_no_lease(struct tb_task *task)
{
    task->claim.lease_ms = 0;
}

static void what_is_left_of_a_claim_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    check_task_damage(f, id, reserve, stop_reserving, "something is left of a claim");
    check_task_damage(f, id, keep_a_lease, keep_no_lease, "something is left of a claim");
}

typedef void damage_attempt(struct tb_attempt *attempt);

static void change_attempt(struct fixture *f, struct tb_id id, uint32_t number,
                           damage_attempt *damage)
{
    struct tb_attempt attempt;
    fixture_begin(f);
    assert_int_equal(tb_get_attempt(f->txn, id, number, &attempt), TB_OK);
    damage(&attempt);
    tb_attempt_render(&attempt, f->batch_arena);
    assert_int_equal(tb_put_attempt(f->txn, id, &attempt), TB_OK);
    fixture_commit(f);
}

static void go_on(struct tb_attempt *attempt)
{
    attempt->outcome = TB_ATTEMPT_RUNNING;
}

static void be_released(struct tb_attempt *attempt)
{
    attempt->outcome = TB_ATTEMPT_RELEASED;
}

static void end_before_the_start(struct tb_attempt *attempt)
{
    attempt->ended_ms--;
}

static void end_at_the_start(struct tb_attempt *attempt)
{
    attempt->ended_ms++;
}

static void be_of_the_second_claim(struct tb_attempt *attempt)
{
    attempt->generation = 2;
}

static void be_of_the_third_claim(struct tb_attempt *attempt)
{
    attempt->generation = 3;
}

static void check_attempt_damage(struct fixture *f, struct tb_id id, uint32_t number,
                                 damage_attempt *damage, damage_attempt *repair)
{
    change_attempt(f, id, number, damage);
    assert_damage(f, "task %s: its attempts are wrong", fixture_id(f, id));
    change_attempt(f, id, number, repair);
    assert_verified(f);
}

static void wrong_attempts_are_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    for (int i = 0; i < 3; i++) {
        fixture_hold(f, TB_COMMAND_RELEASE, fixture_claim_task(f, id, "ann"), "%s", "");
    }
    check_attempt_damage(f, id, 1, go_on, be_released);
    check_attempt_damage(f, id, 2, end_before_the_start, end_at_the_start);
    check_attempt_damage(f, id, 3, be_of_the_second_claim, be_of_the_third_claim);
    check_task_damage(f, id, claim_more_often, claim_less_often, "its attempts are wrong");
    check_task_damage(f, id, claim_less_often, claim_more_often, "its attempts are wrong");
}

static void a_generation_that_was_given_twice_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id ids[2];
    for (size_t i = 0; i < COUNT(ids); i++) {
        ids[i] = fixture_task_named(f, "t");
        fixture_hold(f, TB_COMMAND_RELEASE, fixture_claim_task(f, ids[i], "ann"), "%s", "");
    }
    fixture_hold(f, TB_COMMAND_RELEASE, fixture_claim_task(f, ids[0], "ann"), "%s", "");
    change_attempt(f, ids[1], 1, be_of_the_third_claim);
    assert_damage(f, "generation 3 was given twice, or never");
    change_attempt(f, ids[1], 1, be_of_the_second_claim);
    struct tb_head good = fixture_head(f);
    struct tb_head bad = good;
    bad.generation = 2;
    set_head(f, &bad);
    assert_damage(f, "generation 3 was given twice, or never");
    set_head(f, &good);
}

/* --- counters and log --- */

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

/* --- VMs --- */

typedef void damage_vm(struct tb_vm *vm);

static void change_vm_behind(struct fixture *f, const char *id, damage_vm *damage)
{
    struct tb_vm old;
    fixture_begin(f);
    assert_int_equal(tb_get_vm(f->txn, tb_str_c(id), &old), TB_OK);
    struct tb_vm vm = old;
    damage(&vm);
    tb_vm_render(&vm, f->batch_arena);
    assert_int_equal(tb_put_vm(f->txn, &old, &vm), TB_OK);
    fixture_commit(f);
}

static void forget_when_due(struct tb_vm *vm)
{
    vm->due_ms = 0;
}

static void know_when_due(struct tb_vm *vm)
{
    vm->due_ms = FIXTURE_START_MS + 300000;
}

static void spare_for_nothing(struct tb_vm *vm)
{
    vm->status = TB_VM_PAUSED;
    vm->due_ms = 0;
    vm->spared = true;
}

static void run_again(struct tb_vm *vm)
{
    vm->status = TB_VM_RUNNING;
    vm->spared = false;
    know_when_due(vm);
}

static void come_from_the_future(struct tb_vm *vm)
{
    vm->seen_ms += 5;
}

static void come_back_from_there(struct tb_vm *vm)
{
    vm->seen_ms -= 5;
}

static void be_stale(struct tb_vm *vm)
{
    vm->stale_ms = FIXTURE_START_MS;
    vm->due_ms = 0;
}

static void be_well(struct tb_vm *vm)
{
    vm->stale_ms = 0;
    know_when_due(vm);
}

static void a_vm_that_is_kept_wrongly_is_found(void **state)
{
    struct fixture *f = *state;
    static const struct {
        damage_vm *damage;
        damage_vm *repair;
        const char *what;
    } rows[] = {
        {forget_when_due, know_when_due,
         "the timer does not know when to look at it, or it has kept claims"},
        {spare_for_nothing, run_again,
         "the timer does not know when to look at it, or it has kept claims"},
        {come_from_the_future, come_back_from_there, "its times are wrong"},
        {be_stale, be_well, "the timer does not know when to look at it, or it has kept claims"},
    };
    fixture_register(f, "a", 300);
    fixture_claim_on(f, fixture_task_named(f, "t"), "a", 60);
    for (size_t i = 0; i < COUNT(rows); i++) {
        change_vm_behind(f, "a", rows[i].damage);
        assert_damage(f, "VM a: %s", rows[i].what);
        change_vm_behind(f, "a", rows[i].repair);
        assert_verified(f);
    }
}

static void miscounted_vms_are_found(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "a", 300);
    struct tb_head good = fixture_head(f);
    struct tb_head bad = good;
    bad.vms = 2;
    set_head(f, &bad);
    assert_damage(f, "2 VMs, 1 of them running, are said, there are 1, 1");
    bad = good;
    bad.running_vms = 0;
    set_head(f, &bad);
    assert_damage(f, "1 VMs, 0 of them running, are said, there are 1, 1");
    set_head(f, &good);
}

static void take_off_the_vm(struct tb_task *task)
{
    task->claim_vm = TB_STR("nobody");
}

static void put_on_the_vm(struct tb_task *task)
{
    task->claim_vm = TB_STR("a");
}

static void a_claim_of_no_vm_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_register(f, "a", 300);
    fixture_claim_on(f, id, "a", 60);
    check_task_damage(f, id, take_off_the_vm, put_on_the_vm, "its claim is wrong");
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

/* --- credentials --- */

static struct tb_credential a_token(struct fixture *f)
{
    return (struct tb_credential){
        .id = fixture_head(f).last_id,
        .kind = TB_CREDENTIAL_TOKEN,
        .role = TB_ROLE_WORKER,
        .created_ms = fixture_head(f).last_ms,
        .name = TB_STR("farm"),
    };
}

/* Stored behind the rules' back, and deleted again. */
static void check_credential_damage(struct fixture *f, struct tb_credential credential,
                                    const char *what)
{
    fixture_begin(f);
    tb_credential_render(&credential, f->batch_arena);
    assert_int_equal(tb_put_credential(f->txn, &credential), TB_OK);
    fixture_commit(f);
    assert_damage(f, "credential %s: %s", fixture_id(f, credential.id), what);
    fixture_begin(f);
    assert_int_equal(tb_delete_credential(f->txn, credential.id), TB_OK);
    fixture_commit(f);
    assert_verified(f);
}

static void a_credential_of_the_wrong_time_is_found(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "t");
    struct tb_credential token = a_token(f);
    token.created_ms++;
    check_credential_damage(f, token, "its times are wrong");
    token = a_token(f);
    token.expires_ms = token.created_ms;
    check_credential_damage(f, token, "its times are wrong");
    token = a_token(f);
    memset(token.id.bytes, 0x7f, sizeof(token.id.bytes));
    check_credential_damage(f, token, "its times are wrong");
    struct tb_credential session = a_token(f);
    session.kind = TB_CREDENTIAL_SESSION;
    session.parent = (struct tb_id){{1}};
    check_credential_damage(f, session, "its times are wrong");
}

static void a_credential_of_the_wrong_parent_is_found(void **state)
{
    static const char wrong[] = "it does not come from a token that has its rights";
    struct fixture *f = *state;
    fixture_send(f, TB_COMMAND_TOKEN_CREATE, (struct tb_id){{0}}, "{'name':'n','role':'viewer'}");
    struct tb_id parent;
    struct tb_str text = fixture_member(f->reply.body, "id");
    assert_true(tb_ulid_parse(tb_str_from(text.ptr + 1, TB_ULID_LEN), &parent));
    fixture_task_named(f, "t");
    struct tb_credential token = a_token(f);
    token.parent = parent;
    check_credential_damage(f, token, wrong);
    struct tb_credential link = a_token(f);
    link.kind = TB_CREDENTIAL_LINK;
    link.expires_ms = link.created_ms + 1;
    check_credential_damage(f, link, wrong);
    link.parent = parent; /* a viewer's */
    check_credential_damage(f, link, wrong);
}

static void a_credential_whose_view_is_another_is_found(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "t");
    struct tb_credential token = a_token(f);
    fixture_begin(f);
    tb_credential_render(&token, f->batch_arena);
    token.role = TB_ROLE_ADMIN;
    assert_int_equal(tb_put_credential(f->txn, &token), TB_OK);
    fixture_commit(f);
    assert_damage(f, "credential %s: it is not stored well", fixture_id(f, token.id));
    fixture_begin(f);
    assert_int_equal(tb_delete_credential(f->txn, token.id), TB_OK);
    fixture_commit(f);
}

static void more_credentials_than_changes_of_them_are_found(void **state)
{
    struct fixture *f = *state;
    fixture_send(f, TB_COMMAND_TOKEN_CREATE, (struct tb_id){{0}}, "{'name':'n','role':'viewer'}");
    struct tb_head good = fixture_head(f);
    struct tb_head bad = good;
    bad.credential_changes = 0;
    set_head(f, &bad);
    assert_damage(f, "there are 1 credentials after 0 changes of them");
    set_head(f, &good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_good_board_is_found_good),
        fixture_test(a_delay_that_is_over_but_not_yet_handled_is_no_damage),
        fixture_test(a_batch_is_verified_as_it_stands),
        fixture_test(a_long_reason_is_cut_to_fit),
        fixture_test(every_fault_is_told),
        fixture_test(a_change_that_is_yet_to_come_is_found),
        fixture_test(an_event_out_of_order_or_from_the_future_is_found),
        fixture_test(what_is_shown_must_be_what_is_stored),
        fixture_test(a_wrong_blocked_by_is_found),
        fixture_test(readiness_that_came_too_early_is_found),
        fixture_test(readiness_that_would_never_come_is_found),
        fixture_test(being_due_without_a_reason_is_found),
        fixture_test(a_ready_task_that_is_due_is_found),
        fixture_test(an_outcome_that_does_not_fit_is_found),
        fixture_test(a_reason_that_does_not_fit_is_found),
        fixture_test(a_wrong_rank_is_found),
        fixture_test(a_task_that_is_newer_than_the_board_is_found),
        fixture_test(two_tasks_with_one_key_are_found),
        fixture_test(miscounted_notes_and_artifacts_are_found),
        fixture_test(a_wrong_instant_of_readiness_is_found),
        fixture_test(a_wrong_claim_is_found),
        fixture_test(what_is_left_of_a_claim_is_found),
        fixture_test(wrong_attempts_are_found),
        fixture_test(a_generation_that_was_given_twice_is_found),
        fixture_test(wrong_counters_are_found),
        fixture_test(wrong_counters_of_the_summary_are_found),
        fixture_test(pauses_that_are_not_what_the_head_says_are_found),
        fixture_test(a_vm_that_is_kept_wrongly_is_found),
        fixture_test(miscounted_vms_are_found),
        fixture_test(a_claim_of_no_vm_is_found),
        fixture_test(a_feed_that_was_cleared_in_the_future_is_found),
        fixture_test(a_log_that_is_shorter_than_the_head_says_is_found),
        fixture_test(a_log_that_begins_where_the_head_says_is_good),
        fixture_test(a_credential_of_the_wrong_time_is_found),
        fixture_test(a_credential_of_the_wrong_parent_is_found),
        fixture_test(a_credential_whose_view_is_another_is_found),
        fixture_test(more_credentials_than_changes_of_them_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
