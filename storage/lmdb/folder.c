#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lmdb/lmdb.h"

static enum tb_err explain(int code, const char *folder, char *why, size_t why_size)
{
    switch (code) {
    case ENOENT:
        snprintf(why, why_size, "The data folder %s does not exist", folder);
        break;
    case ENOTDIR:
        snprintf(why, why_size, "%s is not a folder", folder);
        break;
    case EACCES:
    case EPERM:
    case EROFS:
        snprintf(why, why_size, "The data folder %s cannot be written: %s", folder, strerror(code));
        break;
    case ENOSPC:
    case EDQUOT:
        snprintf(why, why_size, "There is no room on the disk of the data folder %s", folder);
        return TB_E_STORAGE_FULL;
    default:
        snprintf(why, why_size, "The data folder %s cannot be opened: %s", folder, strerror(code));
        break;
    }
    return TB_E_STORAGE_DOWN;
}

/* A folder outlives a power cut only once its parent is on the disk. Whoever made it may have been
 * killed before that, so every start sees to it. */
static int sync_parent(int folder_fd)
{
    int fd = openat(folder_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return errno == EACCES ? 0 : errno;
    }
    int code = fsync(fd) == 0 || errno == EINVAL ? 0 : errno; /* some cannot be synced */
    close(fd);
    return code;
}

static int open_folder(const char *folder, bool create, int *fd)
{
    int code = create && mkdir(folder, 0700) != 0 ? errno : 0;
    *fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0) {
        return code != 0 && code != EEXIST ? code : errno;
    }
    return create ? sync_parent(*fd) : 0;
}

/* The lock file holds its owner's process id, for the sentence that refuses the next one. */
static long read_owner(int lock_fd)
{
    char text[24] = "";
    return pread(lock_fd, text, sizeof text - 1, 0) > 0 ? strtol(text, NULL, 10) : 0;
}

static void write_owner(int lock_fd)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(lock_fd, 0) != 0 || pwrite(lock_fd, text, (size_t)len, 0) != len) {
        return; /* it is only a courtesy */
    }
}

static enum tb_err lock(int folder_fd, const char *folder, bool writes, int *lock_fd, char *why,
                        size_t why_size)
{
    int fd = openat(folder_fd, "lock", writes ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDONLY | O_CLOEXEC,
                    0600);
    if (fd < 0 && errno == ENOENT && !writes) {
        *lock_fd = -1; /* nobody has it, and nothing is to be made */
        return TB_OK;
    }
    if (fd < 0) {
        return explain(errno, folder, why, why_size);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int code = errno;
        if (code == EWOULDBLOCK) {
            snprintf(why, why_size,
                     "The data folder %s is in use by another taskboardd (process %ld)", folder,
                     read_owner(fd));
        } else {
            snprintf(why, why_size, "The data folder %s cannot be locked: %s", folder,
                     strerror(code));
        }
        close(fd);
        return TB_E_STORAGE_DOWN;
    }
    if (writes) {
        write_owner(fd);
    }
    *lock_fd = fd;
    return TB_OK;
}

static enum tb_err refuse_empty(const char *folder, char *why, size_t why_size)
{
    snprintf(why, why_size, "The folder %s holds no board", folder);
    return TB_E_STORAGE_DOWN;
}

enum tb_err tb_lmdb_folder_open(const char *folder, enum tb_folder_use use, int *folder_fd,
                                int *lock_fd, char *why, size_t why_size)
{
    int fd = -1;
    bool create = use == TB_FOLDER_CREATE;
    int code = open_folder(folder, create, &fd);
    enum tb_err err = TB_E_STORAGE_DOWN;
    if (fd < 0 && create && code == ENOENT) {
        snprintf(why, why_size, "The folder that is to hold the data folder %s does not exist",
                 folder);
    } else if (code != 0) {
        err = explain(code, folder, why, why_size);
    } else if (!create && faccessat(fd, "data.mdb", F_OK, 0) != 0) {
        err = errno == ENOENT ? refuse_empty(folder, why, why_size)
                              : explain(errno, folder, why, why_size);
    } else {
        err = lock(fd, folder, use != TB_FOLDER_READ, lock_fd, why, why_size);
    }
    if (err != TB_OK) {
        if (fd >= 0) {
            close(fd);
        }
        return err;
    }
    *folder_fd = fd;
    return TB_OK;
}

int tb_lmdb_fill_readers(int folder_fd, unsigned readers)
{
    /* As LMDB has them, but for a head that is smaller: of a longer table it uses all. */
    enum { HEAD_BYTES = 256, READER_BYTES = 64, PIECE_BYTES = 4096 };
    static const char zeros[PIECE_BYTES];
    struct stat status = {.st_size = 0};
    off_t needed = HEAD_BYTES + (off_t)readers * READER_BYTES;
    int fd = openat(folder_fd, "lock.mdb", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return 0; /* LMDB finds out why */
    }
    int code = fstat(fd, &status) == 0 ? 0 : errno;
    off_t left = needed - status.st_size;
    while (code == 0 && left > 0) {
        ssize_t written = write(fd, zeros, left < PIECE_BYTES ? (size_t)left : PIECE_BYTES);
        left -= written > 0 ? written : 0;
        code = written == 0 ? ENOSPC : written < 0 && errno != EINTR ? errno : 0;
    }
    close(fd);
    return code;
}
