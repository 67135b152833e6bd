/* The way of a job: queue, batch, delivery; and the end of the service. */
#include "unit/service/world.h"

#include <sched.h>
#include <stdio.h>

#include "taskboard/limits.h"

static const struct tb_id none = {{0}};
static const struct tb_id nobody = {.bytes = {1}};

/* --- answers --- */

static void a_job_is_answered_when_it_is_committed(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[0];
    world_run(w, world_create(box, "t"));
    const struct tb_job *job = world_nth(box, 0);
    assert_int_equal(job->reply.err, TB_OK);
    assert_int_equal(job->reply.http_status, 201);
    assert_int_equal(job->reply.seq, 1);
    assert_int_equal(job->reply.version, 1);
    assert_int_equal(tb_service_head_seq(w->service), 1);
    assert_int_equal(world_head(w).seq, 1);
    assert_str(world_task(w, world_task_id(job)).title, "t");
    assert_int_equal(tb_service_health(w->service), TB_OK);
}

static void a_refused_job_is_answered_and_changes_nothing(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[0];
    world_run(w, world_job(box, TB_COMMAND_BUMP, nobody, "{}"));
    assert_int_equal(world_nth(box, 0)->reply.err, TB_E_TASK_NOT_FOUND);
    assert_int_equal(tb_service_head_seq(w->service), 0);
    assert_int_equal(tb_service_health(w->service), TB_OK);
}

/* One that writes nothing else: its answer to that key is all that is stored. */
static struct tb_job *create_again(struct box *box, unsigned key)
{
    struct tb_job *job =
        world_job(box, TB_COMMAND_CREATE, none, "{'title':'t','createdBy':'a','uniqueKey':'one'}");
    job->command.idempotency.present = true;
    memcpy(job->command.idempotency.key, &key, sizeof(key));
    return job;
}

/* One more than go at the start of a batch: that one goes with the answer that comes, so that the
 * head counts as many as before. */
static void an_answer_in_the_place_of_another_is_stored(void **state)
{
    enum { OLD = 1001 };
    struct world *w = *state;
    struct box *box = &w->boxes[0];
    world_run(w, world_job(box, TB_COMMAND_CREATE, none,
                           "{'title':'t','createdBy':'a','uniqueKey':'one'}"));
    for (unsigned key = 1; key <= OLD; key++) {
        world_submit(w, create_again(box, key));
    }
    world_wait(box, 1 + OLD);
    assert_int_equal(world_head(w).answers, OLD);
    world_hold(w, &w->boxes[1]);
    world_submit(w, create_again(box, OLD + 1));
    atomic_fetch_add(&w->wall_ms, TB_ANSWER_KEPT_MS);
    world_release(&w->boxes[1]);
    world_wait(box, 2 + OLD);
    const struct tb_job *first = world_nth(box, 1 + OLD);
    assert_int_equal(first->reply.http_status, 200);
    assert_false(first->reply.replayed);
    assert_int_equal(world_head(w).answers, 1);
    world_run(w, create_again(box, OLD + 1));
    assert_true(world_nth(box, 2 + OLD)->reply.replayed);
    assert_int_equal(world_head(w).seq, 1);
}

static void the_store_has_one_identity_over_restarts(void **state)
{
    struct world *w = *state;
    uint64_t id = tb_service_store_id(w->service);
    assert_true(id == world_head(w).store_id);
    world_run(w, world_create(&w->boxes[0], "t"));
    world_stop(w);
    world_start(w);
    assert_true(tb_service_store_id(w->service) == id);
    assert_int_equal(tb_service_head_seq(w->service), 1);
}

/* --- batches --- */

/* What waits while a batch is written goes into the next one. */
static void jobs_that_wait_together_are_delivered_once_a_mailbox_in_order(void **state)
{
    struct world *w = *state;
    enum { MANY = 30 };
    world_hold(w, &w->boxes[0]);
    for (int i = 0; i < MANY; i++) {
        struct box *box = &w->boxes[i % 3 == 0 ? 1 : 2];
        char title[8];
        (void)snprintf(title, sizeof(title), "%d", i);
        world_submit(w, world_create(box, title));
    }
    world_release(&w->boxes[0]);
    world_wait(&w->boxes[1], MANY / 3);
    world_wait(&w->boxes[2], MANY - MANY / 3);
    assert_int_equal(w->boxes[1].deliveries, 1);
    assert_int_equal(w->boxes[2].deliveries, 1);
    for (unsigned i = 0; i < MANY; i++) {
        struct box *box = &w->boxes[i % 3 == 0 ? 1 : 2];
        unsigned n = i % 3 == 0 ? i / 3 : i - 1 - i / 3;
        assert_int_equal(world_nth(box, n)->reply.seq, i + 1);
    }
}

static void the_jobs_of_a_batch_build_on_each_other(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    world_run(w, world_create(box, "t"));
    struct tb_id id = world_task_id(world_nth(box, 0));
    world_hold(w, &w->boxes[0]);
    for (int i = 0; i < 5; i++) {
        world_submit(w, world_job(box, TB_COMMAND_BUMP, id, "{}"));
    }
    world_submit(w, world_job(box, TB_COMMAND_DELETE, id, "{}"));
    world_submit(w, world_job(box, TB_COMMAND_BUMP, id, "{}"));
    world_release(&w->boxes[0]);
    world_wait(box, 8);
    for (unsigned i = 1; i <= 5; i++) {
        assert_int_equal(world_nth(box, i)->reply.version, i + 1);
    }
    assert_int_equal(world_nth(box, 6)->reply.err, TB_OK);
    assert_int_equal(world_nth(box, 7)->reply.err, TB_E_TASK_NOT_FOUND);
    assert_int_equal(box->deliveries, 2);
}

static void a_batch_has_a_largest_number_of_jobs(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    world_stop(w);
    w->options.batch_max = 3;
    world_start(w);
    world_hold(w, &w->boxes[0]);
    for (int i = 0; i < 10; i++) {
        world_submit(w, world_create(box, "t"));
    }
    world_release(&w->boxes[0]);
    world_wait(box, 10);
    assert_int_equal(box->deliveries, 4);
    const unsigned wanted[] = {3, 3, 3, 1};
    assert_memory_equal(box->deliveries_of, wanted, sizeof(wanted));
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(world_nth(box, i)->reply.seq, i + 1);
    }
}

static void a_batch_that_takes_long_is_committed_as_it_stands(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    world_hold(w, &w->boxes[0]);
    for (int i = 0; i < 5; i++) {
        world_submit(w, world_create(box, "t"));
    }
    atomic_store(&w->monotonic_step_us, 20000); /* beginning and two jobs take more than 50 ms */
    world_release(&w->boxes[0]);
    world_wait(box, 5);
    const unsigned wanted[] = {2, 2, 1};
    assert_int_equal(box->deliveries, 3);
    assert_memory_equal(box->deliveries_of, wanted, sizeof(wanted));
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(world_nth(box, i)->reply.seq, i + 1);
    }
}

static void a_batch_with_large_answers_is_committed_as_it_stands(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    world_run(w, world_create(box, "t"));
    struct tb_id id = world_task_id(world_nth(box, 0));
    const char *text = fixture_repeat(w->arena, "x", TB_NOTE_BYTES_MAX);
    for (int i = 0; i < 62; i++) {
        world_submit(w, world_job(box, TB_COMMAND_NOTE, id,
                                  "{'author':'a','content':'%s','type':'update'}", text));
    }
    world_wait(box, 63);
    unsigned before = box->deliveries;
    world_hold(w, &w->boxes[0]);
    for (int i = 0; i < 40; i++) { /* each answered with the task and its 4 MiB of notes */
        world_submit(w, world_job(box, TB_COMMAND_BUMP, id, "{}"));
    }
    world_release(&w->boxes[0]);
    world_wait(box, 103);
    assert_in_range(box->deliveries - before, 3, 5);
    for (unsigned i = 63; i < 103; i++) {
        assert_true(world_nth(box, i)->reply.body.len > 4000000);
        assert_int_equal(world_nth(box, i)->reply.version, i + 1);
    }
}

/* --- limits of the queue --- */

static void a_full_queue_refuses_and_leaves_the_job_to_its_owner(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    world_stop(w);
    w->options.queue_max = 3;
    world_start(w);
    world_hold(w, &w->boxes[0]);
    for (int i = 0; i < 3; i++) {
        world_submit(w, world_create(box, "t"));
    }
    struct tb_job *refused = world_create(box, "t");
    assert_int_equal(tb_service_submit(w->service, refused), TB_E_OVERLOADED);
    assert_int_equal(tb_service_submit(w->service, refused), TB_E_OVERLOADED);
    world_release(&w->boxes[0]);
    world_wait(box, 3);
    assert_int_equal(world_head(w).seq, 3);
    world_run(w, refused);
    assert_int_equal(world_nth(box, 3)->reply.err, TB_OK);
}

static struct tb_job *large_job(struct box *box, size_t bytes)
{
    struct tb_job *job = world_create(box, "t");
    (void)tb_arena_alloc(job->arena, bytes);
    return job;
}

static void a_queue_is_full_by_bytes_too_but_always_takes_one(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    const size_t mebibyte = 1 << 20;
    world_hold(w, &w->boxes[0]);
    world_submit(w, large_job(box, 300 * mebibyte)); /* more than the queue may hold */
    struct tb_job *small = world_create(box, "t");
    assert_int_equal(tb_service_submit(w->service, small), TB_E_OVERLOADED);
    world_release(&w->boxes[0]);
    world_wait(box, 1);
    world_hold(w, &w->boxes[0]);
    world_submit(w, large_job(box, 100 * mebibyte));
    world_submit(w, large_job(box, 100 * mebibyte));
    struct tb_job *large = large_job(box, 100 * mebibyte);
    assert_int_equal(tb_service_submit(w->service, large), TB_E_OVERLOADED);
    world_submit(w, small);
    world_release(&w->boxes[0]);
    world_wait(box, 4);
    world_run(w, large);
    assert_int_equal(world_head(w).seq, 5);
}

/* --- stopping --- */

static void *stop(void *ctx)
{
    struct world *w = ctx;
    struct tb_service *service = w->service; /* others still look at w->service */
    tb_service_stop(&service);
    return NULL;
}

static void stopping_finishes_what_was_submitted_and_takes_nothing_more(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[1];
    pthread_t stopper;
    unsigned accepted = 0;
    enum tb_err err = TB_OK;
    world_stop(w);
    w->options.batch_max = 7;    /* so that more than one batch is left to write */
    w->options.queue_max = 1000; /* the thread that stops it may be long in coming */
    world_start(w);
    world_hold(w, &w->boxes[0]);
    for (; accepted < 100; accepted++) {
        world_submit(w, world_create(box, "t"));
    }
    assert_int_equal(pthread_create(&stopper, NULL, stop, w), 0);
    struct tb_job *job = world_create(box, "t");
    int64_t start_us = 0;
    while (err != TB_E_DRAINING && !world_is_late(&start_us)) {
        err = tb_service_submit(w->service, job);
        if (err == TB_OK) {
            accepted++;
            job = world_create(box, "t");
        }
        sched_yield();
    }
    world_release(&w->boxes[0]);
    pthread_join(stopper, NULL); /* before anything can fail: it must not be stopped twice */
    w->service = NULL;
    world_free_job(job);
    assert_int_equal(err, TB_E_DRAINING);
    assert_int_equal(box->jobs, accepted);
    for (unsigned i = 0; i < accepted; i++) {
        assert_int_equal(world_nth(box, i)->reply.err, TB_OK);
    }
    assert_int_equal(world_head(w).seq, accepted);
}

static void an_idle_service_stops_at_once_and_may_be_stopped_twice(void **state)
{
    struct world *w = *state;
    world_stop(w);
    tb_service_stop(&w->service);
    assert_null(w->service);
}

/* --- many threads --- */

enum { THREADS = 3, EACH = 1500 };

struct sender {
    struct world *w;
    struct box *box;
    unsigned sent;
};

static void *send_many(void *ctx)
{
    struct sender *sender = ctx;
    enum tb_err err = TB_OK;
    while (sender->sent < EACH && err == TB_OK) {
        struct tb_job *job = world_create(sender->box, "t");
        int64_t start_us = 0;
        err = tb_service_submit(sender->w->service, job);
        while (err == TB_E_OVERLOADED && !world_is_late(&start_us)) {
            sched_yield();
            err = tb_service_submit(sender->w->service, job);
        }
        if (err == TB_OK) {
            sender->sent++;
        } else {
            world_free_job(job);
        }
    }
    return NULL;
}

static void many_threads_are_each_answered_in_their_order(void **state)
{
    struct world *w = *state;
    pthread_t threads[THREADS];
    struct sender senders[THREADS];
    world_stop(w);
    w->options.queue_max = 64;
    w->options.batch_max = 50;
    world_start(w);
    for (int i = 0; i < THREADS; i++) {
        senders[i] = (struct sender){.w = w, .box = &w->boxes[i]};
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, &senders[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) { /* all of them, before anything can fail */
        pthread_join(threads[i], NULL);
    }
    bool seen[THREADS * EACH + 1] = {false};
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(senders[i].sent, EACH);
        world_wait(&w->boxes[i], EACH);
        uint64_t last = 0;
        for (const struct tb_job *job = world_nth(&w->boxes[i], 0); job != NULL; job = job->next) {
            assert_int_equal(job->reply.err, TB_OK);
            assert_true(job->reply.seq > last && job->reply.seq <= THREADS * EACH);
            assert_false(seen[job->reply.seq]);
            seen[job->reply.seq] = true;
            last = job->reply.seq;
        }
    }
    assert_int_equal(tb_service_head_seq(w->service), THREADS * EACH);
    assert_int_equal(world_head(w).task_counts[TB_STATE_READY], THREADS * EACH);
}

static void a_reader_never_finds_less_than_what_was_announced(void **state)
{
    struct world *w = *state;
    struct box *box = &w->boxes[0];
    for (int i = 0; i < 300; i++) {
        world_submit(w, world_job(box, TB_COMMAND_CREATE, none, "{'title':'t','createdBy':'a'}"));
        uint64_t announced = tb_service_head_seq(w->service);
        assert_true(world_head(w).seq >= announced);
    }
    world_wait(box, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(a_job_is_answered_when_it_is_committed),
        world_test(a_refused_job_is_answered_and_changes_nothing),
        world_test(an_answer_in_the_place_of_another_is_stored),
        world_test(the_store_has_one_identity_over_restarts),
        world_test(jobs_that_wait_together_are_delivered_once_a_mailbox_in_order),
        world_test(the_jobs_of_a_batch_build_on_each_other),
        world_test(a_batch_has_a_largest_number_of_jobs),
        world_test(a_batch_that_takes_long_is_committed_as_it_stands),
        world_test(a_batch_with_large_answers_is_committed_as_it_stands),
        world_test(a_full_queue_refuses_and_leaves_the_job_to_its_owner),
        world_test(a_queue_is_full_by_bytes_too_but_always_takes_one),
        world_test(stopping_finishes_what_was_submitted_and_takes_nothing_more),
        world_test(an_idle_service_stops_at_once_and_may_be_stopped_twice),
        world_test(many_threads_are_each_answered_in_their_order),
        world_test(a_reader_never_finds_less_than_what_was_announced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
