/* Numbers that tell how the server does, and the text that they are read in: Prometheus's text
 * format, version 0.0.4.
 *
 * Threads   Each number has one writer: a thread that counts, in memory of its own, without a lock
 * and without an instruction that is locked. Who renders reads the numbers of all threads, relaxed,
 * and adds them up: what he gets of one number is never older than what he got of it before. */
#ifndef TB_BASE_METRICS_H
#define TB_BASE_METRICS_H

#include <stdatomic.h>

#include "base/buf.h"

/* What the numbers of one thread are aligned to, so that no two threads write to one line. */
#define TB_CACHE_LINE_BYTES 64

/* Grows, or is set: by one thread. */
typedef _Atomic uint64_t tb_number;

static inline uint64_t tb_number_get(const tb_number *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

static inline void tb_number_set(tb_number *number, uint64_t value)
{
    atomic_store_explicit(number, value, memory_order_relaxed);
}

static inline void tb_number_add(tb_number *number, uint64_t more)
{
    tb_number_set(number, tb_number_get(number) + more);
}

/* --- histograms --- */

#define TB_BUCKETS_MAX 16

/* The upper ends of buckets, inclusive, rising; above the last one there is one without an end. */
struct tb_bounds {
    size_t count;
    uint64_t ends[TB_BUCKETS_MAX];
};

struct tb_histogram {
    tb_number counts[TB_BUCKETS_MAX + 1]; /* each of its own bucket only */
    tb_number sum;
};

void tb_histogram_note(struct tb_histogram *histogram, const struct tb_bounds *bounds,
                       uint64_t value);

/* Several threads' histograms with the same bounds, added up. */
struct tb_histogram_sum {
    uint64_t counts[TB_BUCKETS_MAX + 1];
    uint64_t sum;
};

void tb_histogram_add(struct tb_histogram_sum *sum, const struct tb_histogram *histogram);

/* How many values were noted. */
uint64_t tb_histogram_count(const struct tb_histogram_sum *sum);

/* --- the text --- */

enum tb_metric_type { TB_METRIC_COUNTER, TB_METRIC_GAUGE, TB_METRIC_HISTOGRAM };

/* Values are whole numbers of the unit's 10^-decimals: with 6, of microseconds of a metric in
 * seconds. */
struct tb_metric {
    const char *name;
    enum tb_metric_type type;
    const char *help; /* a sentence */
    unsigned decimals;
};

struct tb_label {
    const char *name;
    const char *value; /* any bytes: it is escaped */
};

#define TB_LABELS_MAX 4

/* Up to the first without a name. */
struct tb_labels {
    struct tb_label labels[TB_LABELS_MAX];
};

#define TB_LABELS(...) (&(const struct tb_labels){{__VA_ARGS__}})

/* The two lines that come before a metric's values, which must follow it at once: the format wants
 * them together. */
void tb_metric_begin(struct tb_buf *out, const struct tb_metric *metric);

/* One line. `labels` may be NULL. Not of a histogram. */
void tb_metric_value(struct tb_buf *out, const struct tb_metric *metric,
                     const struct tb_labels *labels, uint64_t value);

/* Its buckets, each with those below it, their sum and their count. The bounds have the metric's
 * decimals, too. */
void tb_metric_histogram(struct tb_buf *out, const struct tb_metric *metric,
                         const struct tb_labels *labels, const struct tb_bounds *bounds,
                         const struct tb_histogram_sum *sum);

/* A metric with one value: all three lines. */
void tb_metric_single(struct tb_buf *out, const struct tb_metric *metric, uint64_t value);

#endif
