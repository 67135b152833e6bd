#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "lmdb/lmdb.h"

/* LMDB begins a file with its two roots, in one write that it does not sync. What a failing disk or
 * a power cut leaves of that is no store, and LMDB would refuse it for ever. So the file is made
 * under another name, and gets its own when it is on the disk:
 *
 *   data.mdb.new, synced  ->  data.mdb, the folder synced
 *
 * What is left of an earlier attempt, or of a restore, is removed first. The lock of the data
 * folder keeps others out. */

#define FILE_NAME     "data.mdb"
#define NEW_FILE_NAME FILE_NAME ".new"

/* An empty environment, synced. */
static int make_file(const char *path)
{
    MDB_env *env = NULL;
    int rc = mdb_env_create(&env);
    if (rc != 0) {
        return rc;
    }
    rc = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK, 0600);
    if (rc == 0) {
        rc = mdb_env_sync(env, 1);
    }
    mdb_env_close(env);
    return rc;
}

static int remove_new(int folder_fd)
{
    return unlinkat(folder_fd, NEW_FILE_NAME, 0) == 0 || errno == ENOENT ? 0 : errno;
}

static int move_in(int folder_fd)
{
    bool moved = renameat(folder_fd, NEW_FILE_NAME, folder_fd, FILE_NAME) == 0;
    return moved && fsync(folder_fd) == 0 ? 0 : errno;
}

int tb_lmdb_create(const struct tb_lmdb_store *store, const char *folder)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/" NEW_FILE_NAME, folder);
    int rc = len < 0 || (size_t)len >= sizeof path ? ENAMETOOLONG : remove_new(store->folder_fd);
    rc = rc != 0 ? rc : tb_lmdb_forget_restore(store->folder_fd);
    if (rc != 0 || faccessat(store->folder_fd, FILE_NAME, F_OK, 0) == 0 || errno != ENOENT) {
        return rc; /* what is there is for LMDB to judge */
    }
    rc = make_file(path);
    rc = rc != 0 ? rc : move_in(store->folder_fd);
    if (rc != 0) {
        (void)remove_new(store->folder_fd);
    }
    return rc;
}
