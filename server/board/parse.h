/* From a request's body to a command: every check that needs no stored state.
 *
 * Pure functions. Strings of the command lie in `arena`, as does the error's text; the body's bytes
 * are not needed afterwards. */
#ifndef TB_BOARD_PARSE_H
#define TB_BOARD_PARSE_H

#include "base/json.h"
#include "taskboard/command.h"

/* Why a request is refused. `message` absent: the error's default sentence. */
struct tb_refusal {
    enum tb_err err;
    struct tb_str message; /* text */
    struct tb_str extra;   /* json members with a comma in front each: ,"field":"title","index":3 */
};

struct tb_parse {
    struct tb_arena *arena;
    bool strict;           /* Prefer: handling=strict; arrays are strict in any case */
    struct tb_str speaker; /* text: whom alone the token may speak as; absent: anybody */
    struct tb_refusal refusal;
    /* Names of the unknown top-level fields that were ignored, separated by ", "; NULL ptr: none.
     * bytes, printable ASCII: others as `?`. At most 1 KiB. */
    struct tb_str ignored;
};

/* Parses the bytes of a body. An empty one (or white space) counts as {}. NULL: refused, see
 * parse->refusal. */
const struct tb_json *tb_parse_body(struct tb_parse *parse, struct tb_str bytes);

/* Each fills the matching part of `command` (kind included; task_id, if_match and actor are the
 * caller's) and returns true, or false with parse->refusal filled. */
bool tb_parse_create(struct tb_parse *parse, const struct tb_json *body,
                     struct tb_command *command);
bool tb_parse_patch(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command);
bool tb_parse_note(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command);
bool tb_parse_artifacts(struct tb_parse *parse, const struct tb_json *body,
                        struct tb_command *command);
bool tb_parse_bump(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command);
bool tb_parse_review(struct tb_parse *parse, const struct tb_json *body,
                     struct tb_command *command);
bool tb_parse_approve(struct tb_parse *parse, const struct tb_json *body,
                      struct tb_command *command);
bool tb_parse_reject(struct tb_parse *parse, const struct tb_json *body,
                     struct tb_command *command);

/* Claims (parse_claim.c). All are strict about unknown fields. A missing claimToken is refused as
 * TB_E_CLAIM_TOKEN_REQUIRED. */
bool tb_parse_claim(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command);
bool tb_parse_claim_task(struct tb_parse *parse, const struct tb_json *body,
                         struct tb_command *command);
bool tb_parse_heartbeat(struct tb_parse *parse, const struct tb_json *body,
                        struct tb_command *command);
bool tb_parse_complete(struct tb_parse *parse, const struct tb_json *body,
                       struct tb_command *command);
bool tb_parse_fail(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command);
bool tb_parse_release(struct tb_parse *parse, const struct tb_json *body,
                      struct tb_command *command);

/* Claim-Token (bytes, absent when the header is): then `token` is absent, too. False: malformed. */
bool tb_parse_claim_token(struct tb_parse *parse, struct tb_str header, struct tb_str *token);

/* Steering (parse_steer.c), strict too. The attempt of an accept stands in the path: the caller's.
 */
bool tb_parse_cancel(struct tb_parse *parse, const struct tb_json *body,
                     struct tb_command *command);
bool tb_parse_retry(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command);
bool tb_parse_retry_many(struct tb_parse *parse, const struct tb_json *body,
                         struct tb_command *command);
bool tb_parse_accept(struct tb_parse *parse, const struct tb_json *body,
                     struct tb_command *command);
bool tb_parse_pause(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command);
bool tb_parse_resume(struct tb_parse *parse, const struct tb_json *body,
                     struct tb_command *command);

/* Registry (parse_vm.c) and feed (parse_feed.c): wire formats of today's clients. The id of a VM
 * stands in the body of a register (command->vm_id is set), else in the path (the caller's; of a
 * put the body may repeat it). */
bool tb_parse_vm_register(struct tb_parse *parse, const struct tb_json *body,
                          struct tb_command *command);
bool tb_parse_vm_put(struct tb_parse *parse, const struct tb_json *body,
                     struct tb_command *command);
bool tb_parse_vm_patch(struct tb_parse *parse, const struct tb_json *body,
                       struct tb_command *command);
bool tb_parse_vm_heartbeat(struct tb_parse *parse, const struct tb_json *body,
                           struct tb_command *command);
bool tb_parse_feed_publish(struct tb_parse *parse, const struct tb_json *body,
                           struct tb_command *command);

/* A token that is to be made (parse_token.c), strict. */
bool tb_parse_token(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command);

/* What a file to import is, by its name: "ndjson", "board.json", "registry.json", "feed.jsonl". */
const char *tb_import_format_name(enum tb_import_format format);
bool tb_import_format_parse(struct tb_str name, enum tb_import_format *format);

/* Idempotency-Key (bytes, absent when the header is: then `key` is, too): 1 to
 * TB_IDEMPOTENCY_KEY_BYTES_MAX visible ASCII bytes, bare or quoted as a string of RFC 8941, where
 * spaces may stand, too; `key` is what the quotes hold. False: malformed. */
bool tb_parse_idempotency_key(struct tb_parse *parse, struct tb_str header, struct tb_str *key);

/* If-Match (bytes, absent when the header is): `*` or a list of entity tags. False: malformed. A
 * tag that no version can have is kept as one that matches nothing. */
bool tb_parse_if_match(struct tb_parse *parse, struct tb_str header, struct tb_if_match *if_match);

/* True for the body of POST /board/tasks that may be TB_ARRAY_BODY_BYTES_MAX long: one that is an
 * array or has a `tasks` member. */
bool tb_body_is_array(const struct tb_json *body);

#endif
