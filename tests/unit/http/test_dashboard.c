#include "unit/base/check.h"

#include "http/dispatch.h"
#include "http/framing.h"
#include "http/page.h"
#include "unit/http/fake_adapter.h"

static const struct tb_site_file files[] = {
    {.name = "login.css", .tag = "l1", .plain = TB_STR("style")},
    {.name = "app-5F3K2Q8Z.js", .tag = "a1", .plain = TB_STR("script"), .br = TB_STR("B")},
    {.name = "index.html", .tag = "i1", .plain = TB_STR("page"), .br = TB_STR("P")},
};

static const struct tb_site whole = {files, 3};
static const struct tb_site without_page = {files, 1};

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
    tb_router_init(&f.http.router, tb_routes, tb_route_count);
    tb_auth_init(&f.http.auth, TB_STR("secret"));
    f.http.clock = &f.clock.clock;
    f.http.site = &whole;
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

/* A request of nobody; the test changes it before it is sent. */
static struct tb_request *make(struct fixture *f, const char *target)
{
    struct tb_arena *arena = f->request.arena;
    struct tb_request *request = &f->request;
    *request = (struct tb_request){.http = &f->http, .worker = &f->worker, .arena = arena};
    request->method = TB_METHOD_GET;
    request->method_name = TB_STR("GET");
    assert_true(tb_framing_target(tb_str_c(target), &request->path, &request->query));
    return request;
}

static int send_it(struct tb_request *request)
{
    fake_answer = (struct fake_answer){0};
    tb_dispatch_init(request);
    tb_dispatch(request);
    assert_int_equal(fake_answer.sent_count, 1);
    return request->response.status;
}

static int ask(struct fixture *f, const char *target, const char *authorization)
{
    struct tb_request *request = make(f, target);
    request->headers[TB_IN_AUTHORIZATION] = tb_str_c(authorization);
    return send_it(request);
}

static struct tb_str header(const struct fixture *f, enum tb_header_out name)
{
    return f->request.response.headers[name];
}

static bool contains(struct tb_str text, const char *part)
{
    return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

static void dashboard_files_are_open_and_stay_where_they_are(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, "/ui/app-5F3K2Q8Z.js", NULL), 200);
    assert_ptr_equal(f->request.response.body.ptr, files[1].plain.ptr);
    assert_str(header(f, TB_OUT_CACHE_CONTROL), "public, max-age=31536000, immutable");
    assert_str(header(f, TB_OUT_ETAG), "\"a1\"");
    assert_str(header(f, TB_OUT_VARY), "accept-encoding");
    assert_int_equal(ask(f, "/ui/login.css", NULL), 200);
    assert_str(header(f, TB_OUT_CACHE_CONTROL), "no-cache");
}

static void dashboard_sends_what_is_compressed_with_its_own_tag(void **state)
{
    struct fixture *f = *state;
    struct tb_request *request = make(f, "/ui/app-5F3K2Q8Z.js");
    request->headers[TB_IN_ACCEPT_ENCODING] = TB_STR("gzip, br");
    assert_int_equal(send_it(request), 200);
    assert_str(request->response.body, "B");
    assert_str(header(f, TB_OUT_CONTENT_ENCODING), "br");
    assert_str(header(f, TB_OUT_ETAG), "\"a1-br\"");
    request = make(f, "/ui/app-5F3K2Q8Z.js");
    request->headers[TB_IN_ACCEPT_ENCODING] = TB_STR("gzip, br");
    request->headers[TB_IN_IF_NONE_MATCH] = TB_STR("\"a1-br\"");
    assert_int_equal(send_it(request), 304);
    assert_null(header(f, TB_OUT_CONTENT_ENCODING).ptr);
    assert_str(header(f, TB_OUT_VARY), "accept-encoding");
    request->headers[TB_IN_ACCEPT_ENCODING] = TB_STR_NONE;
    assert_int_equal(send_it(request), 200);
}

static void dashboard_page_needs_a_login_and_comes_back(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *target, *location;
    } places[] = {
        {"/ui/", "/ui/login"},
        {"/ui/index.html", "/ui/login?next=/ui/index.html"},
        {"/ui/fleet", "/ui/login?next=/ui/fleet"},
        {"/ui/board?tag=a%20b&q=1", "/ui/login?next=/ui/board%3Ftag%3Da%2520b%26q%3D1"},
        {"/ui/a/b/c/d/e/f/g/h", "/ui/login?next=/ui/a/b/c/d/e/f/g/h"},
        {"/ui/a\"b", "/ui/login"},
    };
    for (size_t i = 0; i < COUNT(places); i++) {
        assert_int_equal(ask(f, places[i].target, NULL), 303);
        assert_true(tb_str_eq_c(header(f, TB_OUT_LOCATION), places[i].location));
        assert_int_equal(ask(f, places[i].target, "Bearer secret"), 200);
        assert_str(f->request.response.body, "page");
        assert_str(header(f, TB_OUT_CACHE_CONTROL), "no-cache");
        assert_str(header(f, TB_OUT_CONTENT_TYPE), "text/html; charset=utf-8");
        assert_non_null(header(f, TB_OUT_CONTENT_SECURITY_POLICY).ptr);
    }
}

static void dashboard_knows_a_file_that_is_no_more(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, "/ui/app-00000000.js", "Bearer secret"), 404);
    assert_int_equal(ask(f, "/ui/fleet/vm.1", "Bearer secret"), 200);
}

static void dashboard_that_was_not_built_says_so(void **state)
{
    struct fixture *f = *state;
    f->http.site = &without_page;
    static const char *const targets[] = {"/ui/", "/ui/fleet", "/ui/index.html"};
    for (size_t i = 0; i < COUNT(targets); i++) {
        assert_int_equal(ask(f, targets[i], NULL), 503);
        assert_true(contains(f->request.response.body, "./dev build"));
        assert_str(header(f, TB_OUT_CACHE_CONTROL), "no-store");
    }
    assert_int_equal(ask(f, "/ui/login.css", NULL), 200);
    assert_int_equal(ask(f, "/ui/login", NULL), 200);
}

static void only_a_path_of_the_dashboard_is_a_place(void **state)
{
    (void)state;
    static const char *const good[] = {"/ui/", "/ui/tasks/01KAP2", "/ui/?a=b&c=%20", "/ui//x",
                                       "/ui/?q=a/../b"};
    static const char *const bad[] = {
        "",          "/",        "/ui",          "ui/",     "//evil.example/ui/", "/board/tasks",
        "/ui/\r\nX", "/ui/\"",   "/ui/<",        "/ui/a b", "/ui/\\evil",         "https://x/ui/",
        "/ui/#hash", "/ui/\x7f", "/ui/\xc3\xa4", "/ui/..",  "/ui/a/../../board",  "/ui/.%2e/x",
        "/ui/%2E./x"};
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(tb_page_is_place(tb_str_c(good[i])));
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_false(tb_page_is_place(tb_str_c(bad[i])));
    }
    assert_false(tb_page_is_place(TB_STR_NONE));
    assert_false(tb_page_is_place(tb_str_from("/ui/\0x", 6)));
}

static void login_page_escapes_what_it_repeats(void **state)
{
    struct fixture *f = *state;
    const struct tb_login_page page = {.next = TB_STR("/ui/?a=\"><b>&c")};
    struct tb_str html = tb_login_page(f->request.arena, &page);
    assert_true(contains(html, "value=\"/ui/?a=&quot;>&lt;b>&amp;c\""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(dashboard_files_are_open_and_stay_where_they_are),
        TEST(dashboard_sends_what_is_compressed_with_its_own_tag),
        TEST(dashboard_page_needs_a_login_and_comes_back),
        TEST(dashboard_knows_a_file_that_is_no_more),
        TEST(dashboard_that_was_not_built_says_so),
        TEST(only_a_path_of_the_dashboard_is_a_place),
        TEST(login_page_escapes_what_it_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
