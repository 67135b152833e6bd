#include "service/service.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/steady.h"
#include "service/news.h"
#include "service/queue.h"
#include "service/serving.h"

#define QUEUE_MAX_DEFAULT  16384U
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
    unsigned batch_max;
    uint64_t store_id;
    pthread_t thread;

    /* shared */
    struct tb_queue queue;
    struct tb_news news;
    _Atomic int health; /* written by the committer */

    /* owned by the committer */
    struct tb_steady time; /* what the board goes by */
    struct tb_board board;
    struct tb_serving serving;
    struct tb_arena *arena; /* of the batch */
    int64_t next_due_ms;    /* 0: nothing is due */
};

/* --- the queue --- */

enum tb_err tb_service_submit(struct tb_service *service, struct tb_job *job)
{
    return tb_queue_put(&service->queue, job);
}

/* Is a batch to be run although no job has come? */
static bool has_own_work(struct tb_service *service)
{
    bool due =
        service->next_due_ms != 0 && service->next_due_ms <= tb_steady_now_ms(&service->time);
    bool works = atomic_load(&service->health) == TB_OK; /* else it is tried when it is due */
    return due || (works && tb_serving_is_behind(&service->serving));
}

static int64_t sleep_ms(struct tb_service *service)
{
    int64_t left_ms = tb_serving_sleep_ms(&service->serving, SLEEP_MS_MAX);
    if (service->next_due_ms != 0) {
        int64_t due_ms = service->next_due_ms - tb_steady_now_ms(&service->time);
        left_ms = due_ms < left_ms ? due_ms : left_ms;
    }
    return left_ms < 0 || has_own_work(service) ? 0 : left_ms;
}

/* Waits until there is work or something is due. `*stop` says that nothing more will come. */
static struct tb_job *take_jobs(struct tb_service *service, bool *stop)
{
    return tb_queue_take(&service->queue, service->batch_max, sleep_ms(service),
                         &service->serving.draining, stop);
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
        tb_board_begin(&service->board, *txn, service->arena, tb_steady_now_ms(&service->time));
    }
    return err;
}

/* Has the batch written anything? Every write but one to the log counts in `changes`, in the
 * answers that are kept or in the credentials, or it cuts the log; of signs of life the board
 * knows. */
static bool has_written(const struct tb_service *service, const struct tb_head *head,
                        const struct tb_head *before)
{
    return head->seq != before->seq || head->changes != before->changes ||
           head->answers != before->answers ||
           head->credential_changes != before->credential_changes ||
           head->oldest_seq != before->oldest_seq || service->board.saw_vms;
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
    tb_news_publish(&service->news, &after);
    return TB_OK;
}

/* Answers the jobs with that error, and lets the clock wake us for another try. */
static void fail(struct tb_service *service, struct tb_job *jobs, enum tb_err err)
{
    for (struct tb_job *job = jobs; job != NULL; job = job->next) {
        job->reply = (struct tb_reply){.err = err};
    }
    service->next_due_ms = tb_steady_now_ms(&service->time) + RETRY_MS;
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
    tb_steady_init(&service->time, service->clock, head->last_ms);
    service->board.started_ms = service->board.now_ms;
    tb_news_publish(&service->news, head);
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
        .batch_max = options->batch_max != 0 ? options->batch_max : BATCH_MAX_DEFAULT,
        .board = {.options = options->board,
                  .ids = {.random = options->random, .random_ctx = options->random_ctx}},
        .arena = tb_arena_new(BATCH_ARENA_BYTES),
    };
    tb_steady_init(&service->time, options->clock, 0);
    tb_queue_init(&service->queue,
                  options->queue_max != 0 ? options->queue_max : QUEUE_MAX_DEFAULT);
    tb_news_init(&service->news);
    return tb_serving_init(&service->serving, &service->board, options->clock, make_seed(options));
}

static void fini(struct tb_service *service)
{
    tb_queue_fini(&service->queue);
    tb_news_fini(&service->news);
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
    tb_queue_drain(&service->queue);
}

void tb_service_stop(struct tb_service **service)
{
    struct tb_service *stopped = *service;
    if (stopped == NULL) {
        return;
    }
    tb_queue_stop(&stopped->queue);
    pthread_join(stopped->thread, NULL);
    assert(stopped->queue.first == NULL);
    fini(stopped);
    *service = NULL;
}

uint64_t tb_service_head_seq(const struct tb_service *service)
{
    return atomic_load(&service->news.seq);
}

uint64_t tb_service_credential_changes(const struct tb_service *service)
{
    return atomic_load(&service->news.credential_changes);
}

uint64_t tb_service_changes(const struct tb_service *service)
{
    return atomic_load(&service->news.changes);
}

void tb_service_listen(struct tb_service *service, struct tb_mailbox *mailbox)
{
    tb_news_listen(&service->news, mailbox);
}

void tb_service_unlisten(struct tb_service *service, struct tb_mailbox *mailbox)
{
    tb_news_unlisten(&service->news, mailbox);
}

uint64_t tb_service_store_id(const struct tb_service *service)
{
    return service->store_id;
}

enum tb_err tb_service_health(const struct tb_service *service)
{
    return (enum tb_err)atomic_load(&service->health);
}
