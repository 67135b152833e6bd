/* Who may do what: named tokens, the links that they make for a browser, and the sessions that
 * come of links.
 *
 *   token ── POST /auth/magic-link ──► link ── POST /ui/login ──► session
 *
 * What a client shows is a text, `tb_<id>_<secret>` (a session's begins with `ts_`, a link's with
 * `tl_`); what is kept is a keyed digest of it (server/board/credential.h). A credential never
 * changes: it is made, and it is deleted.
 *
 * Strings are borrowed, see task.h. */
#ifndef TASKBOARD_CREDENTIAL_H
#define TASKBOARD_CREDENTIAL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/ulid.h"

/* Each role includes those before it. */
enum tb_role {
    TB_ROLE_OPEN, /* of a route: no token is asked for; of a command: nobody's, nothing is refused
                   */
    TB_ROLE_VIEWER,
    TB_ROLE_WORKER,
    TB_ROLE_COORDINATOR,
    TB_ROLE_ADMIN,
    TB_ROLE_COUNT,
};

enum tb_credential_kind {
    TB_CREDENTIAL_TOKEN,
    TB_CREDENTIAL_LINK,
    TB_CREDENTIAL_SESSION,
    TB_CREDENTIAL_KIND_COUNT,
};

#define TB_CREDENTIAL_DIGEST_BYTES 32
#define TB_CREDENTIAL_STRING_COUNT 2

/* Times are milliseconds since 1970. */
struct tb_credential {
    struct tb_id id;
    enum tb_credential_kind kind;
    enum tb_role role; /* VIEWER to ADMIN */
    int64_t created_ms;
    int64_t expires_ms;  /* 0: never */
    struct tb_id parent; /* of a link or a session: the token that it comes from. The admin token of
                          * the environment has no record: its mark stands here (server/http/auth.h)
                          */
    uint8_t digest[TB_CREDENTIAL_DIGEST_BYTES];
    union {
        struct {
            struct tb_str name;  /* text, never absent; of a link or a session the token's */
            struct tb_str agent; /* text: whom alone it may speak as; absent: as anybody */
        };
        struct tb_str strings[TB_CREDENTIAL_STRING_COUNT];
    };

    /* Its wire JSON, made by tb_credential_render(); the strings then point into it. Nothing in it
     * is secret. */
    struct tb_str wire;
};

const char *tb_role_name(enum tb_role role); /* not for OPEN */
bool tb_role_parse(struct tb_str text, enum tb_role *out);

/* Renders credential->wire into `arena` and points the strings into it. */
void tb_credential_render(struct tb_credential *credential, struct tb_arena *arena);

/* Is its time over? */
static inline bool tb_credential_is_over(const struct tb_credential *credential, int64_t now_ms)
{
    return credential->expires_ms != 0 && credential->expires_ms <= now_ms;
}

#endif
