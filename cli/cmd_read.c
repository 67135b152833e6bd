/* ls, show, why, summary */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "show_task.h"
#include "when.h"

#define LIMIT_MAX 10000

/* The answer's JSON is printed and NULL returned, or it is read; `*result` says how it went. */
static const struct tb_json *fetch(struct cli *cli, const char *path, enum cli_exit *result)
{
    struct tb_str answer;
    *result = cli_call(cli, "GET", path, TB_STR_NONE, &answer);
    if (*result != CLI_OK) {
        return NULL;
    }
    if (cli->settings.json) {
        cli_print_json(answer);
        return NULL;
    }
    const struct tb_json *json = cli_read_json(cli->arena, answer);
    *result = json == NULL ? CLI_UNREACHABLE : CLI_OK;
    return json;
}

/* --- ls --- */

struct ls_values {
    const char *status;
    struct cli_list tags;
    const char *assignee;
    const char *created_by;
    const char *parent;
    const char *words;
    const char *order;
    const char *cursor;
    int64_t limit;
    bool ready;
    bool full;
};

#define AT(member) offsetof(struct ls_values, member)

static const struct cli_option ls_options[] = {
    {"status", "LIST", CLI_TEXT, AT(status), 0, 0, "open, in_progress, in_review, blocked, done"},
    {"tag", "TAG", CLI_TEXTS, AT(tags), 0, 0, "may be given more than once: all of them"},
    {"assignee", "AGENT", CLI_TEXT, AT(assignee), 0, 0, "its tasks only"},
    {"created-by", "AGENT", CLI_TEXT, AT(created_by), 0, 0, "what it created"},
    {"parent", "ID", CLI_TEXT, AT(parent), 0, 0, "the parts of a task"},
    {"search", "WORDS", CLI_TEXT, AT(words), 0, 0, "whole words in title or description"},
    {"ready", NULL, CLI_SWITCH, AT(ready), 0, 0, "what could be claimed now"},
    {"order", "ORDER", CLI_TEXT, AT(order), 0, 0, "created, updated or rank [created]"},
    {"limit", "NUMBER", CLI_NUMBER, AT(limit), 1, LIMIT_MAX, "at most so many [100]"},
    {"cursor", "CURSOR", CLI_TEXT, AT(cursor), 0, 0, "go on behind an earlier list"},
    {"full", NULL, CLI_SWITCH, AT(full), 0, 0,
     "with --json: descriptions, notes and the like, too"},
};
static const struct ls_values ls_initial = {.limit = 100};
#undef AT

static const char *ls_path(struct cli *cli, const struct ls_values *values)
{
    struct cli_path path;
    cli_path_begin(&path, cli->arena, "/board/tasks");
    cli_path_query(&path, "status", values->status);
    cli_path_queries(&path, "tag", &values->tags);
    cli_path_query(&path, "assignee", values->assignee);
    cli_path_query(&path, "createdBy", values->created_by);
    cli_path_query(&path, "parentId", values->parent);
    cli_path_query(&path, "q", values->words);
    cli_path_query(&path, "ready", values->ready ? "true" : NULL);
    cli_path_query(&path, "order", values->order);
    cli_path_query(&path, "cursor", values->cursor);
    cli_path_query(&path, "limit", tb_arena_printf(cli->arena, "%" PRId64, values->limit).ptr);
    cli_path_query(&path, "view", values->full ? NULL : "summary");
    return cli_path_end(&path);
}

static enum cli_exit ls(struct cli *cli, const void *given)
{
    enum cli_exit result;
    const struct tb_json *answer = fetch(cli, ls_path(cli, given), &result);
    if (answer == NULL) {
        return result;
    }
    const struct tb_json *first = cli_items(answer, "tasks");
    for (const struct tb_json *task = first; cli->settings.quiet && task != NULL;
         task = task->next) {
        (void)puts(cli_clean(cli->arena, tb_str_c(cli_text(cli->arena, task, "id")), false));
    }
    if (!cli->settings.quiet) {
        cli_print_tasks(cli, first);
    }
    const char *cursor = cli_text(cli->arena, answer, "nextCursor");
    if (cursor != NULL) {
        cli_complain("there may be more: --cursor %s",
                     cli_clean(cli->arena, tb_str_c(cursor), false));
    }
    return CLI_OK;
}

const struct cli_command cli_ls = {
    .name = "ls",
    .synopsis = "",
    .help = "list tasks",
    .options = ls_options,
    .option_count = sizeof(ls_options) / sizeof(ls_options[0]),
    .values_size = sizeof(struct ls_values),
    .initial = &ls_initial,
    .run = ls,
};

/* --- show --- */

struct show_values {
    bool attempts;
    bool history;
};

static const struct cli_option show_options[] = {
    {"attempts", NULL, CLI_SWITCH, offsetof(struct show_values, attempts), 0, 0,
     "who tried it, and how that ended"},
    {"history", NULL, CLI_SWITCH, offsetof(struct show_values, history), 0, 0,
     "what happened to it"},
};

static void print_attempts(struct cli *cli, const struct tb_json *answer)
{
    static const struct cli_column columns[] = {
        {"ATTEMPT", true, false},  {"GENERATION", true, false}, {"AGENT", false, false},
        {"OUTCOME", false, false}, {"CLAIMED", false, false},   {"ERROR", false, true},
    };
    struct tb_arena *arena = cli->arena;
    struct cli_table *table = cli_table_new(arena, columns, sizeof(columns) / sizeof(columns[0]));
    for (const struct tb_json *item = cli_items(answer, "attempts"); item != NULL;
         item = item->next) {
        const struct cli_cell cells[] = {
            {tb_arena_printf(arena, "%" PRId64, cli_number(item, "attempt", 0)).ptr, CLI_PLAIN},
            {tb_arena_printf(arena, "%" PRId64, cli_number(item, "generation", 0)).ptr, CLI_DIM},
            {cli_text(arena, item, "agent"), CLI_PLAIN},
            {cli_text(arena, item, "outcome"), CLI_BOLD},
            {cli_when(arena, cli_text(arena, item, "claimedAt")), CLI_DIM},
            {cli_text(arena, item, "error"), CLI_RED},
        };
        cli_table_add(table, cells);
    }
    cli_table_print(table, &cli->style);
}

static void print_history(struct cli *cli, const struct tb_json *answer)
{
    static const struct cli_column columns[] = {
        {"SEQ", true, false},
        {"AT", false, false},
        {"WHAT", false, false},
        {"WHO", false, true},
    };
    struct tb_arena *arena = cli->arena;
    struct cli_table *table = cli_table_new(arena, columns, sizeof(columns) / sizeof(columns[0]));
    for (const struct tb_json *item = cli_items(answer, "events"); item != NULL;
         item = item->next) {
        const struct cli_cell cells[] = {
            {tb_arena_printf(arena, "%" PRId64, cli_number(item, "seq", 0)).ptr, CLI_DIM},
            {cli_time_of_day(arena, cli_text(arena, item, "at")), CLI_DIM},
            {cli_text(arena, item, "type"), CLI_BOLD},
            {cli_text(arena, item, "actor"), CLI_PLAIN},
        };
        cli_table_add(table, cells);
    }
    cli_table_print(table, &cli->style);
}

static enum cli_exit show(struct cli *cli, const void *given)
{
    const struct show_values *values = given;
    if (values->attempts && values->history) {
        return cli_usage("--attempts and --history exclude each other");
    }
    const char *verb = values->attempts ? "attempts" : values->history ? "history" : NULL;
    enum cli_exit result;
    const struct tb_json *answer =
        fetch(cli, cli_task_path(cli->arena, cli->args[0], verb), &result);
    if (answer == NULL) {
        return result;
    }
    if (values->attempts) {
        print_attempts(cli, answer);
    } else if (values->history) {
        print_history(cli, answer);
    } else {
        cli_print_task(cli, answer);
    }
    return CLI_OK;
}

const struct cli_command cli_show = {
    .name = "show",
    .synopsis = "ID",
    .help = "show a task",
    .options = show_options,
    .option_count = sizeof(show_options) / sizeof(show_options[0]),
    .values_size = sizeof(struct show_values),
    .args_min = 1,
    .args_max = 1,
    .run = show,
};

/* --- why --- */

struct why_values {
    const char *for_agent;
    const char *vm;
};

static const struct cli_option why_options[] = {
    {"for", "AGENT", CLI_TEXT, offsetof(struct why_values, for_agent), 0, 0,
     "why that agent does not get it"},
    {"vm", "ID", CLI_TEXT, offsetof(struct why_values, vm), 0, 0, "on that VM"},
};

/* The reasons that have nothing to add. What is not known here is shown as it came. */
static const char *fixed_sentence(const char *code)
{
    static const struct {
        const char *code;
        const char *text;
    } sentences[] = {
        {"done", "it is done"},
        {"in_review", "it is in review"},
        {"blocked", "it was set to blocked"},
        {"dead_letter", "it is a dead letter: its attempts are used up, or it cannot be retried"},
        {"held", "somebody works on it without a lease"},
        {"paused", "the board is paused"},
        {"unknown_vm", "no such VM is registered"},
        {"vm_not_running", "the VM does not run, or nothing is heard of it"},
    };
    for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
        if (strcmp(code, sentences[i].code) == 0) {
            return sentences[i].text;
        }
    }
    return code;
}

/* A reason as a sentence. */
static const char *sentence(struct tb_arena *arena, const struct tb_json *reason)
{
    const char *code = cli_text(arena, reason, "code");
    const char *by = cli_text(arena, reason, "by");
    if (code == NULL) {
        return "";
    }
    if (strcmp(code, "dependencies") == 0) {
        return tb_arena_printf(arena, "it waits for %s", cli_join(arena, reason, "blockedBy", ", "))
            .ptr;
    }
    if (strcmp(code, "not_before") == 0) {
        return tb_arena_printf(arena, "it begins %s",
                               cli_when(arena, cli_text(arena, reason, "notBefore")))
            .ptr;
    }
    if (strcmp(code, "claimed") == 0) {
        return tb_arena_printf(arena, "%s holds it; the lease ends %s", by,
                               cli_when(arena, cli_text(arena, reason, "expiresAt")))
            .ptr;
    }
    if (strcmp(code, "assigned_elsewhere") == 0) {
        return tb_arena_printf(arena, "it is reserved for %s", cli_text(arena, reason, "assignee"))
            .ptr;
    }
    if (strcmp(code, "tag_paused") == 0) {
        return tb_arena_printf(arena, "its tag %s is paused", cli_text(arena, reason, "tag")).ptr;
    }
    return fixed_sentence(code);
}

static enum cli_exit why(struct cli *cli, const void *given)
{
    const struct why_values *values = given;
    struct cli_path path;
    enum cli_exit result;
    cli_path_begin(&path, cli->arena, cli_task_path(cli->arena, cli->args[0], "why"));
    cli_path_query(&path, "agent", values->for_agent);
    cli_path_query(&path, "vmId", values->vm);
    const struct tb_json *answer = fetch(cli, cli_path_end(&path), &result);
    if (answer == NULL) {
        return result;
    }
    if (cli_true(answer, "claimable")) {
        int64_t position = cli_number(answer, "position", 0);
        cli_paint(&cli->style, CLI_GREEN, "it can be claimed");
        (void)printf(position > 0 ? "; place %" PRId64 " in the order\n" : "\n", position);
    }
    for (const struct tb_json *reason = cli_items(answer, "reasons"); reason != NULL;
         reason = reason->next) {
        (void)puts(cli_clean(cli->arena, tb_str_c(sentence(cli->arena, reason)), false));
    }
    return CLI_OK;
}

const struct cli_command cli_why = {
    .name = "why",
    .synopsis = "ID",
    .help = "say why a task is not handed out",
    .options = why_options,
    .option_count = sizeof(why_options) / sizeof(why_options[0]),
    .values_size = sizeof(struct why_values),
    .args_min = 1,
    .args_max = 1,
    .run = why,
};

/* --- summary --- */

static void print_count(struct cli *cli, const char *label, int64_t count, enum cli_colour colour)
{
    (void)printf("%-14s", label);
    cli_paint(&cli->style, count > 0 ? colour : CLI_DIM,
              tb_arena_printf(cli->arena, "%8" PRId64, count).ptr);
    (void)putchar('\n');
}

static void print_names(struct cli *cli, const struct tb_json *answer, const char *name)
{
    const struct tb_json *names = cli_object(answer, name);
    if (names == NULL || names->child == NULL) {
        return;
    }
    (void)printf("\n%s\n", name);
    for (const struct tb_json *item = names->child; item != NULL; item = item->next) {
        struct tb_str key = tb_text_to_bytes(cli->arena, item->key);
        (void)printf("%8s  %s\n", cli_clean(cli->arena, item->raw, false),
                     cli_clean(cli->arena, key, false));
    }
}

static void print_rates(const struct tb_json *answer)
{
    static const char *const spans[] = {"1m", "5m", "1h"};
    const struct tb_json *rates = cli_object(answer, "rates");
    if (rates == NULL) {
        return;
    }
    (void)printf("\nlast   created  claimed  completed  failed\n");
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        const struct tb_json *rate = cli_object(rates, spans[i]);
        if (rate != NULL) {
            (void)printf("%-5s %8" PRId64 " %8" PRId64 " %10" PRId64 " %7" PRId64 "\n", spans[i],
                         cli_number(rate, "created", 0), cli_number(rate, "claimed", 0),
                         cli_number(rate, "completed", 0), cli_number(rate, "failed", 0));
        }
    }
}

static void print_paused(struct cli *cli, const struct tb_json *answer)
{
    for (const struct tb_json *item = cli_items(answer, "paused"); item != NULL;
         item = item->next) {
        const char *tag = cli_text(cli->arena, item, "tag");
        const char *reason = cli_text(cli->arena, item, "reason");
        const char *line =
            tb_arena_printf(cli->arena, "paused: %s%s%s%s", tag == NULL ? "the board" : "tag ",
                            tag == NULL ? "" : tag, reason == NULL ? "" : ": ",
                            reason == NULL ? "" : reason)
                .ptr;
        cli_paint(&cli->style, CLI_YELLOW, cli_clean(cli->arena, tb_str_c(line), false));
        (void)putchar('\n');
    }
}

static enum cli_exit summary(struct cli *cli, const void *given)
{
    (void)given;
    enum cli_exit result;
    const struct tb_json *answer = fetch(cli, "/board/summary", &result);
    if (answer == NULL) {
        return result;
    }
    const struct tb_json *states = cli_object(answer, "byStatus");
    print_paused(cli, answer);
    print_count(cli, "ready", cli_number(answer, "ready", 0), CLI_BLUE);
    print_count(cli, "scheduled", cli_number(answer, "scheduled", 0), CLI_PLAIN);
    print_count(cli, "waiting", cli_number(answer, "waiting", 0), CLI_PLAIN);
    print_count(cli, "claimed", cli_number(answer, "claimed", 0), CLI_YELLOW);
    print_count(cli, "dead letters", cli_number(answer, "deadLetters", 0), CLI_RED);
    if (states != NULL) {
        print_count(cli, "in review", cli_number(states, "in_review", 0), CLI_YELLOW);
        print_count(cli, "done", cli_number(states, "done", 0), CLI_GREEN);
    }
    const char *oldest = cli_text(cli->arena, answer, "oldestReadyAt");
    if (oldest != NULL) {
        (void)printf("%-14s%s\n", "oldest ready",
                     cli_clean(cli->arena, tb_str_c(cli_when(cli->arena, oldest)), false));
    }
    print_rates(answer);
    print_names(cli, answer, "byTag");
    print_names(cli, answer, "byAssignee");
    return CLI_OK;
}

const struct cli_command cli_summary = {
    .name = "summary",
    .synopsis = "",
    .help = "count what is on the board",
    .run = summary,
};

static enum cli_exit health(struct cli *cli, const void *given)
{
    (void)given;
    enum cli_exit result;
    const struct tb_json *answer = fetch(cli, "/health", &result);
    if (answer != NULL && !cli->settings.quiet) {
        (void)printf("up for %" PRId64 " seconds\n", cli_number(answer, "uptime", 0));
    }
    return result;
}

const struct cli_command cli_health = {
    .name = "health",
    .synopsis = "",
    .help = "is the server up? needs no token",
    .is_public = true,
    .run = health,
};
