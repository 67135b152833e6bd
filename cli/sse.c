#include "sse.h"

#include <stdio.h>
#include <string.h>

#define EVENT_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define LINE_ROOM       4096

void cli_sse_begin(struct cli_sse *sse)
{
    tb_arena_reset(sse->arena);
    tb_buf_init(&sse->line, sse->arena, LINE_ROOM);
    sse->kept = 0;
    sse->name = TB_STR_NONE;
    sse->data = TB_STR_NONE;
    memcpy(sse->id, sse->last_id, sizeof(sse->id));
}

void cli_sse_init(struct cli_sse *sse, struct tb_arena *arena, cli_sse_fn *on_event, void *ctx)
{
    *sse = (struct cli_sse){.arena = arena, .on_event = on_event, .ctx = ctx};
    cli_sse_begin(sse);
}

/* An empty line: the event is whole, and only now its id counts. */
static bool dispatch(struct cli_sse *sse)
{
    bool goes_on = true;
    memcpy(sse->last_id, sse->id, sizeof(sse->last_id));
    if (sse->data.ptr != NULL) {
        const struct cli_sse_event event = {sse->name, sse->data};
        goes_on = sse->on_event(sse->ctx, &event);
    }
    cli_sse_begin(sse);
    return goes_on;
}

/* The line stays in the arena, and the next one gets another place. */
static void keep_line(struct cli_sse *sse)
{
    sse->kept += sse->line.len + LINE_ROOM;
    tb_buf_init(&sse->line, sse->arena, LINE_ROOM);
}

static bool take_line(struct cli_sse *sse)
{
    struct tb_str line = tb_buf_str(&sse->line);
    if (line.len == 0) {
        return dispatch(sse);
    }
    const char *colon = memchr(line.ptr, ':', line.len);
    size_t name_len = colon == NULL ? line.len : (size_t)(colon - line.ptr);
    struct tb_str name = tb_str_from(line.ptr, name_len);
    struct tb_str value = tb_str_from(line.ptr + line.len, 0);
    if (colon != NULL) {
        bool has_space = name_len + 1 < line.len && colon[1] == ' ';
        size_t skip = name_len + (has_space ? 2 : 1);
        value = tb_str_from(line.ptr + skip, line.len - skip);
    }
    if (tb_str_eq_c(name, "id")) {
        (void)snprintf(sse->id, sizeof(sse->id), "%.*s", (int)value.len, value.ptr);
    } else if (tb_str_eq_c(name, "data")) {
        sse->data = value;
        keep_line(sse);
    } else if (tb_str_eq_c(name, "event")) {
        sse->name = value;
        keep_line(sse);
    }
    sse->line.len = 0;
    return true;
}

bool cli_sse_feed(struct cli_sse *sse, const char *bytes, size_t len)
{
    while (len > 0) {
        const char *end = memchr(bytes, '\n', len);
        size_t part = end == NULL ? len : (size_t)(end - bytes);
        if (sse->kept + sse->line.len + part > EVENT_BYTES_MAX) {
            return false;
        }
        tb_buf_add(&sse->line, bytes, part);
        if (end != NULL && !take_line(sse)) {
            return false;
        }
        part += end == NULL ? 0 : 1;
        bytes += part;
        len -= part;
    }
    return true;
}
