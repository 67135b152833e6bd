#include "http/idempotency.h"

#include <sodium.h>

/* The length goes first, so that no two lists of parts look the same. */
static void add_part(crypto_generichash_state *state, struct tb_str part)
{
    uint64_t len = part.len;
    (void)crypto_generichash_update(state, (const unsigned char *)&len, sizeof(len));
    if (len > 0) {
        (void)crypto_generichash_update(state, (const unsigned char *)part.ptr, len);
    }
}

/* BLAKE2b with 128 bits. */
static void make_digest(const struct tb_str *parts, size_t count, uint8_t digest[TB_DIGEST_BYTES])
{
    _Static_assert(TB_DIGEST_BYTES == crypto_generichash_BYTES_MIN, "the digest's length");
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, NULL, 0, TB_DIGEST_BYTES);
    for (size_t i = 0; i < count; i++) {
        add_part(&state, parts[i]);
    }
    (void)crypto_generichash_final(&state, digest, TB_DIGEST_BYTES);
}

/* Two tokens of tens of thousands may meet in one; they share it then. */
static uint16_t share_of(struct tb_str token)
{
    uint8_t digest[TB_DIGEST_BYTES];
    make_digest(&token, 1, digest);
    uint16_t share = (uint16_t)(digest[0] << 8 | digest[1]);
    return share != 0 ? share : 1;
}

bool tb_idempotency_read(const struct tb_request *request, struct tb_parse *parse,
                         struct tb_idempotency *idempotency)
{
    struct tb_str key = TB_STR_NONE;
    if (!tb_parse_idempotency_key(parse, request->headers[TB_IN_IDEMPOTENCY_KEY], &key)) {
        return false;
    }
    if (key.ptr == NULL) {
        return true;
    }
    const struct tb_str known_by[] = {request->scope, key};
    const struct tb_str what[] = {
        request->method_name,
        request->path,
        request->query,
        request->headers[TB_IN_IF_MATCH],
        request->headers[TB_IN_CLAIM_TOKEN],
        request->body,
    };
    idempotency->present = true;
    idempotency->share = share_of(request->scope);
    make_digest(known_by, sizeof(known_by) / sizeof(known_by[0]), idempotency->key);
    make_digest(what, sizeof(what) / sizeof(what[0]), idempotency->fingerprint);
    return true;
}
