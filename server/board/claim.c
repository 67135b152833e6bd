/* claim: the next ready tasks, or one that is named.
 *
 *            claim             complete, review
 *   open ───────────► in_progress ───────────► done, in_review
 *    ▲                 │ claimed
 *    └─────────────────┘
 *     fail, release, the lease's end: give_up.c */
#include "board/claim.h"

#include <assert.h>

#include "board/attempt.h"
#include "board/note.h"
#include "board/pause.h"
#include "board/rules.h"
#include "board/vm_claims.h"
#include "taskboard/limits.h"

static bool is_for(const struct tb_task *task, struct tb_str agent)
{
    return task->assignee.ptr == NULL || tb_str_eq(task->assignee, agent);
}

bool tb_claim_wants(const struct tb_claim_command *claim, const struct tb_task *task)
{
    if (!is_for(task, claim->agent)) {
        return false;
    }
    for (size_t i = 0; i < claim->tag_count; i++) {
        if (!tb_strings_contain(task->tags, claim->tags[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < claim->any_tag_count; i++) {
        if (tb_strings_contain(task->tags, claim->any_tags[i])) {
            return true;
        }
    }
    return claim->any_tag_count == 0;
}

/* --- taking one --- */

static void take(struct tb_board *board, const struct tb_claim_command *claim,
                 const struct tb_task *old, struct tb_task *task)
{
    struct tb_head *head = tb_txn_head(board->txn);
    head->generation++;
    *task = *old;
    task->claims++;
    task->attempts++;
    task->claim = (struct tb_claim){
        .generation = head->generation,
        .attempt = task->claims,
        .claimed_ms = board->now_ms,
        .expires_ms = board->now_ms + claim->lease_ms,
        .lease_ms = claim->lease_ms,
    };
    task->due_ms = 0; /* made anew from the lease */
    task->status = TB_STATUS_IN_PROGRESS;
    task->reserved_for = old->assignee.ptr != NULL ? old->assignee : TB_STR("");
    task->assignee = claim->agent;
    task->claim_vm = claim->vm_id;
    const struct tb_change change = {
        .type = TB_EVENT_CLAIMED,
        .actor = claim->agent,
        .extra = tb_claim_members(board->arena, task->claim.attempt, task->claim.generation),
    };
    tb_change_write(board, old, task, &change);
}

/* --- the answer --- */

/* Puts the token into the claim of the view that `out` holds from `start` on. */
static void insert_token(struct tb_board *board, const struct tb_task *task, struct tb_buf *out,
                         size_t start)
{
    struct tb_buf claim;
    struct tb_buf member;
    struct tb_str token =
        tb_claim_token(board, task->id, task->claim.attempt, task->claim.generation, board->arena);
    tb_buf_init(&claim, board->arena, 512);
    (void)tb_task_write_field(task, TB_FIELD_CLAIM, &claim);
    tb_buf_init(&member, board->arena, 64);
    TB_BUF_LIT(&member, ",\"token\":");
    tb_buf_add_quoted(&member, token);

    (void)tb_buf_reserve(out, member.len);
    char *found = memmem(out->ptr + start, out->len - start, claim.ptr, claim.len);
    assert(found != NULL);
    char *at = found + claim.len - 1; /* before the brace */
    memmove(at + member.len, at, (size_t)(out->ptr + out->len - at));
    memcpy(at, member.ptr, member.len);
    out->len += member.len;
}

/* How the attempt before this one ended: what it left for its successor. */
static void add_previous(struct tb_board *board, const struct tb_task *task, struct tb_buf *out)
{
    struct tb_attempt previous;
    if (task->claim.attempt > 1 &&
        tb_get_attempt(board->txn, task->id, task->claim.attempt - 1, &previous) == TB_OK) {
        out->len--; /* the brace */
        tb_buf_add_str(out, tb_event_member(board->arena, "previousAttempt", previous.wire));
        TB_BUF_LIT(out, "}");
    }
}

/* The view that only the new holder gets. Errors are the transaction's. */
static void write_claimed(struct tb_board *board, const struct tb_task *task, struct tb_buf *out)
{
    size_t start = out->len;
    if (tb_read_full(board->txn, task, out) == TB_OK) {
        insert_token(board, task, out, start);
        add_previous(board, task, out);
    }
}

void tb_claim_write_none(struct tb_buf *out)
{
    TB_BUF_LIT(out, "{\"tasks\":[],\"count\":0}");
}

/* --- the next ones --- */

struct found {
    struct tb_id ids[TB_CLAIM_TASKS_MAX];
    uint32_t count;
    uint32_t max;
};

static enum tb_visit note_id(void *ctx, const struct tb_task *task)
{
    struct found *found = ctx;
    found->ids[found->count++] = task->id;
    return found->count < found->max ? TB_VISIT_NEXT : TB_VISIT_STOP;
}

static void find_ready(struct tb_board *board, const struct tb_claim_command *claim,
                       struct found *found)
{
    struct tb_pauses pauses;
    if (tb_pauses_load(board->txn, board->arena, &pauses) != TB_OK || pauses.all) {
        return;
    }
    const struct tb_ready_query query = {
        .agent = claim->agent,
        .tags = claim->tags,
        .tag_count = claim->tag_count,
        .any_tags = claim->any_tags,
        .any_tag_count = claim->any_tag_count,
        .without_tags = pauses.tags,
        .without_tag_count = pauses.tag_count,
    };
    tb_visit_ready(board->txn, &query, note_id, found);
}

uint32_t tb_claim_next(struct tb_board *board, const struct tb_claim_command *claim,
                       struct tb_buf *out)
{
    struct found found = {.max = claim->max};
    size_t start = out->len;
    uint32_t count = 0;
    assert(claim->max >= 1 && claim->max <= TB_CLAIM_TASKS_MAX);
    find_ready(board, claim, &found);
    TB_BUF_LIT(out, "{\"tasks\":[");
    for (; count < found.count && out->len - start < TB_CLAIM_ANSWER_BYTES_MAX; count++) {
        struct tb_task old;
        struct tb_task task;
        if (tb_get_task(board->txn, found.ids[count], &old) != TB_OK) {
            break; /* the transaction's error tells */
        }
        take(board, claim, &old, &task);
        if (count > 0) {
            TB_BUF_LIT(out, ",");
        }
        write_claimed(board, &task, out);
    }
    TB_BUF_LIT(out, "],\"count\":");
    tb_buf_add_u64(out, count);
    TB_BUF_LIT(out, "}");
    return count;
}

void tb_rule_claim(struct tb_board *board, const struct tb_command *command, struct tb_arena *arena,
                   struct tb_reply *reply)
{
    struct tb_buf body;
    if (!tb_vm_may_claim(board, command->claim.vm_id, reply)) {
        return;
    }
    tb_buf_init(&body, arena, 1024);
    uint32_t count = tb_claim_next(board, &command->claim, &body);
    *reply = (struct tb_reply){
        .http_status = 200,
        .body = tb_buf_str(&body),
        .found_nothing = count == 0,
    };
}

/* --- one that is named --- */

/* A delay that is over counts as over, also when nobody has looked yet. */
static bool is_ready(const struct tb_board *board, const struct tb_task *task)
{
    return task->status == TB_STATUS_OPEN && task->blocked_by.len == 2 &&
           task->not_before_ms <= board->now_ms;
}

/* What it is that the task is not ready for. In an object of its own: in an error as RFC 9457 has
 * it, `status` is the answer's. */
static void refuse_not_ready(const struct tb_task *task, struct tb_arena *arena,
                             struct tb_reply *reply)
{
    static const enum tb_field fields[] = {TB_FIELD_STATUS, TB_FIELD_NOT_BEFORE,
                                           TB_FIELD_BLOCKED_BY};
    struct tb_buf extra;
    tb_buf_init(&extra, arena, 128 + task->blocked_by.len);
    TB_BUF_LIT(&extra, ",\"task\":{");
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        size_t before = extra.len;
        if (i > 0) {
            TB_BUF_LIT(&extra, ",");
        }
        if (!tb_task_write_field(task, fields[i], &extra)) {
            extra.len = before;
        }
    }
    TB_BUF_LIT(&extra, "}");
    tb_refuse(reply, TB_E_NOT_READY, TB_STR_NONE, tb_buf_str(&extra));
}

static bool may_be_claimed(struct tb_board *board, const struct tb_claim_command *claim,
                           const struct tb_task *task, struct tb_arena *arena,
                           struct tb_reply *reply)
{
    struct tb_pauses pauses;
    if (tb_task_is_claimed(task)) {
        tb_refuse_already_claimed(task, arena, reply);
        return false;
    }
    if (!is_ready(board, task)) {
        refuse_not_ready(task, arena, reply);
        return false;
    }
    if (!is_for(task, claim->agent)) {
        struct tb_buf extra;
        tb_buf_init(&extra, arena, 32 + task->assignee.len);
        TB_BUF_LIT(&extra, ",\"assignee\":");
        tb_buf_add_quoted(&extra, task->assignee);
        tb_refuse(reply, TB_E_ASSIGNED_ELSEWHERE, TB_STR_NONE, tb_buf_str(&extra));
        return false;
    }
    if (tb_pauses_load(board->txn, board->arena, &pauses) == TB_OK &&
        tb_pauses_hold(&pauses, task)) {
        tb_refuse(reply, TB_E_PAUSED, TB_STR_NONE, TB_STR_NONE);
        return false;
    }
    return true;
}

void tb_rule_claim_task(struct tb_board *board, const struct tb_command *command,
                        struct tb_arena *arena, struct tb_reply *reply)
{
    struct tb_task old;
    struct tb_task task;
    if (!tb_change_load(board, command, arena, reply, &old) ||
        !tb_vm_may_claim(board, command->claim.vm_id, reply) ||
        !may_be_claimed(board, &command->claim, &old, arena, reply)) {
        return;
    }
    take(board, &command->claim, &old, &task);
    struct tb_buf body;
    tb_buf_init(&body, arena, task.wire.len + 512);
    write_claimed(board, &task, &body);
    *reply = (struct tb_reply){
        .http_status = 200,
        .body = tb_buf_str(&body),
        .version = task.version,
    };
}
