#include <assert.h>

#include "lmdb/lmdb.h"

/* How much more than was written each merge may take. 1 would just do: while a merge takes what F
 * runs hold, the same amount arrives. More of it means that merges end sooner, and fewer runs are
 * there to be read. */
#define CREDIT_FACTOR 3

/* Of a page that is full, about. */
#define PAGE_ENTRIES 256

/* Blocks of garbage deleted with each commit, at least. */
#define DELETE_BLOCKS_MIN 16

/* With so many runs merging has come to lag behind: it gets what credit it wants. */
#define RUNS_TOO_MANY 128

/* --- what there is to merge --- */

/* The newest run of the oldest `count` runs of the level; 0: there are fewer. */
static uint64_t oldest_runs(const struct tb_run_manifest *manifest, uint32_t level, unsigned count)
{
    for (unsigned i = manifest->count; i-- > 0;) {
        if (manifest->runs[i].level == level && --count == 0) {
            return manifest->runs[i].number;
        }
    }
    return 0;
}

static bool is_input(const struct tb_run_info *run, uint32_t level,
                     const struct tb_run_merging *merge)
{
    return run->level == level && run->number <= merge->input_max;
}

static void begin_merge(struct tb_run_manifest *manifest, uint32_t level, uint64_t input_max,
                        uint32_t step_entries)
{
    struct tb_run_merging *merge = &manifest->merges[level];
    /* The first step is free: a merge that fits into one is done at once. */
    *merge = (struct tb_run_merging){
        .input_max = input_max, .output = manifest->next++, .credit = step_entries};
    for (unsigned i = 0; i < manifest->count; i++) {
        if (is_input(&manifest->runs[i], level, merge)) {
            merge->left += manifest->runs[i].entries;
        }
    }
}

/* --- a step of a merge --- */

struct step {
    struct tb_lmdb_txn *txn;
    uint32_t level;
    struct tb_run_merging *merge;
    struct tb_run_walk walk;
    struct tb_run_source sources[TB_RUN_INPUTS_MAX];
    bool oldest;    /* nothing is older than the inputs: drops have nothing left to hide */
    uint32_t taken; /* entries */
};

/* Opens the inputs behind what was taken already. */
static int open_inputs(struct step *step)
{
    const struct tb_run_manifest *manifest = &step->txn->manifest;
    step->walk = (struct tb_run_walk){.way = TB_RUN_UP, .sources = step->sources};
    step->oldest = true;
    for (unsigned i = 0; i < manifest->count; i++) {
        const struct tb_run_info *run = &manifest->runs[i];
        if (is_input(run, step->level, step->merge)) {
            assert(step->walk.count < TB_RUN_INPUTS_MAX);
            tb_run_source_init(&step->sources[step->walk.count++], step->txn, run->number);
        } else if (run->level > step->level) {
            step->oldest = false;
        }
    }
    const struct tb_key *taken = &step->merge->taken;
    int rc = tb_run_walk_seek(&step->walk, taken->bytes, taken->len);
    while (rc == 0 && taken->len > 0 && step->walk.front != NULL &&
           tb_run_same_key(&step->walk.front->place.key, taken)) {
        rc = tb_run_walk_step(&step->walk);
    }
    return rc;
}

/* Takes the next key with all its operations, and passes on what is left of them. */
static int take_key(struct step *step, struct tb_run_builder *builder)
{
    struct tb_run_walk *walk = &step->walk;
    struct tb_key *key = &step->merge->taken;
    bool newest_put = walk->front->place.put;
    bool oldest_put = newest_put;
    key->len = walk->front->place.key.len;
    memcpy(key->bytes, walk->front->place.key.bytes, key->len);
    int rc = 0;
    do {
        oldest_put = walk->front->place.put;
        step->taken++;
        rc = tb_run_walk_step(walk);
    } while (rc == 0 && walk->front != NULL && tb_run_same_key(&walk->front->place.key, key));
    if (newest_put == oldest_put && (newest_put || !step->oldest)) {
        bool added = tb_run_builder_add(builder, key->bytes, key->len, newest_put);
        assert(added); /* it is not full */
    }
    return rc;
}

static void end_merge(struct tb_run_manifest *manifest, uint32_t level,
                      struct tb_run_merging *merge)
{
    struct tb_run_info output = {.number = merge->output,
                                 .entries = merge->entries,
                                 .blocks = merge->blocks,
                                 .level = (uint16_t)(level + 1)};
    for (unsigned i = 0; i < manifest->count; i++) {
        if (is_input(&manifest->runs[i], level, merge)) {
            tb_run_info_raise(&output, &manifest->runs[i]);
        }
    }
    tb_run_manifest_retire(manifest, level, merge->input_max);
    if (merge->blocks > 0) {
        tb_run_manifest_add(manifest, output);
    }
    *merge = (struct tb_run_merging){.input_max = 0};
}

/* Writes one more block of the output. */
static int do_step(struct tb_lmdb_txn *txn, uint32_t level, uint32_t *taken)
{
    struct tb_run_merging *merge = &txn->manifest.merges[level];
    struct tb_run_builder *builder = &txn->store->builder;
    struct step step = {.txn = txn, .level = level, .merge = merge};
    int rc = open_inputs(&step);
    tb_run_builder_start(builder, merge->output, tb_run_block_pages(txn));
    while (rc == 0 && step.walk.front != NULL && step.taken < txn->store->tuning.step_entries &&
           !tb_run_builder_is_full(builder)) {
        rc = take_key(&step, builder);
    }
    if (rc == 0 && builder->total > 0) {
        merge->entries += builder->total;
        merge->blocks++;
        rc = tb_run_store_block(txn, builder, false);
    }
    if (rc != 0) {
        return rc;
    }
    *taken = step.taken;
    merge->credit -= step.taken;
    merge->left -= step.taken < merge->left ? step.taken : merge->left;
    if (step.walk.front == NULL) {
        end_merge(&txn->manifest, level, merge);
    }
    return 0;
}

/* --- deleting --- */

/* Deletes the first block of the run; `*gone`: there was none left. */
static int delete_block(struct tb_lmdb_txn *txn, uint64_t number, bool *gone)
{
    struct tb_run_block_key first;
    MDB_cursor *cursor = NULL;
    MDB_val block;
    tb_run_block_key(&first, number, NULL, 0);
    MDB_val key = tb_mdb_val(first.bytes, first.len);
    int rc = tb_run_cursor(txn, &cursor);
    if (rc == 0) {
        rc = mdb_cursor_get(cursor, &key, &block, MDB_SET_RANGE);
    }
    *gone =
        rc == MDB_NOTFOUND ||
        (rc == 0 && (key.mv_size < first.len || memcmp(key.mv_data, first.bytes, first.len) != 0));
    return *gone ? 0 : rc != 0 ? rc : mdb_cursor_del(cursor, 0);
}

/* The latest garbage first: mostly small runs. A big one takes what they leave of the limit. */
static int delete_garbage(struct tb_lmdb_txn *txn, unsigned blocks_max)
{
    struct tb_run_manifest *manifest = &txn->manifest;
    int rc = 0;
    for (unsigned i = 0; i < blocks_max && manifest->garbage_count > 0 && rc == 0; i++) {
        bool gone = false;
        rc = delete_block(txn, manifest->garbage[manifest->garbage_count - 1], &gone);
        if (rc == 0 && gone) {
            manifest->garbage_count--;
        }
    }
    return rc;
}

/* --- what a commit does --- */

/* A step is due when it makes a whole block, or ends the merge. */
static bool is_due(const struct tb_lmdb_txn *txn, const struct tb_run_merging *merge)
{
    int64_t block = (int64_t)tb_run_block_pages(txn) * PAGE_ENTRIES;
    int64_t wanted =
        block < txn->store->tuning.step_entries ? block : txn->store->tuning.step_entries;
    if (merge->left < (uint64_t)wanted) {
        wanted = (int64_t)merge->left;
    }
    bool too_many = txn->manifest.count > RUNS_TOO_MANY; /* then it must go on, room or not */
    return merge->input_max != 0 && (too_many || tb_run_may_merge(txn, merge->left)) &&
           txn->manifest.garbage_count + TB_RUN_INPUTS_MAX <= TB_RUN_GARBAGE_MAX &&
           (too_many || merge->credit >= wanted);
}

/* Ascending, so that a merge that ends may begin one of the next level. */
static int work_on_level(struct tb_lmdb_txn *txn, uint32_t level, uint64_t written,
                         unsigned *blocks)
{
    struct tb_run_manifest *manifest = &txn->manifest;
    const struct tb_run_tuning *tuning = &txn->store->tuning;
    struct tb_run_merging *merge = &manifest->merges[level];
    if (merge->input_max != 0) {
        merge->credit += (int64_t)(CREDIT_FACTOR * written);
    } else {
        unsigned fan_in = level == 0 ? tuning->fan_in_first : tuning->fan_in;
        uint64_t input_max = oldest_runs(manifest, level, fan_in);
        if (input_max != 0) {
            begin_merge(manifest, level, input_max, tuning->step_entries);
        }
    }
    uint64_t taken_max = tuning->step_entries + CREDIT_FACTOR * written;
    uint64_t taken = 0;
    int rc = 0;
    while (rc == 0 && taken < taken_max && is_due(txn, merge)) {
        uint32_t step_taken = 0;
        rc = do_step(txn, level, &step_taken);
        taken += step_taken;
        ++*blocks;
    }
    return rc;
}

int tb_run_work(struct tb_lmdb_txn *txn, uint64_t written)
{
    unsigned blocks = 0;
    int rc = 0;
    for (uint32_t level = 0; level + 1 < TB_RUN_LEVELS_MAX && rc == 0; level++) {
        rc = work_on_level(txn, level, written, &blocks);
    }
    return rc != 0 ? rc : delete_garbage(txn, DELETE_BLOCKS_MIN + 2 * blocks);
}
