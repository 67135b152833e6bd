/* Long random histories of a small board (history.h): each must keep every promise.
 *
 *   TASKBOARD_SEED=n   another history than the usual ones
 *   TASKBOARD_STEPS=n  a longer or shorter one */
#include <stdlib.h>

#include "scenario/history.h"

#if defined(__has_feature)
#define UNDER_SANITIZER (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER true
#else
#define UNDER_SANITIZER false
#endif

static unsigned steps_or(unsigned otherwise)
{
    const char *steps = getenv("TASKBOARD_STEPS");
    if (steps != NULL) {
        return (unsigned)strtoul(steps, NULL, 10);
    }
    return UNDER_SANITIZER ? otherwise / 8 : otherwise; /* they are that much slower */
}

/* What came of some histories. */
struct tally {
    unsigned answers[TB_ERR_COUNT];
    unsigned told[TB_EVENT_TYPE_COUNT];
    unsigned replayed;
};

static void add_up(struct tally *tally, const struct history *h)
{
    for (size_t i = 0; i < TB_ERR_COUNT; i++) {
        tally->answers[i] += h->answers[i];
    }
    for (size_t i = 0; i < TB_EVENT_TYPE_COUNT; i++) {
        tally->told[i] += h->told[i];
    }
    tally->replayed += h->replayed;
}

/* Runs one history for each seed: those given, or the one of the environment. */
static void run_seeds(const uint64_t *seeds, size_t count, unsigned steps, enum history_kind kind,
                      struct tally *tally)
{
    const char *seed = getenv("TASKBOARD_SEED");
    const uint64_t given = seed != NULL ? strtoull(seed, NULL, 10) : 0;
    for (size_t i = 0; i < (seed != NULL ? 1 : count); i++) {
        struct history *h = malloc(sizeof(*h));
        assert_non_null(h);
        history_open(h, seed != NULL ? given : seeds[i], kind);
        history_run(h, steps_or(steps));
        add_up(tally, h);
        history_close(h);
        free(h);
    }
}

/* A history in which some answer never came would prove little. */
static void check_variety(const struct tally *tally)
{
    static const enum tb_err wanted[] = {
        TB_OK,
        TB_E_TASK_NOT_FOUND,
        TB_E_VERSION_MISMATCH,
        TB_E_DEPENDENCY_CYCLE,
        TB_E_UNIQUE_KEY_TAKEN,
        TB_E_UNKNOWN_PARENT,
        TB_E_INVALID_FIELD,
        TB_E_INVALID_JSON,
        TB_E_MISSING_FIELD,
        TB_E_ALREADY_CLAIMED,
        TB_E_NOT_READY,
        TB_E_PAUSED,
        TB_E_ASSIGNED_ELSEWHERE,
        TB_E_CLAIM_LOST,
        TB_E_CLAIM_TOKEN_REQUIRED,
        TB_E_ALREADY_DONE,
        TB_E_NOT_RETRYABLE,
        TB_E_NO_RESULT,
        TB_E_ATTEMPT_NOT_FOUND,
        TB_E_VM_NOT_FOUND,
        TB_E_VM_EXISTS,
        TB_E_UNKNOWN_VM,
    };
    unsigned total = 0;
    for (size_t i = 0; i < TB_ERR_COUNT; i++) {
        total += tally->answers[i];
    }
    for (size_t i = 0; i < COUNT(wanted) && total >= 10000; i++) {
        print_message("%8u %s\n", tally->answers[wanted[i]], tb_err_code(wanted[i]));
        assert_in_range(tally->answers[wanted[i]], 1, total);
    }
    /* All but those of imports, which have tests of their own. */
    for (size_t i = 0; i <= TB_EVENT_FEED_CLEARED && total >= 10000; i++) {
        print_message("%8u %s\n", tally->told[i], tb_event_type_name((enum tb_event_type)i));
        /* Histories make no credentials. */
        assert_true(tally->told[i] > 0 || i >= TB_EVENT_TOKEN_CREATED);
    }
    assert_true(tally->replayed > 0 || total < 10000);
}

static void a_random_history_keeps_every_promise(void **state)
{
    (void)state;
    static const uint64_t seeds[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    struct tally tally = {.replayed = 0};
    run_seeds(seeds, COUNT(seeds), 3000, HISTORY_IN_MEMORY, &tally);
    check_variety(&tally);
}

static void a_failing_engine_breaks_no_promise(void **state)
{
    (void)state;
    static const uint64_t seeds[] = {101, 102};
    struct tally tally = {.replayed = 0};
    run_seeds(seeds, COUNT(seeds), 5000, HISTORY_FAULTY, &tally);
}

static void the_same_history_gives_the_same_board_on_every_engine(void **state)
{
    (void)state;
    static const uint64_t seeds[] = {201, 202};
    struct tally tally = {.replayed = 0};
    run_seeds(seeds, COUNT(seeds), 4000, HISTORY_TWO_ENGINES, &tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_random_history_keeps_every_promise),
        cmocka_unit_test(a_failing_engine_breaks_no_promise),
        cmocka_unit_test(the_same_history_gives_the_same_board_on_every_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
