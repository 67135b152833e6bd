/* The bodies of those who steer: cancel, retry, accept, pause, resume. All are strict about unknown
 * fields. */
#include "board/field.h"
#include "taskboard/limits.h"

static bool parse_by(struct tb_parse *parse, const struct tb_json *body, struct tb_str *by)
{
    return tb_field_actor(parse, tb_json_member(body, "by"), "by", NULL, by);
}

static bool parse_reason(struct tb_parse *parse, const struct tb_json *body, struct tb_str *reason)
{
    return tb_field_text(parse, tb_json_member(body, "reason"), "reason", TB_REASON_BYTES_MAX,
                         reason);
}

static bool parse_force(struct tb_parse *parse, const struct tb_json *body, bool *force)
{
    return tb_field_bool(parse, tb_json_member(body, "force"), "force", force);
}

static bool parse_tag(struct tb_parse *parse, const struct tb_json *body, struct tb_str *tag)
{
    return tb_field_exact_text(parse, tb_json_member(body, "tag"), "tag", TB_TAG_BYTES_MAX, tag);
}

static bool start(struct tb_parse *parse, const struct tb_json *body, const char *const *known,
                  enum tb_command_kind kind, struct tb_command *command)
{
    command->kind = kind;
    command->steer = (struct tb_steer_command){.force = false};
    return tb_field_check_body(parse, body, known, true) &&
           parse_by(parse, body, &command->steer.by);
}

bool tb_parse_cancel(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command)
{
    static const char *const known[] = {"by", "reason", "force", NULL};
    return start(parse, body, known, TB_COMMAND_CANCEL, command) &&
           parse_reason(parse, body, &command->steer.reason) &&
           parse_force(parse, body, &command->steer.force);
}

bool tb_parse_retry(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command)
{
    static const char *const known[] = {"by", NULL};
    return start(parse, body, known, TB_COMMAND_RETRY, command);
}

bool tb_parse_accept(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command)
{
    static const char *const known[] = {"by", "force", NULL};
    uint32_t attempt = command->steer.attempt; /* from the path */
    bool good = start(parse, body, known, TB_COMMAND_ACCEPT, command) &&
                parse_force(parse, body, &command->steer.force);
    command->steer.attempt = attempt;
    return good;
}

bool tb_parse_pause(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command)
{
    static const char *const known[] = {"by", "reason", "tag", NULL};
    return start(parse, body, known, TB_COMMAND_PAUSE, command) &&
           parse_reason(parse, body, &command->steer.reason) &&
           parse_tag(parse, body, &command->steer.tag);
}

bool tb_parse_resume(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command)
{
    static const char *const known[] = {"by", "tag", NULL};
    return start(parse, body, known, TB_COMMAND_RESUME, command) &&
           parse_tag(parse, body, &command->steer.tag);
}

/* --- many at once --- */

/* A condition that is there but blank is refused: without it the request would mean more tasks, and
 * not fewer. */
static bool parse_name(struct tb_parse *parse, const struct tb_json *body, const char *field,
                       struct tb_str *name)
{
    const struct tb_json *node = tb_json_member(body, field);
    if (!tb_field_text(parse, node, field, TB_NAME_BYTES_MAX, name)) {
        return false;
    }
    return tb_field_is_absent(node) || name->ptr != NULL ||
           tb_field_refuse(parse, TB_E_INVALID_FIELD, field, "%s must not be empty", field);
}

static bool parse_parent(struct tb_parse *parse, const struct tb_json *body, struct tb_id *id)
{
    const struct tb_json *node = tb_json_member(body, "parentId");
    if (tb_field_is_absent(node)) {
        return true;
    }
    return (node->type == TB_JSON_STRING && tb_ulid_parse(tb_json_text(node), id) &&
            !tb_id_is_zero(*id)) ||
           tb_field_refuse(parse, TB_E_INVALID_FIELD, "parentId", "parentId must be a task's id");
}

static bool parse_outcome(struct tb_parse *parse, const struct tb_json *body,
                          enum tb_outcome *outcome)
{
    const struct tb_json *node = tb_json_member(body, "outcome");
    if (tb_field_is_absent(node)) {
        return true;
    }
    return (node->type == TB_JSON_STRING && tb_outcome_parse(tb_json_text(node), outcome) &&
            *outcome != TB_OUTCOME_SUCCESS) ||
           tb_field_refuse(parse, TB_E_INVALID_FIELD, "outcome",
                           "outcome must be failed or cancelled");
}

bool tb_parse_retry_many(struct tb_parse *parse, const struct tb_json *body,
                         struct tb_command *command)
{
    static const char *const known[] = {"by",       "tag",     "assignee", "createdBy",
                                        "parentId", "outcome", "max",      NULL};
    struct tb_retry_many_command *retry = &command->retry_many;
    int64_t max = TB_RETRY_TASKS_MAX;
    command->kind = TB_COMMAND_RETRY_MANY;
    *retry = (struct tb_retry_many_command){.outcome = TB_OUTCOME_NONE};
    if (!tb_field_check_body(parse, body, known, true) || !parse_by(parse, body, &retry->by) ||
        !parse_tag(parse, body, &retry->tag) ||
        !parse_name(parse, body, "assignee", &retry->assignee) ||
        !parse_name(parse, body, "createdBy", &retry->created_by) ||
        !parse_parent(parse, body, &retry->parent_id) ||
        !parse_outcome(parse, body, &retry->outcome) ||
        !tb_field_integer(parse, tb_json_member(body, "max"), "max", 1, TB_RETRY_TASKS_MAX, &max)) {
        return false;
    }
    retry->max = (uint32_t)max;
    return true;
}
