/* taskboard: the command line of a board. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "command.h"
#include "http.h"

#define YEAR_SECONDS 31536000

const struct cli_option cli_common_options[] = {
    {"url", "URL", CLI_TEXT, offsetof(struct cli_settings, url), 0, 0,
     "the board [TASKBOARD_URL, or " CLI_URL_DEFAULT "]"},
    {"token-file", "FILE", CLI_TEXT, offsetof(struct cli_settings, token_file), 0, 0,
     "a file with the token [TASKBOARD_TOKEN, VERS_AUTH_TOKEN or TASKBOARD_TOKEN_FILE]"},
    {"ca-file", "FILE", CLI_TEXT, offsetof(struct cli_settings, ca_file), 0, 0,
     "certificates to trust with https [TASKBOARD_CA_FILE, or the system's]"},
    {"agent", "NAME", CLI_TEXT, offsetof(struct cli_settings, agent), 0, 0,
     "who you are [TASKBOARD_AGENT, or USER@HOST]"},
    {"timeout", "SECONDS", CLI_SECONDS, offsetof(struct cli_settings, timeout_seconds), 1,
     YEAR_SECONDS, "how long an answer may take [30]"},
    {"retry", "SECONDS", CLI_SECONDS, offsetof(struct cli_settings, retry_seconds), 0, YEAR_SECONDS,
     "how long to try again while the board does not answer [2]"},
    {"json", NULL, CLI_SWITCH, offsetof(struct cli_settings, json), 0, 0,
     "print the server's JSON as it is"},
    {"quiet", NULL, CLI_SWITCH, offsetof(struct cli_settings, quiet), 0, 0,
     "print ids only, or nothing"},
    {"color", "WHEN", CLI_TEXT, offsetof(struct cli_settings, color), 0, 0,
     "auto, always or never [auto: on a terminal, unless NO_COLOR is set]"},
    {"help", NULL, CLI_SWITCH, offsetof(struct cli_settings, help), 0, 0, "say what there is"},
};
const size_t cli_common_option_count = sizeof(cli_common_options) / sizeof(cli_common_options[0]);

const struct cli_command *const cli_commands[] = {
    &cli_add,       &cli_plan,   &cli_ls,      &cli_show,    &cli_note,   &cli_claim,
    &cli_heartbeat, &cli_done,   &cli_fail,    &cli_release, &cli_cancel, &cli_retry,
    &cli_why,       &cli_watch,  &cli_work,    &cli_fleet,   &cli_token,  &cli_backup,
    &cli_pause,     &cli_resume, &cli_summary, &cli_health,  &cli_help,   &cli_version,
};
const size_t cli_command_count = sizeof(cli_commands) / sizeof(cli_commands[0]);

static void say(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

static void say(const char *format, va_list args)
{
    (void)fflush(stdout);
    (void)fputs("taskboard: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
}

void cli_complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

enum cli_exit cli_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    return CLI_USAGE;
}

const struct cli_command *cli_command_find(const char *name)
{
    for (size_t i = 0; i < cli_command_count; i++) {
        if (strcmp(cli_commands[i]->name, name) == 0) {
            return cli_commands[i];
        }
    }
    return NULL;
}

/* The options before the command's word, and that word; the command, or NULL when it was said what
 * is wrong. */
static const struct cli_command *read_command(struct cli *cli, struct cli_words *words)
{
    const struct cli_option_set common = {cli_common_options, cli_common_option_count,
                                          &cli->settings};
    const char *why;
    if (words->at < words->argc && strcmp(words->argv[words->at], "--version") == 0) {
        words->at++;
        return &cli_version;
    }
    words->until_word = true;
    if (!cli_options_read(words, &common, 1, cli->arena, &why)) {
        (void)cli_usage("%s; see taskboard help", why);
        return NULL;
    }
    if (words->at == words->argc) {
        if (cli->settings.help) {
            return &cli_help;
        }
        (void)cli_usage("which command? See taskboard help");
        return NULL;
    }
    const char *word = words->argv[words->at++];
    const struct cli_command *command = cli_command_find(word);
    if (command == NULL) {
        (void)cli_usage("there is no command %s; see taskboard help", word);
    }
    return command;
}

/* The command's own words; its values, or NULL when it was said what is wrong. */
static const void *read_words(struct cli *cli, const struct cli_command *command,
                              struct cli_words *words)
{
    void *values = tb_arena_zalloc(cli->arena, command->values_size + 1);
    if (command->initial != NULL) {
        memcpy(values, command->initial, command->values_size);
    }
    const struct cli_option_set sets[] = {
        {command->options, command->option_count, values}, /* these hide common ones */
        {cli_common_options, cli_common_option_count, &cli->settings},
    };
    const char *why;
    words->until_word = false;
    if (!cli_options_read(words, sets, 2, cli->arena, &why)) {
        (void)cli_usage("%s: %s", command->name, why);
        return NULL;
    }
    /* What begins with a hyphen and is no option stands there. */
    while (!command->takes_rest && words->rest != NULL && *words->rest != NULL) {
        words->args[words->arg_count++] = *words->rest++;
    }
    bool counted = words->arg_count >= command->args_min && words->arg_count <= command->args_max;
    if (!cli->settings.help && (!counted || (command->takes_rest && words->rest == NULL))) {
        (void)cli_usage("it is: taskboard %s [OPTION]... %s", command->name, command->synopsis);
        return NULL;
    }
    cli->args = words->args;
    cli->arg_count = words->arg_count;
    cli->rest = words->rest;
    return values;
}

static enum cli_exit run(struct cli *cli, const struct cli_command *command, const void *values)
{
    const char *why;
    if (cli->settings.help) {
        cli_print_help(command == &cli_help ? NULL : command);
        return CLI_OK;
    }
    if (!cli_settings_complete(&cli->settings, cli->arena, !command->is_public, &why) &&
        !command->is_local) {
        return cli_usage("%s", why);
    }
    cli->style = cli_style_of(cli->settings.color);
    return command->run(cli, values);
}

/* Standard output may be a full disk, or a pipe whose reader has gone. */
static enum cli_exit flushed(enum cli_exit result)
{
    if ((fflush(stdout) != 0 || ferror(stdout) != 0) && result == CLI_OK) {
        return errno == EPIPE ? CLI_OK : cli_usage("cannot write the output: %s", strerror(errno));
    }
    return result;
}

int main(int argc, char **argv)
{
    struct cli cli = {
        .arena = tb_arena_new(0),
        .settings = {.timeout_seconds = CLI_TIMEOUT_DEFAULT, .retry_seconds = CLI_RETRY_DEFAULT},
    };
    struct cli_words words = {.argv = argv, .argc = argc, .at = argc > 0 ? 1 : 0};
    words.args = tb_arena_alloc(cli.arena, ((size_t)argc + 1) * sizeof(*words.args));
    (void)setlocale(LC_CTYPE, "C.UTF-8"); /* what the board sends is UTF-8 everywhere */
    (void)signal(SIGPIPE, SIG_IGN);
    enum cli_exit result = CLI_USAGE;
    if (cli_http_init()) {
        const struct cli_command *command = read_command(&cli, &words);
        const void *values = command == NULL ? NULL : read_words(&cli, command, &words);
        if (values != NULL) {
            result = flushed(run(&cli, command, values));
        }
        cli_http_fini();
    }
    tb_arena_free(cli.arena);
    return (int)result;
}
