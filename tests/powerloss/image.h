/* One of the states that a power cut may leave. */
#ifndef TB_TESTS_POWERLOSS_IMAGE_H
#define TB_TESTS_POWERLOSS_IMAGE_H

#include "disk.h"

/* Builds the folder `path` (its parent must be there; what stands in it is removed) as `disk` may
 * look when the power goes: all that is synced, and of the rest what `dice` say; everything when
 * they are NULL. */
void image_build(struct disk *disk, uint64_t *dice, const char *path);

#endif
