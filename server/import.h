/* A file becomes a part of the board: `taskboardd --import`. */
#ifndef TB_IMPORT_H
#define TB_IMPORT_H

#include "board/board.h"

struct tb_import_options {
    const char *file;
    const char *format; /* NULL: after the file's name */
    const char *url;    /* of the store; made when it is missing */
    uint64_t map_bytes;
    struct tb_board_options board;
};

/* In one transaction. True: all of the file is in the board, on the disk, and a line says so on
 * standard output. Else nothing of it is, and `why` says why. */
TB_MUST_CHECK bool tb_import_file(const struct tb_import_options *options, char *why,
                                  size_t why_size);

#endif
