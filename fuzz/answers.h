/* Reads what a server says on one connection: whole HTTP/1.1 answers (RFC 9112), and what may come
 * behind them. */
#ifndef TB_FUZZ_ANSWERS_H
#define TB_FUZZ_ANSWERS_H

#include "base/str.h"

struct answers_expected {
    bool head;    /* a request of the connection may be a HEAD: its answer has no body */
    bool cut_off; /* the connection was reset: the last answer may be cut short */
};

/* Checks all of it; returns how many answers there were. A body that says that it is JSON is. */
unsigned answers_check(struct tb_str said, const struct answers_expected *expected);

#endif
