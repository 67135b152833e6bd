/* Runs: the set of keys of the lists, kept so that a commit writes few places.
 *
 * A B-tree changes one page for each tag, word or person that a task names, anywhere in the file.
 * So the entries of the lists stand in sorted runs instead: a commit sorts its operations (put or
 * drop a key) and writes them as one new run; runs are merged into bigger ones later, a little with
 * each commit. Everything happens inside the transaction that it belongs to.
 *
 *   level 0   [9] [8]               one run a commit
 *   level 1   [7] [3]               as soon as a level has enough runs, they are merged into one of
 *   level 2   [2]                   the next level
 *
 * Order     The manifest names the runs from the newest to the oldest; what it says is the order,
 *           not their numbers. A merge takes neighbours and its output gets their place. A new run
 *           becomes the first. So nothing ever comes to stand between the inputs of a merge, and
 *           any number of merges of different neighbours may go on at a time, in any order and of
 *           whatever levels: these only say which runs are about as big.
 * Merging   A merge goes up through the keys. What it has taken, all keys up to and including
 *           `taken`, its output answers for; its inputs answer for the keys above only. So each key
 *           has one answer at any time, that of the inputs, which does not change when a merge
 *           passes it, and at one place in the order. Blocks of inputs that lie wholly at or below
 *           `taken` are deleted in the transaction that took them: a merge of runs of any size
 *           needs room for what it writes in a few commits and for one block of each input.
 * Pairs     Whoever writes keeps to this: a key is put only when it is absent and dropped only when
 *           it is present. So puts and drops of a key alternate, and of neighbours in age a put and
 *           a drop cancel out: what is left of any stretch of a key's operations is nothing when
 *           its first and its last differ, and its last when they are alike. Merges use that for
 *           any neighbours; drops do not pile up. A key that a merge has taken has its operations
 *           in newer runs, in the output and in older ones: a stretch of them was replaced by what
 *           is left of it, and they alternate still.
 * Tops      Most walks go down from the newest task, which is in one of the newest runs. The
 *           manifest knows of each run below what its ids (or times) lie: a run is not opened
 *           before a walk has come down to there. Nor is it opened for the list of a state that it
 *           does not know.
 * Crash     What a merge has done so far is in the same transaction as the note how far it came
 *           (the manifest, run_manifest.c): after a crash it goes on there.
 *
 * Files: run_page.c pages and blocks; run_manifest.c which runs there are; run_ops.c what this
 * transaction has put and dropped so far; run_source.c a place in one run; run_walk.c walks several
 * as one; run_list.c lists for readers; run_choice.c what to merge; run_merge.c merging and
 * deleting; run_write.c commit. */
#ifndef TB_LMDB_RUN_H
#define TB_LMDB_RUN_H

#include <lmdb.h>

#include "lmdb/run_page.h"

struct tb_lmdb_txn;

#define TB_RUN_LEVELS_MAX 16
#define TB_RUN_INPUTS_MAX 16
#define TB_RUN_COUNT_MAX  512

/* One merge of each level and one that begins when room is scarce. */
#define TB_RUN_RESCUE     TB_RUN_LEVELS_MAX
#define TB_RUN_MERGES_MAX (TB_RUN_LEVELS_MAX + 1)

/* Changed by tests only. */
struct tb_run_tuning {
    unsigned fan_in_first; /* of level 0, whose runs are small; 2 to TB_RUN_INPUTS_MAX */
    unsigned fan_in;       /* of the others; likewise */
    unsigned block_pages;  /* 1 to TB_RUN_BLOCK_PAGES_MAX */
    uint32_t step_entries; /* that a merge takes in one go at most */
};

#define TB_RUN_TUNING_DEFAULT                                                                      \
    {                                                                                              \
        .fan_in_first = 8, .fan_in = 4, .block_pages = TB_RUN_BLOCK_PAGES_MAX,                     \
        .step_entries = 4096                                                                       \
    }

/* --- run_manifest.c --- */

struct tb_run_info {
    uint64_t number;   /* from 1 */
    uint64_t entries;  /* when it was written; an input may hold fewer by now */
    uint64_t drops;    /* so many of them */
    uint32_t blocks;   /* that are there now */
    uint8_t level;     /* the next run's is not lower */
    uint8_t merge;     /* 1 + place in merges[] of the merge that it is an input of; 0: of none */
    uint16_t states;   /* set of 1 << tb_state: no other has an entry in CREATED or UPDATED */
    uint64_t id_top;   /* no id that ends an entry of a list by id has greater first 8 bytes */
    uint64_t time_top; /* no time in a list by time is later; as it stands in a key */
};

#define TB_RUN_NO_TOP UINT64_MAX

/* A merge of neighbours. */
struct tb_run_merging {
    uint64_t output;     /* number of the run that it writes; 0: no merge is going on */
    uint64_t entries;    /* written so far */
    uint64_t drops;      /* so many of them */
    uint64_t left;       /* entries of the inputs not taken yet */
    int64_t credit;      /* entries that it may take: what commits wrote */
    uint32_t blocks;     /* written so far */
    uint16_t inputs;     /* how many */
    uint8_t level;       /* of the output */
    struct tb_key taken; /* the last key that it took; len 0: none */
};

struct tb_run_manifest {
    bool loaded;
    uint64_t next; /* number of the next run */
    unsigned count;
    struct tb_run_info runs[TB_RUN_COUNT_MAX];       /* newest first */
    struct tb_run_merging merges[TB_RUN_MERGES_MAX]; /* by the level of their inputs */
};

/* Reads it, whatever blocks there are. */
int tb_run_manifest_read(struct tb_lmdb_txn *txn, struct tb_run_manifest *manifest);

/* Loads it at first use in this transaction. */
int tb_run_manifest_load(struct tb_lmdb_txn *txn);
int tb_run_manifest_save(struct tb_lmdb_txn *txn);

/* Adds a new run: the newest. */
void tb_run_manifest_add(struct tb_run_manifest *manifest, struct tb_run_info run);

/* Where the inputs of a merge begin. */
unsigned tb_run_manifest_inputs(const struct tb_run_manifest *manifest,
                                const struct tb_run_merging *merge);

/* What a merge's output, whose inputs begin at that place, is to be known as. */
struct tb_run_info tb_run_manifest_output(const struct tb_run_manifest *manifest,
                                          const struct tb_run_merging *merge, unsigned at);

/* Ends a merge: puts its output, if it has written anything, in the place of its inputs. */
void tb_run_manifest_end(struct tb_run_manifest *manifest, struct tb_run_merging *merge);

/* Makes the states and tops of `run` hold for the entries of the other, too. */
void tb_run_info_raise(struct tb_run_info *run, const struct tb_run_info *other);

/* The same for one more entry. */
void tb_run_info_add(struct tb_run_info *run, const uint8_t *key, size_t len);

/* Whether entries that begin with the prefix may be there. */
bool tb_run_info_may_have(const struct tb_run_info *run, const uint8_t *prefix, size_t len);

/* What bounds the first 8 bytes of the suffixes of a list that begins with `kind`. */
uint64_t tb_run_info_top(const struct tb_run_info *run, uint8_t kind, size_t suffix_len);

/* --- run_ops.c --- */

/* Room for a kind, a word or tag of ordinary length, and an id. */
#define TB_RUN_HEAD_WORDS 4

/* What was done to one key in this transaction. */
struct tb_run_op {
    uint64_t
        head[TB_RUN_HEAD_WORDS]; /* the key's first bytes as numbers: settle most comparisons */
    size_t at;                   /* of the key in tb_run_ops.bytes */
    uint8_t len;
    bool first_put; /* the first thing done was a put */
    bool last_put;
};

/* Stands for an op while they are sorted by the first word of their heads. */
struct tb_run_op_ref {
    uint64_t head;
    uint32_t op;
};

struct tb_run_ops {
    size_t count;
    size_t sorted; /* the first so many are sorted, each key once */
    size_t capacity;
    size_t bytes_used;
    size_t bytes_capacity;
    struct tb_run_op *ops;
    struct tb_run_op *spare;    /* of the same capacity */
    struct tb_run_op_ref *refs; /* twice as many */
    uint8_t *bytes;
};

void tb_run_ops_fini(struct tb_run_ops *ops);
void tb_run_ops_forget(struct tb_run_ops *ops);
void tb_run_ops_add(struct tb_run_ops *ops, const struct tb_key *key, bool put);
void tb_run_ops_sort(struct tb_run_ops *ops);

/* Of the sorted ops: how many are not above the key. */
size_t tb_run_ops_rank(const struct tb_run_ops *ops, const uint8_t *key, size_t len);

static inline const uint8_t *tb_run_op_key(const struct tb_run_ops *ops, size_t i)
{
    return ops->bytes + ops->ops[i].at;
}

/* --- run_source.c --- */

enum tb_run_way { TB_RUN_UP, TB_RUN_DOWN };

/* A place in one run, or among the ops of the transaction (number 0). What it points at lives until
 * the next write of the transaction. */
struct tb_run_source {
    struct tb_lmdb_txn *txn;
    uint64_t number;
    const struct tb_key *floor; /* it has only entries above; NULL: all. See Merging above */
    uint64_t top;               /* no head of an entry is greater */
    uint64_t head;              /* of its key behind the walk's prefix; kept by run_walk.c */
    bool waits; /* not looked for yet: its entries are at `head` or below. Then it has no place */
    MDB_val block_key;
    MDB_val block; /* no bytes: none yet */
    unsigned page_index;
    bool on_entry;
    struct tb_run_page page;
    struct tb_run_place place; /* on_entry: the key and whether it was put */
};

void tb_run_source_init(struct tb_run_source *source, struct tb_lmdb_txn *txn, uint64_t number);

/* To the first entry not below the key, or the last one not above it. on_entry says whether there
 * is one. */
int tb_run_source_seek(struct tb_run_source *source, enum tb_run_way way, const uint8_t *key,
                       size_t len);
int tb_run_source_step(struct tb_run_source *source, enum tb_run_way way);

/* --- run_walk.c --- */

/* Several sources as one: all their entries in the order of the keys, of the same key the newest
 * first. */
struct tb_run_walk {
    enum tb_run_way way;
    size_t prefix_len; /* all keys begin with these bytes; a source is at its end behind them */
    const uint8_t *prefix;
    struct tb_key bound; /* walking down: sources that wait stand at this or below */
    uint64_t bound_head;
    size_t count;
    struct tb_run_source *sources; /* newest first */
    struct tb_run_source *front;   /* NULL: at the end */
    struct tb_run_source *second;  /* comes behind the front; NULL: none */
};

int tb_run_walk_seek(struct tb_run_walk *walk, const uint8_t *key, size_t len);
int tb_run_walk_step(struct tb_run_walk *walk);

/* Walking down: moves those sources that stand above the key to the last entry not above it. */
int tb_run_walk_sink(struct tb_run_walk *walk, const uint8_t *key, size_t len);

/* Walking up: moves those that stand below the key to the first entry not below it. */
int tb_run_walk_rise(struct tb_run_walk *walk, const uint8_t *key, size_t len);

static inline bool tb_run_same_key(const struct tb_key *a, const struct tb_key *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static inline bool tb_run_begins_with(const struct tb_key *key, const uint8_t *prefix, size_t len)
{
    return key->len >= len && memcmp(key->bytes, prefix, len) == 0;
}

/* --- run_list.c --- */

/* The keys present that begin with a prefix. */
struct tb_run_list {
    struct tb_run_walk walk;
    bool on_entry;
    struct tb_key key; /* of the entry; the prefix always */
    struct tb_run_source sources[];
};

/* The keys end in `suffix_len` bytes behind the prefix. NULL and `*rc` when the manifest cannot be
 * read. */
struct tb_run_list *tb_run_list_open(struct tb_lmdb_txn *txn, const uint8_t *prefix,
                                     size_t prefix_len, size_t suffix_len, int *rc);

/* The same without what this transaction has put and dropped and not written yet. */
struct tb_run_list *tb_run_list_open_stored(struct tb_lmdb_txn *txn, const uint8_t *prefix,
                                            size_t prefix_len, size_t suffix_len, int *rc);
void tb_run_list_close(struct tb_run_list *list);
int tb_run_list_seek(struct tb_run_list *list, enum tb_run_way way, const uint8_t *suffix,
                     size_t suffix_len);
int tb_run_list_next(struct tb_run_list *list);
int tb_run_list_sink(struct tb_run_list *list, const uint8_t *bound, size_t bound_len);
int tb_run_list_rise(struct tb_run_list *list, const uint8_t *bound, size_t bound_len);

/* --- run_choice.c --- */

/* Neighbours to be merged; count 0: none. */
struct tb_run_span {
    unsigned at; /* the newest */
    unsigned count;
};

/* The oldest `count` neighbours of a level that no merge has. */
struct tb_run_span tb_run_choose(const struct tb_run_manifest *manifest, uint32_t level,
                                 unsigned count);

/* The neighbours, of whatever levels, whose merge gives most room back for its work, because drops
 * meet their puts. None: it would not be worth it. */
struct tb_run_span tb_run_choose_rescue(const struct tb_run_manifest *manifest);

/* --- run_merge.c --- */

/* The work that `written` new entries make due: begins merges and does a part of each. */
int tb_run_work(struct tb_lmdb_txn *txn, uint64_t written);

/* --- run_write.c --- */

/* Puts or drops a key; see Pairs above. */
int tb_run_put(struct tb_lmdb_txn *txn, const struct tb_key *key);
int tb_run_drop(struct tb_lmdb_txn *txn, const struct tb_key *key);

/* Writes what the transaction has put and dropped as a run, and does the work that is due. To be
 * called before the commit. */
int tb_run_flush(struct tb_lmdb_txn *txn);

/* How big a block may be: one page when room is scarce, see room.c. */
unsigned tb_run_block_pages(const struct tb_lmdb_txn *txn);

/* When room is scarce: how many blocks a merge may write with a commit. Else 0: as many as it
 * wants.
 */
unsigned tb_run_blocks_max(const struct tb_lmdb_txn *txn);

/* Stores the builder's block; `append`: behind all others. */
int tb_run_store_block(struct tb_lmdb_txn *txn, struct tb_run_builder *builder, bool append);

/* The cursor of the `run` database that a transaction's sources share. */
int tb_run_cursor(struct tb_lmdb_txn *txn, MDB_cursor **cursor);

/* The key of a block: number, first key. */
struct tb_run_block_key {
    size_t len;
    uint8_t bytes[sizeof(uint64_t) + TB_KEY_BYTES_MAX];
};

static inline void tb_run_block_key(struct tb_run_block_key *block, uint64_t number,
                                    const uint8_t *key, size_t len)
{
    tb_key_write_u64(block->bytes, number);
    if (len > 0) {
        memcpy(block->bytes + sizeof number, key, len);
    }
    block->len = sizeof number + len;
}

#endif
