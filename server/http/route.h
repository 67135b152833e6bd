/* From a method and a path to a handler. The table is data; routes.c holds it. */
#ifndef TB_HTTP_ROUTE_H
#define TB_HTTP_ROUTE_H

#include "http/request.h"

#define TB_ROUTE_SEGMENTS_MAX 6
#define TB_ROUTES_MAX         128
#define TB_ROUTE_FOLDERS_MAX  4

enum tb_route_flag {
    TB_ROUTE_LEGACY = 1 << 0, /* unknown body fields are ignored, and named */
    TB_ROUTE_BODY = 1 << 1, /* reads a body; other routes of GET refuse one, of DELETE ignore it */
    TB_ROUTE_BIG_BODY = 1 << 2, /* the body may be as long as arrays of tasks; the handler checks */
    TB_ROUTE_ENDS_CLAIM = 1 << 3, /* may end a claim: with its token, or ?force=true */
    TB_ROUTE_SECRET = 1 << 4, /* its answer is a secret: it is not kept for an Idempotency-Key */
};

typedef void tb_handler(struct tb_request *request);

/* One row. `path` is absolute; a segment `:name` matches any one segment that is not empty. One
 * that ends in a `*` is a folder: it matches whatever begins with what stands in front of the star
 * and matches no other row; what is left of the path is its parameter. */
struct tb_route {
    enum tb_method method; /* GET also answers HEAD */
    const char *path;
    tb_handler *handler;
    enum tb_role role; /* the least that may call it */
    unsigned flags;    /* of tb_route_flag */
};

/* The server's table: where two rows match a path, the earlier wins, and folders come last. Behind
 * a row without parameters that matches, rows with some do not, whatever the method. */
extern const struct tb_route tb_routes[];
extern const size_t tb_route_count;

/* A table prepared for matching. */
struct tb_router {
    const struct tb_route *routes;
    size_t count;
    struct tb_router_entry {
        const struct tb_route *route;
        struct tb_str segments[TB_ROUTE_SEGMENTS_MAX];
    } entries[TB_ROUTES_MAX];                /* by number of segments, else as in the table */
    size_t first[TB_ROUTE_SEGMENTS_MAX + 2]; /* entries with n segments: first[n] .. first[n + 1] */
    const struct tb_route *folders[TB_ROUTE_FOLDERS_MAX];
    size_t folder_count;
};

/* `routes` is borrowed. */
void tb_router_init(struct tb_router *router, const struct tb_route *routes, size_t count);

struct tb_match {
    const struct tb_route *route; /* NULL: the path, or the method at it, is not known */
    struct tb_str params[TB_ROUTE_PARAMS_MAX];
    unsigned methods; /* set of 1 << tb_method that the path takes; 0: the path is not known */
    bool open;        /* nothing at that path needs a token */
};

/* `path` is undecoded; absent: no match. */
void tb_router_match(const struct tb_router *router, enum tb_method method, struct tb_str path,
                     struct tb_match *match);

const char *tb_method_name(enum tb_method method); /* not for OTHER */
enum tb_method tb_method_parse(struct tb_str name);

/* The value of an Allow header: `GET, HEAD, PATCH`. */
struct tb_str tb_methods_list(struct tb_arena *arena, unsigned methods);

#endif
