/* Prints the server's route table, a line a route: `METHOD /path`. For openapi_check.py. */
#include <stdio.h>

#include "http/route.h"

int main(void)
{
    for (size_t i = 0; i < tb_route_count; i++) {
        printf("%s %s\n", tb_method_name(tb_routes[i].method), tb_routes[i].path);
    }
    return 0;
}
