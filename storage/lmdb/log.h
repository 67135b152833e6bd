/* What reads the event log: the blocks stored and, in a write transaction, the one to come. Reading
 * must not write: whoever visits may be visiting something else at the same time. */
#ifndef TB_LMDB_LOG_H
#define TB_LMDB_LOG_H

#include "lmdb/lmdb.h"

struct tb_log {
    MDB_cursor *cursor;
    uint8_t *image;         /* of the block to come; malloced */
    struct tb_block coming; /* count 0: there is none */
};

/* To be closed also after a failure. */
int tb_log_open(struct tb_lmdb_txn *txn, struct tb_log *log);
void tb_log_close(struct tb_log *log);

/* All events with seq > since, ascending. */
enum tb_err tb_log_visit(struct tb_log *log, uint64_t since, tb_visit_event *visit, void *ctx);

/* One that must be there, because an index names it or it is between the oldest and the last. */
enum tb_err tb_log_get(const struct tb_log *log, uint64_t seq, struct tb_event *event);

/* One of a block's, from 0 on, which must be the one that belongs there. */
enum tb_err tb_event_of_block(const struct tb_block *block, uint32_t index, struct tb_event *event);

#endif
