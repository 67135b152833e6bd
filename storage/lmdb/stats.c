/* What LMDB tells of itself. Its list of free pages is not read: what the file has and the trees do
 * not hold is free. */
#include <stdlib.h>

#include "lmdb/lmdb.h"

struct readers {
    uint64_t count;  /* that have a snapshot open */
    uint64_t oldest; /* the number of the transaction that the oldest one sees */
};

/* LMDB has its table of readers as text only: a line each, `pid thread number`, the number in
 * decimal, or `-` while no snapshot is open; some lines are headings. */
static int take_line(const char *line, void *ctx)
{
    struct readers *readers = ctx;
    const char *last = NULL;
    char *end = NULL;
    for (const char *at = line; *at != '\0'; at++) {
        if (*at == ' ' && at[1] != ' ') {
            last = at + 1;
        }
    }
    uint64_t number = last == NULL ? 0 : strtoull(last, &end, 10);
    if (last == NULL || end == last || *end != '\n') {
        return 0;
    }
    readers->count++;
    readers->oldest = number < readers->oldest ? number : readers->oldest;
    return 0;
}

enum tb_err tb_lmdb_stats(struct tb_txn *base, struct tb_store_stats *stats)
{
    struct tb_lmdb_txn *txn = tb_lmdb_txn_of(base);
    MDB_env *env = mdb_txn_env(txn->mdb);
    struct readers readers = {.oldest = UINT64_MAX};
    MDB_envinfo info;
    MDB_stat stat;
    mdb_env_stat(env, &stat);
    int rc = mdb_reader_list(env, take_line, &readers);
    if (rc < 0) {
        return TB_E_STORAGE_DOWN;
    }
    mdb_env_info(env, &info); /* last: no snapshot is ahead of it */
    size_t used = tb_lmdb_pages_in_use(txn);
    size_t all = info.me_last_pgno + 1;
    *stats = (struct tb_store_stats){
        .used_bytes = used * stat.ms_psize,
        .free_bytes = all > used ? (all - used) * stat.ms_psize : 0,
        .limit_bytes = info.me_mapsize,
        .snapshots = readers.count,
        .oldest_behind = readers.count > 0 ? info.me_last_txnid - readers.oldest : 0,
    };
    tb_lmdb_tell_room(txn, stats);
    return TB_OK;
}
