/* The life of a VM. Internal to the rules and the reads.
 *
 *               register, PUT
 *                    │
 *                    ▼     its ttl is over
 *    ┌────────── running ─────────────────────► stale
 *    │             ▲  ▲                          │ │
 *    │ PATCH, PUT  │  └──────────────────────────┘ │ PATCH, PUT
 *    ▼             │   heartbeat, PATCH, PUT       ▼
 *    paused, stopped ◄─────────────────────────────┘
 *
 * A VM that is stale, stopped or deregistered is lost: its claims end at once. Where they are more
 * than one transaction ends, the rest follows with the next ones; so long the VM stays lost, and
 * due, whatever signs of life it gives, so that nothing is claimed with it meanwhile: one that is
 * set running is stale, and the record of one that was deregistered stays, out of sight. */
#ifndef TB_BOARD_VM_LIFE_H
#define TB_BOARD_VM_LIFE_H

#include "board/change.h"
#include "board/guard_mass.h"

/* A VM that is registered; TB_E_ABSENT when it is not, or not any more. */
TB_MUST_CHECK enum tb_err tb_vm_load(struct tb_txn *txn, struct tb_str id, struct tb_vm *vm);

/* Was it deregistered, with claims that are still to be ended? */
static inline bool tb_vm_is_gone(const struct tb_vm *vm)
{
    return vm->registered_ms == 0;
}

static inline bool tb_vm_is_lost(const struct tb_vm *vm)
{
    return tb_vm_is_gone(vm) || vm->status == TB_VM_STOPPED || vm->stale_ms != 0;
}

/* Does it run, as far as the timer has found out? */
static inline bool tb_vm_runs(const struct tb_vm *vm)
{
    return !tb_vm_is_lost(vm) && vm->status == TB_VM_RUNNING;
}

/* What readers are told: it should run, and was not heard of for as long as its ttl. */
bool tb_vm_is_stale(const struct tb_vm *vm, int64_t now_ms);

/* Would a claim with it be taken, as far as the timer has found out? After a restart also by one
 * that is shown stale, but not by one that the guard has spared. */
bool tb_vm_takes_claims(const struct tb_vm *vm, int64_t now_ms);

/* When it goes stale unless it is heard of: after a restart not before its ttl has passed again,
 * because nobody could heartbeat meanwhile. */
int64_t tb_vm_ends_ms(const struct tb_board *board, const struct tb_vm *vm);

/* Takes a sign of life of `old`, in `vm`, a copy of it that has its new status and ttl already:
 * brings it back, unless there are claims that it has lost and that are still to be ended. */
void tb_vm_revive(struct tb_board *board, const struct tb_vm *old, struct tb_vm *vm);

/* Stores the VM in the place of `old` (NULL: it is new), tells the log, and ends the claims that it
 * has lost. Where the numbers differ it is a new one in the place of one that is gone. */
void tb_vm_change(struct tb_board *board, const struct tb_vm *old, struct tb_vm *vm,
                  enum tb_event_type type, struct tb_str actor);

/* Deregisters. */
void tb_vm_remove(struct tb_board *board, const struct tb_vm *old, struct tb_str actor);

/* A sign of life that says nothing else. */
void tb_vm_see(struct tb_board *board, const struct tb_vm *old);

/* The timer looks at a VM that is due. */
void tb_vm_look(struct tb_board *board, struct tb_guard_mass *guard, const struct tb_vm *old);

#endif
