/* The listening sockets: one for each address and thread, so that the kernel spreads connections
 * (SO_REUSEPORT). */
#ifndef TB_HTTP_LISTEN_H
#define TB_HTTP_LISTEN_H

#include <sys/socket.h>

#include "taskboard/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TB_LISTEN_ADDRESSES_MAX 16

struct tb_listen_address {
    struct sockaddr_storage address;
    socklen_t address_len;
    char name[64]; /* `[::]:3000` */
    bool loopback;
};

struct tb_listen {
    struct tb_listen_address addresses[TB_LISTEN_ADDRESSES_MAX];
    size_t address_count;
    unsigned threads;
    int *fds; /* of thread t and address a: fds[t * address_count + a]; -1: taken or closed */
};

struct tb_listen_options {
    const char *const
        *hosts; /* names or addresses; none: `::`, or `0.0.0.0` where there is no IPv6 */
    size_t host_count;
    uint16_t port; /* 0: any that is free, the same for all addresses */
    unsigned threads;
};

/* Resolves the hosts. One sentence in `why` on failure. */
TB_MUST_CHECK bool tb_listen_resolve(struct tb_listen *sockets,
                                     const struct tb_listen_options *options, char *why,
                                     size_t why_size);

/* Binds all sockets; nobody can connect yet. Refuses a port on which another process listens. */
TB_MUST_CHECK bool tb_listen_bind(struct tb_listen *sockets, char *why, size_t why_size);

/* Closes what was not taken, and frees. */
void tb_listen_close(struct tb_listen *sockets);

bool tb_listen_is_loopback(const struct tb_listen *sockets);

/* Starts listening and hands the socket over. -1 on failure. */
int tb_listen_take(struct tb_listen *sockets, unsigned thread, size_t address);

#endif
