#include "fleet_client.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_BYTES_MAX 4096
#define EVENTS_MAX        256
#define PATIENCE_MS       90000 /* nothing may take longer: a claim waits a minute at most */

int64_t fleet_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static void open_connection(struct fleet *fleet, struct fleet_connection *connection)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(fleet->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 ||
        connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0) {
        err(1, "connect");
    }
    int on = 1;
    (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(fleet->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) != 0) {
        err(1, "epoll_ctl");
    }
    connection->buffer = malloc(FLEET_ANSWER_BYTES_MAX + 1);
    if (connection->buffer == NULL) {
        err(1, "malloc");
    }
}

void fleet_open(struct fleet *fleet)
{
    fleet->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    fleet->connections = calloc(fleet->connection_count, sizeof *fleet->connections);
    if (fleet->epoll_fd < 0 || fleet->connections == NULL) {
        err(1, "the fleet cannot be set up");
    }
    for (unsigned i = 0; i < fleet->connection_count; i++) {
        fleet->connections[i].number = i;
        open_connection(fleet, &fleet->connections[i]);
    }
}

void fleet_close(struct fleet *fleet)
{
    for (unsigned i = 0; i < fleet->connection_count; i++) {
        close(fleet->connections[i].fd);
        free(fleet->connections[i].buffer);
    }
    free(fleet->connections);
    close(fleet->epoll_fd);
}

void fleet_post(struct fleet *fleet, struct fleet_connection *connection, const char *path,
                const char *format, ...)
{
    char body[REQUEST_BYTES_MAX / 2];
    va_list args;
    va_start(args, format);
    int body_length = vsnprintf(body, sizeof body, format, args);
    va_end(args);
    for (int i = 0; i < body_length; i++) {
        if (body[i] == '\'') {
            body[i] = '"';
        }
    }
    char request[REQUEST_BYTES_MAX];
    int length = snprintf(request, sizeof request,
                          "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                          "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                          path, fleet->token, body_length, body);
    if (body_length >= (int)sizeof body || length >= (int)sizeof request) {
        errx(1, "a request is too long");
    }
    connection->length = 0;
    connection->sent_us = fleet_now_us();
    if (write(connection->fd, request, (size_t)length) != length) {
        err(1, "write");
    }
    fleet->under_way++;
}

/* True when the answer is whole. */
static bool parse_answer(struct fleet_connection *connection)
{
    char *buffer = connection->buffer;
    buffer[connection->length] = '\0';
    char *end = strstr(buffer, "\r\n\r\n");
    if (end == NULL) {
        return false;
    }
    const char *header = strcasestr(buffer, "\r\ncontent-length:");
    if (header == NULL || header > end || strncmp(buffer, "HTTP/1.1 ", 9) != 0) {
        errx(1, "not an answer with a length: %.200s", buffer);
    }
    size_t body_length = strtoul(header + strlen("\r\ncontent-length:"), NULL, 10);
    size_t head_length = (size_t)(end + 4 - buffer);
    if (connection->length < head_length + body_length) {
        return false;
    }
    connection->status = (int)strtol(buffer + 9, NULL, 10);
    connection->body = buffer + head_length;
    connection->body_length = body_length;
    return true;
}

static void receive(struct fleet *fleet, struct fleet_connection *connection)
{
    size_t room = FLEET_ANSWER_BYTES_MAX - connection->length;
    ssize_t got = read(connection->fd, connection->buffer + connection->length, room);
    if (got <= 0) {
        errx(1, got == 0 ? "the server closed a connection" : "read: %s", strerror(errno));
    }
    connection->length += (size_t)got;
    if (parse_answer(connection)) {
        connection->took_us = fleet_now_us() - connection->sent_us;
        fleet->under_way--;
        fleet->on_answer(fleet, connection);
    } else if (connection->length == FLEET_ANSWER_BYTES_MAX) {
        errx(1, "an answer is too long");
    }
}

void fleet_run(struct fleet *fleet)
{
    struct epoll_event events[EVENTS_MAX];
    while (fleet->under_way > 0) {
        int count = epoll_wait(fleet->epoll_fd, events, EVENTS_MAX, PATIENCE_MS);
        if (count <= 0) {
            errx(1, "%u requests were not answered in time", fleet->under_way);
        }
        for (int i = 0; i < count; i++) {
            receive(fleet, events[i].data.ptr);
        }
    }
}

bool fleet_find(const struct fleet_connection *connection, const char *before, char *out,
                size_t size)
{
    const char *at = strstr(connection->body, before);
    if (at == NULL) {
        return false;
    }
    at += strlen(before);
    size_t length = strcspn(at, "\"");
    if (length >= size) {
        return false;
    }
    memcpy(out, at, length);
    out[length] = '\0';
    return true;
}
