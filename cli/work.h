/* `taskboard work`: claims tasks and runs a command for each. Internal to cmd_work.c and work_*.c.
 *
 *   claim ──► job: start ──► running ──► finishing ──► over
 *                              │ ▲           complete, fail or release, until it is answered
 *                    heartbeat │ │ cancel, lost, time over: SIGTERM, after a grace SIGKILL
 *
 * One thread. curl_multi waits for all connections and, through one epoll, for signals, for the
 * children's ends and for their pipes. A request is repeated with the same idempotency key until it
 * is answered, so that a lost answer neither strands a task nor does anything twice. */
#ifndef CLI_WORK_H
#define CLI_WORK_H

#include <sys/types.h>

#include "call.h"
#include "options.h"
#include "work_call.h"
#include "work_lines.h"

#define WORK_CONCURRENCY_MAX 128 /* four descriptors each, and connections: below 1024 in all */
#define WORK_STDERR_BYTES    4096

struct work_values {
    struct cli_list tags;
    struct cli_list any_tags;
    const char *vm;
    const char *vm_address;
    int64_t concurrency;
    int64_t lease_seconds;
    int64_t wait_seconds;
    int64_t task_timeout_seconds; /* 0: none */
    int64_t grace_seconds;
    int64_t delay_seconds; /* after the exit code that asks for one */
    int64_t max_tasks;     /* 0: without limit */
    bool once;
    bool until_empty;
};

/* Something that epoll tells of. */
struct work_watch {
    int fd; /* -1: none */
    void (*on_ready)(void *ctx);
    void *ctx;
};

/* Why a child was told to stop. */
enum work_stop {
    WORK_GOES_ON,
    WORK_CANCELLED,
    WORK_LOST,
    WORK_TIMED_OUT,
    WORK_STOPPED, /* the worker is */
};

enum work_phase { WORK_FREE, WORK_RUNNING, WORK_FINISHING };

struct work_job {
    struct work *work;
    enum work_phase phase;
    struct tb_arena *arena; /* of this task */
    const struct tb_json *task;
    const char *id;
    const char *title;
    const char *token; /* secret: of the claim */
    int64_t lease_ms;

    pid_t pid;
    struct work_watch child; /* a pidfd */
    struct work_watch out;
    struct work_watch err;
    struct work_watch control;
    struct tb_buf output; /* of standard output, up to a limit */
    bool output_cut;
    char tail[2 * WORK_STDERR_BYTES]; /* of standard error */
    size_t tail_len;
    struct work_lines lines;

    enum work_stop stop;
    int64_t kill_at_ms; /* 0: not to be killed */
    int64_t time_over_ms;
    int64_t beat_at_ms;
    int64_t beaten_at_ms;
    unsigned beats_failed;
    struct work_call *beat;
    struct work_call *finish;
    const char *verb; /* complete, fail or release */
};

enum work_mode { WORK_CLAIMS, WORK_DRAINS, WORK_STOPS };

struct work {
    struct cli *cli;
    const struct work_values *values;
    char *const *command;
    struct work_calls calls;
    int epoll_fd;
    pid_t warden;
    int warden_fd;
    struct work_watch signals;
    enum work_mode mode;
    bool told_to_end;     /* by a signal */
    int64_t stop_over_ms; /* after the second one: not longer than that */
    struct work_job *jobs;
    int64_t running; /* jobs that are not free */
    int64_t started;
    int64_t failed;
    int64_t completed;
    int64_t lost;
    bool claimed_busy;   /* jobs ran when the claim was sent: their ends may make others ready */
    bool dry;            /* nothing is ready until one of ours ends */
    int64_t claimed_ms;  /* when the last claim was begun */
    int64_t claim_at_ms; /* not earlier */
    int64_t half_close_at_ms; /* 0: not */
    int64_t claim_over_ms;    /* 0: not */
    struct work_call *claim;
    struct work_call *vm_call;
    bool vm_ready;
    bool vm_refused; /* it is not tried again */
    bool vm_posted;  /* the call under way registers it */
    int64_t vm_at_ms;
    enum cli_exit result;
};

/* Says something on standard error, unless --quiet. */
void work_say(const struct work *work, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void work_watch_open(struct work *work, struct work_watch *watch, int fd,
                     void (*on_ready)(void *ctx), void *ctx);
void work_watch_close(struct work_watch *watch); /* closes the descriptor, too */

/* No more claims; what runs goes on. */
void work_drain(struct work *work);

/* --- work_claim.c --- */

/* Claims when there is room, or brings the claim under way to its end when none is wanted any more.
 */
void work_claim_step(struct work *work, int64_t now_ms);
int64_t work_claim_next_ms(const struct work *work); /* when to look again; 0: no matter */
void work_on_claimed(void *ctx, const struct cli_answer *answer);

/* --- work_vm.c: the VM that the claims live with, if one is named --- */

void work_vm_step(struct work *work, int64_t now_ms);
void work_on_vm(void *ctx, const struct cli_answer *answer);

/* --- work_job.c --- */

/* Starts the task in a free job; with `release`, gives it back instead. The task is copied. */
void work_job_start(struct work *work, struct tb_str task, bool release);
void work_job_step(struct work_job *job, int64_t now_ms);
int64_t work_job_next_ms(const struct work_job *job);
void work_job_stop(struct work_job *job, enum work_stop why);
void work_job_free(struct work_job *job); /* what it holds; kills what it runs */

/* --- work_child.c --- */

/* Starts the command in a process group of its own, its pipes watched. False: it could not be
 * started; `*why` says why. */
bool work_child_start(struct work_job *job, const char **why);
/* Reads what is there of the child's pipes. */
void work_child_pump(struct work_job *job);
/* Its end: kills what it has left behind and takes its status (as of waitpid). */
int work_child_reap(struct work_job *job);

/* --- work_warden.c: what kills the commands of a worker that was killed --- */

bool work_warden_start(struct work *work); /* signals are blocked before; false: errno says why */
/* A group of processes that begins; negative: it ends. Safe after fork. */
void work_warden_tell(const struct work *work, pid_t group);
void work_warden_end(struct work *work); /* no group is left */

/* --- work_result.c --- */

/* Which verb ends the job whose command ended with that status, and its request's body. */
struct tb_str work_result(struct work_job *job, int status, const char **verb);
/* A failure with that error. */
struct tb_str work_failure(struct work_job *job, const char *error);
/* The task as the command may see it: without the claim's token. */
struct tb_str work_task_json(struct work_job *job);

#endif
