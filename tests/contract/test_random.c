/* A seeded random history on the memory engine and on LMDB at once: both must answer everything
 * alike.
 *
 * TB_SEED in the environment chooses another history than the usual ones. */
#include "twin.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const query_words[] = {
    "alpha",         "beta",
    "gamma",         "delta",
    "alphabet",      "42",
    "z\xc3\xbcrich", "caf\xc3\xa9",
    "nowhere",       "thisisaverylongwordthatislongerthansixtyfourbytesandthereforecut",
};

/* --- the same answers from both --- */

static struct tb_task_query random_query(struct twin *twin)
{
    struct tb_task_query query = {.order = (enum tb_order)choose(twin, 3)};
    query.states = chance(twin, 50) ? TB_STATES_ALL : (unsigned)choose(twin, TB_STATES_ALL + 1);
    if (chance(twin, 30)) {
        query.assignee = some_name(twin);
    }
    if (chance(twin, 30)) {
        query.created_by = some_name(twin);
    }
    if (chance(twin, 10)) {
        query.parent_id = some_known(twin);
    }
    if (chance(twin, 30)) {
        query.updated_since_ms = 990 + (int64_t)choose(twin, 60);
    }
    if (chance(twin, 30)) {
        struct tb_str *tags = tb_arena_alloc(twin->memory->arena, 2 * sizeof *tags);
        tags[0] = some_name(twin);
        tags[1] = some_name(twin);
        query.tags = tags;
        query.tag_count = 1 + choose(twin, 2);
    }
    if (chance(twin, 20)) {
        struct tb_str *without = tb_arena_alloc(twin->memory->arena, sizeof *without);
        *without = some_name(twin);
        query.without_tags = without;
        query.without_tag_count = 1;
    }
    if (chance(twin, 40)) {
        struct tb_str *all = tb_arena_alloc(twin->memory->arena, 2 * sizeof *all);
        all[0] = tb_str_c(ONE_OF(twin, query_words));
        all[1] = tb_str_c(ONE_OF(twin, query_words));
        query.words = all;
        query.word_count = 1 + choose(twin, 2);
    }
    if (chance(twin, 30)) {
        query.has_after = true;
        query.after.id = some_known(twin);
        query.after.id.bytes[15] ^= (uint8_t)choose(twin, 2);
        query.after.key = query.order == TB_ORDER_UPDATED ? 1000 + (int64_t)choose(twin, 40)
                          : query.order == TB_ORDER_RANK  ? (int64_t)choose(twin, 20) - 10
                                                          : 0;
    }
    return query;
}

static void expect_same_page(const struct page *expected, size_t from, const struct page *page)
{
    assert_true(from + page->count <= expected->count);
    assert_memory_equal(page->ids, expected->ids + from, page->count * sizeof *page->ids);
}

/* LMDB's pages, of that size and with that limit on scans, put together give the list. */
static void compare_pages(struct twin *twin, struct tb_task_query query,
                          const struct page *expected, size_t max, uint32_t scan_max)
{
    size_t met = 0;
    bool more = true;
    query.scan_max = scan_max;
    while (more) {
        struct page *page = list(twin->l, &query, max);
        expect_same_page(expected, met, page);
        met += page->count;
        more = page->end.more_to_scan || page->count == max;
        assert_true(scan_max != 0 || !page->end.more_to_scan);
        query.has_after = true;
        query.after = page->end.more_to_scan ? page->end.reached : page->last;
        free(page);
        twin->pages++;
    }
    assert_int_equal(met, expected->count);
}

static void compare_list(struct twin *twin)
{
    struct tb_task_query query = random_query(twin);
    struct page *expected = list(twin->m, &query, SIZE_MAX);
    compare_pages(twin, query, expected, SIZE_MAX, 0);
    compare_pages(twin, query, expected, expected->count / 3 + 1, 0);
    compare_pages(twin, query, expected, 1 + choose(twin, 50),
                  (uint32_t)(expected->count / 5 + 1 + choose(twin, 300)));
    free(expected);
}

static void compare_all(struct twin *twin)
{
    struct tb_str m = dump(twin->memory, twin->m);
    struct tb_str l = dump(twin->memory, twin->l);
    assert_same_str(m, l);
}

static enum tb_visit join_id(void *ctx, struct tb_id id)
{
    struct tb_buf *out = ctx;
    tb_buf_add(out, id.bytes, sizeof id.bytes);
    return TB_VISIT_NEXT;
}

static enum tb_visit join_event(void *ctx, const struct tb_event *event)
{
    struct tb_buf *out = ctx;
    tb_buf_add_str(out, event->wire);
    return TB_VISIT_NEXT;
}

static void compare_lookups(struct twin *twin)
{
    struct tb_str name = some_name(twin);
    struct tb_id ids[2] = {{{0}}, {{0}}};
    assert_int_equal(tb_find_unique(twin->m, name, &ids[0]),
                     tb_find_unique(twin->l, name, &ids[1]));
    assert_same_id(ids[0], ids[1]);
    struct tb_buf out[2];
    tb_buf_init(&out[0], twin->memory->arena, 1024);
    tb_buf_init(&out[1], twin->memory->arena, 1024);
    struct tb_id task_id = some_known(twin);
    uint64_t since = choose(twin, tb_txn_head(twin->m)->seq + 2);
    assert_int_equal(tb_visit_dependents(twin->m, name, join_id, &out[0]), TB_OK);
    assert_int_equal(tb_visit_dependents(twin->l, name, join_id, &out[1]), TB_OK);
    assert_int_equal(tb_visit_events(twin->m, since, task_id, join_event, &out[0]), TB_OK);
    assert_int_equal(tb_visit_events(twin->l, since, task_id, join_event, &out[1]), TB_OK);
    assert_same_str(tb_buf_str(&out[0]), tb_buf_str(&out[1]));
}

/* --- histories --- */

static void batch(struct twin *twin, uint64_t changes, unsigned create_percent)
{
    begin_both(twin);
    for (uint64_t i = 0; i < changes; i++) {
        change_something(twin, create_percent);
        if (chance(twin, 5)) {
            compare_lookups(twin);
            compare_list(twin);
        }
    }
    end_both(twin);
}

static void forget_scratch(struct twin *twin)
{
    tb_arena_reset(twin->memory->arena);
    tb_arena_reset(twin->lmdb->arena);
}

static void run_history(uint64_t seed)
{
    struct twin *twin = twin_open(seed);
    for (int round = 0; round < 120; round++) {
        batch(twin, 1 + choose(twin, 60), round < 60 ? 50 : 15);
        if (round % 10 == 9) {
            world_reopen(twin->lmdb);
        }
        snapshot_both(twin);
        for (int i = 0; i < 10; i++) {
            compare_list(twin);
            compare_lookups(twin);
        }
        if (round % 20 == 19) {
            compare_all(twin);
        }
        end_snapshot_both(twin);
        forget_scratch(twin);
    }
    print_message("seed %llu: %zu tasks, %llu pages\n", (unsigned long long)seed, twin->known_count,
                  (unsigned long long)twin->pages);
    twin_close(twin);
}

static void both_engines_answer_alike_through_random_histories(void **state)
{
    (void)state;
    const char *seed = getenv("TB_SEED");
    if (seed != NULL) {
        run_history(strtoull(seed, NULL, 10));
        return;
    }
    for (uint64_t i = 1; i <= 4; i++) {
        run_history(i);
    }
}

/* Enough tasks for several segments of the word index and for lists that are no longer short. */
static void both_engines_answer_alike_with_many_tasks(void **state)
{
    (void)state;
    struct twin *twin = twin_open(99);
    for (int round = 0; round < 24; round++) {
        begin_both(twin);
        for (int i = 0; i < 500; i++) {
            create_both(twin);
        }
        commit(&twin->m);
        commit(&twin->l);
        batch(twin, 50, 10);
        forget_scratch(twin);
    }
    snapshot_both(twin);
    for (int i = 0; i < 60; i++) {
        compare_list(twin);
        compare_lookups(twin);
        if (i % 10 == 0) {
            end_snapshot_both(twin);
            forget_scratch(twin);
            snapshot_both(twin);
        }
    }
    end_snapshot_both(twin);
    twin_close(twin);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_engines_answer_alike_through_random_histories),
        cmocka_unit_test(both_engines_answer_alike_with_many_tasks),
    };
    return cmocka_run_group_tests_name("random histories", tests, NULL, NULL);
}
