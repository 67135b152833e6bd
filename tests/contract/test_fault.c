/* What an error leaves: it sticks to its transaction, and the store is as it was before. */
#include "world.h"

#include <stdlib.h>

static const enum engine engines[] = {ENGINE_FAULT_ON_MEMORY, ENGINE_FAULT_ON_LMDB};

/* A store with some tasks in it. */
static struct world *furnished(enum engine engine, struct tb_id *id)
{
    struct world *world = world_open(engine, 5);
    struct tb_task task = draft(world, "the first task");
    task.tags = TB_STR("[\"a\",\"b\"]");
    task.unique_key = TB_STR("key");
    task.due_ms = 9;
    *id = created(world, task);
    created(world, draft(world, "the second task"));
    struct tb_txn *txn = begin(world);
    assert_int_equal(tb_put_note(txn, *id, new_id(world), TB_STR("a note")), TB_OK);
    commit(&txn);
    return world;
}

static enum tb_visit ignore_id(void *ctx, struct tb_id id)
{
    (void)ctx;
    (void)id;
    return TB_VISIT_NEXT;
}

static enum tb_visit ignore_task(void *ctx, const struct tb_task *task)
{
    (void)ctx;
    (void)task;
    return TB_VISIT_NEXT;
}

static enum tb_visit ignore_attempt(void *ctx, const struct tb_attempt *attempt)
{
    (void)ctx;
    (void)attempt;
    return TB_VISIT_NEXT;
}

static enum tb_visit ignore_name(void *ctx, struct tb_str name, const struct tb_name_count *count)
{
    (void)ctx;
    (void)name;
    (void)count;
    return TB_VISIT_NEXT;
}

static const struct tb_answer some_answer = {.key = {1}, .body = {"{}", 2}};

static struct tb_attempt some_attempt(struct tb_arena *arena)
{
    struct tb_attempt attempt = {.number = 1, .agent = TB_STR("ann")};
    tb_attempt_render(&attempt, arena);
    return attempt;
}

/* What belongs to claims. */
static void expect_all_fail(struct tb_txn *txn, struct tb_id id, enum tb_err err)
{
    struct tb_arena *arena = tb_arena_new(0);
    struct tb_attempt attempt = some_attempt(arena);
    struct tb_ready_query query = {.agent = TB_STR("ann")};
    struct tb_name_count count;
    struct tb_answer answer;
    struct tb_answer_share kept;
    struct tb_str json;
    int64_t ready_ms = 0;
    assert_int_equal(tb_put_attempt(txn, id, &attempt), err);
    assert_int_equal(tb_get_attempt(txn, id, 1, &attempt), err);
    assert_int_equal(tb_visit_attempts(txn, id, ignore_attempt, NULL), err);
    assert_int_equal(tb_delete_attempt(txn, id, 1), err);
    assert_int_equal(tb_visit_ready(txn, &query, ignore_task, NULL), err);
    assert_int_equal(tb_oldest_ready(txn, &ready_ms), err);
    assert_int_equal(tb_get_name(txn, TB_NAME_TAG, TB_STR("a"), &count), err);
    assert_int_equal(tb_visit_names(txn, TB_NAME_TAG, 9, ignore_name, NULL), err);
    assert_int_equal(tb_get_pauses(txn, &json), err);
    assert_int_equal(tb_put_pauses(txn, TB_STR("[]")), err);
    assert_int_equal(tb_get_answer(txn, some_answer.key, &answer), err);
    assert_int_equal(tb_get_answer_share(txn, 1, &kept), err);
    assert_int_equal(tb_put_answer(txn, &some_answer), err);
    assert_int_equal(tb_drop_answers(txn, 1, 1), err);
    tb_arena_free(arena);
}

static void an_error_sticks_to_its_transaction(void **state)
{
    (void)state;
    struct tb_id id;
    struct world *world = furnished(ENGINE_FAULT_ON_LMDB, &id);
    struct tb_str before = dump_now(world);
    struct tb_txn *txn = begin(world);
    struct tb_task task = stored(txn, id);
    tb_fault_set(world->store, 1, TB_E_STORAGE_FULL, true);
    assert_int_equal(tb_put_note(txn, id, new_id(world), TB_STR("n")), TB_E_STORAGE_FULL);
    assert_int_equal(tb_txn_error(txn), TB_E_STORAGE_FULL);
    uint64_t calls = tb_fault_calls(world->store);
    struct tb_task got;
    struct tb_id found;
    int64_t due_ms = 0;
    assert_int_equal(tb_get_task(txn, id, &got), TB_E_STORAGE_FULL);
    assert_int_equal(tb_put_task(txn, &task, &task), TB_E_STORAGE_FULL);
    assert_int_equal(tb_delete_task(txn, &task), TB_E_STORAGE_FULL);
    assert_int_equal(tb_find_unique(txn, TB_STR("key"), &found), TB_E_STORAGE_FULL);
    assert_int_equal(tb_next_due(txn, &due_ms, &found), TB_E_STORAGE_FULL);
    assert_int_equal(tb_put_artifact(txn, id, 0, TB_STR("a")), TB_E_STORAGE_FULL);
    expect_all_fail(txn, id, TB_E_STORAGE_FULL);
    assert_non_null(tb_txn_head(txn));
    assert_int_equal(tb_fault_calls(world->store), calls); /* none of them reached the engine */
    assert_int_equal(tb_write_commit(&txn), TB_E_STORAGE_FULL);
    assert_null(txn);
    assert_same_str(dump_now(world), before);
    world_close(world);
}

static void an_error_of_a_snapshot_does_not_stick(void **state)
{
    (void)state;
    struct tb_id id;
    struct world *world = furnished(ENGINE_FAULT_ON_LMDB, &id);
    struct tb_txn *txn = snapshot(world);
    struct tb_task got;
    tb_fault_set(world->store, 1, TB_E_STORAGE_CORRUPT, true);
    assert_int_equal(tb_get_task(txn, id, &got), TB_E_STORAGE_CORRUPT);
    assert_int_equal(tb_get_task(txn, id, &got), TB_OK);
    tb_read_end(&txn);
    world_close(world);
}

static void until_told_otherwise_every_call_fails(void **state)
{
    (void)state;
    struct tb_id id;
    struct world *world = furnished(ENGINE_FAULT_ON_MEMORY, &id);
    struct tb_txn *txn = NULL;
    tb_fault_set(world->store, 3, TB_E_STORAGE_DOWN, false);
    txn = snapshot(world);
    tb_read_end(&txn);
    txn = begin(world);
    struct tb_task got;
    assert_int_equal(tb_get_task(txn, id, &got), TB_E_STORAGE_DOWN);
    tb_write_abort(&txn);
    assert_int_equal(tb_write_begin(world->store, world->arena, &txn), TB_E_STORAGE_DOWN);
    assert_int_equal(tb_read_begin(world->reader, world->arena, &txn), TB_E_STORAGE_DOWN);
    assert_int_equal(tb_fault_calls(world->store), 5);
    tb_fault_set(world->store, 0, TB_OK, false);
    txn = snapshot(world);
    stored(txn, id);
    tb_read_end(&txn);
    world_close(world);
}

/* --- every call of a transaction fails once --- */

/* All that belongs to claims: 13 fallible calls. */
static void run_claim_script(struct world *world, struct tb_txn *txn, struct tb_id id)
{
    struct tb_attempt attempt = some_attempt(world->arena);
    struct tb_ready_query query = {.agent = TB_STR("ann")};
    struct tb_name_count count;
    struct tb_answer answer;
    struct tb_answer_share kept;
    struct tb_str json;
    int64_t ready_ms = 0;
    tb_visit_ready(txn, &query, ignore_task, NULL);
    (void)!tb_oldest_ready(txn, &ready_ms);
    tb_put_attempt(txn, id, &attempt);
    (void)!tb_get_attempt(txn, id, 1, &attempt);
    tb_visit_attempts(txn, id, ignore_attempt, NULL);
    tb_delete_attempt(txn, id, 1);
    (void)!tb_get_name(txn, TB_NAME_TAG, TB_STR("a"), &count);
    tb_visit_names(txn, TB_NAME_TAG, 9, ignore_name, NULL);
    (void)!tb_get_pauses(txn, &json);
    tb_put_pauses(txn, TB_STR("[]"));
    (void)!tb_get_answer_share(txn, 1, &kept);
    tb_put_answer(txn, &some_answer);
    (void)!tb_get_answer(txn, some_answer.key, &answer);
    tb_drop_answers(txn, 1, 1);
}

static void append_event(struct world *world, struct tb_txn *txn, struct tb_id task_id)
{
    struct tb_event event = {.seq = tb_txn_head(txn)->seq + 1, .task_id = task_id};
    tb_event_render(&event, NULL, TB_STR_NONE, world->arena);
    if (tb_append_event(txn, &event) == TB_OK) {
        tb_txn_head(txn)->seq++;
    }
}

/* A bit of everything. It does not look at errors until the end, as a rule may. The second draft's
 * id is fixed, so that every run does the same. */
static enum tb_err run_script(struct world *world, struct tb_id id, const struct tb_task *fresh)
{
    struct tb_txn *txn = NULL;
    enum tb_err err = tb_write_begin(world->store, world->arena, &txn);
    if (err != TB_OK) {
        return err;
    }
    struct tb_query_end end;
    struct tb_task_query query = {.order = TB_ORDER_UPDATED};
    struct tb_task old = {.version = 0};
    struct tb_id found;
    int64_t due_ms = 0;
    (void)!tb_get_task(txn, id, &old);
    (void)!tb_find_unique(txn, TB_STR("key"), &found);
    (void)!tb_next_due(txn, &due_ms, &found);
    tb_visit_dependents(txn, TB_STR("x"), ignore_id, NULL);
    tb_visit_tasks(txn, &query, ignore_task, NULL, &end);
    tb_put_task(txn, NULL, fresh);
    append_event(world, txn, fresh->id);
    if (old.version != 0) {
        struct tb_task changed = old;
        changed.title = TB_STR("changed");
        changed.tags = TB_STR("[\"c\"]");
        tb_task_render(&changed, world->arena);
        tb_put_task(txn, &old, &changed);
        tb_put_note(txn, id, fresh->id, TB_STR("another note"));
        tb_put_artifact(txn, id, 0, TB_STR("an artifact"));
        append_event(world, txn, id);
    }
    run_claim_script(world, txn, id);
    tb_delete_task(txn, fresh);
    append_event(world, txn, fresh->id);
    return tb_write_commit(&txn);
}

static void fail_at_every_call(enum engine engine, enum tb_err err)
{
    struct tb_id id;
    struct world *world = furnished(engine, &id);
    struct tb_task fresh = draft(world, "fresh");
    tb_task_render(&fresh, world->arena);
    struct tb_str before = dump_now(world);
    tb_fault_set(world->store, 0, TB_OK, true);
    uint64_t nth = 1;
    for (;; nth++) {
        tb_fault_set(world->store, nth, err, true);
        enum tb_err got = run_script(world, id, &fresh);
        bool failed = tb_fault_calls(world->store) >= nth;
        tb_fault_set(world->store, 0, TB_OK, true);
        if (!failed) {
            assert_int_equal(got, TB_OK);
            break;
        }
        assert_int_equal(got, err);
        assert_same_str(dump_now(world), before);
    }
    assert_int_equal(nth, 30); /* 29 fallible calls, from begin to commit */
    struct tb_txn *txn = snapshot(world);
    assert_same_str(stored(txn, id).title, TB_STR("changed"));
    assert_int_equal(tb_txn_head(txn)->seq, 5);
    tb_read_end(&txn);
    world_close(world);
}

static void after_a_failure_at_any_call_the_store_is_as_before_and_works(void **state)
{
    (void)state;
    static const enum tb_err errors[] = {TB_E_STORAGE_FULL, TB_E_STORAGE_DOWN, TB_E_CONFLICT};
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
        for (size_t k = 0; k < sizeof errors / sizeof *errors; k++) {
            fail_at_every_call(engines[i], errors[k]);
        }
    }
}

/* --- VMs, the feed, dropping --- */

static enum tb_visit ignore_vm(void *ctx, const struct tb_vm *vm)
{
    (void)ctx;
    (void)vm;
    return TB_VISIT_NEXT;
}

static enum tb_visit ignore_event(void *ctx, const struct tb_event *event)
{
    (void)ctx;
    (void)event;
    return TB_VISIT_NEXT;
}

static enum tb_visit ignore_credential(void *ctx, const struct tb_credential *credential)
{
    (void)ctx;
    (void)credential;
    return TB_VISIT_NEXT;
}

static void try_credentials(struct world *world, struct tb_txn *txn)
{
    struct tb_credential fresh = draft_credential(world, TB_STR("token"));
    struct tb_credential got;
    tb_credential_render(&fresh, world->arena);
    tb_put_credential(txn, &fresh);
    (void)!tb_get_credential(txn, fresh.id, &got);
    tb_visit_credentials(txn, ignore_credential, NULL);
    tb_delete_credential(txn, fresh.id);
}

static enum tb_err run_fleet_script(struct world *world, const struct tb_vm *fresh)
{
    struct tb_txn *txn = NULL;
    enum tb_err err = tb_write_begin(world->store, world->arena, &txn);
    if (err != TB_OK) {
        return err;
    }
    struct tb_vm vm;
    uint64_t seq = 0;
    const struct tb_feed_query query = {.latest_first = true};
    tb_put_vm(txn, NULL, fresh);
    (void)!tb_get_vm(txn, fresh->id, &vm);
    (void)!tb_next_due_vm(txn, &vm);
    tb_see_vm(txn, fresh, 7);
    tb_visit_vms(txn, false, ignore_vm, NULL);
    tb_visit_vm_tasks(txn, fresh->id, ignore_id, NULL);
    tb_delete_vm(txn, fresh);
    try_credentials(world, txn);
    append_event(world, txn, (struct tb_id){{0}});
    tb_visit_feed(txn, &query, ignore_event, NULL);
    tb_find_event(txn, fresh->number, &seq);
    tb_drop_events(txn, 1, 100);
    return tb_write_commit(&txn);
}

static void fail_at_every_call_about_the_fleet(enum engine engine)
{
    struct tb_id id;
    struct world *world = furnished(engine, &id);
    struct tb_vm fresh = draft_vm(world, TB_STR("vm"));
    tb_vm_render(&fresh, world->arena);
    struct tb_str before = dump_now(world);
    enum { CALLS = 17 }; /* from begin to commit */
    for (uint64_t nth = 1; nth <= CALLS; nth++) {
        tb_fault_set(world->store, nth, TB_E_STORAGE_DOWN, true);
        assert_int_equal(run_fleet_script(world, &fresh), TB_E_STORAGE_DOWN);
        tb_fault_set(world->store, 0, TB_OK, true);
        assert_same_str(dump_now(world), before);
    }
    tb_fault_set(world->store, CALLS + 1, TB_E_STORAGE_DOWN, true);
    assert_int_equal(run_fleet_script(world, &fresh), TB_OK);
    assert_int_equal(tb_fault_calls(world->store), CALLS);
    tb_fault_set(world->store, 0, TB_OK, true);
    struct tb_txn *txn = snapshot(world);
    assert_int_equal(tb_txn_head(txn)->oldest_seq, 2);
    tb_read_end(&txn);
    world_close(world);
}

static void after_a_failure_at_any_call_about_the_fleet_the_store_is_as_before(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
        fail_at_every_call_about_the_fleet(engines[i]);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_sticks_to_its_transaction),
        cmocka_unit_test(an_error_of_a_snapshot_does_not_stick),
        cmocka_unit_test(until_told_otherwise_every_call_fails),
        cmocka_unit_test(after_a_failure_at_any_call_the_store_is_as_before_and_works),
        cmocka_unit_test(after_a_failure_at_any_call_about_the_fleet_the_store_is_as_before),
    };
    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
