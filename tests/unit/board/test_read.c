#include "fixture/fixture.h"

static const struct tb_id nobody = {.bytes = {1}};

static enum tb_err read_task(struct fixture *f, struct tb_id id, struct tb_str *body,
                             uint64_t *version, bool *done)
{
    struct tb_buf out;
    tb_buf_init(&out, f->arena, 64);
    enum tb_err err = tb_read_task(fixture_read(f), id, &out, version, done);
    fixture_end_read(f);
    *body = tb_buf_str(&out);
    return err;
}

static void a_task_is_read_with_its_notes_and_artifacts(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t\\u0022','createdBy':'a','payload':[null]}");
    fixture_send(f, TB_COMMAND_NOTE, id, "{'author':'a','content':'1','type':'update'}");
    struct tb_str first = f->reply.body;
    fixture_send(f, TB_COMMAND_NOTE, id, "{'author':'a','content':'2','type':'update'}");
    struct tb_str second = f->reply.body;
    fixture_send(f, TB_COMMAND_ARTIFACTS, id,
                 "{'artifacts':[{'type':'url','url':'u','label':'l'},"
                 "{'type':'url','url':'v','label':'l'}]}");
    struct tb_str body;
    uint64_t version = 0;
    bool done = true;
    assert_int_equal(read_task(f, id, &body, &version, &done), TB_OK);
    assert_int_equal(version, 4);
    assert_false(done);
    assert_json(f, body,
                "{'id':'%s','title':'t\\\"','status':'open','tags':[],'dependencies':[],"
                "'createdBy':'a','createdAt':'" FIXTURE_START "','updatedAt':'" FIXTURE_START
                "','score':0,'version':4,'priority':0,'attempts':0,'maxAttempts':3,'blockedBy':[],"
                "'ready':true,'payload':[null],'notes':[%.*s,%.*s],'artifacts':["
                "{'type':'url','url':'u','label':'l','addedAt':'" FIXTURE_START "'},"
                "{'type':'url','url':'v','label':'l','addedAt':'" FIXTURE_START "'}]}",
                fixture_id(f, id), (int)first.len, first.ptr, (int)second.len, second.ptr);
}

static void reading_says_whether_the_task_is_done(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','status':'done'}");
    struct tb_str body;
    uint64_t version = 0;
    bool done = false;
    assert_int_equal(read_task(f, id, &body, &version, &done), TB_OK);
    assert_true(done);
    assert_int_equal(version, 1);
}

static void what_is_not_there_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct tb_str body;
    uint64_t version = 7;
    bool done = true;
    assert_int_equal(read_task(f, nobody, &body, &version, &done), TB_E_TASK_NOT_FOUND);
    assert_int_equal(body.len, 0);
    assert_int_equal(version, 7);
    struct tb_buf out;
    tb_buf_init(&out, f->arena, 64);
    assert_int_equal(tb_read_notes(fixture_read(f), nobody, &out), TB_E_TASK_NOT_FOUND);
}

static struct tb_str notes_of(struct fixture *f, struct tb_id id)
{
    struct tb_buf out;
    tb_buf_init(&out, f->arena, 64);
    assert_int_equal(tb_read_notes(fixture_read(f), id, &out), TB_OK);
    fixture_end_read(f);
    return tb_buf_str(&out);
}

static void notes_are_read_with_their_count(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    struct tb_id other = fixture_task_named(f, "u");
    assert_str(notes_of(f, id), "{\"notes\":[],\"count\":0}");
    fixture_send(f, TB_COMMAND_NOTE, other, "{'author':'a','content':'x','type':'update'}");
    fixture_send(f, TB_COMMAND_NOTE, id, "{'author':'a','content':'[','type':'update'}");
    struct tb_str first = f->reply.body;
    fixture_send(f, TB_COMMAND_NOTE, id, "{'author':'a','content':'2','type':'update'}");
    assert_json(f, notes_of(f, id), "{'notes':[%.*s,%.*s],'count':2}", (int)first.len, first.ptr,
                (int)f->reply.body.len, f->reply.body.ptr);
}

static void an_open_batch_reads_what_it_has_written(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_begin(f);
    fixture_send(f, TB_COMMAND_NOTE, id, "{'author':'a','content':'c','type':'update'}");
    struct tb_str body;
    uint64_t version = 0;
    bool done = false;
    assert_int_equal(read_task(f, id, &body, &version, &done), TB_OK);
    assert_int_equal(version, 2);
    fixture_abort(f);
    assert_int_equal(read_task(f, id, &body, &version, &done), TB_OK);
    assert_int_equal(version, 1);
}

static void a_snapshot_does_not_see_what_comes_after_it(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    struct tb_reader *reader = NULL;
    struct tb_txn *snapshot = NULL;
    struct tb_buf out;
    tb_buf_init(&out, f->arena, 64);
    assert_int_equal(tb_reader_new(f->store, &reader), TB_OK);
    assert_int_equal(tb_read_begin(reader, f->arena, &snapshot), TB_OK);
    fixture_send(f, TB_COMMAND_NOTE, id, "{'author':'a','content':'c','type':'update'}");
    fixture_delete(f, id);
    assert_int_equal(tb_read_notes(snapshot, id, &out), TB_OK);
    assert_str(tb_buf_str(&out), "{\"notes\":[],\"count\":0}");
    tb_read_end(&snapshot);
    tb_reader_free(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_task_is_read_with_its_notes_and_artifacts),
        fixture_test(reading_says_whether_the_task_is_done),
        fixture_test(what_is_not_there_is_not_found),
        fixture_test(notes_are_read_with_their_count),
        fixture_test(an_open_batch_reads_what_it_has_written),
        fixture_test(a_snapshot_does_not_see_what_comes_after_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
