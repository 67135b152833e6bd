#include "http/site.h"

#include <string.h>

#include "base/buf.h"
#include "http/header.h"

#define HASH_CHARS_MIN 8

const struct tb_site_file *tb_site_find(const struct tb_site *site, struct tb_str name)
{
    for (size_t i = 0; i < site->count; i++) {
        if (tb_str_eq_c(name, site->files[i].name)) {
            return &site->files[i];
        }
    }
    return NULL;
}

/* `"<tag>"`, `"<tag>-br"`: each form has one of its own, for it has other bytes. */
static struct tb_str make_tag(struct tb_arena *arena, const struct tb_site_file *file,
                              struct tb_str coding)
{
    struct tb_buf out;
    tb_buf_init(&out, arena, 32);
    TB_BUF_LIT(&out, "\"");
    tb_buf_add_c(&out, file->tag);
    if (coding.ptr != NULL) {
        TB_BUF_LIT(&out, "-");
        tb_buf_add_str(&out, coding);
    }
    TB_BUF_LIT(&out, "\"");
    return tb_buf_str(&out);
}

struct tb_site_form tb_site_choose(struct tb_arena *arena, const struct tb_site_file *file,
                                   struct tb_str accept_encoding)
{
    struct tb_site_form form = {.bytes = file->plain};
    if (file->br.ptr != NULL && tb_header_accepts_coding(accept_encoding, TB_STR("br"))) {
        form = (struct tb_site_form){.bytes = file->br, .coding = TB_STR("br")};
    } else if (file->gz.ptr != NULL && tb_header_accepts_coding(accept_encoding, TB_STR("gzip"))) {
        form = (struct tb_site_form){.bytes = file->gz, .coding = TB_STR("gzip")};
    }
    form.tag = make_tag(arena, file, form.coding);
    return form;
}

struct tb_str tb_site_type(const struct tb_site_file *file)
{
    static const struct {
        const char *end;
        struct tb_str type;
    } types[] = {
        {".html", TB_STR("text/html; charset=utf-8")},
        {".js", TB_STR("text/javascript; charset=utf-8")},
        {".css", TB_STR("text/css; charset=utf-8")},
        {".svg", TB_STR("image/svg+xml")},
        {".png", TB_STR("image/png")},
        {".ico", TB_STR("image/x-icon")},
        {".woff2", TB_STR("font/woff2")},
        {".webmanifest", TB_STR("application/manifest+json")},
        {".json", TB_STR("application/json")},
        {".map", TB_STR("application/json")},
        {".txt", TB_STR("text/plain; charset=utf-8")},
    };
    const char *end = strrchr(file->name, '.');
    for (size_t i = 0; end != NULL && i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(end, types[i].end) == 0) {
            return types[i].type;
        }
    }
    return TB_STR("application/octet-stream");
}

bool tb_site_is_immutable(const struct tb_site_file *file)
{
    static const char hash[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const char *dash = strrchr(file->name, '-');
    size_t len = dash == NULL ? 0 : strspn(dash + 1, hash);
    return len >= HASH_CHARS_MIN && dash[1 + len] == '.';
}
