/* What was promised to those who claim: every claim of the tasks that are there, its token, how
 * long it lasts and how it ended. Built from the answers and from the log, to foresee what the next
 * command must be answered. Nothing in it points anywhere: it is copied by assignment. */
#ifndef TB_TESTS_SCENARIO_MODEL_H
#define TB_TESTS_SCENARIO_MODEL_H

#include "scenario/dice.h"
#include "scenario/replay.h"

#define MODEL_ATTEMPTS_MAX 2048

struct model_attempt {
    struct tb_id task;
    uint32_t number;
    uint64_t generation;
    char token[DICE_TOKEN_MAX];
    enum tb_attempt_outcome outcome;
    enum tb_command_kind ended_by; /* the holder's verb; KIND_COUNT: none of them */
    bool has_result;
    bool late;
    int64_t lease_ms;
    int64_t expires_ms; /* as the holder was told last */
    int percent;        /* of its progress; -1: it told of none */
    int vm;             /* that it lives with; -1: none */
    bool lost;          /* by its VM */
};

struct model_vm {
    bool registered;
    enum tb_vm_status status;
    int64_t seen_ms;
    int64_t ttl_ms;
    int64_t stale_ms; /* since when it is stale, as the log told, or has claims left that it lost */
    int64_t hold_ms;  /* until when the guard spares it; 0: it does not */
    bool revived;     /* by the last command, after it was lost */
    int64_t lost_ms;  /* its stale_ms before that */
};

struct model {
    struct model_attempt attempts[MODEL_ATTEMPTS_MAX]; /* in the order of their generations */
    size_t count;
    int64_t started_ms; /* when the server came up; 0: it was never restarted */
    struct model_vm vms[DICE_VMS];
};

struct model_attempt *model_by_generation(struct model *model, uint64_t generation);
struct model_attempt *model_by_number(struct model *model, struct tb_id task, uint32_t number);

/* That which this token was given for, if it is of that task; NULL: none that is remembered. */
struct model_attempt *model_by_token(struct model *model, struct tb_id task, struct tb_str token);

/* When its lease really ends; INT64_MAX: not as long as its VM is paused. */
int64_t model_ends_ms(const struct model *model, const struct model_attempt *attempt);

/* --- the fleet (model_fleet.c) --- */

/* Which VM it is; -1 for an absent id. */
int model_vm_index(struct tb_str id);

/* When it goes stale unless it is heard of. */
int64_t model_vm_ends_ms(const struct model *model, const struct model_vm *vm);

/* May tasks be claimed for it? An absent id is no VM. */
bool model_vm_may_claim(const struct model *model, struct tb_str id, int64_t now_ms);

/* Until when it keeps a claim whose own lease ends at `own_ms`. */
int64_t model_vm_keeps_until_ms(const struct model *model, const struct model_attempt *attempt,
                                int64_t own_ms);

/* An event about a VM; `command` NULL: the timer did it. */
bool model_apply_vm(struct model *model, const struct tb_event *event,
                    const struct dice_command *command, char *why, size_t why_size);

/* Behind a command, or the timer, and its events. */
void model_settle_vms(struct model *model);

/* A command was a sign of life. */
void model_see_vm(struct model *model, struct tb_str id, int64_t now_ms);

uint64_t model_claims_of(const struct model *model, int vm);

/* Would the guard against a mass loss hold, if that VM were due? */
bool model_guard_holds(const struct model *model, const struct model_vm *vm, int64_t now_ms);

/* One event, with its task as it was before (NULL: it was not there) and is now (NULL: it is gone);
 * `command` NULL: time did it, as it did when the event names no actor. False, with a sentence: the
 * command had no right to what it did. */
bool model_apply(struct model *model, const struct tb_event *event,
                 const struct replay_task *before, const struct replay_task *after,
                 const struct dice_command *command, char *why, size_t why_size);

/* What a claim with these arguments must get next: the ready task that comes first, or NULL. */
const struct replay_task *model_next(const struct replay *replay, struct tb_str claim_args);

/* What the attempts of a task must look like: compares with the answer to GET …/attempts. */
bool model_check_attempts(struct model *model, struct tb_id task, struct tb_str answer, char *why,
                          size_t why_size);

#endif
