/* The syntaxes of the request headers that are read here. Pure functions over bytes. */
#ifndef TB_HTTP_HEADER_H
#define TB_HTTP_HEADER_H

#include "base/str.h"

/* Authorization (RFC 6750, 2.1): the token of `Bearer <token>`, the scheme in any case. False for
 * anything else. */
bool tb_header_bearer(struct tb_str authorization, struct tb_str *token);

/* Prefer (RFC 7240): whether `name` is there with that value; of several the first counts. Names
 * and values in any case. */
bool tb_header_prefers(struct tb_str prefer, struct tb_str name, struct tb_str value);

/* The same: whether it is there, and its value without quotes, absent when it has none. */
bool tb_header_preference(struct tb_str prefer, struct tb_str name, struct tb_str *value);

/* Accept (RFC 9110, 12.5.1): whether it names exactly that media type, with a weight that is not 0.
 */
bool tb_header_accepts(struct tb_str accept, struct tb_str media_type);

/* Accept-Encoding (RFC 9110, 12.5.3): whether it names that coding, or `*`, with a weight that is
 * not 0 and no less than that of `identity`. Absent: no, for who says nothing may not know it. */
bool tb_header_accepts_coding(struct tb_str accept_encoding, struct tb_str coding);

/* If-None-Match (RFC 9110, 13.1.2): `*`, or `tag` (with its quotes) among the list. Compared
 * weakly. */
bool tb_header_has_tag(struct tb_str if_none_match, struct tb_str tag);

/* 1 to 128 of A-Z a-z 0-9 . _ - */
bool tb_request_id_valid(struct tb_str id);

/* The part of a traceparent (W3C Trace Context) that is worth logging; absent when it has not its
 * form. */
struct tb_str tb_header_traceparent(struct tb_str traceparent);

#endif
