#include <assert.h>

#include "taskboard/task.h"

/* One of the two rings. */
struct ring {
    uint32_t (*slots)[TB_RATE_COUNT];
    int64_t slot_count;
    int64_t slot_ms;
};

static int64_t slot_of(const struct ring *ring, int64_t number)
{
    return number % ring->slot_count;
}

/* Moves the ring's end to slot `number`, emptying what it comes to hold anew. */
static void move_to(const struct ring *ring, int64_t *at, int64_t number)
{
    int64_t steps = number - *at;
    if (steps > ring->slot_count) {
        steps = ring->slot_count;
    }
    for (int64_t i = 0; i < steps; i++) {
        memset(ring->slots[slot_of(ring, number - i)], 0, sizeof *ring->slots);
    }
    if (number > *at) {
        *at = number;
    }
}

/* An instant behind the ring's end counts into its latest slot: time does not go back. */
static void count(const struct ring *ring, int64_t *at, enum tb_rate rate, int64_t now_ms)
{
    move_to(ring, at, now_ms / ring->slot_ms);
    uint32_t *slot = &ring->slots[slot_of(ring, *at)][rate];
    if (*slot < UINT32_MAX) {
        (*slot)++;
    }
}

void tb_rates_count(struct tb_rates *rates, enum tb_rate rate, int64_t now_ms)
{
    assert(rate < TB_RATE_COUNT && now_ms >= 0);
    const struct ring fine = {rates->fine, TB_RATE_FINE_SLOTS, TB_RATE_FINE_MS};
    const struct ring coarse = {rates->coarse, TB_RATE_COARSE_SLOTS, TB_RATE_COARSE_MS};
    count(&fine, &rates->fine_at, rate, now_ms);
    count(&coarse, &rates->coarse_at, rate, now_ms);
}

uint64_t tb_rates_within(const struct tb_rates *rates, enum tb_rate rate, int64_t window_ms,
                         int64_t now_ms)
{
    bool is_fine = window_ms <= TB_RATE_FINE_SLOTS * (int64_t)TB_RATE_FINE_MS;
    int64_t slot_ms = is_fine ? TB_RATE_FINE_MS : TB_RATE_COARSE_MS;
    int64_t slot_count = is_fine ? TB_RATE_FINE_SLOTS : TB_RATE_COARSE_SLOTS;
    int64_t at = is_fine ? rates->fine_at : rates->coarse_at;
    int64_t now = now_ms / slot_ms > at ? now_ms / slot_ms : at;
    int64_t first = now - window_ms / slot_ms + 1;
    if (first < at - slot_count + 1) {
        first = at - slot_count + 1;
    }
    if (first < 0) {
        first = 0;
    }
    uint64_t sum = 0;
    for (int64_t number = first; number <= at; number++) {
        int64_t slot = number % slot_count;
        sum += is_fine ? rates->fine[slot][rate] : rates->coarse[slot][rate];
    }
    return sum;
}
