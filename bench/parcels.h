/* Reads compressed event streams of which there are too many to decompress each. The server makes a
 * part of a stream once for all who get it, so a part that was seen before is known again by its
 * bytes: only new ones are decompressed. */
#ifndef TB_BENCH_PARCELS_H
#define TB_BENCH_PARCELS_H

#include <stddef.h>
#include <stdint.h>

/* The end of a part that the next read goes on with. All zeros at first. */
struct rest {
    char *bytes;
    size_t len;
};

/* Takes what came next of a stream, and says the seqs of the events that are complete with it: from
 * `*first` on so many. Ends the program when they do not follow each other. */
unsigned parcels_take(struct rest *rest, const char *bytes, size_t len, uint64_t *first);

#endif
