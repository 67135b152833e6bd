#include "fixture/fixture.h"

#include "board/query.h"

static struct tb_arena *arena;
static struct tb_parse parse;
static struct tb_params params;

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

/* The parameters as name=value| … */
static struct tb_str parsed(struct tb_str query)
{
    struct tb_buf out;
    tb_buf_init(&out, arena, 64);
    assert_true(tb_params_parse(&parse, query, &params));
    for (size_t i = 0; i < params.count; i++) {
        tb_buf_add_str(&out, params.items[i].name);
        TB_BUF_LIT(&out, "=");
        tb_buf_add_str(&out, params.items[i].value);
        TB_BUF_LIT(&out, "|");
    }
    return tb_buf_str(&out);
}

static void parameters_are_split_in_the_order_sent(void **state)
{
    (void)state;
    assert_int_equal(parsed(TB_STR_NONE).len, 0);
    assert_int_equal(parsed(TB_STR("")).len, 0);
    assert_str(parsed(TB_STR("a=1")), "a=1|");
    assert_str(parsed(TB_STR("b=2&a=1&b=3")), "b=2|a=1|b=3|");
    assert_str(parsed(TB_STR("a&b=&=c&d=e=f")), "a=|b=|=c|d=e=f|");
    assert_str(parsed(TB_STR("&&a=1&&")), "a=1|");
}

static void an_empty_value_is_present(void **state)
{
    (void)state;
    assert_true(tb_params_parse(&parse, TB_STR("a&b="), &params));
    assert_non_null(params.items[0].value.ptr);
    assert_non_null(params.items[1].value.ptr);
}

static void escapes_and_plus_signs_are_decoded(void **state)
{
    (void)state;
    assert_str(parsed(TB_STR("a+b=c%20d%2B")), "a b=c d+|");
    assert_str(parsed(TB_STR("%61%3d=%26%3D%25")), "a==&=%|");
    assert_str(parsed(TB_STR("x=%c3%A9é")), "x=éé|");
    assert_str(parsed(TB_STR("x=%F0%9f%98%80")), "x=😀|");
}

static void values_become_texts_in_canonical_escaping(void **state)
{
    (void)state;
    assert_str(parsed(TB_STR("x=%22a%22%5C%0A%01/")), "x=\\\"a\\\"\\\\\\n\\u0001/|");
    assert_str(parsed(TB_STR("x=\"")), "x=\\\"|");
    assert_str(parsed(TB_STR("x=%7f")), "x=\x7f|");
}

static void broken_parts_are_refused(void **state)
{
    (void)state;
    static const struct tb_str wrong[] = {
        TB_STR("a=%"),     TB_STR("a=%4"),           TB_STR("a=%4g"),  TB_STR("a=%g4"),
        TB_STR("%=1"),     TB_STR("a=%00"),          TB_STR("%00=a"),  TB_STR("a=%ff"),
        TB_STR("a=%c3"),   TB_STR("a=%c0%80"),       TB_STR("a=\xff"), TB_STR("a=%ed%a0%80"),
        TB_STR("a=1&b=%"), TB_STR("a=%f4%90%80%80"), TB_STR("a=% 41"),
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        parse.refusal = (struct tb_refusal){.err = TB_OK};
        assert_false(tb_params_parse(&parse, wrong[i], &params));
        assert_int_equal(parse.refusal.err, TB_E_INVALID_QUERY);
        assert_str(parse.refusal.message,
                   "The query has a broken escape, a NUL or bytes that are not UTF-8");
    }
}

/* What replaces broken bytes elsewhere may be sent on purpose. */
static void the_replacement_character_itself_is_fine(void **state)
{
    (void)state;
    assert_str(parsed(TB_STR("a=%EF%BF%BD")), "a=\xef\xbf\xbd|");
}

static void a_query_has_at_most_32_parameters(void **state)
{
    (void)state;
    struct tb_str most = tb_str_c(fixture_repeat(arena, "a=1&", TB_QUERY_TERMS_MAX));
    assert_true(tb_params_parse(&parse, most, &params));
    assert_int_equal(params.count, TB_QUERY_TERMS_MAX);
    struct tb_str more = tb_str_c(fixture_repeat(arena, "a=1&", TB_QUERY_TERMS_MAX + 1));
    assert_false(tb_params_parse(&parse, more, &params));
    assert_int_equal(parse.refusal.err, TB_E_INVALID_QUERY);
    assert_str(parse.refusal.message, "The query has more than 32 parameters");
}

static void a_query_has_at_most_8192_bytes(void **state)
{
    (void)state;
    struct tb_str most = tb_str_c(fixture_repeat(arena, "a", TB_QUERY_BYTES_MAX));
    assert_true(tb_params_parse(&parse, most, &params));
    struct tb_str more = tb_str_c(fixture_repeat(arena, "a", TB_QUERY_BYTES_MAX + 1));
    assert_false(tb_params_parse(&parse, more, &params));
    assert_int_equal(parse.refusal.err, TB_E_INVALID_QUERY);
    assert_str(parse.refusal.message, "The query is longer than 8192 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_test(parameters_are_split_in_the_order_sent),
        fresh_test(an_empty_value_is_present),
        fresh_test(escapes_and_plus_signs_are_decoded),
        fresh_test(values_become_texts_in_canonical_escaping),
        fresh_test(broken_parts_are_refused),
        fresh_test(the_replacement_character_itself_is_fine),
        fresh_test(a_query_has_at_most_32_parameters),
        fresh_test(a_query_has_at_most_8192_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
