/* cancel: at once when nobody has claimed the task; else its holder is asked to stop, and force
 * does not wait for that. */
#include "board/give_up.h"
#include "board/note.h"
#include "board/rules.h"

/* Adds `"name":"text",` when the text is there. */
static void add_text(struct tb_buf *out, const char *name, struct tb_str text)
{
    if (text.ptr != NULL) {
        tb_buf_add_quoted(out, tb_str_c(name));
        TB_BUF_LIT(out, ":");
        tb_buf_add_quoted(out, text);
        TB_BUF_LIT(out, ",");
    }
}

/* {"by"?,"reason"?,"at"} */
static struct tb_str request_of(struct tb_board *board, struct tb_str by, struct tb_str reason)
{
    struct tb_buf out;
    tb_buf_init(&out, board->arena, 96 + by.len + reason.len);
    TB_BUF_LIT(&out, "{");
    add_text(&out, "by", by);
    add_text(&out, "reason", reason);
    TB_BUF_LIT(&out, "\"at\":");
    tb_buf_add_instant(&out, board->now_ms);
    TB_BUF_LIT(&out, "}");
    return tb_buf_str(&out);
}

static struct tb_str reason_member(struct tb_arena *arena, struct tb_str reason)
{
    struct tb_buf out;
    if (reason.ptr == NULL) {
        return TB_STR_NONE;
    }
    tb_buf_init(&out, arena, 32 + reason.len);
    TB_BUF_LIT(&out, ",\"reason\":");
    tb_buf_add_quoted(&out, reason);
    return tb_buf_str(&out);
}

/* Nobody works on it, as far as the board knows: one who holds it without a claim is not asked. */
static void cancel_unclaimed(struct tb_board *board, const struct tb_task *old,
                             const struct tb_steer_command *cancel, struct tb_str by,
                             struct tb_task *task)
{
    *task = *old;
    task->status = TB_STATUS_DONE;
    task->outcome = TB_OUTCOME_CANCELLED;
    const struct tb_change change = {
        .type = TB_EVENT_CANCELLED,
        .actor = by,
        .extra = reason_member(board->arena, cancel->reason),
    };
    tb_change_write(board, old, task, &change);
}

static void ask_holder(struct tb_board *board, const struct tb_task *old,
                       const struct tb_steer_command *cancel, struct tb_str by,
                       struct tb_task *task)
{
    *task = *old;
    task->cancel = request_of(board, by, cancel->reason);
    struct tb_str members =
        tb_claim_members(board->arena, old->claim.attempt, old->claim.generation);
    const struct tb_change change = {
        .type = TB_EVENT_CANCEL_REQUESTED,
        .actor = by,
        .extra = tb_arena_printf(board->arena, "%.*s,\"cancelRequested\":%.*s", (int)members.len,
                                 members.ptr, (int)task->cancel.len, task->cancel.ptr),
    };
    tb_change_write(board, old, task, &change);
}

/* As if the holder had been asked and had let go at once. */
static void cancel_by_force(struct tb_board *board, const struct tb_task *old,
                            const struct tb_steer_command *cancel, struct tb_str by,
                            struct tb_task *task)
{
    struct tb_task asked = *old;
    if (asked.cancel.ptr == NULL) {
        asked.cancel = request_of(board, by, cancel->reason);
    }
    const struct tb_give_up give_up = {.close = {.outcome = TB_ATTEMPT_CANCELLED}, .actor = by};
    tb_claim_give_up(board, &asked, &give_up, task);
}

void tb_rule_cancel(struct tb_board *board, const struct tb_command *command,
                    struct tb_arena *arena, struct tb_reply *reply)
{
    const struct tb_steer_command *cancel = &command->steer;
    struct tb_str by = cancel->by.ptr != NULL ? cancel->by : command->actor;
    struct tb_task old;
    struct tb_task task;
    if (!tb_change_load(board, command, arena, reply, &old)) {
        return;
    }
    if (old.status == TB_STATUS_DONE) {
        tb_refuse(reply, TB_E_ALREADY_DONE, TB_STR_NONE, TB_STR_NONE);
        return;
    }
    if (!tb_task_is_claimed(&old)) {
        cancel_unclaimed(board, &old, cancel, by, &task);
    } else if (cancel->force) {
        cancel_by_force(board, &old, cancel, by, &task);
    } else if (old.cancel.ptr == NULL) {
        ask_holder(board, &old, cancel, by, &task);
    } else {
        task = old; /* was asked before */
    }
    tb_change_answer(board, &task, 200, arena, reply);
}
