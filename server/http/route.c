#include "http/route.h"

#include <assert.h>

#include "base/buf.h"

static const char *const method_names[] = {
    [TB_METHOD_GET] = "GET", [TB_METHOD_HEAD] = "HEAD",   [TB_METHOD_POST] = "POST",
    [TB_METHOD_PUT] = "PUT", [TB_METHOD_PATCH] = "PATCH", [TB_METHOD_DELETE] = "DELETE",
};

const char *tb_method_name(enum tb_method method)
{
    assert(method < TB_METHOD_OTHER);
    return method_names[method];
}

enum tb_method tb_method_parse(struct tb_str name)
{
    for (enum tb_method method = 0; method < TB_METHOD_OTHER; method++) {
        if (tb_str_eq_c(name, method_names[method])) {
            return method;
        }
    }
    return TB_METHOD_OTHER;
}

struct tb_str tb_methods_list(struct tb_arena *arena, unsigned methods)
{
    struct tb_buf out;
    tb_buf_init(&out, arena, 64);
    for (enum tb_method method = 0; method < TB_METHOD_OTHER; method++) {
        if ((methods & 1U << method) == 0) {
            continue;
        }
        if (out.len > 0) {
            TB_BUF_LIT(&out, ", ");
        }
        tb_buf_add_c(&out, method_names[method]);
    }
    return tb_buf_str(&out);
}

/* Splits at the slashes. SIZE_MAX: no absolute path, or more segments than any route has. */
static size_t split(struct tb_str path, struct tb_str segments[TB_ROUTE_SEGMENTS_MAX])
{
    if (path.len == 0 || path.ptr[0] != '/') {
        return SIZE_MAX;
    }
    const char *at = path.ptr + 1, *end = path.ptr + path.len;
    for (size_t count = 0; count < TB_ROUTE_SEGMENTS_MAX; count++) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        segments[count] = tb_str_from(at, (size_t)((slash == NULL ? end : slash) - at));
        if (slash == NULL) {
            return count + 1;
        }
        at = slash + 1;
    }
    return SIZE_MAX;
}

static bool is_param(struct tb_str pattern)
{
    return pattern.len > 0 && pattern.ptr[0] == ':';
}

static bool is_folder(const struct tb_route *route)
{
    return route->path[strlen(route->path) - 1] == '*';
}

void tb_router_init(struct tb_router *router, const struct tb_route *routes, size_t count)
{
    assert(count <= TB_ROUTES_MAX);
    *router = (struct tb_router){.routes = routes, .count = count};
    size_t entry_count = 0;
    for (size_t length = 1; length <= TB_ROUTE_SEGMENTS_MAX; length++) {
        router->first[length] = entry_count;
        for (size_t i = 0; i < count; i++) {
            struct tb_router_entry *entry = &router->entries[entry_count];
            size_t found = split(tb_str_c(routes[i].path), entry->segments);
            assert(found != SIZE_MAX);
            if (found == length && !is_folder(&routes[i])) {
                entry->route = &routes[i];
                entry_count++;
            }
        }
    }
    router->first[TB_ROUTE_SEGMENTS_MAX + 1] = entry_count;
    for (size_t i = 0; i < count; i++) {
        if (is_folder(&routes[i])) {
            assert(router->folder_count < TB_ROUTE_FOLDERS_MAX);
            router->folders[router->folder_count++] = &routes[i];
        }
    }
    assert(entry_count + router->folder_count == count);
}

static bool entry_matches(const struct tb_router_entry *entry, const struct tb_str *segments,
                          size_t count, struct tb_str params[TB_ROUTE_PARAMS_MAX])
{
    size_t param_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct tb_str pattern = entry->segments[i];
        if (is_param(pattern)) {
            if (segments[i].len == 0) {
                return false;
            }
            assert(param_count < TB_ROUTE_PARAMS_MAX);
            params[param_count++] = segments[i];
        } else if (!tb_str_eq(pattern, segments[i])) {
            return false;
        }
    }
    return true;
}

static unsigned methods_of(const struct tb_route *route)
{
    unsigned methods = 1U << route->method;
    return route->method == TB_METHOD_GET ? methods | 1U << TB_METHOD_HEAD : methods;
}

/* Notes a row that matches the path. True: it takes the method, too. */
static bool takes(struct tb_match *match, const struct tb_route *route, enum tb_method method)
{
    unsigned methods = methods_of(route);
    bool takes_method = (methods & 1U << method) != 0;
    bool others_open = match->methods == 0 || match->open;
    match->open = route->role == TB_ROLE_OPEN && (takes_method || others_open);
    match->methods |= methods;
    if (takes_method) {
        match->route = route;
    }
    return takes_method;
}

static void match_folders(const struct tb_router *router, enum tb_method method, struct tb_str path,
                          struct tb_match *match)
{
    for (size_t i = 0; i < router->folder_count; i++) {
        struct tb_str pattern = tb_str_c(router->folders[i]->path);
        size_t len = pattern.len - 1;
        if (path.len >= len && memcmp(path.ptr, pattern.ptr, len) == 0 &&
            takes(match, router->folders[i], method)) {
            match->params[0] = tb_str_from(path.ptr + len, path.len - len);
            return;
        }
    }
}

void tb_router_match(const struct tb_router *router, enum tb_method method, struct tb_str path,
                     struct tb_match *match)
{
    struct tb_str segments[TB_ROUTE_SEGMENTS_MAX];
    *match = (struct tb_match){.route = NULL};
    size_t count = split(path, segments);
    size_t first = count == SIZE_MAX ? 0 : router->first[count];
    size_t end = count == SIZE_MAX ? 0 : router->first[count + 1];
    bool named = false; /* a row without parameters: behind it /board/claim is no /board/:id */
    for (size_t i = first; i < end; i++) {
        const struct tb_router_entry *entry = &router->entries[i];
        struct tb_str params[TB_ROUTE_PARAMS_MAX] = {TB_STR_NONE};
        if (!entry_matches(entry, segments, count, params) || (named && params[0].ptr != NULL)) {
            continue;
        }
        named = named || params[0].ptr == NULL;
        if (takes(match, entry->route, method)) {
            memcpy(match->params, params, sizeof(params));
            return;
        }
    }
    if (match->methods == 0) {
        match_folders(router, method, path, match);
    }
}
