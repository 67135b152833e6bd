/* Retention: the old end of the log. */
#include "fixture/fixture.h"

#include "taskboard/limits.h"

#define DAY_MS INT64_C(86400000)

static void make_events(struct fixture *f, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        fixture_publish(f, "ann", "s");
    }
}

/* All in one commit. */
static void make_commit(struct fixture *f, unsigned count)
{
    fixture_begin(f);
    make_events(f, count);
    fixture_commit(f);
}

static unsigned kept(struct fixture *f)
{
    struct tb_head head = fixture_head(f);
    return (unsigned)(head.seq + 1 - head.oldest_seq);
}

static void without_a_limit_everything_is_kept(void **state)
{
    struct fixture *f = *state;
    make_events(f, 10);
    fixture_advance(f, 1000 * DAY_MS);
    assert_true(fixture_run_due(f, 10) == 0);
    assert_int_equal(kept(f), 10);
}

static void no_more_events_are_kept_than_asked_for(void **state)
{
    struct fixture *f = *state;
    f->board.options.retain_events = 4;
    make_events(f, 10);
    assert_true(fixture_run_due(f, 10) == 0);
    assert_int_equal(kept(f), 4);
    assert_int_equal(fixture_head(f).oldest_seq, 7);
    assert_string_equal(fixture_types(f, 0), "feed.finding feed.finding feed.finding feed.finding");
    assert_verified(f);
}

/* A busy board does not cut with every commit, an idle one does it soon. */
static void a_little_too_much_waits_a_second(void **state)
{
    struct fixture *f = *state;
    f->board.options.retain_events = 4;
    make_events(f, 5);
    fixture_run_due(f, 10);
    make_events(f, 1);
    assert_true(fixture_run_due(f, 10) == f->clock.now_ms + 1000);
    assert_int_equal(kept(f), 5);
    fixture_advance(f, 999);
    fixture_run_due(f, 10);
    assert_int_equal(kept(f), 5);
    fixture_advance(f, 1);
    assert_true(fixture_run_due(f, 10) == 0);
    assert_int_equal(kept(f), 4);
}

static void much_too_much_goes_in_steps_one_right_behind_the_other(void **state)
{
    struct fixture *f = *state;
    f->board.options.retain_events = 10;
    for (unsigned i = 0; i < 50; i++) {
        make_commit(f, 100);
        fixture_forget(f);
    }
    assert_true(fixture_run_due(f, 10) == f->clock.now_ms);
    assert_in_range(kept(f), 5000 - TB_EVENTS_DROPPED_MAX - 100,
                    5000 - TB_EVENTS_DROPPED_MAX + 100);
    assert_true(fixture_run_due(f, 10) == f->clock.now_ms);
    assert_in_range(fixture_run_due(f, 10), 0, f->clock.now_ms + 1000);
    assert_in_range(kept(f), 10, 100);
    assert_verified(f);
}

/* Commits go as a whole: the timer does not spin on one that stays. */
static void a_commit_that_is_too_much_only_in_part_stays(void **state)
{
    struct fixture *f = *state;
    f->board.options.retain_events = 4;
    make_commit(f, 10);
    int64_t next_ms = fixture_run_due(f, 10);
    assert_true(next_ms == 0 || next_ms == f->clock.now_ms + 1000);
    assert_in_range(kept(f), 4, 10);
    assert_verified(f);
}

static void events_are_kept_no_longer_than_asked_for(void **state)
{
    struct fixture *f = *state;
    f->board.options.retain_ms = DAY_MS;
    fixture_run_due(f, 10);
    make_events(f, 2);
    fixture_advance(f, DAY_MS / 2);
    make_events(f, 3);
    int64_t next_ms = fixture_run_due(f, 10);
    assert_in_range(next_ms, FIXTURE_START_MS + DAY_MS, FIXTURE_START_MS + DAY_MS + 60000);
    fixture_advance(f, DAY_MS / 2 - 1);
    fixture_run_due(f, 10);
    assert_int_equal(kept(f), 5);
    fixture_advance(f, next_ms - f->clock.now_ms);
    next_ms = fixture_run_due(f, 10);
    assert_int_equal(kept(f), 3);
    assert_in_range(next_ms, FIXTURE_START_MS + DAY_MS * 3 / 2,
                    FIXTURE_START_MS + DAY_MS * 3 / 2 + 60000);
    fixture_advance(f, next_ms - f->clock.now_ms);
    assert_true(fixture_run_due(f, 10) == 0); /* nothing is left */
    assert_int_equal(kept(f), 0);
    assert_verified(f);
    make_events(f, 1);
    assert_int_equal(fixture_head(f).seq, 6);
    assert_verified(f);
}

static void a_restarted_board_looks_at_once(void **state)
{
    struct fixture *f = *state;
    f->board.options.retain_ms = DAY_MS;
    make_events(f, 2);
    fixture_advance(f, 2 * DAY_MS);
    fixture_restart(f);
    f->board.options.retain_ms = DAY_MS;
    fixture_run_due(f, 10);
    assert_int_equal(kept(f), 0);
}

/* What an aborted batch has cut is still there, and is cut again. */
static void what_was_taken_back_is_cut_again(void **state)
{
    struct fixture *f = *state;
    f->board.options.retain_ms = DAY_MS;
    make_events(f, 2);
    fixture_advance(f, DAY_MS + 60000);
    make_events(f, 1);
    fixture_begin(f);
    fixture_run_due(f, 10);
    fixture_abort(f);
    assert_int_equal(kept(f), 3);
    fixture_run_due(f, 10);
    assert_int_equal(kept(f), 1);
}

static void the_task_stays_when_its_events_go(void **state)
{
    struct fixture *f = *state;
    f->board.options.retain_events = 1;
    struct tb_id id = fixture_task_named(f, "t");
    fixture_patch(f, id, "{'priority':1}");
    fixture_publish(f, "ann", "s");
    fixture_run_due(f, 10);
    assert_int_equal(kept(f), 1);
    assert_true(fixture_exists(f, id));
    fixture_patch(f, id, "{'priority':2}");
    assert_event(f, 4, "task.updated", id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(without_a_limit_everything_is_kept),
        fixture_test(no_more_events_are_kept_than_asked_for),
        fixture_test(a_little_too_much_waits_a_second),
        fixture_test(much_too_much_goes_in_steps_one_right_behind_the_other),
        fixture_test(a_commit_that_is_too_much_only_in_part_stays),
        fixture_test(events_are_kept_no_longer_than_asked_for),
        fixture_test(a_restarted_board_looks_at_once),
        fixture_test(what_was_taken_back_is_cut_again),
        fixture_test(the_task_stays_when_its_events_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
