/* The log of events. */
#include "suite.h"

static const struct tb_id no_id = {{0}};

struct seqs {
    size_t count;
    size_t max;
    uint64_t all[1000];
    struct tb_event last;
};

static enum tb_visit collect_seq(void *ctx, const struct tb_event *event)
{
    struct seqs *seqs = ctx;
    seqs->all[seqs->count++] = event->seq;
    seqs->last = *event;
    return seqs->count == seqs->max ? TB_VISIT_STOP : TB_VISIT_NEXT;
}

static struct seqs events(struct tb_txn *txn, uint64_t since, struct tb_id task_id, size_t max)
{
    struct seqs seqs = {.max = max};
    assert_int_equal(tb_visit_events(txn, since, task_id, collect_seq, &seqs), TB_OK);
    return seqs;
}

static void the_log_is_read_from_any_place(void **state)
{
    struct world *world = *state;
    struct tb_txn *txn = begin(world);
    for (int i = 0; i < 300; i++) {
        log_event(world, txn, TB_EVENT_UPDATED, NULL);
    }
    assert_int_equal(events(txn, 299, no_id, 0).count, 1);
    commit(&txn);
    txn = snapshot(world);
    struct seqs all = events(txn, 0, no_id, 0);
    assert_int_equal(all.count, 300);
    for (size_t i = 0; i < all.count; i++) {
        assert_int_equal(all.all[i], i + 1);
    }
    struct seqs some = events(txn, 255, no_id, 10);
    assert_int_equal(some.count, 10);
    assert_int_equal(some.all[0], 256);
    assert_int_equal(events(txn, 300, no_id, 0).count, 0);
    assert_int_equal(events(txn, UINT64_MAX, no_id, 0).count, 0);
    tb_read_end(&txn);
}

static void a_tasks_own_events_are_found(void **state)
{
    struct world *world = *state;
    struct tb_task task = draft(world, "one");
    struct tb_task other = draft(world, "two");
    struct tb_txn *txn = begin(world);
    create(world, txn, &task);                     /* 1 */
    log_event(world, txn, TB_EVENT_UPDATED, NULL); /* 2 */
    create(world, txn, &other);                    /* 3 */
    task.title = TB_STR("one again");
    replace(world, txn, &task);       /* 4 */
    remove_task(world, txn, task.id); /* 5 */
    commit(&txn);
    txn = snapshot(world);
    struct seqs seqs = events(txn, 0, task.id, 0);
    assert_int_equal(seqs.count, 3);
    assert_int_equal(seqs.all[0], 1);
    assert_int_equal(seqs.all[1], 4);
    assert_int_equal(seqs.all[2], 5);
    assert_int_equal(events(txn, 1, task.id, 1).all[0], 4);
    assert_int_equal(events(txn, 5, task.id, 0).count, 0);
    assert_int_equal(events(txn, 0, new_id(world), 0).count, 0);
    tb_read_end(&txn);
}

static void an_event_comes_back_as_it_was_appended(void **state)
{
    struct world *world = *state;
    struct tb_task task = draft(world, "told");
    task.tags = TB_STR("[\"x\",\"y\"]");
    tb_task_render(&task, world->arena);
    struct tb_txn *txn = begin(world);
    struct tb_event event = {
        .seq = 1,
        .id = new_id(world),
        .at_ms = 4711,
        .type = TB_EVENT_BUMPED,
        .task_id = task.id,
        .actor = TB_STR("somebody"),
    };
    tb_event_render(&event, &task, TB_STR_NONE, world->arena);
    assert_int_equal(tb_append_event(txn, &event), TB_OK);
    tb_txn_head(txn)->seq++;
    commit(&txn);
    txn = snapshot(world);
    struct seqs seqs = events(txn, 0, no_id, 0);
    assert_int_equal(seqs.last.seq, 1);
    assert_same_id(seqs.last.id, event.id);
    assert_same_id(seqs.last.task_id, event.task_id);
    assert_int_equal(seqs.last.at_ms, 4711);
    assert_int_equal(seqs.last.type, TB_EVENT_BUMPED);
    tb_read_end(&txn);
}

static enum tb_visit check_strings(void *ctx, const struct tb_event *event)
{
    (void)ctx;
    if (event->seq == 1) {
        assert_same_str(event->actor, TB_STR("tester"));
        assert_same_str(event->tags, TB_STR("[\"x\"]"));
        assert_true(event->tags.ptr > event->wire.ptr);
        assert_true(event->tags.ptr < event->wire.ptr + event->wire.len);
    } else {
        assert_null(event->actor.ptr);
        assert_null(event->tags.ptr);
    }
    return TB_VISIT_NEXT;
}

static void an_events_strings_are_parts_of_its_wire(void **state)
{
    struct world *world = *state;
    struct tb_task task = draft(world, "told");
    task.tags = TB_STR("[\"x\"]");
    struct tb_txn *txn = begin(world);
    create(world, txn, &task);
    log_event(world, txn, TB_EVENT_UPDATED, NULL);
    commit(&txn);
    txn = snapshot(world);
    assert_int_equal(tb_visit_events(txn, 0, no_id, check_strings, NULL), TB_OK);
    tb_read_end(&txn);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_log_is_read_from_any_place),
        cmocka_unit_test(a_tasks_own_events_are_found),
        cmocka_unit_test(an_event_comes_back_as_it_was_appended),
        cmocka_unit_test(an_events_strings_are_parts_of_its_wire),
    };
    return run_on_every_engine("log", tests, sizeof tests / sizeof *tests);
}
