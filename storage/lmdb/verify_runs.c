/* The runs: each block, page and entry; what the manifest says of them; and, all runs walked as
 * one, that puts and drops of each key alternate. What is put in the end is there. */
#include <stdlib.h>

#include "lmdb/verify.h"

#define SOURCES_MAX (TB_RUN_COUNT_MAX + TB_RUN_MERGES_MAX)

/* One run, or the output of a merge that goes on, from its first entry to its last. */
struct source {
    struct tb_check *check;
    unsigned age;               /* 0: the newest */
    const struct tb_key *taken; /* of the merge that it is an input or the output of, or NULL */
    bool is_output;
    struct tb_run_info said; /* by the manifest */
    MDB_cursor *cursor;
    MDB_val block_key;
    MDB_val block; /* no bytes: none yet */
    unsigned page_index;
    bool on_page;
    struct tb_run_page page;
    struct tb_run_place place;
    bool has_last;
    struct tb_key last;
    bool on_entry;
    struct tb_run_info seen; /* counted here */
    uint64_t left;           /* entries behind `taken` */
};

struct walk {
    struct tb_check *check;
    size_t count;
    struct source *sources;
    size_t heap_count;
    struct source *heap[SOURCES_MAX]; /* [0] is the least */
    struct tb_key answered;           /* the last entry of ANSWER that is there */
    uint64_t stranger;                /* the last run found that nobody knows */
};

/* --- one run --- */

static void source_fault(struct source *source, const char *what)
{
    if (source->on_page) {
        tb_check_fault(source->check, "run %llu, page %u of the block behind entry %llu: %s",
                       (unsigned long long)source->seen.number, source->page_index,
                       (unsigned long long)source->seen.entries, what);
    } else {
        tb_check_fault(source->check, "run %llu, behind entry %llu: %s",
                       (unsigned long long)source->seen.number,
                       (unsigned long long)source->seen.entries, what);
    }
}

/* To the next block; false: there is none. */
static bool next_block(struct source *source)
{
    struct tb_run_block_key first;
    bool begin = source->block.mv_data == NULL;
    tb_run_block_key(&first, source->seen.number, NULL, 0);
    if (begin) {
        source->block_key = tb_mdb_val(first.bytes, first.len);
    }
    int rc = mdb_cursor_get(source->cursor, &source->block_key, &source->block,
                            begin ? MDB_SET_RANGE : MDB_NEXT);
    source->on_page = false;
    source->page_index = 0;
    if (rc != 0 && rc != MDB_NOTFOUND) {
        source_fault(source, mdb_strerror(rc));
    }
    bool is_mine = rc == 0 && source->block_key.mv_size >= first.len &&
                   memcmp(source->block_key.mv_data, first.bytes, first.len) == 0;
    source->seen.blocks += is_mine ? 1 : 0;
    return is_mine;
}

/* The name of a block is the first key in it. */
static void check_block_name(struct source *source)
{
    const struct tb_key *key = &source->place.key;
    const uint8_t *name = (const uint8_t *)source->block_key.mv_data + sizeof(uint64_t);
    size_t len = source->block_key.mv_size - sizeof(uint64_t);
    if (tb_run_compare(name, len, key->bytes, key->len) != 0) {
        source_fault(source, "the block stands under another key than its first one");
    }
}

/* The last page ends where the block does. */
static void check_end(struct source *source)
{
    size_t end = tb_run_page_at(source->page_index) + source->page.entries_end +
                 source->page.restarts * sizeof(uint16_t);
    bool is_last = tb_run_page_at(source->page_index + 1) >= source->block.mv_size;
    if (is_last && end != source->block.mv_size) {
        source_fault(source, "the block is longer than its pages");
    }
}

/* To the first entry of the next page, which is the one of that index, or a later one of the block.
 * False: the block has no more that are whole. */
static bool next_page(struct source *source)
{
    unsigned index = source->on_page ? source->page_index + 1 : 0;
    for (; tb_run_page_at(index) < source->block.mv_size; index++) {
        source->on_page = true;
        source->page_index = index;
        if (index < TB_RUN_BLOCK_PAGES_MAX &&
            tb_run_page_open(source->block.mv_data, source->block.mv_size, index,
                             source->seen.number, &source->page) == 0 &&
            tb_run_page_go(&source->page, 0, &source->place) == 0) {
            if (index == 0) {
                check_block_name(source);
            }
            check_end(source);
            return true;
        }
        source_fault(source, "the page is damaged");
    }
    return false;
}

/* The table of restarts must lead to where one comes by walking. */
static void check_restart(struct source *source)
{
    struct tb_run_place there = {.index = 0};
    const struct tb_run_place *here = &source->place;
    if (here->index % TB_RUN_RESTART_ENTRIES == 0 &&
        (tb_run_page_go(&source->page, here->index, &there) != 0 || there.next != here->next ||
         there.put != here->put || !tb_run_same_key(&there.key, &here->key))) {
        source_fault(source, "the page's table is wrong");
    }
}

/* To the next entry that can be read; false: at the end. */
static bool advance(struct source *source)
{
    if (source->on_page && source->place.index + 1 < source->page.entries) {
        if (tb_run_page_step(&source->page, &source->place) == 0) {
            return true;
        }
        source_fault(source, "an entry is damaged");
    } else if (source->on_page && source->place.next != source->page.entries_end) {
        source_fault(source, "the page is longer than its entries");
    }
    bool found = source->on_page && next_page(source);
    while (!found && next_block(source)) {
        found = next_page(source);
    }
    return found;
}

static void count_entry(struct source *source)
{
    const struct tb_key *key = &source->place.key;
    if (source->has_last &&
        tb_run_compare(source->last.bytes, source->last.len, key->bytes, key->len) >= 0) {
        source_fault(source, "an entry is not above the one in front of it");
    }
    source->has_last = true;
    source->last = *key;
    source->seen.entries++;
    source->seen.drops += source->place.put ? 0 : 1;
    if (tb_entry_has_form(key->bytes, key->len)) { /* else its tops are nowhere */
        tb_run_info_add(&source->seen, key->bytes, key->len);
    }
}

/* To the next entry that counts: of an input of a merge, what was not taken yet. */
static void step(struct source *source)
{
    bool counts = false;
    do {
        source->on_entry = advance(source);
        if (!source->on_entry) {
            return;
        }
        count_entry(source);
        check_restart(source);
        counts =
            source->taken == NULL ||
            (tb_run_compare(source->place.key.bytes, source->place.key.len, source->taken->bytes,
                            source->taken->len) <= 0) == source->is_output;
        source->left += counts ? 1 : 0;
        if (!counts && source->is_output) {
            source_fault(source, "a merge has written more than it took");
        }
    } while (!counts);
}

/* --- what the manifest says --- */

static void compare_number(struct source *source, const char *what, uint64_t said, uint64_t seen)
{
    if (said != seen) {
        tb_check_fault(source->check, "run %llu: the manifest says %llu %s, there are %llu",
                       (unsigned long long)source->seen.number, (unsigned long long)said, what,
                       (unsigned long long)seen);
    }
}

static void compare_with_manifest(struct source *source)
{
    const struct tb_run_info *said = &source->said;
    const struct tb_run_info *seen = &source->seen;
    bool is_input = source->taken != NULL && !source->is_output;
    compare_number(source, "blocks", said->blocks, seen->blocks);
    if (!is_input) {
        compare_number(source, "entries", said->entries, seen->entries);
        compare_number(source, "drops", said->drops, seen->drops);
    }
    if ((seen->states & ~said->states) != 0 || seen->id_top > said->id_top ||
        seen->time_top > said->time_top) {
        tb_check_fault(source->check,
                       "run %llu: it has states, ids or times that the manifest denies",
                       (unsigned long long)seen->number);
    }
}

static void compare_merges(const struct walk *walk, const struct tb_run_manifest *manifest)
{
    for (unsigned m = 0; m < TB_RUN_MERGES_MAX; m++) {
        const struct tb_run_merging *merge = &manifest->merges[m];
        uint64_t left = 0;
        for (size_t i = 0; i < walk->count; i++) {
            const struct source *source = &walk->sources[i];
            left += source->taken == &merge->taken && !source->is_output ? source->left : 0;
        }
        if (merge->output != 0 && left != merge->left) {
            tb_check_fault(walk->check,
                           "the merge into run %llu has %llu entries to take, not %llu",
                           (unsigned long long)merge->output, (unsigned long long)left,
                           (unsigned long long)merge->left);
        }
    }
}

/* --- all runs as one --- */

static bool comes_before(const struct source *a, const struct source *b)
{
    int order =
        tb_run_compare(a->place.key.bytes, a->place.key.len, b->place.key.bytes, b->place.key.len);
    return order != 0 ? order < 0 : a->age < b->age;
}

/* Lets the first of the heap sink to its place. */
static void sift(struct walk *walk, size_t at)
{
    struct source **heap = walk->heap;
    size_t child = 2 * at + 1;
    while (child < walk->heap_count) {
        if (child + 1 < walk->heap_count && comes_before(heap[child + 1], heap[child])) {
            child++;
        }
        if (!comes_before(heap[child], heap[at])) {
            return;
        }
        struct source *lower = heap[at];
        heap[at] = heap[child];
        heap[child] = lower;
        at = child;
        child = 2 * at + 1;
    }
}

static void start_walk(struct walk *walk)
{
    for (size_t i = 0; i < walk->count; i++) {
        step(&walk->sources[i]);
        if (walk->sources[i].on_entry) {
            walk->heap[walk->heap_count++] = &walk->sources[i];
        }
    }
    for (size_t i = walk->heap_count; i-- > 0;) {
        sift(walk, i);
    }
}

static void step_walk(struct walk *walk)
{
    step(walk->heap[0]);
    if (!walk->heap[0]->on_entry) {
        walk->heap[0] = walk->heap[--walk->heap_count];
    }
    sift(walk, 0);
}

/* An idempotency key has one answer. */
static void check_answer(struct walk *walk, const struct tb_key *key)
{
    size_t digest_end = 1 + TB_DIGEST_BYTES;
    if (key->bytes[0] != TB_INDEX_ANSWER || key->len < digest_end) {
        return;
    }
    if (walk->answered.len == key->len &&
        memcmp(walk->answered.bytes, key->bytes, digest_end) == 0) {
        char text[TB_ENTRY_TEXT_BYTES];
        tb_entry_describe(key->bytes, key->len, text);
        tb_check_fault(walk->check, "an idempotency key has two answers: %s", text);
    }
    walk->answered = *key;
}

/* All operations on one key, from the newest to the oldest: a put and a drop by turns, and a put at
 * first. */
static void take_key(struct walk *walk)
{
    struct tb_key key = walk->heap[0]->place.key;
    bool is_there = walk->heap[0]->place.put;
    bool put = !is_there; /* of the operation looked at last */
    bool alternate = true;
    do {
        alternate = alternate && walk->heap[0]->place.put != put;
        put = walk->heap[0]->place.put;
        step_walk(walk);
    } while (walk->heap_count > 0 && tb_run_same_key(&walk->heap[0]->place.key, &key));
    if (!alternate || !put) {
        char text[TB_ENTRY_TEXT_BYTES];
        tb_entry_describe(key.bytes, key.len, text);
        tb_check_fault(walk->check, "an entry was put or dropped twice: %s", text);
    }
    if (is_there) {
        check_answer(walk, &key);
        tb_check_find(walk->check, &key);
    }
}

/* --- which there are --- */

static void add_source(struct walk *walk, struct tb_run_info said, const struct tb_key *taken,
                       bool is_output)
{
    struct source *source = &walk->sources[walk->count];
    *source = (struct source){.check = walk->check,
                              .age = (unsigned)walk->count,
                              .taken = taken,
                              .is_output = is_output,
                              .said = said,
                              .seen = {.number = said.number}};
    walk->count++;
    struct tb_lmdb_txn *txn = &walk->check->txn;
    int rc = mdb_cursor_open(txn->mdb, txn->store->dbis[TB_DB_RUN], &source->cursor);
    if (rc != 0) {
        abort(); /* no memory is left for it */
    }
}

/* The output of a merge stands in front of its inputs: it has other keys than they. */
static void add_sources(struct walk *walk, const struct tb_run_manifest *manifest)
{
    for (unsigned i = 0; i < manifest->count; i++) {
        const struct tb_run_info *run = &manifest->runs[i];
        const struct tb_run_merging *merge =
            run->merge == 0 ? NULL : &manifest->merges[run->merge - 1];
        if (merge != NULL && tb_run_manifest_inputs(manifest, merge) == i) {
            add_source(walk, tb_run_manifest_output(manifest, merge, i), &merge->taken, true);
        }
        add_source(walk, *run, merge == NULL ? NULL : &merge->taken, false);
    }
}

/* Whether the manifest names the run of a block. */
static void check_owner(void *ctx, MDB_val key, MDB_val block)
{
    struct walk *walk = ctx;
    (void)block;
    if (key.mv_size <= sizeof(uint64_t)) {
        tb_check_fault(walk->check, "the run database has a key of %zu bytes", key.mv_size);
        return;
    }
    uint64_t number = tb_key_read_u64(key.mv_data);
    for (size_t i = 0; i < walk->count; i++) {
        if (walk->sources[i].seen.number == number) {
            return;
        }
    }
    if (walk->stranger != number) {
        tb_check_fault(walk->check,
                       "there are blocks of run %llu, which the manifest does not name",
                       (unsigned long long)number);
    }
    walk->stranger = number;
}

static void check_sources(struct walk *walk, const struct tb_run_manifest *manifest)
{
    add_sources(walk, manifest);
    start_walk(walk);
    while (walk->heap_count > 0) {
        take_key(walk);
    }
    for (size_t i = 0; i < walk->count; i++) {
        compare_with_manifest(&walk->sources[i]);
        mdb_cursor_close(walk->sources[i].cursor);
    }
    compare_merges(walk, manifest);
    tb_check_walk(walk->check, TB_DB_RUN, check_owner, walk);
}

bool tb_check_runs(struct tb_check *check)
{
    struct tb_run_manifest *manifest = &check->txn.manifest;
    int rc = tb_run_manifest_read(&check->txn, manifest);
    if (rc != 0) {
        tb_check_fault(check, "the manifest of the runs is damaged: no list can be read");
        return false;
    }
    struct walk *walk = calloc(1, sizeof *walk);
    struct source *sources = calloc(SOURCES_MAX, sizeof *sources);
    if (walk == NULL || sources == NULL) {
        abort();
    }
    walk->check = check;
    walk->sources = sources;
    check_sources(walk, manifest);
    free(sources);
    free(walk);
    return true;
}
