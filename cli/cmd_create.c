/* add, plan */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "files.h"
#include "show_task.h"

#define PRIORITY_MAX      100
#define MAX_ATTEMPTS_MAX  1000
#define DELAY_SECONDS_MAX 31536000
#define NOT_GIVEN         (-1)
#define DEPTH_MAX         16
#define NODES_MAX         (512 * 1024)

/* --- add --- */

struct add_values {
    const char *description;
    const char *description_file;
    struct cli_list tags;
    struct cli_list dependencies;
    int64_t priority;
    const char *payload;
    const char *payload_file;
    const char *assignee;
    const char *unique_key;
    const char *parent;
    const char *not_before;
    int64_t delay_seconds;
    int64_t max_attempts;
};

#define AT(member) offsetof(struct add_values, member)

static const struct cli_option add_options[] = {
    {"description", "TEXT", CLI_TEXT, AT(description), 0, 0, "what is to be done"},
    {"description-file", "FILE", CLI_TEXT, AT(description_file), 0, 0,
     "the same from a file; - is standard input"},
    {"tag", "TAG", CLI_TEXTS, AT(tags), 0, 0, "may be given more than once"},
    {"depends-on", "ID", CLI_TEXTS, AT(dependencies), 0, 0,
     "a task that must be done first; may be given more than once"},
    {"priority", "NUMBER", CLI_NUMBER, AT(priority), -PRIORITY_MAX, PRIORITY_MAX,
     "-100 to 100 [0]"},
    {"payload", "JSON", CLI_TEXT, AT(payload), 0, 0, "what the worker needs"},
    {"payload-file", "FILE", CLI_TEXT, AT(payload_file), 0, 0,
     "the same from a file; - is standard input"},
    {"assignee", "AGENT", CLI_TEXT, AT(assignee), 0, 0, "reserve it for one agent"},
    {"unique-key", "KEY", CLI_TEXT, AT(unique_key), 0, 0,
     "create nothing while another task with that key is not done"},
    {"parent", "ID", CLI_TEXT, AT(parent), 0, 0, "the task that it is a part of"},
    {"not-before", "INSTANT", CLI_TEXT, AT(not_before), 0, 0, "RFC 3339: not ready earlier"},
    {"delay", "SECONDS", CLI_SECONDS, AT(delay_seconds), 0, DELAY_SECONDS_MAX,
     "the same, from now on"},
    {"max-attempts", "NUMBER", CLI_NUMBER, AT(max_attempts), 0, MAX_ATTEMPTS_MAX,
     "0: without limit [the server's]"},
};
static const struct add_values add_initial = {.delay_seconds = NOT_GIVEN,
                                              .max_attempts = NOT_GIVEN};
#undef AT

static enum cli_exit add(struct cli *cli, const void *given)
{
    const struct add_values *values = given;
    struct tb_str description = tb_str_c(values->description);
    struct tb_str payload;
    struct cli_body body;
    struct tb_str answer;
    if (!cli_given_json(cli->arena, "payload", values->payload, values->payload_file, &payload)) {
        return CLI_USAGE;
    }
    if (values->description_file != NULL) {
        description = cli_read_file(cli->arena, values->description_file);
        if (description.ptr == NULL) {
            return CLI_USAGE;
        }
    }
    cli_body_begin(&body, cli->arena);
    cli_body_text(&body, "title", cli->args[0]);
    cli_body_text(&body, "createdBy", cli->settings.agent);
    cli_body_bytes(&body, "description", description);
    cli_body_texts(&body, "tags", &values->tags);
    cli_body_texts(&body, "dependencies", &values->dependencies);
    cli_body_number(&body, "priority", values->priority);
    cli_body_raw(&body, "payload", payload);
    cli_body_text(&body, "assignee", values->assignee);
    cli_body_text(&body, "uniqueKey", values->unique_key);
    cli_body_text(&body, "parentId", values->parent);
    cli_body_text(&body, "notBefore", values->not_before);
    if (values->delay_seconds != NOT_GIVEN) {
        cli_body_number(&body, "delaySeconds", values->delay_seconds);
    }
    if (values->max_attempts != NOT_GIVEN) {
        cli_body_number(&body, "maxAttempts", values->max_attempts);
    }
    enum cli_exit result = cli_call(cli, "POST", "/board/tasks", cli_body_end(&body), &answer);
    return result != CLI_OK ? result : cli_print_changed(cli, answer, "added");
}

const struct cli_command cli_add = {
    .name = "add",
    .synopsis = "TITLE",
    .help = "add a task",
    .options = add_options,
    .option_count = sizeof(add_options) / sizeof(add_options[0]),
    .values_size = sizeof(struct add_values),
    .initial = &add_initial,
    .args_min = 1,
    .args_max = 1,
    .run = add,
};

/* --- plan --- */

/* The tasks of the file: an array, or the member `tasks` of an object. NULL: neither. */
static const struct tb_json *tasks_of(const struct tb_json *plan)
{
    if (plan->type == TB_JSON_OBJECT) {
        plan = tb_json_member(plan, "tasks");
    }
    return plan != NULL && plan->type == TB_JSON_ARRAY && plan->child != NULL ? plan : NULL;
}

/* Whoever sends the plan has created the tasks, where they name nobody. */
static void add_task(struct cli *cli, struct tb_buf *out, const struct tb_json *task)
{
    if (task->type != TB_JSON_OBJECT || tb_json_member(task, "createdBy") != NULL) {
        tb_buf_add_str(out, task->raw);
        return;
    }
    TB_BUF_LIT(out, "{\"createdBy\":\"");
    tb_buf_add_escaped(out, tb_str_c(cli->settings.agent));
    tb_buf_add_c(out, task->child == NULL ? "\"" : "\",");
    tb_buf_add(out, task->raw.ptr + 1, task->raw.len - 1);
}

static struct tb_str plan_body(struct cli *cli, const struct tb_json *tasks)
{
    struct tb_buf out;
    tb_buf_init(&out, cli->arena, tasks->raw.len + 4096);
    TB_BUF_LIT(&out, "{\"tasks\":[");
    for (const struct tb_json *task = tasks->child; task != NULL; task = task->next) {
        if (task != tasks->child) {
            TB_BUF_LIT(&out, ",");
        }
        add_task(cli, &out, task);
    }
    TB_BUF_LIT(&out, "]}");
    return tb_buf_str(&out);
}

static void print_ids(struct cli *cli, const struct tb_json *answer)
{
    for (const struct tb_json *task = cli_items(answer, "tasks"); task != NULL; task = task->next) {
        (void)puts(cli_clean(cli->arena, tb_str_c(cli_text(cli->arena, task, "id")), false));
    }
}

static enum cli_exit plan(struct cli *cli, const void *given)
{
    (void)given;
    const struct tb_json_limits limits = {DEPTH_MAX, 4, NODES_MAX};
    struct tb_json_error error;
    struct tb_str answer;
    struct tb_str text = cli_read_file(cli->arena, cli->args[0]);
    if (text.ptr == NULL) {
        return CLI_USAGE;
    }
    const struct tb_json *file = tb_json_parse(cli->arena, text, &limits, &error);
    if (file == NULL) {
        return cli_usage("%s is no plan: %.*s", cli->args[0], (int)error.text.len, error.text.ptr);
    }
    const struct tb_json *tasks = tasks_of(file);
    if (tasks == NULL) {
        return cli_usage("%s is no plan: it must be an array of tasks, or {\"tasks\":[…]}",
                         cli->args[0]);
    }
    enum cli_exit result = cli_call(cli, "POST", "/board/tasks", plan_body(cli, tasks), &answer);
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
    if (cli->settings.quiet) {
        print_ids(cli, json);
    } else {
        cli_print_tasks(cli, cli_items(json, "tasks"));
    }
    return CLI_OK;
}

const struct cli_command cli_plan = {
    .name = "plan",
    .synopsis = "FILE",
    .help = "add all tasks of a JSON file, or none; - is standard input",
    .args_min = 1,
    .args_max = 1,
    .run = plan,
};
