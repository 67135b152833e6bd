#include "board/vm_claims.h"

#include "board/give_up.h"
#include "board/vm_life.h"

enum tb_err tb_vm_count_claims(struct tb_txn *txn, struct tb_str vm_id, uint64_t *claims)
{
    struct tb_name_count count;
    enum tb_err err = tb_get_name(txn, TB_NAME_VM, vm_id, &count);
    if (err != TB_OK && err != TB_E_ABSENT) {
        return err;
    }
    *claims = err == TB_OK ? count.tasks : 0;
    return TB_OK;
}

uint64_t tb_vm_claims(struct tb_txn *txn, struct tb_str vm_id)
{
    uint64_t claims = 0;
    return tb_vm_count_claims(txn, vm_id, &claims) == TB_OK ? claims : 0;
}

bool tb_vm_may_claim(struct tb_board *board, struct tb_str vm_id, struct tb_reply *reply)
{
    struct tb_vm vm;
    if (vm_id.ptr == NULL) {
        return true;
    }
    enum tb_err err = tb_vm_load(board->txn, vm_id, &vm);
    if (err == TB_OK && vm.status == TB_VM_RUNNING && vm.stale_ms == 0 &&
        tb_vm_ends_ms(board, &vm) > board->now_ms) {
        return true;
    }
    tb_refuse(reply, err == TB_OK || err == TB_E_ABSENT ? TB_E_UNKNOWN_VM : err, TB_STR_NONE,
              TB_STR_NONE);
    return false;
}

int64_t tb_vm_keeps_until_ms(const struct tb_board *board, const struct tb_task *task,
                             int64_t own_ms)
{
    struct tb_vm vm;
    if (task->claim_vm.ptr == NULL || tb_get_vm(board->txn, task->claim_vm, &vm) != TB_OK) {
        return own_ms;
    }
    if (vm.status == TB_VM_PAUSED) {
        return board->now_ms + task->claim.lease_ms;
    }
    int64_t renewed_ms = vm.seen_ms + task->claim.lease_ms;
    if (vm.spared && vm.due_ms > renewed_ms) {
        renewed_ms = vm.due_ms;
    }
    return renewed_ms > own_ms ? renewed_ms : own_ms;
}

bool tb_vm_has_lost(const struct tb_board *board, const struct tb_task *task)
{
    struct tb_vm vm;
    return task->claim_vm.ptr != NULL && tb_get_vm(board->txn, task->claim_vm, &vm) == TB_OK &&
           tb_vm_is_lost(&vm);
}

/* To find the claims of one more VM, the engine sorts what the batch has written so far: that costs
 * as much as it costs to end so many claims, or more. */
#define VM_COST 20

static void spend(struct tb_board *board, uint32_t claims)
{
    uint32_t cost = claims + VM_COST;
    board->vm_claims_left -= cost < board->vm_claims_left ? cost : board->vm_claims_left;
}

struct claims {
    struct tb_id *ids;
    uint32_t count;
    uint32_t max;
};

static enum tb_visit collect(void *ctx, struct tb_id id)
{
    struct claims *claims = ctx;
    claims->ids[claims->count++] = id;
    return claims->count < claims->max ? TB_VISIT_NEXT : TB_VISIT_STOP;
}

/* The tasks may be large: each one's records live in a scratch arena that is emptied behind it. */
void tb_vm_end_claims(struct tb_board *board, struct tb_str vm_id)
{
    struct claims claims = {.max = board->vm_claims_left};
    struct tb_scratch scratch;
    if (claims.max == 0) {
        return;
    }
    struct tb_arena *arena = tb_arena_new(0);
    claims.ids = tb_arena_alloc(arena, claims.max * sizeof(*claims.ids));
    tb_visit_vm_tasks(board->txn, vm_id, collect, &claims);
    tb_scratch_begin(board, &scratch);
    for (uint32_t i = 0; i < claims.count; i++) {
        struct tb_task task;
        if (tb_get_task(board->txn, claims.ids[i], &task) != TB_OK) {
            break; /* the transaction's error tells */
        }
        tb_claim_lose(board, &task);
        tb_scratch_reset(&scratch);
    }
    tb_scratch_end(board, &scratch);
    tb_arena_free(arena);
    spend(board, claims.count);
}
