#include "unit/base/check.h"

#include <stdlib.h>

#include "service/service.h"
#include "service/waiting.h"

#define SECOND_US INT64_C(1000000)
#define JOBS      64

struct fixture {
    struct tb_waiting *waiting;
    struct tb_job jobs[JOBS];
    size_t job_count;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->waiting = tb_waiting_new(JOBS, (size_t)1 << 30, 12345);
    assert_non_null(f->waiting);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    tb_waiting_free(f->waiting);
    for (size_t i = 0; i < f->job_count; i++) {
        tb_arena_free(f->jobs[i].arena);
    }
    free(f);
    return 0;
}

/* A claim by that agent; `tags` and `any` are lists that end with NULL, or NULL. */
static struct tb_job *make(struct fixture *f, const char *agent, const char *const *tags,
                           const char *const *any)
{
    assert_true(f->job_count < JOBS);
    struct tb_job *job = &f->jobs[f->job_count++];
    struct tb_claim_command *claim = &job->command.claim;
    job->arena = tb_arena_new(0);
    job->command.kind = TB_COMMAND_CLAIM;
    claim->agent = tb_str_c(agent);
    struct tb_str *texts = tb_arena_alloc(job->arena, 8 * sizeof(*texts));
    claim->tags = texts;
    for (; tags != NULL && tags[claim->tag_count] != NULL; claim->tag_count++) {
        texts[claim->tag_count] = tb_str_c(tags[claim->tag_count]);
    }
    texts += claim->tag_count;
    claim->any_tags = texts;
    for (; any != NULL && any[claim->any_tag_count] != NULL; claim->any_tag_count++) {
        texts[claim->any_tag_count] = tb_str_c(any[claim->any_tag_count]);
    }
    return job;
}

static struct tb_job *add(struct fixture *f, const char *agent, const char *const *tags)
{
    struct tb_job *job = make(f, agent, tags, NULL);
    assert_true(tb_waiting_add(f->waiting, job, 60 * SECOND_US));
    return job;
}

static struct tb_task task(const char *tags, const char *assignee)
{
    return (struct tb_task){.tags = tb_str_c(tags), .assignee = tb_str_c(assignee)};
}

static struct tb_job *first_for(const struct fixture *f, const char *tags, const char *assignee)
{
    const struct tb_task it = task(tags, assignee);
    return tb_waiting_first_for(f->waiting, &it);
}

static const char *const red[] = {"red", NULL};
static const char *const red_blue[] = {"red", "blue", NULL};
static const char *const green[] = {"green", NULL};

static void who_came_first_is_first(void **state)
{
    struct fixture *f = *state;
    struct tb_job *ann = add(f, "ann", NULL);
    struct tb_job *bob = add(f, "bob", NULL);
    assert_ptr_equal(first_for(f, "[]", NULL), ann);
    tb_waiting_remove(f->waiting, ann);
    assert_ptr_equal(first_for(f, "[]", NULL), bob);
    tb_waiting_remove(f->waiting, bob);
    assert_null(first_for(f, "[]", NULL));
    assert_int_equal(tb_waiting_count(f->waiting), 0);
}

static void a_task_goes_to_the_first_one_whose_filter_it_fits(void **state)
{
    struct fixture *f = *state;
    struct tb_job *reds = add(f, "ann", red);
    struct tb_job *both = add(f, "bob", red_blue);
    struct tb_job *all = add(f, "cid", NULL);
    struct tb_job *greens = add(f, "dan", green);
    assert_ptr_equal(first_for(f, "[\"blue\",\"red\"]", NULL), reds);
    assert_ptr_equal(first_for(f, "[\"green\"]", NULL), all);
    assert_ptr_equal(first_for(f, "[]", NULL), all);
    tb_waiting_remove(f->waiting, reds);
    assert_ptr_equal(first_for(f, "[\"blue\",\"red\"]", NULL), both);
    assert_ptr_equal(first_for(f, "[\"red\"]", NULL), all);
    tb_waiting_remove(f->waiting, all);
    assert_null(first_for(f, "[\"red\"]", NULL));
    assert_ptr_equal(first_for(f, "[\"green\"]", NULL), greens);
}

static void any_tags_are_a_filter_of_their_own(void **state)
{
    struct fixture *f = *state;
    struct tb_job *either = make(f, "ann", NULL, red_blue);
    struct tb_job *both = make(f, "bob", red_blue, NULL);
    assert_true(tb_waiting_add(f->waiting, either, 1));
    assert_true(tb_waiting_add(f->waiting, both, 1));
    assert_ptr_equal(first_for(f, "[\"blue\"]", NULL), either);
    tb_waiting_remove(f->waiting, either);
    assert_null(first_for(f, "[\"blue\"]", NULL));
    assert_ptr_equal(first_for(f, "[\"blue\",\"red\"]", NULL), both);
}

/* Lengths are part of a filter's name. */
static void filters_that_only_look_alike_are_kept_apart(void **state)
{
    struct fixture *f = *state;
    static const char *const ab_c[] = {"ab", "c", NULL};
    static const char *const a_bc[] = {"a", "bc", NULL};
    struct tb_job *one = add(f, "ann", ab_c);
    struct tb_job *other = add(f, "bob", a_bc);
    assert_ptr_equal(first_for(f, "[\"ab\",\"c\"]", NULL), one);
    assert_ptr_equal(first_for(f, "[\"a\",\"bc\"]", NULL), other);
}

static void a_reserved_task_goes_to_its_agent_only(void **state)
{
    struct fixture *f = *state;
    (void)add(f, "ann", NULL);
    (void)add(f, "bob", green);
    struct tb_job *bob = add(f, "bob", NULL);
    assert_ptr_equal(first_for(f, "[]", "bob"), bob);
    assert_null(first_for(f, "[]", "cid"));
    tb_waiting_remove(f->waiting, bob);
    assert_null(first_for(f, "[]", "bob"));
}

static void who_is_put_back_stands_where_it_stood(void **state)
{
    struct fixture *f = *state;
    struct tb_job *jobs[5];
    for (size_t i = 0; i < COUNT(jobs); i++) {
        jobs[i] = add(f, i % 2 == 0 ? "even" : "odd", NULL);
    }
    static const size_t taken[] = {0, 2, 1, 4};
    for (size_t i = 0; i < COUNT(taken); i++) {
        tb_waiting_remove(f->waiting, jobs[taken[i]]);
        assert_false(tb_waiting_has(jobs[taken[i]]));
    }
    static const size_t returned[] = {4, 0, 2, 1};
    for (size_t i = 0; i < COUNT(returned); i++) {
        tb_waiting_put_back(f->waiting, jobs[returned[i]]);
    }
    for (size_t i = 0; i < COUNT(jobs); i++) {
        assert_ptr_equal(first_for(f, "[]", NULL), jobs[i]);
        assert_ptr_equal(first_for(f, "[]", i % 2 == 0 ? "even" : "odd"), jobs[i]);
        tb_waiting_remove(f->waiting, jobs[i]);
    }
}

static void numbers_rise_and_are_found(void **state)
{
    struct fixture *f = *state;
    struct tb_job *jobs[4];
    assert_null(tb_waiting_last(f->waiting));
    for (size_t i = 0; i < COUNT(jobs); i++) {
        assert_int_equal(tb_waiting_next_number(f->waiting), i + 1);
        jobs[i] = add(f, "ann", NULL);
    }
    assert_ptr_equal(tb_waiting_from(f->waiting, 0), jobs[0]);
    assert_ptr_equal(tb_waiting_from(f->waiting, 3), jobs[2]);
    assert_null(tb_waiting_from(f->waiting, 5));
    assert_ptr_equal(tb_waiting_next(jobs[2]), jobs[3]);
    assert_null(tb_waiting_next(jobs[3]));
    assert_ptr_equal(tb_waiting_last(f->waiting), jobs[3]);
    tb_waiting_remove(f->waiting, jobs[2]);
    assert_ptr_equal(tb_waiting_from(f->waiting, 3), jobs[3]);
}

static void repetitions_are_found_by_their_key(void **state)
{
    struct fixture *f = *state;
    const uint8_t key[TB_DIGEST_BYTES] = {7};
    const uint8_t other[TB_DIGEST_BYTES] = {8};
    struct tb_job *jobs[3];
    for (size_t i = 0; i < COUNT(jobs); i++) {
        jobs[i] = make(f, "ann", NULL, NULL);
        jobs[i]->command.idempotency.present = i != 0;
        memcpy(jobs[i]->command.idempotency.key, key, sizeof(key));
        assert_true(tb_waiting_add(f->waiting, jobs[i], 1));
    }
    assert_ptr_equal(tb_waiting_with_key(f->waiting, key), jobs[1]);
    assert_null(tb_waiting_with_key(f->waiting, other));
    tb_waiting_remove(f->waiting, jobs[1]);
    assert_ptr_equal(tb_waiting_with_key(f->waiting, key), jobs[2]);
    tb_waiting_remove(f->waiting, jobs[2]);
    assert_null(tb_waiting_with_key(f->waiting, key));
}

static void the_earliest_is_always_known(void **state)
{
    struct fixture *f = *state;
    uint64_t random = 1;
    assert_null(tb_waiting_earliest(f->waiting));
    for (int i = 0; i < JOBS; i++) {
        random = random * 6364136223846793005 + 1442695040888963407;
        struct tb_job *job = make(f, "ann", NULL, NULL);
        assert_true(tb_waiting_add(f->waiting, job, (int64_t)(random >> 60)));
    }
    /* Some go from the middle. */
    for (size_t i = 0; i < JOBS; i += 3) {
        tb_waiting_remove(f->waiting, &f->jobs[i]);
    }
    int64_t last_us = 0;
    uint64_t last_number = 0;
    for (size_t left = tb_waiting_count(f->waiting); left > 0; left--) {
        struct tb_job *job = tb_waiting_earliest(f->waiting);
        assert_true(job->wait.until_us >= last_us);
        assert_true(job->wait.until_us > last_us || job->wait.number > last_number);
        last_us = job->wait.until_us;
        last_number = job->wait.number;
        tb_waiting_remove(f->waiting, job);
    }
    assert_null(tb_waiting_earliest(f->waiting));
}

static void there_is_room_for_so_many_and_so_large_ones(void **state)
{
    struct fixture *f = *state;
    struct tb_waiting *two = tb_waiting_new(2, 100000, 1);
    assert_true(tb_waiting_add(two, make(f, "a", NULL, NULL), 1));
    assert_true(tb_waiting_add(two, make(f, "b", NULL, NULL), 1));
    struct tb_job *third = make(f, "c", NULL, NULL);
    assert_false(tb_waiting_add(two, third, 1));
    assert_false(tb_waiting_has(third));
    tb_waiting_remove(two, &f->jobs[0]);
    (void)tb_arena_alloc(third->arena, 200000);
    assert_false(tb_waiting_add(two, third, 1));
    assert_true(tb_waiting_add(two, make(f, "d", NULL, NULL), 1));
    assert_int_equal(tb_waiting_count(two), 2);
    tb_waiting_free(two);
    tb_waiting_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_came_first_is_first),
        TEST(a_task_goes_to_the_first_one_whose_filter_it_fits),
        TEST(any_tags_are_a_filter_of_their_own),
        TEST(filters_that_only_look_alike_are_kept_apart),
        TEST(a_reserved_task_goes_to_its_agent_only),
        TEST(who_is_put_back_stands_where_it_stood),
        TEST(numbers_rise_and_are_found),
        TEST(repetitions_are_found_by_their_key),
        TEST(the_earliest_is_always_known),
        TEST(there_is_room_for_so_many_and_so_large_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
