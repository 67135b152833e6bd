/* Settings from flags, the environment and a file.
 *
 * Lines of the input that begin with `--` are flags, those that begin with `TASKBOARD_` are
 * variables of the environment, all others are the file. What is refused says why; what is accepted
 * lies within the table's limits. */
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/settings.h"
#include "config/table.h"
#include "fuzz.h"

#define ARGS_MAX      16
#define VARIABLES_MAX 16
#define LINE_MAX      1024

struct given {
    char args[ARGS_MAX][LINE_MAX];
    int arg_count;
    char variables[VARIABLES_MAX][LINE_MAX]; /* NAME=VALUE */
    int variable_count;
    int file;
    char file_path[32];
};

static void add_arg(struct given *given, const char *text, size_t len)
{
    if (given->arg_count < ARGS_MAX) {
        (void)snprintf(given->args[given->arg_count++], LINE_MAX, "%.*s", (int)len, text);
    }
}

static bool begins_with(struct tb_str line, const char *prefix)
{
    return line.len >= strlen(prefix) && memcmp(line.ptr, prefix, strlen(prefix)) == 0;
}

static void sort_lines(struct given *given, struct fuzz_input input)
{
    struct tb_str line;
    add_arg(given, "taskboardd", strlen("taskboardd"));
    add_arg(given, "--config", strlen("--config"));
    add_arg(given, given->file_path, strlen(given->file_path));
    while (fuzz_until(&input, '\n', &line)) {
        if (begins_with(line, "--")) {
            add_arg(given, line.ptr, line.len);
        } else if (begins_with(line, "TASKBOARD_") && given->variable_count < VARIABLES_MAX) {
            (void)snprintf(given->variables[given->variable_count++], LINE_MAX, "%.*s",
                           (int)line.len, line.ptr);
        } else {
            must(write(given->file, line.ptr, line.len) == (ssize_t)line.len);
            must(write(given->file, "\n", 1) == 1);
        }
    }
}

static const char *get_variable(void *ctx, const char *name)
{
    struct given *given = ctx;
    size_t len = strlen(name);
    for (int i = 0; i < given->variable_count; i++) {
        if (strncmp(given->variables[i], name, len) == 0 && given->variables[i][len] == '=') {
            return given->variables[i] + len + 1;
        }
    }
    return NULL;
}

static void check_number(const char *name, int64_t number)
{
    const struct tb_setting *setting = tb_setting_find(tb_str_c(name));
    must(setting != NULL && number >= setting->min && number <= setting->max);
}

static void check_settings(const struct tb_settings *settings)
{
    must(settings->hosts.count <= TB_SETTINGS_LIST_MAX);
    for (size_t i = 0; i < settings->hosts.count; i++) {
        must(settings->hosts.items[i] != NULL && settings->hosts.items[i][0] != '\0');
    }
    if (settings->help || settings->version) {
        return; /* nothing but the flags was looked at */
    }
    must(settings->data != NULL && settings->data[0] != '\0');
    must(settings->log_level >= TB_LOG_OFF && settings->log_level <= TB_LOG_DEBUG);
    must((unsigned)settings->log_format <= TB_LOG_JSON);
    must(settings->public_url == NULL || strncasecmp(settings->public_url, "http", 4) == 0);
    check_number("port", settings->port);
    if (settings->threads != 0) { /* not given */
        check_number("threads", settings->threads);
    }
    check_number("retain-events", settings->retain_events);
    check_number("retain-days", settings->retain_days);
    check_number("drain-seconds", settings->drain_seconds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct given given;
    char *argv[ARGS_MAX + 1] = {NULL};
    char why[TB_SETTINGS_WHY_BYTES];
    struct tb_settings settings = {.port = -1};
    given = (struct given){.file = memfd_create("settings", MFD_CLOEXEC)};
    must(given.file >= 0);
    (void)snprintf(given.file_path, sizeof(given.file_path), "/proc/self/fd/%d", given.file);
    sort_lines(&given, fuzz_input_of(data, size));
    for (int i = 0; i < given.arg_count; i++) {
        argv[i] = given.args[i];
    }
    struct tb_arena *arena = tb_arena_new(0);
    memset(why, 'x', sizeof(why));
    why[0] = '\0';
    if (tb_settings_load(&settings, arena, given.arg_count, argv, get_variable, &given, why)) {
        check_settings(&settings);
    } else {
        must(why[0] != '\0' && memchr(why, '\0', sizeof(why)) != NULL);
    }
    tb_arena_free(arena);
    (void)close(given.file);
    return 0;
}
