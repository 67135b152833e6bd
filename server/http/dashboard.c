/* GET /, GET /ui and GET /ui/…: the dashboard
 *
 * Its files are open to everybody: they say nothing about the board. The page itself leads who is
 * not logged in to where that can be mended, and comes back. */
#include "http/context.h"
#include "http/dispatch.h"
#include "http/door.h"
#include "http/handlers.h"
#include "http/page.h"
#include "http/read.h"
#include "http/reply.h"
#include "http/site.h"

static void send_file(struct tb_request *request, const struct tb_site_file *file)
{
    struct tb_str *headers = request->response.headers;
    struct tb_site_form form =
        tb_site_choose(request->arena, file, request->headers[TB_IN_ACCEPT_ENCODING]);
    tb_page_prepare(request);
    headers[TB_OUT_VARY] = TB_STR("accept-encoding");
    tb_reply_set_tag(request, form.tag);
    if (tb_site_is_immutable(file)) {
        headers[TB_OUT_CACHE_CONTROL] = TB_STR("public, max-age=31536000, immutable");
    }
    if (tb_read_unchanged(request, form.tag)) {
        return;
    }
    headers[TB_OUT_CONTENT_TYPE] = tb_site_type(file);
    headers[TB_OUT_CONTENT_ENCODING] = form.coding;
    request->response.body = form.bytes;
    tb_request_send(request);
}

static void send_missing(struct tb_request *request)
{
    tb_page_send(
        request, 503,
        TB_STR(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<meta name=\"color-scheme\" content=\"light dark\">\n"
            "<title>No dashboard · taskboard</title>\n"
            "<link rel=\"stylesheet\" href=\"/ui/login.css\">\n</head>\n<body>\n<main>\n"
            "<h1>taskboard</h1>\n<p>The dashboard is not part of this server: there was no Node "
            "when it was built. Everything else works.</p>\n"
            "<p>To have it, install Node 18 or later and npm "
            "(<code>apt-get install nodejs npm</code>) where the server is built, build it again "
            "with <code>./dev build</code>, and start it anew.</p>\n"
            "</main>\n</body>\n</html>\n"));
}

static struct tb_str target_of(struct tb_request *request)
{
    struct tb_buf out;
    if (request->query.ptr == NULL) {
        return request->path;
    }
    tb_buf_init(&out, request->arena, request->path.len + request->query.len + 1);
    tb_buf_add_str(&out, request->path);
    TB_BUF_LIT(&out, "?");
    tb_buf_add_str(&out, request->query);
    return tb_buf_str(&out);
}

/* The page, whichever of the dashboard's places the path names: a script shows that. */
static void send_page(struct tb_request *request, const struct tb_site_file *page)
{
    struct tb_identity identity;
    enum tb_err err = tb_door_check(request, &identity);
    bool by_token = request->headers[TB_IN_AUTHORIZATION].len > 0;
    if (err == TB_E_INVALID_TOKEN && by_token) {
        /* Here, too, a wrong token is a failed login: else this would be the place to try them. */
        tb_refuse_login(request, err, NULL);
    } else if (err == TB_E_MISSING_TOKEN || err == TB_E_INVALID_TOKEN) {
        tb_page_redirect(request, tb_page_login_url(request->arena, target_of(request)));
    } else if (err != TB_OK) {
        tb_reply_error(request, err);
    } else {
        send_file(request, page);
    }
}

/* A name with a dot right in the folder is that of a file; perhaps of an older build. */
static bool is_file_name(struct tb_str name)
{
    return memchr(name.ptr, '.', name.len) != NULL && memchr(name.ptr, '/', name.len) == NULL;
}

void tb_handle_dashboard(struct tb_request *request)
{
    const struct tb_site *site = request->http->site;
    struct tb_str name = request->params[0];
    const struct tb_site_file *page = tb_site_find(site, TB_STR(TB_SITE_PAGE));
    const struct tb_site_file *file = tb_site_find(site, name);
    if (file != NULL && file != page) {
        send_file(request, file);
    } else if (page == NULL) {
        send_missing(request);
    } else if (file == NULL && is_file_name(name)) {
        tb_reply_error(request, TB_E_NOT_FOUND);
    } else {
        send_page(request, page);
    }
}

void tb_handle_dashboard_root(struct tb_request *request)
{
    tb_page_redirect(request, TB_STR("/ui/"));
}
