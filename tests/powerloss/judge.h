/* Is what a power cut left a store that holds all that was promised? */
#ifndef TB_TESTS_POWERLOSS_JUDGE_H
#define TB_TESTS_POWERLOSS_JUDGE_H

#include "digest.h"
#include "history.h"

#define JUDGE_WHY_BYTES 512

/* What the store of a transaction must hold, byte by byte: as the file cache had it when the
 * transaction was about to be made known. `at` is the place in the recording; 0: nobody looked. */
struct reference {
    uint64_t at;
    struct digest digest;
};

struct judge {
    const struct history *history;
    const struct reference *references; /* in their order */
    size_t reference_count;
    uint64_t map_bytes;
};

struct judgement {
    bool sound;
    bool compared; /* with a reference */
    bool fresh;    /* there was no store yet */
    char why[JUDGE_WHY_BYTES];
};

/* Judges the image in `folder` of the power cut at that place in the recording. `writes`: also
 * that it can be written to. What stands in the folder changes. A broken image may kill the
 * process. */
void judge_image(const struct judge *judge, const char *folder, uint64_t at, bool writes,
                 struct judgement *judgement);

#endif
