/* Random commands for a small board: so few ids, keys and names that everything soon has to do with
 * everything else. The same seed gives the same commands. */
#ifndef TB_TESTS_SCENARIO_DICE_H
#define TB_TESTS_SCENARIO_DICE_H

#include "fixture/fixture.h"

#define DICE_IDS_MAX 48

/* The ids that commands may name: of tasks that are there, that are gone, and that are yet to
 * come. */
struct dice_pool {
    struct tb_id ids[DICE_IDS_MAX];
    size_t count;
};

struct dice {
    uint64_t state;
    struct dice_pool pool;
    size_t tasks; /* on the board now: the more, the more often one is deleted */
};

unsigned dice_roll(struct dice *dice, unsigned sides); /* 0 … sides - 1 */
bool dice_chance(struct dice *dice, unsigned percent);

struct dice_command {
    enum tb_command_kind kind;
    struct tb_id id;        /* all zero for CREATE */
    struct tb_str body;     /* in the arena */
    struct tb_str if_match; /* in the arena, or absent */
};

/* The next command. */
struct dice_command dice_throw(struct dice *dice, struct tb_arena *arena);

#endif
