#include "config/settings.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>

#include "config/file.h"
#include "config/table.h"

#define WHY TB_SETTINGS_WHY_BYTES

/* Where values come from, the strongest first: what one source has set, a weaker one leaves alone.
 * Its value is judged all the same: a wrong line of the file is wrong also while a flag hides it.
 */
enum origin { ORIGIN_NONE, ORIGIN_FLAGS, ORIGIN_ENV, ORIGIN_FILE, ORIGIN_DEFAULTS };

#define SETTINGS_MAX 64

struct source {
    struct tb_settings *settings;
    char *why;
    struct tb_settings hidden;        /* values that a stronger source has set already */
    enum origin origin;               /* whose turn it is */
    enum origin set_by[SETTINGS_MAX]; /* by row of the table */
};

/* Puts the name in front of what a parser found wrong. */
static bool apply(struct source *source, const struct tb_setting *setting, const char *value,
                  const char *shown_name)
{
    char wrong[WHY];
    enum origin *set_by = &source->set_by[setting - tb_settings_table];
    assert(tb_settings_table_count <= SETTINGS_MAX);
    bool hidden = *set_by != ORIGIN_NONE && *set_by != source->origin;
    struct tb_settings *settings = hidden ? &source->hidden : source->settings;
    if (!hidden) {
        *set_by = source->origin;
    }
    if (!setting->parse(setting, value, (char *)settings + setting->offset, wrong)) {
        (void)snprintf(source->why, WHY, "%s %.*s", shown_name, WHY - 128, wrong);
        return false;
    }
    return true;
}

static void apply_defaults(struct source *source)
{
    source->origin = ORIGIN_DEFAULTS;
    for (size_t i = 0; i < tb_settings_table_count; i++) {
        const struct tb_setting *setting = &tb_settings_table[i];
        bool shown_only = (setting->flags & TB_SETTING_REPEATS) != 0;
        if (setting->initial != NULL && !shown_only) {
            bool ok = apply(source, setting, setting->initial, setting->name);
            assert(ok);
            (void)ok;
        }
    }
}

/* --- flags --- */

static bool refuse_flag(struct source *source, struct tb_str name)
{
    const char *nearest = tb_setting_nearest(name);
    (void)snprintf(source->why, WHY, "there is no flag --%.*s%s%s%s; --help lists all",
                   (int)(name.len < 64 ? name.len : 64), name.ptr,
                   nearest == NULL ? "" : "; did you mean --", nearest == NULL ? "" : nearest,
                   nearest == NULL ? "" : "?");
    return false;
}

/* Splits `--name=value` or `--name value`; `*at` moves behind it. `*value` is NULL for a switch
 * without one. */
static bool next_flag(struct source *source, int argc, char **argv, int *at,
                      const struct tb_setting **setting, const char **value)
{
    const char *argument = argv[(*at)++];
    if (strcmp(argument, "-h") == 0) {
        argument = "--help";
    }
    if (strncmp(argument, "--", 2) != 0 || argument[2] == '\0') {
        (void)snprintf(source->why, WHY, "\"%.64s\" is no flag; --help lists all", argument);
        return false;
    }
    const char *equals = strchr(argument, '=');
    size_t len = equals == NULL ? strlen(argument) - 2 : (size_t)(equals - argument) - 2;
    struct tb_str name = tb_str_from(argument + 2, len);
    *setting = tb_setting_find(name);
    if (*setting == NULL) {
        return refuse_flag(source, name);
    }
    *value = equals == NULL ? NULL : equals + 1;
    if (*value != NULL || ((*setting)->flags & TB_SETTING_SWITCH) != 0) {
        return true;
    }
    if (*at == argc) {
        (void)snprintf(source->why, WHY, "--%s needs a value: %s", (*setting)->name,
                       (*setting)->argument);
        return false;
    }
    *value = argv[(*at)++];
    return true;
}

static bool apply_flag(struct source *source, const struct tb_setting *setting, const char *value)
{
    char shown[64];
    (void)snprintf(shown, sizeof(shown), "--%s", setting->name);
    return apply(source, setting, value == NULL ? "true" : value, shown);
}

static bool apply_flags(struct source *source, int argc, char **argv)
{
    int at = 1;
    source->origin = ORIGIN_FLAGS;
    while (at < argc) {
        const struct tb_setting *setting;
        const char *value = NULL;
        if (!next_flag(source, argc, argv, &at, &setting, &value) ||
            !apply_flag(source, setting, value)) {
            return false;
        }
    }
    return true;
}

/* --- environment --- */

static void env_name(const struct tb_setting *setting, char out[64])
{
    size_t len = (size_t)snprintf(out, 64, "TASKBOARD_%s", setting->name);
    assert(len < 64);
    for (size_t i = 0; i < len; i++) {
        out[i] = out[i] == '-' ? '_' : (char)toupper((unsigned char)out[i]);
    }
}

/* A list stands in one variable, separated by commas. */
static bool apply_env_list(struct source *source, struct tb_arena *arena,
                           const struct tb_setting *setting, const char *value, const char *name)
{
    struct tb_str copy = tb_arena_printf(arena, "%s", value);
    char *at = (char *)(uintptr_t)copy.ptr, *rest;
    for (char *one = strtok_r(at, ", ", &rest); one != NULL; one = strtok_r(NULL, ", ", &rest)) {
        if (!apply(source, setting, one, name)) {
            return false;
        }
    }
    return true;
}

/* The variable's value; NULL when it is not set or empty. `name` becomes the one that was found. */
static const char *look_up(const struct tb_setting *setting, tb_getenv_fn *env, void *env_ctx,
                           char name[64])
{
    env_name(setting, name);
    const char *value = env(env_ctx, name);
    if ((value == NULL || value[0] == '\0') && setting->other_env != NULL) {
        (void)snprintf(name, 64, "%s", setting->other_env);
        value = env(env_ctx, name);
    }
    return value == NULL || value[0] == '\0' ? NULL : value;
}

static bool apply_env(struct source *source, struct tb_arena *arena, tb_getenv_fn *env,
                      void *env_ctx)
{
    source->origin = ORIGIN_ENV;
    for (size_t i = 0; i < tb_settings_table_count; i++) {
        const struct tb_setting *setting = &tb_settings_table[i];
        char name[64];
        const char *value = look_up(setting, env, env_ctx, name);
        if (value == NULL || (setting->flags & TB_SETTING_FLAG_ONLY) != 0) {
            continue;
        }
        bool ok = (setting->flags & TB_SETTING_REPEATS) != 0
                      ? apply_env_list(source, arena, setting, value, name)
                      : apply(source, setting, value, name);
        if (!ok) {
            return false;
        }
    }
    return true;
}

/* --- file --- */

static bool apply_line(void *ctx, const struct tb_config_line *line)
{
    struct source *source = ctx;
    char shown[WHY];
    (void)snprintf(shown, sizeof(shown), "%.128s:%u: %.64s", source->settings->config, line->number,
                   line->name);
    const struct tb_setting *setting = tb_setting_find(tb_str_c(line->name));
    if (setting == NULL) {
        const char *nearest = tb_setting_nearest(tb_str_c(line->name));
        (void)snprintf(source->why, WHY, "%.256s is no setting%s%s%s", shown,
                       nearest == NULL ? "" : "; did you mean ", nearest == NULL ? "" : nearest,
                       nearest == NULL ? "" : "?");
        return false;
    }
    if ((setting->flags & (TB_SETTING_FLAG_ONLY | TB_SETTING_NOT_IN_FILE)) != 0) {
        (void)snprintf(source->why, WHY, "%.256s cannot be set in a file", shown);
        return false;
    }
    if (line->repeated && (setting->flags & TB_SETTING_REPEATS) == 0) {
        (void)snprintf(source->why, WHY, "%.256s is set twice", shown);
        return false;
    }
    shown[256] = '\0';
    return apply(source, setting, line->value, shown);
}

static bool apply_file(struct source *source, struct tb_arena *arena)
{
    const char *path = source->settings->config;
    source->origin = ORIGIN_FILE;
    return path == NULL || tb_config_read(arena, path, apply_line, source, source->why);
}

bool tb_settings_load(struct tb_settings *settings, struct tb_arena *arena, int argc, char **argv,
                      tb_getenv_fn *env, void *env_ctx, char why[WHY])
{
    struct source source = {.settings = settings};
    source.why = why;
    *settings = (struct tb_settings){.port = 0};
    if (!apply_flags(&source, argc, argv)) {
        return false;
    }
    if (settings->help || settings->version) {
        return true;
    }
    if (!apply_env(&source, arena, env, env_ctx) || !apply_file(&source, arena)) {
        return false;
    }
    apply_defaults(&source);
    return true;
}
