#include "http/dispatch.h"

#include "http/context.h"
#include "http/door.h"
#include "http/header.h"
#include "http/reply.h"

/* Eight hexadecimal digits of the loop's own and ten of its counter. */
static struct tb_str mint_id(struct tb_request *request)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t low = ++request->worker->id_count;
    uint32_t high = request->worker->id_prefix;
    for (size_t i = TB_MINTED_ID_BYTES; i > 8; i--) {
        request->id_space[i - 1] = digits[low & 15];
        low >>= 4;
    }
    for (size_t i = 8; i > 0; i--) {
        request->id_space[i - 1] = digits[high & 15];
        high >>= 4;
    }
    return tb_str_from(request->id_space, TB_MINTED_ID_BYTES);
}

void tb_dispatch_init(struct tb_request *request)
{
    struct tb_str sent = request->headers[TB_IN_REQUEST_ID];
    request->id = tb_request_id_valid(sent) ? sent : mint_id(request);
    tb_reply_init(request);
}

void tb_refuse_login(struct tb_request *request, enum tb_err err, const struct tb_str *page)
{
    struct tb_worker *worker = request->worker;
    struct tb_slowdown_verdict verdict = {false, TB_DELAY_NONE};
    if (err == TB_E_INVALID_TOKEN) {
        atomic_fetch_add_explicit(&request->http->failed_logins, 1, memory_order_relaxed);
        verdict = tb_slowdown_failed(&worker->slowdown, &request->client, request->started_us);
    }
    if (verdict.refuse) {
        request->response.close = true;
        tb_reply_error(request, TB_E_TOO_MANY_FAILED_LOGINS);
        return;
    }
    tb_reply_prepare_refusal(request, err, 0, TB_STR_NONE, TB_STR_NONE);
    if (page != NULL) {
        request->response.headers[TB_OUT_CONTENT_TYPE] = TB_STR("text/html; charset=utf-8");
        request->response.body = *page;
    }
    tb_request_send_later(request, verdict.delay);
}

static void refuse_unrouted(struct tb_request *request, const struct tb_match *match)
{
    if (match->methods == 0) {
        tb_reply_error(request, TB_E_NOT_FOUND);
        return;
    }
    request->response.headers[TB_OUT_ALLOW] = tb_methods_list(request->arena, match->methods);
    tb_reply_error(request, TB_E_METHOD_NOT_ALLOWED);
}

/* TB_OK, or what is wrong with there being this body. */
static enum tb_err check_body(const struct tb_request *request)
{
    const struct tb_route *route = request->route;
    if ((route->flags & TB_ROUTE_BODY) == 0) {
        bool refused = request->body.len > 0 && route->method != TB_METHOD_DELETE;
        return refused ? TB_E_UNEXPECTED_BODY : TB_OK;
    }
    bool big = (route->flags & TB_ROUTE_BIG_BODY) != 0;
    size_t most = big ? request->http->array_body_bytes_max : request->http->body_bytes_max;
    return request->body.len > most ? TB_E_BODY_TOO_LARGE : TB_OK;
}

/* Decodes the query. False: answered. */
static bool read_query(struct tb_request *request)
{
    static const struct tb_params none = {.count = 0};
    if (request->query.len == 0) {
        request->query_params = &none;
        return true;
    }
    struct tb_parse parse = {.arena = request->arena};
    struct tb_params *params = tb_arena_alloc(request->arena, sizeof(*params));
    if (!tb_params_parse(&parse, request->query, params)) {
        tb_reply_refusal(request, parse.refusal.err, parse.refusal.message, parse.refusal.extra);
        return false;
    }
    request->query_params = params;
    return true;
}

/* The checks of the route that was found. False: answered. */
static bool check_route(struct tb_request *request)
{
    const struct tb_route *route = request->route;
    if (request->role < route->role) {
        tb_reply_error(request, TB_E_FORBIDDEN);
        return false;
    }
    if (route->role != TB_ROLE_OPEN && !read_query(request)) {
        return false;
    }
    enum tb_err err = check_body(request);
    if (err != TB_OK) {
        tb_reply_error(request, err);
        return false;
    }
    return true;
}

/* Finds out who is asking. False: answered. */
static bool check_identity(struct tb_request *request, struct tb_identity *identity)
{
    const struct tb_http *http = request->http;
    const char *why = NULL;
    enum tb_err err = tb_door_check(request, identity);
    if (err == TB_E_MISSING_TOKEN || err == TB_E_INVALID_TOKEN) {
        tb_refuse_login(request, err, NULL);
        return false;
    }
    if (err != TB_OK) {
        tb_reply_error(request, err);
        return false;
    }
    err = tb_origin_check(&http->origin, request->headers[TB_IN_HOST],
                          request->headers[TB_IN_ORIGIN], &why);
    if (err != TB_OK) {
        tb_reply_refusal(request, err, tb_str_c(why), TB_STR_NONE);
        return false;
    }
    if (identity->kind == TB_CREDENTIAL_SESSION &&
        (err = tb_door_check_session(request, &why)) != TB_OK) {
        tb_reply_refusal(request, err, tb_str_c(why), TB_STR_NONE);
        return false;
    }
    return true;
}

void tb_admit(struct tb_request *request, const struct tb_identity *identity)
{
    request->role = identity->role;
    request->name = identity->name;
    request->actor = identity->agent.ptr != NULL ? identity->agent : identity->name;
    request->scope = identity->id;
    request->agent = identity->agent;
    request->ticket = identity->ticket;
    if (identity->kind == TB_CREDENTIAL_SESSION) {
        request->session = identity->ticket.credential;
    }
}

void tb_dispatch(struct tb_request *request)
{
    struct tb_match match;
    struct tb_identity identity = {.name = TB_STR("anonymous"), .id = TB_STR("anonymous")};
    if (request->malformed != NULL) {
        request->response.close = true;
        tb_reply_refusal(request, TB_E_BAD_REQUEST, tb_str_c(request->malformed), TB_STR_NONE);
        return;
    }
    tb_router_match(&request->http->router, request->method, request->path, &match);
    request->route = match.route;
    if (!match.open && !check_identity(request, &identity)) {
        return;
    }
    if (match.route == NULL) {
        refuse_unrouted(request, &match);
        return;
    }
    memcpy(request->params, match.params, sizeof(match.params));
    tb_admit(request, &identity);
    if (check_route(request)) {
        request->route->handler(request);
    }
}
