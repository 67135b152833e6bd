/* GET /board/ready, and `wait`. */
#include "fixture/fixture.h"

#include "board/query.h"

static struct tb_params *params_of(struct fixture *f, struct tb_parse *parse, const char *query)
{
    struct tb_params *params = tb_arena_alloc(f->arena, sizeof(*params));
    *parse = (struct tb_parse){.arena = f->arena};
    assert_true(tb_params_parse(parse, tb_str_c(query), params));
    return params;
}

static bool parse_ready(struct fixture *f, struct tb_parse *parse, const char *query,
                        struct tb_ready_request *request)
{
    const struct tb_params *params = params_of(f, parse, query);
    return tb_parse_ready(parse, params, request);
}

static void without_parameters_all_that_is_ready_is_asked_for(void **state)
{
    struct fixture *f = *state;
    struct tb_parse parse;
    struct tb_ready_request request;
    assert_true(parse_ready(f, &parse, "", &request));
    assert_absent(request.agent);
    assert_absent(request.vm_id);
    assert_int_equal(request.tag_count, 0);
    assert_int_equal(request.limit, 100);
}

static void who_asks_and_for_which_tags(void **state)
{
    struct fixture *f = *state;
    struct tb_parse parse;
    struct tb_ready_request request;
    assert_true(parse_ready(f, &parse, "agent=+ann+&vmId=vm-1&tag=+x&tag=y&limit=10000&colour=red",
                            &request));
    assert_str(request.agent, "ann");
    assert_str(request.vm_id, "vm-1");
    assert_int_equal(request.tag_count, 2);
    assert_str(request.tags[0], " x");
    assert_str(request.tags[1], "y");
    assert_int_equal(request.limit, 10000);
    assert_true(parse_ready(f, &parse, "agent=&vmId=+&tag=&agent=ann", &request));
    assert_str(request.agent, "ann");
    assert_absent(request.vm_id);
    assert_int_equal(request.tag_count, 0);
}

static void what_makes_no_sense_is_refused(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *query;
        struct tb_str message;
    } rows[] = {
        {"limit=0", TB_STR("limit must be a whole number from 1 to 10000")},
        {"limit=", TB_STR("limit must be a whole number from 1 to 10000")},
        {"limit=1&limit=1", TB_STR("limit is given more than once")},
        {"agent=a&agent=a", TB_STR("agent is given more than once")},
        {"vmId=a&vmId=b", TB_STR("vmId is given more than once")},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tb_parse parse;
        struct tb_ready_request request;
        assert_false(parse_ready(f, &parse, rows[i].query, &request));
        assert_int_equal(parse.refusal.err, TB_E_INVALID_QUERY);
        assert_str_eq(parse.refusal.message, rows[i].message);
    }
}

static void wait_is_a_number_of_seconds(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *query;
        int64_t wait_ms; /* -1: refused */
    } rows[] = {
        {"", 0},         {"wait=0", 0},        {"wait=60", 60000}, {"status=open&wait=7", 7000},
        {"wait=61", -1}, {"wait=-1", -1},      {"wait=", -1},      {"wait=1.5", -1},
        {"wait=1s", -1}, {"wait=1&wait=1", -1}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tb_parse parse;
        struct tb_list_request list;
        int64_t wait_ms = -1;
        const struct tb_params *params = params_of(f, &parse, rows[i].query);
        assert_int_equal(tb_parse_wait(&parse, params, &wait_ms), rows[i].wait_ms >= 0);
        assert_int_equal(wait_ms, rows[i].wait_ms);
        assert_int_equal(parse.refusal.err, rows[i].wait_ms >= 0 ? TB_OK : TB_E_INVALID_QUERY);
        /* lists look at it, too */
        assert_int_equal(tb_parse_list(&parse, params, &list), rows[i].wait_ms >= 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(without_parameters_all_that_is_ready_is_asked_for),
        fixture_test(who_asks_and_for_which_tags),
        fixture_test(what_makes_no_sense_is_refused),
        fixture_test(wait_is_a_number_of_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
