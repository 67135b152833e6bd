/* GET /health and GET /ready */
#include "base/buf.h"
#include "http/context.h"
#include "http/handlers.h"
#include "http/reply.h"

void tb_handle_health(struct tb_request *request)
{
    struct tb_buf out;
    tb_buf_init(&out, request->arena, 64);
    TB_BUF_LIT(&out, "{\"status\":\"ok\",\"uptime\":");
    tb_buf_add_i64(&out, (request->started_us - request->http->started_us) / 1000000);
    TB_BUF_LIT(&out, "}");
    tb_reply_json(request, 200, tb_buf_str(&out));
}

static void add_reason(struct tb_buf *out, unsigned *count, enum tb_err err)
{
    if ((*count)++ > 0) {
        TB_BUF_LIT(out, ",");
    }
    TB_BUF_LIT(out, "\"");
    tb_buf_add_c(out, tb_err_code(err));
    TB_BUF_LIT(out, "\"");
}

void tb_handle_ready(struct tb_request *request)
{
    bool draining = atomic_load_explicit(&request->http->draining, memory_order_relaxed);
    enum tb_err health = tb_service_health(request->http->service);
    if (!draining && health == TB_OK) {
        tb_reply_json(request, 200, TB_STR("{\"ready\":true}"));
        return;
    }
    struct tb_buf extra;
    unsigned count = 0;
    tb_buf_init(&extra, request->arena, 128);
    TB_BUF_LIT(&extra, ",\"ready\":false,\"reasons\":[");
    if (draining) {
        add_reason(&extra, &count, TB_E_DRAINING);
    }
    if (health != TB_OK) {
        add_reason(&extra, &count, health);
    }
    TB_BUF_LIT(&extra, "]");
    /* 503 whatever the reason: /ready is asked by machines that know two answers. */
    tb_reply_prepare_refusal(request, draining ? TB_E_DRAINING : health, 503, TB_STR_NONE,
                             tb_buf_str(&extra));
    tb_request_send(request);
}
