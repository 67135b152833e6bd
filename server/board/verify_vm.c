#include "board/verify.h"
#include "board/vm_claims.h"
#include "board/vm_life.h"
#include "taskboard/limits.h"

/* The timer knows of those that can go stale, and of those that are lost and hold claims, which are
 * still to be ended. */
static bool due_is_right(struct tb_verify *verify, const struct tb_vm *vm)
{
    uint64_t claims = tb_vm_claims(verify->board.txn, vm->id);
    if (tb_vm_is_lost(vm)) {
        return (vm->due_ms != 0 || claims == 0) && !vm->spared;
    }
    bool runs = tb_vm_runs(vm);
    return (vm->due_ms != 0) == runs && (runs || !vm->spared);
}

static bool is_stored_well(struct tb_verify *verify, const struct tb_vm *vm)
{
    struct tb_vm again = *vm;
    struct tb_vm found;
    tb_vm_render(&again, verify->board.arena);
    return tb_str_eq(again.wire, vm->wire) &&
           tb_get_vm(verify->board.txn, vm->id, &found) == TB_OK &&
           tb_id_cmp(found.number, vm->number) == 0 && found.seen_ms == vm->seen_ms;
}

static bool times_are_right(struct tb_verify *verify, const struct tb_vm *vm)
{
    int64_t last_ms = tb_txn_head(verify->board.txn)->last_ms;
    return vm->seen_ms <= last_ms && vm->registered_ms <= vm->seen_ms && vm->stale_ms <= last_ms &&
           vm->ttl_ms >= TB_TTL_SECONDS_MIN * 1000 && vm->ttl_ms <= TB_TTL_SECONDS_MAX * 1000LL;
}

static enum tb_visit check_vm(void *ctx, const struct tb_vm *vm)
{
    struct tb_verify *verify = ctx;
    const char *fault = NULL;
    if (!is_stored_well(verify, vm)) {
        fault = "it is not stored well";
    } else if (!times_are_right(verify, vm)) {
        fault = "its times are wrong";
    } else if (!due_is_right(verify, vm)) {
        fault = "the timer does not know when to look at it, or it has kept claims";
    }
    if (fault != NULL) {
        tb_verify_fault(verify, "VM %.*s: %s", (int)vm->id.len, vm->id.ptr, fault);
    }
    tb_arena_reset(verify->board.arena);
    verify->counted.vms += tb_vm_is_gone(vm) ? 0 : 1;
    verify->counted.running_vms += tb_vm_runs(vm) ? 1 : 0;
    return TB_VISIT_NEXT;
}

void tb_verify_vms(struct tb_verify *verify)
{
    const struct tb_head *head = tb_txn_head(verify->board.txn);
    if (tb_visit_vms(verify->board.txn, false, check_vm, verify) != TB_OK) {
        tb_verify_fault(verify, "the VMs cannot be read");
        return;
    }
    if (head->vms != verify->counted.vms || head->running_vms != verify->counted.running_vms) {
        tb_verify_fault(verify, "%llu VMs, %llu of them running, are said, there are %llu, %llu",
                        (unsigned long long)head->vms, (unsigned long long)head->running_vms,
                        (unsigned long long)verify->counted.vms,
                        (unsigned long long)verify->counted.running_vms);
    }
}
