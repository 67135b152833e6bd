#include "unit/base/check.h"

#include "taskboard/task.h"

#define MINUTE   INT64_C(60000)
#define START_MS INT64_C(1700000040000) /* a slot of either ring begins here */

static uint64_t within(const struct tb_rates *rates, int64_t window_ms, int64_t now_ms)
{
    return tb_rates_within(rates, TB_RATE_CREATED, window_ms, now_ms);
}

static void nothing_has_happened_at_first(void **state)
{
    (void)state;
    const struct tb_rates rates = {.fine_at = 0};
    assert_int_equal(within(&rates, MINUTE, START_MS), 0);
    assert_int_equal(within(&rates, 60 * MINUTE, START_MS), 0);
    assert_int_equal(within(&rates, 60 * MINUTE, 0), 0);
}

static void each_kind_is_counted_for_itself(void **state)
{
    (void)state;
    struct tb_rates rates = {.fine_at = 0};
    tb_rates_count(&rates, TB_RATE_CREATED, START_MS);
    tb_rates_count(&rates, TB_RATE_FAILED, START_MS);
    tb_rates_count(&rates, TB_RATE_FAILED, START_MS + 1);
    assert_int_equal(tb_rates_within(&rates, TB_RATE_CREATED, MINUTE, START_MS + 2), 1);
    assert_int_equal(tb_rates_within(&rates, TB_RATE_FAILED, MINUTE, START_MS + 2), 2);
    assert_int_equal(tb_rates_within(&rates, TB_RATE_CLAIMED, MINUTE, START_MS + 2), 0);
}

static void what_is_longer_ago_than_the_window_does_not_count(void **state)
{
    (void)state;
    struct tb_rates rates = {.fine_at = 0};
    static const int64_t windows_ms[] = {MINUTE, 5 * MINUTE, 60 * MINUTE};
    tb_rates_count(&rates, TB_RATE_CREATED, START_MS);
    for (size_t i = 0; i < COUNT(windows_ms); i++) {
        int64_t window_ms = windows_ms[i];
        assert_int_equal(within(&rates, window_ms, START_MS + window_ms - 1), 1);
        assert_int_equal(within(&rates, window_ms, START_MS + window_ms), 0);
    }
}

/* Compared with a list of all instants, to the length of a slot. */
static void windows_are_exact_to_a_slot(void **state)
{
    (void)state;
    struct tb_rates rates = {.fine_at = 0};
    int64_t instants_ms[2000];
    uint64_t random = 3;
    int64_t now_ms = START_MS;
    for (size_t count = 0; count < COUNT(instants_ms); count++) {
        now_ms += random_below(&random, 40) == 0 ? 20 * MINUTE : random_below(&random, 9000);
        instants_ms[count] = now_ms;
        tb_rates_count(&rates, TB_RATE_CREATED, now_ms);
        uint64_t fine = 0;
        uint64_t coarse = 0;
        int64_t fine_start = (now_ms / TB_RATE_FINE_MS - 59) * TB_RATE_FINE_MS;
        int64_t coarse_start = (now_ms / TB_RATE_COARSE_MS - 29) * TB_RATE_COARSE_MS;
        for (size_t i = 0; i <= count; i++) {
            fine += instants_ms[i] >= fine_start ? 1 : 0;
            coarse += instants_ms[i] >= coarse_start ? 1 : 0;
        }
        assert_int_equal(within(&rates, 5 * MINUTE, now_ms), fine);
        assert_int_equal(within(&rates, 60 * MINUTE, now_ms), coarse);
    }
}

static void a_clock_that_goes_back_counts_into_the_latest_slot(void **state)
{
    (void)state;
    struct tb_rates rates = {.fine_at = 0};
    tb_rates_count(&rates, TB_RATE_CREATED, START_MS);
    tb_rates_count(&rates, TB_RATE_CREATED, START_MS - 10 * MINUTE);
    assert_int_equal(within(&rates, MINUTE, START_MS), 2);
    assert_int_equal(within(&rates, MINUTE, START_MS - 10 * MINUTE), 2);
}

static void a_full_slot_stays_full(void **state)
{
    (void)state;
    struct tb_rates rates = {.fine_at = 0};
    tb_rates_count(&rates, TB_RATE_CREATED, START_MS);
    rates.fine[rates.fine_at % TB_RATE_FINE_SLOTS][TB_RATE_CREATED] = UINT32_MAX;
    tb_rates_count(&rates, TB_RATE_CREATED, START_MS);
    assert_int_equal(within(&rates, MINUTE, START_MS), UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_has_happened_at_first),
        cmocka_unit_test(each_kind_is_counted_for_itself),
        cmocka_unit_test(what_is_longer_ago_than_the_window_does_not_count),
        cmocka_unit_test(windows_are_exact_to_a_slot),
        cmocka_unit_test(a_clock_that_goes_back_counts_into_the_latest_slot),
        cmocka_unit_test(a_full_slot_stays_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
