#include "board/vm_life.h"

#include <assert.h>

#include "board/vm_claims.h"

enum tb_err tb_vm_load(struct tb_txn *txn, struct tb_str id, struct tb_vm *vm)
{
    enum tb_err err = tb_get_vm(txn, id, vm);
    return err == TB_OK && tb_vm_is_gone(vm) ? TB_E_ABSENT : err;
}

bool tb_vm_is_stale(const struct tb_vm *vm, int64_t now_ms)
{
    return vm->status == TB_VM_RUNNING && (vm->stale_ms != 0 || now_ms - vm->seen_ms >= vm->ttl_ms);
}

bool tb_vm_takes_claims(const struct tb_vm *vm, int64_t now_ms)
{
    return tb_vm_runs(vm) && !(vm->spared && tb_vm_is_stale(vm, now_ms));
}

int64_t tb_vm_ends_ms(const struct tb_board *board, const struct tb_vm *vm)
{
    int64_t since_ms = board->started_ms > vm->seen_ms ? board->started_ms : vm->seen_ms;
    return since_ms + vm->ttl_ms;
}

/* --- storing --- */

/* Since when readers show the VM as stale unless it is heard of. After a restart that comes before
 * its end. */
static int64_t shown_ms(const struct tb_vm *vm)
{
    return vm->seen_ms + vm->ttl_ms;
}

/* Signs of life do not move the instant at which the timer looks at a VM that runs: it then finds
 * that the VM lives, and a heartbeat costs no index entry. */
static int64_t due_of(const struct tb_board *board, const struct tb_vm *vm, bool leaves_claims)
{
    if (tb_vm_is_lost(vm)) {
        return leaves_claims ? board->now_ms : 0;
    }
    if (vm->status != TB_VM_RUNNING) {
        return 0;
    }
    int64_t look_ms = shown_ms(vm) > board->now_ms ? shown_ms(vm) : tb_vm_ends_ms(board, vm);
    return vm->spared || (vm->due_ms != 0 && vm->due_ms < look_ms) ? vm->due_ms : look_ms;
}

/* Counts the VM in (1) or out (-1). */
static void count(struct tb_head *head, const struct tb_vm *vm, int by)
{
    head->vms += tb_vm_is_gone(vm) ? 0 : by;
    head->running_vms += tb_vm_runs(vm) ? by : 0;
}

static void put(struct tb_board *board, const struct tb_vm *old, struct tb_vm *vm,
                bool leaves_claims)
{
    struct tb_head *head = tb_txn_head(board->txn);
    bool replaces_gone = old != NULL && tb_id_cmp(old->number, vm->number) != 0;
    vm->due_ms = due_of(board, vm, leaves_claims);
    tb_vm_render(vm, board->arena);
    if (replaces_gone) {
        tb_delete_vm(board->txn, old);
    }
    tb_put_vm(board->txn, replaces_gone ? NULL : old, vm);
    if (old != NULL) {
        count(head, old, -1);
    }
    count(head, vm, 1);
    head->last_ms = board->now_ms; /* the VM knows that instant */
}

static void put_shown(struct tb_board *board, const struct tb_vm *old, struct tb_vm *vm)
{
    put(board, old, vm, false);
}

/* Stores what no reader sees: lists are as they were. */
static void put_unseen(struct tb_board *board, const struct tb_vm *old, struct tb_vm *vm)
{
    struct tb_head *head = tb_txn_head(board->txn);
    uint64_t changed = head->vm_changes;
    put(board, old, vm, false);
    head->vm_changes = changed;
}

static void tell(struct tb_board *board, const struct tb_vm *vm, enum tb_event_type type,
                 struct tb_str actor)
{
    struct tb_buf extra;
    tb_buf_init(&extra, board->arena, vm->wire.len + 16);
    TB_BUF_LIT(&extra, ",\"vm\":");
    tb_buf_add_str(&extra, vm->wire);
    TB_BUF_LIT(&extra, "}");
    const struct tb_change change = {
        .type = type, .actor = actor, .extra = tb_buf_str(&extra), .vm_id = vm->id};
    tb_change_tell(board, NULL, &change);
}

void tb_vm_change(struct tb_board *board, const struct tb_vm *old, struct tb_vm *vm,
                  enum tb_event_type type, struct tb_str actor)
{
    bool loses = tb_vm_is_lost(vm) || (old != NULL && tb_vm_is_lost(old));
    uint64_t claims = loses ? tb_vm_claims(board->txn, vm->id) : 0;
    put(board, old, vm, claims > board->vm_claims_left);
    tell(board, vm, type, actor);
    if (claims > 0) {
        tb_vm_end_claims(board, vm->id);
    }
}

void tb_vm_remove(struct tb_board *board, const struct tb_vm *old, struct tb_str actor)
{
    if (tb_vm_claims(board->txn, old->id) > board->vm_claims_left) {
        struct tb_vm gone = *old;
        gone.registered_ms = 0;
        put(board, old, &gone, true);
    } else {
        tb_delete_vm(board->txn, old);
        count(tb_txn_head(board->txn), old, -1);
    }
    tell(board, old, TB_EVENT_VM_DEREGISTERED, actor);
    tb_vm_end_claims(board, old->id);
}

/* --- signs of life --- */

void tb_vm_revive(struct tb_board *board, const struct tb_vm *old, struct tb_vm *vm)
{
    bool lost = tb_vm_is_lost(old);
    bool stays = lost && vm->status != TB_VM_STOPPED &&
                 tb_vm_claims(board->txn, old->id) > board->vm_claims_left;
    int64_t since_ms = old->stale_ms != 0 ? old->stale_ms : board->now_ms;
    vm->stale_ms = stays ? since_ms : 0;
    vm->seen_ms = board->now_ms;
    vm->spared = false;
    if (lost) {
        vm->due_ms = 0; /* made anew */
    }
}

/* Whoever looks stale, or has been spared, looks different from now on. */
static void come_back(struct tb_board *board, const struct tb_vm *old)
{
    struct tb_vm vm = *old;
    tb_vm_revive(board, old, &vm);
    if (vm.stale_ms != 0) {
        tb_see_vm(board->txn, old, board->now_ms);
    } else if (old->stale_ms != 0) {
        tb_vm_change(board, old, &vm, TB_EVENT_VM_BACK, TB_STR_NONE);
    } else {
        put(board, old, &vm, false);
    }
}

void tb_vm_see(struct tb_board *board, const struct tb_vm *old)
{
    if (tb_vm_is_stale(old, board->now_ms)) {
        come_back(board, old);
    } else {
        tb_see_vm(board->txn, old, board->now_ms);
    }
    tb_txn_head(board->txn)->last_ms = board->now_ms;
    board->saw_vms = true;
}

/* --- the timer --- */

/* Its last claim has ended, or more of them. */
static void go_on_losing(struct tb_board *board, const struct tb_vm *old)
{
    tb_vm_end_claims(board, old->id);
    if (tb_vm_claims(board->txn, old->id) > 0) {
        return;
    }
    if (tb_vm_is_gone(old)) {
        struct tb_head *head = tb_txn_head(board->txn);
        uint64_t changed = head->vm_changes;
        tb_delete_vm(board->txn, old);
        head->vm_changes = changed;
        return;
    }
    struct tb_vm vm = *old;
    bool back = vm.stale_ms != 0 && vm.seen_ms >= vm.stale_ms;
    vm.due_ms = 0;
    if (back) {
        vm.stale_ms = 0;
    }
    if (back && vm.status == TB_VM_RUNNING) {
        tb_vm_change(board, old, &vm, TB_EVENT_VM_BACK, TB_STR_NONE);
    } else {
        put_unseen(board, old, &vm);
    }
}

/* Who was spared before a restart has had a whole ttl since then, and may be spared again. */
void tb_vm_look(struct tb_board *board, struct tb_guard_mass *guard, const struct tb_vm *old)
{
    struct tb_vm vm = *old;
    assert(old->due_ms != 0 && old->due_ms <= board->now_ms);
    if (tb_vm_is_lost(old)) {
        go_on_losing(board, old);
        return;
    }
    bool spared = old->spared && old->due_ms - old->ttl_ms >= board->started_ms;
    vm.due_ms = 0;
    vm.spared = false;
    if (tb_vm_ends_ms(board, old) > board->now_ms) {
        (tb_vm_is_stale(old, board->now_ms) ? put_shown : put_unseen)(board, old, &vm);
    } else if (!spared && tb_guard_mass_holds(guard, board, old)) {
        vm.spared = true;
        vm.due_ms = tb_guard_mass_spare(guard, board, old);
        put(board, old, &vm, false);
    } else {
        vm.stale_ms = board->now_ms;
        tb_vm_change(board, old, &vm, TB_EVENT_VM_STALE, TB_STR_NONE);
    }
}
