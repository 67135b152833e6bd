#include "http/token.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"

#define RANDOM_BYTES 32
#define FILE_NAME    "admin-token"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool take(struct tb_token *token, const char *bytes, const char *origin, char *why,
                 size_t why_size)
{
    size_t len = strlen(bytes);
    while (len > 0 && is_space(bytes[len - 1])) {
        len--;
    }
    while (len > 0 && is_space(bytes[0])) {
        bytes++;
        len--;
    }
    if (len == 0) {
        (void)snprintf(why, why_size, "%s is empty; an empty token would let everybody in", origin);
        return false;
    }
    if (len > TB_TOKEN_BYTES_MAX) {
        (void)snprintf(why, why_size, "%s holds a token of more than %d bytes", origin,
                       TB_TOKEN_BYTES_MAX);
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)bytes[i] < ' ' || bytes[i] == 0x7f) {
            (void)snprintf(why, why_size, "%s holds more than one line, or no text", origin);
            return false;
        }
    }
    memmove(token->bytes, bytes, len);
    token->bytes[len] = '\0';
    token->len = len;
    return true;
}

/* Reads a file that holds one token. False with errno 0 when `why` has been written. */
static bool read_file(struct tb_token *token, const char *path, char *why, size_t why_size)
{
    char bytes[TB_TOKEN_BYTES_MAX + 16];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t len = read(fd, bytes, sizeof(bytes) - 1);
    int error = errno;
    close(fd);
    errno = error;
    if (len < 0) {
        return false;
    }
    bytes[len] = '\0';
    bool ok = memchr(bytes, '\0', (size_t)len) == NULL;
    if (!ok) {
        (void)snprintf(why, why_size, "%s holds no text", path);
    } else {
        ok = take(token, bytes, path, why, why_size);
    }
    if (ok && strpbrk(token->bytes, " \t") != NULL) {
        (void)snprintf(why, why_size, "%s holds more than one token", path);
        ok = false;
    }
    sodium_memzero(bytes, sizeof(bytes));
    errno = 0;
    return ok;
}

static bool sync_folder(const char *path)
{
    int code = tb_sync_folder(path);
    errno = code != 0 ? code : errno;
    return code == 0;
}

static bool write_new_file(const char *path, const char *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return false;
    }
    errno = EIO; /* what a write that was cut short does not say */
    bool ok = fchmod(fd, 0600) == 0 && write(fd, bytes, len) == (ssize_t)len && fsync(fd) == 0;
    int error = errno;
    close(fd);
    if (!ok) {
        (void)unlink(path);
        errno = error;
    }
    return ok;
}

/* Under another name first: after a crash there is a whole token or none. The store's lock keeps
 * other servers out. */
static bool make(struct tb_token *token, const char *dir)
{
    unsigned char random[RANDOM_BYTES];
    char
        text[sodium_base64_ENCODED_LEN(RANDOM_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING) + 1];
    char new_path[sizeof(token->path) + 8];
    randombytes_buf(random, sizeof(random));
    sodium_bin2base64(text, sizeof(text), random, sizeof(random),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    token->len = strlen(text);
    memcpy(token->bytes, text, token->len + 1);
    text[token->len] = '\n';
    (void)snprintf(new_path, sizeof(new_path), "%s.new", token->path);
    (void)unlink(new_path);
    bool ok = write_new_file(new_path, text, token->len + 1) &&
              rename(new_path, token->path) == 0 && sync_folder(dir);
    sodium_memzero(random, sizeof(random));
    sodium_memzero(text, sizeof(text));
    token->made = ok;
    return ok;
}

static bool find_or_make(struct tb_token *token, const char *dir, char *why, size_t why_size)
{
    int len = snprintf(token->path, sizeof(token->path), "%s/" FILE_NAME, dir);
    if (len < 0 || (size_t)len >= sizeof(token->path)) {
        (void)snprintf(why, why_size, "the path of the data folder is too long");
        return false;
    }
    if (read_file(token, token->path, why, why_size)) {
        return true;
    }
    if (errno == ENOENT && make(token, dir)) {
        return true;
    }
    if (errno != 0) {
        (void)snprintf(why, why_size, "cannot keep the admin token in %s: %s", token->path,
                       strerror(errno));
    }
    return false;
}

/* A second source must agree with what was found so far. */
static bool agree(const struct tb_token *first, const struct tb_token *second)
{
    return first->len == 0 || (first->len == second->len &&
                               sodium_memcmp(first->bytes, second->bytes, first->len) == 0);
}

static bool add_variable(struct tb_token *token, const char *value, const char *name,
                         const char **origin, char *why, size_t why_size)
{
    struct tb_token found = {.variable = name};
    if (value == NULL) {
        return true;
    }
    bool ok = take(&found, value, name, why, why_size);
    if (ok && !agree(token, &found)) {
        (void)snprintf(why, why_size, "%s and %s are both set, to different tokens; unset one",
                       *origin, name);
        ok = false;
    }
    if (ok) {
        *token = found;
        *origin = name;
    }
    tb_token_wipe(&found);
    return ok;
}

static bool add_file(struct tb_token *token, const char *path, const char *origin, char *why,
                     size_t why_size)
{
    struct tb_token found = {.variable = origin};
    if (path == NULL) {
        return true;
    }
    (void)snprintf(found.path, sizeof(found.path), "%s", origin == NULL ? path : "");
    bool ok = read_file(&found, path, why, why_size);
    if (!ok && errno != 0) {
        (void)snprintf(why, why_size, "cannot read the token file %s: %s", path, strerror(errno));
    }
    if (ok && !agree(token, &found)) {
        (void)snprintf(why, why_size, "%s and the token file %s hold different tokens", origin,
                       path);
        ok = false;
    }
    if (ok) {
        *token = found;
    }
    tb_token_wipe(&found);
    return ok;
}

bool tb_token_obtain(const struct tb_token_options *options, struct tb_token *token, char *why,
                     size_t why_size)
{
    const char *origin = NULL;
    *token = (struct tb_token){.len = 0};
    if (!add_variable(token, options->vers_auth_token, "VERS_AUTH_TOKEN", &origin, why, why_size) ||
        !add_variable(token, options->taskboard_token, "TASKBOARD_TOKEN", &origin, why, why_size) ||
        !add_file(token, options->file, origin, why, why_size)) {
        return false;
    }
    if (token->len > 0) {
        return true;
    }
    if (options->data_dir == NULL) {
        (void)snprintf(why, why_size,
                       "this store has no folder to keep a token in: set VERS_AUTH_TOKEN, or give "
                       "--token-file or --no-auth");
        return false;
    }
    return find_or_make(token, options->data_dir, why, why_size);
}

void tb_token_wipe(struct tb_token *token)
{
    sodium_memzero(token->bytes, sizeof(token->bytes));
    token->len = 0;
}
