/* Prints the server's route table, a line a route: `METHOD /path least-role`. For
 * openapi_check.py and the walk over roles and routes. */
#include <stdio.h>

#include "http/route.h"

int main(void)
{
    for (size_t i = 0; i < tb_route_count; i++) {
        enum tb_role role = tb_routes[i].role;
        printf("%s %s %s\n", tb_method_name(tb_routes[i].method), tb_routes[i].path,
               role == TB_ROLE_OPEN ? "open" : tb_role_name(role));
    }
    return 0;
}
