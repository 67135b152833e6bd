/* Wall time that never goes back, for instants that are stored and judged later.
 *
 * As long as the machine's clock goes forward, this is its time. When that was set back, or the
 * latest stored instant lies ahead of it, time goes on from where it was, a tenth slower than it
 * passes, until the machine's clock has caught up: a lease or a delay then lasts at most a ninth
 * longer than it was meant to, not as long as the clock was wrong.
 *
 * For one thread. */
#ifndef TB_BASE_STEADY_H
#define TB_BASE_STEADY_H

#include "base/clock.h"

struct tb_steady {
    const struct tb_clock *clock; /* borrowed */
    int64_t last_ms;              /* what it last said */
    int64_t last_us;              /* monotonic time of that */
};

/* Time begins at `least_ms` or later. */
void tb_steady_init(struct tb_steady *steady, const struct tb_clock *clock, int64_t least_ms);

int64_t tb_steady_now_ms(struct tb_steady *steady);

#endif
