/* GET /metrics: the program and its process. */
#include "base/process.h"
#include "http/metrics_page.h"

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
static void add_numbers(struct tb_buf *out)
{
    static const struct tb_metric cpu = {
        .name = "process_cpu_seconds_total",
        .type = TB_METRIC_COUNTER,
        .help = "Processor time of all threads.",
        .decimals = TB_US_DECIMALS,
    };
    static const struct tb_metric start = {
        .name = "process_start_time_seconds",
        .type = TB_METRIC_GAUGE,
        .help = "When the process was started, since 1970.",
        .decimals = TB_MS_DECIMALS,
    };
    struct tb_process process;
    if (!tb_process_read(&process)) {
        return; /* UNTESTED: the tests' machine has a /proc */
    }
    tb_metric_single(out, &cpu, process.cpu_us);
    tb_metric_single(out, &start, (uint64_t)process.started_ms);
    tb_page_gauge(out, "process_resident_memory_bytes",
                  "Memory in use, with pages of the store that are mapped.",
                  process.resident_bytes);
    tb_page_gauge(out, "process_virtual_memory_bytes",
                  "Addresses in use; most is the map of the store.", process.virtual_bytes);
    tb_page_gauge(out, "process_open_fds", "Open file descriptors.", process.open_files);
    tb_page_gauge(out, "process_max_fds", "Most open file descriptors.", process.open_files_max);
    tb_page_gauge(out, "process_threads", "Threads of the process.", process.threads);
}

void tb_page_add_process(struct tb_buf *out)
{
    add_build(out);
    add_numbers(out);
}
