/* Slowing failed logins: a few fast ones, then each answer waits, up to a second.
 *
 * Failures are counted by the client's address, so that one with an old token does not slow others
 * down; all that a proxy forwards for count as one where it is not among --trusted-proxy. Addresses
 * share a fixed number of debts: whoever has many of them is slowed down all the same. Answers to
 * wrong tokens are held back, and no others, so nobody can lock out a valid one. Owned by one loop;
 * no I/O. */
#ifndef TB_HTTP_SLOWDOWN_H
#define TB_HTTP_SLOWDOWN_H

#include <stdint.h>

#include "http/client.h"
#include "http/request.h"

/* Each occupies an arena. Whoever tries tokens on more connections than that is answered at once,
 * and has to connect anew. */
#define TB_SLOWDOWN_PENDING_MAX 1024

#define TB_SLOWDOWN_DEBTS 128

struct tb_slowdown_debt {
    int64_t debt_us; /* a second for each failure, paid off by time */
    int64_t seen_us; /* when debt_us was right */
};

struct tb_slowdown {
    struct tb_slowdown_debt debts[TB_SLOWDOWN_DEBTS];
    unsigned pending; /* answers being held back */
};

struct tb_slowdown_verdict {
    bool refuse; /* too many are waiting: answer 429 at once */
    enum tb_delay delay;
};

/* Counts a failure of that client at `now_us` (monotonic). A delayed one counts as pending until
 * tb_slowdown_answered. */
struct tb_slowdown_verdict tb_slowdown_failed(struct tb_slowdown *slowdown,
                                              const struct tb_address *client, int64_t now_us);
void tb_slowdown_answered(struct tb_slowdown *slowdown);

#endif
