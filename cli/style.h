/* Colours, and how much room a line has. */
#ifndef CLI_STYLE_H
#define CLI_STYLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

enum cli_colour {
    CLI_PLAIN,
    CLI_BOLD,
    CLI_DIM,
    CLI_RED,
    CLI_GREEN,
    CLI_YELLOW,
    CLI_BLUE,
};

struct cli_style {
    bool colours;
    bool terminal;  /* standard output is one */
    unsigned width; /* columns of the terminal; 0: lines are not cut */
};

/* `color` is "auto", "always" or "never"; NO_COLOR (https://no-color.org) and TERM=dumb turn "auto"
 * off. */
struct cli_style cli_style_of(const char *color);

/* Prints the text in that colour, nothing else. */
void cli_paint(const struct cli_style *style, enum cli_colour colour, const char *text);

/* The text as it may go to a terminal: what would control it comes out as U+FFFD. With `lines`,
 * newlines and tabs stay. */
const char *cli_clean(struct tb_arena *arena, struct tb_str bytes, bool lines);

/* How many columns a clean text takes. */
size_t cli_columns(const char *text);

/* Of a clean text, as much as fits into so many columns, with an ellipsis where it was cut. */
const char *cli_cut(struct tb_arena *arena, const char *text, size_t columns);

#endif
