#include "board/read.h"

#include "board/pause.h"
#include "taskboard/storage.h"

static enum tb_visit add_json(void *ctx, struct tb_id id, struct tb_str wire)
{
    struct tb_buf *out = ctx;
    (void)id;
    if (out->ptr[out->len - 1] != '[') {
        TB_BUF_LIT(out, ",");
    }
    tb_buf_add_str(out, wire);
    return TB_VISIT_NEXT;
}

enum tb_err tb_read_note_array(struct tb_txn *txn, const struct tb_task *task, struct tb_buf *out)
{
    TB_BUF_LIT(out, "[");
    enum tb_err err = task->note_count > 0 ? tb_visit_notes(txn, task->id, add_json, out) : TB_OK;
    TB_BUF_LIT(out, "]");
    return err;
}

enum tb_err tb_read_artifact_array(struct tb_txn *txn, const struct tb_task *task,
                                   struct tb_buf *out)
{
    TB_BUF_LIT(out, "[");
    enum tb_err err =
        task->artifact_count > 0 ? tb_visit_artifacts(txn, task->id, add_json, out) : TB_OK;
    TB_BUF_LIT(out, "]");
    return err;
}

enum tb_err tb_read_shown(struct tb_txn *txn, const struct tb_task *task, struct tb_buf *out)
{
    (void)tb_buf_reserve(out, task->wire.len + task->notes_bytes + task->note_count + 64);
    tb_task_write_open(task, out);
    TB_BUF_LIT(out, ",\"notes\":");
    enum tb_err err = tb_read_note_array(txn, task, out);
    if (err == TB_OK) {
        TB_BUF_LIT(out, ",\"artifacts\":");
        err = tb_read_artifact_array(txn, task, out);
    }
    TB_BUF_LIT(out, "}");
    return err;
}

enum tb_err tb_read_full(struct tb_txn *txn, const struct tb_task *task, struct tb_buf *out)
{
    if (!task->ready) {
        return tb_read_shown(txn, task, out);
    }
    struct tb_task shown = *task;
    struct tb_pauses pauses;
    enum tb_err err = tb_pauses_load(txn, out->arena, &pauses);
    if (err != TB_OK) {
        return err;
    }
    tb_pauses_show(&pauses, &shown);
    return tb_read_shown(txn, &shown, out);
}

enum tb_err tb_read_task(struct tb_txn *txn, struct tb_id id, struct tb_buf *out, uint64_t *version,
                         bool *done)
{
    struct tb_task task;
    enum tb_err err = tb_get_task(txn, id, &task);
    if (err != TB_OK) {
        return err == TB_E_ABSENT ? TB_E_TASK_NOT_FOUND : err;
    }
    *version = task.version;
    *done = task.status == TB_STATUS_DONE;
    return tb_read_full(txn, &task, out);
}

enum tb_err tb_read_notes(struct tb_txn *txn, struct tb_id id, struct tb_buf *out)
{
    struct tb_task task;
    enum tb_err err = tb_get_task(txn, id, &task);
    if (err != TB_OK) {
        return err == TB_E_ABSENT ? TB_E_TASK_NOT_FOUND : err;
    }
    TB_BUF_LIT(out, "{\"notes\":");
    err = tb_read_note_array(txn, &task, out);
    TB_BUF_LIT(out, ",\"count\":");
    tb_buf_add_u64(out, task.note_count);
    TB_BUF_LIT(out, "}");
    return err;
}
