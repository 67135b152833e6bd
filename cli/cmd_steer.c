/* note, cancel, retry, pause, resume */
#include <inttypes.h>
#include <stdio.h>

#include "command.h"
#include "files.h"
#include "show_task.h"

#define RETRY_MAX 1000

/* --- note --- */

struct note_values {
    const char *type;
};

static const struct cli_option note_options[] = {
    {"type", "TYPE", CLI_TEXT, offsetof(struct note_values, type), 0, 0,
     "finding, blocker, question or update [update]"},
};
static const struct note_values note_initial = {"update"};

static enum cli_exit note(struct cli *cli, const void *given)
{
    const struct note_values *values = given;
    struct tb_str content =
        cli->arg_count == 2 ? tb_str_c(cli->args[1]) : cli_read_file(cli->arena, "-");
    struct cli_body body;
    struct tb_str answer;
    if (content.ptr == NULL) {
        return CLI_USAGE;
    }
    cli_body_begin(&body, cli->arena);
    cli_body_text(&body, "author", cli->settings.agent);
    cli_body_text(&body, "type", values->type);
    cli_body_bytes(&body, "content", content);
    enum cli_exit result = cli_call(cli, "POST", cli_task_path(cli->arena, cli->args[0], "notes"),
                                    cli_body_end(&body), &answer);
    if (result == CLI_OK && cli->settings.json) {
        cli_print_json(answer);
    } else if (result == CLI_OK && !cli->settings.quiet) {
        (void)printf("noted\n");
    }
    return result;
}

const struct cli_command cli_note = {
    .name = "note",
    .synopsis = "ID [TEXT]",
    .help = "add a note to a task; without TEXT, standard input",
    .options = note_options,
    .option_count = sizeof(note_options) / sizeof(note_options[0]),
    .values_size = sizeof(struct note_values),
    .initial = &note_initial,
    .args_min = 1,
    .args_max = 2,
    .run = note,
};

/* --- cancel --- */

struct cancel_values {
    const char *reason;
    bool force;
};

static const struct cli_option cancel_options[] = {
    {"reason", "TEXT", CLI_TEXT, offsetof(struct cancel_values, reason), 0, 0,
     "its holder reads it"},
    {"force", NULL, CLI_SWITCH, offsetof(struct cancel_values, force), 0, 0,
     "do not wait for who holds it"},
};

static enum cli_exit cancel(struct cli *cli, const void *given)
{
    const struct cancel_values *values = given;
    struct cli_body body;
    struct tb_str answer;
    cli_body_begin(&body, cli->arena);
    cli_body_text(&body, "by", cli->settings.agent);
    cli_body_text(&body, "reason", values->reason);
    cli_body_flag(&body, "force", values->force);
    enum cli_exit result = cli_call(cli, "POST", cli_task_path(cli->arena, cli->args[0], "cancel"),
                                    cli_body_end(&body), &answer);
    return result != CLI_OK ? result : cli_print_changed(cli, answer, "cancel asked for:");
}

const struct cli_command cli_cancel = {
    .name = "cancel",
    .synopsis = "ID",
    .help = "cancel a task, or ask its holder to stop",
    .options = cancel_options,
    .option_count = sizeof(cancel_options) / sizeof(cancel_options[0]),
    .values_size = sizeof(struct cancel_values),
    .args_min = 1,
    .args_max = 1,
    .run = cancel,
};

/* --- retry --- */

struct retry_values {
    bool all;
    const char *tag;
    const char *assignee;
    const char *created_by;
    const char *parent;
    const char *outcome;
    int64_t max;
};

#define AT(member) offsetof(struct retry_values, member)

static const struct cli_option retry_options[] = {
    {"all", NULL, CLI_SWITCH, AT(all), 0, 0, "all dead letters, or those that the others name"},
    {"tag", "TAG", CLI_TEXT, AT(tag), 0, 0, "with --all: that have this tag"},
    {"assignee", "AGENT", CLI_TEXT, AT(assignee), 0, 0, "with --all: that are its"},
    {"created-by", "AGENT", CLI_TEXT, AT(created_by), 0, 0, "with --all: that it created"},
    {"parent", "ID", CLI_TEXT, AT(parent), 0, 0, "with --all: the parts of a task"},
    {"outcome", "OUTCOME", CLI_TEXT, AT(outcome), 0, 0,
     "with --all: failed or cancelled, instead of dead letters"},
    {"max", "NUMBER", CLI_NUMBER, AT(max), 1, RETRY_MAX, "with --all: at most so many [1000]"},
};
static const struct retry_values retry_initial = {.max = RETRY_MAX};
#undef AT

static enum cli_exit retry_all(struct cli *cli, const struct retry_values *values)
{
    struct cli_body body;
    struct tb_str answer;
    cli_body_begin(&body, cli->arena);
    cli_body_text(&body, "by", cli->settings.agent);
    cli_body_text(&body, "tag", values->tag);
    cli_body_text(&body, "assignee", values->assignee);
    cli_body_text(&body, "createdBy", values->created_by);
    cli_body_text(&body, "parentId", values->parent);
    cli_body_text(&body, "outcome", values->outcome);
    cli_body_number(&body, "max", values->max);
    enum cli_exit result = cli_call(cli, "POST", "/board/retry", cli_body_end(&body), &answer);
    if (result != CLI_OK) {
        return result;
    }
    if (cli->settings.json) {
        cli_print_json(answer);
        return CLI_OK;
    }
    const struct tb_json *json = cli_read_json(cli->arena, answer);
    if (json == NULL) {
        return CLI_UNREACHABLE;
    }
    (void)printf("retried %" PRId64 "%s\n", cli_number(json, "count", 0),
                 cli_true(json, "more") ? "; there may be more" : "");
    return CLI_OK;
}

static enum cli_exit retry(struct cli *cli, const void *given)
{
    const struct retry_values *values = given;
    struct cli_body body;
    struct tb_str answer;
    bool narrowed = values->tag != NULL || values->assignee != NULL || values->created_by != NULL ||
                    values->parent != NULL || values->outcome != NULL;
    if (values->all != (cli->arg_count == 0) || (narrowed && !values->all)) {
        return cli_usage("it is: taskboard retry ID, or taskboard retry --all [OPTION]...");
    }
    if (values->all) {
        return retry_all(cli, values);
    }
    cli_body_begin(&body, cli->arena);
    cli_body_text(&body, "by", cli->settings.agent);
    enum cli_exit result = cli_call(cli, "POST", cli_task_path(cli->arena, cli->args[0], "retry"),
                                    cli_body_end(&body), &answer);
    return result != CLI_OK ? result : cli_print_changed(cli, answer, "open again:");
}

const struct cli_command cli_retry = {
    .name = "retry",
    .synopsis = "[ID]",
    .help = "open a dead letter, or what failed or was cancelled, again",
    .options = retry_options,
    .option_count = sizeof(retry_options) / sizeof(retry_options[0]),
    .values_size = sizeof(struct retry_values),
    .initial = &retry_initial,
    .args_max = 1,
    .run = retry,
};

/* --- pause, resume --- */

struct pause_values {
    const char *tag;
    const char *reason;
};

static const struct cli_option pause_options[] = {
    {"tag", "TAG", CLI_TEXT, offsetof(struct pause_values, tag), 0, 0,
     "only what has this tag [the whole board]"},
    {"reason", "TEXT", CLI_TEXT, offsetof(struct pause_values, reason), 0, 0, "why"},
};

static enum cli_exit steer(struct cli *cli, const char *path, const struct pause_values *values)
{
    struct cli_body body;
    struct tb_str answer;
    cli_body_begin(&body, cli->arena);
    cli_body_text(&body, "tag", values->tag);
    cli_body_text(&body, "reason", values->reason);
    cli_body_text(&body, "by", cli->settings.agent);
    enum cli_exit result = cli_call(cli, "POST", path, cli_body_end(&body), &answer);
    if (result != CLI_OK) {
        return result;
    }
    if (cli->settings.json) {
        cli_print_json(answer);
        return CLI_OK;
    }
    const struct tb_json *json = cli_read_json(cli->arena, answer);
    if (json == NULL) {
        return CLI_UNREACHABLE;
    }
    const struct tb_json *first = cli_items(json, "paused");
    if (cli->settings.quiet) {
        return CLI_OK;
    }
    if (first == NULL) {
        (void)printf("nothing is paused\n");
    }
    for (const struct tb_json *item = first; item != NULL; item = item->next) {
        const char *tag = cli_text(cli->arena, item, "tag");
        (void)printf("paused: %s%s\n", tag == NULL ? "the board" : "tag ",
                     tag == NULL ? "" : cli_clean(cli->arena, tb_str_c(tag), false));
    }
    return CLI_OK;
}

static enum cli_exit pause_board(struct cli *cli, const void *given)
{
    return steer(cli, "/board/pause", given);
}

const struct cli_command cli_pause = {
    .name = "pause",
    .synopsis = "",
    .help = "hand out nothing, or nothing of a tag; what runs goes on",
    .options = pause_options,
    .option_count = sizeof(pause_options) / sizeof(pause_options[0]),
    .values_size = sizeof(struct pause_values),
    .run = pause_board,
};

static enum cli_exit resume_board(struct cli *cli, const void *given)
{
    return steer(cli, "/board/resume", given);
}

const struct cli_command cli_resume = {
    .name = "resume",
    .synopsis = "",
    .help = "hand out again",
    .options = pause_options,
    .option_count = 1, /* no reason */
    .values_size = sizeof(struct pause_values),
    .run = resume_board,
};
