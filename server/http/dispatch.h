/* The way of every request from the adapter to its handler. */
#ifndef TB_HTTP_DISPATCH_H
#define TB_HTTP_DISPATCH_H

#include "http/auth.h"
#include "http/request.h"

/* Gives the request its id and the headers that every answer has. */
void tb_dispatch_init(struct tb_request *request);

/* Answers the request, now or later: malformed → 400, no token → 401, unknown → 404 or 405, role →
 * 403, a body that may not be → 400 or 413, and then its handler. */
void tb_dispatch(struct tb_request *request);

/* Answers who has shown nothing, or something wrong: counted, slowed, and with that page (HTML) in
 * the place of the usual body; NULL: with that. */
void tb_refuse_login(struct tb_request *request, enum tb_err err, const struct tb_str *page);

/* Notes down who asks. */
void tb_admit(struct tb_request *request, const struct tb_identity *identity);

#endif
