#include "archive.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"
#include "base/instant.h"
#include "base/log.h"

#define DAY_LEN 10

static int write_all(int fd, struct tb_str bytes)
{
    while (bytes.len > 0) {
        ssize_t written = write(fd, bytes.ptr, bytes.len);
        if (written < 0 && errno != EINTR) {
            return errno;
        }
        if (written > 0) {
            bytes.ptr += written;
            bytes.len -= (size_t)written;
        }
    }
    return 0;
}

/* A crash may have cut the last line short: it must not spoil the next one. */
static int end_last_line(int fd, off_t size)
{
    char last = '\n';
    if (size > 0 && pread(fd, &last, 1, size - 1) < 0) {
        return errno;
    }
    return last == '\n' ? 0 : write_all(fd, TB_STR("\n"));
}

/* All of the lines, or nothing. */
static int append(int fd, struct tb_str lines)
{
    struct stat before;
    if (fstat(fd, &before) != 0) {
        return errno;
    }
    int code = end_last_line(fd, before.st_size);
    code = code != 0 ? code : write_all(fd, lines);
    code = code != 0 || fsync(fd) == 0 ? code : errno;
    if (code != 0 && ftruncate(fd, before.st_size) != 0) {
        code = errno;
    }
    return code;
}

bool tb_archive_append(void *dir, int64_t now_ms, struct tb_str lines)
{
    char path[PATH_MAX];
    char now[TB_INSTANT_LEN];
    tb_instant_format(now_ms, now);
    int len = snprintf(path, sizeof(path), "%s/done-%.*s.ndjson", (const char *)dir, DAY_LEN, now);
    int code = len > 0 && (size_t)len < sizeof(path) ? 0 : ENAMETOOLONG;
    int fd = code == 0 ? open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd >= 0) {
        code = append(fd, lines);
        (void)close(fd);
        code = code != 0 ? code : tb_sync_folder(dir);
    } else if (code == 0) {
        code = errno;
    }
    if (code != 0) {
        tb_log(TB_LOG_ERROR, "finished tasks stay: they cannot be archived", TB_LOG_C("file", path),
               TB_LOG_C("because", strerror(code)));
    }
    return code == 0;
}

const char *tb_archive_trouble(const char *dir)
{
    struct stat status;
    int code = stat(dir, &status) != 0         ? errno
               : !S_ISDIR(status.st_mode)      ? ENOTDIR
               : access(dir, W_OK | X_OK) != 0 ? errno
                                               : 0;
    return code == 0 ? NULL : strerror(code);
}
