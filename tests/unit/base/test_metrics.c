#include "base/metrics.h"

#include <pthread.h>
#include <stdio.h>

#include "check.h"

static const struct tb_bounds bounds = {3, {100, 1000, 2500000}};

static const struct tb_metric seconds = {
    .name = "x_seconds", .type = TB_METRIC_HISTOGRAM, .help = "How long.", .decimals = 6};

static int set_up(void **state)
{
    *state = tb_arena_new(0);
    return 0;
}

static int tear_down(void **state)
{
    tb_arena_free(*state);
    return 0;
}

static struct tb_buf empty(void **state)
{
    struct tb_buf out;
    tb_buf_init(&out, *state, 64);
    return out;
}

static void a_metric_has_its_two_lines_and_a_value(void **state)
{
    const struct tb_metric metric = {
        .name = "x_total", .type = TB_METRIC_COUNTER, .help = "How many."};
    struct tb_buf out = empty(state);
    tb_metric_single(&out, &metric, 18446744073709551615U);
    assert_str(tb_buf_str(&out),
               "# HELP x_total How many.\n# TYPE x_total counter\nx_total 18446744073709551615\n");
}

static void labels_stand_in_their_order(void **state)
{
    const struct tb_metric metric = {.name = "x", .type = TB_METRIC_GAUGE};
    struct tb_buf out = empty(state);
    tb_metric_value(&out, &metric, TB_LABELS({"a", "1"}, {"b", ""}), 7);
    assert_str(tb_buf_str(&out), "x{a=\"1\",b=\"\"} 7\n");
}

static void what_would_end_a_value_or_a_line_is_escaped(void **state)
{
    const struct tb_metric metric = {.name = "x", .type = TB_METRIC_GAUGE, .help = "a\\\n\"b\""};
    struct tb_buf out = empty(state);
    tb_metric_begin(&out, &metric);
    tb_metric_value(&out, &metric, TB_LABELS({"l", "a\\\n\"b\"} 1"}), 0);
    assert_str(tb_buf_str(&out), "# HELP x a\\\\\\n\"b\"\n# TYPE x gauge\n"
                                 "x{l=\"a\\\\\\n\\\"b\\\"} 1\"} 0\n");
}

static void parts_of_a_unit_are_decimals(void **state)
{
    static const struct {
        uint64_t value;
        const char *text;
    } rows[] = {
        {0, "0"},        {1, "0.000001"},         {1500000, "1.5"}, {1000000, "1"},
        {10, "0.00001"}, {12345678, "12.345678"}, {100000, "0.1"},  {60000000, "60"},
    };
    const struct tb_metric metric = {.name = "x", .type = TB_METRIC_GAUGE, .decimals = 6};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char wanted[64];
        struct tb_buf out = empty(state);
        tb_metric_value(&out, &metric, NULL, rows[i].value);
        (void)snprintf(wanted, sizeof(wanted), "x %s\n", rows[i].text);
        assert_str_eq(tb_buf_str(&out), tb_str_c(wanted));
    }
}

static void a_bucket_takes_its_end_and_not_what_is_above(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        size_t bucket;
    } rows[] = {{0, 0}, {100, 0}, {101, 1}, {1000, 1}, {2500000, 2}, {2500001, 3}, {1U << 31, 3}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tb_histogram histogram = {.sum = 0};
        tb_histogram_note(&histogram, &bounds, rows[i].value);
        for (size_t at = 0; at <= TB_BUCKETS_MAX; at++) {
            assert_int_equal(tb_number_get(&histogram.counts[at]), at == rows[i].bucket);
        }
        assert_int_equal(tb_number_get(&histogram.sum), rows[i].value);
    }
}

static void buckets_are_told_with_those_below_them(void **state)
{
    struct tb_histogram one = {.sum = 0}, other = {.sum = 0};
    struct tb_histogram_sum sum = {.sum = 0};
    struct tb_buf out = empty(state);
    tb_histogram_note(&one, &bounds, 50);
    tb_histogram_note(&one, &bounds, 2000000);
    tb_histogram_note(&other, &bounds, 60);
    tb_histogram_note(&other, &bounds, 3000000);
    tb_histogram_add(&sum, &one);
    tb_histogram_add(&sum, &other);
    tb_metric_histogram(&out, &seconds, TB_LABELS({"r", "/"}), &bounds, &sum);
    assert_str(tb_buf_str(&out), "x_seconds_bucket{r=\"/\",le=\"0.0001\"} 2\n"
                                 "x_seconds_bucket{r=\"/\",le=\"0.001\"} 2\n"
                                 "x_seconds_bucket{r=\"/\",le=\"2.5\"} 3\n"
                                 "x_seconds_bucket{r=\"/\",le=\"+Inf\"} 4\n"
                                 "x_seconds_sum{r=\"/\"} 5.00011\n"
                                 "x_seconds_count{r=\"/\"} 4\n");
}

/* --- threads --- */

#define WRITERS 3
#define NOTES   100000

struct shard {
    _Alignas(TB_CACHE_LINE_BYTES) struct tb_histogram histogram;
};

static void *note_many(void *arg)
{
    struct shard *shard = arg;
    for (uint64_t i = 0; i < NOTES; i++) {
        tb_histogram_note(&shard->histogram, &bounds, i % 2000);
    }
    return NULL;
}

static struct tb_histogram_sum sum_of(const struct shard shards[WRITERS])
{
    struct tb_histogram_sum sum = {.sum = 0};
    for (size_t i = 0; i < WRITERS; i++) {
        tb_histogram_add(&sum, &shards[i].histogram);
    }
    return sum;
}

static void nothing_is_lost_while_it_is_read(void **state)
{
    (void)state;
    static struct shard shards[WRITERS];
    pthread_t threads[WRITERS];
    uint64_t last = 0;
    for (size_t i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, note_many, &shards[i]), 0);
    }
    for (int i = 0; i < 1000; i++) {
        struct tb_histogram_sum sum = sum_of(shards);
        assert_true(tb_histogram_count(&sum) >= last);
        last = tb_histogram_count(&sum);
    }
    for (size_t i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    struct tb_histogram_sum sum = sum_of(shards);
    assert_int_equal(tb_histogram_count(&sum), WRITERS * NOTES);
    assert_int_equal(sum.sum, (uint64_t)WRITERS * (NOTES / 2000) * (1999 * 2000 / 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_metric_has_its_two_lines_and_a_value),
        cmocka_unit_test(labels_stand_in_their_order),
        cmocka_unit_test(what_would_end_a_value_or_a_line_is_escaped),
        cmocka_unit_test(parts_of_a_unit_are_decimals),
        cmocka_unit_test(a_bucket_takes_its_end_and_not_what_is_above),
        cmocka_unit_test(buckets_are_told_with_those_below_them),
        cmocka_unit_test(nothing_is_lost_while_it_is_read),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
