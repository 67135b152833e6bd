/* What a client of a WebSocket may say. */
#include "http/stream_message.h"
#include "unit/base/check.h"

static struct tb_arena *arena;
static struct tb_parse parse;
static struct tb_events_request filter;
static bool has_since;

static bool take(const char *message)
{
    parse = (struct tb_parse){.arena = arena, .strict = true};
    has_since = false;
    return tb_stream_message_parse(&parse, tb_str_c(message), &filter, &has_since);
}

static void every_member_narrows_the_filter(void **state)
{
    (void)state;
    assert_true(take("{\"since\":7,\"topic\":\"board\",\"type\":\"task.noted\",\"agent\":\" ann \","
                     "\"tag\":\"a\\u0022b\",\"taskId\":\"01KAP2Y5Q3V8C4D1E7F9G2H5JK\"}"));
    assert_true(has_since);
    assert_int_equal(filter.since, 7);
    assert_int_equal(filter.topic_count, 1);
    assert_str(filter.topics[0], "board");
    assert_str(filter.types[0], "task.noted");
    assert_str(filter.agents[0], "ann");
    assert_str(filter.tags[0], "a\\\"b");
    assert_false(tb_id_is_zero(filter.task_id));
    assert_false(filter.nothing);
}

static void nothing_is_a_filter_too(void **state)
{
    (void)state;
    const char *const messages[] = {"", " ", "{}", "{\"since\":null,\"tag\":null}",
                                    "{\"tag\":\"\"}"};
    for (size_t i = 0; i < COUNT(messages); i++) {
        assert_true(take(messages[i]));
        assert_false(has_since);
        assert_int_equal(
            filter.topic_count + filter.type_count + filter.agent_count + filter.tag_count, 0);
        assert_true(tb_id_is_zero(filter.task_id));
    }
}

static void an_id_that_is_none_fits_nothing(void **state)
{
    (void)state;
    assert_true(take("{\"taskId\":\"x\"}"));
    assert_true(filter.nothing);
}

static void wrong_ones_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *message;
        enum tb_err err;
    } rows[] = {
        {"{", TB_E_INVALID_JSON},
        {"[]", TB_E_INVALID_JSON},
        {"\"x\"", TB_E_INVALID_JSON},
        {"{\"tag\":\"a\",\"tag\":\"b\"}", TB_E_INVALID_JSON},
        {"{\"since\":-1}", TB_E_INVALID_FIELD},
        {"{\"since\":\"1\"}", TB_E_INVALID_FIELD},
        {"{\"since\":1.5}", TB_E_INVALID_FIELD},
        {"{\"tag\":[\"a\"]}", TB_E_INVALID_FIELD},
        {"{\"tag\":7}", TB_E_INVALID_FIELD},
        {"{\"limit\":7}", TB_E_UNKNOWN_FIELD},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_false(take(rows[i].message));
        assert_int_equal(parse.refusal.err, rows[i].err);
    }
}

static void an_error_is_one_object(void **state)
{
    (void)state;
    assert_false(take("{\"tag\":7}"));
    assert_str(tb_stream_message_error(arena, &parse.refusal),
               "{\"type\":\"error\",\"error\":\"tag must be a string\",\"code\":\"invalid_field\","
               "\"field\":\"tag\"}");
    struct tb_refusal bare = {.err = TB_E_INVALID_JSON};
    struct tb_str text = tb_stream_message_error(arena, &bare);
    assert_memory_equal(text.ptr, "{\"type\":\"error\",\"error\":\"", 25);
}

static int set_up(void **state)
{
    (void)state;
    arena = tb_arena_new(0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tb_arena_free(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_narrows_the_filter),
        cmocka_unit_test(nothing_is_a_filter_too),
        cmocka_unit_test(an_id_that_is_none_fits_nothing),
        cmocka_unit_test(wrong_ones_are_refused),
        cmocka_unit_test(an_error_is_one_object),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
