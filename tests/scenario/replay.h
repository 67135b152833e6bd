/* What the event log says the board looks like: built from the log alone, by a reader that knows
 * the wire format and none of the code that wrote it. Each event is checked against the one before
 * it. */
#ifndef TB_TESTS_SCENARIO_REPLAY_H
#define TB_TESTS_SCENARIO_REPLAY_H

#include "fixture/fixture.h"

#define REPLAY_TASKS_MAX        256
#define REPLAY_DEPENDENCIES_MAX 8

struct replay_task {
    struct tb_id id;
    char id_text[TB_ULID_LEN];
    struct tb_str summary; /* data.task of its last event; malloced */
    uint64_t version;
    int64_t updated_ms;
    int64_t not_before_ms;
    enum tb_status status;
    bool success; /* done with outcome success */
    bool ready;
    struct tb_str dependencies[REPLAY_DEPENDENCIES_MAX]; /* slices of summary */
    size_t dependency_count;
    struct tb_str blocked_by; /* slice of summary */
    struct tb_str unique_key; /* slice of summary, or absent */
    unsigned notes;
    unsigned artifacts;
};

struct replay {
    struct replay_task tasks[REPLAY_TASKS_MAX]; /* by id, oldest first */
    size_t count;
    uint64_t seq; /* of the last event */
    int64_t last_ms;
    struct tb_id last_event_id;
    struct tb_id floor_id; /* set by the caller: ids of new tasks lie above */
};

void replay_fini(struct replay *replay);

/* A copy that shares nothing. `to` must be empty. */
void replay_copy(struct replay *to, const struct replay *from);

/* Applies one event. False, with a sentence in `why`, when it does not fit behind the others. */
bool replay_apply(struct replay *replay, const struct tb_event *event, char *why, size_t why_size);

/* The board as `GET /board/tasks?view=summary` should answer it, in the arena. */
struct tb_str replay_list(const struct replay *replay, struct tb_arena *arena);

/* Checks what must hold between the tasks: blockedBy and ready as their definition has them, no
 * cycle, one task that is not done a uniqueKey, counters. `handled_ms` is the time up to which all
 * delays that are over were handled. False, with a sentence. */
bool replay_holds(const struct replay *replay, const struct tb_head *head, int64_t handled_ms,
                  char *why, size_t why_size);

const struct replay_task *replay_find(const struct replay *replay, struct tb_id id);

#endif
