#include "board/pause.h"
#include "board/read.h"
#include "taskboard/limits.h"

struct dependents {
    struct tb_id *ids;
    size_t count;
};

static enum tb_visit collect(void *ctx, struct tb_id id)
{
    struct dependents *found = ctx;
    found->ids[found->count++] = id;
    return found->count < TB_DEPENDENTS_MAX ? TB_VISIT_NEXT : TB_VISIT_STOP;
}

static enum tb_err write_all(struct tb_txn *txn, const struct dependents *found, struct tb_buf *out)
{
    struct tb_pauses pauses;
    enum tb_err err = tb_pauses_load(txn, out->arena, &pauses);
    for (size_t i = 0; i < found->count && err == TB_OK; i++) {
        struct tb_task task;
        err = tb_get_task(txn, found->ids[i], &task);
        if (err == TB_OK) {
            if (i > 0) {
                TB_BUF_LIT(out, ",");
            }
            tb_pauses_show(&pauses, &task);
            tb_task_write_summary(&task, out);
        }
    }
    return err;
}

enum tb_err tb_read_dependents(struct tb_txn *txn, struct tb_id id, struct tb_buf *out)
{
    struct tb_task task;
    char text[TB_ULID_LEN];
    enum tb_err err = tb_get_task(txn, id, &task);
    if (err != TB_OK) {
        return err == TB_E_ABSENT ? TB_E_TASK_NOT_FOUND : err;
    }
    struct dependents found = {
        .ids = tb_arena_alloc(out->arena, TB_DEPENDENTS_MAX * sizeof(struct tb_id)),
    };
    tb_ulid_format(id, text);
    err = tb_visit_dependents(txn, tb_str_from(text, sizeof(text)), collect, &found);
    TB_BUF_LIT(out, "{\"tasks\":[");
    if (err == TB_OK) {
        err = write_all(txn, &found, out);
    }
    TB_BUF_LIT(out, "],\"count\":");
    tb_buf_add_u64(out, found.count);
    TB_BUF_LIT(out, "}");
    return err;
}
