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

void tb_request_transfer(struct tb_request *request, enum tb_transfer_kind kind,
                         tb_transfer_fill *fill)
{
    (void)kind;
    (void)fill;
    tb_request_send(request);
}

void tb_request_submit(struct tb_request *request)
{
    (void)request;
    fake_answer.submitted_count++;
}

void tb_request_expect_news(struct tb_request *request)
{
    (void)request;
    fake_answer.expected_news = true;
}

bool tb_request_hold(struct tb_request *request, int64_t wait_ms, enum tb_err *err)
{
    (void)request;
    *err = fake_answer.hold_err;
    fake_answer.held_ms = *err == TB_OK ? wait_ms : 0;
    return *err == TB_OK;
}

struct tb_arena *tb_request_piece_arena(struct tb_request *request)
{
    return request->arena;
}

void tb_request_subscribe(struct tb_request *request, const struct tb_subscription *subscription)
{
    fake_answer.subscription = *subscription;
    tb_request_send(request);
}
