/* How far a client has got with what it is sent. Apart, because the kernel's own header excludes
 * libc's. */
#ifndef TB_HTTP_ACKED_H
#define TB_HTTP_ACKED_H

#include <stdint.h>

/* Bytes that the other side has acknowledged on this TCP connection; 0 when nobody knows. */
uint64_t tb_acked_bytes(int fd);

#endif
