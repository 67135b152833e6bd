/* The two clocks: wall time for what is stored, monotonic time for waits. Tests drive a fake. */
#ifndef TB_BASE_CLOCK_H
#define TB_BASE_CLOCK_H

#include <stdint.h>

struct tb_clock {
    int64_t (*wall_ms)(void *ctx);
    int64_t (*monotonic_us)(void *ctx);
    void *ctx;
};

/* The machine's clocks. Thread-safe. */
const struct tb_clock *tb_clock_system(void);

/* A clock that stands still until it is moved. Not thread-safe. */
struct tb_fake_clock {
    struct tb_clock clock;
    int64_t now_ms;
};

void tb_fake_clock_init(struct tb_fake_clock *fake, int64_t now_ms);
void tb_fake_clock_advance_ms(struct tb_fake_clock *fake, int64_t ms);

static inline int64_t tb_clock_wall_ms(const struct tb_clock *clock)
{
    return clock->wall_ms(clock->ctx);
}

static inline int64_t tb_clock_monotonic_us(const struct tb_clock *clock)
{
    return clock->monotonic_us(clock->ctx);
}

#endif
