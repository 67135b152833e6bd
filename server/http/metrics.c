/* GET /metrics: what everybody has counted, and what one snapshot tells of the board, in
 * Prometheus's text format. Constant cost, however large the board is. It answers also when the
 * storage cannot be read: then what is of the store is left out. */
#include "base/metrics.h"

#include "base/process.h"
#include "board/pause.h"
#include "http/context.h"
#include "http/handlers.h"
#include "taskboard/limits.h"

#define FIRST_BYTES ((size_t)32 * 1024)
#define MS_DECIMALS 3
#define US_DECIMALS 6

static void add_counter(struct tb_buf *out, const char *name, const char *help, uint64_t value)
{
    const struct tb_metric metric = {.name = name, .type = TB_METRIC_COUNTER, .help = help};
    tb_metric_single(out, &metric, value);
}

static void add_gauge(struct tb_buf *out, const char *name, const char *help, uint64_t value)
{
    const struct tb_metric metric = {.name = name, .type = TB_METRIC_GAUGE, .help = help};
    tb_metric_single(out, &metric, value);
}

/* --- the process --- */

static void add_build(struct tb_buf *out)
{
    static const struct tb_metric metric = {
        .name = "taskboard_build_info",
        .type = TB_METRIC_GAUGE,
        .help = "Always 1; the label says which version runs.",
    };
    tb_metric_begin(out, &metric);
    tb_metric_value(out, &metric, TB_LABELS({"version", TB_VERSION}), 1);
}

/* The names are those that all of Prometheus's clients use. */
static void add_process(struct tb_buf *out)
{
    static const struct tb_metric cpu = {
        .name = "process_cpu_seconds_total",
        .type = TB_METRIC_COUNTER,
        .help = "Processor time of all threads.",
        .decimals = US_DECIMALS,
    };
    static const struct tb_metric start = {
        .name = "process_start_time_seconds",
        .type = TB_METRIC_GAUGE,
        .help = "When the process was started, since 1970.",
        .decimals = MS_DECIMALS,
    };
    struct tb_process process;
    if (!tb_process_read(&process)) {
        return; /* UNTESTED: the tests' machine has a /proc */
    }
    tb_metric_single(out, &cpu, process.cpu_us);
    tb_metric_single(out, &start, (uint64_t)process.started_ms);
    add_gauge(out, "process_resident_memory_bytes",
              "Memory in use, with pages of the store that are mapped.", process.resident_bytes);
    add_gauge(out, "process_virtual_memory_bytes",
              "Addresses in use; most is the map of the store.", process.virtual_bytes);
    add_gauge(out, "process_open_fds", "Open file descriptors.", process.open_files);
    add_gauge(out, "process_max_fds", "Most open file descriptors.", process.open_files_max);
    add_gauge(out, "process_threads", "Threads of the process.", process.threads);
}

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
        .decimals = US_DECIMALS,
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
    add_gauge(out, "taskboard_connections", "Open connections of clients.", SUM(http, connections));
    add_gauge(out, "taskboard_connections_max", "Most connections at once.", http->connections_max);
    add_counter(out, "taskboard_connections_refused_total",
                "Connections turned away because there were too many.",
                SUM(http, connections_refused));
    add_counter(out, "taskboard_clients_cut_off_total",
                "Clients cut off because they did not read their answers, streams apart.",
                SUM(http, clients_cut_off));
    add_counter(out, "taskboard_failed_logins_total", "Requests with a wrong token.",
                atomic_load_explicit(&http->failed_logins, memory_order_relaxed));
    add_gauge(out, "taskboard_held_reads", "Reads that wait for a change.",
              atomic_load_explicit(&http->held_count, memory_order_relaxed));
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
    add_gauge(out, "taskboard_streams", "Open streams of events.", SUM(http, streams.open));
    add_gauge(out, "taskboard_streams_max", "Most streams at once.", TB_STREAMS_MAX);
    add_gauge(out, "taskboard_stream_lag_events",
              "Events that the slowest stream is behind, looked at once a second.",
              slowest_lag(http));
    add_counter(out, "taskboard_stream_parcels_total", "Writes to streams.",
                SUM(http, streams.parcels));
    add_counter(out, "taskboard_stream_sent_bytes_total", "Bytes written to streams.",
                SUM(http, streams.bytes));
    add_counter(out, "taskboard_stream_log_reads_total", "Reads of the log for streams.",
                SUM(http, streams.log_reads));
    add_counter(out, "taskboard_stream_resets_total",
                "Streams told that events they wanted are not kept any more.",
                SUM(http, streams.resets));
    tb_metric_begin(out, &cut);
    tb_metric_value(out, &cut, TB_LABELS({"reason", "slow"}), SUM(http, streams.cut_slow));
    tb_metric_value(out, &cut, TB_LABELS({"reason", "silent"}), SUM(http, streams.cut_silent));
}

/* --- the committer --- */

static void add_queue(struct tb_buf *out, struct tb_service *service)
{
    struct tb_queue_state queue;
    tb_service_look_at_queue(service, &queue);
    add_gauge(out, "taskboard_queue_jobs", "Writes that wait for the committer.", queue.jobs);
    add_gauge(out, "taskboard_queue_jobs_max", "Most writes that may wait.", queue.jobs_max);
    add_gauge(out, "taskboard_queue_bytes", "Memory of the writes that wait.", queue.bytes);
    add_counter(out, "taskboard_queue_refused_total",
                "Writes answered 503 because the queue was full.", queue.refused);
}

static void add_histogram(struct tb_buf *out, const struct tb_metric *metric,
                          const struct tb_bounds *bounds, const struct tb_histogram *histogram)
{
    struct tb_histogram_sum sum = {.sum = 0};
    tb_histogram_add(&sum, histogram);
    tb_metric_begin(out, metric);
    tb_metric_histogram(out, metric, NULL, bounds, &sum);
}

static void add_batches(struct tb_buf *out, const struct tb_commit_metrics *metrics)
{
    static const struct tb_metric jobs = {
        .name = "taskboard_batch_jobs",
        .type = TB_METRIC_HISTOGRAM,
        .help = "Writes in a commit; none where the timer alone had something to do.",
    };
    static const struct tb_metric seconds = {
        .name = "taskboard_commit_duration_seconds",
        .type = TB_METRIC_HISTOGRAM,
        .help = "How long a commit took until it was on disk.",
        .decimals = US_DECIMALS,
    };
    add_histogram(out, &jobs, &tb_batch_jobs_bounds, &metrics->batch_jobs);
    add_histogram(out, &seconds, &tb_commit_us_bounds, &metrics->commit_us);
}

static void add_jobs(struct tb_buf *out, const struct tb_commit_metrics *metrics)
{
    static const struct tb_metric metric = {
        .name = "taskboard_jobs_total",
        .type = TB_METRIC_COUNTER,
        .help = "Writes and claims that the committer has answered.",
    };
    tb_metric_begin(out, &metric);
    for (unsigned i = 0; i < TB_JOB_OUTCOME_COUNT; i++) {
        tb_metric_value(out, &metric,
                        TB_LABELS({"outcome", tb_job_outcome_name((enum tb_job_outcome)i)}),
                        tb_number_get(&metrics->jobs[i]));
    }
}

static bool is_of_the_storage(enum tb_err err)
{
    return tb_err_status(err) >= 500 && err != TB_E_DRAINING && err != TB_E_TOO_MANY_ANSWERS &&
           err != TB_E_ABSENT && err != TB_E_CONFLICT;
}

static void add_failures(struct tb_buf *out, const struct tb_commit_metrics *metrics,
                         enum tb_err health)
{
    static const struct tb_metric failures = {
        .name = "taskboard_commit_failures_total",
        .type = TB_METRIC_COUNTER,
        .help = "Batches that could not be written, by the error.",
    };
    static const struct tb_metric fault = {
        .name = "taskboard_storage_fault",
        .type = TB_METRIC_GAUGE,
        .help = "1 for the error that the last batch met; all 0 while writes work.",
    };
    tb_metric_begin(out, &failures);
    for (unsigned err = 1; err < TB_ERR_COUNT; err++) {
        if (is_of_the_storage((enum tb_err)err)) {
            tb_metric_value(out, &failures, TB_LABELS({"code", tb_err_code((enum tb_err)err)}),
                            tb_number_get(&metrics->failures[err]));
        }
    }
    tb_metric_begin(out, &fault);
    for (unsigned err = 1; err < TB_ERR_COUNT; err++) {
        if (is_of_the_storage((enum tb_err)err)) {
            tb_metric_value(out, &fault, TB_LABELS({"code", tb_err_code((enum tb_err)err)}),
                            (enum tb_err)err == health);
        }
    }
}

static void add_claims(struct tb_buf *out, const struct tb_commit_metrics *metrics)
{
    static const struct tb_metric metric = {
        .name = "taskboard_claims_total",
        .type = TB_METRIC_COUNTER,
        .help = "Claims by what they got; not those that a result or a release asks for.",
    };
    tb_metric_begin(out, &metric);
    for (unsigned i = 0; i < TB_CLAIM_OUTCOME_COUNT; i++) {
        tb_metric_value(out, &metric,
                        TB_LABELS({"outcome", tb_claim_outcome_name((enum tb_claim_outcome)i)}),
                        tb_number_get(&metrics->claims[i]));
    }
    add_gauge(out, "taskboard_claims_waiting", "Claims that wait for a task.",
              tb_number_get(&metrics->waiting_claims));
    add_gauge(out, "taskboard_claims_waiting_max", "Most claims that may wait.",
              TB_WAITING_CLAIMS_MAX);
    add_counter(out, "taskboard_claims_abandoned_total",
                "Claims whose clients left while they waited.",
                tb_number_get(&metrics->gone_claims));
    add_counter(out, "taskboard_leases_expired_total",
                "Claims ended because no heartbeat came in time.",
                tb_number_get(&metrics->expired_claims));
    add_counter(out, "taskboard_leases_lost_total", "Claims ended because their VM was lost.",
                tb_number_get(&metrics->lost_claims));
    add_counter(out, "taskboard_vms_spared_total",
                "VMs that kept their claims for one more ttl because most were silent.",
                tb_number_get(&metrics->spared_vms));
}

static void add_events(struct tb_buf *out, const struct tb_commit_metrics *metrics)
{
    static const struct tb_metric metric = {
        .name = "taskboard_events_total",
        .type = TB_METRIC_COUNTER,
        .help = "Events written to the log, by type.",
    };
    tb_metric_begin(out, &metric);
    for (unsigned i = 0; i < TB_EVENT_TYPE_COUNT; i++) {
        tb_metric_value(out, &metric,
                        TB_LABELS({"type", tb_event_type_name((enum tb_event_type)i)}),
                        tb_number_get(&metrics->events[i]));
    }
}

static void add_service(struct tb_buf *out, struct tb_http *http)
{
    const struct tb_commit_metrics *metrics = tb_service_metrics(http->service);
    enum tb_err health = tb_service_health(http->service);
    add_gauge(out, "taskboard_draining", "1 while the server shuts down.",
              atomic_load_explicit(&http->draining, memory_order_relaxed));
    add_gauge(out, "taskboard_writable", "1 while the last batch could be written.",
              health == TB_OK);
    add_failures(out, metrics, health);
    add_queue(out, http->service);
    add_jobs(out, metrics);
    add_batches(out, metrics);
    add_claims(out, metrics);
    add_events(out, metrics);
}

/* --- the board --- */

/* Each task counts once. */
static void add_tasks(struct tb_buf *out, const struct tb_head *head)
{
    static const struct tb_metric metric = {
        .name = "taskboard_tasks",
        .type = TB_METRIC_GAUGE,
        .help = "Tasks by state; each is in one of them.",
    };
    const uint64_t *counts = head->task_counts;
    const struct {
        const char *state;
        uint64_t count;
    } rows[] = {
        {"ready", counts[TB_STATE_READY]},
        {"waiting", counts[TB_STATE_WAITING] - head->scheduled},
        {"scheduled", head->scheduled},
        {"claimed", head->claimed},
        {"in_progress", counts[TB_STATE_IN_PROGRESS] - head->claimed},
        {"in_review", counts[TB_STATE_IN_REVIEW]},
        {"blocked", counts[TB_STATE_BLOCKED] - head->dead_letters},
        {"dead", head->dead_letters},
        {"done", counts[TB_STATE_DONE]},
    };
    tb_metric_begin(out, &metric);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tb_metric_value(out, &metric, TB_LABELS({"state", rows[i].state}), rows[i].count);
    }
}

static enum tb_err add_oldest_ready(struct tb_buf *out, struct tb_txn *txn, int64_t now_ms)
{
    static const struct tb_metric metric = {
        .name = "taskboard_oldest_ready_seconds",
        .type = TB_METRIC_GAUGE,
        .help = "How long the task that is ready the longest has been so; 0 while none is, or all "
                "is paused.",
        .decimals = MS_DECIMALS,
    };
    struct tb_pauses pauses;
    int64_t ready_ms = 0;
    enum tb_err err = tb_pauses_load(txn, out->arena, &pauses);
    if (err == TB_OK) {
        err = pauses.all ? TB_E_ABSENT : tb_oldest_ready(txn, &ready_ms);
    }
    if (err != TB_OK && err != TB_E_ABSENT) {
        return err;
    }
    bool old = err == TB_OK && ready_ms < now_ms;
    tb_metric_single(out, &metric, old ? (uint64_t)(now_ms - ready_ms) : 0);
    return TB_OK;
}

static void add_head(struct tb_buf *out, const struct tb_head *head)
{
    static const struct tb_metric vms = {
        .name = "taskboard_vms",
        .type = TB_METRIC_GAUGE,
        .help = "Registered VMs: running are those that were heard of in time.",
    };
    add_tasks(out, head);
    add_gauge(out, "taskboard_pauses", "Pauses in force: of the board, and of single tags.",
              head->pauses);
    tb_metric_begin(out, &vms);
    tb_metric_value(out, &vms, TB_LABELS({"status", "running"}), head->running_vms);
    tb_metric_value(out, &vms, TB_LABELS({"status", "other"}), head->vms - head->running_vms);
    add_gauge(out, "taskboard_log_head_seq", "The seq of the last event.", head->seq);
    add_gauge(out, "taskboard_log_oldest_seq", "The seq of the oldest event that is kept.",
              head->oldest_seq);
    add_gauge(out, "taskboard_idempotency_answers", "Answers kept for idempotency keys.",
              head->answers);
    add_gauge(out, "taskboard_idempotency_answers_max", "Most answers that are kept.",
              TB_ANSWERS_MAX);
    add_gauge(out, "taskboard_idempotency_answers_bytes", "What these answers take.",
              head->answer_bytes);
}

static enum tb_err add_room(struct tb_buf *out, struct tb_txn *txn)
{
    struct tb_store_stats stats;
    enum tb_err err = tb_store_stats(txn, &stats);
    if (err != TB_OK) {
        return err;
    }
    add_gauge(out, "taskboard_store_used_bytes", "Of the store's file, what is in use.",
              stats.used_bytes);
    add_gauge(out, "taskboard_store_free_bytes", "Of the store's file, what is used again first.",
              stats.free_bytes);
    add_gauge(out, "taskboard_store_limit_bytes", "The most that the store's file may grow to.",
              stats.limit_bytes);
    add_gauge(out, "taskboard_store_snapshots", "Snapshots that are open, this read's too.",
              stats.snapshots);
    add_gauge(out, "taskboard_store_oldest_snapshot_commits",
              "Commits since the oldest open snapshot began: what they freed is not used again.",
              stats.oldest_behind);
    return TB_OK;
}

/* All or nothing of it, in `out`. */
static enum tb_err add_board(struct tb_request *request, struct tb_buf *out)
{
    struct tb_txn *txn = NULL;
    size_t len = out->len;
    enum tb_err err = tb_read_begin(request->worker->reader, request->arena, &txn);
    if (err != TB_OK) {
        return err;
    }
    add_head(out, tb_txn_head(txn));
    err = add_oldest_ready(out, txn, tb_clock_wall_ms(request->http->clock));
    if (err == TB_OK) {
        err = add_room(out, txn);
    }
    tb_read_end(&txn);
    out->len = err == TB_OK ? out->len : len;
    return err;
}

void tb_handle_metrics(struct tb_request *request)
{
    struct tb_http *http = request->http;
    struct tb_buf out;
    tb_buf_init(&out, request->arena, FIRST_BYTES);
    add_build(&out);
    add_process(&out);
    add_service(&out, http);
    add_connections(&out, http);
    add_streams(&out, http);
    add_requests(&out, http);
    add_durations(&out, http);
    bool readable = add_board(request, &out) == TB_OK;
    add_gauge(&out, "taskboard_readable", "1 while the store can be read.", readable);
    request->response.headers[TB_OUT_CONTENT_TYPE] =
        TB_STR("text/plain; version=0.0.4; charset=utf-8");
    request->response.body = tb_buf_str(&out);
    tb_request_send(request);
}
