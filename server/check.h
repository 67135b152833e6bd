/* The offline check of a store: `taskboardd --check`. */
#ifndef TB_CHECK_H
#define TB_CHECK_H

#include "board/board.h"

struct tb_check_options {
    const char *url;    /* of the store */
    const char *folder; /* that it is in */
    uint64_t map_bytes;
    struct tb_board_options board;
};

enum tb_check_result {
    TB_CHECK_NOTHING, /* the folder holds no store yet */
    TB_CHECK_SOUND,
    TB_CHECK_FAULTY,
    TB_CHECK_REFUSED, /* it could not be looked at: `why` says why */
};

/* Looks at everything, changes nothing. Writes what it found to standard output: one line, or one
 * for each fault. */
enum tb_check_result tb_check_store(const struct tb_check_options *options, char *why,
                                    size_t why_size);

#endif
