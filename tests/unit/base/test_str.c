#include "check.h"

static void str_absent_is_not_empty(void **state)
{
    (void)state;
    assert_false(tb_str_eq(TB_STR_NONE, TB_STR("")));
    assert_true(tb_str_eq(TB_STR_NONE, TB_STR_NONE));
    assert_true(tb_str_eq(TB_STR(""), tb_str_from("x", 0)));
    assert_absent(tb_str_c(NULL));
    assert_true(tb_str_eq_c(TB_STR("abc"), "abc"));
    assert_false(tb_str_eq_c(TB_STR("abc"), "abd"));
    assert_false(tb_str_eq_c(TB_STR("abc"), "ab"));
    assert_true(tb_str_eq_c(TB_STR_NONE, NULL));
}

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

static void str_cmp_orders_bytewise_with_prefixes_first(void **state)
{
    (void)state;
    static const struct tb_str sorted[] = {
        {"", 0},   {"\0", 1}, {"a", 1},    {"a\0", 2},  {"aa", 2},
        {"ab", 2}, {"b", 1},  {"\x7f", 1}, {"\x80", 1}, {"\xff", 1},
    };
    for (size_t i = 0; i < COUNT(sorted); i++) {
        for (size_t j = 0; j < COUNT(sorted); j++) {
            assert_int_equal(sign(tb_str_cmp(sorted[i], sorted[j])), (i > j) - (i < j));
        }
    }
}

static void str_cmp_sorts_absent_as_empty(void **state)
{
    (void)state;
    assert_int_equal(tb_str_cmp(TB_STR_NONE, TB_STR("")), 0);
    assert_true(tb_str_cmp(TB_STR_NONE, TB_STR("a")) < 0);
    assert_true(tb_str_cmp(TB_STR("a"), TB_STR_NONE) > 0);
}

static void str_distance_counts_edits(void **state)
{
    (void)state;
    static const struct {
        struct tb_str a;
        struct tb_str b;
        unsigned distance;
    } rows[] = {
        {TB_STR(""), TB_STR(""), 0},
        {TB_STR(""), TB_STR("abc"), 3},
        {TB_STR("title"), TB_STR("title"), 0},
        {TB_STR("title"), TB_STR("titel"), 2},
        {TB_STR("title"), TB_STR("titles"), 1},
        {TB_STR("title"), TB_STR("itle"), 1},
        {TB_STR("title"), TB_STR("tutle"), 1},
        {TB_STR("kitten"), TB_STR("sitting"), 3},
        {TB_STR("saturday"), TB_STR("sunday"), 3},
        {TB_STR("abcd"), TB_STR("wxyz"), 4},
        {TB_STR("description"), TB_STR("desciption"), 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(tb_str_distance(rows[i].a, rows[i].b, 100), rows[i].distance);
        assert_int_equal(tb_str_distance(rows[i].b, rows[i].a, 100), rows[i].distance);
    }
}

static void str_distance_is_at_most_max(void **state)
{
    (void)state;
    assert_int_equal(tb_str_distance(TB_STR("abcd"), TB_STR("wxyz"), 3), 3);
    assert_int_equal(tb_str_distance(TB_STR("abcd"), TB_STR("wxyz"), 0), 0);
    assert_int_equal(tb_str_distance(TB_STR("abcd"), TB_STR("abxx"), 3), 2);
}

static void str_distance_of_more_than_64_bytes_is_max(void **state)
{
    (void)state;
    char a[65];
    char b[65];
    memset(a, 'x', sizeof(a));
    memset(b, 'x', sizeof(b));
    assert_int_equal(tb_str_distance(tb_str_from(a, 64), tb_str_from(b, 64), 9), 0);
    assert_int_equal(tb_str_distance(tb_str_from(a, 64), TB_STR(""), 100), 64);
    assert_int_equal(tb_str_distance(tb_str_from(a, 65), tb_str_from(b, 64), 9), 9);
    assert_int_equal(tb_str_distance(tb_str_from(a, 64), tb_str_from(b, 65), 9), 9);
    assert_int_equal(tb_str_distance(tb_str_from(a, 65), tb_str_from(b, 65), 9), 9);
}

static void str_to_i64_reads_whole_numbers(void **state)
{
    (void)state;
    static const struct {
        struct tb_str s;
        int64_t number;
    } rows[] = {
        {TB_STR("0"), 0},
        {TB_STR("-0"), 0},
        {TB_STR("7"), 7},
        {TB_STR("007"), 7},
        {TB_STR("-12"), -12},
        {TB_STR("0000000000000000001"), 1},
        {TB_STR("9007199254740993"), INT64_C(9007199254740993)},
        {TB_STR("9223372036854775807"), INT64_MAX},
        {TB_STR("-9223372036854775807"), -INT64_MAX},
        {TB_STR("-9223372036854775808"), INT64_MIN},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t number = 99;
        assert_true(tb_str_to_i64(rows[i].s, &number));
        assert_true(number == rows[i].number);
    }
}

static void str_to_i64_refuses_everything_else_and_leaves_out_alone(void **state)
{
    (void)state;
    static const struct tb_str rows[] = {
        TB_STR(""),
        TB_STR("-"),
        TB_STR("+1"),
        TB_STR(" 1"),
        TB_STR("1 "),
        TB_STR("1.0"),
        TB_STR("1e3"),
        TB_STR("0x10"),
        TB_STR("--1"),
        TB_STR("1-"),
        TB_STR("1\0"),
        TB_STR("/"),
        TB_STR(":"),
        TB_STR("\xff"),
        TB_STR("9223372036854775808"),
        TB_STR("-9223372036854775809"),
        TB_STR("9999999999999999999"),
        TB_STR("10000000000000000000"),
        TB_STR("00000000000000000001"),
        TB_STR("-00000000000000000001"),
    };
    int64_t number = 42;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_false(tb_str_to_i64(rows[i], &number));
        assert_int_equal(number, 42);
    }
    assert_false(tb_str_to_i64(TB_STR_NONE, &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(str_absent_is_not_empty),
        cmocka_unit_test(str_cmp_orders_bytewise_with_prefixes_first),
        cmocka_unit_test(str_cmp_sorts_absent_as_empty),
        cmocka_unit_test(str_distance_counts_edits),
        cmocka_unit_test(str_distance_is_at_most_max),
        cmocka_unit_test(str_distance_of_more_than_64_bytes_is_max),
        cmocka_unit_test(str_to_i64_reads_whole_numbers),
        cmocka_unit_test(str_to_i64_refuses_everything_else_and_leaves_out_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
