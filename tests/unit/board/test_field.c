#include "fixture/fixture.h"

#include "board/field.h"

static struct tb_arena *arena;
static struct tb_parse parse;

static int set_up(void **state)
{
    (void)state;
    arena = tb_arena_new(0);
    parse = (struct tb_parse){.arena = arena};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tb_arena_free(arena);
    return 0;
}

#define fresh_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* The value in JSON as the member `x` of an object. NULL for an absent one. */
static const struct tb_json *value(const char *json)
{
    if (json == NULL) {
        return NULL;
    }
    const struct tb_json *body = tb_parse_body(&parse, tb_arena_printf(arena, "{\"x\":%s}", json));
    assert_non_null(body);
    return tb_json_member(body, "x");
}

static const char *repeat(const char *part, size_t times)
{
    return fixture_repeat(arena, part, times);
}

static const char *quoted(const char *text)
{
    return tb_arena_printf(arena, "\"%s\"", text).ptr;
}

static void check_refused(enum tb_err err, const char *message, const char *extra, int line)
{
    if (parse.refusal.err != err) {
        print_error("line %d: got %s\n", line, tb_err_code(parse.refusal.err));
    }
    assert_int_equal(parse.refusal.err, err);
    check_str(parse.refusal.message, tb_str_c(message), __FILE__, line);
    check_str(parse.refusal.extra, tb_str_c(extra), __FILE__, line);
    parse.refusal = (struct tb_refusal){.err = TB_OK};
}

#define assert_refusal(err, message, extra) check_refused((err), (message), (extra), __LINE__)

/* --- texts --- */

static bool required(const char *json, size_t bytes_max, struct tb_str *out)
{
    return tb_field_required(&parse, value(json), "x", bytes_max, "x is required", out);
}

static void a_required_text_is_trimmed_and_must_not_be_blank(void **state)
{
    (void)state;
    static const char *const missing[] = {
        NULL,    "null", "\"\"", "\" \\t\\n \"",       "5",
        "false", "[]",   "{}",   "\"\\u00a0\\ufeff\"", "\"\\u000b\""};
    struct tb_str out = TB_STR("untouched");
    for (size_t i = 0; i < COUNT(missing); i++) {
        assert_false(required(missing[i], 10, &out));
        assert_refusal(TB_E_MISSING_FIELD, "x is required", ",\"field\":\"x\"");
        assert_str(out, "untouched");
    }
    assert_true(required("\" \\n a b\\t\"", 10, &out));
    assert_str(out, "a b");
}

static void lengths_are_bytes_of_decoded_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *fits;
        const char *too_long;
    } rows[] = {
        {"\"abcd\"", "\"abcde\""},
        {"\" abcd \"", "\" abcde \""}, /* what is trimmed does not count */
        {"\"éé\"", "\"éé.\""},
        {"\"😀\"", "\"😀.\""},
        {"\"\\\"\\\\\\n.\"", "\"\\\"\\\\\\n..\""}, /* escapes count as what they stand for */
        {"\".\\u0001\\u0001.\"", "\".\\u0001\\u0001..\""},
        {"\"\\u00e9\\u00e9\"", "\"\\u00e9\\u00e9.\""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tb_str out;
        assert_true(required(rows[i].fits, 4, &out));
        assert_true(tb_field_text(&parse, value(rows[i].fits), "x", 4, &out));
        assert_false(required(rows[i].too_long, 4, &out));
        assert_refusal(TB_E_INVALID_FIELD, "x is longer than 4 bytes", ",\"field\":\"x\"");
        assert_false(tb_field_text(&parse, value(rows[i].too_long), "x", 4, &out));
        assert_refusal(TB_E_INVALID_FIELD, "x is longer than 4 bytes", ",\"field\":\"x\"");
        assert_false(tb_field_exact_text(&parse, value(rows[i].too_long), "x", 4, &out));
        assert_refusal(TB_E_INVALID_FIELD, "x is longer than 4 bytes", ",\"field\":\"x\"");
    }
}

static void an_optional_text_may_be_missing_null_or_blank(void **state)
{
    (void)state;
    static const char *const absent[] = {NULL, "null", "\"\"", "\" \\r\\n\""};
    for (size_t i = 0; i < COUNT(absent); i++) {
        struct tb_str out = TB_STR("before");
        assert_true(tb_field_text(&parse, value(absent[i]), "x", 10, &out));
        assert_absent(out);
    }
    struct tb_str out;
    assert_true(tb_field_text(&parse, value("\" a \""), "x", 10, &out));
    assert_str(out, "a");
}

static void an_optional_text_must_be_a_string(void **state)
{
    (void)state;
    static const char *const wrong[] = {"1", "true", "false", "[]", "{}", "[\"a\"]"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct tb_str out = TB_STR("untouched");
        assert_false(tb_field_text(&parse, value(wrong[i]), "x", 10, &out));
        assert_refusal(TB_E_INVALID_FIELD, "x must be a string", ",\"field\":\"x\"");
        assert_str(out, "untouched");
        assert_false(tb_field_exact_text(&parse, value(wrong[i]), "x", 10, &out));
        assert_refusal(TB_E_INVALID_FIELD, "x must be a string", ",\"field\":\"x\"");
    }
}

static void an_exact_text_is_kept_as_sent_and_never_empty(void **state)
{
    (void)state;
    struct tb_str out = TB_STR("before");
    assert_true(tb_field_exact_text(&parse, NULL, "x", 10, &out));
    assert_absent(out);
    assert_true(tb_field_exact_text(&parse, value("null"), "x", 10, &out));
    assert_absent(out);
    assert_true(tb_field_exact_text(&parse, value("\" a \""), "x", 10, &out));
    assert_str(out, " a ");
    assert_true(tb_field_exact_text(&parse, value("\" \""), "x", 10, &out));
    assert_str(out, " ");
    assert_false(tb_field_exact_text(&parse, value("\"\""), "x", 10, &out));
    assert_refusal(TB_E_INVALID_FIELD, "x must not be empty", ",\"field\":\"x\"");
}

/* --- arrays of strings --- */

static bool strings(const char *json, struct tb_str *out)
{
    return tb_field_strings(&parse, value(json), "x", 3, 4, out);
}

static void an_array_of_strings_is_kept_exactly(void **state)
{
    (void)state;
    struct tb_str out = TB_STR("before");
    assert_true(strings(NULL, &out));
    assert_absent(out);
    assert_true(strings("null", &out));
    assert_absent(out);
    assert_true(strings("[]", &out));
    assert_str(out, "[]");
    assert_true(strings("[ \" a \" , \"a\\u0022\", \"a\" ]", &out));
    assert_str(out, "[\" a \",\"a\\\"\",\"a\"]");
}

static void what_is_no_array_of_strings_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"\"a\"",
                                        "1",
                                        "{}",
                                        "[1]",
                                        "[null]",
                                        "[\"a\",[]]",
                                        "[[\"a\"]]",
                                        "[\"a\",{\"b\":\"c\"}]",
                                        "[\"]\",true]",
                                        "[\"a\\\\\",1]",
                                        "[\"\\\"\",false]"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct tb_str out = TB_STR("untouched");
        assert_false(strings(wrong[i], &out));
        assert_refusal(TB_E_INVALID_FIELD, "x must be an array of strings", ",\"field\":\"x\"");
        assert_str(out, "untouched");
    }
}

static void entries_are_limited_in_number_and_length(void **state)
{
    (void)state;
    struct tb_str out;
    assert_true(strings("[\"a\",\"b\",\"c\"]", &out));
    assert_false(strings("[\"a\",\"b\",\"c\",\"a\"]", &out));
    assert_refusal(TB_E_INVALID_FIELD, "x has more than 3 entries", ",\"field\":\"x\"");
    assert_true(strings("[\"abcd\",\"éé\",\"\\n\\n\\n\\n\"]", &out));
    static const char *const wrong[] = {"[\"\"]", "[\"a\",\"\"]", "[\"abcde\"]", "[\"ééé\"]",
                                        "[\"\\n\\n\\n\\n\\n\"]"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_false(strings(wrong[i], &out));
        assert_refusal(TB_E_INVALID_FIELD, "each entry of x must have 1 to 4 bytes",
                       ",\"field\":\"x\"");
    }
}

/* --- numbers, instants, free JSON --- */

static void an_array_of_strings_may_come_as_texts(void **state)
{
    (void)state;
    const struct tb_str *texts = NULL;
    size_t count = 7;
    assert_true(tb_field_texts(&parse, NULL, "tags", 2, 8, &texts, &count));
    assert_int_equal(count, 0);
    assert_true(tb_field_texts(&parse, value("[]"), "tags", 2, 8, &texts, &count));
    assert_int_equal(count, 0);
    assert_true(tb_field_texts(&parse, value("[\" a\",\"\\\"\"]"), "tags", 2, 8, &texts, &count));
    assert_int_equal(count, 2);
    assert_str(texts[0], " a");
    assert_str(texts[1], "\\\"");
    assert_false(tb_field_texts(&parse, value("[1]"), "tags", 2, 8, &texts, &count));
    assert_refusal(TB_E_INVALID_FIELD, "tags must be an array of strings", ",\"field\":\"tags\"");
    assert_int_equal(count, 2);
}

static void a_bool_is_true_or_false_and_nothing_else(void **state)
{
    (void)state;
    bool out = true;
    assert_true(tb_field_bool(&parse, NULL, "force", &out));
    assert_true(tb_field_bool(&parse, value("null"), "force", &out));
    assert_true(out);
    assert_true(tb_field_bool(&parse, value("false"), "force", &out));
    assert_false(out);
    assert_true(tb_field_bool(&parse, value("true"), "force", &out));
    assert_true(out);
    assert_false(tb_field_bool(&parse, value("0"), "force", &out));
    assert_refusal(TB_E_INVALID_FIELD, "force must be true or false", ",\"field\":\"force\"");
    assert_true(out);
}

static void an_integer_lies_within_its_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        int64_t number;
    } good[] = {{"-5", -5}, {"5", 5}, {"0", 0}, {"-0", 0}, {"5.0", 5}, {"1e0", 1}, {"0.5e1", 5}};
    for (size_t i = 0; i < COUNT(good); i++) {
        int64_t number = 99;
        assert_true(tb_field_integer(&parse, value(good[i].json), "x", -5, 5, &number));
        assert_int_equal(number, good[i].number);
    }
    static const char *const wrong[] = {
        "-6", "6", "1.5", "1e99", "\"1\"", "true", "[]", "{}", "99999999999999999999", "-1e400"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        int64_t number = 99;
        assert_false(tb_field_integer(&parse, value(wrong[i]), "x", -5, 5, &number));
        assert_refusal(TB_E_INVALID_FIELD, "x must be a whole number from -5 to 5",
                       ",\"field\":\"x\"");
        assert_int_equal(number, 99);
    }
}

static void an_absent_integer_leaves_its_default(void **state)
{
    (void)state;
    int64_t number = 99;
    assert_true(tb_field_integer(&parse, NULL, "x", -5, 5, &number));
    assert_true(tb_field_integer(&parse, value("null"), "x", -5, 5, &number));
    assert_int_equal(number, 99);
}

static void an_instant_is_read_with_any_offset(void **state)
{
    (void)state;
    int64_t ms = 5;
    assert_true(tb_field_instant(&parse, value("\"2023-11-14T22:13:20.000Z\""), "x", &ms));
    assert_true(ms == FIXTURE_START_MS);
    assert_true(tb_field_instant(&parse, value("\"2023-11-15T00:13:20+02:00\""), "x", &ms));
    assert_true(ms == FIXTURE_START_MS);
    assert_true(tb_field_instant(&parse, value("null"), "x", &ms));
    assert_true(ms == 0);
    ms = 5;
    assert_true(tb_field_instant(&parse, NULL, "x", &ms));
    assert_true(ms == 0);
}

/* 0 stands for no instant at all, so the first millisecond of 1970 becomes the second. */
static void the_epoch_itself_does_not_read_as_absent(void **state)
{
    (void)state;
    int64_t ms = 0;
    assert_true(tb_field_instant(&parse, value("\"1970-01-01T00:00:00Z\""), "x", &ms));
    assert_true(ms == 1);
}

static void what_is_no_instant_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"1700000000000",
                                        "\"\"",
                                        "\"tomorrow\"",
                                        "\"2023-11-14\"",
                                        "\"2023-02-29T00:00:00Z\"",
                                        "\"2023-11-14T22:13:20\"",
                                        "\" 2023-11-14T22:13:20Z\"",
                                        "[]",
                                        "true"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        int64_t ms = 7;
        assert_false(tb_field_instant(&parse, value(wrong[i]), "x", &ms));
        assert_refusal(TB_E_INVALID_FIELD, "x must be an instant such as 2026-11-22T13:30:00.000Z",
                       ",\"field\":\"x\"");
        assert_true(ms == 7);
    }
}

static void free_json_is_measured_in_compact_form(void **state)
{
    (void)state;
    struct tb_str out = TB_STR("before");
    assert_true(tb_field_json(&parse, value("[ 1 , 2 ]"), "x", 5, &out));
    assert_str(out, "[1,2]");
    assert_false(tb_field_json(&parse, value("[1,20]"), "x", 5, &out));
    assert_refusal(TB_E_INVALID_FIELD, "x is longer than 5 bytes", ",\"field\":\"x\"");
    assert_true(tb_field_json(&parse, value("false"), "x", 5, &out));
    assert_str(out, "false");
    assert_true(tb_field_json(&parse, value("null"), "x", 5, &out));
    assert_absent(out);
    assert_true(tb_field_json(&parse, value("0"), "x", 5, &out));
    assert_true(tb_field_json(&parse, NULL, "x", 5, &out));
    assert_absent(out);
}

/* --- showing what was wrong --- */

static void a_wrong_value_is_shown_as_it_is(void **state)
{
    (void)state;
    assert_str(tb_field_shown(&parse, NULL), "undefined");
    assert_str(tb_field_shown(&parse, value("null")), "null");
    assert_str(tb_field_shown(&parse, value("\"a \\u0022 \\n\"")), "a \\\" \\n");
    assert_str(tb_field_shown(&parse, value("\"\"")), "");
    assert_str(tb_field_shown(&parse, value("1.50")), "1.50");
    assert_str(tb_field_shown(&parse, value("{\"a\":\"b\"}")), "{\\\"a\\\":\\\"b\\\"}");
    assert_str(tb_field_shown(&parse, value("[\"\\\\\"]")), "[\\\"\\\\\\\\\\\"]");
}

static void what_is_shown_is_cut_between_characters_and_escapes(void **state)
{
    (void)state;
    static const struct {
        const char *part;
        size_t times;
        size_t kept;
    } rows[] = {
        {"x", 64, 64}, {"x", 65, 64},   {"é", 32, 32},       {"é", 33, 32},    {"語", 22, 21},
        {"😀", 17, 16}, {"\\n", 33, 32}, {"\\u0001", 11, 10}, {"\\\"", 40, 32},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct tb_json *node = value(quoted(repeat(rows[i].part, rows[i].times)));
        assert_str_eq(tb_field_shown(&parse, node), tb_str_c(repeat(rows[i].part, rows[i].kept)));
    }
    const struct tb_json *node = value(quoted(tb_arena_printf(arena, "%sé", repeat("x", 63)).ptr));
    assert_str_eq(tb_field_shown(&parse, node), tb_str_c(repeat("x", 63)));
    node = value(tb_arena_printf(arena, "[%s\"\"]", repeat("\"\",", 40)).ptr);
    struct tb_str shown = tb_field_shown(&parse, node);
    assert_in_range(shown.len, 60, 64);
    assert_true(tb_str_eq(tb_text_from_bytes(arena, tb_text_to_bytes(arena, shown)), shown));
}

/* --- unknown fields --- */

static const char *const known[] = {"title", "createdBy", "tags", NULL};

static const struct tb_json *object(const char *json)
{
    const struct tb_json *body = tb_parse_body(&parse, tb_str_c(json));
    assert_non_null(body);
    return body;
}

static void known_fields_pass_and_leave_nothing_behind(void **state)
{
    (void)state;
    assert_true(tb_field_check_known(&parse, object("{\"tags\":1,\"title\":2}"), known, true, ""));
    assert_true(tb_field_check_known(&parse, object("{}"), known, true, ""));
    assert_absent(parse.ignored);
}

static void unknown_fields_are_ignored_and_named(void **state)
{
    (void)state;
    assert_true(tb_field_check_known(
        &parse, object("{\"titel\":1,\"title\":2,\"a b,c\":3,\"é\\n\":4,\"\":5}"), known, false,
        ""));
    assert_str(parse.ignored, "titel, a?b?c, ??\\n, ");
}

static void the_header_of_ignored_fields_stays_short(void **state)
{
    (void)state;
    struct tb_buf body;
    tb_buf_init(&body, arena, 4096);
    for (int i = 0; i < 100; i++) {
        tb_buf_add_str(&body, tb_arena_printf(arena, "%s\"%02d%s\":1", i == 0 ? "{" : ",", i,
                                              repeat("n", 80)));
    }
    TB_BUF_LIT(&body, "}");
    const struct tb_json *json = tb_parse_body(&parse, tb_buf_str(&body));
    assert_true(tb_field_check_known(&parse, json, known, false, ""));
    assert_in_range(parse.ignored.len, 900, 1024);
    assert_memory_equal(parse.ignored.ptr, "00nn", 4);
}

static void strict_requests_refuse_unknown_fields_and_name_the_nearest(void **state)
{
    (void)state;
    assert_false(tb_field_check_known(&parse, object("{\"titel\":1}"), known, true, ""));
    assert_refusal(TB_E_UNKNOWN_FIELD, "unknown field titel (did you mean title?)",
                   ",\"field\":\"titel\",\"nearest\":\"title\"");
    assert_false(tb_field_check_known(&parse, object("{\"created_by\":1}"), known, true, ""));
    assert_refusal(TB_E_UNKNOWN_FIELD, "unknown field created_by (did you mean createdBy?)",
                   ",\"field\":\"created_by\",\"nearest\":\"createdBy\"");
    parse.strict = true;
    assert_false(tb_field_check_known(&parse, object("{\"whatever\":1}"), known, false, ""));
    assert_refusal(TB_E_UNKNOWN_FIELD, "unknown field whatever", ",\"field\":\"whatever\"");
}

static void the_prefix_says_where_the_unknown_field_stands(void **state)
{
    (void)state;
    assert_false(tb_field_check_known(&parse, object("{\"tag\":1}"), known, true, "artifacts[3]."));
    assert_refusal(TB_E_UNKNOWN_FIELD, "unknown field artifacts[3].tag (did you mean tags?)",
                   ",\"field\":\"artifacts[3].tag\",\"nearest\":\"tags\"");
}

static void the_name_of_an_unknown_field_is_cut_and_escaped(void **state)
{
    (void)state;
    const char *name = repeat("\\\"", 40);
    const char *shown = repeat("\\\"", 32);
    const struct tb_json *body = tb_parse_body(&parse, tb_arena_printf(arena, "{\"%s\":1}", name));
    assert_false(tb_field_check_known(&parse, body, known, true, ""));
    assert_refusal(TB_E_UNKNOWN_FIELD, tb_arena_printf(arena, "unknown field %s", shown).ptr,
                   tb_arena_printf(arena, ",\"field\":\"%s\"", shown).ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_test(a_required_text_is_trimmed_and_must_not_be_blank),
        fresh_test(lengths_are_bytes_of_decoded_utf8),
        fresh_test(an_optional_text_may_be_missing_null_or_blank),
        fresh_test(an_optional_text_must_be_a_string),
        fresh_test(an_exact_text_is_kept_as_sent_and_never_empty),
        fresh_test(an_array_of_strings_is_kept_exactly),
        fresh_test(what_is_no_array_of_strings_is_refused),
        fresh_test(entries_are_limited_in_number_and_length),
        fresh_test(an_array_of_strings_may_come_as_texts),
        fresh_test(a_bool_is_true_or_false_and_nothing_else),
        fresh_test(an_integer_lies_within_its_bounds),
        fresh_test(an_absent_integer_leaves_its_default),
        fresh_test(an_instant_is_read_with_any_offset),
        fresh_test(the_epoch_itself_does_not_read_as_absent),
        fresh_test(what_is_no_instant_is_refused),
        fresh_test(free_json_is_measured_in_compact_form),
        fresh_test(a_wrong_value_is_shown_as_it_is),
        fresh_test(what_is_shown_is_cut_between_characters_and_escapes),
        fresh_test(known_fields_pass_and_leave_nothing_behind),
        fresh_test(unknown_fields_are_ignored_and_named),
        fresh_test(the_header_of_ignored_fields_stays_short),
        fresh_test(strict_requests_refuse_unknown_fields_and_name_the_nearest),
        fresh_test(the_prefix_says_where_the_unknown_field_stands),
        fresh_test(the_name_of_an_unknown_field_is_cut_and_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
