/* help, version */
#include <stdio.h>
#include <string.h>

#include "command.h"

#define OPTION_COLUMN  28
#define COMMAND_COLUMN 11

static void print_option(const struct cli_option *option)
{
    int used = printf("  --%s%s%s", option->name, option->argument == NULL ? "" : " ",
                      option->argument == NULL ? "" : option->argument);
    int padding = used < OPTION_COLUMN ? OPTION_COLUMN - used : 0;
    (void)printf("%*s  %s\n", padding, "", option->help);
}

static bool is_hidden(const struct cli_command *command, const struct cli_option *common)
{
    for (size_t i = 0; command != NULL && i < command->option_count; i++) {
        if (strcmp(command->options[i].name, common->name) == 0) {
            return true;
        }
    }
    return false;
}

static void print_common(const struct cli_command *command)
{
    (void)printf("\nOptions of every command:\n");
    for (size_t i = 0; i < cli_common_option_count; i++) {
        if (!is_hidden(command, &cli_common_options[i])) {
            print_option(&cli_common_options[i]);
        }
    }
}

static void print_command(const struct cli_command *command)
{
    (void)printf("Usage: taskboard %s [OPTION]...%s%s\n%s\n", command->name,
                 command->synopsis[0] == '\0' ? "" : " ", command->synopsis, command->help);
    if (command->option_count > 0) {
        (void)printf("\nOptions:\n");
    }
    for (size_t i = 0; i < command->option_count; i++) {
        print_option(&command->options[i]);
    }
    print_common(command);
}

void cli_print_help(const struct cli_command *command)
{
    if (command != NULL) {
        print_command(command);
        return;
    }
    (void)printf("Usage: taskboard COMMAND [OPTION]... [WORD]...\n"
                 "Talks to a task board.\n\nCommands (taskboard help COMMAND says more):\n");
    for (size_t i = 0; i < cli_command_count; i++) {
        (void)printf("  %-*s  %s\n", COMMAND_COLUMN, cli_commands[i]->name, cli_commands[i]->help);
    }
    print_common(NULL);
    (void)printf("\nExit status: 0 done, 1 refused, 2 wrong usage, 3 nothing found or ready, 4 no "
                 "answer,\n5 the claim is lost, 6 not allowed, 7 work was cut short.\n");
}

static enum cli_exit help(struct cli *cli, const void *values)
{
    (void)values;
    const struct cli_command *command = NULL;
    if (cli->arg_count == 1) {
        command = cli_command_find(cli->args[0]);
        if (command == NULL) {
            return cli_usage("there is no command %s; see taskboard help", cli->args[0]);
        }
    }
    cli_print_help(command);
    return CLI_OK;
}

const struct cli_command cli_help = {
    .name = "help",
    .synopsis = "[COMMAND]",
    .help = "what there is",
    .args_max = 1,
    .is_local = true,
    .run = help,
};

static enum cli_exit version(struct cli *cli, const void *values)
{
    (void)values;
    (void)printf(cli->settings.json ? "{\"name\":\"taskboard\",\"version\":\"%s\"}\n"
                                    : "taskboard %s\n",
                 TB_VERSION);
    return CLI_OK;
}

const struct cli_command cli_version = {
    .name = "version",
    .synopsis = "",
    .help = "which version this is",
    .is_local = true,
    .run = version,
};
