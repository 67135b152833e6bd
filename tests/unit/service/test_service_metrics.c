/* What the committer counts. */
#include "service/commit_metrics.h"

#include "unit/service/world.h"

static const struct tb_id none = {{0}};

static uint64_t jobs(struct world *w, enum tb_job_outcome outcome)
{
    return tb_number_get(&tb_service_metrics(w->service)->jobs[outcome]);
}

static uint64_t claims(struct world *w, enum tb_claim_outcome outcome)
{
    return tb_number_get(&tb_service_metrics(w->service)->claims[outcome]);
}

static uint64_t events(struct world *w, enum tb_event_type type)
{
    return tb_number_get(&tb_service_metrics(w->service)->events[type]);
}

static struct tb_histogram_sum sum_of(const struct tb_histogram *histogram)
{
    struct tb_histogram_sum sum = {.sum = 0};
    tb_histogram_add(&sum, histogram);
    return sum;
}

static struct tb_histogram_sum batches(struct world *w)
{
    return sum_of(&tb_service_metrics(w->service)->batch_jobs);
}

/* Waits until a number that the committer publishes at the end of its turn is that. */
static void wait_for(const tb_number *number, uint64_t value)
{
    int64_t start_us = 0;
    while (tb_number_get(number) != value) {
        assert_false(world_is_late(&start_us));
    }
}

static void jobs_are_counted_by_what_became_of_them(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[0];
    world_run(w, world_create(box, "one"));
    world_run(w, world_create(box, "two"));
    world_run(w, world_job(box, TB_COMMAND_BUMP, none, "{}"));
    assert_int_equal(jobs(w, TB_JOB_DONE), 2);
    assert_int_equal(jobs(w, TB_JOB_REFUSED), 1);
    assert_int_equal(jobs(w, TB_JOB_FAILED), 0);
    assert_int_equal(events(w, TB_EVENT_CREATED), 2);
    assert_int_equal(events(w, TB_EVENT_BUMPED), 0);
}

static void a_batch_is_counted_with_its_jobs(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[0];
    struct tb_histogram_sum before = batches(w);
    world_hold(w, box);
    struct tb_histogram_sum held = batches(w);
    for (int i = 0; i < 3; i++) {
        world_submit(w, world_create(box, "t"));
    }
    struct tb_queue_state queue;
    tb_service_look_at_queue(w->service, &queue);
    assert_int_equal(queue.jobs, 3);
    assert_true(queue.bytes > 0 && queue.refused == 0);
    world_release(box);
    world_run(w, world_create(&w->boxes[1], "last"));
    struct tb_histogram_sum after = batches(w);
    assert_true(tb_histogram_count(&after) > tb_histogram_count(&held));
    assert_int_equal(after.sum - held.sum, 4);
    assert_true(tb_histogram_count(&held) >= tb_histogram_count(&before));
    tb_service_look_at_queue(w->service, &queue);
    assert_int_equal(queue.jobs, 0);
}

static void a_batch_that_writes_nothing_is_no_commit(void **state)
{
    struct world *w = *state;
    struct tb_histogram_sum before = batches(w);
    world_run(w, world_job(&w->boxes[0], TB_COMMAND_BUMP, none, "{}"));
    struct tb_histogram_sum after = batches(w);
    assert_int_equal(tb_histogram_count(&after), tb_histogram_count(&before));
}

static void the_time_of_a_commit_is_measured(void **state)
{
    struct world *w = *state;
    const struct tb_commit_metrics *metrics = tb_service_metrics(w->service);
    struct tb_histogram_sum before = sum_of(&metrics->commit_us);
    atomic_store(&w->monotonic_step_us, 300);
    world_run(w, world_create(&w->boxes[0], "t"));
    atomic_store(&w->monotonic_step_us, 0);
    struct tb_histogram_sum after = sum_of(&metrics->commit_us);
    assert_int_equal(tb_histogram_count(&after), tb_histogram_count(&before) + 1);
    assert_int_equal(after.sum - before.sum, 300);
}

static void what_fails_is_counted_by_its_error(void **state)
{
    struct world *w = *state;
    const struct tb_commit_metrics *metrics = tb_service_metrics(w->service);
    struct tb_histogram_sum before = batches(w);
    world_fail_commit(w, TB_E_STORAGE_DOWN, false, 0);
    world_run(w, world_create(&w->boxes[0], "lost"));
    assert_int_equal(tb_number_get(&metrics->failures[TB_E_STORAGE_DOWN]), 1);
    assert_int_equal(jobs(w, TB_JOB_FAILED), 1);
    assert_int_equal(events(w, TB_EVENT_CREATED), 0);
    struct tb_histogram_sum after = batches(w);
    assert_int_equal(tb_histogram_count(&after), tb_histogram_count(&before));
}

static void claims_are_counted_by_what_they_got(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[0];
    const struct tb_commit_metrics *metrics = tb_service_metrics(w->service);
    world_run(w, world_claim(box, "ann", 0));
    assert_int_equal(claims(w, TB_CLAIM_EMPTY), 1);
    world_submit(w, world_claim(&w->boxes[1], "bob", 60));
    wait_for(&metrics->waiting_claims, 1);
    world_run(w, world_create(box, "for bob"));
    world_wait(&w->boxes[1], 1);
    assert_int_equal(claims(w, TB_CLAIM_GRANTED_AFTER_WAIT), 1);
    wait_for(&metrics->waiting_claims, 0);
    world_run(w, world_create(box, "for ann"));
    world_run(w, world_claim(box, "ann", 0));
    assert_int_equal(claims(w, TB_CLAIM_GRANTED), 1);
    assert_int_equal(events(w, TB_EVENT_CLAIMED), 2);
    assert_int_equal(claims(w, TB_CLAIM_EMPTY), 1);
    assert_int_equal(claims(w, TB_CLAIM_EMPTY_AFTER_WAIT), 0);
}

static void a_claim_that_waits_in_vain_is_counted_when_its_time_is_over(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[0];
    world_submit(w, world_claim(box, "ann", 5));
    wait_for(&tb_service_metrics(w->service)->waiting_claims, 1);
    assert_int_equal(claims(w, TB_CLAIM_EMPTY_AFTER_WAIT), 0);
    atomic_fetch_add(&w->monotonic_us, 6000000);
    world_wait(box, 1);
    assert_int_equal(claims(w, TB_CLAIM_EMPTY_AFTER_WAIT), 1);
    assert_int_equal(claims(w, TB_CLAIM_GRANTED_AFTER_WAIT), 0);
}

static void a_lease_that_ends_is_counted_once(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[0];
    const struct tb_commit_metrics *metrics = tb_service_metrics(w->service);
    world_run(w, world_create(box, "t"));
    world_run(w, world_claim(box, "ann", 0));
    assert_int_equal(tb_number_get(&metrics->expired_claims), 0);
    atomic_fetch_add(&w->wall_ms, 3600000);
    wait_for(&metrics->expired_claims, 1);
    assert_int_equal(tb_number_get(&metrics->lost_claims), 0);
    assert_int_equal(events(w, TB_EVENT_EXPIRED), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(jobs_are_counted_by_what_became_of_them),
        world_test(a_batch_is_counted_with_its_jobs),
        world_test(a_batch_that_writes_nothing_is_no_commit),
        world_test(the_time_of_a_commit_is_measured),
        world_test(what_fails_is_counted_by_its_error),
        world_test(claims_are_counted_by_what_they_got),
        world_test(a_claim_that_waits_in_vain_is_counted_when_its_time_is_over),
        world_test(a_lease_that_ends_is_counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
