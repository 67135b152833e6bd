/* Retention of finished tasks. */
#include "fixture/fixture.h"

#define DAY_MS    INT64_C(86400000)
#define MINUTE_MS INT64_C(60000)

static void make_done(struct fixture *f, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        fixture_finish(f, fixture_task_named(f, "done"));
        fixture_advance(f, 1);
    }
}

static unsigned done(struct fixture *f)
{
    return (unsigned)fixture_head(f).task_counts[TB_STATE_DONE];
}

static void without_a_limit_all_are_kept(void **state)
{
    struct fixture *f = *state;
    make_done(f, 5);
    fixture_advance(f, 1000 * DAY_MS);
    assert_true(fixture_run_due(f, 10) == 0);
    assert_int_equal(done(f), 5);
}

static void the_latest_are_kept_and_the_log_says_why_others_went(void **state)
{
    struct fixture *f = *state;
    f->board.options.retain_done = 3;
    struct tb_id oldest = fixture_task_named(f, "oldest");
    fixture_finish(f, oldest);
    make_done(f, 4);
    assert_true(fixture_run_due(f, 10) == 0);
    assert_int_equal(done(f), 3);
    assert_false(fixture_exists(f, oldest));
    assert_json(f, fixture_told(f, "reason"), "'retention'");
    assert_verified(f);
}

static void a_pass_comes_once_a_minute(void **state)
{
    struct fixture *f = *state;
    f->board.options.retain_done = 1;
    make_done(f, 2);
    fixture_run_due(f, 10);
    int64_t began_ms = f->clock.now_ms;
    make_done(f, 2);
    assert_true(fixture_run_due(f, 10) == began_ms + MINUTE_MS);
    assert_int_equal(done(f), 3);
    fixture_advance(f, began_ms + MINUTE_MS - f->clock.now_ms);
    assert_true(fixture_run_due(f, 10) == 0);
    assert_int_equal(done(f), 1);
}

static void many_go_in_steps_one_right_behind_the_other(void **state)
{
    struct fixture *f = *state;
    f->board.options.retain_done = 10;
    make_done(f, 350);
    unsigned steps = 0;
    while (done(f) > 10) {
        unsigned before = done(f);
        (void)fixture_run_due(f, 10);
        assert_in_range(before - done(f), 1, 100);
        assert_in_range(++steps, 1, 10);
    }
    assert_verified(f);
}

static void age_counts_from_the_last_change(void **state)
{
    struct fixture *f = *state;
    f->board.options.retain_done_ms = DAY_MS;
    struct tb_id touched = fixture_task_named(f, "touched");
    fixture_finish(f, touched);
    make_done(f, 3);
    fixture_advance(f, DAY_MS - 10);
    fixture_send(f, TB_COMMAND_BUMP, touched, "{}");
    (void)fixture_run_due(f, 10);
    assert_int_equal(done(f), 4);
    fixture_advance(f, MINUTE_MS);
    assert_true(fixture_run_due(f, 10) == f->clock.now_ms + MINUTE_MS);
    assert_int_equal(done(f), 1);
    assert_true(fixture_exists(f, touched));
}

static void what_is_needed_stays_until_it_is_not(void **state)
{
    struct fixture *f = *state;
    struct tb_id waited_for = fixture_task_named(f, "waited for");
    fixture_finish(f, waited_for);
    struct tb_id waits = fixture_task_after(f, "waits", waited_for);
    struct tb_id parent = fixture_task_named(f, "parent");
    struct tb_id child = fixture_create(f, "{'title':'child','createdBy':'a','parentId':'%s'}",
                                        fixture_id(f, parent));
    fixture_finish(f, parent);
    f->board.options.retain_done_ms = 1;
    fixture_advance(f, DAY_MS);
    (void)fixture_run_due(f, 10);
    assert_true(fixture_exists(f, waited_for) && fixture_exists(f, parent));
    fixture_finish(f, child);
    fixture_finish(f, waits);
    fixture_advance(f, DAY_MS);
    assert_true(fixture_run_due(f, 10) == 0);
    assert_int_equal(done(f), 0);
    assert_verified(f);
}

struct archive {
    struct tb_buf lines;
    bool fails;
};

static bool keep(void *ctx, int64_t now_ms, struct tb_str lines)
{
    struct archive *archive = ctx;
    assert_true(now_ms > 0);
    if (!archive->fails) {
        tb_buf_add_str(&archive->lines, lines);
    }
    return !archive->fails;
}

static void nothing_goes_that_the_archive_does_not_take(void **state)
{
    struct fixture *f = *state;
    struct archive archive = {.fails = true};
    tb_buf_init(&archive.lines, f->arena, 4096);
    f->board.options.archive = keep;
    f->board.options.archive_ctx = &archive;
    f->board.options.retain_done = 1;
    make_done(f, 3);
    int64_t tried_ms = f->clock.now_ms;
    assert_true(fixture_run_due(f, 10) == tried_ms + MINUTE_MS);
    assert_int_equal(done(f), 3);
    archive.fails = false;
    fixture_advance(f, MINUTE_MS);
    assert_true(fixture_run_due(f, 10) == 0);
    assert_int_equal(done(f), 1);
    const struct tb_command command = {
        .kind = TB_COMMAND_IMPORT,
        .import = {.format = TB_IMPORT_NDJSON, .bytes = tb_buf_str(&archive.lines)}};
    fixture_apply(f, &command);
    assert_reply(f, 200);
    assert_int_equal(done(f), 3);
    assert_verified(f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        fixture_test(without_a_limit_all_are_kept),
        fixture_test(the_latest_are_kept_and_the_log_says_why_others_went),
        fixture_test(a_pass_comes_once_a_minute),
        fixture_test(many_go_in_steps_one_right_behind_the_other),
        fixture_test(age_counts_from_the_last_change),
        fixture_test(what_is_needed_stays_until_it_is_not),
        fixture_test(nothing_goes_that_the_archive_does_not_take),
    };
    return cmocka_run_group_tests_name("retire", tests, NULL, NULL);
}
