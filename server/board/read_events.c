#include "board/read.h"

struct events {
    const struct tb_events_request *request;
    struct tb_buf *out;
    uint32_t count;
    uint32_t looked_at;
    uint64_t last_seq; /* looked at */
    bool cut;          /* the limit on what is looked at, or on the answer's size, was reached */
};

static bool all_are(const struct tb_str *wanted, size_t count, struct tb_str is)
{
    for (size_t i = 0; i < count; i++) {
        if (!tb_str_eq(wanted[i], is)) {
            return false;
        }
    }
    return true;
}

bool tb_events_request_fits(const struct tb_events_request *request, const struct tb_event *event)
{
    bool any_task = tb_id_is_zero(request->task_id);
    if (request->nothing || (!any_task && tb_id_cmp(request->task_id, event->task_id) != 0)) {
        return false;
    }
    struct tb_str topic = tb_str_c(tb_event_topic(event->type));
    struct tb_str type = tb_str_c(tb_event_type_name(event->type));
    if (!all_are(request->topics, request->topic_count, topic) ||
        !all_are(request->types, request->type_count, type) ||
        !all_are(request->agents, request->agent_count, event->actor)) {
        return false;
    }
    for (size_t i = 0; i < request->tag_count; i++) {
        if (event->tags.ptr == NULL || !tb_strings_contain(event->tags, request->tags[i])) {
            return false;
        }
    }
    return true;
}

static enum tb_visit add_event(void *ctx, const struct tb_event *event)
{
    struct events *events = ctx;
    events->looked_at++;
    events->last_seq = event->seq;
    if (tb_events_request_fits(events->request, event)) {
        if (events->count > 0) {
            TB_BUF_LIT(events->out, ",");
        }
        tb_buf_add_str(events->out, event->wire);
        events->count++;
    }
    if (events->count == events->request->limit) {
        return TB_VISIT_STOP;
    }
    events->cut =
        events->looked_at == TB_EVENTS_SCAN_MAX || events->out->len >= TB_EVENTS_BYTES_MAX;
    return events->cut ? TB_VISIT_STOP : TB_VISIT_NEXT;
}

enum tb_err tb_read_events(struct tb_txn *txn, const struct tb_events_request *request,
                           struct tb_buf *out)
{
    const struct tb_head *head = tb_txn_head(txn);
    struct events events = {.request = request, .out = out};
    TB_BUF_LIT(out, "{\"events\":[");
    if (!request->nothing) {
        enum tb_err err =
            tb_visit_events(txn, request->since, request->task_id, add_event, &events);
        if (err != TB_OK) {
            return err;
        }
    }
    TB_BUF_LIT(out, "],\"count\":");
    tb_buf_add_u64(out, events.count);
    TB_BUF_LIT(out, ",\"oldest\":");
    tb_buf_add_u64(out, head->oldest_seq);
    TB_BUF_LIT(out, ",\"head\":");
    tb_buf_add_u64(out, head->seq);
    if (events.cut) {
        TB_BUF_LIT(out, ",\"next\":");
        tb_buf_add_u64(out, events.last_seq);
    }
    TB_BUF_LIT(out, "}");
    return TB_OK;
}

static enum tb_visit found_one(void *ctx, const struct tb_event *event)
{
    (void)event;
    *(bool *)ctx = true;
    return TB_VISIT_STOP;
}

enum tb_err tb_read_history(struct tb_txn *txn, const struct tb_events_request *request,
                            struct tb_buf *out)
{
    struct tb_task task;
    bool found = false;
    enum tb_err err = tb_get_task(txn, request->task_id, &task);
    if (err == TB_E_ABSENT) { /* a deleted task is still in the log */
        err = tb_visit_events(txn, 0, request->task_id, found_one, &found);
        err = err == TB_OK && !found ? TB_E_TASK_NOT_FOUND : err;
    }
    return err != TB_OK ? err : tb_read_events(txn, request, out);
}
