/* Planted: a token is read to one byte behind its end. */
#include "base/str.h"

bool __wrap_tb_header_bearer(struct tb_str authorization, struct tb_str *token);
bool __real_tb_header_bearer(struct tb_str authorization, struct tb_str *token);

bool __wrap_tb_header_bearer(struct tb_str authorization, struct tb_str *token)
{
    return __real_tb_header_bearer(authorization, token) && token->ptr[token->len] != '=';
}
