#include "board/pause.h"
#include "board/read.h"
#include "taskboard/limits.h"

struct ready {
    struct tb_buf *out;
    size_t bytes_max; /* of `out` */
    uint32_t limit;
    uint32_t count;
    bool truncated;
};

static enum tb_visit add_task(void *ctx, const struct tb_task *task)
{
    struct ready *ready = ctx;
    if (ready->count == ready->limit || ready->out->len >= ready->bytes_max) {
        ready->truncated = true;
        return TB_VISIT_STOP;
    }
    if (ready->count++ > 0) {
        TB_BUF_LIT(ready->out, ",");
    }
    tb_task_write_summary(task, ready->out);
    return TB_VISIT_NEXT;
}

/* What a claim of that agent would get. */
static enum tb_err visit_for_agent(struct tb_txn *txn, const struct tb_ready_request *request,
                                   const struct tb_pauses *pauses, struct ready *ready)
{
    const struct tb_ready_query query = {
        .agent = request->agent,
        .tags = request->tags,
        .tag_count = request->tag_count,
        .without_tags = pauses->tags,
        .without_tag_count = pauses->tag_count,
    };
    return tb_visit_ready(txn, &query, add_task, ready);
}

/* What is ready for somebody. */
static enum tb_err visit_all(struct tb_txn *txn, const struct tb_ready_request *request,
                             const struct tb_pauses *pauses, struct ready *ready)
{
    const struct tb_task_query query = {
        .order = TB_ORDER_RANK,
        .states = 1U << TB_STATE_READY,
        .tags = request->tags,
        .tag_count = request->tag_count,
        .without_tags = pauses->tags,
        .without_tag_count = pauses->tag_count,
        .scan_max = TB_LIST_SCAN_MAX,
    };
    struct tb_query_end end = {.more_to_scan = false};
    enum tb_err err = tb_visit_tasks(txn, &query, add_task, ready, &end);
    ready->truncated = ready->truncated || end.more_to_scan;
    return err;
}

enum tb_err tb_read_ready(struct tb_txn *txn, const struct tb_ready_request *request,
                          struct tb_buf *out)
{
    struct ready ready = {
        .out = out, .bytes_max = out->len + TB_READY_BYTES_MAX, .limit = request->limit};
    struct tb_pauses pauses;
    enum tb_err err = tb_pauses_load(txn, out->arena, &pauses);
    if (err != TB_OK) {
        return err;
    }
    TB_BUF_LIT(out, "{\"tasks\":[");
    if (!pauses.all) {
        err = request->agent.ptr != NULL ? visit_for_agent(txn, request, &pauses, &ready)
                                         : visit_all(txn, request, &pauses, &ready);
    }
    TB_BUF_LIT(out, "],\"count\":");
    tb_buf_add_u64(out, ready.count);
    if (ready.truncated) {
        TB_BUF_LIT(out, ",\"truncated\":true");
    }
    TB_BUF_LIT(out, "}");
    return err;
}
