/* Notes and artifacts of a task that is imported. */
#include "unit/board/import_check.h"

#define NOTE(n, content)                                                                           \
    "{'id':'" IMPORT_ID(n) "','author':'bob','content':'" content                                  \
                           "','type':'finding','createdAt':'" IMPORT_AT "'}"
#define ARTIFACT(...)                                                                              \
    "{'type':'url','url':'u','label':'l','addedAt':'" IMPORT_AT "'" __VA_ARGS__ "}"

static void check_rows(struct fixture *f, const struct import_row *rows, size_t count)
{
    check_import_rows(f, TB_IMPORT_NDJSON, rows, count);
}

static void notes_stand_in_the_order_of_their_ids(void **state)
{
    struct fixture *f = *state;
    import_lines(f, IMPORT_TASK_LINE("1", ",'notes':[" NOTE("9", "b") "," NOTE("8", "a") "]"));
    struct tb_task task = fixture_task(f, import_id(IMPORT_ID("1")));
    assert_int_equal(task.note_count, 2);
    assert_json(f, fixture_field(f, task.id, "notes"), "[" NOTE("8", "a") "," NOTE("9", "b") "]");
}

static void artifacts_stay_in_their_order(void **state)
{
    struct fixture *f = *state;
    import_lines(
        f, IMPORT_TASK_LINE("1", ",'artifacts':[" ARTIFACT(",'addedBy':'z'") "," ARTIFACT("") "]"));
    assert_int_equal(fixture_task(f, import_id(IMPORT_ID("1"))).artifact_count, 2);
    assert_json(f, fixture_field(f, import_id(IMPORT_ID("1")), "artifacts"),
                "[" ARTIFACT(",'addedBy':'z'") "," ARTIFACT("") "]");
}

#define NOTES(members) IMPORT_TASK_LINE("1", ",'notes':[{" members "}]")

static void a_note_must_be_whole(void **state)
{
    static const struct import_row rows[] = {
        {IMPORT_TASK_LINE("1", ",'notes':{}"), TB_E_INVALID_FIELD, "Line 1: notes must be an array",
         ",'line':1,'field':'notes'"},
        {IMPORT_TASK_LINE("1", ",'notes':[1]"), TB_E_INVALID_FIELD,
         "Line 1: a note must be an object", ",'line':1"},
        {NOTES(""), TB_E_INVALID_FIELD, "Line 1: invalid note type: undefined",
         ",'line':1,'field':'notes'"},
        {NOTES("'type':1"), TB_E_INVALID_FIELD, "Line 1: invalid note type: 1",
         ",'line':1,'field':'notes'"},
        {NOTES("'type':'poem'"), TB_E_INVALID_FIELD, "Line 1: invalid note type: poem",
         ",'line':1,'field':'notes'"},
        {NOTES("'type':'finding','id':'x'"), TB_E_INVALID_FIELD,
         "Line 1: notes[].id must be a ULID, not x", ",'line':1,'field':'notes[].id'"},
        {NOTES("'type':'finding','id':'" IMPORT_ID("2") "'"), TB_E_MISSING_FIELD,
         "Line 1: a note has no author", ",'line':1,'field':'notes[].author'"},
        {NOTES("'type':'finding','id':'" IMPORT_ID("2") "','author':'a'"), TB_E_MISSING_FIELD,
         "Line 1: a note has no content", ",'line':1,'field':'notes[].content'"},
        {NOTES("'type':'finding','id':'" IMPORT_ID("2") "','author':'a','content':'c'"),
         TB_E_MISSING_FIELD, "Line 1: notes[].createdAt is required",
         ",'line':1,'field':'notes[].createdAt'"},
        {IMPORT_TASK_LINE("1",
                          ",'notes':[" NOTE("2", "a") "," NOTE("3", "b") "," NOTE("2", "c") "]"),
         TB_E_ID_EXISTS, "Line 1: two notes have the same id", ",'line':1,'field':'notes'"},
    };
    check_rows(*state, rows, COUNT(rows));
}

#define ARTIFACTS(members) IMPORT_TASK_LINE("1", ",'artifacts':[{" members "}]")

static void an_artifact_must_be_whole(void **state)
{
    static const struct import_row rows[] = {
        {IMPORT_TASK_LINE("1", ",'artifacts':'none'"), TB_E_INVALID_FIELD,
         "Line 1: artifacts must be an array", ",'line':1,'field':'artifacts'"},
        {IMPORT_TASK_LINE("1", ",'artifacts':[[]]"), TB_E_INVALID_FIELD,
         "Line 1: an artifact must be an object", ",'line':1"},
        {ARTIFACTS(""), TB_E_INVALID_FIELD, "Line 1: invalid artifact type: undefined",
         ",'line':1,'field':'artifacts'"},
        {ARTIFACTS("'type':true"), TB_E_INVALID_FIELD, "Line 1: invalid artifact type: true",
         ",'line':1,'field':'artifacts'"},
        {ARTIFACTS("'type':'film'"), TB_E_INVALID_FIELD, "Line 1: invalid artifact type: film",
         ",'line':1,'field':'artifacts'"},
        {ARTIFACTS("'type':'url'"), TB_E_MISSING_FIELD, "Line 1: an artifact has no url",
         ",'line':1,'field':'artifacts[].url'"},
        {ARTIFACTS("'type':'url','url':'u'"), TB_E_MISSING_FIELD,
         "Line 1: an artifact has no label", ",'line':1,'field':'artifacts[].label'"},
        {ARTIFACTS("'type':'url','url':'u','label':'l','addedBy':1"), TB_E_INVALID_FIELD,
         "Line 1: artifacts[].addedBy must be a string", ",'line':1,'field':'artifacts[].addedBy'"},
        {ARTIFACTS("'type':'url','url':'u','label':'l'"), TB_E_MISSING_FIELD,
         "Line 1: artifacts[].addedAt is required", ",'line':1,'field':'artifacts[].addedAt'"},
    };
    check_rows(*state, rows, COUNT(rows));
}

static void check_row(struct fixture *f, const char *text, const char *message, const char *field)
{
    const struct import_row row = {text, TB_E_LIMIT_REACHED, message,
                                   tb_arena_printf(f->arena, ",'line':1,'field':'%s'", field).ptr};
    check_rows(f, &row, 1);
}

static void a_task_takes_no_more_of_them_than_ever(void **state)
{
    struct fixture *f = *state;
    const char *many = fixture_repeat(f->arena, "{},", TB_NOTES_MAX);
    check_row(
        f, tb_arena_printf(f->arena, "{'task':" IMPORT_TASK("1", ",'notes':[%s{}]") "}", many).ptr,
        "Line 1: the task has more than 10000 notes", "notes");
    many = fixture_repeat(f->arena, "{},", TB_ARTIFACTS_MAX);
    check_row(
        f,
        tb_arena_printf(f->arena, "{'task':" IMPORT_TASK("1", ",'artifacts':[%s{}]") "}", many).ptr,
        "Line 1: the task has more than 1000 artifacts", "artifacts");
}

/* Notes of the largest size, of which so many just fit; or one more. */
static const char *task_with_large_notes(struct fixture *f, int count)
{
    const char *content = fixture_repeat(f->arena, "x", TB_NOTE_BYTES_MAX);
    struct tb_buf notes;
    tb_buf_init(&notes, f->arena, 1024);
    for (int i = 0; i < count; i++) {
        tb_buf_add_c(&notes, i > 0 ? "," : "");
        tb_buf_add_str(
            &notes, tb_arena_printf(f->arena,
                                    "{'id':'01H1T4230000000000000002%02d','author':'bob',"
                                    "'content':'%s','type':'finding','createdAt':'" IMPORT_AT "'}",
                                    i, content));
    }
    return tb_arena_printf(f->arena, "{'task':" IMPORT_TASK("1", ",'notes':[%.*s]") "}",
                           (int)notes.len, notes.ptr)
        .ptr;
}

static void all_notes_together_have_a_limit(void **state)
{
    struct fixture *f = *state;
    int fitting = TB_NOTES_BYTES_MAX / TB_NOTE_BYTES_MAX;
    check_row(f, task_with_large_notes(f, fitting + 1),
              "Line 1: the task has more than 4194304 bytes of notes", "notes");
    import_lines(f, task_with_large_notes(f, fitting));
    assert_int_equal(fixture_task(f, import_id(IMPORT_ID("1"))).note_count, fitting);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(notes_stand_in_the_order_of_their_ids),
        fixture_test(artifacts_stay_in_their_order),
        fixture_test(a_note_must_be_whole),
        fixture_test(an_artifact_must_be_whole),
        fixture_test(a_task_takes_no_more_of_them_than_ever),
        fixture_test(all_notes_together_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
