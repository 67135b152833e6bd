/* One task from its claim to the board's answer to its end. */
#include <assert.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "work.h"

#define BEATS_A_LEASE    3
#define BEAT_MS_MIN      1000  /* also when there is progress to tell */
#define BEAT_MS_MAX      20000 /* so soon a cancel is heard of */
#define BEAT_RETRY_MS    2000  /* the longest wait after a heartbeat that was not answered */
#define LEASE_DEFAULT_MS 300000
#define OK_FIRST         200
#define OK_LAST          299
#define UNAUTHORIZED     401
#define FORBIDDEN        403
#define NOT_FOUND        404

static bool is_ok(const struct cli_answer *answer)
{
    return answer->transport == CURLE_OK && answer->status >= OK_FIRST && answer->status <= OK_LAST;
}

/* The claim does not hold the task any more, or there is no task. */
static bool is_lost(struct tb_arena *arena, const struct cli_answer *answer)
{
    return answer->status == NOT_FOUND || tb_str_eq_c(cli_error_code(arena, answer), "claim_lost");
}

/* --- its end --- */

static void be_over(struct work_job *job)
{
    struct work *work = job->work;
    work_job_free(job);
    *job = (struct work_job){.work = work};
    job->child.fd = job->out.fd = job->err.fd = job->control.fd = -1;
    work->running--;
    work->dry = false;
}

static void finish(struct work_job *job, const char *verb, struct tb_str body)
{
    const struct cli_request request = {
        .method = "POST",
        .path = cli_task_path(job->arena, job->id, verb),
        .body = body,
        .timeout_seconds = job->work->cli->settings.timeout_seconds,
    };
    job->verb = verb;
    job->phase = WORK_FINISHING;
    work_call_send(job->finish, &request, true);
}

static void count(struct work_job *job, const struct cli_answer *answer)
{
    struct work *work = job->work;
    const struct cli_settings *settings = &work->cli->settings;
    bool completed = strcmp(job->verb, "complete") == 0;
    work->completed += completed ? 1 : 0;
    work->failed += strcmp(job->verb, "fail") == 0 ? 1 : 0;
    if (settings->json) {
        cli_print_json(answer->body);
        (void)fflush(stdout);
    }
    work_say(work, "%s %s",
             completed                        ? "completed"
             : strcmp(job->verb, "fail") == 0 ? "failed"
                                              : "released",
             job->id);
}

/* What the board does not take as a result may still be told as a failure, once. */
static void on_finished(void *ctx, const struct cli_answer *answer)
{
    struct work_job *job = ctx;
    struct work *work = job->work;
    if (is_ok(answer)) {
        count(job, answer);
    } else if (is_lost(job->arena, answer)) {
        cli_complain("task %s was taken away: %s", job->id, cli_error_text(job->arena, answer));
        work->lost++;
    } else {
        const char *text = cli_error_text(job->arena, answer);
        cli_complain("the board refused to %s %s: %s", job->verb, job->id, text);
        if (answer->status == UNAUTHORIZED || answer->status == FORBIDDEN) {
            work->result = CLI_FORBIDDEN;
            work_drain(work);
        } else if (strcmp(job->verb, "complete") == 0) {
            const char *error =
                tb_arena_printf(job->arena, "the board refused the result: %s", text).ptr;
            finish(job, "fail", work_failure(job, error));
            return;
        }
    }
    be_over(job);
}

static void on_child_end(struct work_job *job)
{
    const char *verb;
    int status = work_child_reap(job);
    if (job->stop == WORK_LOST) {
        be_over(job);
        return;
    }
    struct tb_str body = work_result(job, status, &verb);
    finish(job, verb, body);
}

/* --- heartbeats --- */

static int64_t beat_every_ms(const struct work_job *job)
{
    int64_t every = job->lease_ms / BEATS_A_LEASE;
    return every < BEAT_MS_MAX ? every : BEAT_MS_MAX;
}

static void on_beaten(void *ctx, const struct cli_answer *answer)
{
    struct work_job *job = ctx;
    int64_t now_ms = cli_now_ms();
    if (cli_answer_may_change(answer)) {
        job->lines.has_news = true;
        job->beat_at_ms = now_ms + cli_backoff_ms(++job->beats_failed, BEAT_RETRY_MS, answer);
        return;
    }
    struct tb_arena *arena = tb_arena_new(0); /* a task may have very many heartbeats */
    job->beats_failed = 0;
    job->beat_at_ms = now_ms + beat_every_ms(job);
    if (is_ok(answer)) {
        const struct tb_json *json = cli_read_json(arena, answer->body);
        if (json != NULL && cli_true(json, "cancelRequested")) {
            work_job_stop(job, WORK_CANCELLED);
        }
    } else if (is_lost(arena, answer)) {
        work_job_stop(job, WORK_LOST);
    } else {
        cli_complain("the heartbeat of %s was refused: %s", job->id, cli_error_text(arena, answer));
    }
    tb_arena_free(arena);
}

/* Heartbeats have no idempotency key: to repeat one does no harm, and an old answer no good. */
static void beat(struct work_job *job, int64_t now_ms)
{
    struct cli_body body;
    struct tb_arena *arena = tb_arena_new(0);
    cli_body_begin(&body, arena);
    cli_body_text(&body, "claimToken", job->token);
    if (job->lines.has_news) {
        cli_body_raw(&body, "progress", work_lines_progress(&job->lines, arena));
    }
    const struct cli_request request = {
        .method = "POST",
        .path = cli_task_path(arena, job->id, "heartbeat"),
        .body = cli_body_end(&body),
        .timeout_seconds = beat_every_ms(job) / 1000 + 1,
    };
    job->beat->once = true;
    work_call_send(job->beat, &request, false);
    job->lines.has_news = false;
    job->beaten_at_ms = now_ms;
    tb_arena_free(arena);
}

static int64_t beat_due_ms(const struct work_job *job)
{
    int64_t with_news = job->beaten_at_ms + BEAT_MS_MIN;
    bool soon = job->lines.has_news && job->beats_failed == 0 && with_news < job->beat_at_ms;
    return soon ? with_news : job->beat_at_ms;
}

/* --- steps --- */

void work_job_stop(struct work_job *job, enum work_stop why)
{
    static const char *const words[] = {
        [WORK_CANCELLED] = "is cancelled",
        [WORK_LOST] = "was taken away",
        [WORK_TIMED_OUT] = "takes too long",
        [WORK_STOPPED] = "is given back",
    };
    if (job->phase == WORK_FINISHING && why == WORK_LOST) {
        return; /* its last request will hear of it */
    }
    if (job->phase != WORK_RUNNING || job->stop == why || job->stop == WORK_LOST) {
        return;
    }
    work_say(job->work, "task %s %s", job->id, words[why]);
    job->work->lost += why == WORK_LOST ? 1 : 0;
    if (job->stop == WORK_GOES_ON) {
        (void)kill(-job->pid, SIGTERM);
        job->kill_at_ms = cli_now_ms() + job->work->values->grace_seconds * 1000;
    }
    job->stop = why;
}

static bool child_has_ended(const struct work_job *job)
{
    struct pollfd look = {.fd = job->child.fd, .events = POLLIN};
    return poll(&look, 1, 0) > 0;
}

void work_job_step(struct work_job *job, int64_t now_ms)
{
    if (job->phase == WORK_RUNNING && child_has_ended(job)) {
        on_child_end(job);
    }
    if (job->phase == WORK_RUNNING) {
        if (job->time_over_ms > 0 && now_ms >= job->time_over_ms && job->stop == WORK_GOES_ON) {
            work_job_stop(job, WORK_TIMED_OUT);
        }
        if (job->kill_at_ms > 0 && now_ms >= job->kill_at_ms) {
            (void)kill(-job->pid, SIGKILL);
            job->kill_at_ms = 0;
        }
    }
    if (job->phase != WORK_FREE && !job->beat->active && now_ms >= beat_due_ms(job) &&
        job->stop != WORK_LOST) {
        beat(job, now_ms);
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a == 0 || (b > 0 && b < a) ? b : a;
}

int64_t work_job_next_ms(const struct work_job *job)
{
    int64_t next = 0;
    if (job->phase == WORK_FREE) {
        return 0;
    }
    if (job->phase == WORK_RUNNING) {
        next = job->stop == WORK_GOES_ON ? job->time_over_ms : 0;
        next = earlier(next, job->kill_at_ms);
    }
    return job->beat->active || job->stop == WORK_LOST ? next : earlier(next, beat_due_ms(job));
}

/* --- its beginning --- */

static struct work_job *free_job(struct work *work)
{
    for (int64_t i = 0; i < work->values->concurrency; i++) {
        if (work->jobs[i].phase == WORK_FREE) {
            return &work->jobs[i];
        }
    }
    return NULL;
}

static int64_t lease_of(const struct work_job *job)
{
    int64_t seconds = job->work->values->lease_seconds;
    return seconds > 0 ? seconds * 1000 : LEASE_DEFAULT_MS;
}

void work_job_start(struct work *work, struct tb_str text, bool release)
{
    struct work_job *job = free_job(work);
    assert(job != NULL); /* no more is claimed than there is room for */
    *job = (struct work_job){.work = work, .phase = WORK_RUNNING, .arena = tb_arena_new(0)};
    job->child.fd = job->out.fd = job->err.fd = job->control.fd = -1;
    work->running++;
    const struct tb_json *task = cli_read_json(job->arena, text);
    const struct tb_json *claim = task == NULL ? NULL : cli_object(task, "claim");
    job->token = claim == NULL ? NULL : cli_text(job->arena, claim, "token");
    job->id = task == NULL ? NULL : cli_text(job->arena, task, "id");
    job->beat = work_call_new(&work->calls, on_beaten, job);
    job->finish = work_call_new(&work->calls, on_finished, job);
    if (job->token == NULL || job->id == NULL) {
        cli_complain("a task came without its claim");
        be_over(job);
        return;
    }
    job->task = task;
    job->title = cli_text(job->arena, task, "title");
    job->lease_ms = lease_of(job);
    int64_t now_ms = cli_now_ms();
    job->beaten_at_ms = now_ms;
    job->beat_at_ms = now_ms + beat_every_ms(job);
    if (work->values->task_timeout_seconds > 0) {
        job->time_over_ms = now_ms + work->values->task_timeout_seconds * 1000;
    }
    tb_buf_init(&job->output, job->arena, 1024);
    work_lines_init(&job->lines, job->arena);
    const char *why = "the worker ends";
    if (!release && work_child_start(job, &why)) {
        work->started++;
        work_say(work, "started %s %s", job->id,
                 cli_clean(job->arena, tb_str_c(job->title), false));
        return;
    }
    if (!release) {
        cli_complain("the command cannot be started: %s", why);
        work->result = CLI_REFUSED;
        work_drain(work);
    }
    const char *verb;
    job->stop = WORK_STOPPED;
    struct tb_str body = work_result(job, 0, &verb);
    finish(job, verb, body);
}

void work_job_free(struct work_job *job)
{
    if (job->pid > 0) {
        (void)work_child_reap(job);
    }
    work_call_free(job->beat);
    work_call_free(job->finish);
    tb_arena_free(job->arena);
}
