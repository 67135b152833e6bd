#include "options.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"

#define NEAR_ENOUGH 3

static bool read_number(const struct cli_option *option, struct tb_str text, int64_t unit,
                        int64_t *number)
{
    int64_t value;
    if (!tb_str_to_i64(text, &value) || value > INT64_MAX / unit || value < INT64_MIN / unit) {
        return false;
    }
    value *= unit;
    if (value < option->min || value > option->max) {
        return false;
    }
    *number = value;
    return true;
}

/* The seconds that a unit stands for; 0: it is none. */
static int64_t unit_seconds(char unit)
{
    switch (unit) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    default:
        return 0;
    }
}

static bool read_seconds(const struct cli_option *option, struct tb_str text, int64_t *number)
{
    int64_t unit = text.len > 0 ? unit_seconds(text.ptr[text.len - 1]) : 0;
    text.len -= unit != 0 ? 1 : 0;
    return read_number(option, text, unit == 0 ? 1 : unit, number);
}

static const char *refuse_number(struct tb_arena *arena, const struct cli_option *option,
                                 const char *value)
{
    return tb_arena_printf(
               arena, "--%s takes a whole number from %" PRId64 " to %" PRId64 "%s, not \"%s\"",
               option->name, option->min, option->max,
               option->kind == CLI_SECONDS ? " (seconds; or with s, m, h, d)" : "", value)
        .ptr;
}

/* Puts the value into its place; else what is wrong with it. */
static const char *take(struct tb_arena *arena, const struct cli_option *option, void *target,
                        const char *value)
{
    void *slot = (char *)target + option->offset;
    struct cli_list *list = slot;
    switch (option->kind) {
    case CLI_SWITCH:
        *(bool *)slot = true;
        return NULL;
    case CLI_TEXT:
        *(const char **)slot = value;
        return NULL;
    case CLI_TEXTS:
        if (list->count == CLI_LIST_MAX) {
            return tb_arena_printf(arena, "--%s is given too often", option->name).ptr;
        }
        list->items[list->count++] = value;
        return NULL;
    case CLI_NUMBER:
        return read_number(option, tb_str_c(value), 1, slot) ? NULL
                                                             : refuse_number(arena, option, value);
    default:
        return read_seconds(option, tb_str_c(value), slot) ? NULL
                                                           : refuse_number(arena, option, value);
    }
}

static const struct cli_option *find(const struct cli_option_set *sets, size_t set_count,
                                     struct tb_str name, void **target)
{
    for (size_t i = 0; i < set_count; i++) {
        for (size_t j = 0; j < sets[i].count; j++) {
            if (tb_str_eq_c(name, sets[i].options[j].name)) {
                *target = sets[i].target;
                return &sets[i].options[j];
            }
        }
    }
    return NULL;
}

static const char *unknown(struct tb_arena *arena, const struct cli_option_set *sets,
                           size_t set_count, struct tb_str name)
{
    const char *nearest = NULL;
    unsigned least = NEAR_ENOUGH;
    for (size_t i = 0; i < set_count; i++) {
        for (size_t j = 0; j < sets[i].count; j++) {
            const char *known = sets[i].options[j].name;
            unsigned distance = tb_str_distance(name, tb_str_c(known), NEAR_ENOUGH);
            if (distance < least) {
                least = distance;
                nearest = known;
            }
        }
    }
    return tb_arena_printf(arena, "there is no option --%.*s%s%s%s", (int)name.len, name.ptr,
                           nearest == NULL ? "" : "; did you mean --",
                           nearest == NULL ? "" : nearest, nearest == NULL ? "" : "?")
        .ptr;
}

/* One option, and its value if that is a word of its own. */
static const char *read_option(struct cli_words *words, const struct cli_option_set *sets,
                               size_t set_count, struct tb_arena *arena)
{
    const char *word = words->argv[words->at++] + 2;
    const char *equals = strchr(word, '=');
    size_t len = equals == NULL ? strlen(word) : (size_t)(equals - word);
    void *target;
    const struct cli_option *option = find(sets, set_count, tb_str_from(word, len), &target);
    if (option == NULL) {
        return unknown(arena, sets, set_count, tb_str_from(word, len));
    }
    const char *value = equals == NULL ? NULL : equals + 1;
    if (option->kind == CLI_SWITCH && value != NULL) {
        return tb_arena_printf(arena, "--%s takes no value", option->name).ptr;
    }
    if (option->kind != CLI_SWITCH && value == NULL) {
        if (words->at == words->argc) {
            return tb_arena_printf(arena, "--%s wants a value: %s", option->name, option->argument)
                .ptr;
        }
        value = words->argv[words->at++];
    }
    return take(arena, option, target, value);
}

bool cli_options_read(struct cli_words *words, const struct cli_option_set *sets, size_t set_count,
                      struct tb_arena *arena, const char **why)
{
    while (words->at < words->argc) {
        char *word = words->argv[words->at];
        if (strcmp(word, "--") == 0) {
            words->rest = words->argv + words->at + 1;
            words->at = words->argc;
            return true;
        }
        if (strncmp(word, "--", 2) == 0) {
            *why = read_option(words, sets, set_count, arena);
            if (*why != NULL) {
                return false;
            }
        } else if (word[0] == '-' && word[1] != '\0') {
            *why = tb_arena_printf(arena, "there is no option %s; all have long names", word).ptr;
            return false;
        } else if (words->until_word) {
            return true;
        } else {
            words->args[words->arg_count++] = word;
            words->at++;
        }
    }
    return true;
}
