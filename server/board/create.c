/* create: one task or a whole plan, all or none.
 *
 * First every item becomes a task in memory, or is replaced by the task that has its uniqueKey
 * already; then everything is checked; only then is anything written. */
#include <stdlib.h>

#include "base/json.h"
#include "board/dependency.h"
#include "board/rules.h"
#include "board/speaker.h"

struct plan {
    struct tb_board *board;
    const struct tb_create_command *command;
    struct tb_task *tasks;              /* one an item */
    bool *exists;                       /* the item's uniqueKey is taken: `tasks` has that task */
    int32_t *same_as;                   /* an earlier item with the same uniqueKey, or -1 */
    struct tb_dependency_drafts drafts; /* those of `tasks` that are new */
    struct tb_arena *arena;             /* of the reply */
    struct tb_reply *reply;
};

static bool refuse(struct plan *plan, size_t index, enum tb_err err, struct tb_str message,
                   struct tb_str extra)
{
    if (plan->command->array) {
        extra = tb_arena_printf(plan->arena, ",\"index\":%zu%.*s", index, (int)extra.len,
                                extra.len > 0 ? extra.ptr : "");
    }
    tb_refuse(plan->reply, err, message, extra);
    return false;
}

static bool check_assignee(struct plan *plan, const struct tb_command *command, size_t index)
{
    struct tb_reply *reply = plan->reply;
    struct tb_str assignee = plan->command->items[index].fields.assignee;
    return tb_speaker_may_assign(command, assignee, reply) ||
           refuse(plan, index, reply->err, reply->message, reply->extra);
}

/* An earlier item of the same request with that key, or -1. */
static int32_t earlier_with_key(const struct plan *plan, size_t index)
{
    struct tb_str key = plan->command->items[index].unique_key;
    for (size_t i = 0; i < index; i++) {
        if (tb_str_eq(plan->command->items[i].unique_key, key) &&
            plan->tasks[i].status != TB_STATUS_DONE) {
            return (int32_t)i;
        }
    }
    return -1;
}

/* Replaces the item by the task that has its key, if one that is not done has. */
static void resolve_key(struct plan *plan, size_t index)
{
    const struct tb_create_item *item = &plan->command->items[index];
    struct tb_id id;
    if (item->unique_key.ptr == NULL) {
        return;
    }
    if (tb_find_unique(plan->board->txn, item->unique_key, &id) == TB_OK) {
        plan->exists[index] = tb_get_task(plan->board->txn, id, &plan->tasks[index]) == TB_OK;
        return;
    }
    plan->same_as[index] = earlier_with_key(plan, index);
    if (plan->same_as[index] >= 0) {
        plan->exists[index] = true;
        plan->tasks[index].id = plan->tasks[plan->same_as[index]].id;
    }
}

static void draft_task(struct plan *plan, size_t index)
{
    const struct tb_create_item *item = &plan->command->items[index];
    const struct tb_task_fields *fields = &item->fields;
    struct tb_board *board = plan->board;
    struct tb_task *task = &plan->tasks[index];
    *task = (struct tb_task){
        .created_ms = board->now_ms,
        .not_before_ms =
            item->delay_ms < 0 ? fields->not_before_ms : board->now_ms + item->delay_ms,
        .priority = fields->priority,
        .max_attempts = fields->max_attempts == UINT32_MAX ? board->options.default_max_attempts
                                                           : fields->max_attempts,
        .status = fields->status,
        .outcome = fields->outcome,
        .title = fields->title,
        .description = fields->description,
        .assignee = fields->assignee,
        .tags = fields->tags.ptr != NULL ? fields->tags : TB_STR("[]"),
        .dependencies = fields->dependencies.ptr != NULL ? fields->dependencies : TB_STR("[]"),
        .blocked_by = TB_STR("[]"),
        .created_by = item->created_by,
        .unique_key = item->unique_key,
        .payload = fields->payload,
    };
    resolve_key(plan, index);
    if (!plan->exists[index]) {
        task->id = tb_ulid_next(&board->ids, board->now_ms);
        plan->drafts.tasks[plan->drafts.count++] = task;
    }
}

/* Puts the ids of the named items in the place of "#ref". */
static void resolve_refs(struct plan *plan, size_t index)
{
    const struct tb_create_item *item = &plan->command->items[index];
    struct tb_task *task = &plan->tasks[index];
    if (item->dependency_items == NULL || plan->exists[index]) {
        return;
    }
    struct tb_buf out;
    tb_buf_init(&out, plan->board->arena, task->dependencies.len * 2 + 64);
    struct tb_json_strings strings = tb_json_strings_of(task->dependencies);
    struct tb_str text;
    for (size_t i = 0; tb_json_strings_next(&strings, &text); i++) {
        char id[TB_ULID_LEN];
        if (item->dependency_items[i] >= 0) {
            tb_ulid_format(plan->tasks[item->dependency_items[i]].id, id);
            text = tb_str_from(id, sizeof(id));
        }
        tb_buf_add_c(&out, i == 0 ? "[" : ",");
        tb_buf_add_quoted(&out, text);
    }
    TB_BUF_LIT(&out, "]");
    task->dependencies = tb_buf_str(&out);
}

static bool resolve_parent(struct plan *plan, size_t index)
{
    const struct tb_create_item *item = &plan->command->items[index];
    struct tb_task *task = &plan->tasks[index];
    struct tb_task parent;
    if (plan->exists[index]) {
        return true;
    }
    if (item->parent_item >= 0) {
        task->parent_id = plan->tasks[item->parent_item].id;
        return true;
    }
    if (item->parent.ptr == NULL) {
        return true;
    }
    if (!tb_dependency_id(item->parent, &task->parent_id) ||
        tb_get_task(plan->board->txn, task->parent_id, &parent) != TB_OK) {
        return refuse(plan, index, TB_E_UNKNOWN_PARENT, TB_STR_NONE,
                      TB_STR(",\"field\":\"parentId\""));
    }
    return true;
}

/* --- cycles ---
 *
 * Those of "#ref" were refused with the body. For any other somebody must have known the id of a
 * task before it was made: ids are random, but within a millisecond, and while the clock is behind
 * the last one, they are counted up. */

static enum tb_visit found_one(void *ctx, struct tb_id id)
{
    (void)id;
    *(bool *)ctx = true;
    return TB_VISIT_STOP;
}

static bool somebody_waits_for(struct tb_board *board, struct tb_id id)
{
    char text[TB_ULID_LEN];
    bool found = false;
    tb_ulid_format(id, text);
    tb_visit_dependents(board->txn, tb_str_from(text, sizeof(text)), found_one, &found);
    return found;
}

/* Marks the new tasks that an item of this request names by their ids. */
static void mark_guessed(struct plan *plan, size_t index, bool *guessed)
{
    const int32_t *items = plan->command->items[index].dependency_items;
    struct tb_json_strings strings = tb_json_strings_of(plan->tasks[index].dependencies);
    struct tb_str text;
    for (size_t k = 0; tb_json_strings_next(&strings, &text); k++) {
        struct tb_id id;
        if ((items != NULL && items[k] >= 0) || !tb_dependency_id(text, &id)) {
            continue;
        }
        const struct tb_task *draft = tb_dependency_draft(&plan->drafts, id);
        if (draft != NULL) {
            guessed[draft - plan->tasks] = true;
        }
    }
}

static bool check_cycle(struct plan *plan, size_t index)
{
    const struct tb_task *task = &plan->tasks[index];
    struct tb_str path = TB_STR_NONE;
    enum tb_dependency_check check =
        tb_dependency_check_cycle(plan->board, &plan->drafts, task->id, task->dependencies, &path);
    tb_dependency_refuse(check, path, plan->arena, plan->reply);
    return check == TB_DEPENDENCY_FINE ||
           refuse(plan, index, plan->reply->err, plan->reply->message, plan->reply->extra);
}

static bool check_cycles(struct plan *plan)
{
    size_t count = plan->command->item_count;
    bool *guessed = tb_arena_zalloc(plan->board->arena, count * sizeof(*guessed));
    for (size_t i = 0; i < count; i++) {
        if (!plan->exists[i]) {
            mark_guessed(plan, i, guessed);
        }
    }
    for (size_t i = 0; i < count; i++) {
        const struct tb_task *task = &plan->tasks[i];
        if (plan->exists[i] || task->dependencies.len == 2) {
            continue;
        }
        if ((guessed[i] || somebody_waits_for(plan->board, task->id)) && !check_cycle(plan, i)) {
            return false;
        }
    }
    return true;
}

/* That an item names a dependency. */
struct use {
    struct tb_str dependency;
    size_t index;
};

static int compare_uses(const void *a, const void *b)
{
    const struct use *left = a;
    const struct use *right = b;
    int order = tb_str_cmp(left->dependency, right->dependency);
    return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

static struct use *collect_uses(struct plan *plan, size_t *count)
{
    size_t max = 0;
    for (size_t i = 0; i < plan->command->item_count; i++) {
        max += plan->tasks[i].dependencies.len / 3; /* "", is the shortest */
    }
    struct use *uses = tb_arena_alloc(plan->board->arena, (max + 1) * sizeof(*uses));
    *count = 0;
    for (size_t i = 0; i < plan->command->item_count; i++) {
        struct tb_json_strings strings = tb_json_strings_of(plan->tasks[i].dependencies);
        struct tb_str text;
        while (!plan->exists[i] && tb_json_strings_next(&strings, &text)) {
            uses[(*count)++] = (struct use){text, i};
        }
    }
    qsort(uses, *count, sizeof(*uses), compare_uses);
    return uses;
}

/* Is there room for all that will wait for the same task? */
static bool check_popularity(struct plan *plan)
{
    size_t count = 0;
    struct use *uses = collect_uses(plan, &count);
    for (size_t i = 0; i < count;) {
        size_t next = i + 1;
        unsigned waiting = 1;
        while (next < count && tb_str_eq(uses[next].dependency, uses[i].dependency)) {
            waiting += uses[next].index != uses[next - 1].index ? 1 : 0;
            next++;
        }
        if (!tb_dependency_has_room(plan->board, uses[i].dependency, waiting)) {
            tb_dependency_refuse(TB_DEPENDENCY_TOO_POPULAR, uses[i].dependency, plan->arena,
                                 plan->reply);
            return refuse(plan, uses[i].index, plan->reply->err, plan->reply->message,
                          plan->reply->extra);
        }
        i = next;
    }
    return true;
}

static bool is_met(const struct tb_task *task)
{
    return task->status == TB_STATUS_DONE &&
           (task->outcome == TB_OUTCOME_NONE || task->outcome == TB_OUTCOME_SUCCESS);
}

/* Tasks that are created done go first, so that those that wait for them find them so, wherever
 * they stand. */
static void write_tasks(struct plan *plan, bool met)
{
    for (size_t i = 0; i < plan->command->item_count; i++) {
        if (plan->exists[i] || is_met(&plan->tasks[i]) != met) {
            continue;
        }
        const struct tb_change change = {
            .type = TB_EVENT_CREATED,
            .actor = plan->command->items[i].created_by,
            .dependencies_changed = true,
        };
        tb_change_write(plan->board, NULL, &plan->tasks[i], &change);
    }
}

static void answer(struct plan *plan)
{
    size_t count = plan->command->item_count;
    for (size_t i = 0; i < count; i++) {
        if (plan->same_as[i] >= 0) {
            plan->tasks[i] = plan->tasks[plan->same_as[i]];
        }
    }
    if (!plan->command->array) {
        tb_change_answer(plan->board, &plan->tasks[0], plan->exists[0] ? 200 : 201, plan->arena,
                         plan->reply);
        return;
    }
    struct tb_buf body;
    tb_buf_init(&body, plan->arena, count * 640 + 64);
    TB_BUF_LIT(&body, "{\"tasks\":[");
    enum tb_err err = TB_OK;
    for (size_t i = 0; i < count && err == TB_OK; i++) {
        if (i > 0) {
            TB_BUF_LIT(&body, ",");
        }
        err = tb_read_full(plan->board->txn, &plan->tasks[i], &body);
    }
    TB_BUF_LIT(&body, "],\"count\":");
    tb_buf_add_u64(&body, count);
    TB_BUF_LIT(&body, "}");
    *plan->reply = (struct tb_reply){.err = err, .http_status = 201, .body = tb_buf_str(&body)};
}

void tb_rule_create(struct tb_board *board, const struct tb_command *command,
                    struct tb_arena *arena, struct tb_reply *reply)
{
    size_t count = command->create.item_count;
    struct plan plan = {
        .board = board,
        .command = &command->create,
        .tasks = tb_arena_alloc(board->arena, count * sizeof(struct tb_task)),
        .exists = tb_arena_zalloc(board->arena, count * sizeof(bool)),
        .same_as = tb_arena_alloc(board->arena, count * sizeof(int32_t)),
        .drafts = {.tasks = tb_arena_alloc(board->arena, count * sizeof(struct tb_task *))},
        .arena = arena,
        .reply = reply,
    };
    memset(plan.same_as, 0xFF, count * sizeof(int32_t));
    for (size_t i = 0; i < count; i++) {
        if (!check_assignee(&plan, command, i)) {
            return;
        }
    }
    for (size_t i = 0; i < count; i++) {
        draft_task(&plan, i);
    }
    for (size_t i = 0; i < count; i++) {
        resolve_refs(&plan, i);
    }
    for (size_t i = 0; i < count; i++) {
        if (!resolve_parent(&plan, i)) {
            return;
        }
    }
    if (!check_cycles(&plan) || !check_popularity(&plan)) {
        return;
    }
    write_tasks(&plan, true);
    write_tasks(&plan, false);
    answer(&plan);
}
