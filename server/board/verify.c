#include "board/board.h"

#include <stdio.h>

#include "board/dependency.h"

/* A walk over the whole store that compares what is stored with what the rules say it should be. */
struct verify {
    struct tb_board board; /* so that the rules' own readers can be asked */
    uint64_t counts[TB_STATE_COUNT];
    uint64_t next_seq;
    char *why;
    size_t why_size;
    bool holds;
};

static enum tb_visit fail(struct verify *verify, const char *what, struct tb_id id)
{
    char text[TB_ULID_LEN];
    tb_ulid_format(id, text);
    (void)snprintf(verify->why, verify->why_size, "task %.*s: %s", TB_ULID_LEN, text, what);
    verify->holds = false;
    return TB_VISIT_STOP;
}

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

static bool hangers_on_are_right(struct verify *verify, const struct tb_task *task)
{
    struct tally notes = {.count = 0};
    struct tally artifacts = {.count = 0};
    return tb_visit_notes(verify->board.txn, task->id, add_up, &notes) == TB_OK &&
           tb_visit_artifacts(verify->board.txn, task->id, add_up, &artifacts) == TB_OK &&
           notes.count == task->note_count && notes.bytes == task->notes_bytes &&
           artifacts.count == task->artifact_count;
}

/* As long as it is not done, it is the one that its uniqueKey leads to. */
static bool key_is_its_own(struct verify *verify, const struct tb_task *task)
{
    struct tb_id holder;
    return task->unique_key.ptr == NULL || task->status == TB_STATUS_DONE ||
           (tb_find_unique(verify->board.txn, task->unique_key, &holder) == TB_OK &&
            tb_id_cmp(holder, task->id) == 0);
}

static const char *fault_in_waiting(struct verify *verify, const struct tb_task *task)
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
    if (free && !task->ready && (task->due_ms == 0 || task->due_ms != task->not_before_ms)) {
        return "nothing will ever make it ready";
    }
    if ((!free || task->ready) && task->due_ms != 0) {
        return "it is due without a reason";
    }
    return NULL;
}

/* What is wrong with a task, or NULL. */
static const char *fault_in(struct verify *verify, const struct tb_task *task)
{
    const struct tb_head *head = tb_txn_head(verify->board.txn);
    const char *fault = fault_in_waiting(verify, task);
    if (fault != NULL) {
        return fault;
    }
    if ((task->status == TB_STATUS_DONE) != (task->outcome != TB_OUTCOME_NONE)) {
        return "status and outcome disagree";
    }
    if ((task->status == TB_STATUS_BLOCKED) != (task->blocked_reason.ptr != NULL)) {
        return "status and blockedReason disagree";
    }
    if (task->rank_ms != tb_task_rank(task, verify->board.options.aging_ms)) {
        return "its rank is wrong";
    }
    if (task->updated_ms > head->last_ms || tb_id_cmp(task->id, head->last_id) > 0) {
        return "it is newer than the board";
    }
    if (!key_is_its_own(verify, task)) {
        return "its uniqueKey does not lead to it";
    }
    return hangers_on_are_right(verify, task) ? NULL : "its notes or artifacts are miscounted";
}

static enum tb_visit check_task(void *ctx, const struct tb_task *task)
{
    struct verify *verify = ctx;
    verify->counts[tb_task_state(task)]++;
    const char *fault = fault_in(verify, task);
    return fault == NULL ? TB_VISIT_NEXT : fail(verify, fault, task->id);
}

static enum tb_visit check_event(void *ctx, const struct tb_event *event)
{
    struct verify *verify = ctx;
    if (event->seq != verify->next_seq) {
        (void)snprintf(verify->why, verify->why_size, "event %llu is missing",
                       (unsigned long long)verify->next_seq);
        verify->holds = false;
        return TB_VISIT_STOP;
    }
    verify->next_seq++;
    return TB_VISIT_NEXT;
}

static bool counters_are_right(struct verify *verify, const struct tb_head *head)
{
    for (unsigned i = 0; i < TB_STATE_COUNT; i++) {
        if (verify->counts[i] != head->task_counts[i]) {
            (void)snprintf(
                verify->why, verify->why_size, "state %u counts %llu tasks, there are %llu", i,
                (unsigned long long)head->task_counts[i], (unsigned long long)verify->counts[i]);
            return false;
        }
    }
    return true;
}

bool tb_board_verify(struct tb_txn *txn, const struct tb_board_options *options, int64_t now_ms,
                     struct tb_arena *arena, char *why, size_t why_size)
{
    const struct tb_head *head = tb_txn_head(txn);
    struct verify verify = {
        .board = {.options = *options,
                  .txn = txn,
                  .arena = arena,
                  .now_ms = now_ms > head->last_ms ? now_ms : head->last_ms},
        .next_seq = tb_txn_head(txn)->oldest_seq,
        .why = why,
        .why_size = why_size,
        .holds = true,
    };
    const struct tb_task_query everything = {.order = TB_ORDER_CREATED, .states = TB_STATES_ALL};
    struct tb_query_end end;
    if (tb_visit_tasks(txn, &everything, check_task, &verify, &end) != TB_OK ||
        (verify.holds && tb_visit_events(txn, verify.next_seq - 1, (struct tb_id){{0}}, check_event,
                                         &verify) != TB_OK)) {
        (void)snprintf(why, why_size, "the store cannot be read");
        return false;
    }
    if (verify.holds && verify.next_seq != head->seq + 1) {
        (void)snprintf(why, why_size, "the log ends at event %llu, the head says %llu",
                       (unsigned long long)verify.next_seq - 1, (unsigned long long)head->seq);
        return false;
    }
    return verify.holds && counters_are_right(&verify, head);
}
