#include "config/values.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#define WHY TB_SETTINGS_WHY_BYTES

bool tb_value_number(const struct tb_setting *setting, const char *text, void *slot, char why[WHY])
{
    int64_t number;
    if (!tb_str_to_i64(tb_str_c(text), &number) || number < setting->min || number > setting->max) {
        (void)snprintf(why, WHY,
                       "must be a whole number from %" PRId64 " to %" PRId64 ", not \"%s\"",
                       setting->min, setting->max, text);
        return false;
    }
    *(int64_t *)slot = number;
    return true;
}

/* The power of two that a unit stands for; -1: none. */
static int unit_shift(char unit)
{
    switch (unit) {
    case 'K':
    case 'k':
        return 10;
    case 'M':
    case 'm':
        return 20;
    case 'G':
    case 'g':
        return 30;
    case 'T':
    case 't':
        return 40;
    default:
        return -1;
    }
}

static bool parse_size(struct tb_str text, int64_t *bytes)
{
    int shift = text.len > 0 ? unit_shift(text.ptr[text.len - 1]) : -1;
    int64_t number;
    if (shift >= 0) {
        text.len--;
    }
    if (!tb_str_to_i64(text, &number) || number < 0) {
        return false;
    }
    if (shift > 0 && number > INT64_MAX >> shift) {
        return false;
    }
    *bytes = shift > 0 ? number << shift : number;
    return true;
}

bool tb_value_size(const struct tb_setting *setting, const char *text, void *slot, char why[WHY])
{
    int64_t bytes;
    if (!parse_size(tb_str_c(text), &bytes) || bytes < setting->min || bytes > setting->max) {
        (void)snprintf(why, WHY,
                       "must be a size such as 64K, 16M or 1G, from %" PRId64 " to %" PRId64
                       " bytes, not \"%s\"",
                       setting->min, setting->max, text);
        return false;
    }
    *(int64_t *)slot = bytes;
    return true;
}

bool tb_value_text(const struct tb_setting *setting, const char *text, void *slot, char why[WHY])
{
    (void)setting;
    if (text[0] == '\0') {
        (void)snprintf(why, WHY, "must not be empty");
        return false;
    }
    *(const char **)slot = text;
    return true;
}

/* The part behind `http://` or `https://`, or NULL. */
static const char *behind_scheme(const char *url)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (strncasecmp(url, schemes[i], strlen(schemes[i])) == 0) {
            return url + strlen(schemes[i]);
        }
    }
    return NULL;
}

bool tb_value_url(const struct tb_setting *setting, const char *text, void *slot, char why[WHY])
{
    const char *authority = behind_scheme(text);
    bool has_host = authority != NULL && strcspn(authority, "/") > 0 && authority[0] != ':';
    /* Neither white space nor a user, a query or a fragment. */
    if (!has_host || authority[strcspn(authority, " \t\r\n\"<>\\@?#")] != '\0') {
        (void)snprintf(why, WHY, "must be a URL such as https://board.example, not \"%s\"", text);
        return false;
    }
    if (strcspn(authority, "/") + 1 < strlen(authority)) { /* the board is at the root of a host */
        (void)snprintf(why, WHY,
                       "must be a URL without a path, such as https://board.example, not \"%s\"",
                       text);
        return false;
    }
    return tb_value_text(setting, text, slot, why);
}

bool tb_value_switch(const struct tb_setting *setting, const char *text, void *slot, char why[WHY])
{
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};
    (void)setting;
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
            *(bool *)slot = strcasecmp(text, yes[i]) == 0;
            return true;
        }
    }
    (void)snprintf(why, WHY, "must be true or false, not \"%s\"", text);
    return false;
}

bool tb_value_list(const struct tb_setting *setting, const char *text, void *slot, char why[WHY])
{
    struct tb_settings_list *hosts = slot;
    if (hosts->count == TB_SETTINGS_LIST_MAX) {
        (void)snprintf(why, WHY, "may be given at most %d times", TB_SETTINGS_LIST_MAX);
        return false;
    }
    if (!tb_value_text(setting, text, &hosts->items[hosts->count], why)) {
        return false;
    }
    hosts->count++;
    return true;
}

bool tb_value_log_level(const struct tb_setting *setting, const char *text, void *slot,
                        char why[WHY])
{
    static const struct {
        const char *name;
        enum tb_log_level level;
    } levels[] = {
        {"error", TB_LOG_ERROR}, {"warn", TB_LOG_WARN}, {"info", TB_LOG_INFO},
        {"debug", TB_LOG_DEBUG}, {"off", TB_LOG_OFF},
    };
    (void)setting;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(text, levels[i].name) == 0) {
            *(enum tb_log_level *)slot = levels[i].level;
            return true;
        }
    }
    (void)snprintf(why, WHY, "must be error, warn, info, debug or off, not \"%s\"", text);
    return false;
}

bool tb_value_log_format(const struct tb_setting *setting, const char *text, void *slot,
                         char why[WHY])
{
    (void)setting;
    bool json = strcmp(text, "json") == 0;
    if (!json && strcmp(text, "text") != 0) {
        (void)snprintf(why, WHY, "must be text or json, not \"%s\"", text);
        return false;
    }
    *(enum tb_log_format *)slot = json ? TB_LOG_JSON : TB_LOG_TEXT;
    return true;
}
