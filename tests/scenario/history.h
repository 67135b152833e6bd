/* One random history: a board, or the same one on two engines, that gets random commands in random
 * batches while time goes by, the server restarts and, if asked for, the engine fails. After each
 * step the promises are checked, against what the event log alone says the board should be. */
#ifndef TB_TESTS_SCENARIO_HISTORY_H
#define TB_TESTS_SCENARIO_HISTORY_H

#include "scenario/dice.h"
#include "scenario/expect.h"

#define HISTORY_BOARDS_MAX 2
#define HISTORY_GONE_MAX   4

struct history {
    uint64_t seed;
    unsigned step;
    struct fixture boards[HISTORY_BOARDS_MAX]; /* each gets the same commands */
    size_t board_count;
    bool faulty; /* the engine fails now and then */
    struct dice dice;
    struct replay replay;
    struct replay replay_before; /* as it was when the batch began */
    struct model model;
    struct model model_before;
    struct tb_head head_before;
    int64_t handled_ms; /* delays up to here are over and were handled */
    int64_t handled_before_ms;
    struct tb_id gone[HISTORY_GONE_MAX]; /* ids of tasks that were deleted */
    size_t gone_count;
    const struct dice_command *command; /* the current one */
    struct step_events events;          /* that it wrote */
    unsigned answers[TB_ERR_COUNT]; /* how often each came: that the history is worth something */
    unsigned told[TB_EVENT_TYPE_COUNT];
    unsigned replayed; /* answers given again to an idempotency key */
};

enum history_kind {
    HISTORY_IN_MEMORY,
    HISTORY_FAULTY,      /* in memory, where calls fail now and then */
    HISTORY_TWO_ENGINES, /* in memory and with LMDB: their answers must be equal to the byte */
};

void history_open(struct history *h, uint64_t seed, enum history_kind kind);
void history_close(struct history *h);

/* Goes on until so many commands were sent. Fails the test, and names the seed and the step, when a
 * promise is broken. */
void history_run(struct history *h, unsigned steps);

/* --- shared by its parts --- */

/* The VMs are what the log and the answers say, on one board and on the others. */
void history_check_fleet(struct history *h);
void history_check_same_fleets(struct history *h, size_t board);

/* Behind the timer: whom the guard has spared, and had to. `all`: nothing due was left. */
void history_look_at_guard(struct history *h, bool all);

#endif
