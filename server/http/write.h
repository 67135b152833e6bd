/* Handing a command to the service, as the one who asks. */
#ifndef TB_HTTP_WRITE_H
#define TB_HTTP_WRITE_H

#include "http/request.h"

/* Submits request->job.command, its speaker filled in; then see tb_request_submit. */
void tb_write_submit(struct tb_request *request, void (*on_done)(struct tb_request *request));

#endif
