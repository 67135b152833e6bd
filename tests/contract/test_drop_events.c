/* Dropping the oldest events; also where that is the way to get room back. */
#include "suite.h"

#define NO_TASK ((struct tb_id){{0}})

struct seen {
    uint64_t first;
    uint64_t last;
    uint64_t count;
};

static enum tb_visit note(void *ctx, const struct tb_event *event)
{
    struct seen *seen = ctx;
    seen->first = seen->count == 0 ? event->seq : seen->first;
    seen->last = event->seq;
    seen->count++;
    return TB_VISIT_NEXT;
}

static struct seen events_of(struct tb_txn *txn, struct tb_id task_id)
{
    struct seen seen = {.count = 0};
    assert_int_equal(tb_visit_events(txn, 0, task_id, note, &seen), TB_OK);
    return seen;
}

/* Expects that the events from `oldest` to `last` are kept, and that all agree on it. */
static void expect_kept(struct tb_txn *txn, uint64_t oldest, uint64_t last)
{
    const struct tb_feed_query feed = {.agent = TB_STR_NONE};
    struct seen all = events_of(txn, NO_TASK);
    struct seen published = {.count = 0};
    uint64_t found = 77;
    assert_int_equal(tb_txn_head(txn)->oldest_seq, oldest);
    assert_int_equal(all.count, last + 1 - oldest);
    assert_int_equal(all.first, all.count == 0 ? 0 : oldest);
    assert_int_equal(all.last, all.count == 0 ? 0 : last);
    assert_int_equal(tb_visit_feed(txn, &feed, note, &published), TB_OK);
    assert_true(published.count == 0 || published.first >= oldest);
    assert_int_equal(tb_find_event(txn, (struct tb_id){{255}}, &found), TB_OK);
    assert_int_equal(found, all.last);
    assert_int_equal(tb_find_event(txn, NO_TASK, &found), TB_OK);
    assert_int_equal(found, 0);
}

/* Commits 10 times 5 events: 1 to 50. Each commit has two of the task and two of the feed. */
static struct tb_id furnish(struct world *world)
{
    struct tb_id id = created(world, draft(world, "a task"));
    for (int i = 0; i < 10; i++) {
        struct tb_txn *txn = begin(world);
        struct tb_task task = stored(txn, id);
        if (i > 0) {
            log_event(world, txn, TB_EVENT_PAUSED, NULL);
        }
        publish(world, txn, TB_EVENT_FEED_FINDING, TB_STR("ann"));
        replace(world, txn, &task);
        publish(world, txn, TB_EVENT_FEED_FINDING, TB_STR("bob"));
        log_event(world, txn, TB_EVENT_UPDATED, &task);
        commit(&txn);
    }
    return id;
}

static void drop(struct world *world, uint64_t seq, uint32_t max)
{
    struct tb_txn *txn = begin(world);
    assert_int_equal(tb_drop_events(txn, seq, max), TB_OK);
    commit(&txn);
}

static void expect_kept_now(struct world *world, uint64_t oldest, uint64_t last)
{
    struct tb_txn *txn = begin(world);
    expect_kept(txn, oldest, last);
    tb_write_abort(&txn);
    txn = snapshot(world);
    expect_kept(txn, oldest, last);
    tb_read_end(&txn);
}

static void whole_commits_are_dropped_from_the_oldest_on(void **state)
{
    struct world *world = *state;
    furnish(world); /* commits of 1, 4, and then 5 events each */
    expect_kept_now(world, 1, 50);
    drop(world, 0, 100);
    drop(world, 50, 0);
    expect_kept_now(world, 1, 50);
    drop(world, 4, 100); /* 2 to 5 are of one commit */
    expect_kept_now(world, 2, 50);
    drop(world, 5, 100);
    expect_kept_now(world, 6, 50);
    drop(world, 50, 1);
    expect_kept_now(world, 11, 50);
    drop(world, 50, 6);
    expect_kept_now(world, 21, 50);
    drop(world, 29, 100);
    expect_kept_now(world, 26, 50);
    drop(world, 3, 100);
    expect_kept_now(world, 26, 50);
}

static void all_may_be_dropped_and_the_log_goes_on(void **state)
{
    struct world *world = *state;
    furnish(world);
    drop(world, UINT64_MAX, UINT32_MAX);
    expect_kept_now(world, 51, 50);
    drop(world, UINT64_MAX, UINT32_MAX);
    struct tb_txn *txn = begin(world);
    assert_int_equal(publish(world, txn, TB_EVENT_FEED_CUSTOM, TB_STR("ann")), 51);
    expect_kept(txn, 51, 51);
    commit(&txn);
    expect_kept_now(world, 51, 51);
}

static void what_the_transaction_appended_is_not_dropped(void **state)
{
    struct world *world = *state;
    furnish(world);
    struct tb_txn *txn = begin(world);
    publish(world, txn, TB_EVENT_FEED_CUSTOM, TB_STR("ann"));
    assert_int_equal(tb_drop_events(txn, UINT64_MAX, UINT32_MAX), TB_OK);
    expect_kept(txn, 51, 51);
    publish(world, txn, TB_EVENT_FEED_CUSTOM, TB_STR("ann"));
    assert_int_equal(tb_drop_events(txn, UINT64_MAX, UINT32_MAX), TB_OK);
    expect_kept(txn, 51, 52);
    commit(&txn);
    expect_kept_now(world, 51, 52);
}

static void a_snapshot_and_an_abort_keep_what_was_dropped(void **state)
{
    struct world *world = *state;
    struct tb_id id = furnish(world);
    struct tb_txn *before = snapshot(world);
    struct tb_txn *txn = begin(world);
    assert_int_equal(tb_drop_events(txn, 30, 100), TB_OK);
    expect_kept(txn, 31, 50);
    tb_write_abort(&txn);
    txn = begin(world);
    expect_kept(txn, 1, 50);
    assert_int_equal(tb_drop_events(txn, 30, 100), TB_OK);
    commit(&txn);
    drop(world, 40, 100);
    expect_kept(before, 1, 50);
    assert_int_equal(events_of(before, id).count, 21);
    tb_read_end(&before);
    expect_kept_now(world, 41, 50);
}

static void index_entries_go_with_their_events(void **state)
{
    struct world *world = *state;
    struct tb_id id = furnish(world);
    drop(world, 45, 100);
    struct tb_txn *txn = snapshot(world);
    struct seen seen = events_of(txn, id);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.first, 48);
    struct seen of_ann = {.count = 0};
    const struct tb_feed_query query = {.agent = TB_STR("ann"), .latest_first = true};
    assert_int_equal(tb_visit_feed(txn, &query, note, &of_ann), TB_OK);
    assert_int_equal(of_ann.count, 1);
    assert_int_equal(of_ann.first, 47);
    tb_read_end(&txn);
}

static void a_task_that_is_gone_loses_its_events_too(void **state)
{
    struct world *world = *state;
    struct tb_id id = furnish(world);
    struct tb_txn *txn = begin(world);
    remove_task(world, txn, id);
    commit(&txn);
    drop(world, 50, 100);
    txn = snapshot(world);
    assert_int_equal(events_of(txn, id).count, 1);
    tb_read_end(&txn);
    drop(world, 51, 100);
    txn = snapshot(world);
    assert_int_equal(events_of(txn, id).count, 0);
    tb_read_end(&txn);
}

/* As a board does that has reached its limit: some come, some go, for long. */
static void the_log_keeps_its_length(void **state)
{
    struct world *world = *state;
    enum { KEPT = 100 };
    struct tb_id id = created(world, draft(world, "a task"));
    for (int round = 0; round < 200; round++) {
        struct tb_txn *txn = begin(world);
        struct tb_head *head = tb_txn_head(txn);
        if (head->seq > KEPT) {
            assert_int_equal(tb_drop_events(txn, head->seq - KEPT, 7), TB_OK);
        }
        for (uint64_t left = pick(world, 9); left > 0; left--) {
            struct tb_task task = stored(txn, id);
            replace(world, txn, &task);
            publish(world, txn, TB_EVENT_FEED_CUSTOM, TB_STR("ann"));
        }
        expect_kept(txn, head->oldest_seq, head->seq);
        commit(&txn);
        tb_arena_reset(world->arena);
    }
    struct tb_txn *txn = snapshot(world);
    uint64_t seq = tb_txn_head(txn)->seq;
    uint64_t oldest = tb_txn_head(txn)->oldest_seq;
    tb_read_end(&txn);
    assert_in_range(seq - oldest, KEPT - 10, KEPT + 50);
    expect_kept_now(world, oldest, seq);
}

/* --- a full store --- */

static enum tb_err try_create(struct world *world)
{
    struct tb_txn *txn = begin(world);
    struct tb_task task = draft(world, "one more");
    tb_task_render(&task, world->arena);
    tb_put_task(txn, NULL, &task);
    enum tb_err err = tb_write_commit(&txn);
    tb_arena_reset(world->arena);
    return err;
}

/* Only the log grows, until there is no room for it. */
static void fill_log(struct world *world, struct tb_id id, unsigned events)
{
    enum tb_err err = TB_OK;
    for (size_t rounds = 0; err == TB_OK; rounds++) {
        assert_true(rounds < 100000);
        struct tb_txn *txn = begin(world);
        struct tb_task old = stored(txn, id);
        struct tb_task task = old;
        task.priority = (int32_t)(rounds % 100);
        tb_task_render(&task, world->arena);
        tb_put_task(txn, &old, &task);
        for (unsigned i = 0; i < events && tb_txn_error(txn) == TB_OK; i++) {
            struct tb_event event = {
                .seq = tb_txn_head(txn)->seq + 1, .id = new_id(world), .task_id = id};
            tb_event_render(&event, &task, TB_STR_NONE, world->arena);
            tb_append_event(txn, &event);
            tb_txn_head(txn)->seq++;
        }
        err = tb_write_commit(&txn);
        tb_arena_reset(world->arena);
    }
    assert_int_equal(err, TB_E_STORAGE_FULL);
}

/* Drops a part of the log at a time; answers how often until a new task fits in. */
static unsigned drop_until_room(struct world *world, uint32_t max)
{
    struct tb_txn *txn = snapshot(world);
    uint64_t seq = tb_txn_head(txn)->seq;
    tb_read_end(&txn);
    for (unsigned drops = 1;; drops++) {
        txn = begin(world);
        assert_true(tb_txn_head(txn)->oldest_seq <= seq);
        assert_int_equal(tb_drop_events(txn, seq, max), TB_OK);
        commit(&txn);
        enum tb_err err = try_create(world);
        if (err == TB_OK) {
            return drops;
        }
        assert_int_equal(err, TB_E_STORAGE_FULL);
    }
}

static void dropping_events_makes_room_in_a_full_store(void **state)
{
    (void)state;
    static const struct {
        uint64_t map_bytes;
        unsigned events; /* a commit */
        uint32_t max;    /* that are dropped at a time */
    } cases[] = {{UINT64_C(1) << 20, 1, 50},    {UINT64_C(1) << 20, 20, 1},
                 {UINT64_C(4) << 20, 1, 2000},  {UINT64_C(4) << 20, 200, 100},
                 {UINT64_C(16) << 20, 1000, 1}, {UINT64_C(16) << 20, 50, 2000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world *world = world_open_small(cases[i].map_bytes);
        struct tb_id id = created(world, draft(world, "a task"));
        fill_log(world, id, cases[i].events);
        struct tb_txn *txn = snapshot(world);
        uint64_t seq = tb_txn_head(txn)->seq;
        tb_read_end(&txn);
        assert_int_equal(try_create(world), TB_E_STORAGE_FULL);
        unsigned drops = drop_until_room(world, cases[i].max);
        txn = snapshot(world);
        uint64_t oldest = tb_txn_head(txn)->oldest_seq;
        expect_kept(txn, oldest, seq);
        assert_int_equal(events_of(txn, id).count, seq + 1 - oldest);
        tb_read_end(&txn);
        print_message("%llu events filled the map, %u drops of %llu made room again\n",
                      (unsigned long long)seq, drops, (unsigned long long)(oldest - 1));
        world_close(world);
    }
}

static enum tb_err try_publish(struct world *world)
{
    struct tb_txn *txn = begin(world);
    struct tb_event event = {.seq = tb_txn_head(txn)->seq + 1,
                             .id = new_id(world),
                             .type = TB_EVENT_FEED_CUSTOM,
                             .actor = TB_STR("ann")};
    tb_event_render(&event, NULL, TB_STR_NONE, world->arena);
    tb_append_event(txn, &event);
    tb_txn_head(txn)->seq++;
    enum tb_err err = tb_write_commit(&txn);
    tb_arena_reset(world->arena);
    return err;
}

static void a_full_store_takes_no_news(void **state)
{
    (void)state;
    struct world *world = world_open_small(UINT64_C(1) << 20);
    struct tb_id id = created(world, draft(world, "a task"));
    assert_int_equal(try_publish(world), TB_OK);
    fill_log(world, id, 10);
    assert_int_equal(try_publish(world), TB_E_STORAGE_FULL);
    struct tb_txn *txn = begin(world);
    struct tb_vm vm = draft_vm(world, TB_STR("vm"));
    tb_vm_render(&vm, world->arena);
    assert_int_equal(tb_put_vm(txn, NULL, &vm), TB_E_STORAGE_FULL);
    tb_write_abort(&txn);
    drop_until_room(world, 100);
    assert_int_equal(try_publish(world), TB_OK);
    world_close(world);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_commits_are_dropped_from_the_oldest_on),
        cmocka_unit_test(all_may_be_dropped_and_the_log_goes_on),
        cmocka_unit_test(what_the_transaction_appended_is_not_dropped),
        cmocka_unit_test(a_snapshot_and_an_abort_keep_what_was_dropped),
        cmocka_unit_test(index_entries_go_with_their_events),
        cmocka_unit_test(a_task_that_is_gone_loses_its_events_too),
        cmocka_unit_test(the_log_keeps_its_length),
    };
    static const struct CMUnitTest full[] = {
        cmocka_unit_test(dropping_events_makes_room_in_a_full_store),
        cmocka_unit_test(a_full_store_takes_no_news),
    };
    int failed = run_on_every_engine("dropped events", tests, sizeof tests / sizeof *tests);
    return failed + cmocka_run_group_tests_name("dropped events, full store", full, NULL, NULL);
}
