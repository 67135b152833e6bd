/* GET /metrics: what everybody has counted, and what one snapshot tells of the board, in
 * Prometheus's text format. Constant cost, however large the board is. It answers also when the
 * storage cannot be read: then what is of the store is left out. */
#include "http/handlers.h"
#include "http/metrics_page.h"

#define FIRST_BYTES ((size_t)32 * 1024)

void tb_handle_metrics(struct tb_request *request)
{
    struct tb_buf out;
    tb_buf_init(&out, request->arena, FIRST_BYTES);
    tb_page_add_process(&out);
    tb_page_add_service(&out, request->http);
    tb_page_add_http(&out, request->http);
    bool readable = tb_page_add_board(&out, request) == TB_OK;
    tb_page_gauge(&out, "taskboard_readable", "1 while the store can be read.", readable);
    request->response.headers[TB_OUT_CONTENT_TYPE] =
        TB_STR("text/plain; version=0.0.4; charset=utf-8");
    request->response.body = tb_buf_str(&out);
    tb_request_send(request);
}
