/* Entity tags, with their quotes, in the arena. */
#ifndef TB_HTTP_ETAG_H
#define TB_HTTP_ETAG_H

#include "http/context.h"

/* `"<version>"` of a single task. */
struct tb_str tb_etag_of_version(struct tb_arena *arena, uint64_t version);

/* Of a list whose answer may be another one whenever `change` is (tb_read_list_change). Strong:
 * while this server runs, a list depends on that and on its own URL only. */
struct tb_str tb_etag_of_list(struct tb_arena *arena, const struct tb_http *http, uint64_t change);

/* Of the summary, as of a head with these numbers. What it says of rates is no part of it. */
struct tb_str tb_etag_of_summary(struct tb_arena *arena, const struct tb_http *http, uint64_t seq,
                                 uint64_t changes);

/* Makes http->list_tag. */
void tb_etag_init(struct tb_http *http);

#endif
