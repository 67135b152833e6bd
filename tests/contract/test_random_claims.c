/* Seeded random histories of a board that hands out tasks, on the memory engine and on LMDB at
 * once: both must answer everything alike. Tasks leave the queues where walks begin, so this is
 * where the fronts of LMDB must not be wrong; the memory engine looks at every task.
 *
 * TB_SEED in the environment chooses another history than the usual ones. */
#include "twin.h"

#include <stdio.h>
#include <stdlib.h>

enum { READERS = 4, ANSWERS_MAX = 4000 };

/* A pair of snapshots that stay open for a while. */
struct old_snapshot {
    struct tb_reader *m_reader;
    struct tb_reader *l_reader;
    struct tb_arena *arena;
    struct tb_txn *m;
    struct tb_txn *l;
};

struct history {
    struct twin *twin;
    struct old_snapshot old[READERS];
    uint64_t answers; /* put so far: their keys are their numbers */
    int64_t at_ms;
    size_t handed_out;
};

/* --- random questions --- */

static const struct tb_str *some_names(struct twin *twin, size_t count)
{
    struct tb_str *names = tb_arena_alloc(twin->memory->arena, (count + 1) * sizeof *names);
    for (size_t i = 0; i < count; i++) {
        names[i] = some_name(twin);
    }
    return names;
}

static struct tb_ready_query random_ready_query(struct twin *twin)
{
    struct tb_ready_query query = {.agent = some_name(twin)};
    if (chance(twin, 30)) {
        query.tag_count = 1 + choose(twin, 3);
        query.tags = some_names(twin, query.tag_count);
    }
    if (chance(twin, 25)) {
        query.any_tag_count = 1 + choose(twin, 4);
        query.any_tags = some_names(twin, query.any_tag_count);
    }
    if (chance(twin, 40)) {
        query.without_tag_count = 1 + choose(twin, 2);
        query.without_tags = some_names(twin, query.without_tag_count);
    }
    return query;
}

/* --- the same answers from both --- */

static void compare_ready(struct twin *twin, struct tb_txn *m, struct tb_txn *l)
{
    struct tb_ready_query query = random_ready_query(twin);
    size_t max = chance(twin, 50) ? 1 + choose(twin, 3) : SIZE_MAX;
    struct page *expected = ready_list(m, &query, max);
    struct page *got = ready_list(l, &query, max);
    assert_int_equal(got->count, expected->count);
    assert_memory_equal(got->ids, expected->ids, got->count * sizeof *got->ids);
    free(expected);
    free(got);
}

static void compare_oldest(struct tb_txn *m, struct tb_txn *l)
{
    int64_t expected = 0;
    int64_t got = 0;
    enum tb_err err = tb_oldest_ready(m, &expected);
    assert_int_equal(tb_oldest_ready(l, &got), err);
    assert_int_equal(got, expected);
}

/* In the order `rank`, which walks queues, too. */
static void compare_ranks(struct twin *twin, struct tb_txn *m, struct tb_txn *l)
{
    struct tb_task_query query = {.order = TB_ORDER_RANK,
                                  .states = 1U << choose(twin, TB_STATE_COUNT)};
    size_t max = 1 + choose(twin, 20);
    struct page *expected = list(m, &query, max);
    struct page *got = list(l, &query, max);
    assert_int_equal(got->count, expected->count);
    assert_memory_equal(got->ids, expected->ids, got->count * sizeof *got->ids);
    free(expected);
    free(got);
}

static void compare_name(struct twin *twin, struct tb_txn *m, struct tb_txn *l)
{
    enum tb_name_kind kind = (enum tb_name_kind)choose(twin, TB_NAME_KIND_COUNT);
    struct tb_str name = some_name(twin);
    struct tb_name_count expected = {.tasks = 0};
    struct tb_name_count got = {.tasks = 0};
    enum tb_err err = tb_get_name(m, kind, name, &expected);
    assert_int_equal(tb_get_name(l, kind, name, &got), err);
    assert_memory_equal(&got, &expected, sizeof got);
}

struct named {
    struct tb_buf out;
};

static enum tb_visit join_name(void *ctx, struct tb_str name, const struct tb_name_count *count)
{
    struct tb_buf *out = ctx;
    tb_buf_add_str(out, name);
    tb_buf_add(out, count, sizeof *count);
    return TB_VISIT_NEXT;
}

static void compare_names(struct twin *twin, struct tb_txn *m, struct tb_txn *l)
{
    enum tb_name_kind kind = (enum tb_name_kind)choose(twin, TB_NAME_KIND_COUNT);
    uint32_t max = (uint32_t)choose(twin, 15);
    struct tb_buf out[2];
    tb_buf_init(&out[0], twin->memory->arena, 1024);
    tb_buf_init(&out[1], twin->memory->arena, 1024);
    assert_int_equal(tb_visit_names(m, kind, max, join_name, &out[0]), TB_OK);
    assert_int_equal(tb_visit_names(l, kind, max, join_name, &out[1]), TB_OK);
    assert_same_str(tb_buf_str(&out[0]), tb_buf_str(&out[1]));
}

static void compare_attempts(struct twin *twin, struct tb_txn *m, struct tb_txn *l)
{
    struct tb_attempt expected;
    struct tb_attempt got;
    struct tb_id id = some_known(twin);
    uint32_t number = (uint32_t)choose(twin, 4);
    enum tb_err err = tb_get_attempt(m, id, number, &expected);
    assert_int_equal(tb_get_attempt(l, id, number, &got), err);
    if (err == TB_OK) {
        assert_same_attempt(&got, &expected);
    }
}

static void make_digest(uint64_t number, uint8_t key[TB_DIGEST_BYTES])
{
    memset(key, 0, TB_DIGEST_BYTES);
    number *= UINT64_C(0x9e3779b97f4a7c15);
    memcpy(key + 3, &number, sizeof number);
}

static void compare_answers(struct history *history, struct tb_txn *m, struct tb_txn *l)
{
    struct tb_answer expected;
    struct tb_answer got;
    uint8_t key[TB_DIGEST_BYTES];
    make_digest(choose(history->twin, history->answers + 2), key);
    enum tb_err err = tb_get_answer(m, key, &expected);
    assert_int_equal(tb_get_answer(l, key, &got), err);
    if (err == TB_OK) {
        assert_same_answer(&got, &expected);
    }
    assert_int_equal(tb_txn_head(m)->answers, tb_txn_head(l)->answers);
    assert_int_equal(tb_txn_head(m)->answer_bytes, tb_txn_head(l)->answer_bytes);
}

static void compare_some(struct history *history, struct tb_txn *m, struct tb_txn *l, int times)
{
    for (int i = 0; i < times; i++) {
        compare_ready(history->twin, m, l);
        compare_oldest(m, l);
        compare_ranks(history->twin, m, l);
        compare_name(history->twin, m, l);
        compare_names(history->twin, m, l);
        compare_attempts(history->twin, m, l);
        compare_answers(history, m, l);
    }
}

/* --- the same changes to both --- */

static void put_attempt(struct twin *twin, const struct tb_task *task)
{
    struct tb_attempt attempt = {
        .number = 1 + (uint32_t)choose(twin, 3),
        .generation = choose(twin, 1000),
        .claimed_ms = 1,
        .ended_ms = (int64_t)choose(twin, 5),
        .outcome = (enum tb_attempt_outcome)choose(twin, TB_ATTEMPT_OUTCOME_COUNT),
        .ended_by = (enum tb_attempt_end)choose(twin, 4),
        .late = chance(twin, 10),
        .agent = some_name(twin),
        .error = chance(twin, 30) ? some_text(twin, choose(twin, 300)) : TB_STR_NONE,
        .result = chance(twin, 30) ? TB_STR("{\"r\":[1]}") : TB_STR_NONE,
    };
    tb_attempt_render(&attempt, twin->memory->arena);
    assert_int_equal(tb_put_attempt(twin->m, task->id, &attempt), TB_OK);
    assert_int_equal(tb_put_attempt(twin->l, task->id, &attempt), TB_OK);
}

static void delete_attempt(struct twin *twin)
{
    struct tb_id id = some_known(twin);
    uint32_t number = (uint32_t)choose(twin, 4);
    assert_int_equal(tb_delete_attempt(twin->m, id, number), TB_OK);
    assert_int_equal(tb_delete_attempt(twin->l, id, number), TB_OK);
}

/* One more ready task for a queue; most come at its end. */
static void queue_up(struct history *history)
{
    struct twin *twin = history->twin;
    struct tb_task task = random_task(twin);
    struct tb_task m;
    struct tb_task l;
    history->at_ms += (int64_t)choose(twin, 3);
    task.status = TB_STATUS_OPEN;
    task.outcome = TB_OUTCOME_NONE;
    task.claim = (struct tb_claim){.generation = 0};
    task.ready = true;
    task.ready_ms = history->at_ms + 1;
    task.rank_ms = history->at_ms - (chance(twin, 20) ? (int64_t)choose(twin, 100) : 0);
    task.assignee = chance(twin, 20) ? some_name(twin) : TB_STR_NONE;
    if (!get_both(twin, task.id, &m, &l)) {
        put_both(twin, NULL, NULL, &task);
        remember_known(twin, task.id);
    }
}

/* The first that a random query finds leaves the queue. */
static void hand_out(struct history *history)
{
    struct twin *twin = history->twin;
    struct tb_ready_query query = random_ready_query(twin);
    struct page *expected = ready_list(twin->m, &query, 1);
    struct page *got = ready_list(twin->l, &query, 1);
    struct tb_task m;
    struct tb_task l;
    assert_int_equal(got->count, expected->count);
    if (got->count == 1) {
        assert_same_id(got->ids[0], expected->ids[0]);
        assert_true(get_both(twin, got->ids[0], &m, &l));
        struct tb_task task = m;
        task.status = chance(twin, 50) ? TB_STATUS_DONE : TB_STATUS_IN_PROGRESS;
        task.outcome = task.status == TB_STATUS_DONE ? TB_OUTCOME_SUCCESS : TB_OUTCOME_NONE;
        task.ready = false;
        task.ready_ms = 0;
        put_both(twin, &m, &l, &task);
        put_attempt(twin, &task);
        history->handed_out++;
    }
    free(expected);
    free(got);
}

static void put_answer(struct history *history)
{
    struct twin *twin = history->twin;
    history->at_ms += (int64_t)choose(twin, 3);
    struct tb_answer answer = {
        .at_ms = history->at_ms,
        .http_status = 200 + (int32_t)choose(twin, 5),
        .version = choose(twin, 9),
        .seq = choose(twin, 9),
        .body = some_text(twin, choose(twin, chance(twin, 5) ? 3000 : 30)),
    };
    make_digest(history->answers++, answer.key);
    make_digest(choose(twin, 100), answer.fingerprint);
    assert_int_equal(tb_put_answer(twin->m, &answer), TB_OK);
    assert_int_equal(tb_put_answer(twin->l, &answer), TB_OK);
}

static void drop_answers(struct history *history)
{
    int64_t before_ms = history->at_ms + 3 - (int64_t)choose(history->twin, 60);
    uint32_t max = (uint32_t)choose(history->twin, 40);
    assert_int_equal(tb_drop_answers(history->twin->m, before_ms, max), TB_OK);
    assert_int_equal(tb_drop_answers(history->twin->l, before_ms, max), TB_OK);
}

static void put_pauses(struct twin *twin)
{
    struct tb_str json = some_text(twin, choose(twin, chance(twin, 5) ? 2000 : 10));
    assert_int_equal(tb_put_pauses(twin->m, json), TB_OK);
    assert_int_equal(tb_put_pauses(twin->l, json), TB_OK);
}

static void change_or_claim(struct history *history)
{
    struct twin *twin = history->twin;
    switch (choose(twin, 20)) {
    case 0:
        delete_attempt(twin);
        break;
    case 1:
        drop_answers(history);
        break;
    case 2:
        put_pauses(twin);
        break;
    case 3:
    case 4:
    case 5:
        put_answer(history);
        break;
    case 6:
    case 7:
    case 8:
    case 9:
        change_something(twin, 20);
        break;
    case 10:
    case 11:
    case 12:
    case 13:
        queue_up(history);
        break;
    default:
        hand_out(history);
        break;
    }
}

/* --- snapshots that are behind --- */

static void close_old(struct old_snapshot *old)
{
    tb_read_end(&old->m);
    tb_read_end(&old->l);
    tb_reader_free(&old->m_reader);
    tb_reader_free(&old->l_reader);
    tb_arena_free(old->arena);
    *old = (struct old_snapshot){.m = NULL};
}

static void open_old(struct history *history, struct old_snapshot *old)
{
    struct twin *twin = history->twin;
    old->arena = tb_arena_new(0);
    assert_int_equal(tb_reader_new(twin->memory->store, &old->m_reader), TB_OK);
    assert_int_equal(tb_reader_new(twin->lmdb->store, &old->l_reader), TB_OK);
    assert_int_equal(tb_read_begin(old->m_reader, old->arena, &old->m), TB_OK);
    assert_int_equal(tb_read_begin(old->l_reader, old->arena, &old->l), TB_OK);
}

static void look_at_old(struct history *history)
{
    for (int i = 0; i < READERS; i++) {
        struct old_snapshot *old = &history->old[i];
        if (old->m != NULL) {
            compare_some(history, old->m, old->l, 1);
        }
    }
}

static void renew_old(struct history *history)
{
    struct old_snapshot *old = &history->old[choose(history->twin, READERS)];
    if (old->m != NULL) {
        close_old(old);
    }
    open_old(history, old);
}

static void close_all_old(struct history *history)
{
    for (int i = 0; i < READERS; i++) {
        if (history->old[i].m != NULL) {
            close_old(&history->old[i]);
        }
    }
}

/* --- histories --- */

static void batch(struct history *history)
{
    struct twin *twin = history->twin;
    begin_both(twin);
    for (uint64_t left = choose(twin, 30); left > 0; left--) {
        change_or_claim(history);
        if (chance(twin, 10)) {
            compare_some(history, twin->m, twin->l, 1);
        }
        if (chance(twin, 5)) {
            look_at_old(history);
        }
    }
    end_both(twin);
}

static void run_history(uint64_t seed)
{
    struct history *history = calloc(1, sizeof *history);
    assert_non_null(history);
    history->twin = twin_open(seed);
    struct twin *twin = history->twin;
    for (int round = 0; round < 250; round++) {
        batch(history);
        look_at_old(history);
        if (chance(twin, 60)) {
            renew_old(history);
        }
        if (round % 50 == 49) {
            close_all_old(history);
            world_reopen(twin->lmdb);
            snapshot_both(twin);
            struct tb_str m = dump(twin->memory, twin->m);
            assert_same_str(dump(twin->memory, twin->l), m);
            end_snapshot_both(twin);
        }
        tb_arena_reset(twin->memory->arena);
        tb_arena_reset(twin->lmdb->arena);
    }
    close_all_old(history);
    print_message("seed %llu: %zu tasks, %zu handed out, %llu answers\n", (unsigned long long)seed,
                  twin->known_count, history->handed_out, (unsigned long long)history->answers);
    twin_close(twin);
    free(history);
}

static void both_engines_hand_out_alike_through_random_histories(void **state)
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

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_engines_hand_out_alike_through_random_histories),
    };
    return cmocka_run_group_tests_name("random histories of claims", tests, NULL, NULL);
}
