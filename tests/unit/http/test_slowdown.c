#include "unit/base/check.h"

#include "http/slowdown.h"

#define SECOND_US INT64_C(1000000)

static const struct tb_address somebody = {{[10] = 0xff, [11] = 0xff, 192, 0, 2, 7}};

/* Fails `count` times at once, answering each before the next; the last verdict. */
static struct tb_slowdown_verdict fail_often(struct tb_slowdown *slowdown, unsigned count,
                                             int64_t now_us)
{
    struct tb_slowdown_verdict verdict = {false, TB_DELAY_NONE};
    for (unsigned i = 0; i < count; i++) {
        verdict = tb_slowdown_failed(slowdown, &somebody, now_us);
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
        assert_false(tb_slowdown_failed(&slowdown, &somebody, SECOND_US).refuse);
    }
    assert_true(tb_slowdown_failed(&slowdown, &somebody, SECOND_US).refuse);
    tb_slowdown_answered(&slowdown);
    assert_false(tb_slowdown_failed(&slowdown, &somebody, SECOND_US).refuse);
    assert_true(tb_slowdown_failed(&slowdown, &somebody, SECOND_US).refuse);
}

static void slowdown_of_one_client_leaves_others_alone(void **state)
{
    (void)state;
    struct tb_slowdown slowdown = {0};
    struct tb_address other = somebody;
    other.bytes[15]++;
    assert_int_equal(fail_often(&slowdown, 30, SECOND_US).delay, TB_DELAY_1_S);
    assert_int_equal(tb_slowdown_failed(&slowdown, &other, SECOND_US).delay, TB_DELAY_NONE);
}

static void slowdown_takes_a_network_of_ipv6_for_one_client(void **state)
{
    (void)state;
    struct tb_slowdown slowdown = {0};
    struct tb_slowdown_verdict verdict = {false, TB_DELAY_NONE};
    struct tb_address client = {{0x20, 1, 0x0d, 0xb8}};
    for (unsigned i = 0; i < 30; i++) {
        client.bytes[15] = (unsigned char)i;
        verdict = tb_slowdown_failed(&slowdown, &client, SECOND_US);
    }
    assert_int_equal(verdict.delay, TB_DELAY_1_S);
    client.bytes[7] = 1;
    assert_int_equal(tb_slowdown_failed(&slowdown, &client, SECOND_US).delay, TB_DELAY_NONE);
}

/* 20 failures of each of 1,000 addresses, all at once. */
static void slowdown_bites_who_has_many_addresses(void **state)
{
    (void)state;
    struct tb_slowdown slowdown = {0};
    struct tb_address client = somebody;
    unsigned fast = 0;
    for (unsigned i = 0; i < 1000; i++) {
        client.bytes[14] = (unsigned char)(i >> 8);
        client.bytes[15] = (unsigned char)i;
        for (unsigned n = 0; n < 20; n++) {
            struct tb_slowdown_verdict verdict = tb_slowdown_failed(&slowdown, &client, SECOND_US);
            fast += !verdict.refuse && verdict.delay == TB_DELAY_NONE;
            if (!verdict.refuse && verdict.delay != TB_DELAY_NONE) {
                tb_slowdown_answered(&slowdown);
            }
        }
    }
    assert_in_range(fast, 1, 5 * TB_SLOWDOWN_DEBTS);
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
        cmocka_unit_test(slowdown_of_one_client_leaves_others_alone),
        cmocka_unit_test(slowdown_takes_a_network_of_ipv6_for_one_client),
        cmocka_unit_test(slowdown_bites_who_has_many_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
