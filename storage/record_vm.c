#include "record_seal.h"

struct vm_record {
    uint64_t checksum;
    uint8_t format;
    uint8_t kind;
    uint8_t role;
    uint8_t status;
    uint8_t spared;
    uint8_t zero[3];
    struct tb_id number;
    int64_t registered_ms;
    int64_t ttl_ms;
    int64_t due_ms;
    int64_t stale_ms;
    struct tb_slice strings[TB_VM_STRING_COUNT];
};

static_assert(sizeof(struct vm_record) == 112, "layout of a stored VM");
static_assert(TB_VM_STRING_COUNT == 6, "it is part of the layout");

size_t tb_record_vm_size(const struct tb_vm *vm)
{
    return sizeof(struct vm_record) + vm->wire.len;
}

void tb_record_encode_vm(const struct tb_vm *vm, void *out)
{
    struct vm_record fixed = {
        .format = TB_RECORD_FORMAT,
        .kind = TB_RECORD_VM,
        .role = (uint8_t)vm->role,
        .status = (uint8_t)vm->status,
        .spared = vm->spared,
        .number = vm->number,
        .registered_ms = vm->registered_ms,
        .ttl_ms = vm->ttl_ms,
        .due_ms = vm->due_ms,
        .stale_ms = vm->stale_ms,
    };
    for (size_t i = 0; i < TB_VM_STRING_COUNT; i++) {
        fixed.strings[i] = tb_slice_of(vm->strings[i], vm->wire);
    }
    memcpy(out, &fixed, sizeof fixed);
    memcpy((char *)out + sizeof fixed, vm->wire.ptr, vm->wire.len);
    tb_record_seal(out, sizeof fixed + vm->wire.len);
}

enum tb_err tb_record_decode_vm(struct tb_str record, struct tb_vm *vm)
{
    struct vm_record fixed;
    if (!tb_record_open(record, TB_RECORD_VM, &fixed, sizeof fixed)) {
        return TB_E_STORAGE_CORRUPT;
    }
    struct tb_vm found = {
        .number = fixed.number,
        .registered_ms = fixed.registered_ms,
        .ttl_ms = fixed.ttl_ms,
        .due_ms = fixed.due_ms,
        .stale_ms = fixed.stale_ms,
        .spared = fixed.spared != 0,
        .role = fixed.role,
        .status = fixed.status,
        .wire = tb_str_from(record.ptr + sizeof fixed, record.len - sizeof fixed),
    };
    bool good = fixed.role < TB_VM_ROLE_COUNT && fixed.status < TB_VM_STATUS_COUNT;
    for (size_t i = 0; i < TB_VM_STRING_COUNT; i++) {
        good = tb_slice_string(fixed.strings[i], found.wire, &found.strings[i]) && good;
    }
    if (!good || found.id.ptr == NULL) {
        return TB_E_STORAGE_CORRUPT;
    }
    *vm = found;
    return TB_OK;
}
