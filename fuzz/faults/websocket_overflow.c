/* Planted: the length that a frame tells is checked, and that of what has come is copied. */
#include <stdlib.h>

#include "http/websocket.h"

void __wrap_tb_websocket_take(struct tb_websocket *websocket, struct tb_str bytes);
void __real_tb_websocket_take(struct tb_websocket *websocket, struct tb_str bytes);

void __wrap_tb_websocket_take(struct tb_websocket *websocket, struct tb_str bytes)
{
    enum { ROOM = 48 };
    static char *volatile latest; /* so that the compiler keeps the copy */
    char *copy = latest = malloc(ROOM);
    if (copy != NULL && bytes.len >= 2 && (bytes.ptr[1] & 0x7F) + 6 <= ROOM) {
        memcpy(copy, bytes.ptr, bytes.len);
    }
    free(copy);
    __real_tb_websocket_take(websocket, bytes);
}
