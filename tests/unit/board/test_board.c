/* Batches, and the two smallest rules: delete and bump. */
#include "fixture/fixture.h"

#include "taskboard/limits.h"
#include "taskboard/storage_testing.h"

static const struct tb_id none = {{0}};
static const struct tb_id nobody = {.bytes = {1}};

/* --- batches --- */

static void a_batch_takes_its_time_from_the_clock_or_from_the_head(void **state)
{
    struct fixture *f = *state;
    fixture_task_named(f, "t");
    fixture_advance(f, 10);
    fixture_begin(f);
    assert_true(f->board.now_ms == FIXTURE_START_MS + 10);
    fixture_abort(f);
    fixture_advance(f, -1000);
    fixture_begin(f);
    assert_true(f->board.now_ms == FIXTURE_START_MS);
    fixture_abort(f);
}

static void all_commands_of_a_batch_have_one_instant_and_see_each_other(void **state)
{
    struct fixture *f = *state;
    fixture_begin(f);
    struct tb_id id = fixture_task_named(f, "t");
    fixture_advance(f, 50);
    fixture_send(f, TB_COMMAND_BUMP, id, "{}");
    fixture_send(f, TB_COMMAND_BUMP, id, "{}");
    fixture_commit(f);
    struct tb_task task = fixture_task(f, id);
    assert_int_equal(task.score, 2);
    assert_int_equal(task.version, 3);
    assert_true(task.updated_ms == FIXTURE_START_MS);
    assert_int_equal(fixture_head(f).seq, 3);
}

static void an_aborted_batch_leaves_nothing_behind(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    struct tb_head before = fixture_head(f);
    struct tb_str view = fixture_view(f, id);
    fixture_begin(f);
    fixture_advance(f, 5);
    struct tb_id gone = fixture_task_after(f, "gone", id);
    fixture_finish(f, id);
    fixture_abort(f);
    struct tb_head after = fixture_head(f);
    assert_memory_equal(&before, &after, sizeof(before));
    assert_str_eq(fixture_view(f, id), view);
    assert_false(fixture_exists(f, gone));
    assert_true(tb_id_cmp(fixture_task_named(f, "next"), id) > 0);
    assert_int_equal(fixture_head(f).seq, 2);
}

static void a_refused_command_does_not_hurt_the_others_of_its_batch(void **state)
{
    struct fixture *f = *state;
    fixture_begin(f);
    struct tb_id id = fixture_task_named(f, "t");
    fixture_send(f, TB_COMMAND_BUMP, nobody, "{}");
    assert_refused(f, TB_E_TASK_NOT_FOUND, NULL, NULL);
    assert_true(f->reply.seq == 0);
    fixture_send(f, TB_COMMAND_BUMP, id, "{}");
    assert_reply(f, 200);
    assert_int_equal(f->reply.seq, 2);
    fixture_commit(f);
}

static void a_failing_engine_fails_the_command_with_its_error(void **state)
{
    struct fixture *f = *state;
    fixture_add_faults(f);
    struct tb_id id = fixture_task_named(f, "t");
    fixture_begin(f);
    tb_fault_set(f->store, 1, TB_E_STORAGE_FULL, false);
    fixture_send(f, TB_COMMAND_BUMP, id, "{}");
    assert_refused(f, TB_E_STORAGE_FULL, NULL, NULL);
    fixture_send(f, TB_COMMAND_CREATE, none, "{'title':'t','createdBy':'a'}");
    assert_refused(f, TB_E_STORAGE_FULL, NULL, NULL);
    fixture_abort(f);
    tb_fault_set(f->store, 0, TB_OK, false);
    assert_int_equal(fixture_task(f, id).version, 1);
}

/* A command fails with the engine's error wherever the engine fails, and the batch leaves nothing.
 */
static void a_command_fails_whole_at_whichever_call_the_engine_fails(void **state)
{
    struct fixture *f = *state;
    fixture_add_faults(f);
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','uniqueKey':'k'}");
    for (int i = 0; i < 3; i++) {
        fixture_task_after(f, "waiting", id);
    }
    static const struct {
        enum tb_command_kind kind;
        const char *body;
    } rows[] = {
        {TB_COMMAND_CREATE, "[{'title':'t','createdBy':'a','uniqueKey':'l','dependencies':['#r']},"
                            "{'title':'t','createdBy':'a','ref':'r','status':'done'}]"},
        {TB_COMMAND_PATCH, "{'status':'done','dependencies':['x']}"},
        {TB_COMMAND_DELETE, "{}"},
        {TB_COMMAND_NOTE, "{'author':'a','content':'c','type':'update'}"},
        {TB_COMMAND_ARTIFACTS, "{'artifacts':[{'type':'url','url':'u','label':'l'}]}"},
        {TB_COMMAND_BUMP, "{}"},
        {TB_COMMAND_REVIEW, "{'summary':'s','artifacts':[{'type':'url','url':'u','label':'l'}]}"},
        {TB_COMMAND_APPROVE, "{}"},
        {TB_COMMAND_REJECT, "{'reason':'r'}"},
    };
    struct tb_head before = fixture_head(f);
    struct tb_str list = fixture_list(f, "");
    for (size_t i = 0; i < COUNT(rows); i++) {
        unsigned calls = 0;
        bool through = false;
        while (!through) {
            fixture_begin(f);
            tb_fault_set(f->store, ++calls, TB_E_STORAGE_DOWN, true);
            fixture_send(f, rows[i].kind, id, "%s", rows[i].body);
            through = f->reply.err == TB_OK;
            if (!through) {
                assert_int_equal(f->reply.err, TB_E_STORAGE_DOWN);
            }
            tb_fault_set(f->store, 0, TB_OK, false);
            fixture_abort(f);
        }
        assert_in_range(calls, 3, 100);
        struct tb_head after = fixture_head(f);
        assert_memory_equal(&before, &after, sizeof(before));
        assert_str_eq(fixture_list(f, ""), list);
    }
}

/* --- delete --- */

static void a_deleted_task_is_gone_with_what_hung_on_it(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_send(f, TB_COMMAND_NOTE, id, "{'author':'a','content':'c','type':'update'}");
    fixture_send(f, TB_COMMAND_ARTIFACTS, id,
                 "{'artifacts':[{'type':'url','url':'u','label':'l'}]}");
    fixture_send(f, TB_COMMAND_DELETE, id, "{}");
    assert_reply(f, 200);
    assert_str(f->reply.body, "{\"deleted\":true}");
    assert_int_equal(f->reply.seq, 4);
    assert_true(f->reply.version == 0);
    assert_false(fixture_exists(f, id));
    struct tb_head head = fixture_head(f);
    for (size_t i = 0; i < TB_STATE_COUNT; i++) {
        assert_true(head.task_counts[i] == 0);
    }
    struct tb_buf out;
    tb_buf_init(&out, f->arena, 64);
    assert_int_equal(tb_read_notes(fixture_read(f), id, &out), TB_E_TASK_NOT_FOUND);
}

/* After the change there is no task to show; its tags are what subscribers filter by. */
static void a_deletion_is_told_with_the_tags_of_the_task(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','tags':['x','\\u0022']}");
    fixture_advance(f, 5);
    f->actor = TB_STR("token");
    fixture_delete(f, id);
    struct tb_event event = fixture_last_event(f);
    assert_event(f, 2, "task.deleted", id);
    assert_str(event.actor, "token");
    assert_str(event.tags, "[\"x\",\"\\\"\"]");
    assert_true(event.at_ms == FIXTURE_START_MS + 5);
    assert_json(f, fixture_member(event.wire, "data"), "{'tags':['x','\\\"']}");
}

static void what_is_gone_cannot_be_deleted_again(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_delete(f, id);
    fixture_send(f, TB_COMMAND_DELETE, id, "{}");
    assert_refused(f, TB_E_TASK_NOT_FOUND, NULL, NULL);
    assert_int_equal(fixture_head(f).seq, 2);
}

static void a_deletion_honours_its_condition(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    f->if_match = TB_STR("\"2\"");
    fixture_send(f, TB_COMMAND_DELETE, id, "{}");
    assert_refused(f, TB_E_VERSION_MISMATCH, NULL, ",'version':1");
    assert_true(fixture_exists(f, id));
    f->if_match = TB_STR("\"1\"");
    fixture_delete(f, id);
}

/* --- bump --- */

static void a_bump_raises_score_version_and_place(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_advance(f, 7);
    f->actor = TB_STR("token");
    fixture_send(f, TB_COMMAND_BUMP, id, " ");
    assert_reply(f, 200);
    assert_str_eq(f->reply.body, fixture_view(f, id));
    assert_int_equal(f->reply.version, 2);
    struct tb_task task = fixture_task(f, id);
    assert_int_equal(task.score, 1);
    assert_true(task.updated_ms == FIXTURE_START_MS + 7);
    assert_true(task.rank_ms == FIXTURE_START_MS - 3600000);
    assert_event(f, 2, "task.bumped", id);
    assert_str(fixture_last_event(f).actor, "token");
}

static void a_bump_needs_its_task_and_its_condition(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_send(f, TB_COMMAND_BUMP, nobody, "{}");
    assert_refused(f, TB_E_TASK_NOT_FOUND, NULL, NULL);
    f->if_match = TB_STR("\"7\"");
    fixture_send(f, TB_COMMAND_BUMP, id, "{}");
    assert_refused(f, TB_E_VERSION_MISMATCH, NULL, ",'version':1");
    assert_int_equal(fixture_task(f, id).score, 0);
}

/* Puts a task with that score into the store, as if it had been bumped so often. */
static void set_score(struct fixture *f, struct tb_id id, int64_t score)
{
    struct tb_task old;
    fixture_begin(f);
    assert_int_equal(tb_get_task(f->txn, id, &old), TB_OK);
    struct tb_task task = old;
    task.score = score;
    task.rank_ms = tb_task_rank(&task, f->board.options.aging_ms);
    tb_task_render(&task, f->batch_arena);
    assert_int_equal(tb_put_task(f->txn, &old, &task), TB_OK);
    fixture_commit(f);
}

static void a_score_has_an_end(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_task_named(f, "t");
    set_score(f, id, TB_SCORE_MAX - 1);
    fixture_send(f, TB_COMMAND_BUMP, id, "{}");
    assert_reply(f, 200);
    fixture_send(f, TB_COMMAND_BUMP, id, "{}");
    assert_refused(f, TB_E_LIMIT_REACHED, "The task's score is as high as it goes",
                   ",'field':'score'");
    assert_int_equal(fixture_task(f, id).score, TB_SCORE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_batch_takes_its_time_from_the_clock_or_from_the_head),
        fixture_test(all_commands_of_a_batch_have_one_instant_and_see_each_other),
        fixture_test(an_aborted_batch_leaves_nothing_behind),
        fixture_test(a_refused_command_does_not_hurt_the_others_of_its_batch),
        fixture_test(a_failing_engine_fails_the_command_with_its_error),
        fixture_test(a_command_fails_whole_at_whichever_call_the_engine_fails),
        fixture_test(a_deleted_task_is_gone_with_what_hung_on_it),
        fixture_test(a_deletion_is_told_with_the_tags_of_the_task),
        fixture_test(what_is_gone_cannot_be_deleted_again),
        fixture_test(a_deletion_honours_its_condition),
        fixture_test(a_bump_raises_score_version_and_place),
        fixture_test(a_bump_needs_its_task_and_its_condition),
        fixture_test(a_score_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
