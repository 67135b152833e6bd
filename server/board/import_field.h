/* Reading the members of a line of an import. Internal to the import.
 *
 * As in field.h, false is: refused, and parse->refusal says why. Ids and instants that have passed
 * are noted in the item, which knows the latest of each. */
#ifndef TB_BOARD_IMPORT_FIELD_H
#define TB_BOARD_IMPORT_FIELD_H

#include "board/import_item.h"

/* A ULID that must be there. */
bool tb_import_read_id(struct tb_parse *parse, const struct tb_json *node, const char *field,
                       struct tb_import_item *item, struct tb_id *id);

/* An instant that must be there and has passed. */
bool tb_import_read_past(struct tb_parse *parse, const struct tb_json *node, const char *field,
                         struct tb_import_item *item, int64_t *ms);

/* Integers from `min` up to what JSON tells exactly, and from 0 to `max`; untouched when absent. */
bool tb_import_read_number(struct tb_parse *parse, const struct tb_json *node, const char *field,
                           int64_t min, uint64_t *number);
bool tb_import_read_u32(struct tb_parse *parse, const struct tb_json *node, const char *field,
                        int64_t max, uint32_t *number);

/* A value (never NULL) of that type; else 400 with the sentence `what`. */
bool tb_import_expect(struct tb_parse *parse, const struct tb_json *node, enum tb_json_type type,
                      const char *what);

/* An array, or nothing, which counts as an empty one. */
bool tb_import_read_list(struct tb_parse *parse, const struct tb_json *node, const char *field,
                         size_t *count);

/* What belongs to a task and is stored beside it (import_note.c, import_attempt.c). */
bool tb_import_read_notes(struct tb_parse *parse, const struct tb_json *list,
                          struct tb_import_item *item);
bool tb_import_read_artifacts(struct tb_parse *parse, const struct tb_json *list,
                              struct tb_import_item *item);
bool tb_import_read_attempts(struct tb_parse *parse, const struct tb_json *list,
                             struct tb_import_item *item);

/* A line with a task; a task of the service that was before (import_task.c). */
bool tb_import_read_task(struct tb_parse *parse, const struct tb_json *line,
                         struct tb_import_item *item);
bool tb_import_read_old_task(struct tb_parse *parse, const struct tb_json *from,
                             struct tb_import_item *item);

#endif
