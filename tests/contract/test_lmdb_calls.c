/* One call of the system or of LMDB after the other fails, while a store is made, opened, brought up
 * to date, looked at, checked, copied or restored. Each time: an error that fits and a sentence, or
 * the work is done all the same; nothing stays open; and the next attempt, when nothing fails, finds
 * everything. */
#include "failing.h"
#include "stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* --- one call after the other --- */

struct work {
    void (*prepare)(struct stage *stage);
    enum tb_err (*run)(struct stage *stage);
    void (*look)(struct stage *stage, enum tb_err err); /* afterwards, when nothing fails */
    bool may_be_damage; /* what cannot be read is taken for damaged */
};

/* Whatever a system says, these need no room on the disk. */
static bool wants_room(const char *call)
{
    static const char *const names[] = {"flock", "read", "pipe2", "pthread_create"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(call, names[i]) == 0) {
            return false;
        }
    }
    return true;
}

static void judge_error(const struct work *work, const struct stage *stage, enum tb_err err)
{
    enum tb_err right =
        fault.error == ENOSPC && wants_room(fault.call) ? TB_E_STORAGE_FULL : TB_E_STORAGE_DOWN;
    bool good =
        err == TB_OK || err == right || (work->may_be_damage && err == TB_E_STORAGE_CORRUPT);
    if (!good || (err != TB_OK && strlen(stage->why) == 0)) {
        fail_msg("%s fails with %s: error %d and \"%s\"", fault.call, strerror(fault.error), err,
                 stage->why);
    }
}

/* False: there were not so many calls. */
static bool fail_at(const struct work *work, unsigned nth)
{
    struct stage stage = {.copy_fd = -1};
    folder_make(stage.folder);
    size_t files = open_files();
    work->prepare(&stage);
    fault.countdown = nth;
    enum tb_err err = work->run(&stage);
    bool failed = fault.countdown == 0;
    fault.countdown = 0;
    if (failed) {
        judge_error(work, &stage, err);
    } else {
        assert_int_equal(err, TB_OK);
    }
    tb_store_close(&stage.store);
    work->look(&stage, err);
    if (stage.copy_fd >= 0) {
        close(stage.copy_fd);
    }
    if (files != open_files()) {
        fail_msg("after a failed %s %zu files are open, not %zu", fault.call, open_files(), files);
    }
    free(stage.copied.bytes);
    folder_remove(stage.folder);
    return failed;
}

static void fail_at_every_call(const struct work *work, unsigned least)
{
    static const int errors[] = {EIO, ENOSPC, EACCES, EINTR};
    enum { CALLS_MAX = 5000 };
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        unsigned nth = 0;
        fault.error = errors[i];
        do {
            nth++;
            assert_true(nth < CALLS_MAX);
        } while (fail_at(work, nth));
        print_message("%s: %u calls failed, one after the other\n", strerror(errors[i]), nth - 1);
        assert_true(nth > least);
    }
}

/* --- what is done --- */

static void prepare_nothing(struct stage *stage)
{
    (void)stage;
}

static void prepare_older(struct stage *stage)
{
    write_image(stage->folder, "data.mdb", given.older);
}

static void prepare_cut(struct stage *stage)
{
    struct image part = {given.store.bytes, given.store.size / 2};
    write_image(stage->folder, "data.mdb", part);
}

static void prepare_open(struct stage *stage)
{
    prepare_store(stage);
    assert_int_equal(open_folder(stage->folder, false, 0, &stage->store, stage->why), TB_OK);
}

/* That it is refused is right. */
static enum tb_err run_refusal(struct stage *stage)
{
    enum tb_err err = run_create(stage);
    assert_int_not_equal(err, TB_OK);
    return err == TB_E_STORAGE_CORRUPT ? TB_OK : err;
}

static enum tb_err run_look(struct stage *stage)
{
    struct tb_store_options options = {.url = stage->folder, .readers_max = 2, .read_only = true};
    return tb_store_open(&options, &stage->store, stage->why, sizeof stage->why);
}

static void note_fault(void *ctx, const char *told)
{
    struct stage *stage = ctx;
    snprintf(stage->why, sizeof stage->why, "%s", told);
}

/* What could not be looked at is told as a fault. */
static enum tb_err run_check(struct stage *stage)
{
    struct tb_store_tally tally;
    enum tb_err err = tb_store_verify(stage->store, note_fault, stage, &tally);
    if (err != TB_OK && strlen(stage->why) == 0) {
        snprintf(stage->why, sizeof stage->why, "not checked");
    }
    if (fault.countdown == 0 && strlen(stage->why) == 0) {
        fail_msg("%s failed, and the check told nothing", fault.call);
    }
    return err;
}

static enum tb_err run_copy(struct stage *stage)
{
    snprintf(stage->why, sizeof stage->why, "not copied");
    return tb_store_copy(stage->store, keep_copy, &stage->copied);
}

static enum tb_err run_restore(struct stage *stage)
{
    struct tb_restore options = {.url = stage->folder, .from_fd = stage->copy_fd, .judge = judge};
    return tb_store_restore(&options, stage->why, sizeof stage->why);
}

/* --- what is there afterwards --- */

static void look_at_cut(struct stage *stage, enum tb_err err)
{
    (void)err;
    assert_int_equal(run_refusal(stage), TB_OK);
    assert_non_null(strstr(stage->why, "a part of it is missing"));
}

static void look_at_new(struct stage *stage, enum tb_err err)
{
    struct tb_store *store = NULL;
    (void)err;
    assert_int_equal(open_folder(stage->folder, true, 0, &store, stage->why), TB_OK);
    struct world other = *given.world;
    other.store = store;
    expect_sound(&other);
    tb_store_close(&store);
}

static void look_at_copy(struct stage *stage, enum tb_err err)
{
    assert_true(err != TB_OK || stage->copied.size == given.copy.size);
    look_at_store(stage, err);
}

/* All of it or nothing; and nothing stands in the way of the next attempt. */
static void look_at_restored(struct stage *stage, enum tb_err err)
{
    char path[128];
    snprintf(path, sizeof path, "%s/data.mdb", stage->folder);
    bool is_there = access(path, F_OK) == 0;
    assert_true(err != TB_OK || is_there);
    if (!is_there) {
        assert_int_equal(lseek(stage->copy_fd, 0, SEEK_SET), 0);
        assert_int_equal(run_restore(stage), TB_OK);
    }
    expect_everything(stage->folder, false);
}

/* --- the tests --- */

static void a_store_that_cannot_be_made_is_made_by_the_next_attempt(void **state)
{
    (void)state;
    fail_at_every_call(&(struct work){prepare_nothing, run_create, look_at_new, false}, 60);
}

static void a_store_that_cannot_be_opened_is_opened_by_the_next_attempt(void **state)
{
    (void)state;
    fail_at_every_call(&(struct work){prepare_store, run_create, look_at_store, false}, 30);
}

static void an_upgrade_that_fails_is_done_by_the_next_attempt(void **state)
{
    (void)state;
    fail_at_every_call(&(struct work){prepare_older, run_create, look_at_store, false}, 30);
}

static void a_store_that_cannot_be_looked_at_can_be_later(void **state)
{
    (void)state;
    fail_at_every_call(&(struct work){prepare_store, run_look, look_at_store, false}, 25);
}

static void a_file_that_was_cut_is_refused_whatever_fails(void **state)
{
    (void)state;
    fail_at_every_call(&(struct work){prepare_cut, run_refusal, look_at_cut, false}, 12);
}

static void a_check_that_could_not_look_says_so(void **state)
{
    (void)state;
    fail_at_every_call(&(struct work){prepare_open, run_check, look_at_store, true}, 60);
}

static void a_copy_that_fails_says_so(void **state)
{
    (void)state;
    fail_at_every_call(&(struct work){prepare_open, run_copy, look_at_copy, false}, 3);
}

static void a_restore_that_fails_leaves_all_or_nothing(void **state)
{
    (void)state;
    fail_at_every_call(&(struct work){prepare_copy, run_restore, look_at_restored, true}, 60);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_that_cannot_be_made_is_made_by_the_next_attempt),
        cmocka_unit_test(a_store_that_cannot_be_opened_is_opened_by_the_next_attempt),
        cmocka_unit_test(an_upgrade_that_fails_is_done_by_the_next_attempt),
        cmocka_unit_test(a_store_that_cannot_be_looked_at_can_be_later),
        cmocka_unit_test(a_file_that_was_cut_is_refused_whatever_fails),
        cmocka_unit_test(a_check_that_could_not_look_says_so),
        cmocka_unit_test(a_copy_that_fails_says_so),
        cmocka_unit_test(a_restore_that_fails_leaves_all_or_nothing),
    };
    return cmocka_run_group_tests_name("failing calls", tests, give, take_back);
}
