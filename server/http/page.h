/* What is HTML: the pages of logging in, and what all pages have in common. */
#ifndef TB_HTTP_PAGE_H
#define TB_HTTP_PAGE_H

#include "http/request.h"

/* Nothing of another server, no script and no style that stands in a page. */
#define TB_PAGE_POLICY                                                                             \
    TB_STR("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "       \
           "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "     \
           "manifest-src 'self'")

/* Fills in the headers of a page that is made for who asks. */
void tb_page_prepare(struct tb_request *request);

/* The same, and sends it. */
void tb_page_send(struct tb_request *request, int status, struct tb_str page);

/* 303 */
void tb_page_redirect(struct tb_request *request, struct tb_str to);

struct tb_login_page {
    const char *problem; /* why it is shown again, in HTML; NULL: it is not */
    struct tb_str link;  /* of a link that posts itself; absent: a form for a token */
    struct tb_str next;  /* a place (below) to go to then; absent: the dashboard's first page */
};
struct tb_str tb_login_page(struct tb_arena *arena, const struct tb_login_page *page);

/* Is that a place within the dashboard, with characters that need no escaping in a header? Nobody
 * is to be led to somewhere else by a link to the login page. */
bool tb_page_is_place(struct tb_str path);

/* `/ui/login?next=…` of a place; without where it is none. */
struct tb_str tb_page_login_url(struct tb_arena *arena, struct tb_str place);

#endif
