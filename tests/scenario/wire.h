/* Reading what the board wrote, with none of the code that wrote it. Absent members are absent
 * strings; what must be there and is not fails the test. */
#ifndef TB_TESTS_SCENARIO_WIRE_H
#define TB_TESTS_SCENARIO_WIRE_H

#include "fixture/fixture.h"

int64_t wire_number(struct tb_str json);
int64_t wire_number_or(struct tb_str json, int64_t otherwise); /* when absent */
struct tb_str wire_text(struct tb_str json);                   /* without its quotes */
int64_t wire_instant(struct tb_str json);                      /* 0 when absent */
struct tb_id wire_id(struct tb_str json);
bool wire_bool(struct tb_str json); /* false when absent */

/* The items of an array, one after the other; `*at` is 0 at first. */
bool wire_next(struct tb_str array, size_t *at, struct tb_str *item);

/* Does the array of strings hold that text? */
bool wire_has(struct tb_str array, struct tb_str text);

/* A refusal's extra members as an object. */
struct tb_str wire_extra(struct tb_arena *arena, struct tb_str extra);

#endif
