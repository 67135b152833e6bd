/* Every limit that a client can meet, in one place. Lengths are bytes of decoded UTF-8. */
#ifndef TASKBOARD_LIMITS_H
#define TASKBOARD_LIMITS_H

#include <stdint.h>

/* bodies */
#define TB_BODY_BYTES_MAX       (1024 * 1024)
#define TB_ARRAY_BODY_BYTES_MAX (16 * 1024 * 1024)
#define TB_JSON_DEPTH_MAX       16
#define TB_JSON_NODES_MAX       (512 * 1024)

/* one task */
#define TB_TITLE_BYTES_MAX       1024
#define TB_DESCRIPTION_BYTES_MAX (256 * 1024)
#define TB_NAME_BYTES_MAX        256
#define TB_TAGS_MAX              64
#define TB_TAG_BYTES_MAX         128
#define TB_DEPENDENCIES_MAX      256
#define TB_DEPENDENCY_BYTES_MAX  256
#define TB_PAYLOAD_BYTES_MAX     (256 * 1024)
#define TB_RESULT_BYTES_MAX      (256 * 1024)
#define TB_PRIORITY_MAX          100
#define TB_MAX_ATTEMPTS_MAX      1000
#define TB_SCORE_MAX             1000000000
#define TB_DELAY_SECONDS_MAX     31536000
#define TB_REF_BYTES_MAX         128
#define TB_INDEXED_WORDS_MAX     1000 /* different words of title and description that `q` finds */
#define TB_WORD_BYTES_MAX        64   /* a longer word is found by its first 64 bytes */
#define TB_DEPENDENTS_MAX        2000 /* tasks that wait for one task */
#define TB_DEPENDENCY_WALK_MAX   100000 /* dependencies looked at to rule out a cycle */

/* what hangs on a task */
#define TB_NOTE_BYTES_MAX        (64 * 1024)
#define TB_VERDICT_BYTES_MAX     (63 * 1024) /* comment, reason: with who says it before, a note */
#define TB_NOTES_MAX             10000
#define TB_NOTES_BYTES_MAX       (4 * 1024 * 1024) /* all notes of a task together */
#define TB_ARTIFACT_BYTES_MAX    4096              /* url, label: each */
#define TB_ARTIFACTS_MAX         1000
#define TB_ARTIFACTS_REQUEST_MAX 100

/* claims */
#define TB_CLAIM_TASKS_MAX 32 /* handed out by one claim */
/* An answer that has so many bytes gets no further task: what one request costs, and what is kept
 * under its Idempotency-Key, is bounded however large the tasks are. */
#define TB_CLAIM_ANSWER_BYTES_MAX (16 * 1024 * 1024)
#define TB_CLAIM_TAGS_MAX         TB_TAGS_MAX /* of `tags`, of `anyTags`: each */
#define TB_LEASE_SECONDS_MIN      10
#define TB_LEASE_SECONDS_MAX      86400
#define TB_LEASE_SECONDS_DEFAULT  300
#define TB_WAIT_SECONDS_MAX       60
#define TB_WAITING_CLAIMS_MAX     20000
#define TB_HELD_READS_MAX         20000 /* lists and summaries that wait for a change */
#define TB_CLAIM_TOKEN_BYTES_MAX  64
#define TB_ERROR_BYTES_MAX        (16 * 1024) /* what a failed attempt says */
#define TB_REASON_BYTES_MAX       4096        /* of a release, a cancel, a pause */
#define TB_PROGRESS_BYTES_MAX     1024        /* its message */
#define TB_PROGRESS_EVENT_MS      5000        /* at most one task.progress a task in that time */
#define TB_BACKOFF_MS_MIN         10000
#define TB_BACKOFF_MS_MAX         3600000
#define TB_ATTEMPTS_KEPT          100 /* of a task; older ones are forgotten */
#define TB_PAUSES_MAX             1000
#define TB_RETRY_TASKS_MAX        1000 /* by one POST /board/retry */
#define TB_SUMMARY_NAMES_MAX      100

/* registry */
#define TB_VMS_MAX            50000
#define TB_ADDRESS_BYTES_MAX  1024
#define TB_SERVICES_MAX       64
#define TB_SERVICES_BYTES_MAX (64 * 1024)
#define TB_METADATA_BYTES_MAX (64 * 1024)        /* of a VM, of a feed event */
#define TB_VMS_BYTES_MAX      (64 * 1024 * 1024) /* of a list of them */
#define TB_TTL_SECONDS_MIN    10
#define TB_TTL_SECONDS_MAX    86400
#define TB_TTL_MS_DEFAULT     300000
#define TB_VM_CLAIMS_ENDED                                                                         \
    2000 /* claims of a lost VM that one transaction ends, fewer of several VMs; the rest follow   \
          */

/* feed */
#define TB_FEED_SUMMARY_BYTES_MAX 4096
#define TB_FEED_DETAIL_BYTES_MAX  (64 * 1024)
#define TB_FEED_EVENTS_MAX        10000 /* in one answer, and what its statistics look at */
#define TB_FEED_BYTES_MAX         (16 * 1024 * 1024) /* of an answer */
#define TB_FEED_LIMIT_DEFAULT     50

/* tokens, links and sessions */
#define TB_TOKENS_MAX            10000
#define TB_LOGINS_MAX            10000 /* links and sessions of all tokens */
#define TB_LOGINS_OF_TOKEN_MAX   100   /* of one: where there are more the oldest goes */
#define TB_LOGINS_AT_ONCE        120   /* by one token, on one loop; then one a second */
#define TB_TOKEN_SECONDS_MAX     315360000
#define TB_LINK_MS               300000
#define TB_SESSION_MS            86400000
#define TB_CREDENTIALS_ENDED_MAX 1000 /* whose time is over, by one batch */

/* event streams */
#define TB_STREAMS_MAX         20000 /* SSE and WebSocket together */
#define TB_STREAM_HEARTBEAT_MS 15000
#define TB_EVENTS_DROPPED_MAX  2000 /* past retention, by one batch */
#define TB_RETAIN_EVENTS       1000000
#define TB_RETAIN_DAYS         7

/* backups and exports: each holds a snapshot and a thread */
#define TB_TRANSFERS_MAX 2

/* idempotency keys */
#define TB_IDEMPOTENCY_KEY_BYTES_MAX 255
#define TB_ANSWER_KEPT_MS            86400000
#define TB_ANSWERS_MAX               4000000
#define TB_ANSWERS_BYTES_MAX         (UINT64_C(8) << 30)

/* requests */
#define TB_CREATE_TASKS_MAX 1000
#define TB_LIST_LIMIT_MAX   10000
#define TB_MAX_BYTES_MIN    1024
#define TB_MAX_BYTES_MAX    (16 * 1024 * 1024)
#define TB_QUERY_BYTES_MAX  8192
#define TB_QUERY_TERMS_MAX  32
#define TB_LIST_SCAN_MAX                                                                           \
    20000 /* entries looked at for one page in an order that no index of its filter has */
#define TB_LIST_SCAN_CREATED_MAX                                                                   \
    200000 /* the same in creation order, where index lists are intersected */
#define TB_READY_LIMIT_DEFAULT  100
#define TB_READY_BYTES_MAX      (4 * 1024 * 1024)
#define TB_EVENTS_LIMIT_MAX     1000
#define TB_EVENTS_LIMIT_DEFAULT 100
#define TB_EVENTS_SCAN_MAX      20000
#define TB_EVENTS_BYTES_MAX     (4 * 1024 * 1024)
#define TB_REQUEST_ID_BYTES_MAX 128

#endif
