#include "board/verify.h"

#include <stdarg.h>
#include <stdio.h>

#include "board/pause.h"

#define FAULT_BYTES 512

void tb_verify_fault(struct tb_verify *verify, const char *format, ...)
{
    char text[FAULT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    verify->holds = false;
    verify->report(verify->ctx, text);
}

/* --- tasks --- */

static void count_task(struct tb_verify *verify, const struct tb_task *task)
{
    struct tb_head *counted = &verify->counted;
    counted->task_counts[tb_task_state(task)]++;
    counted->scheduled += tb_task_is_scheduled(task) ? 1 : 0;
    counted->claimed += tb_task_is_claimed(task) ? 1 : 0;
    counted->dead_letters += tb_task_is_dead_letter(task) ? 1 : 0;
    tb_verify_count_names(verify, task);
}

static enum tb_visit check_task(void *ctx, const struct tb_task *task)
{
    struct tb_verify *verify = ctx;
    count_task(verify, task);
    const char *fault = tb_verify_task(verify, task);
    if (fault == NULL) {
        fault = tb_verify_claim(verify, task);
    }
    if (fault != NULL) {
        char id[TB_ULID_LEN];
        tb_ulid_format(task->id, id);
        tb_verify_fault(verify, "task %.*s: %s", TB_ULID_LEN, id, fault);
    }
    tb_arena_reset(verify->board.arena);
    return TB_VISIT_NEXT;
}

static void check_tasks(struct tb_verify *verify)
{
    const struct tb_task_query everything = {.order = TB_ORDER_CREATED, .states = TB_STATES_ALL};
    struct tb_query_end end;
    if (tb_visit_tasks(verify->board.txn, &everything, check_task, verify, &end) != TB_OK) {
        tb_verify_fault(verify, "the store cannot be read");
    }
}

/* --- the log --- */

static const char *fault_in_event(const struct tb_verify *verify, const struct tb_event *event)
{
    const struct tb_head *head = tb_txn_head(verify->board.txn);
    if (tb_id_cmp(event->id, verify->last_event_id) <= 0) {
        return "its id is not above the one in front of it";
    }
    return tb_id_cmp(event->id, head->last_id) > 0 || event->at_ms > head->last_ms
               ? "it is newer than the board"
               : NULL;
}

static enum tb_visit check_event(void *ctx, const struct tb_event *event)
{
    struct tb_verify *verify = ctx;
    if (event->seq != verify->next_seq) {
        tb_verify_fault(verify, "event %llu comes where %llu should",
                        (unsigned long long)event->seq, (unsigned long long)verify->next_seq);
    }
    const char *fault = fault_in_event(verify, event);
    if (fault != NULL) {
        tb_verify_fault(verify, "event %llu: %s", (unsigned long long)event->seq, fault);
    }
    verify->next_seq = event->seq + 1;
    verify->last_event_id = event->id;
    tb_arena_reset(verify->board.arena);
    return TB_VISIT_NEXT;
}

static void check_log(struct tb_verify *verify)
{
    const struct tb_head *head = tb_txn_head(verify->board.txn);
    if (tb_visit_events(verify->board.txn, 0, (struct tb_id){{0}}, check_event, verify) != TB_OK) {
        tb_verify_fault(verify, "the log cannot be read to its end");
    } else if (verify->next_seq != head->seq + 1) {
        tb_verify_fault(verify, "the log ends at event %llu, the head says %llu",
                        (unsigned long long)verify->next_seq - 1, (unsigned long long)head->seq);
    }
    if (head->feed_cleared_seq > head->seq) {
        tb_verify_fault(verify, "the feed was cleared at an event that is yet to come");
    }
}

/* --- the head --- */

static void compare_count(struct tb_verify *verify, const char *what, uint64_t said,
                          uint64_t counted)
{
    if (said != counted) {
        tb_verify_fault(verify, "%s counts %llu tasks, there are %llu", what,
                        (unsigned long long)said, (unsigned long long)counted);
    }
}

static void check_counters(struct tb_verify *verify)
{
    const struct tb_head *head = tb_txn_head(verify->board.txn);
    const struct tb_head *counted = &verify->counted;
    for (unsigned i = 0; i < TB_STATE_COUNT; i++) {
        char state[16];
        (void)snprintf(state, sizeof(state), "state %u", i);
        compare_count(verify, state, head->task_counts[i], counted->task_counts[i]);
    }
    compare_count(verify, "scheduled", head->scheduled, counted->scheduled);
    compare_count(verify, "claimed", head->claimed, counted->claimed);
    compare_count(verify, "deadLetters", head->dead_letters, counted->dead_letters);
}

/* No change is younger than the last one. */
static void check_changes(struct tb_verify *verify)
{
    const struct tb_head *head = tb_txn_head(verify->board.txn);
    uint64_t latest =
        head->pause_changes > head->vm_changes ? head->pause_changes : head->vm_changes;
    for (unsigned i = 0; i < TB_STATE_COUNT; i++) {
        latest = latest > head->state_changes[i] ? latest : head->state_changes[i];
    }
    if (latest > head->changes) {
        tb_verify_fault(verify, "change %llu is named, the head counts %llu",
                        (unsigned long long)latest, (unsigned long long)head->changes);
    }
}

static void check_pauses(struct tb_verify *verify)
{
    struct tb_pauses pauses;
    bool right = tb_pauses_load(verify->board.txn, verify->board.arena, &pauses) == TB_OK;
    for (size_t i = 1; right && i < pauses.tag_count; i++) {
        right = tb_str_cmp(pauses.tags[i - 1], pauses.tags[i]) < 0;
    }
    if (!right) {
        tb_verify_fault(verify, "what is paused is not what the head says");
    }
}

/* --- all of it --- */

static void check_all(struct tb_verify *verify)
{
    check_tasks(verify);
    check_log(verify);
    check_counters(verify);
    check_changes(verify);
    check_pauses(verify);
    tb_verify_generations(verify);
    tb_verify_names(verify);
    tb_verify_vms(verify);
    tb_verify_credentials(verify);
}

bool tb_board_verify_all(struct tb_txn *txn, const struct tb_board_options *options, int64_t now_ms,
                         struct tb_arena *arena, tb_report_fault *report, void *ctx)
{
    const struct tb_head *head = tb_txn_head(txn);
    struct tb_arena *scratch = tb_arena_new(0);
    struct tb_arena *before = tb_txn_swap_arena(txn, scratch);
    struct tb_verify verify = {
        .board = {.options = *options,
                  .txn = txn,
                  .arena = scratch,
                  .now_ms = now_ms > head->last_ms ? now_ms : head->last_ms},
        .kept = arena,
        .next_seq = head->oldest_seq,
        .report = report,
        .ctx = ctx,
        .holds = true,
    };
    check_all(&verify);
    (void)tb_txn_swap_arena(txn, before);
    tb_arena_free(scratch);
    return verify.holds;
}

/* Keeps the first fault. */
struct first_fault {
    char *why;
    size_t why_size;
    bool told;
};

static void keep_first(void *ctx, const char *fault)
{
    struct first_fault *first = ctx;
    if (!first->told) {
        (void)snprintf(first->why, first->why_size, "%s", fault);
        first->told = true;
    }
}

bool tb_board_verify(struct tb_txn *txn, const struct tb_board_options *options, int64_t now_ms,
                     struct tb_arena *arena, char *why, size_t why_size)
{
    struct first_fault first = {.why_size = why_size};
    first.why = why;
    return tb_board_verify_all(txn, options, now_ms, arena, keep_first, &first);
}
