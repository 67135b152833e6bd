/* The adapter to the HTTP library, played by a test: it keeps what a handler answered. */
#ifndef TB_TESTS_UNIT_HTTP_FAKE_ADAPTER_H
#define TB_TESTS_UNIT_HTTP_FAKE_ADAPTER_H

#include "http/context.h"

struct fake_answer {
    unsigned sent_count;
    unsigned submitted_count;
    enum tb_delay delay;
};

extern struct fake_answer fake_answer;

#endif
