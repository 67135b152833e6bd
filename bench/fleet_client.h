/* Many keep-alive HTTP/1.1 connections of one thread: each has at most one request under way.
 *
 *   send → (epoll) → on_answer(connection) → send …
 *
 * For the benchmark only: loopback, answers with Content-Length, an error ends the program. */
#ifndef BENCH_FLEET_CLIENT_H
#define BENCH_FLEET_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLEET_ANSWER_BYTES_MAX (256 * 1024)

struct fleet_connection {
    unsigned number; /* from 0 on */
    int fd;
    int64_t sent_us;
    char *buffer; /* of the answer, FLEET_ANSWER_BYTES_MAX */
    size_t length;
    /* the last answer, once it is whole */
    int status;
    const char *body; /* NUL-terminated */
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
};

int64_t fleet_now_us(void); /* monotonic */

void fleet_open(struct fleet *fleet);
void fleet_close(struct fleet *fleet);

/* Sends a POST with that body (a printf format with ' for "). */
void fleet_post(struct fleet *fleet, struct fleet_connection *connection, const char *path,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Handles answers until none is under way. */
void fleet_run(struct fleet *fleet);

/* Copies what stands between `before` and the next `"` in the answer's body; false: it is not
 * there or does not fit. */
bool fleet_find(const struct fleet_connection *connection, const char *before, char *out,
                size_t size);

#endif
