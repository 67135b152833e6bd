/* The handshakes of native TLS. The library could accept such connections by itself, but would
 * neither count what fails, nor let a draining loop end them, nor take a context that changes. */
#include <fcntl.h>
#include <h2o.h>
#include <h2o/http1.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "http/h2o_loop.h"
#include "http/tls.h"

/* A connection until its handshake is over. */
struct tb_handshake {
    struct tb_loop *loop;
    h2o_socket_t *socket;
    struct ssl_ctx_st *context; /* a reference: the library keeps none before the first bytes */
    struct timeval connected_at;
    h2o_timeout_entry_t timeout;
    h2o_linklist_t link; /* in the loop's `handshakes` */
};

static struct tb_handshake_metrics *metrics_of(const struct tb_handshake *handshake)
{
    return &handshake->loop->worker.metrics->handshakes;
}

/* The socket stays. */
static void forget(struct tb_handshake *handshake)
{
    h2o_timeout_unlink(&handshake->timeout);
    h2o_linklist_unlink(&handshake->link);
    tb_tls_give_back(handshake->context);
    free(handshake);
}

static void give_up(struct tb_handshake *handshake)
{
    h2o_socket_t *socket = handshake->socket;
    forget(handshake);
    h2o_socket_close(socket);
}

static void on_timeout(h2o_timeout_entry_t *entry)
{
    struct tb_handshake *handshake = H2O_STRUCT_FROM_MEMBER(struct tb_handshake, timeout, entry);
    tb_number_add(&metrics_of(handshake)->timed_out, 1);
    give_up(handshake);
}

/* Whoever wrote http:// for https:// is told. Lost, like all that is said to clients that are turned
 * away, when the rest of the request is still on its way. */
static void explain(h2o_socket_t *socket)
{
#define BODY "This port speaks https.\n"
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\n"
                                 "Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
                                 "Content-Length: 24\r\n\r\n" BODY;
    _Static_assert(sizeof(BODY) - 1 == 24, "the length that is told");
#undef BODY
    int fd = h2o_socket_get_fd(socket);
    (void)send(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
}

static void on_handshake(h2o_socket_t *socket, const char *err)
{
    struct tb_handshake *handshake = socket->data;
    struct tb_loop *loop = handshake->loop;
    struct timeval connected_at = handshake->connected_at;
    if (err != NULL) {
        tb_number_add(&metrics_of(handshake)->failed, 1);
        if (tb_tls_was_plain_http()) {
            explain(socket);
        }
        give_up(handshake);
        return;
    }
    tb_number_add(&metrics_of(handshake)->done, 1);
    forget(handshake);
    socket->data = NULL;
    h2o_http1_accept(&loop->accept, socket, connected_at);
}

void tb_handshake_begin(struct tb_loop *loop, h2o_socket_t *socket)
{
    struct tb_handshake *handshake = h2o_mem_alloc(sizeof(*handshake));
    *handshake = (struct tb_handshake){
        .loop = loop,
        .socket = socket,
        .context = tb_tls_take(loop->worker.http->tls),
        .connected_at = *h2o_get_timestamp(&loop->context, NULL, NULL),
        .timeout = {.cb = on_timeout},
    };
    socket->data = handshake;
    h2o_linklist_insert(&loop->handshakes, &handshake->link);
    h2o_timeout_link(loop->context.loop, &loop->context.http1.req_timeout, &handshake->timeout);
    h2o_socket_ssl_handshake(socket, handshake->context, NULL, on_handshake);
}

void tb_handshakes_cut(struct tb_loop *loop, int64_t older_than_us)
{
    struct timeval *now = h2o_get_timestamp(&loop->context, NULL, NULL);
    for (h2o_linklist_t *node = loop->handshakes.next, *next; node != &loop->handshakes;
         node = next) {
        struct tb_handshake *handshake = H2O_STRUCT_FROM_MEMBER(struct tb_handshake, link, node);
        next = node->next;
        int64_t age_us = h2o_timeval_subtract(&handshake->connected_at, now);
        if (age_us < 0 || age_us >= older_than_us) { /* below 0: the clock was set back since */
            give_up(handshake);
        }
    }
}

/* The library takes nothing in behind a close_notify, and yet reads and keeps what comes, without a
 * limit. So the reading is ended while nothing is being answered; it then closes in good order, or,
 * where a client goes on sending, is cut off. */
static void end_reading(void *connection, bool *asked)
{
    h2o_socket_t *socket = connection;
    if (h2o_socket_is_reading(socket)) {
        (void)shutdown(h2o_socket_get_fd(socket), *asked ? SHUT_RDWR : SHUT_RD);
        *asked = true;
    }
}

void tb_tls_look(void)
{
    tb_tls_visit_ended(end_reading);
}

/* TLS has an end of its own, which the library sends when it closes the socket; behind a half that
 * is shut it could not. */
void tb_half_close(h2o_socket_t *socket)
{
    if (socket->ssl == NULL) {
        (void)shutdown(h2o_socket_get_fd(socket), SHUT_WR);
    }
}

h2o_socket_t *tb_tls_end(h2o_socket_t *socket)
{
    int fd = fcntl(h2o_socket_get_fd(socket), F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
        return NULL;
    }
    h2o_socket_t *bare = h2o_evloop_socket_create(h2o_socket_get_loop(socket), fd, 0);
    bare->data = socket->data;
    bare->on_close = socket->on_close;
    socket->on_close.cb = NULL;
    h2o_socket_close(socket);
    return bare;
}
