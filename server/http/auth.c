#include "http/auth.h"

#include <assert.h>
#include <sodium.h>

#include "http/header.h"

static void digest(const struct tb_auth *auth, struct tb_str token,
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
    digest(auth, token, auth->admin);
}

void tb_auth_fini(struct tb_auth *auth)
{
    sodium_memzero(auth, sizeof(*auth));
}

enum tb_err tb_auth_check(const struct tb_auth *auth, struct tb_str authorization,
                          struct tb_identity *identity)
{
    if (auth->open) {
        *identity = (struct tb_identity){TB_ROLE_ADMIN, TB_STR("anonymous"), TB_STR("anonymous")};
        return TB_OK;
    }
    if (authorization.len == 0) {
        return TB_E_MISSING_TOKEN;
    }
    struct tb_str token;
    unsigned char found[TB_AUTH_DIGEST_BYTES];
    if (!tb_header_bearer(authorization, &token) || token.len > TB_TOKEN_BYTES_MAX) {
        return TB_E_INVALID_TOKEN;
    }
    digest(auth, token, found);
    if (sodium_memcmp(found, auth->admin, sizeof(found)) != 0) {
        return TB_E_INVALID_TOKEN;
    }
    *identity = (struct tb_identity){TB_ROLE_ADMIN, TB_STR("admin"), TB_STR("admin")};
    return TB_OK;
}
