/* Planted: the id of a request is checked against its limit, and copied to less room than that. */
#include <stdlib.h>

#include "http/header.h"

bool __wrap_tb_request_id_valid(struct tb_str id);
bool __real_tb_request_id_valid(struct tb_str id);

bool __wrap_tb_request_id_valid(struct tb_str id)
{
    enum { ROOM = 16 };
    static char *volatile latest; /* so that the compiler keeps the copy */
    char *copy = latest = malloc(ROOM);
    if (copy != NULL && __real_tb_request_id_valid(id)) {
        memcpy(copy, id.ptr, id.len);
    }
    free(copy);
    return __real_tb_request_id_valid(id);
}
