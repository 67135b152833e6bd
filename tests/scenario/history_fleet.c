#include <stdio.h>

#include "scenario/promises.h"
#include "scenario/wire.h"

static const char *id_of(struct history *h, int vm)
{
    return tb_arena_printf(h->boards[0].arena, "vm%d", vm).ptr;
}

static void check_vm(struct history *h, int index, const struct model_vm *vm)
{
    struct fixture *f = &h->boards[0];
    int64_t now_ms = f->board.now_ms;
    struct tb_buf out;
    tb_buf_init(&out, f->arena, 512);
    enum tb_err err = tb_read_vm(fixture_read(f), tb_str_c(id_of(h, index)), now_ms, &out);
    struct tb_str view = tb_buf_str(&out);
    fixture_end_read(f);
    promises_require(h, (err == TB_OK) == vm->registered, "a VM is there, or not, against the log");
    if (!vm->registered) {
        return;
    }
    bool stale =
        vm->status == TB_VM_RUNNING && (vm->stale_ms != 0 || now_ms - vm->seen_ms >= vm->ttl_ms);
    promises_require(
        h, tb_str_eq_c(wire_text(fixture_member(view, "status")), tb_vm_status_name(vm->status)),
        "a VM has another status");
    promises_require(h, wire_instant(fixture_member(view, "lastSeen")) == vm->seen_ms,
                     "a sign of life was lost");
    promises_require(h, wire_bool(fixture_member(view, "stale")) == stale, "a VM is stale, or not");
    promises_require(h,
                     (uint64_t)wire_number(fixture_member(view, "claims")) ==
                         model_claims_of(&h->model, index),
                     "a VM holds another number of claims");
}

void history_check_fleet(struct history *h)
{
    struct tb_head head = fixture_head(&h->boards[0]);
    uint64_t running = 0;
    uint64_t registered = 0;
    for (int i = 0; i < DICE_VMS; i++) {
        const struct model_vm *vm = &h->model.vms[i];
        check_vm(h, i, vm);
        registered += vm->registered ? 1 : 0;
        running += vm->registered && vm->status == TB_VM_RUNNING && vm->stale_ms == 0 ? 1 : 0;
    }
    promises_require(h, head.vms == registered && head.running_vms == running,
                     "the VMs are miscounted");
}

void history_check_same_fleets(struct history *h, size_t board)
{
    static const char *const queries[] = {"", "status=running", "role=worker&service=rpc"};
    static const char *const feeds[] = {"", "limit=0", "agent=ann&limit=3", "type=finding"};
    struct fixture *f = &h->boards[board];
    struct fixture *first = &h->boards[0];
    for (size_t i = 0; i < COUNT(queries); i++) {
        promises_require_same(h, fixture_vms(f, queries[i]), fixture_vms(first, queries[i]),
                              queries[i]);
    }
    promises_require_same(h, fixture_discover(f, "worker", ""),
                          fixture_discover(first, "worker", ""), "discover");
    for (size_t i = 0; i < COUNT(feeds); i++) {
        promises_require_same(h, fixture_feed(f, feeds[i]), fixture_feed(first, feeds[i]),
                              feeds[i]);
    }
}

/* --- the guard --- */

/* Of an event that says so, how many were spared, else 0. */
static int64_t said(struct history *h)
{
    struct fixture *f = &h->boards[0];
    if (fixture_head(f).seq == h->head_before.seq) {
        return 0;
    }
    struct tb_event event = fixture_last_event(f);
    return event.type == TB_EVENT_EXPIRY_HELD ? wire_number(fixture_member(event.data, "vms")) : 0;
}

void history_look_at_guard(struct history *h, bool all)
{
    struct fixture *f = &h->boards[0];
    int64_t now_ms = f->board.now_ms;
    int64_t spared = 0;
    for (int i = 0; i < DICE_VMS; i++) {
        struct model_vm *vm = &h->model.vms[i];
        struct tb_vm stored;
        if (!vm->registered ||
            tb_get_vm(fixture_read(f), tb_str_c(id_of(h, i)), &stored) != TB_OK) {
            continue;
        }
        bool silent = vm->status == TB_VM_RUNNING && vm->stale_ms == 0 &&
                      model_vm_ends_ms(&h->model, vm) <= now_ms;
        if (stored.spared && stored.due_ms != vm->hold_ms) {
            promises_require(h, silent && model_guard_holds(&h->model, vm, now_ms),
                             "a VM was spared without a reason");
            promises_require(h, stored.due_ms == now_ms + vm->ttl_ms,
                             "a VM was spared for too long");
            spared++;
        }
        vm->hold_ms = stored.spared ? stored.due_ms : 0;
        promises_require(h, !all || !silent || stored.spared, "a silent VM was not found stale");
        if (all && vm->status == TB_VM_PAUSED) {
            vm->stale_ms = 0; /* nothing of what it had lost is left */
        }
    }
    for (size_t i = 0; i < h->model.count && all; i++) {
        promises_require(
            h, !h->model.attempts[i].lost || h->model.attempts[i].outcome != TB_ATTEMPT_RUNNING,
            "a lost VM has kept a claim");
    }
    promises_require(h, said(h) == spared, "the log says of others that they were spared");
}
