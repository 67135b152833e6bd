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

static void a_wrong_claim_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_claim(f, "ann");
    assert_task_damage(f, id, claim_ahead, "its claim is wrong");
    assert_task_damage(f, id, claim_for_no_time, "its claim is wrong");
    assert_task_damage(f, id, be_another_attempt, "its claim is wrong");
    assert_task_damage(f, id, claim_more_often, "its claim is wrong");
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

static void what_is_left_of_a_claim_is_found(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    assert_task_damage(f, id, reserve, "something is left of a claim");
    assert_task_damage(f, id, keep_a_lease, "something is left of a claim");
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
    assert_task_damage(f, id, claim_more_often, "its attempts are wrong");
    assert_task_damage(f, id, claim_less_often, "its attempts are wrong");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_wrong_claim_is_found),
        fixture_test(what_is_left_of_a_claim_is_found),
        fixture_test(a_claim_of_no_vm_is_found),
        fixture_test(wrong_attempts_are_found),
        fixture_test(a_generation_that_was_given_twice_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
