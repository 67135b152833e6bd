#include "fixture/fixture.h"

#include "taskboard/limits.h"

static struct tb_events_request *request(struct fixture *f, const char *query)
{
    struct tb_parse parse = {.arena = f->arena};
    struct tb_params params;
    struct tb_events_request *made = tb_arena_alloc(f->arena, sizeof(*made));
    assert_true(tb_params_parse(&parse, tb_str_c(query), &params));
    assert_true(tb_parse_events(&parse, &params, made));
    return made;
}

static struct tb_str events(struct fixture *f, const char *query)
{
    struct tb_buf out;
    tb_buf_init(&out, f->arena, 1024);
    assert_int_equal(tb_read_events(fixture_read(f), request(f, query), &out), TB_OK);
    fixture_end_read(f);
    return tb_buf_str(&out);
}

/* The seqs of a list of events, as 1,2,3 */
static struct tb_str seqs(struct fixture *f, struct tb_str list)
{
    struct tb_buf out;
    static const char name[] = "{\"seq\":";
    const char *end = list.ptr + list.len;
    const char *at = list.ptr;
    tb_buf_init(&out, f->arena, 64);
    while ((at = memmem(at, (size_t)(end - at), name, sizeof(name) - 1)) != NULL) {
        at += sizeof(name) - 1;
        tb_buf_add_c(&out, out.len > 0 ? "," : "");
        tb_buf_add(&out, at, (size_t)((char *)memchr(at, ',', (size_t)(end - at)) - at));
    }
    return tb_buf_str(&out);
}

static void check_seqs(struct fixture *f, const char *query, const char *wanted, int line)
{
    struct tb_str got = seqs(f, events(f, query));
    if (!tb_str_eq_c(got, wanted)) {
        print_error("line %d: ?%s\n", line, query);
    }
    check_str(got, tb_str_c(wanted), __FILE__, line);
}

#define assert_seqs(f, query, wanted) check_seqs((f), (query), (wanted), __LINE__)

/* 1 created a · 2 created b · 3 a noted by bob · 4 b bumped · 5 b tagged y · 6 a deleted */
static void make_history(struct fixture *f, struct tb_id *a, struct tb_id *b)
{
    *a = fixture_create(f, "{'title':'a','createdBy':'ann','tags':['x']}");
    *b = fixture_create(f, "{'title':'b','createdBy':'bob','tags':['x','\\u0022q\\u0022']}");
    fixture_send(f, TB_COMMAND_NOTE, *a, "{'author':'bob','content':'c','type':'update'}");
    fixture_send(f, TB_COMMAND_BUMP, *b, "{}");
    f->actor = TB_STR("token");
    fixture_patch(f, *b, "{'tags':['y']}");
    fixture_delete(f, *a);
}

static void the_log_of_a_new_board_is_empty(void **state)
{
    struct fixture *f = *state;
    assert_json(f, events(f, ""), "{'events':[],'count':0,'oldest':1,'head':0}");
}

static void events_are_answered_as_they_were_written(void **state)
{
    struct fixture *f = *state;
    struct tb_id a;
    struct tb_id b;
    make_history(f, &a, &b);
    struct tb_str list = events(f, "since=4");
    struct tb_event fifth = fixture_event(f, 5);
    struct tb_event sixth = fixture_event(f, 6);
    assert_json(f, list, "{'events':[%.*s,%.*s],'count':2,'oldest':1,'head':6}",
                (int)fifth.wire.len, fifth.wire.ptr, (int)sixth.wire.len, sixth.wire.ptr);
}

static void filters_of_events_all_have_to_fit(void **state)
{
    struct fixture *f = *state;
    struct tb_id a;
    struct tb_id b;
    make_history(f, &a, &b);
    const char *a_id = fixture_id(f, a);
    assert_seqs(f, "", "1,2,3,4,5,6");
    assert_seqs(f, "since=0", "1,2,3,4,5,6");
    assert_seqs(f, "since=5", "6");
    assert_seqs(f, "since=6", "");
    assert_seqs(f, "since=9223372036854775807", "");
    assert_seqs(f, "topic=board", "1,2,3,4,5,6");
    assert_seqs(f, "topic=registry", "");
    assert_seqs(f, "topic=board&topic=registry", "");
    assert_seqs(f, "type=task.created", "1,2");
    assert_seqs(f, "type=task.created&type=task.created", "1,2");
    assert_seqs(f, "type=task.created&type=task.bumped", "");
    assert_seqs(f, "agent=bob", "2,3");
    assert_seqs(f, "agent=token", "5,6");
    assert_seqs(f, "agent=token&agent=bob", "");
    assert_seqs(f, "tag=x", "1,2,3,4,6");
    assert_seqs(f, "tag=y", "5");
    assert_seqs(f, "tag=%22q%22&tag=x", "2,4");
    assert_seqs(f, tb_arena_printf(f->arena, "taskId=%s", a_id).ptr, "1,3,6");
    assert_seqs(f, tb_arena_printf(f->arena, "taskId=%s&since=1&agent=bob", a_id).ptr, "3");
    assert_seqs(f, "taskId=nonsense", "");
    assert_seqs(f, "taskId=01HF7YAT00AAAAAAAAAAAAAAAA", "");
}

static void an_event_that_nobody_caused_is_nobodys(void **state)
{
    struct fixture *f = *state;
    struct tb_id a = fixture_task_named(f, "a");
    fixture_task_after(f, "b", a);
    fixture_finish(f, a);
    assert_seqs(f, "type=task.ready", "4");
    assert_seqs(f, "agent=ann", "1,2");
}

static void the_limit_is_met_and_the_rest_follows(void **state)
{
    struct fixture *f = *state;
    struct tb_id a;
    struct tb_id b;
    make_history(f, &a, &b);
    struct tb_str list = events(f, "limit=2");
    assert_str(seqs(f, list), "1,2");
    assert_json(f, fixture_member(list, "count"), "2");
    assert_json(f, fixture_member(list, "head"), "6");
    assert_absent(fixture_member(list, "next"));
    assert_seqs(f, "limit=2&since=2", "3,4");
    assert_seqs(f, "limit=2&since=4", "5,6");
    assert_seqs(f, "limit=1000", "1,2,3,4,5,6");
}

static void a_hundred_events_come_by_default(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "a");
    for (int i = 0; i < 120; i++) {
        fixture_send(f, TB_COMMAND_BUMP, id, "{}");
    }
    assert_json(f, fixture_member(events(f, ""), "count"), "100");
}

/* --- when a page had to look at too much --- */

static void a_filter_that_looks_at_too_many_events_says_where_to_go_on(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "a");
    fixture_begin(f);
    for (int i = 1; i < TB_EVENTS_SCAN_MAX; i++) {
        fixture_send(f, TB_COMMAND_BUMP, id, "{}");
    }
    fixture_finish(f, id);
    fixture_commit(f);
    struct tb_str list = events(f, "type=task.completed");
    assert_json(f, list, "{'events':[],'count':0,'oldest':1,'head':%d,'next':%d}",
                TB_EVENTS_SCAN_MAX + 1, TB_EVENTS_SCAN_MAX);
    list = events(
        f, tb_arena_printf(f->arena, "type=task.completed&since=%d", TB_EVENTS_SCAN_MAX).ptr);
    assert_json(f, fixture_member(list, "count"), "1");
    assert_absent(fixture_member(list, "next"));
    assert_absent(fixture_member(events(f, "type=task.completed&since=2"), "next"));
}

static void an_answer_that_grew_large_says_where_to_go_on(void **state)
{
    struct fixture *f = *state;
    const char *text = fixture_repeat(f->arena, "x", TB_NOTE_BYTES_MAX);
    struct tb_id id = fixture_task_named(f, "a");
    struct tb_id other = fixture_task_named(f, "b");
    for (int i = 0; i < 35; i++) {
        fixture_send(f, TB_COMMAND_NOTE, other, "{'author':'a','content':'%s','type':'update'}",
                     text);
        fixture_send(f, TB_COMMAND_NOTE, id, "{'author':'a','content':'%s','type':'update'}", text);
    }
    struct tb_str list = events(f, "");
    assert_in_range(list.len, TB_EVENTS_BYTES_MAX, TB_EVENTS_BYTES_MAX + 2 * TB_NOTE_BYTES_MAX);
    struct tb_str next = fixture_member(list, "next");
    struct tb_str count = fixture_member(list, "count");
    assert_str_eq(next, count);
    struct tb_str rest =
        events(f, tb_arena_printf(f->arena, "since=%.*s", (int)next.len, next.ptr).ptr);
    int64_t first = 0;
    int64_t second = 0;
    assert_true(tb_str_to_i64(count, &first));
    assert_true(tb_str_to_i64(fixture_member(rest, "count"), &second));
    assert_int_equal(first + second, 72);
    assert_absent(fixture_member(rest, "next"));
}

/* --- the history of one task --- */

static enum tb_err history(struct fixture *f, struct tb_id id, const char *query,
                           struct tb_str *body)
{
    struct tb_buf out;
    struct tb_events_request *made = request(f, query);
    made->task_id = id;
    tb_buf_init(&out, f->arena, 1024);
    enum tb_err err = tb_read_history(fixture_read(f), made, &out);
    fixture_end_read(f);
    *body = tb_buf_str(&out);
    return err;
}

static void the_history_of_a_task_outlives_it(void **state)
{
    struct fixture *f = *state;
    struct tb_id a;
    struct tb_id b;
    struct tb_str body;
    make_history(f, &a, &b);
    assert_int_equal(history(f, a, "", &body), TB_OK);
    assert_str(seqs(f, body), "1,3,6");
    assert_int_equal(history(f, b, "", &body), TB_OK);
    assert_str(seqs(f, body), "2,4,5");
    assert_int_equal(history(f, b, "since=2&type=task.bumped&limit=1", &body), TB_OK);
    assert_str(seqs(f, body), "4");
    assert_int_equal(history(f, a, "since=6", &body), TB_OK);
    assert_str(seqs(f, body), "");
}

static void a_task_that_never_was_has_no_history(void **state)
{
    struct fixture *f = *state;
    const struct tb_id nobody = {.bytes = {1}};
    struct tb_id a;
    struct tb_id b;
    struct tb_str body;
    make_history(f, &a, &b);
    assert_int_equal(history(f, nobody, "", &body), TB_E_TASK_NOT_FOUND);
    assert_int_equal(body.len, 0);
}

/* 1 a VM · 2 the feed · 3 a task, claimed with the VM in 4 */
static void events_of_the_fleet_and_the_feed_fit_as_others_do(void **state)
{
    struct fixture *f = *state;
    f->actor = TB_STR("ann");
    fixture_register(f, "vm-1", 300);
    f->actor = TB_STR_NONE;
    fixture_publish(f, "ann", "s");
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'bob','tags':['x']}");
    fixture_claim_on(f, id, "vm-1", 60);
    assert_seqs(f, "topic=registry", "1");
    assert_seqs(f, "topic=feed", "2");
    assert_seqs(f, "topic=feed&topic=registry", "");
    assert_seqs(f, "type=vm.registered", "1");
    assert_seqs(f, "type=feed.finding", "2");
    assert_seqs(f, "agent=ann", "1,2,4");
    assert_seqs(f, "tag=x", "3,4");
    assert_seqs(f, tb_arena_printf(f->arena, "taskId=%s", fixture_id(f, id)).ptr, "3,4");
}

static void a_single_event_fits_or_does_not(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'bob','tags':['x']}");
    struct tb_event event = fixture_last_event(f);
    const char *own = tb_arena_printf(f->arena, "taskId=%s&tag=x&agent=bob", fixture_id(f, id)).ptr;
    assert_true(tb_events_request_fits(request(f, ""), &event));
    assert_true(tb_events_request_fits(request(f, own), &event));
    assert_false(tb_events_request_fits(request(f, "taskId=01KAP2Y5Q3V8C4D1E7F9G2H5JK"), &event));
    assert_false(tb_events_request_fits(request(f, "taskId=none"), &event));
    assert_false(tb_events_request_fits(request(f, "tag=y"), &event));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(the_log_of_a_new_board_is_empty),
        fixture_test(events_are_answered_as_they_were_written),
        fixture_test(filters_of_events_all_have_to_fit),
        fixture_test(an_event_that_nobody_caused_is_nobodys),
        fixture_test(the_limit_is_met_and_the_rest_follows),
        fixture_test(a_hundred_events_come_by_default),
        fixture_large_test(a_filter_that_looks_at_too_many_events_says_where_to_go_on),
        fixture_test(an_answer_that_grew_large_says_where_to_go_on),
        fixture_test(the_history_of_a_task_outlives_it),
        fixture_test(a_task_that_never_was_has_no_history),
        fixture_test(events_of_the_fleet_and_the_feed_fit_as_others_do),
        fixture_test(a_single_event_fits_or_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
