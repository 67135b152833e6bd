/* The body of a token that is to be made. */
#include "board/field.h"
#include "taskboard/limits.h"

static bool parse_role(struct tb_parse *parse, const struct tb_json *node, enum tb_role *role)
{
    if (node != NULL && node->type == TB_JSON_STRING && tb_role_parse(tb_json_text(node), role)) {
        return true;
    }
    return tb_field_refuse(parse,
                           tb_field_is_absent(node) ? TB_E_MISSING_FIELD : TB_E_INVALID_FIELD,
                           "role", "role must be viewer, worker, coordinator or admin");
}

/* One that is there but blank is refused: without it the token would be allowed more, not less. */
static bool parse_agent(struct tb_parse *parse, const struct tb_json *node, struct tb_str *agent)
{
    return tb_field_is_absent(node) || tb_field_required(parse, node, "agent", TB_NAME_BYTES_MAX,
                                                         "agent must not be empty", agent);
}

bool tb_parse_token(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command)
{
    static const char *const known[] = {"name", "role", "agent", "expiresInSeconds", NULL};
    struct tb_credential_command *token = &command->credential;
    int64_t seconds = 0;
    command->kind = TB_COMMAND_TOKEN_CREATE;
    *token = (struct tb_credential_command){.lifetime_ms = 0};
    if (!tb_field_check_body(parse, body, known, true) ||
        !tb_field_required(parse, tb_json_member(body, "name"), "name", TB_NAME_BYTES_MAX,
                           "name is required", &token->name) ||
        !parse_role(parse, tb_json_member(body, "role"), &token->role) ||
        !parse_agent(parse, tb_json_member(body, "agent"), &token->agent) ||
        !tb_field_integer(parse, tb_json_member(body, "expiresInSeconds"), "expiresInSeconds", 1,
                          TB_TOKEN_SECONDS_MAX, &seconds)) {
        return false;
    }
    token->lifetime_ms = seconds * 1000;
    return true;
}
