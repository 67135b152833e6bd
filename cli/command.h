/* The commands: each file cmd_*.c has those of one family. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "cli.h"
#include "options.h"

struct cli_command {
    const char *name;
    const char *synopsis; /* what stands behind the options: "ID", "[FILE]" */
    const char *help;     /* one line */
    const struct cli_option *options;
    size_t option_count;
    size_t values_size;  /* of the struct that takes the options' values */
    const void *initial; /* its values before any option; NULL: all zero */
    unsigned args_min;
    unsigned args_max;
    bool takes_rest; /* words behind `--` */
    bool is_local;   /* asks no server: settings that are wrong do not matter */
    bool is_public;  /* needs no token: none is looked for */
    enum cli_exit (*run)(struct cli *cli, const void *values);
};

extern const struct cli_command cli_add, cli_plan;
extern const struct cli_command cli_ls, cli_show, cli_why, cli_summary, cli_health;
extern const struct cli_command cli_note, cli_cancel, cli_retry, cli_pause, cli_resume;
extern const struct cli_command cli_claim, cli_heartbeat, cli_done, cli_fail, cli_release;
extern const struct cli_command cli_watch, cli_fleet, cli_token, cli_backup;
extern const struct cli_command cli_work;
extern const struct cli_command cli_help, cli_version;

/* In the order of the help. */
extern const struct cli_command *const cli_commands[];
extern const size_t cli_command_count;

/* The options that every command takes; they go into struct cli_settings. */
extern const struct cli_option cli_common_options[];
extern const size_t cli_common_option_count;

const struct cli_command *cli_command_find(const char *name);

/* The help of one command, or of all; to standard output. */
void cli_print_help(const struct cli_command *command);

#endif
