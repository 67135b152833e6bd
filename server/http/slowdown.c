#include "http/slowdown.h"

#include <assert.h>

#define SECOND_US   INT64_C(1000000)
#define DEBT_MAX_US (30 * SECOND_US)

static enum tb_delay delay_of(int64_t debt_us)
{
    if (debt_us <= 5 * SECOND_US) {
        return TB_DELAY_NONE;
    }
    if (debt_us <= 10 * SECOND_US) {
        return TB_DELAY_100_MS;
    }
    return debt_us <= 20 * SECOND_US ? TB_DELAY_300_MS : TB_DELAY_1_S;
}

struct tb_slowdown_verdict tb_slowdown_failed(struct tb_slowdown *slowdown, int64_t now_us)
{
    int64_t passed_us = now_us - slowdown->seen_us;
    if (passed_us > 0) {
        slowdown->debt_us = passed_us < slowdown->debt_us ? slowdown->debt_us - passed_us : 0;
        slowdown->seen_us = now_us;
    }
    if (slowdown->debt_us < DEBT_MAX_US) {
        slowdown->debt_us += SECOND_US;
    }
    struct tb_slowdown_verdict verdict = {false, delay_of(slowdown->debt_us)};
    if (verdict.delay == TB_DELAY_NONE) {
        return verdict;
    }
    if (slowdown->pending == TB_SLOWDOWN_PENDING_MAX) {
        return (struct tb_slowdown_verdict){true, TB_DELAY_NONE};
    }
    slowdown->pending++;
    return verdict;
}

void tb_slowdown_answered(struct tb_slowdown *slowdown)
{
    assert(slowdown->pending > 0);
    slowdown->pending--;
}
