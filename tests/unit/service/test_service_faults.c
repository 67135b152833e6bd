/* What the service does when the engine fails. */
#include "unit/service/world.h"

#include <sched.h>
#include <stdio.h>

static const struct tb_id none = {{0}};

/* So many creates wait while a batch is delivered. */
static void line_up(struct world *w, struct box *box, int count)
{
    world_hold(w, &w->boxes[0]);
    for (int i = 0; i < count; i++) {
        world_submit(w, world_create(box, "t"));
    }
}

static void a_batch_that_cannot_be_written_fails_all_its_jobs(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    static const enum tb_err errors[] = {TB_E_STORAGE_FULL, TB_E_STORAGE_DOWN,
                                         TB_E_STORAGE_CORRUPT};
    unsigned done = 0;
    for (size_t i = 0; i < COUNT(errors); i++) {
        line_up(w, box, 5);
        tb_fault_set(w->store, 8, errors[i], false); /* somewhere in the middle */
        world_release(&w->boxes[0]);
        world_wait(box, done + 5);
        for (unsigned k = 0; k < 5; k++) {
            const struct tb_reply *reply = &world_nth(box, done + k)->reply;
            assert_int_equal(reply->err, errors[i]);
            assert_true(reply->seq == 0);
            assert_int_equal(reply->body.len, 0);
        }
        assert_int_equal(tb_service_health(w->service), errors[i]);
        tb_fault_set(w->store, 0, TB_OK, false);
        done += 5;
    }
    assert_int_equal(tb_service_head_seq(w->service), 0);
    assert_int_equal(world_head(w).seq, 0);
}

/* One large job may be to blame that the others find no room. */
static void a_batch_that_finds_no_room_is_tried_again_job_by_job(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    line_up(w, box, 5);
    tb_fault_set(w->store, 8, TB_E_STORAGE_FULL, true);
    world_release(&w->boxes[0]);
    world_wait(box, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(world_nth(box, i)->reply.err, TB_OK);
        assert_int_equal(world_nth(box, i)->reply.seq, i + 1);
    }
    assert_int_equal(box->jobs, 5);
    assert_int_equal(box->deliveries, 5);
    assert_int_equal(tb_service_health(w->service), TB_OK);
}

static void later_batches_work_again(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    tb_fault_set(w->store, 1, TB_E_STORAGE_FULL, true);
    world_run(w, world_create(box, "lost"));
    assert_int_equal(world_nth(box, 0)->reply.err, TB_E_STORAGE_FULL);
    assert_int_equal(tb_service_health(w->service), TB_E_STORAGE_FULL);
    world_run(w, world_create(box, "kept"));
    assert_int_equal(world_nth(box, 1)->reply.err, TB_OK);
    assert_int_equal(world_nth(box, 1)->reply.seq, 1);
    assert_int_equal(tb_service_health(w->service), TB_OK);
    assert_int_equal(world_head(w).task_counts[TB_STATE_READY], 1);
}

/* Whichever call of a batch fails: the answer says so, nothing is half done, and the next job
 * works. */
static void a_batch_fails_whole_at_whichever_call_the_engine_fails(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    uint64_t tasks = 0;
    unsigned jobs = 0;
    enum tb_err err = TB_E_STORAGE_DOWN;
    unsigned nth = 1;
    for (; err != TB_OK; nth++) {
        tb_fault_set(w->store, nth, TB_E_STORAGE_DOWN, true);
        world_run(w, world_job(box, TB_COMMAND_CREATE, none,
                               "[{'title':'a','createdBy':'x','ref':'r'},"
                               "{'title':'b','createdBy':'x','dependencies':['#r'],"
                               "'uniqueKey':'k%u'}]",
                               nth));
        err = world_nth(box, jobs++)->reply.err;
        tasks += err == TB_OK ? 2 : 0;
        assert_true(err == TB_OK || err == TB_E_STORAGE_DOWN);
        tb_fault_set(w->store, 0, TB_OK, false);
        assert_int_equal(world_head(w).seq, tasks);
        world_run(w, world_create(box, "t"));
        assert_int_equal(world_nth(box, jobs++)->reply.err, TB_OK);
        assert_int_equal(world_head(w).seq, ++tasks);
        world_verify(w);
    }
    assert_in_range(nth, 8, 40);
}

/* --- conflicts --- */

static void a_conflict_is_run_again_wherever_it_comes(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    for (unsigned nth = 1; nth < 12; nth++) {
        tb_fault_set(w->store, nth, TB_E_CONFLICT, true);
        world_run(w, world_create(box, "t"));
        const struct tb_job *job = world_nth(box, nth - 1);
        assert_int_equal(job->reply.err, TB_OK);
        assert_int_equal(job->reply.seq, nth);
        assert_int_equal(tb_service_health(w->service), TB_OK);
        tb_fault_set(w->store, 0, TB_OK, false);
        assert_int_equal(world_head(w).task_counts[TB_STATE_READY], nth);
    }
}

static void jobs_that_met_a_conflict_are_answered_once_and_in_order(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    line_up(w, box, 6);
    tb_fault_set(w->store, 15, TB_E_CONFLICT, true);
    world_release(&w->boxes[0]);
    world_wait(box, 6);
    assert_int_equal(box->jobs, 6);
    assert_int_equal(box->deliveries, 1);
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(world_nth(box, i)->reply.seq, i + 1);
    }
}

static void conflicts_without_end_are_an_overload(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    tb_fault_set(w->store, 1, TB_E_CONFLICT, false);
    world_run(w, world_create(box, "t"));
    assert_int_equal(world_nth(box, 0)->reply.err, TB_E_OVERLOADED);
    assert_int_equal(tb_fault_calls(w->store), 8); /* tries, each failing where it begins */
    tb_fault_set(w->store, 0, TB_OK, false);
    world_run(w, world_create(box, "t"));
    assert_int_equal(world_nth(box, 1)->reply.err, TB_OK);
}

/* --- outcomes that nobody knows --- */

static void a_commit_that_happened_after_all_is_not_run_again(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    world_fail_commit(w, TB_E_UNKNOWN_OUTCOME, true, 0);
    world_run(w, world_create(box, "t"));
    assert_int_equal(world_nth(box, 0)->reply.err, TB_OK);
    assert_int_equal(world_nth(box, 0)->reply.seq, 1);
    assert_int_equal(w->commits, 1);
    assert_int_equal(world_head(w).seq, 1);
    assert_int_equal(tb_service_head_seq(w->service), 1);
    assert_int_equal(tb_service_health(w->service), TB_OK);
}

static void a_commit_that_did_not_happen_is_run_again(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    world_fail_commit(w, TB_E_UNKNOWN_OUTCOME, false, 0);
    world_run(w, world_create(box, "t"));
    assert_int_equal(world_nth(box, 0)->reply.err, TB_OK);
    assert_int_equal(world_nth(box, 0)->reply.seq, 1);
    assert_int_equal(w->commits, 2);
    assert_int_equal(world_head(w).seq, 1);
}

/* The storage does not say: neither does the answer. */
static void an_outcome_that_cannot_be_found_out_is_told_as_such(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    for (unsigned happens = 0; happens < 2; happens++) {
        uint64_t seq = world_head(w).seq;
        world_fail_commit(w, TB_E_UNKNOWN_OUTCOME, happens == 1, 1);
        world_run(w, world_create(box, "t"));
        assert_int_equal(world_nth(box, 2 * happens)->reply.err, TB_E_UNKNOWN_OUTCOME);
        assert_int_equal(tb_service_health(w->service), TB_E_UNKNOWN_OUTCOME);
        assert_int_equal(world_head(w).seq, seq + happens);
        world_run(w, world_create(box, "t"));
        assert_int_equal(world_nth(box, 2 * happens + 1)->reply.err, TB_OK);
        assert_int_equal(world_head(w).seq, seq + happens + 1);
        assert_int_equal(tb_service_health(w->service), TB_OK);
    }
}

/* --- health --- */

/* Waits until the engine was called so often since the fault was set. */
static void wait_for_calls(struct world *w, uint64_t calls)
{
    int64_t start_us = 0;
    while (tb_fault_calls(w->store) < calls && !world_is_late(&start_us)) {
        sched_yield();
    }
    assert_true(tb_fault_calls(w->store) >= calls);
}

static void wait_for_health(struct world *w, enum tb_err health)
{
    int64_t start_us = 0;
    while (tb_service_health(w->service) != health && !world_is_late(&start_us)) {
        sched_yield();
    }
    assert_int_equal(tb_service_health(w->service), health);
}

/* From now on each look at the clock finds that the time to try again has come. */
static void let_time_fly(struct world *w)
{
    atomic_store(&w->wall_step_ms, 1100);
}

/* No job comes while the server says that it cannot write: so it has to find out by itself. */
static void health_comes_back_without_a_job(void **state)
{
    struct world *w = *state;
    tb_fault_set(w->store, 1, TB_E_STORAGE_FULL, true);
    world_run(w, world_create(&w->boxes[1], "t"));
    assert_int_equal(tb_service_health(w->service), TB_E_STORAGE_FULL);
    let_time_fly(w);
    wait_for_health(w, TB_OK);
    assert_int_equal(tb_service_head_seq(w->service), 0);
    world_run(w, world_create(&w->boxes[1], "t"));
    assert_int_equal(world_nth(&w->boxes[1], 1)->reply.seq, 1);
}

static void health_comes_back_after_many_jobs_found_no_room(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    line_up(w, box, 3);
    tb_fault_set(w->store, 1, TB_E_STORAGE_FULL, false);
    world_release(&w->boxes[0]);
    world_wait(box, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(world_nth(box, i)->reply.err, TB_E_STORAGE_FULL);
    }
    assert_int_equal(tb_service_health(w->service), TB_E_STORAGE_FULL);
    tb_fault_set(w->store, 0, TB_OK, false);
    let_time_fly(w);
    wait_for_health(w, TB_OK);
}

/* A batch that had nothing to write is no proof that writing works. */
static void health_does_not_come_back_before_a_commit_succeeded(void **state)
{
    struct world *w = *state;
    tb_fault_set(w->store, 1, TB_E_STORAGE_FULL, false);
    world_run(w, world_create(&w->boxes[1], "t"));
    tb_fault_set(w->store, 5, TB_E_STORAGE_FULL,
                 false); /* begin, two looks at what is due, one at the room, commit */
    let_time_fly(w);
    wait_for_calls(w, 10);
    assert_int_equal(tb_service_health(w->service), TB_E_STORAGE_FULL);
    tb_fault_set(w->store, 0, TB_OK, false);
    wait_for_health(w, TB_OK);
}

/* An empty commit needs so little that a full store takes it. */
static void health_does_not_come_back_while_there_is_no_room(void **state)
{
    struct world *w = *state;
    tb_fault_set(w->store, 1, TB_E_STORAGE_FULL, true);
    tb_fault_room(w->store, TB_FAULT_ROOM_NONE);
    world_run(w, world_create(&w->boxes[1], "t"));
    let_time_fly(w);
    wait_for_calls(w, 400);
    assert_int_equal(tb_service_health(w->service), TB_E_STORAGE_FULL);
    world_run(w, world_job(&w->boxes[1], TB_COMMAND_DELETE, (struct tb_id){{0}}, "{}"));
    assert_int_equal(world_nth(&w->boxes[1], 1)->reply.err, TB_E_TASK_NOT_FOUND); /* not FULL */
    assert_int_equal(tb_service_health(w->service), TB_E_STORAGE_FULL);
    tb_fault_room(w->store, TB_FAULT_ROOM_AS_IS);
    wait_for_health(w, TB_OK);
}

/* There a small task may find room where a large one did not. */
static void health_comes_back_after_a_while_where_room_is_scarce(void **state)
{
    struct world *w = *state;
    tb_fault_set(w->store, 1, TB_E_STORAGE_FULL, true);
    tb_fault_room(w->store, TB_FAULT_ROOM_SCARCE);
    world_run(w, world_create(&w->boxes[1], "t"));
    assert_int_equal(tb_service_health(w->service), TB_E_STORAGE_FULL);
    world_run(w, world_job(&w->boxes[1], TB_COMMAND_DELETE, (struct tb_id){{0}}, "{}"));
    assert_int_equal(tb_service_health(w->service), TB_E_STORAGE_FULL);
    let_time_fly(w);
    wait_for_health(w, TB_OK);
}

/* The engine keeps saying so; the service must not ask in vain for a sign that writing works. */
static void a_store_that_has_failed_stays_failed(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    world_run(w, world_create(box, "kept"));
    tb_fault_set(w->store, 1, TB_E_STORAGE_FAILED, false);
    for (unsigned i = 1; i < 4; i++) {
        world_run(w, world_create(box, "refused"));
        assert_int_equal(world_nth(box, i)->reply.err, TB_E_STORAGE_FAILED);
        assert_int_equal(world_nth(box, i)->reply.seq, 0);
        assert_int_equal(tb_service_health(w->service), TB_E_STORAGE_FAILED);
    }
    let_time_fly(w);
    wait_for_calls(w, 10);
    assert_int_equal(tb_service_health(w->service), TB_E_STORAGE_FAILED);
    assert_int_equal(tb_service_head_seq(w->service), 1);
    tb_fault_set(w->store, 0, TB_OK, false);
    assert_int_equal(world_head(w).seq, 1);
}

static void refused_jobs_do_not_write_when_all_is_well(void **state)
{
    struct world *w = *state;
    const struct tb_id nobody = {.bytes = {1}};
    tb_fault_set(w->store, 0, TB_OK, false);
    world_run(w, world_job(&w->boxes[1], TB_COMMAND_BUMP, nobody, "{}"));
    assert_int_equal(tb_fault_calls(w->store), 6); /* begin, due, get, due: no commit */
}

/* --- starting --- */

static void a_store_that_fails_cannot_be_started_on(void **state)
{
    struct world *w = *state;
    world_stop(w);
    bool started = false;
    unsigned nth = 1;
    for (; !started; nth++) {
        char why[256] = "";
        struct tb_service *service = NULL;
        tb_fault_set(w->store, nth, TB_E_STORAGE_CORRUPT, true);
        enum tb_err err = tb_service_start(&w->options, &service, why, sizeof(why));
        started = err == TB_OK;
        if (!started) {
            assert_int_equal(err, TB_E_STORAGE_CORRUPT);
            assert_null(service);
            assert_string_equal(
                why, "the store cannot be brought up to date: A stored record is damaged");
        }
        tb_service_stop(&service);
    }
    assert_in_range(nth, 3, 20);
    tb_fault_set(w->store, 0, TB_OK, false);
    world_start(w);
    world_run(w, world_create(&w->boxes[1], "t"));
    assert_int_equal(world_nth(&w->boxes[1], 0)->reply.err, TB_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(a_batch_that_cannot_be_written_fails_all_its_jobs),
        world_test(a_batch_that_finds_no_room_is_tried_again_job_by_job),
        world_test(later_batches_work_again),
        world_test(a_batch_fails_whole_at_whichever_call_the_engine_fails),
        world_test(a_conflict_is_run_again_wherever_it_comes),
        world_test(jobs_that_met_a_conflict_are_answered_once_and_in_order),
        world_test(conflicts_without_end_are_an_overload),
        world_test(a_commit_that_happened_after_all_is_not_run_again),
        world_test(a_commit_that_did_not_happen_is_run_again),
        world_test(an_outcome_that_cannot_be_found_out_is_told_as_such),
        world_test(health_comes_back_without_a_job),
        world_test(health_comes_back_after_many_jobs_found_no_room),
        world_test(health_does_not_come_back_before_a_commit_succeeded),
        world_test(health_does_not_come_back_while_there_is_no_room),
        world_test(health_comes_back_after_a_while_where_room_is_scarce),
        world_test(a_store_that_has_failed_stays_failed),
        world_test(refused_jobs_do_not_write_when_all_is_well),
        world_test(a_store_that_fails_cannot_be_started_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
