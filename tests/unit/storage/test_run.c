/* Runs against an oracle: an array that says which keys are there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lmdb/list.h"
#include "taskboard/storage.h"

enum { LISTS = 12, KEYS_PER_LIST = 300, KEYS = LISTS * KEYS_PER_LIST };

struct bed {
    char folder[64];
    struct tb_store *store;
    struct tb_reader *reader;
    struct tb_arena *arena;
    struct tb_run_tuning tuning;
    uint64_t random;
    bool present[KEYS]; /* as committed */
    bool working[KEYS]; /* as the open transaction has it */
};

static uint64_t pick(struct bed *bed, uint64_t bound)
{
    bed->random ^= bed->random << 13;
    bed->random ^= bed->random >> 7;
    bed->random ^= bed->random << 17;
    return (bed->random >> 11) % bound;
}

/* --- a store of its own --- */

static void open_store(struct bed *bed)
{
    char why[256] = "";
    struct tb_store_options options = {
        .url = bed->folder, .readers_max = 4, .create = true, .map_bytes = UINT64_C(1) << 30};
    assert_int_equal(tb_store_open(&options, &bed->store, why, sizeof why), TB_OK);
    ((struct tb_lmdb_store *)bed->store)->tuning = bed->tuning;
    assert_int_equal(tb_reader_new(bed->store, &bed->reader), TB_OK);
}

static void close_store(struct bed *bed)
{
    tb_reader_free(&bed->reader);
    tb_store_close(&bed->store);
}

static struct bed *bed_new(struct tb_run_tuning tuning, uint64_t seed)
{
    struct bed *bed = calloc(1, sizeof *bed);
    assert_non_null(bed);
    strcpy(bed->folder, "/tmp/taskboard-test-XXXXXX");
    assert_non_null(mkdtemp(bed->folder));
    bed->arena = tb_arena_new(0);
    bed->tuning = tuning;
    bed->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    open_store(bed);
    return bed;
}

static void bed_free(struct bed *bed)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "lock", "taskboard.lock"};
    if (bed->store != NULL) {
        close_store(bed);
    }
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
    memcpy(bed->working, bed->present, sizeof bed->present);
    return tb_lmdb_txn_of(txn);
}

static void commit(struct bed *bed, struct tb_lmdb_txn *txn)
{
    struct tb_txn *base = &txn->base;
    assert_int_equal(tb_write_commit(&base), TB_OK);
    memcpy(bed->present, bed->working, sizeof bed->present);
}

static void rollback(struct tb_lmdb_txn *txn)
{
    struct tb_txn *base = &txn->base;
    tb_write_abort(&base);
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

/* --- keys: lists of different lengths of prefix, their entries in order --- */

static void list_prefix(int list, struct tb_key *key)
{
    char text[64];
    snprintf(text, sizeof text, "list%.*s%d", list * 3, "-------------------------------------",
             list);
    tb_key_start(key, TB_INDEX_TAG);
    tb_key_add_text(key, tb_str_from(text, strlen(text)));
}

/* Some begin with the same 8 bytes, which are what the tops of runs know of them. */
static void suffix_of(int i, uint8_t suffix[16])
{
    int place = i % KEYS_PER_LIST;
    memset(suffix, place % 3, 16);
    tb_key_write_u64(suffix, (uint64_t)(place / 3) * 7 + 1);
}

static void key_of(int i, struct tb_key *key)
{
    uint8_t suffix[16];
    struct tb_id id;
    list_prefix(i / KEYS_PER_LIST, key);
    suffix_of(i, suffix);
    memcpy(id.bytes, suffix, sizeof id.bytes);
    tb_key_add_id(key, id);
}

static void toggle(struct bed *bed, struct tb_lmdb_txn *txn, int i)
{
    struct tb_key key;
    key_of(i, &key);
    assert_int_equal(bed->working[i] ? tb_run_drop(txn, &key) : tb_run_put(txn, &key), 0);
    bed->working[i] = !bed->working[i];
}

/* --- comparing --- */

static int next_present(const bool *there, int list, int i, int by)
{
    int low = list * KEYS_PER_LIST;
    while (i >= low && i < low + KEYS_PER_LIST && !there[i]) {
        i += by;
    }
    return i >= low && i < low + KEYS_PER_LIST ? i : -1;
}

static void expect_at(const struct tb_list *list, int i)
{
    uint8_t suffix[16];
    assert_int_equal(list->on_entry, i >= 0);
    if (i >= 0) {
        suffix_of(i, suffix);
        assert_memory_equal(tb_list_suffix(list), suffix, sizeof suffix);
    }
}

static void open_list(struct tb_lmdb_txn *txn, int number, struct tb_list *list)
{
    struct tb_key prefix;
    list_prefix(number, &prefix);
    assert_int_equal(tb_list_open(txn, TB_DB_RUN, &prefix, 16, list), 0);
}

/* Walks a part of a list, from its end or from behind an entry that may or may not be there. */
static void check_walk(struct bed *bed, struct tb_lmdb_txn *txn, const bool *there, int number,
                       enum tb_list_way way, bool whole)
{
    struct tb_list list;
    uint8_t after[16];
    int by = way == TB_LIST_UP ? 1 : -1;
    int first = number * KEYS_PER_LIST;
    int from = first + (int)pick(bed, KEYS_PER_LIST);
    suffix_of(from, after);
    open_list(txn, number, &list);
    assert_int_equal(tb_list_start(&list, way, whole ? NULL : after), 0);
    int i = whole ? (by > 0 ? first : first + KEYS_PER_LIST - 1) : from + by;
    i = next_present(there, number, i, by);
    expect_at(&list, i);
    for (uint64_t steps = whole ? KEYS : pick(bed, 40); steps > 0 && i >= 0; steps--) {
        assert_int_equal(tb_list_next(&list, way), 0);
        i = next_present(there, number, i + by, by);
        expect_at(&list, i);
    }
    tb_list_close(&list);
}

static void check_sinks(struct bed *bed, struct tb_lmdb_txn *txn, const bool *there, int number)
{
    struct tb_list list;
    int first = number * KEYS_PER_LIST;
    open_list(txn, number, &list);
    assert_int_equal(tb_list_start(&list, TB_LIST_DOWN, NULL), 0);
    int i = next_present(there, number, first + KEYS_PER_LIST - 1, -1);
    while (i >= 0) {
        uint8_t bound[16];
        int to = i - (int)pick(bed, 60);
        to = to < first ? first : to;
        suffix_of(to, bound);
        assert_int_equal(tb_list_sink(&list, bound), 0);
        i = next_present(there, number, to, -1);
        expect_at(&list, i);
        if (i >= 0 && pick(bed, 2) == 0) {
            assert_int_equal(tb_list_next(&list, TB_LIST_DOWN), 0);
            i = next_present(there, number, i - 1, -1);
            expect_at(&list, i);
        }
        i = to == first ? -1 : i;
    }
    tb_list_close(&list);
}

static void check_some(struct bed *bed, struct tb_lmdb_txn *txn, const bool *there)
{
    int number = (int)pick(bed, LISTS);
    check_walk(bed, txn, there, number, TB_LIST_UP, false);
    check_walk(bed, txn, there, number, TB_LIST_DOWN, false);
    check_sinks(bed, txn, there, number);
}

static void check_all(struct bed *bed)
{
    struct tb_lmdb_txn *txn = snapshot(bed);
    for (int number = 0; number < LISTS; number++) {
        check_walk(bed, txn, bed->present, number, TB_LIST_UP, true);
        check_walk(bed, txn, bed->present, number, TB_LIST_DOWN, true);
    }
    end(txn);
}

/* --- histories --- */

static void change_some(struct bed *bed, struct tb_lmdb_txn *txn, uint64_t max)
{
    int around = (int)pick(bed, KEYS);
    /* Runs whose entries all stand low are not opened before a walk comes down to there. */
    int places = pick(bed, 2) == 0 ? KEYS_PER_LIST : 1 + (int)pick(bed, KEYS_PER_LIST);
    for (uint64_t count = pick(bed, max); count > 0; count--) {
        int i = pick(bed, 3) == 0 ? (around + (int)pick(bed, 20)) % KEYS : (int)pick(bed, KEYS);
        i -= i % KEYS_PER_LIST - i % KEYS_PER_LIST % places;
        toggle(bed, txn, i);
        if (pick(bed, 20) == 0) {
            check_some(bed, txn, bed->working);
        }
    }
}

static void play(struct bed *bed, int transactions, uint64_t max)
{
    for (int i = 0; i < transactions; i++) {
        struct tb_lmdb_txn *txn = begin(bed);
        change_some(bed, txn, max);
        if (pick(bed, 10) == 0) { /* a big transaction writes before its end */
            assert_int_equal(tb_run_flush(txn), 0);
            change_some(bed, txn, max);
        }
        if (pick(bed, 8) == 0) {
            rollback(txn);
        } else {
            commit(bed, txn);
        }
        txn = snapshot(bed);
        check_some(bed, txn, bed->present);
        end(txn);
        if (pick(bed, 100) == 0) {
            close_store(bed);
            open_store(bed);
            check_all(bed);
        }
        tb_arena_reset(bed->arena);
    }
    check_all(bed);
}

static void lists_are_what_was_put_and_not_dropped(void **state)
{
    (void)state;
    static const struct tb_run_tuning tunings[] = {
        {.fan_in_first = 2, .fan_in = 2, .block_pages = 1, .step_entries = 5},
        {.fan_in_first = 3, .fan_in = 2, .block_pages = 1, .step_entries = 100},
        {.fan_in_first = 3, .fan_in = 3, .block_pages = 2, .step_entries = 40},
        {.fan_in_first = 5, .fan_in = 8, .block_pages = 16, .step_entries = 4096},
        {.fan_in_first = 16, .fan_in = 16, .block_pages = 3, .step_entries = 7},
    };
    for (size_t i = 0; i < sizeof tunings / sizeof *tunings; i++) {
        struct bed *bed = bed_new(tunings[i], i + 1);
        play(bed, 600, 60);
        play(bed, 20, 3000);
        play(bed, 100, 3);
        bed_free(bed);
    }
}

/* What cancels out leaves nothing behind. */
static void merges_leave_no_trace_of_what_was_dropped(void **state)
{
    (void)state;
    struct bed *bed = bed_new(
        (struct tb_run_tuning){
            .fan_in_first = 2, .fan_in = 2, .block_pages = 1, .step_entries = 4096},
        9);
    for (int round = 0; round < 64; round++) {
        struct tb_lmdb_txn *txn = begin(bed);
        for (int i = 0; i < KEYS; i += 3) {
            toggle(bed, txn, i);
        }
        commit(bed, txn);
    }
    check_all(bed);
    struct tb_lmdb_txn *txn = snapshot(bed);
    MDB_stat stat;
    assert_int_equal(tb_run_manifest_load(txn), 0);
    assert_true(txn->manifest.count <= 1);
    assert_int_equal(mdb_stat(txn->mdb, txn->store->dbis[TB_DB_RUN], &stat), 0);
    assert_true(stat.ms_entries < 100);
    end(txn);
    bed_free(bed);
}

/* --- crashes --- */

/* What the child does, and what the parent expects: the same history from the same seed. */
static void grow(struct bed *bed, int transactions)
{
    for (int i = 0; i < transactions; i++) {
        struct tb_lmdb_txn *txn = begin(bed);
        for (int k = 0; k < 50; k++) {
            toggle(bed, txn, (int)pick(bed, KEYS));
        }
        commit(bed, txn);
        tb_arena_reset(bed->arena);
    }
}

static void die_while_writing(struct bed *bed, int transactions)
{
    open_store(bed);
    grow(bed, transactions);
    struct tb_lmdb_txn *txn = begin(bed);
    toggle(bed, txn, 1);
    toggle(bed, txn, 2);
    if (tb_run_flush(txn) != 0) {
        _exit(1);
    }
    _exit(0);
}

static void a_crash_amid_merges_loses_nothing(void **state)
{
    (void)state;
    struct bed *bed = bed_new(
        (struct tb_run_tuning){
            .fan_in_first = 3, .fan_in = 3, .block_pages = 1, .step_entries = 30},
        4);
    close_store(bed);
    for (int round = 1; round < 40; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            die_while_writing(bed, round);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        for (int i = 0; i < round * 50; i++) { /* the oracle follows */
            int k = (int)pick(bed, KEYS);
            bed->present[k] = !bed->present[k];
        }
        open_store(bed);
        check_all(bed);
        close_store(bed);
    }
    open_store(bed);
    bed_free(bed);
}

/* --- damage --- */

static void a_damaged_block_is_noticed(void **state)
{
    (void)state;
    struct bed *bed = bed_new((struct tb_run_tuning)TB_RUN_TUNING_DEFAULT, 5);
    grow(bed, 3);
    struct tb_lmdb_txn *txn = begin(bed);
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val block;
    assert_int_equal(tb_run_cursor(txn, &cursor), 0);
    assert_int_equal(mdb_cursor_get(cursor, &key, &block, MDB_FIRST), 0);
    uint8_t *copy = malloc(block.mv_size);
    memcpy(copy, block.mv_data, block.mv_size);
    copy[block.mv_size / 2] ^= 4;
    MDB_val damaged = {block.mv_size, copy};
    assert_int_equal(mdb_cursor_put(cursor, &key, &damaged, MDB_CURRENT), 0);
    free(copy);
    txn->changed = true;
    commit(bed, txn);
    txn = snapshot(bed);
    int corrupted = 0;
    for (int number = 0; number < LISTS; number++) {
        struct tb_list list;
        open_list(txn, number, &list);
        int rc = tb_list_start(&list, TB_LIST_UP, NULL);
        while (rc == 0 && list.on_entry) {
            rc = tb_list_next(&list, TB_LIST_UP);
        }
        tb_list_close(&list);
        assert_true(rc == 0 || rc == MDB_CORRUPTED);
        corrupted += rc != 0;
    }
    assert_true(corrupted > 0);
    end(txn);
    bed_free(bed);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_what_was_put_and_not_dropped),
        cmocka_unit_test(merges_leave_no_trace_of_what_was_dropped),
        cmocka_unit_test(a_crash_amid_merges_loses_nothing),
        cmocka_unit_test(a_damaged_block_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
