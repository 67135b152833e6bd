/* taskboardd: reads the settings, puts the layers together, serves until it is told to stop. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "archive.h"
#include "check.h"
#include "config/settings.h"
#include "confine.h"
#include "http/etag.h"
#include "http/notify.h"
#include "http/server.h"
#include "http/site.h"
#include "http/tls.h"
#include "http/token.h"
#include "import.h"
#include "restore.h"

#define LARGE_BLOCK_BYTES (2 * 1024 * 1024)
#define IDLE_BYTES_MAX    (32 * 1024 * 1024)
#define EXIT_CANNOT_START 1
#define EXIT_FAULTY       1
#define EXIT_USAGE        2

#define WHY_BYTES     512
#define LOG_FLUSH_MS  100
#define SPARE_FILES   64 /* descriptors that are no connections */
#define SPARE_READERS 8
#define SECOND_US     INT64_C(1000000)
#define CUT_OFF_US    (3 * SECOND_US / 10) /* what cutting off the last requests may take */

/* Everything that is open, in the order in which it was opened. */
struct program {
    struct tb_arena *arena;
    struct tb_settings settings;
    sigset_t signals;
    struct tb_listen sockets;
    struct tb_tls *tls;    /* NULL: none */
    struct tb_token token; /* until it is taken over; empty: not read yet */
    struct tb_store *store;
    struct tb_service *service;
    struct tb_http http;
    struct tb_server *server;
    char why[WHY_BYTES];
};

/* What h2o keeps for each thread, and for each of its queues, it never frees. The leak sanitizer
 * asks for these by name. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libh2o-evloop\n";
}

const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}

static const char *get_env(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

static void random_bytes(void *ctx, void *out, size_t len)
{
    (void)ctx;
    randombytes_buf(out, len);
}

static unsigned core_count(void)
{
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof(cores), &cores) != 0) {
        return 1;
    }
    int count = CPU_COUNT(&cores);
    return count < 1 ? 1 : (unsigned)count;
}

/* All threads inherit this: signals come only to who waits for them. */
static void block_signals(struct program *program)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(&program->signals);
    (void)sigaddset(&program->signals, SIGTERM);
    (void)sigaddset(&program->signals, SIGINT);
    (void)sigaddset(&program->signals, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &program->signals, NULL);
}

/* As many file descriptors as connections are allowed, or fewer connections. */
static unsigned connections_max(const struct program *program)
{
    struct rlimit limit;
    unsigned wanted = (unsigned)program->settings.connections_max;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return wanted;
    }
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= (rlim_t)wanted + SPARE_FILES) {
        return wanted;
    }
    unsigned allowed = limit.rlim_cur <= SPARE_FILES ? 1 : (unsigned)limit.rlim_cur - SPARE_FILES;
    tb_log(TB_LOG_WARN, "fewer connections than set: the limit of open files is low",
           TB_LOG_NUM("openFiles", (int64_t)limit.rlim_cur), TB_LOG_NUM("connections", allowed));
    return allowed;
}

static bool read_certificate(struct program *program)
{
    const struct tb_settings *settings = &program->settings;
    struct tb_tls_files files = {settings->tls_cert, settings->tls_key};
    if ((files.cert == NULL) != (files.key == NULL)) {
        (void)snprintf(program->why, WHY_BYTES,
                       "--tls-cert and --tls-key belong together: %s is missing",
                       files.cert == NULL ? "--tls-cert" : "--tls-key");
        return false;
    }
    return files.cert == NULL || tb_tls_new(&files, &program->tls, program->why, WHY_BYTES);
}

static bool read_proxies(struct program *program)
{
    const struct tb_settings_list *list = &program->settings.trusted_proxies;
    for (size_t i = 0; i < list->count; i++) {
        if (!tb_proxies_add(&program->http.proxies, list->items[i])) {
            (void)snprintf(program->why, WHY_BYTES,
                           "--trusted-proxy must be an address or a network such as 10.0.0.0/8 "
                           "or fd00::/8, not \"%.128s\"",
                           list->items[i]);
            return false;
        }
    }
    return true;
}

/* What can be judged without opening the store. */
static bool check(struct program *program)
{
    const struct tb_settings *settings = &program->settings;
    if (settings->help || settings->version) {
        return true;
    }
    struct tb_listen_options options = {
        .hosts = settings->hosts.items,
        .host_count = settings->hosts.count,
        .port = (uint16_t)settings->port,
        .threads = settings->threads == 0 ? core_count() : (unsigned)settings->threads,
    };
    if (!tb_listen_resolve(&program->sockets, &options, program->why, WHY_BYTES)) {
        return false;
    }
    if (settings->no_auth && !settings->no_auth_anywhere &&
        !tb_listen_is_loopback(&program->sockets)) {
        (void)snprintf(program->why, WHY_BYTES,
                       "--no-auth would open the board to the network: listen on loopback "
                       "addresses only (--host 127.0.0.1), or give --no-auth-anywhere too");
        return false;
    }
    return read_proxies(program) && read_certificate(program);
}

static bool bind_sockets(struct program *program)
{
    return tb_listen_bind(&program->sockets, program->why, WHY_BYTES);
}

static bool open_store(struct program *program)
{
    const struct tb_settings *settings = &program->settings;
    struct tb_store_options options = {
        .url = settings->data,
        .map_bytes = (uint64_t)settings->map_bytes,
        .readers_max = program->sockets.threads + SPARE_READERS,
        .create = true,
    };
    if (strncmp(program->settings.data, "memory:", strlen("memory:")) == 0) {
        (void)snprintf(program->why, WHY_BYTES, "data: memory: keeps nothing; it is for tests");
        return false;
    }
    return tb_store_open(&options, &program->store, program->why, WHY_BYTES) == TB_OK;
}

static struct tb_board_options board_options(const struct tb_settings *settings)
{
    return (struct tb_board_options){
        .aging_ms = settings->aging_seconds * 1000,
        .default_max_attempts = (uint32_t)settings->default_max_attempts,
        .retain_events = (uint64_t)settings->retain_events,
        .retain_ms = settings->retain_days * 86400000,
        .retain_done = (uint64_t)settings->retain_done,
        .retain_done_ms = settings->retain_done_days * 86400000,
        .archive = settings->archive != NULL ? tb_archive_append : NULL,
        .archive_ctx = (void *)(uintptr_t)settings->archive,
    };
}

static bool start_service(struct program *program)
{
    struct tb_service_options options = {
        .store = program->store,
        .clock = tb_clock_system(),
        .board = board_options(&program->settings),
        .random = random_bytes,
    };
    return tb_service_start(&options, &program->service, program->why, WHY_BYTES) == TB_OK;
}

/* The folder of the store. */
static const char *data_dir(const char *url)
{
    static const char scheme[] = "lmdb:";
    bool named = strncmp(url, scheme, strlen(scheme)) == 0;
    return named ? url + strlen(scheme) : url;
}

/* So that the digests of credentials can be compared. */
static bool tie_auth_to_store(struct program *program, struct tb_str token)
{
    struct tb_reader *reader = NULL;
    struct tb_txn *txn = NULL;
    enum tb_err err = tb_reader_new(program->store, &reader);
    err = err != TB_OK ? err : tb_read_begin(reader, program->arena, &txn);
    if (err == TB_OK) {
        tb_auth_use_store(&program->http.auth, token, tb_txn_head(txn)->claim_key);
        tb_read_end(&txn);
    } else {
        (void)snprintf(program->why, WHY_BYTES, "cannot read the store: %s", tb_err_text(err));
    }
    tb_reader_free(&reader);
    return err == TB_OK;
}

static bool is_token_given(const struct program *program)
{
    return getenv("VERS_AUTH_TOKEN") != NULL || getenv("TASKBOARD_TOKEN") != NULL ||
           program->settings.token_file != NULL;
}

/* What was set at the start can be read in /proc, and stands in a core dump. */
static void wipe_variable(const char *name)
{
    char *value = getenv(name);
    if (value != NULL) {
        sodium_memzero(value, strlen(value));
    }
}

static bool obtain_token(struct program *program)
{
    struct tb_token_options options = {
        .vers_auth_token = getenv("VERS_AUTH_TOKEN"),
        .taskboard_token = getenv("TASKBOARD_TOKEN"),
        .file = program->settings.token_file,
        .data_dir = data_dir(program->settings.data),
    };
    bool ok = tb_token_obtain(&options, &program->token, program->why, WHY_BYTES);
    wipe_variable("VERS_AUTH_TOKEN");
    wipe_variable("TASKBOARD_TOKEN");
    return ok;
}

/* One that is given may be for the superuser's eyes only; one that is made belongs to who serves. */
static bool obtain_given_token(struct program *program)
{
    return program->settings.no_auth || !is_token_given(program) || obtain_token(program);
}

static bool become_user(struct program *program)
{
    const struct tb_settings *settings = &program->settings;
    return settings->user == NULL ||
           tb_become_user(settings->user, data_dir(settings->data), program->why, WHY_BYTES);
}

/* What cannot be had is done without: systemd and containers have walls of their own. */
static bool confine(struct program *program)
{
    const struct tb_settings *settings = &program->settings;
    const char *const folders[TB_CONFINE_FOLDERS_MAX] = {data_dir(settings->data),
                                                         settings->archive};
    const char *reason = "--no-sandbox";
    if (settings->no_sandbox || !tb_confine(folders, &reason)) {
        tb_log(TB_LOG_INFO, "not confined: it may write wherever its user may",
               TB_LOG_C("because", reason));
    }
    return true;
}

static bool set_up_auth(struct program *program)
{
    if (program->settings.no_auth) {
        tb_auth_init(&program->http.auth, TB_STR_NONE);
        tb_log(TB_LOG_WARN, "NO AUTHENTICATION: whoever can reach this server may do everything",
               TB_LOG_C("because", "--no-auth"));
        return tie_auth_to_store(program, TB_STR_NONE);
    }
    struct tb_token *token = &program->token;
    if (token->len == 0 && !obtain_token(program)) {
        return false;
    }
    tb_auth_init(&program->http.auth, tb_str_from(token->bytes, token->len));
    bool tied = tie_auth_to_store(program, tb_str_from(token->bytes, token->len));
    tb_token_wipe(token);
    if (!tied) {
        return false;
    }
    if (token->path[0] != '\0') {
        tb_log(TB_LOG_INFO,
               token->made ? "made an admin token" : "the admin token is kept in a file",
               TB_LOG_C("file", token->path));
    }
    return true;
}

static bool start_server(struct program *program)
{
    const struct tb_settings *settings = &program->settings;
    struct tb_http *http = &program->http;
    size_t most = (size_t)settings->body_bytes_max;
    if (!set_up_auth(program)) {
        return false;
    }
    http->service = program->service;
    http->store = program->store;
    http->clock = tb_clock_system();
    http->tls = program->tls;
    http->site = &tb_site;
    http->array_body_bytes_max = most;
    http->body_bytes_max = most < TB_BODY_BYTES_MAX ? most : TB_BODY_BYTES_MAX;
    http->origin.checks = settings->no_auth;
    http->origin.checks_host = tb_listen_is_loopback(&program->sockets);
    tb_origin_set_public_url(&http->origin, settings->public_url);
    http->started_us = tb_clock_monotonic_us(http->clock);
    tb_router_init(&http->router, tb_routes, tb_route_count);
    tb_etag_init(http);
    struct tb_server_options options = {
        .http = http,
        .store = program->store,
        .sockets = &program->sockets,
        .connections_max = connections_max(program),
        .connections_per_address = (unsigned)settings->connections_per_address,
    };
    return tb_server_start(&options, &program->server, program->why, WHY_BYTES);
}

/* Nothing is lost without it, but else nobody hears of it before the first task should go. */
static void look_for_archive(const char *folder)
{
    if (folder != NULL && access(folder, W_OK | X_OK) != 0) {
        tb_log(TB_LOG_WARN, "the archive cannot be written to: make that folder, then restart",
               TB_LOG_C("folder", folder), TB_LOG_C("because", strerror(errno)));
    }
}

static void announce(const struct program *program)
{
    look_for_archive(program->settings.archive);
    tb_log(TB_LOG_INFO, "taskboardd " TB_VERSION, TB_LOG_C("data", program->settings.data),
           TB_LOG_NUM("threads", program->sockets.threads));
    for (size_t i = 0; i < program->sockets.address_count; i++) {
        char message[96];
        (void)snprintf(message, sizeof(message), "listening on %s",
                       program->sockets.addresses[i].name);
        tb_log_record(TB_LOG_INFO, message, NULL, 0);
    }
    if (program->tls != NULL) {
        tb_tls_tell(program->tls, tb_clock_wall_ms(tb_clock_system()));
    }
    tb_log_flush();
    tb_notify("READY=1");
}

/* The next signal, waiting until `by_us` (monotonic; 0: for ever); 0 when that has passed. Writes
 * the log meanwhile. */
static int next_signal(const struct program *program, int64_t by_us)
{
    const struct timespec pause = {.tv_nsec = LOG_FLUSH_MS * 1000000L};
    do {
        int number = sigtimedwait(&program->signals, NULL, &pause);
        tb_log_flush();
        if (number > 0) {
            return number;
        }
    } while (by_us == 0 || tb_clock_monotonic_us(tb_clock_system()) < by_us);
    return 0;
}

static bool has_terminal(void)
{
    int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0) {
        (void)close(fd);
    }
    return fd >= 0;
}

/* What SIGHUP asks of a service. */
static void reload(struct program *program)
{
    if (program->tls == NULL) {
        tb_log_record(TB_LOG_INFO, "nothing to read anew: there is no TLS certificate", NULL, 0);
    } else if (tb_tls_reload(program->tls, program->why, WHY_BYTES)) {
        tb_tls_tell(program->tls, tb_clock_wall_ms(tb_clock_system()));
    } else {
        tb_log(TB_LOG_ERROR, "the TLS certificate stays as it was", TB_LOG_C("why", program->why));
    }
    tb_log_flush();
}

/* The signal that ends the program. SIGHUP says that its terminal is gone, where it has one. */
static int wait_for_the_end(struct program *program)
{
    bool hangs = program->tls == NULL && has_terminal();
    for (;;) {
        int number = next_signal(program, 0);
        if (number != SIGHUP || hangs) {
            return number;
        }
        reload(program);
    }
}

/* Waits for the loops in small steps, so that a second signal still ends the program at once. */
static bool drain(struct program *program)
{
    int64_t now_us = tb_clock_monotonic_us(tb_clock_system());
    int64_t limit_us = program->settings.drain_seconds * SECOND_US;
    /* Cut off what still runs a little earlier, so that all ends in time. */
    int64_t early_us = limit_us / 10 < CUT_OFF_US ? CUT_OFF_US : limit_us / 10;
    tb_server_drain(program->server, limit_us < early_us ? now_us : now_us + limit_us - early_us);
    const struct timespec no_time = {.tv_nsec = 0};
    int64_t wait_us = limit_us < CUT_OFF_US ? CUT_OFF_US : limit_us;
    for (int64_t by_us = now_us + wait_us; now_us < by_us;) {
        int number = sigtimedwait(&program->signals, NULL, &no_time);
        if (number > 0 && number != SIGHUP) {
            tb_log(TB_LOG_WARN, "stopped at once by a second signal", TB_LOG_NUM("signal", number));
            tb_log_flush();
            _exit(128 + number);
        }
        now_us = tb_clock_monotonic_us(tb_clock_system());
        if (tb_server_join(program->server, now_us + SECOND_US / 50)) {
            return true;
        }
    }
    return false;
}

/* Closes what was opened, in reverse. */
static void close_all(struct program *program)
{
    tb_server_free(&program->server);
    if (program->service != NULL) {
        tb_service_stop(&program->service);
    }
    tb_store_close(&program->store);
    tb_listen_close(&program->sockets);
    tb_tls_free(&program->tls);
    tb_auth_fini(&program->http.auth);
    tb_log_flush();
    tb_arena_free(program->arena);
}

static bool start(struct program *program)
{
    return bind_sockets(program) && obtain_given_token(program) && become_user(program) &&
           open_store(program) && confine(program) && start_service(program) &&
           start_server(program);
}

static int serve(struct program *program)
{
    if (!start(program)) {
        tb_log_flush();
        (void)fprintf(stderr, "taskboardd: %s\n", program->why);
        /* Not close_all: a loop may have started. Nothing is lost that was promised. */
        return EXIT_CANNOT_START;
    }
    announce(program);
    int number = wait_for_the_end(program);
    tb_log(TB_LOG_INFO, "stopping", TB_LOG_NUM("signal", number));
    tb_notify("STOPPING=1");
    if (!drain(program)) {
        tb_log(TB_LOG_WARN, "stopped before all requests had finished",
               TB_LOG_NUM("drainSeconds", program->settings.drain_seconds));
        tb_log_flush();
        _exit(EXIT_SUCCESS);
    }
    tb_log_record(TB_LOG_INFO, "stopped", NULL, 0);
    close_all(program);
    return EXIT_SUCCESS;
}

/* The settings are good; the store, if there is one, is looked at. */
static int check_store(struct program *program)
{
    const struct tb_settings *settings = &program->settings;
    struct tb_check_options options = {
        .url = settings->data,
        .folder = data_dir(settings->data),
        .map_bytes = (uint64_t)settings->map_bytes,
        .board = board_options(settings),
    };
    switch (tb_check_store(&options, program->why, WHY_BYTES)) {
    case TB_CHECK_NOTHING:
        (void)puts("the settings are good");
        return EXIT_SUCCESS;
    case TB_CHECK_SOUND:
        return EXIT_SUCCESS;
    case TB_CHECK_FAULTY:
        return EXIT_FAULTY;
    default:
        (void)fprintf(stderr, "taskboardd: %s\n", program->why);
        return EXIT_CANNOT_START;
    }
}

static int restore(struct program *program)
{
    const struct tb_settings *settings = &program->settings;
    struct tb_restore_options options = {
        .file = settings->restore,
        .url = settings->data,
        .map_bytes = (uint64_t)settings->map_bytes,
        .board = board_options(settings),
    };
    if (!tb_restore_backup(&options, program->why, WHY_BYTES)) {
        (void)fprintf(stderr, "taskboardd: %s\n", program->why);
        return EXIT_CANNOT_START;
    }
    (void)printf("restored %s into %s\n", options.file, data_dir(options.url));
    return EXIT_SUCCESS;
}

static int import(struct program *program)
{
    const struct tb_settings *settings = &program->settings;
    struct tb_import_options options = {
        .file = settings->import,
        .format = settings->format,
        .url = settings->data,
        .map_bytes = (uint64_t)settings->map_bytes,
        .board = board_options(settings),
    };
    if (!tb_import_file(&options, program->why, WHY_BYTES)) {
        (void)fprintf(stderr, "taskboardd: %s\n", program->why);
        return EXIT_CANNOT_START;
    }
    return EXIT_SUCCESS;
}

static bool is_serving(const struct tb_settings *settings)
{
    return !settings->help && !settings->version && !settings->check && settings->restore == NULL &&
           settings->import == NULL;
}

/* What is asked for besides serving. */
static int answer(struct program *program)
{
    const struct tb_settings *settings = &program->settings;
    if (settings->help) {
        struct tb_str help = tb_settings_help(program->arena);
        (void)fwrite(help.ptr, 1, help.len, stdout);
        return EXIT_SUCCESS;
    }
    if (settings->version) {
        (void)puts("taskboardd " TB_VERSION);
        return EXIT_SUCCESS;
    }
    if (!become_user(program)) {
        (void)fprintf(stderr, "taskboardd: %s\n", program->why);
        return EXIT_CANNOT_START;
    }
    return settings->check             ? check_store(program)
           : settings->restore != NULL ? restore(program)
                                       : import(program);
}

int main(int argc, char **argv)
{
    static struct program program;
    program.arena = tb_arena_new(0);
    if (!tb_settings_load(&program.settings, program.arena, argc, argv, get_env, NULL,
                          program.why) ||
        !check(&program)) {
        (void)fprintf(stderr, "taskboardd: %s\n", program.why);
        return EXIT_USAGE;
    }
    if (sodium_init() < 0) {
        (void)fputs("taskboardd: cannot get random numbers from the system\n", stderr);
        return EXIT_CANNOT_START;
    }
    if (!is_serving(&program.settings)) {
        return answer(&program);
    }
    /* Large answers come and go: their memory is given back, not kept for the next one. What
     * batches use again and again is kept. */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, IDLE_BYTES_MAX);
    tb_log_init(STDERR_FILENO, program.settings.log_level, program.settings.log_format);
    block_signals(&program);
    return serve(&program);
}
