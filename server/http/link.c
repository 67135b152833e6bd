#include "http/link.h"

#include "base/buf.h"

static bool is_unreserved(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* Percent-encodes all that is not unreserved (RFC 3986, 2.3), so that nothing can leave the angle
 * brackets. */
static void add_encoded(struct tb_buf *out, struct tb_str text)
{
    static const char digits[] = "0123456789ABCDEF";
    struct tb_str bytes = tb_text_to_bytes(out->arena, text);
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        char escape[] = {'%', digits[c >> 4], digits[c & 15]};
        if (is_unreserved(c)) {
            tb_buf_add(out, &bytes.ptr[i], 1);
        } else {
            tb_buf_add(out, escape, sizeof(escape));
        }
    }
}

struct tb_str tb_link_next(struct tb_arena *arena, struct tb_str path,
                           const struct tb_params *params, struct tb_str cursor)
{
    struct tb_buf out;
    tb_buf_init(&out, arena, 256);
    TB_BUF_LIT(&out, "<");
    tb_buf_add_str(&out, path);
    TB_BUF_LIT(&out, "?");
    for (size_t i = 0; i < params->count; i++) {
        if (tb_str_eq_c(params->items[i].name, "cursor")) {
            continue;
        }
        add_encoded(&out, params->items[i].name);
        TB_BUF_LIT(&out, "=");
        add_encoded(&out, params->items[i].value);
        TB_BUF_LIT(&out, "&");
    }
    TB_BUF_LIT(&out, "cursor=");
    add_encoded(&out, cursor);
    TB_BUF_LIT(&out, ">; rel=\"next\"");
    return tb_buf_str(&out);
}
