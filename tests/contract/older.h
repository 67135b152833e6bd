/* Data folders that an older taskboardd, or somebody else, has left: made of one of ours. Nobody may
 * have it open. */
#ifndef TB_TESTS_OLDER_H
#define TB_TESTS_OLDER_H

#include <lmdb.h>

#include "folder.h"

/* The file with LMDB alone, and the end of that with a commit. */
MDB_txn *raw_open(const char *folder);
void raw_close(MDB_txn *txn);

/* In LMDB's own database. */
void raw_put_meta(MDB_txn *txn, const char *name, const void *bytes, size_t size);
size_t raw_meta_bytes(MDB_txn *txn, const char *name);
uint32_t raw_format(const char *folder);

bool raw_has_db(MDB_txn *txn, const char *name);
void raw_drop_db(MDB_txn *txn, const char *name);

/* As a store of format 1 was: without credentials, and with a shorter head. */
void make_older(const char *folder);

#endif
