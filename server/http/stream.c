#include "http/stream.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"
#include "http/stream_channel.h"
#include "http/stream_window.h"
#include "http/stream_write.h"

/* A parcel ends with the event that makes it that long. Who takes it compressed is sent a small
 * part of that: many events then cost one write, and are compressed to less. */
#define PARCEL_BYTES      ((size_t)64 * 1024)
#define GZIP_PARCEL_BYTES ((size_t)256 * 1024)

/* A parcel as it is, and compressed. */
#define SCRATCH_BYTES (2 * (GZIP_PARCEL_BYTES + GZIP_PARCEL_BYTES / 4))

/* A subscriber that looks for one task goes through the task's index when it is that far behind. */
#define FAR_BEHIND 2000

/* --- parcels --- */

/* With one reference. */
static struct tb_parcel *parcel_of(struct tb_str bytes)
{
    struct tb_parcel *parcel = malloc(sizeof(*parcel) + bytes.len);
    if (parcel == NULL) {
        tb_out_of_memory();
    }
    *parcel = (struct tb_parcel){.refs = 1, .len = bytes.len};
    memcpy(parcel->bytes, bytes.ptr, bytes.len);
    return parcel;
}

struct tb_parcel *tb_parcel_hold(struct tb_parcel *parcel)
{
    parcel->refs++;
    return parcel;
}

void tb_parcel_drop(struct tb_parcel **parcel)
{
    if (*parcel != NULL && --(*parcel)->refs == 0) {
        free(*parcel);
    }
    *parcel = NULL;
}

/* --- rounds --- */

void tb_stream_source_init(struct tb_stream_source *source, struct tb_reader *reader)
{
    *source = (struct tb_stream_source){.reader = reader};
}

void tb_stream_source_fini(struct tb_stream_source *source)
{
    for (size_t i = 0; i < TB_STREAM_CHANNELS; i++) {
        assert(source->channels[i] == NULL);
    }
    tb_stream_end_round(source);
    tb_gzip_free(&source->gzip);
    tb_arena_free(source->scratch);
}

void tb_stream_begin_round(struct tb_stream_source *source, uint64_t head)
{
    assert(head >= source->head);
    tb_stream_end_round(source);
    source->head = head;
}

void tb_stream_end_round(struct tb_stream_source *source)
{
    for (size_t i = 0; i < TB_STREAM_PARCELS; i++) {
        tb_parcel_drop(&source->parcels[i]);
    }
    for (size_t i = 0; i < TB_STREAM_WINDOWS; i++) {
        tb_stream_window_free(&source->windows[i]);
    }
}

/* --- making a parcel --- */

static struct tb_buf begin_parcel(struct tb_stream_source *source)
{
    struct tb_buf out;
    if (source->scratch == NULL) {
        source->scratch = tb_arena_new(SCRATCH_BYTES + 1024);
    }
    tb_arena_reset(source->scratch);
    tb_buf_init(&out, source->scratch, SCRATCH_BYTES / 2);
    return out;
}

static size_t parcel_bytes_max(const struct tb_channel *channel)
{
    return channel->coding == TB_STREAM_GZIP ? GZIP_PARCEL_BYTES : PARCEL_BYTES;
}

static struct tb_parcel *compress(struct tb_stream_source *source, struct tb_str plain)
{
    struct tb_buf out;
    if (source->gzip == NULL) {
        source->gzip = tb_gzip_new();
    }
    tb_buf_init(&out, source->scratch, 0);
    tb_gzip_deflate(source->gzip, &out, plain);
    struct tb_parcel *parcel = parcel_of(tb_buf_str(&out));
    parcel->part = tb_gzip_part_of(plain);
    return parcel;
}

static struct tb_parcel *end_parcel(struct tb_stream_source *source, const struct tb_buf *out,
                                    const struct tb_subscriber *subscriber, uint64_t until)
{
    const struct tb_channel *channel = subscriber->channel;
    if (out->len == 0) {
        return NULL;
    }
    struct tb_parcel *parcel = channel->coding == TB_STREAM_GZIP ? compress(source, tb_buf_str(out))
                                                                 : parcel_of(tb_buf_str(out));
    parcel->channel = channel;
    parcel->from = subscriber->cursor;
    parcel->until = until;
    return parcel;
}

/* What of the window comes next, and fits. */
static void take_from_window(struct tb_stream_source *source, const struct tb_stream_window *window,
                             struct tb_subscriber *subscriber, struct tb_parcel **parcel)
{
    const struct tb_channel *channel = subscriber->channel;
    struct tb_buf out = begin_parcel(source);
    uint64_t until = subscriber->cursor;
    while (until < window->until && out.len < parcel_bytes_max(channel)) {
        const struct tb_event *event = tb_stream_window_event(window, ++until);
        if (tb_channel_wants(channel, event)) {
            tb_stream_write_event(&out, channel->format, event);
        }
    }
    *parcel = end_parcel(source, &out, subscriber, until);
    subscriber->cursor = until;
}

/* A walk over the events of one task. */
struct walk {
    const struct tb_channel *channel;
    struct tb_buf out;
    uint64_t head;
    uint64_t until;
};

static enum tb_visit add_event(void *ctx, const struct tb_event *event)
{
    struct walk *walk = ctx;
    if (event->seq > walk->head) {
        return TB_VISIT_STOP;
    }
    if (tb_channel_wants(walk->channel, event)) {
        tb_stream_write_event(&walk->out, walk->channel->format, event);
    }
    if (walk->out.len < parcel_bytes_max(walk->channel)) {
        return TB_VISIT_NEXT;
    }
    walk->until = event->seq;
    return TB_VISIT_STOP;
}

static enum tb_err take_from_index(struct tb_stream_source *source, struct tb_txn *txn,
                                   struct tb_subscriber *subscriber, struct tb_parcel **parcel)
{
    const struct tb_channel *channel = subscriber->channel;
    struct walk walk = {
        .channel = channel,
        .out = begin_parcel(source),
        .head = source->head,
        .until = source->head,
    };
    enum tb_err err =
        tb_visit_events(txn, subscriber->cursor, channel->filter.task_id, add_event, &walk);
    if (err == TB_OK) {
        *parcel = end_parcel(source, &walk.out, subscriber, walk.until);
        subscriber->cursor = walk.until;
    }
    return err;
}

static struct tb_parcel *tell_of_loss(struct tb_stream_source *source,
                                      struct tb_subscriber *subscriber, const struct tb_head *head)
{
    struct tb_buf out = begin_parcel(source);
    tb_stream_write_reset(&out, subscriber->channel->format, head->oldest_seq, head->seq);
    struct tb_parcel *parcel = end_parcel(source, &out, subscriber, head->oldest_seq - 1);
    subscriber->cursor = head->oldest_seq - 1;
    source->resets++;
    return parcel;
}

/* --- the next step --- */

static struct tb_parcel **slot_of(struct tb_stream_source *source,
                                  const struct tb_subscriber *subscriber)
{
    uint64_t hash = (subscriber->channel->hash + subscriber->cursor) * UINT64_C(0x9e3779b97f4a7c15);
    return &source->parcels[(hash >> 32) % TB_STREAM_PARCELS];
}

static bool is_for(const struct tb_parcel *parcel, const struct tb_subscriber *subscriber)
{
    return parcel != NULL && parcel->channel == subscriber->channel &&
           parcel->from == subscriber->cursor;
}

static enum tb_err read_log(struct tb_stream_source *source, struct tb_subscriber *subscriber,
                            struct tb_parcel **parcel)
{
    struct tb_txn *txn;
    const struct tb_stream_window *window = NULL;
    struct tb_arena *arena = tb_arena_new(0);
    bool by_task = !tb_id_is_zero(subscriber->channel->filter.task_id) &&
                   source->head - subscriber->cursor > FAR_BEHIND;
    enum tb_err err = tb_read_begin(source->reader, arena, &txn);
    if (err != TB_OK) {
        tb_arena_free(arena);
        return err;
    }
    source->log_reads++;
    const struct tb_head *head = tb_txn_head(txn);
    bool ahead = subscriber->ahead;
    subscriber->ahead = false;
    if (subscriber->cursor > head->seq || subscriber->cursor + 1 < head->oldest_seq) {
        *parcel = tell_of_loss(source, subscriber, head);
    } else if (ahead) {
        /* what a snapshot showed is not announced yet: nothing is to be sent */
    } else if (by_task) {
        err = take_from_index(source, txn, subscriber, parcel);
    } else {
        err = tb_stream_window_read(source, txn, subscriber->cursor, &window);
    }
    tb_read_end(&txn);
    tb_arena_free(arena);
    if (window != NULL) {
        take_from_window(source, window, subscriber, parcel);
    }
    return err;
}

bool tb_stream_is_behind(const struct tb_stream_source *source,
                         const struct tb_subscriber *subscriber)
{
    return subscriber->ahead || subscriber->cursor < source->head;
}

static enum tb_err take_next(struct tb_stream_source *source, struct tb_subscriber *subscriber,
                             struct tb_parcel **parcel)
{
    if (subscriber->ahead) {
        return read_log(source, subscriber, parcel);
    }
    if (subscriber->channel->filter.nothing) {
        subscriber->cursor = source->head;
        return TB_OK;
    }
    struct tb_parcel **slot = slot_of(source, subscriber);
    if (is_for(*slot, subscriber)) {
        *parcel = tb_parcel_hold(*slot);
        subscriber->cursor = (*slot)->until;
        return TB_OK;
    }
    const struct tb_stream_window *window = tb_stream_window_at(source, subscriber->cursor);
    if (window != NULL) {
        take_from_window(source, window, subscriber, parcel);
    } else {
        enum tb_err err = read_log(source, subscriber, parcel);
        if (err != TB_OK) {
            return err;
        }
    }
    if (*parcel != NULL) {
        tb_parcel_drop(slot);
        *slot = tb_parcel_hold(*parcel);
    }
    return TB_OK;
}

/* --- what it is given --- */

static void count(struct tb_subscriber *subscriber, const struct tb_gzip_part *part)
{
    assert(!subscriber->ended);
    if (subscriber->channel->coding == TB_STREAM_GZIP) {
        tb_gzip_add(&subscriber->sum, part);
    }
}

enum tb_err tb_stream_next(struct tb_stream_source *source, struct tb_subscriber *subscriber,
                           struct tb_parcel **parcel)
{
    *parcel = NULL;
    assert(tb_stream_is_behind(source, subscriber));
    enum tb_err err = take_next(source, subscriber, parcel);
    if (*parcel != NULL) {
        count(subscriber, &(*parcel)->part);
    }
    return err;
}

struct tb_str tb_stream_opening(struct tb_subscriber *subscriber, struct tb_arena *arena,
                                struct tb_str plain)
{
    struct tb_buf out;
    if (subscriber->channel->coding == TB_STREAM_PLAIN) {
        return plain;
    }
    struct tb_gzip_part part = tb_gzip_part_of(plain);
    tb_buf_init(&out, arena, plain.len + 64);
    tb_gzip_begin(&out);
    tb_gzip_store(&out, plain);
    count(subscriber, &part);
    return tb_buf_str(&out);
}

struct tb_parcel *tb_stream_aside(struct tb_stream_source *source, struct tb_subscriber *subscriber,
                                  struct tb_str plain)
{
    if (subscriber->channel->coding == TB_STREAM_PLAIN) {
        return parcel_of(plain);
    }
    struct tb_buf out = begin_parcel(source);
    tb_gzip_store(&out, plain);
    struct tb_parcel *parcel = parcel_of(tb_buf_str(&out));
    parcel->part = tb_gzip_part_of(plain);
    count(subscriber, &parcel->part);
    return parcel;
}

struct tb_parcel *tb_stream_ending(struct tb_stream_source *source,
                                   struct tb_subscriber *subscriber)
{
    if (subscriber->channel->coding == TB_STREAM_PLAIN) {
        return NULL;
    }
    assert(!subscriber->ended);
    struct tb_buf out = begin_parcel(source);
    tb_gzip_end(&out, &subscriber->sum);
    subscriber->ended = true;
    return parcel_of(tb_buf_str(&out));
}
