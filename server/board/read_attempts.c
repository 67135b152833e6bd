#include "board/read.h"
#include "taskboard/storage.h"

struct attempts {
    struct tb_buf *out;
    uint32_t count;
};

static void add_attempt(struct attempts *attempts, struct tb_str wire)
{
    if (attempts->count++ > 0) {
        TB_BUF_LIT(attempts->out, ",");
    }
    tb_buf_add_str(attempts->out, wire);
}

static enum tb_visit add_ended(void *ctx, const struct tb_attempt *attempt)
{
    add_attempt(ctx, attempt->wire);
    return TB_VISIT_NEXT;
}

enum tb_err tb_read_attempts(struct tb_txn *txn, struct tb_id id, struct tb_buf *out)
{
    struct attempts attempts = {.out = out};
    struct tb_task task;
    enum tb_err err = tb_get_task(txn, id, &task);
    if (err != TB_OK) {
        return err == TB_E_ABSENT ? TB_E_TASK_NOT_FOUND : err;
    }
    TB_BUF_LIT(out, "{\"attempts\":[");
    err = tb_visit_attempts(txn, id, add_ended, &attempts);
    if (tb_task_is_claimed(&task)) {
        struct tb_attempt running = tb_attempt_running(&task);
        tb_attempt_render(&running, out->arena);
        add_attempt(&attempts, running.wire);
    }
    TB_BUF_LIT(out, "],\"count\":");
    tb_buf_add_u64(out, attempts.count);
    TB_BUF_LIT(out, "}");
    return err;
}
