/* Who is asking: from an Authorization header to a role.
 *
 * Tokens are compared as keyed digests of equal length, in constant time, so that an answer's time
 * tells neither a token's content nor its length. The digest is SipHash-2-4 with 128 bits and a
 * random key that never leaves the process: a pseudo-random function is all that is needed here,
 * where nothing is stored, and BLAKE2b would cost every request twenty times as much. Thread-safe
 * after init. */
#ifndef TB_HTTP_AUTH_H
#define TB_HTTP_AUTH_H

#include "http/request.h"

#define TB_TOKEN_BYTES_MAX   4096
#define TB_AUTH_KEY_BYTES    16
#define TB_AUTH_DIGEST_BYTES 16

struct tb_auth {
    bool open;                            /* --no-auth: everybody is admin */
    unsigned char key[TB_AUTH_KEY_BYTES]; /* random, of this process */
    unsigned char admin[TB_AUTH_DIGEST_BYTES];
    uint8_t claim_key[TB_CLAIM_KEY_BYTES]; /* of the store: for the digests of credentials */
    struct tb_id mark; /* stands for the admin token in what comes from it, see board/secret.h */
};

struct tb_identity {
    enum tb_role role;
    struct tb_str name;  /* text, static or in the request's arena, as are the next two */
    struct tb_str id;    /* text: of the token, for as long as it lives; of a session its token's */
    struct tb_str agent; /* text: whom alone it may speak as; absent: anybody */
    struct tb_ticket ticket;
    enum tb_credential_kind kind; /* of the ticket's record */
    struct tb_id parent;          /* of a link, a session: what they come from */
};

/* Takes what it needs of `token` (bytes; 1..TB_TOKEN_BYTES_MAX), or opens the board when it is
 * absent. */
void tb_auth_init(struct tb_auth *auth, struct tb_str token);
/* From then on credentials of that store can be checked. The same token. */
void tb_auth_use_store(struct tb_auth *auth, struct tb_str token,
                       const uint8_t claim_key[TB_CLAIM_KEY_BYTES]);
void tb_auth_fini(struct tb_auth *auth);

/* TB_E_MISSING_TOKEN, TB_E_INVALID_TOKEN, or TB_OK with `*identity`. An empty header counts as
 * missing. */
/* Only of the admin token: see door.h. */
TB_MUST_CHECK enum tb_err tb_auth_check(const struct tb_auth *auth, struct tb_str authorization,
                                        struct tb_identity *identity);

/* Is it the admin token itself? */
bool tb_auth_is_admin(const struct tb_auth *auth, struct tb_str shown,
                      struct tb_identity *identity);

/* A digest that only this process can make: to know again what was found right before. */
void tb_auth_digest(const struct tb_auth *auth, struct tb_str shown,
                    unsigned char digest[TB_AUTH_DIGEST_BYTES]);

#endif
