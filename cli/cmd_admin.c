/* fleet, token, backup */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "call.h"
#include "command.h"
#include "files.h"
#include "table.h"
#include "when.h"

#define OWNER_ONLY  0600
#define EXPIRES_MAX INT64_C(315360000)
#define BROKE_OFF   "the backup broke off: %s"

/* --- fleet --- */

struct fleet_values {
    const char *role;
    const char *status;
    const char *service;
};

static const struct cli_option fleet_options[] = {
    {"role", "ROLE", CLI_TEXT, offsetof(struct fleet_values, role), 0, 0,
     "infra, lieutenant, worker, golden or custom"},
    {"status", "STATUS", CLI_TEXT, offsetof(struct fleet_values, status), 0, 0,
     "running, paused or stopped"},
    {"service", "NAME", CLI_TEXT, offsetof(struct fleet_values, service), 0, 0,
     "those that offer it"},
};

static void print_vms(struct cli *cli, const struct tb_json *answer)
{
    static const struct cli_column columns[] = {
        {"ID", false, false},        {"ROLE", false, false},    {"STATUS", false, false},
        {"CLAIMS", true, false},     {"ADDRESS", false, false}, {"NAME", false, true},
        {"LAST SEEN", false, false},
    };
    struct tb_arena *arena = cli->arena;
    struct cli_table *table = cli_table_new(arena, columns, sizeof(columns) / sizeof(columns[0]));
    for (const struct tb_json *vm = cli_items(answer, "vms"); vm != NULL; vm = vm->next) {
        const char *status = cli_text(arena, vm, "status");
        bool is_stale = cli_true(vm, "stale");
        bool runs = status != NULL && strcmp(status, "running") == 0;
        const struct cli_cell cells[] = {
            {cli_text(arena, vm, "id"), CLI_BOLD},
            {cli_text(arena, vm, "role"), CLI_PLAIN},
            {is_stale ? "stale" : status, is_stale ? CLI_RED
                                          : runs   ? CLI_GREEN
                                                   : CLI_YELLOW},
            {tb_arena_printf(arena, "%" PRId64, cli_number(vm, "claims", 0)).ptr, CLI_PLAIN},
            {cli_text(arena, vm, "address"), CLI_PLAIN},
            {cli_text(arena, vm, "name"), CLI_PLAIN},
            {cli_when(arena, cli_text(arena, vm, "lastSeen")), CLI_DIM},
        };
        cli_table_add(table, cells);
    }
    cli_table_print(table, &cli->style);
}

static enum cli_exit fleet(struct cli *cli, const void *given)
{
    const struct fleet_values *values = given;
    struct cli_path path;
    struct tb_str answer;
    cli_path_begin(&path, cli->arena, "/registry/vms");
    cli_path_query(&path, "role", values->role);
    cli_path_query(&path, "status", values->status);
    cli_path_query(&path, "service", values->service);
    enum cli_exit result = cli_call(cli, "GET", cli_path_end(&path), TB_STR_NONE, &answer);
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
    for (const struct tb_json *vm = cli_items(json, "vms"); cli->settings.quiet && vm != NULL;
         vm = vm->next) {
        (void)puts(cli_clean(cli->arena, tb_str_c(cli_text(cli->arena, vm, "id")), false));
    }
    if (!cli->settings.quiet) {
        print_vms(cli, json);
    }
    return CLI_OK;
}

const struct cli_command cli_fleet = {
    .name = "fleet",
    .synopsis = "",
    .help = "list the registered VMs",
    .options = fleet_options,
    .option_count = sizeof(fleet_options) / sizeof(fleet_options[0]),
    .values_size = sizeof(struct fleet_values),
    .run = fleet,
};

/* --- token --- */

struct token_values {
    const char *role;
    const char *bound;
    const char *out;
    int64_t expires_seconds;
};

static const struct cli_option token_options[] = {
    {"role", "ROLE", CLI_TEXT, offsetof(struct token_values, role), 0, 0,
     "create: viewer, worker, coordinator or admin"},
    {"for", "AGENT", CLI_TEXT, offsetof(struct token_values, bound), 0, 0,
     "create: whoever has it may speak as that agent only"},
    {"expires", "SECONDS", CLI_SECONDS, offsetof(struct token_values, expires_seconds), 1,
     EXPIRES_MAX, "create: how long it is good [for ever]"},
    {"out", "FILE", CLI_TEXT, offsetof(struct token_values, out), 0, 0,
     "create: write the token there, for its owner only [standard output]"},
};

static enum cli_exit token_created(struct cli *cli, const struct token_values *values,
                                   struct tb_str answer)
{
    const struct tb_json *json = cli_read_json(cli->arena, answer);
    const char *secret = json == NULL ? NULL : cli_text(cli->arena, json, "token");
    if (secret == NULL) {
        return CLI_UNREACHABLE;
    }
    const char *id = cli_clean(cli->arena, tb_str_c(cli_text(cli->arena, json, "id")), false);
    if (values->out != NULL) {
        if (!cli_write_secret(cli->arena, values->out,
                              tb_arena_printf(cli->arena, "%s\n", secret))) {
            cli_complain("it is made all the same: taskboard token revoke %s", id);
            return CLI_USAGE;
        }
        (void)puts(id);
        return CLI_OK;
    }
    if (cli->settings.json) {
        cli_print_json(answer);
        return CLI_OK;
    }
    (void)puts(cli_clean(cli->arena, tb_str_c(secret), false));
    if (!cli->settings.quiet) {
        cli_complain("token %s; it is shown this once", id);
    }
    return CLI_OK;
}

static enum cli_exit token_create(struct cli *cli, const struct token_values *values)
{
    struct cli_body body;
    struct tb_str answer;
    if (cli->arg_count != 2 || values->role == NULL) {
        return cli_usage("it is: taskboard token create --role ROLE NAME");
    }
    cli_body_begin(&body, cli->arena);
    cli_body_text(&body, "name", cli->args[1]);
    cli_body_text(&body, "role", values->role);
    cli_body_text(&body, "agent", values->bound);
    if (values->expires_seconds > 0) {
        cli_body_number(&body, "expiresInSeconds", values->expires_seconds);
    }
    enum cli_exit result = cli_call(cli, "POST", "/auth/tokens", cli_body_end(&body), &answer);
    return result != CLI_OK ? result : token_created(cli, values, answer);
}

static enum cli_exit token_list(struct cli *cli)
{
    static const struct cli_column columns[] = {
        {"ID", false, false},    {"NAME", false, true},     {"ROLE", false, false},
        {"AGENT", false, false}, {"EXPIRES", false, false},
    };
    struct tb_arena *arena = cli->arena;
    struct tb_str answer;
    enum cli_exit result = cli_call(cli, "GET", "/auth/tokens", TB_STR_NONE, &answer);
    if (result != CLI_OK) {
        return result;
    }
    if (cli->settings.json) {
        cli_print_json(answer);
        return CLI_OK;
    }
    const struct tb_json *json = cli_read_json(arena, answer);
    if (json == NULL) {
        return CLI_UNREACHABLE;
    }
    struct cli_table *table = cli_table_new(arena, columns, sizeof(columns) / sizeof(columns[0]));
    for (const struct tb_json *item = cli_items(json, "tokens"); item != NULL; item = item->next) {
        const struct cli_cell cells[] = {
            {cli_text(arena, item, "id"), CLI_PLAIN},
            {cli_text(arena, item, "name"), CLI_BOLD},
            {cli_text(arena, item, "role"), CLI_PLAIN},
            {cli_text(arena, item, "agent"), CLI_PLAIN},
            {cli_when(arena, cli_text(arena, item, "expiresAt")), CLI_DIM},
        };
        cli_table_add(table, cells);
    }
    cli_table_print(table, &cli->style);
    return CLI_OK;
}

static enum cli_exit token_revoke(struct cli *cli)
{
    struct cli_path path;
    struct tb_str answer;
    if (cli->arg_count != 2) {
        return cli_usage("it is: taskboard token revoke ID");
    }
    cli_path_begin(&path, cli->arena, "/auth/tokens");
    cli_path_segment(&path, cli->args[1]);
    enum cli_exit result = cli_call(cli, "DELETE", cli_path_end(&path), TB_STR_NONE, &answer);
    if (result == CLI_OK && cli->settings.json) {
        cli_print_json(answer);
    } else if (result == CLI_OK && !cli->settings.quiet) {
        (void)printf("revoked\n");
    }
    return result;
}

static enum cli_exit token(struct cli *cli, const void *given)
{
    const struct token_values *values = given;
    const char *verb = cli->args[0];
    if (strcmp(verb, "create") == 0) {
        return token_create(cli, values);
    }
    if (values->role != NULL || values->bound != NULL || values->out != NULL ||
        values->expires_seconds != 0) {
        return cli_usage("token: the options are those of create");
    }
    if (strcmp(verb, "list") == 0 && cli->arg_count == 1) {
        return token_list(cli);
    }
    if (strcmp(verb, "revoke") == 0) {
        return token_revoke(cli);
    }
    return cli_usage("it is: taskboard token create NAME, token list or token revoke ID");
}

const struct cli_command cli_token = {
    .name = "token",
    .synopsis = "create NAME | list | revoke ID",
    .help = "make, list and revoke tokens",
    .options = token_options,
    .option_count = sizeof(token_options) / sizeof(token_options[0]),
    .values_size = sizeof(struct token_values),
    .args_min = 1,
    .args_max = 2,
    .run = token,
};

/* --- backup --- */

struct backup_values {
    bool force;
};

static const struct cli_option backup_options[] = {
    {"force", NULL, CLI_SWITCH, offsetof(struct backup_values, force), 0, 0,
     "write over a file that is there"},
};

struct sink {
    int fd;
    int why; /* errno of a write that failed */
    int64_t bytes;
};

static bool on_piece(void *ctx, const char *bytes, size_t len)
{
    struct sink *sink = ctx;
    while (len > 0) {
        ssize_t put = write(sink->fd, bytes, len);
        if (put < 0 && errno != EINTR) {
            sink->why = errno;
            return false;
        }
        size_t step = put < 0 ? 0 : (size_t)put;
        bytes += step;
        len -= step;
        sink->bytes += (int64_t)step;
    }
    return true;
}

/* Not tried again by itself: it is large, and there is nothing to go on from. */
static enum cli_exit fetch_backup(struct cli *cli, struct sink *sink)
{
    struct cli_exchange *exchange = cli_exchange_new(&cli->settings);
    const struct cli_request request = {.method = "GET", .path = "/admin/backup"};
    CURL *curl = cli_exchange_begin(exchange, &request);
    cli_exchange_divert(exchange, on_piece, sink);
    const struct cli_answer *answer = cli_exchange_end(exchange, curl_easy_perform(curl));
    enum cli_exit result = CLI_OK;
    if (sink->why != 0) {
        result = cli_usage(BROKE_OFF, strerror(sink->why));
    } else if (answer->transport != CURLE_OK && sink->bytes > 0) {
        cli_complain(BROKE_OFF, curl_easy_strerror(answer->transport));
        result = CLI_UNREACHABLE;
    } else if (answer->transport != CURLE_OK || answer->status != 200) {
        result = cli_refused(cli, answer);
    } else if (!answer->is_bytes) {
        cli_complain("what came is no backup: %s is not a board's URL", cli->settings.url);
        result = CLI_UNREACHABLE;
    }
    cli_exchange_free(exchange);
    return result;
}

/* For one backup at a time: two that write to one file would mix their bytes. -1 with errno set;
 * EWOULDBLOCK: another one is at work. */
static int open_partial(const char *partial)
{
    struct stat ours, named;
    int fd = open(partial, O_WRONLY | O_CREAT | O_CLOEXEC, OWNER_ONLY);
    if (fd < 0) {
        return -1;
    }
    bool ok = flock(fd, LOCK_EX | LOCK_NB) == 0;
    /* The other one may have ended just then, and taken the file away. */
    if (ok && (fstat(fd, &ours) != 0 || stat(partial, &named) != 0 || ours.st_ino != named.st_ino ||
               ours.st_dev != named.st_dev)) {
        errno = EWOULDBLOCK;
        ok = false;
    }
    if (ok && ftruncate(fd, 0) == 0) {
        return fd;
    }
    int why = errno;
    (void)close(fd);
    errno = why;
    return -1;
}

static enum cli_exit backup_to_file(struct cli *cli, const char *path, bool force)
{
    if (!force && access(path, F_OK) == 0) {
        return cli_usage("%s is there already; --force writes over it", path);
    }
    const char *partial = tb_arena_printf(cli->arena, "%s.partial", path).ptr;
    struct sink sink = {.fd = open_partial(partial)};
    if (sink.fd < 0) {
        return cli_usage("cannot write %s: %s", partial,
                         errno == EWOULDBLOCK ? "another backup writes it" : strerror(errno));
    }
    enum cli_exit result = fetch_backup(cli, &sink);
    if (result == CLI_OK && !cli_move_in(sink.fd, partial, path)) {
        result = cli_usage("cannot write %s: %s", path, strerror(errno));
    }
    if (result != CLI_OK) {
        (void)unlink(partial);
    } else if (cli->settings.json) {
        (void)printf("{\"bytes\":%" PRId64 "}\n", sink.bytes);
    } else if (!cli->settings.quiet) {
        (void)printf("%" PRId64 " bytes in %s\n", sink.bytes, path);
    }
    (void)close(sink.fd);
    return result;
}

static enum cli_exit backup(struct cli *cli, const void *given)
{
    const struct backup_values *values = given;
    if (strcmp(cli->args[0], "-") != 0) {
        return backup_to_file(cli, cli->args[0], values->force);
    }
    if (cli->style.terminal) {
        return cli_usage("a backup is nothing for a terminal: name a file");
    }
    struct sink sink = {.fd = STDOUT_FILENO};
    return fetch_backup(cli, &sink);
}

const struct cli_command cli_backup = {
    .name = "backup",
    .synopsis = "FILE",
    .help = "write a copy of the board to a file while it works; - is standard output",
    .options = backup_options,
    .option_count = sizeof(backup_options) / sizeof(backup_options[0]),
    .values_size = sizeof(struct backup_values),
    .args_min = 1,
    .args_max = 1,
    .run = backup,
};
