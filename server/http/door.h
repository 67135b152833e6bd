/* Who is at the door: from what a request shows to an identity.
 *
 *   Authorization: Bearer <admin token> | tb_…       a token
 *   Cookie: session=ts_…                             a browser that has logged in
 *
 * Where both are there, the header counts. */
#ifndef TB_HTTP_DOOR_H
#define TB_HTTP_DOOR_H

#include "http/context.h"
#include "http/request.h"

/* TB_OK with `*identity`; TB_E_MISSING_TOKEN, TB_E_INVALID_TOKEN; or why nobody can say. */
TB_MUST_CHECK enum tb_err tb_door_check(struct tb_request *request, struct tb_identity *identity);

/* The same of a text (bytes): the admin token, or the text of a credential of one of `kinds` (of 1
 * << tb_credential_kind). */
TB_MUST_CHECK enum tb_err tb_door_show(struct tb_request *request, struct tb_str shown,
                                       unsigned kinds, struct tb_identity *identity);

/* May one more link or session be made with the token of that ticket? TB_E_TOO_MANY_LOGINS: there
 * have been too many of late. The admin token, which has no record, may always. */
TB_MUST_CHECK enum tb_err tb_door_check_login(struct tb_request *request,
                                              const struct tb_ticket *ticket);

/* A browser sends its cookie along with requests that pages of others make: what changes something,
 * and a WebSocket, must come from a page of ours, and a body be what no form can send. What only
 * reads must not come from a page of others, as far as the browser says. TB_OK, or TB_E_FORBIDDEN
 * with a sentence in `*why`. */
TB_MUST_CHECK enum tb_err tb_door_check_session(const struct tb_request *request, const char **why);

/* Did the request come over TLS: our own, or a proxy's as far as that says? */
bool tb_door_is_secure(const struct tb_request *request);

/* Is the Origin, where there is one, our own? */
bool tb_door_is_own_origin(const struct tb_request *request);

/* Is what somebody came with still good? For what lasts: streams, reads that are held. */
bool tb_ticket_is_good(struct tb_worker *worker, struct tb_ticket *ticket);

#endif
