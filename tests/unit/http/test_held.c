#include "unit/base/check.h"

#include "http/held.h"
#include "http/request.h"

#define REQUESTS 8

struct fixture {
    struct tb_held held;
    struct tb_store *store;
    struct tb_reader *reader;
    struct tb_request requests[REQUESTS];
    size_t request_count;
};

/* What the tags are made of: one number for all lists, one for the summary. */
static uint64_t list_change;
static uint64_t summary_change;
static enum tb_err tag_err;
static unsigned tags_made;
static struct tb_request *woken[REQUESTS];
static size_t woken_count;

static enum tb_err current_tag(struct tb_request *request, struct tb_txn *txn,
                               struct tb_arena *arena, struct tb_str *tag)
{
    bool is_summary = tb_str_eq_c(request->path, "/summary");
    assert_non_null(txn);
    tags_made++;
    *tag = tb_arena_printf(arena, "\"%llu\"",
                           (unsigned long long)(is_summary ? summary_change : list_change));
    return tag_err;
}

static void on_wake(struct tb_request *request)
{
    assert_true(request->held.woken);
    assert_null(request->held.request);
    woken[woken_count++] = request;
}

static int set_up(void **state)
{
    static struct fixture f;
    const struct tb_store_options options = {.url = "memory:", .readers_max = 1};
    char why[256];
    f = (struct fixture){.request_count = 0};
    assert_int_equal(tb_store_open(&options, &f.store, why, sizeof(why)), TB_OK);
    assert_int_equal(tb_reader_new(f.store, &f.reader), TB_OK);
    list_change = 1;
    summary_change = 1;
    tag_err = TB_OK;
    tags_made = 0;
    woken_count = 0;
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    tb_held_expire(&f->held, INT64_MAX);
    tb_held_fini(&f->held);
    tb_reader_free(&f->reader);
    tb_store_close(&f->store);
    return 0;
}

static struct tb_request *hold(struct fixture *f, const char *path, const char *query,
                               int64_t until_us)
{
    struct tb_request *request = &f->requests[f->request_count++];
    *request = (struct tb_request){.path = tb_str_c(path), .query = tb_str_c(query)};
    request->headers[TB_IN_IF_NONE_MATCH] = TB_STR("\"1\"");
    request->held.current_tag = current_tag;
    request->held.on_wake = on_wake;
    tb_held_add(&f->held, request, until_us);
    return request;
}

static void news_wake_those_whose_tag_is_another_one(void **state)
{
    struct fixture *f = *state;
    struct tb_request *list = hold(f, "/tasks", NULL, 100);
    struct tb_request *summary = hold(f, "/summary", NULL, 100);
    tb_held_news(&f->held, f->reader);
    assert_int_equal(woken_count, 0);
    summary_change = 2;
    tb_held_news(&f->held, f->reader);
    assert_int_equal(woken_count, 1);
    assert_ptr_equal(woken[0], summary);
    list_change = 2;
    tb_held_news(&f->held, f->reader);
    assert_int_equal(woken_count, 2);
    assert_ptr_equal(woken[1], list);
    assert_int_equal(f->held.count, 0);
}

static void a_tag_is_made_once_for_all_with_the_same_url(void **state)
{
    struct fixture *f = *state;
    (void)hold(f, "/tasks", "a=1", 100);
    (void)hold(f, "/tasks", "a=2", 100);
    (void)hold(f, "/tasks", "a=1", 100);
    (void)hold(f, "/tasks", NULL, 100);
    (void)hold(f, "/tasks", "a=1", 100);
    tb_held_news(&f->held, f->reader);
    assert_int_equal(tags_made, 3);
    assert_int_equal(woken_count, 0);
    list_change = 9;
    tb_held_news(&f->held, f->reader);
    assert_int_equal(tags_made, 6);
    assert_int_equal(woken_count, 5);
}

/* The same URL, but other answers are known. */
static void everybody_is_measured_by_what_it_knows(void **state)
{
    struct fixture *f = *state;
    struct tb_request *old = hold(f, "/tasks", NULL, 100);
    struct tb_request *recent = hold(f, "/tasks", NULL, 100);
    recent->headers[TB_IN_IF_NONE_MATCH] = TB_STR("\"1\", \"2\"");
    list_change = 2;
    tb_held_news(&f->held, f->reader);
    assert_int_equal(woken_count, 1);
    assert_ptr_equal(woken[0], old);
}

static void a_tag_that_cannot_be_made_wakes_for_the_error(void **state)
{
    struct fixture *f = *state;
    (void)hold(f, "/tasks", NULL, 100);
    tag_err = TB_E_STORAGE_CORRUPT;
    tb_held_news(&f->held, f->reader);
    assert_int_equal(woken_count, 1);
}

static void time_wakes_those_whose_it_is_over(void **state)
{
    struct fixture *f = *state;
    (void)hold(f, "/tasks", NULL, 300);
    struct tb_request *first = hold(f, "/tasks", NULL, 100);
    struct tb_request *second = hold(f, "/tasks", NULL, 200);
    tb_held_expire(&f->held, 99);
    assert_int_equal(woken_count, 0);
    tb_held_expire(&f->held, 200);
    assert_int_equal(woken_count, 2);
    assert_ptr_equal(woken[0], first);
    assert_ptr_equal(woken[1], second);
    assert_int_equal(f->held.count, 1);
}

static void who_leaves_is_not_woken(void **state)
{
    struct fixture *f = *state;
    struct tb_request *requests[3];
    for (size_t i = 0; i < COUNT(requests); i++) {
        requests[i] = hold(f, "/tasks", NULL, 100);
    }
    tb_held_remove(&f->held, requests[1]);
    tb_held_remove(&f->held, requests[1]);
    list_change = 2;
    tb_held_news(&f->held, f->reader);
    assert_int_equal(woken_count, 2);
    assert_ptr_equal(woken[0], requests[0]);
    assert_ptr_equal(woken[1], requests[2]);
}

static void looking_goes_round(void **state)
{
    struct fixture *f = *state;
    struct tb_request *requests[3];
    assert_null(tb_held_next_look(&f->held));
    for (size_t i = 0; i < COUNT(requests); i++) {
        requests[i] = hold(f, "/tasks", NULL, 100);
    }
    for (size_t i = 0; i < 7; i++) {
        assert_ptr_equal(tb_held_next_look(&f->held), requests[i % 3]);
    }
    tb_held_wake(&f->held, requests[1]); /* who would be next */
    assert_ptr_equal(tb_held_next_look(&f->held), requests[2]);
    assert_ptr_equal(tb_held_next_look(&f->held), requests[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(news_wake_those_whose_tag_is_another_one),
        TEST(a_tag_is_made_once_for_all_with_the_same_url),
        TEST(everybody_is_measured_by_what_it_knows),
        TEST(a_tag_that_cannot_be_made_wakes_for_the_error),
        TEST(time_wakes_those_whose_it_is_over),
        TEST(who_leaves_is_not_woken),
        TEST(looking_goes_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
