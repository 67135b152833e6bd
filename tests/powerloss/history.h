/* What clients know: the events, as a subscriber got them, and what answers promised, with the
 * place in the recording from which on they hold. */
#ifndef TB_TESTS_POWERLOSS_HISTORY_H
#define TB_TESTS_POWERLOSS_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "base/ulid.h"
#include "recording.h"
#include "taskboard/task.h"

#define HISTORY_VMS_MAX  256
#define HISTORY_NAME_MAX 64

struct history_event {
    struct tb_str wire;
    struct tb_id task_id;  /* all zero: about no task */
    struct tb_str summary; /* data.task; absent: the task is gone, or it is about none */
    uint64_t version;      /* of that task */
    uint64_t next_of_task; /* seq of the next event about the same task; 0: there is none */
    bool changes_nothing;  /* it tells of progress, or of a late result */
};

/* From `at` on a client knows that there are events up to `seq`. */
struct promise {
    uint64_t at;
    uint64_t seq; /* the highest so far */
};

struct history_vm_op {
    uint64_t at; /* place of the answer; 0: none was sent */
    bool leaves; /* it deregisters */
    int64_t seen_ms;
};

/* The requests about a VM, which one client sends one after the other. */
struct history_vm {
    char id[HISTORY_NAME_MAX];
    struct history_vm_op *ops;
    size_t count;
    size_t room;
};

/* The answer to a request with an Idempotency-Key. */
struct history_answer {
    uint64_t at;
    uint8_t key[TB_DIGEST_BYTES];
    uint8_t body[TB_DIGEST_BYTES];
    int32_t http_status;
    uint64_t seq;
};

struct history {
    struct history_event *events; /* by seq; the first one is not used */
    uint64_t head;
    struct promise *promises; /* in their order */
    size_t promise_count;
    struct history_vm vms[HISTORY_VMS_MAX];
    size_t vm_count;
    struct history_answer *answers;
    size_t answer_count;
    struct tb_str token;    /* what the admin token's file must hold, with its newline */
    uint64_t first_answer;  /* place of the first answer; the token is known from then on */
    uint64_t answers_total; /* answers recorded */
    char *text[2];          /* of the two files */
};

/* Reads `folder`/events (a line each) and `folder`/history (see workload.py), and finds the
 * answers in the recording. Ends the program when they do not fit together. */
void history_load(struct history *history, const char *folder, const struct recording *recording);
void history_free(struct history *history);

/* The seq that the store must have reached at that place. */
uint64_t history_promised(const struct history *history, uint64_t at);

#endif
