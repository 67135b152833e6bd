#include "scenario/model.h"

#include <stdio.h>

#include "scenario/wire.h"
#include "taskboard/limits.h"

#define FAIL(why, why_size, ...) ((void)snprintf((why), (why_size), __VA_ARGS__), false)
#define AGING_MS                 INT64_C(3600000)

/* --- looking --- */

struct model_attempt *model_by_generation(struct model *model, uint64_t generation)
{
    for (size_t i = model->count; i-- > 0;) {
        if (model->attempts[i].generation == generation) {
            return &model->attempts[i];
        }
    }
    return NULL;
}

struct model_attempt *model_by_number(struct model *model, struct tb_id task, uint32_t number)
{
    for (size_t i = model->count; i-- > 0;) {
        struct model_attempt *attempt = &model->attempts[i];
        if (attempt->number == number && tb_id_cmp(attempt->task, task) == 0) {
            return attempt;
        }
    }
    return NULL;
}

struct model_attempt *model_by_token(struct model *model, struct tb_id task, struct tb_str token)
{
    for (size_t i = model->count; i-- > 0;) {
        struct model_attempt *attempt = &model->attempts[i];
        if (tb_str_eq_c(token, attempt->token)) {
            return tb_id_cmp(attempt->task, task) == 0 ? attempt : NULL;
        }
    }
    return NULL;
}

int64_t model_ends_ms(const struct model *model, const struct model_attempt *attempt)
{
    int64_t since_start_ms = model->started_ms + attempt->lease_ms;
    int64_t own_ms = attempt->expires_ms > since_start_ms ? attempt->expires_ms : since_start_ms;
    return model_vm_keeps_until_ms(model, attempt, own_ms);
}

/* --- the log --- */

static bool start_attempt(struct model *model, const struct replay_task *task, char *why,
                          size_t why_size)
{
    struct tb_str claim = fixture_member(task->summary, "claim");
    assert_true(model->count < MODEL_ATTEMPTS_MAX);
    struct model_attempt attempt = {
        .task = task->id,
        .number = task->attempt,
        .generation = task->generation,
        .outcome = TB_ATTEMPT_RUNNING,
        .ended_by = TB_COMMAND_KIND_COUNT,
        .expires_ms = wire_instant(fixture_member(claim, "expiresAt")),
        .percent = -1,
        .vm = model_vm_index(wire_text(fixture_member(claim, "vmId"))),
    };
    attempt.lease_ms = attempt.expires_ms - wire_instant(fixture_member(claim, "claimedAt"));
    if (model->count > 0 && model->attempts[model->count - 1].generation >= attempt.generation) {
        return FAIL(why, why_size, "generations do not grow");
    }
    model->attempts[model->count++] = attempt;
    return true;
}

static void drop(struct model *model, struct tb_id task, uint32_t number_max)
{
    size_t kept = 0;
    for (size_t i = 0; i < model->count; i++) {
        const struct model_attempt *attempt = &model->attempts[i];
        if (tb_id_cmp(attempt->task, task) != 0 || attempt->number > number_max) {
            model->attempts[kept++] = *attempt;
        }
    }
    model->count = kept;
}

/* Time ends a claim when its lease is over, and not before. */
static bool end_by_time(const struct model *model, struct model_attempt *attempt,
                        const struct tb_event *event, char *why, size_t why_size)
{
    struct tb_str reason = fixture_member(event->data, "reason");
    bool says_lost = reason.ptr != NULL && tb_str_eq_c(wire_text(reason), "vm_lost");
    if (!attempt->lost && event->at_ms < model_ends_ms(model, attempt)) {
        return FAIL(why, why_size, "event %llu ends a lease too early",
                    (unsigned long long)event->seq);
    }
    if (event->type != TB_EVENT_CANCELLED && says_lost != attempt->lost) {
        return FAIL(why, why_size, "event %llu gives a wrong reason",
                    (unsigned long long)event->seq);
    }
    attempt->outcome = attempt->lost ? TB_ATTEMPT_VM_LOST : TB_ATTEMPT_EXPIRED;
    if (event->type == TB_EVENT_CANCELLED) {
        attempt->outcome = TB_ATTEMPT_CANCELLED;
    }
    return event->type == TB_EVENT_CANCELLED || event->type == TB_EVENT_EXPIRED ||
           event->type == TB_EVENT_DEAD ||
           FAIL(why, why_size, "event %llu is none that time makes",
                (unsigned long long)event->seq);
}

/* A command ends a claim with its token, or by force. */
static bool may_end(const struct model_attempt *attempt, const struct dice_command *command)
{
    return tb_id_cmp(attempt->task, command->id) == 0 &&
           (command->force || tb_str_eq_c(command->token, attempt->token));
}

static enum tb_attempt_outcome outcome_of(enum tb_command_kind kind)
{
    switch (kind) {
    case TB_COMMAND_COMPLETE:
        return TB_ATTEMPT_COMPLETED;
    case TB_COMMAND_FAIL:
        return TB_ATTEMPT_FAILED;
    case TB_COMMAND_RELEASE:
        return TB_ATTEMPT_RELEASED;
    default:
        return TB_ATTEMPT_TAKEN_OVER;
    }
}

static bool end_by_command(struct model_attempt *attempt, const struct tb_event *event,
                           const struct dice_command *command, char *why, size_t why_size)
{
    if (!may_end(attempt, command)) {
        return FAIL(why, why_size, "event %llu ends a claim that the command has no right to",
                    (unsigned long long)event->seq);
    }
    attempt->outcome = event->type == TB_EVENT_CANCELLED && command->kind != TB_COMMAND_PATCH
                           ? TB_ATTEMPT_CANCELLED
                           : outcome_of(command->kind);
    if (dice_is_holders(command->kind)) {
        attempt->ended_by = command->kind;
    }
    attempt->has_result =
        command->kind == TB_COMMAND_COMPLETE && fixture_member(command->body, "result").ptr != NULL;
    return true;
}

static bool end_attempt(struct model *model, struct model_attempt *attempt,
                        const struct tb_event *event, const struct dice_command *command, char *why,
                        size_t why_size)
{
    bool good = command == NULL || event->actor.ptr == NULL
                    ? end_by_time(model, attempt, event, why, why_size)
                    : end_by_command(attempt, event, command, why, why_size);
    if (good && attempt->number > TB_ATTEMPTS_KEPT) {
        drop(model, attempt->task, attempt->number - TB_ATTEMPTS_KEPT);
    }
    return good;
}

/* A stale token leaves nothing but its result on its own attempt. */
static bool note_late(struct model *model, const struct tb_event *event,
                      const struct dice_command *command, char *why, size_t why_size)
{
    struct tb_str number = fixture_member(fixture_member(event->wire, "data"), "attempt");
    struct model_attempt *attempt =
        model_by_number(model, event->task_id, (uint32_t)wire_number(number));
    if (attempt == NULL || command == NULL || command->kind != TB_COMMAND_COMPLETE ||
        !tb_str_eq_c(command->token, attempt->token) || attempt->outcome == TB_ATTEMPT_RUNNING ||
        attempt->has_result) {
        return FAIL(why, why_size, "event %llu keeps no late result",
                    (unsigned long long)event->seq);
    }
    attempt->has_result = true;
    attempt->late = true;
    return true;
}

bool model_apply(struct model *model, const struct tb_event *event,
                 const struct replay_task *before, const struct replay_task *after,
                 const struct dice_command *command, char *why, size_t why_size)
{
    uint64_t was = before != NULL ? before->generation : 0;
    uint64_t is = after != NULL ? after->generation : 0;
    if (event->vm_id.ptr != NULL) {
        return model_apply_vm(model, event, command, why, why_size);
    }
    if (event->type == TB_EVENT_LATE) {
        return note_late(model, event, command, why, why_size);
    }
    if (event->type == TB_EVENT_DELETED) {
        struct model_attempt *held = model_by_generation(model, was);
        if (held != NULL && !may_end(held, command)) {
            return FAIL(why, why_size, "a claimed task was deleted");
        }
        drop(model, event->task_id, UINT32_MAX);
        return true;
    }
    if (is != was && was != 0) {
        struct model_attempt *attempt = model_by_generation(model, was);
        assert_non_null(attempt);
        return end_attempt(model, attempt, event, command, why, why_size);
    }
    return is == was || start_attempt(model, after, why, why_size);
}

/* --- what comes next --- */

static bool fits_tags(const struct replay_task *task, struct tb_str all, struct tb_str any)
{
    struct tb_str tag;
    bool has_any = any.ptr == NULL || any.len == 2;
    for (size_t at = 0; wire_next(all, &at, &tag);) {
        if (!wire_has(task->tags, wire_text(tag))) {
            return false;
        }
    }
    for (size_t at = 0; !has_any && wire_next(any, &at, &tag);) {
        has_any = wire_has(task->tags, wire_text(tag));
    }
    return has_any;
}

static int64_t rank_of(const struct replay_task *task)
{
    return task->created_ms - task->points * AGING_MS;
}

const struct replay_task *model_next(const struct replay *replay, struct tb_str claim_args)
{
    struct tb_str agent = wire_text(fixture_member(claim_args, "agent"));
    struct tb_str tags = fixture_member(claim_args, "tags");
    struct tb_str any_tags = fixture_member(claim_args, "anyTags");
    const struct replay_task *best = NULL;
    for (size_t i = 0; i < replay->count; i++) { /* by id: of equal ranks the oldest comes first */
        const struct replay_task *task = &replay->tasks[i];
        if (task->ready && (best == NULL || rank_of(task) < rank_of(best)) &&
            (task->assignee.ptr == NULL || tb_str_eq(task->assignee, agent)) &&
            fits_tags(task, tags, any_tags) && !replay_is_paused(replay, task)) {
            best = task;
        }
    }
    return best;
}

/* --- what is remembered --- */

bool model_check_attempts(struct model *model, struct tb_id task, struct tb_str answer, char *why,
                          size_t why_size)
{
    struct tb_str list = fixture_member(answer, "attempts");
    struct tb_str item;
    int64_t count = 0;
    for (size_t at = 0; wire_next(list, &at, &item); count++) {
        int64_t number = wire_number(fixture_member(item, "attempt"));
        const struct model_attempt *wanted = model_by_number(model, task, (uint32_t)number);
        if (wanted == NULL ||
            wire_number(fixture_member(item, "generation")) != (int64_t)wanted->generation ||
            !tb_str_eq_c(wire_text(fixture_member(item, "outcome")),
                         tb_attempt_outcome_name(wanted->outcome)) ||
            (fixture_member(item, "result").ptr != NULL) != wanted->has_result ||
            wire_bool(fixture_member(item, "late")) != wanted->late) {
            return FAIL(why, why_size, "an attempt is not as it was: %.*s", (int)item.len,
                        item.ptr);
        }
    }
    int64_t wanted_count = 0;
    for (size_t i = 0; i < model->count; i++) {
        wanted_count += tb_id_cmp(model->attempts[i].task, task) == 0 ? 1 : 0;
    }
    return (count == wanted_count && wire_number(fixture_member(answer, "count")) == count) ||
           FAIL(why, why_size, "attempts are missing: %.*s", (int)answer.len, answer.ptr);
}
