#include "board/board.h"

#include <assert.h>

#include "board/rules.h"

static tb_rule *const rules[TB_COMMAND_KIND_COUNT] = {
    [TB_COMMAND_CREATE] = tb_rule_create,       [TB_COMMAND_PATCH] = tb_rule_patch,
    [TB_COMMAND_DELETE] = tb_rule_delete,       [TB_COMMAND_NOTE] = tb_rule_note,
    [TB_COMMAND_ARTIFACTS] = tb_rule_artifacts, [TB_COMMAND_BUMP] = tb_rule_bump,
    [TB_COMMAND_REVIEW] = tb_rule_review,       [TB_COMMAND_APPROVE] = tb_rule_approve,
    [TB_COMMAND_REJECT] = tb_rule_reject,
};

void tb_board_begin(struct tb_board *board, struct tb_txn *txn, struct tb_arena *arena,
                    int64_t wall_ms)
{
    const struct tb_head *head = tb_txn_head(txn);
    board->txn = txn;
    board->arena = arena;
    board->now_ms = wall_ms > head->last_ms ? wall_ms : head->last_ms;
    board->ids.last = head->last_id;
}

void tb_board_apply(struct tb_board *board, const struct tb_command *command,
                    struct tb_arena *reply_arena, struct tb_reply *reply)
{
    assert(command->kind < TB_COMMAND_KIND_COUNT);
    uint64_t seq_before = tb_txn_head(board->txn)->seq;
    rules[command->kind](board, command, reply_arena, reply);
    enum tb_err err = tb_txn_error(board->txn);
    if (err != TB_OK) {
        tb_refuse(reply, err, TB_STR_NONE, TB_STR_NONE);
        return;
    }
    uint64_t seq = tb_txn_head(board->txn)->seq;
    assert(reply->err == TB_OK || seq == seq_before); /* a refusal has written nothing */
    reply->seq = seq != seq_before ? seq : 0;
}

void tb_rule_delete(struct tb_board *board, const struct tb_command *command,
                    struct tb_arena *arena, struct tb_reply *reply)
{
    struct tb_task old;
    if (!tb_change_load(board, command, arena, reply, &old)) {
        return;
    }
    tb_change_delete(board, &old, command->actor);
    *reply = (struct tb_reply){.http_status = 200, .body = TB_STR("{\"deleted\":true}")};
}

void tb_rule_bump(struct tb_board *board, const struct tb_command *command, struct tb_arena *arena,
                  struct tb_reply *reply)
{
    struct tb_task old;
    if (!tb_change_load(board, command, arena, reply, &old)) {
        return;
    }
    if (old.score >= TB_SCORE_MAX) {
        tb_refuse(reply, TB_E_LIMIT_REACHED, TB_STR("The task's score is as high as it goes"),
                  TB_STR(",\"field\":\"score\""));
        return;
    }
    struct tb_task task = old;
    task.score++;
    const struct tb_change change = {.type = TB_EVENT_BUMPED, .actor = command->actor};
    tb_change_write(board, &old, &task, &change);
    tb_change_answer(board, &task, 200, arena, reply);
}
