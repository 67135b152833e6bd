/* A seeded random history on the memory engine and on LMDB at once: both must answer everything
 * alike.
 *
 * TB_SEED in the environment chooses another history than the usual ones. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

#define FILL "0123456789012345678901234567890123456789012345678901234567890123456789"

enum { KNOWN_MAX = 20000 };

/* Two stores that are told the same. The memory one's world makes all random choices. */
struct twin {
    struct world *memory;
    struct world *lmdb;
    struct tb_txn *m;
    struct tb_txn *l;
    struct tb_id known[KNOWN_MAX]; /* ids of tasks that were put, some of them deleted */
    size_t known_count;
    uint64_t pages; /* compared so far */
};

static uint64_t choose(struct twin *twin, uint64_t bound)
{
    return pick(twin->memory, bound);
}

static bool chance(struct twin *twin, unsigned percent)
{
    return choose(twin, 100) < percent;
}

static const char *const names[] = {
    "ann",
    "anna",
    "bob",
    "Ann",
    "a\\\"quote",
    "z\xc3\xbcrich",
    FILL FILL FILL "1",
    FILL FILL FILL "2",
    FILL FILL,
    "",
};
static const char *const words[] = {
    "alpha",
    "beta",
    "gamma",
    "delta",
    "Alpha",
    "alphabet",
    "42",
    "z\xc3\xbcrich",
    "caf\xc3\x89",
    "thisisaverylongwordthatislongerthansixtyfourbytesandthereforecutoffatthatlength",
};
static const char *const query_words[] = {
    "alpha",         "beta",
    "gamma",         "delta",
    "alphabet",      "42",
    "z\xc3\xbcrich", "caf\xc3\xa9",
    "nowhere",       "thisisaverylongwordthatislongerthansixtyfourbytesandthereforecut",
};

#define ONE_OF(twin, array) (array)[choose((twin), sizeof(array) / sizeof *(array))]

static struct tb_str some_name(struct twin *twin)
{
    return tb_str_c(ONE_OF(twin, names));
}

/* --- random tasks --- */

static struct tb_str some_text(struct twin *twin, uint64_t word_count)
{
    struct tb_buf out;
    tb_buf_init(&out, twin->memory->arena, 256);
    for (uint64_t i = 0; i < word_count; i++) {
        tb_buf_add_c(&out, ONE_OF(twin, words));
        tb_buf_add_c(&out, chance(twin, 80) ? " " : "\\n-");
    }
    TB_BUF_LIT(&out, "x");
    return tb_buf_str(&out);
}

static struct tb_id some_known(struct twin *twin)
{
    return twin->known_count == 0 ? new_id(twin->memory)
                                  : twin->known[choose(twin, twin->known_count)];
}

static struct tb_str some_array(struct twin *twin, bool of_ids)
{
    struct tb_buf out;
    tb_buf_init(&out, twin->memory->arena, 64);
    TB_BUF_LIT(&out, "[");
    for (uint64_t left = choose(twin, 5); left > 0; left--) {
        char ulid[TB_ULID_LEN];
        tb_ulid_format(some_known(twin), ulid);
        tb_buf_add_quoted(&out, of_ids && chance(twin, 70) ? tb_str_from(ulid, sizeof ulid)
                                                           : some_name(twin));
        if (left > 1) {
            TB_BUF_LIT(&out, ",");
        }
    }
    TB_BUF_LIT(&out, "]");
    return tb_buf_str(&out);
}

static void change_state(struct twin *twin, struct tb_task *task)
{
    task->status = (enum tb_status)choose(twin, TB_STATUS_COUNT);
    task->ready = task->status == TB_STATUS_OPEN && chance(twin, 70);
    task->outcome = task->status == TB_STATUS_DONE ? TB_OUTCOME_SUCCESS : TB_OUTCOME_NONE;
    task->due_ms = chance(twin, 20) ? (int64_t)choose(twin, 50) : 0;
}

static void change_texts(struct twin *twin, struct tb_task *task)
{
    task->title = some_text(twin, choose(twin, 6));
    task->description = TB_STR_NONE;
    if (chance(twin, 50)) {
        task->description = some_text(twin, choose(twin, chance(twin, 10) ? 600 : 20));
    }
}

static void change_names(struct twin *twin, struct tb_task *task)
{
    task->assignee = chance(twin, 60) ? some_name(twin) : TB_STR_NONE;
    task->unique_key = chance(twin, 30) ? some_name(twin) : TB_STR_NONE;
    task->tags = some_array(twin, false);
    task->dependencies = some_array(twin, true);
}

static void change_order(struct twin *twin, struct tb_task *task)
{
    task->updated_ms = 1000 + (int64_t)choose(twin, 40);
    task->rank_ms = (int64_t)choose(twin, 20) - 10;
    task->score++;
}

static struct tb_task random_task(struct twin *twin)
{
    struct tb_task task = draft(twin->memory, "");
    if (chance(twin, 5)) { /* an older id, as an import brings them */
        twin->memory->random += 7;
        task.id.bytes[4] = (uint8_t)choose(twin, 256);
        task.id.bytes[9] = (uint8_t)choose(twin, 256);
    }
    task.created_by = some_name(twin);
    if (chance(twin, 20)) {
        task.parent_id = some_known(twin);
    }
    change_state(twin, &task);
    change_texts(twin, &task);
    change_names(twin, &task);
    change_order(twin, &task);
    return task;
}

/* --- the same to both --- */

static void begin_both(struct twin *twin)
{
    twin->m = begin(twin->memory);
    twin->l = begin(twin->lmdb);
    *tb_txn_head(twin->l) = *tb_txn_head(twin->m);
}

static void snapshot_both(struct twin *twin)
{
    twin->m = snapshot(twin->memory);
    twin->l = snapshot(twin->lmdb);
}

static void end_snapshot_both(struct twin *twin)
{
    tb_read_end(&twin->m);
    tb_read_end(&twin->l);
}

/* False: there is no such task (any more). */
static bool get_both(struct twin *twin, struct tb_id id, struct tb_task *m, struct tb_task *l)
{
    enum tb_err err = tb_get_task(twin->m, id, m);
    assert_int_equal(tb_get_task(twin->l, id, l), err);
    if (err == TB_OK) {
        assert_same_task(m, l);
    }
    return err == TB_OK;
}

static void log_both(struct twin *twin, enum tb_event_type type, const struct tb_task *task)
{
    struct tb_event event = {
        .seq = tb_txn_head(twin->m)->seq + 1,
        .id = new_id(twin->memory),
        .at_ms = twin->memory->now_ms,
        .type = type,
        .task_id = task->id,
        .actor = task->assignee,
    };
    tb_event_render(&event, chance(twin, 90) ? task : NULL, TB_STR_NONE, twin->memory->arena);
    assert_int_equal(tb_append_event(twin->m, &event), TB_OK);
    assert_int_equal(tb_append_event(twin->l, &event), TB_OK);
    tb_txn_head(twin->m)->seq++;
    tb_txn_head(twin->l)->seq++;
}

static void create_both(struct twin *twin)
{
    struct tb_task task = random_task(twin);
    struct tb_task m;
    struct tb_task l;
    if (get_both(twin, task.id, &m, &l) || twin->known_count == KNOWN_MAX) {
        return;
    }
    tb_task_render(&task, twin->memory->arena);
    assert_int_equal(tb_put_task(twin->m, NULL, &task), TB_OK);
    assert_int_equal(tb_put_task(twin->l, NULL, &task), TB_OK);
    twin->known[twin->known_count++] = task.id;
    log_both(twin, TB_EVENT_CREATED, &task);
}

static void change_both(struct twin *twin)
{
    struct tb_task m;
    struct tb_task l;
    if (!get_both(twin, some_known(twin), &m, &l)) {
        return;
    }
    struct tb_task task = m;
    task.version++;
    void (*const changes[])(struct twin *, struct tb_task *) = {change_state, change_texts,
                                                                change_names, change_order};
    for (uint64_t left = 1 + choose(twin, 3); left > 0; left--) {
        ONE_OF(twin, changes)(twin, &task);
    }
    tb_task_render(&task, twin->memory->arena);
    assert_int_equal(tb_put_task(twin->m, &m, &task), TB_OK);
    assert_int_equal(tb_put_task(twin->l, &l, &task), TB_OK);
    log_both(twin, TB_EVENT_UPDATED, &task);
}

static void attach_both(struct twin *twin)
{
    struct tb_task m;
    struct tb_task l;
    if (!get_both(twin, some_known(twin), &m, &l)) {
        return;
    }
    struct tb_task task = m;
    struct tb_str wire = some_text(twin, choose(twin, 400));
    if (chance(twin, 50)) {
        struct tb_id id = new_id(twin->memory);
        assert_int_equal(tb_put_note(twin->m, task.id, id, wire), TB_OK);
        assert_int_equal(tb_put_note(twin->l, task.id, id, wire), TB_OK);
        task.note_count++;
    } else {
        assert_int_equal(tb_put_artifact(twin->m, task.id, task.artifact_count, wire), TB_OK);
        assert_int_equal(tb_put_artifact(twin->l, task.id, task.artifact_count, wire), TB_OK);
        task.artifact_count++;
    }
    tb_task_render(&task, twin->memory->arena);
    assert_int_equal(tb_put_task(twin->m, &m, &task), TB_OK);
    assert_int_equal(tb_put_task(twin->l, &l, &task), TB_OK);
}

static void delete_both(struct twin *twin)
{
    struct tb_task m;
    struct tb_task l;
    if (!get_both(twin, some_known(twin), &m, &l)) {
        return;
    }
    assert_int_equal(tb_delete_task(twin->m, &m), TB_OK);
    assert_int_equal(tb_delete_task(twin->l, &l), TB_OK);
    log_both(twin, TB_EVENT_DELETED, &m);
}

static void change_something(struct twin *twin, unsigned create_percent)
{
    uint64_t roll = choose(twin, 100);
    if (roll < create_percent) {
        create_both(twin);
    } else if (roll < create_percent + 10) {
        delete_both(twin);
    } else if (roll < create_percent + 25) {
        attach_both(twin);
    } else {
        change_both(twin);
    }
}

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

static struct twin *twin_open(uint64_t seed)
{
    struct twin *twin = calloc(1, sizeof *twin);
    assert_non_null(twin);
    twin->memory = world_open(ENGINE_MEMORY, seed);
    twin->lmdb = world_open(ENGINE_LMDB, seed);
    return twin;
}

static void twin_close(struct twin *twin)
{
    world_close(twin->memory);
    world_close(twin->lmdb);
    free(twin);
}

static void end_both(struct twin *twin)
{
    if (chance(twin, 20)) {
        tb_write_abort(&twin->m);
        tb_write_abort(&twin->l);
    } else {
        commit(&twin->m);
        commit(&twin->l);
    }
}

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
