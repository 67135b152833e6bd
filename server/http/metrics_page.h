/* The parts of GET /metrics: each adds whole metrics to the page. */
#ifndef TB_HTTP_METRICS_PAGE_H
#define TB_HTTP_METRICS_PAGE_H

#include "base/metrics.h"
#include "http/request.h"

/* Of thousandths and of millionths. */
#define TB_MS_DECIMALS 3
#define TB_US_DECIMALS 6

/* A metric with one value. */
static inline void tb_page_counter(struct tb_buf *out, const char *name, const char *help,
                                   uint64_t value)
{
    const struct tb_metric metric = {.name = name, .type = TB_METRIC_COUNTER, .help = help};
    tb_metric_single(out, &metric, value);
}

static inline void tb_page_gauge(struct tb_buf *out, const char *name, const char *help,
                                 uint64_t value)
{
    const struct tb_metric metric = {.name = name, .type = TB_METRIC_GAUGE, .help = help};
    tb_metric_single(out, &metric, value);
}

/* metrics_process.c */
void tb_page_add_process(struct tb_buf *out);

/* metrics_http.c: connections, streams, requests by route */
void tb_page_add_http(struct tb_buf *out, struct tb_http *http);

/* metrics_service.c: the queue, the committer, claims, events */
void tb_page_add_service(struct tb_buf *out, struct tb_http *http);

/* metrics_board.c: what one snapshot tells. All of it or, where the store cannot be read, nothing.
 */
TB_MUST_CHECK enum tb_err tb_page_add_board(struct tb_buf *out, struct tb_request *request);

#endif
