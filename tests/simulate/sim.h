/* The server's committer, its engine, its clients and time itself in one thread: a seed makes one
 * history, always the same, in which hours pass as soon as nothing is to be done.
 *
 *   clients ── submit ──► queue ─► committer (server/service/committer.h) ─► engine of the seed
 *      ▲                                          │                          over the memory engine
 *      └── answers ◄── ledger: every promise ◄── deliver
 *
 * The clock stands still but for three things: the loop (main.c) moves it to what comes next, a
 * slow engine moves it, and so does one of the planted faults, which show that a fault is found. */
#ifndef TB_TESTS_SIMULATE_SIM_H
#define TB_TESTS_SIMULATE_SIM_H

#include "fixture/fixture.h"
#include "scenario/replay.h"
#include "service/committer.h"
#include "taskboard/storage_testing.h"

#define SIM_CLIENTS     46
#define SIM_VMS         10
#define SIM_NAME_MAX    16
#define SIM_BODY_MAX    2048
#define SIM_TOKEN_MAX   40
#define SIM_HELD_MAX    4
#define SIM_OPEN_MAX    512  /* requests on their way */
#define SIM_CLAIMS_MAX  8192 /* the latest ones */
#define SIM_KEYS_MAX    8192
#define SIM_TRACE_LINES 48
#define SIM_TRACE_MAX   600
#define SIM_PATIENCE_MS 2500 /* so late may be done what is due, and what the engine held up */

/* What is wrong on purpose, to see that it is found. */
enum sim_control {
    SIM_SOUND,
    SIM_DROPPED_COMMIT,  /* the engine says OK and forgets a commit */
    SIM_DOUBLE_COMMIT,   /* the engine says CONFLICT and has committed */
    SIM_LOST_DELIVERY,   /* an answer does not arrive */
    SIM_CLOCK_BACK,      /* the machine's clocks, the monotonic one too, jump back */
    SIM_LATE_TURNS,      /* the committer is not woken when it asked for it */
    SIM_CLOCK_AHEAD,     /* the machine's clock jumps ahead: leases end before their time */
    SIM_WAITERS_SWAPPED, /* two clients get each other's answers */
    SIM_CONTROL_COUNT,
};

/* --- requests --- */

/* What a client sends; it may send it again. */
struct letter {
    enum tb_command_kind kind;
    struct tb_id task;   /* all zero: none */
    int vm;              /* in the path of commands on VMs; -1: none */
    uint64_t generation; /* of the claim that it speaks for; 0: of none */
    unsigned key;        /* Idempotency-Key; 0: none */
    unsigned creates;    /* tasks */
    bool force;
    char body[SIM_BODY_MAX];
};

struct request {
    struct tb_job job; /* first */
    struct sim *sim;
    struct letter letter;
    uint64_t number; /* in the order of submission */
    int client;
    int64_t sent_ms;
    int64_t until_ms; /* of a claim that waits; 0: it does not */
    int64_t wait_ms;
    bool queued;   /* when the turn began */
    uint64_t turn; /* before which it was sent */
    bool gone;     /* its client has left */
    bool answered;
    uint64_t own_events; /* in the log, by its verb */
    uint64_t claimed;    /* the same of claims */
};

/* --- clients --- */

enum client_kind { COORDINATOR, WORKER, MACHINE };

struct holding {
    uint64_t generation; /* 0: none */
    struct tb_id task;
    char token[SIM_TOKEN_MAX];
    int64_t lease_ms;
    int64_t done_ms; /* when the work is done */
    int64_t beat_ms; /* when the next heartbeat is sent; INT64_MAX: never */
};

struct client {
    enum client_kind kind;
    char name[SIM_NAME_MAX];
    int64_t next_ms; /* when it does something next */
    struct request *pending;
    struct letter letter; /* the last one */
    unsigned resends;     /* how often it may still be sent again */
    struct holding held[SIM_HELD_MAX];
    int vm; /* of a machine: itself; of a worker: where it runs, or -1 */
};

/* --- what must hold --- */

struct claim {
    uint64_t generation;
    struct tb_id task;
    int vm;
    int64_t lease_ms;
    int64_t told_ms;  /* its end as its holder was told */
    int64_t maybe_ms; /* the latest end that it may have, for all that anybody knows */
    bool live;
    uint64_t end_seq; /* of the event that ended it */
    enum tb_command_kind ended_by;
};

struct key {
    unsigned number;
    bool answered;
    uint64_t seq;
    uint64_t body;
};

struct machine {
    bool registered;
    bool lost;
    int64_t ttl_ms;
    int64_t seen_ms; /* as it was told */
};

struct ledger {
    struct replay replay;
    struct claim claims[SIM_CLAIMS_MAX]; /* by generation */
    struct key keys[SIM_KEYS_MAX];       /* by number */
    struct machine machines[SIM_VMS];
    uint8_t *titles; /* how often a task with that number was created */
    size_t title_room;
    bool maybe; /* requests were lost whose effect may be there */
    int64_t handled_ms;
    uint64_t waits_seq; /* at which the waiting claims were looked at last */
    uint64_t digest;    /* of the log and of all answers */
};

struct figures {
    uint64_t turns, batches, events, jobs, crashes, drains, starts, verified;
    uint64_t conflicts, unknowns, unknowns_open, downs, fulls, slow, waited, replayed,
        refused_sends;
    uint64_t answers[TB_COMMAND_KIND_COUNT][TB_ERR_COUNT];
};

/* --- the engine --- */

enum weather { FAIR, FLAKY, SLOW, FULL, DOWN };

struct sim {
    uint64_t seed;
    enum sim_control control;
    int64_t control_ms; /* from when on it may strike */
    unsigned strikes;
    uint64_t dice;
    uint64_t random; /* the server's */
    uint64_t step;

    /* time */
    int64_t now_us;
    int64_t skew_ms;      /* of the machine's clocks, by a planted fault */
    int64_t wall_skew_ms; /* of the one that may be set */
    struct tb_clock clock;
    int64_t booted_ms;

    /* the engine */
    struct tb_store *inner;
    struct tb_store *store;
    enum weather weather;
    int64_t weather_ms; /* when it changes */
    int64_t down_ms;    /* until when nothing answers */
    int64_t fault_ms;   /* when it last failed */
    bool full;          /* it said so in this turn */
    bool sluggish;      /* of the transaction: its calls take time */
    bool crashing;

    /* the server */
    bool up;
    bool draining;
    int64_t start_ms; /* when it comes up again */
    int64_t stop_ms;  /* when it is stopped next */
    struct tb_committer committer;
    struct tb_mailbox boxes[2];
    unsigned announced;
    int64_t turn_ms; /* when the turn began */

    /* who talks to it */
    struct client clients[SIM_CLIENTS];
    bool quiet;
    int64_t quiet_ms;   /* when that ends, or begins */
    int64_t silence_ms; /* when most machines fall silent next */
    unsigned next_key;
    unsigned next_title;
    uint64_t next_number;
    struct request *open[SIM_OPEN_MAX]; /* in the order of their submission */
    size_t open_count;
    struct request *answered[SIM_OPEN_MAX]; /* in this turn */
    size_t answered_count;

    struct ledger ledger;
    struct fixture look; /* for reading */
    struct figures figures;
    char trace[SIM_TRACE_LINES][SIM_TRACE_MAX];
    uint64_t traced;
};

/* --- main.c --- */

int64_t sim_now_ms(const struct sim *sim);
unsigned sim_roll(struct sim *sim, unsigned sides);
bool sim_chance(struct sim *sim, unsigned per_mille);
int64_t sim_between(struct sim *sim, int64_t least, int64_t most);

/* For the last lines of a report. */
void sim_trace(struct sim *sim, const char *format, ...) FIXTURE_FORMAT(2, 3);

/* Ends the program with a report unless that holds. */
void sim_require(struct sim *sim, bool holds, const char *format, ...) FIXTURE_FORMAT(3, 4);

/* --- engine.c --- */

void engine_open(struct sim *sim);
void engine_close(struct sim *sim);
void engine_change_weather(struct sim *sim);
const char *engine_weather_name(const struct sim *sim);

/* --- server.c --- */

void server_start(struct sim *sim);
void server_crash(struct sim *sim);
void server_stop(struct sim *sim);

/* One turn, and all that it answered. */
void server_turn(struct sim *sim);

/* Sends; false: refused at the door. */
bool server_submit(struct sim *sim, int client, const struct letter *letter, int64_t wait_ms);

/* --- clients.c --- */

void clients_open(struct sim *sim);
void clients_act(struct sim *sim, int client);
void clients_take(struct sim *sim, struct request *request);   /* an answer */
void clients_forget(struct sim *sim, struct request *request); /* that none will come */
/* Most machines, for a while. */
void clients_fall_silent(struct sim *sim);

/* Whoever is idle acts now, all at once. */
void clients_come_together(struct sim *sim);

/* Who acts next, and when. */
int64_t clients_next_ms(const struct sim *sim, int *client);

/* --- ledger.c --- */

/* What this turn's answers and the log say. */
void ledger_settle(struct sim *sim);

/* A request was lost with the server: what it wanted may have happened. */
void ledger_lose(struct sim *sim, const struct request *request);

/* Before time goes on: nothing due is left. */
void ledger_check_time(struct sim *sim);
void ledger_check_board(struct sim *sim);
struct claim *ledger_claim(struct sim *sim, uint64_t generation);
void ledger_close(struct sim *sim);

#endif
