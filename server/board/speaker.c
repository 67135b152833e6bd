#include "board/speaker.h"

#include "board/change.h"

static bool is_alive(struct tb_board *board, const struct tb_speaker *speaker)
{
    struct tb_credential credential;
    if (tb_id_is_zero(speaker->credential)) {
        return true;
    }
    if (speaker->expires_ms != 0 && speaker->expires_ms <= board->now_ms) {
        return false;
    }
    return tb_txn_head(board->txn)->credential_changes == speaker->credential_changes ||
           tb_get_credential(board->txn, speaker->credential, &credential) == TB_OK;
}

bool tb_speaker_is_heard(struct tb_board *board, const struct tb_command *command,
                         struct tb_reply *reply)
{
    bool heard = is_alive(board, &command->speaker);
    if (!heard) {
        tb_refuse(reply, TB_E_INVALID_TOKEN, TB_STR_NONE, TB_STR_NONE);
    }
    return heard;
}

static bool forbid(struct tb_reply *reply, struct tb_str message, struct tb_str extra)
{
    tb_refuse(reply, TB_E_FORBIDDEN, message, extra);
    return false;
}

static bool is_bound_worker(const struct tb_command *command)
{
    return command->speaker.role == TB_ROLE_WORKER && command->speaker.agent.ptr != NULL;
}

bool tb_speaker_may_assign(const struct tb_command *command, struct tb_str assignee,
                           struct tb_reply *reply)
{
    return !is_bound_worker(command) || assignee.ptr == NULL ||
           tb_str_eq(assignee, command->speaker.agent) ||
           forbid(reply, TB_STR("This token assigns tasks to its own agent or to nobody"),
                  TB_STR(",\"field\":\"assignee\""));
}

bool tb_speaker_may_patch(const struct tb_command *command, const struct tb_task *old,
                          struct tb_reply *reply)
{
    const struct tb_patch_command *patch = &command->patch;
    if (command->speaker.role != TB_ROLE_WORKER) {
        return true;
    }
    if ((patch->set & ~(unsigned)(TB_PATCH_STATUS | TB_PATCH_ASSIGNEE)) != 0) {
        return forbid(reply, TB_STR("A worker's token changes status and assignee only"),
                      TB_STR_NONE);
    }
    if (is_bound_worker(command) && old->assignee.ptr != NULL &&
        !tb_str_eq(old->assignee, command->speaker.agent)) {
        return forbid(reply, TB_STR("The task is another agent's"), TB_STR_NONE);
    }
    return (patch->set & TB_PATCH_ASSIGNEE) == 0 ||
           tb_speaker_may_assign(command, patch->fields.assignee, reply);
}

bool tb_speaker_may_use_claim(const struct tb_command *command, struct tb_str holder,
                              struct tb_reply *reply)
{
    return command->speaker.agent.ptr == NULL || tb_str_eq(holder, command->speaker.agent) ||
           forbid(reply, TB_STR("The claim is another agent's"), TB_STR_NONE);
}
