#include "base/json_error.h"

#define SHOWN_BYTES_MAX 64

/* Where yajl's offset points. */
enum place {
    AT_FAULT,
    BEHIND_CHARACTER,
    BEHIND_TOKEN, /* the token that the grammar does not allow here */
    IN_TOKEN,     /* at its start, or two bytes into a string */
};

static const struct {
    const char *yajl;
    const char *ours;
    enum place place;
} faults[] = {
    {"invalid character inside string", "control character in a string", AT_FAULT},
    {"occurs before a character", "unknown escape in a string", AT_FAULT},
    {"(non-hex) character", "hexadecimal digit expected", AT_FAULT},
    {"malformed number", "digit expected", AT_FAULT},
    {"comment", "comment", AT_FAULT},
    {"invalid string in json", "unexpected character", AT_FAULT},
    {"invalid char in json", "unexpected character", BEHIND_CHARACTER},
    {"unallowed token", "unexpected character", BEHIND_TOKEN},
    {"object key (must be", "member name in quotes expected", BEHIND_TOKEN},
    {"separated by a colon", "':' expected", BEHIND_TOKEN},
    {"after key and value", "',' or '}' expected", IN_TOKEN},
    {"after array element", "',' or ']' expected", BEHIND_TOKEN},
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool ends_word(char c)
{
    return is_space(c) || c == '"' || c == '{' || c == '}' || c == '[' || c == ']' || c == ',' ||
           c == ':';
}

static size_t skip_string(struct tb_str input, size_t i)
{
    i++;
    while (i < input.len && input.ptr[i] != '"') {
        i += input.ptr[i] == '\\' ? 2 : 1;
    }
    return i + 1;
}

/* The end of the token at `i`, which is no white space. */
static size_t skip_token(struct tb_str input, size_t i)
{
    if (input.ptr[i] == '"') {
        return skip_string(input, i);
    }
    if (ends_word(input.ptr[i])) {
        return i + 1;
    }
    i += input.ptr[i] == '-' ? 1 : 0;
    if (i + 1 < input.len && input.ptr[i] == '0' && is_digit(input.ptr[i + 1])) {
        return i + 1; /* nothing follows a leading zero: 01 is two tokens */
    }
    while (i < input.len && !ends_word(input.ptr[i])) {
        i++;
    }
    return i;
}

/* The start of the last token that begins before `offset`. */
static size_t last_token(struct tb_str input, size_t offset)
{
    size_t start = 0;
    size_t i = 0;
    while (i < input.len && i < offset) {
        if (is_space(input.ptr[i])) {
            i++;
            continue;
        }
        start = i;
        i = skip_token(input, i);
    }
    return start;
}

static size_t fault_offset(enum place place, struct tb_str input, size_t offset)
{
    switch (place) {
    case BEHIND_CHARACTER:
        return offset - 1;
    case BEHIND_TOKEN:
        return last_token(input, offset);
    case IN_TOKEN:
        return last_token(input, offset + 1);
    case AT_FAULT:
        break;
    }
    return offset;
}

struct tb_json_fault tb_json_fault_of(const char *message, struct tb_str input, size_t offset)
{
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        if (strstr(message, faults[i].yajl) != NULL) {
            offset = fault_offset(faults[i].place, input, offset);
            return (struct tb_json_fault){faults[i].ours, offset};
        }
    }
    return (struct tb_json_fault){"unexpected character",
                                  offset}; /* UNTESTED: no other message is known */
}

struct tb_str tb_json_shown(struct tb_str text)
{
    size_t len = 0;
    while (len < text.len) {
        size_t next = len + 1;
        if (text.ptr[len] == '\\') {
            next = len + (text.ptr[len + 1] == 'u' ? 6 : 2);
        }
        while (next < text.len && ((unsigned char)text.ptr[next] & 0xc0) == 0x80) {
            next++;
        }
        if (next > SHOWN_BYTES_MAX) {
            break;
        }
        len = next;
    }
    return tb_str_from(text.ptr, len);
}
