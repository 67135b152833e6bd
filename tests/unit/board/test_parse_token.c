/* The body of a token that is to be made. */
#include "unit/board/parse_check.h"

static void a_token_has_a_name_a_role_and_perhaps_more(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse(f, TB_COMMAND_TOKEN_CREATE, &command,
                      "{'name':' farm ','role':'viewer','agent':null,'expiresInSeconds':null}"));
    assert_int_equal(command.kind, TB_COMMAND_TOKEN_CREATE);
    assert_str(command.credential.name, "farm");
    assert_int_equal(command.credential.role, TB_ROLE_VIEWER);
    assert_absent(command.credential.agent);
    assert_int_equal(command.credential.lifetime_ms, 0);
    assert_true(parse(f, TB_COMMAND_TOKEN_CREATE, &command,
                      "{'name':'n','role':'admin','agent':' bob ','expiresInSeconds':315360000}"));
    assert_int_equal(command.credential.role, TB_ROLE_ADMIN);
    assert_str(command.credential.agent, "bob");
    assert_int_equal(command.credential.lifetime_ms, INT64_C(315360000000));
}

static void a_token_that_would_be_another_than_meant_is_refused(void **state)
{
    static const char role[] = "role must be viewer, worker, coordinator or admin";
    static const struct refused_row rows[] = {
        {"[]", TB_E_INVALID_JSON, "The body must be a JSON object", NULL},
        {"{'name':'n','role':'viewer','expires':1}", TB_E_UNKNOWN_FIELD, "unknown field expires",
         ",'field':'expires'"},
        {"{'role':'viewer'}", TB_E_MISSING_FIELD, "name is required", ",'field':'name'"},
        {"{'name':'n'}", TB_E_MISSING_FIELD, role, ",'field':'role'"},
        {"{'name':'n','role':null}", TB_E_MISSING_FIELD, role, ",'field':'role'"},
        {"{'name':'n','role':7}", TB_E_INVALID_FIELD, role, ",'field':'role'"},
        {"{'name':'n','role':'root'}", TB_E_INVALID_FIELD, role, ",'field':'role'"},
        {"{'name':'n','role':'worker','agent':' '}", TB_E_MISSING_FIELD, "agent must not be empty",
         ",'field':'agent'"},
        {"{'name':'n','role':'worker','expiresInSeconds':0}", TB_E_INVALID_FIELD,
         "expiresInSeconds must be a whole number from 1 to 315360000",
         ",'field':'expiresInSeconds'"},
    };
    check_refused_rows(*state, TB_COMMAND_TOKEN_CREATE, rows, COUNT(rows));
}

static void names_have_a_limit(void **state)
{
    struct fixture *f = *state;
    check_limit(f, TB_COMMAND_TOKEN_CREATE, "{'role':'viewer','name':'", "'}", "name",
                TB_NAME_BYTES_MAX);
    check_limit(f, TB_COMMAND_TOKEN_CREATE, "{'role':'viewer','name':'n','agent':'", "'}", "agent",
                TB_NAME_BYTES_MAX);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(a_token_has_a_name_a_role_and_perhaps_more),
        fixture_test(a_token_that_would_be_another_than_meant_is_refused),
        fixture_test(names_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
