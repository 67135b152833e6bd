#include "board/change.h"

#include <assert.h>

#include "board/attempt.h"
#include "board/dependency.h"
#include "board/give_up.h"

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

/* The task as time has left it. */
static enum tb_err load_settled(struct tb_board *board, struct tb_id id, struct tb_task *task)
{
    int64_t expires_ms = 0;
    enum tb_err err = tb_get_task(board->txn, id, task);
    if (err != TB_OK || !tb_task_is_claimed(task) || !tb_claim_settle(board, task, &expires_ms)) {
        return err;
    }
    board->settled_seq = tb_txn_head(board->txn)->seq;
    return tb_get_task(board->txn, id, task);
}

bool tb_change_find(struct tb_board *board, const struct tb_command *command,
                    struct tb_reply *reply, struct tb_task *task)
{
    enum tb_err err = load_settled(board, command->task_id, task);
    if (err != TB_OK) {
        tb_refuse(reply, err == TB_E_ABSENT ? TB_E_TASK_NOT_FOUND : err, TB_STR_NONE, TB_STR_NONE);
        return false;
    }
    return true;
}

bool tb_change_match(const struct tb_command *command, const struct tb_task *task,
                     struct tb_arena *arena, struct tb_reply *reply)
{
    if (!if_match_holds(&command->if_match, task->version)) {
        struct tb_str extra =
            tb_arena_printf(arena, ",\"version\":%llu", (unsigned long long)task->version);
        tb_refuse(reply, TB_E_VERSION_MISMATCH, TB_STR_NONE, extra);
        return false;
    }
    return true;
}

bool tb_change_load(struct tb_board *board, const struct tb_command *command,
                    struct tb_arena *arena, struct tb_reply *reply, struct tb_task *task)
{
    return tb_change_find(board, command, reply, task) &&
           tb_change_match(command, task, arena, reply);
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

/* `task` NULL: about no task. */
static void append_event(struct tb_board *board, const struct tb_change *change,
                         const struct tb_task *task)
{
    const struct tb_id none = {{0}};
    struct tb_head *head = tb_txn_head(board->txn);
    struct tb_event event = {
        .seq = head->seq + 1,
        .id = tb_ulid_next(&board->ids, board->now_ms),
        .at_ms = board->now_ms,
        .type = change->type,
        .task_id = task != NULL ? task->id : none,
        .actor = change->actor,
        .token = change->actor.ptr != NULL ? board->token : TB_STR_NONE, /* time has no token */
        .vm_id = change->vm_id,
    };
    if (task != NULL && change->type == TB_EVENT_DELETED) {
        event.tags = task->tags;
        task = NULL;
    }
    tb_event_render(&event, task, change->extra, board->arena);
    if (tb_append_event(board->txn, &event) == TB_OK) {
        head->seq = event.seq;
        head->last_id = board->ids.last;
        head->last_ms = board->now_ms;
        board->events[event.type]++;
    }
}

/* When the timer has to look at the task. That of a claim may stay behind its heartbeats: then the
 * timer finds that the lease goes on, and a heartbeat costs no index entry. */
static int64_t due_of(const struct tb_task *task, bool free)
{
    if (tb_task_is_claimed(task)) {
        int64_t expires_ms = task->claim.expires_ms;
        return task->due_ms == 0 || task->due_ms > expires_ms ? expires_ms : task->due_ms;
    }
    return free && !task->ready ? task->not_before_ms : 0;
}

/* A task that is open again is reserved for whom it was before it was claimed. */
static void give_assignee_back(struct tb_task *task)
{
    if (task->status == TB_STATUS_OPEN && task->reserved_for.ptr != NULL) {
        task->assignee = task->reserved_for.len > 0 ? task->reserved_for : TB_STR_NONE;
        task->reserved_for = TB_STR_NONE;
    }
}

/* Everything about a task that follows from the rest of it and from its dependencies. */
static void derive(struct tb_board *board, const struct tb_task *old, struct tb_task *task,
                   bool dependencies_changed)
{
    assert(!tb_task_is_claimed(task) || task->status == TB_STATUS_IN_PROGRESS);
    give_assignee_back(task);
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
    task->due_ms = due_of(task, free);
    if (!task->ready) {
        task->ready_ms = 0;
    } else if (old == NULL || !old->ready) {
        task->ready_ms = board->now_ms;
    }
    task->rank_ms = tb_task_rank(task, board->options.aging_ms);
}

/* Counts the task in (1) or out (-1). */
static void count_task(struct tb_head *head, const struct tb_task *task, int by)
{
    head->task_counts[tb_task_state(task)] += by;
    head->scheduled += tb_task_is_scheduled(task) ? by : 0;
    head->claimed += tb_task_is_claimed(task) ? by : 0;
    head->dead_letters += tb_task_is_dead_letter(task) ? by : 0;
}

/* For the claims that wait. */
static void note_readied(struct tb_board *board, const struct tb_task *task)
{
    struct tb_id_list *list = &board->readied;
    if (!board->collects_readied || tb_task_state(task) != TB_STATE_READY) {
        return;
    }
    if (list->count == list->room) {
        size_t room = list->room == 0 ? 64 : list->room * 2;
        struct tb_id *ids = tb_arena_alloc(list->arena, room * sizeof(*ids));
        if (list->count > 0) {
            memcpy(ids, list->ids, list->count * sizeof(*ids));
        }
        list->ids = ids;
        list->room = room;
    }
    list->ids[list->count++] = task->id;
}

static void put(struct tb_board *board, const struct tb_task *old, struct tb_task *task)
{
    struct tb_head *head = tb_txn_head(board->txn);
    tb_task_render(task, board->arena);
    tb_put_task(board->txn, old, task);
    if (old != NULL) {
        count_task(head, old, -1);
    }
    count_task(head, task, 1);
    note_readied(board, task);
}

/* Counts for the rates, by what the log is told. */
static void count_rates(struct tb_board *board, enum tb_event_type type)
{
    struct tb_rates *rates = &tb_txn_head(board->txn)->rates;
    switch (type) {
    case TB_EVENT_CREATED:
        tb_rates_count(rates, TB_RATE_CREATED, board->now_ms);
        return;
    case TB_EVENT_CLAIMED:
        tb_rates_count(rates, TB_RATE_CLAIMED, board->now_ms);
        return;
    case TB_EVENT_FAILED:
    case TB_EVENT_EXPIRED:
    case TB_EVENT_DEAD:
        tb_rates_count(rates, TB_RATE_FAILED, board->now_ms);
        return;
    default:
        return;
    }
}

static void store(struct tb_board *board, const struct tb_task *old, struct tb_task *task,
                  const struct tb_change *change)
{
    derive(board, old, task, change->dependencies_changed);
    task->version++;
    if (!change->quiet) {
        task->updated_ms = board->now_ms;
    }
    put(board, old, task);
    append_event(board, change, task);
    count_rates(board, change->type);
}

void tb_change_refresh(struct tb_board *board, const struct tb_task *old, struct tb_task *task,
                       const struct tb_change *told)
{
    derive(board, old, task, false);
    put(board, old, task);
    if (told != NULL) {
        append_event(board, told, task);
    }
    tb_txn_head(board->txn)->last_ms = board->now_ms; /* the task knows that instant */
}

void tb_change_tell(struct tb_board *board, const struct tb_task *task,
                    const struct tb_change *told)
{
    append_event(board, told, task);
}

void tb_change_tell_of(struct tb_board *board, const struct tb_change *told, struct tb_id id,
                       int64_t at_ms)
{
    struct tb_head *head = tb_txn_head(board->txn);
    struct tb_event event = {
        .seq = head->seq + 1, .id = id, .at_ms = at_ms, .type = told->type, .actor = told->actor};
    tb_event_render(&event, NULL, told->extra, board->arena);
    if (tb_append_event(board->txn, &event) == TB_OK) {
        head->seq = event.seq;
    }
}

void tb_scratch_begin(struct tb_board *board, struct tb_scratch *scratch)
{
    scratch->batch_arena = board->arena;
    scratch->arena = tb_arena_new(0);
    board->arena = scratch->arena;
    tb_txn_swap_arena(board->txn, scratch->arena);
}

void tb_scratch_reset(struct tb_scratch *scratch)
{
    tb_arena_reset(scratch->arena);
}

void tb_scratch_end(struct tb_board *board, struct tb_scratch *scratch)
{
    board->arena = scratch->batch_arena;
    tb_txn_swap_arena(board->txn, board->arena);
    tb_arena_free(scratch->arena);
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

    struct tb_scratch scratch;
    tb_scratch_begin(board, &scratch);
    for (size_t i = 0; i < list.count; i++) {
        tell_dependent(board, list.ids[i], id, met);
        tb_scratch_reset(&scratch);
    }
    tb_scratch_end(board, &scratch);
    tb_arena_free(list_arena);
}

void tb_change_write(struct tb_board *board, const struct tb_task *old, struct tb_task *task,
                     const struct tb_change *change)
{
    assert(old == NULL || old->version == task->version);
    store(board, old, task, change);
    bool was_met = old != NULL && tb_dependency_is_met_by(old);
    bool is_met = tb_dependency_is_met_by(task);
    if (is_met && !was_met) {
        tb_rates_count(&tb_txn_head(board->txn)->rates, TB_RATE_COMPLETED, board->now_ms);
    }
    if (was_met != is_met) {
        tell_dependents(board, task, is_met);
    }
}

void tb_change_import(struct tb_board *board, struct tb_task *task, const struct tb_change *change)
{
    struct tb_change quiet = *change;
    quiet.quiet = true;
    task->version--; /* stored with one more */
    store(board, NULL, task, &quiet);
    if (tb_dependency_is_met_by(task)) {
        tell_dependents(board, task, true);
    }
}

static void remove_task(struct tb_board *board, const struct tb_task *old,
                        const struct tb_change *change)
{
    tb_delete_task(board->txn, old);
    count_task(tb_txn_head(board->txn), old, -1);
    append_event(board, change, old);
    if (tb_dependency_is_met_by(old)) {
        tell_dependents(board, old, false);
    }
}

void tb_change_delete(struct tb_board *board, const struct tb_task *old, struct tb_str actor)
{
    const struct tb_change change = {.type = TB_EVENT_DELETED, .actor = actor};
    remove_task(board, old, &change);
}

void tb_change_retire(struct tb_board *board, const struct tb_task *old)
{
    const struct tb_change change = {.type = TB_EVENT_DELETED,
                                     .extra = TB_STR(",\"reason\":\"retention\"")};
    remove_task(board, old, &change);
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
