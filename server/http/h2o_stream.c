/* One stream of events on its connection.
 *
 * The library gives up the connection of a request that is upgraded: its own state and ours are
 * freed with the request, and a bare socket is left. Streams of server-sent events take that way,
 * too: at rest they cost a socket and a cursor. Their head then says `Connection: upgrade, close`,
 * which promises no more than that the connection ends with the stream. */
#include <assert.h>
#include <h2o.h>
#include <h2o/http1.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/log.h"
#include "http/h2o_loop.h"
#include "http/reply.h"
#include "http/stream_message.h"
#include "taskboard/limits.h"

/* What the kernel takes beyond what the client's window takes. */
#define UNSENT_BYTES_MAX (64 * 1024)

/* Who listens only has nothing to say. */
#define UNREAD_BYTES_MAX ((size_t)16 * 1024)

/* Answers to messages and pings that may wait for a client that does not take them. */
#define QUEUED_MAX 16

bool tb_stream_is_sending(const struct tb_stream *stream)
{
    return stream->sending != NULL;
}

/* --- its end --- */

static void log_end(const struct tb_stream *stream)
{
    int64_t took_us = tb_loop_now_us(stream->loop) - stream->started_us;
    tb_log(TB_LOG_INFO, "stream ended", TB_LOG_STR("id", stream->id),
           TB_LOG_NUM("bytes", (int64_t)stream->sent_bytes), TB_LOG_NUM("ms", took_us / 1000));
}

void tb_stream_close(struct tb_stream *stream)
{
    struct tb_loop *loop = stream->loop;
    log_end(stream);
    tb_fanout_remove(stream);
    tb_stream_leave(&loop->fanout.source, &stream->subscriber);
    atomic_fetch_sub(&loop->worker.http->stream_count, 1);
    if (stream->socket != NULL) {
        h2o_socket_close(stream->socket);
    }
    tb_parcel_drop(&stream->sending);
    tb_websocket_free(&stream->websocket);
    free(stream);
}

static void begin_to_end(struct tb_stream *stream)
{
    if (!stream->ending) {
        stream->ending = true;
        stream->ending_ms = tb_loop_now_ms(stream->loop);
    }
}

void tb_stream_end(struct tb_stream *stream, unsigned code)
{
    begin_to_end(stream);
    stream->end_code = code;
    if (stream->socket != NULL && !tb_stream_is_sending(stream)) {
        tb_fanout_ready(stream);
    }
}

/* Nothing more is sent; a WebSocket learns why. */
void tb_stream_revoke(struct tb_stream *stream)
{
    tb_log(TB_LOG_INFO, "ended a stream: its token is not valid any more",
           TB_LOG_STR("id", stream->id));
    if (stream->socket == NULL) {
        tb_stream_end(stream, TB_WEBSOCKET_POLICY);
    } else if (stream->websocket == NULL || tb_stream_is_sending(stream)) {
        tb_stream_close(stream);
    } else {
        stream->ticket = (struct tb_ticket){.expires_ms = 0};
        begin_to_end(stream);
        tb_websocket_close(stream->websocket, TB_WEBSOCKET_POLICY, "");
        tb_fanout_ready(stream);
    }
}

/* --- writing --- */

static bool has_more_to_say(const struct tb_stream *stream)
{
    const struct tb_websocket *websocket = stream->websocket;
    return stream->ending || stream->read_stopped ||
           (websocket != NULL &&
            (tb_websocket_queued(websocket) > 0 || tb_websocket_is_closing(websocket)));
}

static void on_sent(h2o_socket_t *socket, const char *err)
{
    struct tb_stream *stream = socket->data;
    tb_parcel_drop(&stream->sending);
    if (err != NULL) {
        tb_stream_close(stream);
        return;
    }
    stream->sent_ms = tb_loop_now_ms(stream->loop);
    if (has_more_to_say(stream)) {
        tb_fanout_ready(stream);
    } else {
        tb_fanout_rest(stream);
    }
}

void tb_stream_send(struct tb_stream *stream, struct tb_parcel *parcel)
{
    assert(!tb_stream_is_sending(stream));
    tb_fanout_leave(stream);
    stream->sending = parcel;
    stream->sent_ms = tb_loop_now_ms(stream->loop);
    stream->acked_bytes = 0;
    stream->sent_bytes += parcel->len;
    tb_number_add(&stream->loop->worker.metrics->streams.parcels, 1);
    tb_number_add(&stream->loop->worker.metrics->streams.bytes, parcel->len);
    h2o_iovec_t bytes = h2o_iovec_init(parcel->bytes, parcel->len);
    h2o_socket_write(stream->socket, &bytes, 1, on_sent);
}

void tb_stream_send_bytes(struct tb_stream *stream, struct tb_str bytes)
{
    struct tb_stream_source *source = &stream->loop->fanout.source;
    tb_stream_send(stream, tb_stream_aside(source, &stream->subscriber, bytes));
}

/* --- reading --- */

/* The library would keep 8 KiB for what a client may say some day. */
static void consume_input(h2o_socket_t *socket, size_t len)
{
    h2o_buffer_consume(&socket->input, len);
    if (socket->input->size == 0) {
        h2o_buffer_dispose(&socket->input);
        h2o_buffer_init(&socket->input, &h2o_socket_buffer_prototype);
    }
}

static void take_filter(struct tb_stream *stream, const struct tb_events_request *filter,
                        bool has_since)
{
    struct tb_subscriber *subscriber = &stream->subscriber;
    tb_stream_refilter(&stream->loop->fanout.source, subscriber, filter);
    if (has_since) {
        subscriber->cursor = filter->since;
        subscriber->ahead = filter->since > tb_service_head_seq(stream->loop->worker.http->service);
    }
}

static void on_text(void *ctx, struct tb_str message)
{
    struct tb_stream *stream = ctx;
    struct tb_arena *arena = stream->loop->fanout.scratch;
    struct tb_parse parse = {.arena = arena, .strict = true};
    struct tb_events_request filter;
    bool has_since = false;
    if (tb_stream_message_parse(&parse, message, &filter, &has_since)) {
        take_filter(stream, &filter, has_since);
    } else {
        tb_websocket_send(stream->websocket, tb_stream_message_error(arena, &parse.refusal));
    }
}

static void take_input(struct tb_stream *stream)
{
    h2o_socket_t *socket = stream->socket;
    size_t len = socket->input->size;
    if (len == 0) {
        return;
    }
    if (stream->websocket == NULL) {
        stream->unread_bytes += len;
    } else {
        tb_arena_reset(stream->loop->fanout.scratch);
        tb_websocket_take(stream->websocket, tb_str_from(socket->input->bytes, len));
        stream->heard_ms = tb_loop_now_ms(stream->loop);
        stream->pinged_ms = 0;
    }
    consume_input(socket, len);
}

static void on_input(h2o_socket_t *socket, const char *err)
{
    struct tb_stream *stream = socket->data;
    if (err != NULL) {
        tb_stream_close(stream);
        return;
    }
    if (stream->deaf) {
        consume_input(socket, socket->input->size);
        return;
    }
    take_input(stream);
    if (stream->unread_bytes > UNREAD_BYTES_MAX) {
        tb_stream_close(stream);
        return;
    }
    if (stream->websocket != NULL && tb_websocket_queued(stream->websocket) > QUEUED_MAX) {
        stream->read_stopped = true;
        h2o_socket_read_stop(socket);
    }
    if (stream->websocket != NULL && !tb_stream_is_sending(stream)) {
        tb_fanout_ready(stream);
    }
}

void tb_stream_resume_reading(struct tb_stream *stream)
{
    stream->read_stopped = false;
    h2o_socket_read_start(stream->socket, on_input);
}

/* Closing at once would throw away what the client has still sent, and with it, by a reset, the
 * close frame that it has not read yet. */
void tb_stream_say_goodbye(struct tb_stream *stream)
{
    begin_to_end(stream);
    h2o_socket_t *bare = stream->socket->ssl == NULL ? NULL : tb_tls_end(stream->socket);
    if (bare != NULL) {
        stream->socket = bare;
        stream->deaf = true;
        h2o_socket_read_start(bare, on_input);
    } else if (!stream->deaf) {
        tb_half_close(stream->socket);
    }
}

/* --- its beginning --- */

static void open_on(struct tb_stream *stream, h2o_socket_t *socket, size_t request_bytes)
{
    int unsent = UNSENT_BYTES_MAX;
    stream->socket = socket;
    socket->data = stream;
    (void)setsockopt(h2o_socket_get_fd(socket), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent,
                     sizeof(unsent));
    consume_input(socket, request_bytes);
    h2o_socket_read_start(socket, on_input);
    take_input(stream);
    stream->sent_ms = stream->heard_ms = tb_loop_now_ms(stream->loop);
    tb_fanout_ready(stream);
}

/* The head is out, or the connection is gone. */
static void on_upgraded(void *data, h2o_socket_t *socket, size_t request_bytes)
{
    struct tb_stream *stream = data;
    if (socket == NULL) {
        tb_stream_close(stream);
    } else {
        open_on(stream, socket, request_bytes);
    }
}

static struct tb_stream *make(struct tb_exchange *exchange,
                              const struct tb_subscription *subscription)
{
    struct tb_str id = exchange->request.id;
    struct tb_loop *loop = exchange->loop;
    struct tb_stream *stream = h2o_mem_alloc(sizeof(*stream) + id.len);
    *stream = (struct tb_stream){
        .subscriber = {.cursor = subscription->cursor, .ahead = subscription->ahead},
        .ticket = exchange->request.ticket,
        .loop = loop,
        .started_us = exchange->request.started_us,
        .id = tb_str_from((char *)(stream + 1), id.len),
    };
    memcpy(stream + 1, id.ptr, id.len);
    tb_stream_join(&loop->fanout.source, &stream->subscriber, subscription->format,
                   subscription->coding, &subscription->filter);
    if (subscription->format == TB_STREAM_WEBSOCKET) {
        stream->websocket = tb_websocket_new(on_text, stream);
    }
    tb_fanout_add(stream);
    return stream;
}

void tb_request_subscribe(struct tb_request *request, const struct tb_subscription *subscription)
{
    struct tb_exchange *exchange = tb_exchange_of(request);
    atomic_uint *count = &request->http->stream_count;
    if (exchange->loop->state != TB_LOOP_SERVING) {
        tb_reply_error(request, TB_E_DRAINING);
        return;
    }
    if (atomic_fetch_add(count, 1) >= TB_STREAMS_MAX) {
        atomic_fetch_sub(count, 1);
        tb_reply_error(request, TB_E_OVERLOADED);
        return;
    }
    if (subscription->format != TB_STREAM_WEBSOCKET) {
        request->response.headers[TB_OUT_CONNECTION] = TB_STR("close");
    }
    tb_send_fill_head(exchange);
    exchange->is_stream = true;
    struct tb_stream *stream = make(exchange, subscription);
    struct tb_str first =
        tb_stream_opening(&stream->subscriber, request->arena, subscription->first);
    h2o_iovec_t bytes = h2o_iovec_init(first.ptr, first.len);
    h2o_http1_upgrade(exchange->req, &bytes, first.len > 0 ? 1 : 0, on_upgraded, stream);
}
