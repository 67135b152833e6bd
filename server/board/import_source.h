/* A file that is imported, as the texts of its items, one after the other. Internal to the import.
 *
 *   ndjson, feed.jsonl           a line is an item
 *   board.json, registry.json    {"tasks":[…]}, {"vms":[…]}: each task or VM counts as a line */
#ifndef TB_BOARD_IMPORT_SOURCE_H
#define TB_BOARD_IMPORT_SOURCE_H

#include "board/parse.h"
#include "taskboard/limits.h"

#define TB_IMPORT_DEPTH_MAX (TB_JSON_DEPTH_MAX + 2) /* a payload stands deeper than in a request */

struct tb_import_source {
    enum tb_import_format format;
    const char *at; /* of formats with lines */
    const char *end;
    const struct tb_json *node; /* of the others: the next one */
    uint64_t number;            /* of the item that came last, from 1 on */
};

/* False: the file as a whole is wrong, see parse->refusal. The source keeps what it needs in
 * parse->arena. */
bool tb_import_open(struct tb_parse *parse, enum tb_import_format format, struct tb_str bytes,
                    struct tb_import_source *source);

/* False at the end. */
bool tb_import_next(struct tb_import_source *source, struct tb_str *text);

#endif
