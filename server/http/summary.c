/* GET /board/summary */
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

static void answer(struct tb_request *request)
{
    struct tb_txn *txn;
    struct tb_buf out;
    int64_t now_ms = tb_clock_wall_ms(request->http->clock);
    if (!tb_read_open(request, request->arena, &txn)) {
        return;
    }
    tb_buf_init(&out, request->arena, 4096);
    enum tb_err err = tb_read_summary(txn, now_ms, &out);
    tb_read_end(&txn);
    tb_read_answer(request, err, &out);
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
    /* Read before the snapshot: the tag is never newer than what it is given for. */
    uint64_t seq = tb_service_head_seq(service);
    uint64_t changes = tb_service_changes(service);
    struct tb_str tag = tb_etag_of_summary(request->arena, request->http, seq, changes);
    request->held.current_tag = current_tag;
    request->held.on_wake = tb_handle_summary;
    tb_reply_set_tag(request, tag);
    tb_reply_set_events_seq(request, seq);
    if (!tb_read_held(request, tag, wait_ms)) {
        answer(request);
    }
}
