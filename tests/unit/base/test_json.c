#include "check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
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

static const struct tb_json_limits wide = {16, 17, 1000000};

static const struct tb_json *parse(struct tb_str input, struct tb_json_error *error)
{
    return tb_json_parse(arena, input, &wide, error);
}

/* --- the grammar --- */

static void json_accepts_and_makes_canonical(void **state)
{
    (void)state;
    static const struct {
        struct tb_str input;
        struct tb_str canonical;
    } rows[] = {
        {TB_STR("null"), TB_STR("null")},
        {TB_STR("true"), TB_STR("true")},
        {TB_STR("false"), TB_STR("false")},
        {TB_STR(" \t\r\n null \t\r\n "), TB_STR("null")},
        {TB_STR("0"), TB_STR("0")},
        {TB_STR("-0"), TB_STR("-0")},
        {TB_STR("12 "), TB_STR("12")},
        {TB_STR("-1.50"), TB_STR("-1.50")},
        {TB_STR("1e5"), TB_STR("1e5")},
        {TB_STR("1E+05"), TB_STR("1E+05")},
        {TB_STR("1.0e-0"), TB_STR("1.0e-0")},
        {TB_STR("1e999"), TB_STR("1e999")},
        {TB_STR("123456789012345678901234567890"), TB_STR("123456789012345678901234567890")},
        {TB_STR("0.1000000000000000055511151231257827"),
         TB_STR("0.1000000000000000055511151231257827")},
        {TB_STR("\"\""), TB_STR("\"\"")},
        {TB_STR(" \"a b\" "), TB_STR("\"a b\"")},
        {TB_STR("\"\\\"\\\\\\b\\f\\n\\r\\t\""), TB_STR("\"\\\"\\\\\\b\\f\\n\\r\\t\"")},
        {TB_STR("\"/\\/\""), TB_STR("\"//\"")},
        {TB_STR("\"\\u0041\\u00e9\\u20AC\""), TB_STR("\"A\xc3\xa9\xe2\x82\xac\"")},
        {TB_STR("\"\\u0022\\u005c\\u002F\""), TB_STR("\"\\\"\\\\/\"")},
        {TB_STR("\"\\u0008\\u0009\\u000A\\u000C\\u000D\""), TB_STR("\"\\b\\t\\n\\f\\r\"")},
        {TB_STR("\"\\u0001\\u000B\\u001F\""), TB_STR("\"\\u0001\\u000b\\u001f\"")},
        {TB_STR("\"\\u0020\\u007f\\u0080\""), TB_STR("\" \x7f\xc2\x80\"")},
        {TB_STR("\"\\u07ff\\u0800\\uffff\""), TB_STR("\"\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\"")},
        {TB_STR("\"\\ud83d\\ude00\""), TB_STR("\"\xf0\x9f\x98\x80\"")},
        {TB_STR("\"\\uD800\\uDC00\\uDBFF\\uDFFF\""),
         TB_STR("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"")},
        {TB_STR("\"\\ud7ff\\ue000\""), TB_STR("\"\xed\x9f\xbf\xee\x80\x80\"")},
        {TB_STR("\"\\\\u0000\""), TB_STR("\"\\\\u0000\"")},
        {TB_STR("\"\\\\ud800\""), TB_STR("\"\\\\ud800\"")},
        {TB_STR("\"\\\\\\\"\""), TB_STR("\"\\\\\\\"\"")},
        {TB_STR("\"\\\\\\\\\""), TB_STR("\"\\\\\\\\\"")},
        {TB_STR("\"\x7f \xc2\x80 \xe2\x80\xa8 \xf4\x8f\xbf\xbf\""),
         TB_STR("\"\x7f \xc2\x80 \xe2\x80\xa8 \xf4\x8f\xbf\xbf\"")},
        {TB_STR("\"\xef\xbb\xbf\""), TB_STR("\"\xef\xbb\xbf\"")},
        {TB_STR("\"?\""), TB_STR("\"?\"")},
        {TB_STR("[]"), TB_STR("[]")},
        {TB_STR("[ ]"), TB_STR("[]")},
        {TB_STR("{}"), TB_STR("{}")},
        {TB_STR("{\n}"), TB_STR("{}")},
        {TB_STR("[1, 2 ,3]"), TB_STR("[1,2,3]")},
        {TB_STR("[[],[[]],{}]"), TB_STR("[[],[[]],{}]")},
        {TB_STR("{ \"a\" : 1 , \"b\" : [ true , false , null ] }"),
         TB_STR("{\"a\":1,\"b\":[true,false,null]}")},
        {TB_STR("{\"b\":1,\"a\":2}"), TB_STR("{\"b\":1,\"a\":2}")},
        {TB_STR("{\"\":{\"\":{\"\":\"\"}}}"), TB_STR("{\"\":{\"\":{\"\":\"\"}}}")},
        {TB_STR("{\"\\u0061\\/\":\"x\"}"), TB_STR("{\"a/\":\"x\"}")},
        {TB_STR("[\"a\\\\\",\"b\\\"\\\\\",\"\\\"\"]"),
         TB_STR("[\"a\\\\\",\"b\\\"\\\\\",\"\\\"\"]")},
        {TB_STR("[\"\\u0041\",\"\\u0041\"]"), TB_STR("[\"A\",\"A\"]")},
        {TB_STR("[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]"), TB_STR("[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]")},
        {TB_STR("[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]"), TB_STR("[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]")},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tb_json_error error;
        const struct tb_json *root = parse(rows[i].input, &error);
        if (root == NULL) {
            print_error("%s: %.*s\n", rows[i].input.ptr, (int)error.text.len, error.text.ptr);
            fail();
        }
        assert_str_eq(root->raw, rows[i].canonical);
        assert_absent(root->key);
        assert_null(root->next);
        assert_str_eq(parse(root->raw, &error)->raw, rows[i].canonical);
    }
}

static void json_refuses_and_says_what_and_where(void **state)
{
    (void)state;
    static const struct {
        struct tb_str input;
        const char *text;
    } rows[] = {
        {TB_STR(""), "unexpected end at byte 0"},
        {TB_STR("  \n"), "unexpected end at byte 3"},
        {TB_STR("["), "unexpected end at byte 1"},
        {TB_STR("{\"a\""), "unexpected end at byte 4"},
        {TB_STR("{\"a\":"), "unexpected end at byte 5"},
        {TB_STR("{\"a\":1"), "unexpected end at byte 6"},
        {TB_STR("[1,"), "unexpected end at byte 3"},
        {TB_STR("\"abc"), "unexpected end at byte 4"},
        {TB_STR("\"abc\\"), "unexpected end at byte 5"},
        {TB_STR("\"abc\\\""), "unexpected end at byte 6"},
        {TB_STR("\"abc\\u12"), "unexpected end at byte 8"},
        {TB_STR("tru"), "unexpected end at byte 3"},
        {TB_STR("-"), "unexpected end at byte 1"},
        {TB_STR("1."), "unexpected end at byte 2"},
        {TB_STR("1e"), "unexpected end at byte 2"},
        {TB_STR("1e+"), "unexpected end at byte 3"},
        {TB_STR("x"), "unexpected character at byte 0"},
        {TB_STR("[1, @]"), "unexpected character at byte 4"},
        {TB_STR("{'a':1}"), "unexpected character at byte 1"},
        {TB_STR("nul]"), "unexpected character at byte 3"},
        {TB_STR("[truE]"), "unexpected character at byte 4"},
        {TB_STR("falze"), "unexpected character at byte 3"},
        {TB_STR("NaN"), "unexpected character at byte 0"},
        {TB_STR("[Infinity]"), "unexpected character at byte 1"},
        {TB_STR("undefined"), "unexpected character at byte 0"},
        {TB_STR("\0"), "unexpected character at byte 0"},
        {TB_STR("[1]\0"), "unexpected character after the value at byte 3"},
        {TB_STR("]"), "unexpected character at byte 0"},
        {TB_STR("}"), "unexpected character at byte 0"},
        {TB_STR(","), "unexpected character at byte 0"},
        {TB_STR("[,]"), "unexpected character at byte 1"},
        {TB_STR("[1,]"), "unexpected character at byte 3"},
        {TB_STR("[1,,2]"), "unexpected character at byte 3"},
        {TB_STR("[1 , :]"), "unexpected character at byte 5"},
        {TB_STR("[1}"), "',' or ']' expected at byte 2"},
        {TB_STR("[1 2]"), "',' or ']' expected at byte 3"},
        {TB_STR("[1 \"abc\"]"), "',' or ']' expected at byte 3"},
        {TB_STR("[\"a\" \"b\\\"c\" ]"), "',' or ']' expected at byte 5"},
        {TB_STR("[01]"), "',' or ']' expected at byte 2"},
        {TB_STR("[00]"), "',' or ']' expected at byte 2"},
        {TB_STR("[-01]"), "',' or ']' expected at byte 3"},
        {TB_STR("[[1],[2}]"), "',' or ']' expected at byte 7"},
        {TB_STR("{\"a\":1 true}"), "',' or '}' expected at byte 7"},
        {TB_STR("{\"a\":1 \"bcd\":2}"), "',' or '}' expected at byte 7"},
        {TB_STR("{\"a\":1]"), "',' or '}' expected at byte 6"},
        {TB_STR("{\"a\":\"x\":2}"), "',' or '}' expected at byte 8"},
        {TB_STR("{\"a\" 1}"), "':' expected at byte 5"},
        {TB_STR("{\"a\",\"b\"}"), "':' expected at byte 4"},
        {TB_STR("{\"a\":}"), "unexpected character at byte 5"},
        {TB_STR("{1:2}"), "member name in quotes expected at byte 1"},
        {TB_STR("{ [] : 1}"), "member name in quotes expected at byte 2"},
        {TB_STR("{\"a\":1, }"), "member name in quotes expected at byte 8"},
        {TB_STR("{,}"), "member name in quotes expected at byte 1"},
        {TB_STR("{\"a\":1,true:2}"), "member name in quotes expected at byte 7"},
        {TB_STR("{a:1}"), "unexpected character at byte 1"},
        {TB_STR("+1"), "unexpected character at byte 0"},
        {TB_STR(".5"), "unexpected character at byte 0"},
        {TB_STR("[-]"), "digit expected at byte 2"},
        {TB_STR("[1.]"), "digit expected at byte 3"},
        {TB_STR("[1.e3]"), "digit expected at byte 3"},
        {TB_STR("[1e]"), "digit expected at byte 3"},
        {TB_STR("[1e+]"), "digit expected at byte 4"},
        {TB_STR("[--1]"), "digit expected at byte 2"},
        {TB_STR("[0x10]"), "unexpected character at byte 2"},
        {TB_STR("// a\n1"), "comment at byte 0"},
        {TB_STR("[1, /* a */ 2]"), "comment at byte 4"},
        {TB_STR("\"a\nb\""), "control character in a string at byte 2"},
        {TB_STR("\"a\tb\""), "control character in a string at byte 2"},
        {TB_STR("\"a\0b\""), "control character in a string at byte 2"},
        {TB_STR("{\"\x1f\":1}"), "control character in a string at byte 2"},
        {TB_STR("\"a\\x\""), "unknown escape in a string at byte 3"},
        {TB_STR("\"\\'\""), "unknown escape in a string at byte 2"},
        {TB_STR("\"\\U0041\""), "unknown escape in a string at byte 2"},
        {TB_STR("\"\\u12G4\""), "hexadecimal digit expected at byte 5"},
        {TB_STR("\"\\u \""), "hexadecimal digit expected at byte 3"},
        {TB_STR("1 2"), "unexpected character after the value at byte 2"},
        {TB_STR("01"), "unexpected character after the value at byte 1"},
        {TB_STR("{} {}"), "unexpected character after the value at byte 3"},
        {TB_STR("[]]"), "unexpected character after the value at byte 2"},
        {TB_STR("null,"), "unexpected character after the value at byte 4"},
        {TB_STR("1 tru"), "unexpected character after the value at byte 2"},
        {TB_STR("[] /* */"), "unexpected character after the value at byte 3"},
        /* yajl takes white space that JSON does not know, and a string without an end behind the
           value. */
        {TB_STR("[1,\v2]"), "control character at byte 3"},
        {TB_STR("\f1"), "control character at byte 0"},
        {TB_STR("{} \""), "unexpected character after the value at byte 3"},
        {TB_STR("1 \"abc"), "unexpected character after the value at byte 2"},
        /* yajl lets all of these pass. */
        {TB_STR("\xef\xbb\xbf{}"), "byte order mark at byte 0"},
        {TB_STR("\"\\u0000\""), "NUL character at byte 1"},
        {TB_STR("{\"ab\\u0000\":1}"), "NUL character at byte 4"},
        {TB_STR("\"\\ud800\""), "lone surrogate at byte 1"},
        {TB_STR("[\"x\", \"abc\\uDFFF\"]"), "lone surrogate at byte 10"},
        {TB_STR("\"\\ud800x\""), "lone surrogate at byte 1"},
        {TB_STR("\"\\ud800\\n\""), "lone surrogate at byte 1"},
        {TB_STR("\"\\ud800\\u0041\""), "lone surrogate at byte 1"},
        {TB_STR("\"\\ud800\\ud800\""), "lone surrogate at byte 1"},
        {TB_STR("\"\\ud83d\\ude00\\ude00\""), "lone surrogate at byte 13"},
        {TB_STR("\"\\udc00\\ud800\""), "lone surrogate at byte 1"},
        {TB_STR("{\"\\\\\\ud800\":1}"), "lone surrogate at byte 4"},
        {TB_STR("{\"a\":1,\"a\":2}"), "duplicate key \\\"a\\\" at byte 7"},
        {TB_STR("[\"\xff\"]"), "invalid UTF-8 at byte 2"},
        {TB_STR("\"\xc0\x80\""), "invalid UTF-8 at byte 1"},
        {TB_STR("\"\xc1\xbf\""), "invalid UTF-8 at byte 1"},
        {TB_STR("\"\xe0\x9f\xbf\""), "invalid UTF-8 at byte 1"},
        {TB_STR("\"\xf0\x8f\xbf\xbf\""), "invalid UTF-8 at byte 1"},
        {TB_STR("\"\xed\xa0\x80\""), "invalid UTF-8 at byte 1"},
        {TB_STR("\"\xed\xbf\xbf\""), "invalid UTF-8 at byte 1"},
        {TB_STR("\"\xf4\x90\x80\x80\""), "invalid UTF-8 at byte 1"},
        {TB_STR("\"\xf8\x88\x80\x80\x80\""), "invalid UTF-8 at byte 1"},
        {TB_STR("\"\xe2\x82\""), "invalid UTF-8 at byte 1"},
        {TB_STR("\"\x80\""), "invalid UTF-8 at byte 1"},
        {TB_STR("{\"\xe9\":1}"), "invalid UTF-8 at byte 2"},
        {TB_STR("{\"a\":1}\xff"), "invalid UTF-8 at byte 7"},
        {TB_STR("\xff\xfe[\0]\0"), "invalid UTF-8 at byte 0"},
        {TB_STR("[\xc2\xa0]"), "unexpected character at byte 1"},
        {TB_STR("[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]"), "nested deeper than 16 at byte 16"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tb_json_error error;
        const struct tb_json *root = parse(rows[i].input, &error);
        if (root != NULL || !tb_str_eq_c(error.text, rows[i].text)) {
            print_error("%s: %.*s, wanted %s\n", rows[i].input.ptr,
                        root != NULL ? 8 : (int)error.text.len,
                        root != NULL ? "accepted" : error.text.ptr, rows[i].text);
            fail();
        }
        assert_int_equal(error.offset, atoi(strrchr(rows[i].text, ' ')));
    }
}

static void json_input_that_is_absent_counts_as_empty(void **state)
{
    (void)state;
    struct tb_json_error error;
    assert_null(parse(TB_STR_NONE, &error));
    assert_str(error.text, "unexpected end at byte 0");
}

/* Every start of a document is no document: none may be accepted, none may read past its end (each
 * stands at the end of its own block, where AddressSanitizer watches). */
static void json_refuses_every_start_of_a_document(void **state)
{
    (void)state;
    struct tb_str whole = TB_STR("{\"a\\u00e9\\ud83d\\ude00\":[1.5e+3,-0,true,false,null,"
                                 "\"\\\\\\\"\xe2\x82\xac\"],\"b\":{}}");
    struct tb_json_error error;
    assert_non_null(parse(whole, &error));
    for (size_t len = 0; len < whole.len; len++) {
        struct tb_str start = tb_arena_dup(arena, tb_str_from(whole.ptr, len));
        assert_null(parse(start, &error));
        assert_true(error.offset <= len);
        assert_true(error.text.len > 0);
    }
}

static void json_does_not_touch_or_keep_the_input(void **state)
{
    (void)state;
    char input[] = "{\"key\" : [\"value\", \"e\\u0041\", 12]}";
    char before[sizeof(input)];
    memcpy(before, input, sizeof(input));
    struct tb_json_error error;
    const struct tb_json *root = parse(tb_str_from(input, sizeof(input) - 1), &error);
    assert_memory_equal(input, before, sizeof(input));
    memset(input, '#', sizeof(input));
    assert_str(root->raw, "{\"key\":[\"value\",\"eA\",12]}");
    assert_str(root->child->key, "key");
    assert_str(root->child->child->raw, "\"value\"");
}

/* --- the tree --- */

static void json_tree_has_every_value_with_its_key_in_order(void **state)
{
    (void)state;
    struct tb_json_error error;
    const struct tb_json *root =
        parse(TB_STR("{\"n\": null, \"t\": true, \"f\": false, \"\\u006eum\": 1.0,"
                     " \"s\": \"\\u0041\", \"a\": [ 1, [ ] ], \"o\": {\"x\": {\"y\": 2}}}"),
              &error);
    static const struct {
        const char *key;
        const char *raw;
        enum tb_json_type type;
        unsigned child_count;
    } rows[] = {
        {"n", "null", TB_JSON_NULL, 0},
        {"t", "true", TB_JSON_TRUE, 0},
        {"f", "false", TB_JSON_FALSE, 0},
        {"num", "1.0", TB_JSON_NUMBER, 0},
        {"s", "\"A\"", TB_JSON_STRING, 0},
        {"a", "[1,[]]", TB_JSON_ARRAY, 2},
        {"o", "{\"x\":{\"y\":2}}", TB_JSON_OBJECT, 1},
    };
    assert_non_null(root);
    assert_int_equal(root->type, TB_JSON_OBJECT);
    assert_int_equal(root->child_count, COUNT(rows));
    const struct tb_json *child = root->child;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_true(tb_str_eq_c(child->key, rows[i].key));
        assert_true(tb_str_eq_c(child->raw, rows[i].raw));
        assert_int_equal(child->type, rows[i].type);
        assert_int_equal(child->child_count, rows[i].child_count);
        assert_int_equal(child->child != NULL, rows[i].child_count > 0);
        child = child->next;
    }
    assert_null(child);
    const struct tb_json *array = tb_json_member(root, "a");
    assert_absent(array->child->key);
    assert_str(array->child->raw, "1");
    assert_int_equal(array->child->next->type, TB_JSON_ARRAY);
    assert_null(array->child->next->child);
    assert_null(array->child->next->next);
    const struct tb_json *inner = tb_json_member(tb_json_member(root, "o"), "x");
    assert_str(tb_json_member(inner, "y")->raw, "2");
}

/* How many levels of nodes there are below the root of nested arrays. */
static unsigned levels(const struct tb_json *node)
{
    unsigned count = 0;
    while (node != NULL) {
        count++;
        node = node->child;
    }
    return count;
}

static void json_tree_stops_at_tree_depth_but_counts_and_text_go_on(void **state)
{
    (void)state;
    static const unsigned wanted[] = {1, 1, 2, 3, 4, 5, 5};
    for (unsigned tree_depth = 0; tree_depth < COUNT(wanted); tree_depth++) {
        const struct tb_json_limits limits = {16, tree_depth, 100};
        struct tb_json_error error;
        const struct tb_json *root =
            tb_json_parse(arena, TB_STR("[[[[0],1],2],{\"a\":1,\"b\":[1,2]}]"), &limits, &error);
        assert_int_equal(levels(root), wanted[tree_depth]);
        assert_int_equal(root->child_count, 2);
        assert_str(root->raw, "[[[[0],1],2],{\"a\":1,\"b\":[1,2]}]");
        if (tree_depth >= 2) {
            const struct tb_json *object = root->child->next;
            assert_int_equal(object->type, TB_JSON_OBJECT);
            assert_int_equal(object->child_count, 2);
            assert_int_equal(object->child != NULL, tree_depth >= 3);
            assert_str(object->raw, "{\"a\":1,\"b\":[1,2]}");
        }
    }
}

static void json_checks_hold_below_the_tree_as_well(void **state)
{
    (void)state;
    const struct tb_json_limits limits = {5, 1, 1};
    static const struct tb_str rows[] = {
        TB_STR("[{\"x\":[{\"a\":1,\"a\":2}]}]"),
        TB_STR("[[[\"\\ud800\"]]]"),
        TB_STR("[[[\"\\u0000\"]]]"),
        TB_STR("[[[[[[]]]]]]"),
        TB_STR("[[[\"\xed\xa0\x80\"]]]"),
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tb_json_error error;
        assert_null(tb_json_parse(arena, rows[i], &limits, &error));
    }
}

/* --- the limits --- */

static struct tb_str nested(unsigned depth, const char *open, const char *close)
{
    struct tb_buf buf;
    tb_buf_init(&buf, arena, 0);
    for (unsigned i = 0; i < depth; i++) {
        tb_buf_add_c(&buf, open);
    }
    tb_buf_add_c(&buf, "0");
    for (unsigned i = 0; i < depth; i++) {
        tb_buf_add_c(&buf, close);
    }
    return tb_buf_str(&buf);
}

static void json_depth_is_limited_to_the_container(void **state)
{
    (void)state;
    static const unsigned limits_to_try[] = {0, 1, 2, 15, 16, 17, 18, 33, 34, 35, 1000};
    struct tb_json_error error;
    for (size_t i = 0; i < COUNT(limits_to_try); i++) {
        unsigned depth = limits_to_try[i];
        const struct tb_json_limits limits = {depth, depth + 1, 100000};
        const struct tb_json *root = tb_json_parse(arena, nested(depth, "[", "]"), &limits, &error);
        assert_int_equal(levels(root), depth + 1);
        root = tb_json_parse(arena, nested(depth, "{\"a\":", "}"), &limits, &error);
        assert_int_equal(levels(root), depth + 1);
        assert_null(tb_json_parse(arena, nested(depth + 1, "[", "]"), &limits, &error));
        assert_int_equal(error.offset, depth);
        assert_null(tb_json_parse(arena, nested(depth + 1, "{\"a\":", "}"), &limits, &error));
        assert_int_equal(error.offset, depth * 5);
    }
    assert_str(error.text, "nested deeper than 1000 at byte 5000");
}

static void json_depth_goes_down_again_where_a_container_ends(void **state)
{
    (void)state;
    const struct tb_json_limits limits = {2, 2, 1000};
    struct tb_json_error error;
    assert_non_null(tb_json_parse(arena, TB_STR("[[],[],{},[1],{\"a\":1},[]]"), &limits, &error));
    assert_null(tb_json_parse(arena, TB_STR("[[],[],{},[{}]]"), &limits, &error));
    assert_str(error.text, "nested deeper than 2 at byte 11");
}

/* A million brackets: neither the stack nor the time may give way. */
static void json_survives_very_deep_input(void **state)
{
    (void)state;
    struct tb_str deep = nested(1000000, "[", "]");
    struct tb_json_error error;
    assert_null(parse(deep, &error));
    assert_int_equal(error.offset, 16);
    const struct tb_json_limits limits = {1000000, 1000000, 2000000};
    const struct tb_json *root = tb_json_parse(arena, deep, &limits, &error);
    assert_int_equal(levels(root), 1000000);
    assert_int_equal(root->raw.len, deep.len);
}

static void json_nodes_are_limited(void **state)
{
    (void)state;
    struct tb_json_error error;
    struct tb_json_limits limits = {16, 16, 6};
    struct tb_str input = TB_STR("[1, {\"a\": [2]}, 3]");
    assert_non_null(tb_json_parse(arena, input, &limits, &error));
    limits.node_count_max = 5;
    assert_null(tb_json_parse(arena, input, &limits, &error));
    assert_str(error.text, "more than 5 values at byte 17");
    limits.tree_depth = 2;
    limits.node_count_max = 4;
    assert_non_null(tb_json_parse(arena, input, &limits, &error));
    limits.node_count_max = 0;
    assert_null(tb_json_parse(arena, input, &limits, &error));
    assert_null(tb_json_parse(arena, TB_STR("1"), &limits, &error));
    assert_str(error.text, "more than 0 values at byte 1");
}

static void json_values_below_the_tree_cost_no_nodes(void **state)
{
    (void)state;
    enum { VALUES = 100000 };
    struct tb_buf buf;
    tb_buf_init(&buf, arena, 3 * VALUES);
    TB_BUF_LIT(&buf, "[[0");
    for (unsigned i = 1; i < VALUES; i++) {
        TB_BUF_LIT(&buf, ",0");
    }
    TB_BUF_LIT(&buf, "]]");
    size_t before = tb_arena_size_bytes(arena);
    const struct tb_json_limits limits = {16, 2, 2};
    struct tb_json_error error;
    const struct tb_json *root = tb_json_parse(arena, tb_buf_str(&buf), &limits, &error);
    assert_int_equal(root->child->child_count, VALUES);
    assert_true(tb_arena_size_bytes(arena) - before < 4 * VALUES);
}

static void json_strings_of_any_length_come_through(void **state)
{
    (void)state;
    static char text[100000];
    for (size_t len = 1; len < sizeof(text) - 20; len = len * 3 + 1) {
        text[0] = '"';
        memset(text + 1, 'x', len);
        memcpy(text + 1 + len, "\\u0041\"", 8);
        struct tb_json_error error;
        const struct tb_json *root = parse(tb_str_c(text), &error);
        assert_int_equal(root->raw.len, len + 3);
        assert_int_equal(root->raw.ptr[len + 1], 'A');
        memcpy(text + 1 + len, "\"", 2);
        assert_str_eq(parse(tb_str_c(text), &error)->raw, tb_str_c(text));
    }
}

/* --- properties, on documents made at random --- */

/* Writes one document twice, as a careless client might and in canonical form: the second is the
 * oracle for the first. */
struct writer {
    struct tb_buf noisy;
    struct tb_buf canonical;
    uint64_t random;
};

static void both(struct writer *w, const char *s)
{
    tb_buf_add_c(&w->noisy, s);
    tb_buf_add_c(&w->canonical, s);
}

static void write_space(struct writer *w)
{
    static const char *const spaces[] = {"", "", "", " ", "\n", "\t", "\r\n", "   "};
    tb_buf_add_c(&w->noisy, spaces[random_below(&w->random, COUNT(spaces))]);
}

static void write_string(struct writer *w, unsigned serial)
{
    static const char *const pieces[][2] = {
        {"a", "a"},
        {"\\u0061", "a"},
        {"\\n", "\\n"},
        {"\\u000A", "\\n"},
        {"\\/", "/"},
        {"/", "/"},
        {"\\\\", "\\\\"},
        {"\\u005C", "\\\\"},
        {"\\\"", "\\\""},
        {"\\u0022", "\\\""},
        {"\\u001F", "\\u001f"},
        {"\\u001f", "\\u001f"},
        {"\x7f", "\x7f"},
        {"\\u00e9", "\xc3\xa9"},
        {"\xc3\xa9", "\xc3\xa9"},
        {"\\u20AC", "\xe2\x82\xac"},
        {"\\ud83D\\uDE00", "\xf0\x9f\x98\x80"},
        {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
        {"some plain words, ", "some plain words, "},
        {"[{:,}]", "[{:,}]"},
        {"\\t", "\\t"},
        {"\\u0008", "\\b"},
    };
    char number[24];
    (void)snprintf(number, sizeof(number), "\"%x",
                   serial); /* makes the names of an object differ */
    both(w, number);
    for (unsigned n = random_below(&w->random, 6); n > 0; n--) {
        const char *const *piece = pieces[random_below(&w->random, COUNT(pieces))];
        tb_buf_add_c(&w->noisy, piece[0]);
        tb_buf_add_c(&w->canonical, piece[1]);
    }
    both(w, ".\"");
}

static void write_scalar(struct writer *w, unsigned serial)
{
    static const char *const words[] = {"null", "true", "false", "0",
                                        "-0.0", "12",   "1e400", "-3.25E-7"};
    unsigned which = random_below(&w->random, COUNT(words) + 4);
    if (which < COUNT(words)) {
        both(w, words[which]);
    } else {
        write_string(w, serial);
    }
}

/* Opens, fills and closes containers as the dice fall; a stack of brackets instead of recursion. */
static void write_document(struct writer *w)
{
    char open[16];
    unsigned counts[16];
    unsigned depth = 0;
    unsigned serial = 0;
    bool value_done = false;
    do {
        write_space(w);
        if (depth > 0 && (random_below(&w->random, 4) == 0 || serial > 400)) {
            both(w, open[--depth] == '{' ? "}" : "]");
            value_done = depth == 0;
            continue;
        }
        if (depth > 0 && counts[depth - 1]++ > 0) {
            both(w, ",");
            write_space(w);
        }
        if (depth > 0 && open[depth - 1] == '{') {
            write_string(w, serial++);
            write_space(w);
            both(w, ":");
            write_space(w);
        }
        unsigned kind = random_below(&w->random, 5);
        if (kind < 2 && depth < COUNT(open)) {
            open[depth] = kind == 0 ? '{' : '[';
            counts[depth] = 0;
            both(w, kind == 0 ? "{" : "[");
            depth++;
        } else {
            write_scalar(w, serial++);
        }
        value_done = depth == 0;
    } while (!value_done);
    write_space(w);
}

/* The raw texts of the children, put together again, must be the raw text of their parent. */
static void check_raw(const struct tb_json *node)
{
    bool object = node->type == TB_JSON_OBJECT;
    struct tb_buf buf;
    unsigned count = 0;
    if (node->type != TB_JSON_ARRAY && !object) {
        return;
    }
    tb_buf_init(&buf, arena, node->raw.len);
    tb_buf_add_c(&buf, object ? "{" : "[");
    for (const struct tb_json *child = node->child; child != NULL; child = child->next) {
        tb_buf_add_c(&buf, count++ > 0 ? "," : "");
        assert_int_equal(child->key.ptr != NULL, object);
        if (object) {
            tb_buf_add_quoted(&buf, child->key);
            tb_buf_add_c(&buf, ":");
        }
        tb_buf_add_str(&buf, child->raw);
    }
    tb_buf_add_c(&buf, object ? "}" : "]");
    assert_str_eq(tb_buf_str(&buf), node->raw);
    assert_int_equal(count, node->child_count);
}

static void check_whole_tree(const struct tb_json *root)
{
    const struct tb_json *path[20];
    unsigned depth = 1;
    path[0] = root;
    while (depth > 0) {
        const struct tb_json *node = path[depth - 1];
        check_raw(node);
        if (node->child != NULL) {
            path[depth++] = node->child;
            continue;
        }
        while (depth > 0 && path[depth - 1]->next == NULL) {
            depth--;
        }
        if (depth > 0) {
            path[depth - 1] = path[depth - 1]->next;
        }
    }
}

static void json_makes_any_document_canonical_and_leaves_it_so(void **state)
{
    (void)state;
    uint64_t random = 20261122;
    for (unsigned round = 0; round < 3000; round++) {
        struct writer w = {.random = next_random(&random)};
        tb_buf_init(&w.noisy, arena, 0);
        tb_buf_init(&w.canonical, arena, 0);
        write_document(&w);
        struct tb_str canonical = tb_buf_str(&w.canonical);
        struct tb_json_error error;
        const struct tb_json *root = parse(tb_buf_str(&w.noisy), &error);
        if (root == NULL) {
            print_error("%.*s: %.*s\n", (int)w.noisy.len, w.noisy.ptr, (int)error.text.len,
                        error.text.ptr);
            fail();
        }
        assert_str_eq(root->raw, canonical);
        assert_str_eq(parse(canonical, &error)->raw, canonical);
        check_whole_tree(root);
        tb_arena_reset(arena);
    }
}

static void json_takes_damaged_documents_without_harm(void **state)
{
    (void)state;
    uint64_t random = 4711;
    unsigned accepted = 0;
    for (unsigned round = 0; round < 20000; round++) {
        struct writer w = {.random = next_random(&random)};
        tb_buf_init(&w.noisy, arena, 0);
        tb_buf_init(&w.canonical, arena, 0);
        write_document(&w);
        for (unsigned n = 1 + random_below(&random, 3); n > 0; n--) {
            static const char bytes[] = "\"\\{}[]:,u0d8n \n\xed\xa0\xff\v1e-/";
            w.noisy.ptr[random_below(&random, (unsigned)w.noisy.len)] =
                bytes[random_below(&random, sizeof(bytes))];
        }
        struct tb_json_error error = {.offset = 12345678};
        struct tb_str damaged = tb_arena_dup(arena, tb_buf_str(&w.noisy));
        const struct tb_json *root = parse(damaged, &error);
        if (root == NULL) {
            assert_true(error.offset <= damaged.len);
            assert_true(error.text.len > 0);
        } else {
            accepted++;
            assert_true(root->raw.len <= damaged.len);
            assert_str_eq(parse(root->raw, &error)->raw, root->raw);
            check_whole_tree(root);
        }
        tb_arena_reset(arena);
    }
    assert_in_range(accepted, 100, 19000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(json_accepts_and_makes_canonical),
        TEST(json_refuses_and_says_what_and_where),
        TEST(json_input_that_is_absent_counts_as_empty),
        TEST(json_refuses_every_start_of_a_document),
        TEST(json_does_not_touch_or_keep_the_input),
        TEST(json_tree_has_every_value_with_its_key_in_order),
        TEST(json_tree_stops_at_tree_depth_but_counts_and_text_go_on),
        TEST(json_checks_hold_below_the_tree_as_well),
        TEST(json_depth_is_limited_to_the_container),
        TEST(json_depth_goes_down_again_where_a_container_ends),
        TEST(json_survives_very_deep_input),
        TEST(json_nodes_are_limited),
        TEST(json_values_below_the_tree_cost_no_nodes),
        TEST(json_strings_of_any_length_come_through),
        TEST(json_makes_any_document_canonical_and_leaves_it_so),
        TEST(json_takes_damaged_documents_without_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
