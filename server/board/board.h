/* The rules: what a command does to the board. Pure functions over a transaction: no threads, no
 * sockets, no wall clock.
 *
 * A rule reads what it needs, makes every check, and only then writes; a refused command has
 * written nothing. When the engine fails, the transaction's error is sticky and the caller throws
 * the whole batch away. */
#ifndef TB_BOARD_BOARD_H
#define TB_BOARD_BOARD_H

#include "board/read.h"
#include "taskboard/command.h"
#include "taskboard/storage.h"

struct tb_board_options {
    int64_t aging_ms; /* a point of priority or score is worth that much waiting */
    uint32_t default_max_attempts;
    uint64_t retain_events; /* in the log; 0: without limit */
    int64_t retain_ms;      /* how long; 0: without limit */
    uint64_t retain_done;   /* finished tasks, those changed latest; 0: all */
    int64_t retain_done_ms; /* since their last change; 0: for ever */
    /* Is given those tasks before they are deleted, as lines of an export. False: they must stay.
     * NULL: nobody wants them. */
    bool (*archive)(void *ctx, int64_t now_ms, struct tb_str lines);
    void *archive_ctx;
};

/* Ids of tasks, in an array that grows in the batch's arena. */
struct tb_id_list {
    struct tb_arena *arena;
    struct tb_id *ids;
    size_t count;
    size_t room;
};

/* What the board remembers of credentials that have an end (credential_end.c). */
struct tb_credential_ends {
    uint64_t changes; /* head.credential_changes when this was found out */
    int64_t due_ms;   /* when the first of them is over; 0: nothing was found out so far */
};

/* What the board remembers of cutting the log's old end off (trim.c). */
struct tb_trim {
    uint64_t oldest_seq; /* what follows was found out when this was the log's oldest event */
    int64_t age_ms;      /* when an event comes to be too old */
    int64_t again_ms;    /* not before then is it cut because there are too many */
};

/* How far the deletion of finished tasks has come (retire.c). */
struct tb_retire {
    bool in_pass;
    struct tb_position position; /* of the task looked at last; all zero: none so far */
    uint64_t seen;               /* tasks looked at in this pass */
    int64_t again_ms;            /* the next pass begins not before then */
};

/* One batch. Owned by the committer thread. */
struct tb_board {
    struct tb_board_options options;
    int64_t started_ms; /* when the server came up: every lease gets its own length again from
                         * there, because nobody could heartbeat before; 0: leases as stored */
    struct tb_ulid_source ids; /* its `last` is taken from the head at the start of each batch */
    struct tb_txn *txn;
    struct tb_arena *arena; /* of the batch */
    int64_t now_ms;         /* the batch's instant: never behind the head's last_ms */
    uint64_t settled_seq;   /* the head's seq when the command began, behind a lease that had ended
                             * by then: what goes beyond it the command has done */

    struct tb_trim trim;
    struct tb_credential_ends ends;
    struct tb_str token; /* text: of the command that is being run, for the log; absent: of none */
    struct tb_retire retire;

    /* made anew by tb_board_begin */
    uint32_t vm_claims_left; /* claims of a lost VM that the batch may still end */
    bool saw_vms;            /* signs of life were stored: the head shows nothing of it */
    bool kept_answers;       /* the same of answers, where as many old ones were dropped */
    uint32_t spared_vms;     /* VMs whose loss was put off because too many were lost at once */
    uint32_t expired_claims; /* ended because their lease was over */
    uint32_t lost_claims;    /* ended because their VM was lost */
    uint32_t events[TB_EVENT_TYPE_COUNT]; /* written */

    /* for the claims that wait (service.h); emptied by tb_board_begin */
    bool collects_readied;     /* set by the caller: somebody waits */
    struct tb_id_list readied; /* tasks that the batch has stored in state READY, some twice */
    bool resumed;              /* a pause has ended: any task may have become claimable */
};

/* Starts a batch in `txn`: takes the time and the last id from the head. */
void tb_board_begin(struct tb_board *board, struct tb_txn *txn, struct tb_arena *arena,
                    int64_t wall_ms);

/* Runs one command. The reply's strings are made in `reply_arena`. When the reply's err is an
 * operating error the batch must be aborted. A refusal has written nothing, but for a result that
 * came too late (TB_E_CLAIM_LOST with a seq): it is kept. The end of a lease that was over before
 * the command came is written with it, whatever becomes of the command. */
void tb_board_apply(struct tb_board *board, const struct tb_command *command,
                    struct tb_arena *reply_arena, struct tb_reply *reply);

/* Handles what is due by the batch's instant: at most `max` tasks and VMs, and the old end of the
 * log. Returns what tb_board_next_due_ms does. */
int64_t tb_board_run_due(struct tb_board *board, unsigned max);

/* When something is due next: the batch's instant when something is now, 0 when nothing ever is. */
int64_t tb_board_next_due_ms(struct tb_board *board);

/* Would that claim take that task, which is in state READY? Pauses are not looked at. For finding
 * the waiting claim that comes first; the claim itself is then run as a command. */
bool tb_claim_wants(const struct tb_claim_command *claim, const struct tb_task *task);

/* Gives every task the rank that the current aging makes, `max` tasks a call from `*after` on (all
 * zero at first); true when it is through and the head says so. For the start of a server whose
 * aging was changed. */
bool tb_board_rerank(struct tb_board *board, struct tb_id *after, unsigned max);

/* Checks what must always hold: counters equal a recount, blockedBy, ready, ranks and unique keys
 * are right, nothing is newer than the head, the log is gapless. For tests and the offline check.
 * Tells of every fault (of each task and VM: of the first) and returns false when there is one.
 * Costs a walk over everything; in `arena` it remembers the names and claims that it met. */
bool tb_board_verify_all(struct tb_txn *txn, const struct tb_board_options *options, int64_t now_ms,
                         struct tb_arena *arena, tb_report_fault *report, void *ctx);

/* The same; writes the first fault into `why`. */
bool tb_board_verify(struct tb_txn *txn, const struct tb_board_options *options, int64_t now_ms,
                     struct tb_arena *arena, char *why, size_t why_size);

#endif
