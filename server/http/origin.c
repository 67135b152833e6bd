#include "http/origin.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#define HOST_BYTES_MAX 255

static bool starts_with(struct tb_str s, struct tb_str start)
{
    return s.len >= start.len && strncasecmp(s.ptr, start.ptr, start.len) == 0;
}

static bool ends_with(struct tb_str s, struct tb_str end)
{
    return s.len >= end.len && strncasecmp(s.ptr + s.len - end.len, end.ptr, end.len) == 0;
}

static bool equals_any_case(struct tb_str a, struct tb_str b)
{
    return a.len == b.len && starts_with(a, b);
}

static struct tb_str without_end(struct tb_str s, struct tb_str end)
{
    return ends_with(s, end) ? tb_str_from(s.ptr, s.len - end.len) : s;
}

/* Cuts `https://` or `http://` off an origin, and the port that goes without saying. False: it has
 * neither of these schemes. */
static bool authority_of(struct tb_str origin, struct tb_str *authority)
{
    static const struct {
        struct tb_str scheme;
        struct tb_str port;
    } schemes[] = {{TB_STR("https://"), TB_STR(":443")}, {TB_STR("http://"), TB_STR(":80")}};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        struct tb_str scheme = schemes[i].scheme;
        if (starts_with(origin, scheme)) {
            *authority = without_end(tb_str_from(origin.ptr + scheme.len, origin.len - scheme.len),
                                     schemes[i].port);
            return true;
        }
    }
    return false;
}

void tb_origin_set_public_url(struct tb_origin *origin, const char *url)
{
    if (url == NULL) {
        return;
    }
    const char *authority = strstr(url, "://");
    assert(authority != NULL);
    size_t len = (size_t)(authority - url) + 3;
    len += strcspn(url + len, "/");
    bool good = authority_of(tb_str_from(url, len), &origin->public_authority);
    assert(good);
    (void)good;
    origin->public_origin = tb_str_from(url, (size_t)(origin->public_authority.ptr - url) +
                                                 origin->public_authority.len);
}

/* The host of `host`, `host:port`, `[v6]` and `[v6]:port`. */
static struct tb_str name_of(struct tb_str authority)
{
    if (authority.len > 0 && authority.ptr[0] == '[') {
        const char *end = memchr(authority.ptr, ']', authority.len);
        return end == NULL ? authority
                           : tb_str_from(authority.ptr + 1, (size_t)(end - authority.ptr) - 1);
    }
    const char *colon = memchr(authority.ptr, ':', authority.len);
    return colon == NULL ? authority : tb_str_from(authority.ptr, (size_t)(colon - authority.ptr));
}

static bool is_loopback(struct tb_str authority)
{
    struct tb_str name = name_of(authority);
    char text[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;
    if (equals_any_case(name, TB_STR("localhost")) || ends_with(name, TB_STR(".localhost"))) {
        return true;
    }
    if (name.len >= sizeof(text)) {
        return false;
    }
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    if (inet_pton(AF_INET, text, &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == 127;
    }
    return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool is_own_host(const struct tb_origin *origin, struct tb_str host)
{
    if (is_loopback(host)) {
        return true;
    }
    struct tb_str authority = origin->public_authority;
    return authority.ptr != NULL &&
           (equals_any_case(host, authority) ||
            equals_any_case(without_end(host, TB_STR(":443")), authority) ||
            equals_any_case(without_end(host, TB_STR(":80")), authority));
}

static bool is_own_origin(const struct tb_origin *origin, struct tb_str host, struct tb_str sent)
{
    struct tb_str authority;
    if (origin->public_origin.ptr != NULL && equals_any_case(sent, origin->public_origin)) {
        return true;
    }
    return authority_of(sent, &authority) &&
           (equals_any_case(authority, host) ||
            equals_any_case(authority, without_end(host, TB_STR(":443"))) ||
            equals_any_case(authority, without_end(host, TB_STR(":80"))));
}

enum tb_err tb_origin_check(const struct tb_origin *origin, struct tb_str host,
                            struct tb_str sent_origin, const char **why)
{
    if (!origin->checks) {
        return TB_OK;
    }
    /* No browser leaves the Host out. */
    if (origin->checks_host && host.len > 0 && !is_own_host(origin, host)) {
        *why = "Without tokens this server answers only to its own name: see --public-url";
        return TB_E_FORBIDDEN;
    }
    if (sent_origin.ptr != NULL && !is_own_origin(origin, host, sent_origin)) {
        *why = "Without tokens this server takes no requests from pages of another origin";
        return TB_E_FORBIDDEN;
    }
    return TB_OK;
}

bool tb_origin_is_own(const struct tb_origin *origin, struct tb_str host, struct tb_str sent,
                      bool secure)
{
    if (sent.ptr == NULL) {
        return false;
    }
    if (origin->public_origin.ptr != NULL && equals_any_case(sent, origin->public_origin)) {
        return true;
    }
    return host.len > 0 && starts_with(sent, TB_STR("https://")) == secure &&
           is_own_origin(origin, host, sent);
}

bool tb_origin_host_is_fine(struct tb_str host)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]";
    for (size_t i = 0; i < host.len; i++) {
        if (host.ptr[i] == '\0' || strchr(allowed, host.ptr[i]) == NULL) {
            return false;
        }
    }
    return host.len > 0 && host.len <= HOST_BYTES_MAX;
}
