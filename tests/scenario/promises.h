/* What must hold in a history, whatever was thrown. Each check fails the test, and names the seed
 * and the step, when it does not. */
#ifndef TB_TESTS_SCENARIO_PROMISES_H
#define TB_TESTS_SCENARIO_PROMISES_H

#include "scenario/history.h"

void promises_require(const struct history *h, bool condition, const char *what);
void promises_require_same(const struct history *h, struct tb_str got, struct tb_str wanted,
                           const char *what);

/* The tasks are what the log says, and what holds between them does; claims last as long as was
 * promised. */
void promises_check_tasks(struct history *h);

/* The answer to h->command fits what it did: `before` is the head before it. */
void promises_check_reply(struct history *h, const struct tb_head *before,
                          const struct expectation *expectation);

/* All engines gave it. */
void promises_check_same_reply(struct history *h);

/* What costs more: recounts, every list, pages, attempts. */
void promises_check_all(struct history *h);

#endif
