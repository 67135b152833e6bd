/* Queries of the registry and of the feed. */
#include "fixture/fixture.h"

#include "board/query.h"

static struct tb_params *params_of(struct fixture *f, struct tb_parse *parse, const char *query)
{
    struct tb_params *params = tb_arena_alloc(f->arena, sizeof(*params));
    *parse = (struct tb_parse){.arena = f->arena};
    assert_true(tb_params_parse(parse, tb_str_c(query), params));
    return params;
}

static struct tb_vms_request vms(struct fixture *f, const char *query)
{
    struct tb_parse parse;
    struct tb_vms_request request;
    const struct tb_params *params = params_of(f, &parse, query);
    assert_true(tb_parse_vms(&parse, params, &request));
    return request;
}

static struct tb_feed_request feed(struct fixture *f, const char *query)
{
    struct tb_parse parse;
    struct tb_feed_request request;
    const struct tb_params *params = params_of(f, &parse, query);
    assert_true(tb_parse_feed(&parse, params, &request));
    return request;
}

/* --- the registry --- */

static void without_parameters_every_vm_fits(void **state)
{
    struct fixture *f = *state;
    struct tb_vms_request request = vms(f, "role=&status=&service=&colour=red");
    assert_int_equal(request.role, -1);
    assert_int_equal(request.status, -1);
    assert_int_equal(request.service_count, 0);
    assert_false(request.nothing);
    assert_false(request.discover);
}

static void filters_are_read(void **state)
{
    struct fixture *f = *state;
    struct tb_vms_request request =
        vms(f, "role=golden&status=paused&service=a+b&role=golden&service=c");
    assert_int_equal(request.role, TB_VM_GOLDEN);
    assert_int_equal(request.status, TB_VM_PAUSED);
    assert_int_equal(request.service_count, 2);
    assert_str(request.services[0], "a b");
    assert_str(request.services[1], "c");
    assert_false(request.nothing);
}

static void what_no_vm_can_be_gives_nothing(void **state)
{
    struct fixture *f = *state;
    static const char *const queries[] = {"role=boss", "status=ill", "role=infra&role=worker",
                                          "status=running&status=paused", "role=Infra"};
    for (size_t i = 0; i < COUNT(queries); i++) {
        assert_true(vms(f, queries[i]).nothing);
    }
}

static void discover_takes_its_role_from_the_path(void **state)
{
    struct fixture *f = *state;
    struct tb_parse parse;
    struct tb_vms_request request;
    const struct tb_params *params =
        params_of(f, &parse, "role=infra&status=stopped&service=rpc&wait=5");
    assert_true(tb_parse_discover(&parse, params, TB_STR("worker"), &request));
    assert_int_equal(request.role, TB_VM_WORKER);
    assert_int_equal(request.status, TB_VM_RUNNING);
    assert_int_equal(request.service_count, 1);
    assert_str(request.services[0], "rpc");
    assert_true(request.discover);
    assert_false(request.nothing);
    assert_true(tb_parse_discover(&parse, params, TB_STR("boss"), &request));
    assert_true(request.nothing);
}

static void a_wrong_wait_is_refused(void **state)
{
    struct fixture *f = *state;
    struct tb_parse parse;
    struct tb_vms_request request;
    const struct tb_params *params = params_of(f, &parse, "wait=61");
    assert_false(tb_parse_vms(&parse, params, &request));
    assert_int_equal(parse.refusal.err, TB_E_INVALID_QUERY);
    assert_false(tb_parse_discover(&parse, params, TB_STR("infra"), &request));
}

/* --- the feed --- */

static void the_feed_is_asked_for_its_last_fifty(void **state)
{
    struct fixture *f = *state;
    struct tb_feed_request request = feed(f, "agent=&type=&since=&limit=");
    assert_absent(request.agent);
    assert_int_equal(request.type, -1);
    assert_true(tb_id_is_zero(request.since_id));
    assert_int_equal(request.since_ms, 0);
    assert_int_equal(request.limit, 50);
    assert_false(request.nothing);
}

static void limits_are_read_as_they_always_were(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *query;
        unsigned limit;
    } rows[] = {
        {"limit=7", 7},         {"limit=0", 10000},     {"limit=-3", 10000},
        {"limit=all", 10000},   {"limit=10abc", 10},    {"limit=5.9", 5},
        {"limit=+8", 8},        {"limit=%2B8", 8},      {"limit=99999999999999999999", 10000},
        {"limit=10000", 10000}, {"limit=10001", 10000}, {"limit=3&limit=4", 3},
        {"limit=1e3", 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(feed(f, rows[i].query).limit, rows[i].limit);
    }
}

static void agents_and_types_are_exact(void **state)
{
    struct fixture *f = *state;
    struct tb_feed_request request = feed(f, "agent=+ann&type=finding&agent=+ann&type=finding");
    assert_str(request.agent, " ann");
    assert_int_equal(request.type, TB_EVENT_FEED_FINDING);
    assert_false(request.nothing);
    assert_true(feed(f, "type=cleared").nothing);
    assert_true(feed(f, "type=finding&type=custom").nothing);
    assert_true(feed(f, "agent=a&agent=b").nothing);
}

static void since_is_an_id_or_an_instant(void **state)
{
    struct fixture *f = *state;
    char text[TB_ULID_LEN];
    struct tb_feed_request request = feed(f, "since=01KAP2Y5Q3V8C4D1E7F9G2H5JK");
    tb_ulid_format(request.since_id, text);
    assert_memory_equal(text, "01KAP2Y5Q3V8C4D1E7F9G2H5JK", TB_ULID_LEN);
    assert_int_equal(request.since_ms, 0);
    static const struct {
        const char *query;
        int64_t ms;
    } rows[] = {
        {"since=2023-11-14T22:13:20.001Z", FIXTURE_START_MS + 1},
        {"since=2023-11-14T22:13:20%2B00:00", FIXTURE_START_MS},
        {"since=2023-11-14T22:13:20", FIXTURE_START_MS},
        {"since=2023-11-14T22:13", FIXTURE_START_MS - 20000},
        {"since=2023-11-14T22:13Z", FIXTURE_START_MS - 20000},
        {"since=2023-11-14", INT64_C(1699920000000)},
        {"since=2023-11", INT64_C(1698796800000)},
        {"since=2023", INT64_C(1672531200000)},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        request = feed(f, rows[i].query);
        assert_false(request.nothing);
        assert_int_equal(request.since_ms, rows[i].ms);
    }
    assert_true(feed(f, "since=yesterday").nothing);
    assert_true(feed(f, "since=2023-13-01").nothing);
    assert_true(feed(f, "since=ZZZZZZZZZZZZZZZZZZZZZZZZZZ").nothing); /* behind all that can be */
}

/* Ids are compared as strings, also with what is none. */
static void what_only_looks_like_an_id_has_its_place(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *since;
        const char *id;
    } rows[] = {
        {"01KAP2Y5Q3V8C4D1E7F9G2H5JI", "01KAP2Y5Q3V8C4D1E7F9G2H5JH"},
        {"01NONEXISTENT0000000000000", "01NNZZZZZZZZZZZZZZZZZZZZZZ"},
        {"01kap2y5q3v8c4d1e7f9g2h5ju", "01KAP2Y5Q3V8C4D1E7F9G2H5JT"},
        {"0L000000000000000000000000", "0KZZZZZZZZZZZZZZZZZZZZZZZZ"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[TB_ULID_LEN];
        struct tb_feed_request request =
            feed(f, tb_arena_printf(f->arena, "since=%s", rows[i].since).ptr);
        assert_false(request.nothing);
        tb_ulid_format(request.since_id, text);
        assert_memory_equal(text, rows[i].id, TB_ULID_LEN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(without_parameters_every_vm_fits),
        fixture_test(filters_are_read),
        fixture_test(what_no_vm_can_be_gives_nothing),
        fixture_test(discover_takes_its_role_from_the_path),
        fixture_test(a_wrong_wait_is_refused),
        fixture_test(the_feed_is_asked_for_its_last_fifty),
        fixture_test(limits_are_read_as_they_always_were),
        fixture_test(agents_and_types_are_exact),
        fixture_test(since_is_an_id_or_an_instant),
        fixture_test(what_only_looks_like_an_id_has_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
