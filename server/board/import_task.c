#include "board/import_field.h"

#include "board/field.h"
#include "taskboard/limits.h"

static bool read_status(struct tb_parse *parse, const struct tb_json *task, struct tb_task *out)
{
    const struct tb_json *status = tb_json_member(task, "status");
    const struct tb_json *outcome = tb_json_member(task, "outcome");
    if (status == NULL || status->type != TB_JSON_STRING ||
        !tb_status_parse(tb_json_text(status), &out->status)) {
        struct tb_str shown = tb_field_shown(parse, status);
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, "status", "invalid status: %.*s",
                               (int)shown.len, shown.ptr);
    }
    bool good = tb_field_is_absent(outcome) ||
                (outcome->type == TB_JSON_STRING && out->status == TB_STATUS_DONE &&
                 tb_outcome_parse(tb_json_text(outcome), &out->outcome));
    if (out->status == TB_STATUS_DONE && out->outcome == TB_OUTCOME_NONE) {
        out->outcome = TB_OUTCOME_SUCCESS;
    }
    return good || tb_field_refuse(parse, TB_E_INVALID_FIELD, "outcome",
                                   "outcome must be that of a task that is done");
}

static bool read_blocked_reason(struct tb_parse *parse, const struct tb_json *node,
                                struct tb_task *task)
{
    const struct tb_json *kind =
        node != NULL && node->type == TB_JSON_OBJECT ? tb_json_member(node, "kind") : NULL;
    bool good =
        tb_field_is_absent(node) ||
        (task->status == TB_STATUS_BLOCKED && kind != NULL &&
         (tb_str_eq_c(kind->raw, "\"manual\"") || tb_str_eq_c(kind->raw, "\"dead_letter\"")));
    if (!good) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, "blockedReason",
                               "blockedReason must be an object of a blocked task, with its kind");
    }
    return tb_field_json(parse, node, "blockedReason", (size_t)4 * TB_ERROR_BYTES_MAX,
                         &task->blocked_reason);
}

static bool read_texts(struct tb_parse *parse, const struct tb_json *from, struct tb_task *task)
{
    bool good = tb_field_required(parse, tb_json_member(from, "title"), "title", TB_TITLE_BYTES_MAX,
                                  "title is required", &task->title) &&
                tb_field_required(parse, tb_json_member(from, "createdBy"), "createdBy",
                                  TB_NAME_BYTES_MAX, "createdBy is required", &task->created_by) &&
                tb_field_text(parse, tb_json_member(from, "description"), "description",
                              TB_DESCRIPTION_BYTES_MAX, &task->description) &&
                tb_field_text(parse, tb_json_member(from, "assignee"), "assignee",
                              TB_NAME_BYTES_MAX, &task->assignee) &&
                tb_field_strings(parse, tb_json_member(from, "tags"), "tags", TB_TAGS_MAX,
                                 TB_TAG_BYTES_MAX, &task->tags) &&
                tb_field_strings(parse, tb_json_member(from, "dependencies"), "dependencies",
                                 TB_DEPENDENCIES_MAX, TB_DEPENDENCY_BYTES_MAX, &task->dependencies);
    task->tags = task->tags.ptr != NULL ? task->tags : TB_STR("[]");
    task->dependencies = task->dependencies.ptr != NULL ? task->dependencies : TB_STR("[]");
    return good;
}

/* What every task has, also of the service that was before. */
static bool read_common(struct tb_parse *parse, const struct tb_json *from,
                        struct tb_import_item *item)
{
    struct tb_task *task = &item->task;
    const struct tb_json *updated = tb_json_member(from, "updatedAt");
    bool good = tb_import_read_id(parse, tb_json_member(from, "id"), "id", item, &item->id) &&
                read_texts(parse, from, task) && read_status(parse, from, task) &&
                tb_import_read_past(parse, tb_json_member(from, "createdAt"), "createdAt", item,
                                    &task->created_ms) &&
                (tb_field_is_absent(updated) ||
                 tb_import_read_past(parse, updated, "updatedAt", item, &task->updated_ms)) &&
                tb_field_integer(parse, tb_json_member(from, "score"), "score", 0, TB_SCORE_MAX,
                                 &task->score) &&
                tb_import_read_notes(parse, tb_json_member(from, "notes"), item) &&
                tb_import_read_artifacts(parse, tb_json_member(from, "artifacts"), item);
    task->id = item->id;
    task->updated_ms = task->updated_ms != 0 ? task->updated_ms : task->created_ms;
    task->blocked_by = TB_STR("[]");
    return good;
}

static bool read_added(struct tb_parse *parse, const struct tb_json *from,
                       struct tb_import_item *item)
{
    struct tb_task *task = &item->task;
    const struct tb_json *parent = tb_json_member(from, "parentId");
    int64_t priority = 0;
    bool good = tb_import_read_number(parse, tb_json_member(from, "version"), "version", 1,
                                      &task->version) &&
                tb_field_integer(parse, tb_json_member(from, "priority"), "priority",
                                 -TB_PRIORITY_MAX, TB_PRIORITY_MAX, &priority) &&
                tb_field_instant(parse, tb_json_member(from, "notBefore"), "notBefore",
                                 &task->not_before_ms) &&
                tb_import_read_u32(parse, tb_json_member(from, "attempts"), "attempts", UINT32_MAX,
                                   &task->attempts) &&
                tb_import_read_u32(parse, tb_json_member(from, "maxAttempts"), "maxAttempts",
                                   TB_MAX_ATTEMPTS_MAX, &task->max_attempts) &&
                tb_field_text(parse, tb_json_member(from, "uniqueKey"), "uniqueKey",
                              TB_NAME_BYTES_MAX, &task->unique_key) &&
                (tb_field_is_absent(parent) ||
                 tb_import_read_id(parse, parent, "parentId", item, &task->parent_id)) &&
                read_blocked_reason(parse, tb_json_member(from, "blockedReason"), task) &&
                tb_field_json(parse, tb_json_member(from, "payload"), "payload",
                              TB_PAYLOAD_BYTES_MAX, &task->payload) &&
                tb_field_json(parse, tb_json_member(from, "result"), "result", TB_RESULT_BYTES_MAX,
                              &task->result);
    task->priority = (int32_t)priority;
    return good;
}

/* Who is assignee again when the task is open again; empty: nobody. */
static bool read_reserved_for(struct tb_parse *parse, const struct tb_json *node,
                              struct tb_task *task)
{
    if (!tb_field_text(parse, node, "reservedFor", TB_NAME_BYTES_MAX, &task->reserved_for)) {
        return false;
    }
    if (!tb_field_is_absent(node) && task->reserved_for.ptr == NULL) {
        task->reserved_for = TB_STR("");
    }
    return task->reserved_for.ptr == NULL || task->status != TB_STATUS_OPEN ||
           tb_field_refuse(parse, TB_E_INVALID_FIELD, "reservedFor",
                           "a task that is open has no reservedFor");
}

bool tb_import_read_task(struct tb_parse *parse, const struct tb_json *line,
                         struct tb_import_item *item)
{
    static const char *const line_members[] = {"task", "attempts", "reservedFor", NULL};
    static const char *const known[] = {
        "id",           "title",     "status",        "outcome",   "assignee",
        "tags",         "createdBy", "createdAt",     "updatedAt", "score",
        "version",      "priority",  "notBefore",     "attempts",  "maxAttempts",
        "uniqueKey",    "parentId",  "blockedReason", "notes",     "description",
        "dependencies", "payload",   "result",        "artifacts", NULL};
    const struct tb_json *task = tb_json_member(line, "task");
    item->kind = TB_IMPORT_TASK;
    return tb_field_check_known(parse, line, line_members, true, "") &&
           tb_import_expect(parse, task, TB_JSON_OBJECT, "task must be an object") &&
           tb_field_check_known(parse, task, known, true, "") && read_common(parse, task, item) &&
           read_added(parse, task, item) &&
           tb_import_read_attempts(parse, tb_json_member(line, "attempts"), item) &&
           read_reserved_for(parse, tb_json_member(line, "reservedFor"), &item->task);
}

bool tb_import_read_old_task(struct tb_parse *parse, const struct tb_json *from,
                             struct tb_import_item *item)
{
    item->kind = TB_IMPORT_TASK;
    return tb_import_expect(parse, from, TB_JSON_OBJECT, "a task must be an object") &&
           read_common(parse, from, item);
}
