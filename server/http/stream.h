/* Streams of events: what a subscriber is sent next. Neither sockets nor the HTTP library are known
 * here.
 *
 *   log ──► window ──────► parcel ──────────► subscriber, subscriber, …
 *           some events,   the bytes for     a cursor each
 *           parsed once    one channel
 *
 * A subscriber owns nothing but a cursor. What it is sent is made when it can take it, in parcels
 * of bounded size, so that a slow one costs no memory. Subscribers of the same channel (the same
 * format, coding and filter) at the same cursor share the parcel. In a round all are brought up to
 * the same seq: at its end those who keep up stand at the same cursor, whatever they did before.
 *
 * A parcel is compressed once, for all who get it: it is a part of each one's gzip member that does
 * not depend on what that one was sent before. Of its own a subscriber has only the sum that stands
 * at the member's end.
 *
 * Owned by one loop's thread; no I/O but reading the store. */
#ifndef TB_HTTP_STREAM_H
#define TB_HTTP_STREAM_H

#include "board/query.h"
#include "http/gzip.h"
#include "taskboard/storage.h"

enum tb_stream_format {
    TB_STREAM_EVENTS,    /* server-sent events, each an event of the log */
    TB_STREAM_FEED,      /* server-sent events, each the feed's view of one of its events */
    TB_STREAM_WEBSOCKET, /* text frames, each an event of the log */
};

enum tb_stream_coding {
    TB_STREAM_PLAIN,
    TB_STREAM_GZIP, /* not of a WebSocket */
};

/* Bytes to send, of which every reader holds a reference. */
struct tb_parcel {
    unsigned refs;
    uint64_t from;  /* made for a subscriber of that cursor … */
    uint64_t until; /* … which then stands there */
    const struct tb_channel *channel;
    struct tb_gzip_part part; /* of a compressed one */
    size_t len;
    char bytes[];
};

struct tb_parcel *tb_parcel_hold(struct tb_parcel *parcel);
void tb_parcel_drop(struct tb_parcel **parcel); /* NULL in it is accepted */

/* A format, a coding and a filter; there is one of each in a source. */
struct tb_channel {
    struct tb_channel *next; /* with the same hash */
    uint64_t hash;
    unsigned refs;
    enum tb_stream_format format;
    enum tb_stream_coding coding;
    struct tb_events_request filter; /* its since and limit are nobody's */
};

struct tb_subscriber {
    struct tb_channel *channel;
    uint64_t cursor; /* all events up to here it has been sent, or they do not fit */
    bool ahead;      /* its cursor was beyond the head that was known: a snapshot tells whether
                             * a list was read a moment early, or it is none of this log */
    bool ended;      /* has been given the end of its stream: nothing may come behind it */
    struct tb_gzip_sum sum; /* of all that it has been given, if that is compressed */
};

#define TB_STREAM_WINDOWS  4
#define TB_STREAM_PARCELS  32
#define TB_STREAM_CHANNELS 1024

struct tb_stream_window;

/* What the subscribers of one loop share. */
struct tb_stream_source {
    struct tb_reader *reader; /* borrowed */
    struct tb_arena *scratch; /* of one parcel while it is made */
    struct tb_gzip *gzip;     /* made when it is first needed */
    uint64_t head;            /* where this round ends */
    struct tb_stream_window *windows[TB_STREAM_WINDOWS];
    unsigned next_window;
    struct tb_parcel *parcels[TB_STREAM_PARCELS]; /* of this round */
    struct tb_channel *channels[TB_STREAM_CHANNELS];
    uint64_t log_reads; /* how often the log was read */
    uint64_t resets;    /* how often a subscriber was told that it has lost something */
};

void tb_stream_source_init(struct tb_stream_source *source, struct tb_reader *reader);

/* After all subscribers have left. */
void tb_stream_source_fini(struct tb_stream_source *source);

/* Begins a round that goes up to `head`, a seq that is committed. */
void tb_stream_begin_round(struct tb_stream_source *source, uint64_t head);

/* Gives back the memory of the round: what is still being sent stays. */
void tb_stream_end_round(struct tb_stream_source *source);

/* `filter` is copied. */
void tb_stream_join(struct tb_stream_source *source, struct tb_subscriber *subscriber,
                    enum tb_stream_format format, enum tb_stream_coding coding,
                    const struct tb_events_request *filter);
void tb_stream_leave(struct tb_stream_source *source, struct tb_subscriber *subscriber);

/* Another filter in the place of the old one, from the same cursor on. */
void tb_stream_refilter(struct tb_stream_source *source, struct tb_subscriber *subscriber,
                        const struct tb_events_request *filter);

/* Is there something that it has not been sent, or not been found to be nothing for it? */
bool tb_stream_is_behind(const struct tb_stream_source *source,
                         const struct tb_subscriber *subscriber);

/* The next step of a subscriber that is behind: moves its cursor, and `*parcel` (a reference of the
 * caller's) is what it has to be sent, or NULL when nothing of that fits. A subscriber whose next
 * event is not kept any more is told that, and goes on from the oldest. */
TB_MUST_CHECK enum tb_err tb_stream_next(struct tb_stream_source *source,
                                         struct tb_subscriber *subscriber,
                                         struct tb_parcel **parcel);

/* What else it is sent, in its coding. What is given out here and above has to be sent, in that
 * order: the sum counts it. */

/* The first bytes of all; `plain` may be empty. In the arena, or `plain` itself. */
struct tb_str tb_stream_opening(struct tb_subscriber *subscriber, struct tb_arena *arena,
                                struct tb_str plain);

/* Some bytes between events, as a parcel of its own. */
struct tb_parcel *tb_stream_aside(struct tb_stream_source *source, struct tb_subscriber *subscriber,
                                  struct tb_str plain);

/* What makes the stream whole before its connection ends, once; NULL: nothing does. */
struct tb_parcel *tb_stream_ending(struct tb_stream_source *source,
                                   struct tb_subscriber *subscriber);

#endif
