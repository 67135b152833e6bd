/* The command of a task: started in a process group of its own, watched, killed.
 *
 *   0  the task's JSON, without the claim's token (an unnamed file)
 *   1  a pipe: the result              2  a pipe: shown, its end kept for the error
 *   3  a pipe: lines for the worker    4  the claim's token (an unnamed file)
 *
 * A token in the environment would be seen by `ps e`; descriptor 4 is seen by nobody else. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

#define CHILD_FDS         5
#define FREE_FD_MIN       16
#define OUTPUT_BYTES_MAX  (256 * 1024)
#define PIECE_BYTES       65536
#define PIECES_MAX        64 /* at a time: a child that never stops writing must not starve others */
#define PAYLOAD_BYTES_MAX (32 * 1024)
#define NOT_STARTED       127

/* --- its surroundings --- */

struct environment {
    struct tb_arena *arena;
    char **items;
    size_t count;
    size_t cap;
};

static void add_variable(struct environment *environment, const char *name, const char *value)
{
    if (value != NULL && environment->count < environment->cap) {
        size_t size = strlen(name) + strlen(value) + 2;
        char *item = tb_arena_alloc(environment->arena, size);
        (void)snprintf(item, size, "%s=%s", name, value);
        environment->items[environment->count++] = item;
    }
}

static void add_number(struct environment *environment, const char *name, int64_t number)
{
    add_variable(environment, name, tb_arena_printf(environment->arena, "%" PRId64, number).ptr);
}

static void add_json(struct environment *environment, const char *name, struct tb_str json)
{
    if (json.ptr != NULL && json.len <= PAYLOAD_BYTES_MAX) {
        add_variable(environment, name,
                     tb_arena_printf(environment->arena, "%.*s", (int)json.len, json.ptr).ptr);
    }
}

static bool is_ours(const char *variable)
{
    return strncmp(variable, "TASK_", 5) == 0 || strncmp(variable, "TASKBOARD_URL=", 14) == 0 ||
           strncmp(variable, "TASKBOARD_AGENT=", 16) == 0;
}

static char **environment_of(struct work_job *job)
{
    const size_t ours_max = 16;
    const struct cli_settings *settings = &job->work->cli->settings;
    const struct tb_json *claim = cli_object(job->task, "claim");
    struct environment environment = {.arena = job->arena};
    size_t count = 0;
    while (environ[count] != NULL) {
        count++;
    }
    environment.cap = count + ours_max;
    environment.items = tb_arena_zalloc(job->arena, (environment.cap + 1) * sizeof(char *));
    for (size_t i = 0; i < count; i++) {
        if (!is_ours(environ[i])) {
            environment.items[environment.count++] = environ[i];
        }
    }
    add_variable(&environment, "TASKBOARD_URL", settings->url);
    add_variable(&environment, "TASKBOARD_AGENT", settings->agent);
    add_variable(&environment, "TASK_ID", job->id);
    add_variable(&environment, "TASK_TITLE", job->title);
    add_variable(&environment, "TASK_CREATED_BY", cli_text(job->arena, job->task, "createdBy"));
    add_json(&environment, "TASK_TAGS", cli_raw(job->task, "tags"));
    add_json(&environment, "TASK_PAYLOAD", cli_raw(job->task, "payload"));
    add_number(&environment, "TASK_PRIORITY", cli_number(job->task, "priority", 0));
    add_number(&environment, "TASK_ATTEMPT", claim == NULL ? 0 : cli_number(claim, "attempt", 0));
    add_number(&environment, "TASK_GENERATION",
               claim == NULL ? 0 : cli_number(claim, "generation", 0));
    add_variable(&environment, "TASK_CONTROL_FD", "3");
    add_variable(&environment, "TASK_CLAIM_FILE", "/dev/fd/4");
    return environment.items;
}

/* An unnamed file that holds these bytes, at its beginning; -1: errno says why not. */
static int file_of(const char *name, struct tb_str bytes)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    while (fd >= 0 && bytes.len > 0) {
        ssize_t put = write(fd, bytes.ptr, bytes.len);
        if (put <= 0) {
            (void)close(fd);
            return -1;
        }
        bytes = tb_str_from(bytes.ptr + put, bytes.len - (size_t)put);
    }
    if (fd >= 0) {
        (void)lseek(fd, 0, SEEK_SET);
    }
    return fd;
}

/* --- starting --- */

/* In the child: only calls that are safe after fork. */
static _Noreturn void become(const int fds[CHILD_FDS], const struct work *work, char **environment,
                             pid_t parent)
{
    char *const *command = work->command;
    int high[CHILD_FDS];
    sigset_t none;
    (void)setpgid(0, 0);
    /* A worker that dies must not leave a command behind that goes on with a task of others. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(NOT_STARTED);
    }
    work_warden_tell(work, getpid());
    for (int i = 0; i < CHILD_FDS; i++) {
        high[i] = fcntl(fds[i], F_DUPFD, FREE_FD_MIN);
    }
    for (int i = 0; i < CHILD_FDS; i++) {
        if (high[i] < 0 || dup2(high[i], i) < 0) {
            _exit(NOT_STARTED);
        }
    }
    (void)close_range(CHILD_FDS, ~0U, 0);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)execvpe(command[0], command, environment);
    static const char why[] = "taskboard: the command cannot be started\n";
    (void)!write(STDERR_FILENO, why, sizeof(why) - 1);
    _exit(NOT_STARTED);
}

/* Both ends of each pipe, and the two files. */
struct plumbing {
    int child[CHILD_FDS];
    int ours[CHILD_FDS]; /* of 1, 2 and 3 */
};

static void close_all(int fds[CHILD_FDS])
{
    for (int i = 0; i < CHILD_FDS; i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]);
            fds[i] = -1;
        }
    }
}

static bool open_plumbing(struct work_job *job, struct plumbing *plumbing)
{
    for (int i = 0; i < CHILD_FDS; i++) {
        plumbing->child[i] = plumbing->ours[i] = -1;
    }
    plumbing->child[0] = file_of("task", work_task_json(job));
    plumbing->child[4] = file_of("claim", tb_arena_printf(job->arena, "%s\n", job->token));
    bool ok = plumbing->child[0] >= 0 && plumbing->child[4] >= 0;
    for (int i = 1; ok && i <= 3; i++) {
        int ends[2];
        ok = pipe2(ends, O_CLOEXEC) == 0;
        if (ok) {
            plumbing->ours[i] = ends[0];
            plumbing->child[i] = ends[1];
            ok = fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0;
        }
    }
    return ok;
}

static void on_pipe(void *ctx)
{
    work_child_pump(ctx);
}

static void on_child(void *ctx)
{
    work_job_step(ctx, cli_now_ms());
}

/* Returns the status of its leader, which is taken last: until then its number is nobody else's. */
static int end_group(const struct work *work, pid_t leader)
{
    siginfo_t info;
    int status = 0;
    (void)kill(-leader, SIGKILL);
    (void)waitid(P_PID, (id_t)leader, &info, WEXITED | WNOWAIT);
    work_warden_tell(work, -leader);
    (void)waitpid(leader, &status, 0);
    return status;
}

bool work_child_start(struct work_job *job, const char **why)
{
    struct plumbing plumbing;
    char **environment = environment_of(job);
    pid_t parent = getpid();
    pid_t pid = -1;
    int pidfd = -1;
    bool ok = open_plumbing(job, &plumbing);
    if (ok) {
        pid = fork();
        if (pid == 0) {
            become(plumbing.child, job->work, environment, parent);
        }
        ok = pid > 0;
    }
    if (ok) {
        (void)setpgid(pid, pid); /* here, too: whichever comes first */
        pidfd = pidfd_open(pid, 0);
        ok = pidfd >= 0;
    }
    *why = ok ? NULL : strerror(errno);
    close_all(plumbing.child);
    if (!ok) {
        close_all(plumbing.ours);
        if (pid > 0) {
            (void)end_group(job->work, pid);
        }
        return false;
    }
    job->pid = pid;
    work_watch_open(job->work, &job->child, pidfd, on_child, job);
    work_watch_open(job->work, &job->out, plumbing.ours[1], on_pipe, job);
    work_watch_open(job->work, &job->err, plumbing.ours[2], on_pipe, job);
    work_watch_open(job->work, &job->control, plumbing.ours[3], on_pipe, job);
    return true;
}

/* --- listening --- */

static void take_output(struct work_job *job, const char *bytes, size_t len)
{
    size_t room = OUTPUT_BYTES_MAX - job->output.len;
    job->output_cut = job->output_cut || len > room;
    tb_buf_add(&job->output, bytes, len < room ? len : room);
}

static void take_error(struct work_job *job, const char *bytes, size_t len)
{
    if (!job->work->cli->settings.quiet) {
        (void)!write(STDERR_FILENO, bytes, len);
    }
    if (len > WORK_STDERR_BYTES) {
        bytes += len - WORK_STDERR_BYTES;
        len = WORK_STDERR_BYTES;
    }
    if (job->tail_len + len > sizeof(job->tail)) {
        memmove(job->tail, job->tail + job->tail_len - WORK_STDERR_BYTES, WORK_STDERR_BYTES);
        job->tail_len = WORK_STDERR_BYTES;
    }
    memcpy(job->tail + job->tail_len, bytes, len);
    job->tail_len += len;
}

static void take_control(struct work_job *job, const char *bytes, size_t len)
{
    work_lines_feed(&job->lines, job->id, bytes, len);
}

static void pump(struct work_job *job, struct work_watch *watch,
                 void (*take)(struct work_job *job, const char *bytes, size_t len))
{
    char bytes[PIECE_BYTES];
    for (int i = 0; i < PIECES_MAX && watch->fd >= 0; i++) {
        ssize_t got = read(watch->fd, bytes, sizeof(bytes));
        if (got > 0) {
            take(job, bytes, (size_t)got);
        } else if (got == 0) {
            work_watch_close(watch);
        } else if (errno != EINTR) {
            return;
        }
    }
}

void work_child_pump(struct work_job *job)
{
    pump(job, &job->out, take_output);
    pump(job, &job->err, take_error);
    pump(job, &job->control, take_control);
}

int work_child_reap(struct work_job *job)
{
    int status = end_group(job->work, job->pid);
    job->pid = 0;
    work_child_pump(job);
    if (job->lines.line.len > 0) {
        work_lines_feed(&job->lines, job->id, "\n", 1); /* a last line without its end */
    }
    work_watch_close(&job->child);
    work_watch_close(&job->out);
    work_watch_close(&job->err);
    work_watch_close(&job->control);
    return status;
}
