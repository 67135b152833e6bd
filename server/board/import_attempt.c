#include "board/import_field.h"

#include "board/field.h"
#include "taskboard/limits.h"

#define ATTEMPT_MAX INT32_MAX /* of which a task can never come to the end */

static bool read_outcome(struct tb_parse *parse, const struct tb_json *node,
                         enum tb_attempt_outcome *outcome)
{
    bool good = node != NULL && node->type == TB_JSON_STRING &&
                tb_attempt_outcome_parse(tb_json_text(node), outcome) &&
                *outcome != TB_ATTEMPT_RUNNING;
    return good || tb_field_refuse(parse, TB_E_INVALID_FIELD, "attempts",
                                   "an attempt must have an outcome, and be over");
}

static bool read_progress(struct tb_parse *parse, const struct tb_json *node,
                          struct tb_str *progress)
{
    if (!tb_field_is_absent(node) && node->type != TB_JSON_OBJECT) {
        return tb_field_refuse(parse, TB_E_INVALID_FIELD, "attempts", "progress must be an object");
    }
    return tb_field_json(parse, node, "attempts[].progress", (size_t)8 * TB_PROGRESS_BYTES_MAX,
                         progress);
}

static bool read_attempt(struct tb_parse *parse, const struct tb_json *node,
                         struct tb_import_item *item, struct tb_attempt *attempt)
{
    static const char *const known[] = {"attempt",   "generation", "agent",   "vmId",
                                        "claimedAt", "endedAt",    "outcome", "error",
                                        "result",    "progress",   "late",    NULL};
    int64_t number = 0;
    bool good =
        tb_field_check_known(parse, node, known, true, "attempts[].") &&
        tb_field_integer(parse, tb_json_member(node, "attempt"), "attempts[].attempt", 1,
                         ATTEMPT_MAX, &number) &&
        tb_import_read_number(parse, tb_json_member(node, "generation"), "attempts[].generation", 1,
                              &attempt->generation) &&
        tb_field_required(parse, tb_json_member(node, "agent"), "attempts[].agent",
                          TB_NAME_BYTES_MAX, "an attempt has no agent", &attempt->agent) &&
        tb_field_text(parse, tb_json_member(node, "vmId"), "attempts[].vmId", TB_NAME_BYTES_MAX,
                      &attempt->vm_id) &&
        tb_import_read_past(parse, tb_json_member(node, "claimedAt"), "attempts[].claimedAt", item,
                            &attempt->claimed_ms) &&
        tb_import_read_past(parse, tb_json_member(node, "endedAt"), "attempts[].endedAt", item,
                            &attempt->ended_ms) &&
        read_outcome(parse, tb_json_member(node, "outcome"), &attempt->outcome) &&
        tb_field_text(parse, tb_json_member(node, "error"), "attempts[].error", TB_ERROR_BYTES_MAX,
                      &attempt->error) &&
        tb_field_json(parse, tb_json_member(node, "result"), "attempts[].result",
                      TB_RESULT_BYTES_MAX, &attempt->result) &&
        read_progress(parse, tb_json_member(node, "progress"), &attempt->progress) &&
        tb_field_bool(parse, tb_json_member(node, "late"), "attempts[].late", &attempt->late);
    attempt->number = (uint32_t)number;
    return good;
}

/* As the board keeps them: the latest, without a gap. */
static bool check_attempts(struct tb_parse *parse, struct tb_import_item *item)
{
    struct tb_task *task = &item->task;
    size_t count = item->attempt_count;
    task->claims = count > 0 ? item->attempts[count - 1].number : 0;
    size_t kept = task->claims < TB_ATTEMPTS_KEPT ? task->claims : TB_ATTEMPTS_KEPT;
    bool good = count == kept && task->attempts <= task->claims;
    for (size_t i = 0; good && i < count; i++) {
        const struct tb_attempt *attempt = &item->attempts[i];
        good = attempt->number == task->claims - count + 1 + i &&
               attempt->ended_ms >= attempt->claimed_ms &&
               attempt->generation > (i == 0 ? 0 : attempt[-1].generation) &&
               (!attempt->late || attempt->result.ptr != NULL);
    }
    return good || tb_field_refuse(parse, TB_E_INVALID_FIELD, "attempts",
                                   "the attempts do not follow one another, or are not as many as "
                                   "the task counts");
}

bool tb_import_read_attempts(struct tb_parse *parse, const struct tb_json *list,
                             struct tb_import_item *item)
{
    size_t count = 0;
    if (!tb_import_read_list(parse, list, "attempts", &count)) {
        return false;
    }
    item->attempt_count = count;
    item->attempts = tb_arena_zalloc(parse->arena, (count + 1) * sizeof(*item->attempts));
    const struct tb_json *node = count > 0 ? list->child : NULL;
    for (size_t i = 0; node != NULL; i++, node = node->next) {
        if (!tb_import_expect(parse, node, TB_JSON_OBJECT, "an attempt must be an object") ||
            !read_attempt(parse, node, item, &item->attempts[i])) {
            return false;
        }
    }
    return check_attempts(parse, item);
}
