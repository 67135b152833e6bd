/* Lists of tasks, names and what is counted. */
#include "fault/fault.h"

enum tb_err tb_fault_visit_tasks(struct tb_txn *txn, const struct tb_task_query *query,
                                 tb_visit_task *visit, void *ctx, struct tb_query_end *end)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_visit_tasks(tb_fault_inner(txn), query, visit, ctx, end);
}

enum tb_err tb_fault_visit_ready(struct tb_txn *txn, const struct tb_ready_query *query,
                                 tb_visit_task *visit, void *ctx)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_visit_ready(tb_fault_inner(txn), query, visit, ctx);
}

enum tb_err tb_fault_oldest_ready(struct tb_txn *txn, int64_t *ready_ms)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_oldest_ready(tb_fault_inner(txn), ready_ms);
}

enum tb_err tb_fault_get_name(struct tb_txn *txn, enum tb_name_kind kind, struct tb_str name,
                              struct tb_name_count *count)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_get_name(tb_fault_inner(txn), kind, name, count);
}

enum tb_err tb_fault_visit_names(struct tb_txn *txn, enum tb_name_kind kind, uint32_t max,
                                 tb_visit_name *visit, void *ctx)
{
    enum tb_err err = tb_fault_within(txn);
    return err != TB_OK ? err : tb_visit_names(tb_fault_inner(txn), kind, max, visit, ctx);
}

enum tb_err tb_fault_stats(struct tb_txn *txn, struct tb_store_stats *out)
{
    enum tb_err err = tb_fault_within(txn);
    err = err != TB_OK ? err : tb_store_stats(tb_fault_inner(txn), out);
    tb_fault_tell_room(txn, out);
    return err;
}
