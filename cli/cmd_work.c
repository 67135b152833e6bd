/* work: any command becomes a worker. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "work.h"

#define LEASE_MIN    10
#define LEASE_MAX    86400
#define WAIT_MAX     60
#define DAY_SECONDS  86400
#define YEAR_SECONDS 31536000
#define EVENTS_MAX   64
#define SLEEP_MS_MAX 1000
#define STOP_SECONDS 10 /* what the second signal gives the board to take tasks back */

#define AT(member) offsetof(struct work_values, member)

static const struct cli_option work_options[] = {
    {"tag", "TAG", CLI_TEXTS, AT(tags), 0, 0, "tasks that have it; may be given more than once"},
    {"any-tag", "TAG", CLI_TEXTS, AT(any_tags), 0, 0,
     "tasks that have one of those; may be given more than once"},
    {"concurrency", "NUMBER", CLI_NUMBER, AT(concurrency), 1, WORK_CONCURRENCY_MAX,
     "so many tasks at a time [1]"},
    {"lease", "SECONDS", CLI_SECONDS, AT(lease_seconds), LEASE_MIN, LEASE_MAX,
     "how long a task is ours without a heartbeat [60]"},
    {"wait", "SECONDS", CLI_SECONDS, AT(wait_seconds), 0, WAIT_MAX,
     "how long a claim waits at the board [30]"},
    {"timeout", "SECONDS", CLI_SECONDS, AT(task_timeout_seconds), 1, YEAR_SECONDS,
     "how long a task may take [for ever]"},
    {"grace", "SECONDS", CLI_SECONDS, AT(grace_seconds), 0, DAY_SECONDS,
     "between SIGTERM and SIGKILL [10]"},
    {"delay", "SECONDS", CLI_SECONDS, AT(delay_seconds), 0, YEAR_SECONDS,
     "after exit code 75, not again before that [60]"},
    {"once", NULL, CLI_SWITCH, AT(once), 0, 0, "at most one task; end when none is ready"},
    {"until-empty", NULL, CLI_SWITCH, AT(until_empty), 0, 0,
     "end when none is ready and none runs here"},
    {"max-tasks", "NUMBER", CLI_NUMBER, AT(max_tasks), 1, INT64_MAX, "end after so many"},
    {"vm", "ID", CLI_TEXT, AT(vm), 0, 0, "register that VM, keep it alive, and claim with it"},
    {"vm-address", "ADDRESS", CLI_TEXT, AT(vm_address), 0, 0, "of that VM [the host's name]"},
};
static const struct work_values work_initial = {
    .concurrency = 1,
    .lease_seconds = 60,
    .wait_seconds = 30,
    .grace_seconds = 10,
    .delay_seconds = 60,
};
#undef AT

void work_say(const struct work *work, const char *format, ...)
{
    if (work->cli->settings.quiet) {
        return;
    }
    va_list args;
    (void)fputs("taskboard: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
}

/* --- descriptors --- */

void work_watch_open(struct work *work, struct work_watch *watch, int fd,
                     void (*on_ready)(void *ctx), void *ctx)
{
    *watch = (struct work_watch){.fd = fd, .on_ready = on_ready, .ctx = ctx};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};
    if (epoll_ctl(work->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        abort(); /* a descriptor that was just opened */
    }
}

/* A child that has the same pipe open does not keep it in the epoll: it has other ends. */
void work_watch_close(struct work_watch *watch)
{
    if (watch->fd >= 0) {
        (void)close(watch->fd);
        watch->fd = -1;
    }
}

static void look(struct work *work)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(work->epoll_fd, events, EVENTS_MAX, 0);
    for (int i = 0; i < count; i++) {
        struct work_watch *watch = events[i].data.ptr;
        if (watch->fd >= 0) { /* else one before it has closed it */
            watch->on_ready(watch->ctx);
        }
    }
}

/* --- signals --- */

void work_drain(struct work *work)
{
    work->mode = work->mode == WORK_CLAIMS ? WORK_DRAINS : work->mode;
}

static void on_signal(void *ctx)
{
    struct work *work = ctx;
    struct signalfd_siginfo info;
    if (read(work->signals.fd, &info, sizeof(info)) != (ssize_t)sizeof(info)) {
        return;
    }
    if (!work->told_to_end) {
        work->told_to_end = true;
        work_say(work, work->running > 0 ? "no more claims; a second signal gives back what runs"
                                         : "no more claims");
        work_drain(work);
        return;
    }
    if (work->mode != WORK_STOPS) {
        work->mode = WORK_STOPS;
        work->stop_over_ms = cli_now_ms() + (work->values->grace_seconds + STOP_SECONDS) * 1000;
    }
    for (int64_t i = 0; i < work->values->concurrency; i++) {
        if (work->jobs[i].phase != WORK_FREE) {
            work->result = CLI_CUT_SHORT;
            work_job_stop(&work->jobs[i], WORK_STOPPED);
        }
    }
}

static bool catch_signals(struct work *work)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
        return false;
    }
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        return false;
    }
    work_watch_open(work, &work->signals, fd, on_signal, work);
    return true;
}

/* --- the loop --- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a == 0 || (b > 0 && b < a) ? b : a;
}

static int sleep_ms(const struct work *work, int64_t now_ms)
{
    int64_t next = now_ms + SLEEP_MS_MAX;
    next = earlier(next, work_calls_next_ms(&work->calls));
    next = earlier(next, work_claim_next_ms(work));
    for (int64_t i = 0; i < work->values->concurrency; i++) {
        next = earlier(next, work_job_next_ms(&work->jobs[i]));
    }
    return next <= now_ms ? 0 : (int)(next - now_ms);
}

static bool is_over(const struct work *work, int64_t now_ms)
{
    bool idle = work->running == 0 && !work->claim->active;
    return (work->mode != WORK_CLAIMS && idle) ||
           (work->mode == WORK_STOPS && now_ms >= work->stop_over_ms);
}

static void step(struct work *work)
{
    int64_t now_ms = cli_now_ms();
    work_vm_step(work, now_ms);
    work_claim_step(work, now_ms);
    for (int64_t i = 0; i < work->values->concurrency; i++) {
        work_job_step(&work->jobs[i], now_ms);
    }
    work_calls_step(&work->calls, now_ms);
}

static void run_loop(struct work *work)
{
    while (!is_over(work, cli_now_ms())) {
        step(work);
        if (is_over(work, cli_now_ms())) {
            return;
        }
        struct curl_waitfd ours = {.fd = work->epoll_fd, .events = CURL_WAIT_POLLIN};
        (void)curl_multi_poll(work->calls.multi, &ours, 1, sleep_ms(work, cli_now_ms()), NULL);
        look(work);
    }
}

/* --- beginning and end --- */

/* A command that is not there would fail every task of the board. */
static bool can_run(struct tb_arena *arena, const char *command)
{
    const char *path = getenv("PATH");
    struct stat info;
    if (strchr(command, '/') != NULL || path == NULL) {
        return stat(command, &info) == 0 && S_ISREG(info.st_mode) && access(command, X_OK) == 0;
    }
    while (*path != '\0') {
        size_t len = strcspn(path, ":");
        const char *file = tb_arena_printf(arena, "%.*s/%s", (int)len, path, command).ptr;
        if (stat(file, &info) == 0 && S_ISREG(info.st_mode) && access(file, X_OK) == 0) {
            return true;
        }
        path += path[len] == ':' ? len + 1 : len;
    }
    return false;
}

static void open_jobs(struct work *work)
{
    size_t count = (size_t)work->values->concurrency;
    work->jobs = tb_arena_zalloc(work->cli->arena, count * sizeof(*work->jobs));
    for (size_t i = 0; i < count; i++) {
        struct work_job *job = &work->jobs[i];
        job->work = work;
        job->child.fd = job->out.fd = job->err.fd = job->control.fd = -1;
    }
}

static void close_jobs(struct work *work)
{
    for (int64_t i = 0; i < work->values->concurrency; i++) {
        if (work->jobs[i].phase != WORK_FREE) {
            cli_complain("task %s is left to its lease", work->jobs[i].id);
            work_job_free(&work->jobs[i]);
        }
    }
}

/* --once tells how its task ended; any other worker has done its part when the board has heard of
 * all of them. */
static enum cli_exit ending(const struct work *work)
{
    if (work->result != CLI_OK || !work->values->once || work->completed > 0) {
        return work->result;
    }
    if (work->lost > 0) {
        return CLI_CLAIM_LOST;
    }
    return work->started > 0 ? CLI_REFUSED : CLI_NOTHING;
}

static enum cli_exit work_board(struct cli *cli, const void *given)
{
    struct work_values values = *(const struct work_values *)given;
    if (cli->rest[0] == NULL) {
        return cli_usage("it is: taskboard work [OPTION]... -- COMMAND [WORD]...");
    }
    if (!can_run(cli->arena, cli->rest[0])) {
        return cli_usage("there is no command %s that could be run", cli->rest[0]);
    }
    if (values.once) {
        values.max_tasks = 1;
    }
    struct work work = {.cli = cli, .values = &values, .command = cli->rest};
    work.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (work.epoll_fd < 0 || !catch_signals(&work) || !work_warden_start(&work)) {
        return cli_usage("cannot begin: %s", strerror(errno));
    }
    work_calls_init(&work.calls, &cli->settings);
    work.claim = work_call_new(&work.calls, work_on_claimed, &work);
    work.vm_call = work_call_new(&work.calls, work_on_vm, &work);
    open_jobs(&work);
    run_loop(&work);
    close_jobs(&work);
    work_warden_end(&work);
    work_call_free(work.claim);
    work_call_free(work.vm_call);
    work_calls_fini(&work.calls);
    work_watch_close(&work.signals);
    (void)close(work.epoll_fd);
    return ending(&work);
}

const struct cli_command cli_work = {
    .name = "work",
    .synopsis = "-- COMMAND [WORD]...",
    .help = "claim tasks and run a command for each",
    .options = work_options,
    .option_count = sizeof(work_options) / sizeof(work_options[0]),
    .values_size = sizeof(struct work_values),
    .initial = &work_initial,
    .takes_rest = true,
    .run = work_board,
};
