/* What claims would get, and got: GET /board/ready, /board/tasks/:id/why and …/attempts; and what
 * waits for a task: …/dependents */
#include "board/read.h"
#include "http/context.h"
#include "http/handlers.h"
#include "http/read.h"
#include "http/reply.h"

/* What one of these reads needs to know. */
struct asked {
    struct tb_id id;
    struct tb_ready_request ready;
    int64_t now_ms;
};

typedef enum tb_err read_fn(struct tb_txn *txn, const struct asked *asked, struct tb_buf *out);

static void answer(struct tb_request *request, const struct asked *asked, read_fn *read)
{
    struct tb_txn *txn;
    struct tb_buf out;
    if (!tb_read_open(request, request->arena, &txn)) {
        return;
    }
    tb_reply_set_events_seq(request, tb_txn_head(txn)->seq);
    tb_buf_init(&out, request->arena, 4096);
    enum tb_err err = read(txn, asked, &out);
    tb_read_end(&txn);
    tb_read_answer(request, err, &out);
}

static bool parse(struct tb_request *request, struct asked *asked)
{
    struct tb_parse parse;
    tb_parse_init(request, &parse);
    asked->now_ms = tb_clock_wall_ms(request->http->clock);
    if (!tb_parse_ready(&parse, request->query_params, &asked->ready)) {
        tb_reply_refusal(request, parse.refusal.err, parse.refusal.message, parse.refusal.extra);
        return false;
    }
    return true;
}

static enum tb_err read_ready(struct tb_txn *txn, const struct asked *asked, struct tb_buf *out)
{
    return tb_read_ready(txn, &asked->ready, asked->now_ms, out);
}

void tb_handle_list_ready(struct tb_request *request)
{
    struct asked asked;
    if (parse(request, &asked)) {
        answer(request, &asked, read_ready);
    }
}

static enum tb_err read_why(struct tb_txn *txn, const struct asked *asked, struct tb_buf *out)
{
    return tb_read_why(txn, asked->id, asked->ready.agent, asked->ready.vm_id, asked->now_ms, out);
}

void tb_handle_why(struct tb_request *request)
{
    struct asked asked;
    if (tb_read_task_id(request, &asked.id) && parse(request, &asked)) {
        answer(request, &asked, read_why);
    }
}

static enum tb_err read_attempts(struct tb_txn *txn, const struct asked *asked, struct tb_buf *out)
{
    return tb_read_attempts(txn, asked->id, out);
}

void tb_handle_attempts(struct tb_request *request)
{
    struct asked asked;
    if (tb_read_task_id(request, &asked.id)) {
        answer(request, &asked, read_attempts);
    }
}

static enum tb_err read_dependents(struct tb_txn *txn, const struct asked *asked,
                                   struct tb_buf *out)
{
    return tb_read_dependents(txn, asked->id, out);
}

void tb_handle_dependents(struct tb_request *request)
{
    struct asked asked;
    if (tb_read_task_id(request, &asked.id)) {
        answer(request, &asked, read_dependents);
    }
}
