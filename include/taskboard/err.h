/* Every error of the board: one row each.
 *
 *   refusal     the request is at fault; 4xx; not logged
 *   operating   the server or its disk is; 5xx; logged once, where it reaches the edge
 *   internal    never leaves the server: answers between its layers
 *
 * X(name, wire code, HTTP status, default text) */
#ifndef TASKBOARD_ERR_H
#define TASKBOARD_ERR_H

#define TB_ERR_TABLE(X)                                                                            \
    /* refusals */                                                                                 \
    X(TB_E_INVALID_JSON, "invalid_json", 400, "The body is not valid JSON")                        \
    X(TB_E_MISSING_FIELD, "missing_field", 400, "A required field is missing")                     \
    X(TB_E_INVALID_FIELD, "invalid_field", 400, "A field has a wrong value")                       \
    X(TB_E_UNKNOWN_FIELD, "unknown_field", 400, "The body has a field that is not known here")     \
    X(TB_E_INVALID_QUERY, "invalid_query", 400, "A query parameter has a wrong value")             \
    X(TB_E_INVALID_CURSOR, "invalid_cursor", 400, "The cursor is not one that this board gave")    \
    X(TB_E_INVALID_HEADER, "invalid_header", 400, "A header has a wrong value")                    \
    X(TB_E_UNEXPECTED_BODY, "unexpected_body", 400, "This request takes no body")                  \
    X(TB_E_BAD_REQUEST, "bad_request", 400, "The request is not valid HTTP/1.1")                   \
    X(TB_E_UNKNOWN_PARENT, "unknown_parent", 400, "The parent task does not exist")                \
    X(TB_E_UNKNOWN_REF, "unknown_ref", 400, "No task of this request has that ref")                \
    X(TB_E_MISSING_TOKEN, "unauthorized", 401, "Unauthorized — missing Authorization header")      \
    X(TB_E_INVALID_TOKEN, "unauthorized", 401, "Unauthorized — invalid token")                     \
    X(TB_E_FORBIDDEN, "forbidden", 403, "This token's role does not allow that")                   \
    X(TB_E_NOT_FOUND, "not_found", 404, "There is nothing at this path")                           \
    X(TB_E_TASK_NOT_FOUND, "task_not_found", 404, "task not found")                                \
    X(TB_E_TOKEN_NOT_FOUND, "token_not_found", 404, "There is no such token")                      \
    X(TB_E_VM_NOT_FOUND, "vm_not_found", 404, "VM not found")                                      \
    X(TB_E_EVENT_NOT_FOUND, "event_not_found", 404, "Event not found")                             \
    X(TB_E_ATTEMPT_NOT_FOUND, "attempt_not_found", 404, "The task has no such attempt")            \
    X(TB_E_METHOD_NOT_ALLOWED, "method_not_allowed", 405, "This path does not take that method")   \
    X(TB_E_DEPENDENCY_CYCLE, "dependency_cycle", 409, "The dependencies would form a cycle")       \
    X(TB_E_UNIQUE_KEY_TAKEN, "unique_key_taken", 409,                                              \
      "Another task that is not done has the same uniqueKey")                                      \
    X(TB_E_ALREADY_CLAIMED, "already_claimed", 409, "The task is claimed")                         \
    X(TB_E_NOT_READY, "not_ready", 409, "The task is not ready")                                   \
    X(TB_E_PAUSED, "paused", 409, "The board, or a tag of the task, is paused")                    \
    X(TB_E_ASSIGNED_ELSEWHERE, "assigned_elsewhere", 409,                                          \
      "The task is reserved for another agent")                                                    \
    X(TB_E_CLAIM_LOST, "claim_lost", 409, "This claim does not hold the task any more")            \
    X(TB_E_VM_EXISTS, "vm_exists", 409, "VM already registered")                                   \
    X(TB_E_UNKNOWN_VM, "unknown_vm", 409, "No running VM is registered under that vmId")           \
    X(TB_E_ALREADY_DONE, "already_done", 409, "The task is done")                                  \
    X(TB_E_NOT_RETRYABLE, "not_retryable", 409,                                                    \
      "Only dead letters, failed and cancelled tasks can be retried")                              \
    X(TB_E_NO_RESULT, "no_result", 409, "This attempt left no result")                             \
    X(TB_E_ID_EXISTS, "id_exists", 409, "Something with that id is there already")                 \
    X(TB_E_LOG_IS_NEWER, "log_is_newer", 409,                                                      \
      "The log has newer events: a feed is imported before anything else is written")              \
    X(TB_E_LIMIT_REACHED, "limit_reached", 409, "A limit of the board is reached")                 \
    X(TB_E_VERSION_MISMATCH, "version_mismatch", 412, "The task has changed since that version")   \
    X(TB_E_BODY_TOO_LARGE, "body_too_large", 413, "The body is too large")                         \
    X(TB_E_IDEMPOTENCY_KEY_REUSED, "idempotency_key_reused", 422,                                  \
      "The Idempotency-Key was used for another request")                                          \
    X(TB_E_UPGRADE_REQUIRED, "upgrade_required", 426,                                              \
      "This path speaks WebSocket (RFC 6455): ask for an upgrade")                                 \
    X(TB_E_CLAIM_TOKEN_REQUIRED, "claim_token_required", 428, "claimToken is required")            \
    X(TB_E_TOO_MANY_FAILED_LOGINS, "too_many_failed_logins", 429,                                  \
      "Too many failed logins; try again later")                                                   \
    X(TB_E_TOO_MANY_LOGINS, "too_many_logins", 429,                                                \
      "This token was used for too many logins of late; try again later")                          \
    /* operating errors */                                                                         \
    X(TB_E_INTERNAL, "internal", 500, "The server failed to handle the request")                   \
    X(TB_E_STORAGE_CORRUPT, "storage_corrupt", 500, "A stored record is damaged")                  \
    X(TB_E_OVERLOADED, "overloaded", 503, "The server has too much to do; try again later")        \
    X(TB_E_TOO_MANY_ANSWERS, "too_many_idempotency_keys", 503,                                     \
      "The server keeps as many answers for idempotency keys as it can; try again later")          \
    X(TB_E_DRAINING, "draining", 503, "The server is shutting down")                               \
    X(TB_E_STORAGE_DOWN, "storage_down", 503, "The storage does not answer")                       \
    X(TB_E_STORAGE_FAILED, "storage_failed", 503,                                                  \
      "The disk failed to keep a change: nothing is written until the server is restarted")        \
    X(TB_E_UNKNOWN_OUTCOME, "unknown_outcome", 503,                                                \
      "The storage failed while it committed: nobody knows whether this has happened")             \
    X(TB_E_STORAGE_FULL, "storage_full", 507, "The storage is full")                               \
    /* internal */                                                                                 \
    X(TB_E_ABSENT, "absent", 500, "No such record")                                                \
    X(TB_E_CONFLICT, "conflict", 500, "The batch met another writer and has to run again")

#define TB_ERR_ENUM(name, code, status, text) name,
enum tb_err { TB_OK = 0, TB_ERR_TABLE(TB_ERR_ENUM) TB_ERR_COUNT };
#undef TB_ERR_ENUM

/* The wire name (`code` in an error body), the HTTP status and the default sentence. Static
 * strings. */
const char *tb_err_code(enum tb_err err);
int tb_err_status(enum tb_err err);
const char *tb_err_text(enum tb_err err);

#define TB_MUST_CHECK __attribute__((warn_unused_result))

#endif
