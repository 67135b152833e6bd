/* Claims that live with a VM. Internal to the rules. */
#ifndef TB_BOARD_VM_CLAIMS_H
#define TB_BOARD_VM_CLAIMS_H

#include "board/change.h"

/* How many claims the VM holds. */
TB_MUST_CHECK enum tb_err tb_vm_count_claims(struct tb_txn *txn, struct tb_str vm_id,
                                             uint64_t *claims);

/* The same for rules, whose transaction keeps the error: then 0. */
uint64_t tb_vm_claims(struct tb_txn *txn, struct tb_str vm_id);

/* May somebody claim tasks for that VM? It must run and be heard of; an absent id is no VM. Else
 * refuses with unknown_vm. */
bool tb_vm_may_claim(struct tb_board *board, struct tb_str vm_id, struct tb_reply *reply);

/* Until when the VM keeps a claim whose own lease ends at `own_ms`, which is over: while it runs,
 * each of its signs of life renews the lease; while it is paused the lease does not end; and while
 * the guard has put its end off, that of its claims is, too. */
int64_t tb_vm_keeps_until_ms(const struct tb_board *board, const struct tb_task *task,
                             int64_t own_ms);

/* Is the claim that holds the task one that its VM has lost, and that is still to be ended? */
bool tb_vm_has_lost(const struct tb_board *board, const struct tb_task *task);

/* Ends claims of a lost VM: all of them, or as many as the batch may still end. */
void tb_vm_end_claims(struct tb_board *board, struct tb_str vm_id);

#endif
