/* What the event log says the board looks like: built from the log alone, by a reader that knows
 * the wire format and none of the code that wrote it. Each event is checked against the one before
 * it. */
#ifndef TB_TESTS_SCENARIO_REPLAY_H
#define TB_TESTS_SCENARIO_REPLAY_H

#include "fixture/fixture.h"

#define REPLAY_TASKS_MAX        256
#define REPLAY_DEPENDENCIES_MAX 8
#define REPLAY_PAUSES_MAX       8

struct replay_task {
    struct tb_id id;
    char id_text[TB_ULID_LEN];
    struct tb_str summary; /* data.task of its last event; malloced */
    uint64_t version;
    int64_t created_ms;
    int64_t updated_ms;
    int64_t not_before_ms;
    int64_t points; /* priority and score */
    enum tb_status status;
    struct tb_str outcome; /* slice of summary, or absent */
    bool success;          /* done with outcome success */
    bool ready;
    bool dead_letter;
    struct tb_str dependencies[REPLAY_DEPENDENCIES_MAX]; /* slices of summary */
    size_t dependency_count;
    struct tb_str tags;       /* slice of summary */
    struct tb_str assignee;   /* slice of summary, or absent */
    struct tb_str blocked_by; /* slice of summary */
    struct tb_str unique_key; /* slice of summary, or absent */
    unsigned notes;
    unsigned artifacts;

    uint32_t attempts;
    uint32_t max_attempts;
    uint64_t generation; /* of the claim that holds it; 0: none does */
    uint32_t attempt;
    bool cancel_requested;
    uint32_t claims;   /* the number of its latest attempt */
    bool was_reserved; /* what its assignee was before the latest claim */
    char reserved_for[32];
    size_t reserved_len;
};

struct replay {
    struct replay_task tasks[REPLAY_TASKS_MAX]; /* by id, oldest first */
    size_t count;
    uint64_t seq; /* of the last event */
    int64_t last_ms;
    struct tb_id last_event_id;
    struct tb_id floor_id; /* set by the caller: ids of new tasks lie above */
    uint64_t generation;   /* of the last claim */
    bool paused;           /* the board as a whole */
    char paused_tags[REPLAY_PAUSES_MAX][16];
    size_t paused_tag_count;
};

void replay_fini(struct replay *replay);

/* A copy that shares nothing. `to` must be empty. */
void replay_copy(struct replay *to, const struct replay *from);

/* Applies one event. False, with a sentence in `why`, when it does not fit behind the others. */
bool replay_apply(struct replay *replay, const struct tb_event *event, char *why, size_t why_size);

/* May the task not be handed out, whoever asks? */
bool replay_is_paused(const struct replay *replay, const struct replay_task *task);

/* A summary as every reader must see it, whatever heartbeats came in between: without progress, and
 * without the end of its lease. `shown_ready` is what is put for `ready`. */
struct tb_str replay_lasting(struct tb_arena *arena, struct tb_str summary, bool shown_ready);

/* Checks what must hold between the tasks: blockedBy and ready as their definition has them, no
 * cycle, one task that is not done a uniqueKey, counters. `handled_ms` is the time up to which all
 * delays that are over were handled. False, with a sentence. */
bool replay_holds(const struct replay *replay, const struct tb_head *head, int64_t handled_ms,
                  char *why, size_t why_size);

const struct replay_task *replay_find(const struct replay *replay, struct tb_id id);

#endif
