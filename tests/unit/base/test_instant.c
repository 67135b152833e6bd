#include "check.h"

#include <stdio.h>

#include "base/instant.h"

static void check_format(int64_t ms, struct tb_str wanted)
{
    char out[TB_INSTANT_LEN + 1];
    out[TB_INSTANT_LEN] = '#';
    tb_instant_format(ms, out);
    assert_str_eq(tb_str_from(out, TB_INSTANT_LEN), wanted);
    assert_int_equal(out[TB_INSTANT_LEN], '#');
}

static void instant_format_knows_the_calendar(void **state)
{
    (void)state;
    check_format(0, TB_STR("1970-01-01T00:00:00.000Z"));
    check_format(1, TB_STR("1970-01-01T00:00:00.001Z"));
    check_format(86399999, TB_STR("1970-01-01T23:59:59.999Z"));
    check_format(86400000, TB_STR("1970-01-02T00:00:00.000Z"));
    check_format(INT64_C(951782400000), TB_STR("2000-02-29T00:00:00.000Z"));
    check_format(INT64_C(951868800000), TB_STR("2000-03-01T00:00:00.000Z"));
    check_format(INT64_C(1709251199999), TB_STR("2024-02-29T23:59:59.999Z"));
    check_format(INT64_C(1795354200123), TB_STR("2026-11-22T13:30:00.123Z"));
    check_format(INT64_C(4107542400000), TB_STR("2100-03-01T00:00:00.000Z"));
    check_format(TB_INSTANT_MAX_MS, TB_STR("9999-12-31T23:59:59.999Z"));
}

static unsigned month_days(unsigned year, unsigned month)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 ? leap : 0);
}

/* Counts the days up one by one, an independent calendar, and compares each. */
static void instant_format_and_parse_agree_with_a_calendar_on_every_day_until_9999(void **state)
{
    (void)state;
    int64_t ms = 0;
    uint64_t random = 11;
    for (unsigned year = 1970; year <= 9999; year++) {
        for (unsigned month = 1; month <= 12; month++) {
            for (unsigned day = 1; day <= month_days(year, month); day++) {
                char out[TB_INSTANT_LEN];
                int64_t within = random_below(&random, 86400000);
                tb_instant_format(ms + within, out);
                char date[11] = {(char)('0' + year / 1000),
                                 (char)('0' + year / 100 % 10),
                                 (char)('0' + year / 10 % 10),
                                 (char)('0' + year % 10),
                                 '-',
                                 (char)('0' + month / 10),
                                 (char)('0' + month % 10),
                                 '-',
                                 (char)('0' + day / 10),
                                 (char)('0' + day % 10),
                                 'T'};
                assert_memory_equal(out, date, sizeof(date));
                int64_t back = -1;
                assert_true(tb_instant_parse(tb_str_from(out, sizeof(out)), &back));
                assert_true(back == ms + within);
                ms += 86400000;
            }
        }
    }
    assert_true(ms - 1 == TB_INSTANT_MAX_MS);
}

static void instant_parse_reads_rfc_3339(void **state)
{
    (void)state;
    static const struct {
        struct tb_str s;
        int64_t ms;
    } rows[] = {
        {TB_STR("1970-01-01T00:00:00Z"), 0},
        {TB_STR("1970-01-01T00:00:00.5Z"), 500},
        {TB_STR("1970-01-01T00:00:00.05Z"), 50},
        {TB_STR("1970-01-01T00:00:00.123456789Z"), 123},
        {TB_STR("1970-01-01T00:00:00.1239Z"), 123},
        {TB_STR("1970-01-01T00:00:00.000999999Z"), 0},
        {TB_STR("1970-01-01T00:00:01.999Z"), 1999},
        {TB_STR("1970-01-01t00:00:01z"), 1000},
        {TB_STR("1970-01-01T01:00:00+01:00"), 0},
        {TB_STR("1970-01-01T00:00:00-00:00"), 0},
        {TB_STR("1970-01-01T00:00:00-01:30"), 5400000},
        {TB_STR("1969-12-31T23:30:00-01:00"), 1800000},
        {TB_STR("1970-01-01T23:59:00+23:59"), 0},
        {TB_STR("1970-01-01T00:00:00-23:59"), 86340000},
        {TB_STR("2026-11-22T13:30:00.123Z"), INT64_C(1795354200123)},
        {TB_STR("2026-11-22T15:30:00.123+02:00"), INT64_C(1795354200123)},
        {TB_STR("2016-12-31T23:59:60Z"), INT64_C(1483228799999)},
        {TB_STR("2016-12-31T23:59:60.25Z"), INT64_C(1483228799999)},
        {TB_STR("2024-02-29T00:00:00Z"), INT64_C(1709164800000)},
        {TB_STR("2000-02-29T00:00:00Z"), INT64_C(951782400000)},
        {TB_STR("9999-12-31T23:59:59.999999999Z"), TB_INSTANT_MAX_MS},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t ms = -1;
        if (!tb_instant_parse(rows[i].s, &ms) || ms != rows[i].ms) {
            print_error("%s gave %lld\n", rows[i].s.ptr, (long long)ms);
            fail();
        }
    }
}

static void instant_parse_refuses_everything_else_and_leaves_out_alone(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "2026",
        "2026-11-22",
        "2026-11-22T13:30:00",
        "2026-11-22T13:30Z",
        "2026-11-22 13:30:00Z",
        "2026-11-22T13:30:00Z ",
        " 2026-11-22T13:30:00Z",
        "2026-11-22T13:30:00.Z",
        "2026-11-22T13:30:00.1234567890Z",
        "2026-11-22T13:30:00,5Z",
        "2026-11-22T13:30:00ZZ",
        "2026-11-22T13:30:00+0200",
        "2026-11-22T13:30:00+02",
        "2026-11-22T13:30:00+24:00",
        "2026-11-22T13:30:00+02:60",
        "2026-11-22T13:30:00+02:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T13:60:00Z",
        "2026-11-22T13:30:61Z",
        "2026-11-22T1:30:00Z",
        "2026-1-22T13:30:00Z",
        "26-11-22T13:30:00Z",
        "02026-11-22T13:30:00Z",
        "+2026-11-22T13:30:00Z",
        "2026-00-22T13:30:00Z",
        "2026-13-22T13:30:00Z",
        "2026-11-00T13:30:00Z",
        "2026-11-31T13:30:00Z",
        "2026-12-32T13:30:00Z",
        "2026-02-29T13:30:00Z",
        "2100-02-29T13:30:00Z",
        "1900-02-29T13:30:00Z",
        "1969-12-31T23:59:59.999Z",
        "1970-01-01T00:00:00+00:01",
        "0000-01-01T00:00:00Z",
        "0000-03-01T00:00:00Z",
        "9999-12-31T23:59:59-00:01",
        "2026-11-22T13:30:00.-1Z",
        "2026-11-22T13:30:0/Z",
        "2026-11-22T13:30:0:Z",
        "1795354200123",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t ms = 42;
        if (tb_instant_parse(tb_str_c(rows[i]), &ms) || ms != 42) {
            print_error("%s was taken\n", rows[i]);
            fail();
        }
    }
    int64_t ms = 42;
    assert_false(tb_instant_parse(TB_STR_NONE, &ms));
    assert_false(tb_instant_parse(TB_STR("2026-11-22T13:30:00Z\0"), &ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instant_format_knows_the_calendar),
        cmocka_unit_test(instant_format_and_parse_agree_with_a_calendar_on_every_day_until_9999),
        cmocka_unit_test(instant_parse_reads_rfc_3339),
        cmocka_unit_test(instant_parse_refuses_everything_else_and_leaves_out_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
