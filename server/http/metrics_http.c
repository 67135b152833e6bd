/* GET /metrics: what the loops have counted. */
#include "http/context.h"
#include "http/metrics_page.h"
#include "http/tls.h"
#include "taskboard/limits.h"

/* --- requests --- */

/* Of all loops together. */
struct route_sum {
    uint64_t by_code[TB_CODE_COUNT];
    struct tb_histogram_sum duration_us;
    uint64_t answers;
};

static void sum_up(const struct tb_http *http, size_t route, struct route_sum *sum)
{
    *sum = (struct route_sum){.answers = 0};
    for (unsigned i = 0; i < http->loop_count; i++) {
        const struct tb_route_metrics *metrics = &http->metrics[i].routes[route];
        for (unsigned code = 0; code < TB_CODE_COUNT; code++) {
            uint64_t count = tb_number_get(&metrics->by_code[code]);
            sum->by_code[code] += count;
            sum->answers += count;
        }
        tb_histogram_add(&sum->duration_us, &metrics->duration_us);
    }
}

static const char *method_of(const struct tb_http *http, size_t route)
{
    return route == TB_NO_ROUTE ? "other" : tb_method_name(http->router.routes[route].method);
}

static const char *path_of(const struct tb_http *http, size_t route)
{
    return route == TB_NO_ROUTE ? "other" : http->router.routes[route].path;
}

static size_t route_after(const struct tb_http *http, size_t route)
{
    return route + 1 == http->router.count ? TB_NO_ROUTE : route + 1;
}

/* Routes and statuses that nobody has met have no lines. */
static void add_requests(struct tb_buf *out, const struct tb_http *http)
{
    static const struct tb_metric metric = {
        .name = "taskboard_http_requests_total",
        .type = TB_METRIC_COUNTER,
        .help = "Answers that began to be sent, by route and status.",
    };
    tb_metric_begin(out, &metric);
    for (size_t route = 0; route <= TB_NO_ROUTE; route = route_after(http, route)) {
        struct route_sum sum;
        sum_up(http, route, &sum);
        for (unsigned code = 0; code < TB_CODE_COUNT; code++) {
            if (sum.by_code[code] > 0) {
                tb_metric_value(out, &metric,
                                TB_LABELS({"method", method_of(http, route)},
                                          {"route", path_of(http, route)},
                                          {"status", tb_code_name((enum tb_code)code)}),
                                sum.by_code[code]);
            }
        }
    }
}

static void add_durations(struct tb_buf *out, const struct tb_http *http)
{
    static const struct tb_metric metric = {
        .name = "taskboard_http_request_duration_seconds",
        .type = TB_METRIC_HISTOGRAM,
        .help = "From a request's last byte to the begin of its answer; without those that waited "
                "on purpose.",
        .decimals = TB_US_DECIMALS,
    };
    tb_metric_begin(out, &metric);
    for (size_t route = 0; route <= TB_NO_ROUTE; route = route_after(http, route)) {
        struct route_sum sum;
        sum_up(http, route, &sum);
        if (sum.answers > 0) {
            tb_metric_histogram(
                out, &metric,
                TB_LABELS({"method", method_of(http, route)}, {"route", path_of(http, route)}),
                &tb_duration_us_bounds, &sum.duration_us);
        }
    }
}

/* --- connections and streams --- */

/* Of all loops together: the number at that offset in struct tb_loop_metrics. */
static uint64_t sum_at(const struct tb_http *http, size_t offset)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < http->loop_count; i++) {
        const char *metrics = (const char *)&http->metrics[i];
        sum += tb_number_get((const tb_number *)(const void *)(metrics + offset));
    }
    return sum;
}

#define SUM(http, member) sum_at((http), offsetof(struct tb_loop_metrics, member))

static void add_connections(struct tb_buf *out, struct tb_http *http)
{
    tb_page_gauge(out, "taskboard_connections", "Open connections of clients.",
                  SUM(http, connections));
    tb_page_gauge(out, "taskboard_connections_max", "Most connections at once.",
                  http->connections_max);
    tb_page_counter(out, "taskboard_connections_refused_total",
                    "Connections turned away because there were too many.",
                    SUM(http, connections_refused));
    tb_page_counter(out, "taskboard_connections_refused_by_address_total",
                    "Connections turned away because their address had too many.",
                    SUM(http, connections_refused_by_address));
    tb_page_counter(out, "taskboard_clients_cut_off_total",
                    "Clients cut off because they did not read their answers, streams apart.",
                    SUM(http, clients_cut_off));
    tb_page_counter(out, "taskboard_failed_logins_total", "Wrong tokens, links and sessions.",
                    atomic_load_explicit(&http->failed_logins, memory_order_relaxed));
    tb_page_gauge(out, "taskboard_held_reads", "Reads that wait for a change.",
                  atomic_load_explicit(&http->held_count, memory_order_relaxed));
}

/* Only where there is native TLS. */
static void add_tls(struct tb_buf *out, const struct tb_http *http)
{
    static const struct tb_metric handshakes = {
        .name = "taskboard_tls_handshakes_total",
        .type = TB_METRIC_COUNTER,
        .help = "Handshakes of native TLS; failed are also those of clients that left.",
    };
    static const struct tb_metric expiry = {
        .name = "taskboard_tls_certificate_expiry_timestamp_seconds",
        .type = TB_METRIC_GAUGE,
        .help = "Until when the certificate that is in use is valid, since 1970.",
        .decimals = TB_MS_DECIMALS,
    };
    if (http->tls == NULL) {
        return;
    }
    tb_metric_begin(out, &handshakes);
    tb_metric_value(out, &handshakes, TB_LABELS({"result", "done"}), SUM(http, handshakes.done));
    tb_metric_value(out, &handshakes, TB_LABELS({"result", "failed"}),
                    SUM(http, handshakes.failed));
    tb_metric_value(out, &handshakes, TB_LABELS({"result", "timed_out"}),
                    SUM(http, handshakes.timed_out));
    tb_metric_single(out, &expiry, (uint64_t)tb_tls_validity(http->tls).until_ms);
}

static uint64_t slowest_lag(const struct tb_http *http)
{
    uint64_t slowest = 0;
    for (unsigned i = 0; i < http->loop_count; i++) {
        uint64_t lag = tb_number_get(&http->metrics[i].streams.lag);
        slowest = lag > slowest ? lag : slowest;
    }
    return slowest;
}

static void add_streams(struct tb_buf *out, const struct tb_http *http)
{
    static const struct tb_metric cut = {
        .name = "taskboard_streams_cut_off_total",
        .type = TB_METRIC_COUNTER,
        .help = "Streams ended because the client did not read, or gave no sign of life.",
    };
    tb_page_gauge(out, "taskboard_streams", "Open streams of events.", SUM(http, streams.open));
    tb_page_gauge(out, "taskboard_streams_max", "Most streams at once.", TB_STREAMS_MAX);
    tb_page_gauge(out, "taskboard_stream_lag_events",
                  "Events that the slowest stream is behind, looked at once a second.",
                  slowest_lag(http));
    tb_page_counter(out, "taskboard_stream_parcels_total", "Writes to streams.",
                    SUM(http, streams.parcels));
    tb_page_counter(out, "taskboard_stream_sent_bytes_total", "Bytes written to streams.",
                    SUM(http, streams.bytes));
    tb_page_counter(out, "taskboard_stream_log_reads_total", "Reads of the log for streams.",
                    SUM(http, streams.log_reads));
    tb_page_counter(out, "taskboard_stream_resets_total",
                    "Streams told that events they wanted are not kept any more.",
                    SUM(http, streams.resets));
    tb_metric_begin(out, &cut);
    tb_metric_value(out, &cut, TB_LABELS({"reason", "slow"}), SUM(http, streams.cut_slow));
    tb_metric_value(out, &cut, TB_LABELS({"reason", "silent"}), SUM(http, streams.cut_silent));
}

static uint64_t last_backup_ms(const struct tb_http *http)
{
    uint64_t last_ms = 0;
    for (unsigned i = 0; i < http->loop_count; i++) {
        uint64_t ms = tb_number_get(&http->metrics[i].transfers[TB_TRANSFER_BACKUP].whole_last_ms);
        last_ms = ms > last_ms ? ms : last_ms;
    }
    return last_ms;
}

static void add_transfers(struct tb_buf *out, struct tb_http *http)
{
    static const struct tb_metric ended = {
        .name = "taskboard_transfers_total",
        .type = TB_METRIC_COUNTER,
        .help = "Backups and exports that have ended, whole or cut off.",
    };
    static const struct tb_metric last = {
        .name = "taskboard_last_backup_timestamp_seconds",
        .type = TB_METRIC_GAUGE,
        .help = "When a backup was last sent whole, since 1970; 0: not since the start.",
        .decimals = TB_MS_DECIMALS,
    };
#define ENDED(kind, outcome) TB_LABELS({"kind", kind}, {"outcome", outcome})
    tb_page_gauge(out, "taskboard_transfers", "Backups and exports under way.",
                  atomic_load_explicit(&http->transfer_count, memory_order_relaxed));
    tb_metric_begin(out, &ended);
    tb_metric_value(out, &ended, ENDED("backup", "whole"),
                    SUM(http, transfers[TB_TRANSFER_BACKUP].whole));
    tb_metric_value(out, &ended, ENDED("backup", "cut_off"),
                    SUM(http, transfers[TB_TRANSFER_BACKUP].cut_off));
    tb_metric_value(out, &ended, ENDED("export", "whole"),
                    SUM(http, transfers[TB_TRANSFER_EXPORT].whole));
    tb_metric_value(out, &ended, ENDED("export", "cut_off"),
                    SUM(http, transfers[TB_TRANSFER_EXPORT].cut_off));
#undef ENDED
    tb_metric_single(out, &last, last_backup_ms(http));
}

void tb_page_add_http(struct tb_buf *out, struct tb_http *http)
{
    add_connections(out, http);
    add_tls(out, http);
    add_streams(out, http);
    add_transfers(out, http);
    add_requests(out, http);
    add_durations(out, http);
}
