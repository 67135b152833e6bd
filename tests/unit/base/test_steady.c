#include "base/steady.h"
#include "check.h"

/* A machine whose two clocks a test sets apart. */
struct machine {
    struct tb_clock clock;
    int64_t wall_ms;
    int64_t monotonic_us;
    struct tb_steady steady;
};

static int64_t wall_ms(void *ctx)
{
    return ((struct machine *)ctx)->wall_ms;
}

static int64_t monotonic_us(void *ctx)
{
    return ((struct machine *)ctx)->monotonic_us;
}

static void start(struct machine *m, int64_t least_ms)
{
    *m = (struct machine){.wall_ms = 1000000, .monotonic_us = 77};
    m->clock = (struct tb_clock){wall_ms, monotonic_us, m};
    tb_steady_init(&m->steady, &m->clock, least_ms);
}

static void pass(struct machine *m, int64_t ms)
{
    m->wall_ms += ms;
    m->monotonic_us += ms * 1000;
}

static int64_t now(struct machine *m)
{
    return tb_steady_now_ms(&m->steady);
}

static void it_is_the_machines_time(void **state)
{
    (void)state;
    struct machine m;
    start(&m, 0);
    assert_int_equal(now(&m), 1000000);
    pass(&m, 250);
    assert_int_equal(now(&m), 1000250);
}

static void a_clock_set_forward_is_followed(void **state)
{
    (void)state;
    struct machine m;
    start(&m, 0);
    assert_int_equal(now(&m), 1000000);
    m.wall_ms += 3600000;
    assert_int_equal(now(&m), 4600000);
}

static void a_clock_set_back_does_not_stop_time(void **state)
{
    (void)state;
    struct machine m;
    start(&m, 0);
    assert_int_equal(now(&m), 1000000);
    m.wall_ms -= 500000;
    assert_int_equal(now(&m), 1000000);
    pass(&m, 11120);
    assert_int_equal(now(&m), 1010000);
    pass(&m, 1112);
    assert_int_equal(now(&m), 1011000);
}

static void the_machines_clock_catches_up(void **state)
{
    (void)state;
    struct machine m;
    start(&m, 0);
    assert_int_equal(now(&m), 1000000);
    m.wall_ms -= 1000;
    int64_t last_ms = now(&m);
    for (int i = 0; i < 20000; i++) {
        pass(&m, 1);
        assert_true(now(&m) >= last_ms);
        last_ms = now(&m);
    }
    assert_int_equal(last_ms, m.wall_ms);
}

static void small_steps_add_up(void **state)
{
    (void)state;
    struct machine m;
    start(&m, 0);
    (void)now(&m);
    m.wall_ms -= 500000;
    for (int i = 0; i < 11120; i++) {
        m.monotonic_us += 100;
        (void)now(&m);
    }
    assert_int_equal(now(&m), 1001000);
}

static void it_goes_on_from_the_latest_stored_instant(void **state)
{
    (void)state;
    struct machine m;
    start(&m, 2000000);
    assert_int_equal(now(&m), 2000000);
    pass(&m, 1112);
    assert_int_equal(now(&m), 2001000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_machines_time),
        cmocka_unit_test(a_clock_set_forward_is_followed),
        cmocka_unit_test(a_clock_set_back_does_not_stop_time),
        cmocka_unit_test(the_machines_clock_catches_up),
        cmocka_unit_test(small_steps_add_up),
        cmocka_unit_test(it_goes_on_from_the_latest_stored_instant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
