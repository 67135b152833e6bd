#include "base/json_string.h"

#include "base/escape.h"

#define ESCAPE_LEN 6 /* \u0041 */

/* Each quote within the string has a backslash before it. The opening quote has none: the grammar
 * has no place for a backslash outside strings. */
const char *tb_json_opening_quote(struct tb_str input)
{
    const char *quote = input.ptr + input.len - 1;
    do {
        quote = memrchr(input.ptr, '"', (size_t)(quote - input.ptr));
    } while (quote > input.ptr && quote[-1] == '\\');
    return quote;
}

static unsigned hex4(const char *digits)
{
    unsigned number = 0;
    for (int i = 0; i < 4; i++) {
        unsigned c = (unsigned char)digits[i];
        number = number << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return number;
}

static char *put_utf8(char *out, unsigned c)
{
    if (c < 0x80) {
        return out + tb_escape_ascii((unsigned char)c, out);
    }
    unsigned len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (unsigned i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    out[0] = (char)(c | (len == 2 ? 0xc0u : len == 3 ? 0xe0u : 0xf0u));
    return out + len;
}

/* The character that the \u escape or pair of escapes at `at` stands for; *len is their length. 0
 * and a word for what is wrong when there is none. */
static unsigned unicode_at(const char *at, const char *end, size_t *len, const char **what)
{
    unsigned c = hex4(at + 2);
    *len = ESCAPE_LEN;
    *what = "NUL character";
    if (c < 0xd800 || c > 0xdfff) {
        return c;
    }
    *len = 2 * (size_t)ESCAPE_LEN;
    *what = "lone surrogate";
    if (c >= 0xdc00 || (size_t)(end - at) < *len || at[6] != '\\' || at[7] != 'u') {
        return 0;
    }
    unsigned low = hex4(at + 8);
    return low < 0xdc00 || low > 0xdfff ? 0 : 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

char *tb_json_put_canonical(char *out, struct tb_str raw, struct tb_json_fault *fault)
{
    const char *at = raw.ptr;
    const char *end = raw.ptr + raw.len;
    while (at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((escape == NULL ? end : escape) - at);
        memcpy(out, at, plain);
        out += plain;
        at += plain;
        if (escape == NULL) {
            break;
        }
        if (at[1] != 'u') {
            out[0] = at[1] == '/' ? '/' : '\\';
            out[1] = at[1]; /* overwritten after a slash */
            out += at[1] == '/' ? 1 : 2;
            at += 2;
            continue;
        }
        size_t len;
        unsigned c = unicode_at(at, end, &len, &fault->what);
        if (c == 0) {
            fault->offset = (size_t)(at - raw.ptr);
            return NULL;
        }
        out = put_utf8(out, c);
        at += len;
    }
    return out;
}
