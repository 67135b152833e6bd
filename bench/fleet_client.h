/* Many keep-alive HTTP/1.1 connections of one thread: each has at most one request under way.
 *
 *   send → (epoll) → on_answer(connection) → send …
 *
 * For instruments only: loopback, answers with Content-Length. Where `on_lost` is set the server
 * may go away and come back; without it, that ends the program. */
#ifndef BENCH_FLEET_CLIENT_H
#define BENCH_FLEET_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLEET_ANSWER_BYTES_MAX (256 * 1024)

struct fleet_connection {
    unsigned number; /* from 0 on */
    int fd;          /* -1: lost */
    bool waiting;    /* for an answer */
    int64_t sent_us;
    char *buffer; /* of the answer, FLEET_ANSWER_BYTES_MAX */
    size_t length;
    /* the last answer, once it is whole */
    int status;
    const char *body; /* NUL-terminated, as is the head at the buffer's begin */
    size_t body_length;
    int64_t took_us;
    /* the mode's own */
    int step;
    char task_id[32];
    char claim_token[80];
};

struct fleet {
    uint16_t port;
    const char *token;
    int epoll_fd;
    struct fleet_connection *connections;
    unsigned connection_count;
    unsigned under_way;
    void (*on_answer)(struct fleet *fleet, struct fleet_connection *connection);
    /* The connection is closed; if it was `waiting`, what became of its request is unknown. */
    void (*on_lost)(struct fleet *fleet, struct fleet_connection *connection);
};

struct fleet_request {
    const char *method;
    const char *path;
    const char *headers; /* whole lines, each with its CRLF */
    const char *body;    /* NULL: none */
};

int64_t fleet_now_us(void); /* monotonic */

void fleet_open(struct fleet *fleet);
void fleet_close(struct fleet *fleet);

/* Connects one that is lost; false: nobody listens. */
bool fleet_connect(struct fleet *fleet, struct fleet_connection *connection);

void fleet_send(struct fleet *fleet, struct fleet_connection *connection,
                const struct fleet_request *request);

/* Sends a POST with that body (a printf format with ' for "). */
void fleet_post(struct fleet *fleet, struct fleet_connection *connection, const char *path,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Handles answers until none is under way. */
void fleet_run(struct fleet *fleet);

/* Handles what comes within that time; false: nothing came. */
bool fleet_turn(struct fleet *fleet, int timeout_ms);

/* Copies a header of the answer; false: it is not there or does not fit. */
bool fleet_header(const struct fleet_connection *connection, const char *name, char *out,
                  size_t size);

/* Copies what stands between `before` and the next `"` in the answer's body; false: it is not
 * there or does not fit. */
bool fleet_find(const struct fleet_connection *connection, const char *before, char *out,
                size_t size);

#endif
