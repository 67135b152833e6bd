/* All streams of a loop: who is sent what, and when.
 *
 * Streams go in rounds. A round takes all who are behind up to one seq; what commits meanwhile
 * belongs to the next one. So a wake-up reads the log once for all who keep up, however many they
 * are, and the more there are the more events go with each write.
 *
 * The loop has requests to serve, too: fan-out gets a part of its time, in slices. Behind a long
 * wait for its turn more has come together, so that a smaller part still does all there is. */
#include <assert.h>

#include "base/log.h"
#include "http/door.h"
#include "http/h2o_loop.h"
#include "taskboard/limits.h"

#define SCRATCH_BYTES ((size_t)16 * 1024)

/* The streams of a loop earn one part in so many of its time: a small one while it has requests to
 * serve, a larger one when their round takes too long, and half of it when no request has come for
 * a while. What they have earned they spend in one slice a millisecond, so that a request waits for
 * some hundred microseconds, and for no more than CREDIT_US_MAX when the streams have long had
 * nothing to do. */
#define SHARE_BESIDE_REQUESTS 8
#define SHARE_WHEN_LATE       4
#define SHARE_ALONE           2
#define LATE_US               1000000
#define ALONE_US              20000
#define CREDIT_US_MAX         1000
#define TURN_MS               1

#define LOOKS_A_SECOND 10
#define PING_MS        20000 /* of silence */
#define PONG_MS        20000
#define GOODBYE_MS     2000 /* how long a client may take to answer a close frame */

static struct tb_stream *by_turn(h2o_linklist_t *node)
{
    return H2O_STRUCT_FROM_MEMBER(struct tb_stream, turn, node);
}

static struct tb_stream *by_link(h2o_linklist_t *node)
{
    return H2O_STRUCT_FROM_MEMBER(struct tb_stream, link, node);
}

static struct tb_stream_metrics *metrics_of(const struct tb_loop *loop)
{
    return &loop->worker.metrics->streams;
}

static uint64_t head_of(const struct tb_loop *loop)
{
    return tb_service_head_seq(loop->worker.http->service);
}

/* --- one stream's turn --- */

void tb_fanout_leave(struct tb_stream *stream)
{
    if (h2o_linklist_is_linked(&stream->turn)) {
        h2o_linklist_unlink(&stream->turn);
    }
}

static void go_to(struct tb_stream *stream, h2o_linklist_t *list)
{
    tb_fanout_leave(stream);
    h2o_linklist_insert(list, &stream->turn);
}

static void schedule(struct tb_loop *loop)
{
    struct tb_fanout *fanout = &loop->fanout;
    if (!h2o_timeout_is_linked(&fanout->turn)) {
        h2o_timeout_link(loop->context.loop, &fanout->next_turn, &fanout->turn);
    }
}

void tb_fanout_ready(struct tb_stream *stream)
{
    go_to(stream, &stream->loop->fanout.ready);
    schedule(stream->loop);
}

static void wait_for_a_round(struct tb_stream *stream)
{
    struct tb_fanout *fanout = &stream->loop->fanout;
    go_to(stream, fanout->in_round ? &fanout->waiting : &fanout->ready);
    schedule(stream->loop);
}

/* News is asked for first, and the head looked at then: what is committed in between is seen, or
 * told. */
void tb_fanout_rest(struct tb_stream *stream)
{
    struct tb_loop *loop = stream->loop;
    atomic_store(&loop->inbox.mailbox.wants_news, true);
    if (!stream->subscriber.ahead && stream->subscriber.cursor >= head_of(loop)) {
        go_to(stream, &loop->fanout.resting);
    } else {
        wait_for_a_round(stream);
    }
}

/* What a WebSocket has to say beside events. True: it had, or it is over. */
static bool serve_websocket(struct tb_stream *stream)
{
    struct tb_fanout *fanout = &stream->loop->fanout;
    struct tb_websocket *websocket = stream->websocket;
    tb_arena_reset(fanout->scratch);
    struct tb_str output = tb_websocket_output(websocket, fanout->scratch);
    if (output.len > 0) {
        tb_stream_send_bytes(stream, output);
        return true;
    }
    if (stream->read_stopped) {
        tb_stream_resume_reading(stream);
    }
    if (tb_websocket_is_over(websocket)) {
        tb_stream_close(stream);
        return true;
    }
    if (tb_websocket_is_closing(websocket)) {
        tb_stream_say_goodbye(stream);
        return true;
    }
    return false;
}

static void finish(struct tb_stream *stream)
{
    struct tb_parcel *ending = tb_stream_ending(&stream->loop->fanout.source, &stream->subscriber);
    if (ending != NULL) {
        tb_stream_send(stream, ending);
    } else {
        tb_stream_close(stream);
    }
}

/* It has all of this round. One that ends is sent first what is committed by now. */
static void go_on_or_finish(struct tb_stream *stream)
{
    if (!stream->ending || stream->subscriber.cursor < head_of(stream->loop)) {
        tb_fanout_rest(stream);
    } else if (stream->websocket != NULL) {
        tb_websocket_close(stream->websocket, stream->end_code, "");
        tb_fanout_ready(stream);
    } else {
        finish(stream);
    }
}

static void serve(struct tb_stream *stream)
{
    struct tb_stream_source *source = &stream->loop->fanout.source;
    struct tb_parcel *parcel = NULL;
    if (stream->subscriber.ended) {
        tb_stream_close(stream);
        return;
    }
    if (stream->websocket != NULL && serve_websocket(stream)) {
        return;
    }
    if (!tb_stream_is_behind(source, &stream->subscriber)) {
        go_on_or_finish(stream);
        return;
    }
    enum tb_err err = tb_stream_next(source, &stream->subscriber, &parcel);
    if (err != TB_OK) {
        /* The client comes back with the last id that it has. */
        tb_log(TB_LOG_ERROR, "cannot read the log for a stream", TB_LOG_STR("id", stream->id),
               TB_LOG_C("code", tb_err_code(err)));
        tb_stream_close(stream);
    } else if (parcel != NULL) {
        tb_stream_send(stream, parcel);
    } else {
        wait_for_a_round(stream); /* nothing of that fits; others come first */
    }
}

/* --- rounds --- */

static void begin_round(struct tb_loop *loop)
{
    if (!loop->fanout.in_round) {
        loop->fanout.in_round = true;
        loop->fanout.round_us = tb_loop_now_us(loop);
        tb_stream_begin_round(&loop->fanout.source, head_of(loop));
    }
}

static void end_round(struct tb_loop *loop)
{
    struct tb_fanout *fanout = &loop->fanout;
    fanout->in_round = false;
    tb_stream_end_round(&fanout->source);
    h2o_linklist_insert_list(&fanout->ready, &fanout->waiting);
}

static int64_t share_of(const struct tb_loop *loop, int64_t now_us)
{
    const struct tb_fanout *fanout = &loop->fanout;
    if (now_us - loop->request_us >= ALONE_US) {
        return SHARE_ALONE;
    }
    bool late = fanout->in_round && now_us - fanout->round_us >= LATE_US;
    return late ? SHARE_WHEN_LATE : SHARE_BESIDE_REQUESTS;
}

static void earn(struct tb_loop *loop, int64_t now_us)
{
    struct tb_fanout *fanout = &loop->fanout;
    fanout->credit_us += (now_us - fanout->credit_at_us) / share_of(loop, now_us);
    fanout->credit_at_us = now_us;
    if (fanout->credit_us > CREDIT_US_MAX) {
        fanout->credit_us = CREDIT_US_MAX;
    }
}

static void run_slice(struct tb_loop *loop)
{
    struct tb_fanout *fanout = &loop->fanout;
    int64_t start_us = tb_loop_now_us(loop), now_us = start_us;
    earn(loop, start_us);
    while (!h2o_linklist_is_empty(&fanout->ready) && now_us - start_us < fanout->credit_us) {
        struct tb_stream *stream = by_turn(fanout->ready.next);
        begin_round(loop);
        tb_fanout_leave(stream);
        serve(stream);
        now_us = tb_loop_now_us(loop);
    }
    fanout->credit_us -= now_us - start_us;
    tb_number_set(&metrics_of(loop)->log_reads, fanout->source.log_reads);
    tb_number_set(&metrics_of(loop)->resets, fanout->source.resets);
    if (h2o_linklist_is_empty(&fanout->ready)) {
        end_round(loop);
    }
    if (!h2o_linklist_is_empty(&fanout->ready)) {
        schedule(loop);
    }
}

static void on_turn(h2o_timeout_entry_t *entry)
{
    run_slice(H2O_STRUCT_FROM_MEMBER(struct tb_loop, fanout.turn, entry));
}

void tb_fanout_on_news(struct tb_loop *loop)
{
    struct tb_fanout *fanout = &loop->fanout;
    if (h2o_linklist_is_empty(&fanout->resting)) {
        return;
    }
    h2o_linklist_insert_list(fanout->in_round ? &fanout->waiting : &fanout->ready,
                             &fanout->resting);
    if (h2o_timeout_is_linked(&fanout->turn)) {
        return; /* busy already */
    }
    run_slice(loop);
}

/* --- looking after them --- */

static void send_heartbeat(struct tb_stream *stream)
{
    struct tb_buf out;
    tb_arena_reset(stream->loop->fanout.scratch);
    tb_buf_init(&out, stream->loop->fanout.scratch, 64);
    TB_BUF_LIT(&out, ": heartbeat\n");
    if (stream->subscriber.channel->format == TB_STREAM_EVENTS) {
        /* Who waits for something rare, and comes back, need not look through the rest again. */
        TB_BUF_LIT(&out, "id: ");
        tb_buf_add_u64(&out, stream->subscriber.cursor);
        TB_BUF_LIT(&out, "\n");
    }
    TB_BUF_LIT(&out, "\n");
    tb_stream_send_bytes(stream, tb_buf_str(&out));
}

static void look_at_websocket(struct tb_stream *stream, uint64_t now_ms)
{
    if (stream->pinged_ms != 0 && now_ms - stream->pinged_ms >= PONG_MS) {
        tb_log(TB_LOG_INFO, "cut off a client that gives no sign of life",
               TB_LOG_STR("id", stream->id));
        tb_number_add(&metrics_of(stream->loop)->cut_silent, 1);
        tb_stream_end(stream, TB_WEBSOCKET_FAULT);
    } else if (stream->pinged_ms == 0 && now_ms - stream->heard_ms >= PING_MS) {
        stream->pinged_ms = now_ms;
        tb_websocket_ping(stream->websocket);
        tb_fanout_ready(stream);
    }
}

static void look_at(struct tb_stream *stream, uint64_t now_ms)
{
    if (stream->socket == NULL) {
        return;
    }
    if (stream->ending && now_ms - stream->ending_ms >= GOODBYE_MS) {
        tb_stream_close(stream);
    } else if (tb_stream_is_sending(stream)) {
        int fd = h2o_socket_get_fd(stream->socket);
        if (tb_watch_is_stuck(fd, now_ms, &stream->sent_ms, &stream->acked_bytes)) {
            tb_log(TB_LOG_INFO, "cut off a client that does not read",
                   TB_LOG_STR("id", stream->id));
            tb_number_add(&metrics_of(stream->loop)->cut_slow, 1);
            tb_stream_close(stream);
        }
    } else if (stream->websocket != NULL) {
        look_at_websocket(stream, now_ms);
    } else if (now_ms - stream->sent_ms >= TB_STREAM_HEARTBEAT_MS) {
        send_heartbeat(stream);
    }
}

static void note_lag(struct tb_fanout *fanout, const struct tb_stream *stream, uint64_t head)
{
    uint64_t cursor = stream->subscriber.cursor;
    uint64_t lag = cursor < head ? head - cursor : 0;
    fanout->lag_max = lag > fanout->lag_max ? lag : fanout->lag_max;
}

/* All of them have been looked at. */
static void tell_lag(struct tb_loop *loop)
{
    tb_number_set(&metrics_of(loop)->lag, loop->fanout.lag_max);
    loop->fanout.lag_max = 0;
}

static void for_each(struct tb_loop *loop, void (*visit)(struct tb_stream *stream))
{
    h2o_linklist_t *all = &loop->fanout.all;
    for (h2o_linklist_t *node = all->next; node != all;) {
        h2o_linklist_t *next = node->next;
        visit(by_link(node));
        node = next;
    }
}

static void note_end(struct tb_stream *stream)
{
    struct tb_fanout *fanout = &stream->loop->fanout;
    int64_t ends_ms = stream->ticket.expires_ms;
    if (ends_ms != 0 && ends_ms < fanout->next_end_ms) {
        fanout->next_end_ms = ends_ms;
    }
}

static void check_ticket(struct tb_stream *stream)
{
    if (tb_ticket_is_good(&stream->loop->worker, &stream->ticket)) {
        note_end(stream);
    } else {
        tb_stream_revoke(stream);
    }
}

/* All at once, whenever a credential was made or deleted, or one of theirs is over. */
static void check_tickets(struct tb_loop *loop)
{
    struct tb_fanout *fanout = &loop->fanout;
    const struct tb_http *http = loop->worker.http;
    uint64_t changes = tb_service_credential_changes(http->service);
    if (changes == fanout->credential_changes &&
        (fanout->next_end_ms == INT64_MAX || tb_clock_wall_ms(http->clock) < fanout->next_end_ms)) {
        return;
    }
    fanout->credential_changes = changes;
    fanout->next_end_ms = INT64_MAX;
    for_each(loop, check_ticket);
}

void tb_fanout_look(struct tb_loop *loop)
{
    struct tb_fanout *fanout = &loop->fanout;
    check_tickets(loop);
    uint64_t now_ms = tb_loop_now_ms(loop);
    uint64_t head = head_of(loop);
    for (unsigned left = fanout->count / LOOKS_A_SECOND + 1; left > 0 && fanout->count > 0;
         left--) {
        h2o_linklist_t *node = fanout->next_look;
        fanout->next_look = node->next;
        if (node != &fanout->all) {
            note_lag(fanout, by_link(node), head);
            look_at(by_link(node), now_ms);
        } else {
            tell_lag(loop);
        }
    }
}

static void end(struct tb_stream *stream)
{
    tb_stream_end(stream, TB_WEBSOCKET_GOING_AWAY);
}

void tb_fanout_drain(struct tb_loop *loop)
{
    for_each(loop, end);
}

static void cut(struct tb_stream *stream)
{
    if (stream->socket != NULL) {
        tb_stream_close(stream);
    }
}

void tb_fanout_cut(struct tb_loop *loop)
{
    for_each(loop, cut);
}

/* --- coming and going --- */

void tb_fanout_add(struct tb_stream *stream)
{
    h2o_linklist_insert(&stream->loop->fanout.all, &stream->link);
    tb_number_set(&metrics_of(stream->loop)->open, ++stream->loop->fanout.count);
    note_end(stream);
}

void tb_fanout_remove(struct tb_stream *stream)
{
    struct tb_fanout *fanout = &stream->loop->fanout;
    if (fanout->next_look == &stream->link) {
        fanout->next_look = stream->link.next;
    }
    h2o_linklist_unlink(&stream->link);
    tb_fanout_leave(stream);
    tb_number_set(&metrics_of(stream->loop)->open, --fanout->count);
    if (fanout->count == 0) {
        fanout->lag_max = 0;
        tell_lag(stream->loop);
    }
}

void tb_fanout_open(struct tb_loop *loop)
{
    struct tb_fanout *fanout = &loop->fanout;
    tb_stream_source_init(&fanout->source, loop->worker.reader);
    h2o_linklist_init_anchor(&fanout->all);
    h2o_linklist_init_anchor(&fanout->ready);
    h2o_linklist_init_anchor(&fanout->waiting);
    h2o_linklist_init_anchor(&fanout->resting);
    h2o_timeout_init(loop->context.loop, &fanout->next_turn, TURN_MS);
    fanout->next_look = &fanout->all;
    fanout->next_end_ms = INT64_MAX;
    fanout->turn.cb = on_turn;
    fanout->credit_at_us = tb_loop_now_us(loop);
    fanout->scratch = tb_arena_new(SCRATCH_BYTES);
}

void tb_fanout_close(struct tb_loop *loop)
{
    struct tb_fanout *fanout = &loop->fanout;
    assert(h2o_linklist_is_empty(&fanout->all));
    h2o_timeout_unlink(&fanout->turn);
    h2o_timeout_dispose(loop->context.loop, &fanout->next_turn);
    tb_stream_source_fini(&fanout->source);
    tb_arena_free(fanout->scratch);
}
