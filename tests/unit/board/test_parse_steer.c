/* The bodies of those who steer: cancel, retry, accept, pause, resume. */
#include "unit/board/parse_check.h"

static void all_of_them_take_an_empty_body(void **state)
{
    struct fixture *f = *state;
    static const enum tb_command_kind kinds[] = {TB_COMMAND_CANCEL,     TB_COMMAND_RETRY,
                                                 TB_COMMAND_RETRY_MANY, TB_COMMAND_ACCEPT,
                                                 TB_COMMAND_PAUSE,      TB_COMMAND_RESUME};
    static const char *const bodies[] = {"", "{}", "{'by':null}", "{'by':' ann '}"};
    static const struct refused_row rows[] = {
        {"[]", TB_E_INVALID_JSON, "The body must be a JSON object", NULL},
        {"{'by':1}", TB_E_INVALID_FIELD, "by must be a string", ",'field':'by'"},
        {"{'bye':'a'}", TB_E_UNKNOWN_FIELD, "unknown field bye (did you mean by?)",
         ",'field':'bye','nearest':'by'"},
    };
    for (size_t i = 0; i < COUNT(kinds); i++) {
        check_taken_rows(f, kinds[i], bodies, COUNT(bodies));
        check_refused_rows(f, kinds[i], rows, COUNT(rows));
        check_limit(f, kinds[i], "{'by':'", "'}", "by", TB_NAME_BYTES_MAX);
    }
}

static void cancel_may_say_why_and_be_forced(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse(f, TB_COMMAND_CANCEL, &command, "{}"));
    assert_absent(command.steer.by);
    assert_absent(command.steer.reason);
    assert_false(command.steer.force);
    assert_true(parse(f, TB_COMMAND_CANCEL, &command, "{'by':'ann','reason':' r ','force':true}"));
    assert_str(command.steer.by, "ann");
    assert_str(command.steer.reason, "r");
    assert_true(command.steer.force);
    static const struct refused_row rows[] = {
        {"{'force':'true'}", TB_E_INVALID_FIELD, "force must be true or false", ",'field':'force'"},
        {"{'reason':[]}", TB_E_INVALID_FIELD, "reason must be a string", ",'field':'reason'"},
        {"{'attempt':1}", TB_E_UNKNOWN_FIELD, "unknown field attempt", ",'field':'attempt'"},
    };
    check_refused_rows(f, TB_COMMAND_CANCEL, rows, COUNT(rows));
    check_limit(f, TB_COMMAND_CANCEL, "{'reason':'", "'}", "reason", TB_REASON_BYTES_MAX);
}

static void accept_keeps_the_attempt_that_its_path_names(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    f->attempt = 7;
    assert_true(parse(f, TB_COMMAND_ACCEPT, &command, "{'by':'ann','force':true}"));
    assert_int_equal(command.steer.attempt, 7);
    assert_true(command.steer.force);
    static const struct refused_row rows[] = {
        {"{'attempt':7}", TB_E_UNKNOWN_FIELD, "unknown field attempt", ",'field':'attempt'"},
    };
    check_refused_rows(f, TB_COMMAND_ACCEPT, rows, COUNT(rows));
}

static void a_pause_is_of_everything_or_of_one_tag(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse(f, TB_COMMAND_PAUSE, &command, "{'reason':'r'}"));
    assert_str(command.steer.reason, "r");
    assert_absent(command.steer.tag);
    assert_true(parse(f, TB_COMMAND_PAUSE, &command, "{'tag':' x '}"));
    assert_str(command.steer.tag, " x "); /* tags are kept exactly */
    assert_true(parse(f, TB_COMMAND_RESUME, &command, "{'tag':'x','by':'a'}"));
    assert_str(command.steer.tag, "x");
    static const struct refused_row rows[] = {
        /* an empty tag must not pause the whole board */
        {"{'tag':''}", TB_E_INVALID_FIELD, "tag must not be empty", ",'field':'tag'"},
        {"{'tag':['x']}", TB_E_INVALID_FIELD, "tag must be a string", ",'field':'tag'"},
        {"{'tags':['x']}", TB_E_UNKNOWN_FIELD, "unknown field tags (did you mean tag?)",
         ",'field':'tags','nearest':'tag'"},
    };
    check_refused_rows(f, TB_COMMAND_PAUSE, rows, COUNT(rows));
    check_refused_rows(f, TB_COMMAND_RESUME, rows, COUNT(rows));
    check_limit(f, TB_COMMAND_PAUSE, "{'tag':'", "'}", "tag", TB_TAG_BYTES_MAX);
    static const struct refused_row resume_rows[] = {
        {"{'reason':'r'}", TB_E_UNKNOWN_FIELD, "unknown field reason", ",'field':'reason'"},
    };
    check_refused_rows(f, TB_COMMAND_RESUME, resume_rows, COUNT(resume_rows));
}

static void retrying_many_takes_conditions(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    const struct tb_retry_many_command *retry = &command.retry_many;
    assert_true(parse(f, TB_COMMAND_RETRY_MANY, &command, "{}"));
    assert_int_equal(retry->outcome, TB_OUTCOME_NONE);
    assert_int_equal(retry->max, 1000);
    assert_true(tb_id_is_zero(retry->parent_id));
    assert_absent(retry->tag);
    assert_absent(retry->assignee);
    assert_absent(retry->created_by);
    assert_true(parse(f, TB_COMMAND_RETRY_MANY, &command,
                      "{'by':'me','tag':' x','assignee':' ann ','createdBy':'bob','max':1,"
                      "'parentId':'01HF7YAT00041061050R3GG28A','outcome':'cancelled'}"));
    assert_str(retry->by, "me");
    assert_str(retry->tag, " x");
    assert_str(retry->assignee, "ann");
    assert_str(retry->created_by, "bob");
    assert_int_equal(retry->max, 1);
    assert_false(tb_id_is_zero(retry->parent_id));
    assert_int_equal(retry->outcome, TB_OUTCOME_CANCELLED);
    assert_true(parse(f, TB_COMMAND_RETRY_MANY, &command, "{'outcome':'failed','max':1000}"));
    assert_int_equal(retry->outcome, TB_OUTCOME_FAILED);
}

/* What narrows must not silently widen. */
static void a_condition_that_is_there_must_say_something(void **state)
{
    struct fixture *f = *state;
    static const struct refused_row rows[] = {
        {"{'tag':''}", TB_E_INVALID_FIELD, "tag must not be empty", ",'field':'tag'"},
        {"{'assignee':' '}", TB_E_INVALID_FIELD, "assignee must not be empty",
         ",'field':'assignee'"},
        {"{'createdBy':''}", TB_E_INVALID_FIELD, "createdBy must not be empty",
         ",'field':'createdBy'"},
        {"{'assignee':1}", TB_E_INVALID_FIELD, "assignee must be a string", ",'field':'assignee'"},
        {"{'parentId':'x'}", TB_E_INVALID_FIELD, "parentId must be a task's id",
         ",'field':'parentId'"},
        {"{'parentId':''}", TB_E_INVALID_FIELD, "parentId must be a task's id",
         ",'field':'parentId'"},
        {"{'outcome':'success'}", TB_E_INVALID_FIELD, "outcome must be failed or cancelled",
         ",'field':'outcome'"},
        {"{'parentId':1}", TB_E_INVALID_FIELD, "parentId must be a task's id",
         ",'field':'parentId'"},
        {"{'parentId':'00000000000000000000000000'}", TB_E_INVALID_FIELD,
         "parentId must be a task's id", ",'field':'parentId'"},
        {"{'outcome':'fine'}", TB_E_INVALID_FIELD, "outcome must be failed or cancelled",
         ",'field':'outcome'"},
        {"{'outcome':1}", TB_E_INVALID_FIELD, "outcome must be failed or cancelled",
         ",'field':'outcome'"},
        {"{'max':0}", TB_E_INVALID_FIELD, "max must be a whole number from 1 to 1000",
         ",'field':'max'"},
        {"{'max':1001}", TB_E_INVALID_FIELD, "max must be a whole number from 1 to 1000",
         ",'field':'max'"},
        {"{'parent':'x'}", TB_E_UNKNOWN_FIELD, "unknown field parent (did you mean parentId?)",
         ",'field':'parent','nearest':'parentId'"},
    };
    check_refused_rows(f, TB_COMMAND_RETRY_MANY, rows, COUNT(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(all_of_them_take_an_empty_body),
        fixture_test(cancel_may_say_why_and_be_forced),
        fixture_test(accept_keeps_the_attempt_that_its_path_names),
        fixture_test(a_pause_is_of_everything_or_of_one_tag),
        fixture_test(retrying_many_takes_conditions),
        fixture_test(a_condition_that_is_there_must_say_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
