/* What one line of an import holds, read and checked for everything that needs no stored state.
 * Internal to the import.
 *
 *   ndjson                       lines as tb_export writes them; strict about unknown members
 *   board.json, registry.json    tasks and VMs of the service that was before. What it did not know
 *                                has its default, and members that are not known here are left out
 *   feed.jsonl                   a feed event a line, likewise */
#ifndef TB_BOARD_IMPORT_ITEM_H
#define TB_BOARD_IMPORT_ITEM_H

#include "board/parse.h"

enum tb_import_kind {
    TB_IMPORT_BOARD,
    TB_IMPORT_PAUSE,
    TB_IMPORT_VM,
    TB_IMPORT_TASK,
    TB_IMPORT_FEED,
    TB_IMPORT_KIND_COUNT,
};

struct tb_import_item {
    enum tb_import_kind kind;
    struct tb_id id;        /* of a task, a feed event; a VM's number, all zero: none given */
    struct tb_id latest_id; /* of all in it */
    int64_t latest_ms;      /* instant in it that has passed */
    uint64_t generation;    /* of the board */
    struct tb_steer_command pause;
    struct tb_str pause_since; /* text */
    struct tb_vm vm;
    struct tb_task task;   /* neither rendered nor derived */
    struct tb_note *notes; /* as many as task.note_count; by id */
    struct tb_artifact *artifacts;
    struct tb_attempt *attempts;
    size_t attempt_count;
    struct tb_feed_command feed;
    int64_t feed_ms;
};

/* `default_max_attempts` is what a task gets that says nothing. False: refused. */
bool tb_import_read(struct tb_parse *parse, enum tb_import_format format, struct tb_str text,
                    uint32_t default_max_attempts, struct tb_import_item *item);

#endif
