/* When the power goes: a moment for each image, which follows from the seed and the image's
 * number. */
#ifndef TB_TESTS_POWERLOSS_PLAN_H
#define TB_TESTS_POWERLOSS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recording.h"

/* Every so many images one is of the server's first start, and one of any start. */
#define PLAN_EARLY_STEP 10

struct cut {
    uint64_t number; /* of the image */
    uint64_t at;     /* behind the last record that had happened */
    uint64_t dice;   /* for what the image is made of */
};

/* Places in the recording, each behind a record. */
struct plan {
    uint64_t seed;
    uint64_t *places; /* the first is before all records */
    size_t count;
    size_t *hot; /* indices of those around which faults are likely */
    size_t hot_count;
    size_t early_count; /* places up to a little behind the first answer */
    size_t *lives;      /* indices of those behind which a process begins */
    size_t life_count;
    uint64_t
        *commits; /* places where the page that makes a transaction known begins to be written */
    size_t commit_count;
};

void plan_make(struct plan *plan, const struct recording *recording, uint64_t seed);
void plan_free(struct plan *plan);

struct cut plan_cut(const struct plan *plan, uint64_t number);

/* Does that record make a transaction known? */
bool plan_is_commit(const struct record *record);

#endif
