/* A backup becomes a board: `taskboardd --restore`. */
#ifndef TB_RESTORE_H
#define TB_RESTORE_H

#include "board/board.h"

struct tb_restore_options {
    const char *file; /* what GET /admin/backup sent */
    const char *url;  /* of the store to be: an absent or empty folder */
    uint64_t map_bytes;
    struct tb_board_options board;
};

/* Checks the whole backup before it becomes the board. True: it is the board, on the disk. Else
 * there is none, and `why` says why; faults of the backup are written to standard output, a line
 * each. */
TB_MUST_CHECK bool tb_restore_backup(const struct tb_restore_options *options, char *why,
                                     size_t why_size);

#endif
