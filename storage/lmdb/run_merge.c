#include <assert.h>

#include "lmdb/lmdb.h"

/* How much more than was written each merge may take. 1 would just do: while a merge takes what F
 * runs hold, the same amount arrives. More of it means that merges end sooner, and fewer runs are
 * there to be read. */
#define CREDIT_FACTOR 3

/* The same when room is scarce: drops that wait for a merge to end keep room taken. */
#define CREDIT_FACTOR_SCARCE 24

/* Of a page that is full, about. */
#define PAGE_ENTRIES 256

/* With so many runs merging has come to lag behind: it gets what credit it wants. */
#define RUNS_TOO_MANY 128

/* --- a step of a merge --- */

struct step {
    struct tb_lmdb_txn *txn;
    struct tb_run_merging *merge;
    struct tb_run_info *runs; /* the inputs, newest first */
    struct tb_run_walk walk;
    struct tb_run_source sources[TB_RUN_INPUTS_MAX];
    const void *begun[TB_RUN_INPUTS_MAX]; /* the block that each input stood in at first */
    bool passed[TB_RUN_INPUTS_MAX];       /* it stands there no more */
    struct tb_run_block_key kept[TB_RUN_INPUTS_MAX]; /* then: where it stands; len 0: at its end */
    bool oldest;    /* nothing is older than the inputs: drops have nothing left to hide */
    uint32_t taken; /* entries */
    uint32_t drops; /* written */
};

/* Opens the inputs behind what was taken already. */
static int open_inputs(struct step *step)
{
    struct tb_run_manifest *manifest = &step->txn->manifest;
    unsigned at = tb_run_manifest_inputs(manifest, step->merge);
    step->runs = &manifest->runs[at];
    step->oldest = at + step->merge->inputs == manifest->count;
    step->walk = (struct tb_run_walk){
        .way = TB_RUN_UP, .sources = step->sources, .count = step->merge->inputs};
    for (unsigned i = 0; i < step->merge->inputs; i++) {
        tb_run_source_init(&step->sources[i], step->txn, step->runs[i].number);
    }
    const struct tb_key *taken = &step->merge->taken;
    int rc = tb_run_walk_seek(&step->walk, taken->bytes, taken->len);
    while (rc == 0 && taken->len > 0 && step->walk.front != NULL &&
           tb_run_same_key(&step->walk.front->place.key, taken)) {
        rc = tb_run_walk_step(&step->walk);
    }
    for (unsigned i = 0; i < step->merge->inputs; i++) {
        const struct tb_run_source *source = &step->sources[i];
        step->begun[i] = source->on_entry ? source->block.mv_data : NULL;
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
        step->drops += newest_put ? 0 : 1;
    }
    return rc;
}

static int take_keys(struct step *step, struct tb_run_builder *builder)
{
    uint32_t max = step->txn->store->tuning.step_entries;
    int rc = open_inputs(step);
    tb_run_builder_start(builder, step->merge->output, tb_run_block_pages(step->txn));
    while (rc == 0 && step->walk.front != NULL && step->taken < max &&
           !tb_run_builder_is_full(builder, step->walk.front->place.key.len)) {
        rc = take_key(step, builder);
    }
    return rc;
}

/* --- deleting what was taken --- */

/* Notes where each input stands: the first write moves what the sources point at. */
static void note_kept(struct step *step)
{
    for (unsigned i = 0; i < step->merge->inputs; i++) {
        const struct tb_run_source *source = &step->sources[i];
        step->passed[i] = !source->on_entry || source->block.mv_data != step->begun[i];
        step->kept[i].len = 0;
        if (source->on_entry) {
            step->kept[i].len = source->block_key.mv_size;
            memcpy(step->kept[i].bytes, source->block_key.mv_data, step->kept[i].len);
        }
    }
}

/* The first block of a run, unless it is the one to be kept; `*gone`: it is, or there is none. */
static int delete_block(struct tb_lmdb_txn *txn, uint64_t number,
                        const struct tb_run_block_key *kept, bool *gone)
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
    *gone = rc == MDB_NOTFOUND ||
            (rc == 0 &&
             (key.mv_size < first.len || memcmp(key.mv_data, first.bytes, first.len) != 0 ||
              (key.mv_size == kept->len && memcmp(key.mv_data, kept->bytes, kept->len) == 0)));
    return *gone ? 0 : rc != 0 ? rc : mdb_cursor_del(cursor, 0);
}

/* Not more than were taken since the last time, but for one block of each input. */
static int delete_taken(struct step *step)
{
    int rc = 0;
    for (unsigned i = 0; i < step->merge->inputs && rc == 0; i++) {
        struct tb_run_info *run = &step->runs[i];
        bool gone = !step->passed[i] || run->blocks == 0;
        while (rc == 0 && !gone) {
            rc = delete_block(step->txn, run->number, &step->kept[i], &gone);
            if (rc == 0 && !gone) {
                gone = --run->blocks == 0;
            }
        }
        if (rc == 0 && (run->blocks == 0) != (step->kept[i].len == 0)) {
            rc = MDB_CORRUPTED;
        }
    }
    return rc;
}

/* Writes one more block of the output and deletes what it stands for. */
static int do_step(struct tb_lmdb_txn *txn, struct tb_run_merging *merge, uint32_t *taken)
{
    struct tb_run_builder *builder = &txn->store->builder;
    struct step step = {.txn = txn, .merge = merge};
    int rc = take_keys(&step, builder);
    if (rc != 0) {
        return rc;
    }
    note_kept(&step);
    if (builder->total > 0) {
        merge->entries += builder->total;
        merge->drops += step.drops;
        merge->blocks++;
        rc = tb_run_store_block(txn, builder, false);
    }
    rc = rc != 0 ? rc : delete_taken(&step);
    *taken = step.taken;
    merge->credit -= step.taken;
    merge->left -= step.taken < merge->left ? step.taken : merge->left;
    if (rc == 0 && step.walk.front == NULL) {
        tb_run_manifest_end(&txn->manifest, merge);
    }
    return rc;
}

/* --- what a commit does --- */

struct work {
    struct tb_lmdb_txn *txn;
    uint64_t written;
    unsigned blocks_max; /* that a merge may write; 0: room is not scarce */
};

static void begin_merge(const struct work *work, unsigned place, struct tb_run_span span,
                        uint8_t level)
{
    struct tb_run_manifest *manifest = &work->txn->manifest;
    struct tb_run_merging *merge = &manifest->merges[place];
    /* The first step is free: a merge that fits into one is done at once. */
    *merge = (struct tb_run_merging){.output = manifest->next++,
                                     .inputs = (uint16_t)span.count,
                                     .level = level,
                                     .credit = work->txn->store->tuning.step_entries};
    for (unsigned i = span.at; i < span.at + span.count; i++) {
        manifest->runs[i].merge = (uint8_t)(place + 1);
        merge->left += manifest->runs[i].entries;
    }
}

static bool has_too_many_runs(const struct work *work)
{
    return work->txn->manifest.count > RUNS_TOO_MANY;
}

/* When room is scarce, merges that take much of all there is are left to the rescue, which knows
 * what they are good for. */
static bool is_worth_it(const struct work *work, struct tb_run_span span)
{
    enum { SHARE_MAX = 8 };
    const struct tb_run_manifest *manifest = &work->txn->manifest;
    uint64_t entries = 0;
    uint64_t all = 0;
    for (unsigned i = 0; i < manifest->count; i++) {
        all += manifest->runs[i].entries;
        entries += i >= span.at && i < span.at + span.count ? manifest->runs[i].entries : 0;
    }
    return work->blocks_max == 0 || has_too_many_runs(work) || entries <= all / SHARE_MAX;
}

static void try_to_begin(const struct work *work, unsigned place)
{
    struct tb_run_manifest *manifest = &work->txn->manifest;
    const struct tb_run_tuning *tuning = &work->txn->store->tuning;
    if (place == TB_RUN_RESCUE) {
        struct tb_run_span span = {0, 0};
        if (work->blocks_max > 0) {
            span = tb_run_choose_rescue(manifest);
        }
        if (span.count > 0) {
            begin_merge(work, place, span, manifest->runs[span.at + span.count - 1].level);
        }
        return;
    }
    struct tb_run_span span =
        tb_run_choose(manifest, place, place == 0 ? tuning->fan_in_first : tuning->fan_in);
    if (span.count > 0 && is_worth_it(work, span)) {
        begin_merge(work, place, span, (uint8_t)(place + 1));
    }
}

/* A step is due when it makes a whole block, or ends the merge. */
static bool is_due(const struct work *work, const struct tb_run_merging *merge)
{
    const struct tb_run_tuning *tuning = &work->txn->store->tuning;
    int64_t block = (int64_t)tb_run_block_pages(work->txn) * PAGE_ENTRIES;
    int64_t wanted = block < tuning->step_entries ? block : tuning->step_entries;
    if (merge->left < (uint64_t)wanted) {
        wanted = (int64_t)merge->left;
    }
    return merge->output != 0 &&
           (work->blocks_max > 0 || has_too_many_runs(work) || merge->credit >= wanted);
}

static int work_on(const struct work *work, unsigned place)
{
    struct tb_run_merging *merge = &work->txn->manifest.merges[place];
    bool scarce = work->blocks_max > 0;
    uint64_t factor = scarce ? CREDIT_FACTOR_SCARCE : CREDIT_FACTOR;
    uint64_t taken_max = work->txn->store->tuning.step_entries + factor * work->written;
    uint64_t blocks_max = work->blocks_max + factor * work->written / PAGE_ENTRIES;
    uint64_t taken = 0;
    uint64_t steps = 0;
    int rc = 0;
    if (merge->output != 0) {
        merge->credit += (int64_t)(CREDIT_FACTOR * work->written);
    } else {
        try_to_begin(work, place);
    }
    while (rc == 0 && taken < taken_max && (!scarce || steps < blocks_max) && is_due(work, merge)) {
        uint32_t step_taken = 0;
        rc = do_step(work->txn, merge, &step_taken);
        taken += step_taken;
        steps++;
    }
    return rc;
}

/* Levels ascending, so that a merge that ends may begin one of the next level. */
int tb_run_work(struct tb_lmdb_txn *txn, uint64_t written)
{
    const struct work work = {txn, written, tb_run_blocks_max(txn)};
    int rc = 0;
    for (unsigned place = 0; place < TB_RUN_MERGES_MAX && rc == 0; place++) {
        if (place + 1 != TB_RUN_LEVELS_MAX) { /* the last level is nobody's input */
            rc = work_on(&work, place);
        }
    }
    return rc;
}
