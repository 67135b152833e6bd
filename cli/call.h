/* A request that a command waits for, and what it says when it is refused. */
#ifndef CLI_CALL_H
#define CLI_CALL_H

#include "base/json.h"
#include "body.h"
#include "cli.h"
#include "http.h"

/* Sends the request; one that may be repeated (reads, and writes with a key) is tried again for as
 * long as --retry says when nothing was answered. A POST outside of /auth gets a key by itself.
 * CLI_OK: a 2xx, with its body (in cli->arena) in `*body`. Else it has been said on standard error
 * what was wrong. */
enum cli_exit cli_call(struct cli *cli, const char *method, const char *path, struct tb_str request,
                       struct tb_str *body);

/* The same, with the request's `key`, `header` and `timeout_seconds` as they are. */
enum cli_exit cli_call_request(struct cli *cli, const struct cli_request *request,
                               struct tb_str *body);

/* Says what was wrong with an answer that is no 2xx: the server's sentence, its code and the
 * request's id; with --json the server's JSON. Returns how the command ends. */
enum cli_exit cli_refused(const struct cli *cli, const struct cli_answer *answer);

/* How a command ends that got this answer. */
enum cli_exit cli_exit_of(const struct cli_answer *answer, struct tb_str code);

/* The error code of an answer; absent when it has none. */
struct tb_str cli_error_code(struct tb_arena *arena, const struct cli_answer *answer);

/* "the board says: …" for a log: the sentence and the code, or what the transport said. */
const char *cli_error_text(struct tb_arena *arena, const struct cli_answer *answer);

/* Prints the server's JSON as it is, and a newline. */
void cli_print_json(struct tb_str body);

/* The answer's JSON, or NULL when it is none, which has been said. */
const struct tb_json *cli_read_json(struct tb_arena *arena, struct tb_str body);

/* --- members --- */

/* The member's text, decoded; NULL when it is no text or absent. */
const char *cli_text(struct tb_arena *arena, const struct tb_json *object, const char *name);
int64_t cli_number(const struct tb_json *object, const char *name, int64_t otherwise);
bool cli_true(const struct tb_json *object, const char *name);
/* The member's own JSON, or absent. */
struct tb_str cli_raw(const struct tb_json *object, const char *name);
/* The first child of a member that is an array; NULL when it has none. */
const struct tb_json *cli_items(const struct tb_json *object, const char *name);
/* A member that is an object, else NULL. */
const struct tb_json *cli_object(const struct tb_json *object, const char *name);
/* The texts of an array, joined. */
const char *cli_join(struct tb_arena *arena, const struct tb_json *object, const char *name,
                     const char *between);

#endif
