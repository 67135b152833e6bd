/* Getting tasks: one request waits at the board while there is room for a task.
 *
 * When no more are wanted while it waits, its connection is closed on our side only: the board
 * then hands out nothing to it, and if it had just done so, its answer still comes and the tasks
 * are given back. */
#include <string.h>

#include "work.h"

#define TASKS_MAX     32 /* of one claim */
#define LATER_MS      1000
#define HALF_CLOSE_MS 300  /* what a repeated claim may take to be answered from memory */
#define CLAIM_OVER_MS 5000 /* then the board must have noticed that nobody waits */
#define OK_FIRST      200
#define OK_LAST       299
#define WAIT_SLACK    10
#define UNAUTHORIZED  401
#define FORBIDDEN     403

static bool wants_more(const struct work *work)
{
    const struct work_values *values = work->values;
    return work->mode == WORK_CLAIMS && work->running < values->concurrency &&
           (!work->dry || work->running == 0) &&
           (values->max_tasks == 0 || work->started < values->max_tasks);
}

static int64_t room(const struct work *work)
{
    const struct work_values *values = work->values;
    int64_t free_jobs = values->concurrency - work->running;
    int64_t left = values->max_tasks == 0 ? free_jobs : values->max_tasks - work->started;
    int64_t least = free_jobs < left ? free_jobs : left;
    return least < TASKS_MAX ? least : TASKS_MAX;
}

static void claim(struct work *work)
{
    const struct work_values *values = work->values;
    struct tb_arena *arena = tb_arena_new(0);
    struct cli_body body;
    cli_body_begin(&body, arena);
    cli_body_text(&body, "agent", work->cli->settings.agent);
    cli_body_text(&body, "vmId", values->vm);
    cli_body_texts(&body, "tags", &values->tags);
    cli_body_texts(&body, "anyTags", &values->any_tags);
    cli_body_number(&body, "max", room(work));
    cli_body_number(&body, "leaseSeconds", values->lease_seconds);
    cli_body_number(&body, "wait", values->wait_seconds);
    const struct cli_request request = {
        .method = "POST",
        .path = "/board/claim",
        .body = cli_body_end(&body),
        .timeout_seconds = values->wait_seconds + WAIT_SLACK,
    };
    work->claimed_busy = work->running > 0;
    work->claimed_ms = cli_now_ms();
    work->dry = false;
    work->claim->once = false;
    work->claim->fresh = true; /* one that is half closed serves nobody else */
    work->half_close_at_ms = work->claim_over_ms = 0;
    work_call_send(work->claim, &request, true);
    tb_arena_free(arena);
}

static void on_none_ready(struct work *work)
{
    if (work->values->once || (work->values->until_empty && !work->claimed_busy)) {
        work_drain(work);
    } else if (work->values->until_empty) {
        work->dry = true;
    } else {
        /* one that does not wait at the board waits here */
        work->claim_at_ms = work->claimed_ms + LATER_MS;
    }
}

static void take_tasks(struct work *work, struct tb_str answer)
{
    struct tb_arena *arena = tb_arena_new(0);
    const struct tb_json *json = cli_read_json(arena, answer);
    const struct tb_json *first = json == NULL ? NULL : cli_items(json, "tasks");
    if (json == NULL) {
        work->result = CLI_UNREACHABLE;
        work_drain(work);
    }
    for (const struct tb_json *task = first; task != NULL; task = task->next) {
        work_job_start(work, task->raw, work->mode != WORK_CLAIMS);
    }
    if (json != NULL && first == NULL) {
        on_none_ready(work);
    }
    tb_arena_free(arena);
}

void work_on_claimed(void *ctx, const struct cli_answer *answer)
{
    struct work *work = ctx;
    struct tb_arena *arena = tb_arena_new(0);
    struct tb_str code = cli_error_code(arena, answer);
    work->claim_at_ms = 0;
    if (answer->transport == CURLE_OK && answer->status >= OK_FIRST && answer->status <= OK_LAST) {
        take_tasks(work, answer->body);
    } else if (work->values->vm != NULL && tb_str_eq_c(code, "unknown_vm")) {
        work->vm_ready = false; /* somebody has taken it away, or it went stale */
        work->claim_at_ms = cli_now_ms() + LATER_MS;
    } else if (cli_answer_may_change(answer)) {
        work->claim_at_ms = cli_now_ms() + LATER_MS;
    } else {
        work->result = cli_refused(work->cli, answer);
        work_drain(work);
    }
    tb_arena_free(arena);
}

/* A claim that nobody wants any more. One that waits for its next try may have been granted by an
 * earlier one whose answer was lost: it is sent once more, to hear of that. */
static void end_claim(struct work *work, int64_t now_ms)
{
    struct work_call *call = work->claim;
    if (work->claim_over_ms == 0) {
        if (call->in_flight == NULL && !call->may_have_arrived) {
            work_call_abort(call);
            return;
        }
        work->half_close_at_ms = call->in_flight != NULL ? now_ms : now_ms + HALF_CLOSE_MS;
        work->claim_over_ms = now_ms + CLAIM_OVER_MS;
        call->next_ms = 0;
        call->once = true;
    }
    if (work->half_close_at_ms > 0 && now_ms >= work->half_close_at_ms) {
        work_call_half_close(call);
        work->half_close_at_ms = 0;
    }
    if (now_ms >= work->claim_over_ms) {
        work_call_abort(call);
    }
}

/* A worker that is to end when nothing is ready gives a silent board as long as --retry says. */
static bool gives_up(const struct work *work, int64_t now_ms)
{
    int64_t since_ms = work->calls.silent_since_ms;
    return (work->values->once || work->values->until_empty) && since_ms > 0 &&
           now_ms - since_ms > work->cli->settings.retry_seconds * 1000 && work->running == 0;
}

void work_claim_step(struct work *work, int64_t now_ms)
{
    if (work->claim->active && work->mode != WORK_CLAIMS) {
        end_claim(work, now_ms);
    } else if (work->mode == WORK_CLAIMS && gives_up(work, now_ms)) {
        work->result = CLI_UNREACHABLE;
        work_drain(work);
    } else if (!work->claim->active && wants_more(work) && now_ms >= work->claim_at_ms &&
               (work->values->vm == NULL || work->vm_ready)) {
        claim(work);
    }
    if (work->mode == WORK_CLAIMS && work->values->max_tasks > 0 &&
        work->started >= work->values->max_tasks) {
        work_drain(work);
    }
}

int64_t work_claim_next_ms(const struct work *work)
{
    if (work->claim->active && work->mode != WORK_CLAIMS) {
        return work->half_close_at_ms > 0 ? work->half_close_at_ms : work->claim_over_ms;
    }
    if (work->claim->active || !wants_more(work)) {
        return 0;
    }
    return work->claim_at_ms > 0 ? work->claim_at_ms : 1; /* at once */
}
