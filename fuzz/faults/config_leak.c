/* Planted: a copy of each number is never freed. */
#include <stdlib.h>

#include "config/values.h"

static int64_t *volatile latest;

bool __wrap_tb_value_size(const struct tb_setting *setting, const char *text, void *slot,
                          char why[TB_SETTINGS_WHY_BYTES]);
bool __real_tb_value_size(const struct tb_setting *setting, const char *text, void *slot,
                          char why[TB_SETTINGS_WHY_BYTES]);

bool __wrap_tb_value_size(const struct tb_setting *setting, const char *text, void *slot,
                          char why[TB_SETTINGS_WHY_BYTES])
{
    latest = malloc(sizeof(int64_t));
    return __real_tb_value_size(setting, text, slot, why);
}
