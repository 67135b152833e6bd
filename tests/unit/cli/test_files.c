/* Files outlive a power cut once they have their name. The program has fsync and rename of its own,
 * which note the order of what is done. */
#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli.h"

#define DONE_MAX 16

static char done[DONE_MAX]; /* f: a file synced; n: its name given; d: a folder synced */
static char fails;          /* one of them */
static int error;           /* with this */

static int note(char what)
{
    if (what == fails) {
        errno = error;
        return -1;
    }
    size_t len = strlen(done);
    assert_true(len + 1 < DONE_MAX);
    done[len] = what;
    done[len + 1] = '\0';
    return 0;
}

int fsync(int fd)
{
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    return note(S_ISDIR(status.st_mode) ? 'd' : 'f');
}

int rename(const char *from, const char *to)
{
    return note('n') != 0 ? -1 : (int)syscall(SYS_rename, from, to);
}

void cli_complain(const char *format, ...)
{
    assert_non_null(strstr(format, "cannot write"));
}

static int enter_folder(void **state)
{
    static char folder[] = "/tmp/taskboard-test-XXXXXX";
    (void)strcpy(folder, "/tmp/taskboard-test-XXXXXX");
    *state = folder;
    done[0] = '\0';
    fails = '\0';
    error = EIO;
    return mkdtemp(folder) == NULL || chdir(folder) != 0 || mkdir("keys", 0700) != 0;
}

static int leave_folder(void **state)
{
    (void)unlink("keys/token");
    (void)unlink("token");
    return rmdir("keys") != 0 || chdir("/") != 0 || rmdir(*state) != 0;
}

static bool write_to(const char *path)
{
    struct tb_arena *arena = tb_arena_new(0);
    bool ok = cli_write_secret(arena, path, TB_STR("secret\n"));
    tb_arena_free(arena);
    return ok;
}

static void the_folder_is_synced_behind_the_name(void **state)
{
    (void)state;
    assert_true(write_to("token"));
    assert_string_equal(done, "fnd");
    assert_true(write_to("keys/token"));
    assert_string_equal(done, "fndfnd");
    assert_int_equal(access("token", R_OK), 0);
    assert_int_equal(access("keys/token", R_OK), 0);
}

static void what_the_disk_refuses_is_told(void **state)
{
    (void)state;
    fails = 'd';
    assert_false(write_to("token"));
    assert_string_equal(done, "fn");
    error = EINVAL; /* this file system syncs no folders */
    assert_true(write_to("token"));
}

static void what_is_not_on_the_disk_gets_no_name(void **state)
{
    (void)state;
    fails = 'f';
    assert_false(write_to("token"));
    fails = 'n';
    assert_false(write_to("token"));
    assert_string_equal(done, "f");
    assert_int_not_equal(access("token", F_OK), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_folder_is_synced_behind_the_name, enter_folder,
                                        leave_folder),
        cmocka_unit_test_setup_teardown(what_the_disk_refuses_is_told, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(what_is_not_on_the_disk_gets_no_name, enter_folder,
                                        leave_folder),
    };
    return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
