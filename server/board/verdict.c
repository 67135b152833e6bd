/* review, approve, reject: a new status and an `update` note that says who and why, in one change.
 */
#include "board/attempt.h"
#include "board/note.h"
#include "board/rules.h"

struct verdict {
    enum tb_status status;
    enum tb_event_type type;
    struct tb_str note; /* text of the note */
};

/* Where there is none, one that leaves the status as it is may be the very one that has ended it,
 * sent again. */
static bool would_end_claim(const struct verdict *verdict, const struct tb_task *old)
{
    return tb_task_is_claimed(old) || old->status != verdict->status;
}

static void apply(struct tb_board *board, const struct tb_command *command,
                  const struct verdict *verdict, struct tb_arena *arena, struct tb_reply *reply)
{
    const struct tb_artifacts_command *artifacts = &command->verdict.artifacts;
    struct tb_task old;
    if (!tb_change_load(board, command, arena, reply, &old) ||
        (would_end_claim(verdict, &old) &&
         !tb_claim_may_be_ended(board, command, &old, arena, reply)) ||
        !tb_note_has_room(&old, verdict->note, arena, reply) ||
        !tb_artifacts_have_room(&old, artifacts->item_count, arena, reply)) {
        return;
    }
    struct tb_task task = old;
    task.status = verdict->status;
    task.outcome = TB_OUTCOME_NONE;
    if (!tb_change_key_is_free(board, &task)) {
        tb_refuse(reply, TB_E_UNIQUE_KEY_TAKEN, TB_STR_NONE, TB_STR_NONE);
        return;
    }
    struct tb_str taken_over = tb_claim_take_over(board, &task);
    const struct tb_note_command note = {
        .author = command->verdict.by,
        .content = verdict->note,
        .type = TB_NOTE_UPDATE,
    };
    struct tb_str wire = tb_note_add(board, &task, &note, board->arena);
    struct tb_buf extra;
    tb_buf_init(&extra, board->arena, wire.len + 128);
    tb_buf_add_str(&extra, taken_over);
    tb_buf_add_str(&extra, tb_event_member(board->arena, "note", wire));
    if (artifacts->item_count > 0) {
        struct tb_str list = tb_artifacts_add(board, &task, artifacts, board->arena);
        tb_buf_add_str(&extra, tb_event_member(board->arena, "artifacts", list));
    }
    const struct tb_change change = {
        .type = verdict->type,
        .actor = command->verdict.by,
        .extra = tb_buf_str(&extra),
    };
    tb_change_write(board, &old, &task, &change);
    tb_change_answer(board, &task, 200, arena, reply);
}

/* "<verb> by <who>: <why>", or "<verb> by <who>" when nothing was said. */
static struct tb_str verdict_text(struct tb_arena *arena, const char *verb,
                                  const struct tb_verdict_command *verdict)
{
    struct tb_buf text;
    tb_buf_init(&text, arena, verdict->by.len + verdict->text.len + 32);
    tb_buf_add_c(&text, verb);
    TB_BUF_LIT(&text, " by ");
    tb_buf_add_str(&text, verdict->by);
    if (verdict->text.len > 0) {
        TB_BUF_LIT(&text, ": ");
        tb_buf_add_str(&text, verdict->text);
    }
    return tb_buf_str(&text);
}

void tb_rule_review(struct tb_board *board, const struct tb_command *command,
                    struct tb_arena *arena, struct tb_reply *reply)
{
    const struct verdict verdict = {
        .status = TB_STATUS_IN_REVIEW,
        .type = TB_EVENT_REVIEWED,
        .note = command->verdict.text,
    };
    apply(board, command, &verdict, arena, reply);
}

void tb_rule_approve(struct tb_board *board, const struct tb_command *command,
                     struct tb_arena *arena, struct tb_reply *reply)
{
    const struct verdict verdict = {
        .status = TB_STATUS_DONE,
        .type = TB_EVENT_APPROVED,
        .note = verdict_text(board->arena, "Approved", &command->verdict),
    };
    apply(board, command, &verdict, arena, reply);
}

void tb_rule_reject(struct tb_board *board, const struct tb_command *command,
                    struct tb_arena *arena, struct tb_reply *reply)
{
    const struct verdict verdict = {
        .status = TB_STATUS_OPEN,
        .type = TB_EVENT_REJECTED,
        .note = verdict_text(board->arena, "Rejected", &command->verdict),
    };
    apply(board, command, &verdict, arena, reply);
}
