/* Publishing to the feed, and clearing it. */
#include "fixture/fixture.h"

#include "board/feed.h"

static const struct tb_id none;

static void publish(struct fixture *f, const char *body)
{
    fixture_send(f, TB_COMMAND_FEED_PUBLISH, none, "%s", body);
}

static void what_is_published_is_answered_as_the_feed_has_it(void **state)
{
    struct fixture *f = *state;
    publish(f, "{'agent':' ann ','type':'cost_update','summary':' \\u0022s\\u0022 ','detail':'',"
               "'metadata':{'b':[1.50],'a':null},'more':1}");
    assert_reply(f, 201);
    assert_str(f->ignored, "more");
    assert_int_equal(f->reply.seq, 1);
    struct tb_event event = fixture_last_event(f);
    assert_json(f, f->reply.body,
                "{'id':'%s','agent':' ann ','type':'cost_update','summary':' \\'s\\' ',"
                "'detail':'','metadata':{'b':[1.50],'a':null},'timestamp':'" FIXTURE_START "'}",
                fixture_id(f, event.id));
}

static void it_is_an_event_of_the_log(void **state)
{
    struct fixture *f = *state;
    f->actor = TB_STR("the token");
    fixture_publish(f, "ann", "s");
    struct tb_event event = fixture_last_event(f);
    assert_int_equal(event.type, TB_EVENT_FEED_FINDING);
    assert_str(event.actor, "ann");
    assert_true(tb_id_is_zero(event.task_id));
    assert_absent(event.vm_id);
    assert_json(f, event.wire,
                "{'seq':1,'id':'%s','at':'" FIXTURE_START
                "','topic':'feed','type':'feed.finding','actor':'ann',"
                "'data':{'agent':'ann','type':'finding','summary':'s'}}",
                fixture_id(f, event.id));
}

static void clearing_hides_what_was_before_and_keeps_the_log(void **state)
{
    struct fixture *f = *state;
    fixture_publish(f, "ann", "old");
    f->actor = TB_STR("lead");
    fixture_send(f, TB_COMMAND_FEED_CLEAR, none, "{}");
    assert_reply(f, 200);
    assert_str(f->reply.body, "{\"ok\":true}");
    assert_int_equal(f->reply.seq, 2);
    assert_int_equal(fixture_head(f).feed_cleared_seq, 2);
    assert_int_equal(fixture_last_event(f).type, TB_EVENT_FEED_CLEARED);
    assert_str(fixture_last_event(f).actor, "lead");
    assert_str(fixture_last_event(f).data, "{}");
    fixture_publish(f, "ann", "new");
    assert_string_equal(fixture_summaries(f, fixture_feed(f, "")), "new");
    assert_string_equal(fixture_types(f, 0), "feed.finding feed.cleared feed.finding");
}

static void published_again_with_a_key_it_is_there_once(void **state)
{
    struct fixture *f = *state;
    f->idempotency_key = "k";
    fixture_publish(f, "ann", "s");
    fixture_publish(f, "ann", "s");
    assert_true(f->reply.replayed);
    assert_int_equal(fixture_head(f).seq, 1);
}

static void types_have_the_names_of_their_events(void **state)
{
    (void)state;
    enum tb_event_type type = TB_EVENT_CREATED;
    for (int i = TB_EVENT_FEED_FIRST; i <= TB_EVENT_FEED_LAST; i++) {
        assert_true(tb_feed_type_parse(tb_feed_type_name((enum tb_event_type)i), &type));
        assert_int_equal(type, i);
    }
    assert_str(tb_feed_type_name(TB_EVENT_FEED_TOKEN_UPDATE), "token_update");
    assert_false(tb_feed_type_parse(TB_STR("cleared"), &type));
    assert_false(tb_feed_type_parse(TB_STR("feed.custom"), &type));
    assert_false(tb_feed_type_parse(TB_STR(""), &type));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(what_is_published_is_answered_as_the_feed_has_it),
        fixture_test(it_is_an_event_of_the_log),
        fixture_test(clearing_hides_what_was_before_and_keeps_the_log),
        fixture_test(published_again_with_a_key_it_is_there_once),
        cmocka_unit_test(types_have_the_names_of_their_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
