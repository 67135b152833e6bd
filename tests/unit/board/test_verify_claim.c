#include "unit/board/damage_check.h"

static void claim_ahead(struct tb_task *task)
{
    task->claim.generation += 5;
}

static void claim_for_no_time(struct tb_task *task)
{
    task->claim.lease_ms = 0;
}

static void be_another_attempt(struct tb_task *task)
{
    task->claim.attempt++;
}

static void stop_expiring(struct tb_task *task)
{
    task->due_ms = 0;
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

static void be_open(struct tb_task *task)
{
    task->status = TB_STATUS_OPEN;
}

static void forget_whose_it_was(struct tb_task *task)
{
    task->reserved_for = TB_STR_NONE;
}

static void be_claimed_never(struct tb_task *task)
{
    task->claim.claimed_ms = 0;
}

static void be_claimed_tomorrow(struct tb_task *task)
{
    task->claim.claimed_ms += 86400000;
}

static void expire_at_once(struct tb_task *task)
{
    task->claim.expires_ms = task->claim.claimed_ms;
    task->due_ms = task->claim.expires_ms;
}

static void a_wrong_claim_is_found(void **state)
{
    static damage_task *const damages[] = {
        claim_ahead,         claim_for_no_time, be_another_attempt,  claim_more_often, be_open,
        forget_whose_it_was, be_claimed_never,  be_claimed_tomorrow, expire_at_once};
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_claim(f, "ann");
    for (size_t i = 0; i < COUNT(damages); i++) {
        assert_task_damage(f, id, damages[i], "its claim is wrong");
    }
    assert_task_damage(f, id, stop_expiring, "nothing will end its lease");
    assert_task_damage(f, id, expire_too_late, "nothing will end its lease");
    assert_task_damage(f, id, try_more_often, "it counts more attempts than claims");
}

static void reserve(struct tb_task *task)
{
    task->reserved_for = TB_STR("bob");
}

static void keep_a_lease(struct tb_task *task)
{
    task->claim.lease_ms = 5;
}

static void keep_an_attempt(struct tb_task *task)
{
    task->claim.attempt = 1;
}

static void keep_a_start(struct tb_task *task)
{
    task->claim.claimed_ms = FIXTURE_START_MS;
}

static void keep_an_end(struct tb_task *task)
{
    task->claim.expires_ms = FIXTURE_START_MS;
}

static void keep_progress(struct tb_task *task)
{
    task->progress_told_ms = FIXTURE_START_MS;
}

static void what_is_left_of_a_claim_is_found(void **state)
{
    static damage_task *const damages[] = {reserve,      keep_a_lease, keep_an_attempt,
                                           keep_a_start, keep_an_end,  keep_progress};
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    for (size_t i = 0; i < COUNT(damages); i++) {
        assert_task_damage(f, id, damages[i], "something is left of a claim");
    }
}

static void take_off_the_vm(struct tb_task *task)
{
    task->claim_vm = TB_STR("nobody");
}

static void a_claim_of_no_vm_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_register(f, "a", 300);
    fixture_claim_on(f, id, "a", 60);
    assert_task_damage(f, id, take_off_the_vm, "its claim is wrong");
}

/* --- attempts --- */

typedef void damage_attempt(struct tb_attempt *attempt);

/* Into the open batch. */
static void change_attempt(struct fixture *f, struct tb_id id, uint32_t number,
                           damage_attempt *damage)
{
    struct tb_attempt attempt;
    assert_int_equal(tb_get_attempt(f->txn, id, number, &attempt), TB_OK);
    damage(&attempt);
    tb_attempt_render(&attempt, f->batch_arena);
    assert_int_equal(tb_put_attempt(f->txn, id, &attempt), TB_OK);
}

static void go_on(struct tb_attempt *attempt)
{
    attempt->outcome = TB_ATTEMPT_RUNNING;
}

static void end_before_the_start(struct tb_attempt *attempt)
{
    attempt->ended_ms--;
}

static void end_tomorrow(struct tb_attempt *attempt)
{
    attempt->ended_ms += 86400000;
}

static void be_late_with_nothing(struct tb_attempt *attempt)
{
    attempt->late = true;
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
                                 damage_attempt *damage)
{
    fixture_begin(f);
    change_attempt(f, id, number, damage);
    assert_damage(f, "task %s: its attempts are wrong", fixture_id(f, id));
    fixture_abort(f);
}

/* Is claimed so often, and not any more. */
static struct tb_id tried_task(struct fixture *f, int times)
{
    struct tb_id id = fixture_task_named(f, "t");
    for (int i = 0; i < times; i++) {
        fixture_hold(f, TB_COMMAND_RELEASE, fixture_claim_task(f, id, "ann"), "%s", "");
    }
    return id;
}

static void wrong_attempts_are_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = tried_task(f, 3);
    check_attempt_damage(f, id, 1, go_on);
    check_attempt_damage(f, id, 2, end_before_the_start);
    check_attempt_damage(f, id, 2, end_tomorrow);
    check_attempt_damage(f, id, 2, be_late_with_nothing);
    check_attempt_damage(f, id, 3, be_of_the_second_claim);
    assert_task_damage(f, id, claim_more_often, "its attempts are wrong");
    assert_task_damage(f, id, claim_less_often, "its attempts are wrong");
}

static void an_attempt_that_is_missing_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = tried_task(f, 3);
    for (uint32_t number = 1; number <= 3; number++) {
        fixture_begin(f);
        assert_int_equal(tb_delete_attempt(f->txn, id, number), TB_OK);
        assert_damage(f, "task %s: its attempts are wrong", fixture_id(f, id));
        fixture_abort(f);
    }
}

static void claim_of_an_earlier_generation(struct tb_task *task)
{
    task->claim.generation = 1;
}

static void a_claim_that_is_older_than_an_attempt_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = tried_task(f, 1);
    (void)fixture_claim_task(f, id, "ann");
    assert_task_damage(f, id, claim_of_an_earlier_generation, "its attempts are wrong");
}

static void a_generation_that_was_given_twice_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id first = tried_task(f, 1);
    struct tb_id second = tried_task(f, 1);
    fixture_hold(f, TB_COMMAND_RELEASE, fixture_claim_task(f, first, "ann"), "%s", "");
    fixture_begin(f);
    change_attempt(f, second, 1, be_of_the_third_claim);
    assert_damage(f, "generation 3 was given twice, or never");
    fixture_abort(f);
    fixture_begin(f);
    tb_txn_head(f->txn)->generation = 2;
    assert_damage(f, "generation 3 was given twice, or never");
    fixture_abort(f);
}

/* However many there are. */
static void all_generations_are_held_against_one_another(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++) {
        (void)tried_task(f, 99);
    }
    struct tb_id last = tried_task(f, 1);
    assert_verified(f);
    fixture_begin(f);
    change_attempt(f, last, 1, be_of_the_third_claim);
    assert_damage(f, "generation 3 was given twice, or never");
    fixture_abort(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_wrong_claim_is_found),
        fixture_test(what_is_left_of_a_claim_is_found),
        fixture_test(a_claim_of_no_vm_is_found),
        fixture_test(wrong_attempts_are_found),
        fixture_test(an_attempt_that_is_missing_is_found),
        fixture_test(a_claim_that_is_older_than_an_attempt_is_found),
        fixture_test(a_generation_that_was_given_twice_is_found),
        fixture_test(all_generations_are_held_against_one_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
