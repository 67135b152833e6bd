/* One call of the system or of LMDB after the other fails, while a store is made, opened, brought up
 * to date, looked at, checked, copied or restored. Each time: an error that fits and a sentence, or
 * the work is done all the same; nothing stays open; and the next attempt, when nothing fails, finds
 * everything. The linker puts these functions in front of the real ones (--wrap). */
#include "older.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    unsigned countdown; /* the call that fails; 0: none */
    int error;
    const char *call;   /* that failed last */
    const char *always; /* every call of that name fails */
} fault;

static bool fails_now(const char *call)
{
    bool due = fault.countdown > 0 && --fault.countdown == 0;
    if (!due && (fault.always == NULL || strcmp(fault.always, call) != 0)) {
        return false;
    }
    fault.call = call;
    errno = fault.error;
    return true;
}

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#define WRAP(type, failed, name, parameters, arguments)                                            \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return fails_now(#name) ? (failed) : __real_##name arguments;                              \
    }

WRAP(int, -1, fsync, (int fd), (fd))
WRAP(int, -1, mkdir, (const char *path, mode_t mode), (path, mode))
WRAP(int, -1, mkdirat, (int dir, const char *path, mode_t mode), (dir, path, mode))
WRAP(int, -1, open, (const char *path, int flags, mode_t mode), (path, flags, mode))
WRAP(int, -1, openat, (int dir, const char *path, int flags, mode_t mode), (dir, path, flags, mode))
WRAP(int, -1, flock, (int fd, int operation), (fd, operation))
WRAP(int, -1, fstat, (int fd, struct stat *status), (fd, status))
WRAP(int, -1, ftruncate, (int fd, off_t size), (fd, size))
WRAP(int, -1, faccessat, (int dir, const char *path, int mode, int flags), (dir, path, mode, flags))
WRAP(int, -1, unlinkat, (int dir, const char *path, int flags), (dir, path, flags))
WRAP(int, -1, renameat, (int from_dir, const char *from, int to_dir, const char *to),
     (from_dir, from, to_dir, to))
WRAP(ssize_t, -1, pread, (int fd, void *bytes, size_t size, off_t at), (fd, bytes, size, at))
WRAP(ssize_t, -1, read, (int fd, void *bytes, size_t size), (fd, bytes, size))
WRAP(ssize_t, -1, write, (int fd, const void *bytes, size_t size), (fd, bytes, size))
WRAP(void *, MAP_FAILED, mmap,
     (void *address, size_t size, int access, int flags, int fd, off_t at),
     (address, size, access, flags, fd, at))
WRAP(int, -1, pipe2, (int fds[2], int flags), (fds, flags))
WRAP(int, -1, getentropy, (void *bytes, size_t size), (bytes, size))
WRAP(int, fault.error, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg),
     (thread, attr, start, arg))
WRAP(int, fault.error, mdb_env_create, (MDB_env * *env), (env))
WRAP(int, fault.error, mdb_env_open,
     (MDB_env * env, const char *path, unsigned flags, mdb_mode_t mode), (env, path, flags, mode))
WRAP(int, fault.error, mdb_env_set_mapsize, (MDB_env * env, size_t size), (env, size))
WRAP(int, fault.error, mdb_env_set_maxdbs, (MDB_env * env, MDB_dbi dbs), (env, dbs))
WRAP(int, fault.error, mdb_env_set_maxreaders, (MDB_env * env, unsigned readers), (env, readers))
WRAP(int, fault.error, mdb_env_sync, (MDB_env * env, int force), (env, force))
WRAP(int, fault.error, mdb_env_copyfd2, (MDB_env * env, mdb_filehandle_t fd, unsigned flags),
     (env, fd, flags))
WRAP(int, fault.error, mdb_reader_check, (MDB_env * env, int *dead), (env, dead))
WRAP(int, fault.error, mdb_txn_begin,
     (MDB_env * env, MDB_txn *parent, unsigned flags, MDB_txn **txn), (env, parent, flags, txn))
WRAP(int, fault.error, mdb_dbi_open,
     (MDB_txn * txn, const char *name, unsigned flags, MDB_dbi *dbi), (txn, name, flags, dbi))
WRAP(int, fault.error, mdb_get, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *value),
     (txn, dbi, key, value))
WRAP(int, fault.error, mdb_put,
     (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags),
     (txn, dbi, key, value, flags))
WRAP(int, fault.error, mdb_stat, (MDB_txn * txn, MDB_dbi dbi, MDB_stat *stat), (txn, dbi, stat))
WRAP(int, fault.error, mdb_cursor_get,
     (MDB_cursor * cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op),
     (cursor, key, value, op))

/* Nothing here has to outlive a power cut. */
int fdatasync(int fd)
{
    (void)fd;
    return 0;
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) /* what fails is what it was to write; it is closed */
{
    bool fails = fails_now("close");
    int error = errno;
    int rc = __real_close(fd);
    errno = fails ? error : errno;
    return fails ? -1 : rc;
}

int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn) /* frees it whatever happens */
{
    if (fails_now("mdb_txn_commit")) {
        mdb_txn_abort(txn);
        return fault.error;
    }
    return __real_mdb_txn_commit(txn);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* --- data folders, made anew for each attempt --- */

struct image {
    uint8_t *bytes;
    size_t size;
};

static struct {
    struct image store;
    struct image older;
    struct image copy;  /* what tb_store_copy made of it */
    struct tb_str dump; /* of all three */
    struct world *world;
} given;

struct stage {
    char folder[64];
    struct tb_store *store;
    int copy_fd;
    struct image copied;
    char why[256];
};

static struct image read_image(const char *folder)
{
    char path[128];
    struct stat status;
    snprintf(path, sizeof path, "%s/data.mdb", folder);
    int fd = open(path, O_RDONLY);
    assert_int_equal(fstat(fd, &status), 0);
    struct image image = {malloc((size_t)status.st_size), (size_t)status.st_size};
    assert_int_equal(pread(fd, image.bytes, image.size, 0), image.size);
    close(fd);
    return image;
}

static void write_image(const char *folder, const char *name, struct image image)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, image.bytes, image.size), image.size);
    close(fd);
}

static bool keep_copy(void *ctx, const void *bytes, size_t len)
{
    struct image *image = ctx;
    image->bytes = realloc(image->bytes, image->size + len);
    memcpy(image->bytes + image->size, bytes, len);
    image->size += len;
    return true;
}

static int give(void **state)
{
    (void)state;
    struct world *world = given.world = world_open(ENGINE_LMDB, 7);
    struct tb_id id = {{0}};
    for (int i = 0; i < 5; i++) {
        id = created(world, draft(world, "kept whatever fails"));
    }
    struct tb_txn *txn = begin(world);
    struct tb_vm vm = draft_vm(world, TB_STR("vm"));
    put_vm(world, txn, NULL, &vm);
    assert_int_equal(tb_put_note(txn, id, new_id(world), TB_STR("a note")), TB_OK);
    assert_int_equal(tb_put_artifact(txn, id, 0, TB_STR("an artifact")), TB_OK);
    commit(&txn);
    given.dump = dump_now(world);
    assert_int_equal(tb_store_copy(world->store, keep_copy, &given.copy), TB_OK);
    close_store_of(world);
    given.store = read_image(world->folder);
    make_older(world->folder);
    given.older = read_image(world->folder);
    world_reopen(world);
    return 0;
}

static int take_back(void **state)
{
    (void)state;
    world_close(given.world);
    free(given.store.bytes);
    free(given.older.bytes);
    free(given.copy.bytes);
    return 0;
}

static size_t open_files(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count;
}

/* Opens it when nothing fails, and compares. */
static void expect_everything(const char *folder, bool read_only)
{
    struct world other = *given.world;
    char why[256];
    struct tb_store_options options = {.url = folder, .readers_max = 2, .read_only = read_only};
    if (tb_store_open(&options, &other.store, why, sizeof why) != TB_OK) {
        fail_msg("after a failed %s: %s", fault.call, why);
    }
    assert_int_equal(tb_reader_new(other.store, &other.reader), TB_OK);
    assert_same_str(dump_now(&other), given.dump);
    expect_sound(&other);
    close_store_of(&other);
}

/* --- one call after the other --- */

struct work {
    void (*prepare)(struct stage *stage);
    enum tb_err (*run)(struct stage *stage);
    void (*look)(struct stage *stage, enum tb_err err); /* afterwards, when nothing fails */
    bool may_be_damage; /* what cannot be read is taken for damaged */
};

/* Whatever a system says, these need no room on the disk. */
static bool wants_room(const char *call)
{
    static const char *const names[] = {"flock", "read", "pipe2", "pthread_create"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(call, names[i]) == 0) {
            return false;
        }
    }
    return true;
}

static void judge_error(const struct work *work, const struct stage *stage, enum tb_err err)
{
    enum tb_err right =
        fault.error == ENOSPC && wants_room(fault.call) ? TB_E_STORAGE_FULL : TB_E_STORAGE_DOWN;
    bool good =
        err == TB_OK || err == right || (work->may_be_damage && err == TB_E_STORAGE_CORRUPT);
    if (!good || (err != TB_OK && strlen(stage->why) == 0)) {
        fail_msg("%s fails with %s: error %d and \"%s\"", fault.call, strerror(fault.error), err,
                 stage->why);
    }
}

/* False: there were not so many calls. */
static bool fail_at(const struct work *work, unsigned nth)
{
    struct stage stage = {.copy_fd = -1};
    folder_make(stage.folder);
    size_t files = open_files();
    work->prepare(&stage);
    fault.countdown = nth;
    enum tb_err err = work->run(&stage);
    bool failed = fault.countdown == 0;
    fault.countdown = 0;
    if (failed) {
        judge_error(work, &stage, err);
    } else {
        assert_int_equal(err, TB_OK);
    }
    tb_store_close(&stage.store);
    work->look(&stage, err);
    if (stage.copy_fd >= 0) {
        close(stage.copy_fd);
    }
    if (files != open_files()) {
        fail_msg("after a failed %s %zu files are open, not %zu", fault.call, open_files(), files);
    }
    free(stage.copied.bytes);
    folder_remove(stage.folder);
    return failed;
}

static void fail_at_every_call(const struct work *work, unsigned least)
{
    static const int errors[] = {EIO, ENOSPC, EACCES, EINTR};
    enum { CALLS_MAX = 5000 };
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        unsigned nth = 0;
        fault.error = errors[i];
        do {
            nth++;
            assert_true(nth < CALLS_MAX);
        } while (fail_at(work, nth));
        print_message("%s: %u calls failed, one after the other\n", strerror(errors[i]), nth - 1);
        assert_true(nth > least);
    }
}

/* --- what is done --- */

static void prepare_nothing(struct stage *stage)
{
    (void)stage;
}

static void prepare_store(struct stage *stage)
{
    write_image(stage->folder, "data.mdb", given.store);
}

static void prepare_older(struct stage *stage)
{
    write_image(stage->folder, "data.mdb", given.older);
}

static void prepare_copy(struct stage *stage)
{
    char path[128];
    write_image(stage->folder, "copy", given.copy);
    snprintf(path, sizeof path, "%s/copy", stage->folder);
    stage->copy_fd = open(path, O_RDONLY);
    assert_int_equal(unlink(path), 0);
}

static void prepare_cut(struct stage *stage)
{
    struct image part = {given.store.bytes, given.store.size / 2};
    write_image(stage->folder, "data.mdb", part);
}

static void prepare_open(struct stage *stage)
{
    prepare_store(stage);
    assert_int_equal(open_folder(stage->folder, false, 0, &stage->store, stage->why), TB_OK);
}

static enum tb_err run_create(struct stage *stage)
{
    return open_folder(stage->folder, true, 0, &stage->store, stage->why);
}

/* That it is refused is right. */
static enum tb_err run_refusal(struct stage *stage)
{
    enum tb_err err = run_create(stage);
    assert_int_not_equal(err, TB_OK);
    return err == TB_E_STORAGE_CORRUPT ? TB_OK : err;
}

static enum tb_err run_look(struct stage *stage)
{
    struct tb_store_options options = {.url = stage->folder, .readers_max = 2, .read_only = true};
    return tb_store_open(&options, &stage->store, stage->why, sizeof stage->why);
}

static void note_fault(void *ctx, const char *told)
{
    struct stage *stage = ctx;
    snprintf(stage->why, sizeof stage->why, "%s", told);
}

/* What could not be looked at is told as a fault. */
static enum tb_err run_check(struct stage *stage)
{
    struct tb_store_tally tally;
    enum tb_err err = tb_store_verify(stage->store, note_fault, stage, &tally);
    if (err != TB_OK && strlen(stage->why) == 0) {
        snprintf(stage->why, sizeof stage->why, "not checked");
    }
    if (fault.countdown == 0 && strlen(stage->why) == 0) {
        fail_msg("%s failed, and the check told nothing", fault.call);
    }
    return err;
}

static enum tb_err run_copy(struct stage *stage)
{
    snprintf(stage->why, sizeof stage->why, "not copied");
    return tb_store_copy(stage->store, keep_copy, &stage->copied);
}

static bool judge(void *ctx, const char *folder, char *why, size_t why_size)
{
    struct tb_store *store = NULL;
    struct tb_store_options options = {.url = folder, .readers_max = 1};
    (void)ctx;
    if (tb_store_open(&options, &store, why, why_size) != TB_OK) {
        return false;
    }
    tb_store_close(&store);
    return true;
}

static enum tb_err run_restore(struct stage *stage)
{
    struct tb_restore options = {.url = stage->folder, .from_fd = stage->copy_fd, .judge = judge};
    return tb_store_restore(&options, stage->why, sizeof stage->why);
}

/* --- what is there afterwards --- */

static void look_at_cut(struct stage *stage, enum tb_err err)
{
    (void)err;
    assert_int_equal(run_refusal(stage), TB_OK);
    assert_non_null(strstr(stage->why, "a part of it is missing"));
}

static void look_at_new(struct stage *stage, enum tb_err err)
{
    struct tb_store *store = NULL;
    (void)err;
    assert_int_equal(open_folder(stage->folder, true, 0, &store, stage->why), TB_OK);
    struct world other = *given.world;
    other.store = store;
    expect_sound(&other);
    tb_store_close(&store);
}

static void look_at_store(struct stage *stage, enum tb_err err)
{
    (void)err;
    expect_everything(stage->folder, true);
    expect_everything(stage->folder, false);
}

static void look_at_copy(struct stage *stage, enum tb_err err)
{
    assert_true(err != TB_OK || stage->copied.size == given.copy.size);
    look_at_store(stage, err);
}

/* All of it or nothing; and nothing stands in the way of the next attempt. */
static void look_at_restored(struct stage *stage, enum tb_err err)
{
    char path[128];
    snprintf(path, sizeof path, "%s/data.mdb", stage->folder);
    bool is_there = access(path, F_OK) == 0;
    assert_true(err != TB_OK || is_there);
    if (!is_there) {
        assert_int_equal(lseek(stage->copy_fd, 0, SEEK_SET), 0);
        assert_int_equal(run_restore(stage), TB_OK);
    }
    expect_everything(stage->folder, false);
}

/* --- the tests --- */

static void a_store_that_cannot_be_made_is_made_by_the_next_attempt(void **state)
{
    (void)state;
    fail_at_every_call(&(struct work){prepare_nothing, run_create, look_at_new, false}, 60);
}

static void a_store_that_cannot_be_opened_is_opened_by_the_next_attempt(void **state)
{
    (void)state;
    fail_at_every_call(&(struct work){prepare_store, run_create, look_at_store, false}, 30);
}

static void an_upgrade_that_fails_is_done_by_the_next_attempt(void **state)
{
    (void)state;
    fail_at_every_call(&(struct work){prepare_older, run_create, look_at_store, false}, 30);
}

static void a_store_that_cannot_be_looked_at_can_be_later(void **state)
{
    (void)state;
    fail_at_every_call(&(struct work){prepare_store, run_look, look_at_store, false}, 25);
}

static void a_file_that_was_cut_is_refused_whatever_fails(void **state)
{
    (void)state;
    fail_at_every_call(&(struct work){prepare_cut, run_refusal, look_at_cut, false}, 12);
}

static void a_check_that_could_not_look_says_so(void **state)
{
    (void)state;
    fail_at_every_call(&(struct work){prepare_open, run_check, look_at_store, true}, 60);
}

static void a_copy_that_fails_says_so(void **state)
{
    (void)state;
    fail_at_every_call(&(struct work){prepare_open, run_copy, look_at_copy, false}, 3);
}

static void a_restore_that_fails_leaves_all_or_nothing(void **state)
{
    (void)state;
    fail_at_every_call(&(struct work){prepare_copy, run_restore, look_at_restored, true}, 60);
}

/* --- what is said of an error --- */

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
    folder_remove(top);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_that_cannot_be_made_is_made_by_the_next_attempt),
        cmocka_unit_test(a_store_that_cannot_be_opened_is_opened_by_the_next_attempt),
        cmocka_unit_test(an_upgrade_that_fails_is_done_by_the_next_attempt),
        cmocka_unit_test(a_store_that_cannot_be_looked_at_can_be_later),
        cmocka_unit_test(a_file_that_was_cut_is_refused_whatever_fails),
        cmocka_unit_test(a_check_that_could_not_look_says_so),
        cmocka_unit_test(a_copy_that_fails_says_so),
        cmocka_unit_test(a_restore_that_fails_leaves_all_or_nothing),
        cmocka_unit_test(an_error_has_its_sentence),
        cmocka_unit_test(a_map_for_which_there_is_no_address_space_is_made_smaller),
        cmocka_unit_test(a_folder_with_too_long_a_name_is_refused),
    };
    return cmocka_run_group_tests_name("failing calls", tests, give, take_back);
}
