/* Some events in a row, read from the log once for all who want any of them. Internal to the
 * streams. */
#ifndef TB_HTTP_STREAM_WINDOW_H
#define TB_HTTP_STREAM_WINDOW_H

#include "http/stream.h"

#define TB_STREAM_WINDOW_EVENTS 1024

struct tb_stream_window {
    struct tb_arena *arena; /* holds the events' strings */
    uint64_t since;         /* the events behind this seq … */
    uint64_t until;         /* … and up to this one */
    size_t bytes;
    struct tb_event events[TB_STREAM_WINDOW_EVENTS];
};

/* The event of that seq, which is in the window. */
const struct tb_event *tb_stream_window_event(const struct tb_stream_window *window, uint64_t seq);

/* The window of this round that holds the event behind `cursor`; NULL: none does. */
const struct tb_stream_window *tb_stream_window_at(const struct tb_stream_source *source,
                                                   uint64_t cursor);

/* Reads one that begins behind `cursor`, which is not behind the end of the round; it has at least
 * one event. It takes the place of an older one. */
TB_MUST_CHECK enum tb_err tb_stream_window_read(struct tb_stream_source *source, struct tb_txn *txn,
                                                uint64_t cursor,
                                                const struct tb_stream_window **window);

void tb_stream_window_free(struct tb_stream_window **window);

#endif
