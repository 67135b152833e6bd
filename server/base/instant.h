/* Instants: milliseconds since 1970-01-01T00:00:00Z, and their ISO 8601 form. */
#ifndef TB_BASE_INSTANT_H
#define TB_BASE_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define TB_INSTANT_LEN    24                       /* 2026-11-22T13:30:00.123Z */
#define TB_INSTANT_MAX_MS INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

/* Writes exactly TB_INSTANT_LEN bytes, no NUL. `ms` must lie in 0..TB_INSTANT_MAX_MS. */
void tb_instant_format(int64_t ms, char out[TB_INSTANT_LEN]);

/* Reads an RFC 3339 instant: date, `T`, time, optional fraction of 1 to 9 digits (cut to
 * milliseconds), `Z` or an offset (RFC 3339 lets `t` and `z` be lower case). A leap second (:60)
 * counts as :59.999. False, and `*ms` untouched, for anything else, for a day that does not exist
 * and for an instant whose year in UTC lies outside 1970..9999. */
bool tb_instant_parse(struct tb_str s, int64_t *ms);

#endif
