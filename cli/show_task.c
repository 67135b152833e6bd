#include "show_task.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "when.h"

#define LABEL_COLUMN 12

/* --- states --- */

static struct cli_cell done_state(const char *outcome)
{
    if (outcome == NULL || strcmp(outcome, "success") == 0) {
        return (struct cli_cell){"done", CLI_GREEN};
    }
    return (struct cli_cell){outcome, strcmp(outcome, "failed") == 0 ? CLI_RED : CLI_DIM};
}

static struct cli_cell open_state(const struct tb_json *task)
{
    if (cli_true(task, "ready")) {
        return (struct cli_cell){"ready", CLI_BLUE};
    }
    if (cli_items(task, "blockedBy") != NULL) {
        return (struct cli_cell){"waiting", CLI_DIM};
    }
    return (struct cli_cell){tb_json_member(task, "notBefore") != NULL ? "scheduled" : "open",
                             CLI_DIM};
}

struct cli_cell cli_task_state(const struct tb_json *task, struct tb_arena *arena)
{
    const char *status = cli_text(arena, task, "status");
    const struct tb_json *reason = cli_object(task, "blockedReason");
    const struct tb_json *claim = cli_object(task, "claim");
    if (status == NULL) {
        return (struct cli_cell){"", CLI_PLAIN};
    }
    if (strcmp(status, "done") == 0) {
        return done_state(cli_text(arena, task, "outcome"));
    }
    if (strcmp(status, "open") == 0) {
        return open_state(task);
    }
    if (strcmp(status, "in_progress") == 0) {
        bool stops = claim != NULL && tb_json_member(claim, "cancelRequested") != NULL;
        return (struct cli_cell){stops           ? "cancelling"
                                 : claim != NULL ? "claimed"
                                                 : "held",
                                 CLI_YELLOW};
    }
    if (strcmp(status, "blocked") == 0 && reason != NULL) {
        const char *kind = cli_text(arena, reason, "kind");
        bool is_dead = kind != NULL && strcmp(kind, "dead_letter") == 0;
        return (struct cli_cell){is_dead ? "dead letter" : "blocked", CLI_RED};
    }
    return (struct cli_cell){strcmp(status, "in_review") == 0 ? "in review" : status, CLI_YELLOW};
}

static const char *progress_of(const struct tb_json *task, struct tb_arena *arena)
{
    const struct tb_json *progress = cli_object(task, "progress");
    int64_t percent = progress == NULL ? -1 : cli_number(progress, "percent", -1);
    return percent < 0 ? "" : tb_arena_printf(arena, "%" PRId64 "%%", percent).ptr;
}

/* --- many --- */

void cli_print_tasks(struct cli *cli, const struct tb_json *first)
{
    static const struct cli_column columns[] = {
        {"ID", false, false},       {"STATE", false, false},   {"PROGRESS", true, false},
        {"PRIO", true, false},      {"TITLE", false, true},    {"TAGS", false, false},
        {"ASSIGNEE", false, false}, {"CHANGED", false, false},
    };
    struct tb_arena *arena = cli->arena;
    struct cli_table *table = cli_table_new(arena, columns, sizeof(columns) / sizeof(columns[0]));
    for (const struct tb_json *task = first; task != NULL; task = task->next) {
        int64_t priority = cli_number(task, "priority", 0);
        const struct cli_cell cells[] = {
            {cli_text(arena, task, "id"), CLI_PLAIN},
            cli_task_state(task, arena),
            {progress_of(task, arena), CLI_PLAIN},
            {priority == 0 ? "" : tb_arena_printf(arena, "%" PRId64, priority).ptr, CLI_PLAIN},
            {cli_text(arena, task, "title"), CLI_BOLD},
            {cli_join(arena, task, "tags", ","), CLI_DIM},
            {cli_text(arena, task, "assignee"), CLI_PLAIN},
            {cli_when(arena, cli_text(arena, task, "updatedAt")), CLI_DIM},
        };
        cli_table_add(table, cells);
    }
    cli_table_print(table, &cli->style);
}

/* --- one --- */

static void print_line(struct cli *cli, const char *label, const char *text)
{
    if (text == NULL || text[0] == '\0') {
        return;
    }
    (void)printf("%-*s", LABEL_COLUMN, label);
    (void)puts(cli_clean(cli->arena, tb_str_c(text), false));
}

static void print_text(struct cli *cli, const char *label, const char *text)
{
    if (text == NULL) {
        return;
    }
    (void)putchar('\n');
    cli_paint(&cli->style, CLI_DIM, cli_clean(cli->arena, tb_str_c(label), false));
    (void)printf("\n%s\n", cli_clean(cli->arena, tb_str_c(text), true));
}

static void print_raw(struct cli *cli, const char *label, struct tb_str json)
{
    if (json.ptr != NULL) {
        print_text(cli, label, tb_arena_printf(cli->arena, "%.*s", (int)json.len, json.ptr).ptr);
    }
}

static void print_claim(struct cli *cli, const struct tb_json *task)
{
    struct tb_arena *arena = cli->arena;
    const struct tb_json *claim = cli_object(task, "claim");
    const struct tb_json *progress = cli_object(task, "progress");
    if (claim != NULL) {
        const char *vm = cli_text(arena, claim, "vmId");
        const char *line =
            tb_arena_printf(arena, "%s%s%s, since %s, lease ends %s, generation %" PRId64,
                            cli_text(arena, claim, "by"), vm == NULL ? "" : " on ",
                            vm == NULL ? "" : vm,
                            cli_when(arena, cli_text(arena, claim, "claimedAt")),
                            cli_when(arena, cli_text(arena, claim, "expiresAt")),
                            cli_number(claim, "generation", 0))
                .ptr;
        print_line(cli, "claim", line);
    }
    if (progress != NULL) {
        const char *message = cli_text(arena, progress, "message");
        print_line(cli, "progress",
                   tb_arena_printf(arena, "%s %s", progress_of(task, arena),
                                   message == NULL ? "" : message)
                       .ptr);
    }
}

static void print_attached(struct cli *cli, const struct tb_json *task)
{
    struct tb_arena *arena = cli->arena;
    for (const struct tb_json *item = cli_items(task, "artifacts"); item != NULL;
         item = item->next) {
        print_line(cli, "artifact",
                   tb_arena_printf(arena, "%s %s (%s)", cli_text(arena, item, "type"),
                                   cli_text(arena, item, "url"), cli_text(arena, item, "label"))
                       .ptr);
    }
    for (const struct tb_json *note = cli_items(task, "notes"); note != NULL; note = note->next) {
        print_text(cli,
                   tb_arena_printf(arena, "%s by %s, %s", cli_text(arena, note, "type"),
                                   cli_text(arena, note, "author"),
                                   cli_when(arena, cli_text(arena, note, "createdAt")))
                       .ptr,
                   cli_text(arena, note, "content"));
    }
}

void cli_print_task(struct cli *cli, const struct tb_json *task)
{
    struct tb_arena *arena = cli->arena;
    struct cli_cell state = cli_task_state(task, arena);
    cli_paint(&cli->style, CLI_BOLD,
              cli_clean(arena, tb_str_c(cli_text(arena, task, "title")), false));
    (void)printf("\n%-*s", LABEL_COLUMN, "state");
    cli_paint(&cli->style, state.colour, cli_clean(arena, tb_str_c(state.text), false));
    (void)putchar('\n');
    print_line(cli, "id", cli_text(arena, task, "id"));
    print_claim(cli, task);
    print_line(cli, "assignee", cli_text(arena, task, "assignee"));
    print_line(cli, "tags", cli_join(arena, task, "tags", ", "));
    print_line(cli, "priority",
               tb_arena_printf(arena, "%" PRId64, cli_number(task, "priority", 0)).ptr);
    print_line(cli, "attempts",
               tb_arena_printf(arena, "%" PRId64 " of %" PRId64, cli_number(task, "attempts", 0),
                               cli_number(task, "maxAttempts", 0))
                   .ptr);
    print_line(cli, "depends on", cli_join(arena, task, "dependencies", ", "));
    print_line(cli, "waits for", cli_join(arena, task, "blockedBy", ", "));
    print_line(cli, "not before", cli_when(arena, cli_text(arena, task, "notBefore")));
    print_line(cli, "part of", cli_text(arena, task, "parentId"));
    print_line(cli, "key", cli_text(arena, task, "uniqueKey"));
    print_line(cli, "created",
               tb_arena_printf(arena, "%s by %s",
                               cli_when(arena, cli_text(arena, task, "createdAt")),
                               cli_text(arena, task, "createdBy"))
                   .ptr);
    print_line(cli, "changed", cli_when(arena, cli_text(arena, task, "updatedAt")));
    print_text(cli, "description", cli_text(arena, task, "description"));
    print_raw(cli, "payload", cli_raw(task, "payload"));
    print_raw(cli, "result", cli_raw(task, "result"));
    print_raw(cli, "blocked because", cli_raw(task, "blockedReason"));
    print_attached(cli, task);
}

enum cli_exit cli_print_changed(struct cli *cli, struct tb_str body, const char *what)
{
    if (cli->settings.json) {
        cli_print_json(body);
        return CLI_OK;
    }
    const struct tb_json *task = cli_read_json(cli->arena, body);
    if (task == NULL) {
        return CLI_UNREACHABLE;
    }
    const char *id = cli_clean(cli->arena, tb_str_c(cli_text(cli->arena, task, "id")), false);
    if (cli->settings.quiet) {
        (void)puts(id);
        return CLI_OK;
    }
    struct cli_cell state = cli_task_state(task, cli->arena);
    (void)printf("%s %s ", what, id);
    cli_paint(&cli->style, state.colour, cli_clean(cli->arena, tb_str_c(state.text), false));
    (void)printf("  %s\n",
                 cli_clean(cli->arena, tb_str_c(cli_text(cli->arena, task, "title")), false));
    return CLI_OK;
}
