/* GET /board/summary
 *
 * Each loop keeps the last one that it made: between two commits all of them are alike. */
#include "board/read.h"
#include "http/context.h"
#include "http/etag.h"
#include "http/handlers.h"
#include "http/read.h"
#include "http/reply.h"

static enum tb_err current_tag(struct tb_request *request, struct tb_txn *txn,
                               struct tb_arena *arena, struct tb_str *tag)
{
    const struct tb_head *head = tb_txn_head(txn);
    *tag = tb_etag_of_summary(arena, request->http, head->seq, head->changes);
    return TB_OK;
}

/* Makes the copy anew. */
static enum tb_err make(struct tb_request *request, struct tb_txn *txn, int64_t now_ms)
{
    struct tb_summary_copy *copy = &request->worker->summary;
    struct tb_buf out;
    if (copy->arena == NULL) {
        copy->arena = tb_arena_new(0);
    }
    copy->body = TB_STR_NONE;
    tb_arena_reset(copy->arena);
    tb_buf_init(&out, copy->arena, 4096);
    enum tb_err err = tb_read_summary(txn, now_ms, &out);
    if (err == TB_OK) {
        copy->body = tb_buf_str(&out);
        copy->seq = tb_txn_head(txn)->seq;
        copy->changes = tb_txn_head(txn)->changes;
        copy->slot = now_ms / TB_RATE_FINE_MS;
    }
    return err;
}

static void set_moment(struct tb_request *request, uint64_t seq, uint64_t changes)
{
    tb_reply_set_tag(request, tb_etag_of_summary(request->arena, request->http, seq, changes));
    tb_reply_set_events_seq(request, seq);
}

/* `seq` and `changes` are the published ones: a copy that was made from the same head is as good as
 * a new one, until the rates move on. */
static void answer(struct tb_request *request, uint64_t seq, uint64_t changes)
{
    const struct tb_summary_copy *copy = &request->worker->summary;
    int64_t now_ms = tb_clock_wall_ms(request->http->clock);
    enum tb_err err = TB_OK;
    if (copy->body.ptr == NULL || copy->seq != seq || copy->changes != changes ||
        copy->slot != now_ms / TB_RATE_FINE_MS) {
        struct tb_txn *txn;
        if (!tb_read_open(request, request->arena, &txn)) {
            return;
        }
        err = make(request, txn, now_ms);
        tb_read_end(&txn);
    }
    if (err != TB_OK) {
        tb_reply_error(request, err);
        return;
    }
    set_moment(request, copy->seq, copy->changes);
    tb_reply_json(request, 200, tb_arena_dup(request->arena, copy->body));
}

void tb_handle_summary(struct tb_request *request)
{
    const struct tb_service *service = request->http->service;
    struct tb_parse parse;
    int64_t wait_ms = 0;
    tb_parse_init(request, &parse);
    if (!tb_read_wait(request, &parse, &wait_ms)) {
        return;
    }
    uint64_t seq = tb_service_head_seq(service);
    uint64_t changes = tb_service_changes(service);
    request->held.current_tag = current_tag;
    request->held.on_wake = tb_handle_summary;
    set_moment(request, seq, changes);
    if (!tb_read_held(request, request->response.headers[TB_OUT_ETAG], wait_ms)) {
        answer(request, seq, changes);
    }
}
