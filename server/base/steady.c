#include "base/steady.h"

#define US_PER_SLOW_MS                                                                             \
    1112 /* while the machine's clock is behind: nine tenths of the usual pace                     \
          */

void tb_steady_init(struct tb_steady *steady, const struct tb_clock *clock, int64_t least_ms)
{
    *steady = (struct tb_steady){
        .clock = clock,
        .last_ms = least_ms,
        .last_us = tb_clock_monotonic_us(clock),
    };
}

int64_t tb_steady_now_ms(struct tb_steady *steady)
{
    int64_t wall_ms = tb_clock_wall_ms(steady->clock);
    int64_t now_us = tb_clock_monotonic_us(steady->clock);
    int64_t slow_ms = (now_us - steady->last_us) / US_PER_SLOW_MS;
    if (wall_ms >= steady->last_ms + slow_ms) {
        steady->last_ms = wall_ms;
        steady->last_us = now_us;
    } else if (slow_ms > 0) { /* the rest of a millisecond is kept for the next time */
        steady->last_ms += slow_ms;
        steady->last_us += slow_ms * US_PER_SLOW_MS;
    }
    return steady->last_ms;
}
