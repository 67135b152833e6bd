/* GET /board/tasks/:id and GET /board/tasks/:id/notes */
#include "board/read.h"
#include "http/etag.h"
#include "http/handlers.h"
#include "http/read.h"
#include "http/reply.h"

void tb_handle_get_task(struct tb_request *request)
{
    struct tb_id id;
    struct tb_txn *txn;
    if (!tb_read_task_id(request, &id) || !tb_read_open(request, request->arena, &txn)) {
        return;
    }
    uint64_t version = 0;
    bool done = false;
    struct tb_buf out;
    tb_buf_init(&out, request->arena, 2048);
    enum tb_err err = tb_read_task(txn, id, &out, &version, &done);
    tb_read_end(&txn);
    if (err != TB_OK) {
        tb_reply_error(request, err);
        return;
    }
    struct tb_str tag = tb_etag_of_version(request->arena, version);
    tb_reply_set_tag(request, tag);
    /* The version of a task that is not done says nothing of what changes by time. */
    if (done && tb_read_unchanged(request, tag)) {
        return;
    }
    tb_reply_json(request, 200, tb_buf_str(&out));
}

void tb_handle_get_notes(struct tb_request *request)
{
    struct tb_id id;
    struct tb_txn *txn;
    if (!tb_read_task_id(request, &id)) {
        return;
    }
    if (!tb_read_open(request, request->arena, &txn)) {
        return;
    }
    tb_reply_set_events_seq(request, tb_txn_head(txn)->seq);
    struct tb_buf out;
    tb_buf_init(&out, request->arena, 4096);
    enum tb_err err = tb_read_notes(txn, id, &out);
    tb_read_end(&txn);
    if (err != TB_OK) {
        tb_reply_error(request, err);
        return;
    }
    tb_reply_json(request, 200, tb_buf_str(&out));
}
