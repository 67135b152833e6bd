/* GET /auth/tokens */
#include "board/read.h"
#include "http/context.h"
#include "http/handlers.h"
#include "http/read.h"

void tb_handle_list_tokens(struct tb_request *request)
{
    struct tb_txn *txn;
    struct tb_buf out;
    if (!tb_read_open(request, request->arena, &txn)) {
        return;
    }
    tb_buf_init(&out, request->arena, 4096);
    enum tb_err err = tb_read_tokens(txn, tb_clock_wall_ms(request->http->clock), &out);
    tb_read_end(&txn);
    tb_read_answer(request, err, &out);
}
