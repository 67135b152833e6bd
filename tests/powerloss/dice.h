/* Chance that can be had again: what an image is made of follows from the seed and its number. */
#ifndef TB_TESTS_POWERLOSS_DICE_H
#define TB_TESTS_POWERLOSS_DICE_H

#include <stdbool.h>
#include <stdint.h>

/* splitmix64 */
static inline uint64_t dice_next(uint64_t *dice)
{
    uint64_t z = (*dice += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline uint64_t dice_of(uint64_t seed, uint64_t number)
{
    uint64_t dice = seed;
    uint64_t first = dice_next(&dice);
    dice = first ^ (number * UINT64_C(0xd6e8feb86659fd93));
    (void)dice_next(&dice);
    return dice;
}

/* 0 to count - 1 */
static inline uint64_t dice_below(uint64_t *dice, uint64_t count)
{
    return count == 0 ? 0 : dice_next(dice) % count;
}

/* True `times` out of `of`. */
static inline bool dice_says(uint64_t *dice, uint64_t times, uint64_t of)
{
    return dice_below(dice, of) < times;
}

#endif
