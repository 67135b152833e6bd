/* The Link header of a list's page (RFC 8288). */
#ifndef TB_HTTP_LINK_H
#define TB_HTTP_LINK_H

#include "board/query.h"

/* `<path?params…&cursor=…>; rel="next"`: the parameters as they were, but for the cursor. In the
 * arena. */
struct tb_str tb_link_next(struct tb_arena *arena, struct tb_str path,
                           const struct tb_params *params, struct tb_str cursor);

#endif
