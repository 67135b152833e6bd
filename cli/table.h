/* Rows of cells, printed in columns. One column may be cut so that a line fits the terminal. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "base/arena.h"
#include "style.h"

#define CLI_COLUMNS_MAX 10

struct cli_column {
    const char *title;
    bool right;    /* numbers stand on the right */
    bool flexible; /* this one is cut */
};

struct cli_cell {
    const char *text; /* as the server sent it: it is cleaned here; NULL is empty */
    enum cli_colour colour;
};

struct cli_table;

/* Everything is borrowed, but for the cells' texts, which are copied. */
struct cli_table *cli_table_new(struct tb_arena *arena, const struct cli_column *columns,
                                size_t column_count);

/* `cells` has one cell for each column. */
void cli_table_add(struct cli_table *table, const struct cli_cell *cells);

/* Prints the titles and all rows; nothing when there are no rows. */
void cli_table_print(const struct cli_table *table, const struct cli_style *style);

#endif
