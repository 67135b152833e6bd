#include "http/reply.h"

#include "base/buf.h"
#include "base/log.h"
#include "http/context.h"
#include "http/header.h"

#define FAILURES_LOGGED_EVERY_US INT64_C(1000000)

void tb_reply_init(struct tb_request *request)
{
    request->response = (struct tb_response){.status = 200};
    struct tb_str *headers = request->response.headers;
    headers[TB_OUT_CONTENT_TYPE] = TB_STR("application/json");
    headers[TB_OUT_CACHE_CONTROL] = TB_STR("no-store");
    headers[TB_OUT_CONTENT_TYPE_OPTIONS] = TB_STR("nosniff");
    headers[TB_OUT_REQUEST_ID] = request->id;
}

void tb_reply_json(struct tb_request *request, int status, struct tb_str body)
{
    request->response.status = status;
    request->response.body = body;
    tb_request_send(request);
}

void tb_reply_not_modified(struct tb_request *request)
{
    request->response.status = 304;
    request->response.headers[TB_OUT_CONTENT_TYPE] = TB_STR_NONE;
    request->response.body = TB_STR_NONE;
    tb_request_send(request);
}

void tb_reply_set_tag(struct tb_request *request, struct tb_str tag)
{
    request->response.headers[TB_OUT_ETAG] = tag;
    request->response.headers[TB_OUT_CACHE_CONTROL] = TB_STR("no-cache");
}

void tb_reply_set_events_seq(struct tb_request *request, uint64_t seq)
{
    struct tb_buf out;
    tb_buf_init(&out, request->arena, 24);
    tb_buf_add_u64(&out, seq);
    request->response.headers[TB_OUT_EVENTS_SEQ] = tb_buf_str(&out);
}

static void add_member(struct tb_buf *out, const char *name, struct tb_str text)
{
    TB_BUF_LIT(out, "\"");
    tb_buf_add_c(out, name);
    TB_BUF_LIT(out, "\":");
    tb_buf_add_quoted(out, text);
}

/* Our own form: {"error":…,"code":…,"requestId":…,…} */
static void write_error(struct tb_buf *out, const struct tb_request *request, enum tb_err err,
                        struct tb_str message)
{
    TB_BUF_LIT(out, "{");
    add_member(out, "error", message);
    TB_BUF_LIT(out, ",");
    add_member(out, "code", tb_str_c(tb_err_code(err)));
    TB_BUF_LIT(out, ",");
    add_member(out, "requestId", request->id);
}

/* RFC 9457: {"type":…,"title":…,"status":…,"detail":…,"code":…,"requestId":…,…} */
static void write_problem(struct tb_buf *out, const struct tb_request *request, enum tb_err err,
                          struct tb_str message)
{
    TB_BUF_LIT(out, "{\"type\":\"urn:taskboard:error:");
    tb_buf_add_c(out, tb_err_code(err));
    TB_BUF_LIT(out, "\",");
    add_member(out, "title", tb_str_c(tb_err_text(err)));
    TB_BUF_LIT(out, ",\"status\":");
    tb_buf_add_i64(out, request->response.status);
    TB_BUF_LIT(out, ",");
    add_member(out, "detail", message);
    TB_BUF_LIT(out, ",");
    add_member(out, "code", tb_str_c(tb_err_code(err)));
    TB_BUF_LIT(out, ",");
    add_member(out, "requestId", request->id);
}

/* What only some errors tell in headers. */
static void set_error_headers(struct tb_request *request, enum tb_err err)
{
    struct tb_str *headers = request->response.headers;
    headers[TB_OUT_CACHE_CONTROL] = TB_STR("no-store");
    headers[TB_OUT_ETAG] = TB_STR_NONE; /* an answer that was ready may be refused yet */
    headers[TB_OUT_CONTENT_ENCODING] = TB_STR_NONE;
    headers[TB_OUT_EVENTS_SEQ] = TB_STR_NONE;
    headers[TB_OUT_LINK] = TB_STR_NONE;
    switch (request->response.status) {
    case 401:
        headers[TB_OUT_WWW_AUTHENTICATE] = TB_STR("Bearer");
        break;
    case 429:
    case 503:
        headers[TB_OUT_RETRY_AFTER] = err == TB_E_OVERLOADED ? TB_STR("1") : TB_STR("5");
        break;
    default:
        break;
    }
}

/* An outage fails many requests at once: one line a second tells enough. */
static void log_failure(struct tb_request *request, enum tb_err err)
{
    struct tb_worker *worker = request->worker;
    int64_t now_us = tb_clock_monotonic_us(request->http->clock);
    if (now_us - worker->failure_logged_us < FAILURES_LOGGED_EVERY_US) {
        worker->failures_unlogged++;
        return;
    }
    tb_log(TB_LOG_ERROR, "request failed", TB_LOG_STR("id", request->id),
           TB_LOG_STR("method", request->method_name), TB_LOG_STR("path", request->path),
           TB_LOG_C("code", tb_err_code(err)),
           TB_LOG_NUM("alsoFailed", (int64_t)worker->failures_unlogged));
    worker->failure_logged_us = now_us;
    worker->failures_unlogged = 0;
}

void tb_reply_prepare_refusal(struct tb_request *request, enum tb_err err, int status,
                              struct tb_str message, struct tb_str extra)
{
    request->response.status = status != 0 ? status : tb_err_status(err);
    if (message.ptr == NULL) {
        message = tb_str_c(tb_err_text(err));
    }
    bool problem =
        tb_header_accepts(request->headers[TB_IN_ACCEPT], TB_STR("application/problem+json"));
    struct tb_buf out;
    tb_buf_init(&out, request->arena, 256 + message.len + extra.len);
    if (problem) {
        write_problem(&out, request, err, message);
        request->response.headers[TB_OUT_CONTENT_TYPE] = TB_STR("application/problem+json");
    } else {
        write_error(&out, request, err, message);
        request->response.headers[TB_OUT_CONTENT_TYPE] = TB_STR("application/json");
    }
    if (extra.ptr != NULL) {
        tb_buf_add_str(&out, extra);
    }
    TB_BUF_LIT(&out, "}");
    request->response.body = tb_buf_str(&out);
    set_error_headers(request, err);
    /* Being told to stop is no failure. */
    if (request->response.status >= 500 && err != TB_E_DRAINING) {
        log_failure(request, err);
    }
}

void tb_reply_refusal(struct tb_request *request, enum tb_err err, struct tb_str message,
                      struct tb_str extra)
{
    tb_reply_prepare_refusal(request, err, 0, message, extra);
    tb_request_send(request);
}

void tb_reply_error(struct tb_request *request, enum tb_err err)
{
    tb_reply_refusal(request, err, TB_STR_NONE, TB_STR_NONE);
}
