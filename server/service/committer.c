#include "service/committer.h"

#include <stdio.h>

#include "base/log.h"

#define QUEUE_MAX_DEFAULT  16384U
#define BATCH_MAX_DEFAULT  1024U
#define BATCH_ARENA_BYTES  (4U << 20)
#define DUE_MAX            1000U /* due things handled in one transaction */
#define RERANK_MAX         5000U
#define CONFLICT_TRIES_MAX 8
#define SLEEP_MS_MAX                                                                               \
    1000 /* the committer looks at the clock at least this often: it may have been set */
#define RETRY_MS  1000  /* after a batch that could not be written */
#define SCARCE_MS 30000 /* for so long nothing is tried again where room is scarce */

/* --- time --- */

/* Is a batch to be run although no job has come? */
static bool has_own_work(struct tb_committer *committer)
{
    bool due =
        committer->next_due_ms != 0 && committer->next_due_ms <= tb_steady_now_ms(&committer->time);
    bool works = atomic_load(&committer->health) == TB_OK; /* else it is tried when it is due */
    return due || (works && tb_serving_is_behind(&committer->serving));
}

int64_t tb_committer_sleep_ms(struct tb_committer *committer)
{
    int64_t left_ms = tb_serving_sleep_ms(&committer->serving, SLEEP_MS_MAX);
    if (committer->next_due_ms != 0) {
        int64_t due_ms = committer->next_due_ms - tb_steady_now_ms(&committer->time);
        left_ms = due_ms < left_ms ? due_ms : left_ms;
    }
    return left_ms < 0 || has_own_work(committer) ? 0 : left_ms;
}

/* --- one batch --- */

/* Runs jobs until the batch is large enough; returns the first that was not run. */
static struct tb_job *run_jobs(struct tb_committer *committer, struct tb_job *first)
{
    for (struct tb_job *job = first; job != NULL; job = job->next) {
        tb_board_apply(&committer->board, &job->command, job->arena, &job->reply);
        tb_serving_job_ran(&committer->serving, job);
        committer->job_count++;
        if (tb_txn_error(committer->board.txn) != TB_OK) {
            return NULL; /* the whole batch fails */
        }
        if (tb_serving_is_behind(&committer->serving) || tb_serving_is_full(&committer->serving)) {
            return job->next;
        }
    }
    return NULL;
}

static enum tb_err begin(struct tb_committer *committer, struct tb_txn **txn)
{
    tb_arena_reset(committer->arena);
    committer->job_count = 0;
    enum tb_err err = tb_write_begin(committer->store, committer->arena, txn);
    if (err == TB_OK) {
        tb_board_begin(&committer->board, *txn, committer->arena,
                       tb_steady_now_ms(&committer->time));
    }
    return err;
}

/* Has the batch written anything? Every write but one to the log counts in `changes`, or in the
 * answers that are kept or in the credentials, or it cuts the log; of signs of life, and of answers
 * in the place of others, the board knows. */
static bool has_written(const struct tb_committer *committer, const struct tb_head *head,
                        const struct tb_head *before)
{
    return head->seq != before->seq || head->changes != before->changes ||
           head->answers != before->answers ||
           head->credential_changes != before->credential_changes ||
           head->oldest_seq != before->oldest_seq || committer->board.saw_vms ||
           committer->board.kept_answers;
}

static bool is_same(const struct tb_head *a, const struct tb_head *b)
{
    return a->seq == b->seq && a->changes == b->changes && a->answers == b->answers &&
           a->credential_changes == b->credential_changes && a->oldest_seq == b->oldest_seq &&
           a->last_ms == b->last_ms;
}

/* Did a commit happen, from one head to the other? Nobody else writes, so that the head which is
 * there now is one of them. TB_E_CONFLICT: it did not, and the batch can run again. So can one
 * whose heads are the same: it has only stored signs of life, or answers, which it then finds. */
static enum tb_err find_out(struct tb_committer *committer, const struct tb_head *before,
                            const struct tb_head *after)
{
    struct tb_txn *txn = NULL;
    if (tb_write_begin(committer->store, committer->arena, &txn) != TB_OK) {
        return TB_E_UNKNOWN_OUTCOME;
    }
    const struct tb_head now = *tb_txn_head(txn);
    tb_write_abort(&txn);
    if (is_same(&now, before)) {
        return TB_E_CONFLICT;
    }
    return is_same(&now, after) ? TB_OK : TB_E_UNKNOWN_OUTCOME;
}

static enum tb_err commit(struct tb_committer *committer, struct tb_txn **txn)
{
    int64_t start_us = tb_clock_monotonic_us(committer->clock);
    enum tb_err err = tb_write_commit(txn);
    if (err == TB_OK) {
        int64_t took_us = tb_clock_monotonic_us(committer->clock) - start_us;
        tb_commit_metrics_batch(&committer->metrics, committer->job_count, took_us);
    }
    return err;
}

/* Was there no room lately, and is there none yet, as far as can be told? Where it is scarce, what
 * found none may have been large: after a while another one shall try. */
static bool is_still_full(struct tb_committer *committer, struct tb_txn *txn)
{
    struct tb_store_stats stats;
    if (atomic_load(&committer->health) != TB_E_STORAGE_FULL) {
        return false;
    }
    return tb_store_stats(txn, &stats) != TB_OK || !stats.has_room ||
           (stats.room_is_scarce &&
            tb_steady_now_ms(&committer->time) < committer->full_ms + SCARCE_MS);
}

/* Commits if the batch wrote anything. After a batch that could not be written even an empty one is
 * committed, with the head moved a little so that there is something to write: only that proves
 * that writing works again. A full store has room for so little even when it has none for a task:
 * there it would prove nothing, and is not made. `*after` is the head that is stored then. */
static enum tb_err finish(struct tb_committer *committer, struct tb_txn **txn,
                          const struct tb_head *before, struct tb_head *after)
{
    struct tb_head *head = tb_txn_head(*txn);
    *after = *head;
    committer->still_full = false;
    if (!has_written(committer, head, before) && tb_txn_error(*txn) == TB_OK) {
        committer->still_full = is_still_full(committer, *txn);
        if (atomic_load(&committer->health) == TB_OK || committer->still_full) {
            tb_write_abort(txn);
            return TB_OK;
        }
        int64_t now_ms = committer->board.now_ms;
        head->last_ms = now_ms > head->last_ms ? now_ms : head->last_ms + 1;
        *after = *head;
    }
    enum tb_err err = commit(committer, txn);
    return err == TB_E_UNKNOWN_OUTCOME ? find_out(committer, before, after) : err;
}

/* What is due, then the jobs, each followed by the claims that waited for what it made ready. While
 * claims are still to be tried, jobs stand behind them. Returns the first that found no room. */
static struct tb_job *run_all(struct tb_committer *committer, struct tb_job *jobs)
{
    (void)tb_board_run_due(&committer->board, DUE_MAX);
    tb_serving_serve(&committer->serving);
    return tb_serving_is_behind(&committer->serving) ? jobs : run_jobs(committer, jobs);
}

/* Many machines that fall silent at the same time are a matter for a person. */
static void tell_of_spared_vms(const struct tb_committer *committer)
{
    if (committer->board.spared_vms > 0) {
        tb_log(TB_LOG_WARN, "most VMs are silent: they keep their claims for one more ttl",
               TB_LOG_NUM("vms", committer->board.spared_vms));
    }
}

/* One transaction. `*rest` are the jobs that found no room in it. On failure nothing has happened,
 * also to the claims that wait; only TB_E_UNKNOWN_OUTCOME and, of the first batch that gets it,
 * TB_E_STORAGE_FAILED leave that open. */
static enum tb_err run_batch(struct tb_committer *committer, struct tb_job *jobs,
                             struct tb_job **rest)
{
    struct tb_txn *txn = NULL;
    *rest = NULL;
    tb_serving_begin(&committer->serving);
    enum tb_err err = begin(committer, &txn);
    if (err != TB_OK) {
        return err;
    }
    const struct tb_head before = *tb_txn_head(txn);
    *rest = run_all(committer, jobs);
    int64_t next_due_ms = tb_board_next_due_ms(&committer->board);
    struct tb_head after;
    err = finish(committer, &txn, &before, &after);
    if (err == TB_E_UNKNOWN_OUTCOME || err == TB_E_STORAGE_FAILED) {
        tb_serving_give_up(&committer->serving, err);
        return err;
    }
    if (err != TB_OK) {
        tb_serving_undo(&committer->serving);
        return err;
    }
    committer->next_due_ms = next_due_ms;
    tell_of_spared_vms(committer);
    tb_commit_metrics_board(&committer->metrics, &committer->board);
    tb_news_publish(&committer->news, &after);
    return TB_OK;
}

static void answer(struct tb_job *jobs, enum tb_err err)
{
    for (struct tb_job *job = jobs; job != NULL; job = job->next) {
        job->reply = (struct tb_reply){.err = err};
    }
}

/* Lets the clock wake us for another try. */
static void try_again_later(struct tb_committer *committer)
{
    committer->next_due_ms = tb_steady_now_ms(&committer->time) + RETRY_MS;
}

/* Hands the finished jobs to their mailboxes: one delivery a mailbox. There are as many mailboxes
 * as loops, so the search is short. */
static void deliver(struct tb_committer *committer, struct tb_job *jobs)
{
    for (const struct tb_job *job = jobs; job != NULL; job = job->next) {
        tb_commit_metrics_job(&committer->metrics, job);
    }
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

static void note_health(struct tb_committer *committer, enum tb_err err)
{
    int before = atomic_exchange(&committer->health, (int)err);
    if (err == TB_E_STORAGE_FULL) {
        committer->full_ms = tb_steady_now_ms(&committer->time);
    }
    if (err != TB_OK) {
        tb_number_add(&committer->metrics.failures[err], 1);
    }
    if (before != (int)err) {
        tb_log(err == TB_OK ? TB_LOG_INFO : TB_LOG_ERROR,
               err == TB_OK ? "writes work again" : "a batch could not be written",
               TB_LOG_C("code", tb_err_code(err)), TB_LOG_C("because", tb_err_text(err)));
    }
}

/* CONFLICT means that nothing happened: the rules can run again. */
static enum tb_err run_batch_repeatedly(struct tb_committer *committer, struct tb_job *jobs,
                                        struct tb_job **rest)
{
    enum tb_err err = TB_E_CONFLICT;
    for (int tries = 0; err == TB_E_CONFLICT && tries < CONFLICT_TRIES_MAX; tries++) {
        err = run_batch(committer, jobs, rest);
    }
    if (err == TB_E_CONFLICT) {
        err = TB_E_OVERLOADED;
    }
    return err;
}

/* After a batch of `jobs`: delivers what is done and returns what is left. */
static struct tb_job *settle(struct tb_committer *committer, enum tb_err err, struct tb_job *jobs,
                             struct tb_job *rest)
{
    bool still_full = err == TB_OK && committer->still_full;
    if (err != TB_OK) {
        rest = NULL;
        answer(jobs, err);
    }
    if (!still_full) {
        note_health(committer, err);
    }
    if (err != TB_OK || still_full) {
        try_again_later(committer);
    }
    deliver(committer, tb_serving_take(&committer->serving, jobs, rest));
    return rest;
}

/* Where a batch finds no room, one large job may be to blame: each of them then gets a transaction
 * of its own, so that small ones, and the deletions that make room, go through. Claims that are
 * still to be tried may be to blame as well: they are tried again later. */
static void handle_singly(struct tb_committer *committer, struct tb_job *jobs)
{
    uint64_t try_from = UINT64_MAX;
    while (jobs != NULL) {
        struct tb_job *left = jobs;
        struct tb_job *rest = NULL;
        jobs = left->next;
        left->next = NULL;
        try_from = tb_serving_put_off(&committer->serving, try_from);
        while (left != NULL) {
            enum tb_err err = run_batch_repeatedly(committer, left, &rest);
            left = settle(committer, err, left, rest);
        }
    }
    tb_serving_take_up(&committer->serving, try_from);
}

static void handle(struct tb_committer *committer, struct tb_job *jobs)
{
    do {
        struct tb_job *rest = NULL;
        bool several =
            jobs != NULL && (jobs->next != NULL || tb_serving_is_behind(&committer->serving));
        enum tb_err err = run_batch_repeatedly(committer, jobs, &rest);
        if (err == TB_E_STORAGE_FULL && several) {
            handle_singly(committer, jobs);
            return;
        }
        jobs = settle(committer, err, jobs, rest);
    } while (jobs != NULL);
}

/* --- turns --- */

static void note_waiting(struct tb_committer *committer)
{
    struct tb_commit_metrics *metrics = &committer->metrics;
    tb_number_set(&metrics->waiting_claims, tb_waiting_count(committer->serving.waiting));
    tb_number_set(&metrics->gone_claims, committer->serving.gone_count);
}

bool tb_committer_turn(struct tb_committer *committer, int64_t wait_ms)
{
    bool stop = false;
    struct tb_job *jobs = tb_queue_take(&committer->queue, committer->batch_max, wait_ms,
                                        &committer->serving.draining, &stop);
    if (jobs != NULL || (!stop && has_own_work(committer))) {
        handle(committer, jobs);
    }
    deliver(committer, tb_serving_take_overdue(&committer->serving));
    deliver(committer, tb_serving_take_gone(&committer->serving));
    note_waiting(committer);
    return !stop;
}

/* --- start and end --- */

static enum tb_err rerank(struct tb_committer *committer)
{
    struct tb_id after = {{0}};
    bool through = false;
    enum tb_err err = TB_OK;
    while (err == TB_OK && !through) {
        struct tb_txn *txn = NULL;
        err = begin(committer, &txn);
        if (err == TB_OK) {
            through = tb_board_rerank(&committer->board, &after, RERANK_MAX);
            err = tb_write_commit(&txn);
        }
    }
    return err;
}

/* Reads the head; ranks are made anew when they were made with another aging. Then one empty batch
 * finds out what is due. */
static enum tb_err bring_up_to_date(struct tb_committer *committer)
{
    struct tb_txn *txn = NULL;
    struct tb_job *rest = NULL;
    enum tb_err err = begin(committer, &txn);
    if (err != TB_OK) {
        return err;
    }
    const struct tb_head *head = tb_txn_head(txn);
    committer->store_id = head->store_id;
    tb_steady_init(&committer->time, committer->clock, head->last_ms);
    committer->board.started_ms = committer->board.now_ms;
    tb_news_publish(&committer->news, head);
    bool reranks = head->aging_ms != committer->board.options.aging_ms;
    tb_write_abort(&txn);
    err = reranks ? rerank(committer) : TB_OK;
    return err == TB_OK ? run_batch_repeatedly(committer, NULL, &rest) : err;
}

/* A number that nobody outside can guess. */
static uint64_t make_seed(const struct tb_service_options *options)
{
    uint64_t seed = 0;
    options->random(options->random_ctx, &seed, sizeof seed);
    return seed;
}

/* False: out of memory. */
static bool make(struct tb_committer *committer, const struct tb_service_options *options)
{
    *committer = (struct tb_committer){
        .store = options->store,
        .clock = options->clock,
        .batch_max = options->batch_max != 0 ? options->batch_max : BATCH_MAX_DEFAULT,
        .board = {.options = options->board,
                  .ids = {.random = options->random, .random_ctx = options->random_ctx}},
        .arena = tb_arena_new(BATCH_ARENA_BYTES),
    };
    tb_steady_init(&committer->time, options->clock, 0);
    tb_queue_init(&committer->queue,
                  options->queue_max != 0 ? options->queue_max : QUEUE_MAX_DEFAULT);
    tb_news_init(&committer->news);
    return tb_serving_init(&committer->serving, &committer->board, options->clock,
                           make_seed(options));
}

enum tb_err tb_committer_init(struct tb_committer *committer,
                              const struct tb_service_options *options, char *why, size_t why_size)
{
    if (!make(committer, options)) {
        (void)snprintf(why, why_size, "there is no memory for the service");
        tb_committer_fini(committer);
        return TB_E_INTERNAL;
    }
    enum tb_err err = bring_up_to_date(committer);
    if (err != TB_OK) {
        (void)snprintf(why, why_size, "the store cannot be brought up to date: %s",
                       tb_err_text(err));
        tb_committer_fini(committer);
    }
    return err;
}

void tb_committer_fini(struct tb_committer *committer)
{
    tb_queue_fini(&committer->queue);
    tb_news_fini(&committer->news);
    tb_serving_fini(&committer->serving);
    tb_arena_free(committer->arena);
}
