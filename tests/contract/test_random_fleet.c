/* Seeded random histories of a fleet and its news, on the memory engine and on LMDB at once: both
 * must answer everything alike, to the writer, to new snapshots and to old ones.
 *
 * TB_SEED in the environment chooses another history than the usual ones. */
#include "twin.h"

#include <stdio.h>
#include <stdlib.h>

enum { READERS = 3 };

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
    uint64_t dropped;
    uint64_t published;
    uint64_t seen;
};

/* --- the same answers from both --- */

static enum tb_visit join_vm(void *ctx, const struct tb_vm *vm)
{
    struct tb_buf *out = ctx;
    tb_buf_add(out, vm->number.bytes, sizeof vm->number.bytes);
    tb_buf_add_str(out, vm->wire);
    tb_buf_add_i64(out, vm->seen_ms);
    tb_buf_add_i64(out, vm->due_ms);
    return TB_VISIT_NEXT;
}

static enum tb_visit join_id(void *ctx, struct tb_id id)
{
    struct tb_buf *out = ctx;
    tb_buf_add(out, id.bytes, sizeof id.bytes);
    return TB_VISIT_NEXT;
}

struct joined_events {
    struct tb_buf out;
    uint64_t left; /* events to be visited; 0: all */
};

static enum tb_visit join_event(void *ctx, const struct tb_event *event)
{
    struct joined_events *joined = ctx;
    tb_buf_add_u64(&joined->out, event->seq);
    tb_buf_add_str(&joined->out, event->wire);
    tb_buf_add_str(&joined->out, event->data);
    return --joined->left == 0 ? TB_VISIT_STOP : TB_VISIT_NEXT;
}

static void compare_vms(struct twin *twin, struct tb_txn *m, struct tb_txn *l)
{
    struct tb_str id = some_name(twin);
    bool latest_first = chance(twin, 50);
    struct tb_vm expected;
    struct tb_vm got;
    enum tb_err err = tb_get_vm(m, id, &expected);
    assert_int_equal(tb_get_vm(l, id, &got), err);
    if (err == TB_OK) {
        assert_same_vm(&got, &expected);
    }
    err = tb_next_due_vm(m, &expected);
    assert_int_equal(tb_next_due_vm(l, &got), err);
    if (err == TB_OK) {
        assert_same_vm(&got, &expected);
    }
    struct tb_buf out[2];
    tb_buf_init(&out[0], twin->memory->arena, 1024);
    tb_buf_init(&out[1], twin->memory->arena, 1024);
    assert_int_equal(tb_visit_vms(m, latest_first, join_vm, &out[0]), TB_OK);
    assert_int_equal(tb_visit_vms(l, latest_first, join_vm, &out[1]), TB_OK);
    assert_int_equal(tb_visit_vm_tasks(m, id, join_id, &out[0]), TB_OK);
    assert_int_equal(tb_visit_vm_tasks(l, id, join_id, &out[1]), TB_OK);
    assert_same_str(tb_buf_str(&out[1]), tb_buf_str(&out[0]));
}

static void compare_claims(struct twin *twin, struct tb_txn *m, struct tb_txn *l)
{
    struct tb_str id = some_name(twin);
    struct tb_name_count expected = {.tasks = 0};
    struct tb_name_count got = {.tasks = 0};
    enum tb_err err = tb_get_name(m, TB_NAME_VM, id, &expected);
    assert_int_equal(tb_get_name(l, TB_NAME_VM, id, &got), err);
    assert_memory_equal(&got, &expected, sizeof got);
}

static void compare_feed(struct twin *twin, struct tb_txn *m, struct tb_txn *l)
{
    struct tb_feed_query query = {
        .agent = chance(twin, 60) ? some_name(twin) : TB_STR_NONE,
        .since = chance(twin, 50) ? choose(twin, tb_txn_head(m)->seq + 2) : 0,
        .latest_first = chance(twin, 60),
    };
    uint64_t left = chance(twin, 50) ? 1 + choose(twin, 5) : 0;
    struct joined_events joined[2] = {{.left = left}, {.left = left}};
    tb_buf_init(&joined[0].out, twin->memory->arena, 1024);
    tb_buf_init(&joined[1].out, twin->memory->arena, 1024);
    assert_int_equal(tb_visit_feed(m, &query, join_event, &joined[0]), TB_OK);
    assert_int_equal(tb_visit_feed(l, &query, join_event, &joined[1]), TB_OK);
    assert_same_str(tb_buf_str(&joined[1].out), tb_buf_str(&joined[0].out));
}

static void compare_events(struct twin *twin, struct tb_txn *m, struct tb_txn *l)
{
    uint64_t since = chance(twin, 50) ? choose(twin, tb_txn_head(m)->seq + 2) : 0;
    struct tb_id id = chance(twin, 70) ? some_known(twin) : (struct tb_id){{0}};
    struct joined_events joined[2] = {{.left = 20}, {.left = 20}};
    tb_buf_init(&joined[0].out, twin->memory->arena, 1024);
    tb_buf_init(&joined[1].out, twin->memory->arena, 1024);
    assert_int_equal(tb_visit_events(m, since, id, join_event, &joined[0]), TB_OK);
    assert_int_equal(tb_visit_events(l, since, id, join_event, &joined[1]), TB_OK);
    assert_same_str(tb_buf_str(&joined[1].out), tb_buf_str(&joined[0].out));
    uint64_t seqs[2] = {0, 0};
    id = some_known(twin); /* tasks and events take their ids from one source */
    assert_int_equal(tb_find_event(m, id, &seqs[0]), TB_OK);
    assert_int_equal(tb_find_event(l, id, &seqs[1]), TB_OK);
    assert_int_equal(seqs[1], seqs[0]);
    assert_int_equal(tb_txn_head(l)->oldest_seq, tb_txn_head(m)->oldest_seq);
    assert_int_equal(tb_txn_head(l)->vm_changes, tb_txn_head(m)->vm_changes);
}

static void compare_some(struct twin *twin, struct tb_txn *m, struct tb_txn *l)
{
    compare_vms(twin, m, l);
    compare_claims(twin, m, l);
    compare_feed(twin, m, l);
    compare_events(twin, m, l);
}

/* --- the same changes to both --- */

static void change_vm(struct twin *twin, struct tb_vm *vm)
{
    vm->role = (enum tb_vm_role)choose(twin, TB_VM_ROLE_COUNT);
    vm->status = (enum tb_vm_status)choose(twin, TB_VM_STATUS_COUNT);
    vm->due_ms = chance(twin, 70) ? 1 + (int64_t)choose(twin, 30) : 0;
    vm->stale_ms = (int64_t)choose(twin, 3);
    vm->spared = chance(twin, 30);
    vm->seen_ms = (int64_t)choose(twin, 1000);
    vm->name = some_text(twin, choose(twin, 10));
    vm->services = chance(twin, 30) ? TB_STR("[{\"name\":\"a\",\"port\":1}]") : TB_STR_NONE;
    vm->metadata = chance(twin, 30) ? TB_STR("{\"m\":{}}") : TB_STR_NONE;
}

static void put_vm_both(struct twin *twin)
{
    struct tb_str id = some_name(twin);
    struct tb_vm vm = draft_vm(twin->memory, id);
    struct tb_vm m;
    struct tb_vm l;
    bool there = tb_get_vm(twin->m, id, &m) == TB_OK;
    assert_int_equal(tb_get_vm(twin->l, id, &l), there ? TB_OK : TB_E_ABSENT);
    vm = there ? m : vm;
    change_vm(twin, &vm);
    tb_vm_render(&vm, twin->memory->arena);
    assert_int_equal(tb_put_vm(twin->m, there ? &m : NULL, &vm), TB_OK);
    assert_int_equal(tb_put_vm(twin->l, there ? &l : NULL, &vm), TB_OK);
}

static void see_or_delete_vm_both(struct history *history, bool deletes)
{
    struct twin *twin = history->twin;
    struct tb_str id = some_name(twin);
    struct tb_vm m;
    struct tb_vm l;
    enum tb_err err = tb_get_vm(twin->m, id, &m);
    assert_int_equal(tb_get_vm(twin->l, id, &l), err);
    if (err != TB_OK) {
        return;
    }
    int64_t seen_ms = (int64_t)choose(twin, 1000);
    assert_int_equal(deletes ? tb_delete_vm(twin->m, &m) : tb_see_vm(twin->m, &m, seen_ms), TB_OK);
    assert_int_equal(deletes ? tb_delete_vm(twin->l, &l) : tb_see_vm(twin->l, &l, seen_ms), TB_OK);
    history->seen += !deletes;
}

static void publish_both(struct history *history)
{
    struct twin *twin = history->twin;
    unsigned kinds = TB_EVENT_FEED_LAST - TB_EVENT_VM_REGISTERED + 1; /* and others before them */
    struct tb_event event = {
        .seq = tb_txn_head(twin->m)->seq + 1,
        .id = new_id(twin->memory),
        .at_ms = twin->memory->now_ms,
        .type = (enum tb_event_type)(TB_EVENT_VM_REGISTERED + choose(twin, kinds)),
        .actor = some_name(twin),
        .vm_id = chance(twin, 30) ? some_name(twin) : TB_STR_NONE,
    };
    tb_event_render(&event, NULL, TB_STR(",\"summary\":\"s\""), twin->memory->arena);
    assert_int_equal(tb_append_event(twin->m, &event), TB_OK);
    assert_int_equal(tb_append_event(twin->l, &event), TB_OK);
    tb_txn_head(twin->m)->seq++;
    tb_txn_head(twin->l)->seq++;
    history->published += tb_event_is_of_feed(event.type);
}

static void drop_both(struct history *history)
{
    struct twin *twin = history->twin;
    uint64_t before = tb_txn_head(twin->m)->oldest_seq;
    uint64_t seq = before + choose(twin, chance(twin, 5) ? 1000 : 40);
    uint32_t max = (uint32_t)choose(twin, 60);
    assert_int_equal(tb_drop_events(twin->m, seq, max), TB_OK);
    assert_int_equal(tb_drop_events(twin->l, seq, max), TB_OK);
    assert_int_equal(tb_txn_head(twin->l)->oldest_seq, tb_txn_head(twin->m)->oldest_seq);
    history->dropped += tb_txn_head(twin->m)->oldest_seq - before;
}

static void change_fleet(struct history *history)
{
    struct twin *twin = history->twin;
    uint64_t roll = choose(twin, 100);
    if (roll < 15) {
        put_vm_both(twin);
    } else if (roll < 35) {
        see_or_delete_vm_both(history, roll < 20);
    } else if (roll < 60) {
        publish_both(history);
    } else if (roll < 65) {
        drop_both(history);
    } else {
        change_something(twin, 30);
    }
}

/* --- snapshots that are behind --- */

static void close_old(struct old_snapshot *old)
{
    if (old->m == NULL) {
        return;
    }
    tb_read_end(&old->m);
    tb_read_end(&old->l);
    tb_reader_free(&old->m_reader);
    tb_reader_free(&old->l_reader);
    tb_arena_free(old->arena);
    *old = (struct old_snapshot){.m = NULL};
}

static void renew_old(struct history *history)
{
    struct twin *twin = history->twin;
    struct old_snapshot *old = &history->old[choose(twin, READERS)];
    close_old(old);
    old->arena = tb_arena_new(0);
    assert_int_equal(tb_reader_new(twin->memory->store, &old->m_reader), TB_OK);
    assert_int_equal(tb_reader_new(twin->lmdb->store, &old->l_reader), TB_OK);
    assert_int_equal(tb_read_begin(old->m_reader, old->arena, &old->m), TB_OK);
    assert_int_equal(tb_read_begin(old->l_reader, old->arena, &old->l), TB_OK);
}

static void look_at_old(struct history *history)
{
    for (int i = 0; i < READERS; i++) {
        if (history->old[i].m != NULL) {
            compare_some(history->twin, history->old[i].m, history->old[i].l);
        }
    }
}

/* --- histories --- */

static void batch(struct history *history)
{
    struct twin *twin = history->twin;
    begin_both(twin);
    for (uint64_t left = choose(twin, 40); left > 0; left--) {
        change_fleet(history);
        if (chance(twin, 15)) {
            compare_some(twin, twin->m, twin->l);
        }
    }
    end_both(twin);
}

static void reopen_and_compare_all(struct history *history)
{
    struct twin *twin = history->twin;
    for (int i = 0; i < READERS; i++) {
        close_old(&history->old[i]);
    }
    world_reopen(twin->lmdb);
    snapshot_both(twin);
    struct tb_str m = dump(twin->memory, twin->m);
    assert_same_str(dump(twin->memory, twin->l), m);
    end_snapshot_both(twin);
}

static void run_history(uint64_t seed)
{
    struct history *history = calloc(1, sizeof *history);
    assert_non_null(history);
    history->twin = twin_open(seed);
    struct twin *twin = history->twin;
    for (int round = 0; round < 300; round++) {
        batch(history);
        snapshot_both(twin);
        compare_some(twin, twin->m, twin->l);
        end_snapshot_both(twin);
        look_at_old(history);
        if (chance(twin, 40)) {
            renew_old(history);
        }
        if (round % 60 == 59) {
            reopen_and_compare_all(history);
        }
        tb_arena_reset(twin->memory->arena);
        tb_arena_reset(twin->lmdb->arena);
    }
    print_message("seed %llu: %llu signs of life, %llu published, %llu dropped\n",
                  (unsigned long long)seed, (unsigned long long)history->seen,
                  (unsigned long long)history->published, (unsigned long long)history->dropped);
    assert_true(history->dropped > 1000);
    twin_close(twin);
    free(history);
}

static void both_engines_keep_a_fleet_alike_through_random_histories(void **state)
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
        cmocka_unit_test(both_engines_keep_a_fleet_alike_through_random_histories),
    };
    return cmocka_run_group_tests_name("random histories of a fleet", tests, NULL, NULL);
}
