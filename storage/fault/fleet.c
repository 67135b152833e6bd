/* VMs, credentials and pauses. */
#include "fault/fault.h"

enum tb_err tb_fault_get_vm(struct tb_txn *txn, struct tb_str id, struct tb_vm *vm)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_get_vm(tb_fault_inner(txn), id, vm);
}

enum tb_err tb_fault_put_vm(struct tb_txn *txn, const struct tb_vm *old, const struct tb_vm *vm)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_put_vm(tb_fault_inner(txn), old, vm);
}

enum tb_err tb_fault_see_vm(struct tb_txn *txn, const struct tb_vm *vm, int64_t seen_ms)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_see_vm(tb_fault_inner(txn), vm, seen_ms);
}

enum tb_err tb_fault_delete_vm(struct tb_txn *txn, const struct tb_vm *old)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_delete_vm(tb_fault_inner(txn), old);
}

enum tb_err tb_fault_visit_vms(struct tb_txn *txn, bool latest_first, tb_visit_vm *visit, void *ctx)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_visit_vms(tb_fault_inner(txn), latest_first, visit, ctx);
}

enum tb_err tb_fault_next_due_vm(struct tb_txn *txn, struct tb_vm *vm)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_next_due_vm(tb_fault_inner(txn), vm);
}

enum tb_err tb_fault_visit_vm_tasks(struct tb_txn *txn, struct tb_str vm_id, tb_visit_id *visit,
                                    void *ctx)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_visit_vm_tasks(tb_fault_inner(txn), vm_id, visit, ctx);
}

enum tb_err tb_fault_get_credential(struct tb_txn *txn, struct tb_id id,
                                    struct tb_credential *credential)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_get_credential(tb_fault_inner(txn), id, credential);
}

enum tb_err tb_fault_put_credential(struct tb_txn *txn, const struct tb_credential *credential)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_put_credential(tb_fault_inner(txn), credential);
}

enum tb_err tb_fault_delete_credential(struct tb_txn *txn, struct tb_id id)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_delete_credential(tb_fault_inner(txn), id);
}

enum tb_err tb_fault_visit_credentials(struct tb_txn *txn, tb_visit_credential *visit, void *ctx)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_visit_credentials(tb_fault_inner(txn), visit, ctx);
}

enum tb_err tb_fault_get_pauses(struct tb_txn *txn, struct tb_str *json)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_get_pauses(tb_fault_inner(txn), json);
}

enum tb_err tb_fault_put_pauses(struct tb_txn *txn, struct tb_str json)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_put_pauses(tb_fault_inner(txn), json);
}
