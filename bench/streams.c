/* Subscribers of GET /events/stream, and writers whose events they get: how soon the last
 * subscriber has an event after its writer was answered. Prints one line of JSON.
 *
 *   main    connects the subscribers, waits for a line on stdin (so that somebody can look at the
 *           idle server), then reads what they are sent
 *   writers a thread and a connection each; --rate N together, or (0) as fast as they are answered,
 *           and then nobody waits for what is still on its way at the end
 *
 * All subscribers are sent the same bytes: the first one's are parsed, those of the others are
 * counted and thrown away, so that the machine is left to the server. Compressed streams are cut
 * differently: there the parts that all get are looked at, and everybody's order is checked.
 *
 * Options: --port N --token T --subscribers N --coding plain|gzip --writers N --rate N --seconds S
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "parcels.h"

#define EVENTS_MAX      4000000
#define SUBSCRIBERS_MAX 19000
#define WRITERS_MAX     256
#define READ_BYTES      (256 * 1024)
#define POLLED_MAX      256
#define PATIENCE_US     INT64_C(30000000) /* for what is still on its way at the end */

struct subscriber {
    int fd;
    uint64_t bytes; /* of the stream, behind its first block */
    uint32_t has;   /* events */
    struct rest rest;
};

static uint16_t port;
static const char *token;
static unsigned subscriber_count, writer_count;
static uint64_t rate;
static bool compressed;
static int64_t begins_us, ends_us;

static struct subscriber *subscribers;
static uint64_t *end_of;             /* in the stream, by number of the event from 0 on */
static uint32_t *arrivals;           /* at how many subscribers */
static int64_t *last_us;             /* when the last one had it */
static _Atomic int64_t *answered_us; /* when its writer was answered; 0: not yet */
static uint32_t *write_us;
static uint32_t known; /* events that the first subscriber has */
static uint64_t first_seq;
static atomic_uint_fast64_t written;
static atomic_uint running;

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static int connect_to_server(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        err(1, "connect");
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void send_all(int fd, const char *bytes, size_t len)
{
    if (write(fd, bytes, len) != (ssize_t)len) {
        err(1, "write");
    }
}

/* --- writers --- */

static void wait_for_turn(uint64_t number)
{
    int64_t left = begins_us + (int64_t)(number * 1000000 / rate) - now_us();
    if (left > 0) {
        struct timespec pause = {left / 1000000, left % 1000000 * 1000};
        (void)nanosleep(&pause, NULL);
    }
}

static uint64_t post(int fd)
{
    static const char body[] = "{\"title\":\"run the nightly build\",\"createdBy\":\"bench\"}";
    char request[1024], answer[4096];
    size_t got = 0;
    int len = snprintf(request, sizeof request,
                       "POST /board/tasks HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer %s\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       token, sizeof body - 1, body);
    send_all(fd, request, (size_t)len);
    for (;;) {
        ssize_t count = read(fd, answer + got, sizeof answer - 1 - got);
        if (count <= 0) {
            errx(1, "a writer was not answered");
        }
        got += (size_t)count;
        answer[got] = '\0';
        const char *end = strstr(answer, "\r\n\r\n"), *seq = strcasestr(answer, "\r\nevents-seq:");
        const char *length = strcasestr(answer, "\r\ncontent-length:");
        if (end == NULL || length == NULL) {
            continue;
        }
        if (seq == NULL || strncmp(answer, "HTTP/1.1 201", 12) != 0) {
            errx(1, "a writer was answered %.300s", answer);
        }
        size_t whole = (size_t)(end + 4 - answer) + strtoul(length + 17, NULL, 10);
        if (got >= whole) {
            return strtoull(seq + 13, NULL, 10);
        }
    }
}

static void *write_events(void *unused)
{
    static atomic_uint_fast64_t turns;
    int fd = connect_to_server();
    (void)unused;
    for (;;) {
        uint64_t number = atomic_fetch_add(&turns, 1);
        if (rate > 0) {
            wait_for_turn(number);
        }
        int64_t sent = now_us();
        if (sent >= ends_us || number >= EVENTS_MAX - WRITERS_MAX) {
            break;
        }
        uint64_t seq = post(fd);
        int64_t answered = now_us();
        atomic_store(&answered_us[seq - first_seq], answered);
        write_us[atomic_fetch_add(&written, 1)] = (uint32_t)(answered - sent);
    }
    close(fd);
    atomic_fetch_sub(&running, 1);
    return NULL;
}

/* --- subscribers --- */

/* Reads up to the end of the stream's first block; its id is where the stream begins. */
static void read_beginning(int fd)
{
    char head[4096];
    size_t got = 0;
    for (;;) {
        ssize_t count = read(fd, head + got, 1);
        if (count <= 0 || got + 2 == sizeof head) {
            errx(1, "a subscriber was not answered");
        }
        head[++got] = '\0';
        const char *end = memmem(head, got, "\r\n\r\n", 4);
        if (end != NULL && strncmp(head, "HTTP/1.1 200", 12) != 0) {
            errx(1, "a subscriber was answered %.300s", head);
        }
        /* The first block of a compressed stream is there to be read, too, as it is. */
        size_t len = end == NULL ? 0 : got - (size_t)(end - head);
        if (end != NULL && memmem(end, len, "\n\n", 2) != NULL) {
            const char *id = memmem(end, len, "id: ", 4);
            first_seq = id == NULL ? 1 : strtoull(id + 4, NULL, 10) + 1;
            return;
        }
    }
}

static void subscribe(int epoll_fd, struct subscriber *subscriber)
{
    char request[512];
    int len = snprintf(request, sizeof request,
                       "GET /events/stream HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer %s\r\n"
                       "Accept-Encoding: %s\r\n\r\n",
                       token, compressed ? "gzip" : "identity");
    subscriber->fd = connect_to_server();
    send_all(subscriber->fd, request, (size_t)len);
    read_beginning(subscriber->fd);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = subscriber};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, subscriber->fd, &event) != 0) {
        err(1, "epoll_ctl");
    }
}

/* Where the first one's events end: at an empty line. */
static void parse(const char *bytes, size_t len)
{
    static uint64_t at;
    static char before;
    for (size_t i = 0; i < len; i++) {
        at++;
        if (bytes[i] == '\n' && before == '\n') {
            end_of[known++] = at;
        }
        before = bytes[i];
    }
}

static void note_arrival(struct subscriber *subscriber, int64_t at_us)
{
    uint32_t number = subscriber->has++;
    if (++arrivals[number] == subscriber_count) {
        last_us[number] = at_us;
    }
}

static void receive_compressed(struct subscriber *subscriber, char *space, int64_t at_us)
{
    ssize_t got = recv(subscriber->fd, space, READ_BYTES, 0);
    uint64_t first = 0;
    if (got <= 0) {
        errx(1, "a subscriber was cut off");
    }
    unsigned count = parcels_take(&subscriber->rest, space, (size_t)got, &first);
    if (count > 0 && first != first_seq + subscriber->has) {
        errx(1, "event %llu came where %llu was due", (unsigned long long)first,
             (unsigned long long)first_seq + subscriber->has);
    }
    while (count-- > 0) {
        note_arrival(subscriber, at_us);
    }
    known = subscriber->has > known ? subscriber->has : known;
}

static void receive(struct subscriber *subscriber, char *space)
{
    bool first = subscriber == subscribers;
    ssize_t got = recv(subscriber->fd, space, READ_BYTES, first ? 0 : MSG_TRUNC);
    if (got <= 0) {
        errx(1, "a subscriber was cut off");
    }
    if (first) {
        parse(space, (size_t)got);
    }
    subscriber->bytes += (uint64_t)got;
}

static void note_arrivals(struct subscriber *subscriber, int64_t at_us)
{
    while (subscriber->has < known && end_of[subscriber->has] <= subscriber->bytes) {
        note_arrival(subscriber, at_us);
    }
}

static bool all_have_all(void)
{
    uint64_t count = atomic_load(&written);
    return count == known && (count == 0 || arrivals[count - 1] == subscriber_count);
}

static void read_events(int epoll_fd)
{
    static char space[READ_BYTES];
    struct epoll_event polled[POLLED_MAX];
    int64_t gives_up_us = INT64_MAX;
    while (atomic_load(&running) > 0 || !all_have_all()) {
        int count = epoll_wait(epoll_fd, polled, POLLED_MAX, 20);
        int64_t at_us = now_us();
        for (int i = 0; i < count; i++) {
            if (compressed) {
                receive_compressed(polled[i].data.ptr, space, at_us);
            } else {
                receive(polled[i].data.ptr, space);
                note_arrivals(polled[i].data.ptr, at_us);
            }
        }
        if (count <= 0 && !compressed) { /* what came before the first one had it */
            for (unsigned i = 0; i < subscriber_count; i++) {
                note_arrivals(&subscribers[i], at_us);
            }
        }
        if (atomic_load(&running) == 0 && gives_up_us == INT64_MAX) {
            gives_up_us = at_us + PATIENCE_US;
        }
        if (atomic_load(&running) == 0 && rate == 0) {
            return; /* as fast as they could: more than anybody can hand to all */
        }
        if (at_us > gives_up_us) {
            errx(1, "not everybody got everything");
        }
    }
}

/* --- what came of it --- */

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void print_spread(const char *name, uint32_t *samples, size_t count)
{
    qsort(samples, count, sizeof *samples, compare);
    printf(",\"%s_p50_us\":%u,\"%s_p99_us\":%u,\"%s_max_us\":%u", name,
           count == 0 ? 0 : samples[count / 2], name, count == 0 ? 0 : samples[count * 99 / 100],
           name, count == 0 ? 0 : samples[count - 1]);
}

static void report(int64_t took_us)
{
    uint64_t count = atomic_load(&written);
    uint32_t *late = calloc(count + 1, sizeof *late);
    if (late == NULL) {
        err(1, "calloc");
    }
    for (uint64_t i = 0; i < count && subscriber_count > 0 && rate > 0; i++) {
        int64_t us = last_us[i] - answered_us[i];
        late[i] = us < 0 ? 0 : (uint32_t)us;
    }
    printf("{\"subscribers\":%u,\"written\":%llu,\"per_second\":%.1f", subscriber_count,
           (unsigned long long)count, (double)count * 1e6 / (double)took_us);
    print_spread("write", write_us, count);
    print_spread("last", late, count);
    printf("}\n");
    free(late);
}

static void *zeros(size_t count, size_t size)
{
    void *space = calloc(count, size);
    if (space == NULL) {
        err(1, "calloc");
    }
    return space;
}

static void run(int epoll_fd, double seconds)
{
    pthread_t threads[WRITERS_MAX];
    begins_us = now_us();
    ends_us = begins_us + (int64_t)(seconds * 1e6);
    atomic_store(&running, writer_count);
    for (unsigned i = 0; i < writer_count; i++) {
        if (pthread_create(&threads[i], NULL, write_events, NULL) != 0) {
            errx(1, "cannot start a thread");
        }
    }
    if (subscriber_count > 0) {
        /* Other people's machines would read; this one is the server's and the writers'. */
        (void)setpriority(PRIO_PROCESS, 0, 19);
        read_events(epoll_fd);
    }
    for (unsigned i = 0; i < writer_count; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    report(ends_us - begins_us);
}

int main(int argc, char **argv)
{
    double seconds = 5;
    writer_count = 16;
    first_seq = 1;
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *value = argv[i + 1];
        if (strcmp(argv[i], "--port") == 0) {
            port = (uint16_t)strtoul(value, NULL, 10);
        } else if (strcmp(argv[i], "--token") == 0) {
            token = value;
        } else if (strcmp(argv[i], "--subscribers") == 0) {
            subscriber_count = (unsigned)strtoul(value, NULL, 10);
        } else if (strcmp(argv[i], "--coding") == 0) {
            compressed = strcmp(value, "gzip") == 0;
        } else if (strcmp(argv[i], "--writers") == 0) {
            writer_count = (unsigned)strtoul(value, NULL, 10);
        } else if (strcmp(argv[i], "--rate") == 0) {
            rate = strtoull(value, NULL, 10);
        } else if (strcmp(argv[i], "--seconds") == 0) {
            seconds = strtod(value, NULL);
        } else {
            errx(2, "unknown option %s", argv[i]);
        }
    }
    if (token == NULL || subscriber_count > SUBSCRIBERS_MAX || writer_count > WRITERS_MAX) {
        errx(2, "--port and --token are needed, and reasonable numbers");
    }
    struct rlimit files;
    (void)getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    subscribers = zeros(subscriber_count + 1, sizeof *subscribers);
    end_of = zeros(EVENTS_MAX, sizeof *end_of);
    arrivals = zeros(EVENTS_MAX, sizeof *arrivals);
    last_us = zeros(EVENTS_MAX, sizeof *last_us);
    answered_us = zeros(EVENTS_MAX, sizeof *answered_us);
    write_us = zeros(EVENTS_MAX, sizeof *write_us);
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < subscriber_count; i++) {
        subscribe(epoll_fd, &subscribers[i]);
    }
    printf("ready\n");
    (void)fflush(stdout);
    (void)getchar();
    run(epoll_fd, seconds);
    return 0;
}
