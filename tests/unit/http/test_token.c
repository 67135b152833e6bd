#include "unit/base/check.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/token.h"

static char why[512];
static struct tb_token token;

struct fixture {
    char dir[64];
    char path[128]; /* of a file in it */
    char kept[128]; /* where a made token stands */
};

static int set_up(void **state)
{
    static struct fixture f;
    (void)snprintf(f.dir, sizeof(f.dir), "/tmp/tb-test-token-XXXXXX");
    if (sodium_init() < 0 || mkdtemp(f.dir) == NULL) {
        return -1;
    }
    (void)snprintf(f.path, sizeof(f.path), "%s/token", f.dir);
    (void)snprintf(f.kept, sizeof(f.kept), "%s/admin-token", f.dir);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    (void)unlink(f->path);
    (void)unlink(f->kept);
    return rmdir(f->dir);
}

static void write_file(const char *path, struct tb_str content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content.ptr, content.len), content.len);
    close(fd);
}

static bool obtain(const char *vers, const char *taskboard, const char *file, const char *dir)
{
    struct tb_token_options options = {vers, taskboard, file, dir};
    why[0] = '\0';
    return tb_token_obtain(&options, &token, why, sizeof(why));
}

static void token_comes_from_either_variable(void **state)
{
    struct fixture *f = *state;
    assert_true(obtain("one", NULL, NULL, f->dir));
    assert_string_equal(token.bytes, "one");
    assert_string_equal(token.variable, "VERS_AUTH_TOKEN");
    assert_true(obtain(NULL, "two ", NULL, f->dir));
    assert_string_equal(token.bytes, "two");
    assert_string_equal(token.variable, "TASKBOARD_TOKEN");
    assert_true(obtain("same", "same", NULL, f->dir));
    assert_string_equal(token.bytes, "same");
    assert_int_not_equal(access(f->kept, F_OK), 0);
}

static void token_that_is_set_but_empty_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_false(obtain("", NULL, NULL, f->dir));
    assert_non_null(strstr(why, "VERS_AUTH_TOKEN"));
    assert_false(obtain(NULL, " \n", NULL, f->dir));
    assert_non_null(strstr(why, "TASKBOARD_TOKEN"));
}

static void token_is_refused_when_its_sources_disagree(void **state)
{
    struct fixture *f = *state;
    assert_false(obtain("one", "two", NULL, f->dir));
    assert_non_null(strstr(why, "VERS_AUTH_TOKEN"));
    assert_non_null(strstr(why, "TASKBOARD_TOKEN"));
    write_file(f->path, TB_STR("three\n"));
    assert_false(obtain("one", NULL, f->path, f->dir));
    assert_non_null(strstr(why, f->path));
    assert_true(obtain("three", NULL, f->path, f->dir));
    assert_string_equal(token.variable, "VERS_AUTH_TOKEN");
}

static void token_file_holds_one_token(void **state)
{
    struct fixture *f = *state;
    write_file(f->path, TB_STR("  from-a-file \r\n"));
    assert_true(obtain(NULL, NULL, f->path, f->dir));
    assert_string_equal(token.bytes, "from-a-file");
    assert_null(token.variable);
    assert_string_equal(token.path, f->path);
}

static void token_file_without_exactly_one_token_is_refused(void **state)
{
    struct fixture *f = *state;
    static const struct tb_str bad[] = {TB_STR(""), TB_STR("\n \n"), TB_STR("two words"),
                                        TB_STR("one\ntwo\n"), TB_STR("a\0b")};
    for (size_t i = 0; i < COUNT(bad); i++) {
        write_file(f->path, bad[i]);
        assert_false(obtain(NULL, NULL, f->path, f->dir));
        assert_non_null(strstr(why, f->path));
    }
    assert_false(obtain(NULL, NULL, "/nowhere/token", f->dir));
    assert_non_null(strstr(why, "/nowhere/token"));
}

static void token_is_made_once_and_kept_private(void **state)
{
    struct fixture *f = *state;
    struct stat info;
    assert_true(obtain(NULL, NULL, NULL, f->dir));
    assert_true(token.made);
    assert_null(token.variable);
    assert_string_equal(token.path, f->kept);
    assert_true(token.len >= 40);
    assert_int_equal(stat(f->kept, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    struct tb_token made = token;
    assert_true(obtain(NULL, NULL, NULL, f->dir));
    assert_false(token.made);
    assert_string_equal(token.bytes, made.bytes);
}

static void token_that_was_half_made_is_made_anew(void **state)
{
    struct fixture *f = *state;
    char unfinished[160];
    (void)snprintf(unfinished, sizeof(unfinished), "%s.new", f->kept);
    write_file(unfinished, TB_STR("ab"));
    assert_true(obtain(NULL, NULL, NULL, f->dir));
    assert_true(token.made && token.len >= 40);
    assert_int_not_equal(access(unfinished, F_OK), 0);
}

static void token_is_not_made_where_there_is_no_folder(void **state)
{
    (void)state;
    assert_false(obtain(NULL, NULL, NULL, NULL));
    assert_false(obtain(NULL, NULL, NULL, "/nowhere"));
    assert_non_null(strstr(why, "/nowhere/admin-token"));
}

static void token_is_wiped(void **state)
{
    (void)state;
    assert_true(obtain("one", NULL, NULL, NULL));
    tb_token_wipe(&token);
    assert_int_equal(token.len, 0);
    assert_true(sodium_is_zero((const unsigned char *)token.bytes, sizeof(token.bytes)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(token_comes_from_either_variable),
        TEST(token_that_is_set_but_empty_is_refused),
        TEST(token_is_refused_when_its_sources_disagree),
        TEST(token_file_holds_one_token),
        TEST(token_file_without_exactly_one_token_is_refused),
        TEST(token_is_made_once_and_kept_private),
        TEST(token_that_was_half_made_is_made_anew),
        TEST(token_is_not_made_where_there_is_no_folder),
        TEST(token_is_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
