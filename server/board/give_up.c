#include "board/give_up.h"

#include "board/note.h"
#include "board/vm_claims.h"

bool tb_attempts_are_used_up(const struct tb_task *task)
{
    return task->max_attempts > 0 && task->attempts >= task->max_attempts;
}

static struct tb_str dead_letter(struct tb_board *board, const struct tb_task *old,
                                 enum tb_attempt_outcome outcome)
{
    struct tb_buf out;
    tb_buf_init(&out, board->arena, 128);
    TB_BUF_LIT(&out, "{\"kind\":\"dead_letter\",\"attempt\":");
    tb_buf_add_u64(&out, old->claim.attempt);
    TB_BUF_LIT(&out, ",\"outcome\":\"");
    tb_buf_add_c(&out, tb_attempt_outcome_name(outcome));
    TB_BUF_LIT(&out, "\",\"at\":");
    tb_buf_add_instant(&out, board->now_ms);
    TB_BUF_LIT(&out, "}");
    return tb_buf_str(&out);
}

/* What the log says of it: which attempt, what else there is to say, and who asked for it. */
static struct tb_str event_data(struct tb_board *board, const struct tb_task *old,
                                struct tb_str extra)
{
    struct tb_buf out;
    tb_buf_init(&out, board->arena, 128 + extra.len + old->cancel.len);
    tb_buf_add_str(&out, tb_claim_members(board->arena, old->claim.attempt, old->claim.generation));
    tb_buf_add_str(&out, extra);
    if (old->cancel.ptr != NULL) {
        tb_buf_add_str(&out, tb_event_member(board->arena, "cancelRequested", old->cancel));
    }
    return tb_buf_str(&out);
}

void tb_claim_give_up(struct tb_board *board, const struct tb_task *old,
                      const struct tb_give_up *give_up, struct tb_task *task)
{
    struct tb_attempt_close close = give_up->close;
    struct tb_change change = {
        .type = give_up->type,
        .actor = give_up->actor,
        .extra = event_data(board, old, give_up->extra),
    };
    *task = *old;
    if (give_up->uncounted && task->attempts > 0) {
        task->attempts--;
    }
    if (old->cancel.ptr != NULL) {
        close.outcome = TB_ATTEMPT_CANCELLED;
        change.type = TB_EVENT_CANCELLED;
        task->status = TB_STATUS_DONE;
        task->outcome = TB_OUTCOME_CANCELLED;
    } else if (give_up->dead) {
        change.type = TB_EVENT_DEAD;
        task->status = TB_STATUS_BLOCKED;
        task->blocked_reason = dead_letter(board, old, close.outcome);
    } else {
        task->status = TB_STATUS_OPEN;
        if (give_up->not_before_ms > task->not_before_ms) {
            task->not_before_ms = give_up->not_before_ms;
        }
    }
    tb_claim_close(board, task, &close);
    tb_change_write(board, old, task, &change);
}

static void end_by_time(struct tb_board *board, const struct tb_task *old,
                        enum tb_attempt_outcome outcome, struct tb_str extra)
{
    const struct tb_give_up give_up = {
        .close = {.outcome = outcome},
        .type = TB_EVENT_EXPIRED,
        .dead = tb_attempts_are_used_up(old),
        .extra = extra,
    };
    struct tb_task task;
    tb_claim_give_up(board, old, &give_up, &task);
}

static void expire(struct tb_board *board, const struct tb_task *old)
{
    bool dead = tb_attempts_are_used_up(old);
    board->expired_claims++;
    end_by_time(board, old, TB_ATTEMPT_EXPIRED,
                dead ? TB_STR(",\"reason\":\"expired\"") : TB_STR_NONE);
}

void tb_claim_lose(struct tb_board *board, const struct tb_task *old)
{
    board->lost_claims++;
    end_by_time(board, old, TB_ATTEMPT_VM_LOST, TB_STR(",\"reason\":\"vm_lost\""));
}

bool tb_claim_settle(struct tb_board *board, const struct tb_task *old, int64_t *expires_ms)
{
    if (tb_vm_has_lost(board, old)) {
        tb_claim_lose(board, old);
        return true;
    }
    *expires_ms = tb_claim_expires_ms(board, old);
    if (*expires_ms > board->now_ms) {
        return false;
    }
    expire(board, old);
    return true;
}
