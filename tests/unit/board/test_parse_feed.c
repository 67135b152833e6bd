/* The body of an event for the feed. */
#include "unit/board/parse_check.h"

#define TYPES                                                                                      \
    "task_started, task_completed, task_failed, blocker_found, question, finding, "                \
    "skill_proposed, file_changed, cost_update, agent_started, agent_stopped, token_update, "      \
    "custom"

static void the_sentences_are_those_that_clients_know(void **state)
{
    struct fixture *f = *state;
    static const struct refused_row rows[] = {
        {"{}", TB_E_MISSING_FIELD, "Missing or invalid 'agent' field", ",'field':'agent'"},
        {"[]", TB_E_MISSING_FIELD, "Missing or invalid 'agent' field", ",'field':'agent'"},
        {"{'agent':''}", TB_E_MISSING_FIELD, "Missing or invalid 'agent' field",
         ",'field':'agent'"},
        {"{'agent':['a']}", TB_E_MISSING_FIELD, "Missing or invalid 'agent' field",
         ",'field':'agent'"},
        {"{'agent':'a'}", TB_E_INVALID_FIELD, "Invalid 'type'. Must be one of: " TYPES,
         ",'field':'type'"},
        {"{'agent':'a','type':'cleared'}", TB_E_INVALID_FIELD,
         "Invalid 'type'. Must be one of: " TYPES, ",'field':'type'"},
        {"{'agent':'a','type':7}", TB_E_INVALID_FIELD, "Invalid 'type'. Must be one of: " TYPES,
         ",'field':'type'"},
        {"{'agent':'a','type':'custom'}", TB_E_MISSING_FIELD, "Missing or invalid 'summary' field",
         ",'field':'summary'"},
        {"{'agent':'a','type':'custom','summary':null}", TB_E_MISSING_FIELD,
         "Missing or invalid 'summary' field", ",'field':'summary'"},
        {"{'agent':'a','type':'custom','summary':'s','detail':7}", TB_E_INVALID_FIELD,
         "detail must be a string", ",'field':'detail'"},
    };
    check_refused_rows(f, TB_COMMAND_FEED_PUBLISH, rows, COUNT(rows));
}

static void everything_is_kept_as_sent(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse(f, TB_COMMAND_FEED_PUBLISH, &command,
                      "{'agent':' a ','type':'token_update','summary':' ','detail':' d\\n',"
                      "'metadata':[1.50,null],'id':'x'}"));
    assert_str(command.feed.agent, " a ");
    assert_int_equal(command.feed.type, TB_EVENT_FEED_TOKEN_UPDATE);
    assert_str(command.feed.summary, " ");
    assert_str(command.feed.detail, " d\\n");
    assert_str(command.feed.metadata, "[1.50,null]");
    assert_str(f->ignored, "id");
    assert_true(parse(f, TB_COMMAND_FEED_PUBLISH, &command,
                      "{'agent':'a','type':'custom','summary':'s','detail':null,'metadata':null}"));
    assert_absent(command.feed.detail);
    assert_absent(command.feed.metadata);
    assert_true(parse(f, TB_COMMAND_FEED_PUBLISH, &command,
                      "{'agent':'a','type':'custom','summary':'s','detail':''}"));
    assert_str(command.feed.detail, "");
}

static void every_text_has_a_limit(void **state)
{
    struct fixture *f = *state;
    enum tb_command_kind kind = TB_COMMAND_FEED_PUBLISH;
    check_limit(f, kind, "{'type':'custom','summary':'s','agent':'", "'}", "agent", 256);
    check_limit(f, kind, "{'agent':'a','type':'custom','summary':'", "'}", "summary", 4096);
    check_limit(f, kind, "{'agent':'a','type':'custom','summary':'s','detail':'", "'}", "detail",
                65536);
}

static void what_is_unknown_is_refused_when_asked_to(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    f->strict = true;
    assert_false(parse(f, TB_COMMAND_FEED_PUBLISH, &command,
                       "{'agent':'a','type':'custom','summary':'s','sumary':1}"));
    assert_refused(f, TB_E_UNKNOWN_FIELD, "unknown field sumary (did you mean summary?)",
                   ",'field':'sumary','nearest':'summary'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(the_sentences_are_those_that_clients_know),
        fixture_test(everything_is_kept_as_sent),
        fixture_test(every_text_has_a_limit),
        fixture_test(what_is_unknown_is_refused_when_asked_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
