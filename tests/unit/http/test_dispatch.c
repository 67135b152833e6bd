#include "unit/base/check.h"

#include "http/dispatch.h"
#include "http/framing.h"
#include "http/reply.h"
#include "unit/http/fake_adapter.h"

static void answer_ok(struct tb_request *request)
{
    tb_reply_json(request, 200, TB_STR("{\"ok\":true}"));
}

static const struct tb_route routes[] = {
    {TB_METHOD_GET, "/open", answer_ok, TB_ROLE_OPEN, 0},
    {TB_METHOD_GET, "/things", answer_ok, TB_ROLE_VIEWER, 0},
    {TB_METHOD_POST, "/things", answer_ok, TB_ROLE_WORKER, TB_ROUTE_BODY},
    {TB_METHOD_POST, "/many", answer_ok, TB_ROLE_WORKER, TB_ROUTE_BODY | TB_ROUTE_BIG_BODY},
    {TB_METHOD_DELETE, "/things", answer_ok, TB_ROLE_WORKER, 0},
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
    f = (struct fixture){.worker = {.http = &f.http, .id_prefix = 0xabcdef01}};
    tb_fake_clock_init(&f.clock, 1000000);
    tb_router_init(&f.http.router, routes, COUNT(routes));
    tb_auth_init(&f.http.auth, TB_STR("secret"));
    f.http.clock = &f.clock.clock;
    f.http.body_bytes_max = 10;
    f.http.array_body_bytes_max = 20;
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

/* A request with a good token; the test changes it before it is sent. */
static struct tb_request *make(struct fixture *f, const char *method, const char *target)
{
    struct tb_arena *arena = f->request.arena;
    struct tb_request *request = &f->request;
    *request = (struct tb_request){.http = &f->http, .worker = &f->worker, .arena = arena};
    request->started_us = tb_clock_monotonic_us(&f->clock.clock);
    request->method_name = tb_str_c(method);
    request->method = tb_method_parse(request->method_name);
    assert_true(tb_framing_target(tb_str_c(target), &request->path, &request->query));
    request->headers[TB_IN_AUTHORIZATION] = TB_STR("Bearer secret");
    return request;
}

/* The status that it is answered with. */
static int send_it(struct tb_request *request)
{
    fake_answer = (struct fake_answer){0};
    tb_dispatch_init(request);
    tb_dispatch(request);
    assert_int_equal(fake_answer.sent_count, 1);
    return request->response.status;
}

static int ask(struct fixture *f, const char *method, const char *target)
{
    return send_it(make(f, method, target));
}

static bool answered_with(const struct fixture *f, const char *part)
{
    struct tb_str body = f->request.response.body;
    return memmem(body.ptr, body.len, part, strlen(part)) != NULL;
}

static void dispatch_calls_the_handler(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, "GET", "/things"), 200);
    assert_str(f->request.response.body, "{\"ok\":true}");
    assert_str(f->request.response.headers[TB_OUT_CONTENT_TYPE], "application/json");
    assert_str(f->request.response.headers[TB_OUT_CACHE_CONTROL], "no-store");
    assert_str(f->request.response.headers[TB_OUT_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_int_equal(f->request.role, TB_ROLE_ADMIN);
    assert_str(f->request.actor, "admin");
}

static void dispatch_takes_a_good_request_id_and_mints_one_otherwise(void **state)
{
    struct fixture *f = *state;
    struct tb_request *request = make(f, "GET", "/things");
    request->headers[TB_IN_REQUEST_ID] = TB_STR("mine");
    (void)send_it(request);
    assert_str(request->response.headers[TB_OUT_REQUEST_ID], "mine");
    request = make(f, "GET", "/things");
    request->headers[TB_IN_REQUEST_ID] = TB_STR("not mine");
    (void)send_it(request);
    assert_str(request->id, "abcdef010000000001");
    (void)ask(f, "GET", "/things");
    assert_str(f->request.id, "abcdef010000000002");
}

static void dispatch_asks_for_a_token_before_it_tells_what_there_is(void **state)
{
    struct fixture *f = *state;
    static const char *const methods[] = {"GET", "POST", "PUT", "OPTIONS"};
    static const char *const paths[] = {"/things", "/nothing", "/"};
    for (size_t i = 0; i < COUNT(methods); i++) {
        for (size_t j = 0; j < COUNT(paths); j++) {
            struct tb_request *request = make(f, methods[i], paths[j]);
            request->headers[TB_IN_AUTHORIZATION] = TB_STR_NONE;
            assert_int_equal(send_it(request), 401);
            assert_str(request->response.headers[TB_OUT_WWW_AUTHENTICATE], "Bearer");
            assert_true(answered_with(
                f, "{\"error\":\"Unauthorized — missing Authorization header\",\"code\":"
                   "\"unauthorized\",\"requestId\":\""));
        }
    }
}

static void dispatch_lets_everybody_at_what_is_open(void **state)
{
    struct fixture *f = *state;
    struct tb_request *request = make(f, "GET", "/open");
    request->headers[TB_IN_AUTHORIZATION] = TB_STR("Bearer wrong");
    assert_int_equal(send_it(request), 200);
    assert_int_equal(atomic_load(&f->http.failed_logins), 0);
}

static void dispatch_slows_wrong_tokens_and_nobody_else(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 10; i++) {
        struct tb_request *request = make(f, "GET", "/things");
        request->headers[TB_IN_AUTHORIZATION] = TB_STR("Bearer wrong");
        assert_int_equal(send_it(request), 401);
        assert_int_equal(fake_answer.delay == TB_DELAY_NONE, i < 5);
    }
    assert_int_equal(atomic_load(&f->http.failed_logins), 10);
    assert_int_equal(ask(f, "GET", "/things"), 200);
    struct tb_request *request = make(f, "GET", "/things");
    request->headers[TB_IN_AUTHORIZATION] = TB_STR_NONE;
    assert_int_equal(send_it(request), 401);
    assert_int_equal(fake_answer.delay, TB_DELAY_NONE);
}

static void dispatch_refuses_failed_logins_at_once_when_too_many_wait(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < TB_SLOWDOWN_DEBTS; i++) {
        f->worker.slowdown.debts[i] = (struct tb_slowdown_debt){
            .debt_us = 30000000, .seen_us = tb_clock_monotonic_us(&f->clock.clock)};
    }
    f->worker.slowdown.pending = TB_SLOWDOWN_PENDING_MAX;
    struct tb_request *request = make(f, "GET", "/things");
    request->headers[TB_IN_AUTHORIZATION] = TB_STR("Bearer wrong");
    assert_int_equal(send_it(request), 429);
    assert_true(request->response.close);
    assert_non_null(request->response.headers[TB_OUT_RETRY_AFTER].ptr);
    assert_int_equal(ask(f, "GET", "/things"), 200);
}

static void dispatch_tells_404_from_405(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, "GET", "/nothing"), 404);
    assert_absent(f->request.response.headers[TB_OUT_ALLOW]);
    assert_int_equal(ask(f, "PATCH", "/things"), 405);
    assert_str(f->request.response.headers[TB_OUT_ALLOW], "GET, HEAD, POST, DELETE");
    assert_int_equal(ask(f, "TRACE", "/open"), 405);
    assert_str(f->request.response.headers[TB_OUT_ALLOW], "GET, HEAD");
}

static int ask_with_body(struct fixture *f, const char *method, const char *target, size_t len)
{
    struct tb_request *request = make(f, method, target);
    request->body = tb_str_from("12345678901234567890123", len);
    return send_it(request);
}

static void dispatch_takes_bodies_where_they_belong(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask_with_body(f, "GET", "/things", 1), 400);
    assert_true(answered_with(f, "unexpected_body"));
    assert_int_equal(ask_with_body(f, "HEAD", "/things", 1), 400);
    assert_int_equal(ask_with_body(f, "GET", "/things", 0), 200);
    assert_int_equal(ask_with_body(f, "DELETE", "/things", 23), 200);
    assert_int_equal(ask_with_body(f, "POST", "/things", 10), 200);
    assert_int_equal(ask_with_body(f, "POST", "/things", 11), 413);
    assert_int_equal(ask_with_body(f, "POST", "/many", 20), 200);
    assert_int_equal(ask_with_body(f, "POST", "/many", 21), 413);
}

static void dispatch_refuses_a_broken_query_everywhere_but_where_it_is_open(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, "GET", "/things?a=%ff"), 400);
    assert_int_equal(ask(f, "POST", "/things?a=%00"), 400);
    assert_int_equal(ask(f, "GET", "/open?a=%00"), 200);
    assert_int_equal(ask(f, "GET", "/things?a=b"), 200);
    assert_int_equal(f->request.query_params->count, 1);
    assert_int_equal(ask(f, "GET", "/things"), 200);
    assert_int_equal(f->request.query_params->count, 0);
}

static void dispatch_closes_after_a_request_that_it_could_not_make_out(void **state)
{
    struct fixture *f = *state;
    struct tb_request *request = make(f, "GET", "/things");
    request->malformed = "no good";
    assert_int_equal(send_it(request), 400);
    assert_true(request->response.close);
    assert_true(answered_with(f, "{\"error\":\"no good\",\"code\":\"bad_request\""));
}

static void dispatch_lets_no_foreign_page_in_where_there_are_no_tokens(void **state)
{
    struct fixture *f = *state;
    tb_auth_init(&f->http.auth, TB_STR_NONE);
    f->http.origin = (struct tb_origin){.checks = true, .checks_host = true};
    struct tb_request *request = make(f, "GET", "/things");
    request->headers[TB_IN_HOST] = TB_STR("localhost:3000");
    assert_int_equal(send_it(request), 200);
    assert_str(request->scope, "anonymous");
    request = make(f, "POST", "/things");
    request->headers[TB_IN_HOST] = TB_STR("evil.example");
    assert_int_equal(send_it(request), 403);
    assert_true(answered_with(f, "--public-url"));
    request = make(f, "POST", "/things");
    request->headers[TB_IN_HOST] = TB_STR("localhost:3000");
    request->headers[TB_IN_ORIGIN] = TB_STR("http://evil.example");
    assert_int_equal(send_it(request), 403);
    request = make(f, "GET", "/open");
    request->headers[TB_IN_HOST] = TB_STR("evil.example");
    assert_int_equal(send_it(request), 200);
    f->http.origin = (struct tb_origin){.checks = false};
}

static void dispatch_answers_problems_to_who_names_them(void **state)
{
    struct fixture *f = *state;
    struct tb_request *request = make(f, "GET", "/nothing");
    request->headers[TB_IN_ACCEPT] = TB_STR("application/problem+json");
    request->headers[TB_IN_REQUEST_ID] = TB_STR("r1");
    assert_int_equal(send_it(request), 404);
    assert_str(request->response.headers[TB_OUT_CONTENT_TYPE], "application/problem+json");
    assert_str(request->response.body,
               "{\"type\":\"urn:taskboard:error:not_found\",\"title\":\"There is nothing at this "
               "path\",\"status\":404,\"detail\":\"There is nothing at this path\",\"code\":"
               "\"not_found\",\"requestId\":\"r1\"}");
    request = make(f, "GET", "/things");
    request->headers[TB_IN_ACCEPT] = TB_STR("application/problem+json");
    assert_int_equal(send_it(request), 200);
    assert_str(request->response.headers[TB_OUT_CONTENT_TYPE], "application/json");
}

static void reply_of_an_error_carries_what_a_program_needs(void **state)
{
    struct fixture *f = *state;
    struct tb_request *request = make(f, "GET", "/things");
    tb_dispatch_init(request);
    tb_reply_set_tag(request, TB_STR("\"1\""));
    tb_reply_set_events_seq(request, 7);
    tb_reply_refusal(request, TB_E_VERSION_MISMATCH, TB_STR("say \\\"when\\\""),
                     TB_STR(",\"version\":2"));
    assert_int_equal(request->response.status, 412);
    assert_str(request->response.body,
               "{\"error\":\"say \\\"when\\\"\",\"code\":\"version_mismatch\",\"requestId\":"
               "\"abcdef010000000001\",\"version\":2}");
    assert_absent(request->response.headers[TB_OUT_ETAG]);
    assert_absent(request->response.headers[TB_OUT_EVENTS_SEQ]);
    assert_str(request->response.headers[TB_OUT_CACHE_CONTROL], "no-store");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(dispatch_calls_the_handler),
        TEST(dispatch_takes_a_good_request_id_and_mints_one_otherwise),
        TEST(dispatch_asks_for_a_token_before_it_tells_what_there_is),
        TEST(dispatch_lets_everybody_at_what_is_open),
        TEST(dispatch_slows_wrong_tokens_and_nobody_else),
        TEST(dispatch_refuses_failed_logins_at_once_when_too_many_wait),
        TEST(dispatch_tells_404_from_405),
        TEST(dispatch_takes_bodies_where_they_belong),
        TEST(dispatch_refuses_a_broken_query_everywhere_but_where_it_is_open),
        TEST(dispatch_closes_after_a_request_that_it_could_not_make_out),
        TEST(dispatch_lets_no_foreign_page_in_where_there_are_no_tokens),
        TEST(dispatch_answers_problems_to_who_names_them),
        TEST(reply_of_an_error_carries_what_a_program_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
