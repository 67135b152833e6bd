/* One line a request. */
#ifndef TB_HTTP_ACCESS_LOG_H
#define TB_HTTP_ACCESS_LOG_H

#include "http/request.h"

/* Logs a request that is over. `bytes_sent` counts the answer's body; `complete` is false when the
 * connection ended before the answer did. */
void tb_access_log(const struct tb_request *request, size_t bytes_sent, bool complete);

#endif
