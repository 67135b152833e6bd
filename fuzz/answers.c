#include "answers.h"

#include <strings.h>

#include "fuzz.h"
#include "strict.h"

#define STATUS_LINE_BYTES 13 /* `HTTP/1.1 200 ` */

struct answer {
    int status;
    bool has_length;
    size_t length;
    bool chunked;
    bool is_json;
    bool is_stream;
};

static bool begins_an_answer(struct tb_str rest)
{
    return rest.len == 0 || (rest.len >= 9 && memcmp(rest.ptr, "HTTP/1.1 ", 9) == 0);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int read_status(struct tb_str line)
{
    must(line.len >= STATUS_LINE_BYTES && memcmp(line.ptr, "HTTP/1.1 ", 9) == 0);
    must(is_digit(line.ptr[9]) && is_digit(line.ptr[10]) && is_digit(line.ptr[11]));
    must(line.ptr[12] == ' ');
    int status = (line.ptr[9] - '0') * 100 + (line.ptr[10] - '0') * 10 + (line.ptr[11] - '0');
    must(status >= 100 && status <= 599);
    return status;
}

static bool is_token(struct tb_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !is_digit(c) && c != '-' && c != '_') {
            return false;
        }
    }
    return name.len > 0;
}

static bool is_named(struct tb_str name, const char *wanted)
{
    return name.len == strlen(wanted) && strncasecmp(name.ptr, wanted, name.len) == 0;
}

static bool begins_with(struct tb_str value, const char *start)
{
    return value.len >= strlen(start) && memcmp(value.ptr, start, strlen(start)) == 0;
}

static void read_header(struct tb_str line, struct answer *answer)
{
    const char *colon = memchr(line.ptr, ':', line.len);
    must(colon != NULL);
    struct tb_str name = tb_str_from(line.ptr, (size_t)(colon - line.ptr));
    struct tb_str value = tb_str_from(colon + 1, line.len - name.len - 1);
    while (value.len > 0 && value.ptr[0] == ' ') {
        value = tb_str_from(value.ptr + 1, value.len - 1);
    }
    must(is_token(name));
    for (size_t i = 0; i < value.len; i++) {
        must((unsigned char)value.ptr[i] >= 0x20 && value.ptr[i] != 0x7F);
    }
    if (is_named(name, "content-length")) {
        int64_t length = -1;
        must(!answer->has_length && tb_str_to_i64(value, &length) && length >= 0);
        answer->has_length = true;
        answer->length = (size_t)length;
    } else if (is_named(name, "transfer-encoding")) {
        must(!answer->chunked && begins_with(value, "chunked"));
        answer->chunked = true;
    } else if (is_named(name, "content-type")) {
        answer->is_json = begins_with(value, "application/json");
        answer->is_stream = begins_with(value, "text/event-stream");
    }
}

/* Cuts a line with its CRLF off; false when it is not whole. */
static bool next_line(struct tb_str *rest, struct tb_str *line)
{
    const char *end = memmem(rest->ptr, rest->len, "\r\n", 2);
    if (end == NULL) {
        return false;
    }
    *line = tb_str_from(rest->ptr, (size_t)(end - rest->ptr));
    *rest = tb_str_from(end + 2, rest->len - line->len - 2);
    return true;
}

static bool read_head(struct tb_str *rest, struct answer *answer)
{
    struct tb_str line;
    if (!next_line(rest, &line)) {
        return false;
    }
    *answer = (struct answer){.status = read_status(line)};
    for (;;) {
        if (!next_line(rest, &line)) {
            return false;
        }
        if (line.len == 0) {
            must(!(answer->chunked && answer->has_length));
            return true;
        }
        read_header(line, answer);
    }
}

static void check_json(const struct answer *answer, struct tb_str body)
{
    if (answer->is_json) {
        must(strict_json_within(body, SIZE_MAX));
    }
}

/* The size of the next chunk, behind its line. */
static bool read_chunk_size(struct tb_str *rest, size_t *size)
{
    struct tb_str line;
    if (!next_line(rest, &line)) {
        return false;
    }
    must(line.len >= 1 && line.len <= 8);
    *size = 0;
    for (size_t i = 0; i < line.len; i++) {
        char c = line.ptr[i];
        must(is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'));
        *size = *size * 16 + (size_t)(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return true;
}

static bool read_chunks(struct tb_str *rest, const struct answer *answer)
{
    char *body = fuzz_exact(*rest); /* never longer than what it came in */
    size_t len = 0, size = 1;
    bool whole = true;
    while (whole && size > 0) {
        whole = read_chunk_size(rest, &size) && rest->len >= size + 2;
        if (whole) {
            memcpy(body + len, rest->ptr, size);
            len += size;
            must(memcmp(rest->ptr + size, "\r\n", 2) == 0);
            *rest = tb_str_from(rest->ptr + size + 2, rest->len - size - 2);
        }
    }
    if (whole) {
        check_json(answer, tb_str_from(body, len));
    }
    free(body);
    return whole;
}

/* False: it is cut short. */
static bool read_body(struct tb_str *rest, const struct answer *answer, bool may_be_head)
{
    bool has_none = answer->status < 200 || answer->status == 204 || answer->status == 304;
    if (has_none || (may_be_head && begins_an_answer(*rest))) {
        return true;
    }
    if (answer->chunked) {
        return read_chunks(rest, answer);
    }
    size_t len = answer->has_length ? answer->length : rest->len;
    if (len > rest->len) {
        return false;
    }
    check_json(answer, tb_str_from(rest->ptr, len));
    *rest = tb_str_from(rest->ptr + len, rest->len - len);
    return true;
}

unsigned answers_check(struct tb_str said, const struct answers_expected *expected)
{
    struct tb_str rest = said;
    unsigned count = 0;
    while (rest.len > 0) {
        struct answer answer;
        if (!read_head(&rest, &answer)) {
            must(expected->cut_off);
            return count;
        }
        count++;
        if (answer.status == 101 || (answer.status == 200 && answer.is_stream)) {
            return count; /* all that follows is the stream's */
        }
        if (!read_body(&rest, &answer, expected->head)) {
            must(expected->cut_off);
            return count;
        }
    }
    return count;
}
