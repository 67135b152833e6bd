#include "http/server.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "http/h2o_loop.h"

#define REQUEST_TIMEOUT_MS 10000 /* of head and body together, and of waiting for them */

/* One host and one path: routing is ours. */
static void configure(struct tb_server *server)
{
    h2o_globalconf_t *config = &server->config;
    h2o_config_init(config);
    config->server_name = h2o_iovec_init(NULL, 0);
    config->http1.req_timeout = REQUEST_TIMEOUT_MS;
    config->http1.upgrade_to_http2 = 0;
    /* One byte more than we take ourselves, for the library counts chunked bodies differently. */
    config->max_request_entity_size = server->options.http->array_body_bytes_max + 1;
    /* The library would keep large bodies in files under /tmp. */
    h2o_socket_buffer_mmap_settings.threshold = SIZE_MAX;
    h2o_hostconf_t *host =
        h2o_config_register_host(config, h2o_iovec_init(H2O_STRLIT("any")), 65535);
    h2o_handler_t *handler = h2o_create_handler(&host->fallback_path, sizeof(*handler));
    handler->on_req = tb_exchange_on_request;
    tb_refusal_register(&host->fallback_path);
}

static bool prepare_loop(struct tb_server *server, unsigned index)
{
    struct tb_loop *loop = &server->loops[index];
    loop->server = server;
    loop->index = index;
    loop->worker.http = server->options.http;
    loop->worker.metrics = &server->options.http->metrics[index];
    loop->worker.id_prefix = randombytes_random();
    return tb_reader_new(server->options.store, &loop->worker.reader) == TB_OK;
}

/* Before the first thread starts: each may be asked for the numbers of all. */
static bool make_metrics(struct tb_server *server)
{
    struct tb_http *http = server->options.http;
    http->metrics = tb_loop_metrics_new(server->loop_count);
    http->loop_count = server->loop_count;
    http->connections_max = server->options.connections_max;
    return http->metrics != NULL;
}

/* Only where it is wanted. */
static bool make_peers(struct tb_server *server)
{
    unsigned each_max = server->options.connections_per_address;
    if (each_max > 0) {
        server->peers = tb_peers_new(each_max, server->options.connections_max);
    }
    return each_max == 0 || server->peers != NULL;
}

/* Starts threads until one fails; `*count` says how many run. */
static bool start_threads(struct tb_server *server, unsigned *count)
{
    for (*count = 0; *count < server->loop_count; ++*count) {
        struct tb_loop *loop = &server->loops[*count];
        if (!prepare_loop(server, *count) ||
            pthread_create(&loop->thread, NULL, tb_loop_main, loop) != 0) {
            return false;
        }
    }
    return true;
}

bool tb_server_start(const struct tb_server_options *options, struct tb_server **out, char *why,
                     size_t why_size)
{
    unsigned count = options->sockets->threads, running = 0;
    struct tb_server *server = calloc(1, sizeof(*server) + count * sizeof(server->loops[0]));
    if (server == NULL) {
        (void)snprintf(why, why_size, "out of memory");
        return false;
    }
    server->options = *options;
    server->loop_count = count;
    (void)sem_init(&server->started, 0, 0);
    (void)sem_init(&server->ended, 0, 0);
    configure(server);
    bool ok = make_metrics(server) && make_peers(server) && start_threads(server, &running);
    for (unsigned i = 0; i < running; i++) {
        while (sem_wait(&server->started) != 0) {
            assert(errno == EINTR);
        }
    }
    if (!ok || atomic_load(&server->failed_count) != 0) {
        /* The program ends now; loops that run hold nothing that outlives it. */
        (void)snprintf(why, why_size, "cannot start the server's threads");
        return false;
    }
    *out = server;
    return true;
}

void tb_server_drain(struct tb_server *server, int64_t by_us)
{
    atomic_store(&server->drain_by_us, by_us);
    atomic_store(&server->options.http->draining, true);
    tb_service_drain(server->options.http->service);
    for (unsigned i = 0; i < server->loop_count; i++) {
        tb_inbox_ask_to_drain(&server->loops[i].inbox);
    }
}

bool tb_server_join(struct tb_server *server, int64_t by_us)
{
    struct timespec deadline = {by_us / 1000000, by_us % 1000000 * 1000};
    while (server->ended_count < server->loop_count) {
        if (sem_clockwait(&server->ended, CLOCK_MONOTONIC, &deadline) == 0) {
            server->ended_count++;
        } else if (errno != EINTR) {
            return false;
        }
    }
    for (unsigned i = 0; i < server->loop_count; i++) {
        (void)pthread_join(server->loops[i].thread, NULL);
    }
    return true;
}

void tb_server_free(struct tb_server **server)
{
    if (*server == NULL) {
        return;
    }
    for (unsigned i = 0; i < (*server)->loop_count; i++) {
        tb_reader_free(&(*server)->loops[i].worker.reader);
        tb_arena_free((*server)->loops[i].worker.summary.arena);
    }
    tb_peers_free(&(*server)->peers);
    free((*server)->options.http->metrics);
    (*server)->options.http->metrics = NULL;
    (*server)->options.http->loop_count = 0;
    h2o_config_dispose(&(*server)->config);
    (void)sem_destroy(&(*server)->started);
    (void)sem_destroy(&(*server)->ended);
    free(*server);
    *server = NULL;
}
