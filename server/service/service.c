#include "service/service.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "service/serving.h"

#define QUEUE_MAX_DEFAULT  16384U
#define QUEUE_BYTES_MAX    (256U << 20) /* of the waiting jobs' arenas */
#define BATCH_MAX_DEFAULT  1024U
#define BATCH_ARENA_BYTES  (4U << 20)
#define DUE_MAX            1000U /* due things handled in one transaction */
#define RERANK_MAX         5000U
#define CONFLICT_TRIES_MAX 8
#define SLEEP_MS_MAX                                                                               \
    1000 /* the committer looks at the clock at least this often: it may have been set */
#define RETRY_MS 1000 /* after a batch that could not be written */

struct tb_service {
    /* fixed while the thread runs */
    struct tb_store *store;
    const struct tb_clock *clock;
    unsigned queue_max;
    unsigned batch_max;
    uint64_t store_id;
    pthread_t thread;

    /* shared, under `lock` */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct tb_job *queue_first;
    struct tb_job **queue_end;
    unsigned queue_len;
    size_t queue_bytes;
    bool draining;
    bool stopping;

    /* shared, under `listeners_lock`; linked by next_listener */
    pthread_mutex_t listeners_lock;
    struct tb_mailbox *listeners;

    /* shared, atomic; written by the committer */
    _Atomic uint64_t head_seq;
    _Atomic uint64_t changes;
    _Atomic int health;

    /* owned by the committer */
    struct tb_board board;
    struct tb_serving serving;
    struct tb_arena *arena; /* of the batch */
    int64_t next_due_ms;    /* 0: nothing is due */
};

/* --- the queue --- */

/* Would it hand out a task? */
static bool claims(const struct tb_command *command)
{
    switch (command->kind) {
    case TB_COMMAND_CLAIM:
    case TB_COMMAND_CLAIM_TASK:
        return true;
    case TB_COMMAND_COMPLETE:
    case TB_COMMAND_FAIL:
    case TB_COMMAND_RELEASE:
        return command->finish.has_next;
    default:
        return false;
    }
}

enum tb_err tb_service_submit(struct tb_service *service, struct tb_job *job)
{
    enum tb_err err = TB_OK;
    size_t bytes = tb_arena_size_bytes(job->arena);
    job->next = NULL;
    job->wait = (struct tb_wait){.number = 0};
    pthread_mutex_lock(&service->lock);
    if (service->stopping || (service->draining && claims(&job->command))) {
        err = TB_E_DRAINING;
    } else if (service->queue_len > 0 && (service->queue_len >= service->queue_max ||
                                          service->queue_bytes + bytes > QUEUE_BYTES_MAX)) {
        err = TB_E_OVERLOADED;
    } else {
        *service->queue_end = job;
        service->queue_end = &job->next;
        service->queue_bytes += bytes;
        if (service->queue_len++ == 0) {
            pthread_cond_signal(&service->wake);
        }
    }
    pthread_mutex_unlock(&service->lock);
    return err;
}

static struct timespec deadline_in(int64_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    return at;
}

/* Is a batch to be run although no job has come? */
static bool has_own_work(const struct tb_service *service)
{
    bool due =
        service->next_due_ms != 0 && service->next_due_ms <= tb_clock_wall_ms(service->clock);
    bool works = atomic_load(&service->health) == TB_OK; /* else it is tried when it is due */
    return due || (works && tb_serving_is_behind(&service->serving));
}

static int64_t sleep_ms(const struct tb_service *service)
{
    int64_t left_ms = tb_serving_sleep_ms(&service->serving, SLEEP_MS_MAX);
    if (service->next_due_ms != 0) {
        int64_t due_ms = service->next_due_ms - tb_clock_wall_ms(service->clock);
        left_ms = due_ms < left_ms ? due_ms : left_ms;
    }
    return left_ms < 0 || has_own_work(service) ? 0 : left_ms;
}

/* Waits until there is work or something is due, and takes what is waiting, at most a batch of it.
 * `*stop` says that the queue is empty and nothing more will come. */
static struct tb_job *take_jobs(struct tb_service *service, bool *stop)
{
    int64_t wait_ms = sleep_ms(service);
    pthread_mutex_lock(&service->lock);
    bool told = service->stopping || service->draining != service->serving.draining;
    if (service->queue_len == 0 && !told && wait_ms > 0) {
        const struct timespec deadline = deadline_in(wait_ms);
        pthread_cond_timedwait(&service->wake, &service->lock, &deadline);
    }
    struct tb_job *first = service->queue_first;
    struct tb_job **end = &first;
    unsigned count = 0;
    while (*end != NULL && count < service->batch_max) {
        service->queue_bytes -= tb_arena_size_bytes((*end)->arena);
        end = &(*end)->next;
        count++;
    }
    service->queue_first = *end;
    *end = NULL;
    service->queue_len -= count;
    if (service->queue_first == NULL) {
        service->queue_end = &service->queue_first;
    }
    *stop = service->stopping && first == NULL;
    service->serving.draining = service->draining || service->stopping;
    pthread_mutex_unlock(&service->lock);
    return first;
}

/* --- one batch --- */

/* Runs jobs until the batch is large enough; returns the first that was not run. */
static struct tb_job *run_jobs(struct tb_service *service, struct tb_job *first)
{
    for (struct tb_job *job = first; job != NULL; job = job->next) {
        tb_board_apply(&service->board, &job->command, job->arena, &job->reply);
        tb_serving_job_ran(&service->serving, job);
        if (tb_txn_error(service->board.txn) != TB_OK) {
            return NULL; /* the whole batch fails */
        }
        if (tb_serving_is_behind(&service->serving) || tb_serving_is_full(&service->serving)) {
            return job->next;
        }
    }
    return NULL;
}

static enum tb_err begin(struct tb_service *service, struct tb_txn **txn)
{
    tb_arena_reset(service->arena);
    enum tb_err err = tb_write_begin(service->store, service->arena, txn);
    if (err == TB_OK) {
        tb_board_begin(&service->board, *txn, service->arena, tb_clock_wall_ms(service->clock));
    }
    return err;
}

/* Makes the last commit known: first the numbers, then to those who have asked. */
static void publish(struct tb_service *service, const struct tb_head *head)
{
    bool news = atomic_load(&service->head_seq) != head->seq ||
                atomic_load(&service->changes) != head->changes;
    if (!news) {
        return;
    }
    atomic_store(&service->head_seq, head->seq);
    atomic_store(&service->changes, head->changes);
    pthread_mutex_lock(&service->listeners_lock);
    for (struct tb_mailbox *one = service->listeners; one != NULL; one = one->next_listener) {
        if (atomic_load(&one->wants_news) && atomic_exchange(&one->wants_news, false)) {
            one->announce(one);
        }
    }
    pthread_mutex_unlock(&service->listeners_lock);
}

/* Has the batch written anything? Every write but one to the log counts in `changes`, or in the
 * answers that are kept, or it cuts the log; of signs of life the board knows. */
static bool has_written(const struct tb_service *service, const struct tb_head *head,
                        const struct tb_head *before)
{
    return head->seq != before->seq || head->changes != before->changes ||
           head->answers != before->answers || head->oldest_seq != before->oldest_seq ||
           service->board.saw_vms;
}

/* Commits if the batch wrote anything. After a batch that could not be written even an empty one is
 * committed, with the head moved a little so that there is something to write: only that proves
 * that writing works again. */
static enum tb_err finish(struct tb_service *service, struct tb_txn **txn,
                          const struct tb_head *before)
{
    struct tb_head *head = tb_txn_head(*txn);
    if (!has_written(service, head, before) && tb_txn_error(*txn) == TB_OK) {
        if (atomic_load(&service->health) == TB_OK) {
            tb_write_abort(txn);
            return TB_OK;
        }
        int64_t now_ms = service->board.now_ms;
        head->last_ms = now_ms > head->last_ms ? now_ms : head->last_ms + 1;
    }
    return tb_write_commit(txn);
}

/* What is due, then the jobs, each followed by the claims that waited for what it made ready. While
 * claims are still to be tried, jobs stand behind them. Returns the first that found no room. */
static struct tb_job *run_all(struct tb_service *service, struct tb_job *jobs)
{
    (void)tb_board_run_due(&service->board, DUE_MAX);
    tb_serving_serve(&service->serving);
    return tb_serving_is_behind(&service->serving) ? jobs : run_jobs(service, jobs);
}

/* Many machines that fall silent at the same time are a matter for a person. */
static void tell_of_spared_vms(const struct tb_service *service)
{
    if (service->board.spared_vms > 0) {
        tb_log(TB_LOG_WARN, "most VMs are silent: they keep their claims for one more ttl",
               TB_LOG_NUM("vms", service->board.spared_vms));
    }
}

/* One transaction. `*rest` are the jobs that found no room in it. On failure nothing has happened,
 * also to the claims that wait. */
static enum tb_err run_batch(struct tb_service *service, struct tb_job *jobs, struct tb_job **rest)
{
    struct tb_txn *txn = NULL;
    *rest = NULL;
    tb_serving_begin(&service->serving);
    enum tb_err err = begin(service, &txn);
    if (err != TB_OK) {
        return err;
    }
    const struct tb_head before = *tb_txn_head(txn);
    *rest = run_all(service, jobs);
    int64_t next_due_ms = tb_board_next_due_ms(&service->board);
    const struct tb_head after = *tb_txn_head(txn);
    err = finish(service, &txn, &before);
    if (err != TB_OK) {
        tb_serving_undo(&service->serving);
        return err;
    }
    service->next_due_ms = next_due_ms;
    tell_of_spared_vms(service);
    publish(service, &after);
    return TB_OK;
}

/* Answers the jobs with that error, and lets the clock wake us for another try. */
static void fail(struct tb_service *service, struct tb_job *jobs, enum tb_err err)
{
    for (struct tb_job *job = jobs; job != NULL; job = job->next) {
        job->reply = (struct tb_reply){.err = err};
    }
    service->next_due_ms = tb_clock_wall_ms(service->clock) + RETRY_MS;
}

/* Hands the finished jobs to their mailboxes: one delivery a mailbox. There are as many mailboxes
 * as loops, so the search is short. */
static void deliver(struct tb_job *jobs)
{
    while (jobs != NULL) {
        struct tb_mailbox *mailbox = jobs->mailbox;
        struct tb_job *mine = NULL;
        struct tb_job **mine_end = &mine;
        struct tb_job *others = NULL;
        struct tb_job **others_end = &others;
        for (struct tb_job *job = jobs; job != NULL;) {
            struct tb_job *next = job->next;
            struct tb_job ***to = job->mailbox == mailbox ? &mine_end : &others_end;
            **to = job;
            *to = &job->next;
            job = next;
        }
        *mine_end = NULL;
        *others_end = NULL;
        mailbox->deliver(mailbox, mine);
        jobs = others;
    }
}

static void note_health(struct tb_service *service, enum tb_err err)
{
    int before = atomic_exchange(&service->health, (int)err);
    if (before != (int)err) {
        tb_log(err == TB_OK ? TB_LOG_INFO : TB_LOG_ERROR,
               err == TB_OK ? "writes work again" : "a batch could not be written",
               TB_LOG_C("code", tb_err_code(err)));
    }
}

/* CONFLICT means that nothing happened: the rules can run again. */
static enum tb_err run_batch_repeatedly(struct tb_service *service, struct tb_job *jobs,
                                        struct tb_job **rest)
{
    enum tb_err err = TB_E_CONFLICT;
    for (int tries = 0; err == TB_E_CONFLICT && tries < CONFLICT_TRIES_MAX; tries++) {
        err = run_batch(service, jobs, rest);
    }
    if (err == TB_E_CONFLICT) {
        err = TB_E_OVERLOADED;
    }
    return err;
}

/* After a batch of `jobs`: delivers what is done and returns what is left. */
static struct tb_job *settle(struct tb_service *service, enum tb_err err, struct tb_job *jobs,
                             struct tb_job *rest)
{
    note_health(service, err);
    if (err != TB_OK) {
        rest = NULL;
        fail(service, jobs, err);
    }
    deliver(tb_serving_take(&service->serving, jobs, rest));
    return rest;
}

/* Where a batch finds no room, one large job may be to blame: each of them then gets a transaction
 * of its own, so that small ones, and the deletions that make room, go through. Claims that are
 * still to be tried may be to blame as well: they are tried again later. */
static void handle_singly(struct tb_service *service, struct tb_job *jobs)
{
    uint64_t try_from = UINT64_MAX;
    while (jobs != NULL) {
        struct tb_job *left = jobs;
        struct tb_job *rest = NULL;
        jobs = left->next;
        left->next = NULL;
        try_from = tb_serving_put_off(&service->serving, try_from);
        while (left != NULL) {
            enum tb_err err = run_batch_repeatedly(service, left, &rest);
            left = settle(service, err, left, rest);
        }
    }
    tb_serving_take_up(&service->serving, try_from);
}

static void handle(struct tb_service *service, struct tb_job *jobs)
{
    do {
        struct tb_job *rest = NULL;
        bool several =
            jobs != NULL && (jobs->next != NULL || tb_serving_is_behind(&service->serving));
        enum tb_err err = run_batch_repeatedly(service, jobs, &rest);
        if (err == TB_E_STORAGE_FULL && several) {
            handle_singly(service, jobs);
            return;
        }
        jobs = settle(service, err, jobs, rest);
    } while (jobs != NULL);
}

static void *run(void *arg)
{
    struct tb_service *service = arg;
    bool stop = false;
    while (!stop) {
        struct tb_job *jobs = take_jobs(service, &stop);
        if (jobs != NULL || (!stop && has_own_work(service))) {
            handle(service, jobs);
        }
        deliver(tb_serving_take_overdue(&service->serving));
        deliver(tb_serving_take_gone(&service->serving));
    }
    return NULL;
}

/* --- start and stop --- */

static enum tb_err rerank(struct tb_service *service)
{
    struct tb_id after = {{0}};
    bool through = false;
    enum tb_err err = TB_OK;
    while (err == TB_OK && !through) {
        struct tb_txn *txn = NULL;
        err = begin(service, &txn);
        if (err == TB_OK) {
            through = tb_board_rerank(&service->board, &after, RERANK_MAX);
            err = tb_write_commit(&txn);
        }
    }
    return err;
}

/* Reads the head; ranks are made anew when they were made with another aging. Then one empty batch
 * finds out what is due. */
static enum tb_err bring_up_to_date(struct tb_service *service)
{
    struct tb_txn *txn = NULL;
    struct tb_job *rest = NULL;
    enum tb_err err = begin(service, &txn);
    if (err != TB_OK) {
        return err;
    }
    const struct tb_head *head = tb_txn_head(txn);
    service->store_id = head->store_id;
    service->board.started_ms = service->board.now_ms;
    atomic_store(&service->head_seq, head->seq);
    atomic_store(&service->changes, head->changes);
    bool reranks = head->aging_ms != service->board.options.aging_ms;
    tb_write_abort(&txn);
    err = reranks ? rerank(service) : TB_OK;
    return err == TB_OK ? run_batch(service, NULL, &rest) : err;
}

/* A number that nobody outside can guess. */
static uint64_t make_seed(const struct tb_service_options *options)
{
    uint64_t seed = 0;
    options->random(options->random_ctx, &seed, sizeof seed);
    return seed;
}

/* False: out of memory. */
static bool init(struct tb_service *service, const struct tb_service_options *options)
{
    *service = (struct tb_service){
        .store = options->store,
        .clock = options->clock,
        .queue_max = options->queue_max != 0 ? options->queue_max : QUEUE_MAX_DEFAULT,
        .batch_max = options->batch_max != 0 ? options->batch_max : BATCH_MAX_DEFAULT,
        .board = {.options = options->board,
                  .ids = {.random = options->random, .random_ctx = options->random_ctx}},
        .arena = tb_arena_new(BATCH_ARENA_BYTES),
    };
    service->queue_end = &service->queue_first;
    pthread_mutex_init(&service->lock, NULL);
    pthread_mutex_init(&service->listeners_lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&service->wake, &attr);
    pthread_condattr_destroy(&attr);
    return tb_serving_init(&service->serving, &service->board, options->clock, make_seed(options));
}

static void fini(struct tb_service *service)
{
    pthread_cond_destroy(&service->wake);
    pthread_mutex_destroy(&service->lock);
    pthread_mutex_destroy(&service->listeners_lock);
    tb_serving_fini(&service->serving);
    tb_arena_free(service->arena);
    free(service);
}

enum tb_err tb_service_start(const struct tb_service_options *options, struct tb_service **service,
                             char *why, size_t why_size)
{
    struct tb_service *new = calloc(1, sizeof(*new));
    if (new == NULL || !init(new, options)) {
        (void)snprintf(why, why_size, "there is no memory for the service");
        if (new != NULL) {
            fini(new);
        }
        return TB_E_INTERNAL;
    }
    enum tb_err err = bring_up_to_date(new);
    if (err != TB_OK) {
        (void)snprintf(why, why_size, "the store cannot be brought up to date: %s",
                       tb_err_text(err));
        fini(new);
        return err;
    }
    int failed = pthread_create(&new->thread, NULL, run, new);
    if (failed != 0) {
        (void)snprintf(why, why_size, "the committer thread cannot be started: %s",
                       strerrordesc_np(failed));
        fini(new);
        return TB_E_INTERNAL;
    }
    *service = new;
    return TB_OK;
}

void tb_service_drain(struct tb_service *service)
{
    pthread_mutex_lock(&service->lock);
    service->draining = true;
    pthread_cond_signal(&service->wake);
    pthread_mutex_unlock(&service->lock);
}

void tb_service_stop(struct tb_service **service)
{
    struct tb_service *stopped = *service;
    if (stopped == NULL) {
        return;
    }
    pthread_mutex_lock(&stopped->lock);
    stopped->stopping = true;
    pthread_cond_signal(&stopped->wake);
    pthread_mutex_unlock(&stopped->lock);
    pthread_join(stopped->thread, NULL);
    assert(stopped->queue_first == NULL);
    fini(stopped);
    *service = NULL;
}

uint64_t tb_service_head_seq(const struct tb_service *service)
{
    return atomic_load(&service->head_seq);
}

uint64_t tb_service_changes(const struct tb_service *service)
{
    return atomic_load(&service->changes);
}

void tb_service_listen(struct tb_service *service, struct tb_mailbox *mailbox)
{
    pthread_mutex_lock(&service->listeners_lock);
    mailbox->next_listener = service->listeners;
    service->listeners = mailbox;
    pthread_mutex_unlock(&service->listeners_lock);
}

void tb_service_unlisten(struct tb_service *service, struct tb_mailbox *mailbox)
{
    pthread_mutex_lock(&service->listeners_lock);
    struct tb_mailbox **at = &service->listeners;
    while (*at != mailbox) {
        at = &(*at)->next_listener;
    }
    *at = mailbox->next_listener;
    pthread_mutex_unlock(&service->listeners_lock);
}

uint64_t tb_service_store_id(const struct tb_service *service)
{
    return service->store_id;
}

enum tb_err tb_service_health(const struct tb_service *service)
{
    return (enum tb_err)atomic_load(&service->health);
}
