/* Without tokens a browser is the way in for strangers: any web page may send requests to a server
 * on the reader's own machine, and, once its name has been made to resolve to 127.0.0.1 (DNS
 * rebinding), read the answers too. So under --no-auth a request must name this server as its Host,
 * and its Origin, which browsers set and pages cannot, must be the server's own. Pure functions. */
#ifndef TB_HTTP_ORIGIN_H
#define TB_HTTP_ORIGIN_H

#include "base/str.h"
#include "taskboard/err.h"

struct tb_origin {
    bool checks;                    /* --no-auth */
    bool checks_host;               /* also that the Host is ours: it listens on loopback only */
    struct tb_str public_origin;    /* bytes: `https://board.example`; absent: none is set */
    struct tb_str public_authority; /* bytes: `board.example`, a part of it */
};

/* Takes the origin of --public-url (borrowed; one that the settings have judged); NULL: none. */
void tb_origin_set_public_url(struct tb_origin *origin, const char *url);

/* `host` and `origin` are the headers, absent when they are. TB_OK or TB_E_FORBIDDEN, with a
 * sentence in `*why`. */
TB_MUST_CHECK enum tb_err tb_origin_check(const struct tb_origin *origin, struct tb_str host,
                                          struct tb_str sent_origin, const char **why);

/* Is that origin the server's own, for a request that came over TLS or not (`secure`)? Sessions
 * depend on it: a browser sends their cookie along with whatever a page makes it send. */
bool tb_origin_is_own(const struct tb_origin *origin, struct tb_str host, struct tb_str sent,
                      bool secure);

/* May that Host stand in a link: has it the form of a name or an address, with or without a port?
 */
bool tb_origin_host_is_fine(struct tb_str host);

#endif
