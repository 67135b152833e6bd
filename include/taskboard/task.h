/* What the board keeps: tasks, notes, artifacts, events. The whole data model in one sitting.
 *
 * Strings are borrowed (see base/str.h for the kinds text and json); who lends them is said where a
 * struct is handed out. An absent string is one with ptr == NULL. */
#ifndef TASKBOARD_TASK_H
#define TASKBOARD_TASK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/ulid.h"

enum tb_status {
    TB_STATUS_OPEN,
    TB_STATUS_IN_PROGRESS,
    TB_STATUS_IN_REVIEW,
    TB_STATUS_BLOCKED,
    TB_STATUS_DONE,
    TB_STATUS_COUNT,
};

/* Only a done task has an outcome. */
enum tb_outcome {
    TB_OUTCOME_NONE,
    TB_OUTCOME_SUCCESS,
    TB_OUTCOME_FAILED,
    TB_OUTCOME_CANCELLED,
    TB_OUTCOME_COUNT,
};

/* Status with `open` split in two: what counters count and what indexes are sorted by. */
enum tb_state {
    TB_STATE_READY,   /* open, nothing missing */
    TB_STATE_WAITING, /* open, but a dependency is unmet or its time has not come */
    TB_STATE_IN_PROGRESS,
    TB_STATE_IN_REVIEW,
    TB_STATE_BLOCKED,
    TB_STATE_DONE,
    TB_STATE_COUNT,
};

/* The wire fields of a task in the order in which they stand in an answer. */
enum tb_field {
    TB_FIELD_ID,
    TB_FIELD_TITLE,
    TB_FIELD_STATUS,
    TB_FIELD_OUTCOME,
    TB_FIELD_ASSIGNEE,
    TB_FIELD_TAGS,
    TB_FIELD_DEPENDENCIES,
    TB_FIELD_CREATED_BY,
    TB_FIELD_CREATED_AT,
    TB_FIELD_UPDATED_AT,
    TB_FIELD_SCORE,
    TB_FIELD_VERSION,
    TB_FIELD_PRIORITY,
    TB_FIELD_NOT_BEFORE,
    TB_FIELD_ATTEMPTS,
    TB_FIELD_MAX_ATTEMPTS,
    TB_FIELD_CLAIM,
    TB_FIELD_PROGRESS,
    TB_FIELD_UNIQUE_KEY,
    TB_FIELD_PARENT_ID,
    TB_FIELD_BLOCKED_REASON,
    TB_FIELD_BLOCKED_BY,
    TB_FIELD_READY, /* everything up to here is the summary view */
    TB_FIELD_DESCRIPTION,
    TB_FIELD_PAYLOAD,
    TB_FIELD_RESULT,
    TB_FIELD_NOTES,
    TB_FIELD_ARTIFACTS,
    TB_FIELD_COUNT,
};

/* Members of tb_task that are strings, as indices of `strings`. */
#define TB_TASK_STRING_COUNT 15

/* Who works on a task, and until when. The holder is the task's assignee. */
struct tb_claim {
    uint64_t generation; /* rises with every claim on the board; 0: nobody has claimed the task */
    uint32_t attempt;    /* the nth claim of the task's life */
    int64_t claimed_ms;
    int64_t expires_ms;
    int64_t lease_ms; /* its length: what a heartbeat that names none, and a restart, give again */
};

/* A task as it is stored. Times are milliseconds since 1970; 0 means absent. */
struct tb_task {
    struct tb_id id;
    uint64_t version; /* 1, +1 on every change */
    int64_t created_ms;
    int64_t updated_ms;    /* last change by somebody; becoming ready does not count */
    int64_t not_before_ms; /* not claimable earlier; 0: no such time */
    int64_t due_ms;    /* when the timer has to look at the task: its not_before_ms while it waits
                        * for nothing else, or an instant not after the end of its claim's lease;
                        * 0: never */
    int64_t ready_ms;  /* since when it has been ready; 0: it is not */
    int64_t rank_ms;   /* place in the claim order: created_ms - (priority + score) * aging */
    int64_t score;     /* +1 for each bump */
    int32_t priority;  /* -100..100 */
    uint32_t attempts; /* counted claims since creation or retry */
    uint32_t claims;   /* all claims of its life: the number of the latest attempt */
    uint32_t max_attempts; /* 0: without limit */
    uint32_t note_count;
    uint32_t
        artifact_count;   /* also the number of the next artifact: they are never removed singly */
    uint64_t notes_bytes; /* wire bytes of all notes */
    struct tb_id parent_id; /* all zero: none */
    struct tb_claim claim;
    int64_t progress_told_ms; /* when the log was last told of progress; 0: not in this claim */
    enum tb_status status;
    enum tb_outcome outcome; /* NONE unless status is DONE */
    bool ready;              /* only when status is OPEN */

    union {
        struct {
            struct tb_str title;          /* text, never absent */
            struct tb_str assignee;       /* text */
            struct tb_str tags;           /* json array of strings, never absent */
            struct tb_str dependencies;   /* json array of strings, never absent */
            struct tb_str created_by;     /* text, never absent */
            struct tb_str unique_key;     /* text */
            struct tb_str blocked_reason; /* json object */
            struct tb_str
                blocked_by; /* json array of strings, never absent: the unmet dependencies */
            struct tb_str description;  /* text */
            struct tb_str payload;      /* json */
            struct tb_str result;       /* json */
            struct tb_str claim_vm;     /* text: the VM that the claim lives with */
            struct tb_str cancel;       /* json object: who asked to cancel the claim */
            struct tb_str progress;     /* json object: what the holder's last heartbeat said */
            struct tb_str reserved_for; /* text: the assignee before the latest claim, who is
                                         * assignee again when the task is open again; not shown */
        };
        struct tb_str strings[TB_TASK_STRING_COUNT];
    };

    /* The task's wire JSON, made by tb_task_render(); all the strings above then point into it.
     *   wire = {"id":…, … ,"blockedBy":[…]  |  ,"description":…,"payload":…,"result":…  |  …
     *          \____ the summary view ____/    \________ the heavy rest ___________/    hidden
     *          \______ summary_len _______/                                       /
     *          \___________________________ view_len _____________________________/
     * `,"ready":…` goes between the first two parts and notes, artifacts and the closing brace
     * behind them when an answer is put together. What is hidden is stored and never shown. Whoever
     * changes a field sets wire.ptr = NULL or renders again. */
    struct tb_str wire;
    uint32_t summary_len;
    uint32_t view_len;
};

enum tb_attempt_outcome {
    TB_ATTEMPT_RUNNING,
    TB_ATTEMPT_COMPLETED,
    TB_ATTEMPT_FAILED,
    TB_ATTEMPT_RELEASED,
    TB_ATTEMPT_EXPIRED,
    TB_ATTEMPT_CANCELLED,
    TB_ATTEMPT_TAKEN_OVER,
    TB_ATTEMPT_VM_LOST,
    TB_ATTEMPT_OUTCOME_COUNT,
};

/* The request that ended an attempt: repeated with the same token it gets the same answer. */
enum tb_attempt_end {
    TB_ATTEMPT_END_NONE, /* none of these did: the lease ran out, somebody took over */
    TB_ATTEMPT_END_COMPLETE,
    TB_ATTEMPT_END_FAIL,
    TB_ATTEMPT_END_RELEASE,
};

/* Members of tb_attempt that are strings, as indices of `strings`. */
#define TB_ATTEMPT_STRING_COUNT 5

/* One claim of a task and how it ended. Stored when it ends: a running one is in the task. */
struct tb_attempt {
    uint32_t number; /* from 1 on, per task */
    uint64_t generation;
    int64_t claimed_ms;
    int64_t ended_ms; /* 0: running */
    enum tb_attempt_outcome outcome;
    enum tb_attempt_end ended_by;
    bool late; /* its result came when the claim had ended already */
    union {
        struct {
            struct tb_str agent;    /* text, never absent */
            struct tb_str vm_id;    /* text */
            struct tb_str error;    /* text */
            struct tb_str result;   /* json */
            struct tb_str progress; /* json object */
        };
        struct tb_str strings[TB_ATTEMPT_STRING_COUNT];
    };
    struct tb_str wire; /* its JSON, made by tb_attempt_render(); the strings then point into it */
};

enum tb_note_type {
    TB_NOTE_FINDING,
    TB_NOTE_BLOCKER,
    TB_NOTE_QUESTION,
    TB_NOTE_UPDATE,
    TB_NOTE_TYPE_COUNT
};

struct tb_note {
    struct tb_id id;
    int64_t created_ms;
    enum tb_note_type type;
    struct tb_str author;  /* text */
    struct tb_str content; /* text */
};

enum tb_artifact_type {
    TB_ARTIFACT_BRANCH,
    TB_ARTIFACT_REPORT,
    TB_ARTIFACT_DEPLOY,
    TB_ARTIFACT_DIFF,
    TB_ARTIFACT_FILE,
    TB_ARTIFACT_URL,
    TB_ARTIFACT_TYPE_COUNT,
};

struct tb_artifact {
    int64_t added_ms;
    enum tb_artifact_type type;
    struct tb_str url;      /* text */
    struct tb_str label;    /* text */
    struct tb_str added_by; /* text, may be absent */
};

/* X(name, wire type, topic) */
#define TB_EVENT_TABLE(X)                                                                          \
    X(TB_EVENT_CREATED, "task.created", "board")                                                   \
    X(TB_EVENT_UPDATED, "task.updated", "board")                                                   \
    X(TB_EVENT_READY, "task.ready", "board")                                                       \
    X(TB_EVENT_COMPLETED, "task.completed", "board")                                               \
    X(TB_EVENT_FAILED, "task.failed", "board")                                                     \
    X(TB_EVENT_CANCELLED, "task.cancelled", "board")                                               \
    X(TB_EVENT_REVIEWED, "task.reviewed", "board")                                                 \
    X(TB_EVENT_APPROVED, "task.approved", "board")                                                 \
    X(TB_EVENT_REJECTED, "task.rejected", "board")                                                 \
    X(TB_EVENT_DELETED, "task.deleted", "board")                                                   \
    X(TB_EVENT_NOTED, "task.noted", "board")                                                       \
    X(TB_EVENT_ARTIFACTS, "task.artifacts", "board")                                               \
    X(TB_EVENT_BUMPED, "task.bumped", "board")                                                     \
    X(TB_EVENT_CLAIMED, "task.claimed", "board")                                                   \
    X(TB_EVENT_PROGRESS, "task.progress", "board")                                                 \
    X(TB_EVENT_RELEASED, "task.released", "board")                                                 \
    X(TB_EVENT_EXPIRED, "task.expired", "board")                                                   \
    X(TB_EVENT_DEAD, "task.dead", "board")                                                         \
    X(TB_EVENT_CANCEL_REQUESTED, "task.cancel_requested", "board")                                 \
    X(TB_EVENT_RETRIED, "task.retried", "board")                                                   \
    X(TB_EVENT_LATE, "task.late", "board")                                                         \
    X(TB_EVENT_PAUSED, "board.paused", "board")                                                    \
    X(TB_EVENT_RESUMED, "board.resumed", "board")                                                  \
    X(TB_EVENT_VM_REGISTERED, "vm.registered", "registry")                                         \
    X(TB_EVENT_VM_UPDATED, "vm.updated", "registry")                                               \
    X(TB_EVENT_VM_STALE, "vm.stale", "registry")                                                   \
    X(TB_EVENT_VM_BACK, "vm.back", "registry")                                                     \
    X(TB_EVENT_VM_DEREGISTERED, "vm.deregistered", "registry")                                     \
    X(TB_EVENT_EXPIRY_HELD, "registry.expiry_held", "registry")                                    \
    X(TB_EVENT_FEED_TASK_STARTED, "feed.task_started", "feed")                                     \
    X(TB_EVENT_FEED_TASK_COMPLETED, "feed.task_completed", "feed")                                 \
    X(TB_EVENT_FEED_TASK_FAILED, "feed.task_failed", "feed")                                       \
    X(TB_EVENT_FEED_BLOCKER_FOUND, "feed.blocker_found", "feed")                                   \
    X(TB_EVENT_FEED_QUESTION, "feed.question", "feed")                                             \
    X(TB_EVENT_FEED_FINDING, "feed.finding", "feed")                                               \
    X(TB_EVENT_FEED_SKILL_PROPOSED, "feed.skill_proposed", "feed")                                 \
    X(TB_EVENT_FEED_FILE_CHANGED, "feed.file_changed", "feed")                                     \
    X(TB_EVENT_FEED_COST_UPDATE, "feed.cost_update", "feed")                                       \
    X(TB_EVENT_FEED_AGENT_STARTED, "feed.agent_started", "feed")                                   \
    X(TB_EVENT_FEED_AGENT_STOPPED, "feed.agent_stopped", "feed")                                   \
    X(TB_EVENT_FEED_TOKEN_UPDATE, "feed.token_update", "feed")                                     \
    X(TB_EVENT_FEED_CUSTOM, "feed.custom", "feed")                                                 \
    X(TB_EVENT_FEED_CLEARED, "feed.cleared", "feed")                                               \
    X(TB_EVENT_TOKEN_CREATED, "auth.token_created", "auth")                                        \
    X(TB_EVENT_TOKEN_REVOKED, "auth.token_revoked", "auth")                                        \
    X(TB_EVENT_TOKEN_EXPIRED, "auth.token_expired", "auth")                                        \
    X(TB_EVENT_LINK_CREATED, "auth.link_created", "auth")                                          \
    X(TB_EVENT_SESSION_STARTED, "auth.session_started", "auth")                                    \
    X(TB_EVENT_SESSION_ENDED, "auth.session_ended", "auth")                                        \
    X(TB_EVENT_IMPORTED, "task.imported", "board")                                                 \
    X(TB_EVENT_VM_IMPORTED, "vm.imported", "registry")

#define TB_EVENT_ENUM(name, type, topic) name,
enum tb_event_type { TB_EVENT_TABLE(TB_EVENT_ENUM) TB_EVENT_TYPE_COUNT };
#undef TB_EVENT_ENUM

/* What agents publish to the feed: FEED_TASK_STARTED to FEED_CUSTOM, in the order of their names in
 * an error's sentence. */
#define TB_EVENT_FEED_FIRST TB_EVENT_FEED_TASK_STARTED
#define TB_EVENT_FEED_LAST  TB_EVENT_FEED_CUSTOM

static inline bool tb_event_is_of_feed(enum tb_event_type type)
{
    return type >= TB_EVENT_FEED_FIRST && type <= TB_EVENT_FEED_LAST;
}

/* One entry of the log. seq has no gaps and starts at 1. */
struct tb_event {
    uint64_t seq;
    struct tb_id id;
    int64_t at_ms;
    enum tb_event_type type;
    struct tb_id task_id; /* all zero: about no task */
    /* wire is the whole event as JSON; the others are parts of it and may be absent */
    struct tb_str wire;
    struct tb_str actor; /* text; of a feed event its agent */
    struct tb_str token; /* text: the id of the token that was used. Read from no record: it stands
                          * in the wire only */
    struct tb_str tags;  /* json array of strings: those of the task after the change */
    struct tb_str vm_id; /* text: the VM that it is about */
    struct tb_str data;  /* json object */
};

/* What is counted for the rates of the summary. */
enum tb_rate {
    TB_RATE_CREATED,
    TB_RATE_CLAIMED,
    TB_RATE_COMPLETED,
    TB_RATE_FAILED,
    TB_RATE_COUNT,
};

#define TB_RATE_FINE_MS      5000
#define TB_RATE_FINE_SLOTS   60 /* five minutes */
#define TB_RATE_COARSE_MS    120000
#define TB_RATE_COARSE_SLOTS 30 /* an hour */

/* How often something happened lately: two rings of slots. A slot's number is its instant divided
 * by its length; the ring holds the slots up to `at`, those in between not written to are zero. */
struct tb_rates {
    int64_t fine_at; /* number of the latest slot */
    int64_t coarse_at;
    uint32_t fine[TB_RATE_FINE_SLOTS][TB_RATE_COUNT];
    uint32_t coarse[TB_RATE_COARSE_SLOTS][TB_RATE_COUNT];
};

#define TB_CLAIM_KEY_BYTES 32
#define TB_DIGEST_BYTES    16 /* of an idempotency key, of a request */

/* What the board knows of itself; one record, written with every batch. */
struct tb_head {
    uint64_t seq;        /* of the last event; 0: none yet */
    uint64_t oldest_seq; /* of the oldest event kept; seq + 1 when none is */
    int64_t last_ms;     /* the latest instant stored: time never goes behind it */
    struct tb_id last_id;
    uint64_t store_id; /* random, made with the store: tells boards with the same seq apart */
    int64_t aging_ms;  /* that the stored ranks were made with */
    uint64_t task_counts[TB_STATE_COUNT];
    uint64_t scheduled;    /* of the WAITING: those that wait for nothing but their notBefore */
    uint64_t claimed;      /* of the IN_PROGRESS: those that a claim holds */
    uint64_t dead_letters; /* of the BLOCKED */
    uint64_t generation;   /* of the latest claim */
    uint64_t pauses;       /* how many are in force: the board as a whole and single tags */
    uint64_t answers;      /* kept for idempotency keys */
    uint64_t answer_bytes; /* of their bodies */
    uint64_t changes;      /* counts what may change an answer to a reader: every task that is
                            * stored or deleted, every pause */
    uint64_t state_changes[TB_STATE_COUNT]; /* `changes` when a task last was, came to be or ceased
                                             * to be in that state */
    uint64_t running_vms;                   /* and not stale */
    uint64_t vms;                           /* registered */
    uint64_t vm_changes; /* `changes` when a VM was last registered, stored or removed; a sign of
                          * life is none */
    uint64_t feed_cleared_seq;             /* the feed begins behind it */
    uint64_t credential_changes;           /* counts credentials made and deleted */
    uint64_t pause_changes;                /* `changes` when something was last paused or resumed */
    uint8_t claim_key[TB_CLAIM_KEY_BYTES]; /* secret, made with the store: claim tokens */
    struct tb_rates rates;
};

/* --- names on the wire (static strings, texts); parse functions answer false for an unknown name
 * --- */

const char *tb_status_name(enum tb_status status);
bool tb_status_parse(struct tb_str text, enum tb_status *out);
const char *tb_outcome_name(enum tb_outcome outcome); /* not for NONE */
bool tb_outcome_parse(struct tb_str text, enum tb_outcome *out);
const char *tb_note_type_name(enum tb_note_type type);
bool tb_note_type_parse(struct tb_str text, enum tb_note_type *out);
const char *tb_artifact_type_name(enum tb_artifact_type type);
bool tb_artifact_type_parse(struct tb_str text, enum tb_artifact_type *out);
const char *tb_attempt_outcome_name(enum tb_attempt_outcome outcome);
bool tb_attempt_outcome_parse(struct tb_str text, enum tb_attempt_outcome *out);
const char *tb_event_type_name(enum tb_event_type type);
const char *tb_event_topic(enum tb_event_type type);
const char *tb_field_name(enum tb_field field);
bool tb_field_parse(struct tb_str text, enum tb_field *out);

/* --- the state that a task is in --- */

enum tb_state tb_task_state(const struct tb_task *task);
enum tb_status tb_state_status(enum tb_state state);

/* created_ms - (priority + score) * aging_ms, held at the ends of the range. */
int64_t tb_task_rank(const struct tb_task *task, int64_t aging_ms);

/* --- wire JSON --- */

/* Renders `task->wire` and `task->summary_len` into `arena` and points the strings into it. */
void tb_task_render(struct tb_task *task, struct tb_arena *arena);

/* Adds the summary view, braces included. The task must be rendered. */
void tb_task_write_summary(const struct tb_task *task, struct tb_buf *out);

/* Adds the full view up to, not including, `,"notes":[`: the caller adds notes, artifacts and the
 * brace. */
void tb_task_write_open(const struct tb_task *task, struct tb_buf *out);

/* Adds `"name":value` of one field; false, and nothing added, when the task does not have it. Not
 * for NOTES and ARTIFACTS, which are records of their own. */
bool tb_task_write_field(const struct tb_task *task, enum tb_field field, struct tb_buf *out);

void tb_note_write(const struct tb_note *note, struct tb_buf *out);
void tb_artifact_write(const struct tb_artifact *artifact, struct tb_buf *out);

/* Renders attempt->wire into `arena` and points the strings into it. */
void tb_attempt_render(struct tb_attempt *attempt, struct tb_arena *arena);

/* The attempt that holds the task now; the task must be claimed. Its strings are the task's; not
 * rendered. */
struct tb_attempt tb_attempt_running(const struct tb_task *task);

/* Adds one to what happened at `now_ms`. */
void tb_rates_count(struct tb_rates *rates, enum tb_rate rate, int64_t now_ms);

/* How often it happened in the last `window_ms`, of up to five minutes exact to TB_RATE_FINE_MS, of
 * up to an hour to TB_RATE_COARSE_MS. */
uint64_t tb_rates_within(const struct tb_rates *rates, enum tb_rate rate, int64_t window_ms,
                         int64_t now_ms);

/* Renders event->wire into `arena` and points actor, tags, vm_id and data into it. Without a task
 * the tags given go into data. `task` (rendered) becomes data.task when it is given; `extra` is
 * what else goes into data, as members each with a comma in front (`,"note":{…}`), or absent. */
void tb_event_render(struct tb_event *event, const struct tb_task *task, struct tb_str extra,
                     struct tb_arena *arena);

/* Does a claim hold the task; is it a dead letter; does it wait for its notBefore only? */
static inline bool tb_task_is_claimed(const struct tb_task *task)
{
    return task->claim.generation != 0;
}
bool tb_task_is_dead_letter(const struct tb_task *task);
bool tb_task_is_scheduled(const struct tb_task *task);

/* True when the json array of strings holds that text. */
bool tb_strings_contain(struct tb_str json_array, struct tb_str text);

#endif
