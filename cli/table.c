#include "table.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define GAP          2
#define FLEXIBLE_MIN 10

struct row {
    struct cli_cell cells[CLI_COLUMNS_MAX];
    struct row *next;
};

struct cli_table {
    struct tb_arena *arena;
    const struct cli_column *columns;
    size_t column_count;
    struct row *first;
    struct row **last;
};

struct cli_table *cli_table_new(struct tb_arena *arena, const struct cli_column *columns,
                                size_t column_count)
{
    assert(column_count <= CLI_COLUMNS_MAX);
    struct cli_table *table = tb_arena_zalloc(arena, sizeof(*table));
    *table = (struct cli_table){.arena = arena, .columns = columns, .column_count = column_count};
    table->last = &table->first;
    return table;
}

void cli_table_add(struct cli_table *table, const struct cli_cell *cells)
{
    struct row *row = tb_arena_zalloc(table->arena, sizeof(*row));
    for (size_t i = 0; i < table->column_count; i++) {
        row->cells[i].colour = cells[i].colour;
        row->cells[i].text = cli_clean(table->arena, tb_str_c(cells[i].text), false);
    }
    *table->last = row;
    table->last = &row->next;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The flexible column gives way until the line fits, down to a least width. */
static void fit(const struct cli_table *table, size_t widths[], unsigned room)
{
    size_t total = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        total += widths[i] + (i > 0 ? GAP : 0);
    }
    for (size_t i = 0; i < table->column_count && room > 0 && total > room; i++) {
        if (table->columns[i].flexible) {
            size_t surplus = total - room;
            size_t fitting = widths[i] > surplus ? widths[i] - surplus : 0;
            widths[i] = larger(fitting, FLEXIBLE_MIN);
            return;
        }
    }
}

static void print_cell(const struct cli_table *table, const struct cli_style *style, size_t column,
                       size_t width, const struct cli_cell *cell)
{
    const char *text = cli_cut(table->arena, cell->text, width);
    size_t columns = cli_columns(text);
    int padding = (int)(width > columns ? width - columns : 0);
    bool right = table->columns[column].right;
    bool is_last = column + 1 == table->column_count;
    (void)printf("%*s", (column > 0 ? GAP : 0) + (right ? padding : 0), "");
    cli_paint(style, cell->colour, text);
    if (!right && !is_last) {
        (void)printf("%*s", padding, "");
    }
}

void cli_table_print(const struct cli_table *table, const struct cli_style *style)
{
    size_t widths[CLI_COLUMNS_MAX];
    if (table->first == NULL) {
        return;
    }
    for (size_t i = 0; i < table->column_count; i++) {
        widths[i] = cli_columns(table->columns[i].title);
        for (const struct row *row = table->first; row != NULL; row = row->next) {
            widths[i] = larger(widths[i], cli_columns(row->cells[i].text));
        }
    }
    fit(table, widths, style->width);
    for (size_t i = 0; i < table->column_count; i++) {
        struct cli_cell title = {table->columns[i].title, CLI_DIM};
        print_cell(table, style, i, widths[i], &title);
    }
    (void)putchar('\n');
    for (const struct row *row = table->first; row != NULL; row = row->next) {
        for (size_t i = 0; i < table->column_count; i++) {
            print_cell(table, style, i, widths[i], &row->cells[i]);
        }
        (void)putchar('\n');
    }
}
