/* The references inside an array of new tasks: "#ref" in dependencies and parentId. Internal to the
 * parsers. */
#ifndef TB_BOARD_PLAN_H
#define TB_BOARD_PLAN_H

#include "board/parse.h"

/* Finds the item that each "#ref" names and fills in dependency_items and parent_item; refuses refs
 * that are used twice or name nothing, cycles of dependencies, and tasks that would be their own
 * ancestors. */
bool tb_plan_resolve(struct tb_parse *parse, struct tb_create_item *items, size_t count);

/* Adds `,"index":N` to the refusal. */
void tb_plan_name_index(struct tb_parse *parse, size_t index);

#endif
