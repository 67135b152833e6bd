#include "unit/board/import_check.h"

static void check_rows(struct fixture *f, const struct import_row *rows, size_t count)
{
    check_import_rows(f, TB_IMPORT_NDJSON, rows, count);
}

/* --- what is taken --- */

static void a_task_comes_with_all_that_it_has(void **state)
{
    struct fixture *f = *state;
    import_lines(
        f,
        IMPORT_TASK_LINE("1", "") IMPORT_TASK_LINE(
            "2", ",'updatedAt':'2023-06-02T00:00:00.000Z','score':4,'version':7,"
                 "'priority':-100,'notBefore':'2024-01-01T00:00:00.000Z','attempts':0,"
                 "'maxAttempts':9,'uniqueKey':'k','parentId':'" IMPORT_ID(
                     "1") "',"
                          "'description':'d','assignee':'bob','tags':['a','b'],'dependencies':["
                          "'" IMPORT_ID("1") "'],'payload':{'x':[1]},'result':[2],'notes':[],"
                                             "'artifacts':[],'outcome':null,'blockedReason':null"));
    assert_json(f, fixture_view(f, import_id(IMPORT_ID("2"))),
                "{'id':'" IMPORT_ID(
                    "2") "','title':'t','status':'open','assignee':'bob',"
                         "'tags':['a','b'],'dependencies':['" IMPORT_ID(
                             "1") "'],'createdBy':'ann',"
                                  "'createdAt':'" IMPORT_AT
                                  "','updatedAt':'2023-06-02T00:00:00.000Z','score':4,"
                                  "'version':7,'priority':-100,'notBefore':'2024-01-01T00:00:00."
                                  "000Z','attempts':0,"
                                  "'maxAttempts':9,'uniqueKey':'k','parentId':'" IMPORT_ID(
                                      "1") "','blockedBy':['" IMPORT_ID("1") "'],'ready':false,'"
                                                                             "description':'d','"
                                                                             "payload':{'x':[1]},"
                                                                             "'result':[2],'notes':"
                                                                             "[],'artifacts':[]}");
}

static void what_a_line_does_not_say_has_its_default(void **state)
{
    struct fixture *f = *state;
    import_lines(f, IMPORT_TASK_LINE("1", ",'updatedAt':null,'parentId':null"));
    assert_json(f, fixture_view(f, import_id(IMPORT_ID("1"))),
                "{'id':'" IMPORT_ID(
                    "1") "','title':'t','status':'open','tags':[],"
                         "'dependencies':[],'createdBy':'ann','createdAt':'" IMPORT_AT
                         "','updatedAt':'" IMPORT_AT
                         "','score':0,'version':1,'priority':0,'attempts':0,'maxAttempts':3,"
                         "'blockedBy':[],'ready':true,'notes':[],'artifacts':[]}");
}

#define DONE(n, more)                                                                              \
    "{'task':{'id':'" IMPORT_ID(                                                                   \
        n) "','title':'t','status':'done','createdBy':'ann','createdAt':'" IMPORT_AT "'" more      \
           "}}\n"

static void a_task_that_is_done_was_a_success_unless_it_says_otherwise(void **state)
{
    struct fixture *f = *state;
    import_lines(f, DONE("1", "") DONE("2", ",'outcome':'failed'")
                        IMPORT_TASK_LINE("3", ",'dependencies':['" IMPORT_ID("1") "']")
                            IMPORT_TASK_LINE("4", ",'dependencies':['" IMPORT_ID("2") "']"));
    assert_int_equal(fixture_task(f, import_id(IMPORT_ID("1"))).outcome, TB_OUTCOME_SUCCESS);
    assert_int_equal(fixture_task(f, import_id(IMPORT_ID("2"))).outcome, TB_OUTCOME_FAILED);
    assert_waiting(f, import_id(IMPORT_ID("3")), "[]", true);
    assert_waiting(f, import_id(IMPORT_ID("4")), "['" IMPORT_ID("2") "']", false);
}

/* Also where it stands behind them in the file, and has the later id. */
static void nobody_is_told_of_a_dependency_that_was_met_before(void **state)
{
    struct fixture *f = *state;
    import_lines(f, IMPORT_TASK_LINE("1", ",'dependencies':['" IMPORT_ID("2") "']") DONE("2", ""));
    assert_waiting(f, import_id(IMPORT_ID("1")), "[]", true);
    assert_string_equal(fixture_types(f, 0), "task.imported task.imported");
}

#define BLOCKED(n, more)                                                                           \
    "{'task':{'id':'" IMPORT_ID(n) "','title':'t','status':'blocked','createdBy':'ann',"           \
                                   "'createdAt':'" IMPORT_AT "'" more "}}\n"

static void a_task_that_is_blocked_keeps_its_reason(void **state)
{
    struct fixture *f = *state;
    import_lines(f, BLOCKED("1", "") BLOCKED("2", ",'blockedReason':{'kind':'manual'}")
                        BLOCKED("3", ",'blockedReason':{'kind':'dead_letter','attempt':1}"));
    assert_str(fixture_task(f, import_id(IMPORT_ID("1"))).blocked_reason, "{\"kind\":\"manual\"}");
    assert_str(fixture_task(f, import_id(IMPORT_ID("2"))).blocked_reason, "{\"kind\":\"manual\"}");
    assert_str(fixture_task(f, import_id(IMPORT_ID("3"))).blocked_reason,
               "{\"kind\":\"dead_letter\",\"attempt\":1}");
    assert_int_equal(fixture_head(f).dead_letters, 1);
}

/* It was somebody's before it was claimed, and is again when it is open again. */
static void what_is_in_review_knows_whose_it_was(void **state)
{
    struct fixture *f = *state;
#define REVIEWED(n, more)                                                                          \
    "{'task':{'id':'" IMPORT_ID(n) "','title':'t','status':'in_review','assignee':'bob',"          \
                                   "'createdBy':'ann','createdAt':'" IMPORT_AT "'}" more "}\n"
    static const char *const assignees[] = {"\"bob\"", "\"ann\"", NULL, "\"bob\""};
    import_lines(f, REVIEWED("1", "") REVIEWED("2", ",'reservedFor':'ann'")
                        REVIEWED("3", ",'reservedFor':' '") REVIEWED("4", ",'reservedFor':null"));
    for (size_t i = 0; i < COUNT(assignees); i++) {
        struct tb_id id = import_id(IMPORT_ID("0"));
        id.bytes[15] = (uint8_t)(id.bytes[15] + i + 1);
        fixture_send(f, TB_COMMAND_REJECT, id, "{'reason':'no'}");
        assert_reply(f, 200);
        fixture_patch(f, id, "{'status':'open'}");
        struct tb_str assignee = fixture_field(f, id, "assignee");
        if (assignees[i] == NULL) {
            assert_absent(assignee);
        } else {
            assert_str_eq(assignee, tb_str_c(assignees[i]));
        }
    }
}

/* --- what is refused --- */

static void a_line_with_a_task_is_strict(void **state)
{
    static const struct import_row rows[] = {
        {"{'task':[]}", TB_E_INVALID_FIELD, "Line 1: task must be an object", ",'line':1"},
        {"\n{'task':{},'attempt':[]}", TB_E_UNKNOWN_FIELD,
         "Line 2: unknown field attempt (did you mean attempts?)",
         ",'line':2,'field':'attempt','nearest':'attempts'"},
        {IMPORT_TASK_LINE("1", ",'tilte':'x'"), TB_E_UNKNOWN_FIELD,
         "Line 1: unknown field tilte (did you mean title?)",
         ",'line':1,'field':'tilte','nearest':'title'"},
        {IMPORT_TASK_LINE("1", ",'ready':true"), TB_E_UNKNOWN_FIELD, "Line 1: unknown field ready",
         ",'line':1,'field':'ready'"},
    };
    check_rows(*state, rows, COUNT(rows));
}

static void an_id_must_be_a_ulid_as_the_board_writes_it(void **state)
{
    static const struct import_row rows[] = {
        {"{'task':{}}", TB_E_INVALID_FIELD, "Line 1: id must be a ULID, not undefined",
         ",'line':1,'field':'id'"},
        {"{'task':{'id':7}}", TB_E_INVALID_FIELD, "Line 1: id must be a ULID, not 7",
         ",'line':1,'field':'id'"},
        {"{'task':{'id':'01h1t423000000000000000001'}}", TB_E_INVALID_FIELD,
         "Line 1: id must be a ULID, not 01h1t423000000000000000001", ",'line':1,'field':'id'"},
        {"{'task':{'id':'00000000000000000000000000'}}", TB_E_INVALID_FIELD,
         "Line 1: id must be a ULID, not 00000000000000000000000000", ",'line':1,'field':'id'"},
        {IMPORT_TASK_LINE("1", ",'parentId':'x'"), TB_E_INVALID_FIELD,
         "Line 1: parentId must be a ULID, not x", ",'line':1,'field':'parentId'"},
    };
    check_rows(*state, rows, COUNT(rows));
}

#define WITH(members) "{'task':{'id':'" IMPORT_ID("1") "'," members "}}"

static void what_a_task_must_have_is_missed(void **state)
{
    static const struct import_row rows[] = {
        {WITH("'title':' '"), TB_E_MISSING_FIELD, "Line 1: title is required",
         ",'line':1,'field':'title'"},
        {WITH("'title':'t'"), TB_E_MISSING_FIELD, "Line 1: createdBy is required",
         ",'line':1,'field':'createdBy'"},
        {WITH("'title':'t','createdBy':'a'"), TB_E_INVALID_FIELD,
         "Line 1: invalid status: undefined", ",'line':1,'field':'status'"},
        {WITH("'title':'t','createdBy':'a','status':1"), TB_E_INVALID_FIELD,
         "Line 1: invalid status: 1", ",'line':1,'field':'status'"},
        {WITH("'title':'t','createdBy':'a','status':'wontfix'"), TB_E_INVALID_FIELD,
         "Line 1: invalid status: wontfix", ",'line':1,'field':'status'"},
        {WITH("'title':'t','createdBy':'a','status':'open'"), TB_E_MISSING_FIELD,
         "Line 1: createdAt is required", ",'line':1,'field':'createdAt'"},
    };
    check_rows(*state, rows, COUNT(rows));
}

static void fields_of_the_wrong_kind_are_refused(void **state)
{
    static const struct import_row rows[] = {
        {IMPORT_TASK_LINE("1", ",'description':1"), TB_E_INVALID_FIELD,
         "Line 1: description must be a string", ",'line':1,'field':'description'"},
        {IMPORT_TASK_LINE("1", ",'assignee':[]"), TB_E_INVALID_FIELD,
         "Line 1: assignee must be a string", ",'line':1,'field':'assignee'"},
        {IMPORT_TASK_LINE("1", ",'tags':'a'"), TB_E_INVALID_FIELD,
         "Line 1: tags must be an array of strings", ",'line':1,'field':'tags'"},
        {IMPORT_TASK_LINE("1", ",'dependencies':[1]"), TB_E_INVALID_FIELD,
         "Line 1: dependencies must be an array of strings", ",'line':1,'field':'dependencies'"},
        {IMPORT_TASK_LINE("1", ",'updatedAt':7"), TB_E_INVALID_FIELD,
         "Line 1: updatedAt must be an instant such as 2026-11-22T13:30:00.000Z",
         ",'line':1,'field':'updatedAt'"},
        {IMPORT_TASK_LINE("1", ",'score':-1"), TB_E_INVALID_FIELD,
         "Line 1: score must be a whole number from 0 to 1000000000", ",'line':1,'field':'score'"},
        {IMPORT_TASK_LINE("1", ",'version':0"), TB_E_INVALID_FIELD,
         "Line 1: version must be a whole number from 1 to 9007199254740991",
         ",'line':1,'field':'version'"},
        {IMPORT_TASK_LINE("1", ",'priority':101"), TB_E_INVALID_FIELD,
         "Line 1: priority must be a whole number from -100 to 100",
         ",'line':1,'field':'priority'"},
        {IMPORT_TASK_LINE("1", ",'notBefore':'soon'"), TB_E_INVALID_FIELD,
         "Line 1: notBefore must be an instant such as 2026-11-22T13:30:00.000Z",
         ",'line':1,'field':'notBefore'"},
        {IMPORT_TASK_LINE("1", ",'attempts':4294967296"), TB_E_INVALID_FIELD,
         "Line 1: attempts must be a whole number from 0 to 4294967295",
         ",'line':1,'field':'attempts'"},
        {IMPORT_TASK_LINE("1", ",'maxAttempts':1001"), TB_E_INVALID_FIELD,
         "Line 1: maxAttempts must be a whole number from 0 to 1000",
         ",'line':1,'field':'maxAttempts'"},
        {IMPORT_TASK_LINE("1", ",'uniqueKey':{}"), TB_E_INVALID_FIELD,
         "Line 1: uniqueKey must be a string", ",'line':1,'field':'uniqueKey'"},
    };
    check_rows(*state, rows, COUNT(rows));
}

static void free_json_has_its_limit(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"payload", "result"};
    for (size_t i = 0; i < COUNT(names); i++) {
        const char *text = fixture_repeat(f->arena, "x", TB_PAYLOAD_BYTES_MAX - 1);
        const struct import_row row = {
            tb_arena_printf(f->arena, "{'task':" IMPORT_TASK("1", ",'%s':'%s'") "}", names[i], text)
                .ptr,
            TB_E_INVALID_FIELD,
            tb_arena_printf(f->arena, "Line 1: %s is longer than 262144 bytes", names[i]).ptr,
            tb_arena_printf(f->arena, ",'line':1,'field':'%s'", names[i]).ptr,
        };
        check_rows(f, &row, 1);
    }
}

static void status_outcome_and_blocked_reason_must_fit_together(void **state)
{
    static const char outcome[] = "Line 1: outcome must be that of a task that is done";
    static const char reason[] =
        "Line 1: blockedReason must be an object of a blocked task, with its kind";
    static const struct import_row rows[] = {
        {IMPORT_TASK_LINE("1", ",'outcome':'success'"), TB_E_INVALID_FIELD, outcome,
         ",'line':1,'field':'outcome'"},
        {DONE("1", ",'outcome':'fine'"), TB_E_INVALID_FIELD, outcome,
         ",'line':1,'field':'outcome'"},
        {DONE("1", ",'outcome':1"), TB_E_INVALID_FIELD, outcome, ",'line':1,'field':'outcome'"},
        {IMPORT_TASK_LINE("1", ",'blockedReason':{'kind':'manual'}"), TB_E_INVALID_FIELD, reason,
         ",'line':1,'field':'blockedReason'"},
        {BLOCKED("1", ",'blockedReason':'manual'"), TB_E_INVALID_FIELD, reason,
         ",'line':1,'field':'blockedReason'"},
        {BLOCKED("1", ",'blockedReason':{}"), TB_E_INVALID_FIELD, reason,
         ",'line':1,'field':'blockedReason'"},
        {BLOCKED("1", ",'blockedReason':{'kind':'other'}"), TB_E_INVALID_FIELD, reason,
         ",'line':1,'field':'blockedReason'"},
        {"{'task':" IMPORT_TASK("1", "") ",'reservedFor':'bob'}", TB_E_INVALID_FIELD,
         "Line 1: a task that is open has no reservedFor", ",'line':1,'field':'reservedFor'"},
        {"{'task':" IMPORT_TASK("1", "") ",'reservedFor':1}", TB_E_INVALID_FIELD,
         "Line 1: reservedFor must be a string", ",'line':1,'field':'reservedFor'"},
    };
    check_rows(*state, rows, COUNT(rows));
}

/* --- of the service that was before --- */

static void an_old_task_leaves_out_what_is_not_known_here(void **state)
{
    struct fixture *f = *state;
    import_text(f, TB_IMPORT_BOARD_JSON,
                "{'tasks':[" IMPORT_TASK("1", ",'priority':'high','version':0,'made':'up'") "]}");
    assert_reply(f, 200);
    assert_json(f, f->reply.body, "{'tasks':1,'vms':0,'feedEvents':0,'pauses':0}");
    assert_str(fixture_field(f, import_id(IMPORT_ID("1")), "priority"), "0");
    assert_str(fixture_field(f, import_id(IMPORT_ID("1")), "version"), "1");
}

static void faults_of_old_tasks_are_named_by_their_place(void **state)
{
    static const struct import_row rows[] = {
        {"{'tasks':[7]}", TB_E_INVALID_FIELD, "Task 1: a task must be an object", ",'line':1"},
        {"{'tasks':[" IMPORT_TASK("1", "") "," IMPORT_TASK("2", ",'score':1.5") "]}",
         TB_E_INVALID_FIELD, "Task 2: score must be a whole number from 0 to 1000000000",
         ",'line':2,'field':'score'"},
        {"{'tasks':[" IMPORT_TASK("1", "") "," IMPORT_TASK("1", "") "]}", TB_E_ID_EXISTS,
         "Task 2: an earlier line has the same id", ",'line':2"},
        {"{'task':[]}", TB_E_INVALID_FIELD, "The file must be an object with an array tasks", NULL},
    };
    check_import_rows(*state, TB_IMPORT_BOARD_JSON, rows, COUNT(rows));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(a_task_comes_with_all_that_it_has),
        fixture_test(what_a_line_does_not_say_has_its_default),
        fixture_test(a_task_that_is_done_was_a_success_unless_it_says_otherwise),
        fixture_test(nobody_is_told_of_a_dependency_that_was_met_before),
        fixture_test(a_task_that_is_blocked_keeps_its_reason),
        fixture_test(what_is_in_review_knows_whose_it_was),
        fixture_test(a_line_with_a_task_is_strict),
        fixture_test(an_id_must_be_a_ulid_as_the_board_writes_it),
        fixture_test(what_a_task_must_have_is_missed),
        fixture_test(fields_of_the_wrong_kind_are_refused),
        fixture_test(free_json_has_its_limit),
        fixture_test(status_outcome_and_blocked_reason_must_fit_together),
        fixture_test(an_old_task_leaves_out_what_is_not_known_here),
        fixture_test(faults_of_old_tasks_are_named_by_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
