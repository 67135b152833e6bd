/* What is said of an error that keeps a store from being opened, and errors that need not. */
#include "failing.h"
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lmdb.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct sentence {
    const char *call;
    int error;
    enum tb_err err;
    const char *before; /* the folder's name */
    const char *after;
};

static void expect_sentence(const struct sentence *said)
{
    struct stage stage = {.copy_fd = -1};
    char sentence[256];
    folder_make(stage.folder);
    prepare_store(&stage);
    fault.always = said->call;
    fault.error = said->error;
    assert_int_equal(run_create(&stage), said->err);
    fault.always = NULL;
    snprintf(sentence, sizeof sentence, "%s%s%s", said->before, stage.folder, said->after);
    assert_string_equal(stage.why, sentence);
    look_at_store(&stage, said->err);
    folder_remove(stage.folder);
}

static void an_error_has_its_sentence(void **state)
{
    (void)state;
    static const struct sentence rows[] = {
        {"open", EACCES, TB_E_STORAGE_DOWN, "The data folder ",
         " cannot be written: Permission denied"},
        {"open", EPERM, TB_E_STORAGE_DOWN, "The data folder ",
         " cannot be written: Operation not permitted"},
        {"open", EROFS, TB_E_STORAGE_DOWN, "The data folder ",
         " cannot be written: Read-only file system"},
        {"open", EIO, TB_E_STORAGE_DOWN, "The data folder ",
         " cannot be opened: Input/output error"},
        {"open", ENOSPC, TB_E_STORAGE_FULL, "There is no room on the disk of the data folder ", ""},
        {"open", EDQUOT, TB_E_STORAGE_FULL, "There is no room on the disk of the data folder ", ""},
        {"flock", EIO, TB_E_STORAGE_DOWN, "The data folder ",
         " cannot be locked: Input/output error"},
        {"mdb_env_open", EACCES, TB_E_STORAGE_DOWN, "The data folder ",
         " cannot be written: Permission denied"},
        {"mdb_env_open", EPERM, TB_E_STORAGE_DOWN, "The data folder ",
         " cannot be written: Operation not permitted"},
        {"mdb_env_open", EROFS, TB_E_STORAGE_DOWN, "The data folder ",
         " cannot be written: Read-only file system"},
        {"mdb_env_open", ENOSPC, TB_E_STORAGE_FULL,
         "There is no room on the disk of the data folder ", ""},
        {"mdb_env_open", MDB_VERSION_MISMATCH, TB_E_STORAGE_CORRUPT, "",
         "/data.mdb is damaged or is not a board's"},
        {"mdb_env_open", ENOMEM, TB_E_STORAGE_DOWN, "The store in ",
         " cannot be opened: Cannot allocate memory"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        expect_sentence(&rows[i]);
    }
}

/* The map is address space; half of it is enough, too. */
static void a_map_for_which_there_is_no_address_space_is_made_smaller(void **state)
{
    (void)state;
    struct stage stage = {.copy_fd = -1};
    struct tb_store_stats stats;
    folder_make(stage.folder);
    prepare_store(&stage);
    fault.error = ENOMEM;
    fault.call = NULL;
    for (unsigned nth = 1; fault.call == NULL || strcmp(fault.call, "mdb_env_open") != 0; nth++) {
        tb_store_close(&stage.store);
        fault.countdown = nth;
        enum tb_err err = run_create(&stage);
        assert_int_equal(fault.countdown, 0);
        assert_true(err == TB_OK || stage.store == NULL);
    }
    struct world other = *given.world;
    other.store = stage.store;
    assert_int_equal(tb_reader_new(other.store, &other.reader), TB_OK);
    struct tb_txn *txn = snapshot(&other);
    assert_int_equal(tb_store_stats(txn, &stats), TB_OK);
    assert_int_equal(stats.limit_bytes, UINT64_C(1) << 39);
    tb_read_end(&txn);
    close_store_of(&other);
    folder_remove(stage.folder);
}

/* With the names of its files it is longer than a path may be. */
static void a_folder_with_too_long_a_name_is_refused(void **state)
{
    (void)state;
    enum { LEN = PATH_MAX - 3 };
    char top[64];
    char path[PATH_MAX];
    char why[PATH_MAX + 256];
    struct tb_store *store = NULL;
    struct tb_store_options too_long = {.url = path, .readers_max = 2, .create = true};
    folder_make(top);
    size_t len = (size_t)snprintf(path, sizeof path, "%s", top);
    while (len < LEN) {
        size_t name = LEN - len < 200 ? LEN - len : 200;
        path[len] = '/';
        memset(path + len + 1, 'x', name - 1);
        path[len += name] = '\0';
        assert_int_equal(mkdir(path, 0700), 0);
    }
    assert_int_equal(tb_store_open(&too_long, &store, why, sizeof why), TB_E_STORAGE_DOWN);
    assert_non_null(strstr(why, "cannot be opened: File name too long"));
    struct stage stage = {.copy_fd = -1};
    folder_make(stage.folder);
    prepare_copy(&stage);
    struct tb_restore options = {.url = path, .from_fd = stage.copy_fd, .judge = judge};
    assert_int_equal(tb_store_restore(&options, why, sizeof why), TB_E_STORAGE_DOWN);
    assert_non_null(strstr(why, "cannot be written: File name too long"));
    close(stage.copy_fd);
    folder_remove(stage.folder);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(unlinkat(fd, "lock", 0), 0); /* nor can that be removed by its whole name */
    close(fd);
    folder_remove(top);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_has_its_sentence),
        cmocka_unit_test(a_map_for_which_there_is_no_address_space_is_made_smaller),
        cmocka_unit_test(a_folder_with_too_long_a_name_is_refused),
    };
    return cmocka_run_group_tests_name("refusals", tests, give, take_back);
}
