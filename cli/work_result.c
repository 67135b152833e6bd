/* How a task ends: what its command's status, output and lines make of it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "work.h"

#define RESULT_BYTES_MAX (256 * 1024)
#define RESULT_DEPTH_MAX 15 /* the request's body is one more */
#define AROUND_BYTES     64 /* {"output":"","truncated":true} */
#define ESCAPE_BYTES_MAX 6

/* sysexits.h has names for them. */
#define EXIT_FINAL EX_DATAERR  /* 65: trying again is of no use */
#define EXIT_LATER EX_TEMPFAIL /* 75: after a delay */

/* --- the task, as the command sees it --- */

static void add_member(struct tb_buf *out, const struct tb_json *member)
{
    tb_buf_add_c(out, out->ptr[out->len - 1] == '{' ? "" : ",");
    tb_buf_add_quoted(out, member->key);
    TB_BUF_LIT(out, ":");
}

static void add_claim(struct tb_buf *out, const struct tb_json *claim)
{
    TB_BUF_LIT(out, "{");
    for (const struct tb_json *member = claim->child; member != NULL; member = member->next) {
        if (!tb_str_eq_c(member->key, "token")) {
            add_member(out, member);
            tb_buf_add_str(out, member->raw);
        }
    }
    TB_BUF_LIT(out, "}");
}

struct tb_str work_task_json(struct work_job *job)
{
    struct tb_buf out;
    tb_buf_init(&out, job->arena, job->task->raw.len + 2);
    TB_BUF_LIT(&out, "{");
    for (const struct tb_json *member = job->task->child; member != NULL; member = member->next) {
        add_member(&out, member);
        if (tb_str_eq_c(member->key, "claim") && member->type == TB_JSON_OBJECT) {
            add_claim(&out, member);
        } else {
            tb_buf_add_str(&out, member->raw);
        }
    }
    TB_BUF_LIT(&out, "}\n");
    return tb_buf_str(&out);
}

/* --- success --- */

static struct tb_str without_last_newlines(struct tb_str text)
{
    while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r')) {
        text.len--;
    }
    return text;
}

/* Standard output that is no JSON: as much of it as a result can hold. */
static struct tb_str wrap(struct work_job *job, struct tb_str text)
{
    struct cli_body body;
    bool cut = job->output_cut;
    for (;;) {
        struct tb_str escaped = tb_text_from_bytes(job->arena, text);
        size_t room = RESULT_BYTES_MAX - AROUND_BYTES;
        if (escaped.len <= room) {
            break;
        }
        /* Each byte too many may be a part of an escape that is as long as it gets. */
        size_t surplus = (escaped.len - room + ESCAPE_BYTES_MAX - 1) / ESCAPE_BYTES_MAX;
        text.len -= surplus;
        cut = true;
    }
    cli_body_begin(&body, job->arena);
    cli_body_bytes(&body, "output", text);
    cli_body_flag(&body, "truncated", cut);
    return cli_body_end(&body);
}

/* A line `result` goes first; then standard output: as it is when it is JSON, else as a text. */
static struct tb_str result_of(struct work_job *job)
{
    const struct tb_json_limits limits = {RESULT_DEPTH_MAX, 1, 16};
    struct tb_json_error error;
    struct tb_str text = without_last_newlines(tb_buf_str(&job->output));
    if (job->lines.result.ptr != NULL) {
        return job->lines.result;
    }
    if (text.len == 0) {
        return TB_STR_NONE;
    }
    const struct tb_json *json =
        job->output_cut ? NULL : tb_json_parse(job->arena, text, &limits, &error);
    return json != NULL && json->raw.len <= RESULT_BYTES_MAX ? json->raw : wrap(job, text);
}

static struct tb_str completion(struct work_job *job)
{
    struct cli_body body;
    cli_body_begin(&body, job->arena);
    cli_body_text(&body, "claimToken", job->token);
    cli_body_raw(&body, "result", result_of(job));
    cli_body_bytes(&body, "summary", job->lines.summary);
    if (job->lines.artifact_count > 0) {
        struct tb_str list = tb_buf_str(&job->lines.artifacts);
        cli_body_raw(&body, "artifacts",
                     tb_arena_printf(job->arena, "[%.*s]", (int)list.len, list.ptr));
    }
    cli_body_flag(&body, "review", job->lines.review);
    return cli_body_end(&body);
}

/* --- failure --- */

/* The end of standard error, from the beginning of a line if it was cut. */
static struct tb_str last_words(const struct work_job *job)
{
    struct tb_str tail = tb_str_from(job->tail, job->tail_len);
    if (tail.len > WORK_STDERR_BYTES) {
        tail = tb_str_from(tail.ptr + tail.len - WORK_STDERR_BYTES, WORK_STDERR_BYTES);
        const char *newline = memchr(tail.ptr, '\n', tail.len - 1);
        if (newline != NULL) {
            tail = tb_str_from(newline + 1, (size_t)(tail.ptr + tail.len - newline - 1));
        }
    }
    return without_last_newlines(tail);
}

static const char *how_it_ended(struct work_job *job, int status)
{
    if (job->stop == WORK_TIMED_OUT) {
        return tb_arena_printf(job->arena, "stopped after %" PRId64 " s, its time",
                               job->work->values->task_timeout_seconds)
            .ptr;
    }
    if (WIFSIGNALED(status)) {
        return tb_arena_printf(
                   job->arena, "killed by signal %d (%s)", WTERMSIG(status),
                   sigabbrev_np(WTERMSIG(status)) == NULL ? "?" : sigabbrev_np(WTERMSIG(status)))
            .ptr;
    }
    return tb_arena_printf(job->arena, "exit code %d", WEXITSTATUS(status)).ptr;
}

static struct tb_str failure(struct work_job *job, struct tb_str error, int code)
{
    struct cli_body body;
    cli_body_begin(&body, job->arena);
    cli_body_text(&body, "claimToken", job->token);
    cli_body_bytes(&body, "error", error);
    if (code == EXIT_FINAL) {
        cli_body_raw(&body, "retryable", TB_STR("false"));
    } else if (job->lines.delay_seconds >= 0) {
        cli_body_number(&body, "delaySeconds", job->lines.delay_seconds);
    } else if (code == EXIT_LATER) {
        cli_body_number(&body, "delaySeconds", job->work->values->delay_seconds);
    }
    return cli_body_end(&body);
}

struct tb_str work_failure(struct work_job *job, const char *error)
{
    return failure(job, tb_str_c(error), -1);
}

static struct tb_str failure_of(struct work_job *job, int status)
{
    struct tb_str words = last_words(job);
    struct tb_buf error;
    tb_buf_init(&error, job->arena, words.len + 64);
    tb_buf_add_c(&error, how_it_ended(job, status));
    tb_buf_add_c(&error, words.len > 0 ? ": " : "");
    tb_buf_add_str(&error, words);
    bool by_itself = job->stop == WORK_GOES_ON && WIFEXITED(status);
    return failure(job, tb_buf_str(&error), by_itself ? WEXITSTATUS(status) : -1);
}

/* --- either --- */

static struct tb_str giving_back(struct work_job *job, const char *reason)
{
    struct cli_body body;
    cli_body_begin(&body, job->arena);
    cli_body_text(&body, "claimToken", job->token);
    cli_body_text(&body, "reason", reason);
    return cli_body_end(&body);
}

struct tb_str work_result(struct work_job *job, int status, const char **verb)
{
    if (job->stop == WORK_CANCELLED || job->stop == WORK_STOPPED) {
        *verb = "release";
        return giving_back(job, job->stop == WORK_CANCELLED ? "stopped, as it was cancelled"
                                                            : "the worker was stopped");
    }
    if (job->stop == WORK_GOES_ON && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        *verb = "complete";
        return completion(job);
    }
    *verb = "fail";
    return failure_of(job, status);
}
