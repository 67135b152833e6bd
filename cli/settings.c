#include "settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOKEN_BYTES_MAX 4096
#define HOST_BYTES_MAX  256

static const char *from_environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* A token goes into a header: no white space, no control characters. */
static bool is_token(const char *token)
{
    for (const char *at = token; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~') {
            return false;
        }
    }
    return token[0] != '\0';
}

/* The file's only line, or NULL with `*why`. */
static const char *read_token(struct tb_arena *arena, const char *path, const char **why)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        *why =
            tb_arena_printf(arena, "cannot read the token file %s: %s", path, strerror(errno)).ptr;
        return NULL;
    }
    char *bytes = tb_arena_zalloc(arena, TOKEN_BYTES_MAX + 1);
    size_t len = fread(bytes, 1, TOKEN_BYTES_MAX, file);
    (void)fclose(file);
    while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r' || bytes[len - 1] == ' ')) {
        bytes[--len] = '\0';
    }
    if (!is_token(bytes)) {
        *why = tb_arena_printf(arena, "the token file %s does not hold one token", path).ptr;
        return NULL;
    }
    return bytes;
}

static bool find_token(struct cli_settings *settings, struct tb_arena *arena, const char **why)
{
    if (settings->token_file == NULL) {
        settings->token = from_environment("TASKBOARD_TOKEN");
        if (settings->token == NULL) {
            settings->token = from_environment("VERS_AUTH_TOKEN");
        }
        if (settings->token != NULL && !is_token(settings->token)) {
            *why = "the token in the environment has characters that no token has";
            return false;
        }
        if (settings->token == NULL) {
            settings->token_file = from_environment("TASKBOARD_TOKEN_FILE");
        }
    }
    if (settings->token_file != NULL) {
        settings->token = read_token(arena, settings->token_file, why);
        return settings->token != NULL;
    }
    return true;
}

static const char *user_at_host(struct tb_arena *arena)
{
    char host[HOST_BYTES_MAX] = "";
    const char *user = from_environment("USER");
    if (gethostname(host, sizeof(host) - 1) != 0) {
        host[0] = '\0';
    }
    return tb_arena_printf(arena, "%.100s@%.100s", user == NULL ? "somebody" : user, host).ptr;
}

static bool complete_url(struct cli_settings *settings, struct tb_arena *arena, const char **why)
{
    if (settings->url == NULL) {
        settings->url = from_environment("TASKBOARD_URL");
    }
    const char *url = settings->url == NULL ? CLI_URL_DEFAULT : settings->url;
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) {
        *why = "the board's URL must begin with http:// or https://";
        return false;
    }
    if (strspn(strchr(url, '/'), "/") != 2 || strchr(url, '/')[2] == '\0') {
        *why = "the board's URL names no host";
        return false;
    }
    if (strpbrk(url, "?#@ ") != NULL) {
        *why = "the board's URL takes no query, no fragment and no name of a user";
        return false;
    }
    size_t len = strlen(url);
    len -= url[len - 1] == '/' ? 1 : 0;
    settings->url = tb_arena_printf(arena, "%.*s", (int)len, url).ptr;
    return true;
}

static bool is_color(const char *color)
{
    return strcmp(color, "auto") == 0 || strcmp(color, "always") == 0 ||
           strcmp(color, "never") == 0;
}

bool cli_settings_complete(struct cli_settings *settings, struct tb_arena *arena, bool needs_token,
                           const char **why)
{
    if (settings->color == NULL) {
        settings->color = "auto";
    }
    if (!is_color(settings->color)) {
        *why = "--color is auto, always or never";
        return false;
    }
    if (settings->ca_file == NULL) {
        settings->ca_file = from_environment("TASKBOARD_CA_FILE");
    }
    if (settings->agent == NULL) {
        settings->agent = from_environment("TASKBOARD_AGENT");
    }
    if (settings->agent == NULL) {
        settings->agent = user_at_host(arena);
    }
    return complete_url(settings, arena, why) && (!needs_token || find_token(settings, arena, why));
}
