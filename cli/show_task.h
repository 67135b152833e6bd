/* Tasks as people read them. */
#ifndef CLI_SHOW_TASK_H
#define CLI_SHOW_TASK_H

#include "call.h"
#include "table.h"

/* "ready", "waiting", "claimed", "dead letter", "cancelled"…: the status, said more precisely. */
struct cli_cell cli_task_state(const struct tb_json *task, struct tb_arena *arena);

/* A table of the tasks from `first` on. */
void cli_print_tasks(struct cli *cli, const struct tb_json *first);

/* One task with everything that it has. */
void cli_print_task(struct cli *cli, const struct tb_json *task);

/* What a command says of the task that it has changed: its id with --quiet, the server's JSON with
 * --json, else a line. */
enum cli_exit cli_print_changed(struct cli *cli, struct tb_str body, const char *what);

#endif
