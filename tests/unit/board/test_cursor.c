#include "fixture/fixture.h"

#include "board/query.h"

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

static const enum tb_order orders[] = {TB_ORDER_CREATED, TB_ORDER_UPDATED, TB_ORDER_RANK};

static struct tb_position position_of(int64_t key, uint8_t fill)
{
    struct tb_position position = {.key = key};
    memset(position.id.bytes, fill, sizeof(position.id.bytes));
    return position;
}

static void a_cursor_is_read_back(void **state)
{
    (void)state;
    static const int64_t keys[] = {0, 1, -1, INT64_MIN, INT64_MAX, FIXTURE_START_MS};
    for (size_t i = 0; i < COUNT(orders); i++) {
        for (size_t k = 0; k < COUNT(keys); k++) {
            struct tb_position wanted = position_of(keys[k], (uint8_t)(k * 51));
            struct tb_position got = position_of(7, 7);
            struct tb_str text = tb_cursor_format(arena, orders[i], wanted);
            assert_true(tb_cursor_parse(text, orders[i], &got));
            assert_true(got.key == wanted.key);
            assert_id(got.id, wanted.id);
        }
    }
}

static void a_cursor_can_stand_in_a_url_as_it_is(void **state)
{
    (void)state;
    struct tb_str text = tb_cursor_format(arena, TB_ORDER_RANK, position_of(-5, 0xAB));
    const char *c_text = tb_arena_printf(arena, "%.*s", (int)text.len, text.ptr).ptr;
    assert_int_equal(strspn(c_text, "0123456789abcdef"), text.len);
}

static void a_cursor_belongs_to_its_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(orders); i++) {
        struct tb_str text = tb_cursor_format(arena, orders[i], position_of(5, 1));
        for (size_t k = 0; k < COUNT(orders); k++) {
            struct tb_position got;
            assert_int_equal(tb_cursor_parse(text, orders[k], &got), i == k);
        }
    }
}

static void a_cursor_that_is_cut_or_changed_is_refused(void **state)
{
    (void)state;
    struct tb_str text = tb_cursor_format(arena, TB_ORDER_CREATED, position_of(0, 0x3C));
    char *copy = tb_arena_alloc(arena, text.len + 1);
    struct tb_position got = position_of(7, 7);
    for (size_t len = 0; len < text.len; len++) {
        assert_false(tb_cursor_parse(tb_str_from(text.ptr, len), TB_ORDER_CREATED, &got));
    }
    for (size_t i = 0; i < text.len; i++) {
        static const char strange[] = "0F gz\"%";
        for (size_t k = 0; k < sizeof(strange); k++) {
            memcpy(copy, text.ptr, text.len);
            copy[i] = strange[k];
            bool same = memcmp(copy, text.ptr, text.len) == 0;
            assert_int_equal(tb_cursor_parse(tb_str_from(copy, text.len), TB_ORDER_CREATED, &got),
                             same);
        }
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '0';
    assert_false(tb_cursor_parse(tb_str_from(copy, text.len + 1), TB_ORDER_CREATED, &got));
}

static void what_was_never_a_cursor_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const struct tb_str wrong[] = {
        TB_STR_NONE, TB_STR(""), TB_STR("0"), TB_STR("01K00000000000000000000000"),
        TB_STR("000000000000000000000000000000000000000000000000000000000000")};
    struct tb_position got = position_of(7, 7);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_false(tb_cursor_parse(wrong[i], TB_ORDER_CREATED, &got));
    }
    assert_true(got.key == 7);
    assert_id(got.id, position_of(7, 7).id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cursor_is_read_back),
        cmocka_unit_test(a_cursor_can_stand_in_a_url_as_it_is),
        cmocka_unit_test(a_cursor_belongs_to_its_order),
        cmocka_unit_test(a_cursor_that_is_cut_or_changed_is_refused),
        cmocka_unit_test(what_was_never_a_cursor_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
