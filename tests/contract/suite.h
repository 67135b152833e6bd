/* One body of tests, run on every engine. */
#ifndef TB_TESTS_SUITE_H
#define TB_TESTS_SUITE_H

#include "world.h"

/* The tests find their world in *state. Answers how many failed, over all engines. */
int run_on_every_engine(const char *suite, const struct CMUnitTest *tests, size_t count);

#endif
