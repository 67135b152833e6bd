/* VMs as the log and the answers tell of them. */
#include <stdio.h>

#include "scenario/model.h"
#include "scenario/wire.h"

#define FAIL(why, why_size, ...) ((void)snprintf((why), (why_size), __VA_ARGS__), false)
#define LOST_MIN                 3

int model_vm_index(struct tb_str id)
{
    return id.ptr == NULL ? -1 : id.ptr[2] - '0';
}

int64_t model_vm_ends_ms(const struct model *model, const struct model_vm *vm)
{
    int64_t since_ms = model->started_ms > vm->seen_ms ? model->started_ms : vm->seen_ms;
    return since_ms + vm->ttl_ms;
}

static bool runs(const struct model_vm *vm)
{
    return vm->registered && vm->status == TB_VM_RUNNING && vm->stale_ms == 0;
}

static bool is_lost(const struct model_vm *vm)
{
    return !vm->registered || vm->status == TB_VM_STOPPED || vm->stale_ms != 0;
}

bool model_vm_may_claim(const struct model *model, struct tb_str id, int64_t now_ms)
{
    int vm = model_vm_index(id);
    return vm < 0 || (runs(&model->vms[vm]) && model_vm_ends_ms(model, &model->vms[vm]) > now_ms);
}

int64_t model_vm_keeps_until_ms(const struct model *model, const struct model_attempt *attempt,
                                int64_t own_ms)
{
    if (attempt->vm < 0) {
        return own_ms;
    }
    const struct model_vm *vm = &model->vms[attempt->vm];
    if (vm->status == TB_VM_PAUSED) {
        return INT64_MAX;
    }
    int64_t renewed_ms = vm->seen_ms + attempt->lease_ms;
    renewed_ms = vm->hold_ms > renewed_ms ? vm->hold_ms : renewed_ms;
    return renewed_ms > own_ms ? renewed_ms : own_ms;
}

uint64_t model_claims_of(const struct model *model, int vm)
{
    uint64_t count = 0;
    for (size_t i = 0; i < model->count; i++) {
        const struct model_attempt *attempt = &model->attempts[i];
        count += attempt->vm == vm && attempt->outcome == TB_ATTEMPT_RUNNING ? 1 : 0;
    }
    return count;
}

bool model_guard_holds(const struct model *model, const struct model_vm *vm, int64_t now_ms)
{
    unsigned running = 0;
    unsigned silent = 0;
    unsigned lost = 0;
    for (size_t i = 0; i < DICE_VMS; i++) {
        const struct model_vm *other = &model->vms[i];
        running += runs(other) ? 1 : 0;
        silent += runs(other) && model_vm_ends_ms(model, other) <= now_ms ? 1 : 0;
        lost += other->registered && other->stale_ms > now_ms - vm->ttl_ms ? 1 : 0;
    }
    return silent + lost >= LOST_MIN && 2 * (silent + lost) > running + lost;
}

void model_see_vm(struct model *model, struct tb_str id, int64_t now_ms)
{
    struct model_vm *vm = &model->vms[model_vm_index(id)];
    vm->seen_ms = now_ms;
    vm->hold_ms = 0;
}

/* --- events --- */

static void lose_claims(struct model *model, int vm)
{
    for (size_t i = 0; i < model->count; i++) {
        struct model_attempt *attempt = &model->attempts[i];
        if (attempt->vm == vm && attempt->outcome == TB_ATTEMPT_RUNNING) {
            attempt->lost = true;
        }
    }
}

static bool go_stale(struct model *model, struct model_vm *vm, const struct tb_event *event,
                     char *why, size_t why_size)
{
    bool spared = vm->hold_ms != 0 && vm->hold_ms - vm->ttl_ms >= model->started_ms;
    if (!runs(vm) || event->at_ms < model_vm_ends_ms(model, vm) ||
        (spared && event->at_ms < vm->hold_ms)) {
        return FAIL(why, why_size, "event %llu makes a VM stale that is not",
                    (unsigned long long)event->seq);
    }
    if (!spared && model_guard_holds(model, vm, event->at_ms)) {
        return FAIL(why, why_size, "event %llu: the guard should have held",
                    (unsigned long long)event->seq);
    }
    vm->stale_ms = event->at_ms;
    vm->hold_ms = 0;
    return true;
}

static void read_vm(struct model_vm *vm, struct tb_str data)
{
    struct tb_str json = fixture_member(data, "vm");
    assert_true(tb_vm_status_parse(wire_text(fixture_member(json, "status")), &vm->status));
    vm->ttl_ms = wire_number(fixture_member(json, "ttlSeconds")) * 1000;
}

/* A VM was registered, changed, or is back: by a command that was a sign of life, or the timer. */
static bool live(struct model_vm *vm, const struct tb_event *event, bool by_timer)
{
    bool was_stale = vm->stale_ms != 0;
    bool good = event->type == TB_EVENT_VM_BACK
                    ? vm->registered && was_stale
                    : !by_timer && vm->registered == (event->type == TB_EVENT_VM_UPDATED);
    vm->revived = is_lost(vm);
    vm->lost_ms = vm->registered ? vm->stale_ms : 0;
    vm->registered = true;
    vm->stale_ms = 0;
    vm->hold_ms = 0;
    read_vm(vm, event->data);
    if (!by_timer) {
        vm->seen_ms = event->at_ms;
    }
    return good && (event->type != TB_EVENT_VM_BACK || vm->status == TB_VM_RUNNING);
}

bool model_apply_vm(struct model *model, const struct tb_event *event,
                    const struct dice_command *command, char *why, size_t why_size)
{
    int index = model_vm_index(event->vm_id);
    struct model_vm *vm = &model->vms[index];
    bool good = true;
    if (event->type == TB_EVENT_VM_STALE) {
        good = command == NULL && go_stale(model, vm, event, why, why_size);
    } else if (event->type == TB_EVENT_VM_DEREGISTERED) {
        good = vm->registered || FAIL(why, why_size, "a VM was deregistered that was not there");
        vm->registered = false;
        vm->stale_ms = 0;
    } else {
        good = live(vm, event, command == NULL) ||
               FAIL(why, why_size, "event %llu makes no sense for the VM",
                    (unsigned long long)event->seq);
    }
    if (is_lost(vm)) {
        lose_claims(model, index);
    }
    return good;
}

/* As long as claims are to be ended that it has lost, it stays lost. */
void model_settle_vms(struct model *model)
{
    for (int i = 0; i < DICE_VMS; i++) {
        struct model_vm *vm = &model->vms[i];
        bool left = false;
        for (size_t k = 0; k < model->count; k++) {
            const struct model_attempt *attempt = &model->attempts[k];
            left = left ||
                   (attempt->vm == i && attempt->lost && attempt->outcome == TB_ATTEMPT_RUNNING);
        }
        if (vm->revived && left && vm->status != TB_VM_STOPPED) {
            vm->stale_ms = vm->lost_ms != 0 ? vm->lost_ms : vm->seen_ms;
        }
        vm->revived = false;
    }
}
