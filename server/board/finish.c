/* complete, fail, release: the holder gives its task back, and may take the next one with it. */
#include "board/claim.h"
#include "board/give_up.h"
#include "board/note.h"
#include "board/rules.h"
#include "board/speaker.h"
#include "board/vm_claims.h"
#include "taskboard/limits.h"

/* One of the three at work. */
struct finish {
    struct tb_board *board;
    const struct tb_finish_command *command;
    enum tb_attempt_end verb;
    struct tb_arena *arena; /* of the reply */
    struct tb_reply *reply;
};

/* --- the answer --- */

/* Who repeats a request gets nothing new to do: the first answer to it may have arrived. */
static void answer(struct finish *finish, const struct tb_task *task, bool repeated)
{
    if (!finish->command->has_next) {
        tb_change_answer(finish->board, task, 200, finish->arena, finish->reply);
        return;
    }
    struct tb_buf body;
    tb_buf_init(&body, finish->arena, task->wire.len + 1024);
    TB_BUF_LIT(&body, "{\"task\":");
    enum tb_err err = tb_read_full(finish->board->txn, task, &body);
    TB_BUF_LIT(&body, ",\"next\":");
    if (repeated) {
        tb_claim_write_none(&body);
    } else {
        (void)tb_claim_next(finish->board, &finish->command->next, &body);
    }
    TB_BUF_LIT(&body, "}");
    *finish->reply = (struct tb_reply){.err = err, .http_status = 200, .body = tb_buf_str(&body)};
}

/* --- a token that does not hold the task any more --- */

/* The work was done, if too late: it is kept on its attempt for the next holder or a person. The
 * task is not touched. */
static void keep_late_result(struct finish *finish, const struct tb_task *task,
                             struct tb_attempt *attempt)
{
    struct tb_board *board = finish->board;
    const struct tb_change late = {
        .type = TB_EVENT_LATE,
        .actor = attempt->agent,
        .extra = tb_claim_members(board->arena, attempt->number, attempt->generation),
    };
    attempt->result = finish->command->result;
    attempt->late = true;
    tb_attempt_render(attempt, board->arena);
    tb_put_attempt(board->txn, task->id, attempt);
    tb_change_tell(board, task, &late);
}

static void handle_stale(struct finish *finish, const struct tb_task *task,
                         struct tb_attempt *attempt)
{
    if (attempt->ended_by == finish->verb) {
        answer(finish, task, true);
        return;
    }
    if (finish->verb == TB_ATTEMPT_END_COMPLETE && finish->command->result.ptr != NULL &&
        attempt->result.ptr == NULL) {
        keep_late_result(finish, task, attempt);
    }
    tb_refuse_claim_lost(task, attempt, finish->arena, finish->reply);
}

/* A `next` that can get nothing refuses the whole request. */
static bool may_claim_next(struct finish *finish)
{
    return !finish->command->has_next ||
           tb_vm_may_claim(finish->board, finish->command->next.vm_id, finish->reply);
}

/* The task of a holder; false: everything is said. */
static bool load(struct finish *finish, const struct tb_command *command, struct tb_task *old)
{
    struct tb_attempt attempt;
    if (!tb_change_find(finish->board, command, finish->reply, old)) {
        return false;
    }
    enum tb_token_kind kind =
        tb_claim_token_check(finish->board, old, finish->command->claim_token, &attempt);
    if (kind != TB_TOKEN_UNKNOWN &&
        !tb_speaker_may_use_claim(command, kind == TB_TOKEN_STALE ? attempt.agent : old->assignee,
                                  finish->reply)) {
        return false;
    }
    if (kind == TB_TOKEN_STALE) {
        handle_stale(finish, old, &attempt);
    } else if (kind != TB_TOKEN_HOLDER) {
        tb_refuse_claim_lost(old, NULL, finish->arena, finish->reply);
    }
    return kind == TB_TOKEN_HOLDER && tb_change_match(command, old, finish->arena, finish->reply) &&
           may_claim_next(finish);
}

/* --- complete --- */

static void add_summary(struct finish *finish, struct tb_task *task, struct tb_buf *extra)
{
    const struct tb_note_command note = {
        .author = task->assignee,
        .content = finish->command->summary,
        .type = TB_NOTE_UPDATE,
    };
    struct tb_arena *arena = finish->board->arena;
    struct tb_str wire = tb_note_add(finish->board, task, &note, arena);
    tb_buf_add_str(extra, tb_event_member(arena, "note", wire));
}

/* Those that name nobody were added by the holder. */
static void add_artifacts(struct finish *finish, struct tb_task *task, struct tb_buf *extra)
{
    const struct tb_artifacts_command *given = &finish->command->artifacts;
    struct tb_arena *arena = finish->board->arena;
    struct tb_artifact *items = tb_arena_alloc(arena, given->item_count * sizeof(*items));
    for (size_t i = 0; i < given->item_count; i++) {
        items[i] = given->items[i];
        if (items[i].added_by.ptr == NULL) {
            items[i].added_by = task->assignee;
        }
    }
    const struct tb_artifacts_command artifacts = {.items = items, .item_count = given->item_count};
    struct tb_str list = tb_artifacts_add(finish->board, task, &artifacts, arena);
    tb_buf_add_str(extra, tb_event_member(arena, "artifacts", list));
}

static bool has_room(struct finish *finish, const struct tb_task *task)
{
    const struct tb_finish_command *command = finish->command;
    return (command->summary.ptr == NULL ||
            tb_note_has_room(task, command->summary, finish->arena, finish->reply)) &&
           tb_artifacts_have_room(task, command->artifacts.item_count, finish->arena,
                                  finish->reply);
}

static void complete(struct finish *finish, const struct tb_task *old)
{
    const struct tb_finish_command *command = finish->command;
    struct tb_board *board = finish->board;
    struct tb_task task = *old;
    struct tb_buf extra;
    tb_buf_init(&extra, board->arena, 256);
    tb_buf_add_str(&extra,
                   tb_claim_members(board->arena, old->claim.attempt, old->claim.generation));
    if (command->summary.ptr != NULL) {
        add_summary(finish, &task, &extra);
    }
    if (command->artifacts.item_count > 0) {
        add_artifacts(finish, &task, &extra);
    }
    const struct tb_attempt_close close = {
        .outcome = TB_ATTEMPT_COMPLETED,
        .ended_by = TB_ATTEMPT_END_COMPLETE,
        .result = command->result,
    };
    tb_claim_close(board, &task, &close);
    task.result = command->result;
    task.status = command->review ? TB_STATUS_IN_REVIEW : TB_STATUS_DONE;
    task.outcome = command->review ? TB_OUTCOME_NONE : TB_OUTCOME_SUCCESS;
    const struct tb_change change = {
        .type = command->review ? TB_EVENT_REVIEWED : TB_EVENT_COMPLETED,
        .actor = old->assignee,
        .extra = tb_buf_str(&extra),
    };
    tb_change_write(board, old, &task, &change);
    answer(finish, &task, false);
}

void tb_rule_complete(struct tb_board *board, const struct tb_command *command,
                      struct tb_arena *arena, struct tb_reply *reply)
{
    struct finish finish = {board, &command->finish, TB_ATTEMPT_END_COMPLETE, arena, reply};
    struct tb_task old;
    if (load(&finish, command, &old) && has_room(&finish, &old)) {
        complete(&finish, &old);
    }
}

/* --- fail --- */

static uint64_t mixed(uint64_t bits)
{
    bits = (bits ^ (bits >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94D049BB133111EB);
    return bits ^ (bits >> 31);
}

/* Doubles with every attempt up to its most, and is spread by a fifth to both sides, so that what
 * failed together does not come back together. What the spread puts above the most is folded to
 * below it. The generation is another one each time: its hash is all the chance that is needed. */
static int64_t backoff_ms(const struct tb_task *task)
{
    uint64_t id_bits = 0;
    memcpy(&id_bits, task->id.bytes + sizeof(task->id.bytes) - sizeof(id_bits), sizeof(id_bits));
    int64_t ms = TB_BACKOFF_MS_MIN;
    for (uint32_t i = 1; i < task->attempts && ms < TB_BACKOFF_MS_MAX; i++) {
        ms *= 2;
    }
    ms = ms < TB_BACKOFF_MS_MAX ? ms : TB_BACKOFF_MS_MAX;
    int64_t spread_ms = ms / 5;
    uint64_t chance = mixed(mixed(id_bits) + task->claim.generation);
    ms += (int64_t)(chance % (uint64_t)(2 * spread_ms + 1)) - spread_ms;
    return ms <= TB_BACKOFF_MS_MAX ? ms : 2 * (int64_t)TB_BACKOFF_MS_MAX - ms;
}

static int64_t not_before_ms(struct finish *finish, const struct tb_task *old)
{
    int64_t delay_ms = finish->command->delay_ms;
    if (delay_ms == 0) {
        return 0;
    }
    return finish->board->now_ms + (delay_ms > 0 ? delay_ms : backoff_ms(old));
}

/* `,"name":"text"`, or nothing when the text is absent. */
static struct tb_str text_member(struct tb_arena *arena, const char *name, struct tb_str text)
{
    struct tb_buf json;
    if (text.ptr == NULL) {
        return TB_STR_NONE;
    }
    tb_buf_init(&json, arena, text.len + 2);
    tb_buf_add_quoted(&json, text);
    return tb_event_member(arena, name, tb_buf_str(&json));
}

void tb_rule_fail(struct tb_board *board, const struct tb_command *command, struct tb_arena *arena,
                  struct tb_reply *reply)
{
    struct finish finish = {board, &command->finish, TB_ATTEMPT_END_FAIL, arena, reply};
    struct tb_task old;
    struct tb_task task;
    if (!load(&finish, command, &old)) {
        return;
    }
    const struct tb_give_up give_up = {
        .close = {.outcome = TB_ATTEMPT_FAILED,
                  .ended_by = TB_ATTEMPT_END_FAIL,
                  .error = command->finish.error},
        .type = TB_EVENT_FAILED,
        .dead = !command->finish.retryable || tb_attempts_are_used_up(&old),
        .not_before_ms = not_before_ms(&finish, &old),
        .actor = old.assignee,
        .extra = text_member(board->arena, "error", command->finish.error),
    };
    tb_claim_give_up(board, &old, &give_up, &task);
    answer(&finish, &task, false);
}

/* --- release --- */

void tb_rule_release(struct tb_board *board, const struct tb_command *command,
                     struct tb_arena *arena, struct tb_reply *reply)
{
    struct finish finish = {board, &command->finish, TB_ATTEMPT_END_RELEASE, arena, reply};
    struct tb_task old;
    struct tb_task task;
    if (!load(&finish, command, &old)) {
        return;
    }
    const struct tb_give_up give_up = {
        .close = {.outcome = TB_ATTEMPT_RELEASED, .ended_by = TB_ATTEMPT_END_RELEASE},
        .type = TB_EVENT_RELEASED,
        .uncounted = true,
        .actor = old.assignee,
        .extra = text_member(board->arena, "reason", command->finish.reason),
    };
    tb_claim_give_up(board, &old, &give_up, &task);
    answer(&finish, &task, false);
}
