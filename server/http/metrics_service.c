/* GET /metrics: what the committer has counted. */
#include "http/context.h"
#include "http/metrics_page.h"
#include "taskboard/limits.h"

static void add_queue(struct tb_buf *out, struct tb_service *service)
{
    struct tb_queue_state queue;
    tb_service_look_at_queue(service, &queue);
    tb_page_gauge(out, "taskboard_queue_jobs", "Writes that wait for the committer.", queue.jobs);
    tb_page_gauge(out, "taskboard_queue_jobs_max", "Most writes that may wait.", queue.jobs_max);
    tb_page_gauge(out, "taskboard_queue_bytes", "Memory of the writes that wait.", queue.bytes);
    tb_page_counter(out, "taskboard_queue_refused_total",
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
        .decimals = TB_US_DECIMALS,
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
    tb_page_gauge(out, "taskboard_claims_waiting", "Claims that wait for a task.",
                  tb_number_get(&metrics->waiting_claims));
    tb_page_gauge(out, "taskboard_claims_waiting_max", "Most claims that may wait.",
                  TB_WAITING_CLAIMS_MAX);
    tb_page_counter(out, "taskboard_claims_abandoned_total",
                    "Claims whose clients left while they waited.",
                    tb_number_get(&metrics->gone_claims));
    tb_page_counter(out, "taskboard_leases_expired_total",
                    "Claims ended because no heartbeat came in time.",
                    tb_number_get(&metrics->expired_claims));
    tb_page_counter(out, "taskboard_leases_lost_total", "Claims ended because their VM was lost.",
                    tb_number_get(&metrics->lost_claims));
    tb_page_counter(out, "taskboard_vms_spared_total",
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

void tb_page_add_service(struct tb_buf *out, struct tb_http *http)
{
    const struct tb_commit_metrics *metrics = tb_service_metrics(http->service);
    enum tb_err health = tb_service_health(http->service);
    tb_page_gauge(out, "taskboard_draining", "1 while the server shuts down.",
                  atomic_load_explicit(&http->draining, memory_order_relaxed));
    tb_page_gauge(out, "taskboard_writable", "1 while the last batch could be written.",
                  health == TB_OK);
    add_failures(out, metrics, health);
    add_queue(out, http->service);
    add_jobs(out, metrics);
    add_batches(out, metrics);
    add_claims(out, metrics);
    add_events(out, metrics);
}
