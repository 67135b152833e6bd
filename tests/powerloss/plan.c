#include "plan.h"

#include <err.h>
#include <stdlib.h>

#include "dice.h"

#define META_BYTES_END UINT64_C(8192) /* the first two pages of data.mdb */
#define META_BYTES_MAX 4096
#define EARLY_EXTRA    100
#define START_RECORDS  60 /* of a server up to its first answers */

bool plan_is_commit(const struct record *record)
{
    bool writes = record->kind == RECORDED_WRITE || record->kind == RECORDED_WRITE_SYNCED;
    /* Elsewhere LMDB writes whole pages, and to a lock file nobody writes behind its first bytes.
     */
    return writes && record->at > 0 && record->at < META_BYTES_END &&
           record->payload_bytes < META_BYTES_MAX;
}

static bool is_hot(const struct record *record)
{
    switch (record->kind) {
    case RECORDED_WRITE_SYNCED:
    case RECORDED_SYNC:
    case RECORDED_SYNC_FOLDER:
    case RECORDED_SYNC_PARENT:
    case RECORDED_ANSWER:
    case RECORDED_LIFE:
        return true;
    default:
        return plan_is_commit(record);
    }
}

static size_t count_records(const struct recording *recording)
{
    const uint8_t *bytes = (const uint8_t *)recording;
    size_t count = 0;
    for (uint64_t at = sizeof(*recording); at < recording->tail; count++) {
        at += ((const struct record *)(bytes + at))->bytes;
    }
    return count;
}

void plan_make(struct plan *plan, const struct recording *recording, uint64_t seed)
{
    const uint8_t *bytes = (const uint8_t *)recording;
    size_t records = count_records(recording);
    *plan = (struct plan){
        .seed = seed,
        .places = calloc(records + 1, sizeof(*plan->places)),
        .hot = calloc(records + 1, sizeof(*plan->hot)),
        .commits = calloc(records + 1, sizeof(*plan->commits)),
        .lives = calloc(records + 1, sizeof(*plan->lives)),
    };
    if (plan->places == NULL || plan->hot == NULL || plan->commits == NULL || plan->lives == NULL) {
        err(2, "plan");
    }
    uint64_t at = sizeof(*recording);
    plan->places[plan->count++] = at;
    while (at < recording->tail) {
        const struct record *record = (const struct record *)(bytes + at);
        at += record->bytes;
        if (is_hot(record)) {
            plan->hot[plan->hot_count++] = plan->count;
        }
        if (plan_is_commit(record)) {
            plan->commits[plan->commit_count++] = at;
        }
        if (record->kind == RECORDED_LIFE) {
            plan->lives[plan->life_count++] = plan->count;
        }
        if (record->kind == RECORDED_ANSWER && plan->early_count == 0) {
            plan->early_count = plan->count + EARLY_EXTRA;
        }
        plan->places[plan->count++] = at;
    }
    if (plan->early_count == 0 || plan->early_count > plan->count) {
        plan->early_count = plan->count;
    }
}

void plan_free(struct plan *plan)
{
    free(plan->places);
    free(plan->hot);
    free(plan->commits);
    free(plan->lives);
}

struct cut plan_cut(const struct plan *plan, uint64_t number)
{
    uint64_t dice = dice_of(plan->seed, number);
    size_t index = 0;
    if (number % PLAN_EARLY_STEP == 0) {
        index = (size_t)dice_below(&dice, plan->early_count);
    } else if (number % PLAN_EARLY_STEP == PLAN_EARLY_STEP / 2 && plan->life_count > 0) {
        index = plan->lives[dice_below(&dice, plan->life_count)] +
                (size_t)dice_below(&dice, START_RECORDS);
    } else if (plan->hot_count > 0 && dice_says(&dice, 1, 2)) {
        /* Before it, behind it, or one further. */
        index = plan->hot[dice_below(&dice, plan->hot_count)] - 1 + (size_t)dice_below(&dice, 3);
    } else {
        index = (size_t)dice_below(&dice, plan->count);
    }
    index = index < plan->count ? index : plan->count - 1;
    return (struct cut){.number = number, .at = plan->places[index], .dice = dice};
}
