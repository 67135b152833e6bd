/* What a command on claims must be answered, foreseen from the contract alone. */
#ifndef TB_TESTS_SCENARIO_EXPECT_H
#define TB_TESTS_SCENARIO_EXPECT_H

#include "scenario/model.h"

struct expectation {
    bool known; /* else anything may come */
    enum tb_err err;
    const char *reason; /* of claim_lost; NULL: none is given */
    bool silent;        /* a success that changes nothing */
    bool late;          /* refused, but the result is kept */
};

/* What the board did at one command, as its log tells. */
struct step_events {
    unsigned by_time; /* leases that had ended before the command came */
    unsigned own;     /* all others */
    unsigned claimed;
    unsigned retried;
    unsigned late;
};

/* `now_ms` is the instant of the batch. */
struct expectation expect(struct model *model, const struct replay *replay,
                          const struct dice_command *command, int64_t now_ms);

/* Did it come as foreseen? `replay` is the board behind the command. */
bool expect_holds(const struct expectation *expectation, const struct replay *replay,
                  const struct dice_command *command, const struct tb_reply *reply,
                  const struct step_events *events, char *why, size_t why_size);

/* Takes in what the answer tells the holder: tokens, ends of leases. False, with a sentence, when
 * it tells what is not so. */
bool expect_learn(struct model *model, const struct replay *replay,
                  const struct dice_command *command, const struct tb_reply *reply, int64_t now_ms,
                  char *why, size_t why_size);

/* The arguments of the claim that a command makes, by itself or with `next`; absent: it makes none.
 */
struct tb_str expect_claim_args(const struct dice_command *command);

#endif
