/* What a loop counts: written by its thread, read by any. */
#ifndef TB_HTTP_LOOP_METRICS_H
#define TB_HTTP_LOOP_METRICS_H

#include "base/metrics.h"
#include "http/route.h"
#include "http/transfer.h"

/* The statuses that are told apart. */
#define TB_CODE_TABLE(X)                                                                           \
    X(101)                                                                                         \
    X(200)                                                                                         \
    X(201)                                                                                         \
    X(204)                                                                                         \
    X(302)                                                                                         \
    X(303)                                                                                         \
    X(304)                                                                                         \
    X(400)                                                                                         \
    X(401)                                                                                         \
    X(403)                                                                                         \
    X(404)                                                                                         \
    X(405)                                                                                         \
    X(409)                                                                                         \
    X(410)                                                                                         \
    X(412)                                                                                         \
    X(413)                                                                                         \
    X(415)                                                                                         \
    X(417)                                                                                         \
    X(422)                                                                                         \
    X(426)                                                                                         \
    X(428)                                                                                         \
    X(429)                                                                                         \
    X(500)                                                                                         \
    X(503)                                                                                         \
    X(507)

#define TB_CODE_ENUM(status) TB_CODE_##status,
enum tb_code { TB_CODE_TABLE(TB_CODE_ENUM) TB_CODE_OTHER, TB_CODE_COUNT };
#undef TB_CODE_ENUM

/* The text of a label: `404`, or `other`. */
const char *tb_code_name(enum tb_code code);

struct tb_route_metrics {
    tb_number by_code[TB_CODE_COUNT];
    struct tb_histogram duration_us; /* of those that did not wait on purpose */
};

extern const struct tb_bounds tb_duration_us_bounds;

/* Of the streams of events. */
struct tb_stream_metrics {
    tb_number open;
    tb_number parcels;
    tb_number bytes;
    tb_number resets;
    tb_number log_reads;
    tb_number cut_slow;
    tb_number cut_silent;
    tb_number lag; /* events that the slowest is behind, as of the last look at all */
};

/* Of the answers that a thread of their own makes. */
struct tb_transfer_metrics {
    tb_number whole;
    tb_number cut_off;       /* it failed, or the client left */
    tb_number whole_last_ms; /* when one was last sent whole, since 1970; 0: none was */
};

/* Of native TLS. */
struct tb_handshake_metrics {
    tb_number done;
    tb_number failed; /* also by clients that left */
    tb_number timed_out;
};

struct tb_loop_metrics {
    _Alignas(TB_CACHE_LINE_BYTES) tb_number connections;
    tb_number connections_refused;            /* because there were too many */
    tb_number connections_refused_by_address; /* because there were too many of theirs */
    tb_number clients_cut_off;                /* that did not read their answers */
    struct tb_handshake_metrics handshakes;
    struct tb_stream_metrics streams;
    struct tb_transfer_metrics transfers[TB_TRANSFER_KIND_COUNT];
    struct tb_route_metrics routes[TB_ROUTES_MAX + 1]; /* as in the table; the last is of requests
                                                        * that no route takes */
};

/* Those of `count` loops, all zero. NULL: out of memory. To be freed with free(). */
struct tb_loop_metrics *tb_loop_metrics_new(unsigned count);

/* What stands for the requests that no route takes. */
#define TB_NO_ROUTE TB_ROUTES_MAX

/* An answer that begins to be sent. `duration_us` is the time since the request had come as a
 * whole; negative: it waited on purpose, so that this tells nothing. */
void tb_loop_metrics_answer(struct tb_loop_metrics *metrics, size_t route, int status,
                            int64_t duration_us);

#endif
