/* The service: one committer thread that turns jobs into durable changes, and readers for everybody
 * else.
 *
 *   loop thread --submit--> queue --> committer: one transaction, one fsync a batch --deliver-->
 * mailbox of the loop
 *
 * A claim that finds nothing and has a wait_ms stays with the committer until there is a task for
 * it (serving.h) or its time is over; then it is delivered with the empty answer that it got at
 * first.
 *
 * Nothing here knows HTTP. */
#ifndef TB_SERVICE_SERVICE_H
#define TB_SERVICE_SERVICE_H

#include <stdatomic.h>

#include "base/clock.h"
#include "board/board.h"
#include "service/commit_metrics.h"
#include "service/waiting.h"
#include "taskboard/command.h"
#include "taskboard/storage.h"

struct tb_service;
struct tb_job;

/* Where a loop gets its answers. deliver() is called on the committer thread, once a commit and
 * mailbox, with a list of finished jobs linked by `next`, in commit order; it must not block. After
 * it the committer does not touch the jobs any more. */
struct tb_mailbox {
    void (*deliver)(struct tb_mailbox *mailbox, struct tb_job *jobs);

    /* of those who listen (tb_service_listen): called on the committer thread when a commit has
     * changed the board, once for each time that `wants_news` was set; it must not block. Who sets
     * it looks at the published numbers afterwards: what was committed before is not told. */
    void (*announce)(struct tb_mailbox *mailbox);
    atomic_bool wants_news;
    struct tb_mailbox *next_listener;
};

/* A command on its way. Allocated and freed by the submitter; between submit and deliver it belongs
 * to the committer. */
struct tb_job {
    struct tb_job *next;
    struct tb_arena *arena; /* holds the command's strings; the reply's are made here too */
    struct tb_mailbox *mailbox;
    struct tb_command command;
    struct tb_reply reply;
    struct tb_wait wait; /* the committer's: of a claim that waits */
    size_t body_bytes;   /* what stays in memory beside the arena as long as the claim waits */

    /* Has the client of a claim that waits gone, so that it must not be given anything? Called on
     * the committer thread; must not block. NULL: nobody can tell. */
    bool (*is_gone)(struct tb_job *job);
};

struct tb_service_options {
    struct tb_store *store;       /* borrowed */
    const struct tb_clock *clock; /* borrowed */
    struct tb_board_options board;
    tb_random_fn *random; /* for ids; called on the committer thread */
    void *random_ctx;
    unsigned queue_max; /* jobs waiting; more are refused with TB_E_OVERLOADED. 0: 16,384 */
    unsigned batch_max; /* jobs in one transaction. 0: 1,024 */
};

/* Opens for business: brings the store up to date with the options and starts the committer. One
 * sentence in `why` on failure. */
TB_MUST_CHECK enum tb_err tb_service_start(const struct tb_service_options *options,
                                           struct tb_service **service, char *why, size_t why_size);

/* Hands out nothing from now on: claims that wait are answered at once with nothing, new ones, and
 * requests that would finish a task and claim the next one, are refused with TB_E_DRAINING. Others
 * go on. Any thread. */
void tb_service_drain(struct tb_service *service);

/* Finishes every job that was submitted, ends the thread. Submitting at the same time is refused
 * with TB_E_DRAINING. */
void tb_service_stop(struct tb_service **service);

/* Any thread. On TB_OK the job is on its way; otherwise it still belongs to the caller. */
TB_MUST_CHECK enum tb_err tb_service_submit(struct tb_service *service, struct tb_job *job);

/* The seq of the last committed event: any thread, never behind an answer that was delivered. */
uint64_t tb_service_head_seq(const struct tb_service *service);

/* head.changes of the last commit. As above, and published together with the seq, but behind it. */
uint64_t tb_service_changes(const struct tb_service *service);

/* head.credential_changes of the last commit: any thread, never behind an answer that was
 * delivered. */
uint64_t tb_service_credential_changes(const struct tb_service *service);

/* From now on, until it is told to stop, the mailbox may be announced to. Any thread; after
 * tb_service_unlisten has returned, nothing is announced any more. */
void tb_service_listen(struct tb_service *service, struct tb_mailbox *mailbox);
void tb_service_unlisten(struct tb_service *service, struct tb_mailbox *mailbox);

/* The store's random id, in ETags. */
uint64_t tb_service_store_id(const struct tb_service *service);

/* TB_OK, or why the last batch could not be written (TB_E_STORAGE_FULL, TB_E_STORAGE_DOWN …): for
 * /ready. Any thread. */
enum tb_err tb_service_health(const struct tb_service *service);

/* What the committer counts. Any thread. */
const struct tb_commit_metrics *tb_service_metrics(const struct tb_service *service);

struct tb_queue_state {
    unsigned jobs; /* submitted and not taken by the committer so far */
    unsigned jobs_max;
    size_t bytes;     /* of their arenas */
    uint64_t refused; /* jobs since the start, because there was no room */
};

/* Any thread. */
void tb_service_look_at_queue(struct tb_service *service, struct tb_queue_state *state);

#endif
