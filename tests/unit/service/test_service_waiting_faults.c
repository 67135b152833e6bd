/* What becomes of claims that wait when the engine fails: they are served once, or wait on. */
#include "unit/service/world.h"

static const struct tb_id none = {{0}};

static bool has_a_task(const struct tb_job *job)
{
    return job->reply.err == TB_OK && !job->reply.found_nothing;
}

/* So many claims wait, in `box`. */
static void let_wait(struct world *w, struct box *box, int count)
{
    for (int i = 0; i < count; i++) {
        world_submit(w, world_claim(box, "ann", 60));
    }
    world_run(w, world_job(&w->boxes[2], TB_COMMAND_BUMP, none, "{}"));
}

static struct tb_job *two_tasks(struct box *box)
{
    return world_job(box, TB_COMMAND_CREATE, none,
                     "[{'title':'1','createdBy':'a'},{'title':'2','createdBy':'a'}]");
}

/* However often the batch is run, and wherever it broke off. */
static void a_conflict_serves_everybody_once_and_in_order(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    unsigned served = 0;
    bool met = true;
    let_wait(w, box, 3);
    for (unsigned nth = 1; met; nth++) {
        let_wait(w, box, 2);
        tb_fault_set(w->store, nth, TB_E_CONFLICT, true);
        struct tb_job *made = two_tasks(&w->boxes[0]);
        world_run(w, made);
        met = tb_fault_calls(w->store) >= nth;
        tb_fault_set(w->store, 0, TB_OK, false);
        assert_int_equal(made->reply.err, TB_OK);
        served += 2;
        world_wait(box, served);
        world_run(w, world_job(&w->boxes[2], TB_COMMAND_BUMP, none, "{}"));
        assert_int_equal(box->jobs, served);
        assert_int_equal(world_head(w).claimed, served);
    }
    for (unsigned i = 0; i < served; i++) {
        assert_true(has_a_task(world_nth(box, i)));
        assert_int_equal(world_nth(box, i)->wait.number, i + 1);
    }
    assert_in_range(served, 30, 400);
}

/* The create is refused, and so nobody was served: at whichever call the engine fails. */
static void a_batch_that_fails_leaves_who_waits_where_it_was(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    unsigned served = 0;
    bool met = true;
    let_wait(w, box, 3);
    for (unsigned nth = 1; met; nth++) {
        tb_fault_set(w->store, nth, TB_E_STORAGE_DOWN, true);
        struct tb_job *made = two_tasks(&w->boxes[0]);
        world_run(w, made);
        met = tb_fault_calls(w->store) >= nth;
        tb_fault_set(w->store, 0, TB_OK, false);
        assert_int_equal(made->reply.err, met ? TB_E_STORAGE_DOWN : TB_OK);
        served += met ? 0 : 2;
        world_wait(box, served);
        assert_int_equal(box->jobs, served);
        world_verify(w);
    }
    assert_int_equal(world_nth(box, 0)->wait.number, 1);
    assert_int_equal(world_nth(box, 1)->wait.number, 2);
    world_run(w, world_create(&w->boxes[0], "t"));
    world_wait(box, 3);
    assert_int_equal(world_nth(box, 2)->wait.number, 3);
}

/* What they got in a batch that failed is nobody's: when their time is over they have got nothing.
 */
static void a_claim_served_in_vain_is_answered_with_nothing_in_the_end(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    unsigned waited = 0;
    bool met = true;
    for (unsigned nth = 1; met; nth++) {
        let_wait(w, box, 2);
        tb_fault_set(w->store, nth, TB_E_STORAGE_FULL, true);
        struct tb_job *made = two_tasks(&w->boxes[0]);
        world_run(w, made);
        met = tb_fault_calls(w->store) >= nth && made->reply.err != TB_OK;
        tb_fault_set(w->store, 0, TB_OK, false);
        if (!met) {
            break;
        }
        atomic_fetch_add(&w->monotonic_us, INT64_C(61000000));
        waited += 2;
        world_wait(box, waited);
        for (unsigned i = waited - 2; i < waited; i++) {
            assert_false(has_a_task(world_nth(box, i)));
            assert_str(world_nth(box, i)->reply.body, "{\"tasks\":[],\"count\":0}");
        }
        assert_int_equal(world_head(w).claimed, 0);
    }
    assert_true(waited > 10);
}

static void a_claim_that_came_in_the_batch_that_failed_gets_the_error(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    let_wait(w, box, 1);
    world_hold(w, &w->boxes[2]);
    world_submit(w, world_create(&w->boxes[0], "t"));
    world_submit(w, world_claim(box, "bob", 60));
    tb_fault_set(w->store, 1, TB_E_STORAGE_DOWN, true);
    world_release(&w->boxes[2]);
    world_wait(box, 1);
    assert_int_equal(world_nth(box, 0)->reply.err, TB_E_STORAGE_DOWN);
    assert_str(world_nth(box, 0)->command.claim.agent, "bob");
    tb_fault_set(w->store, 0, TB_OK, false);
    world_run(w, world_create(&w->boxes[0], "t"));
    world_wait(box, 2);
    assert_str(world_nth(box, 1)->command.claim.agent, "ann");
    assert_true(has_a_task(world_nth(box, 1)));
}

/* Each job then has a transaction of its own: so have those who wait for what it makes ready. */
static void where_there_was_no_room_claims_are_served_job_by_job(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    let_wait(w, box, 2);
    world_hold(w, &w->boxes[2]);
    world_submit(w, world_create(&w->boxes[0], "t"));
    world_submit(w, world_claim(box, "bob", 60));
    world_submit(w, two_tasks(&w->boxes[0]));
    tb_fault_set(w->store, 8, TB_E_STORAGE_FULL, true);
    world_release(&w->boxes[2]);
    world_wait(box, 3);
    tb_fault_set(w->store, 0, TB_OK, false);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(has_a_task(world_nth(box, i)));
        assert_true(world_nth(box, i)->reply.seq != 0);
    }
    assert_str(world_nth(box, 2)->command.claim.agent, "bob");
}

/* Those who are still to be tried find no room; a job that needs none still goes through. */
static void who_is_still_to_be_tried_does_not_stand_in_the_way_of_others(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    world_run(w, world_job(&w->boxes[0], TB_COMMAND_PAUSE, none, "{}"));
    let_wait(w, box, 6);
    for (int i = 0; i < 6; i++) {
        world_run(w, world_create(&w->boxes[0], "t"));
    }
    atomic_store(&w->monotonic_step_us, 30000); /* a batch is full at once */
    world_hold(w, &w->boxes[2]);
    world_submit(w, world_job(&w->boxes[0], TB_COMMAND_RESUME, none, "{}"));
    world_submit(w, world_create(&w->boxes[0], "t"));
    world_submit(w, world_create(&w->boxes[0], "t"));
    world_release(&w->boxes[2]);
    world_wait(box, 6);
    world_wait(&w->boxes[0], 10);
    atomic_store(&w->monotonic_step_us, 0);
    for (unsigned i = 0; i < 6; i++) {
        assert_true(has_a_task(world_nth(box, i)));
        assert_int_equal(world_nth(box, i)->wait.number, i + 1);
    }
    assert_int_equal(world_head(w).claimed, 6);
    assert_int_equal(world_head(w).task_counts[TB_STATE_READY], 2);
}

/* A disk that is full stays so for a while: nobody is lost, and nobody is served twice. */
static void who_is_to_be_tried_is_tried_again_when_writing_works(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    world_run(w, world_job(&w->boxes[0], TB_COMMAND_PAUSE, none, "{}"));
    let_wait(w, box, 4);
    for (int i = 0; i < 4; i++) {
        world_run(w, world_create(&w->boxes[0], "t"));
    }
    atomic_store(&w->monotonic_step_us, 30000);
    world_hold(w, &w->boxes[0]);
    world_submit(w, world_job(&w->boxes[2], TB_COMMAND_RESUME, none, "{}"));
    world_release(&w->boxes[0]);
    world_wait(&w->boxes[2], 2);
    tb_fault_set(w->store, 1, TB_E_STORAGE_FULL, false);
    world_run(w, world_create(&w->boxes[2], "t"));
    tb_fault_set(w->store, 0, TB_OK, false);
    atomic_store(&w->wall_step_ms, 1100);
    world_wait(box, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(has_a_task(world_nth(box, i)));
    }
    assert_int_equal(world_head(w).claimed, 4);
}

/* What they got may be theirs, and be held by nobody else: who waits on has not been served. */
static void who_was_served_in_a_batch_of_which_nobody_knows_is_told_so(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    let_wait(w, box, 3);
    world_fail_commit(w, TB_E_UNKNOWN_OUTCOME, true, 1);
    world_run(w, two_tasks(&w->boxes[0]));
    world_wait(box, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(world_nth(box, i)->reply.err, TB_E_UNKNOWN_OUTCOME);
        assert_int_equal(world_nth(box, i)->wait.number, i + 1);
    }
    assert_int_equal(world_head(w).claimed, 2);
    world_run(w, world_create(&w->boxes[0], "t"));
    world_wait(box, 3);
    assert_true(has_a_task(world_nth(box, 2)));
    assert_int_equal(world_head(w).claimed, 3);
}

/* Neither does anybody know of the commit in which the disk failed, until the next start. */
static void who_was_served_in_the_batch_in_which_the_disk_failed_is_told_so(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    let_wait(w, box, 3);
    world_fail_commit(w, TB_E_STORAGE_FAILED, true, 0);
    world_run(w, two_tasks(&w->boxes[0]));
    world_wait(box, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(world_nth(box, i)->reply.err, TB_E_STORAGE_FAILED);
        assert_int_equal(world_nth(box, i)->wait.number, i + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(a_conflict_serves_everybody_once_and_in_order),
        world_test(a_batch_that_fails_leaves_who_waits_where_it_was),
        world_test(a_claim_served_in_vain_is_answered_with_nothing_in_the_end),
        world_test(a_claim_that_came_in_the_batch_that_failed_gets_the_error),
        world_test(where_there_was_no_room_claims_are_served_job_by_job),
        world_test(who_is_still_to_be_tried_does_not_stand_in_the_way_of_others),
        world_test(who_is_to_be_tried_is_tried_again_when_writing_works),
        world_test(who_was_served_in_a_batch_of_which_nobody_knows_is_told_so),
        world_test(who_was_served_in_the_batch_in_which_the_disk_failed_is_told_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
