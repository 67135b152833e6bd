/* GET /admin/backup and /admin/export: the whole store, and what a board needs of it, as of one
 * moment. */
#include "board/export.h"
#include "http/context.h"
#include "http/handlers.h"

static enum tb_err fill_with_copy(struct tb_transfer *transfer, void *store)
{
    return tb_store_copy(store, tb_transfer_write, transfer);
}

void tb_handle_backup(struct tb_request *request)
{
    request->response.status = 200;
    request->response.headers[TB_OUT_CONTENT_TYPE] = TB_STR("application/octet-stream");
    tb_request_transfer(request, TB_TRANSFER_BACKUP, fill_with_copy);
}

static enum tb_err fill_with_export(struct tb_transfer *transfer, void *store)
{
    struct tb_reader *reader = NULL;
    struct tb_txn *txn = NULL;
    struct tb_arena *arena = tb_arena_new(0);
    enum tb_err err = tb_reader_new(store, &reader);
    err = err != TB_OK ? err : tb_read_begin(reader, arena, &txn);
    if (err == TB_OK) {
        err = tb_export(txn, tb_transfer_write, transfer);
        tb_read_end(&txn);
    }
    if (reader != NULL) {
        tb_reader_free(&reader);
    }
    tb_arena_free(arena);
    return err;
}

void tb_handle_export(struct tb_request *request)
{
    request->response.status = 200;
    request->response.headers[TB_OUT_CONTENT_TYPE] = TB_STR("application/x-ndjson");
    tb_request_transfer(request, TB_TRANSFER_EXPORT, fill_with_export);
}
