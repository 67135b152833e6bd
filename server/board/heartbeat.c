/* heartbeat: the holder is alive. It renews the lease and is no change of the task. */
#include "board/attempt.h"
#include "board/pause.h"
#include "board/rules.h"
#include "board/speaker.h"
#include "taskboard/limits.h"

/* {"percent"?,"message"?,"at"} */
static struct tb_str progress_of(struct tb_board *board,
                                 const struct tb_heartbeat_command *heartbeat)
{
    struct tb_buf out;
    tb_buf_init(&out, board->arena, 64 + heartbeat->message.len);
    TB_BUF_LIT(&out, "{");
    if (heartbeat->percent >= 0) {
        TB_BUF_LIT(&out, "\"percent\":");
        tb_buf_add_i64(&out, heartbeat->percent);
        TB_BUF_LIT(&out, ",");
    }
    if (heartbeat->message.ptr != NULL) {
        TB_BUF_LIT(&out, "\"message\":");
        tb_buf_add_quoted(&out, heartbeat->message);
        TB_BUF_LIT(&out, ",");
    }
    TB_BUF_LIT(&out, "\"at\":");
    tb_buf_add_instant(&out, board->now_ms);
    TB_BUF_LIT(&out, "}");
    return tb_buf_str(&out);
}

/* The log hears of progress, but not of all of it. */
static bool is_to_be_told(const struct tb_board *board, const struct tb_task *old,
                          const struct tb_heartbeat_command *heartbeat)
{
    return heartbeat->has_progress &&
           (old->progress_told_ms == 0 ||
            board->now_ms - old->progress_told_ms >= TB_PROGRESS_EVENT_MS);
}

static void renew(struct tb_board *board, const struct tb_heartbeat_command *heartbeat,
                  const struct tb_task *old, struct tb_task *task)
{
    *task = *old;
    if (heartbeat->lease_ms != 0) {
        task->claim.lease_ms = heartbeat->lease_ms;
    }
    task->claim.expires_ms = board->now_ms + task->claim.lease_ms;
    if (heartbeat->has_progress) {
        task->progress = progress_of(board, heartbeat);
    }
    if (!is_to_be_told(board, old, heartbeat)) {
        tb_change_refresh(board, old, task, NULL);
        return;
    }
    task->progress_told_ms = board->now_ms;
    const struct tb_change progress = {
        .type = TB_EVENT_PROGRESS,
        .actor = task->assignee,
        .extra = tb_claim_members(board->arena, task->claim.attempt, task->claim.generation),
    };
    tb_change_refresh(board, old, task, &progress);
}

static void answer(struct tb_board *board, const struct tb_task *task, struct tb_arena *arena,
                   struct tb_reply *reply)
{
    struct tb_pauses pauses;
    struct tb_buf body;
    bool paused =
        tb_pauses_load(board->txn, board->arena, &pauses) == TB_OK && tb_pauses_hold(&pauses, task);
    tb_buf_init(&body, arena, 160);
    TB_BUF_LIT(&body, "{\"expiresAt\":");
    tb_buf_add_instant(&body, task->claim.expires_ms);
    TB_BUF_LIT(&body, ",\"serverTime\":");
    tb_buf_add_instant(&body, board->now_ms);
    TB_BUF_LIT(&body, ",\"cancelRequested\":");
    tb_buf_add_c(&body, task->cancel.ptr != NULL ? "true" : "false");
    TB_BUF_LIT(&body, ",\"paused\":");
    tb_buf_add_c(&body, paused ? "true" : "false");
    TB_BUF_LIT(&body, "}");
    *reply = (struct tb_reply){.http_status = 200, .body = tb_buf_str(&body)};
}

void tb_rule_heartbeat(struct tb_board *board, const struct tb_command *command,
                       struct tb_arena *arena, struct tb_reply *reply)
{
    const struct tb_heartbeat_command *heartbeat = &command->heartbeat;
    struct tb_attempt attempt;
    struct tb_task old;
    struct tb_task task;
    if (!tb_change_find(board, command, reply, &old)) {
        return;
    }
    enum tb_token_kind kind = tb_claim_token_check(board, &old, heartbeat->claim_token, &attempt);
    if (kind != TB_TOKEN_HOLDER) {
        tb_refuse_claim_lost(&old, kind == TB_TOKEN_STALE ? &attempt : NULL, arena, reply);
        return;
    }
    if (!tb_speaker_may_use_claim(command, old.assignee, reply) ||
        !tb_change_match(command, &old, arena, reply)) {
        return;
    }
    renew(board, heartbeat, &old, &task);
    answer(board, &task, arena, reply);
}
