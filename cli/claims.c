#include "claims.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "files.h"

#define TOKEN_BYTES_MAX 256
#define ID_BYTES_MAX    64
#define OWNER_ONLY      0700

/* An id becomes the name of a file: nothing but letters and digits. */
static bool is_id(const char *id)
{
    size_t len = strspn(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    return len > 0 && len <= ID_BYTES_MAX && id[len] == '\0';
}

static const char *folder(struct tb_arena *arena)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (state != NULL && state[0] == '/') {
        return tb_arena_printf(arena, "%s/taskboard/claims", state).ptr;
    }
    if (home != NULL && home[0] == '/') {
        return tb_arena_printf(arena, "%s/.local/state/taskboard/claims", home).ptr;
    }
    return NULL;
}

/* Makes the folder and those above it. */
static bool make_folder(struct tb_arena *arena, const char *path)
{
    char *copy = tb_arena_alloc(arena, strlen(path) + 1);
    memcpy(copy, path, strlen(path) + 1);
    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, OWNER_ONLY) != 0 && errno != EEXIST) {
            return false;
        }
        *slash = '/';
    }
    return mkdir(copy, OWNER_ONLY) == 0 || errno == EEXIST;
}

static const char *path_of(struct tb_arena *arena, const char *task_id)
{
    const char *where = folder(arena);
    return where == NULL || !is_id(task_id) ? NULL
                                            : tb_arena_printf(arena, "%s/%s", where, task_id).ptr;
}

bool cli_claim_can_be_kept(struct tb_arena *arena)
{
    const char *where = folder(arena);
    if (where == NULL) {
        cli_complain("there is no place for the claim's token: HOME is not set");
        return false;
    }
    if (!make_folder(arena, where) || access(where, W_OK) != 0) {
        cli_complain("there is no place for the claim's token: cannot write to %s: %s", where,
                     strerror(errno));
        return false;
    }
    return true;
}

bool cli_claim_keep(struct tb_arena *arena, const char *task_id, const char *token)
{
    const char *path = path_of(arena, task_id);
    return path != NULL && cli_write_secret(arena, path, tb_arena_printf(arena, "%s\n", token));
}

static const char *read_token(struct tb_arena *arena, const char *path)
{
    FILE *file = path == NULL ? NULL : fopen(path, "re");
    if (file == NULL) {
        return NULL;
    }
    char *token = tb_arena_zalloc(arena, TOKEN_BYTES_MAX + 1);
    size_t len = fread(token, 1, TOKEN_BYTES_MAX, file);
    (void)fclose(file);
    token[strcspn(token, "\n")] = '\0';
    return len == 0 || token[0] == '\0' ? NULL : token;
}

const char *cli_claim_find(struct tb_arena *arena, const char *task_id)
{
    const char *ours = getenv("TASK_ID");
    if (ours != NULL && strcmp(ours, task_id) == 0) {
        const char *token = read_token(arena, getenv("TASK_CLAIM_FILE"));
        if (token != NULL) {
            return token;
        }
    }
    return read_token(arena, path_of(arena, task_id));
}

void cli_claim_forget(struct tb_arena *arena, const char *task_id)
{
    const char *path = path_of(arena, task_id);
    if (path != NULL) {
        (void)unlink(path);
    }
}
