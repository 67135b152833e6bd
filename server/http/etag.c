#include "http/etag.h"

#include <sodium.h>

#include "base/buf.h"

struct tb_str tb_etag_of_version(struct tb_arena *arena, uint64_t version)
{
    struct tb_buf out;
    tb_buf_init(&out, arena, 24);
    TB_BUF_LIT(&out, "\"");
    tb_buf_add_u64(&out, version);
    TB_BUF_LIT(&out, "\"");
    return tb_buf_str(&out);
}

struct tb_str tb_etag_of_list(struct tb_arena *arena, const struct tb_http *http, uint64_t seq)
{
    struct tb_buf out;
    tb_buf_init(&out, arena, TB_LIST_TAG_BYTES + 24);
    TB_BUF_LIT(&out, "\"");
    tb_buf_add(&out, http->list_tag, TB_LIST_TAG_BYTES);
    TB_BUF_LIT(&out, "-");
    tb_buf_add_u64(&out, seq);
    TB_BUF_LIT(&out, "\"");
    return tb_buf_str(&out);
}

void tb_etag_init(struct tb_http *http, uint64_t store_id, int64_t aging_ms)
{
    unsigned char hash[crypto_generichash_BYTES_MIN];
    char hex[2 * sizeof(hash) + 1];
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof(hash));
    crypto_generichash_update(&state, (const unsigned char *)&store_id, sizeof(store_id));
    crypto_generichash_update(&state, (const unsigned char *)&aging_ms, sizeof(aging_ms));
    crypto_generichash_update(&state, (const unsigned char *)TB_VERSION, sizeof(TB_VERSION));
    crypto_generichash_final(&state, hash, sizeof(hash));
    sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
    memcpy(http->list_tag, hex, TB_LIST_TAG_BYTES);
}
