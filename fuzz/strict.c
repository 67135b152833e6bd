#include "strict.h"

#include <stdlib.h>

#define DEPTH_MAX 64

/* --- UTF-8 --- */

/* The length of the character at the start of `bytes` and what it is; 0: none that is right. */
static size_t read_char(struct tb_str bytes, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = (uint8_t)bytes.ptr[0];
    size_t len = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : 4;
    if (first >= 0x80 && (first < 0xC0 || first >= 0xF8)) {
        return 0;
    }
    if (len > bytes.len) {
        return 0;
    }
    uint32_t value = len == 1 ? first : first & (0xFFU >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        uint8_t next = (uint8_t)bytes.ptr[i];
        if (next >> 6 != 2) {
            return 0;
        }
        value = value << 6 | (next & 0x3F);
    }
    *code = value;
    bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    return value < least[len] || surrogate || value > 0x10FFFF ? 0 : len;
}

bool strict_utf8(struct tb_str bytes)
{
    for (size_t at = 0; at < bytes.len;) {
        uint32_t code;
        size_t len = read_char(tb_str_from(bytes.ptr + at, bytes.len - at), &code);
        if (len == 0) {
            return false;
        }
        at += len;
    }
    return true;
}

/* --- one document --- */

struct key {
    size_t at; /* in `decoded` */
    size_t len;
};

struct reading {
    const char *at;
    const char *end;
    struct strict_json *out;
    char *decoded; /* all strings, decoded, one after the other */
    size_t decoded_len;
    struct key *keys; /* of the objects that are open */
    size_t key_count;
    bool is_object[DEPTH_MAX];
    size_t keys_before[DEPTH_MAX]; /* key_count when it began */
};

static void add_digest(struct reading *reading, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < len; i++) {
        reading->out->digest = (reading->out->digest ^ at[i]) * UINT64_C(0x100000001b3);
    }
}

static void add_mark(struct reading *reading, char mark)
{
    add_digest(reading, &mark, 1);
}

static void skip_space(struct reading *reading)
{
    while (reading->at < reading->end && (*reading->at == ' ' || *reading->at == '\t' ||
                                          *reading->at == '\n' || *reading->at == '\r')) {
        reading->at++;
    }
}

static bool take(struct reading *reading, char wanted)
{
    if (reading->at < reading->end && *reading->at == wanted) {
        reading->at++;
        return true;
    }
    return false;
}

static void add_char(struct reading *reading, uint32_t code)
{
    char *out = reading->decoded + reading->decoded_len;
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = len; i-- > 1;) {
        out[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    out[0] = (char)(first[len] | code);
    reading->decoded_len += len;
}

static bool read_hex4(struct reading *reading, uint32_t *out)
{
    uint32_t value = 0;
    if (reading->end - reading->at < 4) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        char c = *reading->at++;
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A') + 10
                                                : 16;
        if (digit == 16) {
            return false;
        }
        value = value << 4 | digit;
    }
    *out = value;
    return true;
}

static bool read_unicode_escape(struct reading *reading)
{
    uint32_t code, low;
    if (!read_hex4(reading, &code) || code == 0 || (code >= 0xDC00 && code <= 0xDFFF)) {
        return false;
    }
    if (code >= 0xD800 && code <= 0xDBFF) {
        if (!take(reading, '\\') || !take(reading, 'u') || !read_hex4(reading, &low) ||
            low < 0xDC00 || low > 0xDFFF) {
            return false;
        }
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    add_char(reading, code);
    return true;
}

static bool read_escape(struct reading *reading)
{
    static const char names[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    if (take(reading, 'u')) {
        return read_unicode_escape(reading);
    }
    const char *found =
        reading->at < reading->end && *reading->at != '\0' ? strchr(names, *reading->at) : NULL;
    if (found == NULL) {
        return false;
    }
    reading->at++;
    add_char(reading, (unsigned char)meant[found - names]);
    return true;
}

/* Behind the opening quote. `*key` is where its decoded bytes stand. */
static bool read_string(struct reading *reading, struct key *key)
{
    key->at = reading->decoded_len;
    while (!take(reading, '"')) {
        uint32_t code;
        if (reading->at == reading->end) {
            return false;
        }
        if (take(reading, '\\')) {
            if (!read_escape(reading)) {
                return false;
            }
            continue;
        }
        size_t len =
            read_char(tb_str_from(reading->at, (size_t)(reading->end - reading->at)), &code);
        if (len == 0 || code < 0x20) {
            return false;
        }
        add_char(reading, code);
        reading->at += len;
    }
    key->len = reading->decoded_len - key->at;
    add_mark(reading, 's');
    add_digest(reading, &key->len, sizeof(key->len));
    add_digest(reading, reading->decoded + key->at, key->len);
    return true;
}

static size_t skip_digits(struct reading *reading)
{
    const char *start = reading->at;
    while (reading->at < reading->end && *reading->at >= '0' && *reading->at <= '9') {
        reading->at++;
    }
    return (size_t)(reading->at - start);
}

static bool read_number(struct reading *reading)
{
    const char *start = reading->at;
    bool exponent = false;
    (void)take(reading, '-');
    bool zero = reading->at < reading->end && *reading->at == '0';
    size_t digits = skip_digits(reading);
    if (digits == 0 || (zero && digits > 1)) {
        return false;
    }
    if (take(reading, '.') && skip_digits(reading) == 0) {
        return false;
    }
    if (take(reading, 'e') || take(reading, 'E')) {
        exponent = true;
        if (!take(reading, '+')) {
            (void)take(reading, '-');
        }
        if (skip_digits(reading) == 0) {
            return false;
        }
    }
    size_t len = (size_t)(reading->at - start);
    reading->out->long_numbers = reading->out->long_numbers || exponent || len > 15;
    add_mark(reading, 'n');
    add_digest(reading, start, len);
    return true;
}

static bool read_word(struct reading *reading, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(reading->end - reading->at) < len || memcmp(reading->at, word, len) != 0) {
        return false;
    }
    reading->at += len;
    add_mark(reading, word[0]);
    return true;
}

static bool read_key(struct reading *reading, unsigned depth)
{
    struct key key;
    if (!take(reading, '"') || !read_string(reading, &key)) {
        return false;
    }
    for (size_t i = reading->keys_before[depth - 1]; i < reading->key_count; i++) {
        if (reading->keys[i].len == key.len && memcmp(reading->decoded + reading->keys[i].at,
                                                      reading->decoded + key.at, key.len) == 0) {
            return false;
        }
    }
    reading->keys[reading->key_count++] = key;
    skip_space(reading);
    return take(reading, ':');
}

static bool open_container(struct reading *reading, unsigned *depth, bool object)
{
    if (*depth == DEPTH_MAX) {
        return false;
    }
    reading->is_object[*depth] = object;
    reading->keys_before[*depth] = reading->key_count;
    ++*depth;
    reading->out->depth = *depth > reading->out->depth ? *depth : reading->out->depth;
    add_mark(reading, object ? '{' : '[');
    return true;
}

static bool read_scalar(struct reading *reading)
{
    struct key ignored;
    if (take(reading, '"')) {
        return read_string(reading, &ignored);
    }
    return read_word(reading, "true") || read_word(reading, "false") ||
           read_word(reading, "null") || read_number(reading);
}

/* Closes what ends here; false: something is wrong. `*more`: another value has to come. */
static bool read_ends(struct reading *reading, unsigned *depth, bool *more)
{
    *more = false;
    while (*depth > 0) {
        skip_space(reading);
        bool object = reading->is_object[*depth - 1];
        if (take(reading, object ? '}' : ']')) {
            --*depth;
            reading->key_count = reading->keys_before[*depth];
            add_mark(reading, '.');
            continue;
        }
        *more = true;
        skip_space(reading);
        if (!take(reading, ',')) {
            return false;
        }
        skip_space(reading);
        return !object || read_key(reading, *depth);
    }
    return true;
}

static bool read_document(struct reading *reading)
{
    unsigned depth = 0;
    for (bool more = true; more;) {
        skip_space(reading);
        reading->out->value_count++;
        bool object = take(reading, '{');
        if (object || take(reading, '[')) {
            if (!open_container(reading, &depth, object)) {
                return false;
            }
            skip_space(reading);
            bool empty = reading->at < reading->end && *reading->at == (object ? '}' : ']');
            if (!empty) {
                if (object && !read_key(reading, depth)) {
                    return false;
                }
                continue;
            }
        } else if (!read_scalar(reading)) {
            return false;
        }
        if (!read_ends(reading, &depth, &more)) {
            return false;
        }
    }
    skip_space(reading);
    return reading->at == reading->end;
}

void strict_json_read(struct tb_str input, struct strict_json *out)
{
    *out = (struct strict_json){.digest = UINT64_C(0xcbf29ce484222325)};
    struct reading reading = {
        .at = input.ptr,
        .end = input.ptr + input.len,
        .out = out,
        .decoded = malloc(input.len + 1),
        .keys = malloc((input.len + 1) * sizeof(struct key)),
    };
    if (reading.decoded == NULL || reading.keys == NULL) {
        abort();
    }
    out->valid = read_document(&reading);
    free(reading.decoded);
    free(reading.keys);
}

/* --- texts --- */

static bool is_canonical_escape(struct tb_str text, size_t *len)
{
    if (text.len < 2) {
        return false;
    }
    *len = 2;
    if (text.ptr[1] != 'u') {
        return text.ptr[1] != '\0' && strchr("\"\\btnfr", text.ptr[1]) != NULL;
    }
    *len = 6;
    if (text.len < 6 || memcmp(text.ptr, "\\u00", 4) != 0 ||
        (text.ptr[4] != '0' && text.ptr[4] != '1')) {
        return false;
    }
    char low = text.ptr[5];
    bool hex = (low >= '0' && low <= '9') || (low >= 'a' && low <= 'f');
    bool has_short = text.ptr[4] == '0' && low != '\0' && strchr("89acd", low) != NULL;
    bool nul = text.ptr[4] == '0' && low == '0';
    return hex && !has_short && !nul;
}

bool strict_text(struct tb_str text, size_t *decoded_len)
{
    *decoded_len = 0;
    for (size_t at = 0; at < text.len;) {
        struct tb_str rest = tb_str_from(text.ptr + at, text.len - at);
        uint32_t code;
        size_t len = 0;
        if (rest.ptr[0] == '\\') {
            if (!is_canonical_escape(rest, &len)) {
                return false;
            }
            at += len;
            ++*decoded_len;
            continue;
        }
        len = read_char(rest, &code);
        if (len == 0 || code < 0x20 || code == '"') {
            return false;
        }
        at += len;
        *decoded_len += len;
    }
    return true;
}

bool strict_text_within(struct tb_str text, size_t bytes_max)
{
    size_t decoded_len = 0;
    return text.ptr == NULL || (strict_text(text, &decoded_len) && decoded_len <= bytes_max);
}

bool strict_json_within(struct tb_str json, size_t bytes_max)
{
    struct strict_json read;
    if (json.ptr == NULL) {
        return true;
    }
    strict_json_read(json, &read);
    return read.valid && json.len <= bytes_max;
}
