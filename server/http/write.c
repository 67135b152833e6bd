/* Everything that changes the board: parse the body into a command, hand it to the service, answer
 * its reply. */
#include "http/write.h"
#include "board/parse.h"
#include "http/context.h"
#include "http/etag.h"
#include "http/handlers.h"
#include "http/idempotency.h"
#include "http/read.h"
#include "http/reply.h"

typedef bool parse_fn(struct tb_parse *parse, const struct tb_json *body,
                      struct tb_command *command);

static void refuse(struct tb_request *request, const struct tb_refusal *refusal)
{
    tb_reply_refusal(request, refusal->err, refusal->message, refusal->extra);
}

static void on_reply(struct tb_request *request)
{
    const struct tb_reply *reply = &request->job.reply;
    if (reply->err != TB_OK) {
        tb_reply_refusal(request, reply->err, reply->message, reply->extra);
        return;
    }
    if (reply->version != 0) {
        tb_reply_set_tag(request, tb_etag_of_version(request->arena, reply->version));
    }
    if (reply->seq != 0) {
        tb_reply_set_events_seq(request, reply->seq);
    }
    if (reply->replayed) {
        request->response.headers[TB_OUT_IDEMPOTENCY_REPLAYED] = TB_STR("true");
    }
    request->response.headers[TB_OUT_IGNORED_FIELDS] = request->ignored_fields;
    tb_reply_json(request, reply->http_status, reply->body);
}

/* The body, checked for its size. NULL: answered. */
static const struct tb_json *parse_body(struct tb_request *request, struct tb_parse *parse)
{
    const struct tb_json *body = tb_parse_body(parse, request->body);
    if (body == NULL) {
        refuse(request, &parse->refusal);
        return NULL;
    }
    if (request->body.len > request->http->body_bytes_max && !tb_body_is_array(body)) {
        tb_reply_error(request, TB_E_BODY_TOO_LARGE);
        return NULL;
    }
    return body;
}

void tb_write_submit(struct tb_request *request, void (*on_done)(struct tb_request *request))
{
    struct tb_command *command = &request->job.command;
    command->actor = request->actor;
    command->speaker = (struct tb_speaker){
        .role = request->role,
        .agent = request->agent,
        .token = request->scope,
        .credential = request->ticket.credential,
        .expires_ms = request->ticket.expires_ms,
        .credential_changes = request->ticket.changes,
    };
    request->on_reply = on_done;
    tb_request_submit(request);
}

static void submit(struct tb_request *request)
{
    tb_write_submit(request, on_reply);
}

/* What a request must have that may end a claim. False: answered. */
static bool parse_right_to_end(struct tb_request *request, struct tb_parse *parse)
{
    struct tb_command *command = &request->job.command;
    if (!tb_parse_claim_token(parse, request->headers[TB_IN_CLAIM_TOKEN], &command->claim_token) ||
        !tb_read_switch(request, parse, "force", &command->force)) {
        refuse(request, &parse->refusal);
        return false;
    }
    if (command->force && request->role < TB_ROLE_COORDINATOR) {
        tb_reply_error(request, TB_E_FORBIDDEN);
        return false;
    }
    return true;
}

/* Fills in what all commands on one task have. False: answered. */
static bool parse_target(struct tb_request *request, struct tb_parse *parse)
{
    struct tb_command *command = &request->job.command;
    if (!tb_read_task_id(request, &command->task_id)) {
        return false;
    }
    if (!tb_parse_if_match(parse, request->headers[TB_IN_IF_MATCH], &command->if_match)) {
        refuse(request, &parse->refusal);
        return false;
    }
    return (request->route->flags & TB_ROUTE_ENDS_CLAIM) == 0 || parse_right_to_end(request, parse);
}

static void parse_and_submit(struct tb_request *request, struct tb_parse *parse,
                             parse_fn *parse_command)
{
    struct tb_command *command = &request->job.command;
    const struct tb_json *body = parse_body(request, parse);
    if (body == NULL) {
        return;
    }
    if (!parse_command(parse, body, command) ||
        (request->method == TB_METHOD_POST && (request->route->flags & TB_ROUTE_SECRET) == 0 &&
         !tb_idempotency_read(request, parse, &command->idempotency))) {
        refuse(request, &parse->refusal);
        return;
    }
    request->ignored_fields = parse->ignored;
    submit(request);
}

static void change_task(struct tb_request *request, parse_fn *parse_command)
{
    struct tb_parse parse;
    tb_parse_init(request, &parse);
    if (parse_target(request, &parse)) {
        parse_and_submit(request, &parse, parse_command);
    }
}

static void change_board(struct tb_request *request, parse_fn *parse_command)
{
    struct tb_parse parse;
    tb_parse_init(request, &parse);
    parse_and_submit(request, &parse, parse_command);
}

void tb_handle_create(struct tb_request *request)
{
    change_board(request, tb_parse_create);
}

void tb_handle_delete(struct tb_request *request)
{
    struct tb_parse parse;
    tb_parse_init(request, &parse);
    if (parse_target(request, &parse)) {
        request->job.command.kind = TB_COMMAND_DELETE;
        submit(request);
    }
}

void tb_handle_patch(struct tb_request *request)
{
    change_task(request, tb_parse_patch);
}

void tb_handle_note(struct tb_request *request)
{
    change_task(request, tb_parse_note);
}

void tb_handle_artifacts(struct tb_request *request)
{
    change_task(request, tb_parse_artifacts);
}

void tb_handle_bump(struct tb_request *request)
{
    change_task(request, tb_parse_bump);
}

void tb_handle_review(struct tb_request *request)
{
    change_task(request, tb_parse_review);
}

void tb_handle_approve(struct tb_request *request)
{
    change_task(request, tb_parse_approve);
}

void tb_handle_reject(struct tb_request *request)
{
    change_task(request, tb_parse_reject);
}

void tb_handle_claim(struct tb_request *request)
{
    change_board(request, tb_parse_claim);
}

void tb_handle_claim_task(struct tb_request *request)
{
    change_task(request, tb_parse_claim_task);
}

void tb_handle_heartbeat(struct tb_request *request)
{
    change_task(request, tb_parse_heartbeat);
}

void tb_handle_complete(struct tb_request *request)
{
    change_task(request, tb_parse_complete);
}

void tb_handle_fail(struct tb_request *request)
{
    change_task(request, tb_parse_fail);
}

void tb_handle_release(struct tb_request *request)
{
    change_task(request, tb_parse_release);
}

void tb_handle_cancel(struct tb_request *request)
{
    change_task(request, tb_parse_cancel);
}

void tb_handle_retry(struct tb_request *request)
{
    change_task(request, tb_parse_retry);
}

void tb_handle_retry_many(struct tb_request *request)
{
    change_board(request, tb_parse_retry_many);
}

void tb_handle_pause(struct tb_request *request)
{
    change_board(request, tb_parse_pause);
}

void tb_handle_resume(struct tb_request *request)
{
    change_board(request, tb_parse_resume);
}

/* --- the registry --- */

static void change_vm(struct tb_request *request, parse_fn *parse_command)
{
    if (tb_read_vm_id(request, &request->job.command.vm_id)) {
        change_board(request, parse_command);
    }
}

void tb_handle_register_vm(struct tb_request *request)
{
    change_board(request, tb_parse_vm_register);
}

void tb_handle_put_vm(struct tb_request *request)
{
    change_vm(request, tb_parse_vm_put);
}

void tb_handle_patch_vm(struct tb_request *request)
{
    change_vm(request, tb_parse_vm_patch);
}

/* Its body has never been read: what is no JSON counts as none. */
void tb_handle_vm_heartbeat(struct tb_request *request)
{
    struct tb_parse parse;
    tb_parse_init(request, &parse);
    if (tb_parse_body(&parse, request->body) == NULL) {
        request->body = TB_STR("");
    }
    change_vm(request, tb_parse_vm_heartbeat);
}

void tb_handle_delete_vm(struct tb_request *request)
{
    struct tb_command *command = &request->job.command;
    if (tb_read_vm_id(request, &command->vm_id)) {
        command->kind = TB_COMMAND_VM_DELETE;
        submit(request);
    }
}

/* --- tokens --- */

void tb_handle_create_token(struct tb_request *request)
{
    change_board(request, tb_parse_token);
}

void tb_handle_delete_token(struct tb_request *request)
{
    struct tb_command *command = &request->job.command;
    if (!tb_read_ulid(request->params[0], &command->credential.id)) {
        tb_reply_error(request, TB_E_TOKEN_NOT_FOUND);
        return;
    }
    command->kind = TB_COMMAND_TOKEN_DELETE;
    submit(request);
}

/* --- the feed --- */

/* Its clients know one sentence for whatever is no JSON; nothing is no JSON, too. */
void tb_handle_publish(struct tb_request *request)
{
    struct tb_parse parse;
    tb_parse_init(request, &parse);
    const struct tb_json *body = tb_parse_body(&parse, request->body);
    if (body == NULL || tb_text_trim(request->body).len == 0) {
        tb_reply_refusal(request, TB_E_INVALID_JSON, TB_STR("Invalid JSON body"),
                         parse.refusal.extra);
        return;
    }
    change_board(request, tb_parse_feed_publish);
}

void tb_handle_clear_feed(struct tb_request *request)
{
    request->job.command.kind = TB_COMMAND_FEED_CLEAR;
    submit(request);
}

void tb_handle_accept(struct tb_request *request)
{
    int64_t number = 0;
    if (!tb_str_to_i64(request->params[1], &number) || number < 1 || number > UINT32_MAX) {
        tb_reply_error(request, TB_E_ATTEMPT_NOT_FOUND);
        return;
    }
    request->job.command.steer.attempt = (uint32_t)number;
    change_task(request, tb_parse_accept);
}

/* --- import --- */

static bool parse_format(struct tb_parse *parse, const struct tb_params *params,
                         enum tb_import_format *format)
{
    *format = TB_IMPORT_NDJSON;
    for (size_t i = 0; i < params->count; i++) {
        if (tb_str_eq_c(params->items[i].name, "format") &&
            !tb_import_format_parse(params->items[i].value, format)) {
            parse->refusal = (struct tb_refusal){
                .err = TB_E_INVALID_QUERY,
                .message = TB_STR("format must be ndjson, board.json, registry.json or feed.jsonl"),
                .extra = TB_STR(",\"field\":\"format\""),
            };
            return false;
        }
    }
    return true;
}

/* The body is read by the rule, line by line: it must outlive the library's request. */
void tb_handle_import(struct tb_request *request)
{
    struct tb_parse parse;
    struct tb_command *command = &request->job.command;
    tb_parse_init(request, &parse);
    command->kind = TB_COMMAND_IMPORT;
    if (!parse_format(&parse, request->query_params, &command->import.format) ||
        !tb_idempotency_read(request, &parse, &command->idempotency)) {
        refuse(request, &parse.refusal);
        return;
    }
    command->import.bytes =
        request->body.len > 0 ? tb_arena_dup(request->arena, request->body) : TB_STR("");
    submit(request);
}
