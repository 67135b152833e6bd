/* h2o event loops, one a core, each accepting from a SO_REUSEPORT socket of its own. */
#ifndef BENCH_FLOOR_LOOP_H
#define BENCH_FLOOR_LOOP_H

#include <h2o.h>
#include <pthread.h>
#include <stdbool.h>

#define FLOOR_LOOPS_MAX 64

struct floor_server;

/* One event loop. Owned by its thread, but for `receiver`, to which any thread may send messages.
 */
struct floor_loop {
    struct floor_server *server;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    h2o_multithread_receiver_t receiver;
    pthread_t thread;
};

struct floor_server {
    h2o_globalconf_t config;
    unsigned loop_count; /* 0: as many as there are cores */
    uint16_t port;
    h2o_multithread_receiver_cb on_messages; /* NULL: nobody sends any */
    struct floor_loop loops[FLOOR_LOOPS_MAX];
};

/* The loop that a request lives on. */
struct floor_loop *floor_loop_of(h2o_req_t *req);

/* Listens on 127.0.0.1 and hands each request to `on_req`. Does not return; exits with a sentence
 * when it cannot start. */
void floor_serve(struct floor_server *server, int (*on_req)(h2o_handler_t *, h2o_req_t *))
    __attribute__((noreturn));

#endif
