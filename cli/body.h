/* What goes out: JSON bodies, and paths with their queries. */
#ifndef CLI_BODY_H
#define CLI_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "options.h"

/* --- a JSON object, written member by member --- */

struct cli_body {
    struct tb_buf out;
};

void cli_body_begin(struct cli_body *body, struct tb_arena *arena);

/* Bytes that are no UTF-8 come out as U+FFFD. Nothing is written for NULL. */
void cli_body_text(struct cli_body *body, const char *name, const char *value);
void cli_body_bytes(struct cli_body *body, const char *name, struct tb_str value);
void cli_body_number(struct cli_body *body, const char *name, int64_t value);
/* Written only when true. */
void cli_body_flag(struct cli_body *body, const char *name, bool value);
/* `json` is one JSON value; nothing is written when it is absent. */
void cli_body_raw(struct cli_body *body, const char *name, struct tb_str json);
/* Nothing is written for an empty list. */
void cli_body_texts(struct cli_body *body, const char *name, const struct cli_list *values);

struct tb_str cli_body_end(struct cli_body *body);

/* --- a path --- */

struct cli_path {
    struct tb_buf out;
    bool has_query;
};

/* `start` stands as it is. */
void cli_path_begin(struct cli_path *path, struct tb_arena *arena, const char *start);
/* Adds "/" and the segment, escaped. */
void cli_path_segment(struct cli_path *path, const char *segment);
/* Adds "?name=value" or "&name=value", the value escaped; nothing for NULL. */
void cli_path_query(struct cli_path *path, const char *name, const char *value);
void cli_path_queries(struct cli_path *path, const char *name, const struct cli_list *values);
const char *cli_path_end(struct cli_path *path);

/* "/board/tasks/ID" and, if there is one, "/verb". */
const char *cli_task_path(struct tb_arena *arena, const char *id, const char *verb);

#endif
