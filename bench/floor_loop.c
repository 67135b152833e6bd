#include "floor_loop.h"

#include <arpa/inet.h>
#include <err.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTEN_BACKLOG         1024
#define REQUEST_BODY_BYTES_MAX (16 * 1024 * 1024)

static int open_listener(uint16_t port)
{
    int on = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, LISTEN_BACKLOG) != 0) {
        err(1, "cannot listen on port %u", (unsigned)port);
    }
    return fd;
}

static void on_accept(h2o_socket_t *listener, const char *error)
{
    struct floor_loop *loop = listener->data;
    h2o_socket_t *socket = error == NULL ? h2o_evloop_socket_accept(listener) : NULL;
    if (socket != NULL) {
        h2o_accept(&loop->accept, socket);
    }
}

static void start_loop(struct floor_loop *loop)
{
    struct floor_server *server = loop->server;
    h2o_context_init(&loop->context, h2o_evloop_create(), &server->config);
    loop->accept.ctx = &loop->context;
    loop->accept.hosts = server->config.hosts;
    if (server->on_messages != NULL) {
        h2o_multithread_register_receiver(loop->context.queue, &loop->receiver,
                                          server->on_messages);
    }
    h2o_socket_t *listener = h2o_evloop_socket_create(
        loop->context.loop, open_listener(server->port), H2O_SOCKET_FLAG_DONT_READ);
    listener->data = loop;
    h2o_socket_read_start(listener, on_accept);
}

/* All of a loop is made on its own thread: the buffers of h2o's sockets belong to the pool of the
 * thread that made the socket, the one that wakes the loop included. */
static void *run_loop(void *arg)
{
    struct floor_loop *loop = arg;
    start_loop(loop);
    for (;;) {
        h2o_evloop_run(loop->context.loop, INT32_MAX); /* -1 is EINTR: go on */
    }
    return NULL;
}

struct floor_loop *floor_loop_of(h2o_req_t *req)
{
    return H2O_STRUCT_FROM_MEMBER(struct floor_loop, context, req->conn->ctx);
}

void floor_serve(struct floor_server *server, int (*on_req)(h2o_handler_t *, h2o_req_t *))
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (server->loop_count == 0) {
        server->loop_count = cores > 0 ? (unsigned)cores : 1;
    }
    if (server->loop_count > FLOOR_LOOPS_MAX) {
        server->loop_count = FLOOR_LOOPS_MAX;
    }
    signal(SIGPIPE, SIG_IGN);
    h2o_config_init(&server->config);
    server->config.server_name = h2o_iovec_init(NULL, 0);
    server->config.http1.upgrade_to_http2 = 0;
    server->config.max_request_entity_size = REQUEST_BODY_BYTES_MAX;
    h2o_hostconf_t *host =
        h2o_config_register_host(&server->config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
    h2o_create_handler(path, sizeof(h2o_handler_t))->on_req = on_req;

    for (unsigned i = 0; i < server->loop_count; i++) {
        server->loops[i].server = server;
    }
    for (unsigned i = 1; i < server->loop_count; i++) {
        if (pthread_create(&server->loops[i].thread, NULL, run_loop, &server->loops[i]) != 0) {
            errx(1, "cannot start a thread");
        }
    }
    run_loop(&server->loops[0]);
    abort();
}
