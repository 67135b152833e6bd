/* The registry: register, put, patch, delete, heartbeat. What follows from them: vm_life.c. */
#include "board/rules.h"
#include "board/vm_claims.h"
#include "board/vm_life.h"
#include "taskboard/limits.h"

static bool load(struct tb_board *board, const struct tb_command *command, struct tb_reply *reply,
                 struct tb_vm *vm)
{
    enum tb_err err = tb_vm_load(board->txn, command->vm_id, vm);
    if (err != TB_OK) {
        tb_refuse(reply, err == TB_E_ABSENT ? TB_E_VM_NOT_FOUND : err, TB_STR_NONE, TB_STR_NONE);
    }
    return err == TB_OK;
}

static void answer(struct tb_board *board, struct tb_str id, int http_status,
                   struct tb_arena *arena, struct tb_reply *reply)
{
    struct tb_buf body;
    tb_buf_init(&body, arena, 1024);
    enum tb_err err = tb_read_vm(board->txn, id, board->now_ms, &body);
    *reply = (struct tb_reply){.err = err, .http_status = http_status, .body = tb_buf_str(&body)};
}

/* --- a new one --- */

static struct tb_str who_registers(const struct tb_command *command)
{
    if (command->vm.registered_by.ptr != NULL) {
        return command->vm.registered_by;
    }
    return command->speaker.agent.ptr != NULL ? command->speaker.agent : TB_STR("unknown");
}

static void fill_in(const struct tb_vm_command *given, struct tb_vm *vm)
{
    vm->name = given->name;
    vm->role = given->role;
    vm->status = given->status;
    vm->address = given->address;
    vm->services = given->services;
    vm->metadata = given->metadata;
    vm->ttl_ms = given->ttl_ms;
}

/* In the place of one of that id that is gone, there may be claims that are still to be ended. */
static void add(struct tb_board *board, const struct tb_command *command, struct tb_arena *arena,
                struct tb_reply *reply)
{
    struct tb_vm gone;
    struct tb_vm vm = {.registered_ms = board->now_ms, .seen_ms = board->now_ms};
    if (tb_txn_head(board->txn)->vms >= TB_VMS_MAX) {
        tb_refuse(reply, TB_E_LIMIT_REACHED, TB_STR("The registry takes no more VMs"), TB_STR_NONE);
        return;
    }
    bool replaces_gone = tb_get_vm(board->txn, command->vm_id, &gone) == TB_OK;
    fill_in(&command->vm, &vm);
    vm.number = tb_ulid_next(&board->ids, board->now_ms);
    vm.id = command->vm_id;
    vm.registered_by = who_registers(command);
    if (replaces_gone) {
        tb_vm_revive(board, &gone, &vm);
    }
    tb_vm_change(board, replaces_gone ? &gone : NULL, &vm, TB_EVENT_VM_REGISTERED, command->actor);
    answer(board, vm.id, 201, arena, reply);
}

void tb_rule_vm_register(struct tb_board *board, const struct tb_command *command,
                         struct tb_arena *arena, struct tb_reply *reply)
{
    struct tb_vm old;
    enum tb_err err = tb_vm_load(board->txn, command->vm_id, &old);
    if (err == TB_E_ABSENT) {
        add(board, command, arena, reply);
        return;
    }
    tb_refuse(reply, err == TB_OK ? TB_E_VM_EXISTS : err, TB_STR_NONE, TB_STR_NONE);
}

/* --- one that is there --- */

static bool is_same(const struct tb_vm *old, struct tb_vm *vm, struct tb_arena *arena)
{
    tb_vm_render(vm, arena);
    return tb_str_eq(vm->wire, old->wire);
}

/* What changes nothing counts as a heartbeat: clients that say again and again what they are do not
 * flood the log. */
static void change(struct tb_board *board, const struct tb_vm *old, struct tb_vm *vm,
                   const struct tb_command *command, struct tb_arena *arena, struct tb_reply *reply)
{
    if (is_same(old, vm, board->arena)) {
        tb_vm_see(board, old);
    } else {
        tb_vm_revive(board, old, vm);
        bool back = old->stale_ms != 0 && tb_vm_runs(vm);
        tb_vm_change(board, old, vm, back ? TB_EVENT_VM_BACK : TB_EVENT_VM_UPDATED, command->actor);
    }
    answer(board, vm->id, 200, arena, reply);
}

void tb_rule_vm_put(struct tb_board *board, const struct tb_command *command,
                    struct tb_arena *arena, struct tb_reply *reply)
{
    struct tb_vm old;
    enum tb_err err = tb_vm_load(board->txn, command->vm_id, &old);
    if (err == TB_E_ABSENT) {
        add(board, command, arena, reply);
        return;
    }
    if (err != TB_OK) {
        tb_refuse(reply, err, TB_STR_NONE, TB_STR_NONE);
        return;
    }
    struct tb_vm vm = old;
    fill_in(&command->vm, &vm);
    if (command->vm.registered_by.ptr != NULL) {
        vm.registered_by = command->vm.registered_by;
    }
    change(board, &old, &vm, command, arena, reply);
}

static void patch(const struct tb_vm_command *given, struct tb_vm *vm)
{
    struct tb_vm_command all = {
        .name = given->set & TB_VM_NAME ? given->name : vm->name,
        .role = given->set & TB_VM_ROLE ? given->role : vm->role,
        .status = given->set & TB_VM_STATUS ? given->status : vm->status,
        .address = given->set & TB_VM_ADDRESS ? given->address : vm->address,
        .services = given->set & TB_VM_SERVICES ? given->services : vm->services,
        .metadata = given->set & TB_VM_METADATA ? given->metadata : vm->metadata,
        .ttl_ms = given->set & TB_VM_TTL ? given->ttl_ms : vm->ttl_ms,
    };
    fill_in(&all, vm);
}

void tb_rule_vm_patch(struct tb_board *board, const struct tb_command *command,
                      struct tb_arena *arena, struct tb_reply *reply)
{
    struct tb_vm old;
    if (!load(board, command, reply, &old)) {
        return;
    }
    struct tb_vm vm = old;
    patch(&command->vm, &vm);
    change(board, &old, &vm, command, arena, reply);
}

void tb_rule_vm_delete(struct tb_board *board, const struct tb_command *command,
                       struct tb_arena *arena, struct tb_reply *reply)
{
    (void)arena;
    struct tb_vm old;
    if (!load(board, command, reply, &old)) {
        return;
    }
    tb_vm_remove(board, &old, command->actor);
    *reply = (struct tb_reply){.http_status = 200, .body = TB_STR("{\"deleted\":true}")};
}

void tb_rule_vm_heartbeat(struct tb_board *board, const struct tb_command *command,
                          struct tb_arena *arena, struct tb_reply *reply)
{
    struct tb_vm vm;
    struct tb_buf body;
    if (!load(board, command, reply, &vm)) {
        return;
    }
    tb_vm_see(board, &vm);
    tb_buf_init(&body, arena, 96 + vm.id.len);
    TB_BUF_LIT(&body, "{\"id\":");
    tb_buf_add_quoted(&body, vm.id);
    TB_BUF_LIT(&body, ",\"lastSeen\":");
    tb_buf_add_instant(&body, board->now_ms);
    TB_BUF_LIT(&body, ",\"claimsRenewed\":");
    tb_buf_add_u64(&body, tb_vm_claims(board->txn, vm.id));
    TB_BUF_LIT(&body, "}");
    *reply = (struct tb_reply){.http_status = 200, .body = tb_buf_str(&body)};
}
