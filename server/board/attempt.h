/* Claims and attempts: the token, the end of a claim, the record that it leaves. Internal to the
 * rules. */
#ifndef TB_BOARD_ATTEMPT_H
#define TB_BOARD_ATTEMPT_H

#include "board/change.h"

/* --- the token: `<attempt>.<mac>`, the mac over task, attempt and generation with head.claim_key.
 * Nothing of it is stored. --- */

/* The token (text, in `arena`) of that attempt. */
struct tb_str tb_claim_token(struct tb_board *board, struct tb_id task_id, uint32_t attempt,
                             uint64_t generation, struct tb_arena *arena);

/* Whose token is it? */
enum tb_token_kind {
    TB_TOKEN_HOLDER,  /* of the claim that holds the task */
    TB_TOKEN_STALE,   /* of an attempt that has ended; `attempt` is read */
    TB_TOKEN_UNKNOWN, /* of no attempt that the board remembers */
};

enum tb_token_kind tb_claim_token_check(struct tb_board *board, const struct tb_task *task,
                                        struct tb_str token, struct tb_attempt *attempt);

/* Refuses with claim_lost: `,"reason":…` of the attempt (NULL: unknown), and who holds it now. */
void tb_refuse_claim_lost(const struct tb_task *task, const struct tb_attempt *attempt,
                          struct tb_arena *arena, struct tb_reply *reply);

/* Refuses with already_claimed and `,"claim":{"by":…,"generation":…}`. */
void tb_refuse_already_claimed(const struct tb_task *task, struct tb_arena *arena,
                               struct tb_reply *reply);

/* --- a claim's life --- */

/* When the lease really ends: after a restart not before its own length has passed again, and not
 * while the claim's VM keeps it (vm_claims.h). */
int64_t tb_claim_expires_ms(const struct tb_board *board, const struct tb_task *task);

/* `,"attempt":…,"generation":…`, for an event's data. */
struct tb_str tb_claim_members(struct tb_arena *arena, uint32_t attempt, uint64_t generation);

/* How an attempt ends. */
struct tb_attempt_close {
    enum tb_attempt_outcome outcome;
    enum tb_attempt_end ended_by;
    struct tb_str error;  /* text; may be absent */
    struct tb_str result; /* json; may be absent */
};

/* Stores the attempt that holds `task`, as ended, and takes the claim off the task: the caller then
 * sets the task's status and writes it. Forgets the attempt that is TB_ATTEMPTS_KEPT older. The
 * attempt stays counted. */
void tb_claim_close(struct tb_board *board, struct tb_task *task,
                    const struct tb_attempt_close *close);

/* The same for a claim that somebody else ends; returns what goes into the event's data. Does
 * nothing, and returns an absent string, when the task is not claimed. */
struct tb_str tb_claim_take_over(struct tb_board *board, struct tb_task *task);

/* For rules that would end a live claim (PATCH of status or assignee, DELETE, a verdict): true when
 * the command may end it, or there is none and the command says nothing else; else refuses with
 * already_claimed or claim_lost. */
bool tb_claim_may_be_ended(struct tb_board *board, const struct tb_command *command,
                           const struct tb_task *task, struct tb_arena *arena,
                           struct tb_reply *reply);

#endif
