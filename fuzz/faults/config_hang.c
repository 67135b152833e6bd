/* Planted: the search for a name that is nearly right never ends for some. */
#include "config/table.h"

const char *__wrap_tb_setting_nearest(struct tb_str name);
const char *__real_tb_setting_nearest(struct tb_str name);

const char *__wrap_tb_setting_nearest(struct tb_str name)
{
    for (volatile bool found = false; name.len == 3 && !found;) {
    }
    return __real_tb_setting_nearest(name);
}
