/* Logging a browser in and out.
 *
 *   POST /auth/magic-link   a link for a browser, good once, for some minutes
 *   GET /ui/login?token=    the page behind the link: it posts itself. Whoever only looks at a link,
 *                           as programs for mail and chat do, does not use it up
 *   POST /ui/login          takes the link, or a token that was pasted, and sets the cookie
 *   GET /auth/session       who is logged in
 *   POST /auth/logout       ends the session */
#include "board/secret.h"
#include "http/context.h"
#include "http/dispatch.h"
#include "http/door.h"
#include "http/handlers.h"
#include "http/page.h"
#include "http/reply.h"
#include "http/write.h"
#include "taskboard/limits.h"

/* --- pages --- */

/* The value of a parameter (bytes); absent when it is not there, or nothing can be read. */
static struct tb_str param_of(struct tb_request *request, struct tb_str query, const char *name)
{
    struct tb_parse parse = {.arena = request->arena};
    struct tb_params *params = tb_arena_alloc(request->arena, sizeof(*params));
    if (query.len == 0 || !tb_params_parse(&parse, query, params)) {
        return TB_STR_NONE;
    }
    for (size_t i = 0; i < params->count; i++) {
        if (tb_str_eq_c(params->items[i].name, name)) {
            return tb_text_to_bytes(request->arena, params->items[i].value);
        }
    }
    return TB_STR_NONE;
}

static bool is_link(struct tb_str shown)
{
    enum tb_credential_kind kind;
    struct tb_id id;
    return shown.ptr != NULL && tb_secret_parse(shown, &kind, &id) && kind == TB_CREDENTIAL_LINK;
}

/* Where to go when logged in: a place in the dashboard, if that is what `next` names. */
static struct tb_str next_of(struct tb_request *request, struct tb_str query)
{
    struct tb_str next = param_of(request, query, "next");
    return tb_page_is_place(next) ? next : TB_STR_NONE;
}

void tb_handle_login_page(struct tb_request *request)
{
    struct tb_str shown = param_of(request, request->query, "token");
    const struct tb_login_page page = {
        .link = is_link(shown) ? shown : TB_STR_NONE,
        .next = next_of(request, request->query),
    };
    tb_page_send(request, 200, tb_login_page(request->arena, &page));
}

/* --- a link --- */

/* `https://board.example`; absent: nobody can say by which name this server is known. */
static struct tb_str base_url(struct tb_request *request)
{
    struct tb_str given = request->http->origin.public_origin;
    struct tb_str host = request->headers[TB_IN_HOST];
    if (given.ptr != NULL) {
        return given;
    }
    if (!tb_origin_host_is_fine(host)) {
        return TB_STR_NONE;
    }
    return tb_arena_printf(request->arena, "%s://%.*s",
                           tb_door_is_secure(request) ? "https" : "http", (int)host.len, host.ptr);
}

/* True: answered. */
static bool answer_refused(struct tb_request *request)
{
    const struct tb_reply *reply = &request->job.reply;
    if (reply->err != TB_OK) {
        tb_reply_refusal(request, reply->err, reply->message, reply->extra);
    }
    return reply->err != TB_OK;
}

static void on_link(struct tb_request *request)
{
    const struct tb_reply *reply = &request->job.reply;
    struct tb_str base = base_url(request);
    struct tb_buf body;
    if (answer_refused(request)) {
        return;
    }
    tb_buf_init(&body, request->arena, base.len + reply->secret.len + 96);
    TB_BUF_LIT(&body, "{\"url\":\"");
    tb_buf_add_str(&body, base);
    TB_BUF_LIT(&body, "/ui/login?token=");
    tb_buf_add_str(&body, reply->secret);
    TB_BUF_LIT(&body, "\",\"expiresAt\":");
    tb_buf_add_instant(&body, reply->expires_ms);
    TB_BUF_LIT(&body, "}");
    tb_reply_json(request, 200, tb_buf_str(&body));
}

/* A session makes no links: they would make it last for ever. */
void tb_handle_magic_link(struct tb_request *request)
{
    struct tb_command *command = &request->job.command;
    if (!tb_id_is_zero(request->session)) {
        tb_reply_refusal(request, TB_E_FORBIDDEN,
                         TB_STR("A link is made with a token, not with a session"), TB_STR_NONE);
        return;
    }
    if (base_url(request).ptr == NULL) {
        tb_reply_refusal(request, TB_E_INVALID_HEADER,
                         TB_STR("The Host header must name this server, or --public-url be set"),
                         TB_STR(",\"field\":\"Host\""));
        return;
    }
    enum tb_err err = tb_door_check_login(request, &request->ticket);
    if (err != TB_OK) {
        tb_reply_error(request, err);
        return;
    }
    command->kind = TB_COMMAND_LINK_CREATE;
    command->credential = (struct tb_credential_command){
        .parent = request->ticket.credential,
        .from_environment = tb_id_is_zero(request->ticket.credential),
    };
    if (command->credential.from_environment) {
        command->credential.parent = request->http->auth.mark;
    }
    tb_write_submit(request, on_link);
}

/* --- logging in --- */

static void set_cookie(struct tb_request *request, struct tb_str session, int64_t seconds)
{
    request->response.headers[TB_OUT_SET_COOKIE] = tb_arena_printf(
        request->arena, "session=%.*s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax%s",
        (int)session.len, session.ptr == NULL ? "" : session.ptr, (long long)seconds,
        tb_door_is_secure(request) ? "; Secure" : "");
}

/* A link that was used up in this browser is followed once more, as a bookmark or from a mail. */
static bool is_logged_in_without(struct tb_request *request, struct tb_str shown)
{
    struct tb_identity identity;
    return is_link(shown) && tb_door_check(request, &identity) == TB_OK;
}

static void refuse_login(struct tb_request *request)
{
    if (is_logged_in_without(request, param_of(request, request->body, "token"))) {
        tb_page_redirect(request, TB_STR("/ui/?link=used"));
        return;
    }
    const struct tb_login_page again = {
        .problem = "That link or token is not valid, or not any more. A link is good once, for "
                   "five minutes.",
        .next = next_of(request, request->body),
    };
    struct tb_str page = tb_login_page(request->arena, &again);
    tb_page_prepare(request);
    tb_refuse_login(request, TB_E_INVALID_TOKEN, &page);
}

static void enter(struct tb_request *request)
{
    struct tb_str next = next_of(request, request->body);
    tb_page_redirect(request, next.ptr != NULL ? next : TB_STR("/ui/"));
}

static void on_session(struct tb_request *request)
{
    const struct tb_reply *reply = &request->job.reply;
    if (reply->err == TB_E_INVALID_TOKEN) {
        refuse_login(request);
    } else if (!answer_refused(request)) {
        set_cookie(request, reply->secret, TB_SESSION_MS / 1000);
        enter(request);
    }
}

/* Who it is that logs in, with a token or a link. TB_E_INVALID_TOKEN: nobody. */
static enum tb_err find_out_who(struct tb_request *request, struct tb_identity *identity)
{
    struct tb_str shown = param_of(request, request->body, "token");
    unsigned kinds = 1U << TB_CREDENTIAL_TOKEN | 1U << TB_CREDENTIAL_LINK;
    if (shown.len == 0) {
        return TB_E_INVALID_TOKEN;
    }
    enum tb_err err = tb_door_show(request, shown, kinds, identity);
    if (err != TB_OK || identity->kind == TB_CREDENTIAL_LINK) {
        return err; /* a link was counted when it was made */
    }
    return tb_door_check_login(request, &identity->ticket);
}

static void start_session(struct tb_request *request, const struct tb_identity *identity)
{
    struct tb_command *command = &request->job.command;
    bool is_link = identity->kind == TB_CREDENTIAL_LINK;
    bool from_environment = tb_id_is_zero(identity->ticket.credential);
    command->kind = TB_COMMAND_SESSION_START;
    command->credential = (struct tb_credential_command){
        .id = is_link ? identity->ticket.credential : (struct tb_id){{0}},
        .parent = from_environment ? request->http->auth.mark : identity->ticket.credential,
        .from_environment = from_environment,
    };
    tb_admit(request, identity);
    tb_write_submit(request, on_session);
}

void tb_handle_login(struct tb_request *request)
{
    struct tb_identity identity;
    if (!tb_door_is_own_origin(request)) {
        tb_reply_refusal(request, TB_E_FORBIDDEN,
                         TB_STR("Only a page of this server logs a browser in"), TB_STR_NONE);
        return;
    }
    if (request->http->auth.open) {
        enter(request);
        return;
    }
    enum tb_err err = find_out_who(request, &identity);
    if (err == TB_E_INVALID_TOKEN) {
        refuse_login(request);
    } else if (err != TB_OK) {
        tb_reply_error(request, err);
    } else {
        start_session(request, &identity);
    }
}

/* --- who is logged in --- */

static const char *kind_of(const struct tb_request *request)
{
    if (request->http->auth.open) {
        return "open";
    }
    return tb_id_is_zero(request->session) ? "token" : "session";
}

void tb_handle_session(struct tb_request *request)
{
    struct tb_buf out;
    tb_buf_init(&out, request->arena, 128 + request->name.len + request->agent.len);
    TB_BUF_LIT(&out, "{\"kind\":\"");
    tb_buf_add_c(&out, kind_of(request));
    TB_BUF_LIT(&out, "\",\"role\":\"");
    tb_buf_add_c(&out, tb_role_name(request->role));
    TB_BUF_LIT(&out, "\",\"name\":");
    tb_buf_add_quoted(&out, request->name);
    if (request->agent.ptr != NULL) {
        TB_BUF_LIT(&out, ",\"agent\":");
        tb_buf_add_quoted(&out, request->agent);
    }
    if (request->ticket.expires_ms != 0) {
        TB_BUF_LIT(&out, ",\"expiresAt\":");
        tb_buf_add_instant(&out, request->ticket.expires_ms);
    }
    TB_BUF_LIT(&out, "}");
    tb_reply_json(request, 200, tb_buf_str(&out));
}

/* --- logging out --- */

static void answer_logout(struct tb_request *request)
{
    set_cookie(request, TB_STR_NONE, 0);
    tb_reply_json(request, 200, TB_STR("{\"ok\":true}"));
}

static void on_logout(struct tb_request *request)
{
    if (!answer_refused(request)) {
        answer_logout(request);
    }
}

/* With a token there is no session to end. */
void tb_handle_logout(struct tb_request *request)
{
    if (tb_id_is_zero(request->session)) {
        answer_logout(request);
        return;
    }
    request->job.command.kind = TB_COMMAND_SESSION_END;
    request->job.command.credential = (struct tb_credential_command){.id = request->session};
    tb_write_submit(request, on_logout);
}
