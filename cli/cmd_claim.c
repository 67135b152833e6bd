/* claim, heartbeat, done, fail, release */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "claims.h"
#include "command.h"
#include "files.h"
#include "show_task.h"
#include "when.h"

#define LEASE_MIN         10
#define LEASE_MAX         86400
#define WAIT_MAX          60
#define TASKS_MAX         32
#define DELAY_SECONDS_MAX 31536000
#define NOT_GIVEN         (-1)

/* --- claim --- */

struct claim_values {
    struct cli_list tags;
    struct cli_list any_tags;
    const char *vm;
    int64_t lease_seconds;
    int64_t wait_seconds;
    int64_t max;
};

#define AT(member) offsetof(struct claim_values, member)

static const struct cli_option claim_options[] = {
    {"tag", "TAG", CLI_TEXTS, AT(tags), 0, 0, "a task that has it; may be given more than once"},
    {"any-tag", "TAG", CLI_TEXTS, AT(any_tags), 0, 0,
     "a task that has one of those; may be given more than once"},
    {"vm", "ID", CLI_TEXT, AT(vm), 0, 0, "the claim lives with that VM"},
    {"lease", "SECONDS", CLI_SECONDS, AT(lease_seconds), LEASE_MIN, LEASE_MAX,
     "how long it is yours without a heartbeat [300]"},
    {"wait", "SECONDS", CLI_SECONDS, AT(wait_seconds), 0, WAIT_MAX,
     "how long to wait for a task [0]"},
    {"max", "NUMBER", CLI_NUMBER, AT(max), 1, TASKS_MAX, "at most so many tasks [1]"},
};
static const struct claim_values claim_initial = {.lease_seconds = 300, .max = 1};
#undef AT

static bool keep(struct cli *cli, const struct tb_json *task)
{
    const struct tb_json *claim = cli_object(task, "claim");
    const char *token = claim == NULL ? NULL : cli_text(cli->arena, claim, "token");
    const char *id = cli_text(cli->arena, task, "id");
    return token != NULL && id != NULL && cli_claim_keep(cli->arena, id, token);
}

static void print_claimed(struct cli *cli, const struct tb_json *task)
{
    const char *id = cli_clean(cli->arena, tb_str_c(cli_text(cli->arena, task, "id")), false);
    if (cli->settings.quiet) {
        (void)puts(id);
        return;
    }
    const struct tb_json *claim = cli_object(task, "claim");
    const char *ends = claim == NULL ? NULL : cli_text(cli->arena, claim, "expiresAt");
    (void)printf("claimed %s  ", id);
    cli_paint(&cli->style, CLI_BOLD,
              cli_clean(cli->arena, tb_str_c(cli_text(cli->arena, task, "title")), false));
    (void)printf("\nthe lease ends %s; taskboard heartbeat, done, fail or release %s\n",
                 cli_clean(cli->arena, tb_str_c(cli_when(cli->arena, ends)), false), id);
}

static enum cli_exit claimed(struct cli *cli, struct tb_str answer)
{
    const struct tb_json *json = cli_read_json(cli->arena, answer);
    if (json == NULL) {
        return CLI_UNREACHABLE;
    }
    bool is_one = tb_json_member(json, "tasks") == NULL; /* claimed by its id */
    const struct tb_json *first = is_one ? json : cli_items(json, "tasks");
    bool kept = true;
    for (const struct tb_json *task = first; task != NULL; task = is_one ? NULL : task->next) {
        kept = keep(cli, task) && kept;
        if (!cli->settings.json) {
            print_claimed(cli, task);
        }
    }
    if (cli->settings.json) {
        cli_print_json(answer);
    } else if (first == NULL) {
        cli_complain("nothing is ready");
    }
    return first == NULL ? CLI_NOTHING : kept ? CLI_OK : CLI_USAGE;
}

static enum cli_exit claim(struct cli *cli, const void *given)
{
    const struct claim_values *values = given;
    bool by_id = cli->arg_count == 1;
    struct cli_body body;
    struct tb_str answer;
    char key[CLI_KEY_LEN + 1];
    if (by_id && (values->tags.count > 0 || values->any_tags.count > 0 || values->max > 1 ||
                  values->wait_seconds > 0)) {
        return cli_usage("claim: a task that is named takes no --tag, --any-tag, --max or --wait");
    }
    if (!cli_claim_can_be_kept(cli->arena)) {
        return CLI_USAGE;
    }
    cli_key_make(key);
    cli_body_begin(&body, cli->arena);
    cli_body_text(&body, "agent", cli->settings.agent);
    cli_body_text(&body, "vmId", values->vm);
    cli_body_number(&body, "leaseSeconds", values->lease_seconds);
    if (!by_id) {
        cli_body_texts(&body, "tags", &values->tags);
        cli_body_texts(&body, "anyTags", &values->any_tags);
        cli_body_number(&body, "max", values->max);
        cli_body_number(&body, "wait", values->wait_seconds);
    }
    const struct cli_request request = {
        .method = "POST",
        .path = by_id ? cli_task_path(cli->arena, cli->args[0], "claim") : "/board/claim",
        .body = cli_body_end(&body),
        .key = key,
        .timeout_seconds = cli->settings.timeout_seconds + values->wait_seconds,
    };
    enum cli_exit result = cli_call_request(cli, &request, &answer);
    return result != CLI_OK ? result : claimed(cli, answer);
}

const struct cli_command cli_claim = {
    .name = "claim",
    .synopsis = "[ID]",
    .help = "claim the next ready task, or that one; its token is kept for you",
    .options = claim_options,
    .option_count = sizeof(claim_options) / sizeof(claim_options[0]),
    .values_size = sizeof(struct claim_values),
    .initial = &claim_initial,
    .args_max = 1,
    .run = claim,
};

/* --- what the holder does --- */

static enum cli_exit no_claim(const struct cli *cli)
{
    return cli_usage("no claim of %s is kept here: taskboard claim %s", cli->args[0], cli->args[0]);
}

/* A verb with which a claim ends, or not (heartbeat). */
static enum cli_exit hold(struct cli *cli, const char *verb, struct cli_body *body,
                          struct tb_str *answer)
{
    enum cli_exit result = cli_call(cli, "POST", cli_task_path(cli->arena, cli->args[0], verb),
                                    cli_body_end(body), answer);
    bool is_over = result == CLI_CLAIM_LOST || result == CLI_NOTHING ||
                   (result == CLI_OK && strcmp(verb, "heartbeat") != 0);
    if (is_over) {
        cli_claim_forget(cli->arena, cli->args[0]);
    }
    return result;
}

struct heartbeat_values {
    int64_t lease_seconds;
    int64_t percent;
    const char *message;
};

static const struct cli_option heartbeat_options[] = {
    {"lease", "SECONDS", CLI_SECONDS, offsetof(struct heartbeat_values, lease_seconds), LEASE_MIN,
     LEASE_MAX, "from now on so long [as before]"},
    {"percent", "NUMBER", CLI_NUMBER, offsetof(struct heartbeat_values, percent), 0, 100,
     "how much is done"},
    {"message", "TEXT", CLI_TEXT, offsetof(struct heartbeat_values, message), 0, 0,
     "what is being done"},
};
static const struct heartbeat_values heartbeat_initial = {NOT_GIVEN, NOT_GIVEN, NULL};

static struct tb_str progress(struct cli *cli, const struct heartbeat_values *values)
{
    struct cli_body body;
    if (values->percent == NOT_GIVEN && values->message == NULL) {
        return TB_STR_NONE;
    }
    cli_body_begin(&body, cli->arena);
    if (values->percent != NOT_GIVEN) {
        cli_body_number(&body, "percent", values->percent);
    }
    cli_body_text(&body, "message", values->message);
    return cli_body_end(&body);
}

static enum cli_exit heartbeat(struct cli *cli, const void *given)
{
    const struct heartbeat_values *values = given;
    const char *token = cli_claim_find(cli->arena, cli->args[0]);
    struct cli_body body;
    struct tb_str answer;
    if (token == NULL) {
        return no_claim(cli);
    }
    cli_body_begin(&body, cli->arena);
    cli_body_text(&body, "claimToken", token);
    if (values->lease_seconds != NOT_GIVEN) {
        cli_body_number(&body, "leaseSeconds", values->lease_seconds);
    }
    cli_body_raw(&body, "progress", progress(cli, values));
    enum cli_exit result = hold(cli, "heartbeat", &body, &answer);
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
    if (!cli->settings.quiet) {
        const char *ends = cli_when(cli->arena, cli_text(cli->arena, json, "expiresAt"));
        (void)printf("the lease ends %s%s%s\n", cli_clean(cli->arena, tb_str_c(ends), false),
                     cli_true(json, "cancelRequested") ? "; it is to be cancelled" : "",
                     cli_true(json, "paused") ? "; it is paused" : "");
    }
    return CLI_OK;
}

const struct cli_command cli_heartbeat = {
    .name = "heartbeat",
    .synopsis = "ID",
    .help = "renew the lease of a task that you claimed, and say how far it is",
    .options = heartbeat_options,
    .option_count = sizeof(heartbeat_options) / sizeof(heartbeat_options[0]),
    .values_size = sizeof(struct heartbeat_values),
    .initial = &heartbeat_initial,
    .args_min = 1,
    .args_max = 1,
    .run = heartbeat,
};

struct done_values {
    const char *result;
    const char *result_file;
    const char *summary;
    bool review;
};

static const struct cli_option done_options[] = {
    {"result", "JSON", CLI_TEXT, offsetof(struct done_values, result), 0, 0, "what was made"},
    {"result-file", "FILE", CLI_TEXT, offsetof(struct done_values, result_file), 0, 0,
     "the same from a file; - is standard input"},
    {"summary", "TEXT", CLI_TEXT, offsetof(struct done_values, summary), 0, 0, "becomes a note"},
    {"review", NULL, CLI_SWITCH, offsetof(struct done_values, review), 0, 0,
     "somebody is to look at it first"},
};

/* Of a task that nobody has claimed: its state is set. */
static enum cli_exit set_done(struct cli *cli, const struct done_values *values)
{
    struct tb_str answer;
    if (values->result != NULL || values->result_file != NULL || values->summary != NULL ||
        values->review) {
        return no_claim(cli);
    }
    enum cli_exit result = cli_call(cli, "PATCH", cli_task_path(cli->arena, cli->args[0], NULL),
                                    TB_STR("{\"status\":\"done\"}"), &answer);
    return result != CLI_OK ? result : cli_print_changed(cli, answer, "now");
}

static enum cli_exit done(struct cli *cli, const void *given)
{
    const struct done_values *values = given;
    const char *token = cli_claim_find(cli->arena, cli->args[0]);
    struct tb_str made;
    struct cli_body body;
    struct tb_str answer;
    if (token == NULL) {
        return set_done(cli, values);
    }
    if (!cli_given_json(cli->arena, "result", values->result, values->result_file, &made)) {
        return CLI_USAGE;
    }
    cli_body_begin(&body, cli->arena);
    cli_body_text(&body, "claimToken", token);
    cli_body_raw(&body, "result", made);
    cli_body_text(&body, "summary", values->summary);
    cli_body_flag(&body, "review", values->review);
    enum cli_exit result = hold(cli, "complete", &body, &answer);
    return result != CLI_OK ? result : cli_print_changed(cli, answer, "now");
}

const struct cli_command cli_done = {
    .name = "done",
    .synopsis = "ID",
    .help = "complete a task that you claimed, or set one that nobody holds to done",
    .options = done_options,
    .option_count = sizeof(done_options) / sizeof(done_options[0]),
    .values_size = sizeof(struct done_values),
    .args_min = 1,
    .args_max = 1,
    .run = done,
};

struct fail_values {
    bool final;
    int64_t delay_seconds;
};

static const struct cli_option fail_options[] = {
    {"final", NULL, CLI_SWITCH, offsetof(struct fail_values, final), 0, 0,
     "trying again is of no use"},
    {"delay", "SECONDS", CLI_SECONDS, offsetof(struct fail_values, delay_seconds), 0,
     DELAY_SECONDS_MAX, "not again before that [10, doubling]"},
};
static const struct fail_values fail_initial = {false, NOT_GIVEN};

static enum cli_exit fail(struct cli *cli, const void *given)
{
    const struct fail_values *values = given;
    const char *token = cli_claim_find(cli->arena, cli->args[0]);
    struct cli_body body;
    struct tb_str answer;
    if (token == NULL) {
        return no_claim(cli);
    }
    cli_body_begin(&body, cli->arena);
    cli_body_text(&body, "claimToken", token);
    cli_body_text(&body, "error", cli->args[1]);
    if (values->final) {
        cli_body_raw(&body, "retryable", TB_STR("false"));
    }
    if (values->delay_seconds != NOT_GIVEN) {
        cli_body_number(&body, "delaySeconds", values->delay_seconds);
    }
    enum cli_exit result = hold(cli, "fail", &body, &answer);
    return result != CLI_OK ? result : cli_print_changed(cli, answer, "now");
}

const struct cli_command cli_fail = {
    .name = "fail",
    .synopsis = "ID ERROR",
    .help = "say that a task which you claimed has failed",
    .options = fail_options,
    .option_count = sizeof(fail_options) / sizeof(fail_options[0]),
    .values_size = sizeof(struct fail_values),
    .initial = &fail_initial,
    .args_min = 2,
    .args_max = 2,
    .run = fail,
};

struct release_values {
    const char *reason;
};

static const struct cli_option release_options[] = {
    {"reason", "TEXT", CLI_TEXT, offsetof(struct release_values, reason), 0, 0, "why"},
};

static enum cli_exit release(struct cli *cli, const void *given)
{
    const struct release_values *values = given;
    const char *token = cli_claim_find(cli->arena, cli->args[0]);
    struct cli_body body;
    struct tb_str answer;
    if (token == NULL) {
        return no_claim(cli);
    }
    cli_body_begin(&body, cli->arena);
    cli_body_text(&body, "claimToken", token);
    cli_body_text(&body, "reason", values->reason);
    enum cli_exit result = hold(cli, "release", &body, &answer);
    return result != CLI_OK ? result : cli_print_changed(cli, answer, "now");
}

const struct cli_command cli_release = {
    .name = "release",
    .synopsis = "ID",
    .help = "give back a task that you claimed; the attempt does not count",
    .options = release_options,
    .option_count = sizeof(release_options) / sizeof(release_options[0]),
    .values_size = sizeof(struct release_values),
    .args_min = 1,
    .args_max = 1,
    .run = release,
};
