#include <errno.h>
#include <sys/socket.h>

#include "base/log.h"
#include "http/h2o_loop.h"

#define ACCEPTS_AT_ONCE       32
#define PAUSE_LOGGED_EVERY_US INT64_C(10000000)

static void on_connection_closed(void *arg)
{
    struct tb_loop *loop = arg;
    tb_number_set(&loop->worker.metrics->connections, --loop->connection_count);
    atomic_fetch_sub_explicit(&loop->server->connection_count, 1, memory_order_relaxed);
}

/* Says so and closes. The answer is lost when the client's request is still on its way; there is no
 * room to wait for it, nor for a handshake first. */
static void turn_away(const struct tb_loop *loop, h2o_socket_t *socket)
{
#define BODY "{\"error\":\"The server has too many connections\",\"code\":\"overloaded\"}"
    static const char answer[] =
        "HTTP/1.1 503 Service Unavailable\r\n"
        "Content-Type: application/json\r\nRetry-After: 1\r\nConnection: close\r\n"
        "Content-Length: 67\r\n\r\n" BODY;
    _Static_assert(sizeof(BODY) - 1 == 67, "the length that is told");
#undef BODY
    int fd = h2o_socket_get_fd(socket);
    if (loop->worker.http->tls == NULL) {
        (void)send(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        (void)shutdown(fd, SHUT_WR);
    }
    h2o_socket_close(socket);
}

static void welcome(struct tb_loop *loop, h2o_socket_t *socket)
{
    struct tb_server *server = loop->server;
    unsigned others = atomic_fetch_add_explicit(&server->connection_count, 1, memory_order_relaxed);
    if (others >= server->options.connections_max) {
        atomic_fetch_sub_explicit(&server->connection_count, 1, memory_order_relaxed);
        tb_number_add(&loop->worker.metrics->connections_refused, 1);
        turn_away(loop, socket);
        return;
    }
    tb_number_set(&loop->worker.metrics->connections, ++loop->connection_count);
    socket->on_close.cb = on_connection_closed;
    socket->on_close.data = loop;
    if (loop->worker.http->tls != NULL) {
        tb_handshake_begin(loop, socket);
    } else {
        h2o_accept(&loop->accept, socket);
    }
}

/* The library would be woken for the same connection again and again. */
static void pause_listeners(struct tb_loop *loop)
{
    int64_t now_us = tb_loop_now_us(loop);
    if (now_us - loop->pause_logged_us > PAUSE_LOGGED_EVERY_US) {
        tb_log(TB_LOG_WARN, "cannot accept connections", TB_LOG_C("why", strerror(errno)));
        loop->pause_logged_us = now_us;
    }
    for (size_t i = 0; i < loop->listener_count; i++) {
        h2o_socket_read_stop(loop->listeners[i]);
    }
    loop->listeners_paused = true;
}

static void on_connection(h2o_socket_t *listener, const char *err)
{
    struct tb_loop *loop = listener->data;
    if (err != NULL) {
        return;
    }
    for (unsigned i = 0; i < ACCEPTS_AT_ONCE; i++) {
        h2o_socket_t *socket = h2o_evloop_socket_accept(listener);
        if (socket != NULL) {
            welcome(loop, socket);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_listeners(loop);
            return;
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

bool tb_listeners_open(struct tb_loop *loop)
{
    struct tb_listen *sockets = loop->server->options.sockets;
    for (size_t i = 0; i < sockets->address_count; i++) {
        int fd = tb_listen_take(sockets, loop->index, i);
        if (fd < 0) {
            return false;
        }
        h2o_socket_t *listener =
            h2o_evloop_socket_create(loop->context.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
        listener->data = loop;
        loop->listeners[loop->listener_count++] = listener;
        h2o_socket_read_start(listener, on_connection);
    }
    return true;
}

void tb_listeners_resume(struct tb_loop *loop)
{
    if (!loop->listeners_paused) {
        return;
    }
    loop->listeners_paused = false;
    for (size_t i = 0; i < loop->listener_count; i++) {
        h2o_socket_read_start(loop->listeners[i], on_connection);
    }
}

void tb_listeners_close(struct tb_loop *loop)
{
    for (size_t i = 0; i < loop->listener_count; i++) {
        on_connection(loop->listeners[i], NULL);
    }
    for (size_t i = 0; i < loop->listener_count; i++) {
        h2o_socket_close(loop->listeners[i]);
    }
    loop->listener_count = 0;
    loop->listeners_paused = false;
}
