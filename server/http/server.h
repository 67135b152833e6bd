/* The HTTP server: loops, each a thread with listening sockets of its own.
 *
 *   start → (drain → join) → free */
#ifndef TB_HTTP_SERVER_H
#define TB_HTTP_SERVER_H

#include "http/context.h"
#include "http/listen.h"
#include "taskboard/storage.h"

struct tb_server;

struct tb_server_options {
    struct tb_http *http;             /* borrowed */
    struct tb_store *store;           /* borrowed: a reader for each loop */
    struct tb_listen *sockets;        /* borrowed, bound; taken one by one */
    unsigned connections_max;         /* of all loops together */
    unsigned connections_per_address; /* the same; 0: without limit */
};

/* Starts a loop for each thread that `sockets` was made for. When it returns true the server
 * answers. The calling thread should have blocked all signals that it wants to handle: the loops
 * inherit that. One sentence in `why` on failure. */
TB_MUST_CHECK bool tb_server_start(const struct tb_server_options *options,
                                   struct tb_server **server, char *why, size_t why_size);

/* Lets running requests finish, closes idle connections and, after a moment in which /ready can be
 * seen to fail, the door. What still runs at `by_us` (monotonic) is cut off. */
void tb_server_drain(struct tb_server *server, int64_t by_us);

/* Waits for all loops to end, until `by_us` (monotonic). False: some have not; it may be called
 * again. */
TB_MUST_CHECK bool tb_server_join(struct tb_server *server, int64_t by_us);

/* After a join that succeeded. NULL is accepted; the caller's pointer is set to NULL. */
void tb_server_free(struct tb_server **server);

#endif
