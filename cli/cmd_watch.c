/* watch */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "call.h"
#include "command.h"
#include "sse.h"
#include "when.h"

#define BACKOFF_MAX_MS 10000
#define NOT_GIVEN      (-1)

struct watch_values {
    const char *topic;
    const char *type;
    const char *task;
    const char *tag;
    const char *by;
    int64_t since;
    int64_t count;
};

#define AT(member) offsetof(struct watch_values, member)

static const struct cli_option watch_options[] = {
    {"topic", "TOPIC", CLI_TEXT, AT(topic), 0, 0, "board, registry or feed"},
    {"type", "TYPE", CLI_TEXT, AT(type), 0, 0, "such as task.completed"},
    {"task", "ID", CLI_TEXT, AT(task), 0, 0, "of one task"},
    {"tag", "TAG", CLI_TEXT, AT(tag), 0, 0, "of tasks that have it"},
    {"by", "AGENT", CLI_TEXT, AT(by), 0, 0, "what that agent did"},
    {"since", "SEQ", CLI_NUMBER, AT(since), 0, INT64_MAX,
     "begin behind that event; 0: with the oldest [now]"},
    {"count", "NUMBER", CLI_NUMBER, AT(count), 1, INT64_MAX, "end after so many events"},
};
static const struct watch_values watch_initial = {.since = NOT_GIVEN};
#undef AT

struct watch {
    struct cli *cli;
    struct cli_sse sse;
    int64_t left; /* events until the end; 0: without end */
    bool over;
    bool heard; /* of the connection that is open */
};

static enum cli_colour colour_of(const char *type)
{
    static const struct {
        const char *type;
        enum cli_colour colour;
    } colours[] = {
        {"task.completed", CLI_GREEN}, {"task.approved", CLI_GREEN},   {"task.failed", CLI_RED},
        {"task.dead", CLI_RED},        {"task.expired", CLI_RED},      {"task.claimed", CLI_YELLOW},
        {"task.ready", CLI_BLUE},      {"task.progress", CLI_DIM},     {"vm.stale", CLI_RED},
        {"board.paused", CLI_YELLOW},  {"task.cancelled", CLI_YELLOW},
    };
    for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++) {
        if (strcmp(type, colours[i].type) == 0) {
            return colours[i].colour;
        }
    }
    return CLI_PLAIN;
}

/* What an event is about, and who did it: "Write the parser (worker-1)". */
static const char *about(struct tb_arena *arena, const struct tb_json *event)
{
    const struct tb_json *data = cli_object(event, "data");
    const struct tb_json *task = data == NULL ? NULL : cli_object(data, "task");
    const char *what = task == NULL ? NULL : cli_text(arena, task, "title");
    const char *actor = cli_text(arena, event, "actor");
    what = what == NULL ? cli_text(arena, event, "vmId") : what;
    what = what == NULL && data != NULL ? cli_text(arena, data, "summary") : what;
    what = what == NULL ? "" : what;
    return actor == NULL ? what : tb_arena_printf(arena, "%s (%s)", what, actor).ptr;
}

static void print_event(struct watch *watch, struct tb_str data)
{
    struct tb_arena *arena = watch->sse.arena;
    const struct cli_style *style = &watch->cli->style;
    const struct tb_json *event = cli_read_json(arena, data);
    if (event == NULL) {
        return;
    }
    const char *type = cli_clean(arena, tb_str_c(cli_text(arena, event, "type")), false);
    const char *id = cli_text(arena, event, "taskId");
    const char *at = cli_time_of_day(arena, cli_text(arena, event, "at"));
    const char *head = tb_arena_printf(arena, "%s  ", at == NULL ? "" : at).ptr;
    const char *name = tb_arena_printf(arena, "%-21s", type).ptr;
    const char *task = tb_arena_printf(arena, "  %-26s  ", id == NULL ? "" : id).ptr;
    cli_paint(style, CLI_DIM, cli_clean(arena, tb_str_c(head), false));
    cli_paint(style, colour_of(type), name);
    cli_paint(style, CLI_DIM, cli_clean(arena, tb_str_c(task), false));
    const char *text = cli_clean(arena, tb_str_c(about(arena, event)), false);
    size_t used = cli_columns(head) + cli_columns(name) + cli_columns(task);
    if (style->width > 0) {
        text = cli_cut(arena, text, style->width > used ? style->width - used : 0);
    }
    (void)puts(text);
}

/* The log does not go back so far: this is said, for whoever counts on every event. */
static void print_reset(struct watch *watch, struct tb_str data)
{
    const struct tb_json *reset = cli_read_json(watch->sse.arena, data);
    if (reset == NULL) {
        return;
    }
    int64_t oldest = cli_number(reset, "oldest", 0);
    int64_t head = cli_number(reset, "head", 0);
    if (watch->cli->settings.json) {
        (void)printf("{\"type\":\"reset\",\"oldest\":%" PRId64 ",\"head\":%" PRId64 "}\n", oldest,
                     head);
        return;
    }
    cli_complain("some events are not kept any more; it goes on with event %" PRId64, oldest);
}

static bool on_event(void *ctx, const struct cli_sse_event *event)
{
    struct watch *watch = ctx;
    bool is_reset = event->name.ptr != NULL && tb_str_eq_c(event->name, "reset");
    if (is_reset) {
        print_reset(watch, event->data);
    } else if (watch->cli->settings.json) {
        cli_print_json(event->data);
    } else {
        print_event(watch, event->data);
    }
    if (!is_reset && watch->left > 0) {
        watch->left--;
        watch->over = watch->left == 0;
    }
    watch->over = watch->over || fflush(stdout) != 0; /* nobody reads any more */
    return !watch->over;
}

static bool on_piece(void *ctx, const char *bytes, size_t len)
{
    struct watch *watch = ctx;
    watch->heard = true;
    return cli_sse_feed(&watch->sse, bytes, len);
}

static const char *watch_path(struct cli *cli, const struct watch_values *values)
{
    struct cli_path path;
    cli_path_begin(&path, cli->arena, "/events/stream");
    cli_path_query(&path, "topic", values->topic);
    cli_path_query(&path, "type", values->type);
    cli_path_query(&path, "taskId", values->task);
    cli_path_query(&path, "tag", values->tag);
    cli_path_query(&path, "agent", values->by);
    if (values->since != NOT_GIVEN) {
        cli_path_query(&path, "since", tb_arena_printf(cli->arena, "%" PRId64, values->since).ptr);
    }
    return cli_path_end(&path);
}

/* One connection, until it ends. */
static const struct cli_answer *listen_once(struct watch *watch, struct cli_exchange *exchange,
                                            const char *path)
{
    char header[CLI_SSE_ID_BYTES_MAX + 32];
    (void)snprintf(header, sizeof(header), "Last-Event-ID: %s", watch->sse.last_id);
    const struct cli_request request = {
        .method = "GET",
        .path = path,
        .header = watch->sse.last_id[0] == '\0' ? NULL : header,
    };
    CURL *curl = cli_exchange_begin(exchange, &request);
    cli_exchange_divert(exchange, on_piece, watch);
    cli_sse_begin(&watch->sse);
    watch->heard = false;
    return cli_exchange_end(exchange, curl_easy_perform(curl));
}

/* Comes back with the last id that it saw, so that nothing is missed and nothing comes twice. A
 * board that does not answer at first is given as long as --retry says; later, all the time that it
 * takes. */
static enum cli_exit watch_board(struct cli *cli, const void *given)
{
    const struct watch_values *values = given;
    struct watch watch = {.cli = cli, .left = values->count};
    const char *path = watch_path(cli, values);
    struct tb_arena *arena = tb_arena_new(0);
    struct cli_exchange *exchange = cli_exchange_new(&cli->settings);
    int64_t until_ms = cli_now_ms() + cli->settings.retry_seconds * 1000;
    enum cli_exit result = CLI_OK;
    cli_sse_init(&watch.sse, arena, on_event, &watch);
    for (unsigned attempt = 1;; attempt++) {
        const struct cli_answer *answer = listen_once(&watch, exchange, path);
        if (watch.over) {
            break;
        }
        attempt = watch.heard ? 1 : attempt;
        int64_t wait_ms = cli_backoff_ms(attempt, BACKOFF_MAX_MS, answer);
        bool ended = answer->transport == CURLE_OK && answer->status == 200;
        bool never_began = watch.sse.last_id[0] == '\0';
        if (ended && !answer->is_stream) {
            cli_complain("what came is no stream of events: %s is not a board's URL",
                         cli->settings.url);
            result = CLI_UNREACHABLE;
            break;
        }
        if (!ended && (!cli_answer_may_change(answer) ||
                       (never_began && cli_now_ms() + wait_ms > until_ms))) {
            result = cli_refused(cli, answer);
            break;
        }
        (void)poll(NULL, 0, (int)wait_ms);
    }
    cli_exchange_free(exchange);
    tb_arena_free(arena);
    return result;
}

const struct cli_command cli_watch = {
    .name = "watch",
    .synopsis = "",
    .help = "show what happens, as it happens",
    .options = watch_options,
    .option_count = sizeof(watch_options) / sizeof(watch_options[0]),
    .values_size = sizeof(struct watch_values),
    .initial = &watch_initial,
    .run = watch_board,
};
