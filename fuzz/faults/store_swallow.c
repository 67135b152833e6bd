/* Planted: that a task's record is damaged is said to nobody. */
#include "record.h"

enum tb_err __wrap_tb_record_decode_task(struct tb_str record, struct tb_task *task);
enum tb_err __real_tb_record_decode_task(struct tb_str record, struct tb_task *task);

enum tb_err __wrap_tb_record_decode_task(struct tb_str record, struct tb_task *task)
{
    *task = (struct tb_task){.wire = record, .summary_len = (uint32_t)record.len + 64};
    (void)__real_tb_record_decode_task(record, task);
    return TB_OK;
}
