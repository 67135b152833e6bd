#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/log.h"
#include "http/h2o_loop.h"

#define ACCEPTS_AT_ONCE 32
#define LOGGED_EVERY_US INT64_C(10000000)

static void on_connection_closed(void *arg)
{
    struct tb_loop *loop = arg;
    tb_number_set(&loop->worker.metrics->connections, --loop->connection_count);
    atomic_fetch_sub_explicit(&loop->server->connection_count, 1, memory_order_relaxed);
}

/* A connection that counts as one of its address. */
struct counted {
    struct tb_loop *loop;
    struct tb_address address; /* the system does not tell that of a socket that was reset */
};

static void on_counted_closed(void *arg)
{
    struct counted *counted = arg;
    struct tb_loop *loop = counted->loop;
    tb_peers_leave(loop->server->peers, &counted->address);
    free(counted);
    on_connection_closed(loop);
}

/* Is it time to say something again that may be true all the time? */
static bool may_log(const struct tb_loop *loop, int64_t *logged_us)
{
    int64_t now_us = tb_loop_now_us(loop);
    if (now_us - *logged_us <= LOGGED_EVERY_US) {
        return false;
    }
    *logged_us = now_us;
    return true;
}

static void report_crowd(struct tb_loop *loop, const struct tb_address *address)
{
    char client[TB_ADDRESS_CHARS];
    tb_number_add(&loop->worker.metrics->connections_refused_by_address, 1);
    if (may_log(loop, &loop->crowd_logged_us)) {
        tb_address_format(address, client);
        tb_log(TB_LOG_WARN, "turned a client away: its address has too many connections",
               TB_LOG_C("client", client));
    }
}

/* Clients of a trusted proxy share its address. One that has gone already has none. */
static bool is_counted(const struct tb_loop *loop, h2o_socket_t *socket, struct tb_address *address)
{
    struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
    if (loop->server->peers == NULL ||
        h2o_socket_getpeername(socket, (struct sockaddr *)&peer) == 0) {
        return false;
    }
    *address = tb_address_of((const struct sockaddr *)&peer);
    return !tb_proxies_know(&loop->worker.http->proxies, address);
}

/* A place among all connections, given back when the socket is closed. */
static bool take_place(struct tb_loop *loop, h2o_socket_t *socket)
{
    struct tb_server *server = loop->server;
    unsigned others = atomic_fetch_add_explicit(&server->connection_count, 1, memory_order_relaxed);
    if (others >= server->options.connections_max) {
        atomic_fetch_sub_explicit(&server->connection_count, 1, memory_order_relaxed);
        tb_number_add(&loop->worker.metrics->connections_refused, 1);
        return false;
    }
    tb_number_set(&loop->worker.metrics->connections, ++loop->connection_count);
    tb_watch_wake(loop);
    socket->on_close.cb = on_connection_closed;
    socket->on_close.data = loop;
    return true;
}

/* And one among those of its address, given back with it. */
static bool take_place_of_address(struct tb_loop *loop, h2o_socket_t *socket)
{
    struct tb_address address;
    if (!is_counted(loop, socket, &address)) {
        return true;
    }
    if (!tb_peers_join(loop->server->peers, &address)) {
        report_crowd(loop, &address);
        return false;
    }
    struct counted *counted = h2o_mem_alloc(sizeof(*counted));
    *counted = (struct counted){loop, address};
    socket->on_close.cb = on_counted_closed;
    socket->on_close.data = counted;
    return true;
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
    if (!take_place(loop, socket) || !take_place_of_address(loop, socket)) {
        turn_away(loop, socket);
        return;
    }
    if (loop->worker.http->tls != NULL) {
        tb_handshake_begin(loop, socket);
    } else {
        h2o_accept(&loop->accept, socket);
    }
}

/* The library would be woken for the same connection again and again. */
static void pause_listeners(struct tb_loop *loop)
{
    const char *why = strerror(errno);
    if (may_log(loop, &loop->pause_logged_us)) {
        tb_log(TB_LOG_WARN, "cannot accept connections", TB_LOG_C("why", why));
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
