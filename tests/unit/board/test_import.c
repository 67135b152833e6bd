/* Export and import: what a board was, another one is. Over HTTP, with files and faults of every
 * kind: tests/http/test_import.py. */
#include "fixture/fixture.h"

#include "board/export.h"
#include "taskboard/storage_testing.h"

static bool add_bytes(void *ctx, const void *bytes, size_t len)
{
    tb_buf_add(ctx, bytes, len);
    return true;
}

static struct tb_str exported(struct fixture *f)
{
    struct tb_buf out;
    tb_buf_init(&out, f->arena, 4096);
    assert_int_equal(tb_export(fixture_read(f), add_bytes, &out), TB_OK);
    fixture_end_read(f);
    return tb_buf_str(&out);
}

static void import(struct fixture *f, struct tb_str lines)
{
    const struct tb_command command = {.kind = TB_COMMAND_IMPORT,
                                       .import = {.format = TB_IMPORT_NDJSON, .bytes = lines}};
    fixture_apply(f, &command);
}

static void fill(struct fixture *f)
{
    fixture_publish(f, "ann", "said");
    struct tb_id first = fixture_task_named(f, "first");
    struct fixture_claim claim = fixture_claim_task(f, first, "bob");
    fixture_hold(f, TB_COMMAND_COMPLETE, claim, ",'result':{'a':[1]},'summary':'made'");
    assert_reply(f, 200);
    struct tb_id second = fixture_task_after(f, "second", first);
    fixture_send(f, TB_COMMAND_NOTE, second, "{'author':'a','content':'c','type':'finding'}");
    fixture_task_after(f, "third", second);
    claim = fixture_claim_task(f, second, "bob");
    fixture_hold(f, TB_COMMAND_FAIL, claim, ",'error':'broke','retryable':false");
    assert_reply(f, 200);
    fixture_create(f, "{'title':'later','createdBy':'a','delaySeconds':60,'uniqueKey':'k'}");
    fixture_register(f, "vm", 60);
    fixture_claim_on(f, fixture_task_named(f, "held"), "vm", 60);
    fixture_send(f, TB_COMMAND_PAUSE, (struct tb_id){{0}}, "{'tag':'red','reason':'so'}");
    assert_reply(f, 200);
}

static void a_board_comes_back_as_it_was_on_every_engine(void **state)
{
    (void)state;
    for (int from = FIXTURE_MEMORY; from <= FIXTURE_LMDB; from++) {
        struct fixture f;
        struct fixture other;
        fixture_open(&f, (enum fixture_engine)from, 3);
        fixture_open(&other, (enum fixture_engine)(FIXTURE_LMDB - from), 4);
        fill(&f);
        struct tb_str lines = exported(&f);
        fixture_advance(&other, 5000);
        import(&other, lines);
        assert_reply(&other, 200);
        assert_json(&other, other.reply.body, "{'tasks':5,'vms':1,'feedEvents':1,'pauses':1}");
        struct tb_str again = exported(&other);
        assert_true(tb_str_eq(again, lines));
        assert_true(fixture_head(&other).generation == fixture_head(&f).generation);
        assert_verified(&other);
        fixture_close(&other);
        fixture_close(&f);
    }
}

static void an_import_of_what_is_there_is_refused_and_changes_nothing(void **state)
{
    struct fixture *f = *state;
    fill(f);
    struct tb_str lines = exported(f);
    uint64_t seq = fixture_head(f).seq;
    import(f, lines);
    assert_int_equal(f->reply.err, TB_E_ID_EXISTS);
    assert_true(fixture_head(f).seq == seq);
    assert_true(tb_str_eq(exported(f), lines));
}

/* The delay goes on, and then the task is ready. */
static void what_waits_for_its_time_is_ready_when_that_comes(void **state)
{
    struct fixture *f = *state;
    struct fixture other;
    fixture_open(&other, FIXTURE_MEMORY, 9);
    fixture_create(f, "{'title':'later','createdBy':'a','delaySeconds':60}");
    import(&other, exported(f));
    assert_true(fixture_run_due(&other, 10) == f->clock.now_ms + 60000);
    fixture_advance(&other, 60000);
    (void)fixture_run_due(&other, 10);
    assert_string_equal(fixture_types(&other, 0), "task.imported task.ready");
    fixture_close(&other);
}

/* Whichever call fails: the import fails with it, and nothing of it is there. */
static void an_engine_that_fails_leaves_nothing_of_an_import(void **state)
{
    struct fixture *f = *state;
    fill(f);
    struct tb_str lines = exported(f);
    uint64_t calls = 1;
    for (uint64_t nth = 1; nth <= calls; nth++) {
        struct fixture other;
        fixture_open(&other, FIXTURE_MEMORY, 9);
        fixture_add_faults(&other);
        fixture_begin(&other);
        const struct tb_command command = {.kind = TB_COMMAND_IMPORT,
                                           .import = {.format = TB_IMPORT_NDJSON, .bytes = lines}};
        struct tb_reply reply;
        tb_fault_set(other.store, nth, TB_E_STORAGE_DOWN, true);
        tb_board_apply(&other.board, &command, other.arena, &reply);
        calls = nth == 1 ? 400 : calls;
        bool failed = reply.err != TB_OK;
        if (!failed) {
            calls = nth; /* there are not so many */
        } else {
            assert_int_equal(reply.err, TB_E_STORAGE_DOWN);
        }
        tb_fault_set(other.store, 0, TB_OK, true);
        fixture_abort(&other);
        assert_true(fixture_head(&other).seq == 0);
        fixture_close(&other);
    }
    assert_in_range(calls, 30, 399);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_board_comes_back_as_it_was_on_every_engine),
        fixture_test(an_import_of_what_is_there_is_refused_and_changes_nothing),
        fixture_test(what_waits_for_its_time_is_ready_when_that_comes),
        fixture_test(an_engine_that_fails_leaves_nothing_of_an_import),
    };
    return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
