#include "follow.h"

#include <arpa/inet.h>
#include <err.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES   (256 * 1024)
#define LOOK_SECONDS   1 /* how often a quiet follower looks whether it has seen enough */
#define RETRY_NS       10000000
#define PATIENCE_LOOKS 60

struct stream {
    struct follower *follower;
    FILE *file;
    int fd;
    char *buffer;
    size_t length;
    bool in_body;
};

static bool connect_stream(struct stream *stream)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(stream->follower->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    struct timeval patience = {.tv_sec = LOOK_SECONDS};
    stream->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (stream->fd < 0 ||
        setsockopt(stream->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0) {
        err(1, "a follower");
    }
    if (connect(stream->fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(stream->fd);
        return false;
    }
    char request[1024];
    int length =
        snprintf(request, sizeof request,
                 "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                 "Last-Event-ID: %" PRIu64 "\r\n\r\n",
                 stream->follower->path, stream->follower->token, stream->follower->last_seq);
    stream->length = 0;
    stream->in_body = false;
    return send(stream->fd, request, (size_t)length, MSG_NOSIGNAL) == length;
}

/* One block of the stream, without its empty line. What broke off in the middle is none, and comes
 * again. */
static void take_block(struct stream *stream, const char *block)
{
    const char *id = strstr(block, "id: ");
    const char *data = strstr(block, "data: ");
    if (strncmp(block, "event: reset", 12) == 0) {
        (void)fputs("reset\n", stream->file); /* no event of the log: the checker tells of it */
    }
    if (data == NULL || id == NULL) {
        return;
    }
    data += strlen("data: ");
    int data_length = (int)strcspn(data, "\n");
    if (fprintf(stream->file, "%.*s\n", data_length, data) < 0) {
        err(1, "%s", stream->follower->file_name);
    }
    stream->follower->last_seq = strtoull(id + strlen("id: "), NULL, 10);
}

static void take_blocks(struct stream *stream)
{
    char *from = stream->buffer;
    stream->buffer[stream->length] = '\0';
    if (!stream->in_body) {
        from = strstr(from, "\r\n\r\n");
        if (from == NULL) {
            return;
        }
        if (strncmp(stream->buffer, "HTTP/1.1 200", 12) != 0) {
            from = stream->buffer + stream->length; /* it drains: there will be another */
        } else {
            stream->in_body = true;
            from += 4;
        }
    }
    for (char *end; (end = strstr(from, "\n\n")) != NULL; from = end + 2) {
        *end = '\0';
        take_block(stream, from);
    }
    stream->length -= (size_t)(from - stream->buffer);
    memmove(stream->buffer, from, stream->length);
}

static bool has_seen_enough(const struct stream *stream)
{
    return (int64_t)stream->follower->last_seq >= stream->follower->until;
}

/* Reads until the connection ends. */
static void read_stream(struct stream *stream)
{
    unsigned looks = 0;
    while (!has_seen_enough(stream)) {
        ssize_t got =
            recv(stream->fd, stream->buffer + stream->length, BUFFER_BYTES - stream->length, 0);
        if (got > 0) {
            stream->length += (size_t)got;
            take_blocks(stream);
            looks = 0;
        } else if (got == 0 || ++looks > PATIENCE_LOOKS) {
            break;
        }
    }
    close(stream->fd);
}

static void *follow(void *argument)
{
    struct stream stream = {.follower = argument, .buffer = malloc(BUFFER_BYTES + 1)};
    stream.file = fopen(stream.follower->file_name, "w");
    if (stream.file == NULL || stream.buffer == NULL) {
        err(1, "%s", stream.follower->file_name);
    }
    (void)fprintf(stream.file, "%s\n", stream.follower->path);
    while (!has_seen_enough(&stream)) {
        if (connect_stream(&stream)) {
            read_stream(&stream);
        } else {
            nanosleep(&(struct timespec){.tv_nsec = RETRY_NS}, NULL);
        }
    }
    if (fclose(stream.file) != 0) {
        err(1, "%s", stream.follower->file_name);
    }
    free(stream.buffer);
    return NULL;
}

void follow_begin(struct follower *follower, unsigned number, const char *folder)
{
    if (asprintf(&follower->file_name, "%s/follower-%u", folder, number) < 0) {
        err(1, "memory");
    }
    follower->until = INT64_MAX;
    if (pthread_create(&follower->thread, NULL, follow, follower) != 0) {
        err(1, "a thread");
    }
}

void follow_end(struct follower *follower, uint64_t seq)
{
    follower->until = (int64_t)seq;
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += PATIENCE_LOOKS;
    if (pthread_timedjoin_np(follower->thread, NULL, &deadline) != 0) {
        errx(1, "a follower of %s stands at %" PRIu64 " and does not see event %" PRIu64,
             follower->path, follower->last_seq, seq);
    }
    free(follower->file_name);
}
