/* Server-sent events (WHATWG HTML, 9.2), piece by piece. Only what a board sends: one line of data
 * an event, fields `id`, `event` and `data`. */
#ifndef CLI_SSE_H
#define CLI_SSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define CLI_SSE_ID_BYTES_MAX 64

struct cli_sse_event {
    struct tb_str name; /* empty: unnamed */
    struct tb_str data;
};

/* Called for each event that has data. False ends the stream. */
typedef bool cli_sse_fn(void *ctx, const struct cli_sse_event *event);

struct cli_sse {
    char last_id[CLI_SSE_ID_BYTES_MAX]; /* of the last whole event: where to go on. Empty: none */
    char id[CLI_SSE_ID_BYTES_MAX];      /* of the event that is being read */
    struct tb_arena *arena;             /* emptied after each event */
    struct tb_buf line;
    size_t kept; /* bytes of the arena that lines of the event that is being read take */
    struct tb_str name;
    struct tb_str data;
    cli_sse_fn *on_event;
    void *ctx;
};

void cli_sse_init(struct cli_sse *sse, struct tb_arena *arena, cli_sse_fn *on_event, void *ctx);

/* A new connection: what was read of an event that never ended is forgotten, `last_id` stays. */
void cli_sse_begin(struct cli_sse *sse);

/* False: the stream is to end, or an event is longer than any can be. */
bool cli_sse_feed(struct cli_sse *sse, const char *bytes, size_t len);

#endif
