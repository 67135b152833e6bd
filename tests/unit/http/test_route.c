#include "unit/base/check.h"

#include <stdio.h>

#include "http/route.h"

static void handle(struct tb_request *request)
{
    (void)request;
}

static const struct tb_route routes[] = {
    {TB_METHOD_GET, "/health", handle, TB_ROLE_OPEN, 0},
    {TB_METHOD_GET, "/things", handle, TB_ROLE_VIEWER, 0},
    {TB_METHOD_POST, "/things", handle, TB_ROLE_WORKER, 0},
    {TB_METHOD_GET, "/board/review", handle, TB_ROLE_VIEWER, 0},
    {TB_METHOD_GET, "/board/:id", handle, TB_ROLE_VIEWER, 0},
    {TB_METHOD_DELETE, "/things/:id", handle, TB_ROLE_ADMIN, 0},
    {TB_METHOD_PATCH, "/things/:id", handle, TB_ROLE_WORKER, 0},
    {TB_METHOD_POST, "/things/:id/parts/:part", handle, TB_ROLE_WORKER, 0},
    {TB_METHOD_GET, "/files/*", handle, TB_ROLE_OPEN, 0},
    {TB_METHOD_POST, "/files/login", handle, TB_ROLE_VIEWER, 0},
    {TB_METHOD_POST, "/things/sort", handle, TB_ROLE_WORKER, 0},
    {TB_METHOD_PUT, "/things/:id", handle, TB_ROLE_WORKER, 0},
};

static struct tb_router router;

static int set_up(void **state)
{
    (void)state;
    tb_router_init(&router, routes, COUNT(routes));
    return 0;
}

static struct tb_match match(enum tb_method method, const char *path)
{
    struct tb_match match;
    tb_router_match(&router, method, tb_str_c(path), &match);
    return match;
}

static void route_is_found_by_method_and_path(void **state)
{
    (void)state;
    assert_ptr_equal(match(TB_METHOD_GET, "/things").route, &routes[1]);
    assert_ptr_equal(match(TB_METHOD_POST, "/things").route, &routes[2]);
    assert_ptr_equal(match(TB_METHOD_PATCH, "/things/7").route, &routes[6]);
}

static void route_gives_the_params_of_the_path(void **state)
{
    (void)state;
    struct tb_match found = match(TB_METHOD_POST, "/things/a%2Fb/parts/c");
    assert_ptr_equal(found.route, &routes[7]);
    assert_str(found.params[0], "a%2Fb");
    assert_str(found.params[1], "c");
}

static void route_of_get_answers_head(void **state)
{
    (void)state;
    assert_ptr_equal(match(TB_METHOD_HEAD, "/things").route, &routes[1]);
    assert_null(match(TB_METHOD_HEAD, "/things/7").route);
}

static void route_that_stands_earlier_wins(void **state)
{
    (void)state;
    assert_ptr_equal(match(TB_METHOD_GET, "/board/review").route, &routes[3]);
    assert_ptr_equal(match(TB_METHOD_GET, "/board/other").route, &routes[4]);
}

static void route_of_another_method_tells_which_are_allowed(void **state)
{
    (void)state;
    struct tb_arena *arena = tb_arena_new(0);
    struct tb_match found = match(TB_METHOD_OTHER, "/things");
    assert_null(found.route);
    assert_str(tb_methods_list(arena, found.methods), "GET, HEAD, POST");
    found = match(TB_METHOD_GET, "/things/7");
    assert_str(tb_methods_list(arena, found.methods), "PUT, PATCH, DELETE");
    tb_arena_free(arena);
}

/* Behind the row that names the path: what stands in front of it matches, too. */
static void route_with_a_param_does_not_match_a_path_that_another_names(void **state)
{
    (void)state;
    struct tb_arena *arena = tb_arena_new(0);
    struct tb_match found = match(TB_METHOD_PUT, "/things/sort");
    assert_null(found.route);
    assert_str(tb_methods_list(arena, found.methods), "POST, PATCH, DELETE");
    assert_ptr_equal(match(TB_METHOD_PUT, "/things/7").route, &routes[11]);
    found = match(TB_METHOD_OTHER, "/board/review");
    assert_str(tb_methods_list(arena, found.methods), "GET, HEAD");
    tb_arena_free(arena);
}

static void route_is_not_found_where_the_path_is_not_exact(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "",
        "/",
        "//",
        "/Things",
        "/things/",
        "/things//",
        "//things",
        "things",
        "/things/7/parts",
        "/things/7/parts/",
        "/things/7/parts/8/9",
        "/health/..",
        "/a/b/c/d/e/f/g",
        "/board/",
        "/health%00",
        "/%68ealth",
    };
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct tb_match found = match(TB_METHOD_GET, paths[i]);
        assert_null(found.route);
        assert_int_equal(found.methods, 0);
        assert_false(found.open);
    }
    struct tb_match found;
    tb_router_match(&router, TB_METHOD_GET, TB_STR_NONE, &found);
    assert_null(found.route);
}

static void route_of_a_folder_takes_all_that_is_in_it(void **state)
{
    (void)state;
    static const char *const inside[] = {"", "a", "a/b", "/", "../things", "a/b/c/d/e/f/g/h/i"};
    for (size_t i = 0; i < COUNT(inside); i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "/files/%s", inside[i]);
        struct tb_match found = match(TB_METHOD_GET, path);
        assert_ptr_equal(found.route, &routes[8]);
        assert_true(tb_str_eq_c(found.params[0], inside[i]));
        assert_true(found.open);
        found = match(TB_METHOD_DELETE, path);
        assert_null(found.route);
        assert_int_equal(found.methods, 1U << TB_METHOD_GET | 1U << TB_METHOD_HEAD);
        assert_true(found.open);
    }
    assert_null(match(TB_METHOD_GET, "/files").route);
    assert_null(match(TB_METHOD_GET, "/filesx").route);
}

static void route_with_a_path_goes_before_the_folder_that_it_is_in(void **state)
{
    (void)state;
    assert_ptr_equal(match(TB_METHOD_POST, "/files/login").route, &routes[9]);
    struct tb_match found = match(TB_METHOD_GET, "/files/login");
    assert_null(found.route);
    assert_int_equal(found.methods, 1U << TB_METHOD_POST);
    assert_false(found.open);
}

static void route_is_open_only_where_no_token_is_ever_asked(void **state)
{
    (void)state;
    assert_true(match(TB_METHOD_GET, "/health").open);
    assert_true(match(TB_METHOD_POST, "/health").open);
    assert_false(match(TB_METHOD_GET, "/things").open);
    assert_false(match(TB_METHOD_PUT, "/things").open);
    assert_false(match(TB_METHOD_GET, "/nothing").open);
}

static void route_methods_have_their_names(void **state)
{
    (void)state;
    for (enum tb_method method = 0; method < TB_METHOD_OTHER; method++) {
        assert_int_equal(tb_method_parse(tb_str_c(tb_method_name(method))), method);
    }
    assert_int_equal(tb_method_parse(TB_STR("get")), TB_METHOD_OTHER);
    assert_int_equal(tb_method_parse(TB_STR("GETS")), TB_METHOD_OTHER);
    assert_int_equal(tb_method_parse(TB_STR("")), TB_METHOD_OTHER);
}

static void route_table_of_the_server_is_sound(void **state)
{
    (void)state;
    tb_router_init(&router, tb_routes, tb_route_count);
    for (size_t i = 0; i < tb_route_count; i++) {
        const struct tb_route *route = &tb_routes[i];
        assert_non_null(route->handler);
        assert_ptr_equal(match(route->method, route->path).route, route);
        for (size_t j = 0; j < i; j++) {
            bool same =
                tb_routes[j].method == route->method && strcmp(tb_routes[j].path, route->path) == 0;
            assert_false(same);
        }
    }
    set_up(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(route_is_found_by_method_and_path),
        cmocka_unit_test(route_gives_the_params_of_the_path),
        cmocka_unit_test(route_of_get_answers_head),
        cmocka_unit_test(route_that_stands_earlier_wins),
        cmocka_unit_test(route_with_a_param_does_not_match_a_path_that_another_names),
        cmocka_unit_test(route_of_another_method_tells_which_are_allowed),
        cmocka_unit_test(route_is_not_found_where_the_path_is_not_exact),
        cmocka_unit_test(route_of_a_folder_takes_all_that_is_in_it),
        cmocka_unit_test(route_with_a_path_goes_before_the_folder_that_it_is_in),
        cmocka_unit_test(route_is_open_only_where_no_token_is_ever_asked),
        cmocka_unit_test(route_methods_have_their_names),
        cmocka_unit_test(route_table_of_the_server_is_sound),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
