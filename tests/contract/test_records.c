/* Single records: tasks, notes, artifacts, events, and what finds them. */
#include "suite.h"

#define LONG_A "long-unique-key-that-begins-alike-"
#define FILL   "0123456789012345678901234567890123456789012345678901234567890123456789"
#define LONG_1 LONG_A FILL FILL FILL "-first"
#define LONG_2 LONG_A FILL FILL FILL "-second"

static const struct tb_id no_id = {{0}};

static struct tb_task full_draft(struct world *world)
{
    struct tb_task task = draft(world, "Fix the \\\"quoted\\\" thing");
    task.version = 7;
    task.updated_ms = task.created_ms + 1000;
    task.not_before_ms = task.created_ms + 5000;
    task.due_ms = task.not_before_ms;
    task.rank_ms = -12345;
    task.score = -3;
    task.priority = -100;
    task.attempts = 2;
    task.max_attempts = 0;
    task.note_count = 3;
    task.artifact_count = 4;
    task.notes_bytes = UINT64_C(5000000000);
    task.parent_id = new_id(world);
    task.status = TB_STATUS_DONE;
    task.outcome = TB_OUTCOME_CANCELLED;
    task.ready = false;
    task.assignee = TB_STR("worker");
    task.tags = TB_STR("[\"a\",\"b\",\"a\"]");
    task.dependencies = TB_STR("[\"x\"]");
    task.unique_key = TB_STR("key");
    task.blocked_reason = TB_STR("{\"kind\":\"manual\"}");
    task.blocked_by = TB_STR("[\"x\"]");
    task.description = TB_STR("");
    task.payload = TB_STR("{\"n\":[1,2,3]}");
    task.result = TB_STR("null");
    return task;
}

static void a_task_comes_back_as_it_was_put(void **state)
{
    struct world *world = *state;
    struct tb_task full = full_draft(world);
    struct tb_task bare = draft(world, "bare");
    struct tb_txn *txn = begin(world);
    create(world, txn, &full);
    create(world, txn, &bare);
    struct tb_task got = stored(txn, full.id);
    assert_same_task(&got, &full);
    commit(&txn);
    txn = snapshot(world);
    got = stored(txn, full.id);
    assert_same_task(&got, &full);
    got = stored(txn, bare.id);
    assert_same_task(&got, &bare);
    tb_read_end(&txn);
}

static void a_task_that_is_not_there_is_absent_and_no_failure(void **state)
{
    struct world *world = *state;
    struct tb_txn *txn = begin(world);
    struct tb_task task;
    assert_int_equal(tb_get_task(txn, new_id(world), &task), TB_E_ABSENT);
    assert_int_equal(tb_txn_error(txn), TB_OK);
    struct tb_task other = draft(world, "after that");
    create(world, txn, &other);
    commit(&txn);
    txn = snapshot(world);
    assert_int_equal(tb_get_task(txn, new_id(world), &task), TB_E_ABSENT);
    stored(txn, other.id);
    tb_read_end(&txn);
}

static void what_is_put_is_copied(void **state)
{
    struct world *world = *state;
    struct tb_task task = draft(world, "to be scribbled over");
    struct tb_task kept = task;
    struct tb_arena *arena = tb_arena_new(0);
    tb_task_render(&task, arena);
    tb_task_render(&kept, world->arena);
    struct tb_str wire = tb_arena_dup(arena, TB_STR("{\"a\":1}"));
    struct tb_txn *txn = begin(world);
    assert_int_equal(tb_put_task(txn, NULL, &task), TB_OK);
    assert_int_equal(tb_put_note(txn, task.id, new_id(world), wire), TB_OK);
    memset((char *)(uintptr_t)task.wire.ptr, 'x', task.wire.len);
    memset((char *)(uintptr_t)wire.ptr, 'x', wire.len);
    tb_arena_free(arena);
    struct tb_task got = stored(txn, task.id);
    assert_same_task(&got, &kept);
    commit(&txn);
}

static void what_a_write_transaction_read_lives_until_it_ends(void **state)
{
    struct world *world = *state;
    struct tb_task task = draft(world, "read early");
    created(world, task);
    struct tb_txn *txn = begin(world);
    struct tb_task early = stored(txn, task.id);
    struct tb_str wire = tb_arena_dup(world->arena, early.wire);
    for (int i = 0; i < 500; i++) {
        struct tb_task other = draft(world, "another");
        create(world, txn, &other);
    }
    struct tb_task changed = early;
    changed.title = TB_STR("changed");
    replace(world, txn, &changed);
    remove_task(world, txn, task.id);
    assert_same_str(early.wire, wire);
    commit(&txn);
}

static void tasks_of_every_size_are_kept(void **state)
{
    static const size_t sizes[] = {0, 1, 1000, 1400, 2000, 2100, 4000, 4096, 70000, 262144};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    struct world *world = *state;
    struct tb_task tasks[COUNT];
    struct tb_txn *txn = begin(world);
    for (size_t i = 0; i < COUNT; i++) {
        char *bytes = tb_arena_alloc(world->arena, sizes[i] + 1);
        memset(bytes, '-', sizes[i]);
        tasks[i] = draft(world, "sized");
        tasks[i].description = tb_str_from(bytes, sizes[i]);
        create(world, txn, &tasks[i]);
    }
    commit(&txn);
    txn = snapshot(world);
    for (size_t i = 0; i < COUNT; i++) {
        struct tb_task got = stored(txn, tasks[i].id);
        assert_same_task(&got, &tasks[i]);
    }
    tb_read_end(&txn);
}

static void a_task_with_an_older_id_can_be_put_later(void **state)
{
    struct world *world = *state;
    struct tb_task older = draft(world, "older");
    struct tb_task newer = draft(world, "newer");
    created(world, newer);
    created(world, older);
    struct tb_txn *txn = snapshot(world);
    stored(txn, older.id);
    const struct tb_id both[] = {newer.id, older.id};
    expect_list(txn, (struct tb_task_query){.states = TB_STATES_ALL}, both, 2);
    tb_read_end(&txn);
}

/* --- notes and artifacts --- */

struct wires {
    size_t count;
    size_t max;
    struct tb_id ids[2000];
    char text[65536];
};

static enum tb_visit collect(void *ctx, struct tb_id id, struct tb_str wire)
{
    struct wires *wires = ctx;
    wires->ids[wires->count++] = id;
    strncat(wires->text, wire.ptr, wire.len);
    strcat(wires->text, ";");
    return wires->count == wires->max ? TB_VISIT_STOP : TB_VISIT_NEXT;
}

static struct wires *no_wires(size_t max)
{
    static struct wires wires;
    wires.count = 0;
    wires.max = max;
    wires.text[0] = '\0';
    return &wires;
}

static void expect_notes(struct tb_txn *txn, struct tb_id task_id, size_t max, const char *all)
{
    struct wires *wires = no_wires(max);
    assert_int_equal(tb_visit_notes(txn, task_id, collect, wires), TB_OK);
    assert_string_equal(wires->text, all);
}

static void notes_come_back_in_id_order_and_only_their_tasks(void **state)
{
    struct world *world = *state;
    struct tb_id task = created(world, draft(world, "noted"));
    struct tb_id other = created(world, draft(world, "noted too"));
    struct tb_id bare = created(world, draft(world, "bare"));
    struct tb_id ids[3] = {new_id(world), new_id(world), new_id(world)};
    struct tb_txn *txn = begin(world);
    assert_int_equal(tb_put_note(txn, task, ids[2], TB_STR("three")), TB_OK);
    assert_int_equal(tb_put_note(txn, other, ids[1], TB_STR("other")), TB_OK);
    assert_int_equal(tb_put_note(txn, task, ids[0], TB_STR("one")), TB_OK);
    assert_int_equal(tb_put_note(txn, task, ids[1], TB_STR("two")), TB_OK);
    expect_notes(txn, task, 0, "one;two;three;");
    commit(&txn);
    txn = snapshot(world);
    expect_notes(txn, task, 0, "one;two;three;");
    expect_notes(txn, task, 2, "one;two;");
    expect_notes(txn, other, 0, "other;");
    expect_notes(txn, bare, 0, "");
    struct wires *wires = no_wires(0);
    assert_int_equal(tb_visit_notes(txn, task, collect, wires), TB_OK);
    assert_same_id(wires->ids[0], ids[0]);
    assert_same_id(wires->ids[2], ids[2]);
    tb_read_end(&txn);
}

static void artifacts_come_back_in_the_order_of_their_numbers(void **state)
{
    struct world *world = *state;
    struct tb_id task = created(world, draft(world, "with artifacts"));
    struct wires *wires = no_wires(0);
    char all[65536] = "";
    struct tb_txn *txn = begin(world);
    for (uint32_t i = 0; i < 600; i++) {
        struct tb_str wire = text(world, "artifact %u", i);
        assert_int_equal(tb_put_artifact(txn, task, i, wire), TB_OK);
        strncat(all, wire.ptr, wire.len);
        strcat(all, ";");
    }
    commit(&txn);
    txn = snapshot(world);
    assert_int_equal(tb_visit_artifacts(txn, task, collect, wires), TB_OK);
    assert_int_equal(wires->count, 600);
    assert_string_equal(wires->text, all);
    assert_same_id(wires->ids[5], no_id);
    expect_notes(txn, task, 0, "");
    tb_read_end(&txn);
}

static void deleting_a_task_takes_what_hangs_on_it_but_no_event(void **state)
{
    struct world *world = *state;
    struct tb_task task = draft(world, "short lived");
    struct tb_task other = draft(world, "short survivor");
    task.tags = TB_STR("[\"t\"]");
    task.unique_key = TB_STR("u");
    task.dependencies = TB_STR("[\"d\"]");
    task.due_ms = 5;
    created(world, task);
    created(world, other);
    struct tb_txn *txn = begin(world);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(tb_put_note(txn, task.id, new_id(world), TB_STR("gone")), TB_OK);
    }
    assert_int_equal(tb_put_artifact(txn, task.id, 0, TB_STR("gone")), TB_OK);
    assert_int_equal(tb_put_note(txn, other.id, new_id(world), TB_STR("stays")), TB_OK);
    commit(&txn);
    txn = begin(world);
    remove_task(world, txn, task.id);
    commit(&txn);
    txn = snapshot(world);
    struct wires *wires = no_wires(0);
    struct tb_task got;
    struct tb_id id;
    int64_t due_ms = 0;
    assert_int_equal(tb_get_task(txn, task.id, &got), TB_E_ABSENT);
    assert_int_equal(tb_visit_artifacts(txn, task.id, collect, wires), TB_OK);
    assert_int_equal(wires->count, 0);
    expect_notes(txn, task.id, 0, "");
    expect_notes(txn, other.id, 0, "stays;");
    assert_int_equal(tb_find_unique(txn, TB_STR("u"), &id), TB_E_ABSENT);
    assert_int_equal(tb_next_due(txn, &due_ms, &id), TB_E_ABSENT);
    struct tb_str word = TB_STR("short");
    struct tb_task_query query = {.words = &word, .word_count = 1};
    expect_list(txn, query, &other.id, 1);
    assert_int_equal(tb_txn_head(txn)->seq, 3);
    tb_read_end(&txn);
}

/* --- events --- */

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

/* --- what finds a task --- */

static void expect_unique(struct tb_txn *txn, const char *key, const struct tb_id *expected)
{
    struct tb_id id;
    enum tb_err err = tb_find_unique(txn, tb_str_c(key), &id);
    assert_int_equal(err, expected == NULL ? TB_E_ABSENT : TB_OK);
    if (expected != NULL) {
        assert_same_id(id, *expected);
    }
}

static void a_unique_key_finds_its_task_while_that_is_not_done(void **state)
{
    struct world *world = *state;
    struct tb_task task = draft(world, "unique");
    struct tb_task longer = draft(world, "unique too");
    task.unique_key = TB_STR("nightly");
    longer.unique_key = TB_STR("nightly-build");
    created(world, task);
    struct tb_txn *txn = begin(world);
    create(world, txn, &longer);
    expect_unique(txn, "nightly", &task.id);
    expect_unique(txn, "nightly-build", &longer.id);
    expect_unique(txn, "night", NULL);
    expect_unique(txn, "nightly-", NULL);
    expect_unique(txn, "", NULL);
    task.status = TB_STATUS_DONE;
    task.outcome = TB_OUTCOME_SUCCESS;
    task.ready = false;
    replace(world, txn, &task);
    expect_unique(txn, "nightly", NULL);
    task.status = TB_STATUS_BLOCKED;
    task.outcome = TB_OUTCOME_NONE;
    replace(world, txn, &task);
    expect_unique(txn, "nightly", &task.id);
    task.unique_key = TB_STR("weekly");
    replace(world, txn, &task);
    expect_unique(txn, "nightly", NULL);
    expect_unique(txn, "weekly", &task.id);
    task.unique_key = TB_STR_NONE;
    replace(world, txn, &task);
    expect_unique(txn, "weekly", NULL);
    commit(&txn);
}

static void long_unique_keys_are_told_apart(void **state)
{
    struct world *world = *state;
    struct tb_task first = draft(world, "first");
    struct tb_task second = draft(world, "second");
    first.unique_key = TB_STR(LONG_1);
    second.unique_key = TB_STR(LONG_2);
    created(world, first);
    created(world, second);
    struct tb_txn *txn = snapshot(world);
    expect_unique(txn, LONG_1, &first.id);
    expect_unique(txn, LONG_2, &second.id);
    expect_unique(txn, LONG_A, NULL);
    expect_unique(txn, LONG_1 "x", NULL);
    tb_read_end(&txn);
}

struct ids {
    size_t count;
    size_t max;
    struct tb_id all[100];
    struct tb_txn *txn;
};

static enum tb_visit collect_id(void *ctx, struct tb_id id)
{
    struct ids *ids = ctx;
    ids->all[ids->count++] = id;
    stored(ids->txn, id); /* reading inside a visit is allowed */
    return ids->count == ids->max ? TB_VISIT_STOP : TB_VISIT_NEXT;
}

static void expect_dependents(struct tb_txn *txn, const char *dependency, size_t max,
                              const struct tb_id *expected, size_t count)
{
    struct ids ids = {.max = max, .txn = txn};
    assert_int_equal(tb_visit_dependents(txn, tb_str_c(dependency), collect_id, &ids), TB_OK);
    assert_int_equal(ids.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_same_id(ids.all[i], expected[i]);
    }
}

static void dependents_come_back_in_id_order_done_or_not(void **state)
{
    struct world *world = *state;
    struct tb_task a = draft(world, "a");
    struct tb_task b = draft(world, "b");
    struct tb_task c = draft(world, "c");
    a.dependencies = TB_STR("[\"x\",\"y\"]");
    b.dependencies = TB_STR("[\"xy\",\"" LONG_1 "\",\"x\",\"x\"]");
    c.dependencies = TB_STR("[\"" LONG_2 "\",\"x\"]");
    c.status = TB_STATUS_DONE;
    created(world, c);
    created(world, b);
    created(world, a);
    struct tb_txn *txn = begin(world);
    const struct tb_id all[] = {a.id, b.id, c.id};
    expect_dependents(txn, "x", 0, all, 3);
    expect_dependents(txn, "x", 2, all, 2);
    expect_dependents(txn, "y", 0, &a.id, 1);
    expect_dependents(txn, "xy", 0, &b.id, 1);
    expect_dependents(txn, LONG_1, 0, &b.id, 1);
    expect_dependents(txn, LONG_2, 0, &c.id, 1);
    expect_dependents(txn, "", 0, NULL, 0);
    expect_dependents(txn, "z", 0, NULL, 0);
    b.dependencies = TB_STR("[\"x\"]");
    replace(world, txn, &b);
    expect_dependents(txn, "x", 0, all, 3);
    expect_dependents(txn, LONG_1, 0, NULL, 0);
    b.dependencies = TB_STR("[]");
    replace(world, txn, &b);
    const struct tb_id two[] = {a.id, c.id};
    expect_dependents(txn, "x", 0, two, 2);
    remove_task(world, txn, a.id);
    expect_dependents(txn, "x", 0, &c.id, 1);
    commit(&txn);
}

static void expect_due(struct tb_txn *txn, int64_t due_ms, struct tb_id id)
{
    int64_t found_ms = 0;
    struct tb_id found;
    assert_int_equal(tb_next_due(txn, &found_ms, &found), TB_OK);
    assert_int_equal(found_ms, due_ms);
    assert_same_id(found, id);
}

static void the_earliest_due_task_is_next(void **state)
{
    struct world *world = *state;
    int64_t due_ms = 0;
    struct tb_id id;
    struct tb_task a = draft(world, "a");
    struct tb_task b = draft(world, "b");
    struct tb_task c = draft(world, "never");
    a.due_ms = INT64_C(1) << 40;
    b.due_ms = 300;
    struct tb_txn *txn = begin(world);
    assert_int_equal(tb_next_due(txn, &due_ms, &id), TB_E_ABSENT);
    create(world, txn, &c);
    assert_int_equal(tb_next_due(txn, &due_ms, &id), TB_E_ABSENT);
    create(world, txn, &a);
    expect_due(txn, INT64_C(1) << 40, a.id);
    create(world, txn, &b);
    expect_due(txn, 300, b.id);
    b.due_ms = 0;
    replace(world, txn, &b);
    expect_due(txn, INT64_C(1) << 40, a.id);
    a.due_ms = 299;
    replace(world, txn, &a);
    expect_due(txn, 299, a.id);
    commit(&txn);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_comes_back_as_it_was_put),
        cmocka_unit_test(a_task_that_is_not_there_is_absent_and_no_failure),
        cmocka_unit_test(what_is_put_is_copied),
        cmocka_unit_test(what_a_write_transaction_read_lives_until_it_ends),
        cmocka_unit_test(tasks_of_every_size_are_kept),
        cmocka_unit_test(a_task_with_an_older_id_can_be_put_later),
        cmocka_unit_test(notes_come_back_in_id_order_and_only_their_tasks),
        cmocka_unit_test(artifacts_come_back_in_the_order_of_their_numbers),
        cmocka_unit_test(deleting_a_task_takes_what_hangs_on_it_but_no_event),
        cmocka_unit_test(the_log_is_read_from_any_place),
        cmocka_unit_test(a_tasks_own_events_are_found),
        cmocka_unit_test(an_event_comes_back_as_it_was_appended),
        cmocka_unit_test(an_events_strings_are_parts_of_its_wire),
        cmocka_unit_test(a_unique_key_finds_its_task_while_that_is_not_done),
        cmocka_unit_test(long_unique_keys_are_told_apart),
        cmocka_unit_test(dependents_come_back_in_id_order_done_or_not),
        cmocka_unit_test(the_earliest_due_task_is_next),
    };
    return run_on_every_engine("records", tests, sizeof tests / sizeof *tests);
}
