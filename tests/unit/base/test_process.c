#include "base/process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

#define MIB ((size_t)1024 * 1024)

static struct tb_process look(void)
{
    struct tb_process process;
    assert_true(tb_process_read(&process));
    return process;
}

static void open_files_are_counted(void **state)
{
    (void)state;
    uint64_t before = look().open_files;
    int fds[5];
    for (size_t i = 0; i < COUNT(fds); i++) {
        fds[i] = open("/dev/null", O_RDONLY);
        assert_true(fds[i] >= 0);
    }
    assert_int_equal(look().open_files, before + COUNT(fds));
    for (size_t i = 0; i < COUNT(fds); i++) {
        assert_int_equal(close(fds[i]), 0);
    }
    assert_int_equal(look().open_files, before);
}

static void the_limit_of_open_files_is_told(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(look().open_files_max, limit.rlim_cur);
}

static void memory_that_is_used_is_resident(void **state)
{
    (void)state;
    struct tb_process before = look();
    volatile char *bytes = malloc(64 * MIB);
    assert_non_null((void *)(uintptr_t)bytes);
    for (size_t i = 0; i < 64 * MIB; i += 4096) {
        bytes[i] = 1;
    }
    struct tb_process after = look();
    assert_true(after.resident_bytes >= before.resident_bytes + 32 * MIB);
    assert_true(after.virtual_bytes >= after.resident_bytes);
    free((void *)(uintptr_t)bytes);
}

static void time_that_is_worked_is_counted(void **state)
{
    (void)state;
    uint64_t before = look().cpu_us;
    clock_t end = clock() + CLOCKS_PER_SEC / 20;
    while (clock() < end) {
    }
    uint64_t worked_us = look().cpu_us - before;
    assert_true(worked_us >= 40000 && worked_us < 10000000);
}

static void it_was_started_a_little_while_ago(void **state)
{
    (void)state;
    int64_t age_ms = (int64_t)time(NULL) * 1000 - look().started_ms;
    assert_true(age_ms > -2000 && age_ms < 120000);
    assert_true(look().threads >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_files_are_counted),
        cmocka_unit_test(the_limit_of_open_files_is_told),
        cmocka_unit_test(memory_that_is_used_is_resident),
        cmocka_unit_test(time_that_is_worked_is_counted),
        cmocka_unit_test(it_was_started_a_little_while_ago),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
