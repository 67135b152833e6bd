#include "http/loop_metrics.h"

#include <stdlib.h>

#define STATUS_MAX 599

const struct tb_bounds tb_duration_us_bounds = {14,
                                                {100, 250, 500, 1000, 2500, 5000, 10000, 25000,
                                                 50000, 100000, 250000, 500000, 1000000, 5000000}};

const char *tb_code_name(enum tb_code code)
{
#define NAME(status) [TB_CODE_##status] = #status,
    static const char *const names[TB_CODE_COUNT] = {TB_CODE_TABLE(NAME)};
#undef NAME
    return code == TB_CODE_OTHER ? "other" : names[code];
}

/* One more than the code, so that the table is zero where there is none. */
static enum tb_code code_of(int status)
{
#define SLOT(status) [status] = TB_CODE_##status + 1,
    static const uint8_t slots[STATUS_MAX + 1] = {TB_CODE_TABLE(SLOT)};
#undef SLOT
    uint8_t slot = status >= 0 && status <= STATUS_MAX ? slots[status] : 0;
    return slot == 0 ? TB_CODE_OTHER : (enum tb_code)(slot - 1);
}

struct tb_loop_metrics *tb_loop_metrics_new(unsigned count)
{
    size_t bytes = count * sizeof(struct tb_loop_metrics);
    struct tb_loop_metrics *metrics = aligned_alloc(TB_CACHE_LINE_BYTES, bytes);
    if (metrics != NULL) {
        memset(metrics, 0, bytes);
    }
    return metrics;
}

void tb_loop_metrics_answer(struct tb_loop_metrics *metrics, size_t route, int status,
                            int64_t duration_us)
{
    struct tb_route_metrics *of_route = &metrics->routes[route];
    tb_number_add(&of_route->by_code[code_of(status)], 1);
    if (duration_us >= 0) {
        tb_histogram_note(&of_route->duration_us, &tb_duration_us_bounds, (uint64_t)duration_us);
    }
}
