/* Tasks and what hangs on them. */
#include "fault/fault.h"

enum tb_err tb_fault_get_task(struct tb_txn *txn, struct tb_id id, struct tb_task *task)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_get_task(tb_fault_inner(txn), id, task);
}

enum tb_err tb_fault_put_task(struct tb_txn *txn, const struct tb_task *old,
                              const struct tb_task *task)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_put_task(tb_fault_inner(txn), old, task);
}

enum tb_err tb_fault_delete_task(struct tb_txn *txn, const struct tb_task *old)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_delete_task(tb_fault_inner(txn), old);
}

enum tb_err tb_fault_find_unique(struct tb_txn *txn, struct tb_str unique_key, struct tb_id *id)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_find_unique(tb_fault_inner(txn), unique_key, id);
}

enum tb_err tb_fault_visit_dependents(struct tb_txn *txn, struct tb_str dependency,
                                      tb_visit_id *visit, void *ctx)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_visit_dependents(tb_fault_inner(txn), dependency, visit, ctx);
}

enum tb_err tb_fault_next_due(struct tb_txn *txn, int64_t *due_ms, struct tb_id *id)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_next_due(tb_fault_inner(txn), due_ms, id);
}

enum tb_err tb_fault_put_note(struct tb_txn *txn, struct tb_id task_id, struct tb_id note_id,
                              struct tb_str wire)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_put_note(tb_fault_inner(txn), task_id, note_id, wire);
}

enum tb_err tb_fault_visit_notes(struct tb_txn *txn, struct tb_id task_id, tb_visit_json *visit,
                                 void *ctx)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_visit_notes(tb_fault_inner(txn), task_id, visit, ctx);
}

enum tb_err tb_fault_put_artifact(struct tb_txn *txn, struct tb_id task_id, uint32_t number,
                                  struct tb_str wire)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_put_artifact(tb_fault_inner(txn), task_id, number, wire);
}

enum tb_err tb_fault_visit_artifacts(struct tb_txn *txn, struct tb_id task_id, tb_visit_json *visit,
                                     void *ctx)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_visit_artifacts(tb_fault_inner(txn), task_id, visit, ctx);
}

enum tb_err tb_fault_put_attempt(struct tb_txn *txn, struct tb_id task_id,
                                 const struct tb_attempt *attempt)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_put_attempt(tb_fault_inner(txn), task_id, attempt);
}

enum tb_err tb_fault_get_attempt(struct tb_txn *txn, struct tb_id task_id, uint32_t number,
                                 struct tb_attempt *attempt)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_get_attempt(tb_fault_inner(txn), task_id, number, attempt);
}

enum tb_err tb_fault_delete_attempt(struct tb_txn *txn, struct tb_id task_id, uint32_t number)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_delete_attempt(tb_fault_inner(txn), task_id, number);
}

enum tb_err tb_fault_visit_attempts(struct tb_txn *txn, struct tb_id task_id,
                                    tb_visit_attempt *visit, void *ctx)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_visit_attempts(tb_fault_inner(txn), task_id, visit, ctx);
}
