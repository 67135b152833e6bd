/* Tokens, the links that log a browser in, and its sessions: made, used up, revoked.
 *
 * The secret of a new one is made here and leaves with the answer; what is stored, and what the log
 * is told, has nothing of it. */
#include <assert.h>

#include "board/note.h"
#include "board/rules.h"
#include "board/secret.h"
#include "taskboard/limits.h"

static void tell(struct tb_board *board, enum tb_event_type type,
                 const struct tb_credential *credential, struct tb_str actor)
{
    const struct tb_change change = {
        .type = type,
        .actor = actor,
        .extra = tb_event_member(board->arena, "credential", credential->wire),
    };
    tb_change_tell(board, NULL, &change);
}

/* An unused link leaves no trace. */
static void tell_displaced(struct tb_board *board, const struct tb_credential *credential,
                           struct tb_str actor)
{
    const struct tb_change change = {
        .type = TB_EVENT_SESSION_ENDED,
        .actor = actor,
        .extra = tb_arena_printf(board->arena, ",\"credential\":%.*s,\"reason\":\"displaced\"",
                                 (int)credential->wire.len, credential->wire.ptr),
    };
    if (credential->kind == TB_CREDENTIAL_SESSION) {
        tb_change_tell(board, NULL, &change);
    }
}

/* --- what there is --- */

/* Links and sessions of one token, the oldest first, and how many there are of all. */
struct census {
    struct tb_id parent;
    uint64_t tokens;
    uint64_t logins;
    size_t count;
    struct tb_id own[TB_LOGINS_OF_TOKEN_MAX + 1];
};

static enum tb_visit count_one(void *ctx, const struct tb_credential *credential)
{
    struct census *census = ctx;
    if (credential->kind == TB_CREDENTIAL_TOKEN) {
        census->tokens++;
        return TB_VISIT_NEXT;
    }
    census->logins++;
    if (tb_id_cmp(credential->parent, census->parent) == 0) {
        assert(census->count <= TB_LOGINS_OF_TOKEN_MAX);
        census->own[census->count++] = credential->id;
    }
    return TB_VISIT_NEXT;
}

static void take_census(struct tb_board *board, struct tb_id parent, struct census *census)
{
    *census = (struct census){.parent = parent};
    tb_visit_credentials(board->txn, count_one, census);
}

/* --- a new one --- */

/* Stores it with a secret of its own, and writes what its owner is shown. */
static void issue(struct tb_board *board, struct tb_credential *credential,
                  char shown[TB_SHOWN_LEN + 1])
{
    uint8_t secret[TB_SECRET_BYTES];
    credential->id = tb_ulid_next(&board->ids, board->now_ms);
    credential->created_ms = board->now_ms;
    board->ids.random(board->ids.random_ctx, secret, sizeof(secret));
    tb_secret_show(credential->kind, credential->id, secret, shown);
    tb_secret_wipe(secret, sizeof(secret));
    tb_secret_digest(tb_txn_head(board->txn)->claim_key, tb_str_from(shown, TB_SHOWN_LEN),
                     credential->digest);
    tb_credential_render(credential, board->arena);
    tb_put_credential(board->txn, credential);
}

/* The members of its view, and the text that is shown once. */
static void answer_issued(const struct tb_credential *credential, char shown[TB_SHOWN_LEN + 1],
                          int http_status, struct tb_arena *arena, struct tb_reply *reply)
{
    struct tb_buf body;
    tb_buf_init(&body, arena, credential->wire.len + TB_SHOWN_LEN + 16);
    tb_buf_add(&body, credential->wire.ptr, credential->wire.len - 1);
    TB_BUF_LIT(&body, ",\"token\":\"");
    tb_buf_add(&body, shown, TB_SHOWN_LEN);
    TB_BUF_LIT(&body, "\"}");
    *reply = (struct tb_reply){
        .http_status = http_status,
        .body = tb_buf_str(&body),
        .secret = tb_arena_dup(arena, tb_str_from(shown, TB_SHOWN_LEN)),
        .expires_ms = credential->expires_ms,
    };
    tb_secret_wipe(shown, TB_SHOWN_LEN + 1);
}

void tb_rule_token_create(struct tb_board *board, const struct tb_command *command,
                          struct tb_arena *arena, struct tb_reply *reply)
{
    const struct tb_credential_command *wanted = &command->credential;
    struct census census;
    char shown[TB_SHOWN_LEN + 1];
    take_census(board, (struct tb_id){{0}}, &census);
    if (census.tokens >= TB_TOKENS_MAX) {
        tb_refuse(reply, TB_E_LIMIT_REACHED, TB_STR("The board takes no more tokens"), TB_STR_NONE);
        return;
    }
    struct tb_credential token = {
        .kind = TB_CREDENTIAL_TOKEN,
        .role = wanted->role,
        .expires_ms = wanted->lifetime_ms > 0 ? board->now_ms + wanted->lifetime_ms : 0,
        .name = wanted->name,
        .agent = wanted->agent,
    };
    issue(board, &token, shown);
    tell(board, TB_EVENT_TOKEN_CREATED, &token, command->actor);
    answer_issued(&token, shown, 201, arena, reply);
}

/* --- links and sessions --- */

/* The token that it comes from; the admin token of the environment has no record. False: it is no
 * more. */
static bool load_parent(struct tb_board *board, const struct tb_command *command,
                        struct tb_credential *parent, struct tb_reply *reply)
{
    const struct tb_credential_command *wanted = &command->credential;
    if (wanted->from_environment) {
        *parent = (struct tb_credential){
            .id = wanted->parent, .role = TB_ROLE_ADMIN, .name = TB_STR("admin")};
        return true;
    }
    enum tb_err err = tb_get_credential(board->txn, wanted->parent, parent);
    if (err == TB_OK &&
        (parent->kind != TB_CREDENTIAL_TOKEN || tb_credential_is_over(parent, board->now_ms))) {
        err = TB_E_ABSENT;
    }
    if (err != TB_OK) {
        tb_refuse(reply, err == TB_E_ABSENT ? TB_E_INVALID_TOKEN : err, TB_STR_NONE, TB_STR_NONE);
    }
    return err == TB_OK;
}

static void displace(struct tb_board *board, struct tb_id id, struct tb_str actor)
{
    struct tb_credential oldest;
    if (tb_get_credential(board->txn, id, &oldest) == TB_OK) {
        tb_delete_credential(board->txn, id);
        tell_displaced(board, &oldest, actor);
    }
}

/* One more of that token. Of more than there may be the oldest goes; false: of all there are too
 * many. */
static bool make_room(struct tb_board *board, struct tb_id parent, struct tb_str actor,
                      struct tb_reply *reply)
{
    struct census census;
    take_census(board, parent, &census);
    bool full_of_own = census.count >= TB_LOGINS_OF_TOKEN_MAX;
    if (census.logins >= TB_LOGINS_MAX && !full_of_own) {
        tb_refuse(reply, TB_E_LIMIT_REACHED, TB_STR("The board takes no more sessions"),
                  TB_STR_NONE);
        return false;
    }
    if (full_of_own) {
        displace(board, census.own[0], actor);
    }
    return true;
}

static int64_t earlier_end(int64_t ends_ms, int64_t parents_ms)
{
    return parents_ms != 0 && parents_ms < ends_ms ? parents_ms : ends_ms;
}

/* `from`: the token, or the link, whose rights it gets. */
static void log_in(struct tb_board *board, const struct tb_credential *from, struct tb_id parent,
                   struct tb_credential *login, char shown[TB_SHOWN_LEN + 1])
{
    login->role = from->role;
    login->parent = parent;
    login->name = from->name;
    login->agent = from->agent;
    issue(board, login, shown);
}

void tb_rule_link_create(struct tb_board *board, const struct tb_command *command,
                         struct tb_arena *arena, struct tb_reply *reply)
{
    struct tb_credential parent;
    char shown[TB_SHOWN_LEN + 1];
    if (!load_parent(board, command, &parent, reply) ||
        !make_room(board, parent.id, command->actor, reply)) {
        return;
    }
    struct tb_credential link = {
        .kind = TB_CREDENTIAL_LINK,
        .expires_ms = earlier_end(board->now_ms + TB_LINK_MS, parent.expires_ms),
    };
    log_in(board, &parent, parent.id, &link, shown);
    tell(board, TB_EVENT_LINK_CREATED, &link, command->actor);
    answer_issued(&link, shown, 200, arena, reply);
}

/* A link is good once: the first session that is made of it takes it away. Its own parent's end is
 * that of the token. */
static bool use_up_link(struct tb_board *board, struct tb_id id, struct tb_credential *link,
                        struct tb_reply *reply)
{
    enum tb_err err = tb_get_credential(board->txn, id, link);
    if (err == TB_OK &&
        (link->kind != TB_CREDENTIAL_LINK || tb_credential_is_over(link, board->now_ms))) {
        err = TB_E_ABSENT;
    }
    if (err != TB_OK) {
        tb_refuse(reply, err == TB_E_ABSENT ? TB_E_INVALID_TOKEN : err, TB_STR_NONE, TB_STR_NONE);
        return false;
    }
    tb_delete_credential(board->txn, id);
    return true;
}

/* When the token ends that the link came from; 0: never, as far as is known. */
static int64_t end_of(struct tb_board *board, struct tb_id token)
{
    struct tb_credential parent;
    return tb_get_credential(board->txn, token, &parent) == TB_OK ? parent.expires_ms : 0;
}

void tb_rule_session_start(struct tb_board *board, const struct tb_command *command,
                           struct tb_arena *arena, struct tb_reply *reply)
{
    struct tb_credential from;
    char shown[TB_SHOWN_LEN + 1];
    bool by_link = !tb_id_is_zero(command->credential.id);
    if (by_link ? !use_up_link(board, command->credential.id, &from, reply)
                : !load_parent(board, command, &from, reply)) {
        return;
    }
    struct tb_id parent = by_link ? from.parent : from.id;
    /* The link has just made room for its session. */
    if (!by_link && !make_room(board, parent, command->actor, reply)) {
        return;
    }
    struct tb_credential session = {
        .kind = TB_CREDENTIAL_SESSION,
        .expires_ms = earlier_end(board->now_ms + TB_SESSION_MS, end_of(board, parent)),
    };
    log_in(board, &from, parent, &session, shown);
    tell(board, TB_EVENT_SESSION_STARTED, &session, command->actor);
    answer_issued(&session, shown, 200, arena, reply);
}

void tb_rule_session_end(struct tb_board *board, const struct tb_command *command,
                         struct tb_arena *arena, struct tb_reply *reply)
{
    struct tb_credential session;
    (void)arena;
    if (tb_get_credential(board->txn, command->credential.id, &session) == TB_OK &&
        session.kind == TB_CREDENTIAL_SESSION) {
        tb_delete_credential(board->txn, session.id);
        tell(board, TB_EVENT_SESSION_ENDED, &session, command->actor);
    }
    *reply = (struct tb_reply){.http_status = 200, .body = TB_STR("{\"ok\":true}")};
}

/* --- revoking --- */

void tb_rule_token_delete(struct tb_board *board, const struct tb_command *command,
                          struct tb_arena *arena, struct tb_reply *reply)
{
    struct tb_credential token;
    struct census census;
    (void)arena;
    enum tb_err err = tb_get_credential(board->txn, command->credential.id, &token);
    if (err == TB_OK && token.kind != TB_CREDENTIAL_TOKEN) {
        err = TB_E_ABSENT;
    }
    if (err != TB_OK) {
        tb_refuse(reply, err == TB_E_ABSENT ? TB_E_TOKEN_NOT_FOUND : err, TB_STR_NONE, TB_STR_NONE);
        return;
    }
    take_census(board, token.id, &census);
    for (size_t i = 0; i < census.count; i++) {
        tb_delete_credential(board->txn, census.own[i]);
    }
    tb_delete_credential(board->txn, token.id);
    tell(board, TB_EVENT_TOKEN_REVOKED, &token, command->actor);
    *reply = (struct tb_reply){.http_status = 200, .body = TB_STR("{\"deleted\":true}")};
}
