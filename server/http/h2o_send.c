#include <assert.h>

#include "http/h2o_loop.h"
#include "http/reply.h"

/* From this size on an answer counts, and so much may wait in all loops together. */
#define LARGE_ANSWER_BYTES ((size_t)64 * 1024)
#define ANSWERS_BYTES_MAX  ((size_t)512 * 1024 * 1024)

static const char *reason_of(int status)
{
    switch (status) {
    case 101:
        return "Switching Protocols";
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 303:
        return "See Other";
    case 304:
        return "Not Modified";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 409:
        return "Conflict";
    case 412:
        return "Precondition Failed";
    case 413:
        return "Content Too Large";
    case 417:
        return "Expectation Failed";
    case 422:
        return "Unprocessable Content";
    case 426:
        return "Upgrade Required";
    case 428:
        return "Precondition Required";
    case 429:
        return "Too Many Requests";
    case 500:
        return "Internal Server Error";
    case 503:
        return "Service Unavailable";
    case 507:
        return "Insufficient Storage";
    default:
        return "-";
    }
}

static void add_headers(h2o_req_t *req, const struct tb_str values[TB_OUT_COUNT])
{
#define NAME(name, wire) [name] = {(char *)(uintptr_t) "" wire, sizeof(wire) - 1},
    static h2o_iovec_t names[TB_OUT_COUNT] = {TB_HEADER_OUT_TABLE(NAME)};
#undef NAME
    h2o_headers_t *headers = &req->res.headers;
    h2o_vector_reserve(&req->pool, headers, headers->size + TB_OUT_COUNT);
    for (size_t i = 0; i < TB_OUT_COUNT; i++) {
        if (values[i].ptr != NULL) {
            headers->entries[headers->size++] = (h2o_header_t){
                .name = &names[i], .value = h2o_iovec_init(values[i].ptr, values[i].len)};
        }
    }
}

/* Every answer passes here once. A claim that was parked has a number. */
static void count(const struct tb_exchange *exchange)
{
    const struct tb_request *request = &exchange->request;
    const struct tb_route *route = request->route;
    size_t index = route != NULL ? (size_t)(route - request->http->router.routes) : TB_NO_ROUTE;
    bool waited = exchange->waited || request->job.wait.number != 0;
    int64_t duration_us = waited ? -1 : tb_loop_now_us(exchange->loop) - request->started_us;
    tb_loop_metrics_answer(request->worker->metrics, index, request->response.status, duration_us);
}

void tb_send_fill_head(struct tb_exchange *exchange)
{
    const struct tb_response *response = &exchange->request.response;
    h2o_req_t *req = exchange->req;
    count(exchange);
    req->res.status = response->status;
    req->res.reason = reason_of(response->status);
    add_headers(req, response->headers);
    bool draining = exchange->loop->state != TB_LOOP_SERVING;
    if (response->close || draining) {
        req->http1_is_persistent = 0;
    }
    exchange->progress_ms = tb_loop_now_ms(exchange->loop);
}

void tb_send_start(struct tb_exchange *exchange)
{
    tb_send_fill_head(exchange);
    exchange->loop->replying = exchange;
    h2o_start_response(exchange->req, &exchange->generator);
    exchange->loop->replying = NULL;
}

/* Large answers that wait for slow clients hold memory. A read that would hold too much is put off;
 * the answer to a write is not, for the write has happened. */
static void count_answer(struct tb_exchange *exchange)
{
    struct tb_request *request = &exchange->request;
    struct tb_loop *loop = exchange->loop;
    size_t bytes = request->response.body.len;
    if (bytes < LARGE_ANSWER_BYTES || exchange->answer_bytes > 0) {
        return;
    }
    bool read = request->method == TB_METHOD_GET || request->method == TB_METHOD_HEAD;
    if (read && loop->answer_bytes + bytes > ANSWERS_BYTES_MAX / loop->server->loop_count) {
        tb_reply_prepare_refusal(request, TB_E_OVERLOADED, 0, TB_STR_NONE, TB_STR_NONE);
        return;
    }
    exchange->answer_bytes = bytes;
    loop->answer_bytes += bytes;
}

void tb_request_send(struct tb_request *request)
{
    struct tb_exchange *exchange = tb_exchange_of(request);
    count_answer(exchange);
    struct tb_str body = request->response.body;
    h2o_req_t *req = exchange->req;
    h2o_iovec_t bytes = h2o_iovec_init(body.ptr, body.len);
    bool bodiless = request->response.status == 304;
    req->res.content_length = bodiless ? SIZE_MAX : body.len;
    tb_send_start(exchange);
    bool with_body = !bodiless && body.len > 0 && request->method != TB_METHOD_HEAD;
    h2o_send(req, &bytes, with_body ? 1 : 0, H2O_SEND_STATE_FINAL);
}

static void on_delay_over(h2o_timeout_entry_t *entry)
{
    struct tb_exchange *exchange = H2O_STRUCT_FROM_MEMBER(struct tb_exchange, delay, entry);
    exchange->after_delay(exchange);
}

void tb_send_after(struct tb_exchange *exchange, enum tb_delay delay,
                   void (*then)(struct tb_exchange *exchange))
{
    struct tb_loop *loop = exchange->loop;
    h2o_timeout_t *list = delay == TB_DELAY_100_MS   ? &loop->context.hundred_ms_timeout
                          : delay == TB_DELAY_300_MS ? &loop->delay_300_ms
                                                     : &loop->context.one_sec_timeout;
    assert(delay != TB_DELAY_NONE);
    exchange->delay.cb = on_delay_over;
    exchange->after_delay = then;
    h2o_timeout_link(loop->context.loop, list, &exchange->delay);
}

static void send_slowed(struct tb_exchange *exchange)
{
    exchange->slowed = false;
    tb_slowdown_answered(&exchange->loop->worker.slowdown);
    tb_request_send(&exchange->request);
}

void tb_request_send_later(struct tb_request *request, enum tb_delay delay)
{
    struct tb_exchange *exchange = tb_exchange_of(request);
    if (delay == TB_DELAY_NONE) {
        tb_request_send(request);
        return;
    }
    exchange->slowed = true;
    exchange->waited = true;
    tb_send_after(exchange, delay, send_slowed);
}

/* Called whenever the client has taken all that was sent. Always passes a buffer on, if an empty
 * one: to the library none means the end. */
static void on_proceed(h2o_generator_t *generator, h2o_req_t *req)
{
    struct tb_exchange *exchange = H2O_STRUCT_FROM_MEMBER(struct tb_exchange, generator, generator);
    struct tb_request *request = &exchange->request;
    struct tb_str piece = TB_STR("");
    exchange->progress_ms = tb_loop_now_ms(exchange->loop);
    tb_arena_reset(exchange->pieces);
    enum tb_piece what = request->next_piece(request, exchange->pieces, &piece);
    if (what == TB_PIECE_FAILED) {
        h2o_send(req, NULL, 0, H2O_SEND_STATE_ERROR);
        return;
    }
    h2o_iovec_t bytes = h2o_iovec_init(piece.ptr, piece.len);
    h2o_send(req, &bytes, 1,
             what == TB_PIECE_LAST ? H2O_SEND_STATE_FINAL : H2O_SEND_STATE_IN_PROGRESS);
}

void tb_request_stream(struct tb_request *request)
{
    struct tb_exchange *exchange = tb_exchange_of(request);
    h2o_req_t *req = exchange->req;
    struct tb_str body = request->response.body;
    h2o_iovec_t bytes = h2o_iovec_init(body.ptr, body.len);
    assert(exchange->pieces != NULL);
    exchange->generator.proceed = on_proceed;
    request->response.close |= req->version < 0x101; /* nothing but its end ends the body */
    tb_send_start(exchange);
    if (request->method == TB_METHOD_HEAD) {
        h2o_send(req, NULL, 0, H2O_SEND_STATE_FINAL);
    } else {
        h2o_send(req, &bytes, 1, H2O_SEND_STATE_IN_PROGRESS);
    }
}
