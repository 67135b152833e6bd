/* The whole server: its loops, the service and a store in this process, and one connection over
 * loopback for each input, which is what the client says.
 *
 * The first byte is flags: 1: behind it all, a request that ends the connection; 2: the second byte
 * says where the bytes are cut in two. The admin's token is `t`. Each answer must be whole HTTP,
 * and what says that it is JSON must be; a client that has closed its half is hung up on in bounded
 * time; the log has nothing but lines of JSON. Now and then the board is verified, and all is
 * closed and opened anew, in memory and with LMDB in turns. */
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answers.h"
#include "base/buf.h"
#include "base/log.h"
#include "fuzz.h"
#include "http/etag.h"
#include "http/server.h"
#include "http/websocket.h"
#include "strict.h"

#define INPUTS_PER_LIFE   2000
#define INPUTS_PER_VERIFY 250
#define INPUTS_PER_LOG    50
#define QUIET_MS          5    /* without an answer for so long the client closes its half */
#define HANG_MS           8000 /* then the server has so long to hang up */
#define PAUSE_US          INT64_C(10000000)

#define LAST_REQUEST "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

struct world {
    struct tb_board_options board;
    struct tb_store *store;
    struct tb_service *service;
    struct tb_http http;
    struct tb_listen sockets;
    struct tb_server *server;
    struct sockaddr_in address;
    char folder[64]; /* empty: in memory */
    unsigned input_count;
};

static struct world world;
static unsigned life_count;
static int log_fd;

/* What the library keeps for each thread it never frees; see server/main.c. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libh2o-evloop\n";
}

/* --- a clock for the slowing of failed logins: between two inputs there are ten seconds --- */

static atomic_int_fast64_t skipped_us;

static int64_t wall_ms(void *ctx)
{
    (void)ctx;
    return tb_clock_wall_ms(tb_clock_system());
}

static int64_t monotonic_us(void *ctx)
{
    (void)ctx;
    return tb_clock_monotonic_us(tb_clock_system()) + atomic_load(&skipped_us);
}

static const struct tb_clock fast_clock = {wall_ms, monotonic_us, NULL};

/* --- the log --- */

static void check_log(void)
{
    tb_log_flush();
    off_t size = lseek(log_fd, 0, SEEK_END);
    must(size >= 0);
    char *bytes = malloc((size_t)size + 1);
    must(bytes != NULL && pread(log_fd, bytes, (size_t)size, 0) == size);
    struct fuzz_input input = {bytes, (size_t)size};
    struct tb_str line;
    while (fuzz_until(&input, '\n', &line)) {
        must(strict_json_within(line, SIZE_MAX));
    }
    free(bytes);
    must(ftruncate(log_fd, 0) == 0 && lseek(log_fd, 0, SEEK_SET) == 0);
}

/* --- the life of a server --- */

static void random_bytes(void *ctx, void *out, size_t len)
{
    (void)ctx;
    randombytes_buf(out, len);
}

static void open_store(bool on_disk)
{
    char why[256];
    world.folder[0] = '\0';
    if (on_disk) {
        (void)snprintf(world.folder, sizeof(world.folder), "%s/taskboard-fuzz-XXXXXX",
                       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        must(mkdtemp(world.folder) != NULL);
    }
    const struct tb_store_options options = {
        .url = on_disk ? world.folder : "memory:",
        .map_bytes = UINT64_C(1) << 30,
        .readers_max = 8,
        .create = true,
    };
    must(tb_store_open(&options, &world.store, why, sizeof(why)) == TB_OK);
}

static void start_service(void)
{
    char why[256];
    world.board = (struct tb_board_options){.aging_ms = 3600000, .default_max_attempts = 3};
    const struct tb_service_options options = {
        .store = world.store,
        .clock = tb_clock_system(),
        .board = world.board,
        .random = random_bytes,
    };
    must(tb_service_start(&options, &world.service, why, sizeof(why)) == TB_OK);
}

static void start_server(void)
{
    static const char *const hosts[] = {"127.0.0.1"};
    const struct tb_listen_options listen = {.hosts = hosts, .host_count = 1, .threads = 1};
    char why[256];
    socklen_t len = sizeof(world.address);
    must(tb_listen_resolve(&world.sockets, &listen, why, sizeof(why)));
    must(tb_listen_bind(&world.sockets, why, sizeof(why)));
    must(getsockname(world.sockets.fds[0], (struct sockaddr *)&world.address, &len) == 0);
    struct tb_http *http = &world.http;
    tb_auth_init(&http->auth, TB_STR("t"));
    http->service = world.service;
    http->clock = &fast_clock;
    http->site = &tb_site;
    http->body_bytes_max = TB_BODY_BYTES_MAX;
    http->array_body_bytes_max = TB_ARRAY_BODY_BYTES_MAX;
    http->started_us = tb_clock_monotonic_us(http->clock);
    tb_router_init(&http->router, tb_routes, tb_route_count);
    tb_etag_init(http);
    const struct tb_server_options options = {
        .http = http, .store = world.store, .sockets = &world.sockets, .connections_max = 100};
    must(tb_server_start(&options, &world.server, why, sizeof(why)));
}

static void open_world(void)
{
    world = (struct world){.input_count = 0};
    open_store(life_count++ % 2 == 1);
    start_service();
    start_server();
}

static void verify(void)
{
    char why[256] = "";
    struct tb_reader *reader = NULL;
    struct tb_txn *txn = NULL;
    struct tb_arena *arena = tb_arena_new(0);
    must(tb_reader_new(world.store, &reader) == TB_OK);
    must(tb_read_begin(reader, arena, &txn) == TB_OK);
    int64_t now_ms = tb_clock_wall_ms(tb_clock_system());
    int64_t last_ms = tb_txn_head(txn)->last_ms;
    bool holds = tb_board_verify(txn, &world.board, now_ms > last_ms ? now_ms : last_ms, arena, why,
                                 sizeof(why));
    if (!holds) {
        (void)fprintf(stderr, "the board does not verify: %s\n", why);
    }
    must(holds);
    tb_read_end(&txn);
    tb_reader_free(&reader);
    tb_arena_free(arena);
}

static void remove_folder(void)
{
    DIR *dir = opendir(world.folder);
    must(dir != NULL);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    (void)closedir(dir);
    must(rmdir(world.folder) == 0);
}

static void close_world(void)
{
    if (world.server == NULL) {
        return;
    }
    int64_t now_us = tb_clock_monotonic_us(tb_clock_system());
    tb_server_drain(world.server, now_us);
    must(tb_server_join(world.server, now_us + HANG_MS * INT64_C(1000)));
    tb_server_free(&world.server);
    tb_service_stop(&world.service);
    verify();
    tb_store_close(&world.store);
    tb_listen_close(&world.sockets);
    tb_auth_fini(&world.http.auth);
    if (world.folder[0] != '\0') {
        remove_folder();
    }
    check_log();
}

/* OpenSSL's exit handler has to run behind ours, which ends the threads that use it: so it comes
 * first. */
static void load_libraries(void)
{
    char accept[TB_WEBSOCKET_ACCEPT_LEN];
    must(sodium_init() >= 0);
    must(tb_websocket_accept(TB_STR("dGhlIHNhbXBsZSBub25jZQ=="), accept));
}

static void begin(void)
{
    static bool has_begun;
    if (!has_begun) {
        has_begun = true;
        (void)signal(SIGPIPE, SIG_IGN);
        log_fd = memfd_create("log", MFD_CLOEXEC);
        must(log_fd >= 0);
        tb_log_init(log_fd, TB_LOG_DEBUG, TB_LOG_JSON);
        load_libraries();
        open_world();
        (void)atexit(close_world);
    }
    if (world.input_count == INPUTS_PER_LIFE) {
        close_world();
        open_world();
    }
}

/* --- one connection --- */

struct client {
    int fd;
    struct tb_buf said; /* by the server */
    bool reset;
    bool over; /* the server has hung up */
};

/* Waits for so long at most; true when there is something to do. */
static bool wait_for(struct client *client, short events, int timeout_ms, short *ready)
{
    struct pollfd poll_fd = {.fd = client->fd, .events = events};
    int count = -1;
    for (int tries = 0; count < 0 && tries < 3; tries++) { /* the fuzzer's timer interrupts it */
        count = poll(&poll_fd, 1, timeout_ms);
        must(count >= 0 || errno == EINTR);
    }
    *ready = poll_fd.revents;
    return count > 0;
}

static void receive(struct client *client)
{
    enum { AT_ONCE = 64 * 1024 };
    char *to = tb_buf_reserve(&client->said, AT_ONCE);
    ssize_t got = recv(client->fd, to, AT_ONCE, MSG_DONTWAIT);
    if (got > 0) {
        client->said.len += (size_t)got;
    } else if (got == 0) {
        client->over = true;
    } else if (errno != EAGAIN && errno != EINTR) {
        client->over = client->reset = true;
    }
}

/* Sends all of it while it reads the answers. */
static void say(struct client *client, struct tb_str bytes)
{
    while (bytes.len > 0 && !client->over) {
        short ready = 0;
        must(wait_for(client, POLLIN | POLLOUT, HANG_MS, &ready));
        if ((ready & (POLLIN | POLLHUP | POLLERR)) != 0) {
            receive(client);
        }
        if ((ready & POLLOUT) != 0 && !client->over) {
            ssize_t sent = send(client->fd, bytes.ptr, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);
            size_t len = sent > 0 ? (size_t)sent : 0;
            client->over = client->reset = sent < 0 && errno != EAGAIN && errno != EINTR;
            bytes = tb_str_from(bytes.ptr + len, bytes.len - len);
        }
    }
}

static void listen_to_the_end(struct client *client)
{
    short ready = 0;
    while (!client->over && wait_for(client, POLLIN, QUIET_MS, &ready)) {
        receive(client);
    }
    (void)shutdown(client->fd, SHUT_WR);
    while (!client->over) {
        must(wait_for(client, POLLIN, HANG_MS, &ready)); /* else the server hangs */
        receive(client);
    }
}

static bool may_have_head(struct tb_str sent)
{
    return memmem(sent.ptr, sent.len, "HEAD", 4) != NULL;
}

static void run_connection(struct tb_str bytes, bool ends, size_t cut_at)
{
    struct tb_arena *arena = tb_arena_new(0);
    struct client client = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    must(client.fd >= 0);
    tb_buf_init(&client.said, arena, 4096);
    /* One that the fuzzer's timer interrupts goes on by itself. */
    must(connect(client.fd, (const struct sockaddr *)&world.address, sizeof(world.address)) == 0 ||
         errno == EINTR);
    say(&client, tb_str_from(bytes.ptr, cut_at));
    say(&client, tb_str_from(bytes.ptr + cut_at, bytes.len - cut_at));
    if (ends) {
        say(&client, TB_STR(LAST_REQUEST));
    }
    listen_to_the_end(&client);
    (void)close(client.fd);
    const struct answers_expected expected = {may_have_head(bytes), client.reset};
    (void)answers_check(tb_buf_str(&client.said), &expected);
    tb_arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input_of(data, size);
    begin();
    unsigned flags = fuzz_byte(&input);
    size_t cut_at = (flags & 2) != 0 ? input.left * fuzz_byte(&input) / 256 : 0;
    cut_at = cut_at < input.left ? cut_at : input.left;
    run_connection(fuzz_rest(&input), (flags & 1) != 0, cut_at);
    atomic_fetch_add(&skipped_us, PAUSE_US);
    world.input_count++;
    if (world.input_count % INPUTS_PER_LOG == 0) {
        check_log();
    }
    if (world.input_count % INPUTS_PER_VERIFY == 0) {
        verify();
    }
    return 0;
}
