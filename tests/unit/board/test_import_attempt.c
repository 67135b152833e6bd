#include "unit/board/import_check.h"

#define LINE(counted, attempts)                                                                    \
    "{'task':" IMPORT_TASK("1", ",'attempts':" counted) ",'attempts':[" attempts "]}\n"

static void check_rows(struct fixture *f, const struct import_row *rows, size_t count)
{
    check_import_rows(f, TB_IMPORT_NDJSON, rows, count);
}

static void attempts_come_with_all_that_they_have(void **state)
{
    struct fixture *f = *state;
    import_lines(
        f, LINE("1", IMPORT_ATTEMPT("1", ",'vmId':'v','error':'e','late':false") "," IMPORT_ATTEMPT(
                         "2", ",'result':{'a':1},'late':true,"
                              "'progress':{'percent':5}")));
    struct tb_id id = import_id(IMPORT_ID("1"));
    assert_json(
        f, fixture_attempts(f, id),
        "{'attempts':[{'attempt':1,'generation':1,'agent':'bob','vmId':'v','claimedAt':'" IMPORT_AT
        "','endedAt':'" IMPORT_AT "','outcome':'failed','error':'e'},"
        "{'attempt':2,'generation':2,'agent':'bob','claimedAt':'" IMPORT_AT
        "','endedAt':'" IMPORT_AT "','outcome':'failed','result':{'a':1},"
        "'progress':{'percent':5},'late':true}],'count':2}");
    assert_int_equal(fixture_task(f, id).claims, 2);
    assert_int_equal(fixture_task(f, id).attempts, 1);
}

/* They are behind all that the board has given. */
static void generations_go_on_behind_those_of_the_file(void **state)
{
    struct fixture *f = *state;
    (void)fixture_claim_task(f, fixture_task_named(f, "mine"), "ann");
    import_lines(f, "{'board':{'format':1,'generation':7}}\n" LINE("0", IMPORT_ATTEMPT("1", "")));
    struct tb_id id = import_id(IMPORT_ID("1"));
    assert_json(f, fixture_attempts(f, id),
                "{'attempts':[{'attempt':1,'generation':2,'agent':'bob','claimedAt':'" IMPORT_AT
                "','endedAt':'" IMPORT_AT "','outcome':'failed'}],'count':1}");
    assert_int_equal(fixture_claim_task(f, id, "ann").generation, 9);
}

#define ATTEMPTS(members) "{'task':" IMPORT_TASK("1", "") ",'attempts':[{" members "}]}"
#define CLAIMED           "'attempt':1,'generation':1,'agent':'a','claimedAt':'" IMPORT_AT "'"
#define ENDED             CLAIMED ",'endedAt':'" IMPORT_AT "'"
#define FAILED            ENDED ",'outcome':'failed'"

static void an_attempt_must_be_whole_and_over(void **state)
{
    static const char over[] = "Line 1: an attempt must have an outcome, and be over";
    static const struct import_row rows[] = {
        {"{'task':" IMPORT_TASK("1", "") ",'attempts':{}}", TB_E_INVALID_FIELD,
         "Line 1: attempts must be an array", ",'line':1,'field':'attempts'"},
        {"{'task':" IMPORT_TASK("1", "") ",'attempts':[1]}", TB_E_INVALID_FIELD,
         "Line 1: an attempt must be an object", ",'line':1"},
        {ATTEMPTS("'lease':1"), TB_E_UNKNOWN_FIELD,
         "Line 1: unknown field attempts[].lease "
         "(did you mean late?)",
         ",'line':1,'field':'attempts[].lease','nearest':'late'"},
        {ATTEMPTS("'attempt':0"), TB_E_INVALID_FIELD,
         "Line 1: attempts[].attempt must be a whole number from 1 to 2147483647",
         ",'line':1,'field':'attempts[].attempt'"},
        {ATTEMPTS("'attempt':1,'generation':0"), TB_E_INVALID_FIELD,
         "Line 1: attempts[].generation must be a whole number from 1 to 9007199254740991",
         ",'line':1,'field':'attempts[].generation'"},
        {ATTEMPTS("'attempt':1,'generation':1"), TB_E_MISSING_FIELD,
         "Line 1: an attempt has no agent", ",'line':1,'field':'attempts[].agent'"},
        {ATTEMPTS("'agent':'a','vmId':1"), TB_E_INVALID_FIELD,
         "Line 1: attempts[].vmId must be a string", ",'line':1,'field':'attempts[].vmId'"},
        {ATTEMPTS("'agent':'a'"), TB_E_MISSING_FIELD, "Line 1: attempts[].claimedAt is required",
         ",'line':1,'field':'attempts[].claimedAt'"},
        {ATTEMPTS(CLAIMED), TB_E_MISSING_FIELD, "Line 1: attempts[].endedAt is required",
         ",'line':1,'field':'attempts[].endedAt'"},
        {ATTEMPTS(ENDED), TB_E_INVALID_FIELD, over, ",'line':1,'field':'attempts'"},
        {ATTEMPTS(ENDED ",'outcome':1"), TB_E_INVALID_FIELD, over, ",'line':1,'field':'attempts'"},
        {ATTEMPTS(ENDED ",'outcome':'lost'"), TB_E_INVALID_FIELD, over,
         ",'line':1,'field':'attempts'"},
        {ATTEMPTS(ENDED ",'outcome':'running'"), TB_E_INVALID_FIELD, over,
         ",'line':1,'field':'attempts'"},
        {ATTEMPTS(FAILED ",'error':1"), TB_E_INVALID_FIELD,
         "Line 1: attempts[].error must be a string", ",'line':1,'field':'attempts[].error'"},
        {ATTEMPTS(FAILED ",'progress':5"), TB_E_INVALID_FIELD, "Line 1: progress must be an object",
         ",'line':1,'field':'attempts'"},
        {ATTEMPTS(FAILED ",'late':1"), TB_E_INVALID_FIELD,
         "Line 1: attempts[].late must be true or false", ",'line':1,'field':'attempts[].late'"},
    };
    check_rows(*state, rows, COUNT(rows));
}

static void a_result_has_its_limit(void **state)
{
    struct fixture *f = *state;
    const char *text = fixture_repeat(f->arena, "x", TB_RESULT_BYTES_MAX - 1);
    const struct import_row row = {
        tb_arena_printf(f->arena, ATTEMPTS(FAILED ",'result':'%s'"), text).ptr, TB_E_INVALID_FIELD,
        "Line 1: attempts[].result is longer than 262144 bytes",
        ",'line':1,'field':'attempts[].result'"};
    check_rows(f, &row, 1);
}

static void attempts_must_follow_one_another(void **state)
{
    static const char wrong[] = "Line 1: the attempts do not follow one another, or are not as "
                                "many as the task counts";
    static const char extra[] = ",'line':1,'field':'attempts'";
    static const struct import_row rows[] = {
        {LINE("1", ""), TB_E_INVALID_FIELD, wrong, extra},
        {LINE("2", IMPORT_ATTEMPT("1", "")), TB_E_INVALID_FIELD, wrong, extra},
        {LINE("0", IMPORT_ATTEMPT("2", "")), TB_E_INVALID_FIELD, wrong, extra},
        {LINE("0", IMPORT_ATTEMPT("1", "") "," IMPORT_ATTEMPT("1", "")), TB_E_INVALID_FIELD, wrong,
         extra},
        {LINE("0", IMPORT_ATTEMPT("2", "") "," IMPORT_ATTEMPT("2", "")), TB_E_INVALID_FIELD, wrong,
         extra},
        {LINE("0", IMPORT_ATTEMPT("1", ",'late':true")), TB_E_INVALID_FIELD, wrong, extra},
        {LINE("0", "{" CLAIMED ",'outcome':'failed','endedAt':'2023-05-31T23:59:59.999Z'}"),
         TB_E_INVALID_FIELD, wrong, extra},
        {LINE("0", "{'attempt':1,'agent':'a','claimedAt':'" IMPORT_AT "','endedAt':'" IMPORT_AT
                   "','outcome':'failed'}"),
         TB_E_INVALID_FIELD, wrong, extra},
    };
    check_rows(*state, rows, COUNT(rows));
}

/* Of a task that was claimed more often the latest are kept. */
static void of_many_attempts_the_latest_come(void **state)
{
    struct fixture *f = *state;
    struct fixture other;
    struct tb_id id = fixture_task_named(f, "t");
    for (int i = 0; i < TB_ATTEMPTS_KEPT + 2; i++) {
        fixture_hold(f, TB_COMMAND_RELEASE, fixture_claim_task(f, id, "ann"), "%s", "");
    }
    (void)fixture_claim_task(f, id, "ann");
    struct tb_str line = import_exported(f);
    fixture_open(&other, FIXTURE_MEMORY, 2);
    import_bytes(&other, TB_IMPORT_NDJSON, line);
    assert_reply(&other, 200);
    assert_int_equal(fixture_task(&other, id).claims, TB_ATTEMPTS_KEPT + 2);
    assert_str_eq(import_exported(&other), line);
    fixture_close(&other);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(attempts_come_with_all_that_they_have),
        fixture_test(generations_go_on_behind_those_of_the_file),
        fixture_test(an_attempt_must_be_whole_and_over),
        fixture_test(a_result_has_its_limit),
        fixture_test(attempts_must_follow_one_another),
        fixture_test(of_many_attempts_the_latest_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
