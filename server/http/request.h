/* One request and its answer as the handlers see them. No handler knows the HTTP library: the
 * h2o_*.c files turn its requests into these, and these back into its answers.
 *
 *   adapter ── tb_dispatch() ── handler ──┬── tb_request_send         the whole answer
 *                                         ├── tb_request_send_later   the same, after a delay
 *                                         ├── tb_request_stream       the answer in pieces
 *                                         ├── tb_request_transfer     what a thread of its own
 * makes ├── tb_request_submit       a command; on_reply() answers ├── tb_request_hold         none
 * yet; on_wake() answers └── tb_request_subscribe    a stream of events
 *
 * Threads   A request belongs to its loop's thread for its whole life; only its job travels.
 * Memory    Everything here lives until the request is over, and while its job is under way. What
 *           was sent stands in the library's buffers, the rest in `arena`. */
#ifndef TB_HTTP_REQUEST_H
#define TB_HTTP_REQUEST_H

#include "base/arena.h"
#include "board/query.h"
#include "http/client.h"
#include "http/held.h"
#include "http/stream.h"
#include "http/transfer.h"
#include "service/service.h"

struct tb_http;
struct tb_request;
struct tb_route;
struct tb_worker;

enum tb_method {
    TB_METHOD_GET,
    TB_METHOD_HEAD,
    TB_METHOD_POST,
    TB_METHOD_PUT,
    TB_METHOD_PATCH,
    TB_METHOD_DELETE,
    TB_METHOD_OTHER,
};

/* The request headers that somebody here reads: X(name, on the wire in lower case). */
#define TB_HEADER_IN_TABLE(X)                                                                      \
    X(TB_IN_ACCEPT, "accept")                                                                      \
    X(TB_IN_ACCEPT_ENCODING, "accept-encoding")                                                    \
    X(TB_IN_AUTHORIZATION, "authorization")                                                        \
    X(TB_IN_CLAIM_TOKEN, "claim-token")                                                            \
    X(TB_IN_CONTENT_TYPE, "content-type")                                                          \
    X(TB_IN_COOKIE, "cookie")                                                                      \
    X(TB_IN_FORWARDED_FOR, "x-forwarded-for")                                                      \
    X(TB_IN_FORWARDED_PROTO, "x-forwarded-proto")                                                  \
    X(TB_IN_HOST, "host")                                                                          \
    X(TB_IN_IDEMPOTENCY_KEY, "idempotency-key")                                                    \
    X(TB_IN_IF_MATCH, "if-match")                                                                  \
    X(TB_IN_IF_NONE_MATCH, "if-none-match")                                                        \
    X(TB_IN_LAST_EVENT_ID, "last-event-id")                                                        \
    X(TB_IN_ORIGIN, "origin")                                                                      \
    X(TB_IN_PREFER, "prefer")                                                                      \
    X(TB_IN_REQUEST_ID, "x-request-id")                                                            \
    X(TB_IN_TRACEPARENT, "traceparent")                                                            \
    X(TB_IN_UPGRADE, "upgrade") /* absent unless Connection names it, too */                       \
    X(TB_IN_WEBSOCKET_KEY, "sec-websocket-key")                                                    \
    X(TB_IN_WEBSOCKET_VERSION, "sec-websocket-version")

/* The answer headers that handlers set; date, content-length and, but for streams, connection are
 * the library's. */
#define TB_HEADER_OUT_TABLE(X)                                                                     \
    X(TB_OUT_CONTENT_TYPE, "content-type")                                                         \
    X(TB_OUT_CONTENT_ENCODING, "content-encoding")                                                 \
    X(TB_OUT_CACHE_CONTROL, "cache-control")                                                       \
    X(TB_OUT_CONTENT_TYPE_OPTIONS, "x-content-type-options")                                       \
    X(TB_OUT_REQUEST_ID, "x-request-id")                                                           \
    X(TB_OUT_ETAG, "etag")                                                                         \
    X(TB_OUT_EVENTS_SEQ, "events-seq")                                                             \
    X(TB_OUT_IDEMPOTENCY_REPLAYED, "idempotency-replayed")                                         \
    X(TB_OUT_CONTENT_SECURITY_POLICY, "content-security-policy")                                   \
    X(TB_OUT_LOCATION, "location")                                                                 \
    X(TB_OUT_REFERRER_POLICY, "referrer-policy")                                                   \
    X(TB_OUT_SET_COOKIE, "set-cookie")                                                             \
    X(TB_OUT_LINK, "link")                                                                         \
    X(TB_OUT_IGNORED_FIELDS, "taskboard-ignored-fields")                                           \
    X(TB_OUT_ALLOW, "allow")                                                                       \
    X(TB_OUT_RETRY_AFTER, "retry-after")                                                           \
    X(TB_OUT_WWW_AUTHENTICATE, "www-authenticate")                                                 \
    X(TB_OUT_ACCEL_BUFFERING, "x-accel-buffering")                                                 \
    X(TB_OUT_VARY, "vary")                                                                         \
    X(TB_OUT_CONNECTION, "connection")                                                             \
    X(TB_OUT_UPGRADE, "upgrade")                                                                   \
    X(TB_OUT_WEBSOCKET_ACCEPT, "sec-websocket-accept")                                             \
    X(TB_OUT_WEBSOCKET_VERSION, "sec-websocket-version")

#define TB_HEADER_ENUM(name, wire) name,
enum tb_header_in { TB_HEADER_IN_TABLE(TB_HEADER_ENUM) TB_IN_COUNT };
enum tb_header_out { TB_HEADER_OUT_TABLE(TB_HEADER_ENUM) TB_OUT_COUNT };
#undef TB_HEADER_ENUM

struct tb_response {
    int status;
    struct tb_str body;                  /* bytes; never sent to HEAD, 304 */
    struct tb_str headers[TB_OUT_COUNT]; /* bytes; absent: not sent */
    bool close;                          /* end the connection after the answer */
};

/* How long an answer is held back. */
enum tb_delay { TB_DELAY_NONE, TB_DELAY_100_MS, TB_DELAY_300_MS, TB_DELAY_1_S };

enum tb_piece { TB_PIECE_MORE, TB_PIECE_LAST, TB_PIECE_FAILED };

/* Makes the next piece of an answer in `arena`, which is emptied before each call. */
typedef enum tb_piece tb_next_piece(struct tb_request *request, struct tb_arena *arena,
                                    struct tb_str *piece);

/* What is remembered of the credential that somebody came with: enough to find out later whether it
 * is still good. */
struct tb_ticket {
    struct tb_id credential; /* all zero: none, and always good */
    int64_t expires_ms;      /* 0: never */
    uint64_t changes;        /* head.credential_changes when it was last seen to be there */
};

#define TB_ROUTE_PARAMS_MAX 2
#define TB_MINTED_ID_BYTES  18

struct tb_request {
    /* who serves it */
    struct tb_http *http;
    struct tb_worker *worker;
    struct tb_arena *arena;
    struct tb_address client; /* who sent it */
    int64_t started_us;

    /* as it was sent: bytes */
    enum tb_method method;
    struct tb_str method_name;
    struct tb_str path;  /* undecoded, without the query; absent: the target is no path */
    struct tb_str query; /* without the `?`; absent when there is none */
    struct tb_str headers[TB_IN_COUNT];
    struct tb_str body;
    bool over_tls;         /* native; a proxy has headers to say so */
    const char *malformed; /* what is wrong with its framing, or NULL */

    /* as it was found out */
    struct tb_str id; /* bytes; also fit to stand in JSON and headers */
    char id_space[TB_MINTED_ID_BYTES];
    const struct tb_route *route;              /* NULL: none takes it */
    struct tb_str params[TB_ROUTE_PARAMS_MAX]; /* bytes of the path, undecoded */
    const struct tb_params *query_params;      /* of all routes but the open ones */
    enum tb_role role;
    struct tb_str actor;     /* text: the token's agent, else its name */
    struct tb_str scope;     /* text: the token's id, which never changes */
    struct tb_str agent;     /* text: whom alone it may speak as; absent: anybody */
    struct tb_ticket ticket; /* of the record that says so */
    struct tb_id session;    /* that it came with; all zero: none */

    /* on its way */
    struct tb_job job;
    struct tb_str ignored_fields;
    void (*on_reply)(struct tb_request *request);
    tb_next_piece *next_piece;
    void *stream; /* of next_piece, and of a read that is held */
    struct tb_held_read held;

    struct tb_response response;
};

/* Sends request->response. The last thing that a handler does: the request may be gone afterwards.
 */
void tb_request_send(struct tb_request *request);

/* The same after `delay`. */
void tb_request_send_later(struct tb_request *request, enum tb_delay delay);

/* Sends request->response, whose body is the first piece, and then what request->next_piece makes.
 */
void tb_request_stream(struct tb_request *request);

/* Sends the head of request->response and then what `fill` writes, which is called on a thread of
 * its own with the server's store. What ends well is whole: an error behind the head cuts the
 * connection off. Where there are as many transfers as there may be, it answers that. */
void tb_request_transfer(struct tb_request *request, enum tb_transfer_kind kind,
                         tb_transfer_fill *fill);

/* Hands request->job to the service. on_reply() is called with the job's reply when it is done,
 * unless the client has left. When the service takes no job, it answers that. */
void tb_request_submit(struct tb_request *request);

/* From now on, once, a change of the board wakes the loop's held reads. A read that may be held
 * asks for it before it finds out that there is nothing new, so that it misses nothing. */
void tb_request_expect_news(struct tb_request *request);

/* Holds the request, whose held.current_tag and held.on_wake are set, for at most `wait_ms`. False:
 * it cannot be, because the server shuts down or, with `*err`, holds as many as it may. */
TB_MUST_CHECK bool tb_request_hold(struct tb_request *request, int64_t wait_ms, enum tb_err *err);

/* What a stream begins with. */
struct tb_subscription {
    enum tb_stream_format format;
    enum tb_stream_coding coding;
    struct tb_events_request filter;
    uint64_t cursor;
    bool ahead;          /* see tb_subscriber */
    struct tb_str first; /* what is sent before any event; may be absent */
};

/* Sends the head of request->response and makes the connection a stream; the request is over then.
 * Where there may be no further stream, it answers that. */
void tb_request_subscribe(struct tb_request *request, const struct tb_subscription *subscription);

/* An arena for what is sent next; emptied before each call of next_piece. */
struct tb_arena *tb_request_piece_arena(struct tb_request *request);

#endif
