#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "lmdb/lmdb.h"

/* LMDB copies into a file descriptor, and with it compacts: only pages in use, in the order of
 * their keys. So a thread copies into a pipe, and who asked for the copy reads from that:
 *
 *   LMDB's walk → its own writing thread → pipe → tb_lmdb_copy → write()
 *
 * Whoever has enough closes the pipe; the thread then meets EPIPE at its next megabyte, and ends
 * its snapshot.
 *
 * LMDB begins that snapshot itself, so that nobody can begin it anew as txn.c does: if a commit
 * ends in between, the root is a later one, which the disk may be about to take. Its pages are
 * synced by then, and kept for the number that the snapshot has, which is lower. Of a root that is
 * half of one and half of another LMDB finds in the end that it has not the pages that it says
 * (MDB_INCOMPATIBLE); a restore checks all of it. */

#define PIECE_BYTES ((size_t)64 * 1024)

struct copying {
    const struct tb_lmdb_store *store;
    int fd; /* the pipe's end to write to; the thread closes it */
    int rc;
};

/* An environment in which nobody may begin anything any more is no reason to give no copy. */
static int copy_failed(const struct copying *copying)
{
    MDB_env *env = NULL;
    int rc = tb_lmdb_open_beside(copying->store, &env);
    if (rc == 0) {
        rc = mdb_env_copyfd2(env, copying->fd, MDB_CP_COMPACT);
        mdb_env_close(env);
    }
    return rc;
}

static void *copy(void *arg)
{
    struct copying *copying = arg;
    copying->rc = mdb_env_copyfd2(copying->store->env, copying->fd, MDB_CP_COMPACT);
    if (copying->rc == MDB_PANIC) {
        copying->rc = copy_failed(copying);
    }
    close(copying->fd);
    return NULL;
}

/* Until the pipe ends. False: `write` has had enough. */
static bool pass_on(int fd, tb_write_bytes *write, void *ctx)
{
    char piece[PIECE_BYTES];
    ssize_t len = 0;
    while ((len = read(fd, piece, sizeof piece)) > 0 || (len < 0 && errno == EINTR)) {
        if (len > 0 && !write(ctx, piece, (size_t)len)) {
            return false;
        }
    }
    return len == 0;
}

enum tb_err tb_lmdb_copy(struct tb_store *base, tb_write_bytes *write, void *ctx)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return TB_E_STORAGE_DOWN;
    }
    struct copying copying = {.store = (const struct tb_lmdb_store *)base, .fd = fds[1]};
    pthread_t thread;
    if (pthread_create(&thread, NULL, copy, &copying) != 0) {
        close(fds[0]);
        close(fds[1]);
        return TB_E_STORAGE_DOWN;
    }
    bool passed = pass_on(fds[0], write, ctx);
    close(fds[0]);
    (void)pthread_join(thread, NULL);
    return copying.rc != 0 ? tb_lmdb_err(copying.rc) : passed ? TB_OK : TB_E_STORAGE_DOWN;
}
