/* What every command of `taskboard` shares: its surroundings and its exit codes.
 *
 * The client knows the server only by its HTTP contract (docs/PROTOCOL.md). It is one thread; all
 * memory of a command is one arena, freed at the end. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/arena.h"
#include "base/str.h"
#include "settings.h"
#include "style.h"

/* taskboard.1 and docs/CLI.md promise these to scripts. */
enum cli_exit {
    CLI_OK = 0,
    CLI_REFUSED = 1,     /* the server refused, or a task that `work --once` ran has failed */
    CLI_USAGE = 2,       /* wrong words, or a file that cannot be read or written */
    CLI_NOTHING = 3,     /* nothing was ready, or there is no such task, token or VM */
    CLI_UNREACHABLE = 4, /* no answer, or one that says: later (5xx, 429) */
    CLI_CLAIM_LOST = 5,  /* the claim does not hold the task any more */
    CLI_FORBIDDEN = 6,   /* no token, a wrong one, or one whose role does not allow it */
    CLI_CUT_SHORT = 7,   /* `work` was stopped by a second signal before its tasks were done */
};

struct cli {
    struct tb_arena *arena;
    struct cli_settings settings;
    struct cli_style style;
    const char *const *args; /* the words that are no options */
    size_t arg_count;
    char *const *rest; /* what stands behind `--`, ended by NULL; NULL: there was none */
};

/* Says on standard error what is wrong: "taskboard: …". */
void cli_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, for words that make no sense; returns CLI_USAGE. */
enum cli_exit cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
