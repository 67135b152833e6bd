/* Reads that wait: what they ask for, and what becomes of it. */
#include "unit/base/check.h"

#include "http/dispatch.h"
#include "http/framing.h"
#include "http/read.h"
#include "http/reply.h"
#include "unit/http/fake_adapter.h"

/* A read whose tag is always "7". */
static void read_seven(struct tb_request *request)
{
    struct tb_parse parse;
    int64_t wait_ms = 0;
    tb_parse_init(request, &parse);
    if (!tb_read_wait(request, &parse, &wait_ms)) {
        return;
    }
    request->held.on_wake = read_seven;
    tb_reply_set_tag(request, TB_STR("\"7\""));
    if (!tb_read_held(request, TB_STR("\"7\""), wait_ms)) {
        tb_reply_json(request, 200, TB_STR("{}"));
    }
}

static void read_switch(struct tb_request *request)
{
    struct tb_parse parse;
    bool on = false;
    tb_parse_init(request, &parse);
    if (tb_read_switch(request, &parse, "force", &on)) {
        tb_reply_json(request, 200, on ? TB_STR("on") : TB_STR("off"));
    } else {
        tb_reply_refusal(request, parse.refusal.err, parse.refusal.message, parse.refusal.extra);
    }
}

static const struct tb_route routes[] = {
    {TB_METHOD_GET, "/seven", read_seven, TB_ROLE_VIEWER, 0},
    {TB_METHOD_GET, "/switch", read_switch, TB_ROLE_VIEWER, 0},
};

struct fixture {
    struct tb_http http;
    struct tb_worker worker;
    struct tb_request request;
    struct tb_fake_clock clock;
};

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.worker = {.http = &f.http}};
    tb_fake_clock_init(&f.clock, 1000000);
    tb_router_init(&f.http.router, routes, COUNT(routes));
    tb_auth_init(&f.http.auth, TB_STR_NONE);
    f.http.clock = &f.clock.clock;
    f.request.arena = tb_arena_new(0);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    tb_arena_free(f->request.arena);
    return 0;
}

/* Sends it; NULL headers are not sent. */
static const struct tb_response *ask(struct fixture *f, const char *target, const char *tag,
                                     const char *prefer)
{
    struct tb_arena *arena = f->request.arena;
    f->request = (struct tb_request){.http = &f->http, .worker = &f->worker, .arena = arena};
    f->request.method_name = TB_STR("GET");
    f->request.method = TB_METHOD_GET;
    assert_true(tb_framing_target(tb_str_c(target), &f->request.path, &f->request.query));
    f->request.headers[TB_IN_IF_NONE_MATCH] = tb_str_c(tag);
    f->request.headers[TB_IN_PREFER] = tb_str_c(prefer);
    enum tb_err hold_err = fake_answer.hold_err;
    fake_answer = (struct fake_answer){.hold_err = hold_err};
    tb_dispatch_init(&f->request);
    tb_dispatch(&f->request);
    return &f->request.response;
}

static void assert_held(const struct tb_response *response, int64_t ms)
{
    (void)response;
    assert_int_equal(fake_answer.sent_count, 0);
    assert_true(fake_answer.expected_news);
    assert_int_equal(fake_answer.held_ms, ms);
}

static void assert_answered(const struct tb_response *response, int status)
{
    assert_int_equal(fake_answer.sent_count, 1);
    assert_int_equal(fake_answer.held_ms, 0);
    assert_int_equal(response->status, status);
}

static void a_read_is_held_only_when_it_has_the_answer_and_time(void **state)
{
    struct fixture *f = *state;
    assert_held(ask(f, "/seven?wait=5", "\"7\"", NULL), 5000);
    assert_held(ask(f, "/seven", "\"6\", \"7\"", "wait=60"), 60000);
    assert_answered(ask(f, "/seven?wait=5", "\"6\"", NULL), 200);
    assert_answered(ask(f, "/seven?wait=5", NULL, NULL), 200);
    assert_false(fake_answer.expected_news);
    assert_answered(ask(f, "/seven", "\"7\"", NULL), 304);
    assert_false(fake_answer.expected_news);
    assert_answered(ask(f, "/seven?wait=0", "\"7\"", "wait=9"), 304);
}

static void a_preference_is_met_as_far_as_it_can_be(void **state)
{
    struct fixture *f = *state;
    assert_held(ask(f, "/seven", "\"7\"", "handling=strict, wait=\"3\""), 3000);
    assert_held(ask(f, "/seven", "\"7\"", "wait=9999"), 60000);
    static const char *const nothing[] = {"wait", "wait=", "wait=-1", "wait=x", "wait=1.5", "x"};
    for (size_t i = 0; i < COUNT(nothing); i++) {
        assert_answered(ask(f, "/seven", "\"7\"", nothing[i]), 304);
    }
}

static void a_parameter_is_checked_whether_it_is_needed_or_not(void **state)
{
    struct fixture *f = *state;
    assert_answered(ask(f, "/seven?wait=61", NULL, NULL), 400);
    assert_answered(ask(f, "/seven?wait=x", "\"7\"", NULL), 400);
    assert_answered(ask(f, "/seven?wait=1&wait=1", "\"7\"", NULL), 400);
}

static void a_read_that_is_woken_is_not_held_again(void **state)
{
    struct fixture *f = *state;
    assert_held(ask(f, "/seven?wait=5", "\"7\"", NULL), 5000);
    fake_answer = (struct fake_answer){0};
    f->request.held.woken = true;
    f->request.held.on_wake(&f->request);
    assert_answered(&f->request.response, 304);
    assert_false(fake_answer.expected_news);
}

static void where_too_many_are_held_it_is_refused(void **state)
{
    struct fixture *f = *state;
    fake_answer.hold_err = TB_E_OVERLOADED;
    const struct tb_response *response = ask(f, "/seven?wait=5", "\"7\"", NULL);
    fake_answer.hold_err = TB_OK;
    assert_answered(response, 503);
    assert_str(response->headers[TB_OUT_RETRY_AFTER], "1");
    assert_absent(response->headers[TB_OUT_ETAG]);
}

static void a_switch_is_true_or_false(void **state)
{
    struct fixture *f = *state;
    assert_str(ask(f, "/switch", NULL, NULL)->body, "off");
    assert_str(ask(f, "/switch?force=false", NULL, NULL)->body, "off");
    assert_str(ask(f, "/switch?x=1&force=true", NULL, NULL)->body, "on");
    assert_answered(ask(f, "/switch?force=", NULL, NULL), 400);
    assert_answered(ask(f, "/switch?force=1", NULL, NULL), 400);
    assert_answered(ask(f, "/switch?force=true&force=yes", NULL, NULL), 400);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_read_is_held_only_when_it_has_the_answer_and_time),
        TEST(a_preference_is_met_as_far_as_it_can_be),
        TEST(a_parameter_is_checked_whether_it_is_needed_or_not),
        TEST(a_read_that_is_woken_is_not_held_again),
        TEST(where_too_many_are_held_it_is_refused),
        TEST(a_switch_is_true_or_false),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
