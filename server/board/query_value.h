/* Reading single parameters of a query. Internal to the parsers. False: refused. */
#ifndef TB_BOARD_QUERY_VALUE_H
#define TB_BOARD_QUERY_VALUE_H

#include "board/query.h"

/* "<name> <reason>". Always false. */
bool tb_query_refuse(struct tb_parse *parse, const char *name, const char *reason);

/* For a parameter that has only one value: notes that it was given, and refuses the second. */
bool tb_query_once(struct tb_parse *parse, const char *name, bool *given);

bool tb_query_number(struct tb_parse *parse, const char *name, struct tb_str value, int64_t min,
                     int64_t max, int64_t *out);

#endif
