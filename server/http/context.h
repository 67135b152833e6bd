/* What all requests share, and what those of one loop share. */
#ifndef TB_HTTP_CONTEXT_H
#define TB_HTTP_CONTEXT_H

#include <stdatomic.h>

#include "http/auth.h"
#include "http/client.h"
#include "http/known.h"
#include "http/loop_metrics.h"
#include "http/origin.h"
#include "http/route.h"
#include "http/slowdown.h"
#include "service/service.h"

#define TB_LIST_TAG_BYTES 16

struct tb_tls;

/* Constant while the server runs, but for the atomics. */
struct tb_http {
    struct tb_service *service;   /* borrowed */
    struct tb_store *store;       /* borrowed: of transfers */
    const struct tb_clock *clock; /* borrowed */
    struct tb_tls *tls;           /* borrowed; NULL: connections are not encrypted */
    struct tb_router router;
    struct tb_auth auth;
    struct tb_origin origin;
    struct tb_proxies proxies;
    size_t body_bytes_max; /* of any body but an array of tasks */
    size_t array_body_bytes_max;
    int64_t started_us;
    char list_tag[TB_LIST_TAG_BYTES]; /* random, of this start, in all list ETags: after a
                                         restart the store may be an older copy */
    atomic_bool draining;
    atomic_uint held_count;     /* reads that are held, by all loops */
    atomic_uint stream_count;   /* streams that are open, in all loops */
    atomic_uint transfer_count; /* backups and exports under way */
    atomic_uint_fast64_t failed_logins;
    struct tb_loop_metrics *metrics; /* of each loop; made by tb_server_start */
    unsigned loop_count;
    unsigned connections_max;
};

/* The summary as a loop last made it: many ask for the same one. */
struct tb_summary_copy {
    struct tb_arena *arena; /* holds the body; made when it is needed */
    struct tb_str body;     /* json; absent: none */
    uint64_t seq;           /* of the head that it was made from */
    uint64_t changes;       /* of the same */
    int64_t slot;           /* of time: what moves the rates */
};

/* How many credentials there were at the change of them that was counted last. */
struct tb_credential_counts {
    bool known;
    uint64_t changes;
    uint64_t by_kind[TB_CREDENTIAL_KIND_COUNT];
};

/* Owned by one loop's thread. */
struct tb_worker {
    struct tb_http *http;
    struct tb_reader *reader;
    struct tb_loop_metrics *metrics; /* one of the http's */
    struct tb_slowdown slowdown;
    struct tb_held held;
    struct tb_known known;
    struct tb_credential_counts credentials;
    struct tb_summary_copy summary;
    uint32_t id_prefix; /* random; request ids are this and a counter */
    uint64_t id_count;
    int64_t failure_logged_us; /* when a 5xx was last logged */
    uint64_t failures_unlogged;
};

#endif
