#include "fixture/fixture.h"

#include "taskboard/limits.h"

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

/* --- bodies --- */

static void an_empty_body_counts_as_an_empty_object(void **state)
{
    (void)state;
    static const struct tb_str bodies[] = {TB_STR_NONE, TB_STR(""), TB_STR(" \t\r\n"), TB_STR("{}"),
                                           TB_STR(" { } ")};
    for (size_t i = 0; i < COUNT(bodies); i++) {
        const struct tb_json *body = tb_parse_body(&parse, bodies[i]);
        assert_non_null(body);
        assert_int_equal(body->type, TB_JSON_OBJECT);
        assert_null(body->child);
        assert_str(body->raw, "{}");
        assert_int_equal(parse.refusal.err, TB_OK);
    }
}

static void broken_json_is_refused_with_what_and_where(void **state)
{
    (void)state;
    static const struct {
        struct tb_str body;
        struct tb_str message;
        struct tb_str extra;
    } rows[] = {
        {TB_STR("{\"a\":1,\"a\":2}"),
         TB_STR("Invalid JSON body: duplicate key \\\"a\\\" at byte 7"), TB_STR(",\"offset\":7")},
        {TB_STR("  {\"a\":}"), TB_STR("Invalid JSON body: unexpected character at byte 7"),
         TB_STR(",\"offset\":7")},
        {TB_STR("{\"a\":\"\\u0000\"}"), TB_STR("Invalid JSON body: NUL character at byte 6"),
         TB_STR(",\"offset\":6")},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        parse.refusal = (struct tb_refusal){.err = TB_OK};
        assert_null(tb_parse_body(&parse, rows[i].body));
        assert_int_equal(parse.refusal.err, TB_E_INVALID_JSON);
        assert_str_eq(parse.refusal.message, rows[i].message);
        assert_str_eq(parse.refusal.extra, rows[i].extra);
    }
}

static void a_body_that_is_neither_object_nor_array_is_refused(void **state)
{
    (void)state;
    static const struct tb_str bodies[] = {TB_STR("null"), TB_STR("true"), TB_STR("1"),
                                           TB_STR("\"x\"")};
    for (size_t i = 0; i < COUNT(bodies); i++) {
        parse.refusal = (struct tb_refusal){.err = TB_OK};
        assert_null(tb_parse_body(&parse, bodies[i]));
        assert_int_equal(parse.refusal.err, TB_E_INVALID_JSON);
        assert_str(parse.refusal.message, "The body must be a JSON object");
        assert_absent(parse.refusal.extra);
    }
}

static struct tb_str nested(size_t depth)
{
    struct tb_str open = tb_str_c(fixture_repeat(arena, "[", depth - 1));
    struct tb_str close = tb_str_c(fixture_repeat(arena, "]", depth - 1));
    return tb_arena_printf(arena, "{\"payload\":%.*s%.*s}", (int)open.len, open.ptr, (int)close.len,
                           close.ptr);
}

static void nesting_is_limited_to_16_levels(void **state)
{
    (void)state;
    assert_non_null(tb_parse_body(&parse, nested(TB_JSON_DEPTH_MAX)));
    assert_null(tb_parse_body(&parse, nested(TB_JSON_DEPTH_MAX + 1)));
    assert_int_equal(parse.refusal.err, TB_E_INVALID_JSON);
}

/* What a parser has to look at stands in nodes, wherever the tasks are; free JSON does not. */
static void nodes_are_built_as_deep_as_parsers_look(void **state)
{
    (void)state;
    const struct tb_json *bare =
        tb_parse_body(&parse, TB_STR("[{\"title\":\"x\",\"payload\":{\"a\":[1]}}]"));
    const struct tb_json *task = bare->child;
    assert_non_null(tb_json_member(task, "title"));
    assert_null(tb_json_member(task, "payload")->child);
    const struct tb_json *wrapped =
        tb_parse_body(&parse, TB_STR("{\"tasks\":[{\"title\":\"x\",\"payload\":{\"a\":[1]}}]}"));
    task = tb_json_member(wrapped, "tasks")->child;
    assert_non_null(tb_json_member(task, "title"));
    assert_null(tb_json_member(task, "payload")->child);
}

static void free_json_of_any_size_costs_no_nodes(void **state)
{
    (void)state;
    struct tb_str many = tb_str_c(fixture_repeat(arena, "[],", TB_JSON_NODES_MAX + 1));
    struct tb_str array =
        tb_arena_printf(arena, "[{\"payload\":[%.*s[]]}]", (int)many.len, many.ptr);
    struct tb_str object =
        tb_arena_printf(arena, "{\"tasks\":[{\"payload\":[%.*s[]]}]}", (int)many.len, many.ptr);
    assert_non_null(tb_parse_body(&parse, array));
    assert_non_null(tb_parse_body(&parse, object));
}

static void only_arrays_of_tasks_may_be_large(void **state)
{
    (void)state;
    assert_true(tb_body_is_array(tb_parse_body(&parse, TB_STR("[]"))));
    assert_true(tb_body_is_array(tb_parse_body(&parse, TB_STR("{\"a\":1,\"tasks\":[]}"))));
    assert_false(tb_body_is_array(tb_parse_body(&parse, TB_STR("{}"))));
    assert_false(tb_body_is_array(tb_parse_body(&parse, TB_STR("{\"task\":{\"tasks\":[]}}"))));
}

/* --- If-Match --- */

static void without_the_header_there_is_no_condition(void **state)
{
    (void)state;
    struct tb_if_match if_match = {.present = true};
    assert_true(tb_parse_if_match(&parse, TB_STR_NONE, &if_match));
    assert_false(if_match.present);
}

static void a_star_matches_any_version(void **state)
{
    (void)state;
    static const struct tb_str headers[] = {TB_STR("*"), TB_STR(" *"), TB_STR("\t* ")};
    for (size_t i = 0; i < COUNT(headers); i++) {
        struct tb_if_match if_match = {.present = false};
        assert_true(tb_parse_if_match(&parse, headers[i], &if_match));
        assert_true(if_match.present);
        assert_true(if_match.any);
    }
}

static void entity_tags_are_read_as_versions(void **state)
{
    (void)state;
    static const struct {
        struct tb_str header;
        size_t count;
        uint64_t versions[4]; /* 0: one that no version can have */
    } rows[] = {
        {TB_STR("\"1\""), 1, {1}},
        {TB_STR(" \"7\"\t"), 1, {7}},
        {TB_STR("\"1\",\"2\" , \"3\""), 3, {1, 2, 3}},
        {TB_STR("\"1\","), 1, {1}},
        {TB_STR(",\"1\",, ,\"2\" ,"), 2, {1, 2}}, /* RFC 9110, 5.6.1.2 */
        {TB_STR("\"\",\"\",\"\",\"\""), 4, {0, 0, 0, 0}},
        {TB_STR("W/\"1\""), 1, {0}},
        {TB_STR("W/\"1\", \"1\""), 2, {0, 1}},
        {TB_STR("\"01\",\"0\",\"-1\",\"+1\""), 4, {0, 0, 0, 0}},
        {TB_STR("\"1x\",\"a,b\",\"1\""), 3, {0, 0, 1}},
        {TB_STR("\"9223372036854775807\",\"9223372036854775808\""), 2, {INT64_MAX, 0}},
        {TB_STR("\"\xe9\""), 1, {0}}, /* obs-text */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tb_if_match if_match = {.present = false};
        assert_true(tb_parse_if_match(&parse, rows[i].header, &if_match));
        assert_true(if_match.present);
        assert_false(if_match.any);
        assert_int_equal(if_match.version_count, rows[i].count);
        for (size_t k = 0; k < rows[i].count; k++) {
            assert_true(if_match.versions[k] == rows[i].versions[k]);
        }
    }
}

static void a_malformed_header_is_refused(void **state)
{
    (void)state;
    static const struct tb_str headers[] = {
        TB_STR(""),         TB_STR(" "),           TB_STR("1"),        TB_STR("\"1"),
        TB_STR("1\""),      TB_STR("\"1\" \"2\""), TB_STR(","),        TB_STR(" , "),
        TB_STR("*, \"1\""), TB_STR("w/\"1\""),     TB_STR("W/"),       TB_STR("W/1"),
        TB_STR("\"1 \""),   TB_STR("\"\x7f\""),    TB_STR("\"a\tb\""), TB_STR("\"1\"x"),
        TB_STR("**"),
    };
    for (size_t i = 0; i < COUNT(headers); i++) {
        struct tb_if_match if_match = {.present = false};
        parse.refusal = (struct tb_refusal){.err = TB_OK};
        assert_false(tb_parse_if_match(&parse, headers[i], &if_match));
        assert_int_equal(parse.refusal.err, TB_E_INVALID_HEADER);
        assert_str(parse.refusal.message,
                   "If-Match must be * or a list of entity tags such as \\\"3\\\"");
        assert_str(parse.refusal.extra, ",\"field\":\"If-Match\"");
    }
}

static void a_long_list_of_tags_is_read_whole(void **state)
{
    (void)state;
    struct tb_if_match if_match = {.present = false};
    struct tb_str header = tb_str_c(fixture_repeat(arena, "\"5\",", 1000));
    assert_true(tb_parse_if_match(&parse, header, &if_match));
    assert_int_equal(if_match.version_count, 1000);
    assert_int_equal(if_match.versions[999], 5);
}

/* --- Idempotency-Key --- */

static void an_idempotency_key_is_bare_or_quoted(void **state)
{
    (void)state;
    static const struct {
        struct tb_str header;
        struct tb_str key;
    } rows[] = {
        {TB_STR_NONE, TB_STR_NONE},
        {TB_STR("a"), TB_STR("a")},
        {TB_STR("\"a\""), TB_STR("a")},
        {TB_STR(" \t8e03978e-40d5-43dd-bc93-6894a57f9324 "),
         TB_STR("8e03978e-40d5-43dd-bc93-6894a57f9324")},
        {TB_STR("\"a b\""), TB_STR("a b")},
        {TB_STR("\"a\\\"b\\\\\""), TB_STR("a\"b\\")},
        {TB_STR("a\"b"), TB_STR("a\"b")},
        {TB_STR("~!"), TB_STR("~!")},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tb_str key;
        assert_true(tb_parse_idempotency_key(&parse, rows[i].header, &key));
        assert_true(tb_str_eq(key, rows[i].key));
    }
}

static void a_malformed_idempotency_key_is_refused(void **state)
{
    (void)state;
    static const char *const headers[] = {"",        " ",     "\"\"",   "\"",       "\"a",
                                          "\"a\"b",  "a b",   "a,\tb",  "\xc3\xa4", "\"\x7f\"",
                                          "\"\\a\"", "\"a\\", "\"\t\"", "\x01",     "a\x7f"};
    for (size_t i = 0; i < COUNT(headers); i++) {
        struct tb_str key;
        if (tb_parse_idempotency_key(&parse, tb_str_c(headers[i]), &key)) {
            fail_msg("taken: %s", headers[i]);
        }
        assert_int_equal(parse.refusal.err, TB_E_INVALID_HEADER);
        assert_str(parse.refusal.message, "Idempotency-Key must have 1 to 255 visible ASCII "
                                          "characters, bare or in quotes");
        assert_str(parse.refusal.extra, ",\"field\":\"Idempotency-Key\"");
    }
}

static void an_idempotency_key_has_at_most_255_bytes(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        struct tb_str key;
        size_t len = TB_IDEMPOTENCY_KEY_BYTES_MAX + more;
        const char *bare = fixture_repeat(arena, "k", len);
        struct tb_str quoted = tb_arena_printf(arena, "\"%s\"", bare);
        assert_int_equal(tb_parse_idempotency_key(&parse, tb_str_c(bare), &key), more == 0);
        assert_int_equal(tb_parse_idempotency_key(&parse, quoted, &key), more == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_test(an_empty_body_counts_as_an_empty_object),
        fresh_test(broken_json_is_refused_with_what_and_where),
        fresh_test(a_body_that_is_neither_object_nor_array_is_refused),
        fresh_test(nesting_is_limited_to_16_levels),
        fresh_test(nodes_are_built_as_deep_as_parsers_look),
        fresh_test(free_json_of_any_size_costs_no_nodes),
        fresh_test(only_arrays_of_tasks_may_be_large),
        fresh_test(without_the_header_there_is_no_condition),
        fresh_test(a_star_matches_any_version),
        fresh_test(entity_tags_are_read_as_versions),
        fresh_test(a_malformed_header_is_refused),
        fresh_test(a_long_list_of_tags_is_read_whole),
        fresh_test(an_idempotency_key_is_bare_or_quoted),
        fresh_test(a_malformed_idempotency_key_is_refused),
        fresh_test(an_idempotency_key_has_at_most_255_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
