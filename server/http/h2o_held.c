/* Reads that are held: what of held.h needs the loop. */
#include <poll.h>

#include "http/h2o_loop.h"

#define LOOKS_A_SECOND 10
#define ALL_US         INT64_MAX

void tb_held_open(struct tb_loop *loop)
{
    tb_service_listen(loop->worker.http->service, &loop->inbox.mailbox);
}

void tb_held_close(struct tb_loop *loop)
{
    tb_service_unlisten(loop->worker.http->service, &loop->inbox.mailbox);
    tb_held_fini(&loop->worker.held);
    tb_known_fini(&loop->worker.known);
}

bool tb_is_hung_up(int fd)
{
    struct pollfd look = {.fd = fd, .events = POLLRDHUP};
    return poll(&look, 1, 0) > 0;
}

void tb_request_expect_news(struct tb_request *request)
{
    atomic_store(&tb_exchange_of(request)->loop->inbox.mailbox.wants_news, true);
}

bool tb_request_hold(struct tb_request *request, int64_t wait_ms, enum tb_err *err)
{
    struct tb_loop *loop = tb_exchange_of(request)->loop;
    atomic_uint *count = &request->http->held_count;
    *err = TB_OK;
    if (loop->state != TB_LOOP_SERVING) {
        return false;
    }
    if (atomic_fetch_add(count, 1) >= TB_HELD_READS_MAX) {
        atomic_fetch_sub(count, 1);
        *err = TB_E_OVERLOADED;
        return false;
    }
    tb_exchange_of(request)->waited = true;
    tb_held_add(&loop->worker.held, request, tb_loop_now_us(loop) + wait_ms * 1000);
    return true;
}

/* Counts those out that have been answered or have left. */
static void count_out(struct tb_loop *loop, unsigned before)
{
    atomic_fetch_sub(&loop->worker.http->held_count, before - loop->worker.held.count);
}

void tb_held_leave(struct tb_exchange *exchange)
{
    if (exchange->request.held.request != NULL) {
        struct tb_loop *loop = exchange->loop;
        unsigned before = loop->worker.held.count;
        tb_held_remove(&loop->worker.held, &exchange->request);
        count_out(loop, before);
    }
}

void tb_held_on_news(struct tb_loop *loop)
{
    struct tb_held *held = &loop->worker.held;
    unsigned before = held->count;
    if (before > 0) {
        /* Asked for before the snapshot: what is not in that is told again. */
        atomic_store(&loop->inbox.mailbox.wants_news, true);
        tb_held_news(held, loop->worker.reader);
        count_out(loop, before);
    }
}

static void expire(struct tb_loop *loop, int64_t now_us)
{
    unsigned before = loop->worker.held.count;
    tb_held_expire(&loop->worker.held, now_us);
    count_out(loop, before);
}

/* The library does not look at a connection while its request is being handled: so we do, at each
 * once a second. It then finds it closed, and lets go of it. */
static void let_go_of_who_left(struct tb_loop *loop)
{
    struct tb_held *held = &loop->worker.held;
    unsigned before = held->count;
    for (unsigned left = before / LOOKS_A_SECOND + 1; left > 0 && held->count > 0; left--) {
        struct tb_request *request = tb_held_next_look(held);
        if (tb_is_hung_up(tb_exchange_fd(tb_exchange_of(request)))) {
            tb_held_wake(held, request);
        }
    }
    count_out(loop, before);
}

void tb_held_look(struct tb_loop *loop)
{
    expire(loop, tb_loop_now_us(loop));
    let_go_of_who_left(loop);
}

void tb_held_drain(struct tb_loop *loop)
{
    expire(loop, ALL_US);
}
