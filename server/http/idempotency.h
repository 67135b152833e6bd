/* Idempotency-Key: what a request is known by. */
#ifndef TB_HTTP_IDEMPOTENCY_H
#define TB_HTTP_IDEMPOTENCY_H

#include "board/parse.h"
#include "http/request.h"

/* Fills in the command's idempotency, of a POST: the key's digest knows the token, so that nobody
 * meets the keys of others; the fingerprint is of all that makes the request what it is. False:
 * refused, see parse->refusal. */
TB_MUST_CHECK bool tb_idempotency_read(const struct tb_request *request, struct tb_parse *parse,
                                       struct tb_idempotency *idempotency);

#endif
