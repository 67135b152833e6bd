/* The feed: those of the log's events that agents publish; and finding an event by its id. */
#include "suite.h"

#define FILL "0123456789012345678901234567890123456789012345678901234567890123456789"

/* Longer than a key may have of a text, and alike but for the end. */
#define LONG_ONE   FILL FILL FILL "1"
#define LONG_OTHER FILL FILL FILL "2"

struct seen {
    uint64_t seqs[64];
    size_t count;
    size_t stop_after;
};

static enum tb_visit note_seq(void *ctx, const struct tb_event *event)
{
    struct seen *seen = ctx;
    assert_true(seen->count < 64);
    assert_true(tb_event_is_of_feed(event->type));
    seen->seqs[seen->count++] = event->seq;
    return seen->count == seen->stop_after ? TB_VISIT_STOP : TB_VISIT_NEXT;
}

/* Expects those seqs, both ways and cut short. */
static void expect_feed(struct tb_txn *txn, const char *agent, uint64_t since, const uint64_t *seqs,
                        size_t count)
{
    struct tb_feed_query query = {.agent = agent == NULL ? TB_STR_NONE : tb_str_c(agent),
                                  .since = since};
    for (int latest_first = 0; latest_first < 2; latest_first++) {
        query.latest_first = latest_first;
        struct seen seen = {.count = 0};
        assert_int_equal(tb_visit_feed(txn, &query, note_seq, &seen), TB_OK);
        assert_int_equal(seen.count, count);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(seen.seqs[i], seqs[latest_first ? count - 1 - i : i]);
        }
        for (size_t stop = 1; stop <= count; stop++) {
            struct seen cut = {.stop_after = stop};
            assert_int_equal(tb_visit_feed(txn, &query, note_seq, &cut), TB_OK);
            assert_int_equal(cut.count, stop);
            assert_memory_equal(cut.seqs, seen.seqs, stop * sizeof *seqs);
        }
    }
}

#define SEQS(...)                                                                                  \
    (const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)

/* Events 1 to 7, of which 2, 3, 5 and 7 are of the feed. */
static void furnish(struct world *world)
{
    struct tb_txn *txn = begin(world);
    struct tb_task task = draft(world, "a task");
    create(world, txn, &task);
    publish(world, txn, TB_EVENT_FEED_FIRST, TB_STR("ann"));
    publish(world, txn, TB_EVENT_FEED_FINDING, TB_STR("bob"));
    commit(&txn);
    txn = begin(world);
    log_event(world, txn, TB_EVENT_FEED_CLEARED, NULL);
    publish(world, txn, TB_EVENT_FEED_LAST, TB_STR("ann"));
    replace(world, txn, &task);
    publish(world, txn, TB_EVENT_FEED_CUSTOM, TB_STR("anna"));
    commit(&txn);
}

static void the_feed_is_what_agents_publish(void **state)
{
    struct world *world = *state;
    struct tb_txn *txn = snapshot(world);
    expect_feed(txn, NULL, 0, NULL, 0);
    tb_read_end(&txn);
    furnish(world);
    txn = snapshot(world);
    expect_feed(txn, NULL, 0, SEQS(2, 3, 5, 7));
    expect_feed(txn, "ann", 0, SEQS(2, 5));
    expect_feed(txn, "anna", 0, SEQS(7));
    expect_feed(txn, "bob", 0, SEQS(3));
    expect_feed(txn, "", 0, NULL, 0);
    expect_feed(txn, "an", 0, NULL, 0);
    tb_read_end(&txn);
}

static void the_feed_begins_behind_a_seq(void **state)
{
    struct world *world = *state;
    furnish(world);
    struct tb_txn *txn = snapshot(world);
    expect_feed(txn, NULL, 2, SEQS(3, 5, 7));
    expect_feed(txn, NULL, 4, SEQS(5, 7));
    expect_feed(txn, NULL, 7, NULL, 0);
    expect_feed(txn, NULL, UINT64_MAX, NULL, 0);
    expect_feed(txn, "ann", 1, SEQS(2, 5));
    expect_feed(txn, "ann", 2, SEQS(5));
    expect_feed(txn, "ann", 5, NULL, 0);
    tb_read_end(&txn);
}

static void the_feed_shows_what_the_transaction_appended_and_not_what_it_gave_up(void **state)
{
    struct world *world = *state;
    furnish(world);
    struct tb_txn *txn = begin(world);
    assert_int_equal(publish(world, txn, TB_EVENT_FEED_QUESTION, TB_STR("bob")), 8);
    expect_feed(txn, NULL, 0, SEQS(2, 3, 5, 7, 8));
    expect_feed(txn, "bob", 0, SEQS(3, 8));
    struct tb_txn *before = snapshot(world);
    expect_feed(before, NULL, 0, SEQS(2, 3, 5, 7));
    tb_write_abort(&txn);
    txn = begin(world);
    expect_feed(txn, "bob", 0, SEQS(3));
    publish(world, txn, TB_EVENT_FEED_QUESTION, TB_STR("cleo"));
    commit(&txn);
    expect_feed(before, "cleo", 0, NULL, 0);
    tb_read_end(&before);
    txn = snapshot(world);
    expect_feed(txn, "cleo", 0, SEQS(8));
    tb_read_end(&txn);
}

static void agents_with_long_names_are_told_apart(void **state)
{
    struct world *world = *state;
    struct tb_txn *txn = begin(world);
    publish(world, txn, TB_EVENT_FEED_CUSTOM, TB_STR(LONG_ONE));
    publish(world, txn, TB_EVENT_FEED_CUSTOM, TB_STR(LONG_OTHER));
    publish(world, txn, TB_EVENT_FEED_CUSTOM, TB_STR(LONG_ONE));
    publish(world, txn, TB_EVENT_FEED_CUSTOM, TB_STR(""));
    commit(&txn);
    txn = snapshot(world);
    expect_feed(txn, LONG_ONE, 0, SEQS(1, 3));
    expect_feed(txn, LONG_OTHER, 0, SEQS(2));
    expect_feed(txn, FILL FILL FILL, 0, NULL, 0);
    expect_feed(txn, "", 0, SEQS(4));
    tb_read_end(&txn);
}

/* --- events about a VM --- */

static enum tb_visit expect_event(void *ctx, const struct tb_event *event)
{
    assert_same_event(event, ctx);
    return TB_VISIT_NEXT;
}

static void an_event_keeps_its_vm_and_its_data(void **state)
{
    struct world *world = *state;
    struct tb_vm vm = draft_vm(world, TB_STR("a \\\"vm\\\""));
    tb_vm_render(&vm, world->arena);
    struct tb_event event = {.seq = 1,
                             .id = new_id(world),
                             .at_ms = 5,
                             .type = TB_EVENT_VM_STALE,
                             .actor = TB_STR("me"),
                             .vm_id = vm.id};
    tb_event_render(&event, NULL, TB_STR(",\"vm\":{\"a\":1}"), world->arena);
    assert_same_str(event.data, TB_STR("{\"vm\":{\"a\":1}}"));
    struct tb_txn *txn = begin(world);
    assert_int_equal(tb_append_event(txn, &event), TB_OK);
    tb_txn_head(txn)->seq = 1;
    assert_int_equal(tb_visit_events(txn, 0, (struct tb_id){{0}}, expect_event, &event), TB_OK);
    commit(&txn);
    txn = snapshot(world);
    assert_int_equal(tb_visit_events(txn, 0, (struct tb_id){{0}}, expect_event, &event), TB_OK);
    expect_feed(txn, NULL, 0, NULL, 0);
    tb_read_end(&txn);
}

/* --- by id --- */

static struct tb_id beside(struct tb_id id, int by)
{
    id.bytes[15] = (uint8_t)(id.bytes[15] + by);
    return id;
}

static void expect_found(struct tb_txn *txn, struct tb_id id, uint64_t seq)
{
    uint64_t got = 77;
    assert_int_equal(tb_find_event(txn, id, &got), TB_OK);
    assert_int_equal(got, seq);
}

struct event_ids {
    struct tb_id ids[64];
    size_t count;
};

static enum tb_visit note_id(void *ctx, const struct tb_event *event)
{
    struct event_ids *ids = ctx;
    ids->ids[ids->count++] = event->id;
    return TB_VISIT_NEXT;
}

static void expect_all_found(struct tb_txn *txn)
{
    struct event_ids all = {.count = 0};
    assert_int_equal(tb_visit_events(txn, 0, (struct tb_id){{0}}, note_id, &all), TB_OK);
    for (size_t i = 0; i < all.count; i++) {
        struct tb_id id = all.ids[i];
        assert_true(id.bytes[15] != 0 && id.bytes[15] != 255); /* so that neighbours are simple */
        expect_found(txn, id, i + 1);
        expect_found(txn, beside(id, -1), i);
        expect_found(txn, beside(id, 1), i + 1);
    }
    expect_found(txn, (struct tb_id){{0}}, 0);
    expect_found(txn, (struct tb_id){{255}}, all.count);
}

static void append_with_id(struct world *world, struct tb_txn *txn)
{
    struct tb_head *head = tb_txn_head(txn);
    struct tb_event event = {.seq = head->seq + 1, .type = TB_EVENT_PAUSED};
    event.id.bytes[14] = (uint8_t)event.seq;
    event.id.bytes[15] = 100;
    tb_event_render(&event, NULL, TB_STR_NONE, world->arena);
    assert_int_equal(tb_append_event(txn, &event), TB_OK);
    head->seq++;
}

static void an_event_is_found_by_its_id_or_one_beside_it(void **state)
{
    struct world *world = *state;
    struct tb_txn *txn = begin(world);
    expect_found(txn, (struct tb_id){{255}}, 0);
    for (int i = 1; i <= 40; i++) {
        append_with_id(world, txn);
        if (i == 1 || i % 7 == 0) {
            expect_all_found(txn);
            commit(&txn);
            txn = snapshot(world);
            expect_all_found(txn);
            tb_read_end(&txn);
            txn = begin(world);
        }
    }
    expect_all_found(txn);
    tb_write_abort(&txn);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_feed_is_what_agents_publish),
        cmocka_unit_test(the_feed_begins_behind_a_seq),
        cmocka_unit_test(the_feed_shows_what_the_transaction_appended_and_not_what_it_gave_up),
        cmocka_unit_test(agents_with_long_names_are_told_apart),
        cmocka_unit_test(an_event_keeps_its_vm_and_its_data),
        cmocka_unit_test(an_event_is_found_by_its_id_or_one_beside_it),
    };
    return run_on_every_engine("feed", tests, sizeof tests / sizeof *tests);
}
