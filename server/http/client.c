#include "http/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#define V4_BITS     96 /* of the prefix of mapped addresses */
#define V4_OFFSET   12
#define PORT_DIGITS 5

static const unsigned char mapped_prefix[V4_OFFSET] = {[10] = 0xff, [11] = 0xff};

bool tb_address_is_v4(const struct tb_address *address)
{
    return memcmp(address->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

static struct tb_address mapped(const struct in_addr *v4)
{
    struct tb_address address;
    memcpy(address.bytes, mapped_prefix, sizeof(mapped_prefix));
    memcpy(address.bytes + V4_OFFSET, v4, sizeof(*v4));
    return address;
}

struct tb_address tb_address_of(const struct sockaddr *from)
{
    struct tb_address address = {{0}};
    if (from->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, from, sizeof(in));
        return mapped(&in.sin_addr);
    }
    if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, from, sizeof(in6));
        memcpy(address.bytes, &in6.sin6_addr, sizeof(address.bytes));
    }
    return address;
}

struct tb_address tb_address_block(const struct tb_address *address)
{
    struct tb_address block = {{0}};
    size_t len = tb_address_is_v4(address) ? sizeof(block.bytes) : sizeof(block.bytes) / 2;
    memcpy(block.bytes, address->bytes, len);
    return block;
}

void tb_address_format(const struct tb_address *address, char out[TB_ADDRESS_CHARS])
{
    bool v4 = tb_address_is_v4(address);
    (void)inet_ntop(v4 ? AF_INET : AF_INET6, address->bytes + (v4 ? V4_OFFSET : 0), out,
                    TB_ADDRESS_CHARS);
}

/* An address in digits. */
static bool parse_address(struct tb_str text, struct tb_address *address)
{
    char digits[TB_ADDRESS_CHARS];
    struct in_addr v4;
    if (text.len == 0 || text.len >= sizeof(digits) || memchr(text.ptr, '\0', text.len) != NULL) {
        return false;
    }
    memcpy(digits, text.ptr, text.len);
    digits[text.len] = '\0';
    if (inet_pton(AF_INET, digits, &v4) == 1) {
        *address = mapped(&v4);
        return true;
    }
    return inet_pton(AF_INET6, digits, address->bytes) == 1;
}

bool tb_proxies_add(struct tb_proxies *proxies, const char *text)
{
    const char *slash = strchr(text, '/');
    size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);
    struct tb_network network;
    int64_t bits;
    if (proxies->count == TB_PROXIES_MAX ||
        !parse_address(tb_str_from(text, len), &network.address)) {
        return false;
    }
    bool v4 = memchr(text, ':', len) == NULL;
    int64_t most = v4 ? 128 - V4_BITS : 128;
    if (slash == NULL) {
        bits = most;
    } else if (!tb_str_to_i64(tb_str_c(slash + 1), &bits) || bits < 0 || bits > most) {
        return false;
    }
    network.bits = (unsigned)bits + (v4 ? V4_BITS : 0);
    proxies->items[proxies->count++] = network;
    return true;
}

static bool contains(const struct tb_network *network, const struct tb_address *address)
{
    unsigned bytes = network->bits / 8, rest = network->bits % 8;
    if (memcmp(network->address.bytes, address->bytes, bytes) != 0) {
        return false;
    }
    return rest == 0 || (network->address.bytes[bytes] ^ address->bytes[bytes]) >> (8 - rest) == 0;
}

bool tb_proxies_know(const struct tb_proxies *proxies, const struct tb_address *address)
{
    for (size_t i = 0; i < proxies->count; i++) {
        if (contains(&proxies->items[i], address)) {
            return true;
        }
    }
    return false;
}

static bool is_port(struct tb_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
    }
    return text.len >= 1 && text.len <= PORT_DIGITS;
}

/* `192.0.2.7`, `192.0.2.7:80`, `2001:db8::7`, `[2001:db8::7]`, `[2001:db8::7]:80`. */
static bool parse_hop(struct tb_str text, struct tb_address *address)
{
    const char *bracket =
        text.len > 0 && text.ptr[0] == '[' ? memchr(text.ptr, ']', text.len) : NULL;
    if (bracket != NULL) {
        size_t len = (size_t)(bracket - text.ptr) + 1;
        struct tb_str rest = tb_str_from(text.ptr + len, text.len - len);
        bool good = rest.len == 0 ||
                    (rest.ptr[0] == ':' && is_port(tb_str_from(rest.ptr + 1, rest.len - 1)));
        struct tb_str inside = tb_str_from(text.ptr + 1, len - 2);
        return good && inside.len > 0 && memchr(inside.ptr, ':', inside.len) != NULL &&
               parse_address(inside, address);
    }
    const char *colon = text.len > 0 ? memchr(text.ptr, ':', text.len) : NULL;
    size_t len = colon == NULL ? text.len : (size_t)(colon - text.ptr);
    if (colon != NULL && is_port(tb_str_from(colon + 1, text.len - len - 1))) {
        return parse_address(tb_str_from(text.ptr, len), address);
    }
    return parse_address(text, address);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Cuts the last part of a list off. */
static struct tb_str take_last(struct tb_str *list)
{
    size_t start = list->len, end = list->len;
    while (start > 0 && list->ptr[start - 1] != ',') {
        start--;
    }
    struct tb_str rest = tb_str_from(list->ptr, start > 0 ? start - 1 : 0);
    while (start < end && is_blank(list->ptr[start])) {
        start++;
    }
    while (end > start && is_blank(list->ptr[end - 1])) {
        end--;
    }
    struct tb_str last = tb_str_from(list->ptr + start, end - start);
    *list = rest;
    return last;
}

struct tb_address tb_proxies_client(const struct tb_proxies *proxies, struct tb_address peer,
                                    struct tb_str forwarded_for)
{
    struct tb_address client = peer;
    while (forwarded_for.len > 0 && tb_proxies_know(proxies, &client)) {
        struct tb_address hop;
        if (!parse_hop(take_last(&forwarded_for), &hop)) {
            break;
        }
        client = hop;
    }
    return client;
}
