/* The options of a command line: --name VALUE or --name=VALUE, anywhere before `--`. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define CLI_LIST_MAX 256

/* What is given as often as one likes. */
struct cli_list {
    const char *items[CLI_LIST_MAX];
    size_t count;
};

enum cli_option_kind {
    CLI_SWITCH,  /* bool */
    CLI_TEXT,    /* const char * */
    CLI_TEXTS,   /* struct cli_list */
    CLI_NUMBER,  /* int64_t within min and max */
    CLI_SECONDS, /* int64_t within min and max; takes s, m, h and d: 90, 90s, 15m */
};

struct cli_option {
    const char *name;
    const char *argument; /* what the help calls its value; NULL of a switch */
    enum cli_option_kind kind;
    size_t offset; /* of its place in the struct that takes the values */
    int64_t min;
    int64_t max;
    const char *help;
};

/* A table and where its values go. */
struct cli_option_set {
    const struct cli_option *options;
    size_t count;
    void *target;
};

/* Reads the words `argv[*at]` on, until the end or, with `until_word`, the first word that is no
 * option, and leaves `*at` behind what it has read. Words that are no options go to `args` (room
 * for argc), `*rest` is what stands behind `--`. False: `*why` says what is wrong. */
struct cli_words {
    char **argv;
    int argc;
    int at;
    const char **args;
    size_t arg_count;
    char *const *rest;
    bool until_word;
};

bool cli_options_read(struct cli_words *words, const struct cli_option_set *sets, size_t set_count,
                      struct tb_arena *arena, const char **why);

#endif
