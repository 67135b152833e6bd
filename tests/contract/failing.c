#include "failing.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct failing fault;

static bool fails_now(const char *call)
{
    unsigned left = atomic_load(&fault.countdown);
    while (left > 0 && !atomic_compare_exchange_weak(&fault.countdown, &left, left - 1)) {
    }
    bool due = left == 1;
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
