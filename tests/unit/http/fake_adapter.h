/* The adapter to the HTTP library, played by a test: it keeps what a handler answered. */
#ifndef TB_TESTS_UNIT_HTTP_FAKE_ADAPTER_H
#define TB_TESTS_UNIT_HTTP_FAKE_ADAPTER_H

#include "http/context.h"

struct fake_answer {
    unsigned sent_count;
    unsigned submitted_count;
    enum tb_delay delay;
    bool expected_news;
    int64_t held_ms;      /* what the request was held for */
    enum tb_err hold_err; /* set by the test: no request can be held */
    struct tb_subscription subscription;
};

extern struct fake_answer fake_answer;

#endif
