/* A board as lines of JSON that tb_rule_import makes the same board of. Pure functions over a
 * snapshot.
 *
 *   {"board":{"format":1,"generation":N}}          the latest claim's
 *   {"pause":{"tag"?,"reason"?,"since","by"?}}     in the order in which they began
 *   {"vm":{…},"number":id}                         earliest registration first
 *   {"task":{…},"attempts":[…],"reservedFor"?:…}   latest first
 *   {"feed":{…}}                                   oldest first
 *
 * What follows from the rest is left out (ready, blockedBy), and so is what is another board's
 * business: claims (their tasks come back open, as if they had not been claimed), answers to
 * idempotency keys, secrets and the log. */
#ifndef TB_BOARD_EXPORT_H
#define TB_BOARD_EXPORT_H

#include "taskboard/storage.h"

#define TB_EXPORT_FORMAT 1

/* Hands all lines to `write`. An error: that was not all. */
TB_MUST_CHECK enum tb_err tb_export(struct tb_txn *txn, tb_write_bytes *write, void *ctx);

/* The line of one task, with its end, into `out`. */
TB_MUST_CHECK enum tb_err tb_export_task(struct tb_txn *txn, const struct tb_task *task,
                                         struct tb_buf *out);

#endif
