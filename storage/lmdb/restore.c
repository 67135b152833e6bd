#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "lmdb/lmdb.h"

/* A copy becomes a store much as a new store does (create.c). It has a folder of its own until then,
 * as what judges it opens it as a store:
 *
 *   new/data.mdb, synced and judged  ->  data.mdb, the folder synced  ->  new/ removed
 */

#define NEW           "new"
#define FILE_NAME     "data.mdb"
#define HALF_MADE     "data.mdb.new" /* by create.c */
#define NEW_FILE_NAME NEW "/" FILE_NAME

#define PIECE_BYTES ((size_t)1 << 20)

/* LMDB maps what the file holds if that is more; else as much as the copied store might grow to,
 * for which there may be no address space. */
#define SMALL_MAP_BYTES ((size_t)1 << 20)

/* What an empty data folder may hold: what an attempt that was cut short leaves, and a token that
 * was put there beforehand. */
static bool is_no_board(const char *name)
{
    static const char *const names[] = {".", "..", "lock", NEW, HALF_MADE, "admin-token"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* One that does not exist is empty, and one that cannot be read is left to who opens it. */
static bool is_empty(const char *folder, char *why, size_t why_size)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return true;
    }
    const struct dirent *entry = readdir(dir);
    while (entry != NULL && is_no_board(entry->d_name)) {
        entry = readdir(dir);
    }
    if (entry != NULL) {
        (void)snprintf(why, why_size, "The folder %s is not empty: it holds %.64s", folder,
                       entry->d_name);
    }
    (void)closedir(dir);
    return entry == NULL;
}

static int forget(int folder_fd, const char *name, int flags)
{
    return unlinkat(folder_fd, name, flags) == 0 || errno == ENOENT ? 0 : errno;
}

int tb_lmdb_forget_restore(int folder_fd)
{
    int rc = forget(folder_fd, NEW_FILE_NAME, 0);
    rc = rc != 0 ? rc : forget(folder_fd, NEW "/lock.mdb", 0);
    rc = rc != 0 ? rc : forget(folder_fd, NEW "/lock", 0);
    return rc != 0 ? rc : forget(folder_fd, NEW, AT_REMOVEDIR);
}

static int make_new(int folder_fd)
{
    int rc = tb_lmdb_forget_restore(folder_fd);
    return rc != 0 || mkdirat(folder_fd, NEW, 0700) == 0 ? rc : errno;
}

static int move_in(int folder_fd)
{
    bool moved = renameat(folder_fd, NEW_FILE_NAME, folder_fd, FILE_NAME) == 0;
    return moved && fsync(folder_fd) == 0 ? 0 : errno;
}

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, bytes, len);
        if (written < 0 && errno != EINTR) {
            return errno;
        }
        if (written > 0) {
            bytes += written;
            len -= (size_t)written;
        }
    }
    return 0;
}

/* `*read_rc` is what reading met, which is not the new folder's fault. */
static int copy_file(int from_fd, int fd, int *read_rc)
{
    char *piece = malloc(PIECE_BYTES);
    if (piece == NULL) {
        tb_out_of_memory();
    }
    int rc = 0;
    ssize_t len = 1;
    while (rc == 0 && len != 0) {
        len = read(from_fd, piece, PIECE_BYTES);
        if (len > 0) {
            rc = write_all(fd, piece, (size_t)len);
        } else if (len < 0 && errno != EINTR) {
            rc = *read_rc = errno;
        }
    }
    free(piece);
    return rc != 0 || fsync(fd) == 0 ? rc : errno;
}

static int fill_new(int folder_fd, int from_fd, int *read_rc)
{
    int rc = make_new(folder_fd);
    if (rc != 0) {
        return rc;
    }
    int fd = openat(folder_fd, NEW_FILE_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno;
    }
    rc = copy_file(from_fd, fd, read_rc);
    return close(fd) == 0 || rc != 0 ? rc : errno;
}

static enum tb_err explain(int rc, int read_rc, const char *folder, char *why, size_t why_size)
{
    if (read_rc != 0) {
        (void)snprintf(why, why_size, "The backup cannot be read: %s", strerror(read_rc));
        return TB_E_STORAGE_DOWN;
    }
    if (rc == ENOSPC || rc == EDQUOT) {
        (void)snprintf(why, why_size, "There is no room on the disk of the data folder %s", folder);
        return TB_E_STORAGE_FULL;
    }
    (void)snprintf(why, why_size, "The data folder %s cannot be written: %s", folder, strerror(rc));
    return TB_E_STORAGE_DOWN;
}

/* A copy has no page that is not in use, so that its length follows from its root. Of one that was
 * cut, LMDB would map what is not there. */
static bool is_whole(const char *made)
{
    MDB_env *env = NULL;
    MDB_envinfo info;
    MDB_stat stat;
    struct stat status = {0};
    int fd = -1;
    if (mdb_env_create(&env) != 0) {
        return false;
    }
    bool whole = mdb_env_set_mapsize(env, SMALL_MAP_BYTES) == 0 &&
                 mdb_env_open(env, made, MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0) == 0;
    if (whole) {
        (void)mdb_env_info(env, &info); /* they fail for want of an environment alone */
        (void)mdb_env_stat(env, &stat);
        (void)mdb_env_get_fd(env, &fd);
        whole = fstat(fd, &status) == 0 &&
                (uint64_t)status.st_size == ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
    }
    mdb_env_close(env);
    return whole;
}

static enum tb_err restore(const struct tb_restore *restore, const char *folder, int folder_fd,
                           char *why, size_t why_size)
{
    char made[PATH_MAX];
    int read_rc = 0;
    int len = snprintf(made, sizeof made, "%s/" NEW, folder);
    int rc = len > 0 && (size_t)len < sizeof made ? fill_new(folder_fd, restore->from_fd, &read_rc)
                                                  : ENAMETOOLONG;
    if (rc == 0 && (!tb_lmdb_has_page_size(folder_fd, NEW_FILE_NAME) || !is_whole(made))) {
        (void)snprintf(why, why_size, "This is no backup, or only a part of one");
        return TB_E_STORAGE_CORRUPT;
    }
    if (rc == 0 && !restore->judge(restore->ctx, made, why, why_size)) {
        return TB_E_STORAGE_CORRUPT;
    }
    rc = rc != 0 ? rc : move_in(folder_fd);
    return rc == 0 ? TB_OK : explain(rc, read_rc, folder, why, why_size);
}

enum tb_err tb_lmdb_restore(const struct tb_restore *options, const char *folder, char *why,
                            size_t why_size)
{
    int folder_fd = -1;
    int lock_fd = -1;
    if (!is_empty(folder, why, why_size)) {
        return TB_E_STORAGE_DOWN;
    }
    enum tb_err err =
        tb_lmdb_folder_open(folder, TB_FOLDER_CREATE, &folder_fd, &lock_fd, why, why_size);
    if (err != TB_OK) {
        return err;
    }
    /* Once more, now that nobody else can make a board there. */
    err = is_empty(folder, why, why_size) ? restore(options, folder, folder_fd, why, why_size)
                                          : TB_E_STORAGE_DOWN;
    int removed = tb_lmdb_forget_restore(folder_fd);
    if (err == TB_OK && removed != 0) {
        err = explain(removed, 0, folder, why, why_size);
    }
    close(lock_fd);
    close(folder_fd);
    return err;
}
