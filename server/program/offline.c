#include "program/offline.h"

#include <stdio.h>
#include <stdlib.h>

#include "archive.h"
#include "check.h"
#include "import.h"
#include "program/admin_token.h"
#include "restore.h"

static int refuse(const struct tb_program *program)
{
    (void)fprintf(stderr, "taskboardd: %s\n", program->why);
    return TB_EXIT_CANNOT;
}

/* A server would start without its archive, since nothing is lost by that, and keep what should go
 * there; who asks wants to know. As who would serve, for whom the folder has to be. */
static bool can_archive(struct tb_program *program)
{
    const char *folder = program->settings.archive;
    const char *trouble = folder == NULL ? NULL : tb_archive_trouble(folder);
    if (trouble != NULL) {
        (void)snprintf(program->why, sizeof(program->why), "cannot write to the archive %.256s: %s",
                       folder, trouble);
    }
    return trouble == NULL;
}

/* The other settings are good; the store, if there is one, is looked at. */
static int check(struct tb_program *program)
{
    const struct tb_settings *settings = &program->settings;
    if (!can_archive(program)) {
        (void)refuse(program);
        return TB_EXIT_USAGE;
    }
    struct tb_check_options options = {
        .url = settings->data,
        .folder = tb_program_data_dir(settings),
        .map_bytes = (uint64_t)settings->map_bytes,
        .board = tb_program_board_options(settings),
    };
    switch (tb_check_store(&options, program->why, sizeof(program->why))) {
    case TB_CHECK_NOTHING:
        (void)puts("the settings are good");
        return EXIT_SUCCESS;
    case TB_CHECK_SOUND:
        return EXIT_SUCCESS;
    case TB_CHECK_FAULTY:
        return TB_EXIT_FAULTY;
    default:
        return refuse(program);
    }
}

static int restore(struct tb_program *program)
{
    const struct tb_settings *settings = &program->settings;
    struct tb_restore_options options = {
        .file = settings->restore,
        .url = settings->data,
        .map_bytes = (uint64_t)settings->map_bytes,
        .board = tb_program_board_options(settings),
    };
    if (!tb_restore_backup(&options, program->why, sizeof(program->why))) {
        return refuse(program);
    }
    (void)printf("restored %s into %s\n", options.file, tb_program_data_dir(settings));
    return EXIT_SUCCESS;
}

static int import(struct tb_program *program)
{
    const struct tb_settings *settings = &program->settings;
    struct tb_import_options options = {
        .file = settings->import,
        .format = settings->format,
        .url = settings->data,
        .map_bytes = (uint64_t)settings->map_bytes,
        .board = tb_program_board_options(settings),
    };
    bool imported = tb_import_file(&options, program->why, sizeof(program->why));
    return imported ? EXIT_SUCCESS : refuse(program);
}

static int help(struct tb_program *program)
{
    struct tb_str text = tb_settings_help(program->arena);
    (void)fwrite(text.ptr, 1, text.len, stdout);
    return EXIT_SUCCESS;
}

bool tb_offline_is_asked_for(const struct tb_settings *settings)
{
    return settings->help || settings->version || settings->check || settings->restore != NULL ||
           settings->import != NULL;
}

int tb_offline_answer(struct tb_program *program)
{
    const struct tb_settings *settings = &program->settings;
    if (settings->help) {
        return help(program);
    }
    if (settings->version) {
        (void)puts("taskboardd " TB_VERSION);
        return EXIT_SUCCESS;
    }
    if (settings->check && !tb_admin_token_read_given(program)) {
        (void)refuse(program);
        return TB_EXIT_USAGE;
    }
    tb_token_wipe(&program->token);
    if (!tb_program_become_user(program)) {
        return refuse(program);
    }
    return settings->check             ? check(program)
           : settings->restore != NULL ? restore(program)
                                       : import(program);
}
