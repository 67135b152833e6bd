/* The feed as its clients see it. */
#include "fixture/fixture.h"

#include "board/query.h"
#include "taskboard/limits.h"

static const struct tb_id none;

static struct tb_id publish(struct fixture *f, const char *agent, const char *type,
                            const char *summary)
{
    fixture_send(f, TB_COMMAND_FEED_PUBLISH, none, "{'agent':'%s','type':'%s','summary':'%s'}",
                 agent, type, summary);
    assert_reply(f, 201);
    return fixture_last_event(f).id;
}

static void clear(struct fixture *f)
{
    fixture_send(f, TB_COMMAND_FEED_CLEAR, none, "{}");
    assert_reply(f, 200);
}

static struct tb_str stats(struct fixture *f)
{
    struct tb_buf out;
    tb_buf_init(&out, f->arena, 256);
    assert_int_equal(tb_read_feed_stats(fixture_read(f), &out), TB_OK);
    fixture_end_read(f);
    return tb_buf_str(&out);
}

static enum tb_err read_one(struct fixture *f, struct tb_id id, struct tb_str *got)
{
    struct tb_buf out;
    tb_buf_init(&out, f->arena, 256);
    enum tb_err err = tb_read_feed_event(fixture_read(f), id, &out);
    fixture_end_read(f);
    *got = tb_buf_str(&out);
    return err;
}

#define assert_feed(f, query, wanted)                                                              \
    assert_string_equal(fixture_summaries((f), fixture_feed((f), (query))), (wanted))

/* Other events stand between them. */
static void make_feed(struct fixture *f)
{
    publish(f, "ann", "finding", "1");
    fixture_task_named(f, "t");
    publish(f, "bob", "custom", "2");
    fixture_register(f, "a", 300);
    fixture_advance(f, 1000);
    publish(f, "ann", "custom", "3");
    publish(f, "bob", "finding", "4");
}

static void a_list_is_a_bare_array_oldest_first(void **state)
{
    struct fixture *f = *state;
    assert_str(fixture_feed(f, ""), "[]");
    struct tb_id id = publish(f, "ann", "finding", "s");
    assert_json(
        f, fixture_feed(f, ""),
        "[{'id':'%s','agent':'ann','type':'finding','summary':'s','timestamp':'" FIXTURE_START
        "'}]",
        fixture_id(f, id));
    publish(f, "ann", "finding", "t");
    assert_feed(f, "", "s t");
}

static void filters_and_limits_take_the_last_that_fit(void **state)
{
    struct fixture *f = *state;
    make_feed(f);
    assert_feed(f, "", "1 2 3 4");
    assert_feed(f, "limit=2", "3 4");
    assert_feed(f, "agent=ann", "1 3");
    assert_feed(f, "agent=ann&limit=1", "3");
    assert_feed(f, "agent=an", "");
    assert_feed(f, "type=custom", "2 3");
    assert_feed(f, "type=custom&limit=1", "3");
    assert_feed(f, "type=custom&agent=bob", "2");
    assert_feed(f, "type=nothing", "");
    assert_feed(f, "limit=0", "1 2 3 4");
}

static void since_is_exclusive(void **state)
{
    struct fixture *f = *state;
    make_feed(f);
    assert_feed(f, "since=" FIXTURE_START, "3 4");
    assert_feed(f, "since=2023-11-14T22:13:19.999Z", "1 2 3 4");
    assert_feed(f, "since=2023-11-14T22:13:21Z", "");
    assert_feed(f, "since=2023-11-14", "1 2 3 4");
    assert_feed(f, "since=never", "");
    const char *second = fixture_id(f, fixture_event(f, 3).id);
    assert_feed(f, tb_arena_printf(f->arena, "since=%s", second).ptr, "3 4");
    assert_feed(f, tb_arena_printf(f->arena, "since=%s&limit=1&agent=ann", second).ptr, "3");
    assert_feed(f, "since=00000000000000000000000001", "1 2 3 4");
    assert_feed(f, "since=7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "");
}

static void what_was_cleared_is_out_of_sight(void **state)
{
    struct fixture *f = *state;
    make_feed(f);
    struct tb_id old = fixture_last_event(f).id;
    struct tb_str got;
    clear(f);
    assert_feed(f, "", "");
    assert_feed(f, "since=2023-11-14", "");
    assert_int_equal(read_one(f, old, &got), TB_E_EVENT_NOT_FOUND);
    assert_str(stats(f), "{\"total\":0,\"byAgent\":{},\"byType\":{},\"latestPerAgent\":{}}");
    publish(f, "eve", "custom", "5");
    assert_feed(f, "", "5");
    assert_feed(f, "since=2023-11-14", "5");
}

static void one_event_is_found_by_its_id(void **state)
{
    struct fixture *f = *state;
    struct tb_str got;
    struct tb_id id = publish(f, "ann", "finding", "s");
    struct tb_id last = publish(f, "ann", "finding", "t");
    fixture_task_named(f, "t");
    assert_int_equal(read_one(f, id, &got), TB_OK);
    assert_json(
        f, got,
        "{'id':'%s','agent':'ann','type':'finding','summary':'s','timestamp':'" FIXTURE_START "'}",
        fixture_id(f, id));
    assert_int_equal(read_one(f, last, &got), TB_OK);
    id.bytes[15] ^= 1;
    assert_int_equal(read_one(f, id, &got), TB_E_EVENT_NOT_FOUND);
    id.bytes[0] = 0;
    id.bytes[1] = 0; /* older than all */
    assert_int_equal(read_one(f, id, &got), TB_E_EVENT_NOT_FOUND);
    assert_int_equal(read_one(f, fixture_event(f, 3).id, &got), TB_E_EVENT_NOT_FOUND);
    assert_string_equal(tb_err_text(TB_E_EVENT_NOT_FOUND), "Event not found");
}

static void statistics_count_agents_and_types(void **state)
{
    struct fixture *f = *state;
    make_feed(f);
    publish(f, "\\u0022", "custom", "5");
    struct tb_str got = stats(f);
    assert_json(f, fixture_member(got, "total"), "5");
    assert_json(f, fixture_member(got, "byType"), "{'finding':2,'custom':3}");
    assert_json(f, fixture_member(got, "byAgent"), "{'\\'':1,'ann':2,'bob':2}");
    struct tb_str latest = fixture_member(got, "latestPerAgent");
    assert_str(fixture_member(fixture_member(latest, "ann"), "summary"), "\"3\"");
    assert_str(fixture_member(fixture_member(latest, "bob"), "summary"), "\"4\"");
    assert_str(fixture_member(fixture_member(latest, "bob"), "timestamp"),
               "\"2023-11-14T22:13:21.000Z\"");
}

/* They look at the last 10,000, as does a list. */
static void a_long_feed_is_looked_at_in_part(void **state)
{
    struct fixture *f = *state;
    publish(f, "old", "question", "1");
    fixture_begin(f);
    for (unsigned i = 0; i < TB_FEED_EVENTS_MAX; i++) {
        fixture_publish(f, i % 2 == 0 ? "ann" : "bob", "s");
    }
    fixture_commit(f);
    struct tb_str got = stats(f);
    assert_json(f, fixture_member(got, "byAgent"), "{'ann':5000,'bob':5000}");
    assert_json(f, fixture_member(got, "byType"), "{'finding':10000}");
    struct tb_str all = fixture_feed(f, "limit=0");
    assert_null(memmem(all.ptr, all.len, "\"old\"", 5));
    assert_feed(f, "agent=old", "1"); /* through its index */
    assert_feed(f, "type=question", "1");
}

/* The latest that fit; at least one. */
static void a_large_answer_is_cut(void **state)
{
    struct fixture *f = *state;
    const char *detail = fixture_repeat(f->arena, "x", TB_FEED_DETAIL_BYTES_MAX);
    struct tb_str body =
        fixture_json(f, "{'agent':'ann','type':'custom','summary':'s','detail':'%s'}", detail);
    for (unsigned i = 0; i < 300; i++) {
        fixture_send_body(f, TB_COMMAND_FEED_PUBLISH, none, body);
    }
    publish(f, "ann", "custom", "last");
    struct tb_str got = fixture_feed(f, "limit=0");
    assert_in_range(got.len, TB_FEED_BYTES_MAX - 70000, TB_FEED_BYTES_MAX + 1000);
    assert_non_null(memmem(got.ptr + got.len - 200, 200, "\"last\"", 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_list_is_a_bare_array_oldest_first),
        fixture_test(filters_and_limits_take_the_last_that_fit),
        fixture_test(since_is_exclusive),
        fixture_test(what_was_cleared_is_out_of_sight),
        fixture_test(one_event_is_found_by_its_id),
        fixture_test(statistics_count_agents_and_types),
        fixture_large_test(a_long_feed_is_looked_at_in_part),
        fixture_test(a_large_answer_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
