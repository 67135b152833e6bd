/* The VM that the claims live with: registered if nobody has, and kept alive.
 *
 * It is not taken away at the end: other workers may run there, whose claims would end with it. It
 * goes stale by itself. */
#include <stdio.h>
#include <unistd.h>

#include "work.h"

#define TTL_SECONDS    60
#define BEAT_MS        20000
#define HOST_BYTES_MAX 256
#define OK_FIRST       200
#define OK_LAST        299
#define NOT_FOUND      404
#define CONFLICT       409

static const char *vm_path(struct tb_arena *arena, const char *id, const char *verb)
{
    struct cli_path path;
    cli_path_begin(&path, arena, "/registry/vms");
    cli_path_segment(&path, id);
    return tb_arena_printf(arena, "%s%s", cli_path_end(&path), verb).ptr;
}

static struct tb_str registration(const struct work *work, struct tb_arena *arena)
{
    char host[HOST_BYTES_MAX] = "localhost";
    struct cli_body body;
    (void)gethostname(host, sizeof(host) - 1);
    cli_body_begin(&body, arena);
    cli_body_text(&body, "id", work->values->vm);
    cli_body_text(&body, "name", work->values->vm);
    cli_body_text(&body, "role", "worker");
    cli_body_text(&body, "address",
                  work->values->vm_address == NULL ? host : work->values->vm_address);
    cli_body_text(&body, "registeredBy", work->cli->settings.agent);
    cli_body_number(&body, "ttlSeconds", TTL_SECONDS);
    return cli_body_end(&body);
}

static void ask(struct work *work, const char *method, const char *path, struct tb_str body,
                bool keyed)
{
    const struct cli_request request = {
        .method = method,
        .path = path,
        .body = body,
        .timeout_seconds = BEAT_MS / 1000,
    };
    work_call_send(work->vm_call, &request, keyed);
}

void work_on_vm(void *ctx, const struct cli_answer *answer)
{
    struct work *work = ctx;
    bool ok = answer->status >= OK_FIRST && answer->status <= OK_LAST;
    int64_t now_ms = cli_now_ms();
    if (ok) {
        work->vm_ready = true;
        work->vm_posted = false;
        work->vm_at_ms = now_ms + BEAT_MS;
    } else if (work->vm_posted && answer->status == CONFLICT) {
        /* Registered before: by an earlier worker, or by whoever looks after the machine. */
        struct tb_arena *arena = tb_arena_new(0);
        work->vm_posted = false;
        ask(work, "PATCH", vm_path(arena, work->values->vm, ""), TB_STR("{\"status\":\"running\"}"),
            false);
        tb_arena_free(arena);
    } else if (answer->status == NOT_FOUND) {
        work->vm_ready = false;
        work->vm_at_ms = now_ms;
    } else {
        work->result = cli_refused(work->cli, answer);
        work_drain(work);
        work->vm_refused = true;
    }
}

void work_vm_step(struct work *work, int64_t now_ms)
{
    bool needed = work->mode == WORK_CLAIMS || work->running > 0;
    if (work->values->vm == NULL || work->vm_call->active || work->vm_refused || !needed ||
        (work->vm_ready && now_ms < work->vm_at_ms)) {
        return;
    }
    struct tb_arena *arena = tb_arena_new(0);
    work->vm_posted = !work->vm_ready;
    if (work->vm_ready) {
        ask(work, "POST", vm_path(arena, work->values->vm, "/heartbeat"), TB_STR_NONE, false);
    } else {
        ask(work, "POST", "/registry/vms", registration(work, arena), true);
    }
    tb_arena_free(arena);
}
