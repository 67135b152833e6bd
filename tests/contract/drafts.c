/* Tasks, VMs and credentials to put into a world. */
#include "world.h"

#include <stdio.h>

/* --- tasks --- */

struct tb_str text(struct world *world, const char *format, ...)
{
    char bytes[8192];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(bytes, sizeof bytes, format, arguments);
    va_end(arguments);
    assert_in_range(len, 0, sizeof bytes - 1);
    return tb_arena_dup(world->arena, tb_str_from(bytes, (size_t)len));
}

struct tb_task draft(struct world *world, const char *title)
{
    world->now_ms++;
    return (struct tb_task){
        .id = new_id(world),
        .version = 1,
        .created_ms = world->now_ms,
        .updated_ms = world->now_ms,
        .rank_ms = world->now_ms,
        .max_attempts = 3,
        .status = TB_STATUS_OPEN,
        .ready = true,
        .title = text(world, "%s", title),
        .tags = TB_STR("[]"),
        .dependencies = TB_STR("[]"),
        .created_by = TB_STR("tester"),
        .blocked_by = TB_STR("[]"),
    };
}

void log_event(struct world *world, struct tb_txn *txn, enum tb_event_type type,
               const struct tb_task *task)
{
    struct tb_head *head = tb_txn_head(txn);
    struct tb_event event = {
        .seq = head->seq + 1,
        .id = new_id(world),
        .at_ms = world->now_ms,
        .type = type,
        .task_id = task == NULL ? (struct tb_id){{0}} : task->id,
        .actor = task == NULL ? TB_STR_NONE : task->created_by,
    };
    tb_event_render(&event, task, TB_STR_NONE, world->arena);
    assert_int_equal(tb_append_event(txn, &event), TB_OK);
    head->seq++;
}

uint64_t publish(struct world *world, struct tb_txn *txn, enum tb_event_type type,
                 struct tb_str agent)
{
    struct tb_head *head = tb_txn_head(txn);
    struct tb_event event = {
        .seq = head->seq + 1,
        .id = new_id(world),
        .at_ms = world->now_ms,
        .type = type,
        .actor = agent,
    };
    tb_event_render(&event, NULL, text(world, ",\"summary\":\"%u\"", (unsigned)event.seq),
                    world->arena);
    assert_int_equal(tb_append_event(txn, &event), TB_OK);
    return ++head->seq;
}

void create(struct world *world, struct tb_txn *txn, struct tb_task *task)
{
    tb_task_render(task, world->arena);
    assert_int_equal(tb_put_task(txn, NULL, task), TB_OK);
    tb_txn_head(txn)->task_counts[tb_task_state(task)]++;
    log_event(world, txn, TB_EVENT_CREATED, task);
}

struct tb_id created(struct world *world, struct tb_task task)
{
    struct tb_txn *txn = begin(world);
    create(world, txn, &task);
    commit(&txn);
    return task.id;
}

void replace(struct world *world, struct tb_txn *txn, struct tb_task *task)
{
    struct tb_task old = stored(txn, task->id);
    task->version = old.version + 1;
    tb_task_render(task, world->arena);
    assert_int_equal(tb_put_task(txn, &old, task), TB_OK);
    tb_txn_head(txn)->task_counts[tb_task_state(&old)]--;
    tb_txn_head(txn)->task_counts[tb_task_state(task)]++;
    log_event(world, txn, TB_EVENT_UPDATED, task);
}

void remove_task(struct world *world, struct tb_txn *txn, struct tb_id id)
{
    struct tb_task old = stored(txn, id);
    assert_int_equal(tb_delete_task(txn, &old), TB_OK);
    tb_txn_head(txn)->task_counts[tb_task_state(&old)]--;
    log_event(world, txn, TB_EVENT_DELETED, &old);
}

struct tb_task stored(struct tb_txn *txn, struct tb_id id)
{
    struct tb_task task;
    assert_int_equal(tb_get_task(txn, id, &task), TB_OK);
    return task;
}

/* --- VMs --- */

struct tb_vm draft_vm(struct world *world, struct tb_str id)
{
    world->now_ms++;
    return (struct tb_vm){
        .number = new_id(world),
        .registered_ms = world->now_ms,
        .seen_ms = world->now_ms,
        .ttl_ms = 300000,
        .role = TB_VM_WORKER,
        .status = TB_VM_RUNNING,
        .id = id,
        .name = TB_STR("a worker"),
        .address = TB_STR("worker.example:22"),
        .registered_by = TB_STR("tester"),
    };
}

struct tb_credential draft_credential(struct world *world, struct tb_str name)
{
    world->now_ms++;
    struct tb_credential credential = {
        .id = new_id(world),
        .kind = TB_CREDENTIAL_TOKEN,
        .role = TB_ROLE_WORKER,
        .created_ms = world->now_ms,
        .name = name,
    };
    memset(credential.digest, 7, sizeof credential.digest);
    return credential;
}

void put_credential(struct world *world, struct tb_txn *txn, struct tb_credential *credential)
{
    tb_credential_render(credential, world->arena);
    assert_int_equal(tb_put_credential(txn, credential), TB_OK);
}

void put_vm(struct world *world, struct tb_txn *txn, const struct tb_vm *old, struct tb_vm *vm)
{
    tb_vm_render(vm, world->arena);
    assert_int_equal(tb_put_vm(txn, old, vm), TB_OK);
}

struct tb_vm stored_vm(struct tb_txn *txn, struct tb_str id)
{
    struct tb_vm vm;
    assert_int_equal(tb_get_vm(txn, id, &vm), TB_OK);
    return vm;
}
