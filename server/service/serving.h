/* How a batch serves the claims that wait (waiting.h), in the transaction that makes a task ready.
 * Owned by the committer's thread.
 *
 *   begin ── park, serve … ──┬── committed ── take
 *     ▲                      ├── give up ──── take (nobody knows whether it was committed)
 *     │                      └── undo ─────── take
 *     └──────────────────────────┘ (the batch is run again)
 *
 * Until the commit nothing is settled: a claim that was served goes back to its place when the
 * batch fails, and one that came in the batch leaves with it. */
#ifndef TB_SERVICE_SERVING_H
#define TB_SERVICE_SERVING_H

#include "base/clock.h"
#include "board/board.h"
#include "service/waiting.h"

struct tb_serving {
    struct tb_waiting *waiting;
    struct tb_board *board;       /* borrowed */
    const struct tb_clock *clock; /* borrowed */
    struct tb_arena *scratch;     /* of claims that find nothing: theirs would grow with each try */
    bool draining;                /* nobody waits any more */

    /* Every claim from this number on is still to be tried, because any task may have become
     * claimable; UINT64_MAX: none is. */
    uint64_t try_from;

    /* of the batch */
    int64_t start_us;
    size_t answer_bytes;
    uint64_t try_from_before;
    uint64_t first_number; /* of the claims that came in it */
    struct tb_job *served; /* that came before it; linked by `next`, the latest first */

    /* whose clients had gone: to be handed back whatever becomes of the batch */
    struct tb_job *gone;
    uint64_t gone_count; /* so far */

    uint64_t sweep_number; /* where the next look after gone clients begins */
    int64_t swept_us;
};

/* False: out of memory. */
bool tb_serving_init(struct tb_serving *serving, struct tb_board *board,
                     const struct tb_clock *clock, uint64_t seed);
void tb_serving_fini(struct tb_serving *serving);

/* A batch begins, or begins again after an undo; the board's has. */
void tb_serving_begin(struct tb_serving *serving);

/* Is the batch as large, or has it taken as long, as one may? */
bool tb_serving_is_full(const struct tb_serving *serving);

/* After each job, with its reply: counts it, lets a claim that found nothing wait, and gives what
 * the job made ready to who waited for it. A wait that there is no room for is refused with
 * TB_E_OVERLOADED. */
void tb_serving_job_ran(struct tb_serving *serving, struct tb_job *job);

/* Gives what has become ready to who waits for it; also tries who is still to be tried. Stops when
 * the batch is full, or its transaction has failed. */
void tb_serving_serve(struct tb_serving *serving);

/* True while claims are still to be tried: whoever comes now must not get what is theirs. */
bool tb_serving_is_behind(const struct tb_serving *serving);

/* For batches that are to try nobody: puts off who is still to be tried, and returns from where on,
 * or `try_from` when that is less. Later everybody from there on is to be tried again. */
uint64_t tb_serving_put_off(struct tb_serving *serving, uint64_t try_from);
void tb_serving_take_up(struct tb_serving *serving, uint64_t try_from);

/* The batch has failed: everybody who waited before waits again. */
void tb_serving_undo(struct tb_serving *serving);

/* Nobody knows whether the batch has happened: who was served in it is answered with that error, as
 * what they got may be theirs. Whoever waits else may have to be tried again. */
void tb_serving_give_up(struct tb_serving *serving, enum tb_err err);

/* After a commit, an undo or having given up: makes the list of the jobs to deliver, linked by
 * `next`: of the batch's own from `jobs` up to `end` those that do not wait, then those who were
 * served or had gone. */
struct tb_job *tb_serving_take(struct tb_serving *serving, struct tb_job *jobs,
                               const struct tb_job *end);

/* Between batches: who has waited long enough, or, when nobody may wait any more, everybody; linked
 * by `next`, with the empty answers that they got when they came. */
struct tb_job *tb_serving_take_overdue(struct tb_serving *serving);

/* Between batches: those of a tenth of all, another one every time, whose clients have gone. Does
 * nothing when it has done so less than a tenth of a second ago. */
struct tb_job *tb_serving_take_gone(struct tb_serving *serving);

/* In how many milliseconds somebody has waited long enough or has to be looked after; at most
 * `most`. */
int64_t tb_serving_sleep_ms(const struct tb_serving *serving, int64_t most_ms);

#endif
