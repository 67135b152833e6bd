/* The board as lines. What an import makes of them: test_import.c. */
#include "unit/board/import_check.h"

/* --- what is left out --- */

static struct tb_str line_of(struct fixture *f, struct tb_id id)
{
    struct tb_buf out;
    struct tb_task task;
    tb_buf_init(&out, f->arena, 1024);
    struct tb_txn *txn = fixture_read(f);
    assert_int_equal(tb_get_task(txn, id, &task), TB_OK);
    assert_int_equal(tb_export_task(txn, &task, &out), TB_OK);
    fixture_end_read(f);
    assert_true(out.ptr[out.len - 1] == '\n');
    return tb_str_from(out.ptr, out.len - 1);
}

/* The running attempt is none, and whose the task was before it is again. */
static void a_claimed_task_is_as_if_it_had_not_been_claimed(void **state)
{
    struct fixture *f = *state;
    struct tb_id nobodys = fixture_task_named(f, "t");
    struct tb_id anns = fixture_create(f, "{'title':'t','createdBy':'a','assignee':'ann'}");
    fixture_hold(f, TB_COMMAND_HEARTBEAT, fixture_claim_task(f, anns, "ann"),
                 ",'progress':{'percent':5}");
    fixture_claim_task(f, nobodys, "bob");
    struct tb_str claimed = line_of(f, anns);
    struct tb_str task = fixture_member(claimed, "task");
    assert_str(fixture_member(task, "status"), "\"open\"");
    assert_str(fixture_member(task, "assignee"), "\"ann\"");
    assert_str(fixture_member(task, "attempts"), "0");
    assert_absent(fixture_member(task, "claim"));
    assert_absent(fixture_member(task, "progress"));
    assert_absent(fixture_member(claimed, "reservedFor"));
    assert_str(fixture_member(claimed, "attempts"), "[]");
    assert_absent(fixture_member(fixture_member(line_of(f, nobodys), "task"), "assignee"));
}

static void a_task_tells_its_attempts_and_whose_it_was(void **state)
{
    struct fixture *f = *state;
    struct tb_id id = fixture_create(f, "{'title':'t','createdBy':'a','assignee':'ann'}");
    fixture_hold(f, TB_COMMAND_RELEASE, fixture_claim_task(f, id, "ann"), "%s", "");
    fixture_hold(f, TB_COMMAND_COMPLETE, fixture_claim_task(f, id, "ann"), ",'review':true");
    assert_reply(f, 200);
    struct tb_str line = line_of(f, id);
    assert_str(fixture_member(line, "reservedFor"), "\"ann\"");
    struct tb_str list = fixture_member(fixture_attempts(f, id), "attempts");
    assert_str_eq(fixture_member(line, "attempts"), list);
    assert_non_null(memmem(list.ptr, list.len, "},{\"attempt\":2,", 15));
}

/* Its record stays until its claims are ended. */
static void a_vm_that_was_deregistered_is_left_out(void **state)
{
    struct fixture *f = *state;
    fixture_register(f, "here", 300);
    fixture_register(f, "gone", 300);
    fixture_claim_on(f, fixture_task_named(f, "t"), "gone", 60);
    fixture_begin(f);
    f->board.vm_claims_left = 0;
    fixture_deregister(f, "gone");
    struct tb_vm vm;
    assert_int_equal(tb_get_vm(f->txn, TB_STR("gone"), &vm), TB_OK);
    struct tb_str lines = import_exported(f);
    fixture_abort(f);
    assert_non_null(memmem(lines.ptr, lines.len, "{\"vm\":{\"id\":\"here\"", 18));
    assert_null(memmem(lines.ptr, lines.len, "{\"vm\":{\"id\":\"gone\"", 18));
}

static void what_was_cleared_is_not_exported(void **state)
{
    struct fixture *f = *state;
    fixture_publish(f, "ann", "before");
    fixture_send(f, TB_COMMAND_FEED_CLEAR, (struct tb_id){{0}}, "{}");
    fixture_publish(f, "ann", "behind");
    struct tb_str lines = import_exported(f);
    assert_null(memmem(lines.ptr, lines.len, "before", 6));
    assert_non_null(memmem(lines.ptr, lines.len, "behind", 6));
}

/* --- writers --- */

struct writer {
    struct tb_buf *out;
    unsigned lines_left;
};

static bool write_some(void *ctx, const void *bytes, size_t len)
{
    struct writer *writer = ctx;
    if (writer->lines_left == 0) {
        return false;
    }
    writer->lines_left--;
    tb_buf_add(writer->out, bytes, len);
    return true;
}

/* It is handed whole lines, one after the other, and nothing more once it wants none. */
static void a_writer_that_wants_no_more_ends_the_export(void **state)
{
    struct fixture *f = *state;
    fixture_send(f, TB_COMMAND_PAUSE, (struct tb_id){{0}}, "{'tag':'red'}");
    fixture_send(f, TB_COMMAND_PAUSE, (struct tb_id){{0}}, "{'tag':'blue'}");
    fixture_register(f, "a", 300);
    fixture_register(f, "b", 300);
    fixture_task_named(f, "t");
    fixture_task_named(f, "u");
    fixture_publish(f, "ann", "s");
    fixture_publish(f, "ann", "t");
    struct tb_str all = import_exported(f);
    size_t whole = 0;
    for (unsigned lines = 0; lines <= 9; lines++) {
        struct tb_buf out;
        struct writer writer = {.out = &out, .lines_left = lines};
        tb_buf_init(&out, f->arena, 1024);
        enum tb_err err = tb_export(fixture_read(f), write_some, &writer);
        fixture_end_read(f);
        assert_int_equal(err, lines < 9 ? TB_E_STORAGE_DOWN : TB_OK);
        assert_int_equal(writer.lines_left, 0);
        assert_int_equal(out.len, whole);
        assert_memory_equal(out.ptr, all.ptr, out.len);
        if (lines < 9) {
            whole = (size_t)((char *)memchr(all.ptr + whole, '\n', all.len - whole) - all.ptr + 1);
        }
    }
    assert_int_equal(whole, all.len);
}

/* --- damage --- */

static void pauses_that_are_no_json_are_told(void **state)
{
    struct fixture *f = *state;
    struct tb_buf out;
    fixture_send(f, TB_COMMAND_PAUSE, (struct tb_id){{0}}, "{'tag':'x'}");
    tb_buf_init(&out, f->arena, 1024);
    fixture_begin(f);
    tb_put_pauses(f->txn, TB_STR("[false,[\"x\"],[{]]"));
    enum tb_err err = tb_export(fixture_read(f), import_add_bytes, &out);
    fixture_abort(f);
    assert_int_equal(err, TB_E_STORAGE_CORRUPT);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(a_claimed_task_is_as_if_it_had_not_been_claimed),
        fixture_test(a_task_tells_its_attempts_and_whose_it_was),
        fixture_test(a_vm_that_was_deregistered_is_left_out),
        fixture_test(what_was_cleared_is_not_exported),
        fixture_test(a_writer_that_wants_no_more_ends_the_export),
        fixture_test(pauses_that_are_no_json_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
