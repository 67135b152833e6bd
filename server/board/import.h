/* The parts of tb_rule_import. Internal to it. */
#ifndef TB_BOARD_IMPORT_H
#define TB_BOARD_IMPORT_H

#include "board/change.h"
#include "board/import_item.h"
#include "board/import_source.h"

/* What is kept of a line. */
struct tb_import_entry {
    struct tb_str text; /* of the line */
    uint64_t number;
    enum tb_import_kind kind;
    struct tb_id id;
    struct tb_id parent_id;
    struct tb_str dependencies; /* in `kept` */
    struct tb_str name;         /* in `kept`: a VM's id, a task's uniqueKey while it is not done */
    bool met;                   /* a task that others need not wait for */
};

struct tb_import_entries {
    struct tb_import_entry *items;
    size_t count;
    size_t room;
};

struct tb_import_numbers {
    uint64_t *items;
    size_t count;
    size_t room;
};

struct tb_import {
    struct tb_board *board;
    const struct tb_command *command;
    struct tb_arena *kept;     /* till the end of the import */
    struct tb_scratch scratch; /* of a line */
    struct tb_import_entries entries[TB_IMPORT_KIND_COUNT];
    struct tb_import_numbers generations; /* of attempts */
    struct tb_import_source source;
    uint64_t generation; /* the greatest one that the file knows of */
    struct tb_id latest_id;
    int64_t latest_ms;
    struct tb_arena *arena; /* of the reply */
    struct tb_reply *reply;
};

/* Answers with a refusal that names the line. Always false, so that a check can return it.
 * `message` absent: the error's own sentence; `extra` is of the arena of the reply. */
bool tb_import_refuse(struct tb_import *import, uint64_t number, enum tb_err err,
                      struct tb_str message, struct tb_str extra);

/* The same; `message` NULL: the error's own sentence. */
bool tb_import_refuse_entry(struct tb_import *import, const struct tb_import_entry *entry,
                            enum tb_err err, const char *message);

/* Every check that needs more than one line, or what is stored. Sorts the entries by id. False:
 * refused. */
bool tb_import_check(struct tb_import *import);

/* Of these, the ones that look at who waits for whom, once the entries are sorted. */
bool tb_import_check_waits(struct tb_import *import);

/* The task of the file with that id, or NULL. */
struct tb_import_entry *tb_import_find_task(const struct tb_import *import, struct tb_id id);

/* Writes all of it, once every check is made. */
void tb_import_write(struct tb_import *import);

#endif
