/* Every limit that a client can meet, in one place. Lengths are bytes of decoded UTF-8. */
#ifndef TASKBOARD_LIMITS_H
#define TASKBOARD_LIMITS_H

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
#define TB_NOTES_MAX             10000
#define TB_NOTES_BYTES_MAX       (4 * 1024 * 1024) /* all notes of a task together */
#define TB_ARTIFACT_BYTES_MAX    4096              /* url, label: each */
#define TB_ARTIFACTS_MAX         1000
#define TB_ARTIFACTS_REQUEST_MAX 100

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
#define TB_EVENTS_LIMIT_MAX     1000
#define TB_EVENTS_LIMIT_DEFAULT 100
#define TB_EVENTS_SCAN_MAX      20000
#define TB_EVENTS_BYTES_MAX     (4 * 1024 * 1024)
#define TB_REQUEST_ID_BYTES_MAX 128

#endif
