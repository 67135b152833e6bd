/* GET /admin/backup: the whole store, as of one moment. */
#include "http/context.h"
#include "http/handlers.h"

static enum tb_err copy(struct tb_transfer *transfer, void *store)
{
    return tb_store_copy(store, tb_transfer_write, transfer);
}

void tb_handle_backup(struct tb_request *request)
{
    request->response.status = 200;
    request->response.headers[TB_OUT_CONTENT_TYPE] = TB_STR("application/octet-stream");
    tb_request_transfer(request, copy);
}
