#include "fixture/fixture.h"

#include "board/note.h"
#include "taskboard/limits.h"

static const struct tb_id nobody = {.bytes = {1}};

static void check_notes_are_full(struct fixture *f)
{
    assert_refused(f, TB_E_LIMIT_REACHED,
                   tb_arena_printf(f->arena, "A task takes at most %d notes of %d bytes in all",
                                   TB_NOTES_MAX, TB_NOTES_BYTES_MAX)
                       .ptr,
                   ",'field':'notes'");
}

/* --- notes --- */

static void a_note_is_answered_and_hangs_on_its_task(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_advance(f, 5);
    fixture_send(f, TB_COMMAND_NOTE, id,
                 "{'author':' ann ','content':'a \\u0022q\\u0022 \\\\\\n.','type':'question'}");
    assert_reply(f, 201);
    struct tb_str note = f->reply.body;
    struct tb_str note_id = fixture_member(note, "id");
    assert_json(f, note,
                "{'id':%.*s,'author':'ann','content':'a \\\"q\\\" \\\\\\n.','type':'question',"
                "'createdAt':'2023-11-14T22:13:20.005Z'}",
                (int)note_id.len, note_id.ptr);
    assert_true(f->reply.version == 0);
    struct tb_task task = fixture_task(f, id);
    assert_int_equal(task.note_count, 1);
    assert_int_equal(task.notes_bytes, note.len);
    assert_int_equal(task.version, 2);
    assert_true(task.updated_ms == FIXTURE_START_MS + 5);
    assert_json(f, fixture_member(fixture_view(f, id), "notes"), "[%.*s]", (int)note.len, note.ptr);
}

static void a_note_is_told_with_its_author(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    f->actor = TB_STR("token");
    fixture_send(f, TB_COMMAND_NOTE, id, "{'author':'bob','content':'c','type':'update'}");
    assert_event(f, 2, "task.noted", id);
    struct tb_event event = fixture_last_event(f);
    assert_str(event.actor, "bob");
    struct tb_str data = fixture_member(event.wire, "data");
    assert_str_eq(fixture_member(data, "note"), f->reply.body);
    assert_json(f, fixture_member(fixture_member(data, "task"), "version"), "2");
}

static void notes_stand_in_the_order_of_their_coming(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    struct tb_id other = fixture_task_named(f, "u");
    struct tb_buf all;
    tb_buf_init(&all, f->arena, 1024);
    for (int i = 0; i < 20; i++) {
        fixture_send(f, TB_COMMAND_NOTE, other, "{'author':'a','content':'x','type':'update'}");
        fixture_send(f, TB_COMMAND_NOTE, id, "{'author':'a','content':'%d','type':'finding'}", i);
        tb_buf_add_c(&all, i == 0 ? "[" : ",");
        tb_buf_add_str(&all, f->reply.body);
        fixture_advance(f, i % 2 == 0 ? -3 : 2);
    }
    TB_BUF_LIT(&all, "]");
    assert_str_eq(fixture_member(fixture_view(f, id), "notes"), tb_buf_str(&all));
}

static void notes_do_not_change_the_state_of_a_task(void **state)
{
    struct fixture *f = *state;
    static const char *const statuses[] = {"open", "in_progress", "in_review", "blocked", "done"};
    for (size_t i = 0; i < COUNT(statuses); i++) {
        struct tb_id id =
            fixture_create(f, "{'title':'t','createdBy':'a','status':'%s'}", statuses[i]);
        fixture_send(f, TB_COMMAND_NOTE, id, "{'author':'a','content':'c','type':'blocker'}");
        assert_reply(f, 201);
        assert_string_equal(tb_status_name(fixture_task(f, id).status), statuses[i]);
    }
}

static void a_note_needs_its_task_and_its_condition(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_send(f, TB_COMMAND_NOTE, nobody, "{'author':'a','content':'c','type':'update'}");
    assert_refused(f, TB_E_TASK_NOT_FOUND, NULL, NULL);
    f->if_match = TB_STR("\"2\"");
    fixture_send(f, TB_COMMAND_NOTE, id, "{'author':'a','content':'c','type':'update'}");
    assert_refused(f, TB_E_VERSION_MISMATCH, NULL, ",'version':1");
    assert_int_equal(fixture_task(f, id).note_count, 0);
    assert_int_equal(fixture_head(f).seq, 1);
}

static void a_task_takes_so_many_notes_and_no_more(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_begin(f);
    for (int i = 0; i < TB_NOTES_MAX; i++) {
        fixture_send(f, TB_COMMAND_NOTE, id, "{'author':'a','content':'c','type':'update'}");
        assert_reply(f, 201);
    }
    static const struct {
        enum tb_command_kind kind;
        const char *body;
    } more[] = {
        {TB_COMMAND_NOTE, "{'author':'a','content':'c','type':'update'}"},
        {TB_COMMAND_REVIEW, "{'summary':'s'}"},
        {TB_COMMAND_APPROVE, "{}"},
        {TB_COMMAND_REJECT, "{'reason':'r'}"},
    };
    for (size_t i = 0; i < COUNT(more); i++) {
        fixture_send(f, more[i].kind, id, "%s", more[i].body);
        check_notes_are_full(f);
    }
    fixture_commit(f);
    assert_int_equal(fixture_task(f, id).note_count, TB_NOTES_MAX);
    assert_int_equal(fixture_task(f, id).version, TB_NOTES_MAX + 1);
}

static void the_notes_of_a_task_have_a_limit_together(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    const char *text = fixture_repeat(f->arena, "x", TB_NOTE_BYTES_MAX);
    struct tb_str body = fixture_json(f, "{'author':'a','content':'%s','type':'update'}", text);
    fixture_send_body(f, TB_COMMAND_NOTE, id, body);
    size_t each = fixture_task(f, id).notes_bytes;
    for (size_t i = 1; i < TB_NOTES_BYTES_MAX / each; i++) {
        fixture_send_body(f, TB_COMMAND_NOTE, id, body);
        assert_reply(f, 201);
    }
    fixture_send_body(f, TB_COMMAND_NOTE, id, body);
    check_notes_are_full(f);
    fixture_send(f, TB_COMMAND_NOTE, id, "{'author':'a','content':'short','type':'update'}");
    assert_reply(f, 201);
    assert_true(fixture_task(f, id).notes_bytes <= TB_NOTES_BYTES_MAX);
}

static void room_for_notes_is_counted_to_the_last_byte(void **state)
{
    struct fixture *f = *state;
    struct tb_reply reply;
    struct tb_task task = {.notes_bytes = TB_NOTES_BYTES_MAX - 5, .note_count = TB_NOTES_MAX - 1};
    assert_true(tb_note_has_room(&task, TB_STR("12345"), f->arena, &reply));
    assert_false(tb_note_has_room(&task, TB_STR("123456"), f->arena, &reply));
    assert_int_equal(reply.err, TB_E_LIMIT_REACHED);
    task.note_count++;
    assert_false(tb_note_has_room(&task, TB_STR(""), f->arena, &reply));
}

/* --- artifacts --- */

static void artifacts_are_answered_with_the_whole_task(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_advance(f, 5);
    fixture_send(
        f, TB_COMMAND_ARTIFACTS, id,
        "{'artifacts':[{'type':'diff','url':'http://x/\\u0022','label':' l ','addedBy':'bob'},"
        "{'type':'file','url':'/tmp/\\\\','label':'m'}]}");
    assert_reply(f, 201);
    assert_str_eq(f->reply.body, fixture_view(f, id));
    assert_int_equal(f->reply.version, 2);
    assert_json(f, fixture_member(f->reply.body, "artifacts"),
                "[{'type':'diff','url':'http://x/\\\"','label':'l',"
                "'addedAt':'2023-11-14T22:13:20.005Z','addedBy':'bob'},"
                "{'type':'file','url':'/tmp/\\\\','label':'m',"
                "'addedAt':'2023-11-14T22:13:20.005Z'}]");
    struct tb_task task = fixture_task(f, id);
    assert_int_equal(task.artifact_count, 2);
    assert_true(task.updated_ms == FIXTURE_START_MS + 5);
}

static void artifacts_are_told_with_who_added_the_first(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    f->actor = TB_STR("token");
    fixture_send(f, TB_COMMAND_ARTIFACTS, id,
                 "{'artifacts':[{'type':'url','url':'u','label':'l','addedBy':'bob'}]}");
    assert_event(f, 2, "task.artifacts", id);
    assert_str(fixture_last_event(f).actor, "bob");
    fixture_send(f, TB_COMMAND_ARTIFACTS, id,
                 "{'artifacts':[{'type':'url','url':'v','label':'l'},"
                 "{'type':'url','url':'w','label':'l','addedBy':'bob'}]}");
    struct tb_event event = fixture_last_event(f);
    assert_str(event.actor, "token");
    struct tb_str added = fixture_member(fixture_member(event.wire, "data"), "artifacts");
    assert_json(f, added,
                "[{'type':'url','url':'v','label':'l','addedAt':'" FIXTURE_START "'},"
                "{'type':'url','url':'w','label':'l','addedAt':'" FIXTURE_START
                "','addedBy':'bob'}]");
}

static void artifacts_stand_in_the_order_of_their_coming(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    for (int i = 0; i < 300; i += 2) {
        fixture_send(f, TB_COMMAND_ARTIFACTS, id,
                     "{'artifacts':[{'type':'url','url':'%d','label':'l'},"
                     "{'type':'url','url':'%d','label':'l'}]}",
                     i, i + 1);
    }
    struct tb_str view = fixture_view(f, id);
    const char *at = view.ptr;
    for (int i = 0; i < 300; i++) {
        struct tb_str wanted = fixture_json(f, "'url':'%d'", i);
        at = memmem(at, (size_t)(view.ptr + view.len - at), wanted.ptr, wanted.len);
        assert_non_null(at);
    }
}

static void a_task_takes_so_many_artifacts_and_no_more(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    const char *most = fixture_repeat(f->arena, ",{'type':'url','url':'u','label':'l'}", 100);
    struct tb_str hundred = fixture_json(f, "{'artifacts':[%s]}", most + 1);
    for (int i = 0; i < 9; i++) {
        fixture_send_body(f, TB_COMMAND_ARTIFACTS, id, hundred);
        assert_reply(f, 201);
    }
    fixture_send(f, TB_COMMAND_ARTIFACTS, id,
                 "{'artifacts':[{'type':'url','url':'u','label':'l'}]}");
    fixture_send_body(f, TB_COMMAND_ARTIFACTS, id, hundred);
    assert_refused(f, TB_E_LIMIT_REACHED, "A task takes at most 1000 artifacts",
                   ",'field':'artifacts'");
    fixture_send(f, TB_COMMAND_REVIEW, id, "{'summary':'s','artifacts':[%s]}", most + 1);
    assert_refused(f, TB_E_LIMIT_REACHED, "A task takes at most 1000 artifacts",
                   ",'field':'artifacts'");
    assert_int_equal(fixture_task(f, id).note_count, 0);
    struct tb_str rest =
        fixture_json(f, "{'artifacts':[%s]}",
                     fixture_repeat(f->arena, ",{'type':'url','url':'u','label':'l'}", 99) + 1);
    fixture_send_body(f, TB_COMMAND_ARTIFACTS, id, rest);
    assert_reply(f, 201);
    assert_int_equal(fixture_task(f, id).artifact_count, TB_ARTIFACTS_MAX);
}

static void artifacts_need_their_task_and_their_condition(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    static const char body[] = "{'artifacts':[{'type':'url','url':'u','label':'l'}]}";
    fixture_send(f, TB_COMMAND_ARTIFACTS, nobody, "%s", body);
    assert_refused(f, TB_E_TASK_NOT_FOUND, NULL, NULL);
    f->if_match = TB_STR("\"2\"");
    fixture_send(f, TB_COMMAND_ARTIFACTS, id, "%s", body);
    assert_refused(f, TB_E_VERSION_MISMATCH, NULL, ",'version':1");
    assert_int_equal(fixture_task(f, id).artifact_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_note_is_answered_and_hangs_on_its_task),
        fixture_test(a_note_is_told_with_its_author),
        fixture_test(notes_stand_in_the_order_of_their_coming),
        fixture_test(notes_do_not_change_the_state_of_a_task),
        fixture_test(a_note_needs_its_task_and_its_condition),
        fixture_large_test(a_task_takes_so_many_notes_and_no_more),
        fixture_test(the_notes_of_a_task_have_a_limit_together),
        fixture_test(room_for_notes_is_counted_to_the_last_byte),
        fixture_test(artifacts_are_answered_with_the_whole_task),
        fixture_test(artifacts_are_told_with_who_added_the_first),
        fixture_test(artifacts_stand_in_the_order_of_their_coming),
        fixture_test(a_task_takes_so_many_artifacts_and_no_more),
        fixture_test(artifacts_need_their_task_and_their_condition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
