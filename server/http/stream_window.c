#include "http/stream_window.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

/* A window ends with the event that makes it that long. */
#define WINDOW_BYTES ((size_t)256 * 1024)
#define CHUNK_BYTES  ((size_t)32 * 1024)

const struct tb_event *tb_stream_window_event(const struct tb_stream_window *window, uint64_t seq)
{
    assert(seq > window->since && seq <= window->until);
    return &window->events[seq - window->since - 1];
}

const struct tb_stream_window *tb_stream_window_at(const struct tb_stream_source *source,
                                                   uint64_t cursor)
{
    for (size_t i = 0; i < TB_STREAM_WINDOWS; i++) {
        const struct tb_stream_window *window = source->windows[i];
        if (window != NULL && window->since <= cursor && cursor < window->until) {
            return window;
        }
    }
    return NULL;
}

/* A string of the event, which mostly is a part of its wire. */
static struct tb_str take(struct tb_arena *arena, struct tb_str part, struct tb_str from,
                          struct tb_str to)
{
    uintptr_t at = (uintptr_t)part.ptr, start = (uintptr_t)from.ptr;
    if (part.ptr != NULL && at >= start && at + part.len <= start + from.len) {
        return tb_str_from(to.ptr + (at - start), part.len);
    }
    return tb_arena_dup(arena, part);
}

struct reading {
    struct tb_stream_window *window;
    uint64_t head;
};

static enum tb_visit add_event(void *ctx, const struct tb_event *event)
{
    const struct reading *reading = ctx;
    struct tb_stream_window *window = reading->window;
    if (event->seq > reading->head) {
        return TB_VISIT_STOP;
    }
    assert(event->seq == window->until + 1);
    struct tb_event *copy = &window->events[window->until - window->since];
    struct tb_str wire = tb_arena_dup(window->arena, event->wire);
    *copy = *event;
    copy->wire = wire;
    copy->actor = take(window->arena, event->actor, event->wire, wire);
    copy->tags = take(window->arena, event->tags, event->wire, wire);
    copy->vm_id = take(window->arena, event->vm_id, event->wire, wire);
    copy->data = take(window->arena, event->data, event->wire, wire);
    window->until = event->seq;
    window->bytes += wire.len;
    bool full = window->until - window->since == TB_STREAM_WINDOW_EVENTS ||
                window->bytes >= WINDOW_BYTES || window->until == reading->head;
    return full ? TB_VISIT_STOP : TB_VISIT_NEXT;
}

enum tb_err tb_stream_window_read(struct tb_stream_source *source, struct tb_txn *txn,
                                  uint64_t cursor, const struct tb_stream_window **out)
{
    struct tb_stream_window **slot = &source->windows[source->next_window];
    source->next_window = (source->next_window + 1) % TB_STREAM_WINDOWS;
    tb_stream_window_free(slot);
    struct tb_stream_window *window = malloc(sizeof(*window));
    if (window == NULL) {
        tb_out_of_memory();
    }
    window->arena = tb_arena_new(CHUNK_BYTES);
    window->since = cursor;
    window->until = cursor;
    window->bytes = 0;
    struct reading reading = {window, source->head};
    enum tb_err err = tb_visit_events(txn, cursor, (struct tb_id){0}, add_event, &reading);
    if (err == TB_OK && window->until == cursor) {
        err = TB_E_STORAGE_CORRUPT; /* the log has no gaps, and its head is behind the cursor */
    }
    if (err != TB_OK) {
        tb_stream_window_free(&window);
        return err;
    }
    *slot = window;
    *out = window;
    return TB_OK;
}

void tb_stream_window_free(struct tb_stream_window **window)
{
    if (*window != NULL) {
        tb_arena_free((*window)->arena);
        free(*window);
        *window = NULL;
    }
}
