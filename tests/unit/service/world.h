/* A service with its real committer thread, on the memory engine behind a fault engine, under a
 * clock that tests move. Nothing waits for time to pass: tests wait for deliveries. */
#ifndef TB_TESTS_UNIT_SERVICE_WORLD_H
#define TB_TESTS_UNIT_SERVICE_WORLD_H

#include <pthread.h>
#include <stdatomic.h>

#include "fixture/fixture.h"
#include "service/service.h"
#include "taskboard/storage_testing.h"

#define WORLD_BOXES 3

struct world;

/* Where answers arrive. A box can hold the committer inside deliver(), so that a test can line up
 * what comes into the next batch. */
struct box {
    struct tb_mailbox mailbox; /* first */
    struct world *world;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under `lock` */
    struct tb_job *first; /* delivered jobs in the order of their delivery */
    struct tb_job **end;
    unsigned jobs;
    unsigned deliveries;
    unsigned deliveries_of[64]; /* jobs in each of the first deliveries */
    bool holds;                 /* the next delivery waits until this is false */
    bool holding;               /* one does */
    bool head_was_behind;       /* tb_service_head_seq was behind a delivered answer */
    _Atomic unsigned announcements;
};

struct world {
    struct tb_store *store; /* fault engine over memory */
    struct tb_service *service;
    struct tb_service_options options;
    struct tb_clock clock;
    _Atomic int64_t wall_ms;
    _Atomic int64_t wall_step_ms; /* each look at the wall clock moves it so far */
    _Atomic int64_t monotonic_us;
    _Atomic int64_t monotonic_step_us; /* each look at the monotonic clock moves it so far */
    uint64_t random;
    bool commit_fails; /* the next one; see world_fail_commit */
    enum tb_err commit_err;
    bool commit_happens;
    unsigned calls_down;
    unsigned commits; /* since then */
    struct box boxes[WORLD_BOXES];
    struct tb_arena *arena;
};

/* For cmocka: *state is a struct world whose service runs. Closing checks the board. */
int world_set_up(void **state);
int world_tear_down(void **state);

#define world_test(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)

void world_start(struct world *w); /* with w->options */
void world_stop(struct world *w);

/* --- jobs --- */

/* A job with the command that the body (with ' for ") makes; freed by the world's end unless the
 * test frees it. */
struct tb_job *world_job(struct box *box, enum tb_command_kind kind, struct tb_id id,
                         const char *format, ...) FIXTURE_FORMAT(4, 5);
void world_free_job(struct tb_job *job);

/* Must be accepted. */
void world_submit(struct world *w, struct tb_job *job);

/* A create of a task with that title. */
struct tb_job *world_create(struct box *box, const char *title);

/* A claim of the next task, which is ready to wait. */
struct tb_job *world_claim(struct box *box, const char *agent, int wait_seconds);

/* Waits until the box has got so many jobs altogether; fails after ten seconds. */
void world_wait(struct box *box, unsigned jobs);

/* Submits, waits for the answer. */
void world_run(struct world *w, struct tb_job *job);

/* The nth job that was delivered to the box. */
struct tb_job *world_nth(struct box *box, unsigned n);

/* Stops the committer in a delivery to `box`, so that what is submitted next waits in the queue. */
void world_hold(struct world *w, struct box *box);
void world_release(struct box *box);

/* Waits until the head is there; fails after ten seconds. */
void world_wait_for_seq(struct world *w, uint64_t seq);

/* The next commit says `err`, whether it happens or not, and the next so many calls after it fail.
 * To be called while the committer has nothing to do. */
void world_fail_commit(struct world *w, enum tb_err err, bool happens, unsigned calls_down);

/* --- looking --- */

struct tb_id world_task_id(const struct tb_job *job); /* of the task that the job created */
struct tb_task world_task(struct world *w, struct tb_id id);

/* The token (text) of the first claim that a job was answered with. */
struct tb_str world_token(const struct tb_job *claim);
struct tb_head world_head(struct world *w);
void world_verify(struct world *w);

/* True once ten seconds have passed since `*start` (0: now). */
bool world_is_late(int64_t *start_us);

#endif
