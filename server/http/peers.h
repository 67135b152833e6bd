/* How many connections each client address has, in all loops together, and who may have one more
 * (--connections-per-address). An address of IPv6 counts as its whole /64 (tb_address_block).
 *
 * An address is known for as long as it has a connection: there are never more of them than
 * connections. Any thread. */
#ifndef TB_HTTP_PEERS_H
#define TB_HTTP_PEERS_H

#include "http/client.h"
#include "taskboard/err.h"

struct tb_peers;

/* For `each_max` connections of an address; `connections_max`, of all, says how large the table has
 * to be. NULL: out of memory. */
TB_MUST_CHECK struct tb_peers *tb_peers_new(unsigned each_max, unsigned connections_max);

/* All have left. NULL is accepted; the caller's pointer is set to NULL. */
void tb_peers_free(struct tb_peers **peers);

/* A connection of `address` begins. False: it has as many as it may. */
TB_MUST_CHECK bool tb_peers_join(struct tb_peers *peers, const struct tb_address *address);

/* One that has joined is over. */
void tb_peers_leave(struct tb_peers *peers, const struct tb_address *address);

/* How many addresses are known. */
size_t tb_peers_count(struct tb_peers *peers);

#endif
