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

#define REQUEST_BYTES_MAX 16384
#define EVENTS_MAX        256
#define PATIENCE_MS       90000 /* nothing may take longer: a claim waits a minute at most */

int64_t fleet_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

bool fleet_connect(struct fleet *fleet, struct fleet_connection *connection)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(fleet->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        err(1, "socket");
    }
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return false;
    }
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(fleet->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        err(1, "epoll_ctl");
    }
    connection->fd = fd;
    return true;
}

static void open_connection(struct fleet *fleet, struct fleet_connection *connection)
{
    if (!fleet_connect(fleet, connection)) {
        err(1, "connect");
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
        if (fleet->connections[i].fd >= 0) {
            close(fleet->connections[i].fd);
        }
        free(fleet->connections[i].buffer);
    }
    free(fleet->connections);
    close(fleet->epoll_fd);
}

static void lose(struct fleet *fleet, struct fleet_connection *connection, const char *what)
{
    if (fleet->on_lost == NULL) {
        err(1, "%s", what);
    }
    close(connection->fd);
    connection->fd = -1;
    fleet->under_way -= connection->waiting ? 1 : 0;
    fleet->on_lost(fleet, connection);
    connection->waiting = false;
}

void fleet_send(struct fleet *fleet, struct fleet_connection *connection,
                const struct fleet_request *request)
{
    char text[REQUEST_BYTES_MAX];
    const char *body = request->body == NULL ? "" : request->body;
    char type[100] = "";
    if (request->body != NULL) {
        (void)snprintf(type, sizeof type,
                       "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    }
    int length =
        snprintf(text, sizeof text,
                 "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                 "%s%s\r\n%s",
                 request->method, request->path, fleet->token, type, request->headers, body);
    if (length >= (int)sizeof text) {
        errx(1, "a request is too long");
    }
    connection->length = 0;
    connection->waiting = true;
    connection->sent_us = fleet_now_us();
    fleet->under_way++;
    if (send(connection->fd, text, (size_t)length, MSG_NOSIGNAL) != length) {
        lose(fleet, connection, "send");
    }
}

void fleet_post(struct fleet *fleet, struct fleet_connection *connection, const char *path,
                const char *format, ...)
{
    char body[REQUEST_BYTES_MAX / 2];
    va_list args;
    va_start(args, format);
    int body_length = vsnprintf(body, sizeof body, format, args);
    va_end(args);
    if (body_length >= (int)sizeof body) {
        errx(1, "a request is too long");
    }
    for (int i = 0; i < body_length; i++) {
        if (body[i] == '\'') {
            body[i] = '"';
        }
    }
    const struct fleet_request request = {"POST", path, "", body};
    fleet_send(fleet, connection, &request);
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
    bool has_length = header != NULL && header < end;
    connection->status =
        strncmp(buffer, "HTTP/1.1 ", 9) == 0 ? (int)strtol(buffer + 9, NULL, 10) : 0;
    if (connection->status == 0 || (!has_length && connection->status != 304)) {
        errx(1, "not an answer with a length: %.200s", buffer);
    }
    size_t body_length = has_length ? strtoul(header + strlen("\r\ncontent-length:"), NULL, 10) : 0;
    size_t head_length = (size_t)(end + 4 - buffer);
    if (connection->length < head_length + body_length) {
        return false;
    }
    end[2] = '\0';
    connection->body = buffer + head_length;
    connection->body_length = body_length;
    return true;
}

static void receive(struct fleet *fleet, struct fleet_connection *connection)
{
    size_t room = FLEET_ANSWER_BYTES_MAX - connection->length;
    ssize_t got = read(connection->fd, connection->buffer + connection->length, room);
    if (got <= 0) {
        errno = got == 0 ? ECONNRESET : errno;
        lose(fleet, connection, "read");
        return;
    }
    connection->length += (size_t)got;
    if (parse_answer(connection)) {
        connection->took_us = fleet_now_us() - connection->sent_us;
        connection->waiting = false;
        fleet->under_way--;
        fleet->on_answer(fleet, connection);
    } else if (connection->length == FLEET_ANSWER_BYTES_MAX) {
        errx(1, "an answer is too long");
    }
}

bool fleet_turn(struct fleet *fleet, int timeout_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(fleet->epoll_fd, events, EVENTS_MAX, timeout_ms);
    for (int i = 0; i < count; i++) {
        receive(fleet, events[i].data.ptr);
    }
    return count > 0;
}

void fleet_run(struct fleet *fleet)
{
    while (fleet->under_way > 0) {
        if (!fleet_turn(fleet, PATIENCE_MS)) {
            errx(1, "%u requests were not answered in time", fleet->under_way);
        }
    }
}

bool fleet_header(const struct fleet_connection *connection, const char *name, char *out,
                  size_t size)
{
    const char *at = connection->buffer;
    size_t name_length = strlen(name);
    while ((at = strstr(at, "\r\n")) != NULL) {
        at += 2;
        if (strncasecmp(at, name, name_length) == 0 && at[name_length] == ':') {
            at += name_length + 1;
            at += strspn(at, " ");
            size_t length = strcspn(at, "\r");
            if (length >= size) {
                return false;
            }
            memcpy(out, at, length);
            out[length] = '\0';
            return true;
        }
    }
    return false;
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
