#include "check.h"

#include <time.h>

#include "base/clock.h"

static int64_t read_ns(clockid_t id)
{
    struct timespec now;
    assert_int_equal(clock_gettime(id, &now), 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void clock_of_the_machine_tells_wall_time_in_milliseconds(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        int64_t before_ns = read_ns(CLOCK_REALTIME);
        int64_t now_ms = tb_clock_wall_ms(tb_clock_system());
        assert_true(now_ms >= before_ns / 1000000);
        assert_true(now_ms <= read_ns(CLOCK_REALTIME) / 1000000);
    }
}

static void clock_of_the_machine_never_goes_back(void **state)
{
    (void)state;
    const struct tb_clock *clock = tb_clock_system();
    int64_t last_us = tb_clock_monotonic_us(clock);
    for (unsigned i = 0; i < 10000; i++) {
        int64_t now_us = tb_clock_monotonic_us(clock);
        assert_true(now_us >= last_us);
        last_us = now_us;
    }
}

static void clock_of_the_machine_counts_microseconds(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        int64_t before_ns = read_ns(CLOCK_MONOTONIC);
        int64_t now_us = tb_clock_monotonic_us(tb_clock_system());
        assert_true(now_us >= before_ns / 1000);
        assert_true(now_us <= read_ns(CLOCK_MONOTONIC) / 1000);
    }
}

static void clock_that_is_fake_stands_still_until_it_is_moved(void **state)
{
    (void)state;
    struct tb_fake_clock fake;
    tb_fake_clock_init(&fake, 1000);
    int64_t start_us = tb_clock_monotonic_us(&fake.clock);
    assert_int_equal(tb_clock_wall_ms(&fake.clock), 1000);
    assert_int_equal(tb_clock_wall_ms(&fake.clock), 1000);
    tb_fake_clock_advance_ms(&fake, 250);
    assert_int_equal(tb_clock_wall_ms(&fake.clock), 1250);
    assert_int_equal(tb_clock_monotonic_us(&fake.clock) - start_us, 250000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_of_the_machine_tells_wall_time_in_milliseconds),
        cmocka_unit_test(clock_of_the_machine_never_goes_back),
        cmocka_unit_test(clock_of_the_machine_counts_microseconds),
        cmocka_unit_test(clock_that_is_fake_stands_still_until_it_is_moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
