#include "body.h"

#include <stdio.h>
#include <string.h>

#define FIRST_BYTES 256
#define REPLACEMENT "\xef\xbf\xbd"

/* --- bodies --- */

void cli_body_begin(struct cli_body *body, struct tb_arena *arena)
{
    tb_buf_init(&body->out, arena, FIRST_BYTES);
    TB_BUF_LIT(&body->out, "{");
}

static void add_name(struct cli_body *body, const char *name)
{
    if (body->out.len > 1) {
        TB_BUF_LIT(&body->out, ",");
    }
    tb_buf_add_quoted(&body->out, tb_str_c(name));
    TB_BUF_LIT(&body->out, ":");
}

/* A board takes no NUL. What a command prints may have some, and must not fail for that. */
static void add_string(struct cli_body *body, struct tb_str bytes)
{
    TB_BUF_LIT(&body->out, "\"");
    for (const char *nul; (nul = memchr(bytes.ptr, '\0', bytes.len)) != NULL;) {
        size_t before = (size_t)(nul - bytes.ptr);
        tb_buf_add_escaped(&body->out, tb_str_from(bytes.ptr, before));
        TB_BUF_LIT(&body->out, REPLACEMENT);
        bytes = tb_str_from(nul + 1, bytes.len - before - 1);
    }
    tb_buf_add_escaped(&body->out, bytes);
    TB_BUF_LIT(&body->out, "\"");
}

void cli_body_bytes(struct cli_body *body, const char *name, struct tb_str value)
{
    if (value.ptr != NULL) {
        add_name(body, name);
        add_string(body, value);
    }
}

void cli_body_text(struct cli_body *body, const char *name, const char *value)
{
    cli_body_bytes(body, name, tb_str_c(value));
}

void cli_body_number(struct cli_body *body, const char *name, int64_t value)
{
    add_name(body, name);
    tb_buf_add_i64(&body->out, value);
}

void cli_body_flag(struct cli_body *body, const char *name, bool value)
{
    if (value) {
        add_name(body, name);
        TB_BUF_LIT(&body->out, "true");
    }
}

void cli_body_raw(struct cli_body *body, const char *name, struct tb_str json)
{
    if (json.ptr != NULL) {
        add_name(body, name);
        tb_buf_add_str(&body->out, json);
    }
}

void cli_body_texts(struct cli_body *body, const char *name, const struct cli_list *values)
{
    if (values->count == 0) {
        return;
    }
    add_name(body, name);
    for (size_t i = 0; i < values->count; i++) {
        tb_buf_add_c(&body->out, i == 0 ? "[" : ",");
        add_string(body, tb_str_c(values->items[i]));
    }
    TB_BUF_LIT(&body->out, "]");
}

struct tb_str cli_body_end(struct cli_body *body)
{
    TB_BUF_LIT(&body->out, "}");
    return tb_buf_str(&body->out);
}

/* --- paths --- */

/* RFC 3986, section 2.3: all that is not unreserved is written as %XX. */
static void add_escaped(struct tb_buf *out, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr("-._~", c) != NULL) {
            tb_buf_add(out, at, 1);
        } else {
            char escaped[4];
            (void)snprintf(escaped, sizeof(escaped), "%%%02X", c);
            tb_buf_add(out, escaped, 3);
        }
    }
}

void cli_path_begin(struct cli_path *path, struct tb_arena *arena, const char *start)
{
    tb_buf_init(&path->out, arena, FIRST_BYTES);
    tb_buf_add_c(&path->out, start);
    path->has_query = false;
}

void cli_path_segment(struct cli_path *path, const char *segment)
{
    TB_BUF_LIT(&path->out, "/");
    add_escaped(&path->out, segment);
}

void cli_path_query(struct cli_path *path, const char *name, const char *value)
{
    if (value != NULL) {
        tb_buf_add_c(&path->out, path->has_query ? "&" : "?");
        tb_buf_add_c(&path->out, name);
        TB_BUF_LIT(&path->out, "=");
        add_escaped(&path->out, value);
        path->has_query = true;
    }
}

void cli_path_queries(struct cli_path *path, const char *name, const struct cli_list *values)
{
    for (size_t i = 0; i < values->count; i++) {
        cli_path_query(path, name, values->items[i]);
    }
}

const char *cli_path_end(struct cli_path *path)
{
    tb_buf_add(&path->out, "", 1);
    return path->out.ptr;
}

const char *cli_task_path(struct tb_arena *arena, const char *id, const char *verb)
{
    struct cli_path path;
    cli_path_begin(&path, arena, "/board/tasks");
    cli_path_segment(&path, id);
    if (verb != NULL) {
        TB_BUF_LIT(&path.out, "/");
        tb_buf_add_c(&path.out, verb);
    }
    return cli_path_end(&path);
}
