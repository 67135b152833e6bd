#include "board/pause.h"
#include "board/read.h"
#include "board/vm_life.h"
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

/* With a VM that takes no claims nobody gets anything. */
static enum tb_err check_vm(struct tb_txn *txn, const struct tb_ready_request *request,
                            int64_t now_ms, bool *takes_claims)
{
    struct tb_vm vm;
    *takes_claims = true;
    if (request->vm_id.ptr == NULL) {
        return TB_OK;
    }
    enum tb_err err = tb_vm_load(txn, request->vm_id, &vm);
    *takes_claims = err == TB_OK && tb_vm_takes_claims(&vm, now_ms);
    return err == TB_E_ABSENT ? TB_OK : err;
}

enum tb_err tb_read_ready(struct tb_txn *txn, const struct tb_ready_request *request,
                          int64_t now_ms, struct tb_buf *out)
{
    struct ready ready = {
        .out = out, .bytes_max = out->len + TB_READY_BYTES_MAX, .limit = request->limit};
    struct tb_pauses pauses;
    bool takes_claims = true;
    enum tb_err err = tb_pauses_load(txn, out->arena, &pauses);
    err = err != TB_OK ? err : check_vm(txn, request, now_ms, &takes_claims);
    if (err != TB_OK) {
        return err;
    }
    TB_BUF_LIT(out, "{\"tasks\":[");
    if (!pauses.all && takes_claims) {
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
