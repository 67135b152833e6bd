/* Answers that a thread of its own makes: what of transfer.h needs the loop. */
#include <assert.h>

#include "http/h2o_loop.h"
#include "http/reply.h"

static void notify(void *ctx)
{
    struct tb_exchange *exchange = ctx;
    tb_inbox_tell_of_transfer(&exchange->loop->inbox, exchange);
}

static void count(const struct tb_exchange *exchange, bool whole)
{
    const struct tb_worker *worker = &exchange->loop->worker;
    struct tb_transfer_metrics *metrics = &worker->metrics->transfers[exchange->transfer_kind];
    if (whole) {
        tb_number_add(&metrics->whole, 1);
        tb_number_set(&metrics->whole_last_ms, (uint64_t)tb_clock_wall_ms(worker->http->clock));
    } else {
        tb_number_add(&metrics->cut_off, 1);
    }
}

/* The thread has ended, or is about to. `whole`: the client was sent all of it. */
static void end(struct tb_exchange *exchange, bool whole)
{
    struct tb_loop *loop = exchange->loop;
    tb_transfer_free(&exchange->transfer);
    tb_inbox_forget_transfer(&loop->inbox, exchange); /* the thread tells nothing any more */
    loop->job_count--;
    count(exchange, whole);
    atomic_fetch_sub(&loop->worker.http->transfer_count, 1);
}

static void send_piece(struct tb_exchange *exchange, struct tb_str piece)
{
    h2o_iovec_t bytes = h2o_iovec_init(piece.ptr, piece.len);
    if (!exchange->transfer_begun) {
        exchange->transfer_begun = true;
        tb_send_start(exchange);
    }
    exchange->progress_ms = tb_loop_now_ms(exchange->loop);
    h2o_send(exchange->req, &bytes, 1, H2O_SEND_STATE_IN_PROGRESS);
}

static void finish(struct tb_exchange *exchange, enum tb_err err)
{
    end(exchange, err == TB_OK);
    if (exchange->transfer_begun) {
        h2o_send(exchange->req, NULL, 0,
                 err == TB_OK ? H2O_SEND_STATE_FINAL : H2O_SEND_STATE_ERROR);
    } else {
        tb_reply_error(&exchange->request, err);
    }
}

static void go_on(struct tb_exchange *exchange)
{
    struct tb_str piece = TB_STR_NONE;
    enum tb_err err = TB_OK;
    enum tb_taken what = tb_transfer_take(exchange->transfer, &piece, &err);
    exchange->transfer_waits = what == TB_TAKEN_NOTHING;
    if (what == TB_TAKEN_PIECE) {
        send_piece(exchange, piece);
    } else if (what == TB_TAKEN_NOTHING) {
        exchange->progress_ms = 0; /* it is not the client who is slow */
    } else {
        finish(exchange, err);
    }
}

/* The client has taken the piece. */
static void on_proceed(h2o_generator_t *generator, h2o_req_t *req)
{
    (void)req;
    go_on(H2O_STRUCT_FROM_MEMBER(struct tb_exchange, generator, generator));
}

void tb_transfer_told(struct tb_exchange *exchange)
{
    if (exchange->req != NULL) {
        if (exchange->transfer_waits) {
            go_on(exchange);
        }
    } else if (tb_transfer_is_over(exchange->transfer)) {
        end(exchange, false);
        tb_exchange_let_go(exchange);
    }
}

void tb_transfer_leave(struct tb_exchange *exchange)
{
    if (exchange->transfer == NULL) {
        return;
    }
    if (tb_transfer_is_over(exchange->transfer)) {
        end(exchange, false);
    } else {
        tb_transfer_cancel(exchange->transfer);
    }
}

static void send_head_only(struct tb_exchange *exchange)
{
    tb_send_start(exchange);
    h2o_send(exchange->req, NULL, 0, H2O_SEND_STATE_FINAL);
}

void tb_request_transfer(struct tb_request *request, enum tb_transfer_kind kind,
                         tb_transfer_fill *fill)
{
    struct tb_exchange *exchange = tb_exchange_of(request);
    atomic_uint *under_way = &request->http->transfer_count;
    struct tb_transfer_options options = {
        .fill = fill, .ctx = request->http->store, .notify = notify, .notify_ctx = exchange};
    if (exchange->req->version < 0x101) {
        /* nothing but its end would end it, and that comes also when it breaks off */
        tb_reply_refusal(request, TB_E_BAD_REQUEST,
                         TB_STR("This needs HTTP/1.1: with HTTP/1.0 nobody could tell whether it "
                                "came as a whole"),
                         TB_STR_NONE);
        return;
    }
    if (request->method == TB_METHOD_HEAD) {
        send_head_only(exchange);
        return;
    }
    if (atomic_fetch_add(under_way, 1) < TB_TRANSFERS_MAX) {
        exchange->generator.proceed = on_proceed;
        exchange->transfer_kind = kind;
        exchange->transfer_waits = true;
        exchange->loop->job_count++;
        exchange->transfer = tb_transfer_start(&options);
    }
    if (exchange->transfer == NULL) {
        exchange->loop->job_count -= exchange->transfer_waits;
        atomic_fetch_sub(under_way, 1);
        tb_reply_error(request, TB_E_OVERLOADED);
    }
}
