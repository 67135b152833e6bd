#include "board/board.h"

#include <assert.h>

#include "board/attempt.h"
#include "board/idempotency.h"
#include "board/rules.h"
#include "board/speaker.h"
#include "taskboard/limits.h"

static tb_rule *const rules[TB_COMMAND_KIND_COUNT] = {
    [TB_COMMAND_CREATE] = tb_rule_create,
    [TB_COMMAND_PATCH] = tb_rule_patch,
    [TB_COMMAND_DELETE] = tb_rule_delete,
    [TB_COMMAND_NOTE] = tb_rule_note,
    [TB_COMMAND_ARTIFACTS] = tb_rule_artifacts,
    [TB_COMMAND_BUMP] = tb_rule_bump,
    [TB_COMMAND_REVIEW] = tb_rule_review,
    [TB_COMMAND_APPROVE] = tb_rule_approve,
    [TB_COMMAND_REJECT] = tb_rule_reject,
    [TB_COMMAND_CLAIM] = tb_rule_claim,
    [TB_COMMAND_CLAIM_TASK] = tb_rule_claim_task,
    [TB_COMMAND_HEARTBEAT] = tb_rule_heartbeat,
    [TB_COMMAND_COMPLETE] = tb_rule_complete,
    [TB_COMMAND_FAIL] = tb_rule_fail,
    [TB_COMMAND_RELEASE] = tb_rule_release,
    [TB_COMMAND_CANCEL] = tb_rule_cancel,
    [TB_COMMAND_RETRY] = tb_rule_retry,
    [TB_COMMAND_RETRY_MANY] = tb_rule_retry_many,
    [TB_COMMAND_ACCEPT] = tb_rule_accept,
    [TB_COMMAND_PAUSE] = tb_rule_pause,
    [TB_COMMAND_RESUME] = tb_rule_resume,
    [TB_COMMAND_VM_REGISTER] = tb_rule_vm_register,
    [TB_COMMAND_VM_PUT] = tb_rule_vm_put,
    [TB_COMMAND_VM_PATCH] = tb_rule_vm_patch,
    [TB_COMMAND_VM_DELETE] = tb_rule_vm_delete,
    [TB_COMMAND_VM_HEARTBEAT] = tb_rule_vm_heartbeat,
    [TB_COMMAND_FEED_PUBLISH] = tb_rule_feed_publish,
    [TB_COMMAND_FEED_CLEAR] = tb_rule_feed_clear,
    [TB_COMMAND_TOKEN_CREATE] = tb_rule_token_create,
    [TB_COMMAND_TOKEN_DELETE] = tb_rule_token_delete,
    [TB_COMMAND_LINK_CREATE] = tb_rule_link_create,
    [TB_COMMAND_SESSION_START] = tb_rule_session_start,
    [TB_COMMAND_SESSION_END] = tb_rule_session_end,
    [TB_COMMAND_IMPORT] = tb_rule_import,
};

void tb_board_begin(struct tb_board *board, struct tb_txn *txn, struct tb_arena *arena,
                    int64_t wall_ms)
{
    const struct tb_head *head = tb_txn_head(txn);
    board->txn = txn;
    board->arena = arena;
    board->now_ms = wall_ms > head->last_ms ? wall_ms : head->last_ms;
    board->ids.last = head->last_id;
    board->readied = (struct tb_id_list){.arena = arena};
    board->resumed = false;
    board->vm_claims_left = TB_VM_CLAIMS_ENDED;
    board->saw_vms = false;
    board->kept_answers = false;
    board->spared_vms = 0;
    board->expired_claims = 0;
    board->lost_claims = 0;
    memset(board->events, 0, sizeof(board->events));
    tb_idempotency_expire(board);
}

/* A refusal has written nothing. Only a result that comes too late is refused and kept. */
static bool may_have_written(const struct tb_command *command, const struct tb_reply *reply)
{
    return reply->err == TB_OK ||
           (reply->err == TB_E_CLAIM_LOST && command->kind == TB_COMMAND_COMPLETE);
}

/* Has the command had an effect? Signs of life are no events. Nor is it one that a create finds the
 * task which has its uniqueKey: but sent again when that is done it would make another one. */
static bool has_effect(const struct tb_command *command, const struct tb_reply *reply)
{
    return reply->err == TB_OK &&
           (reply->seq != 0 || command->kind == TB_COMMAND_CREATE ||
            command->kind == TB_COMMAND_HEARTBEAT || command->kind == TB_COMMAND_VM_HEARTBEAT);
}

static void run(struct tb_board *board, const struct tb_command *command, struct tb_arena *arena,
                struct tb_reply *reply)
{
    board->settled_seq = tb_txn_head(board->txn)->seq;
    board->token = command->speaker.token;
    rules[command->kind](board, command, arena, reply);
    board->token = TB_STR_NONE;
    uint64_t seq = tb_txn_head(board->txn)->seq;
    assert(may_have_written(command, reply) || seq == board->settled_seq ||
           tb_txn_error(board->txn) != TB_OK);
    reply->seq = seq != board->settled_seq ? seq : 0;
    if (command->idempotency.present && has_effect(command, reply)) {
        tb_idempotency_keep(board, &command->idempotency, reply);
    }
}

void tb_board_apply(struct tb_board *board, const struct tb_command *command,
                    struct tb_arena *reply_arena, struct tb_reply *reply)
{
    assert(command->kind < TB_COMMAND_KIND_COUNT);
    if (tb_speaker_is_heard(board, command, reply) &&
        !tb_idempotency_settles(board, &command->idempotency, reply_arena, reply)) {
        run(board, command, reply_arena, reply);
    }
    enum tb_err err = tb_txn_error(board->txn);
    if (err != TB_OK) {
        tb_refuse(reply, err, TB_STR_NONE, TB_STR_NONE);
    }
}

void tb_rule_delete(struct tb_board *board, const struct tb_command *command,
                    struct tb_arena *arena, struct tb_reply *reply)
{
    struct tb_task old;
    if (!tb_change_load(board, command, arena, reply, &old) ||
        !tb_claim_may_be_ended(board, command, &old, arena, reply)) {
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
