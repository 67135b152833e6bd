/* Long random histories of runs: after each commit every list, walked both ways, must be what a
 * sorted set says, the snapshots held open must be as they were, and the manifest must account for
 * every block.
 *
 *   TASKBOARD_SEED=n   another history than the usual ones
 *   TASKBOARD_STEPS=n  a longer or shorter one: so many transactions */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <assert.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lmdb/list.h"
#include "taskboard/storage.h"

enum {
    STEPS = 100,
    LISTS = 10,
    LIST_KEYS = 120,
    KEYS = LISTS * LIST_KEYS,
    WATCHERS = 3,
    TIGHT_COMMITS_MAX = 20,
};

/* Lists of every length of suffix. What the entries of one have in common, the fillers, is as long
 * as the most that an entry can share with the one before it, or nearly, or as the longest key
 * allows. */
static const struct {
    enum tb_index kind;
    size_t filler;
    size_t suffix;
} shapes[LISTS] = {
    {TB_INDEX_CREATED, 0, 16},
    {TB_INDEX_UPDATED, 0, TB_SUFFIX_BYTES_MAX},
    {TB_INDEX_UPDATED, 0, TB_SUFFIX_BYTES_MAX},
    {TB_INDEX_EVENT, 16, 8},
    {TB_INDEX_PARENT, 16, 16},
    {TB_INDEX_TAG, 3, 16},
    {TB_INDEX_TAG, 124, 16},
    {TB_INDEX_WORD, 125, 16},
    {TB_INDEX_WORD, 126, 16},
    {TB_INDEX_ASSIGNEE, 174, 16},
};

static_assert(TB_STATE_COUNT > 2, "the first lists' numbers stand in their keys as states");

/* A snapshot that outlives commits, with a list in it that is walked a little now and then. */
struct watcher {
    struct tb_reader *reader;
    struct tb_arena *arena;
    struct tb_txn *txn; /* NULL: none is open */
    bool present[KEYS];
    struct tb_list list;
    int number;
    int at; /* where the list should stand; below 0: at its end */
    enum tb_list_way way;
};

struct history {
    char folder[64];
    uint64_t random;
    unsigned step;
    struct tb_store *store;
    struct tb_arena *arena;
    struct watcher watchers[WATCHERS];
    struct tb_key keys[KEYS]; /* list by list, each in order */
    bool present[KEYS];       /* as committed */
    bool working[KEYS];       /* as the open transaction has it */
};

static uint64_t pick(struct history *h, uint64_t bound)
{
    h->random ^= h->random << 13;
    h->random ^= h->random >> 7;
    h->random ^= h->random << 17;
    return (h->random >> 11) % bound;
}

static bool chance(struct history *h, unsigned percent)
{
    return pick(h, 100) < percent;
}

/* --- keys --- */

static void make_prefix(int number, struct tb_key *key)
{
    tb_key_start(key, shapes[number].kind);
    memset(key->bytes + key->len, 'x', shapes[number].filler);
    key->len += shapes[number].filler;
    tb_key_add_byte(key, (uint8_t)number);
}

static int compare_keys(const void *a, const void *b)
{
    const struct tb_key *x = a;
    const struct tb_key *y = b;
    return tb_run_compare(x->bytes, x->len, y->bytes, y->len);
}

/* Suffixes of few different bytes, so that neighbours share much or little; `i` makes each
 * another one. */
static void make_key(struct history *h, int number, unsigned i, struct tb_key *key)
{
    static const uint8_t bytes[] = {0x00, 0x01, 0x7f, 0xff};
    make_prefix(number, key);
    size_t left = shapes[number].suffix - 1;
    for (size_t fixed = pick(h, left); left > fixed; left--) {
        tb_key_add_byte(key, bytes[pick(h, 4)]);
    }
    tb_key_add_byte(key, (uint8_t)i);
    for (; left > 0; left--) {
        tb_key_add_byte(key, 0x01);
    }
}

static bool is_twice(const struct tb_key *keys, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (compare_keys(&keys[i - 1], &keys[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void make_keys(struct history *h)
{
    for (int number = 0; number < LISTS; number++) {
        struct tb_key *keys = &h->keys[number * LIST_KEYS];
        do {
            for (unsigned i = 0; i < LIST_KEYS; i++) {
                make_key(h, number, i, &keys[i]);
            }
            qsort(keys, LIST_KEYS, sizeof *keys, compare_keys);
        } while (is_twice(keys, LIST_KEYS));
    }
}

static const uint8_t *suffix_of(const struct history *h, int i)
{
    const struct tb_key *key = &h->keys[i];
    return key->bytes + key->len - shapes[i / LIST_KEYS].suffix;
}

/* The next key of the list from `i` on that is there; below 0: none. */
static int next_of(const bool *there, int number, int i, enum tb_list_way way)
{
    int low = number * LIST_KEYS;
    while (i >= low && i < low + LIST_KEYS && !there[i]) {
        i += way == TB_LIST_UP ? 1 : -1;
    }
    return i >= low && i < low + LIST_KEYS ? i : -1;
}

static int step_of(const bool *there, int i, enum tb_list_way way)
{
    return next_of(there, i / LIST_KEYS, way == TB_LIST_UP ? i + 1 : i - 1, way);
}

static int first_of(const bool *there, int number, enum tb_list_way way)
{
    int low = number * LIST_KEYS;
    return next_of(there, number, way == TB_LIST_UP ? low : low + LIST_KEYS - 1, way);
}

/* --- lists against the set --- */

static void expect_at(const struct history *h, const struct tb_list *list, int i)
{
    bool right = list->on_entry == (i >= 0) &&
                 (i < 0 || memcmp(tb_list_suffix(list), suffix_of(h, i), list->suffix_len) == 0);
    if (!right) {
        print_error("step %u: a list is not what it should be at key %d\n", h->step, i);
    }
    assert_true(right);
}

static void open_list(struct tb_lmdb_txn *txn, int number, struct tb_list *list)
{
    struct tb_key prefix;
    make_prefix(number, &prefix);
    assert_int_equal(tb_list_open(txn, TB_DB_RUN, &prefix, shapes[number].suffix, list), 0);
}

static void check_list(const struct history *h, struct tb_lmdb_txn *txn, const bool *there,
                       int number, enum tb_list_way way)
{
    struct tb_list list;
    int at = first_of(there, number, way);
    open_list(txn, number, &list);
    assert_int_equal(tb_list_start(&list, way, NULL), 0);
    expect_at(h, &list, at);
    while (at >= 0) {
        at = step_of(there, at, way);
        assert_int_equal(tb_list_next(&list, way), 0);
        expect_at(h, &list, at);
    }
    tb_list_close(&list);
}

static void check_lists(const struct history *h, struct tb_lmdb_txn *txn, const bool *there)
{
    for (int number = 0; number < LISTS; number++) {
        check_list(h, txn, there, number, TB_LIST_UP);
        check_list(h, txn, there, number, TB_LIST_DOWN);
    }
}

/* One list object, started many times. */
static void wander(struct history *h, struct tb_lmdb_txn *txn, const bool *there)
{
    struct tb_list list;
    int number = (int)pick(h, LISTS);
    open_list(txn, number, &list);
    for (int turn = 0; turn < 6; turn++) {
        enum tb_list_way way = chance(h, 40) ? TB_LIST_UP : TB_LIST_DOWN;
        int after = number * LIST_KEYS + (int)pick(h, LIST_KEYS);
        int at = step_of(there, after, way);
        assert_int_equal(tb_list_start(&list, way, suffix_of(h, after)), 0);
        expect_at(h, &list, at);
        for (uint64_t steps = pick(h, 8); steps > 0 && at >= 0; steps--) {
            int bound = number * LIST_KEYS + (int)pick(h, LIST_KEYS);
            if (chance(h, 40)) {
                at = step_of(there, at, way);
                assert_int_equal(tb_list_next(&list, way), 0);
            } else if (way == TB_LIST_DOWN) {
                at = bound < at ? next_of(there, number, bound, way) : at;
                assert_int_equal(tb_list_sink(&list, suffix_of(h, bound)), 0);
            } else {
                at = bound > at ? next_of(there, number, bound, way) : at;
                assert_int_equal(tb_list_rise(&list, suffix_of(h, bound)), 0);
            }
            expect_at(h, &list, at);
        }
    }
    tb_list_close(&list);
}

/* --- what the manifest says against what is stored --- */

struct tally {
    uint64_t blocks;
    uint64_t entries;
    uint64_t drops;
};

static void count_entries(uint64_t number, MDB_val block, struct tally *tally)
{
    struct tb_run_page page;
    struct tb_run_place place;
    size_t pages =
        (block.mv_size + TB_RUN_MARGIN_BYTES + TB_RUN_PAGE_BYTES - 1) / TB_RUN_PAGE_BYTES;
    tally->blocks++;
    for (unsigned i = 0; i < pages; i++) {
        assert_int_equal(tb_run_page_open(block.mv_data, block.mv_size, i, number, &page), 0);
        tally->entries += page.entries;
        for (unsigned k = 0; k < page.entries; k++) {
            assert_int_equal(tb_run_page_go(&page, k, &place), 0);
            tally->drops += place.put ? 0 : 1;
        }
    }
}

static struct tally tally_of(struct tb_lmdb_txn *txn, uint64_t number)
{
    struct tally tally = {0, 0, 0};
    struct tb_run_block_key first;
    MDB_cursor *cursor = NULL;
    MDB_val block;
    tb_run_block_key(&first, number, NULL, 0);
    MDB_val key = tb_mdb_val(first.bytes, first.len);
    assert_int_equal(tb_run_cursor(txn, &cursor), 0);
    int rc = mdb_cursor_get(cursor, &key, &block, MDB_SET_RANGE);
    while (rc == 0 && tb_key_read_u64(key.mv_data) == number) {
        count_entries(number, block, &tally);
        rc = mdb_cursor_get(cursor, &key, &block, MDB_NEXT);
    }
    return tally;
}

static void check_levels(const struct tb_run_manifest *manifest)
{
    for (unsigned i = 1; i < manifest->count; i++) {
        assert_true(manifest->runs[i - 1].level <= manifest->runs[i].level);
    }
}

/* Each block belongs to a run or to the output of a merge. What a merge has taken is gone. */
static void check_manifest(struct tb_lmdb_txn *txn)
{
    MDB_stat stat;
    uint64_t blocks = 0;
    assert_int_equal(tb_run_manifest_load(txn), 0);
    const struct tb_run_manifest *manifest = &txn->manifest;
    check_levels(manifest);
    for (unsigned i = 0; i < manifest->count; i++) {
        const struct tb_run_info *run = &manifest->runs[i];
        struct tally tally = tally_of(txn, run->number);
        assert_int_equal(tally.blocks, run->blocks);
        assert_true(run->merge != 0 ? tally.entries <= run->entries
                                    : tally.entries == run->entries);
        assert_true(tally.drops <= run->drops);
        assert_true(run->number < manifest->next);
        blocks += tally.blocks;
    }
    for (unsigned i = 0; i < TB_RUN_MERGES_MAX; i++) {
        const struct tb_run_merging *merge = &manifest->merges[i];
        if (merge->output != 0) {
            struct tally tally = tally_of(txn, merge->output);
            assert_int_equal(tally.blocks, merge->blocks);
            assert_int_equal(tally.entries, merge->entries);
            assert_int_equal(tally.drops, merge->drops);
            blocks += tally.blocks;
        }
    }
    assert_int_equal(mdb_stat(txn->mdb, txn->store->dbis[TB_DB_RUN], &stat), 0);
    assert_int_equal(stat.ms_entries, blocks);
}

/* --- snapshots held open --- */

static void watch(struct history *h, struct watcher *watcher)
{
    assert_int_equal(tb_read_begin(watcher->reader, watcher->arena, &watcher->txn), TB_OK);
    memcpy(watcher->present, h->present, sizeof h->present);
    watcher->number = (int)pick(h, LISTS);
    watcher->way = chance(h, 50) ? TB_LIST_UP : TB_LIST_DOWN;
    watcher->at = first_of(watcher->present, watcher->number, watcher->way);
    open_list(tb_lmdb_txn_of(watcher->txn), watcher->number, &watcher->list);
    assert_int_equal(tb_list_start(&watcher->list, watcher->way, NULL), 0);
}

static void leave(struct watcher *watcher)
{
    if (watcher->txn != NULL) {
        tb_list_close(&watcher->list);
        tb_read_end(&watcher->txn);
    }
}

static void look(struct history *h, struct watcher *watcher)
{
    expect_at(h, &watcher->list, watcher->at);
    for (uint64_t steps = pick(h, 5); steps > 0 && watcher->at >= 0; steps--) {
        watcher->at = step_of(watcher->present, watcher->at, watcher->way);
        assert_int_equal(tb_list_next(&watcher->list, watcher->way), 0);
        expect_at(h, &watcher->list, watcher->at);
    }
    wander(h, tb_lmdb_txn_of(watcher->txn), watcher->present);
}

static void check_watchers(struct history *h)
{
    for (int i = 0; i < WATCHERS; i++) {
        struct watcher *watcher = &h->watchers[i];
        if (watcher->txn == NULL) {
            watch(h, watcher);
        }
        look(h, watcher);
        if (chance(h, 10U + 10U * (unsigned)i)) {
            check_lists(h, tb_lmdb_txn_of(watcher->txn), watcher->present);
            leave(watcher);
        }
    }
}

/* --- the store --- */

/* Another tuning each time: what one began, the next goes on with. */
static void open_store(struct history *h)
{
    static const uint32_t step_entries[] = {1, 3, 20, 150, 4096};
    char why[256] = "";
    struct tb_store_options options = {.url = h->folder,
                                       .readers_max = WATCHERS + 1,
                                       .create = true,
                                       .map_bytes = UINT64_C(1) << 30};
    assert_int_equal(tb_store_open(&options, &h->store, why, sizeof why), TB_OK);
    struct tb_lmdb_store *store = (struct tb_lmdb_store *)h->store;
    store->tuning = (struct tb_run_tuning){
        .fan_in_first = 2 + (unsigned)pick(h, TB_RUN_INPUTS_MAX - 1),
        .fan_in = 2 + (unsigned)pick(h, chance(h, 50) ? 3 : TB_RUN_INPUTS_MAX - 1),
        .block_pages = 1 + (unsigned)pick(h, chance(h, 50) ? 2 : TB_RUN_BLOCK_PAGES_MAX),
        .step_entries = step_entries[pick(h, 5)],
    };
    assert_int_equal(mdb_env_set_flags(store->env, MDB_NOSYNC, 1), 0); /* nothing crashes here */
    for (int i = 0; i < WATCHERS; i++) {
        assert_int_equal(tb_reader_new(h->store, &h->watchers[i].reader), TB_OK);
    }
}

static void close_store(struct history *h)
{
    for (int i = 0; i < WATCHERS; i++) {
        leave(&h->watchers[i]);
        tb_reader_free(&h->watchers[i].reader);
    }
    tb_store_close(&h->store);
}

static struct history *history_new(uint64_t seed)
{
    struct history *h = calloc(1, sizeof *h);
    assert_non_null(h);
    strcpy(h->folder, "/tmp/taskboard-test-XXXXXX");
    assert_non_null(mkdtemp(h->folder));
    h->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    h->arena = tb_arena_new(0);
    for (int i = 0; i < WATCHERS; i++) {
        h->watchers[i].arena = tb_arena_new(0);
    }
    make_keys(h);
    open_store(h);
    return h;
}

static void history_free(struct history *h)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "lock"};
    close_store(h);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", h->folder, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(h->folder), 0);
    for (int i = 0; i < WATCHERS; i++) {
        tb_arena_free(h->watchers[i].arena);
    }
    tb_arena_free(h->arena);
    free(h);
}

/* --- transactions --- */

static void set(struct history *h, struct tb_lmdb_txn *txn, int i, bool there)
{
    if (h->working[i] != there) {
        int rc = there ? tb_run_put(txn, &h->keys[i]) : tb_run_drop(txn, &h->keys[i]);
        assert_int_equal(rc, 0);
        h->working[i] = there;
    }
}

static void toggle_some(struct history *h, struct tb_lmdb_txn *txn)
{
    int around = (int)pick(h, KEYS);
    uint64_t near = pick(h, 3) * 50; /* in percent */
    for (uint64_t count = 1 + pick(h, chance(h, 80) ? 12 : 400); count > 0; count--) {
        int i = pick(h, 100) < near ? (around + (int)pick(h, 15)) % KEYS : (int)pick(h, KEYS);
        set(h, txn, i, !h->working[i]);
    }
}

/* All keys, or those of a list, come or go: whole runs cancel out. */
static void set_many(struct history *h, struct tb_lmdb_txn *txn)
{
    bool all = chance(h, 30);
    bool there = chance(h, 50);
    int from = all ? 0 : (int)pick(h, LISTS) * LIST_KEYS;
    for (int i = from; i < (all ? KEYS : from + LIST_KEYS); i++) {
        set(h, txn, i, there);
    }
}

static void change(struct history *h, struct tb_lmdb_txn *txn)
{
    for (uint64_t parts = 1 + pick(h, 3); parts > 0; parts--) {
        if (chance(h, 10)) {
            set_many(h, txn);
        } else {
            toggle_some(h, txn);
        }
        if (chance(h, 15)) {
            wander(h, txn, h->working);
        }
        if (chance(h, 10)) { /* as a big transaction does before its end */
            assert_int_equal(tb_run_flush(txn), 0);
        }
    }
    if (chance(h, 10)) {
        check_lists(h, txn, h->working);
    }
}

static void transact(struct history *h)
{
    struct tb_txn *txn = NULL;
    if (chance(h, 2)) {
        ((struct tb_lmdb_store *)h->store)->tight_commits =
            1 + (unsigned)pick(h, TIGHT_COMMITS_MAX);
    }
    assert_int_equal(tb_write_begin(h->store, h->arena, &txn), TB_OK);
    memcpy(h->working, h->present, sizeof h->present);
    change(h, tb_lmdb_txn_of(txn));
    if (chance(h, 10)) {
        tb_write_abort(&txn);
        return;
    }
    assert_int_equal(tb_write_commit(&txn), TB_OK);
    memcpy(h->present, h->working, sizeof h->present);
}

static void check_store(struct history *h)
{
    struct tb_reader *reader = NULL;
    struct tb_txn *txn = NULL;
    assert_int_equal(tb_reader_new(h->store, &reader), TB_OK);
    assert_int_equal(tb_read_begin(reader, h->arena, &txn), TB_OK);
    check_lists(h, tb_lmdb_txn_of(txn), h->present);
    check_manifest(tb_lmdb_txn_of(txn));
    tb_read_end(&txn);
    tb_reader_free(&reader);
}

static void play(uint64_t seed, unsigned steps)
{
    struct history *h = history_new(seed);
    for (h->step = 0; h->step < steps; h->step++) {
        transact(h);
        check_watchers(h);
        check_store(h);
        tb_arena_reset(h->arena);
        if (chance(h, 2)) {
            close_store(h);
            open_store(h);
        }
    }
    history_free(h);
}

static void lists_and_manifest_are_right_after_each_commit(void **state)
{
    (void)state;
    const char *seed = getenv("TASKBOARD_SEED");
    const char *steps = getenv("TASKBOARD_STEPS");
    unsigned count = steps != NULL ? (unsigned)strtoul(steps, NULL, 10) : STEPS;
    if (seed != NULL) {
        play(strtoull(seed, NULL, 10), count);
        return;
    }
    for (uint64_t usual = 1; usual <= 5; usual++) {
        play(usual, count);
    }
}

/* --- damage --- */

/* Changes a byte of a block, often in the first entry of a page: those show a search its way. */
static void damage_a_block(struct history *h, struct tb_lmdb_txn *txn)
{
    static uint8_t copy[TB_RUN_BLOCK_PAGES_MAX * TB_RUN_PAGE_BYTES];
    MDB_cursor *cursor = NULL;
    MDB_stat stat;
    MDB_val key;
    MDB_val block;
    assert_int_equal(mdb_stat(txn->mdb, txn->store->dbis[TB_DB_RUN], &stat), 0);
    if (stat.ms_entries == 0) {
        return; /* nothing was committed yet, or all of it cancelled out */
    }
    assert_int_equal(tb_run_cursor(txn, &cursor), 0);
    assert_int_equal(mdb_cursor_get(cursor, &key, &block, MDB_FIRST), 0);
    for (uint64_t left = pick(h, stat.ms_entries); left > 0; left--) {
        assert_int_equal(mdb_cursor_get(cursor, &key, &block, MDB_NEXT), 0);
    }
    memcpy(copy, block.mv_data, block.mv_size);
    size_t pages = (block.mv_size + TB_RUN_MARGIN_BYTES - 1) / TB_RUN_PAGE_BYTES + 1;
    size_t page = tb_run_page_at((unsigned)pick(h, pages));
    size_t at = page + TB_RUN_PAGE_HEADER_BYTES + pick(h, 40);
    copy[chance(h, 60) && at < block.mv_size ? at : pick(h, block.mv_size)] ^=
        (uint8_t)(1 + pick(h, 255));
    block.mv_data = copy;
    assert_int_equal(mdb_cursor_put(cursor, &key, &block, MDB_CURRENT), 0);
}

/* The list answers MDB_CORRUPTED or what is right. Whether it noticed. */
static bool notices(const struct history *h, struct tb_lmdb_txn *txn, int after,
                    enum tb_list_way way)
{
    struct tb_list list;
    int at = step_of(h->present, after, way);
    open_list(txn, after / LIST_KEYS, &list);
    int rc = tb_list_start(&list, way, suffix_of(h, after));
    while (rc == 0) {
        expect_at(h, &list, at);
        if (at < 0) {
            break;
        }
        at = step_of(h->present, at, way);
        rc = tb_list_next(&list, way);
    }
    tb_list_close(&list);
    assert_true(rc == 0 || rc == MDB_CORRUPTED);
    return rc != 0;
}

static void a_damaged_block_never_makes_a_list_wrong(void **state)
{
    (void)state;
    enum { ROUNDS = 250, LOOKS = 40 };
    unsigned noticed = 0;
    struct history *h = history_new(99);
    ((struct tb_lmdb_store *)h->store)->tuning = (struct tb_run_tuning)TB_RUN_TUNING_DEFAULT;
    for (int round = 0; round < ROUNDS; round++) {
        struct tb_txn *txn = NULL;
        transact(h);
        assert_int_equal(tb_write_begin(h->store, h->arena, &txn), TB_OK);
        damage_a_block(h, tb_lmdb_txn_of(txn));
        for (int look = 0; look < LOOKS; look++) {
            enum tb_list_way way = chance(h, 50) ? TB_LIST_UP : TB_LIST_DOWN;
            noticed += notices(h, tb_lmdb_txn_of(txn), (int)pick(h, KEYS), way);
        }
        tb_write_abort(&txn);
        tb_arena_reset(h->arena);
    }
    assert_true(noticed > 0);
    history_free(h);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_and_manifest_are_right_after_each_commit),
        cmocka_unit_test(a_damaged_block_never_makes_a_list_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
