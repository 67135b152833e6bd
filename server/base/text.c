#include "base/buf.h"
#include "base/escape.h"
#include "base/str.h"

#define REPLACEMENT "\xef\xbf\xbd"
#define ESCAPE_LEN  6 /* \u000b */

/* --- UTF-8 --- */

static bool is_continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* The length of the sequence that begins with `lead`, and the range of its second byte: RFC 3629,
 * section 4. The ranges are what keeps out overlong forms, surrogates and what lies above U+10FFFF.
 * 0 when nothing begins so. */
static unsigned sequence_len(unsigned char lead, unsigned char *low, unsigned char *high)
{
    *low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    *high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (lead < 0xc2 || lead > 0xf4) {
        return 0;
    }
    return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* Looks at the sequence at the start of `left` (> 0) bytes, the first of them not ASCII. True with
 * its length; false with the length of what to skip: the longest start of a good sequence (Unicode
 * 15, section 3.9, "maximal subparts"). */
static bool utf8_sequence(const unsigned char *at, size_t left, unsigned *len)
{
    unsigned char low;
    unsigned char high;
    unsigned want = sequence_len(at[0], &low, &high);
    *len = 1;
    if (want == 0 || left < 2 || at[1] < low || at[1] > high) {
        return false;
    }
    for (*len = 2; *len < want; ++*len) {
        if (*len >= left || !is_continuation(at[*len])) {
            return false;
        }
    }
    return true;
}

size_t tb_utf8_valid_len(struct tb_str bytes)
{
    const uint64_t high_bits = UINT64_C(0x8080808080808080);
    const unsigned char *start = (const unsigned char *)bytes.ptr;
    size_t i = 0;
    while (i < bytes.len) {
        uint64_t words[2];
        while (bytes.len - i >= sizeof(words)) {
            memcpy(words, start + i, sizeof(words));
            if (((words[0] | words[1]) & high_bits) != 0) {
                break;
            }
            i += sizeof(words);
        }
        for (unsigned n = 0; n < sizeof(words) && i < bytes.len; n++) {
            unsigned len = 1;
            if (start[i] >= 0x80 && !utf8_sequence(start + i, bytes.len - i, &len)) {
                return i;
            }
            i += len;
        }
    }
    return i;
}

/* --- escaping --- */

/* How many bytes at the start stand in a text as they are. */
static size_t plain_len(struct tb_str bytes)
{
    size_t i = 0;
    while (i < bytes.len) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        if (c < 0x20 || c == '"' || c == '\\') {
            break;
        }
        i++;
    }
    return i;
}

static void skip(struct tb_str *s, size_t len)
{
    s->ptr += len;
    s->len -= len;
}

static void add_escaped_utf8(struct tb_buf *buf, struct tb_str utf8)
{
    while (utf8.len > 0) {
        size_t plain = plain_len(utf8);
        tb_buf_add(buf, utf8.ptr, plain);
        skip(&utf8, plain);
        if (utf8.len > 0) {
            char *out = tb_buf_reserve(buf, TB_ESCAPE_BYTES_MAX);
            buf->len += tb_escape_ascii((unsigned char)utf8.ptr[0], out);
            skip(&utf8, 1);
        }
    }
}

void tb_buf_add_escaped(struct tb_buf *buf, struct tb_str bytes)
{
    while (bytes.len > 0) {
        size_t valid = tb_utf8_valid_len(bytes);
        add_escaped_utf8(buf, tb_str_from(bytes.ptr, valid));
        skip(&bytes, valid);
        if (bytes.len > 0) {
            unsigned bad;
            (void)utf8_sequence((const unsigned char *)bytes.ptr, bytes.len, &bad);
            TB_BUF_LIT(buf, REPLACEMENT);
            skip(&bytes, bad);
        }
    }
}

struct tb_str tb_text_from_bytes(struct tb_arena *arena, struct tb_str bytes)
{
    struct tb_buf buf;
    if (bytes.ptr == NULL) {
        return TB_STR_NONE;
    }
    tb_buf_init(&buf, arena, bytes.len);
    tb_buf_add_escaped(&buf, bytes);
    return tb_buf_str(&buf);
}

/* --- reading a text --- */

static unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Takes the escape at the start of `text`. A canonical \u escape is always below U+0020. */
static char take_escape(struct tb_str *text)
{
    static const char meaning[128] = {['b'] = '\b', ['t'] = '\t', ['n'] = '\n', ['f'] = '\f',
                                      ['r'] = '\r', ['"'] = '"',  ['\\'] = '\\'};
    if (text->len >= ESCAPE_LEN && text->ptr[1] == 'u') {
        char c = (char)(hex_digit(text->ptr[4]) << 4 | hex_digit(text->ptr[5]));
        skip(text, ESCAPE_LEN);
        return c;
    }
    char c = text->len < 2 ? '\\' : meaning[text->ptr[1] & 127];
    skip(text, text->len < 2 ? text->len : 2);
    return c;
}

struct tb_str tb_text_to_bytes(struct tb_arena *arena, struct tb_str text)
{
    if (text.ptr == NULL) {
        return TB_STR_NONE;
    }
    char *out = tb_arena_alloc(arena, text.len);
    size_t len = 0;
    while (text.len > 0) {
        const char *escape = memchr(text.ptr, '\\', text.len);
        size_t plain = escape == NULL ? text.len : (size_t)(escape - text.ptr);
        memcpy(out + len, text.ptr, plain);
        len += plain;
        skip(&text, plain);
        if (text.len > 0) {
            out[len++] = take_escape(&text);
        }
    }
    return tb_str_from(out, len);
}

size_t tb_text_decoded_len(struct tb_str text)
{
    size_t len = text.len;
    while (text.len > 0) {
        const char *escape = memchr(text.ptr, '\\', text.len);
        if (escape == NULL) {
            break;
        }
        skip(&text, (size_t)(escape - text.ptr));
        size_t before = text.len;
        (void)take_escape(&text);
        len -= before - text.len - 1;
    }
    return len;
}

/* --- trimming --- */

/* White space as it stands in a text. Those of three bytes and more than one kind are below. */
static const struct tb_str spaces[] = {
    {" ", 1},
    {"\\t", 2},
    {"\\n", 2},
    {"\\f", 2},
    {"\\r", 2},
    {"\\u000b", ESCAPE_LEN},
    {"\xc2\xa0", 2},     /* U+00A0 */
    {"\xe1\x9a\x80", 3}, /* U+1680 */
    {"\xe2\x80\xa8", 3}, /* U+2028 */
    {"\xe2\x80\xa9", 3}, /* U+2029 */
    {"\xe2\x80\xaf", 3}, /* U+202F */
    {"\xe2\x81\x9f", 3}, /* U+205F */
    {"\xe3\x80\x80", 3}, /* U+3000 */
    {"\xef\xbb\xbf", 3}, /* U+FEFF */
};

/* U+2000..U+200A */
static bool is_wide_space(const char *at)
{
    const unsigned char *bytes = (const unsigned char *)at;
    return bytes[0] == 0xe2 && bytes[1] == 0x80 && bytes[2] >= 0x80 && bytes[2] <= 0x8a;
}

static size_t space_at_start(struct tb_str text)
{
    for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
        struct tb_str space = spaces[i];
        if (text.len >= space.len && memcmp(text.ptr, space.ptr, space.len) == 0) {
            return space.len;
        }
    }
    return text.len >= 3 && is_wide_space(text.ptr) ? 3 : 0;
}

/* Whether the backslash that is the last byte of `text` begins an escape, and is not the second
 * half of one. */
static bool begins_escape(struct tb_str text)
{
    size_t run = 0;
    while (run < text.len && text.ptr[text.len - 1 - run] == '\\') {
        run++;
    }
    return run % 2 == 1;
}

static size_t space_at_end(struct tb_str text)
{
    const char *end = text.ptr + text.len;
    for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
        struct tb_str space = spaces[i];
        if (text.len < space.len || memcmp(end - space.len, space.ptr, space.len) != 0) {
            continue;
        }
        bool escape = space.ptr[0] == '\\';
        return escape && !begins_escape(tb_str_from(text.ptr, text.len - space.len + 1))
                   ? 0
                   : space.len;
    }
    return text.len >= 3 && is_wide_space(end - 3) ? 3 : 0;
}

/* A first look that settles nearly every text: white space begins and ends with no other bytes than
 * these. */
static bool may_be_space(char first_or_last)
{
    unsigned char c = (unsigned char)first_or_last;
    return c == ' ' || c == '\\' || c >= 0x80 || (c != 0 && strchr("tnfrb", c) != NULL);
}

struct tb_str tb_text_trim(struct tb_str text)
{
    size_t len;
    while (text.len > 0 && may_be_space(text.ptr[0]) && (len = space_at_start(text)) > 0) {
        skip(&text, len);
    }
    while (text.len > 0 && may_be_space(text.ptr[text.len - 1]) && (len = space_at_end(text)) > 0) {
        text.len -= len;
    }
    return text;
}
