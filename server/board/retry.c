/* retry: what was given up is open again, with fresh attempts: one task, or many. */
#include "board/change.h"
#include "board/rules.h"
#include "taskboard/limits.h"

/* Done tasks that POST /board/retry looks at, newest first, before it stops looking. */
#define SCAN_MAX 100000

static bool is_given_up(const struct tb_task *task)
{
    return tb_task_is_dead_letter(task) ||
           (task->status == TB_STATUS_DONE && task->outcome != TB_OUTCOME_SUCCESS);
}

static struct tb_task reopened(const struct tb_task *old)
{
    struct tb_task task = *old;
    task.status = TB_STATUS_OPEN;
    task.outcome = TB_OUTCOME_NONE;
    task.attempts = 0;
    task.not_before_ms = 0;
    task.result = TB_STR_NONE;
    return task;
}

void tb_rule_retry(struct tb_board *board, const struct tb_command *command, struct tb_arena *arena,
                   struct tb_reply *reply)
{
    struct tb_str by = command->steer.by;
    struct tb_task old;
    if (!tb_change_load(board, command, arena, reply, &old)) {
        return;
    }
    if (!is_given_up(&old)) {
        tb_refuse(reply, TB_E_NOT_RETRYABLE, TB_STR_NONE, TB_STR_NONE);
        return;
    }
    struct tb_task task = reopened(&old);
    if (!tb_change_key_is_free(board, &task)) {
        tb_refuse(reply, TB_E_UNIQUE_KEY_TAKEN, TB_STR_NONE, TB_STR_NONE);
        return;
    }
    const struct tb_change change = {
        .type = TB_EVENT_RETRIED,
        .actor = by.ptr != NULL ? by : command->actor,
    };
    tb_change_write(board, &old, &task, &change);
    tb_change_answer(board, &task, 200, arena, reply);
}

/* --- many --- */

/* Lists go newest first, and the oldest are wanted: a ring that keeps the last ones seen. */
struct oldest {
    struct tb_board *board;
    enum tb_outcome outcome; /* NONE: dead letters */
    struct tb_id *ids;
    uint32_t max;
    uint64_t seen;
};

static enum tb_visit see(void *ctx, const struct tb_task *stored)
{
    struct oldest *oldest = ctx;
    struct tb_task task = reopened(stored);
    bool fits = oldest->outcome == TB_OUTCOME_NONE ? tb_task_is_dead_letter(stored)
                                                   : stored->outcome == oldest->outcome;
    if (fits && tb_change_key_is_free(oldest->board, &task)) {
        oldest->ids[oldest->seen++ % oldest->max] = task.id;
    }
    return TB_VISIT_NEXT;
}

/* `*cut` says that not all were looked at. */
static void find(struct tb_board *board, const struct tb_retry_many_command *retry,
                 struct oldest *oldest, bool *cut)
{
    const struct tb_task_query query = {
        .order = TB_ORDER_CREATED,
        .states = 1U << (retry->outcome == TB_OUTCOME_NONE ? TB_STATE_BLOCKED : TB_STATE_DONE),
        .assignee = retry->assignee,
        .created_by = retry->created_by,
        .parent_id = retry->parent_id,
        .tags = &retry->tag,
        .tag_count = retry->tag.ptr != NULL ? 1 : 0,
        .scan_max = SCAN_MAX,
    };
    struct tb_query_end end = {.more_to_scan = false};
    tb_visit_tasks(board->txn, &query, see, oldest, &end);
    *cut = end.more_to_scan;
}

/* False: one of those that were reopened before it has its uniqueKey. */
static bool reopen(struct tb_board *board, struct tb_id id, struct tb_str by)
{
    struct tb_task old;
    if (tb_get_task(board->txn, id, &old) != TB_OK) {
        return false;
    }
    struct tb_task task = reopened(&old);
    if (!tb_change_key_is_free(board, &task)) {
        return false;
    }
    const struct tb_change change = {.type = TB_EVENT_RETRIED, .actor = by};
    tb_change_write(board, &old, &task, &change);
    return true;
}

static uint32_t reopen_all(struct tb_board *board, const struct oldest *oldest, struct tb_str by)
{
    uint64_t left = oldest->seen < oldest->max ? oldest->seen : oldest->max;
    uint64_t at = oldest->seen;
    uint32_t count = 0;
    struct tb_scratch scratch;
    tb_scratch_begin(board, &scratch);
    for (; left > 0; left--) {
        count += reopen(board, oldest->ids[--at % oldest->max], by) ? 1 : 0;
        tb_scratch_reset(&scratch);
    }
    tb_scratch_end(board, &scratch);
    return count;
}

void tb_rule_retry_many(struct tb_board *board, const struct tb_command *command,
                        struct tb_arena *arena, struct tb_reply *reply)
{
    const struct tb_retry_many_command *retry = &command->retry_many;
    struct oldest oldest = {
        .board = board,
        .outcome = retry->outcome,
        .ids = tb_arena_alloc(board->arena, retry->max * sizeof(struct tb_id)),
        .max = retry->max,
    };
    bool cut = false;
    find(board, retry, &oldest, &cut);
    uint32_t count = reopen_all(board, &oldest, retry->by.ptr != NULL ? retry->by : command->actor);
    *reply = (struct tb_reply){
        .http_status = 200,
        .body = tb_arena_printf(arena, "{\"count\":%u,\"more\":%s}", count,
                                cut || oldest.seen > oldest.max ? "true" : "false"),
    };
}
