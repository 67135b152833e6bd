#include "http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 4096

/* How long what was sent may stay unacknowledged, or a window shut, until the kernel gives up. The
 * kernel does not count a window as open that is smaller than what waits to be sent, so that this
 * must be patient with slow readers; h2o_watch.c looks closer. */
#define USER_TIMEOUT_MS 120000

/* What may wait unsent in the kernel: the rest of a long answer is made when the client has room
 * for it. */
#define UNSENT_BYTES_MAX (128 * 1024)

static bool is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        return (ntohl(in->sin_addr.s_addr) >> 24) == IN_LOOPBACKNET;
    }
    const struct in6_addr *in6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(in6) ||
           (IN6_IS_ADDR_V4MAPPED(in6) && in6->s6_addr[12] == IN_LOOPBACKNET);
}

static uint16_t port_of(const struct sockaddr_storage *address)
{
    return ntohs(address->ss_family == AF_INET ? ((const struct sockaddr_in *)address)->sin_port
                                               : ((const struct sockaddr_in6 *)address)->sin6_port);
}

static void set_port(struct sockaddr_storage *address, uint16_t port)
{
    if (address->ss_family == AF_INET) {
        ((struct sockaddr_in *)address)->sin_port = htons(port);
    } else {
        ((struct sockaddr_in6 *)address)->sin6_port = htons(port);
    }
}

static void name_address(struct tb_listen_address *entry)
{
    char host[INET6_ADDRSTRLEN] = "?";
    bool v4 = entry->address.ss_family == AF_INET;
    const void *in = v4 ? (const void *)&((struct sockaddr_in *)&entry->address)->sin_addr
                        : (const void *)&((struct sockaddr_in6 *)&entry->address)->sin6_addr;
    (void)inet_ntop(entry->address.ss_family, in, host, sizeof(host));
    (void)snprintf(entry->name, sizeof(entry->name), v4 ? "%s:%u" : "[%s]:%u", host,
                   (unsigned)port_of(&entry->address));
}

static bool is_known(const struct tb_listen *sockets, const struct addrinfo *info)
{
    for (size_t i = 0; i < sockets->address_count; i++) {
        const struct tb_listen_address *entry = &sockets->addresses[i];
        if (entry->address_len == info->ai_addrlen &&
            memcmp(&entry->address, info->ai_addr, info->ai_addrlen) == 0) {
            return true;
        }
    }
    return false;
}

static bool add_host(struct tb_listen *sockets, const char *host, uint16_t port, char *why,
                     size_t why_size)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    char service[8], bare[256];
    size_t len = strlen(host);
    bool bracketed = len >= 2 && host[0] == '[' && host[len - 1] == ']';
    (void)snprintf(bare, sizeof(bare), "%.*s", (int)(bracketed ? len - 2 : len), host + bracketed);
    (void)snprintf(service, sizeof(service), "%u", (unsigned)port);
    int failed = getaddrinfo(bare, service, &hints, &found);
    if (failed != 0) {
        (void)snprintf(why, why_size, "cannot listen on host %s: %s", host, gai_strerror(failed));
        return false;
    }
    for (const struct addrinfo *info = found; info != NULL; info = info->ai_next) {
        if ((info->ai_family != AF_INET && info->ai_family != AF_INET6) ||
            is_known(sockets, info)) {
            continue;
        }
        if (sockets->address_count == TB_LISTEN_ADDRESSES_MAX) {
            (void)snprintf(why, why_size, "too many addresses to listen on; %d is the most",
                           TB_LISTEN_ADDRESSES_MAX);
            freeaddrinfo(found);
            return false;
        }
        struct tb_listen_address *entry = &sockets->addresses[sockets->address_count++];
        memcpy(&entry->address, info->ai_addr, info->ai_addrlen);
        entry->address_len = info->ai_addrlen;
        entry->loopback = is_loopback(&entry->address);
        name_address(entry);
    }
    freeaddrinfo(found);
    return true;
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    bool bound = bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0;
    close(fd);
    return bound;
}

bool tb_listen_resolve(struct tb_listen *sockets, const struct tb_listen_options *options,
                       char *why, size_t why_size)
{
    *sockets = (struct tb_listen){.threads = options->threads};
    if (options->host_count == 0) {
        return add_host(sockets, has_ipv6() ? "::" : "0.0.0.0", options->port, why, why_size);
    }
    for (size_t i = 0; i < options->host_count; i++) {
        if (!add_host(sockets, options->hosts[i], options->port, why, why_size)) {
            return false;
        }
    }
    return true;
}

/* `::` takes IPv4 too, unless that has an address of its own here. */
static int is_v6_only(const struct tb_listen *sockets)
{
    for (size_t i = 0; i < sockets->address_count; i++) {
        if (sockets->addresses[i].address.ss_family == AF_INET) {
            return 1;
        }
    }
    return 0;
}

static bool set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

/* Accepted sockets inherit all of these. */
static bool set_options(const struct tb_listen *sockets, int fd, sa_family_t family, bool share)
{
    return set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
           (!share || set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
           (family != AF_INET6 || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, is_v6_only(sockets))) &&
           set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS) &&
           set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_BYTES_MAX);
}

/* A bound socket, or -1 with errno. */
static int bind_one(const struct tb_listen *sockets, const struct tb_listen_address *entry,
                    bool share)
{
    sa_family_t family = entry->address.ss_family;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    if (!set_options(sockets, fd, family, share) ||
        bind(fd, (const struct sockaddr *)&entry->address, entry->address_len) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static void explain(const struct tb_listen_address *entry, char *why, size_t why_size)
{
    (void)snprintf(why, why_size, "cannot listen on %s: %s", entry->name,
                   errno == EADDRINUSE ? "another program listens there" : strerror(errno));
}

/* SO_REUSEPORT would let a second server of the same user in on the port without a word: only a
 * socket without it can tell. */
static bool is_free(const struct tb_listen *sockets, const struct tb_listen_address *entry)
{
    int fd = bind_one(sockets, entry, false);
    if (fd < 0) {
        return false;
    }
    close(fd);
    return true;
}

/* Learns the port that the kernel chose, for all addresses that come after. */
static void settle_port(struct tb_listen *sockets, size_t from, int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    memset(&address, 0, sizeof(address));
    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        return;
    }
    for (size_t i = from; i < sockets->address_count; i++) {
        set_port(&sockets->addresses[i].address, port_of(&address));
        name_address(&sockets->addresses[i]);
    }
}

static bool bind_address(struct tb_listen *sockets, size_t at)
{
    struct tb_listen_address *entry = &sockets->addresses[at];
    if (port_of(&entry->address) != 0 && !is_free(sockets, entry)) {
        return false;
    }
    for (unsigned thread = 0; thread < sockets->threads; thread++) {
        int fd = bind_one(sockets, entry, true);
        if (fd < 0) {
            return false;
        }
        sockets->fds[thread * sockets->address_count + at] = fd;
        if (port_of(&entry->address) == 0) {
            settle_port(sockets, at, fd);
        }
    }
    return true;
}

bool tb_listen_bind(struct tb_listen *sockets, char *why, size_t why_size)
{
    size_t count = sockets->threads * sockets->address_count;
    sockets->fds = malloc(count * sizeof(*sockets->fds));
    if (sockets->fds == NULL) {
        (void)snprintf(why, why_size, "out of memory");
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        sockets->fds[i] = -1;
    }
    for (size_t i = 0; i < sockets->address_count; i++) {
        if (!bind_address(sockets, i)) {
            explain(&sockets->addresses[i], why, why_size);
            return false;
        }
    }
    return true;
}

void tb_listen_close(struct tb_listen *sockets)
{
    for (size_t i = 0; sockets->fds != NULL && i < sockets->threads * sockets->address_count; i++) {
        if (sockets->fds[i] >= 0) {
            close(sockets->fds[i]);
        }
    }
    free(sockets->fds);
    sockets->fds = NULL;
}

bool tb_listen_is_loopback(const struct tb_listen *sockets)
{
    for (size_t i = 0; i < sockets->address_count; i++) {
        if (!sockets->addresses[i].loopback) {
            return false;
        }
    }
    return true;
}

int tb_listen_take(struct tb_listen *sockets, unsigned thread, size_t address)
{
    int *slot = &sockets->fds[thread * sockets->address_count + address];
    int fd = *slot;
    if (fd < 0 || listen(fd, BACKLOG) != 0) {
        return -1;
    }
    *slot = -1;
    return fd;
}
