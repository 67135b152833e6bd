/* VMs, their signs of life, and the tasks that their claims hold. */
#include "suite.h"

#define FILL "0123456789012345678901234567890123456789012345678901234567890123456789"

/* Longer than a key may have of a text, and alike but for the end. */
#define LONG_ONE   FILL FILL FILL "1"
#define LONG_OTHER FILL FILL FILL "2"

static void expect_no_vm(struct tb_txn *txn, const char *id)
{
    struct tb_vm vm = {.ttl_ms = 77};
    assert_int_equal(tb_get_vm(txn, tb_str_c(id), &vm), TB_E_ABSENT);
    assert_int_equal(vm.ttl_ms, 77);
    assert_int_equal(tb_txn_error(txn), TB_OK);
}

static void a_vm_comes_back_as_it_was_put(void **state)
{
    struct world *world = *state;
    struct tb_vm plain = draft_vm(world, TB_STR("plain"));
    struct tb_vm full = draft_vm(world, TB_STR("f\\\"ull"));
    full.due_ms = 9;
    full.stale_ms = 8;
    full.spared = true;
    full.role = TB_VM_CUSTOM;
    full.status = TB_VM_STOPPED;
    full.services = TB_STR("[{\"name\":\"ssh\",\"port\":22}]");
    full.metadata = TB_STR("{\"a\":[1,null]}");
    struct tb_txn *txn = begin(world);
    expect_no_vm(txn, "plain");
    put_vm(world, txn, NULL, &plain);
    put_vm(world, txn, NULL, &full);
    struct tb_vm got = stored_vm(txn, plain.id);
    assert_same_vm(&got, &plain);
    commit(&txn);
    txn = snapshot(world);
    got = stored_vm(txn, plain.id);
    assert_same_vm(&got, &plain);
    got = stored_vm(txn, full.id);
    assert_same_vm(&got, &full);
    expect_no_vm(txn, "");
    expect_no_vm(txn, "plai");
    expect_no_vm(txn, "plainer");
    tb_read_end(&txn);
}

static void a_change_of_a_vm_is_counted_and_a_sign_of_life_is_not(void **state)
{
    struct world *world = *state;
    struct tb_vm vm = draft_vm(world, TB_STR("vm"));
    struct tb_txn *txn = begin(world);
    const struct tb_head *head = tb_txn_head(txn);
    put_vm(world, txn, NULL, &vm);
    assert_int_equal(head->changes, 1);
    assert_int_equal(head->vm_changes, 1);
    struct tb_task task = draft(world, "a task");
    create(world, txn, &task);
    assert_int_equal(head->vm_changes, 1);
    struct tb_vm old = stored_vm(txn, vm.id);
    vm.name = TB_STR("renamed");
    put_vm(world, txn, &old, &vm);
    assert_int_equal(head->changes, 3);
    assert_int_equal(head->vm_changes, 3);
    assert_int_equal(tb_see_vm(txn, &vm, vm.seen_ms + 5), TB_OK);
    assert_int_equal(head->changes, 3);
    assert_int_equal(tb_delete_vm(txn, &vm), TB_OK);
    assert_int_equal(head->changes, 4);
    assert_int_equal(head->vm_changes, 4);
    expect_no_vm(txn, "vm");
    commit(&txn);
    txn = snapshot(world);
    assert_int_equal(tb_txn_head(txn)->vm_changes, 4);
    expect_no_vm(txn, "vm");
    tb_read_end(&txn);
}

static void a_sign_of_life_changes_nothing_else(void **state)
{
    struct world *world = *state;
    struct tb_vm vm = draft_vm(world, TB_STR("vm"));
    vm.due_ms = 50;
    struct tb_txn *txn = begin(world);
    put_vm(world, txn, NULL, &vm);
    commit(&txn);
    struct tb_txn *before = snapshot(world);
    txn = begin(world);
    struct tb_vm read = stored_vm(txn, vm.id);
    assert_int_equal(tb_see_vm(txn, &read, vm.seen_ms + 7), TB_OK);
    assert_int_equal(stored_vm(txn, vm.id).seen_ms, vm.seen_ms + 7);
    assert_int_equal(read.seen_ms, vm.seen_ms); /* what was read stays */
    tb_write_abort(&txn);
    txn = begin(world);
    assert_int_equal(stored_vm(txn, vm.id).seen_ms, vm.seen_ms);
    assert_int_equal(tb_see_vm(txn, &vm, vm.seen_ms + 8), TB_OK);
    commit(&txn);
    assert_int_equal(stored_vm(before, vm.id).seen_ms, vm.seen_ms);
    tb_read_end(&before);
    txn = snapshot(world);
    struct tb_vm got = stored_vm(txn, vm.id);
    vm.seen_ms += 8;
    assert_same_vm(&got, &vm);
    tb_read_end(&txn);
}

/* --- lists --- */

struct seen {
    char ids[256]; /* the ids, each followed by a blank */
    size_t stop_after;
};

static enum tb_visit note_vm(void *ctx, const struct tb_vm *vm)
{
    struct seen *seen = ctx;
    assert_true(strlen(seen->ids) + vm->id.len + 2 < sizeof seen->ids);
    strncat(seen->ids, vm->id.ptr, vm->id.len);
    strcat(seen->ids, " ");
    return --seen->stop_after == 0 ? TB_VISIT_STOP : TB_VISIT_NEXT;
}

static void expect_vms(struct tb_txn *txn, bool latest_first, size_t stop_after, const char *ids)
{
    struct seen seen = {.stop_after = stop_after};
    assert_int_equal(tb_visit_vms(txn, latest_first, note_vm, &seen), TB_OK);
    assert_string_equal(seen.ids, ids);
}

static void vms_are_listed_in_the_order_of_their_registration(void **state)
{
    struct world *world = *state;
    static const char *const ids[] = {"m", "z", "a", "k"};
    struct tb_vm vms[4];
    struct tb_txn *txn = begin(world);
    expect_vms(txn, false, SIZE_MAX, "");
    expect_vms(txn, true, SIZE_MAX, "");
    for (size_t i = 0; i < 4; i++) {
        vms[i] = draft_vm(world, tb_str_c(ids[i]));
        put_vm(world, txn, NULL, &vms[i]);
    }
    expect_vms(txn, false, SIZE_MAX, "m z a k ");
    commit(&txn);
    txn = begin(world);
    struct tb_vm old = stored_vm(txn, TB_STR("m"));
    vms[0].status = TB_VM_PAUSED;
    put_vm(world, txn, &old, &vms[0]);
    assert_int_equal(tb_delete_vm(txn, &vms[2]), TB_OK);
    commit(&txn);
    txn = snapshot(world);
    expect_vms(txn, false, SIZE_MAX, "m z k ");
    expect_vms(txn, true, SIZE_MAX, "k z m ");
    expect_vms(txn, false, 1, "m ");
    expect_vms(txn, true, 2, "k z ");
    tb_read_end(&txn);
}

static void expect_due(struct tb_txn *txn, const struct tb_vm *expected)
{
    struct tb_vm got = {.ttl_ms = 77};
    if (expected == NULL) {
        assert_int_equal(tb_next_due_vm(txn, &got), TB_E_ABSENT);
        assert_int_equal(got.ttl_ms, 77);
    } else {
        assert_int_equal(tb_next_due_vm(txn, &got), TB_OK);
        assert_same_vm(&got, expected);
    }
}

static void the_vm_that_is_due_first_is_found(void **state)
{
    struct world *world = *state;
    struct tb_vm vms[3];
    struct tb_txn *txn = begin(world);
    expect_due(txn, NULL);
    for (size_t i = 0; i < 3; i++) {
        vms[i] = draft_vm(world, text(world, "vm %zu", i));
        vms[i].due_ms = i == 0 ? 0 : 100 - (int64_t)i;
        put_vm(world, txn, NULL, &vms[i]);
    }
    expect_due(txn, &vms[2]);
    struct tb_vm old = vms[2];
    vms[2].due_ms = 0;
    put_vm(world, txn, &old, &vms[2]);
    expect_due(txn, &vms[1]);
    commit(&txn);
    txn = begin(world);
    old = vms[0];
    vms[0].due_ms = 99; /* as vms[1]: the earlier registration first */
    put_vm(world, txn, &old, &vms[0]);
    expect_due(txn, &vms[0]);
    assert_int_equal(tb_delete_vm(txn, &vms[0]), TB_OK);
    expect_due(txn, &vms[1]);
    old = vms[1];
    vms[1].due_ms = 500;
    put_vm(world, txn, &old, &vms[1]);
    expect_due(txn, &vms[1]);
    assert_int_equal(tb_delete_vm(txn, &vms[1]), TB_OK);
    expect_due(txn, NULL);
    commit(&txn);
    txn = snapshot(world);
    expect_due(txn, NULL);
    tb_read_end(&txn);
}

static void long_ids_are_told_apart_by_the_last_byte(void **state)
{
    struct world *world = *state;
    struct tb_vm one = draft_vm(world, TB_STR(LONG_ONE));
    struct tb_vm other = draft_vm(world, TB_STR(LONG_OTHER));
    struct tb_txn *txn = begin(world);
    put_vm(world, txn, NULL, &one);
    expect_no_vm(txn, LONG_OTHER);
    put_vm(world, txn, NULL, &other);
    commit(&txn);
    txn = snapshot(world);
    struct tb_vm got = stored_vm(txn, one.id);
    assert_same_vm(&got, &one);
    got = stored_vm(txn, other.id);
    assert_same_vm(&got, &other);
    expect_no_vm(txn, FILL FILL FILL);
    tb_read_end(&txn);
}

static void an_id_may_be_registered_again_under_another_number(void **state)
{
    struct world *world = *state;
    struct tb_vm first = draft_vm(world, TB_STR("vm"));
    struct tb_vm second = draft_vm(world, TB_STR("vm"));
    struct tb_txn *txn = begin(world);
    put_vm(world, txn, NULL, &first);
    commit(&txn);
    txn = begin(world);
    assert_int_equal(tb_delete_vm(txn, &first), TB_OK);
    put_vm(world, txn, NULL, &second);
    commit(&txn);
    txn = snapshot(world);
    struct tb_vm got = stored_vm(txn, TB_STR("vm"));
    assert_same_vm(&got, &second);
    expect_vms(txn, false, SIZE_MAX, "vm ");
    tb_read_end(&txn);
}

/* --- claims --- */

struct held {
    struct tb_id ids[16];
    size_t count;
    size_t stop_after;
};

static enum tb_visit note_task(void *ctx, struct tb_id id)
{
    struct held *held = ctx;
    assert_true(held->count < 16);
    held->ids[held->count++] = id;
    return held->count == held->stop_after ? TB_VISIT_STOP : TB_VISIT_NEXT;
}

static void expect_held(struct tb_txn *txn, const char *vm_id, const struct tb_id *ids,
                        size_t count)
{
    struct held held = {.count = 0};
    struct tb_name_count counted = {.tasks = 0};
    assert_int_equal(tb_visit_vm_tasks(txn, tb_str_c(vm_id), note_task, &held), TB_OK);
    assert_int_equal(held.count, count);
    assert_memory_equal(held.ids, ids, count * sizeof *ids);
    assert_int_equal(tb_get_name(txn, TB_NAME_VM, tb_str_c(vm_id), &counted),
                     count == 0 ? TB_E_ABSENT : TB_OK);
    assert_int_equal(counted.tasks, count);
    assert_int_equal(counted.ready, 0);
    if (count > 1) {
        held = (struct held){.stop_after = 1};
        assert_int_equal(tb_visit_vm_tasks(txn, tb_str_c(vm_id), note_task, &held), TB_OK);
        assert_int_equal(held.count, 1);
    }
}

static void claim(struct tb_task *task, const char *vm_id)
{
    task->status = TB_STATUS_IN_PROGRESS;
    task->ready = false;
    task->assignee = TB_STR("ann");
    task->claim = (struct tb_claim){.generation = 5, .attempt = 1, .lease_ms = 1};
    task->claim_vm = vm_id == NULL ? TB_STR_NONE : tb_str_c(vm_id);
}

static void release(struct tb_task *task)
{
    task->status = TB_STATUS_OPEN;
    task->claim = (struct tb_claim){.generation = 0};
}

static void tasks_that_a_vms_claims_hold_are_found_and_counted(void **state)
{
    struct world *world = *state;
    static const char *const holders[] = {"vm", LONG_ONE, "vm", NULL, LONG_OTHER, "vm"};
    struct tb_task tasks[6];
    struct tb_txn *txn = begin(world);
    for (size_t i = 0; i < 6; i++) {
        tasks[i] = draft(world, "a task");
        claim(&tasks[i], holders[i]);
        create(world, txn, &tasks[i]);
    }
    const struct tb_id of_vm[] = {tasks[0].id, tasks[2].id, tasks[5].id};
    expect_held(txn, "vm", of_vm, 3);
    commit(&txn);
    txn = begin(world);
    expect_held(txn, "vm", of_vm, 3);
    expect_held(txn, LONG_ONE, &tasks[1].id, 1);
    expect_held(txn, LONG_OTHER, &tasks[4].id, 1);
    expect_held(txn, FILL FILL FILL, NULL, 0);
    expect_held(txn, "v", NULL, 0);
    release(&tasks[2]);
    replace(world, txn, &tasks[2]);
    remove_task(world, txn, tasks[5].id);
    claim(&tasks[1], "vm");
    replace(world, txn, &tasks[1]);
    commit(&txn);
    txn = snapshot(world);
    expect_held(txn, "vm", (const struct tb_id[]){tasks[0].id, tasks[1].id}, 2);
    expect_held(txn, LONG_ONE, NULL, 0);
    tb_read_end(&txn);
}

static void counts_know_when_a_vms_claims_last_changed(void **state)
{
    struct world *world = *state;
    struct tb_task tasks[2] = {draft(world, "one"), draft(world, "two")};
    struct tb_txn *txn = begin(world);
    for (size_t i = 0; i < 2; i++) {
        claim(&tasks[i], "vm");
        create(world, txn, &tasks[i]);
    }
    struct tb_task other = draft(world, "another");
    create(world, txn, &other);
    struct tb_name_count count;
    assert_int_equal(tb_get_name(txn, TB_NAME_VM, TB_STR("vm"), &count), TB_OK);
    assert_int_equal(count.changed, 2);
    release(&tasks[0]);
    replace(world, txn, &tasks[0]);
    assert_int_equal(tb_get_name(txn, TB_NAME_VM, TB_STR("vm"), &count), TB_OK);
    assert_int_equal(count.changed, 4);
    commit(&txn);
    txn = snapshot(world);
    assert_int_equal(tb_get_name(txn, TB_NAME_VM, TB_STR("vm"), &count), TB_OK);
    assert_int_equal(count.tasks, 1);
    assert_int_equal(count.changed, 4);
    tb_read_end(&txn);
}

static enum tb_visit count_vm(void *ctx, const struct tb_vm *vm)
{
    (void)vm;
    ++*(size_t *)ctx;
    return TB_VISIT_NEXT;
}

static void many_vms_give_signs_of_life(void **state)
{
    struct world *world = *state;
    enum { COUNT = 500 };
    struct tb_vm *vms = tb_arena_alloc(world->arena, COUNT * sizeof *vms);
    struct tb_txn *txn = begin(world);
    for (size_t i = 0; i < COUNT; i++) {
        vms[i] = draft_vm(world, text(world, "vm %zu", i));
        put_vm(world, txn, NULL, &vms[i]);
    }
    commit(&txn);
    for (int64_t round = 1; round <= 3; round++) {
        txn = begin(world);
        for (size_t i = 0; i < COUNT; i++) {
            struct tb_vm vm = stored_vm(txn, vms[(i * 7) % COUNT].id);
            assert_int_equal(tb_see_vm(txn, &vm, 1000 * round + (int64_t)i), TB_OK);
        }
        commit(&txn);
    }
    txn = snapshot(world);
    size_t count = 0;
    assert_int_equal(tb_visit_vms(txn, true, count_vm, &count), TB_OK);
    assert_int_equal(count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(stored_vm(txn, vms[(i * 7) % COUNT].id).seen_ms, 3000 + i);
    }
    tb_read_end(&txn);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vm_comes_back_as_it_was_put),
        cmocka_unit_test(a_change_of_a_vm_is_counted_and_a_sign_of_life_is_not),
        cmocka_unit_test(a_sign_of_life_changes_nothing_else),
        cmocka_unit_test(vms_are_listed_in_the_order_of_their_registration),
        cmocka_unit_test(the_vm_that_is_due_first_is_found),
        cmocka_unit_test(long_ids_are_told_apart_by_the_last_byte),
        cmocka_unit_test(an_id_may_be_registered_again_under_another_number),
        cmocka_unit_test(tasks_that_a_vms_claims_hold_are_found_and_counted),
        cmocka_unit_test(counts_know_when_a_vms_claims_last_changed),
        cmocka_unit_test(many_vms_give_signs_of_life),
    };
    return run_on_every_engine("vms", tests, sizeof tests / sizeof *tests);
}
