/* Slowing failed logins: a few fast ones, then each answer waits, up to a second.
 *
 * The policy knows no addresses: all clients may share one proxy. It holds back answers to wrong
 * tokens only, so nobody can lock out a valid one. Owned by one loop; no I/O. */
#ifndef TB_HTTP_SLOWDOWN_H
#define TB_HTTP_SLOWDOWN_H

#include <stdint.h>

#include "http/request.h"

#define TB_SLOWDOWN_PENDING_MAX 64

struct tb_slowdown {
    int64_t debt_us;  /* a second for each failure, paid off by time */
    int64_t seen_us;  /* when debt_us was right */
    unsigned pending; /* answers being held back */
};

struct tb_slowdown_verdict {
    bool refuse; /* too many are waiting: answer 429 at once */
    enum tb_delay delay;
};

/* Counts a failure at `now_us` (monotonic). A delayed one counts as pending until
 * tb_slowdown_answered. */
struct tb_slowdown_verdict tb_slowdown_failed(struct tb_slowdown *slowdown, int64_t now_us);
void tb_slowdown_answered(struct tb_slowdown *slowdown);

#endif
