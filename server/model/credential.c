#include "taskboard/credential.h"

#include <assert.h>

/* Room for names, instants and the id. */
#define FIXED_BYTES_MAX 256

static const char *const roles[TB_ROLE_COUNT] = {
    [TB_ROLE_VIEWER] = "viewer",
    [TB_ROLE_WORKER] = "worker",
    [TB_ROLE_COORDINATOR] = "coordinator",
    [TB_ROLE_ADMIN] = "admin",
};

const char *tb_role_name(enum tb_role role)
{
    assert(role > TB_ROLE_OPEN && role < TB_ROLE_COUNT);
    return roles[role];
}

bool tb_role_parse(struct tb_str text, enum tb_role *out)
{
    for (enum tb_role role = TB_ROLE_VIEWER; role < TB_ROLE_COUNT; role++) {
        if (tb_str_eq_c(text, roles[role])) {
            *out = role;
            return true;
        }
    }
    return false;
}

static void add_text(struct tb_buf *out, struct tb_str *text)
{
    tb_buf_add_quoted(out, *text);
    text->ptr = out->ptr + out->len - 1 - text->len;
}

void tb_credential_render(struct tb_credential *credential, struct tb_arena *arena)
{
    struct tb_buf out;
    char id[TB_ULID_LEN];
    tb_ulid_format(credential->id, id);
    tb_buf_init(&out, arena, FIXED_BYTES_MAX + credential->name.len + credential->agent.len);
    const char *start = out.ptr;
    TB_BUF_LIT(&out, "{\"id\":\"");
    tb_buf_add(&out, id, sizeof(id));
    TB_BUF_LIT(&out, "\",\"name\":");
    add_text(&out, &credential->name);
    TB_BUF_LIT(&out, ",\"role\":\"");
    tb_buf_add_c(&out, tb_role_name(credential->role));
    TB_BUF_LIT(&out, "\"");
    if (credential->agent.ptr != NULL) {
        TB_BUF_LIT(&out, ",\"agent\":");
        add_text(&out, &credential->agent);
    }
    TB_BUF_LIT(&out, ",\"createdAt\":");
    tb_buf_add_instant(&out, credential->created_ms);
    if (credential->expires_ms != 0) {
        TB_BUF_LIT(&out, ",\"expiresAt\":");
        tb_buf_add_instant(&out, credential->expires_ms);
    }
    TB_BUF_LIT(&out, "}");
    assert(out.ptr == start); /* the strings point into it: it must not have moved */
    credential->wire = tb_buf_str(&out);
}
