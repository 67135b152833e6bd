/* The end of a claim that leaves the task undone: by its holder, by time, by force. Internal to the
 * rules. */
#ifndef TB_BOARD_GIVE_UP_H
#define TB_BOARD_GIVE_UP_H

#include "board/attempt.h"

struct tb_give_up {
    struct tb_attempt_close close; /* its outcome: unless a cancel was requested */
    enum tb_event_type type;       /* of the event, when the task is open again */
    bool dead;                     /* it becomes a dead letter */
    bool uncounted;                /* the attempt does not count */
    int64_t not_before_ms;         /* open again, but not earlier; 0: at once */
    struct tb_str actor;           /* text; absent: time did it */
    struct tb_str extra;           /* further members of the event's data, or absent */
};

/* Ends the claim that holds `old` and writes the task: cancelled when that was requested, else a
 * dead letter or open again. `*task` is what it has become. */
void tb_claim_give_up(struct tb_board *board, const struct tb_task *old,
                      const struct tb_give_up *give_up, struct tb_task *task);

/* True when a further attempt must not be made because all are used up. */
bool tb_attempts_are_used_up(const struct tb_task *task);

/* The VM of the claim that holds `old` is lost. */
void tb_claim_lose(struct tb_board *board, const struct tb_task *old);

/* Ends the claim that holds `old` when its lease is over or its VM lost. False: it goes on, until
 * `*expires_ms` at least. */
bool tb_claim_settle(struct tb_board *board, const struct tb_task *old, int64_t *expires_ms);

#endif
