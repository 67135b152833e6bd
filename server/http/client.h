/* Where a request comes from: the peer of its connection or, where that is a proxy that the operator
 * has named, who the proxy says it forwards for (X-Forwarded-For). Pure functions. */
#ifndef TB_HTTP_CLIENT_H
#define TB_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define TB_PROXIES_MAX   16 /* as many as a setting may be given */
#define TB_ADDRESS_CHARS 46 /* with the NUL */

struct sockaddr;

/* An IPv6 address, or an IPv4 one in its mapped form (::ffff:a.b.c.d): the two are one and the same
 * client, however the socket listens. All zero: none is known. */
struct tb_address {
    unsigned char bytes[16];
};

struct tb_network {
    struct tb_address address;
    unsigned bits; /* of the mapped form: 128 for a single host */
};

/* Those that are believed. */
struct tb_proxies {
    struct tb_network items[TB_PROXIES_MAX];
    size_t count;
};

bool tb_address_is_v4(const struct tb_address *address);
struct tb_address tb_address_of(const struct sockaddr *address);

/* What one client may have all of: of IPv6 its /64, by that network's first address; of IPv4 the
 * address itself. */
struct tb_address tb_address_block(const struct tb_address *address);
void tb_address_format(const struct tb_address *address, char out[TB_ADDRESS_CHARS]);

/* Adds `10.0.0.0/8`, `fd00::/8`, `192.0.2.7` or `::1`. False: it is none of these, or the list is
 * full. */
bool tb_proxies_add(struct tb_proxies *proxies, const char *network);

bool tb_proxies_know(const struct tb_proxies *proxies, const struct tb_address *address);

/* Who sent a request that came from `peer`, with that X-Forwarded-For (absent: none). Each proxy
 * adds, at the end, the address that it was asked from. So the list is read from its end for as long
 * as known proxies have written it: the last address that is none of theirs is the client. What is
 * no address was written by somebody else; then the last known one counts. */
struct tb_address tb_proxies_client(const struct tb_proxies *proxies, struct tb_address peer,
                                    struct tb_str forwarded_for);

#endif
