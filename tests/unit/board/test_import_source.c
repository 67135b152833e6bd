/* A file as the texts of its items. */
#include "unit/base/check.h"

#include "base/arena.h"
#include "board/import_source.h"

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

struct item {
    uint64_t number;
    const char *text;
};

static void check_items(enum tb_import_format format, const char *bytes, const struct item *items,
                        size_t count)
{
    struct tb_parse parse = {.arena = arena};
    struct tb_import_source source;
    struct tb_str text;
    assert_true(tb_import_open(&parse, format, tb_str_c(bytes), &source));
    for (size_t i = 0; i < count; i++) {
        assert_true(tb_import_next(&source, &text));
        assert_str_eq(text, tb_str_c(items[i].text));
        assert_int_equal(source.number, items[i].number);
    }
    assert_false(tb_import_next(&source, &text));
    assert_false(tb_import_next(&source, &text));
}

static void lines_are_counted_and_those_without_anything_left_out(void **state)
{
    (void)state;
    static const struct item items[] = {{2, "{\"a\":1}"}, {3, " {} x"}, {6, "last"}};
    static const char bytes[] = "\n{\"a\":1} \t\r\n {} x\n  \t \n\r\nlast";
    check_items(TB_IMPORT_NDJSON, bytes, items, COUNT(items));
    check_items(TB_IMPORT_FEED_JSONL, bytes, items, COUNT(items));
}

static void a_file_without_lines_has_no_items(void **state)
{
    (void)state;
    check_items(TB_IMPORT_NDJSON, "", NULL, 0);
    check_items(TB_IMPORT_FEED_JSONL, " \r\n", NULL, 0);
}

static void the_items_of_a_document_are_those_of_its_list(void **state)
{
    (void)state;
    static const struct item items[] = {{1, "{\"a\":[{}]}"}, {2, "7"}, {3, "[]"}};
    check_items(TB_IMPORT_BOARD_JSON, "{\"x\":[1],\n \"tasks\" : [ {\"a\": [{}] }, 7,\n [] ]}",
                items, COUNT(items));
    check_items(TB_IMPORT_REGISTRY_JSON, "{\"tasks\":[1],\"vms\":[{\"a\":[{}]},7,[]]}", items,
                COUNT(items));
    check_items(TB_IMPORT_BOARD_JSON, "{\"tasks\":[]}", NULL, 0);
}

static void a_document_of_another_shape_is_refused(void **state)
{
    (void)state;
    static const struct {
        enum tb_import_format format;
        const char *bytes;
        enum tb_err err;
        const char *message;
    } rows[] = {
        {TB_IMPORT_BOARD_JSON, "[]", TB_E_INVALID_FIELD,
         "The file must be an object with an array tasks"},
        {TB_IMPORT_BOARD_JSON, "{\"vms\":[]}", TB_E_INVALID_FIELD,
         "The file must be an object with an array tasks"},
        {TB_IMPORT_REGISTRY_JSON, "{\"vms\":{}}", TB_E_INVALID_FIELD,
         "The file must be an object with an array vms"},
        {TB_IMPORT_REGISTRY_JSON, "{\"vms\":[1,]}", TB_E_INVALID_JSON,
         "The file is not valid JSON: unexpected character at byte 10"},
        {TB_IMPORT_BOARD_JSON, "", TB_E_INVALID_JSON,
         "The file is not valid JSON: unexpected end at byte 0"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tb_parse parse = {.arena = arena};
        struct tb_import_source source;
        assert_false(tb_import_open(&parse, rows[i].format, tb_str_c(rows[i].bytes), &source));
        assert_int_equal(parse.refusal.err, rows[i].err);
        assert_str_eq(parse.refusal.message, tb_str_c(rows[i].message));
    }
}

static void formats_have_the_names_of_the_files(void **state)
{
    (void)state;
    static const char *const names[] = {"ndjson", "board.json", "registry.json", "feed.jsonl"};
    enum tb_import_format format = TB_IMPORT_FORMAT_COUNT;
    assert_false(tb_import_format_parse(TB_STR("board.jso"), &format));
    assert_int_equal(format, TB_IMPORT_FORMAT_COUNT);
    for (int i = 0; i < TB_IMPORT_FORMAT_COUNT; i++) {
        assert_string_equal(tb_import_format_name((enum tb_import_format)i), names[i]);
        assert_true(tb_import_format_parse(tb_str_c(names[i]), &format));
        assert_int_equal(format, i);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_counted_and_those_without_anything_left_out),
        cmocka_unit_test(a_file_without_lines_has_no_items),
        cmocka_unit_test(the_items_of_a_document_are_those_of_its_list),
        cmocka_unit_test(a_document_of_another_shape_is_refused),
        cmocka_unit_test(formats_have_the_names_of_the_files),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
