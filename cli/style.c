#include "style.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#define WIDTH_DEFAULT 80
#define ELLIPSIS      "\xe2\x80\xa6"
#define REPLACEMENT   "\xef\xbf\xbd"

static unsigned terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col;
    }
    return WIDTH_DEFAULT;
}

struct cli_style cli_style_of(const char *color)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    bool is_dumb = term != NULL && strcmp(term, "dumb") == 0;
    struct cli_style style = {.terminal = isatty(STDOUT_FILENO) == 1};
    style.width = style.terminal ? terminal_width() : 0;
    style.colours =
        strcmp(color, "always") == 0 || (strcmp(color, "auto") == 0 && style.terminal && !is_dumb &&
                                         (no_color == NULL || no_color[0] == '\0'));
    return style;
}

void cli_paint(const struct cli_style *style, enum cli_colour colour, const char *text)
{
    static const char *const codes[] = {
        [CLI_BOLD] = "1",   [CLI_DIM] = "2",     [CLI_RED] = "31",
        [CLI_GREEN] = "32", [CLI_YELLOW] = "33", [CLI_BLUE] = "34",
    };
    if (style->colours && colour != CLI_PLAIN && text[0] != '\0') {
        (void)printf("\033[%sm%s\033[0m", codes[colour], text);
    } else {
        (void)fputs(text, stdout);
    }
}

/* One character: its length in bytes, and its columns; a length of 0 means the text ends. What is
 * no character, or has no width of its own, counts as none. */
struct glyph {
    size_t len;
    int columns;
    wchar_t character;
};

static struct glyph glyph_at(const char *text, size_t len)
{
    mbstate_t state = {0};
    wchar_t character;
    size_t used = mbrtowc(&character, text, len, &state);
    if (used == 0 || used > len) { /* NUL, a wrong byte, an incomplete character */
        return (struct glyph){.len = len == 0 ? 0 : 1, .columns = -1};
    }
    return (struct glyph){.len = used, .columns = wcwidth(character), .character = character};
}

/* Marks that turn the direction of what follows could make a line read otherwise than it is. */
static bool turns_direction(wchar_t character)
{
    return (character >= 0x202a && character <= 0x202e) ||
           (character >= 0x2066 && character <= 0x2069) || character == 0x200e ||
           character == 0x200f;
}

const char *cli_clean(struct tb_arena *arena, struct tb_str bytes, bool lines)
{
    char *out = tb_arena_alloc(arena, bytes.len * (sizeof(REPLACEMENT) - 1) + 1);
    char *to = out;
    for (size_t at = 0; at < bytes.len;) {
        struct glyph glyph = glyph_at(bytes.ptr + at, bytes.len - at);
        bool is_space = bytes.ptr[at] == '\n' || bytes.ptr[at] == '\t';
        if (is_space) {
            *to++ = (char)(lines ? bytes.ptr[at] : ' ');
        } else if (glyph.columns < 0 || turns_direction(glyph.character)) {
            memcpy(to, REPLACEMENT, sizeof(REPLACEMENT) - 1);
            to += sizeof(REPLACEMENT) - 1;
        } else {
            memcpy(to, bytes.ptr + at, glyph.len);
            to += glyph.len;
        }
        at += glyph.len;
    }
    *to = '\0';
    return out;
}

size_t cli_columns(const char *text)
{
    size_t columns = 0;
    for (size_t left = strlen(text); left > 0;) {
        struct glyph glyph = glyph_at(text, left);
        columns += glyph.columns > 0 ? (size_t)glyph.columns : 0;
        text += glyph.len;
        left -= glyph.len;
    }
    return columns;
}

const char *cli_cut(struct tb_arena *arena, const char *text, size_t columns)
{
    if (cli_columns(text) <= columns) {
        return text;
    }
    size_t used = 0;
    size_t at = 0;
    size_t len = strlen(text);
    while (at < len) {
        struct glyph glyph = glyph_at(text + at, len - at);
        size_t more = glyph.columns > 0 ? (size_t)glyph.columns : 0;
        if (used + more + 1 > columns) {
            break;
        }
        used += more;
        at += glyph.len;
    }
    return tb_arena_printf(arena, "%.*s%s", (int)at, text, columns > 0 ? ELLIPSIS : "").ptr;
}
