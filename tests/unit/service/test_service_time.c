/* What the committer does by itself: delays that are over, ranks made with another aging. */
#include "unit/service/world.h"

#include "base/instant.h"

static const struct tb_id none = {{0}};

static struct tb_id delayed(struct world *w, int ms)
{
    struct box *box = &w->boxes[0];
    unsigned before = box->jobs;
    int64_t at_ms = atomic_load(&w->wall_ms) + ms;
    char at[TB_INSTANT_LEN];
    tb_instant_format(at_ms, at);
    world_run(w, world_job(box, TB_COMMAND_CREATE, none,
                           "{'title':'t','createdBy':'a','notBefore':'%.*s'}", TB_INSTANT_LEN, at));
    return world_task_id(world_nth(box, before));
}

/* --- delays --- */

static void a_delay_that_is_over_is_handled_without_a_job(void **state)
{
    struct world *w = *state;
    struct tb_id id = delayed(w, 5);
    assert_false(world_task(w, id).ready);
    assert_int_equal(tb_service_head_seq(w->service), 1);
    atomic_fetch_add(&w->wall_ms, 5);
    world_wait_for_seq(w, 2);
    struct tb_task task = world_task(w, id);
    assert_true(task.ready);
    assert_int_equal(task.version, 2);
    assert_true(task.updated_ms == FIXTURE_START_MS);
}

static void delays_are_handled_one_after_the_other(void **state)
{
    struct world *w = *state;
    struct tb_id late = delayed(w, 20);
    struct tb_id early = delayed(w, 10);
    atomic_fetch_add(&w->wall_ms, 10);
    world_wait_for_seq(w, 3);
    assert_true(world_task(w, early).ready);
    assert_false(world_task(w, late).ready);
    atomic_fetch_add(&w->wall_ms, 10);
    world_wait_for_seq(w, 4);
    assert_true(world_task(w, late).ready);
}

static void what_is_due_comes_before_the_jobs_of_a_batch(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    struct tb_id id = delayed(w, 3600000);
    world_hold(w, &w->boxes[2]);
    world_submit(w, world_create(box, "t"));
    atomic_fetch_add(&w->wall_ms, 3600000);
    world_release(&w->boxes[2]);
    world_wait(box, 1);
    assert_int_equal(world_nth(box, 0)->reply.seq, 3); /* task.ready was 2 */
    assert_true(world_task(w, id).ready);
    assert_true(world_task(w, world_task_id(world_nth(box, 0))).created_ms ==
                FIXTURE_START_MS + 3600000);
}

static void more_things_than_one_batch_handles_are_all_handled(void **state)
{
    struct world *w = *state;
    enum { MANY = 2500 };
    struct box *box = &w->boxes[0];
    struct tb_str item = tb_arena_printf(
        w->arena, ",{'title':'t','createdBy':'a','notBefore':'2023-11-14T22:13:20.005Z'}");
    for (int i = 0; i < MANY / 500; i++) {
        const char *items = fixture_repeat(w->arena, item.ptr, 500);
        world_run(w, world_job(box, TB_COMMAND_CREATE, none, "[%s]", items + 1));
    }
    assert_int_equal(world_head(w).task_counts[TB_STATE_WAITING], MANY);
    atomic_fetch_add(&w->wall_ms, 5);
    world_wait_for_seq(w, 2 * MANY);
    assert_int_equal(world_head(w).task_counts[TB_STATE_READY], MANY);
}

static void a_clock_that_is_set_back_stops_nothing(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    world_run(w, world_create(box, "t"));
    atomic_fetch_add(&w->wall_ms, -86400000);
    world_run(w, world_create(box, "t"));
    struct tb_task task = world_task(w, world_task_id(world_nth(box, 1)));
    assert_true(task.created_ms == FIXTURE_START_MS);
    assert_int_equal(world_nth(box, 1)->reply.seq, 2);
}

static void a_clock_that_is_set_back_holds_up_no_delay(void **state)
{
    struct world *w = *state;
    struct tb_id id = delayed(w, 50);
    atomic_fetch_add(&w->wall_ms, -86400000);
    atomic_fetch_add(&w->monotonic_us, 56000);
    world_wait_for_seq(w, 2);
    assert_true(world_task(w, id).ready);
}

static void what_could_not_be_written_is_tried_again_later(void **state)
{
    struct world *w = *state;
    struct tb_id id = delayed(w, 5);
    tb_fault_set(w->store, 1, TB_E_STORAGE_DOWN, true); /* where the batch of its own begins */
    atomic_store(&w->wall_step_ms, 1100);
    world_wait_for_seq(w, 2);
    assert_true(world_task(w, id).ready);
    assert_in_range(tb_fault_calls(w->store), 6, 1000);
}

/* --- starting --- */

static void what_became_due_while_the_server_was_down_is_handled_at_the_start(void **state)
{
    struct world *w = *state;
    struct tb_id id = delayed(w, 60000);
    world_stop(w);
    atomic_fetch_add(&w->wall_ms, 60000);
    world_start(w);
    assert_int_equal(tb_service_head_seq(w->service), 2);
    assert_true(world_task(w, id).ready);
}

static void a_delay_is_remembered_over_a_restart(void **state)
{
    struct world *w = *state;
    struct tb_id id = delayed(w, 5);
    world_stop(w);
    world_start(w);
    atomic_fetch_add(&w->wall_ms, 5);
    world_wait_for_seq(w, 2);
    assert_true(world_task(w, id).ready);
}

static void another_aging_makes_all_ranks_anew(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[0];
    enum { MANY = 5200 }; /* more than one transaction */
    const char *items =
        fixture_repeat(w->arena, ",{'title':'t','createdBy':'a','priority':2}", 650);
    for (int i = 0; i < MANY / 650; i++) {
        world_run(w, world_job(box, TB_COMMAND_CREATE, none, "[%s]", items + 1));
    }
    assert_true(world_head(w).aging_ms == 3600000);
    world_stop(w);
    w->options.board.aging_ms = 1000;
    world_start(w);
    assert_true(world_head(w).aging_ms == 1000);
    assert_int_equal(tb_service_head_seq(w->service), MANY);
    world_verify(w);
    world_run(w, world_create(box, "t"));
    world_verify(w);
}

static void the_same_aging_touches_no_rank(void **state)
{
    struct world *w = *state;
    world_run(w, world_create(&w->boxes[0], "t"));
    world_stop(w);
    tb_fault_set(w->store, 0, TB_OK, false);
    world_start(w);
    assert_int_equal(tb_fault_calls(w->store),
                     6); /* begin; begin and two looks at tasks and VMs that are due */
}

static void an_interrupted_rerank_is_done_again_at_the_next_start(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 3; i++) {
        world_run(w, world_job(&w->boxes[0], TB_COMMAND_CREATE, none,
                               "{'title':'t','createdBy':'a','priority':%d}", i));
    }
    world_stop(w);
    w->options.board.aging_ms = 7;
    char why[256];
    tb_fault_set(w->store, 8, TB_E_STORAGE_FULL, false);
    assert_int_equal(tb_service_start(&w->options, &w->service, why, sizeof(why)),
                     TB_E_STORAGE_FULL);
    tb_fault_set(w->store, 0, TB_OK, false);
    assert_true(world_head(w).aging_ms == 3600000);
    world_start(w);
    assert_true(world_head(w).aging_ms == 7);
    world_verify(w);
}

/* --- the fleet --- */

static void run_on_vm(struct world *w, enum tb_command_kind kind, const char *body)
{
    struct box *box = &w->boxes[0];
    unsigned before = box->jobs;
    struct tb_job *job = world_job(box, kind, none, "%s", body);
    job->command.vm_id = TB_STR("vm-1"); /* of the path */
    world_run(w, job);
    assert_int_equal(world_nth(box, before)->reply.err, TB_OK);
}

static struct tb_vm vm_of(struct world *w)
{
    struct tb_reader *reader = NULL;
    struct tb_txn *txn = NULL;
    struct tb_vm vm;
    assert_int_equal(tb_reader_new(w->store, &reader), TB_OK);
    assert_int_equal(tb_read_begin(reader, w->arena, &txn), TB_OK);
    assert_int_equal(tb_get_vm(txn, TB_STR("vm-1"), &vm), TB_OK);
    tb_read_end(&txn);
    tb_reader_free(&reader);
    return vm;
}

static void register_vm(struct world *w)
{
    run_on_vm(w, TB_COMMAND_VM_REGISTER,
              "{'id':'vm-1','name':'n','role':'worker','address':'a','ttlSeconds':10}");
}

static void a_silent_vm_loses_its_claims_without_a_job(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[0];
    register_vm(w);
    world_run(w, world_create(box, "t"));
    world_run(w, world_job(box, TB_COMMAND_CLAIM, none, "{'agent':'ann','vmId':'vm-1'}"));
    assert_int_equal(world_head(w).claimed, 1);
    atomic_fetch_add(&w->wall_ms, 10000);
    world_wait_for_seq(w, 5);
    assert_int_equal(world_head(w).claimed, 0);
    assert_int_equal(world_head(w).running_vms, 0);
}

/* The head shows nothing of it: not even time has gone on between the last two. */
static void a_sign_of_life_is_committed(void **state)
{
    struct world *w = *state;
    register_vm(w);
    atomic_fetch_add(&w->wall_ms, 5000);
    world_run(w, world_create(&w->boxes[0], "t"));
    run_on_vm(w, TB_COMMAND_VM_HEARTBEAT, "{}");
    assert_int_equal(vm_of(w).seen_ms, FIXTURE_START_MS + 5000);
    assert_int_equal(world_head(w).seq, 2);
}

static void the_log_is_cut_without_a_job(void **state)
{
    struct world *w = *state;
    world_stop(w);
    w->options.board.retain_ms = 60000;
    world_start(w);
    world_run(w, world_create(&w->boxes[0], "t"));
    assert_int_equal(world_head(w).oldest_seq, 1);
    atomic_fetch_add(&w->wall_ms, 200000);
    int64_t start_us = 0;
    while (world_head(w).oldest_seq == 1) {
        assert_false(world_is_late(&start_us));
    }
    assert_int_equal(world_head(w).oldest_seq, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(a_delay_that_is_over_is_handled_without_a_job),
        world_test(delays_are_handled_one_after_the_other),
        world_test(what_is_due_comes_before_the_jobs_of_a_batch),
        world_test(more_things_than_one_batch_handles_are_all_handled),
        world_test(a_clock_that_is_set_back_stops_nothing),
        world_test(a_clock_that_is_set_back_holds_up_no_delay),
        world_test(what_could_not_be_written_is_tried_again_later),
        world_test(what_became_due_while_the_server_was_down_is_handled_at_the_start),
        world_test(a_delay_is_remembered_over_a_restart),
        world_test(another_aging_makes_all_ranks_anew),
        world_test(the_same_aging_touches_no_rank),
        world_test(an_interrupted_rerank_is_done_again_at_the_next_start),
        world_test(a_silent_vm_loses_its_claims_without_a_job),
        world_test(a_sign_of_life_is_committed),
        world_test(the_log_is_cut_without_a_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
