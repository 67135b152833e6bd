/* Notes and artifacts of a task. */
#include "suite.h"

static const struct tb_id no_id = {{0}};

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

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes_come_back_in_id_order_and_only_their_tasks),
        cmocka_unit_test(artifacts_come_back_in_the_order_of_their_numbers),
        cmocka_unit_test(deleting_a_task_takes_what_hangs_on_it_but_no_event),
    };
    return run_on_every_engine("notes and artifacts", tests, sizeof tests / sizeof *tests);
}
