#include "unit/http/fake_adapter.h"

#include <assert.h>

struct fake_answer fake_answer;

void tb_request_send(struct tb_request *request)
{
    (void)request;
    fake_answer.sent_count++;
}

void tb_request_send_later(struct tb_request *request, enum tb_delay delay)
{
    fake_answer.delay = delay;
    tb_request_send(request);
}

void tb_request_stream(struct tb_request *request)
{
    tb_request_send(request);
}

void tb_request_submit(struct tb_request *request)
{
    (void)request;
    fake_answer.submitted_count++;
}

struct tb_arena *tb_request_piece_arena(struct tb_request *request)
{
    return request->arena;
}
