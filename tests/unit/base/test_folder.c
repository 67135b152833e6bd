#include "unit/base/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"

static unsigned folders_synced;

int fsync(int fd)
{
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    folders_synced += S_ISDIR(status.st_mode) ? 1 : 0;
    return fdatasync(fd);
}

static void a_folder_is_synced_and_anything_else_refused(void **state)
{
    (void)state;
    char folder[] = "/tmp/tb-test-folder-XXXXXX";
    char path[64];
    assert_non_null(mkdtemp(folder));
    assert_int_equal(tb_sync_folder(folder), 0);
    assert_int_equal(folders_synced, 1);
    (void)snprintf(path, sizeof(path), "%s/file", folder);
    assert_int_equal(tb_sync_folder(path), ENOENT);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fclose(file);
    assert_int_equal(tb_sync_folder(path), ENOTDIR);
    assert_int_equal(folders_synced, 1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_is_synced_and_anything_else_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
