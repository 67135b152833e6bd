#include "base/buf.h"
#include "config/settings.h"
#include "config/table.h"

#define HELP_COLUMN 32

static void add_setting(struct tb_buf *out, const struct tb_setting *setting)
{
    size_t start = out->len;
    TB_BUF_LIT(out, "  --");
    tb_buf_add_c(out, setting->name);
    if (setting->argument != NULL) {
        TB_BUF_LIT(out, " ");
        tb_buf_add_c(out, setting->argument);
    }
    do {
        TB_BUF_LIT(out, " ");
    } while (out->len - start < HELP_COLUMN);
    tb_buf_add_c(out, setting->help);
    if (setting->initial != NULL && (setting->flags & TB_SETTING_SWITCH) == 0) {
        TB_BUF_LIT(out, " [");
        tb_buf_add_c(out, setting->initial);
        TB_BUF_LIT(out, "]");
    }
    TB_BUF_LIT(out, "\n");
}

struct tb_str tb_settings_help(struct tb_arena *arena)
{
    struct tb_buf out;
    tb_buf_init(&out, arena, 4096);
    TB_BUF_LIT(&out, "Usage: taskboardd [FLAG]...\n"
                     "A durable coordination task board.\n\n");
    for (size_t i = 0; i < tb_settings_table_count; i++) {
        add_setting(&out, &tb_settings_table[i]);
    }
    TB_BUF_LIT(&out,
               "\nEach flag is also a setting in the file (port = 3000) and in the environment\n"
               "(TASKBOARD_PORT=3000). Flags win over the environment, that wins over the file.\n"
               "Sizes take K, M, G and T.\n");
    return tb_buf_str(&out);
}
