/* The bodies of notes, artifacts, bump, review, approve and reject. */
#include "fixture/fixture.h"

#include "taskboard/limits.h"

static const struct tb_id some = {.bytes = {1}};

static bool parse(struct fixture *f, enum tb_command_kind kind, struct tb_command *command,
                  const char *body)
{
    return fixture_parse(f, kind, some, command, fixture_json(f, "%s", body));
}

/* Each row's body must be refused with its message and field. */
struct refused_row {
    const char *body;
    enum tb_err err;
    const char *message;
    const char *extra;
};

static void check_refused_rows(struct fixture *f, enum tb_command_kind kind,
                               const struct refused_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct tb_command command;
        assert_false(parse(f, kind, &command, rows[i].body));
        assert_refused(f, rows[i].err, rows[i].message, rows[i].extra);
    }
}

/* A text of that many bytes goes into `format` and must be taken, one byte more must not. */
static void check_limit(struct fixture *f, enum tb_command_kind kind, const char *before,
                        const char *after, const char *field, size_t bytes_max)
{
    for (size_t more = 0; more < 2; more++) {
        struct tb_command command;
        struct tb_str body = fixture_json(f, "%s%s%s", before,
                                          fixture_repeat(f->arena, "x", bytes_max + more), after);
        assert_int_equal(fixture_parse(f, kind, some, &command, body), more == 0);
    }
    assert_refused(f, TB_E_INVALID_FIELD,
                   tb_arena_printf(f->arena, "%s is longer than %zu bytes", field, bytes_max).ptr,
                   tb_arena_printf(f->arena, ",'field':'%s'", field).ptr);
}

/* --- notes --- */

static void a_note_has_an_author_a_content_and_a_type(void **state)
{
    struct fixture *f = *state;
    for (unsigned type = 0; type < TB_NOTE_TYPE_COUNT; type++) {
        struct tb_command command;
        struct tb_str body =
            fixture_json(f, "{'author':' ann ','content':'\\n a \\\"b\\\" ','type':'%s'}",
                         tb_note_type_name((enum tb_note_type)type));
        assert_true(fixture_parse(f, TB_COMMAND_NOTE, some, &command, body));
        assert_int_equal(command.kind, TB_COMMAND_NOTE);
        assert_str(command.note.author, "ann");
        assert_str(command.note.content, "a \\\"b\\\"");
        assert_int_equal(command.note.type, type);
    }
}

static void a_note_that_lacks_something_is_refused(void **state)
{
    struct fixture *f = *state;
    static const struct refused_row rows[] = {
        {"", TB_E_MISSING_FIELD, "author is required", ",'field':'author'"},
        {"{'author':' ','content':'c','type':'update'}", TB_E_MISSING_FIELD, "author is required",
         ",'field':'author'"},
        {"{'author':3,'content':'c','type':'update'}", TB_E_MISSING_FIELD, "author is required",
         ",'field':'author'"},
        {"{'author':'a','type':'update'}", TB_E_MISSING_FIELD, "content is required",
         ",'field':'content'"},
        {"{'author':'a','content':'\\t','type':'update'}", TB_E_MISSING_FIELD,
         "content is required", ",'field':'content'"},
        {"{'author':'a','content':'c'}", TB_E_INVALID_FIELD, "invalid note type: undefined",
         ",'field':'type'"},
        {"{'author':'a','content':'c','type':null}", TB_E_INVALID_FIELD, "invalid note type: null",
         ",'field':'type'"},
        {"{'author':'a','content':'c','type':'Update'}", TB_E_INVALID_FIELD,
         "invalid note type: Update", ",'field':'type'"},
        {"{'author':'a','content':'c','type':''}", TB_E_INVALID_FIELD,
         "invalid note type: ", ",'field':'type'"},
        {"{'author':'a','content':'c','type':7}", TB_E_INVALID_FIELD, "invalid note type: 7",
         ",'field':'type'"},
        {"[]", TB_E_INVALID_JSON, "The body must be a JSON object", NULL},
    };
    check_refused_rows(f, TB_COMMAND_NOTE, rows, COUNT(rows));
}

static void a_note_is_limited_in_length(void **state)
{
    struct fixture *f = *state;
    check_limit(f, TB_COMMAND_NOTE, "{'author':'", "','content':'c','type':'update'}", "author",
                TB_NAME_BYTES_MAX);
    check_limit(f, TB_COMMAND_NOTE, "{'author':'a','content':'", "','type':'update'}", "content",
                TB_NOTE_BYTES_MAX);
}

/* --- artifacts --- */

static void artifacts_are_read_in_order(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse(f, TB_COMMAND_ARTIFACTS, &command,
                      "{'artifacts':[{'type':'branch','url':' u ','label':' l ','addedBy':' b '},"
                      "{'type':'url','url':'v','label':'m','addedBy':' '},"
                      "{'type':'file','url':'w','label':'n','addedBy':null}]}"));
    const struct tb_artifacts_command *artifacts = &command.artifacts;
    assert_int_equal(command.kind, TB_COMMAND_ARTIFACTS);
    assert_int_equal(artifacts->item_count, 3);
    assert_int_equal(artifacts->items[0].type, TB_ARTIFACT_BRANCH);
    assert_str(artifacts->items[0].url, "u");
    assert_str(artifacts->items[0].label, "l");
    assert_str(artifacts->items[0].added_by, "b");
    assert_int_equal(artifacts->items[1].type, TB_ARTIFACT_URL);
    assert_absent(artifacts->items[1].added_by);
    assert_int_equal(artifacts->items[2].type, TB_ARTIFACT_FILE);
    assert_absent(artifacts->items[2].added_by);
}

static void artifacts_that_lack_something_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char missing[] = "artifacts array is required and must not be empty";
    static const char field[] = ",'field':'artifacts'";
    static const struct refused_row rows[] = {
        {"", TB_E_MISSING_FIELD, missing, field},
        {"{'artifacts':[]}", TB_E_MISSING_FIELD, missing, field},
        {"{'artifacts':null}", TB_E_MISSING_FIELD, missing, field},
        {"{'artifacts':{}}", TB_E_MISSING_FIELD, missing, field},
        {"{'artifacts':'x'}", TB_E_MISSING_FIELD, missing, field},
        {"{'artifacts':[{'url':'u','label':'l'}]}", TB_E_INVALID_FIELD,
         "invalid artifact type: undefined", field},
        {"{'artifacts':[{'type':'x\\\"','url':'u','label':'l'}]}", TB_E_INVALID_FIELD,
         "invalid artifact type: x\\\"", field},
        {"{'artifacts':[{'type':null,'url':'u','label':'l'}]}", TB_E_INVALID_FIELD,
         "invalid artifact type: null", field},
        {"{'artifacts':[{'type':'file','label':'l'}]}", TB_E_MISSING_FIELD,
         "artifact url is required", ",'field':'url'"},
        {"{'artifacts':[{'type':'file','url':' ','label':'l'}]}", TB_E_MISSING_FIELD,
         "artifact url is required", ",'field':'url'"},
        {"{'artifacts':[{'type':'file','url':'u'}]}", TB_E_MISSING_FIELD,
         "artifact label is required", ",'field':'label'"},
        {"{'artifacts':[{'type':'file','url':'u','label':'l','addedBy':5}]}", TB_E_INVALID_FIELD,
         "addedBy must be a string", ",'field':'addedBy'"},
        {"{'artifacts':[5]}", TB_E_INVALID_FIELD, "each artifact must be a JSON object", field},
        {"{'artifacts':[{'type':'file','url':'u','label':'l'},null]}", TB_E_INVALID_FIELD,
         "each artifact must be a JSON object", field},
        {"[{'type':'file','url':'u','label':'l'}]", TB_E_INVALID_JSON,
         "The body must be a JSON object", NULL},
    };
    check_refused_rows(f, TB_COMMAND_ARTIFACTS, rows, COUNT(rows));
}

static void artifacts_are_strict_about_their_fields(void **state)
{
    struct fixture *f = *state;
    static const struct refused_row rows[] = {
        {"{'artifacts':[{'type':'file','url':'u','label':'l'},"
         "{'type':'file','url':'u','label':'l','lable':'x'}]}",
         TB_E_UNKNOWN_FIELD, "unknown field artifacts[1].lable (did you mean label?)",
         ",'field':'artifacts[1].lable','nearest':'label'"},
        {"{'artifacts':[{'addedAt':'2023-11-14T22:13:20Z','type':'file','url':'u','label':'l'}]}",
         TB_E_UNKNOWN_FIELD, "unknown field artifacts[0].addedAt (did you mean addedBy?)",
         ",'field':'artifacts[0].addedAt','nearest':'addedBy'"},
    };
    check_refused_rows(f, TB_COMMAND_ARTIFACTS, rows, COUNT(rows));
}

static void artifacts_are_limited_in_length_and_number(void **state)
{
    struct fixture *f = *state;
    static const char one[] = "{'type':'url','url':'u','label':'l'}";
    check_limit(f, TB_COMMAND_ARTIFACTS, "{'artifacts':[{'type':'url','url':'", "','label':'l'}]}",
                "url", TB_ARTIFACT_BYTES_MAX);
    check_limit(f, TB_COMMAND_ARTIFACTS, "{'artifacts':[{'type':'url','url':'u','label':'", "'}]}",
                "label", TB_ARTIFACT_BYTES_MAX);
    check_limit(f, TB_COMMAND_ARTIFACTS,
                "{'artifacts':[{'type':'url','url':'u','label':'l','addedBy':'", "'}]}", "addedBy",
                TB_NAME_BYTES_MAX);
    const char *most = fixture_repeat(f->arena, "{'type':'url','url':'u','label':'l'},",
                                      TB_ARTIFACTS_REQUEST_MAX - 1);
    struct tb_command command;
    assert_true(parse(f, TB_COMMAND_ARTIFACTS, &command,
                      tb_arena_printf(f->arena, "{'artifacts':[%s%s]}", most, one).ptr));
    assert_int_equal(command.artifacts.item_count, TB_ARTIFACTS_REQUEST_MAX);
    assert_false(parse(f, TB_COMMAND_ARTIFACTS, &command,
                       tb_arena_printf(f->arena, "{'artifacts':[%s%s,%s]}", most, one, one).ptr));
    assert_refused(f, TB_E_INVALID_FIELD, "artifacts has more than 100 entries",
                   ",'field':'artifacts'");
}

/* --- bump --- */

static void a_bump_needs_no_fields(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse(f, TB_COMMAND_BUMP, &command, ""));
    assert_int_equal(command.kind, TB_COMMAND_BUMP);
    assert_true(parse(f, TB_COMMAND_BUMP, &command, "{'by':2}"));
    assert_str(f->ignored, "by");
    assert_false(parse(f, TB_COMMAND_BUMP, &command, "[]"));
    assert_refused(f, TB_E_INVALID_JSON, "The body must be a JSON object", NULL);
    f->strict = true;
    assert_false(parse(f, TB_COMMAND_BUMP, &command, "{'by':2}"));
    assert_refused(f, TB_E_UNKNOWN_FIELD, "unknown field by", ",'field':'by'");
}

/* --- review, approve, reject --- */

static void a_review_has_a_summary_and_artifacts_that_are_the_reviewers(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse(f, TB_COMMAND_REVIEW, &command,
                      "{'summary':' all good ','reviewedBy':' ann ','artifacts':["
                      "{'type':'url','url':'u','label':'l'},"
                      "{'type':'url','url':'u','label':'l','addedBy':'bob'}]}"));
    assert_int_equal(command.kind, TB_COMMAND_REVIEW);
    assert_str(command.verdict.text, "all good");
    assert_str(command.verdict.by, "ann");
    assert_int_equal(command.verdict.artifacts.item_count, 2);
    assert_str(command.verdict.artifacts.items[0].added_by, "ann");
    assert_str(command.verdict.artifacts.items[1].added_by, "bob");
}

static void a_review_without_artifacts_has_none(void **state)
{
    struct fixture *f = *state;
    /* as before: what is no array is no artifacts */
    static const char *const bodies[] = {
        "{'summary':'s'}", "{'summary':'s','artifacts':null}", "{'summary':'s','artifacts':[]}",
        "{'summary':'s','artifacts':{}}", "{'summary':'s','artifacts':'x'}"};
    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct tb_command command;
        assert_true(parse(f, TB_COMMAND_REVIEW, &command, bodies[i]));
        assert_int_equal(command.verdict.artifacts.item_count, 0);
        assert_str(command.verdict.by, "unknown");
    }
}

static void a_review_that_lacks_something_is_refused(void **state)
{
    struct fixture *f = *state;
    static const struct refused_row rows[] = {
        {"", TB_E_MISSING_FIELD, "summary is required", ",'field':'summary'"},
        {"{'summary':' '}", TB_E_MISSING_FIELD, "summary is required", ",'field':'summary'"},
        {"{'summary':5}", TB_E_MISSING_FIELD, "summary is required", ",'field':'summary'"},
        {"{'summary':'s','reviewedBy':5}", TB_E_INVALID_FIELD, "reviewedBy must be a string",
         ",'field':'reviewedBy'"},
        {"{'summary':'s','artifacts':[{'type':'x','url':'u','label':'l'}]}", TB_E_INVALID_FIELD,
         "invalid artifact type: x", ",'field':'artifacts'"},
    };
    check_refused_rows(f, TB_COMMAND_REVIEW, rows, COUNT(rows));
    check_limit(f, TB_COMMAND_REVIEW, "{'summary':'", "'}", "summary", TB_NOTE_BYTES_MAX);
    check_limit(f, TB_COMMAND_REVIEW, "{'summary':'s','reviewedBy':'", "'}", "reviewedBy",
                TB_NAME_BYTES_MAX);
}

static void an_approval_needs_nothing(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    assert_true(parse(f, TB_COMMAND_APPROVE, &command, ""));
    assert_int_equal(command.kind, TB_COMMAND_APPROVE);
    assert_str(command.verdict.by, "unknown");
    assert_int_equal(command.verdict.text.len, 0);
    assert_int_equal(command.verdict.artifacts.item_count, 0);
    assert_true(parse(f, TB_COMMAND_APPROVE, &command, "{'approvedBy':' ','comment':' \\n'}"));
    assert_str(command.verdict.by, "unknown");
    assert_int_equal(command.verdict.text.len, 0);
    assert_true(parse(f, TB_COMMAND_APPROVE, &command, "{'approvedBy':'ann','comment':' ok '}"));
    assert_str(command.verdict.by, "ann");
    assert_str(command.verdict.text, "ok");
    check_limit(f, TB_COMMAND_APPROVE, "{'comment':'", "'}", "comment", TB_VERDICT_BYTES_MAX);
    check_limit(f, TB_COMMAND_APPROVE, "{'approvedBy':'", "'}", "approvedBy", TB_NAME_BYTES_MAX);
}

static void a_rejection_needs_a_reason(void **state)
{
    struct fixture *f = *state;
    struct tb_command command;
    static const struct refused_row rows[] = {
        {"", TB_E_MISSING_FIELD, "reason is required", ",'field':'reason'"},
        {"{'reason':'\\u00a0'}", TB_E_MISSING_FIELD, "reason is required", ",'field':'reason'"},
        {"{'reason':'r','rejectedBy':[]}", TB_E_INVALID_FIELD, "rejectedBy must be a string",
         ",'field':'rejectedBy'"},
    };
    check_refused_rows(f, TB_COMMAND_REJECT, rows, COUNT(rows));
    assert_true(parse(f, TB_COMMAND_REJECT, &command, "{'reason':' no ','rejectedBy':''}"));
    assert_int_equal(command.kind, TB_COMMAND_REJECT);
    assert_str(command.verdict.text, "no");
    assert_str(command.verdict.by, "unknown");
    check_limit(f, TB_COMMAND_REJECT, "{'reason':'", "'}", "reason", TB_VERDICT_BYTES_MAX);
    check_limit(f, TB_COMMAND_REJECT, "{'reason':'r','rejectedBy':'", "'}", "rejectedBy",
                TB_NAME_BYTES_MAX);
}

static void unknown_fields_are_ignored_unless_strict(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum tb_command_kind kind;
        const char *body;
    } rows[] = {
        {TB_COMMAND_NOTE, "{'author':'a','content':'c','type':'update','x1y2z':1}"},
        {TB_COMMAND_ARTIFACTS, "{'artifacts':[{'type':'url','url':'u','label':'l'}],'x1y2z':1}"},
        {TB_COMMAND_REVIEW, "{'summary':'s','x1y2z':1}"},
        {TB_COMMAND_APPROVE, "{'x1y2z':1}"},
        {TB_COMMAND_REJECT, "{'reason':'r','x1y2z':1}"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tb_command command;
        f->strict = false;
        assert_true(parse(f, rows[i].kind, &command, rows[i].body));
        assert_str(f->ignored, "x1y2z");
        f->strict = true;
        assert_false(parse(f, rows[i].kind, &command, rows[i].body));
        assert_refused(f, TB_E_UNKNOWN_FIELD, "unknown field x1y2z", ",'field':'x1y2z'");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_note_has_an_author_a_content_and_a_type),
        fixture_test(a_note_that_lacks_something_is_refused),
        fixture_test(a_note_is_limited_in_length),
        fixture_test(artifacts_are_read_in_order),
        fixture_test(artifacts_that_lack_something_are_refused),
        fixture_test(artifacts_are_strict_about_their_fields),
        fixture_test(artifacts_are_limited_in_length_and_number),
        fixture_test(a_bump_needs_no_fields),
        fixture_test(a_review_has_a_summary_and_artifacts_that_are_the_reviewers),
        fixture_test(a_review_without_artifacts_has_none),
        fixture_test(a_review_that_lacks_something_is_refused),
        fixture_test(an_approval_needs_nothing),
        fixture_test(a_rejection_needs_a_reason),
        fixture_test(unknown_fields_are_ignored_unless_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
