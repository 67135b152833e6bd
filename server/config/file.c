#include "config/file.h"

#include <errno.h>
#include <stdio.h>

#define WHY            TB_SETTINGS_WHY_BYTES
#define FILE_BYTES_MAX 65536
#define NAMES_MAX      256

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct tb_str trim(struct tb_str s)
{
    while (s.len > 0 && is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.ptr[s.len - 1])) {
        s.len--;
    }
    return s;
}

static struct tb_str without_comment(struct tb_str line)
{
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] == '#' && (i == 0 || is_blank(line.ptr[i - 1]))) {
            return tb_str_from(line.ptr, i);
        }
    }
    return line;
}

static struct tb_str unquote(struct tb_str value)
{
    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"') {
        return tb_str_from(value.ptr + 1, value.len - 2);
    }
    return value;
}

static const char *c_string(struct tb_arena *arena, struct tb_str s)
{
    return tb_arena_printf(arena, "%.*s", (int)s.len, s.ptr).ptr;
}

/* The whole file, or an absent string with `why`. */
static struct tb_str slurp(struct tb_arena *arena, const char *path, char why[WHY])
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        (void)snprintf(why, WHY, "cannot read the configuration file %.256s: %s", path,
                       strerror(errno));
        return TB_STR_NONE;
    }
    char *bytes = tb_arena_alloc(arena, FILE_BYTES_MAX + 1);
    size_t len = fread(bytes, 1, FILE_BYTES_MAX + 1, file);
    bool failed = ferror(file) != 0;
    (void)fclose(file);
    if (failed || len > FILE_BYTES_MAX || memchr(bytes, '\0', len) != NULL) {
        (void)snprintf(why, WHY, "cannot read the configuration file %.256s: %s", path,
                       failed                 ? strerror(EIO)
                       : len > FILE_BYTES_MAX ? "it is too long"
                                              : "it is no text");
        return TB_STR_NONE;
    }
    return tb_str_from(bytes, len);
}

struct seen {
    const char *names[NAMES_MAX];
    size_t count;
};

static bool remember(struct seen *seen, const char *name)
{
    for (size_t i = 0; i < seen->count; i++) {
        if (strcmp(seen->names[i], name) == 0) {
            return true;
        }
    }
    if (seen->count < NAMES_MAX) {
        seen->names[seen->count++] = name;
    }
    return false;
}

bool tb_config_read(struct tb_arena *arena, const char *path, tb_config_visit *visit, void *ctx,
                    char why[WHY])
{
    struct seen seen = {.count = 0};
    struct tb_str rest = slurp(arena, path, why);
    if (rest.ptr == NULL) {
        return false;
    }
    for (unsigned number = 1; rest.len > 0; number++) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        size_t len = end == NULL ? rest.len : (size_t)(end - rest.ptr);
        struct tb_str line = trim(without_comment(tb_str_from(rest.ptr, len)));
        size_t skip = end == NULL ? len : len + 1;
        rest = tb_str_from(rest.ptr + skip, rest.len - skip);
        if (line.len == 0) {
            continue;
        }
        const char *equals = memchr(line.ptr, '=', line.len);
        if (equals == NULL) {
            (void)snprintf(why, WHY, "%.256s:%u: a line is `name = value`", path, number);
            return false;
        }
        size_t name_len = (size_t)(equals - line.ptr);
        struct tb_str value = trim(tb_str_from(equals + 1, line.len - name_len - 1));
        struct tb_config_line found = {
            .number = number,
            .name = c_string(arena, trim(tb_str_from(line.ptr, name_len))),
            .value = c_string(arena, unquote(value)),
        };
        found.repeated = remember(&seen, found.name);
        if (!visit(ctx, &found)) {
            return false;
        }
    }
    return true;
}
