/* Writing to a store that came back. */
#ifndef TB_TESTS_POWERLOSS_AGAIN_H
#define TB_TESTS_POWERLOSS_AGAIN_H

#include "board/board.h"

/* Those that the recorded server had: the defaults, but for what it keeps of the log. */
#define AGAIN_BOARD_OPTIONS                                                                        \
    {                                                                                              \
        .aging_ms = 3600000, .default_max_attempts = 3                                             \
    }

/* Some transactions of the usual kinds, with all that has become due; then everything is verified
 * once more. False, and a sentence, when something is wrong. */
bool again_write(struct tb_store *store, struct tb_reader *reader, char *why, size_t why_size);

#endif
