/* The bodies that say something about a task: notes, artifacts, bump, review, approve, reject. */
#include <stdio.h>

#include "board/field.h"
#include "taskboard/limits.h"

static const char *const note_fields[] = {"author", "content", "type", NULL};
static const char *const artifacts_fields[] = {"artifacts", NULL};
static const char *const artifact_fields[] = {"type", "url", "label", "addedBy", NULL};
static const char *const no_fields[] = {NULL};
static const char *const review_fields[] = {"summary", "reviewedBy", "artifacts", NULL};
static const char *const approve_fields[] = {"approvedBy", "comment", NULL};
static const char *const reject_fields[] = {"reason", "rejectedBy", NULL};

static bool check_object(struct tb_parse *parse, const struct tb_json *body,
                         const char *const *known)
{
    return tb_field_check_body(parse, body, known, false);
}

static bool parse_note_type(struct tb_parse *parse, const struct tb_json *node,
                            enum tb_note_type *out)
{
    if (node != NULL && node->type == TB_JSON_STRING &&
        tb_note_type_parse(tb_json_text(node), out)) {
        return true;
    }
    struct tb_str shown = tb_field_shown(parse, node);
    return tb_field_refuse(parse, TB_E_INVALID_FIELD, "type", "invalid note type: %.*s",
                           (int)shown.len, shown.ptr);
}

bool tb_parse_note(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command)
{
    struct tb_note_command *note = &command->note;
    command->kind = TB_COMMAND_NOTE;
    return check_object(parse, body, note_fields) &&
           tb_field_actor(parse, tb_json_member(body, "author"), "author", "author is required",
                          &note->author) &&
           tb_field_required(parse, tb_json_member(body, "content"), "content", TB_NOTE_BYTES_MAX,
                             "content is required", &note->content) &&
           parse_note_type(parse, tb_json_member(body, "type"), &note->type);
}

static bool parse_artifact_type(struct tb_parse *parse, const struct tb_json *node,
                                enum tb_artifact_type *out)
{
    if (node != NULL && node->type == TB_JSON_STRING &&
        tb_artifact_type_parse(tb_json_text(node), out)) {
        return true;
    }
    struct tb_str shown = tb_field_shown(parse, node);
    return tb_field_refuse(parse, TB_E_INVALID_FIELD, "artifacts", "invalid artifact type: %.*s",
                           (int)shown.len, shown.ptr);
}

static bool parse_artifact(struct tb_parse *parse, const struct tb_json *node, size_t index,
                           struct tb_artifact *artifact)
{
    char prefix[32];
    (void)snprintf(prefix, sizeof(prefix), "artifacts[%zu].", index);
    *artifact = (struct tb_artifact){.added_ms = 0};
    if (node->type != TB_JSON_OBJECT) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, "artifacts",
                               "each artifact must be a JSON object");
    }
    return tb_field_check_known(parse, node, artifact_fields, true, prefix) &&
           parse_artifact_type(parse, tb_json_member(node, "type"), &artifact->type) &&
           tb_field_required(parse, tb_json_member(node, "url"), "url", TB_ARTIFACT_BYTES_MAX,
                             "artifact url is required", &artifact->url) &&
           tb_field_required(parse, tb_json_member(node, "label"), "label", TB_ARTIFACT_BYTES_MAX,
                             "artifact label is required", &artifact->label) &&
           tb_field_actor(parse, tb_json_member(node, "addedBy"), "addedBy", NULL,
                          &artifact->added_by);
}

bool tb_field_artifacts(struct tb_parse *parse, const struct tb_json *list, struct tb_str added_by,
                        struct tb_artifacts_command *out)
{
    if (list->child_count > TB_ARTIFACTS_REQUEST_MAX) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, "artifacts",
                               "artifacts has more than %d entries", TB_ARTIFACTS_REQUEST_MAX);
    }
    struct tb_artifact *items =
        tb_arena_alloc(parse->arena, (list->child_count + 1) * sizeof(*items));
    size_t count = 0;
    for (const struct tb_json *node = list->child; node != NULL; node = node->next) {
        if (!parse_artifact(parse, node, count, &items[count])) {
            return false;
        }
        if (items[count].added_by.ptr == NULL) {
            items[count].added_by = added_by;
        }
        count++;
    }
    *out = (struct tb_artifacts_command){.items = items, .item_count = count};
    return true;
}

bool tb_parse_artifacts(struct tb_parse *parse, const struct tb_json *body,
                        struct tb_command *command)
{
    command->kind = TB_COMMAND_ARTIFACTS;
    if (!check_object(parse, body, artifacts_fields)) {
        return false;
    }
    const struct tb_json *list = tb_json_member(body, "artifacts");
    if (list == NULL || list->type != TB_JSON_ARRAY || list->child_count == 0) {
        return tb_field_refuse(parse, TB_E_MISSING_FIELD, "artifacts",
                               "artifacts array is required and must not be empty");
    }
    return tb_field_artifacts(parse, list, TB_STR_NONE, &command->artifacts);
}

bool tb_parse_bump(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command)
{
    command->kind = TB_COMMAND_BUMP;
    return check_object(parse, body, no_fields);
}

static bool parse_by(struct tb_parse *parse, const struct tb_json *body, const char *field,
                     struct tb_str *out)
{
    if (!tb_field_actor(parse, tb_json_member(body, field), field, NULL, out)) {
        return false;
    }
    if (out->ptr == NULL) {
        *out = TB_STR("unknown");
    }
    return true;
}

bool tb_parse_review(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command)
{
    struct tb_verdict_command *verdict = &command->verdict;
    command->kind = TB_COMMAND_REVIEW;
    *verdict = (struct tb_verdict_command){.by = TB_STR_NONE};
    if (!check_object(parse, body, review_fields) ||
        !tb_field_required(parse, tb_json_member(body, "summary"), "summary", TB_NOTE_BYTES_MAX,
                           "summary is required", &verdict->text) ||
        !parse_by(parse, body, "reviewedBy", &verdict->by)) {
        return false;
    }
    const struct tb_json *list = tb_json_member(body, "artifacts");
    if (list == NULL || list->type != TB_JSON_ARRAY) {
        return true; /* as the service did before: what is no array is no artifacts */
    }
    return tb_field_artifacts(parse, list, verdict->by, &verdict->artifacts);
}

bool tb_parse_approve(struct tb_parse *parse, const struct tb_json *body,
                      struct tb_command *command)
{
    struct tb_verdict_command *verdict = &command->verdict;
    command->kind = TB_COMMAND_APPROVE;
    *verdict = (struct tb_verdict_command){.by = TB_STR_NONE};
    return check_object(parse, body, approve_fields) &&
           parse_by(parse, body, "approvedBy", &verdict->by) &&
           tb_field_text(parse, tb_json_member(body, "comment"), "comment", TB_VERDICT_BYTES_MAX,
                         &verdict->text);
}

bool tb_parse_reject(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command)
{
    struct tb_verdict_command *verdict = &command->verdict;
    command->kind = TB_COMMAND_REJECT;
    *verdict = (struct tb_verdict_command){.by = TB_STR_NONE};
    return check_object(parse, body, reject_fields) &&
           tb_field_required(parse, tb_json_member(body, "reason"), "reason", TB_VERDICT_BYTES_MAX,
                             "reason is required", &verdict->text) &&
           parse_by(parse, body, "rejectedBy", &verdict->by);
}
