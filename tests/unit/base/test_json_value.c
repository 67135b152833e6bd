#include "check.h"

#include "base/json.h"

static struct tb_arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = tb_arena_new(0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tb_arena_free(arena);
    return 0;
}

static const struct tb_json *parse(struct tb_str input)
{
    static const struct tb_json_limits limits = {16, 16, 1000};
    struct tb_json_error error;
    const struct tb_json *root = tb_json_parse(arena, input, &limits, &error);
    assert_non_null(root);
    return root;
}

static void json_member_is_found_by_its_whole_name(void **state)
{
    (void)state;
    const struct tb_json *root =
        parse(TB_STR("{\"a\":1,\"ab\":2,\"\":3,\"\\u0062\":4,\"x\":{\"y\":5}}"));
    assert_str(tb_json_member(root, "a")->raw, "1");
    assert_str(tb_json_member(root, "ab")->raw, "2");
    assert_str(tb_json_member(root, "")->raw, "3");
    assert_str(tb_json_member(root, "b")->raw, "4");
    assert_null(tb_json_member(root, "y"));
    assert_null(tb_json_member(root, "A"));
    assert_null(tb_json_member(root, "abc"));
    assert_str(tb_json_member(tb_json_member(root, "x"), "y")->raw, "5");
}

static void json_member_of_what_is_no_object_is_null(void **state)
{
    (void)state;
    assert_null(tb_json_member(parse(TB_STR("[1]")), ""));
    assert_null(tb_json_member(parse(TB_STR("\"a\"")), "a"));
    assert_null(tb_json_member(parse(TB_STR("{}")), "a"));
}

static void json_text_is_the_string_without_its_quotes(void **state)
{
    (void)state;
    assert_str(tb_json_text(parse(TB_STR(" \"a\\u000Ab\" "))), "a\\nb");
    struct tb_str empty = tb_json_text(parse(TB_STR("\"\"")));
    assert_str(empty, "");
}

static void json_to_i64_is_exact(void **state)
{
    (void)state;
    static const struct {
        struct tb_str json;
        int64_t number;
    } rows[] = {
        {TB_STR("0"), 0},
        {TB_STR("-0"), 0},
        {TB_STR("0.0"), 0},
        {TB_STR("-0.000e-7"), 0},
        {TB_STR("0e99999999999999999999999"), 0},
        {TB_STR("0e-99999999999999999999999"), 0},
        {TB_STR("1"), 1},
        {TB_STR("1.0"), 1},
        {TB_STR("1e3"), 1000},
        {TB_STR("1E+3"), 1000},
        {TB_STR("1e0"), 1},
        {TB_STR("1.50e1"), 15},
        {TB_STR("12300e-2"), 123},
        {TB_STR("-12300E-2"), -123},
        {TB_STR("0.001e3"), 1},
        {TB_STR("0.00100e5"), 100},
        {TB_STR("1000000000000000000000e-21"), 1},
        {TB_STR("9007199254740993"), INT64_C(9007199254740993)},
        {TB_STR("9007199254740993.000"), INT64_C(9007199254740993)},
        {TB_STR("-9007199254740993"), INT64_C(-9007199254740993)},
        {TB_STR("9223372036854775807"), INT64_MAX},
        {TB_STR("9223372036854775807.0000000000000000000000"), INT64_MAX},
        {TB_STR("-9223372036854775808"), INT64_MIN},
        {TB_STR("-9223372036854775808e0"), INT64_MIN},
        {TB_STR("922337203685477580.7e1"), INT64_MAX},
        {TB_STR("1e18"), INT64_C(1000000000000000000)},
        {TB_STR("0.0000000000000000000000009e25"), 9},
        {TB_STR("1.000000000000000001e18"), INT64_C(1000000000000000001)},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t number = 77;
        if (!tb_json_to_i64(parse(rows[i].json), &number) || number != rows[i].number) {
            print_error("%s gave %lld\n", rows[i].json.ptr, (long long)number);
            fail();
        }
    }
}

static void json_to_i64_refuses_the_rest_and_leaves_out_alone(void **state)
{
    (void)state;
    static const struct tb_str rows[] = {
        TB_STR("0.5"),
        TB_STR("1.5"),
        TB_STR("-0.1"),
        TB_STR("1e-1"),
        TB_STR("10e-2"),
        TB_STR("1.0000000000000000000000001"),
        TB_STR("9223372036854775807.5"),
        TB_STR("9223372036854775808"),
        TB_STR("-9223372036854775809"),
        TB_STR("10000000000000000000"),
        TB_STR("9999999999999999999"),
        TB_STR("1e19"),
        TB_STR("1e400"),
        TB_STR("-1e400"),
        TB_STR("1e99999999999999999999999999"),
        TB_STR("1e18446744073709551616"),
        TB_STR("1e-99999999999999999999999999"),
        TB_STR("1e-18446744073709551616"),
        TB_STR("18446744073709551616"),
        TB_STR("18446744073709551617"),
        TB_STR("100000000000000000001"),
        TB_STR("\"1\""),
        TB_STR("null"),
        TB_STR("true"),
        TB_STR("[1]"),
        TB_STR("{}"),
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t number = 77;
        if (tb_json_to_i64(parse(rows[i]), &number) || number != 77) {
            print_error("%s gave %lld\n", rows[i].ptr, (long long)number);
            fail();
        }
    }
}

static void json_to_i64_takes_long_numbers_in_its_stride(void **state)
{
    (void)state;
    enum { ZEROS = 300000 };
    static char text[ZEROS + 20];
    int64_t number = 0;
    text[0] = '7';
    memset(text + 1, '0', ZEROS);
    memcpy(text + 1 + ZEROS, "e-300000", 9);
    assert_true(tb_json_to_i64(parse(tb_str_c(text)), &number));
    assert_true(number == 7);
    memcpy(text + 1 + ZEROS, "e-300001", 9);
    assert_false(tb_json_to_i64(parse(tb_str_c(text)), &number));
    memset(text, '0', ZEROS);
    text[1] = '.';
    memcpy(text + ZEROS, "7e299999", 9);
    assert_true(tb_json_to_i64(parse(tb_str_c(text)), &number));
    assert_true(number == 7);
}

static void check_walk(struct tb_str array, const struct tb_str *wanted, size_t count)
{
    struct tb_json_strings strings = tb_json_strings_of(array);
    struct tb_str text;
    for (size_t i = 0; i < count; i++) {
        assert_true(tb_json_strings_next(&strings, &text));
        assert_str_eq(text, wanted[i]);
    }
    assert_false(tb_json_strings_next(&strings, &text));
    assert_false(tb_json_strings_next(&strings, &text));
}

static void json_strings_walks_a_stored_array(void **state)
{
    (void)state;
    check_walk(TB_STR("[]"), NULL, 0);
    check_walk(TB_STR_NONE, NULL, 0);
    check_walk(TB_STR("[\"\"]"), (const struct tb_str[]){TB_STR("")}, 1);
    check_walk(TB_STR("[\"a\",\"b\"]"), (const struct tb_str[]){TB_STR("a"), TB_STR("b")}, 2);
    check_walk(TB_STR("[\"\\\"\",\"],[\",\"\\\\\",\",\",\"x\\\\\\\"y\"]"),
               (const struct tb_str[]){TB_STR("\\\""), TB_STR("],["), TB_STR("\\\\"), TB_STR(","),
                                       TB_STR("x\\\\\\\"y")},
               5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(json_member_is_found_by_its_whole_name),
        TEST(json_member_of_what_is_no_object_is_null),
        TEST(json_text_is_the_string_without_its_quotes),
        TEST(json_to_i64_is_exact),
        TEST(json_to_i64_refuses_the_rest_and_leaves_out_alone),
        TEST(json_to_i64_takes_long_numbers_in_its_stride),
        TEST(json_strings_walks_a_stored_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
