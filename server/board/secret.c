#include "board/secret.h"

#include <sodium.h>

static const char prefixes[TB_CREDENTIAL_KIND_COUNT][4] = {
    [TB_CREDENTIAL_TOKEN] = "tb_",
    [TB_CREDENTIAL_LINK] = "tl_",
    [TB_CREDENTIAL_SESSION] = "ts_",
};

#define PREFIX_LEN 3
#define SECRET_AT  (PREFIX_LEN + TB_ULID_LEN + 1)

void tb_secret_show(enum tb_credential_kind kind, struct tb_id id,
                    const uint8_t secret[TB_SECRET_BYTES], char out[TB_SHOWN_LEN + 1])
{
    memcpy(out, prefixes[kind], PREFIX_LEN);
    tb_ulid_format(id, out + PREFIX_LEN);
    out[SECRET_AT - 1] = '_';
    (void)sodium_bin2base64(out + SECRET_AT, TB_SECRET_LEN + 1, secret, TB_SECRET_BYTES,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void tb_secret_wipe(void *bytes, size_t len)
{
    sodium_memzero(bytes, len);
}

bool tb_secret_parse(struct tb_str shown, enum tb_credential_kind *kind, struct tb_id *id)
{
    if (shown.len != TB_SHOWN_LEN || shown.ptr[SECRET_AT - 1] != '_') {
        return false;
    }
    for (enum tb_credential_kind one = 0; one < TB_CREDENTIAL_KIND_COUNT; one++) {
        if (memcmp(shown.ptr, prefixes[one], PREFIX_LEN) == 0) {
            *kind = one;
            return tb_ulid_parse(tb_str_from(shown.ptr + PREFIX_LEN, TB_ULID_LEN), id);
        }
    }
    return false;
}

/* A key for one purpose, from the store's. */
static void derive(const uint8_t claim_key[TB_CLAIM_KEY_BYTES], struct tb_str purpose,
                   uint8_t key[crypto_generichash_KEYBYTES])
{
    (void)crypto_generichash(key, crypto_generichash_KEYBYTES, (const unsigned char *)purpose.ptr,
                             purpose.len, claim_key, TB_CLAIM_KEY_BYTES);
}

static void hash(const uint8_t claim_key[TB_CLAIM_KEY_BYTES], struct tb_str purpose,
                 struct tb_str what, uint8_t *out, size_t out_len)
{
    uint8_t key[crypto_generichash_KEYBYTES];
    derive(claim_key, purpose, key);
    (void)crypto_generichash(out, out_len, (const unsigned char *)what.ptr, what.len, key,
                             sizeof(key));
    sodium_memzero(key, sizeof(key));
}

void tb_secret_digest(const uint8_t claim_key[TB_CLAIM_KEY_BYTES], struct tb_str shown,
                      uint8_t digest[TB_CREDENTIAL_DIGEST_BYTES])
{
    hash(claim_key, TB_STR("taskboard credential"), shown, digest, TB_CREDENTIAL_DIGEST_BYTES);
}

bool tb_secret_fits(const uint8_t claim_key[TB_CLAIM_KEY_BYTES], struct tb_str shown,
                    const struct tb_credential *credential)
{
    uint8_t digest[TB_CREDENTIAL_DIGEST_BYTES];
    tb_secret_digest(claim_key, shown, digest);
    return sodium_memcmp(digest, credential->digest, sizeof(digest)) == 0;
}

struct tb_id tb_secret_mark(const uint8_t claim_key[TB_CLAIM_KEY_BYTES], struct tb_str admin_token)
{
    struct tb_id mark;
    hash(claim_key, TB_STR("taskboard admin token"), admin_token, mark.bytes, sizeof(mark.bytes));
    return mark;
}
