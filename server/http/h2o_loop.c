#include "http/h2o_loop.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

struct tb_loop *tb_loop_of(const h2o_req_t *req)
{
    return H2O_STRUCT_FROM_MEMBER(struct tb_loop, context, req->conn->ctx);
}

int64_t tb_loop_now_us(const struct tb_loop *loop)
{
    return tb_clock_monotonic_us(loop->worker.http->clock);
}

/* All of it on the loop's own thread: the library keeps buffers by thread. */
static bool open_loop(struct tb_loop *loop)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "loop %u", loop->index % 1000);
    (void)pthread_setname_np(pthread_self(), name);
    h2o_context_init(&loop->context, h2o_evloop_create(), &loop->server->config);
    loop->accept = (h2o_accept_ctx_t){.ctx = &loop->context, .hosts = loop->server->config.hosts};
    h2o_linklist_init_anchor(&loop->handshakes);
    h2o_linklist_init_anchor(&loop->live);
    h2o_timeout_init(loop->context.loop, &loop->delay_300_ms, 300);
    (void)pthread_mutex_init(&loop->waiting_lock, NULL);
    tb_inbox_open(loop);
    tb_held_open(loop);
    tb_fanout_open(loop);
    tb_watch_start(loop);
    return tb_listeners_open(loop);
}

static void close_loop(struct tb_loop *loop)
{
    h2o_evloop_t *evloop = loop->context.loop;
    assert(h2o_linklist_is_empty(&loop->handshakes) && h2o_linklist_is_empty(&loop->live));
    tb_watch_stop(loop);
    tb_fanout_close(loop);
    tb_held_close(loop);
    tb_inbox_close(loop);
    (void)pthread_mutex_destroy(&loop->waiting_lock);
    h2o_timeout_dispose(evloop, &loop->delay_300_ms);
    h2o_context_dispose(&loop->context);
    (void)h2o_evloop_run(evloop, 0); /* frees the sockets that were closed */
    h2o_evloop_destroy(evloop);
    tb_exchange_free_spares(loop);
}

static bool is_over(const struct tb_loop *loop)
{
    return loop->state == TB_LOOP_CLOSED && loop->connection_count == 0 && loop->job_count == 0;
}

void *tb_loop_main(void *arg)
{
    struct tb_loop *loop = arg;
    if (!open_loop(loop)) {
        atomic_fetch_add(&loop->server->failed_count, 1);
    }
    (void)sem_post(&loop->server->started);
    while (!is_over(loop)) {
        /* It ends early for a signal (EINTR), and fails for nothing else. */
        if (h2o_evloop_run(loop->context.loop, INT32_MAX) != 0) {
            assert(errno == EINTR);
        }
    }
    close_loop(loop);
    (void)sem_post(&loop->server->ended);
    return NULL;
}
