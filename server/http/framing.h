/* Whether a request's framing can be vouched for (RFC 9112, 6.3 and 5.2).
 *
 * The library takes Content-Length together with Transfer-Encoding, several of either, and folded
 * lines, and strips them before anybody sees them. A proxy in front that reads such a request
 * differently would let one client write into the request of another, so it is refused, and its
 * connection closed. Pure functions. */
#ifndef TB_HTTP_FRAMING_H
#define TB_HTTP_FRAMING_H

#include "base/str.h"

/* `head` is the request from its first byte to the empty line, header names in any case. Returns
 * what is wrong with how its body is framed, or NULL. */
const char *tb_framing_fault(struct tb_str head, bool http_1_0);

/* Is the body in chunks? The library forgives much in them (a bare LF, anything behind a size), and
 * they are gone when we could look: nobody can vouch for where such a request ended. `head` is as
 * above, and without a fault. */
bool tb_framing_is_chunked(struct tb_str head);

/* Finds the path and the query of a request target in origin form or, as a server must understand
 * it too, absolute form. False: neither. The query is absent when there is no `?`. */
bool tb_framing_target(struct tb_str target, struct tb_str *path, struct tb_str *query);

#endif
