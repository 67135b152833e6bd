/* The canonical escaping of one character: shared by text.c and json.c, of no use to others. */
#ifndef TB_BASE_ESCAPE_H
#define TB_BASE_ESCAPE_H

#include <stddef.h>

#define TB_ESCAPE_BYTES_MAX 6

/* Writes the ASCII character `c` as it stands in a text: itself, or 2 or 6 bytes when it is `"`,
 * `\` or below U+0020. Returns how many bytes were written. */
static inline size_t tb_escape_ascii(unsigned char c, char out[TB_ESCAPE_BYTES_MAX])
{
    static const char short_form[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    static const char hex[] = "0123456789abcdef";
    if (c >= 0x20 && c != '"' && c != '\\') {
        out[0] = (char)c;
        return 1;
    }
    out[0] = '\\';
    if (c >= 0x20 || short_form[c] != 0) {
        out[1] = c >= 0x20 ? (char)c : short_form[c];
        return 2;
    }
    out[1] = 'u';
    out[2] = '0';
    out[3] = '0';
    out[4] = hex[c >> 4];
    out[5] = hex[c & 15];
    return TB_ESCAPE_BYTES_MAX;
}

#endif
