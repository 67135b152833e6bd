#include "suite.h"

#include <stdio.h>

static enum engine current;

static int set_up(void **state)
{
    *state = world_open(current, 1);
    return 0;
}

static int tear_down(void **state)
{
    world_close(*state);
    return 0;
}

int run_on_every_engine(const char *suite, const struct CMUnitTest *tests, size_t count)
{
    enum { TESTS_MAX = 64 };
    struct CMUnitTest table[TESTS_MAX];
    assert_true(count <= TESTS_MAX);
    for (size_t i = 0; i < count; i++) {
        table[i] = tests[i];
        table[i].setup_func = set_up;
        table[i].teardown_func = tear_down;
    }
    int failed = 0;
    for (current = 0; current < ENGINE_COUNT; current++) {
        char name[128];
        snprintf(name, sizeof name, "%s on %s", suite, engine_name(current));
        failed += _cmocka_run_group_tests(name, table, count, NULL, NULL);
    }
    return failed;
}
