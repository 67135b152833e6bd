/* The bytes of streams: server-sent events (WHATWG HTML, 9.2) and WebSocket frames (RFC 6455, 5.2).
 * Pure functions. */
#ifndef TB_HTTP_STREAM_WRITE_H
#define TB_HTTP_STREAM_WRITE_H

#include "base/buf.h"
#include "http/stream.h"

/* Adds one event. */
void tb_stream_write_event(struct tb_buf *out, enum tb_stream_format format,
                           const struct tb_event *event);

/* Adds the news that events were lost, and that the stream goes on from `oldest`. Nothing to the
 * feed, which has no such news. */
void tb_stream_write_reset(struct tb_buf *out, enum tb_stream_format format, uint64_t oldest,
                           uint64_t head);

#endif
