#include "http/door.h"

#include <strings.h>

#include "board/secret.h"
#include "http/header.h"

static uint64_t published(const struct tb_http *http)
{
    return tb_service_credential_changes(http->service);
}

/* --- what is shown --- */

/* Into the request's arena: what is remembered of the record may go while the request waits. */
static void identify(struct tb_request *request, const struct tb_known_one *one,
                     struct tb_identity *identity)
{
    const struct tb_credential *credential = &one->credential;
    struct tb_arena *arena = request->arena;
    *identity = (struct tb_identity){
        .role = credential->role,
        .name = tb_arena_dup(arena, credential->name),
        .id = tb_arena_dup(arena, tb_str_c(one->token)),
        .ticket = {credential->id, credential->expires_ms, one->changes},
        .kind = credential->kind,
        .parent = credential->parent,
    };
    if (credential->agent.ptr != NULL) {
        identity->agent = tb_arena_dup(arena, credential->agent);
    }
}

enum tb_err tb_door_show(struct tb_request *request, struct tb_str shown, unsigned kinds,
                         struct tb_identity *identity)
{
    const struct tb_http *http = request->http;
    struct tb_worker *worker = request->worker;
    enum tb_credential_kind kind;
    struct tb_id id;
    struct tb_known_one *one = NULL;
    if ((kinds & 1U << TB_CREDENTIAL_TOKEN) != 0 &&
        tb_auth_is_admin(&http->auth, shown, identity)) {
        return TB_OK;
    }
    if (!tb_secret_parse(shown, &kind, &id) || (kinds & 1U << kind) == 0) {
        return TB_E_INVALID_TOKEN;
    }
    enum tb_err err =
        tb_known_find(&worker->known, worker->reader, &http->auth, id, published(http), &one);
    if (err != TB_OK) {
        return err == TB_E_ABSENT ? TB_E_INVALID_TOKEN : err;
    }
    const struct tb_credential *credential = &one->credential;
    if (credential->kind != kind || !tb_known_fits(one, &http->auth, shown) ||
        (credential->expires_ms != 0 &&
         tb_credential_is_over(credential, tb_clock_wall_ms(http->clock)))) {
        return TB_E_INVALID_TOKEN;
    }
    identify(request, one, identity);
    return TB_OK;
}

/* The value of that cookie (RFC 6265, 4.2.1); absent when it was not sent. */
static struct tb_str cookie_of(struct tb_str header, struct tb_str name)
{
    if (header.len == 0) {
        return TB_STR_NONE;
    }
    const char *at = header.ptr;
    const char *end = header.ptr + header.len;
    while (at < end) {
        const char *next = memchr(at, ';', (size_t)(end - at));
        struct tb_str pair =
            tb_text_trim(tb_str_from(at, (size_t)((next != NULL ? next : end) - at)));
        if (pair.len > name.len && memcmp(pair.ptr, name.ptr, name.len) == 0 &&
            pair.ptr[name.len] == '=') {
            return tb_str_from(pair.ptr + name.len + 1, pair.len - name.len - 1);
        }
        at = next != NULL ? next + 1 : end;
    }
    return TB_STR_NONE;
}

enum tb_err tb_door_check(struct tb_request *request, struct tb_identity *identity)
{
    const struct tb_auth *auth = &request->http->auth;
    struct tb_str authorization = request->headers[TB_IN_AUTHORIZATION];
    struct tb_str cookie = cookie_of(request->headers[TB_IN_COOKIE], TB_STR("session"));
    struct tb_str token;
    if (auth->open) {
        return tb_auth_check(auth, authorization, identity);
    }
    if (authorization.len > 0) {
        return tb_header_bearer(authorization, &token)
                   ? tb_door_show(request, token, 1U << TB_CREDENTIAL_TOKEN, identity)
                   : TB_E_INVALID_TOKEN;
    }
    return cookie.len > 0 ? tb_door_show(request, cookie, 1U << TB_CREDENTIAL_SESSION, identity)
                          : TB_E_MISSING_TOKEN;
}

/* --- sessions --- */

bool tb_door_is_secure(const struct tb_request *request)
{
    static const char https[] = "https";
    struct tb_str proto = request->headers[TB_IN_FORWARDED_PROTO];
    const char *comma = proto.len > 0 ? memchr(proto.ptr, ',', proto.len) : NULL;
    size_t len = comma != NULL ? (size_t)(comma - proto.ptr) : proto.len;
    return len == sizeof(https) - 1 && strncasecmp(proto.ptr, https, len) == 0;
}

bool tb_door_is_own_origin(const struct tb_request *request)
{
    struct tb_str origin = request->headers[TB_IN_ORIGIN];
    return origin.ptr == NULL ||
           tb_origin_is_own(&request->http->origin, request->headers[TB_IN_HOST], origin,
                            tb_door_is_secure(request));
}

static bool is_json(struct tb_str content_type)
{
    static const char json[] = "application/json";
    size_t len = sizeof(json) - 1;
    return content_type.len >= len && strncasecmp(content_type.ptr, json, len) == 0 &&
           (content_type.len == len || content_type.ptr[len] == ';' ||
            content_type.ptr[len] == ' ');
}

/* A page of another site asks for something, as its browser says: an image, a stream. Following a
 * link from there to here is something else. */
static bool is_foreign(const struct tb_request *request)
{
    struct tb_str site = request->headers[TB_IN_FETCH_SITE];
    return (tb_str_eq_c(site, "cross-site") || tb_str_eq_c(site, "same-site")) &&
           !tb_str_eq_c(request->headers[TB_IN_FETCH_MODE], "navigate");
}

enum tb_err tb_door_check_session(const struct tb_request *request, const char **why)
{
    bool writes = request->method != TB_METHOD_GET && request->method != TB_METHOD_HEAD;
    bool has_body = request->method != TB_METHOD_DELETE || request->body.len > 0;
    if (!writes && request->headers[TB_IN_UPGRADE].len == 0) {
        if (is_foreign(request) || !tb_door_is_own_origin(request)) {
            *why = "With a session this server is read by its own pages only";
            return TB_E_FORBIDDEN;
        }
        return TB_OK;
    }
    if (request->headers[TB_IN_ORIGIN].ptr == NULL || !tb_door_is_own_origin(request)) {
        *why = "With a session this needs an Origin header that names this server";
        return TB_E_FORBIDDEN;
    }
    if (writes && has_body && !is_json(request->headers[TB_IN_CONTENT_TYPE])) {
        *why = "With a session this needs Content-Type: application/json";
        return TB_E_FORBIDDEN;
    }
    return TB_OK;
}

/* --- later --- */

bool tb_ticket_is_good(struct tb_worker *worker, struct tb_ticket *ticket)
{
    struct tb_known_one *one = NULL;
    if (tb_id_is_zero(ticket->credential)) {
        return true;
    }
    const struct tb_http *http = worker->http;
    if (ticket->expires_ms != 0 && ticket->expires_ms <= tb_clock_wall_ms(http->clock)) {
        return false;
    }
    uint64_t changes = published(http);
    if (ticket->changes == changes) {
        return true;
    }
    enum tb_err err = tb_known_find(&worker->known, worker->reader, &http->auth, ticket->credential,
                                    changes, &one);
    if (err == TB_OK) {
        ticket->changes = one->changes;
    }
    /* A store that cannot be read says nothing about anybody. */
    return err != TB_E_ABSENT;
}
