/* Random commands for a small board: so few ids, keys and names that everything soon has to do with
 * everything else. The same seed gives the same commands. */
#ifndef TB_TESTS_SCENARIO_DICE_H
#define TB_TESTS_SCENARIO_DICE_H

#include "fixture/fixture.h"

#define DICE_IDS_MAX    48
#define DICE_TOKENS_MAX 48
#define DICE_TOKEN_MAX  40 /* bytes of a claim's token, with its NUL */
#define DICE_VMS        8  /* vm0, vm1 … */

struct dice_token {
    struct tb_id task;
    char text[DICE_TOKEN_MAX];
    bool live;
};

/* What commands may name: the ids of tasks that are there, that are gone, and that are yet to come;
 * the tokens of claims that hold a task, and of claims that were lost. */
struct dice_pool {
    struct tb_id ids[DICE_IDS_MAX];
    size_t count;
    struct dice_token tokens[DICE_TOKENS_MAX];
    size_t token_count;
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
    struct tb_id id;        /* all zero where the command names none */
    struct tb_str body;     /* in the arena */
    struct tb_str if_match; /* in the arena, or absent */
    struct tb_str token;    /* of the claim that it speaks for: in the body, or as header; in the
                             * arena, or absent */
    bool force;             /* in the body, or in the query */
    struct tb_str vm_id; /* of the commands on VMs: in the body of a register, else in the path */
    uint32_t attempt;    /* of an accept */
    bool bad;            /* no parser takes that body */
    bool repeated;       /* with an idempotency key, and sent twice */
};

/* Does the token stand in the body; as the header Claim-Token? */
bool dice_is_holders(enum tb_command_kind kind);
bool dice_takes_header(enum tb_command_kind kind);

/* The next command. */
struct dice_command dice_throw(struct dice *dice, struct tb_arena *arena);

/* --- shared by the parts that make bodies --- */

/* With ' for ", as everywhere in these tests. */
void dice_add(struct tb_buf *out, const char *format, ...) FIXTURE_FORMAT(2, 3);
const char *dice_pick(struct dice *dice, const char *const *from, size_t count);
struct tb_id dice_some_id(struct dice *dice);
void dice_add_artifacts(struct dice *dice, struct tb_buf *out);

#define DICE_PICK(dice, array) dice_pick((dice), (array), COUNT(array))

/* Chooses a token for a command, its task with it; and makes the body of one that works on claims.
 */
void dice_throw_token(struct dice *dice, struct dice_command *command, struct tb_arena *arena);
void dice_add_claim_body(struct dice *dice, const struct dice_command *command, struct tb_buf *out);

/* Those of the registry and of the feed. */
bool dice_is_of_fleet(enum tb_command_kind kind);
enum tb_command_kind dice_fleet_kind(struct dice *dice);
void dice_add_fleet_body(struct dice *dice, const struct dice_command *command, struct tb_buf *out);
struct tb_str dice_some_vm(struct dice *dice);

#endif
