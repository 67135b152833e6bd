#include "http/page.h"

#include <string.h>

#define PLACE_BYTES_MAX 2048

#define PAGE_START                                                                                 \
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"                      \
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"                   \
    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>Log in · taskboard</title>\n"    \
    "<link rel=\"icon\" type=\"image/svg+xml\" href=\"/ui/icon.svg\">\n"                           \
    "<link rel=\"stylesheet\" href=\"/ui/login.css\">\n"
#define PAGE_MIDDLE "</head>\n<body>\n<main>\n<h1>taskboard</h1>\n"
#define PAGE_END    "</form>\n</main>\n</body>\n</html>\n"

void tb_page_prepare(struct tb_request *request)
{
    struct tb_str *headers = request->response.headers;
    headers[TB_OUT_CONTENT_TYPE] = TB_STR("text/html; charset=utf-8");
    headers[TB_OUT_CONTENT_SECURITY_POLICY] = TB_PAGE_POLICY;
    headers[TB_OUT_CROSS_ORIGIN_OPENER_POLICY] = TB_STR("same-origin");
    headers[TB_OUT_CROSS_ORIGIN_RESOURCE_POLICY] = TB_STR("same-origin");
    /* A link to log in stands in the address. Without any referrer a browser would hide the Origin
     * of a form, too. */
    headers[TB_OUT_REFERRER_POLICY] = TB_STR("same-origin");
}

void tb_page_send(struct tb_request *request, int status, struct tb_str page)
{
    tb_page_prepare(request);
    request->response.status = status;
    request->response.body = page;
    tb_request_send(request);
}

void tb_page_redirect(struct tb_request *request, struct tb_str to)
{
    request->response.status = 303;
    request->response.headers[TB_OUT_CONTENT_TYPE] = TB_STR_NONE;
    request->response.headers[TB_OUT_LOCATION] = to;
    tb_request_send(request);
}

static void add_html(struct tb_buf *out, struct tb_str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        switch (bytes.ptr[i]) {
        case '&':
            TB_BUF_LIT(out, "&amp;");
            break;
        case '<':
            TB_BUF_LIT(out, "&lt;");
            break;
        case '"':
            TB_BUF_LIT(out, "&quot;");
            break;
        default:
            tb_buf_add(out, &bytes.ptr[i], 1);
        }
    }
}

static void add_hidden(struct tb_buf *out, const char *name, struct tb_str value)
{
    TB_BUF_LIT(out, "<input type=\"hidden\" name=\"");
    tb_buf_add_c(out, name);
    TB_BUF_LIT(out, "\" value=\"");
    add_html(out, value);
    TB_BUF_LIT(out, "\">\n");
}

struct tb_str tb_login_page(struct tb_arena *arena, const struct tb_login_page *page)
{
    struct tb_buf out;
    tb_buf_init(&out, arena, 2048);
    TB_BUF_LIT(&out, PAGE_START);
    if (page->link.ptr != NULL) {
        TB_BUF_LIT(&out, "<script src=\"/ui/login.js\" defer></script>\n");
    }
    TB_BUF_LIT(&out, PAGE_MIDDLE);
    if (page->problem != NULL) {
        TB_BUF_LIT(&out, "<p role=\"alert\">");
        tb_buf_add_c(&out, page->problem);
        TB_BUF_LIT(&out, "</p>\n");
    }
    TB_BUF_LIT(&out, "<form method=\"post\" action=\"/ui/login\" id=\"login\">\n");
    if (page->next.ptr != NULL) {
        add_hidden(&out, "next", page->next);
    }
    if (page->link.ptr != NULL) {
        add_hidden(&out, "token", page->link);
        TB_BUF_LIT(&out, "<p>This link logs this browser in. It is good once.</p>\n");
    } else {
        TB_BUF_LIT(&out, "<label for=\"token\">Token</label>\n"
                         "<input type=\"password\" id=\"token\" name=\"token\" "
                         "autocomplete=\"current-password\" spellcheck=\"false\" "
                         "aria-describedby=\"help\" required autofocus>\n"
                         "<p id=\"help\">The token that you were given. Whoever runs this server "
                         "finds the first one in the file <code>admin-token</code> of its data "
                         "folder.</p>\n");
    }
    TB_BUF_LIT(&out, "<button>Log in</button>\n" PAGE_END);
    return tb_buf_str(&out);
}

/* Browsers resolve `..`, also escaped: it would lead out of the dashboard, none of whose own paths
 * has a dot there. */
static bool has_dot_segment(struct tb_str place)
{
    const char *query = memchr(place.ptr, '?', place.len);
    size_t len = query == NULL ? place.len : (size_t)(query - place.ptr);
    return memmem(place.ptr, len, "/.", 2) != NULL || memmem(place.ptr, len, "/%2e", 4) != NULL ||
           memmem(place.ptr, len, "/%2E", 4) != NULL;
}

bool tb_page_is_place(struct tb_str path)
{
    static const struct tb_str start = TB_STR("/ui/");
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789-._~/?&=%+:@!$'()*,;";
    if (path.len < start.len || path.len > PLACE_BYTES_MAX ||
        memcmp(path.ptr, start.ptr, start.len) != 0 || has_dot_segment(path)) {
        return false;
    }
    for (size_t i = 0; i < path.len; i++) {
        if (path.ptr[i] == '\0' || strchr(allowed, path.ptr[i]) == NULL) {
            return false;
        }
    }
    return true;
}

struct tb_str tb_page_login_url(struct tb_arena *arena, struct tb_str place)
{
    static const char digits[] = "0123456789ABCDEF";
    if (!tb_page_is_place(place) || tb_str_eq_c(place, "/ui/")) {
        return TB_STR("/ui/login");
    }
    struct tb_buf out;
    tb_buf_init(&out, arena, 32 + place.len);
    TB_BUF_LIT(&out, "/ui/login?next=");
    for (size_t i = 0; i < place.len; i++) {
        char c = place.ptr[i];
        if (strchr("?&=%+;'", c) != NULL) {
            const char escaped[] = {'%', digits[c >> 4 & 15], digits[c & 15]};
            tb_buf_add(&out, escaped, sizeof(escaped));
        } else {
            tb_buf_add(&out, &c, 1);
        }
    }
    return tb_buf_str(&out);
}
