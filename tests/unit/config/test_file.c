#include "unit/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/file.h"

static char why[TB_SETTINGS_WHY_BYTES];

struct fixture {
    struct tb_arena *arena;
    char path[64];
    char seen[1024]; /* `number name=value,` for each line; `!` for a repeated name */
};

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.arena = tb_arena_new(0), .path = "/tmp/tb-test-config-XXXXXX"};
    int fd = mkstemp(f.path);
    close(fd);
    *state = &f;
    return fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    tb_arena_free(f->arena);
    return unlink(f->path);
}

static bool note(void *ctx, const struct tb_config_line *line)
{
    struct fixture *f = ctx;
    size_t len = strlen(f->seen);
    (void)snprintf(f->seen + len, sizeof(f->seen) - len, "%u %s=%s%s,", line->number, line->name,
                   line->value, line->repeated ? "!" : "");
    return strcmp(line->name, "stop") != 0;
}

static bool read_text(struct fixture *f, struct tb_str text)
{
    FILE *file = fopen(f->path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
    (void)fclose(file);
    f->seen[0] = '\0';
    return tb_config_read(f->arena, f->path, note, f, why);
}

static void config_file_is_names_and_values(void **state)
{
    struct fixture *f = *state;
    assert_true(read_text(f, TB_STR("port = 3000\nhost=::1\r\n\n  data\t= /a b  ")));
    assert_string_equal(f->seen, "1 port=3000,2 host=::1,4 data=/a b,");
    assert_true(read_text(f, TB_STR("")));
    assert_string_equal(f->seen, "");
}

static void config_file_has_comments_and_quotes(void **state)
{
    struct fixture *f = *state;
    assert_true(
        read_text(f, TB_STR("# all of it\n  # this too\na = 1 # that\nb = x#y\nc = \" z \"\n"
                            "d = \"\"\ne = a=b\n")));
    assert_string_equal(f->seen, "3 a=1,4 b=x#y,5 c= z ,6 d=,7 e=a=b,");
}

static void config_file_tells_of_repeated_names(void **state)
{
    struct fixture *f = *state;
    assert_true(read_text(f, TB_STR("a = 1\nb = 2\na = 3\n")));
    assert_string_equal(f->seen, "1 a=1,2 b=2,3 a=3!,");
}

static void config_file_with_a_line_that_sets_nothing_is_refused_with_its_place(void **state)
{
    struct fixture *f = *state;
    assert_false(read_text(f, TB_STR("a = 1\n\nport\n")));
    assert_non_null(strstr(why, f->path));
    assert_non_null(strstr(why, ":3:"));
}

static void config_file_stops_when_its_reader_has_had_enough(void **state)
{
    struct fixture *f = *state;
    assert_false(read_text(f, TB_STR("a = 1\nstop = 2\nb = 3\n")));
    assert_string_equal(f->seen, "1 a=1,2 stop=2,");
}

static void config_file_that_cannot_be_read_is_named(void **state)
{
    struct fixture *f = *state;
    assert_false(tb_config_read(f->arena, "/nowhere/x.conf", note, f, why));
    assert_non_null(strstr(why, "/nowhere/x.conf"));
    assert_false(tb_config_read(f->arena, "/tmp", note, f, why));
    assert_false(read_text(f, TB_STR("a = \0\n")));
    static char long_text[70000];
    memset(long_text, '#', sizeof(long_text));
    assert_false(read_text(f, tb_str_from(long_text, sizeof(long_text))));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(config_file_is_names_and_values),
        TEST(config_file_has_comments_and_quotes),
        TEST(config_file_tells_of_repeated_names),
        TEST(config_file_with_a_line_that_sets_nothing_is_refused_with_its_place),
        TEST(config_file_stops_when_its_reader_has_had_enough),
        TEST(config_file_that_cannot_be_read_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
