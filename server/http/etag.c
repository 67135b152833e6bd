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

/* `"<start>-<change>"` */
struct tb_str tb_etag_of_list(struct tb_arena *arena, const struct tb_http *http, uint64_t change)
{
    struct tb_buf out;
    tb_buf_init(&out, arena, TB_LIST_TAG_BYTES + 24);
    TB_BUF_LIT(&out, "\"");
    tb_buf_add(&out, http->list_tag, TB_LIST_TAG_BYTES);
    TB_BUF_LIT(&out, "-");
    tb_buf_add_u64(&out, change);
    TB_BUF_LIT(&out, "\"");
    return tb_buf_str(&out);
}

/* `"<start>-<seq>-<changes>"` */
struct tb_str tb_etag_of_summary(struct tb_arena *arena, const struct tb_http *http, uint64_t seq,
                                 uint64_t changes)
{
    struct tb_buf out;
    tb_buf_init(&out, arena, TB_LIST_TAG_BYTES + 48);
    TB_BUF_LIT(&out, "\"");
    tb_buf_add(&out, http->list_tag, TB_LIST_TAG_BYTES);
    TB_BUF_LIT(&out, "-");
    tb_buf_add_u64(&out, seq);
    TB_BUF_LIT(&out, "-");
    tb_buf_add_u64(&out, changes);
    TB_BUF_LIT(&out, "\"");
    return tb_buf_str(&out);
}

void tb_etag_init(struct tb_http *http)
{
    unsigned char start[TB_LIST_TAG_BYTES / 2];
    char hex[TB_LIST_TAG_BYTES + 1];
    randombytes_buf(start, sizeof(start));
    sodium_bin2hex(hex, sizeof(hex), start, sizeof(start));
    memcpy(http->list_tag, hex, TB_LIST_TAG_BYTES);
}
