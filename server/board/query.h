/* From a query string to what is asked for: lists of tasks, lists of events. Pure functions. */
#ifndef TB_BOARD_QUERY_H
#define TB_BOARD_QUERY_H

#include "board/parse.h"
#include "taskboard/limits.h"
#include "taskboard/storage.h"

/* One decoded parameter, in the order sent. Both are texts. */
struct tb_param {
    struct tb_str name;
    struct tb_str value;
};

struct tb_params {
    struct tb_param items[TB_QUERY_TERMS_MAX];
    size_t count;
};

/* Splits and percent-decodes a query string (bytes, without the `?`; absent: none). False with a
 * refusal when it is too long, has too many parameters, a bad escape, NUL or invalid UTF-8. `+` is
 * a space. */
bool tb_params_parse(struct tb_parse *parse, struct tb_str query_string, struct tb_params *params);

/* A list of tasks as it was asked for. */
struct tb_list_request {
    struct tb_task_query query;
    bool nothing; /* conditions that no task can meet (an unknown status): answer the empty list */
    bool ready_only;   /* ready=true */
    bool unready_only; /* ready=false: `states` leaves out READY; what is paused counts as well */
    bool summary;      /* view=summary */
    bool has_fields;   /* fields=…: */
    bool fields[TB_FIELD_COUNT];
    uint32_t limit;     /* 1..TB_LIST_LIMIT_MAX */
    uint32_t max_bytes; /* 0: none */
};

bool tb_parse_list(struct tb_parse *parse, const struct tb_params *params,
                   struct tb_list_request *request);

/* The same for GET /board/review: tasks in review, latest update first, whatever `status` and
 * `order` say. */
bool tb_parse_review_list(struct tb_parse *parse, const struct tb_params *params,
                          struct tb_list_request *request);

/* The cursor of a position: text, in the arena. Carries the order, so that it cannot be used with
 * another. */
struct tb_str tb_cursor_format(struct tb_arena *arena, enum tb_order order,
                               struct tb_position position);

/* The other way; false for anything that tb_cursor_format did not make for that order. */
bool tb_cursor_parse(struct tb_str text, enum tb_order order, struct tb_position *position);

/* GET /board/ready: ready tasks in claim order. GET /board/tasks/:id/why takes `agent` and `vmId`
 * of it. */
struct tb_ready_request {
    struct tb_str agent;       /* text; absent: whomever they are assigned to */
    struct tb_str vm_id;       /* text; may be absent */
    const struct tb_str *tags; /* texts; all of them */
    size_t tag_count;
    uint32_t limit; /* 1..TB_LIST_LIMIT_MAX, default 100 */
};

bool tb_parse_ready(struct tb_parse *parse, const struct tb_params *params,
                    struct tb_ready_request *request);

/* `wait` of a list, the summary: seconds 0 to TB_WAIT_SECONDS_MAX, in ms; 0 when it is not there.
 * The parsers of lists look at it, too, but only whether it is right. */
bool tb_parse_wait(struct tb_parse *parse, const struct tb_params *params, int64_t *wait_ms);

/* GET /registry/vms and /registry/discover/:role. */
struct tb_vms_request {
    bool nothing; /* an unknown role or status was asked for */
    int role;     /* tb_vm_role; -1: any */
    int status;   /* tb_vm_status; -1: any. RUNNING leaves stale ones out */
    struct tb_str services[TB_QUERY_TERMS_MAX]; /* text: names of services, all of which it has */
    size_t service_count;
    bool discover; /* running, not stale, earliest registration first; else latest first */
};

bool tb_parse_vms(struct tb_parse *parse, const struct tb_params *params,
                  struct tb_vms_request *request);

/* `role` (text) is of the path. */
bool tb_parse_discover(struct tb_parse *parse, const struct tb_params *params, struct tb_str role,
                       struct tb_vms_request *request);

/* GET /feed/events: the last `limit` that fit, oldest first. */
struct tb_feed_request {
    struct tb_str agent; /* text; absent: any */
    int type;            /* tb_event_type; -1: any; of no such type: nothing is set */
    bool nothing;
    struct tb_id since_id; /* all zero: none; exclusive */
    int64_t since_ms;      /* 0: none; exclusive */
    uint32_t limit;        /* 1..TB_FEED_EVENTS_MAX */
};

bool tb_parse_feed(struct tb_parse *parse, const struct tb_params *params,
                   struct tb_feed_request *request);

struct tb_events_request {
    uint64_t since; /* exclusive */
    uint32_t limit;
    struct tb_id task_id; /* all zero: any */
    /* all of them must fit; texts */
    const struct tb_str *topics;
    size_t topic_count;
    const struct tb_str *types;
    size_t type_count;
    const struct tb_str *agents;
    size_t agent_count;
    const struct tb_str *tags;
    size_t tag_count;
    bool nothing; /* two different taskIds */
};

/* Does it fit topics, types, agents and tags, and the task? */
bool tb_events_request_fits(const struct tb_events_request *request, const struct tb_event *event);

bool tb_parse_events(struct tb_parse *parse, const struct tb_params *params,
                     struct tb_events_request *request);

#endif
