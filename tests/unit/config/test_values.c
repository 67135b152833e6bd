#include "unit/base/check.h"

#include "config/values.h"

static char why[TB_SETTINGS_WHY_BYTES];

static void value_of_a_number_lies_in_its_range(void **state)
{
    (void)state;
    static const struct tb_setting setting = {.min = -1, .max = 100};
    static const char *const bad[] = {
        "", " 1", "1 ", "+1", "x", "1e2", "101", "-2", "0x10", "1.0", "99999999999999999999"};
    int64_t number = 7;
    assert_true(tb_value_number(&setting, "-1", &number, why));
    assert_int_equal(number, -1);
    assert_true(tb_value_number(&setting, "100", &number, why));
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(tb_value_number(&setting, bad[i], &number, why));
        assert_non_null(strstr(why, "from -1 to 100"));
    }
    assert_int_equal(number, 100);
}

static void value_of_a_size_takes_units(void **state)
{
    (void)state;
    static const struct tb_setting setting = {.max = INT64_C(1) << 50};
    static const struct {
        const char *text;
        int64_t bytes;
    } rows[] = {{"0", 0},
                {"17", 17},
                {"1K", 1024},
                {"64k", 65536},
                {"16M", 16 << 20},
                {"3G", INT64_C(3) << 30},
                {"2T", INT64_C(2) << 40}};
    static const char *const bad[] = {"", "K", "1KB", "1.5M", "-1", "-1K", "1 M", "9000000T", "1P"};
    int64_t bytes;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_true(tb_value_size(&setting, rows[i].text, &bytes, why));
        assert_int_equal(bytes, rows[i].bytes);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(tb_value_size(&setting, bad[i], &bytes, why));
    }
}

static void value_of_a_switch_is_yes_or_no(void **state)
{
    (void)state;
    static const struct tb_setting setting;
    bool on = false;
    assert_true(tb_value_switch(&setting, "TRUE", &on, why) && on);
    assert_true(tb_value_switch(&setting, "0", &on, why) && !on);
    assert_true(tb_value_switch(&setting, "yes", &on, why) && on);
    assert_true(tb_value_switch(&setting, "off", &on, why) && !on);
    assert_false(tb_value_switch(&setting, "maybe", &on, why));
    assert_non_null(strstr(why, "maybe"));
}

static void value_of_a_text_is_not_empty(void **state)
{
    (void)state;
    static const struct tb_setting setting;
    const char *text = NULL;
    assert_true(tb_value_text(&setting, "x", &text, why));
    assert_string_equal(text, "x");
    assert_false(tb_value_text(&setting, "", &text, why));
}

static void value_of_a_url_names_a_host(void **state)
{
    (void)state;
    static const struct tb_setting setting;
    static const char *const good[] = {"https://board.example", "http://[::1]:3000", "HTTPS://b:8",
                                       "http://b/"};
    static const char *const bad[] = {"",           "b.example",   "ftp://b",    "http://",
                                      "http:///x",  "http://:80",  "http://a b", "http://u@b",
                                      "http://b?q", "http://b/#f", "//b",        "https://b/path",
                                      "https://b//"};
    const char *url = NULL;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(tb_value_url(&setting, good[i], &url, why));
        assert_string_equal(url, good[i]);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(tb_value_url(&setting, bad[i], &url, why));
        assert_non_null(strstr(why, "https://board.example"));
    }
}

static void values_of_the_log_have_their_names(void **state)
{
    (void)state;
    static const struct tb_setting setting;
    enum tb_log_level level = TB_LOG_INFO;
    enum tb_log_format format = TB_LOG_TEXT;
    assert_true(tb_value_log_level(&setting, "off", &level, why));
    assert_int_equal(level, TB_LOG_OFF);
    assert_true(tb_value_log_level(&setting, "debug", &level, why));
    assert_int_equal(level, TB_LOG_DEBUG);
    assert_false(tb_value_log_level(&setting, "loud", &level, why));
    assert_true(tb_value_log_format(&setting, "json", &format, why));
    assert_int_equal(format, TB_LOG_JSON);
    assert_false(tb_value_log_format(&setting, "xml", &format, why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value_of_a_number_lies_in_its_range),
        cmocka_unit_test(value_of_a_size_takes_units),
        cmocka_unit_test(value_of_a_switch_is_yes_or_no),
        cmocka_unit_test(value_of_a_text_is_not_empty),
        cmocka_unit_test(value_of_a_url_names_a_host),
        cmocka_unit_test(values_of_the_log_have_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
