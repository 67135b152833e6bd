/* What a loop looks after while it has connections, ten times a second: clients that hardly read,
 * for the library has no write timeout, or read what they may not any more; the memory of bodies
 * that are still coming, for the library gathers them before anybody has seen a token; draining;
 * and how many logins have failed. */
#include <sys/socket.h>

#include "base/log.h"
#include "http/acked.h"
#include "http/door.h"
#include "http/h2o_loop.h"

#define SECOND_US              INT64_C(1000000)
#define WATCHES_PER_SLOW_CHECK 10
#define LOGINS_LOGGED_EVERY_US (10 * SECOND_US)

/* A client must take that many bytes in that time. */
#define SLOW_CHECK_MS  30000
#define SLOW_BYTES_MIN 4096

/* What bodies on their way may occupy in all loops together, and which are cut off for it.
 */
#define BODIES_BYTES_MAX ((size_t)512 * 1024 * 1024)
#define LARGE_BODY_BYTES ((size_t)1024 * 1024) /* at first; then smaller and smaller ones */
#define SMALL_BODY_BYTES ((size_t)16 * 1024)

/* What the library may hold of a connection on which something waits: a body of 1 MiB fits. */
#define WAITING_BYTES_MAX ((size_t)4 * 1024 * 1024)

/* How long a draining server can still be asked whether it is ready, and how long a new connection
 * may take to ask. */
#define DOOR_OPEN_US SECOND_US
#define NEWCOMER_US  (SECOND_US / 2)

static h2o_socket_t *socket_of(h2o_req_t *req)
{
    return req->conn->callbacks->get_socket(req->conn);
}

static void for_each_connection(struct tb_loop *loop, int (*visit)(h2o_req_t *req, void *arg),
                                void *arg)
{
    (void)loop->server->config.http1.callbacks.foreach_request(&loop->context, visit, arg);
}

/* The loop then finds it closed and lets go of it, whatever it was doing. */
static void cut_off(int fd)
{
    (void)shutdown(fd, SHUT_RDWR);
}

/* --- clients that hardly read, or may not any more --- */

/* The first look finds out from where to count. */
bool tb_watch_is_stuck(int fd, uint64_t now_ms, uint64_t *since_ms, uint64_t *acked_bytes)
{
    if (*acked_bytes != 0 && now_ms - *since_ms < SLOW_CHECK_MS) {
        return false;
    }
    uint64_t acked = tb_acked_bytes(fd);
    bool stuck = *acked_bytes != 0 && acked - *acked_bytes < SLOW_BYTES_MIN;
    *acked_bytes = acked;
    *since_ms = now_ms;
    return stuck;
}

static void check_progress(struct tb_exchange *exchange, uint64_t now_ms)
{
    if (exchange->progress_ms == 0) {
        return;
    }
    int fd = tb_exchange_fd(exchange);
    if (tb_watch_is_stuck(fd, now_ms, &exchange->progress_ms, &exchange->acked_bytes)) {
        tb_log(TB_LOG_INFO, "cut off a client that does not read",
               TB_LOG_STR("id", exchange->request.id));
        tb_number_add(&exchange->loop->worker.metrics->clients_cut_off, 1);
        cut_off(fd);
    }
}

/* A copy of the whole store may take long: it ends with the token that it was asked for with. */
static bool is_revoked(struct tb_exchange *exchange)
{
    return exchange->transfer != NULL &&
           !tb_ticket_is_good(&exchange->loop->worker, &exchange->request.ticket);
}

static void check_answers(struct tb_loop *loop)
{
    uint64_t now_ms = tb_loop_now_ms(loop);
    for (h2o_linklist_t *node = loop->live.next; node != &loop->live; node = node->next) {
        struct tb_exchange *exchange = H2O_STRUCT_FROM_MEMBER(struct tb_exchange, link, node);
        if (is_revoked(exchange)) {
            cut_off(tb_exchange_fd(exchange));
        } else {
            check_progress(exchange, now_ms);
        }
    }
}

/* --- the memory of bodies on their way, and of what clients send ahead of an answer --- */

struct bodies {
    size_t bytes;
    size_t bytes_max;
    size_t large; /* what makes one worth cutting off */
    unsigned cut_count;
};

static size_t input_bytes(h2o_req_t *req)
{
    const h2o_buffer_t *input = socket_of(req)->input;
    return input->bytes == NULL ? 0 : input->capacity;
}

static int add_input(h2o_req_t *req, void *arg)
{
    struct bodies *bodies = arg;
    bodies->bytes += input_bytes(req);
    return 0;
}

/* Whether it is the client who keeps it so long: it sends slowly, or does not take its answers. What
 * is in our hands soon ends by itself. */
static bool is_up_to_client(h2o_socket_t *socket)
{
    return h2o_socket_is_reading(socket) || h2o_socket_is_writing(socket);
}

/* The oldest come first. */
static int cut_large(h2o_req_t *req, void *arg)
{
    struct bodies *bodies = arg;
    h2o_socket_t *socket = socket_of(req);
    size_t bytes = input_bytes(req);
    if (bytes >= bodies->large && is_up_to_client(socket)) {
        req->http1_is_persistent = 0; /* else the requests behind it would still be handled */
        cut_off(h2o_socket_get_fd(socket));
        bodies->bytes -= bytes;
        bodies->cut_count++;
    }
    return bodies->bytes <= bodies->bytes_max;
}

/* Its answer is put off, or it was refused and what its client still sends is thrown away. */
static bool is_delayed(struct tb_exchange *exchange)
{
    return exchange->after_delay != NULL && h2o_timeout_is_linked(&exchange->delay);
}

static bool is_waiting(struct tb_exchange *exchange)
{
    return exchange->request.held.request != NULL || is_delayed(exchange) ||
           (exchange->job_pending && exchange->request.job.is_gone != NULL);
}

/* No claim and no read that waits is large: that is what was sent behind it. They let go within a
 * second, as do those that are delayed, whatever is large there. */
static void cut_large_waiting(struct tb_loop *loop, struct bodies *bodies)
{
    for (h2o_linklist_t *node = loop->live.next; node != &loop->live; node = node->next) {
        struct tb_exchange *exchange = H2O_STRUCT_FROM_MEMBER(struct tb_exchange, link, node);
        size_t bytes = input_bytes(exchange->req);
        if (bytes < WAITING_BYTES_MAX || !is_waiting(exchange)) {
            continue;
        }
        if (!exchange->cut_off) {
            exchange->cut_off = true;
            exchange->req->http1_is_persistent = 0;
            cut_off(tb_exchange_fd(exchange));
            bodies->cut_count++;
        }
        bodies->bytes -= bytes;
    }
}

static void check_bodies(struct tb_loop *loop)
{
    struct bodies bodies = {.bytes_max = BODIES_BYTES_MAX / loop->server->loop_count};
    for_each_connection(loop, add_input, &bodies);
    if (bodies.bytes <= bodies.bytes_max) {
        return;
    }
    cut_large_waiting(loop, &bodies);
    for (bodies.large = LARGE_BODY_BYTES;
         bodies.bytes > bodies.bytes_max && bodies.large >= SMALL_BODY_BYTES; bodies.large /= 4) {
        for_each_connection(loop, cut_large, &bodies);
    }
    if (bodies.cut_count > 0) {
        tb_log(TB_LOG_WARN, "cut off clients: too many large bodies at once",
               TB_LOG_NUM("connections", bodies.cut_count));
    }
}

/* --- draining --- */

/* Ends the reading of a connection on which no request has begun. What has already come is still
 * read and answered. */
static int close_if_idle(h2o_req_t *req, void *arg)
{
    (void)arg;
    h2o_socket_t *socket = socket_of(req);
    struct timeval *now = h2o_get_timestamp(req->conn->ctx, NULL, NULL);
    int64_t age_us = h2o_timeval_subtract(&req->conn->connected_at, now);
    bool new = age_us >= 0 && age_us < NEWCOMER_US; /* below 0: the clock was set back since */
    if (req->version == 0 && socket->input->size == 0 && !new) {
        (void)shutdown(h2o_socket_get_fd(socket), SHUT_RD);
    }
    return 0;
}

static int cut_any(h2o_req_t *req, void *arg)
{
    (void)arg;
    cut_off(h2o_socket_get_fd(socket_of(req)));
    return 0;
}

static void drain(struct tb_loop *loop)
{
    int64_t now_us = tb_loop_now_us(loop);
    bool late = now_us >= atomic_load(&loop->server->drain_by_us);
    for_each_connection(loop, late ? cut_any : close_if_idle, NULL);
    tb_handshakes_cut(loop, late ? 0 : NEWCOMER_US);
    if (late) {
        tb_fanout_cut(loop);
    }
    bool seen = now_us - loop->drain_started_us >= DOOR_OPEN_US;
    if (loop->state == TB_LOOP_DRAINING && (late || seen || loop->connection_count == 0)) {
        tb_listeners_close(loop);
        loop->state = TB_LOOP_CLOSED;
    }
}

void tb_watch_drain(struct tb_loop *loop)
{
    if (loop->state != TB_LOOP_SERVING) {
        return;
    }
    loop->state = TB_LOOP_DRAINING;
    loop->drain_started_us = tb_loop_now_us(loop);
    loop->context.shutdown_requested = 1; /* of what is parsed from now on, no connection is kept */
    tb_held_drain(loop);
    tb_fanout_drain(loop);
    drain(loop);
}

/* --- failed logins --- */

static void report_failed_logins(struct tb_loop *loop)
{
    int64_t now_us = tb_loop_now_us(loop);
    if (loop->index != 0 || now_us - loop->logins_logged_us < LOGINS_LOGGED_EVERY_US) {
        return;
    }
    uint_fast64_t count = atomic_load(&loop->worker.http->failed_logins);
    if (count != loop->logins_logged) {
        tb_log(TB_LOG_WARN, "logins failed",
               TB_LOG_NUM("count", (int64_t)(count - loop->logins_logged)),
               TB_LOG_NUM("sinceStart", (int64_t)count));
    }
    loop->logins_logged_us = now_us;
    loop->logins_logged = count;
}

/* --- the clock of it all --- */

static void set_alarm(struct tb_loop *loop)
{
    bool busy = loop->connection_count > 0 || loop->state != TB_LOOP_SERVING;
    loop->watch_rests = !busy;
    h2o_timeout_link(loop->context.loop,
                     busy ? &loop->context.hundred_ms_timeout : &loop->context.one_sec_timeout,
                     &loop->watch);
}

static void on_alarm(h2o_timeout_entry_t *entry)
{
    struct tb_loop *loop = H2O_STRUCT_FROM_MEMBER(struct tb_loop, watch, entry);
    loop->watch_rests = false;
    tb_listeners_resume(loop);
    report_failed_logins(loop);
    if (loop->connection_count > 0) {
        tb_held_look(loop);
        tb_fanout_look(loop);
        tb_tls_look();
        check_bodies(loop);
        if (++loop->watch_count % WATCHES_PER_SLOW_CHECK == 0) {
            check_answers(loop);
        }
    }
    if (loop->state != TB_LOOP_SERVING) {
        drain(loop);
    }
    set_alarm(loop);
}

void tb_watch_start(struct tb_loop *loop)
{
    loop->watch.cb = on_alarm;
    set_alarm(loop);
}

void tb_watch_wake(struct tb_loop *loop)
{
    if (loop->watch_rests) {
        h2o_timeout_unlink(&loop->watch);
        set_alarm(loop);
    }
}

void tb_watch_stop(struct tb_loop *loop)
{
    h2o_timeout_unlink(&loop->watch);
}
