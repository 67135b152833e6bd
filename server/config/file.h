/* A file of settings: `name = value` lines. `#` starts a comment, at the start of a line or after
 * white space; a value may stand in double quotes. */
#ifndef TB_CONFIG_FILE_H
#define TB_CONFIG_FILE_H

#include "config/settings.h"

struct tb_config_line {
    unsigned number; /* from 1 */
    const char *name;
    const char *value;
    bool repeated; /* the name has stood in an earlier line */
};

/* False stops the reading, with `why` filled in by the visitor. */
typedef bool tb_config_visit(void *ctx, const struct tb_config_line *line);

/* Calls `visit` for each line. Strings are made in the arena. False with one sentence in `why`. */
bool tb_config_read(struct tb_arena *arena, const char *path, tb_config_visit *visit, void *ctx,
                    char why[TB_SETTINGS_WHY_BYTES]);

#endif
