#include "board/credential_end.h"
#include "board/give_up.h"
#include "board/retire.h"
#include "board/trim.h"
#include "board/vm_life.h"

static void handle_task(struct tb_board *board, struct tb_id id)
{
    struct tb_task old;
    if (tb_get_task(board->txn, id, &old) != TB_OK) {
        return; /* the transaction's error tells */
    }
    struct tb_task task = old;
    if (!tb_task_is_claimed(&old)) {
        const struct tb_change change = {.type = TB_EVENT_READY, .quiet = true};
        tb_change_write(board, &old, &task, &change);
        return;
    }
    /* The lease may go on: heartbeats do not move the instant at which it is looked at. */
    int64_t expires_ms = 0;
    if (!tb_claim_settle(board, &old, &expires_ms)) {
        task.claim.expires_ms = expires_ms;
        task.due_ms = expires_ms;
        tb_change_refresh(board, &old, &task, NULL);
    }
}

/* What comes first. INT64_MAX: nothing does. */
struct next {
    int64_t task_ms;
    struct tb_id task;
    int64_t vm_ms;
    struct tb_vm vm;
};

static void find_next(struct tb_board *board, struct next *next)
{
    if (tb_next_due(board->txn, &next->task_ms, &next->task) != TB_OK) {
        next->task_ms = INT64_MAX;
    }
    next->vm_ms = tb_next_due_vm(board->txn, &next->vm) == TB_OK ? next->vm.due_ms : INT64_MAX;
}

static bool is_due(const struct tb_board *board, const struct next *next)
{
    return (next->task_ms <= board->now_ms || next->vm_ms <= board->now_ms) &&
           tb_txn_error(board->txn) == TB_OK;
}

/* Of what is due at the same instant VMs come first: it is for them to say what becomes of their
 * claims. False: the batch may end no more claims of lost VMs. */
static bool handle(struct tb_board *board, struct tb_guard_mass *guard, struct next *next)
{
    if (next->task_ms < next->vm_ms) {
        handle_task(board, next->task);
        return true;
    }
    if (board->vm_claims_left > 0) {
        tb_vm_look(board, guard, &next->vm);
    }
    return board->vm_claims_left > 0;
}

/* Each one's records live in a scratch arena that is emptied behind it. False: more may be due;
 * else `*next` is what comes first later. */
static bool handle_due(struct tb_board *board, unsigned max, struct next *next)
{
    struct tb_scratch scratch;
    bool goes_on = true;
    find_next(board, next);
    if (!is_due(board, next)) {
        return true;
    }
    struct tb_guard_mass guard = {.arena = board->arena};
    tb_scratch_begin(board, &scratch);
    for (unsigned i = 0; i < max && goes_on && is_due(board, next); i++) {
        goes_on = handle(board, &guard, next);
        tb_scratch_reset(&scratch);
        find_next(board, next);
    }
    tb_scratch_end(board, &scratch);
    tb_guard_mass_tell(&guard, board);
    return goes_on && !is_due(board, next);
}

static int64_t due_ms_of(struct tb_board *board, const struct next *next)
{
    int64_t due_ms = tb_trim_due_ms(board);
    int64_t end_ms = tb_credential_end_due_ms(board);
    due_ms = end_ms < due_ms ? end_ms : due_ms;
    int64_t retire_ms = tb_retire_due_ms(board);
    due_ms = retire_ms < due_ms ? retire_ms : due_ms;
    due_ms = next->task_ms < due_ms ? next->task_ms : due_ms;
    due_ms = next->vm_ms < due_ms ? next->vm_ms : due_ms;
    if (due_ms == INT64_MAX || tb_txn_error(board->txn) != TB_OK) {
        return 0;
    }
    return due_ms > board->now_ms ? due_ms : board->now_ms;
}

int64_t tb_board_next_due_ms(struct tb_board *board)
{
    struct next next;
    find_next(board, &next);
    return due_ms_of(board, &next);
}

int64_t tb_board_run_due(struct tb_board *board, unsigned max)
{
    struct next next;
    bool all = handle_due(board, max, &next);
    tb_credential_end(board);
    tb_retire(board);
    tb_trim(board);
    return all ? due_ms_of(board, &next) : board->now_ms;
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
