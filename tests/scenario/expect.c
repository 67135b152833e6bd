#include "scenario/expect.h"

#include <stdio.h>

#include "scenario/wire.h"

#define FAIL(why, why_size, ...) ((void)snprintf((why), (why_size), __VA_ARGS__), false)

static const struct expectation anything = {.known = false};

static struct expectation error(enum tb_err err)
{
    return (struct expectation){.known = true, .err = err};
}

static struct expectation success(void)
{
    return error(TB_OK);
}

static struct expectation lost(const char *reason)
{
    return (struct expectation){.known = true, .err = TB_E_CLAIM_LOST, .reason = reason};
}

/* The lease of the claim that holds the task has ended, but nobody may have looked yet. */
static bool has_lapsed(struct model *model, const struct replay_task *task, int64_t now_ms)
{
    const struct model_attempt *attempt = model_by_generation(model, task->generation);
    return attempt != NULL && (attempt->lost || model_ends_ms(model, attempt) <= now_ms);
}

static bool version_fits(const struct dice_command *command, const struct replay_task *task,
                         bool lapsed)
{
    char wanted[32];
    (void)snprintf(wanted, sizeof(wanted), "\"%llu\"",
                   (unsigned long long)task->version + (lapsed ? 1 : 0));
    return command->if_match.ptr == NULL || tb_str_eq_c(command->if_match, "*") ||
           tb_str_eq_c(command->if_match, wanted);
}

/* --- the holder's verbs --- */

static struct expectation expect_stale(const struct dice_command *command,
                                       const struct model_attempt *attempt,
                                       enum tb_attempt_outcome outcome)
{
    struct expectation expectation = lost(tb_attempt_outcome_name(outcome));
    if (attempt->ended_by == command->kind) {
        expectation = success();
        expectation.silent = true;
    } else if (command->kind == TB_COMMAND_COMPLETE && !attempt->has_result) {
        expectation.late = fixture_member(command->body, "result").ptr != NULL;
    }
    return expectation;
}

/* Is the VM that the command would claim for, if it would, one that may? */
static bool may_claim(const struct model *model, const struct dice_command *command, int64_t now_ms)
{
    struct tb_str args =
        command->kind == TB_COMMAND_CLAIM_TASK ? command->body : expect_claim_args(command);
    struct tb_str vm_id = args.ptr != NULL ? fixture_member(args, "vmId") : TB_STR_NONE;
    return model_vm_may_claim(model, wire_text(vm_id), now_ms);
}

static struct expectation expect_verb(struct model *model, const struct replay_task *task,
                                      const struct dice_command *command, bool lapsed,
                                      int64_t now_ms)
{
    const struct model_attempt *attempt = model_by_token(model, command->id, command->token);
    if (attempt == NULL) {
        return lost(NULL);
    }
    if (attempt->outcome != TB_ATTEMPT_RUNNING) {
        return expect_stale(command, attempt, attempt->outcome);
    }
    if (lapsed) {
        enum tb_attempt_outcome outcome = attempt->lost ? TB_ATTEMPT_VM_LOST : TB_ATTEMPT_EXPIRED;
        return expect_stale(command, attempt,
                            task->cancel_requested ? TB_ATTEMPT_CANCELLED : outcome);
    }
    if (!version_fits(command, task, false)) {
        return error(TB_E_VERSION_MISMATCH);
    }
    return may_claim(model, command, now_ms) ? success() : error(TB_E_UNKNOWN_VM);
}

/* --- claims of others --- */

static struct expectation expect_claim(const struct replay *replay, const struct replay_task *task,
                                       const struct dice_command *command, int64_t now_ms)
{
    struct tb_str agent = wire_text(fixture_member(command->body, "agent"));
    if (task->generation != 0) {
        return error(TB_E_ALREADY_CLAIMED);
    }
    if (task->status != TB_STATUS_OPEN || task->blocked_by.len > 2 ||
        task->not_before_ms > now_ms) {
        return error(TB_E_NOT_READY);
    }
    if (task->assignee.ptr != NULL && !tb_str_eq(task->assignee, agent)) {
        return error(TB_E_ASSIGNED_ELSEWHERE);
    }
    return replay_is_paused(replay, task) ? error(TB_E_PAUSED) : success();
}

static bool same_name(struct tb_str sent, struct tb_str stored)
{
    struct tb_str name = tb_str_eq_c(sent, "null") ? TB_STR_NONE : wire_text(sent);
    while (name.len > 0 && name.ptr[0] == ' ') {
        name = tb_str_from(name.ptr + 1, name.len - 1);
    }
    while (name.len > 0 && name.ptr[name.len - 1] == ' ') {
        name.len--;
    }
    if (name.len >= 2 && memcmp(name.ptr + name.len - 2, "\\n", 2) == 0) {
        name.len -= 2; /* white space, too */
    }
    return tb_str_eq(name.len > 0 ? name : TB_STR_NONE, stored);
}

static bool ends_claim(const struct dice_command *command, const struct replay_task *task)
{
    struct tb_str status = fixture_member(command->body, "status");
    struct tb_str assignee = fixture_member(command->body, "assignee");
    return command->kind != TB_COMMAND_PATCH ||
           (status.ptr != NULL && !tb_str_eq_c(status, "\"in_progress\"")) ||
           (assignee.ptr != NULL && !same_name(assignee, task->assignee));
}

/* PATCH, DELETE, review, approve, reject: only the guard is foreseen. */
static struct expectation expect_guard(struct model *model, const struct replay_task *task,
                                       const struct dice_command *command)
{
    if (task->generation == 0 || command->force || !ends_claim(command, task)) {
        return anything;
    }
    if (command->token.ptr == NULL) {
        return error(TB_E_ALREADY_CLAIMED);
    }
    const struct model_attempt *attempt = model_by_token(model, command->id, command->token);
    if (attempt == NULL) {
        return lost(NULL);
    }
    return attempt->outcome == TB_ATTEMPT_RUNNING ? anything
                                                  : lost(tb_attempt_outcome_name(attempt->outcome));
}

/* --- steering --- */

static struct expectation expect_cancel(const struct replay_task *task,
                                        const struct dice_command *command)
{
    struct expectation expectation =
        task->status == TB_STATUS_DONE ? error(TB_E_ALREADY_DONE) : success();
    expectation.silent = expectation.err == TB_OK && task->cancel_requested && !command->force;
    return expectation;
}

static struct expectation expect_retry(const struct replay *replay, const struct replay_task *task)
{
    if (!task->dead_letter && (task->status != TB_STATUS_DONE || task->success)) {
        return error(TB_E_NOT_RETRYABLE);
    }
    for (size_t i = 0; i < replay->count && task->status == TB_STATUS_DONE; i++) {
        const struct replay_task *other = &replay->tasks[i];
        if (task->unique_key.ptr != NULL && other->status != TB_STATUS_DONE &&
            tb_str_eq(other->unique_key, task->unique_key)) {
            return error(TB_E_UNIQUE_KEY_TAKEN);
        }
    }
    return success();
}

static struct expectation expect_accept(struct model *model, const struct replay_task *task,
                                        const struct dice_command *command)
{
    const struct model_attempt *attempt = model_by_number(model, task->id, command->attempt);
    if (attempt == NULL) {
        return error(TB_E_ATTEMPT_NOT_FOUND);
    }
    if (!attempt->has_result) {
        return error(TB_E_NO_RESULT);
    }
    if (task->status == TB_STATUS_DONE && task->success) {
        return error(TB_E_ALREADY_DONE);
    }
    return task->generation != 0 && !command->force ? error(TB_E_ALREADY_CLAIMED) : success();
}

/* --- all --- */

static struct expectation expect_task(struct model *model, const struct replay *replay,
                                      const struct replay_task *task,
                                      const struct dice_command *command, int64_t now_ms)
{
    bool lapsed = has_lapsed(model, task, now_ms);
    if (dice_is_holders(command->kind)) {
        return expect_verb(model, task, command, lapsed, now_ms);
    }
    if (!version_fits(command, task, lapsed)) {
        return error(TB_E_VERSION_MISMATCH);
    }
    if (lapsed) {
        return anything; /* it is open, a dead letter or cancelled by then */
    }
    switch (command->kind) {
    case TB_COMMAND_CLAIM_TASK:
        return may_claim(model, command, now_ms) ? expect_claim(replay, task, command, now_ms)
                                                 : error(TB_E_UNKNOWN_VM);
    case TB_COMMAND_CANCEL:
        return expect_cancel(task, command);
    case TB_COMMAND_RETRY:
        return expect_retry(replay, task);
    case TB_COMMAND_ACCEPT:
        return expect_accept(model, task, command);
    default:
        return dice_takes_header(command->kind) ? expect_guard(model, task, command) : anything;
    }
}

/* --- the fleet --- */

static struct expectation expect_fleet(const struct model *model,
                                       const struct dice_command *command)
{
    bool registered = model->vms[model_vm_index(command->vm_id)].registered;
    switch (command->kind) {
    case TB_COMMAND_VM_REGISTER:
        return registered ? error(TB_E_VM_EXISTS) : success();
    case TB_COMMAND_VM_PATCH:
    case TB_COMMAND_VM_DELETE:
    case TB_COMMAND_VM_HEARTBEAT:
        return registered ? success() : error(TB_E_VM_NOT_FOUND);
    default:
        return success();
    }
}

struct expectation expect(struct model *model, const struct replay *replay,
                          const struct dice_command *command, int64_t now_ms)
{
    if (command->bad || command->kind == TB_COMMAND_CREATE) {
        return anything;
    }
    if (dice_is_holders(command->kind) && command->token.ptr == NULL) {
        return error(TB_E_CLAIM_TOKEN_REQUIRED);
    }
    if (dice_is_of_fleet(command->kind)) {
        return expect_fleet(model, command);
    }
    if (command->kind == TB_COMMAND_CLAIM && !may_claim(model, command, now_ms)) {
        return error(TB_E_UNKNOWN_VM);
    }
    if (tb_id_is_zero(command->id)) { /* claim, retry many, pause, resume */
        return success();
    }
    const struct replay_task *task = replay_find(replay, command->id);
    return task == NULL ? error(TB_E_TASK_NOT_FOUND)
                        : expect_task(model, replay, task, command, now_ms);
}

struct tb_str expect_claim_args(const struct dice_command *command)
{
    if (command->bad) {
        return TB_STR_NONE;
    }
    if (command->kind == TB_COMMAND_CLAIM) {
        return command->body;
    }
    return dice_is_holders(command->kind) ? fixture_member(command->body, "next") : TB_STR_NONE;
}

/* --- what came --- */

/* Who holds the task, as a refusal tells it. */
static bool names_holder(const struct replay *replay, const struct dice_command *command,
                         struct tb_str extra)
{
    const struct replay_task *task = replay_find(replay, command->id);
    struct tb_str claim = fixture_member(extra, "claim");
    if (task->generation == 0) {
        return claim.ptr == NULL;
    }
    return claim.ptr != NULL &&
           wire_number(fixture_member(claim, "generation")) == (int64_t)task->generation &&
           tb_str_eq(wire_text(fixture_member(claim, "by")), task->assignee);
}

static bool refusal_holds(const struct expectation *expectation, const struct replay *replay,
                          const struct dice_command *command, const struct tb_reply *reply,
                          struct tb_arena *arena)
{
    struct tb_str extra = wire_extra(arena, reply->extra);
    if (reply->err == TB_E_CLAIM_LOST) {
        return tb_str_eq(wire_text(fixture_member(extra, "reason")),
                         tb_str_c(expectation->reason)) &&
               names_holder(replay, command, extra);
    }
    return reply->err != TB_E_ALREADY_CLAIMED || names_holder(replay, command, extra);
}

/* As many tasks were claimed as there were, or as were asked for. */
static bool claims_enough(const struct replay *replay, const struct dice_command *command,
                          const struct expectation *expectation, const struct step_events *events)
{
    struct tb_str args = expect_claim_args(command);
    if (args.ptr == NULL || expectation->silent) {
        return events->claimed == (command->kind == TB_COMMAND_CLAIM_TASK ? 1 : 0);
    }
    int64_t max = wire_number_or(fixture_member(args, "max"), 1);
    return events->claimed == max || (events->claimed < max && model_next(replay, args) == NULL);
}

bool expect_holds(const struct expectation *expectation, const struct replay *replay,
                  const struct dice_command *command, const struct tb_reply *reply,
                  const struct step_events *events, char *why, size_t why_size)
{
    if (!expectation->known) {
        return true;
    }
    if (reply->err != expectation->err) {
        return FAIL(why, why_size, "answered %s, it should be %s", tb_err_code(reply->err),
                    tb_err_code(expectation->err));
    }
    if (events->late != (expectation->late ? 1 : 0)) {
        return FAIL(why, why_size, "a late result was %s",
                    expectation->late ? "lost" : "kept without a reason");
    }
    if (reply->err != TB_OK) {
        struct tb_arena *arena = tb_arena_new(0);
        bool good = refusal_holds(expectation, replay, command, reply, arena);
        tb_arena_free(arena);
        return good || FAIL(why, why_size, "the refusal says %.*s", (int)reply->extra.len,
                            reply->extra.len > 0 ? reply->extra.ptr : "");
    }
    if (expectation->silent && events->own > 0) {
        return FAIL(why, why_size, "what should change nothing wrote %u events", events->own);
    }
    return claims_enough(replay, command, expectation, events) ||
           FAIL(why, why_size, "%u tasks were claimed", events->claimed);
}

/* --- what the holder learns --- */

static bool learn_claim(struct model *model, struct tb_str task, char *why, size_t why_size)
{
    struct tb_str claim = fixture_member(task, "claim");
    struct tb_str token = wire_text(fixture_member(claim, "token"));
    struct tb_str previous = fixture_member(task, "previousAttempt");
    struct model_attempt *attempt =
        model_by_generation(model, (uint64_t)wire_number(fixture_member(claim, "generation")));
    if (attempt == NULL || token.ptr == NULL || token.len >= DICE_TOKEN_MAX) {
        return FAIL(why, why_size, "the answer to a claim has no token");
    }
    memcpy(attempt->token, token.ptr, token.len);
    const struct model_attempt *before = model_by_number(model, attempt->task, attempt->number - 1);
    if ((before == NULL) != (previous.ptr == NULL)) {
        return FAIL(why, why_size, "previousAttempt is there, or is not, without a reason");
    }
    return before == NULL ||
           (wire_number(fixture_member(previous, "attempt")) == before->number &&
            tb_str_eq_c(wire_text(fixture_member(previous, "outcome")),
                        tb_attempt_outcome_name(before->outcome)) &&
            (fixture_member(previous, "result").ptr != NULL) == before->has_result &&
            wire_bool(fixture_member(previous, "late")) == before->late) ||
           FAIL(why, why_size, "previousAttempt is another one: %.*s", (int)previous.len,
                previous.ptr);
}

static bool learn_claims(struct model *model, struct tb_str tasks, char *why, size_t why_size)
{
    struct tb_str task;
    for (size_t at = 0; wire_next(tasks, &at, &task);) {
        if (!learn_claim(model, task, why, why_size)) {
            return false;
        }
    }
    return true;
}

static bool learn_lease(struct model *model, const struct replay *replay,
                        const struct dice_command *command, const struct tb_reply *reply,
                        int64_t now_ms)
{
    const struct replay_task *task = replay_find(replay, command->id);
    struct model_attempt *attempt = model_by_token(model, command->id, command->token);
    struct tb_str lease = fixture_member(command->body, "leaseSeconds");
    struct tb_str progress = fixture_member(command->body, "progress");
    attempt->lease_ms = wire_number_or(lease, attempt->lease_ms / 1000) * 1000;
    attempt->expires_ms = now_ms + attempt->lease_ms;
    if (progress.ptr != NULL) {
        attempt->percent = (int)wire_number(fixture_member(progress, "percent"));
    }
    return wire_instant(fixture_member(reply->body, "expiresAt")) == attempt->expires_ms &&
           wire_instant(fixture_member(reply->body, "serverTime")) == now_ms &&
           wire_bool(fixture_member(reply->body, "cancelRequested")) == task->cancel_requested &&
           wire_bool(fixture_member(reply->body, "paused")) == replay_is_paused(replay, task);
}

/* A register, a PUT, a PATCH and a heartbeat are signs of life. */
static bool learn_vm(struct model *model, const struct dice_command *command,
                     const struct tb_reply *reply, int64_t now_ms)
{
    if (command->kind > TB_COMMAND_VM_HEARTBEAT || command->kind == TB_COMMAND_VM_DELETE) {
        return true;
    }
    model_see_vm(model, command->vm_id, now_ms);
    struct tb_str claims = fixture_member(
        reply->body, command->kind == TB_COMMAND_VM_HEARTBEAT ? "claimsRenewed" : "claims");
    return tb_str_eq(wire_text(fixture_member(reply->body, "id")), command->vm_id) &&
           wire_instant(fixture_member(reply->body, "lastSeen")) == now_ms &&
           (uint64_t)wire_number(claims) == model_claims_of(model, model_vm_index(command->vm_id));
}

bool expect_learn(struct model *model, const struct replay *replay,
                  const struct dice_command *command, const struct tb_reply *reply, int64_t now_ms,
                  char *why, size_t why_size)
{
    if (reply->err != TB_OK || command->bad) {
        return true;
    }
    if (dice_is_of_fleet(command->kind)) {
        return learn_vm(model, command, reply, now_ms) ||
               FAIL(why, why_size, "the VM is told %.*s", (int)reply->body.len, reply->body.ptr);
    }
    if (command->kind == TB_COMMAND_CLAIM) {
        return learn_claims(model, fixture_member(reply->body, "tasks"), why, why_size);
    }
    if (command->kind == TB_COMMAND_CLAIM_TASK) {
        return learn_claim(model, reply->body, why, why_size);
    }
    if (command->kind == TB_COMMAND_HEARTBEAT) {
        return learn_lease(model, replay, command, reply, now_ms) ||
               FAIL(why, why_size, "the heartbeat is told %.*s", (int)reply->body.len,
                    reply->body.ptr);
    }
    struct tb_str next =
        expect_claim_args(command).ptr != NULL ? fixture_member(reply->body, "next") : TB_STR_NONE;
    return next.ptr == NULL || learn_claims(model, fixture_member(next, "tasks"), why, why_size);
}
