#include "base/buf.h"
#include "taskboard/task.h"

/* Room for names, numbers, instants and ids. */
#define FIXED_BYTES_MAX 512

static void add_ulid(struct tb_buf *out, struct tb_id id)
{
    char *to = tb_buf_reserve(out, TB_ULID_LEN);
    tb_ulid_format(id, to);
    out->len += TB_ULID_LEN;
}

static void add_envelope(struct tb_buf *out, struct tb_event *event)
{
    TB_BUF_LIT(out, "{\"seq\":");
    tb_buf_add_u64(out, event->seq);
    TB_BUF_LIT(out, ",\"id\":\"");
    add_ulid(out, event->id);
    TB_BUF_LIT(out, "\",\"at\":");
    tb_buf_add_instant(out, event->at_ms);
    TB_BUF_LIT(out, ",\"topic\":\"");
    tb_buf_add_c(out, tb_event_topic(event->type));
    TB_BUF_LIT(out, "\",\"type\":\"");
    tb_buf_add_c(out, tb_event_type_name(event->type));
    TB_BUF_LIT(out, "\"");
    if (!tb_id_is_zero(event->task_id)) {
        TB_BUF_LIT(out, ",\"taskId\":\"");
        add_ulid(out, event->task_id);
        TB_BUF_LIT(out, "\"");
    }
    if (event->vm_id.ptr != NULL) {
        TB_BUF_LIT(out, ",\"vmId\":");
        tb_buf_add_quoted(out, event->vm_id);
        event->vm_id.ptr = out->ptr + out->len - 1 - event->vm_id.len;
    }
}

void tb_event_render(struct tb_event *event, const struct tb_task *task, struct tb_str extra,
                     struct tb_arena *arena)
{
    size_t room = FIXED_BYTES_MAX + event->actor.len + event->token.len + event->tags.len +
                  event->vm_id.len + extra.len;
    if (task != NULL) {
        room += task->summary_len;
    }
    struct tb_buf out;
    tb_buf_init(&out, arena, room);
    add_envelope(&out, event);
    if (event->actor.ptr != NULL) {
        TB_BUF_LIT(&out, ",\"actor\":");
        tb_buf_add_quoted(&out, event->actor);
        event->actor.ptr = out.ptr + out.len - 1 - event->actor.len;
    }
    if (event->token.ptr != NULL) {
        TB_BUF_LIT(&out, ",\"token\":");
        tb_buf_add_quoted(&out, event->token);
    }
    TB_BUF_LIT(&out, ",\"data\":");
    size_t data_at = out.len;
    TB_BUF_LIT(&out, "{");
    if (task != NULL) {
        TB_BUF_LIT(&out, "\"task\":");
        size_t offset = (size_t)(task->tags.ptr - task->wire.ptr);
        event->tags = tb_str_from(out.ptr + out.len + offset, task->tags.len);
        tb_task_write_summary(task, &out);
        tb_buf_add_str(&out, extra);
    } else if (event->tags.ptr !=
               NULL) { /* of a task that is no more: what subscribers filter by */
        TB_BUF_LIT(&out, "\"tags\":");
        tb_buf_add_str(&out, event->tags);
        event->tags.ptr = out.ptr + out.len - event->tags.len;
        tb_buf_add_str(&out, extra);
    } else if (extra.len > 0) {
        tb_buf_add(&out, extra.ptr + 1, extra.len - 1);
    }
    TB_BUF_LIT(&out, "}");
    event->data = tb_str_from(out.ptr + data_at, out.len - data_at);
    TB_BUF_LIT(&out, "}");
    event->wire = tb_buf_str(&out);
}
