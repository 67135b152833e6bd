#include <assert.h>
#include <stdlib.h>

#include "memory/memory.h"

static const struct tb_vm *vm_of(const struct tb_version *version)
{
    return (const struct tb_vm *)(const void *)version->bytes;
}

/* The VM's row as the transaction sees it, or NULL. Under the mutex. */
static const struct tb_vm *find_vm(struct tb_memory_txn *txn, struct tb_id number)
{
    uint8_t key[TB_ROW_KEY_BYTES];
    tb_memory_key(key, number, NULL, 0);
    const struct tb_version *version = tb_table_get(&txn->store->vms, key, txn->n);
    return version == NULL ? NULL : vm_of(version);
}

/* The struct, then its wire; the strings point into that. Under the mutex. */
static void store_vm(struct tb_memory_txn *txn, const struct tb_vm *vm, int64_t seen_ms)
{
    struct tb_table *vms = &txn->store->vms;
    uint8_t key[TB_ROW_KEY_BYTES];
    tb_memory_key(key, vm->number, NULL, 0);
    struct tb_version *version = tb_table_put(vms, key, txn->n, sizeof *vm + vm->wire.len);
    struct tb_vm *copy = (struct tb_vm *)(void *)version->bytes;
    char *wire = version->bytes + sizeof *copy;
    memcpy(wire, vm->wire.ptr, vm->wire.len);
    *copy = *vm;
    copy->seen_ms = seen_ms;
    copy->wire.ptr = wire;
    for (size_t i = 0; i < TB_VM_STRING_COUNT; i++) {
        if (vm->strings[i].ptr != NULL) {
            copy->strings[i].ptr = wire + (vm->strings[i].ptr - vm->wire.ptr);
        }
    }
    tb_memory_touch(txn->store, vms, key);
}

enum tb_err tb_memory_put_vm(struct tb_txn *base, const struct tb_vm *old, const struct tb_vm *vm)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    tb_memory_lock(txn);
    assert((old != NULL) == (find_vm(txn, vm->number) != NULL));
    store_vm(txn, vm, vm->seen_ms);
    tb_head_note_vm_change(&txn->head);
    tb_memory_unlock(txn);
    return TB_OK;
}

enum tb_err tb_memory_see_vm(struct tb_txn *base, const struct tb_vm *vm, int64_t seen_ms)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    tb_memory_lock(txn);
    const struct tb_vm *stored = find_vm(txn, vm->number);
    assert(stored != NULL); /* it was read in this transaction */
    store_vm(txn, stored, seen_ms);
    tb_memory_unlock(txn);
    return TB_OK;
}

enum tb_err tb_memory_delete_vm(struct tb_txn *base, const struct tb_vm *old)
{
    struct tb_memory_txn *txn = tb_memory_txn_of(base);
    uint8_t key[TB_ROW_KEY_BYTES];
    tb_memory_key(key, old->number, NULL, 0);
    tb_memory_lock(txn);
    assert(find_vm(txn, old->number) != NULL);
    tb_table_delete(&txn->store->vms, key, txn->n);
    tb_memory_touch(txn->store, &txn->store->vms, key);
    tb_head_note_vm_change(&txn->head);
    tb_memory_unlock(txn);
    return TB_OK;
}

/* --- reading --- */

struct found_vms {
    const struct tb_vm **vms; /* malloced */
    size_t count;
};

/* All of them, by number. */
static struct found_vms find_vms(struct tb_memory_txn *txn)
{
    const struct tb_table *table = &txn->store->vms;
    tb_memory_lock(txn);
    struct found_vms found = {malloc((table->count + 1) * sizeof(void *)), 0};
    if (found.vms == NULL) {
        abort();
    }
    for (size_t i = 0; i < table->count; i++) {
        const struct tb_version *version = tb_row_at(&table->rows[i], txn->n);
        if (version != NULL) {
            found.vms[found.count++] = vm_of(version);
        }
    }
    tb_memory_unlock(txn);
    return found;
}

enum tb_err tb_memory_get_vm(struct tb_txn *base, struct tb_str id, struct tb_vm *vm)
{
    struct found_vms found = find_vms(tb_memory_txn_of(base));
    enum tb_err err = TB_E_ABSENT;
    for (size_t i = 0; i < found.count && err != TB_OK; i++) {
        if (tb_str_eq(found.vms[i]->id, id)) {
            *vm = *found.vms[i];
            err = TB_OK;
        }
    }
    free(found.vms);
    return err;
}

enum tb_err tb_memory_visit_vms(struct tb_txn *base, bool latest_first, tb_visit_vm *visit,
                                void *ctx)
{
    struct found_vms found = find_vms(tb_memory_txn_of(base));
    for (size_t i = 0; i < found.count; i++) {
        if (visit(ctx, found.vms[latest_first ? found.count - 1 - i : i]) == TB_VISIT_STOP) {
            break;
        }
    }
    free(found.vms);
    return TB_OK;
}

enum tb_err tb_memory_next_due_vm(struct tb_txn *base, struct tb_vm *vm)
{
    struct found_vms found = find_vms(tb_memory_txn_of(base));
    const struct tb_vm *first = NULL;
    for (size_t i = 0; i < found.count; i++) {
        int64_t due_ms = found.vms[i]->due_ms;
        if (due_ms != 0 && (first == NULL || due_ms < first->due_ms)) {
            first = found.vms[i];
        }
    }
    if (first != NULL) {
        *vm = *first;
    }
    free(found.vms);
    return first != NULL ? TB_OK : TB_E_ABSENT;
}

static bool is_held_by(const void *ctx, const struct tb_task *task)
{
    return tb_str_eq(tb_task_vm(task), *(const struct tb_str *)ctx);
}

enum tb_err tb_memory_visit_vm_tasks(struct tb_txn *base, struct tb_str vm_id, tb_visit_id *visit,
                                     void *ctx)
{
    struct tb_memory_found found = tb_memory_find_tasks(tb_memory_txn_of(base), is_held_by, &vm_id);
    for (size_t i = 0; i < found.count && visit(ctx, found.tasks[i]->id) == TB_VISIT_NEXT; i++) {
    }
    free(found.tasks);
    return TB_OK;
}
