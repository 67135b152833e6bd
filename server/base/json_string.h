/* Strings with escapes: from what stands in the input to the canonical form (str.h). Internal to
 * json.c. */
#ifndef TB_BASE_JSON_STRING_H
#define TB_BASE_JSON_STRING_H

#include "base/json_error.h"
#include "base/str.h"

/* The opening quote of the string whose closing quote is the last byte of `input`. */
const char *tb_json_opening_quote(struct tb_str input);

/* Writes the canonical form of `raw`, which stands between quotes and whose escapes are
 * well-formed. It is never longer than `raw`. Returns the end of what was written; or NULL for
 * U+0000 and for a lone surrogate, with `fault`, its offset counted from the start of `raw`. */
char *tb_json_put_canonical(char *out, struct tb_str raw, struct tb_json_fault *fault);

#endif
