#include <assert.h>

#include "base/buf.h"
#include "taskboard/task.h"

/* Room for names, numbers and instants. */
#define FIXED_BYTES_MAX 256

static void add_text(struct tb_buf *out, struct tb_str *text)
{
    tb_buf_add_quoted(out, *text);
    text->ptr = out->ptr + out->len - 1 - text->len;
}

static void add_json(struct tb_buf *out, struct tb_str *json)
{
    tb_buf_add_str(out, *json);
    json->ptr = out->ptr + out->len - json->len;
}

static void add_times(struct tb_buf *out, const struct tb_attempt *attempt)
{
    TB_BUF_LIT(out, ",\"claimedAt\":");
    tb_buf_add_instant(out, attempt->claimed_ms);
    if (attempt->ended_ms != 0) {
        TB_BUF_LIT(out, ",\"endedAt\":");
        tb_buf_add_instant(out, attempt->ended_ms);
    }
    TB_BUF_LIT(out, ",\"outcome\":\"");
    tb_buf_add_c(out, tb_attempt_outcome_name(attempt->outcome));
    TB_BUF_LIT(out, "\"");
}

void tb_attempt_render(struct tb_attempt *attempt, struct tb_arena *arena)
{
    size_t room = FIXED_BYTES_MAX;
    for (size_t i = 0; i < TB_ATTEMPT_STRING_COUNT; i++) {
        room += attempt->strings[i].len;
    }
    struct tb_buf out;
    tb_buf_init(&out, arena, room);
    const char *start = out.ptr;
    TB_BUF_LIT(&out, "{\"attempt\":");
    tb_buf_add_u64(&out, attempt->number);
    TB_BUF_LIT(&out, ",\"generation\":");
    tb_buf_add_u64(&out, attempt->generation);
    TB_BUF_LIT(&out, ",\"agent\":");
    add_text(&out, &attempt->agent);
    if (attempt->vm_id.ptr != NULL) {
        TB_BUF_LIT(&out, ",\"vmId\":");
        add_text(&out, &attempt->vm_id);
    }
    add_times(&out, attempt);
    if (attempt->error.ptr != NULL) {
        TB_BUF_LIT(&out, ",\"error\":");
        add_text(&out, &attempt->error);
    }
    if (attempt->result.ptr != NULL) {
        TB_BUF_LIT(&out, ",\"result\":");
        add_json(&out, &attempt->result);
    }
    if (attempt->progress.ptr != NULL) {
        TB_BUF_LIT(&out, ",\"progress\":");
        add_json(&out, &attempt->progress);
    }
    if (attempt->late) {
        TB_BUF_LIT(&out, ",\"late\":true");
    }
    TB_BUF_LIT(&out, "}");
    assert(out.ptr == start); /* the strings point into it: it must not have moved */
    attempt->wire = tb_buf_str(&out);
}

struct tb_attempt tb_attempt_running(const struct tb_task *task)
{
    assert(tb_task_is_claimed(task));
    return (struct tb_attempt){
        .number = task->claim.attempt,
        .generation = task->claim.generation,
        .claimed_ms = task->claim.claimed_ms,
        .outcome = TB_ATTEMPT_RUNNING,
        .agent = task->assignee,
        .vm_id = task->claim_vm,
        .progress = task->progress,
    };
}
