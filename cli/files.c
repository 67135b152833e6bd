#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/folder.h"
#include "base/json.h"
#include "cli.h"

#define FILE_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define PIECE_BYTES    65536
#define DEPTH_MAX      64
#define NODES_MAX      16
#define OWNER_ONLY     0600

struct tb_str cli_read_file(struct tb_arena *arena, const char *path)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    if (file == NULL) {
        cli_complain("cannot read %s: %s", path, strerror(errno));
        return TB_STR_NONE;
    }
    struct tb_buf out;
    tb_buf_init(&out, arena, PIECE_BYTES);
    size_t got;
    do {
        got = fread(tb_buf_reserve(&out, PIECE_BYTES), 1, PIECE_BYTES, file);
        out.len += got;
    } while (got > 0 && out.len <= FILE_BYTES_MAX);
    bool failed = ferror(file) != 0;
    if (!is_stdin) {
        (void)fclose(file);
    }
    if (failed || out.len > FILE_BYTES_MAX) {
        cli_complain("cannot read %s: %s", path, failed ? strerror(EIO) : "it is too long");
        return TB_STR_NONE;
    }
    return tb_buf_str(&out);
}

bool cli_given_json(struct tb_arena *arena, const char *name, const char *word, const char *file,
                    struct tb_str *json)
{
    const struct tb_json_limits limits = {DEPTH_MAX, 1, NODES_MAX};
    struct tb_json_error error;
    *json = TB_STR_NONE;
    if (word == NULL && file == NULL) {
        return true;
    }
    if (word != NULL && file != NULL) {
        cli_complain("--%s and --%s-file exclude each other", name, name);
        return false;
    }
    struct tb_str text = word != NULL ? tb_str_c(word) : cli_read_file(arena, file);
    if (text.ptr == NULL) {
        return false;
    }
    const struct tb_json *value = tb_json_parse(arena, text, &limits, &error);
    if (value == NULL) {
        cli_complain("--%s is no JSON: %.*s", name, (int)error.text.len, error.text.ptr);
        return false;
    }
    *json = value->raw;
    return true;
}

static bool write_all(int fd, struct tb_str bytes)
{
    while (bytes.len > 0) {
        ssize_t put = write(fd, bytes.ptr, bytes.len);
        if (put < 0 && errno != EINTR) {
            return false;
        }
        size_t step = put < 0 ? 0 : (size_t)put;
        bytes = tb_str_from(bytes.ptr + step, bytes.len - step);
    }
    return true;
}

/* A name outlives a power cut only once its folder is on the disk; some cannot be read, or synced. */
static bool sync_folder_of(const char *path)
{
    char folder[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    if (slash != NULL) {
        (void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path) + 1, path);
    }
    int code = tb_sync_folder(folder);
    errno = code != 0 ? code : errno;
    return code == 0 || code == EACCES || code == EINVAL;
}

bool cli_move_in(int fd, const char *partial, const char *path)
{
    return fsync(fd) == 0 && rename(partial, path) == 0 && sync_folder_of(path);
}

bool cli_write_secret(struct tb_arena *arena, const char *path, struct tb_str bytes)
{
    const char *partial = tb_arena_printf(arena, "%s.%ld", path, (long)getpid()).ptr;
    int fd = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, OWNER_ONLY);
    bool ok = fd >= 0 && write_all(fd, bytes) && cli_move_in(fd, partial, path);
    int why = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    if (!ok) {
        cli_complain("cannot write %s: %s", path, strerror(why));
        if (fd >= 0) {
            (void)unlink(partial);
        }
    }
    return ok;
}
