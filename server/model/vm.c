#include "taskboard/vm.h"

#include <assert.h>

/* Room for names, numbers, instants. */
#define FIXED_BYTES_MAX 256

static const char *const roles[TB_VM_ROLE_COUNT] = {
    [TB_VM_INFRA] = "infra",   [TB_VM_LIEUTENANT] = "lieutenant", [TB_VM_WORKER] = "worker",
    [TB_VM_GOLDEN] = "golden", [TB_VM_CUSTOM] = "custom",
};

static const char *const statuses[TB_VM_STATUS_COUNT] = {
    [TB_VM_RUNNING] = "running",
    [TB_VM_PAUSED] = "paused",
    [TB_VM_STOPPED] = "stopped",
};

static int find(const char *const *names, int count, struct tb_str text)
{
    for (int i = 0; i < count; i++) {
        if (tb_str_eq_c(text, names[i])) {
            return i;
        }
    }
    return -1;
}

const char *tb_vm_role_name(enum tb_vm_role role)
{
    assert(role < TB_VM_ROLE_COUNT);
    return roles[role];
}

bool tb_vm_role_parse(struct tb_str text, enum tb_vm_role *out)
{
    int i = find(roles, TB_VM_ROLE_COUNT, text);
    if (i >= 0) {
        *out = (enum tb_vm_role)i;
    }
    return i >= 0;
}

const char *tb_vm_status_name(enum tb_vm_status status)
{
    assert(status < TB_VM_STATUS_COUNT);
    return statuses[status];
}

bool tb_vm_status_parse(struct tb_str text, enum tb_vm_status *out)
{
    int i = find(statuses, TB_VM_STATUS_COUNT, text);
    if (i >= 0) {
        *out = (enum tb_vm_status)i;
    }
    return i >= 0;
}

static void add_text(struct tb_buf *out, struct tb_str *text)
{
    tb_buf_add_quoted(out, *text);
    text->ptr = out->ptr + out->len - 1 - text->len;
}

static void add_json(struct tb_buf *out, struct tb_str *json)
{
    tb_buf_add_str(out, *json);
    json->ptr = out->ptr + out->len - json->len;
}

void tb_vm_render(struct tb_vm *vm, struct tb_arena *arena)
{
    size_t room = FIXED_BYTES_MAX;
    for (size_t i = 0; i < TB_VM_STRING_COUNT; i++) {
        room += vm->strings[i].len;
    }
    struct tb_buf out;
    tb_buf_init(&out, arena, room);
    const char *start = out.ptr;
    TB_BUF_LIT(&out, "{\"id\":");
    add_text(&out, &vm->id);
    TB_BUF_LIT(&out, ",\"name\":");
    add_text(&out, &vm->name);
    TB_BUF_LIT(&out, ",\"role\":\"");
    tb_buf_add_c(&out, tb_vm_role_name(vm->role));
    TB_BUF_LIT(&out, "\",\"status\":\"");
    tb_buf_add_c(&out, tb_vm_status_name(vm->status));
    TB_BUF_LIT(&out, "\",\"address\":");
    add_text(&out, &vm->address);
    if (vm->services.ptr != NULL) {
        TB_BUF_LIT(&out, ",\"services\":");
        add_json(&out, &vm->services);
    }
    if (vm->metadata.ptr != NULL) {
        TB_BUF_LIT(&out, ",\"metadata\":");
        add_json(&out, &vm->metadata);
    }
    TB_BUF_LIT(&out, ",\"registeredBy\":");
    add_text(&out, &vm->registered_by);
    TB_BUF_LIT(&out, ",\"registeredAt\":");
    tb_buf_add_instant(&out, vm->registered_ms);
    TB_BUF_LIT(&out, ",\"ttlSeconds\":");
    tb_buf_add_i64(&out, vm->ttl_ms / 1000);
    assert(out.ptr == start); /* the strings point into it: it must not have moved */
    vm->wire = tb_buf_str(&out);
}

void tb_vm_write(const struct tb_vm *vm, bool stale, uint64_t claims, struct tb_buf *out)
{
    tb_buf_add_str(out, vm->wire);
    TB_BUF_LIT(out, ",\"lastSeen\":");
    tb_buf_add_instant(out, vm->seen_ms);
    tb_buf_add_c(out, stale ? ",\"stale\":true,\"claims\":" : ",\"stale\":false,\"claims\":");
    tb_buf_add_u64(out, claims);
    TB_BUF_LIT(out, "}");
}
