#include "board/dependency.h"
#include "board/verify.h"

struct tally {
    uint32_t count;
    uint64_t bytes;
};

static enum tb_visit add_up(void *ctx, struct tb_id id, struct tb_str wire)
{
    struct tally *tally = ctx;
    (void)id;
    tally->count++;
    tally->bytes += wire.len;
    return TB_VISIT_NEXT;
}

static bool hangers_on_are_right(struct tb_verify *verify, const struct tb_task *task)
{
    struct tally notes = {.count = 0};
    struct tally artifacts = {.count = 0};
    return tb_visit_notes(verify->board.txn, task->id, add_up, &notes) == TB_OK &&
           tb_visit_artifacts(verify->board.txn, task->id, add_up, &artifacts) == TB_OK &&
           notes.count == task->note_count && notes.bytes == task->notes_bytes &&
           artifacts.count == task->artifact_count;
}

/* As long as it is not done, it is the one that its uniqueKey leads to. */
static bool key_is_its_own(struct tb_verify *verify, const struct tb_task *task)
{
    struct tb_id holder;
    return task->unique_key.ptr == NULL || task->status == TB_STATUS_DONE ||
           (tb_find_unique(verify->board.txn, task->unique_key, &holder) == TB_OK &&
            tb_id_cmp(holder, task->id) == 0);
}

static const char *fault_in_due(const struct tb_task *task, bool free)
{
    if (tb_task_is_claimed(task)) {
        return task->due_ms == 0 || task->due_ms > task->claim.expires_ms
                   ? "nothing will end its lease"
                   : NULL;
    }
    if (free && !task->ready) {
        return task->due_ms == 0 || task->due_ms != task->not_before_ms
                   ? "nothing will ever make it ready"
                   : NULL;
    }
    return task->due_ms != 0 ? "it is due without a reason" : NULL;
}

static const char *fault_in_waiting(struct tb_verify *verify, const struct tb_task *task)
{
    struct tb_str unmet = task->status == TB_STATUS_DONE
                              ? TB_STR("[]")
                              : tb_dependency_unmet(&verify->board, task->dependencies);
    bool free = task->status == TB_STATUS_OPEN && unmet.len == 2;
    if (!tb_str_eq(unmet, task->blocked_by)) {
        return "blockedBy is wrong";
    }
    if (task->ready && (!free || task->not_before_ms > verify->board.now_ms)) {
        return "it is ready too early";
    }
    return fault_in_due(task, free);
}

/* What readers are shown is made of the same fields that the rules look at. */
static bool is_rendered_well(struct tb_verify *verify, const struct tb_task *task)
{
    struct tb_task again = *task;
    tb_task_render(&again, verify->board.arena);
    return tb_str_eq(again.wire, task->wire) && again.summary_len == task->summary_len &&
           again.view_len == task->view_len;
}

const char *tb_verify_task(struct tb_verify *verify, const struct tb_task *task)
{
    const struct tb_head *head = tb_txn_head(verify->board.txn);
    const char *fault = fault_in_waiting(verify, task);
    if (fault != NULL) {
        return fault;
    }
    if (task->ready != (task->ready_ms != 0) || task->ready_ms > head->last_ms) {
        return "nobody knows since when it has been ready";
    }
    if ((task->status == TB_STATUS_DONE) != (task->outcome != TB_OUTCOME_NONE)) {
        return "status and outcome disagree";
    }
    if ((task->status == TB_STATUS_BLOCKED) != (task->blocked_reason.ptr != NULL)) {
        return "status and blockedReason disagree";
    }
    if (task->rank_ms != tb_task_rank(task, verify->board.options.aging_ms) &&
        task->rank_ms != tb_task_rank(task, head->aging_ms)) { /* a new aging comes step by step */
        return "its rank is wrong";
    }
    if (task->updated_ms > head->last_ms || tb_id_cmp(task->id, head->last_id) > 0) {
        return "it is newer than the board";
    }
    if (!key_is_its_own(verify, task)) {
        return "its uniqueKey does not lead to it";
    }
    if (!is_rendered_well(verify, task)) {
        return "what is shown of it is not what is stored";
    }
    return hangers_on_are_right(verify, task) ? NULL : "its notes or artifacts are miscounted";
}
