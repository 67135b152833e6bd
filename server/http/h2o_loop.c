#include "http/h2o_loop.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#define CLOCK_LOOK_MS 1000 /* at least that often it is seen whether the clock was set back */

struct tb_loop *tb_loop_of(const h2o_req_t *req)
{
    return H2O_STRUCT_FROM_MEMBER(struct tb_loop, context, req->conn->ctx);
}

int64_t tb_loop_now_us(const struct tb_loop *loop)
{
    return tb_clock_monotonic_us(loop->worker.http->clock);
}

uint64_t tb_loop_now_ms(const struct tb_loop *loop)
{
    return (uint64_t)tb_loop_now_us(loop) / 1000;
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
    h2o_timeout_init(loop->context.loop, &loop->next_turn, 1);
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
    h2o_timeout_dispose(evloop, &loop->next_turn);
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

/* A list has its entries in the order in which they were linked. The last ones, of the turn that has
 * just ended and took `turn_ms`, are as old as they say. */
static void put_earlier(h2o_timeout_t *timeout, uint64_t now_ms, uint64_t turn_ms, uint64_t by_ms)
{
    h2o_linklist_t *entries = &timeout->_entries;
    bool older = false;
    for (h2o_linklist_t *node = entries->prev; node != entries; node = node->prev) {
        h2o_timeout_entry_t *entry = H2O_STRUCT_FROM_MEMBER(h2o_timeout_entry_t, _link, node);
        uint64_t at_ms = entry->registered_at;
        older = older || at_ms > now_ms || now_ms - at_ms > turn_ms;
        if (older) {
            entry->registered_at -= by_ms;
        }
    }
}

/* The library takes the time from the machine's clock. When that is set back, all that was to
 * happen would wait until it is as late again as it was. */
static void follow_clock(struct tb_loop *loop, uint64_t turn_ms)
{
    h2o_linklist_t *timeouts = &loop->context.loop->_timeouts;
    uint64_t now_ms = h2o_now(loop->context.loop);
    for (h2o_linklist_t *node = timeouts->next; now_ms < loop->library_ms && node != timeouts;
         node = node->next) {
        put_earlier(H2O_STRUCT_FROM_MEMBER(h2o_timeout_t, _link, node), now_ms, turn_ms,
                    loop->library_ms - now_ms);
    }
    loop->library_ms = now_ms;
}

static void take_turn(struct tb_loop *loop)
{
    uint64_t start_ms = tb_loop_now_ms(loop);
    loop->turn_us = 0;
    loop->ended = NULL;
    /* It ends early for a signal (EINTR), and fails for nothing else. */
    if (h2o_evloop_run(loop->context.loop, CLOCK_LOOK_MS) != 0) {
        assert(errno == EINTR);
    }
    follow_clock(loop, tb_loop_now_ms(loop) - start_ms + 1); /* one more, for what is rounded */
}

void *tb_loop_main(void *arg)
{
    struct tb_loop *loop = arg;
    if (!open_loop(loop)) {
        atomic_fetch_add(&loop->server->failed_count, 1);
    }
    (void)sem_post(&loop->server->started);
    while (!is_over(loop)) {
        take_turn(loop);
    }
    close_loop(loop);
    (void)sem_post(&loop->server->ended);
    return NULL;
}
