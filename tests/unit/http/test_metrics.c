/* The page of GET /metrics, whatever the storage does, and the sum of several loops. */
#include "unit/http/fake_adapter.h"
#include "unit/service/world.h"

#include <stdlib.h>

#include "http/handlers.h"

static const struct tb_route routes[] = {
    {TB_METHOD_GET, "/a", tb_handle_metrics, TB_ROLE_VIEWER, 0},
    {TB_METHOD_POST, "/b/:id", tb_handle_metrics, TB_ROLE_VIEWER, 0},
};

#define LOOPS 2

struct page {
    struct world *world;
    struct tb_http http;
    struct tb_worker worker;
    struct tb_request request;
};

static int set_up(void **state)
{
    static struct page page;
    void *world = NULL;
    assert_int_equal(world_set_up(&world), 0);
    page = (struct page){.world = world, .worker = {.http = &page.http}};
    page.http.service = page.world->service;
    page.http.clock = &page.world->clock;
    page.http.metrics = tb_loop_metrics_new(LOOPS);
    page.http.loop_count = LOOPS;
    assert_non_null(page.http.metrics);
    tb_router_init(&page.http.router, routes, sizeof(routes) / sizeof(routes[0]));
    assert_int_equal(tb_reader_new(page.world->store, &page.worker.reader), TB_OK);
    page.request =
        (struct tb_request){.http = &page.http, .worker = &page.worker, .arena = page.world->arena};
    *state = &page;
    return 0;
}

static int tear_down(void **state)
{
    struct page *page = *state;
    void *world = page->world;
    tb_reader_free(&page->worker.reader);
    free(page->http.metrics);
    return world_tear_down(&world);
}

/* The page as a C string. */
static const char *get(struct page *page)
{
    unsigned before = fake_answer.sent_count;
    tb_handle_metrics(&page->request);
    assert_int_equal(fake_answer.sent_count, before + 1);
    return tb_arena_printf(page->world->arena, "%.*s", (int)page->request.response.body.len,
                           page->request.response.body.ptr)
        .ptr;
}

static void assert_has(const char *text, const char *line)
{
    if (strstr(text, line) == NULL) {
        print_error("there is no [%s] in\n%s\n", line, text);
        fail();
    }
}

static void the_numbers_of_all_loops_are_added_up(void **state)
{
    struct page *page = *state;
    struct tb_loop_metrics *loops = page->http.metrics;
    tb_loop_metrics_answer(&loops[0], 1, 201, 90);
    tb_loop_metrics_answer(&loops[1], 1, 201, 2000000);
    tb_loop_metrics_answer(&loops[1], 1, 201, -1);
    tb_loop_metrics_answer(&loops[1], 1, 418, 100);
    tb_loop_metrics_answer(&loops[1], 1, 99999, 100);
    tb_loop_metrics_answer(&loops[0], TB_NO_ROUTE, 404, 5);
    tb_number_set(&loops[0].connections, 3);
    tb_number_set(&loops[1].connections, 4);
    tb_number_set(&loops[0].streams.lag, 7);
    tb_number_set(&loops[1].streams.lag, 5);
    const char *text = get(page);
#define REQUESTS "\ntaskboard_http_requests_total"
#define SECONDS  "\ntaskboard_http_request_duration_seconds"
#define ROUTE    "method=\"POST\",route=\"/b/:id\""
    assert_has(text, REQUESTS "{" ROUTE ",status=\"201\"} 3\n");
    assert_has(text, REQUESTS "{" ROUTE ",status=\"other\"} 2\n");
    assert_has(text, REQUESTS "{method=\"other\",route=\"other\",status=\"404\"} 1\n");
    assert_null(strstr(text, "route=\"/a\""));
    assert_has(text, SECONDS "_bucket{" ROUTE ",le=\"0.0001\"} 3\n");
    assert_has(text, SECONDS "_bucket{" ROUTE ",le=\"5\"} 4\n");
    assert_has(text, SECONDS "_sum{" ROUTE "} 2.00029\n");
    assert_has(text, SECONDS "_count{" ROUTE "} 4\n");
    assert_has(text, "\ntaskboard_connections 7\n");
    assert_has(text, "\ntaskboard_stream_lag_events 7\n");
}

/* Each call on the store fails once: the page is whole, or without what the store tells, and never
 * half of that. */
static void a_store_that_cannot_be_read_is_left_out_and_told(void **state)
{
    struct page *page = *state;
    unsigned failed = 0;
    for (uint64_t nth = 1; nth < 20; nth++) {
        tb_fault_set(page->world->store, nth, TB_E_STORAGE_DOWN, true);
        const char *text = get(page);
        bool readable = strstr(text, "\ntaskboard_readable 1\n") != NULL;
        assert_int_equal(readable, strstr(text, "\ntaskboard_tasks{") != NULL);
        assert_int_equal(readable, strstr(text, "\ntaskboard_store_snapshots ") != NULL);
        assert_int_equal(readable, strstr(text, "\ntaskboard_readable 0\n") == NULL);
        assert_has(text, "\ntaskboard_queue_jobs 0\n");
        failed += !readable;
    }
    tb_fault_set(page->world->store, 0, TB_OK, false);
    assert_true(failed >= 2);
    assert_has(get(page), "\ntaskboard_readable 1\n");
}

static void a_fault_of_the_storage_is_named(void **state)
{
    struct page *page = *state;
    world_fail_commit(page->world, TB_E_STORAGE_FULL, false, 0);
    world_run(page->world, world_create(&page->world->boxes[0], "finds no room"));
    const char *text = get(page);
    assert_has(text, "\ntaskboard_commit_failures_total{code=\"storage_full\"} 1\n");
    assert_has(text, "\ntaskboard_commit_failures_total{code=\"storage_failed\"} 0\n");
    assert_has(text, "\ntaskboard_jobs_total{outcome=\"failed\"} 1\n");
    bool writable = strstr(text, "\ntaskboard_writable 1\n") != NULL; /* it tries again by itself */
    assert_int_equal(writable,
                     strstr(text, "\ntaskboard_storage_fault{code=\"storage_full\"} 1\n") == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_numbers_of_all_loops_are_added_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_store_that_cannot_be_read_is_left_out_and_told, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_fault_of_the_storage_is_named, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
