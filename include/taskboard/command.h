/* What clients ask the board to change, and what it answers.
 *
 * A command is checked for everything that needs no stored state when it is parsed
 * (server/board/parse.h), and for the rest by its rule in the committer. Strings belong to the
 * job's arena. */
#ifndef TASKBOARD_COMMAND_H
#define TASKBOARD_COMMAND_H

#include "taskboard/credential.h"
#include "taskboard/err.h"
#include "taskboard/task.h"
#include "taskboard/vm.h"

enum tb_command_kind {
    TB_COMMAND_CREATE,
    TB_COMMAND_PATCH,
    TB_COMMAND_DELETE,
    TB_COMMAND_NOTE,
    TB_COMMAND_ARTIFACTS,
    TB_COMMAND_BUMP,
    TB_COMMAND_REVIEW,
    TB_COMMAND_APPROVE,
    TB_COMMAND_REJECT,
    TB_COMMAND_CLAIM,      /* the next ready tasks */
    TB_COMMAND_CLAIM_TASK, /* this one */
    TB_COMMAND_HEARTBEAT,
    TB_COMMAND_COMPLETE,
    TB_COMMAND_FAIL,
    TB_COMMAND_RELEASE,
    TB_COMMAND_CANCEL,
    TB_COMMAND_RETRY,
    TB_COMMAND_RETRY_MANY,
    TB_COMMAND_ACCEPT,
    TB_COMMAND_PAUSE,
    TB_COMMAND_RESUME,
    TB_COMMAND_VM_REGISTER,
    TB_COMMAND_VM_PUT, /* registers or replaces */
    TB_COMMAND_VM_PATCH,
    TB_COMMAND_VM_DELETE,
    TB_COMMAND_VM_HEARTBEAT,
    TB_COMMAND_FEED_PUBLISH,
    TB_COMMAND_FEED_CLEAR,
    TB_COMMAND_TOKEN_CREATE,
    TB_COMMAND_TOKEN_DELETE, /* revokes it, with all that comes from it */
    TB_COMMAND_LINK_CREATE,
    TB_COMMAND_SESSION_START,
    TB_COMMAND_SESSION_END,
    TB_COMMAND_IMPORT,
    TB_COMMAND_KIND_COUNT,
};

/* RFC 9110, 13.1.1. Only strong tags of the form "<version>" can match a task. */
struct tb_if_match {
    bool present;
    bool any; /* If-Match: * */
    const uint64_t *versions;
    size_t version_count;
};

/* The fields of a task that a client may give. In a create an absent one takes its default. */
struct tb_task_fields {
    struct tb_str title;        /* text */
    struct tb_str description;  /* text */
    struct tb_str assignee;     /* text */
    struct tb_str tags;         /* json array of strings */
    struct tb_str dependencies; /* json array of strings; in a create also "#ref" */
    struct tb_str payload;      /* json */
    enum tb_status status;
    enum tb_outcome outcome; /* NONE: not given */
    int32_t priority;
    uint32_t max_attempts; /* UINT32_MAX: the board's default */
    int64_t not_before_ms; /* 0: none */
};

struct tb_create_item {
    struct tb_task_fields fields;
    struct tb_str created_by; /* text */
    struct tb_str unique_key; /* text */
    struct tb_str parent;     /* text: an id; absent also when parent_item says it */
    int32_t parent_item;      /* index of the item that is the parent ("#ref"); -1: none */
    const int32_t
        *dependency_items; /* for each dependency the index of the item that it names ("#ref"),
                            * -1 for an id; NULL: there are only ids. Free of cycles */
    struct tb_str ref;     /* text, without the #; only in an array */
    int64_t delay_ms;      /* -1: not given; then not_before_ms counts from the batch's instant */
};

struct tb_create_command {
    const struct tb_create_item *items;
    size_t item_count;
    bool array; /* answered {tasks,count}; errors name the index */
};

enum tb_patch_field {
    TB_PATCH_TITLE = 1 << 0,
    TB_PATCH_DESCRIPTION = 1 << 1,
    TB_PATCH_STATUS = 1 << 2,
    TB_PATCH_ASSIGNEE = 1 << 3,
    TB_PATCH_TAGS = 1 << 4,
    TB_PATCH_DEPENDENCIES = 1 << 5,
    TB_PATCH_PRIORITY = 1 << 6,
    TB_PATCH_PAYLOAD = 1 << 7,
    TB_PATCH_NOT_BEFORE = 1 << 8,
    TB_PATCH_MAX_ATTEMPTS = 1 << 9,
    TB_PATCH_OUTCOME = 1 << 10,
};

struct tb_patch_command {
    unsigned set; /* of tb_patch_field; a field that is set but absent in `fields` is cleared */
    struct tb_task_fields fields;
};

struct tb_note_command {
    struct tb_str author;
    struct tb_str content;
    enum tb_note_type type;
};

struct tb_artifacts_command {
    const struct tb_artifact *items; /* added_ms is set by the rule */
    size_t item_count;
};

/* review, approve and reject: a verdict on a task by somebody. */
struct tb_verdict_command {
    struct tb_str by;                      /* text; "unknown" when the client named nobody */
    struct tb_str text;                    /* text: summary, comment (may be empty) or reason */
    struct tb_artifacts_command artifacts; /* review only */
};

struct tb_claim_command {
    struct tb_str agent;       /* text */
    struct tb_str vm_id;       /* text; may be absent */
    const struct tb_str *tags; /* texts: all of them */
    size_t tag_count;
    const struct tb_str *any_tags; /* texts: at least one of them; none given: no condition */
    size_t any_tag_count;
    uint32_t max; /* 1..TB_CLAIM_TASKS_MAX */
    int64_t lease_ms;
    int64_t wait_ms; /* how long to wait for a task; 0: not at all. The service's */
};

struct tb_heartbeat_command {
    struct tb_str claim_token; /* text */
    int64_t lease_ms;          /* 0: as long as before */
    bool has_progress;
    int32_t percent;       /* 0..100; -1: not given */
    struct tb_str message; /* text; may be absent */
};

/* complete, fail and release: the holder gives the task back. */
struct tb_finish_command {
    struct tb_str claim_token;             /* text */
    struct tb_str result;                  /* complete: json; may be absent */
    struct tb_str summary;                 /* complete: text; may be absent */
    struct tb_artifacts_command artifacts; /* complete */
    bool review;                           /* complete: in_review, not done */
    struct tb_str error;                   /* fail: text */
    bool retryable;                        /* fail */
    int64_t delay_ms;                      /* fail: -1: the usual backoff */
    struct tb_str reason;                  /* release: text; may be absent */
    bool has_next;
    struct tb_claim_command next; /* claimed in the same transaction; wait_ms is 0 */
};

/* cancel, retry, accept, pause, resume */
struct tb_steer_command {
    struct tb_str by;     /* text; may be absent */
    struct tb_str reason; /* cancel, pause: text; may be absent */
    bool force;           /* cancel, accept: also when the task is claimed */
    uint32_t attempt;     /* accept: its number */
    struct tb_str tag;    /* pause, resume: text; absent: the board as a whole */
};

/* Which tasks POST /board/retry opens again, oldest first. Conditions that are absent hold. */
struct tb_retry_many_command {
    struct tb_str by;        /* text; may be absent */
    enum tb_outcome outcome; /* FAILED, CANCELLED: done tasks with it; NONE: dead letters */
    struct tb_str tag;
    struct tb_str assignee;
    struct tb_str created_by;
    struct tb_id parent_id; /* all zero: any */
    uint32_t max;           /* 1..TB_RETRY_TASKS_MAX */
};

enum tb_vm_field {
    TB_VM_NAME = 1 << 0,
    TB_VM_ROLE = 1 << 1,
    TB_VM_STATUS = 1 << 2,
    TB_VM_ADDRESS = 1 << 3,
    TB_VM_SERVICES = 1 << 4,
    TB_VM_METADATA = 1 << 5,
    TB_VM_TTL = 1 << 6,
};

/* register, put, patch: what the client gave. Strings as in tb_vm; the VM's id is the command's. */
struct tb_vm_command {
    unsigned set; /* of a patch: tb_vm_field */
    struct tb_str name;
    struct tb_str address;
    struct tb_str services;      /* absent: none */
    struct tb_str metadata;      /* absent: none */
    struct tb_str registered_by; /* absent: the actor, else `unknown` */
    enum tb_vm_role role;
    enum tb_vm_status status;
    int64_t ttl_ms;
};

struct tb_feed_command {
    enum tb_event_type type; /* one of the feed's */
    struct tb_str agent;     /* text; these three exactly as sent */
    struct tb_str summary;   /* text */
    struct tb_str detail;    /* text; may be absent */
    struct tb_str metadata;  /* json; may be absent */
};

struct tb_credential_command {
    struct tb_id id; /* TOKEN_DELETE: of the token; SESSION_END: of the session; SESSION_START: of
                      * the link that is used up; all zero: a token was shown */

    /* TOKEN_CREATE */
    struct tb_str name;  /* text */
    struct tb_str agent; /* text; may be absent */
    enum tb_role role;
    int64_t lifetime_ms; /* 0: for ever */

    /* LINK_CREATE, SESSION_START without a link: what it comes from */
    struct tb_id parent;
    bool from_environment; /* it is the admin token of the environment, the parent is its mark */
};

/* Who sends a command: what its token allows. All zero: nobody in particular, whom nothing is
 * refused. */
struct tb_speaker {
    enum tb_role role;
    struct tb_str agent;         /* text: whom alone it may speak as; absent: anybody */
    struct tb_str token;         /* text: its id, for the log; absent: the log says nothing */
    struct tb_id credential;     /* the record that says so; all zero: there is none */
    int64_t expires_ms;          /* of that; 0: never */
    uint64_t credential_changes; /* of the head that the record was last seen in */
};

enum tb_import_format {
    TB_IMPORT_NDJSON, /* what tb_export writes */
    TB_IMPORT_BOARD_JSON,
    TB_IMPORT_REGISTRY_JSON,
    TB_IMPORT_FEED_JSONL,
    TB_IMPORT_FORMAT_COUNT,
};

/* The only command that is not parsed beforehand: a file is read line by line, twice. */
struct tb_import_command {
    enum tb_import_format format;
    struct tb_str bytes;
};

/* Idempotency-Key: what a request is known by, and what it was. */
struct tb_idempotency {
    bool present;
    uint8_t key[TB_DIGEST_BYTES];         /* digest of the token's id and the key */
    uint8_t fingerprint[TB_DIGEST_BYTES]; /* digest of method, path, query and body */
    uint16_t share; /* of the token; 0: of nobody, whose answers have no limit of their own */
};

struct tb_command {
    enum tb_command_kind kind;
    struct tb_id task_id; /* of all kinds but CREATE, CLAIM, RETRY_MANY, PAUSE, RESUME, IMPORT */
    struct tb_str vm_id;  /* text: of the VM_ kinds */
    struct tb_if_match if_match; /* of those with a task */
    struct tb_idempotency idempotency;
    struct tb_str claim_token; /* text: header Claim-Token, for PATCH, DELETE, review, approve,
                                * reject; absent: not sent */
    bool force;                /* ?force=true of a coordinator, for the same */
    struct tb_str actor;       /* text: who to name in the log when the body names nobody: the
                                * token's agent, else its name */
    struct tb_speaker speaker;
    union {
        struct tb_create_command create;
        struct tb_patch_command patch;
        struct tb_note_command note;
        struct tb_artifacts_command artifacts;
        struct tb_verdict_command verdict;
        struct tb_claim_command claim;
        struct tb_heartbeat_command heartbeat;
        struct tb_finish_command finish;
        struct tb_steer_command steer;
        struct tb_retry_many_command retry_many;
        struct tb_vm_command vm;
        struct tb_feed_command feed;
        struct tb_credential_command credential;
        struct tb_import_command import;
    };
};

/* The answer to a command. Strings live in the arena that the rule was given. */
struct tb_reply {
    enum tb_err err;
    int http_status;       /* of a success: 200 or 201 */
    struct tb_str message; /* text: the sentence of an error; absent: its default */
    struct tb_str extra;  /* json members of an error body, each with a comma in front, or absent */
    struct tb_str body;   /* json: the answer of a success */
    uint64_t version;     /* of the task answered with, for the ETag; 0: none */
    uint64_t seq;         /* of the last event that the command wrote; 0: it changed nothing */
    bool found_nothing;   /* of a CLAIM: nothing is ready for it, it may wait */
    struct tb_str secret; /* text: what a new link or session is shown as; absent: there is none */
    int64_t expires_ms;   /* of that */
    bool replayed;        /* the answer that was given to this Idempotency-Key before */
};

#endif
