/* The bodies of those who work: claim, heartbeat, complete, fail, release. All are strict about
 * unknown fields. */
#include <stdlib.h>

#include "board/field.h"
#include "taskboard/limits.h"

/* A claim's arguments stand in a body of their own and in the `next` of another; refusals name
 * them as they stand there. */
struct claim_names {
    const char *prefix;
    const char *agent;
    const char *agent_missing;
    const char *vm_id;
    const char *tags;
    const char *any_tags;
    const char *max;
    const char *lease_seconds;
};

static const struct claim_names plain_names = {
    .prefix = "",
    .agent = "agent",
    .agent_missing = "agent is required",
    .vm_id = "vmId",
    .tags = "tags",
    .any_tags = "anyTags",
    .max = "max",
    .lease_seconds = "leaseSeconds",
};

static const struct claim_names next_names = {
    .prefix = "next.",
    .agent = "next.agent",
    .agent_missing = "next.agent is required",
    .vm_id = "next.vmId",
    .tags = "next.tags",
    .any_tags = "next.anyTags",
    .max = "next.max",
    .lease_seconds = "next.leaseSeconds",
};

/* --- claim --- */

static bool parse_seconds(struct tb_parse *parse, const struct tb_json *node, const char *field,
                          int64_t min, int64_t max, int64_t *ms)
{
    int64_t seconds = -1;
    if (!tb_field_integer(parse, node, field, min, max, &seconds)) {
        return false;
    }
    if (seconds >= 0) {
        *ms = seconds * 1000;
    }
    return true;
}

/* Who claims, and for how long. */
static bool parse_claimant(struct tb_parse *parse, const struct tb_json *body,
                           const struct claim_names *names, struct tb_claim_command *claim)
{
    *claim = (struct tb_claim_command){
        .max = 1,
        .lease_ms = INT64_C(1000) * TB_LEASE_SECONDS_DEFAULT,
    };
    return tb_field_actor(parse, tb_json_member(body, "agent"), names->agent, names->agent_missing,
                          &claim->agent) &&
           tb_field_text(parse, tb_json_member(body, "vmId"), names->vm_id, TB_NAME_BYTES_MAX,
                         &claim->vm_id) &&
           parse_seconds(parse, tb_json_member(body, "leaseSeconds"), names->lease_seconds,
                         TB_LEASE_SECONDS_MIN, TB_LEASE_SECONDS_MAX, &claim->lease_ms);
}

static bool parse_claim(struct tb_parse *parse, const struct tb_json *body,
                        const struct claim_names *names, struct tb_claim_command *claim)
{
    int64_t max = 1;
    if (!parse_claimant(parse, body, names, claim) ||
        !tb_field_texts(parse, tb_json_member(body, "tags"), names->tags, TB_CLAIM_TAGS_MAX,
                        TB_TAG_BYTES_MAX, &claim->tags, &claim->tag_count) ||
        !tb_field_texts(parse, tb_json_member(body, "anyTags"), names->any_tags, TB_CLAIM_TAGS_MAX,
                        TB_TAG_BYTES_MAX, &claim->any_tags, &claim->any_tag_count) ||
        !tb_field_integer(parse, tb_json_member(body, "max"), names->max, 1, TB_CLAIM_TASKS_MAX,
                          &max)) {
        return false;
    }
    claim->max = (uint32_t)max;
    return true;
}

bool tb_parse_claim(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command)
{
    static const char *const known[] = {"agent", "vmId",         "tags", "anyTags",
                                        "max",   "leaseSeconds", "wait", NULL};
    command->kind = TB_COMMAND_CLAIM;
    return tb_field_check_body(parse, body, known, true) &&
           parse_claim(parse, body, &plain_names, &command->claim) &&
           parse_seconds(parse, tb_json_member(body, "wait"), "wait", 0, TB_WAIT_SECONDS_MAX,
                         &command->claim.wait_ms);
}

bool tb_parse_claim_task(struct tb_parse *parse, const struct tb_json *body,
                         struct tb_command *command)
{
    static const char *const known[] = {"agent", "vmId", "leaseSeconds", NULL};
    command->kind = TB_COMMAND_CLAIM_TASK;
    return tb_field_check_body(parse, body, known, true) &&
           parse_claimant(parse, body, &plain_names, &command->claim);
}

/* Who asks with `next` is not there to wait any more: a new claim is the way to do that. */
static bool parse_next(struct tb_parse *parse, const struct tb_json *node,
                       struct tb_finish_command *finish)
{
    static const char *const known[] = {"agent", "vmId",         "tags", "anyTags",
                                        "max",   "leaseSeconds", NULL};
    if (tb_field_is_absent(node)) {
        return true;
    }
    if (node->type != TB_JSON_OBJECT) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, "next",
                               "next must be an object with the arguments of a claim");
    }
    if (tb_json_member(node, "wait") != NULL) {
        return tb_field_refuse(parse, TB_E_UNKNOWN_FIELD, "next.wait",
                               "next takes no wait: claim again to wait for a task");
    }
    finish->has_next = true;
    return tb_field_check_known(parse, node, known, true, next_names.prefix) &&
           parse_claim(parse, node, &next_names, &finish->next);
}

/* --- the claim's token --- */

static size_t run_of(struct tb_str s, size_t from, bool (*fits)(char))
{
    size_t at = from;
    while (at < s.len && fits(s.ptr[at])) {
        at++;
    }
    return at - from;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_base64url(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

/* `<attempt>.<16 bytes in base64url>`: see attempt.h. Whether it is the right one, the rules say.
 */
static bool is_token(struct tb_str token)
{
    enum { DIGITS_MAX = 10, MAC_CHARS = 22 };
    size_t digits = run_of(token, 0, is_digit);
    return digits >= 1 && digits <= DIGITS_MAX && token.len == digits + 1 + MAC_CHARS &&
           token.ptr[digits] == '.' && run_of(token, digits + 1, is_base64url) == MAC_CHARS;
}

static bool parse_token(struct tb_parse *parse, const struct tb_json *body, struct tb_str *token)
{
    const struct tb_json *node = tb_json_member(body, "claimToken");
    if (tb_field_is_absent(node) || tb_str_eq_c(node->raw, "\"\"")) {
        return tb_field_refuse(parse, TB_E_CLAIM_TOKEN_REQUIRED, "claimToken",
                               "claimToken is required");
    }
    if (node->type != TB_JSON_STRING || !is_token(tb_json_text(node))) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, "claimToken",
                               "claimToken must be one that a claim was answered with");
    }
    *token = tb_json_text(node);
    return true;
}

bool tb_parse_claim_token(struct tb_parse *parse, struct tb_str header, struct tb_str *token)
{
    if (header.ptr != NULL && !is_token(header)) {
        return tb_field_refuse(parse, TB_E_INVALID_HEADER, "Claim-Token",
                               "Claim-Token must be one that a claim was answered with");
    }
    *token = header;
    return true;
}

/* --- heartbeat --- */

/* A number from 0 to 100, also a broken one, of which the whole part is kept. */
static bool parse_percent(struct tb_parse *parse, const struct tb_json *node, int32_t *percent)
{
    *percent = -1;
    if (tb_field_is_absent(node)) {
        return true;
    }
    double number = -1;
    if (node->type == TB_JSON_NUMBER) {
        number = strtod(
            tb_arena_printf(parse->arena, "%.*s", (int)node->raw.len, node->raw.ptr).ptr, NULL);
    }
    if (!(number >= 0 && number <= 100)) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, "progress.percent",
                               "progress.percent must be a number from 0 to 100");
    }
    *percent = (int32_t)number;
    return true;
}

static bool parse_progress(struct tb_parse *parse, const struct tb_json *node,
                           struct tb_heartbeat_command *heartbeat)
{
    static const char *const known[] = {"percent", "message", NULL};
    if (tb_field_is_absent(node)) {
        return true;
    }
    if (node->type != TB_JSON_OBJECT) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, "progress",
                               "progress must be an object with percent and message");
    }
    heartbeat->has_progress = true;
    return tb_field_check_known(parse, node, known, true, "progress.") &&
           parse_percent(parse, tb_json_member(node, "percent"), &heartbeat->percent) &&
           tb_field_text(parse, tb_json_member(node, "message"), "progress.message",
                         TB_PROGRESS_BYTES_MAX, &heartbeat->message);
}

bool tb_parse_heartbeat(struct tb_parse *parse, const struct tb_json *body,
                        struct tb_command *command)
{
    static const char *const known[] = {"claimToken", "leaseSeconds", "progress", NULL};
    struct tb_heartbeat_command *heartbeat = &command->heartbeat;
    command->kind = TB_COMMAND_HEARTBEAT;
    *heartbeat = (struct tb_heartbeat_command){.percent = -1};
    return tb_field_check_body(parse, body, known, true) &&
           parse_token(parse, body, &heartbeat->claim_token) &&
           parse_seconds(parse, tb_json_member(body, "leaseSeconds"), "leaseSeconds",
                         TB_LEASE_SECONDS_MIN, TB_LEASE_SECONDS_MAX, &heartbeat->lease_ms) &&
           parse_progress(parse, tb_json_member(body, "progress"), heartbeat);
}

/* --- complete, fail, release --- */

/* What the three have in common. */
static bool parse_finish(struct tb_parse *parse, const struct tb_json *body,
                         const char *const *known, struct tb_finish_command *finish)
{
    *finish = (struct tb_finish_command){.retryable = true, .delay_ms = -1};
    return tb_field_check_body(parse, body, known, true) &&
           parse_token(parse, body, &finish->claim_token) &&
           parse_next(parse, tb_json_member(body, "next"), finish);
}

static bool parse_artifacts(struct tb_parse *parse, const struct tb_json *list,
                            struct tb_artifacts_command *out)
{
    if (tb_field_is_absent(list)) {
        return true;
    }
    if (list->type != TB_JSON_ARRAY) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, "artifacts",
                               "artifacts must be an array");
    }
    return tb_field_artifacts(parse, list, TB_STR_NONE, out);
}

bool tb_parse_complete(struct tb_parse *parse, const struct tb_json *body,
                       struct tb_command *command)
{
    static const char *const known[] = {"claimToken", "result", "summary", "artifacts",
                                        "review",     "next",   NULL};
    struct tb_finish_command *finish = &command->finish;
    command->kind = TB_COMMAND_COMPLETE;
    return parse_finish(parse, body, known, finish) &&
           tb_field_json(parse, tb_json_member(body, "result"), "result", TB_RESULT_BYTES_MAX,
                         &finish->result) &&
           tb_field_text(parse, tb_json_member(body, "summary"), "summary", TB_NOTE_BYTES_MAX,
                         &finish->summary) &&
           tb_field_bool(parse, tb_json_member(body, "review"), "review", &finish->review) &&
           parse_artifacts(parse, tb_json_member(body, "artifacts"), &finish->artifacts);
}

bool tb_parse_fail(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command)
{
    static const char *const known[] = {"claimToken",   "error", "retryable",
                                        "delaySeconds", "next",  NULL};
    struct tb_finish_command *finish = &command->finish;
    command->kind = TB_COMMAND_FAIL;
    return parse_finish(parse, body, known, finish) &&
           tb_field_required(parse, tb_json_member(body, "error"), "error", TB_ERROR_BYTES_MAX,
                             "error is required", &finish->error) &&
           tb_field_bool(parse, tb_json_member(body, "retryable"), "retryable",
                         &finish->retryable) &&
           parse_seconds(parse, tb_json_member(body, "delaySeconds"), "delaySeconds", 0,
                         TB_DELAY_SECONDS_MAX, &finish->delay_ms);
}

bool tb_parse_release(struct tb_parse *parse, const struct tb_json *body,
                      struct tb_command *command)
{
    static const char *const known[] = {"claimToken", "reason", "next", NULL};
    struct tb_finish_command *finish = &command->finish;
    command->kind = TB_COMMAND_RELEASE;
    return parse_finish(parse, body, known, finish) &&
           tb_field_text(parse, tb_json_member(body, "reason"), "reason", TB_REASON_BYTES_MAX,
                         &finish->reason);
}
