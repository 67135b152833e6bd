#include "base/json.h"
#include "board/attempt.h"
#include "board/dependency.h"
#include "board/rules.h"
#include "board/speaker.h"

static struct tb_str or_else(struct tb_str s, struct tb_str otherwise)
{
    return s.ptr != NULL ? s : otherwise;
}

/* Takes over what the patch sets; an absent value clears, that is, gives the field its default. */
static void edit(const struct tb_patch_command *patch, const struct tb_board_options *options,
                 struct tb_task *task)
{
    const struct tb_task_fields *fields = &patch->fields;
    if (patch->set & TB_PATCH_TITLE) {
        task->title = fields->title;
    }
    if (patch->set & TB_PATCH_DESCRIPTION) {
        task->description = fields->description;
    }
    if (patch->set & TB_PATCH_ASSIGNEE) {
        task->assignee = fields->assignee;
        if (!tb_task_is_claimed(task)) {
            task->reserved_for = TB_STR_NONE; /* nothing to give back: this was said later */
        }
    }
    if (patch->set & TB_PATCH_TAGS) {
        task->tags = or_else(fields->tags, TB_STR("[]"));
    }
    if (patch->set & TB_PATCH_DEPENDENCIES) {
        task->dependencies = or_else(fields->dependencies, TB_STR("[]"));
    }
    if (patch->set & TB_PATCH_PRIORITY) {
        task->priority = fields->priority;
    }
    if (patch->set & TB_PATCH_PAYLOAD) {
        task->payload = fields->payload;
    }
    if (patch->set & TB_PATCH_NOT_BEFORE) {
        task->not_before_ms = fields->not_before_ms;
    }
    if (patch->set & TB_PATCH_MAX_ATTEMPTS) {
        task->max_attempts = fields->max_attempts == UINT32_MAX ? options->default_max_attempts
                                                                : fields->max_attempts;
    }
    if (patch->set & TB_PATCH_STATUS) {
        task->status = fields->status;
    }
    if (patch->set & (TB_PATCH_STATUS | TB_PATCH_OUTCOME)) {
        task->outcome = fields->outcome; /* done is success unless it says otherwise */
    }
}

static bool dependencies_are_fine(struct tb_board *board, const struct tb_task *old,
                                  const struct tb_task *task, struct tb_arena *arena,
                                  struct tb_reply *reply)
{
    struct tb_str path = TB_STR_NONE;
    enum tb_dependency_check check =
        tb_dependency_check_cycle(board, NULL, task->id, task->dependencies, &path);
    struct tb_json_strings strings = tb_json_strings_of(task->dependencies);
    struct tb_str dependency;
    while (check == TB_DEPENDENCY_FINE && tb_json_strings_next(&strings, &dependency)) {
        if (!tb_strings_contain(old->dependencies, dependency) &&
            !tb_dependency_has_room(board, dependency, 1)) {
            check = TB_DEPENDENCY_TOO_POPULAR;
            path = dependency;
        }
    }
    tb_dependency_refuse(check, path, arena, reply);
    return check == TB_DEPENDENCY_FINE;
}

/* Whoever patches the status or the holder of a claimed task to something else ends the claim. */
static bool would_end_claim(const struct tb_patch_command *patch, const struct tb_task *old)
{
    const struct tb_task_fields *fields = &patch->fields;
    return ((patch->set & TB_PATCH_STATUS) && fields->status != old->status) ||
           ((patch->set & TB_PATCH_ASSIGNEE) && !tb_str_eq(fields->assignee, old->assignee));
}

/* A patch that finishes a task is told as how it ended, every other one as an update. */
static enum tb_event_type event_type(const struct tb_task *old, const struct tb_task *task)
{
    if (task->status != TB_STATUS_DONE ||
        (old->status == TB_STATUS_DONE && old->outcome == task->outcome)) {
        return TB_EVENT_UPDATED;
    }
    switch (task->outcome) {
    case TB_OUTCOME_FAILED:
        return TB_EVENT_FAILED;
    case TB_OUTCOME_CANCELLED:
        return TB_EVENT_CANCELLED;
    case TB_OUTCOME_NONE:
    case TB_OUTCOME_SUCCESS:
    case TB_OUTCOME_COUNT:
        break;
    }
    return TB_EVENT_COMPLETED;
}

void tb_rule_patch(struct tb_board *board, const struct tb_command *command, struct tb_arena *arena,
                   struct tb_reply *reply)
{
    const struct tb_patch_command *patch = &command->patch;
    struct tb_task old;
    if (!tb_change_load(board, command, arena, reply, &old) ||
        !tb_speaker_may_patch(command, &old, reply)) {
        return;
    }
    bool ends = would_end_claim(patch, &old);
    bool takes_over = ends && tb_task_is_claimed(&old);
    if (ends && !tb_claim_may_be_ended(board, command, &old, arena, reply)) {
        return;
    }
    struct tb_task task = old;
    edit(patch, &board->options, &task);
    if ((patch->set & TB_PATCH_OUTCOME) && task.status != TB_STATUS_DONE) {
        tb_refuse(reply, TB_E_INVALID_FIELD, TB_STR("outcome goes only with status done"),
                  TB_STR(",\"field\":\"outcome\""));
        return;
    }
    if (!tb_change_key_is_free(board, &task)) {
        tb_refuse(reply, TB_E_UNIQUE_KEY_TAKEN, TB_STR_NONE, TB_STR_NONE);
        return;
    }
    bool dependencies_changed = !tb_str_eq(old.dependencies, task.dependencies);
    if (dependencies_changed && !dependencies_are_fine(board, &old, &task, arena, reply)) {
        return;
    }
    struct tb_str taken_over = TB_STR_NONE;
    if (takes_over) {
        task = old;
        taken_over = tb_claim_take_over(board, &task);
        edit(patch, &board->options, &task);
    }
    if (task.status == TB_STATUS_DONE && task.outcome == TB_OUTCOME_NONE) {
        task.outcome = TB_OUTCOME_SUCCESS;
    }
    const struct tb_change change = {
        .type = event_type(&old, &task),
        .actor = command->actor,
        .extra = taken_over,
        .dependencies_changed = dependencies_changed,
    };
    tb_change_write(board, &old, &task, &change);
    tb_change_answer(board, &task, 200, arena, reply);
}
