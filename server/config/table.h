/* The settings, one row each. */
#ifndef TB_CONFIG_TABLE_H
#define TB_CONFIG_TABLE_H

#include "config/settings.h"

struct tb_setting;

/* Reads `text` into `slot`. False with what is wrong in `why`: the end of a sentence that begins
 * with the setting's name. */
typedef bool tb_setting_parse(const struct tb_setting *setting, const char *text, void *slot,
                              char why[TB_SETTINGS_WHY_BYTES]);

enum tb_setting_flag {
    TB_SETTING_SWITCH = 1 << 0,  /* the flag takes no value */
    TB_SETTING_REPEATS = 1 << 1, /* may be given more than once */
    TB_SETTING_NOT_IN_FILE = 1 << 2,
    TB_SETTING_FLAG_ONLY = 1 << 3,
};

struct tb_setting {
    const char *name; /* of the flag, without the dashes, and in the file; TASKBOARD_<NAME> in the
                         environment */
    const char *argument; /* what --help calls its value */
    const char *initial;  /* the default, as one would write it; NULL: none */
    const char *help;
    tb_setting_parse *parse;
    size_t offset; /* in struct tb_settings */
    int64_t min;   /* of numbers and sizes */
    int64_t max;
    unsigned flags;        /* of tb_setting_flag */
    const char *other_env; /* another variable that means the same */
};

extern const struct tb_setting tb_settings_table[];
extern const size_t tb_settings_table_count;

/* NULL: unknown. */
const struct tb_setting *tb_setting_find(struct tb_str name);

/* The name that was perhaps meant, or NULL. */
const char *tb_setting_nearest(struct tb_str name);

#endif
