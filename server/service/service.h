/* The service: one committer thread that turns jobs into durable changes, and readers for everybody
 * else.
 *
 *   loop thread --submit--> queue --> committer: one transaction, one fsync a batch --deliver-->
 * mailbox of the loop
 *
 * Nothing here knows HTTP. */
#ifndef TB_SERVICE_SERVICE_H
#define TB_SERVICE_SERVICE_H

#include "base/clock.h"
#include "board/board.h"
#include "taskboard/command.h"
#include "taskboard/storage.h"

struct tb_service;
struct tb_job;

/* Where a loop gets its answers. deliver() is called on the committer thread, once a commit and
 * mailbox, with a list of finished jobs linked by `next`, in commit order; it must not block. After
 * it the committer does not touch the jobs any more. */
struct tb_mailbox {
    void (*deliver)(struct tb_mailbox *mailbox, struct tb_job *jobs);
};

/* A command on its way. Allocated and freed by the submitter; between submit and deliver it belongs
 * to the committer. */
struct tb_job {
    struct tb_job *next;
    struct tb_arena *arena; /* holds the command's strings; the reply's are made here too */
    struct tb_mailbox *mailbox;
    struct tb_command command;
    struct tb_reply reply;
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

/* Finishes every job that was submitted, ends the thread. Submitting at the same time is refused
 * with TB_E_DRAINING. */
void tb_service_stop(struct tb_service **service);

/* Any thread. On TB_OK the job is on its way; otherwise it still belongs to the caller. */
TB_MUST_CHECK enum tb_err tb_service_submit(struct tb_service *service, struct tb_job *job);

/* The seq of the last committed event: any thread, never behind an answer that was delivered. */
uint64_t tb_service_head_seq(const struct tb_service *service);

/* The store's random id, in ETags. */
uint64_t tb_service_store_id(const struct tb_service *service);

/* TB_OK, or why the last batch could not be written (TB_E_STORAGE_FULL, TB_E_STORAGE_DOWN …): for
 * /ready. Any thread. */
enum tb_err tb_service_health(const struct tb_service *service);

#endif
