/* The bodies that describe a task: create and PATCH. */
#include "board/field.h"
#include "board/plan.h"
#include "taskboard/limits.h"

/* NULL-ended; `ref` is known only inside an array. */
static const char *const create_fields[] = {
    "title",     "description", "status",  "assignee",  "tags",         "dependencies",
    "createdBy", "priority",    "payload", "notBefore", "delaySeconds", "maxAttempts",
    "uniqueKey", "parentId",    "ref",     NULL};

static const char *const single_create_fields[] = {
    "title",        "description", "status",    "assignee", "tags",
    "dependencies", "createdBy",   "priority",  "payload",  "notBefore",
    "delaySeconds", "maxAttempts", "uniqueKey", "parentId", NULL};

static const char *const patch_fields[] = {"title",     "description",  "status",   "assignee",
                                           "tags",      "dependencies", "priority", "payload",
                                           "notBefore", "maxAttempts",  "outcome",  NULL};

static bool parse_status(struct tb_parse *parse, const struct tb_json *node, enum tb_status *out)
{
    if (node != NULL && node->type == TB_JSON_STRING && tb_status_parse(tb_json_text(node), out)) {
        return true;
    }
    struct tb_str shown = tb_field_shown(parse, node);
    return tb_field_refuse(parse, TB_E_INVALID_FIELD, "status", "invalid status: %.*s",
                           (int)shown.len, shown.ptr);
}

/* As the service did before: every falsy status is the default one. */
static bool parse_create_status(struct tb_parse *parse, const struct tb_json *node,
                                enum tb_status *out)
{
    int64_t number = 1;
    *out = TB_STATUS_OPEN;
    if (tb_field_is_absent(node) || node->type == TB_JSON_FALSE || tb_str_eq_c(node->raw, "\"\"") ||
        (tb_json_to_i64(node, &number) && number == 0)) {
        return true;
    }
    return parse_status(parse, node, out);
}

/* The fields that create and PATCH share, but for title and status. */
static bool parse_common(struct tb_parse *parse, const struct tb_json *body,
                         struct tb_task_fields *fields)
{
    int64_t priority = 0;
    int64_t max_attempts = UINT32_MAX;
    if (!tb_field_text(parse, tb_json_member(body, "description"), "description",
                       TB_DESCRIPTION_BYTES_MAX, &fields->description) ||
        !tb_field_text(parse, tb_json_member(body, "assignee"), "assignee", TB_NAME_BYTES_MAX,
                       &fields->assignee) ||
        !tb_field_strings(parse, tb_json_member(body, "tags"), "tags", TB_TAGS_MAX,
                          TB_TAG_BYTES_MAX, &fields->tags) ||
        !tb_field_strings(parse, tb_json_member(body, "dependencies"), "dependencies",
                          TB_DEPENDENCIES_MAX, TB_DEPENDENCY_BYTES_MAX, &fields->dependencies) ||
        !tb_field_json(parse, tb_json_member(body, "payload"), "payload", TB_PAYLOAD_BYTES_MAX,
                       &fields->payload) ||
        !tb_field_integer(parse, tb_json_member(body, "priority"), "priority", -TB_PRIORITY_MAX,
                          TB_PRIORITY_MAX, &priority) ||
        !tb_field_integer(parse, tb_json_member(body, "maxAttempts"), "maxAttempts", 0,
                          TB_MAX_ATTEMPTS_MAX, &max_attempts) ||
        !tb_field_instant(parse, tb_json_member(body, "notBefore"), "notBefore",
                          &fields->not_before_ms)) {
        return false;
    }
    fields->priority = (int32_t)priority;
    fields->max_attempts = (uint32_t)max_attempts;
    return true;
}

static bool parse_delay(struct tb_parse *parse, const struct tb_json *body,
                        struct tb_create_item *item)
{
    const struct tb_json *delay = tb_json_member(body, "delaySeconds");
    int64_t seconds = 0;
    item->delay_ms = -1;
    if (tb_field_is_absent(delay)) {
        return true;
    }
    if (item->fields.not_before_ms != 0) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, "delaySeconds",
                               "delaySeconds and notBefore cannot be given together");
    }
    if (!tb_field_integer(parse, delay, "delaySeconds", 0, TB_DELAY_SECONDS_MAX, &seconds)) {
        return false;
    }
    item->delay_ms = seconds > 0 ? seconds * 1000 : -1;
    return true;
}

static bool parse_item(struct tb_parse *parse, const struct tb_json *body, bool in_array,
                       struct tb_create_item *item)
{
    *item = (struct tb_create_item){.parent_item = -1};
    if (body->type != TB_JSON_OBJECT) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, NULL, "A task must be a JSON object");
    }
    return tb_field_check_known(parse, body, in_array ? create_fields : single_create_fields,
                                in_array, "") &&
           tb_field_required(parse, tb_json_member(body, "title"), "title", TB_TITLE_BYTES_MAX,
                             "title is required", &item->fields.title) &&
           tb_field_actor(parse, tb_json_member(body, "createdBy"), "createdBy",
                          "createdBy is required", &item->created_by) &&
           parse_create_status(parse, tb_json_member(body, "status"), &item->fields.status) &&
           parse_common(parse, body, &item->fields) && parse_delay(parse, body, item) &&
           tb_field_text(parse, tb_json_member(body, "uniqueKey"), "uniqueKey", TB_NAME_BYTES_MAX,
                         &item->unique_key) &&
           tb_field_exact_text(parse, tb_json_member(body, "parentId"), "parentId",
                               TB_DEPENDENCY_BYTES_MAX, &item->parent) &&
           (!in_array || tb_field_exact_text(parse, tb_json_member(body, "ref"), "ref",
                                             TB_REF_BYTES_MAX, &item->ref));
}

static bool parse_array(struct tb_parse *parse, const struct tb_json *list,
                        struct tb_command *command)
{
    if (list->child_count == 0 || list->child_count > TB_CREATE_TASKS_MAX) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, "tasks",
                               "tasks must be an array of 1 to %d tasks", TB_CREATE_TASKS_MAX);
    }
    struct tb_create_item *items = tb_arena_alloc(parse->arena, list->child_count * sizeof(*items));
    size_t count = 0;
    for (const struct tb_json *body = list->child; body != NULL; body = body->next) {
        if (!parse_item(parse, body, true, &items[count])) {
            tb_plan_name_index(parse, count);
            return false;
        }
        count++;
    }
    command->create =
        (struct tb_create_command){.items = items, .item_count = count, .array = true};
    return tb_plan_resolve(parse, items, count);
}

bool tb_parse_create(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command)
{
    static const char *const known[] = {"tasks", NULL};
    command->kind = TB_COMMAND_CREATE;
    if (body->type == TB_JSON_ARRAY) {
        return parse_array(parse, body, command);
    }
    const struct tb_json *tasks = tb_json_member(body, "tasks");
    if (tasks != NULL && tasks->type == TB_JSON_ARRAY) {
        return tb_field_check_known(parse, body, known, true, "") &&
               parse_array(parse, tasks, command);
    }
    if (tasks != NULL) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, "tasks",
                               "tasks must be an array of 1 to %d tasks", TB_CREATE_TASKS_MAX);
    }
    struct tb_create_item *item = tb_arena_alloc(parse->arena, sizeof(*item));
    command->create = (struct tb_create_command){.items = item, .item_count = 1};
    return parse_item(parse, body, false, item);
}

static bool parse_patch_title(struct tb_parse *parse, const struct tb_json *node,
                              struct tb_str *out)
{
    return node == NULL || tb_field_required(parse, node, "title", TB_TITLE_BYTES_MAX,
                                             "title cannot be empty", out);
}

static bool parse_patch_outcome(struct tb_parse *parse, const struct tb_json *node,
                                struct tb_patch_command *patch)
{
    if (node == NULL || (node->type == TB_JSON_STRING &&
                         tb_outcome_parse(tb_json_text(node), &patch->fields.outcome))) {
        return true;
    }
    return tb_field_refuse(parse, TB_E_INVALID_FIELD, "outcome",
                           "outcome must be success, failed or cancelled");
}

static unsigned patch_set(const struct tb_json *body)
{
    static const struct {
        const char *name;
        enum tb_patch_field field;
    } rows[] = {
        {"title", TB_PATCH_TITLE},
        {"description", TB_PATCH_DESCRIPTION},
        {"status", TB_PATCH_STATUS},
        {"assignee", TB_PATCH_ASSIGNEE},
        {"tags", TB_PATCH_TAGS},
        {"dependencies", TB_PATCH_DEPENDENCIES},
        {"priority", TB_PATCH_PRIORITY},
        {"payload", TB_PATCH_PAYLOAD},
        {"notBefore", TB_PATCH_NOT_BEFORE},
        {"maxAttempts", TB_PATCH_MAX_ATTEMPTS},
        {"outcome", TB_PATCH_OUTCOME},
    };
    unsigned set = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        set |= tb_json_member(body, rows[i].name) != NULL ? rows[i].field : 0U;
    }
    return set;
}

bool tb_parse_patch(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command)
{
    struct tb_patch_command *patch = &command->patch;
    command->kind = TB_COMMAND_PATCH;
    *patch = (struct tb_patch_command){.set = 0};
    if (body->type != TB_JSON_OBJECT) {
        return tb_field_refuse(parse, TB_E_INVALID_JSON, NULL, "The body must be a JSON object");
    }
    const struct tb_json *status = tb_json_member(body, "status");
    patch->set = patch_set(body);
    return tb_field_check_known(parse, body, patch_fields, false, "") &&
           (status == NULL || parse_status(parse, status, &patch->fields.status)) &&
           parse_patch_title(parse, tb_json_member(body, "title"), &patch->fields.title) &&
           parse_patch_outcome(parse, tb_json_member(body, "outcome"), patch) &&
           parse_common(parse, body, &patch->fields);
}
