/* GET /board/summary. */
#include "fixture/fixture.h"

#include "taskboard/limits.h"

static const struct tb_id none = {{0}};

static struct tb_str summary(struct fixture *f)
{
    struct tb_buf out;
    tb_buf_init(&out, f->arena, 1024);
    assert_int_equal(tb_read_summary(fixture_read(f), f->clock.now_ms, &out), TB_OK);
    fixture_end_read(f);
    return tb_buf_str(&out);
}

static struct tb_str member(struct fixture *f, const char *name)
{
    return fixture_member(summary(f), name);
}

static void rates_are(struct fixture *f, const char *window, const char *wanted)
{
    assert_json(f, fixture_member(member(f, "rates"), window), "%s", wanted);
}

#define NO_RATES "{'created':0,'claimed':0,'completed':0,'failed':0}"

static void an_empty_board_has_a_summary_of_zeros(void **state)
{
    struct fixture *f = *state;
    assert_json(f, summary(f),
                "{'byStatus':{'open':0,'in_progress':0,'in_review':0,'blocked':0,'done':0},"
                "'ready':0,'scheduled':0,'waiting':0,'claimed':0,'deadLetters':0,"
                "'byTag':{},'byAssignee':{},"
                "'rates':{'1m':" NO_RATES ",'5m':" NO_RATES ",'1h':" NO_RATES "},'seq':0}");
}

static void tasks_are_counted_by_what_they_are(void **state)
{
    struct fixture *f = *state;
    struct tb_id a = fixture_create(f, "{'title':'a','createdBy':'x','tags':['t','u']}");
    fixture_task_after(f, "b", a);
    fixture_create(f, "{'title':'c','createdBy':'x','delaySeconds':60}");
    fixture_create(f, "{'title':'d','createdBy':'x','status':'in_progress','assignee':'ann'}");
    fixture_create(f, "{'title':'e','createdBy':'x','status':'in_review','tags':['t']}");
    fixture_create(f, "{'title':'f','createdBy':'x','status':'blocked','assignee':'ann'}");
    fixture_create(f, "{'title':'g','createdBy':'x','status':'done','tags':['t'],"
                      "'assignee':'bob'}");
    fixture_create(f, "{'title':'h','createdBy':'x','assignee':'bob','tags':['\\u0022']}");
    assert_json(f, member(f, "byStatus"),
                "{'open':4,'in_progress':1,'in_review':1,'blocked':1,'done':1}");
    assert_json(f, member(f, "ready"), "2");
    assert_json(f, member(f, "scheduled"), "1");
    assert_json(f, member(f, "waiting"), "1");
    assert_json(f, member(f, "claimed"), "0");
    assert_json(f, member(f, "deadLetters"), "0");
    assert_json(f, member(f, "oldestReadyAt"), "'" FIXTURE_START "'");
    assert_json(f, member(f, "byTag"), "{'t':2,'\\\"':1,'u':1}"); /* of those not done */
    assert_json(f, member(f, "byAssignee"), "{'ann':2,'bob':1}");
    assert_json(f, member(f, "seq"), "8");
}

static void a_delay_that_is_over_makes_its_task_ready(void **state)
{
    struct fixture *f = *state;
    fixture_create(f, "{'title':'c','createdBy':'x','delaySeconds':60}");
    assert_absent(member(f, "oldestReadyAt"));
    fixture_advance(f, 60000);
    fixture_run_due(f, 10);
    assert_json(f, member(f, "scheduled"), "0");
    assert_json(f, member(f, "ready"), "1");
    assert_json(f, member(f, "oldestReadyAt"), "'2023-11-14T22:14:20.000Z'");
}

static void claims_and_dead_letters_are_counted(void **state)
{
    struct fixture *f = *state;
    fixture_create(f, "{'title':'a','createdBy':'x','maxAttempts':1}");
    fixture_task_named(f, "b");
    fixture_send(f, TB_COMMAND_CLAIM, none, "{'agent':'ann','max':2}");
    assert_reply(f, 200);
    assert_json(f, member(f, "claimed"), "2");
    assert_json(f, member(f, "byAssignee"), "{'ann':2}");
    assert_absent(member(f, "oldestReadyAt"));
    fixture_advance(f, 300000);
    fixture_run_due(f, 10);
    assert_json(f, member(f, "claimed"), "0");
    assert_json(f, member(f, "deadLetters"), "1");
    assert_json(f, member(f, "ready"), "1");
    assert_json(f, member(f, "byStatus"),
                "{'open':1,'in_progress':0,'in_review':0,'blocked':1,'done':0}");
    rates_are(f, "1h", "{'created':2,'claimed':2,'completed':0,'failed':2}");
}

static void rates_tell_of_the_last_minute_minutes_and_hour(void **state)
{
    struct fixture *f = *state;
    struct tb_id a = fixture_task_named(f, "a");
    fixture_finish(f, a);
    rates_are(f, "1m", "{'created':1,'claimed':0,'completed':1,'failed':0}");
    fixture_advance(f, 120000);
    fixture_task_named(f, "b");
    rates_are(f, "1m", "{'created':1,'claimed':0,'completed':0,'failed':0}");
    rates_are(f, "5m", "{'created':2,'claimed':0,'completed':1,'failed':0}");
    fixture_advance(f, 3600000 - 240000);
    rates_are(f, "1m", NO_RATES);
    rates_are(f, "5m", NO_RATES);
    rates_are(f, "1h", "{'created':2,'claimed':0,'completed':1,'failed':0}");
    fixture_advance(f, 3600000);
    rates_are(f, "1h", NO_RATES);
}

static void what_is_paused_is_shown(void **state)
{
    struct fixture *f = *state;
    fixture_create(f, "{'title':'a','createdBy':'x','tags':['t']}");
    fixture_send(f, TB_COMMAND_PAUSE, none, "{'tag':'t','reason':'r'}");
    assert_json(f, member(f, "paused"), "[{'tag':'t','reason':'r','since':'" FIXTURE_START "'}]");
    assert_json(f, member(f, "ready"), "1"); /* single tags are not counted out */
    assert_json(f, member(f, "oldestReadyAt"), "'" FIXTURE_START "'");
    fixture_send(f, TB_COMMAND_PAUSE, none, "{}");
    assert_json(f, member(f, "ready"), "0");
    assert_absent(member(f, "oldestReadyAt"));
    assert_json(f, member(f, "byStatus"),
                "{'open':1,'in_progress':0,'in_review':0,'blocked':0,'done':0}");
    fixture_send(f, TB_COMMAND_RESUME, none, "{}");
    fixture_send(f, TB_COMMAND_RESUME, none, "{'tag':'t'}");
    assert_absent(member(f, "paused"));
    assert_json(f, member(f, "ready"), "1");
}

static void the_largest_names_are_shown_and_no_more_than_a_hundred(void **state)
{
    struct fixture *f = *state;
    fixture_begin(f);
    for (int i = 0; i < TB_SUMMARY_NAMES_MAX + 20; i++) {
        fixture_create(f, "{'title':'t','createdBy':'x','tags':['t%d','all']}", i);
    }
    fixture_create(f, "{'title':'t','createdBy':'x','tags':['t77']}");
    fixture_commit(f);
    struct tb_str tags = member(f, "byTag");
    assert_json(f, fixture_member(tags, "all"), "120");
    assert_json(f, fixture_member(tags, "t77"), "2");
    size_t count = 0;
    for (size_t i = 0; i < tags.len; i++) {
        count += tags.ptr[i] == ':' ? 1 : 0;
    }
    assert_int_equal(count, TB_SUMMARY_NAMES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(an_empty_board_has_a_summary_of_zeros),
        fixture_test(tasks_are_counted_by_what_they_are),
        fixture_test(a_delay_that_is_over_makes_its_task_ready),
        fixture_test(claims_and_dead_letters_are_counted),
        fixture_test(rates_tell_of_the_last_minute_minutes_and_hour),
        fixture_test(what_is_paused_is_shown),
        fixture_test(the_largest_names_are_shown_and_no_more_than_a_hundred),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
