#include "lmdb/lmdb.h"

/* LMDB never changes a page in place: it writes a copy elsewhere, and the old page may be used
 * again only two commits later (and not before the last snapshot that sees it has ended). So even a
 * deletion needs free pages, and a store that had used its last one could never free any.
 * Therefore:
 *
 *   - A transaction begins to refuse new tasks, notes and artifacts when the trees hold more than
 *     pages_max - reserve pages. Pages on the free list are as good as pages never used.
 *   - A transaction that is not mostly deletions commits only if that leaves a part of the reserve:
 *     deletions may use it. What they drop are entries of the runs, too, and take room until a
 *     merge brings them together with what they drop.
 *   - Some pages must also be to be had at once, whatever the trees hold: old snapshots keep pages.
 *     That is found out by taking them, in a child transaction that is then aborted.
 *   - Before it comes to that, room is scarce: merges then begin where they give room back, and go
 *     on a little with each commit (run_choice.c, run_merge.c).
 *
 *   0                                                   scarce   no creates  no updates pages_max
 *   |---------------------------------------------------|--------|-----------|--------------|
 *                                                       1/16     reserve 1/8    deletions: 1/16
 */

/* The reserve: an eighth of the map, but enough for a few transactions in a tiny one. */
#define RESERVE_PAGES_MIN 128

/* What a commit leaves: enough for several deletions, each of which changes some pages of every
 * tree. */
#define SPARE_PAGES_MAX 1024

/* A deletion may change this many other tasks (those that depended on the deleted one) and still
 * count as one. */
#define PUTS_OF_A_DELETION 8

/* So many bytes of events that are dropped count as one, too. */
#define PAGE_BYTES 4096

static size_t reserve_pages(const struct tb_lmdb_store *store)
{
    size_t share = store->pages_max / 8;
    return share > RESERVE_PAGES_MIN ? share : RESERVE_PAGES_MIN;
}

/* What only deletions may use. */
static size_t deletion_pages(const struct tb_lmdb_store *store)
{
    size_t reserve = reserve_pages(store);
    return reserve > RESERVE_PAGES_MIN ? reserve / 2 : reserve * 3 / 4;
}

static size_t spare_pages(const struct tb_lmdb_store *store)
{
    size_t share = reserve_pages(store) / 2;
    return share < SPARE_PAGES_MAX ? share : SPARE_PAGES_MAX;
}

/* From so many on room is scarce. */
static size_t scarce_pages(const struct tb_lmdb_store *store)
{
    return store->pages_max - reserve_pages(store) - store->pages_max / 16;
}

size_t tb_lmdb_pages_in_use(struct tb_lmdb_txn *txn)
{
    enum { FREE_LIST_DBI, FREE_LISTS, META_PAGES = 2 };
    size_t pages = META_PAGES;
    for (int i = 0; i < FREE_LISTS + TB_DB_COUNT; i++) {
        MDB_dbi dbi = i < FREE_LISTS ? FREE_LIST_DBI : txn->store->dbis[i - FREE_LISTS];
        MDB_stat stat;
        if (mdb_stat(txn->mdb, dbi, &stat) == 0) {
            pages += stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
        }
    }
    return pages;
}

/* The end of the file: pages beyond it were never used. */
static size_t pages_of_file(const struct tb_lmdb_store *store)
{
    MDB_envinfo info;
    mdb_env_info(store->env, &info);
    return info.me_last_pgno + 1;
}

void tb_lmdb_tell_room(struct tb_lmdb_txn *txn, struct tb_store_stats *stats)
{
    const struct tb_lmdb_store *store = txn->store;
    size_t used = tb_lmdb_pages_in_use(txn);
    stats->has_room = used < store->pages_max - reserve_pages(store) &&
                      (stats->free_bytes >= TB_ROOM_BYTES_MIN || !tb_lmdb_disk_is_full(store));
    stats->room_is_scarce = used >= scarce_pages(store);
}

void tb_lmdb_look_for_room(struct tb_lmdb_txn *txn)
{
    const struct tb_lmdb_store *store = txn->store;
    size_t limit = store->pages_max - reserve_pages(store);
    size_t scarce = scarce_pages(store);
    size_t pages = pages_of_file(store);
    pages = pages < scarce ? pages : tb_lmdb_pages_in_use(txn);
    txn->may_grow = pages < limit;
    txn->scarce = pages >= scarce || store->tight_commits > 0;
}

/* Takes that many single pages: a value of this size gets one of its own. */
static int take_pages(struct tb_lmdb_txn *txn, MDB_txn *mdb, size_t count)
{
    static const char page[4000];
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        MDB_val key = tb_mdb_val(&i, sizeof i);
        MDB_val value = tb_mdb_val(page, sizeof page);
        rc = mdb_put(mdb, txn->store->dbis[TB_DB_META], &key, &value, 0);
    }
    return rc;
}

static int try_to_take_pages(struct tb_lmdb_txn *txn, size_t count)
{
    MDB_txn *child = NULL;
    int rc = mdb_txn_begin(txn->store->env, txn->mdb, 0, &child);
    if (rc == 0) {
        rc = take_pages(txn, child, count);
        mdb_txn_abort(child);
    }
    return rc;
}

/* Does it mostly delete, or drop events? */
static bool gives_back(const struct tb_lmdb_txn *txn)
{
    size_t deletes = txn->deletes + txn->dropped_bytes / PAGE_BYTES;
    bool drops_only = txn->dropped_bytes > 0 && txn->puts == 0;
    return drops_only || (deletes > 0 && txn->puts <= deletes * PUTS_OF_A_DELETION);
}

int tb_lmdb_leave_room(struct tb_lmdb_txn *txn)
{
    const struct tb_lmdb_store *store = txn->store;
    size_t half = store->pages_max / 2;
    size_t pages = gives_back(txn) || pages_of_file(store) < half ? 0 : tb_lmdb_pages_in_use(txn);
    if (pages < half) {
        return 0;
    }
    if (pages + deletion_pages(store) > store->pages_max) {
        return MDB_MAP_FULL;
    }
    return try_to_take_pages(txn, spare_pages(store));
}

/* So many commits after one that met a full disk write no big values. */
#define TIGHT_COMMITS 64

bool tb_lmdb_is_tight(const struct tb_lmdb_txn *txn)
{
    const struct tb_lmdb_store *store = txn->store;
    return txn->scarce || store->tight_commits > 0 ||
           pages_of_file(store) + reserve_pages(store) >= store->pages_max;
}

void tb_lmdb_note_commit(struct tb_lmdb_store *store, enum tb_err err)
{
    if (err == TB_E_STORAGE_FULL) {
        store->tight_commits = TIGHT_COMMITS;
    } else if (store->tight_commits > 0) {
        store->tight_commits--;
    }
}

/* A merge holds back a block of each of its inputs until it has taken all of it: in a small map
 * blocks are small. */
unsigned tb_run_block_pages(const struct tb_lmdb_txn *txn)
{
    enum { MAP_SHARE = 256 };
    size_t share = txn->store->pages_max / MAP_SHARE;
    unsigned pages = txn->store->tuning.block_pages;
    return tb_lmdb_is_tight(txn) || share == 0 ? 1 : share < pages ? (unsigned)share : pages;
}

/* Pages that a merge writes are missing until those that it frees may be used, two commits later.
 */
unsigned tb_run_blocks_max(const struct tb_lmdb_txn *txn)
{
    enum { SHARE_OF_SPARE = 16, BLOCKS_MAX = 16 };
    size_t share = spare_pages(txn->store) / SHARE_OF_SPARE;
    return !txn->scarce ? 0 : share < BLOCKS_MAX ? (unsigned)share : BLOCKS_MAX;
}
