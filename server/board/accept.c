/* accept: a result that an attempt left, late or not, becomes the task's. */
#include "board/attempt.h"
#include "board/rules.h"

/* Reads the attempt's result; false: refused. A running attempt has none yet. */
static bool load_result(struct tb_board *board, const struct tb_task *task, uint32_t number,
                        struct tb_str *result, struct tb_reply *reply)
{
    struct tb_attempt attempt = {.number = 0};
    bool is_running = tb_task_is_claimed(task) && number == task->claim.attempt;
    enum tb_err err = is_running ? TB_OK : tb_get_attempt(board->txn, task->id, number, &attempt);
    if (err == TB_OK && attempt.result.ptr == NULL) {
        err = TB_E_NO_RESULT;
    }
    if (err != TB_OK) {
        tb_refuse(reply, err == TB_E_ABSENT ? TB_E_ATTEMPT_NOT_FOUND : err, TB_STR_NONE,
                  TB_STR_NONE);
        return false;
    }
    *result = attempt.result;
    return true;
}

void tb_rule_accept(struct tb_board *board, const struct tb_command *command,
                    struct tb_arena *arena, struct tb_reply *reply)
{
    const struct tb_steer_command *accept = &command->steer;
    struct tb_task old;
    struct tb_str result;
    if (!tb_change_load(board, command, arena, reply, &old) ||
        !load_result(board, &old, accept->attempt, &result, reply)) {
        return;
    }
    if (old.status == TB_STATUS_DONE && old.outcome == TB_OUTCOME_SUCCESS) {
        tb_refuse(reply, TB_E_ALREADY_DONE, TB_STR_NONE, TB_STR_NONE);
        return;
    }
    if (tb_task_is_claimed(&old) && !accept->force) {
        tb_refuse_already_claimed(&old, arena, reply);
        return;
    }
    struct tb_task task = old;
    struct tb_str taken_over = tb_claim_take_over(board, &task);
    task.result = result;
    task.status = TB_STATUS_DONE;
    task.outcome = TB_OUTCOME_SUCCESS;
    const struct tb_change change = {
        .type = TB_EVENT_COMPLETED,
        .actor = accept->by.ptr != NULL ? accept->by : command->actor,
        .extra = tb_arena_printf(board->arena, ",\"acceptedAttempt\":%u%.*s", accept->attempt,
                                 (int)taken_over.len, taken_over.len > 0 ? taken_over.ptr : ""),
    };
    tb_change_write(board, &old, &task, &change);
    tb_change_answer(board, &task, 200, arena, reply);
}
