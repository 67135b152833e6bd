#include "unit/base/check.h"

#include "http/link.h"

static int set_up(void **state)
{
    *state = tb_arena_new(0);
    return 0;
}

static int tear_down(void **state)
{
    tb_arena_free(*state);
    return 0;
}

static void link_names_the_next_page(void **state)
{
    struct tb_params none = {.count = 0};
    assert_str(tb_link_next(*state, TB_STR("/a"), &none, TB_STR("c0")),
               "</a?cursor=c0>; rel=\"next\"");
}

static void link_keeps_the_other_parameters_and_drops_the_old_cursor(void **state)
{
    struct tb_params params = {.items = {{TB_STR("tag"), TB_STR("x")},
                                         {TB_STR("cursor"), TB_STR("old")},
                                         {TB_STR("tag"), TB_STR("y")},
                                         {TB_STR("limit"), TB_STR("2")}},
                               .count = 4};
    assert_str(tb_link_next(*state, TB_STR("/a"), &params, TB_STR("new")),
               "</a?tag=x&tag=y&limit=2&cursor=new>; rel=\"next\"");
}

static void link_lets_nothing_out_of_its_brackets(void **state)
{
    struct tb_params params = {
        .items = {{TB_STR("q>"), TB_STR("a \\\"b\\\" & c=d>; rel=\\r\\nx \xc3\xa9")}}, .count = 1};
    assert_str(tb_link_next(*state, TB_STR("/a"), &params, TB_STR("c")),
               "</a?q%3E=a%20%22b%22%20%26%20c%3Dd%3E%3B%20rel%3D%0D%0Ax%20%C3%A9&cursor=c>; "
               "rel=\"next\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(link_names_the_next_page),
        cmocka_unit_test(link_keeps_the_other_parameters_and_drops_the_old_cursor),
        cmocka_unit_test(link_lets_nothing_out_of_its_brackets),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
