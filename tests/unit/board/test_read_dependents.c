/* GET /board/tasks/:id/dependents: who waits, or has waited, for a task. */
#include "fixture/fixture.h"

static enum tb_err read(struct fixture *f, struct tb_id id, struct tb_str *answer)
{
    struct tb_buf out;
    tb_buf_init(&out, f->arena, 1024);
    enum tb_err err = tb_read_dependents(fixture_read(f), id, &out);
    fixture_end_read(f);
    *answer = tb_buf_str(&out);
    return err;
}

/* The summary view: all but what is heavy. */
static const char *view(struct fixture *f, struct tb_id id, const char *ready)
{
    struct tb_task task = fixture_task(f, id);
    return tb_arena_printf(f->arena, "%.*s,'ready':%s}", (int)task.summary_len, task.wire.ptr,
                           ready)
        .ptr;
}

static void dependents_come_in_the_order_of_their_ids_done_or_not(void **state)
{
    struct fixture *f = *state;
    struct tb_str answer;
    struct tb_id first = fixture_task_named(f, "first");
    struct tb_id second = fixture_create(
        f, "{'title':'second','createdBy':'a','description':'d','dependencies':['x','%s']}",
        fixture_id(f, first));
    struct tb_id third = fixture_task_after(f, "third", first);
    fixture_task_after(f, "another", second);
    fixture_finish(f, first);
    fixture_finish(f, third);
    assert_int_equal(read(f, first, &answer), TB_OK);
    assert_json(f, answer, "{'tasks':[%s,%s],'count':2}", view(f, second, "false"),
                view(f, third, "false"));
    assert_null(memmem(answer.ptr, answer.len, "description", 11));
}

static void a_dependent_that_is_paused_is_not_ready(void **state)
{
    struct fixture *f = *state;
    struct tb_str answer;
    struct tb_id first = fixture_task_named(f, "first");
    struct tb_id second =
        fixture_create(f, "{'title':'second','createdBy':'a','tags':['red'],'dependencies':['%s']}",
                       fixture_id(f, first));
    fixture_finish(f, first);
    assert_int_equal(read(f, first, &answer), TB_OK);
    assert_json(f, answer, "{'tasks':[%s],'count':1}", view(f, second, "true"));
    fixture_send(f, TB_COMMAND_PAUSE, (struct tb_id){{0}}, "{'tag':'red'}");
    assert_int_equal(read(f, first, &answer), TB_OK);
    assert_json(f, answer, "{'tasks':[%s],'count':1}", view(f, second, "false"));
}

static void nobody_waits(void **state)
{
    struct fixture *f = *state;
    struct tb_str answer;
    struct tb_id alone = fixture_task_named(f, "alone");
    assert_int_equal(read(f, alone, &answer), TB_OK);
    assert_json(f, answer, "{'tasks':[],'count':0}");
}

/* Whoever waits for it all the same is not told of. */
static void a_task_that_is_not_there_has_no_dependents(void **state)
{
    struct fixture *f = *state;
    struct tb_str answer;
    struct tb_id gone = fixture_task_named(f, "gone");
    fixture_task_after(f, "waits", gone);
    fixture_delete(f, gone);
    assert_int_equal(read(f, gone, &answer), TB_E_TASK_NOT_FOUND);
    assert_int_equal(answer.len, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(dependents_come_in_the_order_of_their_ids_done_or_not),
        fixture_test(a_dependent_that_is_paused_is_not_ready),
        fixture_test(nobody_waits),
        fixture_test(a_task_that_is_not_there_has_no_dependents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
