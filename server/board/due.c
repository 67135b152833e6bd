#include "board/give_up.h"

/* A lease may go on: heartbeats do not move the instant at which it is looked at. */
static void look_at_lease(struct tb_board *board, const struct tb_task *old)
{
    int64_t expires_ms = tb_claim_expires_ms(board, old);
    if (expires_ms <= board->now_ms) {
        tb_claim_expire(board, old);
        return;
    }
    struct tb_task task = *old;
    task.claim.expires_ms = expires_ms;
    task.due_ms = expires_ms;
    tb_change_refresh(board, old, &task, NULL);
}

static void handle(struct tb_board *board, const struct tb_task *old)
{
    if (tb_task_is_claimed(old)) {
        look_at_lease(board, old);
        return;
    }
    struct tb_task task = *old;
    const struct tb_change change = {.type = TB_EVENT_READY, .quiet = true};
    tb_change_write(board, old, &task, &change);
}

/* Handles the task that is due first. False: nothing is; `*next_ms` is when something will be (0:
 * never). */
static bool handle_next(struct tb_board *board, int64_t *next_ms)
{
    struct tb_id id;
    struct tb_task old;
    int64_t due_ms = 0;
    *next_ms = 0;
    if (tb_next_due(board->txn, &due_ms, &id) != TB_OK) {
        return false;
    }
    if (due_ms > board->now_ms) {
        *next_ms = due_ms;
        return false;
    }
    if (tb_get_task(board->txn, id, &old) != TB_OK) {
        return false; /* the transaction's error tells */
    }
    handle(board, &old);
    *next_ms = board->now_ms;
    return true;
}

int64_t tb_board_run_due(struct tb_board *board, unsigned max)
{
    int64_t next_ms = board->now_ms;
    struct tb_scratch scratch;
    tb_scratch_begin(board, &scratch);
    for (unsigned i = 0; i < max && handle_next(board, &next_ms); i++) {
        tb_scratch_reset(&scratch);
    }
    tb_scratch_end(board, &scratch);
    return next_ms;
}

struct rerank {
    struct tb_id *ids;
    unsigned count;
    unsigned max;
};

static enum tb_visit collect(void *ctx, const struct tb_task *task)
{
    struct rerank *rerank = ctx;
    rerank->ids[rerank->count++] = task->id;
    return rerank->count < rerank->max ? TB_VISIT_NEXT : TB_VISIT_STOP;
}

bool tb_board_rerank(struct tb_board *board, struct tb_id *after, unsigned max)
{
    struct rerank rerank = {
        .ids = tb_arena_alloc(board->arena, max * sizeof(struct tb_id)),
        .max = max,
    };
    const struct tb_task_query query = {
        .order = TB_ORDER_CREATED,
        .states = TB_STATES_ALL,
        .has_after = !tb_id_is_zero(*after),
        .after = {.id = *after},
    };
    struct tb_query_end end;
    if (tb_visit_tasks(board->txn, &query, collect, &rerank, &end) != TB_OK) {
        return true; /* the transaction's error tells */
    }
    for (unsigned i = 0; i < rerank.count; i++) {
        struct tb_task old;
        if (tb_get_task(board->txn, rerank.ids[i], &old) != TB_OK) {
            return true;
        }
        struct tb_task task = old;
        task.rank_ms = tb_task_rank(&task, board->options.aging_ms);
        tb_put_task(board->txn, &old, &task);
        *after = task.id;
    }
    if (rerank.count < max) {
        tb_txn_head(board->txn)->aging_ms = board->options.aging_ms;
    }
    return rerank.count < max;
}
