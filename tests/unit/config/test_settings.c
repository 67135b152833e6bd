#include "unit/base/check.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/settings.h"
#include "config/table.h"

#define ARGUMENTS_MAX 16

struct fixture {
    struct tb_arena *arena;
    struct tb_settings settings;
    const char *env[8][2];
    char why[TB_SETTINGS_WHY_BYTES];
    char file[64];
};

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.arena = tb_arena_new(0), .file = "/tmp/tb-test-settings-XXXXXX"};
    int fd = mkstemp(f.file);
    close(fd);
    *state = &f;
    return fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    tb_arena_free(f->arena);
    return unlink(f->file);
}

static const char *get(void *ctx, const char *name)
{
    const struct fixture *f = ctx;
    for (size_t i = 0; i < COUNT(f->env) && f->env[i][0] != NULL; i++) {
        if (strcmp(f->env[i][0], name) == 0) {
            return f->env[i][1];
        }
    }
    return NULL;
}

static bool load(struct fixture *f, const char *const *flags, size_t flag_count)
{
    char *argv[ARGUMENTS_MAX] = {(char *)(uintptr_t) "taskboardd"};
    assert_true(flag_count + 2 < ARGUMENTS_MAX);
    for (size_t i = 0; i < flag_count; i++) {
        argv[i + 1] = (char *)(uintptr_t)flags[i];
    }
    f->why[0] = '\0';
    return tb_settings_load(&f->settings, f->arena, (int)flag_count + 1, argv, get, f, f->why);
}

#define LOAD(f, ...)                                                                               \
    load((f), (const char *const[]){__VA_ARGS__},                                                  \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void write_file(const struct fixture *f, const char *text)
{
    FILE *file = fopen(f->file, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void settings_have_defaults(void **state)
{
    struct fixture *f = *state;
    assert_true(load(f, NULL, 0));
    assert_int_equal(f->settings.port, 3000);
    assert_int_equal(f->settings.hosts.count, 0);
    assert_string_equal(f->settings.data, "./data");
    assert_int_equal(f->settings.threads, 0);
    assert_int_equal(f->settings.connections_max, 20000);
    assert_int_equal(f->settings.connections_per_address, 0);
    assert_int_equal(f->settings.body_bytes_max, 16 << 20);
    assert_int_equal(f->settings.aging_seconds, 3600);
    assert_int_equal(f->settings.default_max_attempts, 3);
    assert_int_equal(f->settings.drain_seconds, 5);
    assert_int_equal(f->settings.log_level, TB_LOG_INFO);
    assert_int_equal(f->settings.log_format, TB_LOG_TEXT);
    assert_null(f->settings.token_file);
    assert_false(f->settings.no_auth || f->settings.no_auth_anywhere);
}

static void settings_come_from_flags_in_both_forms(void **state)
{
    struct fixture *f = *state;
    assert_true(LOAD(f, "--port", "1", "--data=/x", "--no-auth", "--no-auth-anywhere=true",
                     "--host", "::1", "--host=127.0.0.1", "--port=2"));
    assert_int_equal(f->settings.port, 2);
    assert_string_equal(f->settings.data, "/x");
    assert_true(f->settings.no_auth && f->settings.no_auth_anywhere);
    assert_int_equal(f->settings.hosts.count, 2);
    assert_string_equal(f->settings.hosts.items[1], "127.0.0.1");
}

static void settings_come_from_the_environment(void **state)
{
    struct fixture *f = *state;
    f->env[0][0] = "TASKBOARD_MAX_BODY";
    f->env[0][1] = "4K";
    f->env[1][0] = "TASKBOARD_NO_AUTH";
    f->env[1][1] = "yes";
    f->env[2][0] = "TASKBOARD_HOST";
    f->env[2][1] = "::1, 127.0.0.1";
    f->env[3][0] = "PORT";
    f->env[3][1] = "4";
    f->env[4][0] = "TASKBOARD_DATA";
    f->env[4][1] = "";
    assert_true(load(f, NULL, 0));
    assert_int_equal(f->settings.body_bytes_max, 4096);
    assert_true(f->settings.no_auth);
    assert_int_equal(f->settings.hosts.count, 2);
    assert_string_equal(f->settings.hosts.items[0], "::1");
    assert_int_equal(f->settings.port, 4);
    assert_string_equal(f->settings.data, "./data");
}

static void settings_of_our_own_variable_go_before_the_common_one(void **state)
{
    struct fixture *f = *state;
    f->env[0][0] = "PORT";
    f->env[0][1] = "4";
    f->env[1][0] = "TASKBOARD_PORT";
    f->env[1][1] = "5";
    assert_true(load(f, NULL, 0));
    assert_int_equal(f->settings.port, 5);
}

static void settings_of_flags_go_before_the_environment_and_that_before_the_file(void **state)
{
    struct fixture *f = *state;
    write_file(f, "port = 1\nthreads = 1\ndrain-seconds = 1\nhost = 10.0.0.1\nhost = 10.0.0.2\n");
    f->env[0][0] = "TASKBOARD_PORT";
    f->env[0][1] = "2";
    f->env[1][0] = "TASKBOARD_THREADS";
    f->env[1][1] = "2";
    f->env[2][0] = "TASKBOARD_CONFIG";
    f->env[2][1] = f->file;
    assert_true(LOAD(f, "--port", "3"));
    assert_int_equal(f->settings.port, 3);
    assert_int_equal(f->settings.threads, 2);
    assert_int_equal(f->settings.drain_seconds, 1);
    assert_int_equal(f->settings.hosts.count, 2);
    assert_true(LOAD(f, "--host", "::1"));
    assert_int_equal(f->settings.hosts.count, 1);
    assert_string_equal(f->settings.hosts.items[0], "::1");
}

static void settings_that_are_wrong_are_refused_in_a_sentence_that_names_them(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *flag;
        const char *value;
        const char *part;
    } rows[] = {
        {"--prot", "1", "did you mean --port?"},
        {"--nonsense", "1", "--nonsense"},
        {"stray", "1", "stray"},
        {"--", "1", "--"},
        {"--port", "65536", "--port must be"},
        {"--threads", "0", "--threads must be"},
        {"--max-body", "17M", "--max-body must be"},
        {"--no-auth=maybe", "", "--no-auth must be"},
        {"--host", "", "--host must not be empty"},
        {"--log-level", "loud", "--log-level must be"},
        {"--config", "/nowhere/x.conf", "/nowhere/x.conf"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_false(LOAD(f, rows[i].flag, rows[i].value));
        if (strstr(f->why, rows[i].part) == NULL) {
            fail_msg("%s", f->why);
        }
        assert_null(strchr(f->why, '\n'));
    }
    assert_false(LOAD(f, "--port"));
    assert_non_null(strstr(f->why, "--port needs a value"));
}

static void settings_of_the_environment_are_refused_by_their_variable(void **state)
{
    struct fixture *f = *state;
    f->env[0][0] = "PORT";
    f->env[0][1] = "abc";
    assert_false(load(f, NULL, 0));
    assert_non_null(strstr(f->why, "PORT must be"));
}

static void settings_of_a_file_are_refused_with_their_place(void **state)
{
    struct fixture *f = *state;
    static const char *const rows[][2] = {
        {"\n\nport = x\n", ":3: port must be"},
        {"prot = 1\n", ":1: prot is no setting; did you mean port?"},
        {"port = 1\nport = 2\n", ":2: port is set twice"},
        {"config = x\n", ":1: config cannot be set in a file"},
        {"help = true\n", ":1: help cannot be set in a file"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        write_file(f, rows[i][0]);
        assert_false(LOAD(f, "--config", f->file));
        if (strstr(f->why, rows[i][1]) == NULL) {
            fail_msg("%s", f->why);
        }
    }
}

static void settings_that_are_hidden_are_judged_all_the_same(void **state)
{
    struct fixture *f = *state;
    write_file(f, "port = x\n");
    assert_false(LOAD(f, "--config", f->file, "--port", "1"));
}

static void settings_do_not_matter_to_who_asks_for_help(void **state)
{
    struct fixture *f = *state;
    f->env[0][0] = "PORT";
    f->env[0][1] = "abc";
    assert_true(LOAD(f, "--help"));
    assert_true(f->settings.help);
    assert_true(LOAD(f, "-h"));
    assert_true(f->settings.help);
    assert_true(LOAD(f, "--version"));
    assert_true(f->settings.version);
}

static void settings_are_all_in_the_help(void **state)
{
    struct fixture *f = *state;
    struct tb_str help = tb_settings_help(f->arena);
    for (size_t i = 0; i < tb_settings_table_count; i++) {
        char flag[64];
        (void)snprintf(flag, sizeof(flag), "\n  --%s ", tb_settings_table[i].name);
        assert_non_null(memmem(help.ptr, help.len, flag, strlen(flag)));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(settings_have_defaults),
        TEST(settings_come_from_flags_in_both_forms),
        TEST(settings_come_from_the_environment),
        TEST(settings_of_our_own_variable_go_before_the_common_one),
        TEST(settings_of_flags_go_before_the_environment_and_that_before_the_file),
        TEST(settings_that_are_wrong_are_refused_in_a_sentence_that_names_them),
        TEST(settings_of_the_environment_are_refused_by_their_variable),
        TEST(settings_of_a_file_are_refused_with_their_place),
        TEST(settings_that_are_hidden_are_judged_all_the_same),
        TEST(settings_do_not_matter_to_who_asks_for_help),
        TEST(settings_are_all_in_the_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
