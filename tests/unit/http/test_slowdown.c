#include "unit/base/check.h"

#include "http/slowdown.h"

#define SECOND_US INT64_C(1000000)

/* Fails `count` times at once, answering each before the next; the last verdict. */
static struct tb_slowdown_verdict fail_often(struct tb_slowdown *slowdown, unsigned count,
                                             int64_t now_us)
{
    struct tb_slowdown_verdict verdict = {false, TB_DELAY_NONE};
    for (unsigned i = 0; i < count; i++) {
        verdict = tb_slowdown_failed(slowdown, now_us);
        if (!verdict.refuse && verdict.delay != TB_DELAY_NONE) {
            tb_slowdown_answered(slowdown);
        }
    }
    return verdict;
}

static void slowdown_lets_a_few_failures_through_at_once(void **state)
{
    (void)state;
    struct tb_slowdown slowdown = {0};
    assert_int_equal(fail_often(&slowdown, 5, 7 * SECOND_US).delay, TB_DELAY_NONE);
    assert_int_equal(fail_often(&slowdown, 1, 7 * SECOND_US).delay, TB_DELAY_100_MS);
}

static void slowdown_grows_with_failures_up_to_a_second(void **state)
{
    (void)state;
    struct tb_slowdown slowdown = {0};
    assert_int_equal(fail_often(&slowdown, 10, SECOND_US).delay, TB_DELAY_100_MS);
    assert_int_equal(fail_often(&slowdown, 10, SECOND_US).delay, TB_DELAY_300_MS);
    assert_int_equal(fail_often(&slowdown, 1, SECOND_US).delay, TB_DELAY_1_S);
    assert_int_equal(fail_often(&slowdown, 100000, SECOND_US).delay, TB_DELAY_1_S);
}

static void slowdown_is_forgotten_in_half_a_minute(void **state)
{
    (void)state;
    struct tb_slowdown slowdown = {0};
    (void)fail_often(&slowdown, 100000, SECOND_US);
    assert_int_equal(fail_often(&slowdown, 1, 12 * SECOND_US).delay, TB_DELAY_300_MS);
    assert_int_equal(fail_often(&slowdown, 1, 32 * SECOND_US).delay, TB_DELAY_NONE);
}

static void slowdown_never_bites_who_fails_once_in_a_second(void **state)
{
    (void)state;
    struct tb_slowdown slowdown = {0};
    for (int64_t second = 1; second < 1000; second++) {
        assert_int_equal(fail_often(&slowdown, 1, second * SECOND_US).delay, TB_DELAY_NONE);
    }
}

static void slowdown_does_not_mind_a_clock_that_stands_still(void **state)
{
    (void)state;
    struct tb_slowdown slowdown = {0};
    (void)fail_often(&slowdown, 20, 9 * SECOND_US);
    assert_int_equal(fail_often(&slowdown, 1, 8 * SECOND_US).delay, TB_DELAY_1_S);
}

static void slowdown_holds_back_so_many_answers_and_refuses_the_rest(void **state)
{
    (void)state;
    struct tb_slowdown slowdown = {0};
    (void)fail_often(&slowdown, 30, SECOND_US);
    for (unsigned i = 0; i < TB_SLOWDOWN_PENDING_MAX; i++) {
        assert_false(tb_slowdown_failed(&slowdown, SECOND_US).refuse);
    }
    assert_true(tb_slowdown_failed(&slowdown, SECOND_US).refuse);
    tb_slowdown_answered(&slowdown);
    assert_false(tb_slowdown_failed(&slowdown, SECOND_US).refuse);
    assert_true(tb_slowdown_failed(&slowdown, SECOND_US).refuse);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slowdown_lets_a_few_failures_through_at_once),
        cmocka_unit_test(slowdown_grows_with_failures_up_to_a_second),
        cmocka_unit_test(slowdown_is_forgotten_in_half_a_minute),
        cmocka_unit_test(slowdown_never_bites_who_fails_once_in_a_second),
        cmocka_unit_test(slowdown_does_not_mind_a_clock_that_stands_still),
        cmocka_unit_test(slowdown_holds_back_so_many_answers_and_refuses_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
