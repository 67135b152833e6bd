#include "http/framing.h"

#include <strings.h>

static bool starts_with(struct tb_str s, struct tb_str prefix)
{
    return s.len >= prefix.len && strncasecmp(s.ptr, prefix.ptr, prefix.len) == 0;
}

/* Cuts the line off `rest`. */
static struct tb_str next_line(struct tb_str *rest)
{
    const char *end = memchr(rest->ptr, '\n', rest->len);
    size_t len = end == NULL ? rest->len : (size_t)(end - rest->ptr) + 1;
    struct tb_str line = tb_str_from(rest->ptr, len);
    *rest = tb_str_from(rest->ptr + len, rest->len - len);
    return line;
}

const char *tb_framing_fault(struct tb_str head, bool http_1_0)
{
    unsigned lengths = 0, encodings = 0;
    while (head.len > 0) {
        struct tb_str line = next_line(&head);
        if (line.ptr[0] == ' ' || line.ptr[0] == '\t') {
            return "A header line is folded";
        }
        lengths += starts_with(line, TB_STR("content-length:"));
        encodings += starts_with(line, TB_STR("transfer-encoding:"));
    }
    if (encodings > 0 && lengths > 0) {
        return "Content-Length and Transfer-Encoding exclude each other";
    }
    if (lengths > 1 || encodings > 1) {
        return "Content-Length or Transfer-Encoding is given more than once";
    }
    if (encodings > 0 && http_1_0) {
        return "HTTP/1.0 has no Transfer-Encoding";
    }
    return NULL;
}

bool tb_framing_is_chunked(struct tb_str head)
{
    while (head.len > 0) {
        if (starts_with(next_line(&head), TB_STR("transfer-encoding:"))) {
            return true;
        }
    }
    return false;
}

bool tb_framing_target(struct tb_str target, struct tb_str *path, struct tb_str *query)
{
    struct tb_str rest = target;
    size_t scheme_len = starts_with(target, TB_STR("http://"))    ? sizeof("http://") - 1
                        : starts_with(target, TB_STR("https://")) ? sizeof("https://") - 1
                                                                  : 0;
    if (scheme_len > 0) {
        while (scheme_len < rest.len && rest.ptr[scheme_len] != '/' &&
               rest.ptr[scheme_len] != '?') {
            scheme_len++;
        }
        rest = tb_str_from(rest.ptr + scheme_len, rest.len - scheme_len);
    } else if (rest.len == 0 || rest.ptr[0] != '/') {
        return false;
    }
    const char *mark = rest.len == 0 ? NULL : memchr(rest.ptr, '?', rest.len);
    size_t path_len = mark == NULL ? rest.len : (size_t)(mark - rest.ptr);
    *query = mark == NULL ? TB_STR_NONE : tb_str_from(mark + 1, rest.len - path_len - 1);
    *path = path_len == 0 ? TB_STR("/") : tb_str_from(rest.ptr, path_len);
    return true;
}
