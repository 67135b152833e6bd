/* The committer: takes jobs from its queue, runs them in batches, each one transaction, and hands
 * them to their mailboxes when the batch is on disk.
 *
 *   turn:  take ── due, jobs, waiting claims ── commit ── deliver ── who waited too long, who left
 *
 * It knows no thread: the service's (service.c) does nothing but one turn after the other, and a
 * simulation does the same under a clock of its own. Everything but the queue, the news and the
 * health belongs to whoever makes the turns. */
#ifndef TB_SERVICE_COMMITTER_H
#define TB_SERVICE_COMMITTER_H

#include "base/steady.h"
#include "service/commit_metrics.h"
#include "service/news.h"
#include "service/queue.h"
#include "service/serving.h"

struct tb_committer {
    /* fixed */
    struct tb_store *store;
    const struct tb_clock *clock;
    unsigned batch_max;
    uint64_t store_id;

    /* shared */
    struct tb_queue queue;
    struct tb_news news;
    _Atomic int health; /* TB_OK, or why the last batch could not be written */

    /* owned */
    struct tb_steady time; /* what the board goes by */
    struct tb_board board;
    struct tb_commit_metrics metrics; /* read by anybody */
    struct tb_serving serving;
    struct tb_arena *arena; /* of the batch */
    int64_t next_due_ms;    /* 0: nothing is due */
    unsigned job_count;     /* that the batch has run */
    bool still_full;        /* the batch wrote nothing, and there is no room yet for a task */
    int64_t full_ms;        /* when a batch last found no room */
};

/* Makes the store fit the options and handles what is due. One sentence in `why` on failure: then
 * there is nothing to end. */
TB_MUST_CHECK enum tb_err tb_committer_init(struct tb_committer *committer,
                                            const struct tb_service_options *options, char *why,
                                            size_t why_size);

/* Jobs that still wait are not touched. */
void tb_committer_fini(struct tb_committer *committer);

/* How long the next turn may wait for jobs: less than a moment when there is work already. */
int64_t tb_committer_sleep_ms(struct tb_committer *committer);

/* Waits for jobs, at most so many real milliseconds, and does what is to be done. False: the queue
 * was stopped and is empty, nothing more will come. */
bool tb_committer_turn(struct tb_committer *committer, int64_t wait_ms);

#endif
