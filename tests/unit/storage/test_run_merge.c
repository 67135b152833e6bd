/* Merges that have come half way, merges across levels when room is scarce, and manifests that
 * cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lmdb/list.h"
#include "taskboard/storage.h"

enum { KEYS = 4000, SUFFIX_BYTES = 16 };

struct bed {
    char folder[64];
    struct tb_store *store;
    struct tb_reader *reader;
    struct tb_arena *arena;
    bool present[KEYS];
};

/* Merges that go on a little with each commit. */
static const struct tb_run_tuning slow = {
    .fan_in_first = 4, .fan_in = 4, .block_pages = 1, .step_entries = 60};

/* --- a store of its own --- */

static struct bed *bed_new(struct tb_run_tuning tuning)
{
    char why[256] = "";
    struct bed *bed = calloc(1, sizeof *bed);
    assert_non_null(bed);
    strcpy(bed->folder, "/tmp/taskboard-test-XXXXXX");
    assert_non_null(mkdtemp(bed->folder));
    bed->arena = tb_arena_new(0);
    struct tb_store_options options = {
        .url = bed->folder, .readers_max = 4, .create = true, .map_bytes = UINT64_C(1) << 30};
    assert_int_equal(tb_store_open(&options, &bed->store, why, sizeof why), TB_OK);
    ((struct tb_lmdb_store *)bed->store)->tuning = tuning;
    assert_int_equal(tb_reader_new(bed->store, &bed->reader), TB_OK);
    return bed;
}

static void bed_free(struct bed *bed)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "lock"};
    tb_reader_free(&bed->reader);
    tb_store_close(&bed->store);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", bed->folder, names[i]);
        unlink(path);
    }
    rmdir(bed->folder);
    tb_arena_free(bed->arena);
    free(bed);
}

static struct tb_lmdb_txn *begin(struct bed *bed)
{
    struct tb_txn *txn = NULL;
    assert_int_equal(tb_write_begin(bed->store, bed->arena, &txn), TB_OK);
    return tb_lmdb_txn_of(txn);
}

static void commit(struct tb_lmdb_txn *txn)
{
    struct tb_txn *base = &txn->base;
    txn->changed = true;
    assert_int_equal(tb_write_commit(&base), TB_OK);
}

static struct tb_lmdb_txn *snapshot(struct bed *bed)
{
    struct tb_txn *txn = NULL;
    assert_int_equal(tb_read_begin(bed->reader, bed->arena, &txn), TB_OK);
    return tb_lmdb_txn_of(txn);
}

static void end(struct tb_lmdb_txn *txn)
{
    struct tb_txn *base = &txn->base;
    tb_read_end(&base);
}

/* --- one list --- */

static void suffix_of(int i, uint8_t suffix[SUFFIX_BYTES])
{
    memset(suffix, 0, SUFFIX_BYTES);
    tb_key_write_u64(suffix, (uint64_t)i);
}

static void key_of(int i, struct tb_key *key)
{
    uint8_t suffix[SUFFIX_BYTES];
    tb_key_start(key, TB_INDEX_TAG);
    tb_key_add_text(key, TB_STR("tag"));
    if (i >= 0) {
        suffix_of(i, suffix);
        tb_key_add_bytes(key, suffix, sizeof suffix);
    }
}

/* Puts or drops every `by`th key from `from` on in a transaction of its own. */
static void set(struct bed *bed, int from, int by, bool there)
{
    struct tb_lmdb_txn *txn = begin(bed);
    for (int i = from; i < KEYS; i += by) {
        struct tb_key key;
        key_of(i, &key);
        if (bed->present[i] != there) {
            assert_int_equal(there ? tb_run_put(txn, &key) : tb_run_drop(txn, &key), 0);
            bed->present[i] = there;
        }
    }
    commit(txn);
}

static void open_list(struct tb_lmdb_txn *txn, struct tb_list *list)
{
    struct tb_key prefix;
    key_of(-1, &prefix);
    assert_int_equal(tb_list_open(txn, TB_DB_RUN, &prefix, SUFFIX_BYTES, list), 0);
}

static int next_of(const bool *there, int i, int by)
{
    while (i >= 0 && i < KEYS && !there[i]) {
        i += by;
    }
    return i >= 0 && i < KEYS ? i : -1;
}

static void expect_at(const struct tb_list *list, int i)
{
    uint8_t suffix[SUFFIX_BYTES];
    assert_int_equal(list->on_entry, i >= 0);
    if (i >= 0) {
        suffix_of(i, suffix);
        assert_memory_equal(tb_list_suffix(list), suffix, sizeof suffix);
    }
}

static void expect_walk(struct tb_lmdb_txn *txn, const bool *there, enum tb_list_way way)
{
    struct tb_list list;
    int by = way == TB_LIST_UP ? 1 : -1;
    int at = next_of(there, by > 0 ? 0 : KEYS - 1, by);
    open_list(txn, &list);
    assert_int_equal(tb_list_start(&list, way, NULL), 0);
    expect_at(&list, at);
    while (at >= 0) {
        assert_int_equal(tb_list_next(&list, way), 0);
        at = next_of(there, at + by, by);
        expect_at(&list, at);
    }
    tb_list_close(&list);
}

/* Jumps in strides, so that searches begin on either side of what a merge has taken. */
static void expect_jumps(struct tb_lmdb_txn *txn, const bool *there, int stride)
{
    struct tb_list up;
    struct tb_list down;
    uint8_t bound[SUFFIX_BYTES];
    open_list(txn, &up);
    open_list(txn, &down);
    assert_int_equal(tb_list_start(&up, TB_LIST_UP, NULL), 0);
    assert_int_equal(tb_list_start(&down, TB_LIST_DOWN, NULL), 0);
    for (int i = stride; i < KEYS; i += stride) {
        suffix_of(i, bound);
        assert_int_equal(tb_list_rise(&up, bound), 0);
        expect_at(&up, next_of(there, i, 1));
        suffix_of(KEYS - i, bound);
        assert_int_equal(tb_list_sink(&down, bound), 0);
        expect_at(&down, next_of(there, KEYS - i, -1));
    }
    tb_list_close(&up);
    tb_list_close(&down);
}

static void expect_list(struct tb_lmdb_txn *txn, const bool *there)
{
    expect_walk(txn, there, TB_LIST_UP);
    expect_walk(txn, there, TB_LIST_DOWN);
    expect_jumps(txn, there, 7);
    expect_jumps(txn, there, 331);
}

/* --- half way --- */

/* Of each input nothing is left that lies wholly at or below what the merge has taken: only its
 * first block may begin there. */
static void expect_taken_is_gone(struct tb_lmdb_txn *txn, const struct tb_run_info *run,
                                 const struct tb_key *taken)
{
    struct tb_run_block_key first;
    MDB_cursor *cursor = NULL;
    MDB_val block;
    tb_run_block_key(&first, run->number, NULL, 0);
    MDB_val key = tb_mdb_val(first.bytes, first.len);
    unsigned blocks = 0;
    assert_int_equal(tb_run_cursor(txn, &cursor), 0);
    int rc = mdb_cursor_get(cursor, &key, &block, MDB_SET_RANGE);
    while (rc == 0 && tb_key_read_u64(key.mv_data) == run->number) {
        const uint8_t *begin_of = (const uint8_t *)key.mv_data + sizeof run->number;
        int order =
            tb_run_compare(begin_of, key.mv_size - sizeof run->number, taken->bytes, taken->len);
        assert_true(order > 0 || blocks == 0);
        blocks++;
        rc = mdb_cursor_get(cursor, &key, &block, MDB_NEXT);
    }
    assert_int_equal(blocks, run->blocks);
}

/* How many merges have come half way. */
static unsigned check_merges(struct tb_lmdb_txn *txn)
{
    unsigned half_way = 0;
    assert_int_equal(tb_run_manifest_load(txn), 0);
    const struct tb_run_manifest *manifest = &txn->manifest;
    for (unsigned i = 0; i < manifest->count; i++) {
        const struct tb_run_info *run = &manifest->runs[i];
        if (run->merge != 0 && manifest->merges[run->merge - 1].taken.len > 0) {
            half_way++;
            expect_taken_is_gone(txn, run, &manifest->merges[run->merge - 1].taken);
        }
    }
    return half_way;
}

static void a_merge_half_way_answers_for_what_it_took(void **state)
{
    (void)state;
    struct bed *bed = bed_new(slow);
    unsigned half_way = 0;
    for (int round = 0; round < 60; round++) {
        set(bed, round % 13, 13 + round % 5, round % 3 != 2);
        struct tb_lmdb_txn *txn = snapshot(bed);
        half_way += check_merges(txn);
        expect_list(txn, bed->present);
        end(txn);
        tb_arena_reset(bed->arena);
    }
    assert_true(half_way > 20);
    bed_free(bed);
}

static void a_snapshot_keeps_what_a_merge_has_deleted_since(void **state)
{
    (void)state;
    struct bed *bed = bed_new(slow);
    static bool seen[KEYS];
    for (int round = 0; round < 9; round++) {
        set(bed, round, 11, true);
    }
    struct tb_lmdb_txn *txn = snapshot(bed);
    struct tb_list list;
    memcpy(seen, bed->present, sizeof seen);
    open_list(txn, &list);
    assert_int_equal(tb_list_start(&list, TB_LIST_UP, NULL), 0);
    int at = next_of(seen, 0, 1);
    for (int round = 0; round < 40; round++) {
        set(bed, round % 11, 11 + round, round % 2 != 0);
        for (int steps = 0; steps < 50 && at >= 0; steps++) {
            expect_at(&list, at);
            assert_int_equal(tb_list_next(&list, TB_LIST_UP), 0);
            at = next_of(seen, at + 1, 1);
        }
    }
    tb_list_close(&list);
    expect_list(txn, seen);
    end(txn);
    bed_free(bed);
}

/* --- when room is scarce --- */

static uint64_t entries_of(struct bed *bed)
{
    struct tb_lmdb_txn *txn = snapshot(bed);
    uint64_t entries = 0;
    assert_int_equal(tb_run_manifest_load(txn), 0);
    for (unsigned i = 0; i < txn->manifest.count; i++) {
        entries += txn->manifest.runs[i].entries;
    }
    end(txn);
    return entries;
}

/* Without it a drop in a small run stays until merges have made that one as big as its put's. */
static void drops_meet_their_puts_across_levels_when_room_is_scarce(void **state)
{
    (void)state;
    struct bed *bed = bed_new((struct tb_run_tuning){
        .fan_in_first = 16, .fan_in = 16, .block_pages = 1, .step_entries = 4096});
    set(bed, 0, 1, true);
    for (int i = 0; i < 4; i++) {
        set(bed, i, 8, false);
    }
    assert_int_equal(entries_of(bed), KEYS + KEYS / 2);
    for (int i = 4; i < 7; i++) {
        ((struct tb_lmdb_store *)bed->store)->tight_commits = 1;
        set(bed, i, 8, false);
    }
    assert_int_equal(entries_of(bed), KEYS / 8);
    struct tb_lmdb_txn *txn = snapshot(bed);
    expect_list(txn, bed->present);
    end(txn);
    bed_free(bed);
}

/* As many as may be: then one more makes merges go on at once. */
static void too_many_runs_do_not_last(void **state)
{
    (void)state;
    struct bed *bed = bed_new(slow);
    set(bed, 0, 2, true);
    struct tb_lmdb_txn *txn = begin(bed);
    assert_int_equal(tb_run_manifest_load(txn), 0);
    struct tb_run_manifest *manifest = &txn->manifest;
    while (manifest->count < TB_RUN_COUNT_MAX) {
        tb_run_manifest_add(manifest, (struct tb_run_info){.number = manifest->next++});
    }
    assert_int_equal(tb_run_manifest_save(txn), 0);
    commit(txn);
    set(bed, 1, 2, true);
    txn = snapshot(bed);
    assert_int_equal(tb_run_manifest_load(txn), 0);
    assert_true(txn->manifest.count < TB_RUN_COUNT_MAX);
    expect_list(txn, bed->present);
    end(txn);
    bed_free(bed);
}

/* --- manifests --- */

static void a_long_manifest_stands_in_several_pages(void **state)
{
    (void)state;
    static struct tb_run_manifest wanted;
    struct bed *bed = bed_new(slow);
    for (int i = 0; i < 3; i++) {
        set(bed, i, 40, true);
    }
    struct tb_lmdb_txn *txn = begin(bed);
    assert_int_equal(tb_run_manifest_load(txn), 0);
    unsigned counts[] = {84, 85, 86, TB_RUN_COUNT_MAX, 200, 3};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct tb_run_manifest *manifest = &txn->manifest;
        while (manifest->count < counts[i]) {
            tb_run_manifest_add(manifest, (struct tb_run_info){.number = manifest->next++});
        }
        memmove(manifest->runs, &manifest->runs[manifest->count - counts[i]],
                counts[i] * sizeof *manifest->runs);
        manifest->count = counts[i];
        wanted = *manifest;
        assert_int_equal(tb_run_manifest_save(txn), 0);
        manifest->loaded = false;
        memset(manifest->runs, 0xff, sizeof manifest->runs);
        assert_int_equal(tb_run_manifest_load(txn), 0);
        assert_int_equal(manifest->count, counts[i]);
        assert_memory_equal(manifest->runs, wanted.runs, counts[i] * sizeof *manifest->runs);
    }
    commit(txn);
    bed_free(bed);
}

static void forge_number(struct tb_run_manifest *manifest)
{
    manifest->runs[1].number = manifest->next;
}

static void forge_zero(struct tb_run_manifest *manifest)
{
    manifest->runs[0].number = 0;
}

static void forge_twin(struct tb_run_manifest *manifest)
{
    manifest->runs[0].number = manifest->runs[2].number;
}

static void forge_level(struct tb_run_manifest *manifest)
{
    manifest->runs[0].level = TB_RUN_LEVELS_MAX - 1;
}

static void forge_drops(struct tb_run_manifest *manifest)
{
    manifest->runs[0].drops = manifest->runs[0].entries + 1;
}

static void forge_merge(struct tb_run_manifest *manifest)
{
    manifest->runs[0].merge = 3;
}

static void forge_merge_far(struct tb_run_manifest *manifest)
{
    manifest->runs[0].merge = TB_RUN_MERGES_MAX + 1;
}

/* A merge of the first and the third run. */
static void forge_apart(struct tb_run_manifest *manifest)
{
    manifest->merges[0] = (struct tb_run_merging){.output = manifest->next++, .inputs = 2};
    manifest->runs[0].merge = 1;
    manifest->runs[2].merge = 1;
}

static void forge_inputs(struct tb_run_manifest *manifest)
{
    manifest->merges[0] = (struct tb_run_merging){.output = manifest->next++, .inputs = 3};
    manifest->runs[0].merge = 1;
    manifest->runs[1].merge = 1;
}

static void forge_output(struct tb_run_manifest *manifest)
{
    manifest->merges[0] = (struct tb_run_merging){.output = manifest->runs[2].number, .inputs = 2};
    manifest->runs[0].merge = 1;
    manifest->runs[1].merge = 1;
}

static void forge_blocks(struct tb_run_manifest *manifest)
{
    manifest->runs[1].blocks++;
}

static void a_manifest_that_cannot_be_is_noticed(void **state)
{
    (void)state;
    static void (*const forgeries[])(struct tb_run_manifest *) = {
        forge_number, forge_zero,      forge_twin,   forge_level,  forge_drops, forge_merge,
        forge_apart,  forge_merge_far, forge_inputs, forge_output, forge_blocks};
    struct bed *bed = bed_new(slow);
    for (int i = 0; i < 3; i++) {
        set(bed, i, 40, true);
    }
    for (size_t i = 0; i < sizeof forgeries / sizeof *forgeries; i++) {
        struct tb_lmdb_txn *txn = begin(bed);
        assert_int_equal(tb_run_manifest_load(txn), 0);
        assert_int_equal(txn->manifest.count, 3);
        forgeries[i](&txn->manifest);
        assert_int_equal(tb_run_manifest_save(txn), 0);
        txn->manifest.loaded = false;
        assert_int_equal(tb_run_manifest_load(txn), MDB_CORRUPTED);
        struct tb_txn *base = &txn->base;
        tb_write_abort(&base);
    }
    bed_free(bed);
}

static void a_missing_block_is_noticed(void **state)
{
    (void)state;
    struct bed *bed = bed_new(slow);
    set(bed, 0, 2, true);
    struct tb_lmdb_txn *txn = begin(bed);
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val block;
    assert_int_equal(tb_run_cursor(txn, &cursor), 0);
    assert_int_equal(mdb_cursor_get(cursor, &key, &block, MDB_LAST), 0);
    assert_int_equal(mdb_cursor_del(cursor, 0), 0);
    commit(txn);
    txn = snapshot(bed);
    struct tb_list list;
    struct tb_key prefix;
    key_of(-1, &prefix);
    assert_int_equal(tb_list_open(txn, TB_DB_RUN, &prefix, SUFFIX_BYTES, &list), MDB_CORRUPTED);
    tb_list_close(&list);
    end(txn);
    bed_free(bed);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_merge_half_way_answers_for_what_it_took),
        cmocka_unit_test(a_snapshot_keeps_what_a_merge_has_deleted_since),
        cmocka_unit_test(drops_meet_their_puts_across_levels_when_room_is_scarce),
        cmocka_unit_test(too_many_runs_do_not_last),
        cmocka_unit_test(a_long_manifest_stands_in_several_pages),
        cmocka_unit_test(a_manifest_that_cannot_be_is_noticed),
        cmocka_unit_test(a_missing_block_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
