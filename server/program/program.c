#include "program/program.h"

#include <string.h>

#include "archive.h"
#include "confine.h"

#define DAY_MS 86400000

struct tb_board_options tb_program_board_options(const struct tb_settings *settings)
{
    return (struct tb_board_options){
        .aging_ms = settings->aging_seconds * 1000,
        .default_max_attempts = (uint32_t)settings->default_max_attempts,
        .retain_events = (uint64_t)settings->retain_events,
        .retain_ms = settings->retain_days * DAY_MS,
        .retain_done = (uint64_t)settings->retain_done,
        .retain_done_ms = settings->retain_done_days * DAY_MS,
        .archive = settings->archive != NULL ? tb_archive_append : NULL,
        .archive_ctx = (void *)(uintptr_t)settings->archive,
    };
}

const char *tb_program_data_dir(const struct tb_settings *settings)
{
    static const char scheme[] = "lmdb:";
    bool named = strncmp(settings->data, scheme, strlen(scheme)) == 0;
    return named ? settings->data + strlen(scheme) : settings->data;
}

bool tb_program_become_user(struct tb_program *program)
{
    const struct tb_settings *settings = &program->settings;
    return settings->user == NULL || tb_become_user(settings->user, tb_program_data_dir(settings),
                                                    program->why, sizeof(program->why));
}
