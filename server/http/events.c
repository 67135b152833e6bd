/* GET /events and GET /board/tasks/:id/history */
#include "board/read.h"
#include "http/context.h"
#include "http/handlers.h"
#include "http/read.h"
#include "http/reply.h"

typedef enum tb_err read_fn(struct tb_txn *txn, const struct tb_events_request *events,
                            struct tb_buf *out);

static bool parse(struct tb_request *request, struct tb_events_request *events)
{
    struct tb_parse parse;
    tb_parse_init(request, &parse);
    if (!tb_parse_events(&parse, request->query_params, events)) {
        tb_reply_refusal(request, parse.refusal.err, parse.refusal.message, parse.refusal.extra);
        return false;
    }
    return true;
}

static void answer(struct tb_request *request, const struct tb_events_request *events,
                   read_fn *read)
{
    struct tb_txn *txn;
    if (!tb_read_open(request, request->arena, &txn)) {
        return;
    }
    tb_reply_set_events_seq(request, tb_txn_head(txn)->seq);
    struct tb_buf out;
    tb_buf_init(&out, request->arena, 4096);
    enum tb_err err = read(txn, events, &out);
    tb_read_end(&txn);
    if (err != TB_OK) {
        tb_reply_error(request, err);
        return;
    }
    tb_reply_json(request, 200, tb_buf_str(&out));
}

void tb_handle_events(struct tb_request *request)
{
    struct tb_events_request events;
    if (parse(request, &events)) {
        answer(request, &events, tb_read_events);
    }
}

void tb_handle_history(struct tb_request *request)
{
    struct tb_events_request events;
    struct tb_id id;
    if (!tb_read_task_id(request, &id) || !parse(request, &events)) {
        return;
    }
    if (!tb_id_is_zero(events.task_id) && tb_id_cmp(events.task_id, id) != 0) {
        events.nothing = true;
    }
    events.task_id = id;
    answer(request, &events, tb_read_history);
}
