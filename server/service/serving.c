#include "service/serving.h"

#include <stdlib.h>

#include "board/claim.h"
#include "board/pause.h"
#include "service/service.h"

#define BATCH_BYTES_MAX                                                                            \
    (64U << 20) /* of the batch's arena and answers: then it is committed as it stands */
#define BATCH_US_MAX      50000 /* the same for its time */
#define WAITING_BYTES_MAX (256U << 20)
#define SWEEP_US          100000
#define SWEEP_PARTS       10 /* so that everybody is looked after once a second */
#define NOBODY            UINT64_MAX

bool tb_serving_init(struct tb_serving *serving, struct tb_board *board,
                     const struct tb_clock *clock, uint64_t seed)
{
    *serving = (struct tb_serving){
        .waiting = tb_waiting_new(TB_WAITING_CLAIMS_MAX, WAITING_BYTES_MAX, seed),
        .board = board,
        .clock = clock,
        .scratch = tb_arena_new(0),
        .try_from = NOBODY,
        .first_number = NOBODY,
    };
    return serving->waiting != NULL;
}

void tb_serving_fini(struct tb_serving *serving)
{
    tb_waiting_free(serving->waiting);
    tb_arena_free(serving->scratch);
}

void tb_serving_begin(struct tb_serving *serving)
{
    serving->start_us = tb_clock_monotonic_us(serving->clock);
    serving->answer_bytes = 0;
    serving->try_from_before = serving->try_from;
    serving->first_number = tb_waiting_next_number(serving->waiting);
    serving->served = NULL;
    serving->board->collects_readied = tb_waiting_count(serving->waiting) > 0;
}

bool tb_serving_is_full(const struct tb_serving *serving)
{
    return tb_arena_size_bytes(serving->board->arena) + serving->answer_bytes > BATCH_BYTES_MAX ||
           tb_clock_monotonic_us(serving->clock) - serving->start_us > BATCH_US_MAX;
}

bool tb_serving_is_behind(const struct tb_serving *serving)
{
    return serving->try_from != NOBODY;
}

uint64_t tb_serving_put_off(struct tb_serving *serving, uint64_t try_from)
{
    tb_serving_take_up(serving, try_from);
    try_from = serving->try_from;
    serving->try_from = NOBODY;
    return try_from;
}

void tb_serving_take_up(struct tb_serving *serving, uint64_t try_from)
{
    serving->try_from = try_from < serving->try_from ? try_from : serving->try_from;
}

/* --- who has gone --- */

static void push(struct tb_job **list, struct tb_job *job)
{
    job->next = *list;
    *list = job;
}

static bool came_in_this_batch(const struct tb_serving *serving, const struct tb_job *job)
{
    return job->wait.number >= serving->first_number;
}

/* Takes the claim out when its client has gone. One that came in this batch stands in the batch's
 * own list, and is handed back with it. */
static bool drop_if_gone(struct tb_serving *serving, struct tb_job *job)
{
    if (job->is_gone == NULL || !job->is_gone(job)) {
        return false;
    }
    tb_waiting_remove(serving->waiting, job);
    serving->gone_count++;
    if (!came_in_this_batch(serving, job)) {
        push(&serving->gone, job);
    }
    return true;
}

/* --- serving --- */

static void keep_reply(struct tb_job *job, const struct tb_reply *reply)
{
    job->reply = *reply;
    job->reply.message = tb_arena_dup(job->arena, reply->message);
    job->reply.extra = tb_arena_dup(job->arena, reply->extra);
    job->reply.body = tb_arena_dup(job->arena, reply->body);
}

/* Runs a claim that waits. True when it has got an answer, and waits no more. */
static bool try(struct tb_serving *serving, struct tb_job *job)
{
    struct tb_reply reply = {.err = TB_OK};
    tb_arena_reset(serving->scratch);
    tb_board_apply(serving->board, &job->command, serving->scratch, &reply);
    if (tb_txn_error(serving->board->txn) != TB_OK || reply.found_nothing) {
        return false;
    }
    keep_reply(job, &reply);
    serving->answer_bytes += reply.body.len;
    tb_waiting_remove(serving->waiting, job);
    if (!came_in_this_batch(serving, job)) {
        push(&serving->served, job);
    }
    return true;
}

/* Claims that repeat a request, under its Idempotency-Key, get the answer that it got. */
static void serve_repetitions(struct tb_serving *serving, const struct tb_job *answered)
{
    const struct tb_idempotency *idempotency = &answered->command.idempotency;
    struct tb_job *job = NULL;
    if (!idempotency->present || answered->reply.seq == 0) {
        return;
    }
    do {
        job = tb_waiting_with_key(serving->waiting, idempotency->key);
    } while (job != NULL && (drop_if_gone(serving, job) || try(serving, job)));
}

static bool serve(struct tb_serving *serving, struct tb_job *job)
{
    bool served = try(serving, job);
    if (served) {
        serve_repetitions(serving, job);
    }
    return served;
}

/* The first one that wants that task, or NULL. What is paused nobody can take: who wants it must
 * not be tried, and take something else, before it is his turn. */
static struct tb_job *first_for(struct tb_serving *serving, const struct tb_pauses *pauses,
                                struct tb_id id)
{
    struct tb_task task;
    bool can_be_had = tb_get_task(serving->board->txn, id, &task) == TB_OK &&
                      tb_task_state(&task) == TB_STATE_READY && !tb_pauses_hold(pauses, &task);
    return can_be_had ? tb_waiting_first_for(serving->waiting, &task) : NULL;
}

/* Who is to be served for the nth of what has become ready, or NULL. A claim of several tasks may
 * take some of the others, too: whoever came before it and wants one of them comes first. */
static struct tb_job *next_for(struct tb_serving *serving, const struct tb_pauses *pauses,
                               size_t nth)
{
    const struct tb_id_list *readied = &serving->board->readied;
    struct tb_job *next = first_for(serving, pauses, readied->ids[nth]);
    for (size_t i = nth + 1; next != NULL && next->command.claim.max > 1 && i < readied->count;
         i++) {
        struct tb_job *other = first_for(serving, pauses, readied->ids[i]);
        next = other != NULL && other->wait.number < next->wait.number ? other : next;
    }
    return next;
}

struct ranked {
    int64_t rank_ms;
    struct tb_id id;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *left = a;
    const struct ranked *right = b;
    if (left->rank_ms != right->rank_ms) {
        return left->rank_ms < right->rank_ms ? -1 : 1;
    }
    return tb_id_cmp(left->id, right->id);
}

/* Puts what has become ready together into the order in which claims get it. So whoever is given
 * one takes that one, and not another that somebody who came earlier waits for. */
static void order_readied(struct tb_serving *serving)
{
    struct tb_board *board = serving->board;
    struct tb_id_list *readied = &board->readied;
    if (readied->count < 2) {
        return;
    }
    struct ranked *ranked = tb_arena_alloc(board->arena, readied->count * sizeof(*ranked));
    struct tb_arena *arena = tb_txn_swap_arena(board->txn, serving->scratch);
    for (size_t i = 0; i < readied->count; i++) {
        struct tb_task task;
        tb_arena_reset(serving->scratch);
        bool there = tb_get_task(board->txn, readied->ids[i], &task) == TB_OK;
        ranked[i] = (struct ranked){.rank_ms = there ? task.rank_ms : 0, .id = readied->ids[i]};
    }
    (void)tb_txn_swap_arena(board->txn, arena);
    qsort(ranked, readied->count, sizeof(*ranked), compare_ranked);
    for (size_t i = 0; i < readied->count; i++) {
        readied->ids[i] = ranked[i].id;
    }
}

/* A batch that is full leaves the rest to the next one, which tries everybody. */
static void serve_readied(struct tb_serving *serving)
{
    struct tb_board *board = serving->board;
    struct tb_pauses pauses;
    if (board->readied.count == 0 || tb_waiting_count(serving->waiting) == 0 ||
        tb_pauses_load(board->txn, board->arena, &pauses) != TB_OK) {
        board->readied.count = 0; /* where the load failed, the transaction's error tells */
        return;
    }
    order_readied(serving);
    for (size_t i = 0; i < board->readied.count && tb_waiting_count(serving->waiting) > 0; i++) {
        struct tb_job *job = NULL;
        if (tb_serving_is_full(serving)) {
            serving->try_from = 0;
            break;
        }
        do {
            job = next_for(serving, &pauses, i);
        } while (job != NULL && (drop_if_gone(serving, job) || serve(serving, job)));
    }
    board->readied.count = 0;
}

/* At least one a batch, so that it ends. */
static void try_all(struct tb_serving *serving)
{
    struct tb_job *job = tb_waiting_from(serving->waiting, serving->try_from);
    while (job != NULL && tb_txn_error(serving->board->txn) == TB_OK) {
        uint64_t number = job->wait.number;
        struct tb_job *next = tb_waiting_next(job);
        if (!drop_if_gone(serving, job)) {
            (void)serve(serving, job);
        }
        /* The next one may have been served too, as a repetition. */
        job = next == NULL || tb_waiting_has(next) ? next
                                                   : tb_waiting_from(serving->waiting, number + 1);
        serving->try_from = number + 1;
        if (tb_serving_is_full(serving)) {
            return;
        }
    }
    serving->try_from = NOBODY;
}

void tb_serving_serve(struct tb_serving *serving)
{
    struct tb_board *board = serving->board;
    serve_readied(serving);
    if (board->resumed) {
        board->resumed = false;
        serving->try_from = 0;
    }
    if (tb_serving_is_behind(serving)) {
        try_all(serving);
    }
}

/* --- jobs of the batch --- */

static void park(struct tb_serving *serving, struct tb_job *job)
{
    int64_t until_us = tb_clock_monotonic_us(serving->clock) + job->command.claim.wait_ms * 1000;
    if (!tb_waiting_add(serving->waiting, job, until_us)) {
        job->reply = (struct tb_reply){.err = TB_E_OVERLOADED};
        return;
    }
    serving->board->collects_readied = true;
}

static bool wants_to_wait(const struct tb_job *job)
{
    return job->command.kind == TB_COMMAND_CLAIM && job->reply.err == TB_OK &&
           job->reply.found_nothing && job->command.claim.wait_ms > 0;
}

void tb_serving_job_ran(struct tb_serving *serving, struct tb_job *job)
{
    struct tb_board *board = serving->board;
    job->wait.number = 0;
    serving->answer_bytes += job->reply.body.len;
    if (tb_txn_error(board->txn) != TB_OK) {
        return;
    }
    if (wants_to_wait(job) && !serving->draining) {
        park(serving, job);
    } else if (tb_waiting_count(serving->waiting) > 0) {
        serve_repetitions(serving, job);
    }
    if (board->readied.count > 0 || board->resumed) {
        tb_serving_serve(serving);
    }
}

/* --- the end of a batch --- */

/* What it got was never committed: when its time is over, it must have got nothing. */
static void forget_answer(struct tb_job *job)
{
    struct tb_buf body;
    tb_buf_init(&body, job->arena, 32);
    tb_claim_write_none(&body);
    job->reply =
        (struct tb_reply){.http_status = 200, .body = tb_buf_str(&body), .found_nothing = true};
}

static void drop_newcomers(struct tb_serving *serving)
{
    struct tb_job *job = tb_waiting_last(serving->waiting);
    while (job != NULL && came_in_this_batch(serving, job)) {
        tb_waiting_remove(serving->waiting, job);
        job = tb_waiting_last(serving->waiting);
    }
}

void tb_serving_undo(struct tb_serving *serving)
{
    drop_newcomers(serving);
    while (serving->served != NULL) {
        struct tb_job *job = serving->served;
        serving->served = job->next;
        forget_answer(job);
        tb_waiting_put_back(serving->waiting, job);
    }
    serving->try_from = serving->try_from_before;
}

void tb_serving_give_up(struct tb_serving *serving, enum tb_err err)
{
    drop_newcomers(serving);
    for (struct tb_job *job = serving->served; job != NULL; job = job->next) {
        job->reply = (struct tb_reply){.err = err};
    }
    serving->try_from = 0;
}

/* Turns the list round in front of `behind`. */
static struct tb_job *prepend_turned(struct tb_job *list, struct tb_job *behind)
{
    while (list != NULL) {
        struct tb_job *job = list;
        list = job->next;
        push(&behind, job);
    }
    return behind;
}

struct tb_job *tb_serving_take(struct tb_serving *serving, struct tb_job *jobs,
                               const struct tb_job *end)
{
    struct tb_job *first = NULL;
    struct tb_job **last = &first;
    while (jobs != end) {
        struct tb_job *job = jobs;
        jobs = job->next;
        if (!tb_waiting_has(job)) {
            *last = job;
            last = &job->next;
        }
    }
    *last = prepend_turned(serving->served, prepend_turned(serving->gone, NULL));
    serving->served = NULL;
    serving->gone = NULL;
    serving->first_number = NOBODY;
    return first;
}

/* --- between batches --- */

struct tb_job *tb_serving_take_overdue(struct tb_serving *serving)
{
    struct tb_job *list = NULL;
    int64_t now_us = tb_clock_monotonic_us(serving->clock);
    struct tb_job *job = tb_waiting_earliest(serving->waiting);
    while (job != NULL && (serving->draining || job->wait.until_us <= now_us)) {
        tb_waiting_remove(serving->waiting, job);
        push(&list, job);
        job = tb_waiting_earliest(serving->waiting);
    }
    return prepend_turned(list, NULL);
}

struct tb_job *tb_serving_take_gone(struct tb_serving *serving)
{
    int64_t now_us = tb_clock_monotonic_us(serving->clock);
    size_t count = tb_waiting_count(serving->waiting) / SWEEP_PARTS + 1;
    if (now_us - serving->swept_us < SWEEP_US) {
        return NULL;
    }
    serving->swept_us = now_us;
    struct tb_job *job = tb_waiting_from(serving->waiting, serving->sweep_number);
    for (; job != NULL && count > 0; count--) {
        struct tb_job *next = tb_waiting_next(job);
        serving->sweep_number = job->wait.number + 1;
        (void)drop_if_gone(serving, job);
        job = next;
    }
    if (job == NULL) {
        serving->sweep_number = 0;
    }
    return tb_serving_take(serving, NULL, NULL);
}

int64_t tb_serving_sleep_ms(const struct tb_serving *serving, int64_t most_ms)
{
    const struct tb_job *job = tb_waiting_earliest(serving->waiting);
    if (job == NULL) {
        return most_ms;
    }
    int64_t left_ms = (job->wait.until_us - tb_clock_monotonic_us(serving->clock) + 999) / 1000;
    left_ms = left_ms < SWEEP_US / 1000 ? left_ms : SWEEP_US / 1000;
    left_ms = left_ms > 0 ? left_ms : 0;
    return left_ms < most_ms ? left_ms : most_ms;
}
