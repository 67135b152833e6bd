#include "base/clock.h"

#include <time.h>

static int64_t system_wall_ms(void *ctx)
{
    (void)ctx;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_monotonic_us(void *ctx)
{
    (void)ctx;
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

const struct tb_clock *tb_clock_system(void)
{
    static const struct tb_clock clock = {system_wall_ms, system_monotonic_us, NULL};
    return &clock;
}

static int64_t fake_wall_ms(void *ctx)
{
    const struct tb_fake_clock *fake = ctx;
    return fake->now_ms;
}

static int64_t fake_monotonic_us(void *ctx)
{
    const struct tb_fake_clock *fake = ctx;
    return fake->now_ms * 1000;
}

void tb_fake_clock_init(struct tb_fake_clock *fake, int64_t now_ms)
{
    fake->clock = (struct tb_clock){fake_wall_ms, fake_monotonic_us, fake};
    fake->now_ms = now_ms;
}

void tb_fake_clock_advance_ms(struct tb_fake_clock *fake, int64_t ms)
{
    fake->now_ms += ms;
}
