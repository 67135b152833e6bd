#include "http/auth.h"

#include <assert.h>
#include <sodium.h>

#include "board/secret.h"
#include "http/header.h"

void tb_auth_digest(const struct tb_auth *auth, struct tb_str token,
                    unsigned char out[TB_AUTH_DIGEST_BYTES])
{
    _Static_assert(TB_AUTH_DIGEST_BYTES == crypto_shorthash_siphashx24_BYTES,
                   "the digest's length");
    _Static_assert(TB_AUTH_KEY_BYTES == crypto_shorthash_siphashx24_KEYBYTES, "the key's length");
    (void)crypto_shorthash_siphashx24(out, (const unsigned char *)token.ptr, token.len, auth->key);
}

void tb_auth_init(struct tb_auth *auth, struct tb_str token)
{
    *auth = (struct tb_auth){.open = token.ptr == NULL};
    if (auth->open) {
        return;
    }
    assert(token.len >= 1 && token.len <= TB_TOKEN_BYTES_MAX);
    randombytes_buf(auth->key, sizeof(auth->key));
    tb_auth_digest(auth, token, auth->admin);
}

void tb_auth_use_store(struct tb_auth *auth, struct tb_str token,
                       const uint8_t claim_key[TB_CLAIM_KEY_BYTES])
{
    memcpy(auth->claim_key, claim_key, sizeof(auth->claim_key));
    /* On an open board links have a mark, too, though nobody needs one: that of no token. */
    auth->mark = tb_secret_mark(claim_key, auth->open ? TB_STR("") : token);
}

void tb_auth_fini(struct tb_auth *auth)
{
    sodium_memzero(auth, sizeof(*auth));
}

bool tb_auth_is_admin(const struct tb_auth *auth, struct tb_str shown, struct tb_identity *identity)
{
    unsigned char found[TB_AUTH_DIGEST_BYTES];
    if (shown.len > TB_TOKEN_BYTES_MAX) {
        return false;
    }
    tb_auth_digest(auth, shown, found);
    if (sodium_memcmp(found, auth->admin, sizeof(found)) != 0) {
        return false;
    }
    *identity =
        (struct tb_identity){.role = TB_ROLE_ADMIN, .name = TB_STR("admin"), .id = TB_STR("admin")};
    return true;
}

enum tb_err tb_auth_check(const struct tb_auth *auth, struct tb_str authorization,
                          struct tb_identity *identity)
{
    if (auth->open) {
        *identity = (struct tb_identity){
            .role = TB_ROLE_ADMIN, .name = TB_STR("anonymous"), .id = TB_STR("anonymous")};
        return TB_OK;
    }
    if (authorization.len == 0) {
        return TB_E_MISSING_TOKEN;
    }
    struct tb_str token;
    return tb_header_bearer(authorization, &token) && tb_auth_is_admin(auth, token, identity)
               ? TB_OK
               : TB_E_INVALID_TOKEN;
}
