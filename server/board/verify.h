/* The parts of tb_board_verify. Internal to it. */
#ifndef TB_BOARD_VERIFY_H
#define TB_BOARD_VERIFY_H

#include "board/board.h"

/* The generations of all claims that the store knows. */
struct tb_generations {
    uint64_t *items;
    size_t count;
    size_t room;
};

/* One tag, assignee or VM, and how often tasks that are not done have it. */
struct tb_counted_name {
    enum tb_name_kind kind;
    struct tb_str name;
    uint64_t tasks;
    uint64_t ready;
};

/* An open hash table of them. */
struct tb_counted_names {
    struct tb_counted_name *slots; /* empty: name absent */
    size_t slot_count;             /* a power of two, or 0 */
    size_t count[TB_NAME_KIND_COUNT];
};

/* A walk over the whole store that compares what is stored with what the rules say it should be. */
struct tb_verify {
    struct tb_board board;  /* so that the rules' own readers can be asked; its arena is emptied
                             * after each task */
    struct tb_arena *kept;  /* what is remembered to the end */
    struct tb_head counted; /* the counters, made anew */
    struct tb_generations generations;
    struct tb_counted_names names;
    uint64_t credentials;
    uint64_t next_seq;
    struct tb_id last_event_id;
    tb_report_fault *report;
    void *ctx;
    bool holds;
};

/* Reports it and notes that something does not hold. */
void tb_verify_fault(struct tb_verify *verify, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What is wrong with a task, or NULL. Static strings. */
const char *tb_verify_task(struct tb_verify *verify, const struct tb_task *task);

/* What is wrong with its claim and its attempts, or NULL; notes down their generations. */
const char *tb_verify_claim(struct tb_verify *verify, const struct tb_task *task);

/* Was every generation given once only? */
void tb_verify_generations(struct tb_verify *verify);

/* The VMs and what is counted of them. */
void tb_verify_vms(struct tb_verify *verify);

/* Tokens, links and sessions. */
void tb_verify_credentials(struct tb_verify *verify);

/* Counts the names of a task; compares in the end what was counted with what the engine says. */
void tb_verify_count_names(struct tb_verify *verify, const struct tb_task *task);
void tb_verify_names(struct tb_verify *verify);

#endif
