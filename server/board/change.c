#include "board/change.h"

#include <assert.h>

#include "board/dependency.h"

void tb_refuse(struct tb_reply *reply, enum tb_err err, struct tb_str message, struct tb_str extra)
{
    *reply = (struct tb_reply){.err = err, .message = message, .extra = extra};
}

static bool if_match_holds(const struct tb_if_match *if_match, uint64_t version)
{
    if (!if_match->present || if_match->any) {
        return true;
    }
    for (size_t i = 0; i < if_match->version_count; i++) {
        if (if_match->versions[i] == version) {
            return true;
        }
    }
    return false;
}

bool tb_change_load(struct tb_board *board, const struct tb_command *command,
                    struct tb_arena *arena, struct tb_reply *reply, struct tb_task *task)
{
    enum tb_err err = tb_get_task(board->txn, command->task_id, task);
    if (err != TB_OK) {
        tb_refuse(reply, err == TB_E_ABSENT ? TB_E_TASK_NOT_FOUND : err, TB_STR_NONE, TB_STR_NONE);
        return false;
    }
    if (!if_match_holds(&command->if_match, task->version)) {
        struct tb_str extra =
            tb_arena_printf(arena, ",\"version\":%llu", (unsigned long long)task->version);
        tb_refuse(reply, TB_E_VERSION_MISMATCH, TB_STR_NONE, extra);
        return false;
    }
    return true;
}

bool tb_change_key_is_free(struct tb_board *board, const struct tb_task *task)
{
    struct tb_id holder;
    if (task->unique_key.ptr == NULL || task->status == TB_STATUS_DONE) {
        return true;
    }
    enum tb_err err = tb_find_unique(board->txn, task->unique_key, &holder);
    return err != TB_OK || tb_id_cmp(holder, task->id) == 0;
}

static void append_event(struct tb_board *board, const struct tb_change *change,
                         const struct tb_task *task)
{
    struct tb_head *head = tb_txn_head(board->txn);
    struct tb_event event = {
        .seq = head->seq + 1,
        .id = tb_ulid_next(&board->ids, board->now_ms),
        .at_ms = board->now_ms,
        .type = change->type,
        .task_id = task->id,
        .actor = change->actor,
    };
    if (change->type == TB_EVENT_DELETED) {
        event.tags = task->tags;
        task = NULL;
    }
    tb_event_render(&event, task, change->extra, board->arena);
    if (tb_append_event(board->txn, &event) == TB_OK) {
        head->seq = event.seq;
        head->last_id = board->ids.last;
        head->last_ms = board->now_ms;
    }
}

/* Everything about a task that follows from the rest of it and from its dependencies. */
static void derive(struct tb_board *board, const struct tb_task *old, struct tb_task *task,
                   bool dependencies_changed)
{
    if (task->status != TB_STATUS_DONE) {
        task->outcome = TB_OUTCOME_NONE;
    } else if (task->outcome == TB_OUTCOME_NONE) {
        task->outcome = TB_OUTCOME_SUCCESS;
    }
    if (task->status != TB_STATUS_BLOCKED) {
        task->blocked_reason = TB_STR_NONE;
    } else if (task->blocked_reason.ptr == NULL) {
        task->blocked_reason = TB_STR("{\"kind\":\"manual\"}");
    }
    bool was_done = old != NULL && old->status == TB_STATUS_DONE;
    if (task->status == TB_STATUS_DONE) {
        task->blocked_by = TB_STR("[]");
    } else if (dependencies_changed || was_done) {
        task->blocked_by = tb_dependency_unmet(board, task->dependencies);
    }
    bool free = task->status == TB_STATUS_OPEN && task->blocked_by.len == 2;
    task->ready = free && task->not_before_ms <= board->now_ms;
    task->due_ms = free && !task->ready ? task->not_before_ms : 0;
    task->rank_ms = tb_task_rank(task, board->options.aging_ms);
}

static void store(struct tb_board *board, const struct tb_task *old, struct tb_task *task,
                  const struct tb_change *change)
{
    derive(board, old, task, change->dependencies_changed);
    task->version++;
    if (!change->quiet) {
        task->updated_ms = board->now_ms;
    }
    tb_task_render(task, board->arena);
    tb_put_task(board->txn, old, task);
    struct tb_head *head = tb_txn_head(board->txn);
    if (old != NULL) {
        head->task_counts[tb_task_state(old)]--;
    }
    head->task_counts[tb_task_state(task)]++;
    append_event(board, change, task);
}

struct id_list {
    struct tb_id *ids;
    size_t count;
    size_t max;
};

static enum tb_visit collect_id(void *ctx, struct tb_id id)
{
    struct id_list *list = ctx;
    list->ids[list->count++] = id;
    return list->count < list->max ? TB_VISIT_NEXT : TB_VISIT_STOP;
}

/* One task that waits for `id`, which has just become met or unmet. */
static void tell_dependent(struct tb_board *board, struct tb_id dependent, struct tb_str id,
                           bool met)
{
    struct tb_task old;
    if (tb_get_task(board->txn, dependent, &old) != TB_OK || old.status == TB_STATUS_DONE) {
        return;
    }
    struct tb_task task = old;
    task.blocked_by = tb_dependency_adjust(board->arena, old.dependencies, old.blocked_by, id, met);
    if (tb_str_eq(task.blocked_by, old.blocked_by)) {
        return;
    }
    bool becomes_ready = old.status == TB_STATUS_OPEN && task.blocked_by.len == 2 &&
                         task.not_before_ms <= board->now_ms;
    const struct tb_change change = {
        .type = becomes_ready ? TB_EVENT_READY : TB_EVENT_UPDATED,
        .quiet = true,
    };
    store(board, &old, &task, &change);
}

/* Dependents do not pass it on: only their readiness changes, never whether they are done. They may
 * be many and large, so each one's records live in a scratch arena that is emptied behind it. */
static void tell_dependents(struct tb_board *board, const struct tb_task *task, bool met)
{
    char id_text[TB_ULID_LEN];
    tb_ulid_format(task->id, id_text);
    struct tb_str id = tb_str_from(id_text, sizeof(id_text));
    struct id_list list = {.max = TB_DEPENDENTS_MAX};
    struct tb_arena *list_arena = tb_arena_new(0);
    list.ids = tb_arena_alloc(list_arena, list.max * sizeof(*list.ids));
    tb_visit_dependents(board->txn, id, collect_id, &list);

    struct tb_arena *batch_arena = board->arena;
    struct tb_arena *scratch = tb_arena_new(0);
    tb_txn_swap_arena(board->txn, scratch);
    board->arena = scratch;
    for (size_t i = 0; i < list.count; i++) {
        tell_dependent(board, list.ids[i], id, met);
        tb_arena_reset(scratch);
    }
    board->arena = batch_arena;
    tb_txn_swap_arena(board->txn, batch_arena);
    tb_arena_free(scratch);
    tb_arena_free(list_arena);
}

void tb_change_write(struct tb_board *board, const struct tb_task *old, struct tb_task *task,
                     const struct tb_change *change)
{
    assert(old == NULL || old->version == task->version);
    store(board, old, task, change);
    bool was_met = old != NULL && tb_dependency_is_met_by(old);
    bool is_met = tb_dependency_is_met_by(task);
    if (was_met != is_met) {
        tell_dependents(board, task, is_met);
    }
}

void tb_change_delete(struct tb_board *board, const struct tb_task *old, struct tb_str actor)
{
    tb_delete_task(board->txn, old);
    tb_txn_head(board->txn)->task_counts[tb_task_state(old)]--;
    const struct tb_change change = {.type = TB_EVENT_DELETED, .actor = actor};
    append_event(board, &change, old);
    if (tb_dependency_is_met_by(old)) {
        tell_dependents(board, old, false);
    }
}

void tb_change_answer(struct tb_board *board, const struct tb_task *task, int http_status,
                      struct tb_arena *arena, struct tb_reply *reply)
{
    struct tb_buf body;
    tb_buf_init(&body, arena, task->wire.len + 64);
    enum tb_err err = tb_read_full(board->txn, task, &body);
    *reply = (struct tb_reply){
        .err = err,
        .http_status = http_status,
        .body = tb_buf_str(&body),
        .version = task->version,
    };
}
