#include "lmdb/lmdb.h"

/* LMDB never changes a page in place: it writes a copy elsewhere, and the old page may be used
 * again only two commits later (and not before the last snapshot that sees it has ended). So even a
 * deletion needs free pages, and a store that had used its last one could never free any.
 * Therefore:
 *
 *   - A transaction begins to refuse new tasks, notes and artifacts when the trees hold more than
 *     pages_max - reserve pages. Pages on the free list are as good as pages never used.
 *   - A transaction commits only if that leaves some pages to be had at once, unless it is mostly
 *     deletions: those may use them. Whether they are to be had is found out by taking them, in a
 *     child transaction that is then aborted. */

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

static size_t spare_pages(const struct tb_lmdb_store *store)
{
    size_t share = reserve_pages(store) / 2;
    return share < SPARE_PAGES_MAX ? share : SPARE_PAGES_MAX;
}

/* Pages that the trees hold as this transaction sees them, that of LMDB's free pages included. */
static size_t pages_in_use(struct tb_lmdb_txn *txn)
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

bool tb_lmdb_may_grow(struct tb_lmdb_txn *txn)
{
    size_t limit = txn->store->pages_max - reserve_pages(txn->store);
    return pages_of_file(txn->store) < limit || pages_in_use(txn) < limit;
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

int tb_lmdb_leave_room(struct tb_lmdb_txn *txn)
{
    size_t half = txn->store->pages_max / 2;
    bool far_from_full = pages_of_file(txn->store) < half && pages_in_use(txn) < half;
    size_t deletes = txn->deletes + txn->dropped_bytes / PAGE_BYTES;
    bool drops_only = txn->dropped_bytes > 0 && txn->puts == 0;
    bool gives_back = drops_only || (deletes > 0 && txn->puts <= deletes * PUTS_OF_A_DELETION);
    return far_from_full || gives_back ? 0 : try_to_take_pages(txn, spare_pages(txn->store));
}

/* So many commits after one that met a full disk write no big values. */
#define TIGHT_COMMITS 64

bool tb_lmdb_is_tight(const struct tb_lmdb_txn *txn)
{
    const struct tb_lmdb_store *store = txn->store;
    return store->tight_commits > 0 ||
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

unsigned tb_run_block_pages(const struct tb_lmdb_txn *txn)
{
    return tb_lmdb_is_tight(txn) ? 1 : txn->store->tuning.block_pages;
}

bool tb_run_may_merge(const struct tb_lmdb_txn *txn, uint64_t entries)
{
    enum { PAGE_ENTRIES_MIN = 200, SHARE_OF_SPARE = 2 };
    bool scarce = !txn->may_grow || txn->store->tight_commits > 0;
    return !scarce || entries / PAGE_ENTRIES_MIN < spare_pages(txn->store) / SHARE_OF_SPARE;
}
