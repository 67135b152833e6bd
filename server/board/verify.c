#include "board/verify.h"

#include <stdio.h>

#include "board/pause.h"

static enum tb_visit fail(struct tb_verify *verify, const char *what, struct tb_id id)
{
    char text[TB_ULID_LEN];
    tb_ulid_format(id, text);
    (void)snprintf(verify->why, verify->why_size, "task %.*s: %s", TB_ULID_LEN, text, what);
    verify->holds = false;
    return TB_VISIT_STOP;
}

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
    return fault == NULL ? TB_VISIT_NEXT : fail(verify, fault, task->id);
}

static enum tb_visit check_event(void *ctx, const struct tb_event *event)
{
    struct tb_verify *verify = ctx;
    if (event->seq != verify->next_seq) {
        (void)snprintf(verify->why, verify->why_size, "event %llu comes where %llu should",
                       (unsigned long long)event->seq, (unsigned long long)verify->next_seq);
        verify->holds = false;
        return TB_VISIT_STOP;
    }
    verify->next_seq++;
    return TB_VISIT_NEXT;
}

static bool is_right(struct tb_verify *verify, const char *what, uint64_t said, uint64_t counted)
{
    if (said != counted) {
        (void)snprintf(verify->why, verify->why_size, "%s counts %llu tasks, there are %llu", what,
                       (unsigned long long)said, (unsigned long long)counted);
    }
    return said == counted;
}

static bool counters_are_right(struct tb_verify *verify, const struct tb_head *head)
{
    const struct tb_head *counted = &verify->counted;
    for (unsigned i = 0; i < TB_STATE_COUNT; i++) {
        char state[16];
        (void)snprintf(state, sizeof(state), "state %u", i);
        if (!is_right(verify, state, head->task_counts[i], counted->task_counts[i])) {
            return false;
        }
    }
    return is_right(verify, "scheduled", head->scheduled, counted->scheduled) &&
           is_right(verify, "claimed", head->claimed, counted->claimed) &&
           is_right(verify, "deadLetters", head->dead_letters, counted->dead_letters);
}

static bool pauses_are_right(struct tb_verify *verify)
{
    struct tb_pauses pauses;
    bool right = tb_pauses_load(verify->board.txn, verify->board.arena, &pauses) == TB_OK;
    for (size_t i = 1; right && i < pauses.tag_count; i++) {
        right = tb_str_cmp(pauses.tags[i - 1], pauses.tags[i]) < 0;
    }
    if (!right) {
        (void)snprintf(verify->why, verify->why_size, "what is paused is not what the head says");
    }
    return right;
}

bool tb_board_verify(struct tb_txn *txn, const struct tb_board_options *options, int64_t now_ms,
                     struct tb_arena *arena, char *why, size_t why_size)
{
    const struct tb_head *head = tb_txn_head(txn);
    struct tb_verify verify = {
        .board = {.options = *options,
                  .txn = txn,
                  .arena = arena,
                  .now_ms = now_ms > head->last_ms ? now_ms : head->last_ms},
        .next_seq = tb_txn_head(txn)->oldest_seq,
        .why = why,
        .why_size = why_size,
        .holds = true,
    };
    const struct tb_task_query everything = {.order = TB_ORDER_CREATED, .states = TB_STATES_ALL};
    struct tb_query_end end;
    if (tb_visit_tasks(txn, &everything, check_task, &verify, &end) != TB_OK ||
        (verify.holds &&
         tb_visit_events(txn, 0, (struct tb_id){{0}}, check_event, &verify) != TB_OK)) {
        (void)snprintf(why, why_size, "the store cannot be read");
        return false;
    }
    if (verify.holds && verify.next_seq != head->seq + 1) {
        (void)snprintf(why, why_size, "the log ends at event %llu, the head says %llu",
                       (unsigned long long)verify.next_seq - 1, (unsigned long long)head->seq);
        return false;
    }
    if (verify.holds && head->feed_cleared_seq > head->seq) {
        (void)snprintf(why, why_size, "the feed was cleared at an event that is yet to come");
        return false;
    }
    return verify.holds && counters_are_right(&verify, head) && pauses_are_right(&verify) &&
           tb_verify_generations(&verify) && tb_verify_names(&verify) && tb_verify_vms(&verify);
}
