#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lmdb/lmdb.h"

/* LMDB begins a file with its two roots, in one write that it does not sync. What a failing disk or
 * a power cut leaves of that is no store, and LMDB would refuse it for ever. So the file is made in
 * a folder of its own and gets its name when it is on the disk:
 *
 *   new/data.mdb, synced  ->  data.mdb, the folder synced  ->  new/ removed
 *
 * What is left of an earlier attempt is removed first. The lock of the data folder keeps others
 * out. */

#define NEW "new"

static int forget(int folder_fd, const char *name, int flags)
{
    return unlinkat(folder_fd, name, flags) == 0 || errno == ENOENT ? 0 : errno;
}

int tb_lmdb_remove_new(int folder_fd)
{
    int rc = forget(folder_fd, NEW "/data.mdb", 0);
    rc = rc != 0 ? rc : forget(folder_fd, NEW "/lock.mdb", 0);
    rc = rc != 0 ? rc : forget(folder_fd, NEW "/lock", 0);
    return rc != 0 ? rc : forget(folder_fd, NEW, AT_REMOVEDIR);
}

/* Opens an environment where nothing is, which makes its files, and closes it. */
static int make_files(struct tb_lmdb_store *store, const struct tb_store_options *options,
                      const char *folder)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/" NEW, folder);
    if (len < 0 || (size_t)len >= sizeof path) {
        return ENAMETOOLONG;
    }
    int rc = tb_lmdb_open_env(store, options, path);
    if (rc == 0) {
        rc = mdb_env_sync(store->env, 1);
        mdb_env_close(store->env);
        store->env = NULL;
    }
    return rc;
}

int tb_lmdb_make_new(int folder_fd)
{
    int rc = tb_lmdb_remove_new(folder_fd);
    return rc != 0 || mkdirat(folder_fd, NEW, 0700) == 0 ? rc : errno;
}

int tb_lmdb_move_new_in(int folder_fd)
{
    bool moved = renameat(folder_fd, NEW "/data.mdb", folder_fd, "data.mdb") == 0;
    return moved && fsync(folder_fd) == 0 ? 0 : errno;
}

int tb_lmdb_create(struct tb_lmdb_store *store, const struct tb_store_options *options,
                   const char *folder)
{
    int rc = tb_lmdb_remove_new(store->folder_fd);
    if (rc != 0 || faccessat(store->folder_fd, "data.mdb", F_OK, 0) == 0 || errno != ENOENT) {
        return rc; /* what is there is for LMDB to judge */
    }
    rc = tb_lmdb_make_new(store->folder_fd);
    rc = rc != 0 ? rc : make_files(store, options, folder);
    rc = rc != 0 ? rc : tb_lmdb_move_new_in(store->folder_fd);
    int removed = tb_lmdb_remove_new(store->folder_fd);
    return rc != 0 ? rc : removed;
}
