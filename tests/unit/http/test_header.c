#include "unit/base/check.h"

#include "http/header.h"

static void header_bearer_takes_the_scheme_in_any_case_and_any_blanks(void **state)
{
    (void)state;
    static const struct tb_str good[] = {
        TB_STR("Bearer abc"),  TB_STR("bearer abc"),    TB_STR("BEARER   abc"),
        TB_STR("Bearer\tabc"), TB_STR("Bearer abc \t"), TB_STR(" Bearer abc"),
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        struct tb_str token = TB_STR_NONE;
        assert_true(tb_header_bearer(good[i], &token));
        assert_str(token, "abc");
    }
}

static void header_bearer_keeps_blanks_inside_a_token(void **state)
{
    (void)state;
    struct tb_str token;
    assert_true(tb_header_bearer(TB_STR("Bearer a b, Bearer c"), &token));
    assert_str(token, "a b, Bearer c");
}

static void header_bearer_refuses_everything_else(void **state)
{
    (void)state;
    static const struct tb_str bad[] = {
        TB_STR(""),           TB_STR("Bearer"),      TB_STR("Bearer "),
        TB_STR("Bearer  \t"), TB_STR("Bearerabc"),   TB_STR("Basic abc"),
        TB_STR("abc"),        TB_STR("Bear er abc"), TB_STR_NONE,
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct tb_str token = TB_STR("untouched");
        assert_false(tb_header_bearer(bad[i], &token));
        assert_str(token, "untouched");
    }
}

static bool is_strict(struct tb_str prefer)
{
    return tb_header_prefers(prefer, TB_STR("handling"), TB_STR("strict"));
}

static void header_prefers_finds_a_preference_among_others(void **state)
{
    (void)state;
    assert_true(is_strict(TB_STR("handling=strict")));
    assert_true(is_strict(TB_STR("Handling = Strict")));
    assert_true(is_strict(TB_STR("respond-async, handling=\"strict\"; x=y")));
    assert_true(is_strict(TB_STR("wait=10,,handling=strict")));
    assert_true(is_strict(TB_STR("foo=\"a, handling=lenient\", handling=strict")));
}

static void header_prefers_is_not_taken_in_by_what_only_looks_like_it(void **state)
{
    (void)state;
    assert_false(is_strict(TB_STR_NONE));
    assert_false(is_strict(TB_STR("")));
    assert_false(is_strict(TB_STR("handling")));
    assert_false(is_strict(TB_STR("handling=lenient")));
    assert_false(is_strict(TB_STR("handling=strictly")));
    assert_false(is_strict(TB_STR("xhandling=strict")));
    assert_false(is_strict(TB_STR("foo=\"handling=strict\"")));
    assert_false(is_strict(TB_STR("foo; handling=strict")));
    assert_false(is_strict(TB_STR("foo=\"unclosed, handling=strict")));
    assert_false(is_strict(TB_STR("foo=\"a\\\", handling=strict")));
}

static void header_prefers_counts_the_first_of_several(void **state)
{
    (void)state;
    assert_false(is_strict(TB_STR("handling=lenient, handling=strict")));
    assert_true(is_strict(TB_STR("handling=strict, handling=lenient")));
}

static bool wants_problems(struct tb_str accept)
{
    return tb_header_accepts(accept, TB_STR("application/problem+json"));
}

static void header_accepts_wants_the_type_by_name(void **state)
{
    (void)state;
    assert_true(wants_problems(TB_STR("application/problem+json")));
    assert_true(wants_problems(TB_STR("application/json, Application/Problem+JSON;q=0.9")));
    assert_true(wants_problems(TB_STR("application/problem+json; charset=utf-8; q=0.001")));
    assert_false(wants_problems(TB_STR_NONE));
    assert_false(wants_problems(TB_STR("*/*")));
    assert_false(wants_problems(TB_STR("application/*")));
    assert_false(wants_problems(TB_STR("application/problem+jsonx, application/problem")));
    assert_false(wants_problems(TB_STR("text/plain; x=\"application/problem+json\"")));
}

static void header_accepts_respects_a_weight_of_zero(void **state)
{
    (void)state;
    assert_false(wants_problems(TB_STR("application/problem+json;q=0")));
    assert_false(wants_problems(TB_STR("application/problem+json; Q=0.000, */*")));
    assert_true(wants_problems(TB_STR("application/problem+json;q=0.01")));
}

static bool takes_gzip(const char *accept_encoding)
{
    return tb_header_accepts_coding(tb_str_c(accept_encoding), TB_STR("gzip"));
}

static void header_accepts_a_coding_by_name_or_by_star(void **state)
{
    (void)state;
    const char *const yes[] = {"gzip",
                               "GZip",
                               "gzip, deflate",
                               "br, gzip;q=0.1",
                               "deflate;q=1 , gzip ; Q=0.001",
                               "gzip;q=1.000",
                               "*",
                               "identity;q=0.5, *;q=0.5",
                               "identity;q=0, *",
                               "*;q=0, gzip;q=0.2",
                               "gzip;q=1.0, identity;q=0.5, *;q=0"};
    for (size_t i = 0; i < COUNT(yes); i++) {
        assert_true(takes_gzip(yes[i]));
    }
}

static void header_refuses_a_coding_that_is_not_wanted(void **state)
{
    (void)state;
    const char *const no[] = {"",
                              "identity",
                              "deflate, br",
                              "gzip;q=0",
                              "gzip;q=0.000, br",
                              "gzip; q=0, *",
                              "*;q=0",
                              "identity;q=0.9, gzip;q=0.8",
                              "identity, *;q=0.1",
                              "gzipped, xgzip",
                              "gzip;q=2",
                              "gzip;q=-1",
                              "gzip;q=0.0001",
                              "gzip;q=",
                              ",;q=1,"};
    for (size_t i = 0; i < COUNT(no); i++) {
        assert_false(takes_gzip(no[i]));
    }
    assert_false(tb_header_accepts_coding(TB_STR_NONE, TB_STR("gzip")));
}

static void header_has_tag_compares_weakly(void **state)
{
    (void)state;
    struct tb_str tag = TB_STR("\"a-1\"");
    assert_true(tb_header_has_tag(TB_STR("\"a-1\""), tag));
    assert_true(tb_header_has_tag(TB_STR("W/\"a-1\""), tag));
    assert_true(tb_header_has_tag(TB_STR("\"x\" , W/\"y\",\"a-1\""), tag));
    assert_true(tb_header_has_tag(TB_STR("*"), tag));
    assert_false(tb_header_has_tag(TB_STR_NONE, tag));
    assert_false(tb_header_has_tag(TB_STR(""), tag));
    assert_false(tb_header_has_tag(TB_STR("a-1"), tag));
    assert_false(tb_header_has_tag(TB_STR("\"a-10\", \"A-1\""), tag));
    assert_false(tb_header_has_tag(TB_STR("\"x,\"a-1\",y\""), tag));
}

static void request_id_has_its_letters_and_its_length(void **state)
{
    (void)state;
    char longest[129];
    memset(longest, 'x', sizeof(longest));
    assert_true(tb_request_id_valid(TB_STR("A-z.0_9")));
    assert_true(tb_request_id_valid(tb_str_from(longest, 128)));
    assert_false(tb_request_id_valid(tb_str_from(longest, 129)));
    assert_false(tb_request_id_valid(TB_STR("")));
    assert_false(tb_request_id_valid(TB_STR_NONE));
    assert_false(tb_request_id_valid(TB_STR("a b")));
    assert_false(tb_request_id_valid(TB_STR("a\"b")));
    assert_false(tb_request_id_valid(TB_STR("\xc3\xa9")));
}

static void traceparent_is_taken_in_its_own_form_only(void **state)
{
    (void)state;
#define GOOD "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert_str(tb_header_traceparent(TB_STR(GOOD)), GOOD);
    assert_str(tb_header_traceparent(TB_STR(GOOD "-later")), GOOD);
    assert_absent(tb_header_traceparent(TB_STR_NONE));
    assert_absent(tb_header_traceparent(TB_STR("00-4bf92f")));
    assert_absent(
        tb_header_traceparent(TB_STR("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01")));
    assert_absent(
        tb_header_traceparent(TB_STR("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7\n01")));
#undef GOOD
}

static void header_preference_gives_its_value(void **state)
{
    (void)state;
    struct tb_str value;
    assert_true(tb_header_preference(TB_STR("a=1, wait=10"), TB_STR("wait"), &value));
    assert_str(value, "10");
    assert_true(tb_header_preference(TB_STR("Wait=\"7\"; x"), TB_STR("wait"), &value));
    assert_str(value, "7");
    assert_true(tb_header_preference(TB_STR("wait"), TB_STR("wait"), &value));
    assert_absent(value);
    assert_false(tb_header_preference(TB_STR("awaits=1"), TB_STR("wait"), &value));
    assert_false(tb_header_preference(TB_STR_NONE, TB_STR("wait"), &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_preference_gives_its_value),
        cmocka_unit_test(header_bearer_takes_the_scheme_in_any_case_and_any_blanks),
        cmocka_unit_test(header_bearer_keeps_blanks_inside_a_token),
        cmocka_unit_test(header_bearer_refuses_everything_else),
        cmocka_unit_test(header_prefers_finds_a_preference_among_others),
        cmocka_unit_test(header_prefers_is_not_taken_in_by_what_only_looks_like_it),
        cmocka_unit_test(header_prefers_counts_the_first_of_several),
        cmocka_unit_test(header_accepts_wants_the_type_by_name),
        cmocka_unit_test(header_accepts_respects_a_weight_of_zero),
        cmocka_unit_test(header_accepts_a_coding_by_name_or_by_star),
        cmocka_unit_test(header_refuses_a_coding_that_is_not_wanted),
        cmocka_unit_test(header_has_tag_compares_weakly),
        cmocka_unit_test(request_id_has_its_letters_and_its_length),
        cmocka_unit_test(traceparent_is_taken_in_its_own_form_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
