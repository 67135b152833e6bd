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

/* FNV-1a. */
static struct tb_slowdown_debt *debt_of(struct tb_slowdown *slowdown,
                                        const struct tb_address *client)
{
    struct tb_address block = tb_address_block(client);
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < sizeof(block.bytes); i++) {
        hash = (hash ^ block.bytes[i]) * 16777619U;
    }
    return &slowdown->debts[hash % TB_SLOWDOWN_DEBTS];
}

struct tb_slowdown_verdict tb_slowdown_failed(struct tb_slowdown *slowdown,
                                              const struct tb_address *client, int64_t now_us)
{
    struct tb_slowdown_debt *debt = debt_of(slowdown, client);
    int64_t passed_us = now_us - debt->seen_us;
    if (passed_us > 0) {
        debt->debt_us = passed_us < debt->debt_us ? debt->debt_us - passed_us : 0;
        debt->seen_us = now_us;
    }
    if (debt->debt_us < DEBT_MAX_US) {
        debt->debt_us += SECOND_US;
    }
    struct tb_slowdown_verdict verdict = {false, delay_of(debt->debt_us)};
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
