/* GET /feed/events, GET /feed/events/:id and GET /feed/stats */
#include "board/read.h"
#include "http/context.h"
#include "http/handlers.h"
#include "http/read.h"
#include "http/reply.h"

typedef enum tb_err read_fn(struct tb_txn *txn, const void *what, struct tb_buf *out);

static void answer(struct tb_request *request, read_fn *read, const void *what)
{
    struct tb_txn *txn;
    struct tb_buf out;
    if (!tb_read_open(request, request->arena, &txn)) {
        return;
    }
    tb_reply_set_events_seq(request, tb_txn_head(txn)->seq);
    tb_buf_init(&out, request->arena, 4096);
    enum tb_err err = read(txn, what, &out);
    tb_read_end(&txn);
    tb_read_answer(request, err, &out);
}

static enum tb_err read_list(struct tb_txn *txn, const void *what, struct tb_buf *out)
{
    return tb_read_feed(txn, what, out);
}

static enum tb_err read_event(struct tb_txn *txn, const void *what, struct tb_buf *out)
{
    return tb_read_feed_event(txn, *(const struct tb_id *)what, out);
}

static enum tb_err read_stats(struct tb_txn *txn, const void *what, struct tb_buf *out)
{
    (void)what;
    return tb_read_feed_stats(txn, out);
}

void tb_handle_list_feed(struct tb_request *request)
{
    struct tb_parse parse;
    struct tb_feed_request feed;
    tb_parse_init(request, &parse);
    if (!tb_parse_feed(&parse, request->query_params, &feed)) {
        tb_reply_refusal(request, parse.refusal.err, parse.refusal.message, parse.refusal.extra);
        return;
    }
    answer(request, read_list, &feed);
}

void tb_handle_get_feed_event(struct tb_request *request)
{
    struct tb_id id;
    if (!tb_read_ulid(request->params[0], &id)) {
        tb_reply_error(request, TB_E_EVENT_NOT_FOUND);
        return;
    }
    answer(request, read_event, &id);
}

void tb_handle_feed_stats(struct tb_request *request)
{
    answer(request, read_stats, NULL);
}
