/* The content of a store, whatever it means: every key and value of every database. */
#ifndef TB_TESTS_POWERLOSS_DIGEST_H
#define TB_TESTS_POWERLOSS_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

struct digest {
    uint64_t txn; /* number of the last transaction; 0: there is no store yet */
    uint64_t hash;
};

/* False when LMDB reports a fault on the way. What cannot be opened has no transaction: judging
 * that is the engine's. */
bool digest_store(const char *folder, struct digest *digest);

#endif
