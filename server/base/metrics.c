#include "base/metrics.h"

#include <assert.h>

#define DECIMALS_MAX 9

/* --- histograms --- */

void tb_histogram_note(struct tb_histogram *histogram, const struct tb_bounds *bounds,
                       uint64_t value)
{
    size_t at = 0;
    while (at < bounds->count && value > bounds->ends[at]) {
        at++;
    }
    tb_number_add(&histogram->counts[at], 1);
    tb_number_add(&histogram->sum, value);
}

void tb_histogram_add(struct tb_histogram_sum *sum, const struct tb_histogram *histogram)
{
    for (size_t i = 0; i <= TB_BUCKETS_MAX; i++) {
        sum->counts[i] += tb_number_get(&histogram->counts[i]);
    }
    sum->sum += tb_number_get(&histogram->sum);
}

uint64_t tb_histogram_count(const struct tb_histogram_sum *sum)
{
    uint64_t count = 0;
    for (size_t i = 0; i <= TB_BUCKETS_MAX; i++) {
        count += sum->counts[i];
    }
    return count;
}

/* --- the text --- */

/* In a sentence line feeds and backslashes are escaped, in a label's value quotes, too. */
static void add_escaped(struct tb_buf *out, const char *bytes, bool quoted)
{
    for (const char *at = bytes; *at != '\0'; at++) {
        if (*at == '\n') {
            TB_BUF_LIT(out, "\\n");
        } else if (*at == '\\' || (quoted && *at == '"')) {
            const char escaped[] = {'\\', *at};
            tb_buf_add(out, escaped, sizeof(escaped));
        } else {
            tb_buf_add(out, at, 1);
        }
    }
}

static const char *type_name(enum tb_metric_type type)
{
    static const char *const names[] = {
        [TB_METRIC_COUNTER] = "counter",
        [TB_METRIC_GAUGE] = "gauge",
        [TB_METRIC_HISTOGRAM] = "histogram",
    };
    return names[type];
}

void tb_metric_begin(struct tb_buf *out, const struct tb_metric *metric)
{
    TB_BUF_LIT(out, "# HELP ");
    tb_buf_add_c(out, metric->name);
    TB_BUF_LIT(out, " ");
    add_escaped(out, metric->help, false);
    TB_BUF_LIT(out, "\n# TYPE ");
    tb_buf_add_c(out, metric->name);
    TB_BUF_LIT(out, " ");
    tb_buf_add_c(out, type_name(metric->type));
    TB_BUF_LIT(out, "\n");
}

/* The shortest form: 1500000 with 6 decimals is 1.5. */
static void add_number(struct tb_buf *out, uint64_t value, unsigned decimals)
{
    char digits[DECIMALS_MAX];
    uint64_t scale = 1;
    assert(decimals <= DECIMALS_MAX);
    for (unsigned i = 0; i < decimals; i++) {
        scale *= 10;
    }
    tb_buf_add_u64(out, value / scale);
    uint64_t fraction = value % scale;
    for (unsigned i = decimals; i > 0; i--) {
        digits[i - 1] = (char)('0' + fraction % 10);
        fraction /= 10;
    }
    while (decimals > 0 && digits[decimals - 1] == '0') {
        decimals--;
    }
    if (decimals > 0) {
        TB_BUF_LIT(out, ".");
        tb_buf_add(out, digits, decimals);
    }
}

static void add_label(struct tb_buf *out, bool *first, const struct tb_label *label)
{
    tb_buf_add_c(out, *first ? "{" : ",");
    tb_buf_add_c(out, label->name);
    TB_BUF_LIT(out, "=\"");
    add_escaped(out, label->value, true);
    TB_BUF_LIT(out, "\"");
    *first = false;
}

/* A line up to its value; `more` is one more label, or NULL. */
static void add_head(struct tb_buf *out, const char *name, const char *suffix,
                     const struct tb_labels *labels, const struct tb_label *more)
{
    bool first = true;
    tb_buf_add_c(out, name);
    tb_buf_add_c(out, suffix);
    for (size_t i = 0; labels != NULL && i < TB_LABELS_MAX && labels->labels[i].name != NULL; i++) {
        add_label(out, &first, &labels->labels[i]);
    }
    if (more != NULL) {
        add_label(out, &first, more);
    }
    if (!first) {
        TB_BUF_LIT(out, "}");
    }
    TB_BUF_LIT(out, " ");
}

void tb_metric_value(struct tb_buf *out, const struct tb_metric *metric,
                     const struct tb_labels *labels, uint64_t value)
{
    assert(metric->type != TB_METRIC_HISTOGRAM);
    add_head(out, metric->name, "", labels, NULL);
    add_number(out, value, metric->decimals);
    TB_BUF_LIT(out, "\n");
}

static void add_bucket(struct tb_buf *out, const struct tb_metric *metric,
                       const struct tb_labels *labels, const char *end, uint64_t count)
{
    const struct tb_label le = {"le", end};
    add_head(out, metric->name, "_bucket", labels, &le);
    tb_buf_add_u64(out, count);
    TB_BUF_LIT(out, "\n");
}

static const char *end_text(struct tb_arena *arena, uint64_t end, unsigned decimals)
{
    struct tb_buf text;
    tb_buf_init(&text, arena, 32);
    add_number(&text, end, decimals);
    tb_buf_add(&text, "", 1); /* the NUL */
    return text.ptr;
}

void tb_metric_histogram(struct tb_buf *out, const struct tb_metric *metric,
                         const struct tb_labels *labels, const struct tb_bounds *bounds,
                         const struct tb_histogram_sum *sum)
{
    uint64_t count = 0;
    assert(metric->type == TB_METRIC_HISTOGRAM);
    for (size_t i = 0; i < bounds->count; i++) {
        count += sum->counts[i];
        add_bucket(out, metric, labels, end_text(out->arena, bounds->ends[i], metric->decimals),
                   count);
    }
    count = tb_histogram_count(sum);
    add_bucket(out, metric, labels, "+Inf", count);
    add_head(out, metric->name, "_sum", labels, NULL);
    add_number(out, sum->sum, metric->decimals);
    TB_BUF_LIT(out, "\n");
    add_head(out, metric->name, "_count", labels, NULL);
    tb_buf_add_u64(out, count);
    TB_BUF_LIT(out, "\n");
}

void tb_metric_single(struct tb_buf *out, const struct tb_metric *metric, uint64_t value)
{
    tb_metric_begin(out, metric);
    tb_metric_value(out, metric, NULL, value);
}
