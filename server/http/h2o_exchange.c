#include <assert.h>
#include <stdlib.h>

#include "http/access_log.h"
#include "http/dispatch.h"
#include "http/framing.h"
#include "http/h2o_loop.h"

#define FIRST_ARENA_BYTES ((size_t)16 * 1024)
#define SPARES_MAX        256

/* A request behind an answer waits for the loop's next turn when those of this one have taken so
 * long. */
#define TURN_US_MAX 5000

/* Stands in the pool of the library's request, and so learns of its end. */
struct guard {
    struct tb_exchange *exchange;
};

struct tb_exchange *tb_exchange_of(struct tb_request *request)
{
    return H2O_STRUCT_FROM_MEMBER(struct tb_exchange, request, request);
}

int tb_exchange_fd(const struct tb_exchange *exchange)
{
    h2o_conn_t *connection = exchange->req->conn;
    return h2o_socket_get_fd(connection->callbacks->get_socket(connection));
}

static struct tb_exchange *take(struct tb_loop *loop)
{
    struct tb_exchange *exchange = loop->spare;
    if (exchange != NULL) {
        loop->spare = exchange->next;
        loop->spare_count--;
        return exchange;
    }
    exchange = h2o_mem_alloc(sizeof(*exchange));
    exchange->request.arena = tb_arena_new(FIRST_ARENA_BYTES);
    return exchange;
}

static void give_back(struct tb_exchange *exchange)
{
    struct tb_loop *loop = exchange->loop;
    tb_arena_free(exchange->pieces);
    if (loop->spare_count == SPARES_MAX) {
        tb_arena_free(exchange->request.arena);
        free(exchange);
        return;
    }
    tb_arena_reset(exchange->request.arena);
    exchange->next = loop->spare;
    loop->spare = exchange;
    loop->spare_count++;
}

void tb_exchange_let_go(struct tb_exchange *exchange)
{
    give_back(exchange);
}

void tb_exchange_free_spares(struct tb_loop *loop)
{
    while (loop->spare != NULL) {
        struct tb_exchange *exchange = loop->spare;
        loop->spare = exchange->next;
        tb_arena_free(exchange->request.arena);
        free(exchange);
    }
    loop->spare_count = 0;
}

/* The connection is closed behind us, and its number may be another one's soon. */
static void leave_waiting(struct tb_exchange *exchange)
{
    if (exchange->job_pending && exchange->request.job.is_gone != NULL) {
        pthread_mutex_lock(&exchange->loop->waiting_lock);
        exchange->waiting_fd = -1;
        pthread_mutex_unlock(&exchange->loop->waiting_lock);
    }
}

/* On the committer's thread, of a job that it has: the exchange stays while it has it. */
static bool is_gone(struct tb_job *job)
{
    struct tb_request *request = H2O_STRUCT_FROM_MEMBER(struct tb_request, job, job);
    struct tb_exchange *exchange = tb_exchange_of(request);
    pthread_mutex_lock(&exchange->loop->waiting_lock);
    bool gone = exchange->waiting_fd < 0 || tb_is_hung_up(exchange->waiting_fd);
    pthread_mutex_unlock(&exchange->loop->waiting_lock);
    return gone;
}

/* The library does not look at a connection while its request is being handled. */
static void prepare_waiting(struct tb_exchange *exchange)
{
    struct tb_job *job = &exchange->request.job;
    bool may_wait = job->command.kind == TB_COMMAND_CLAIM && job->command.claim.wait_ms > 0;
    if (may_wait) {
        exchange->waiting_fd = tb_exchange_fd(exchange);
        job->is_gone = is_gone;
        job->body_bytes = exchange->request.body.len; /* the library keeps it until the answer */
    }
}

/* The library's request is over: answered, or its connection is gone. */
static void on_request_gone(void *arg)
{
    struct guard *guard = arg;
    struct tb_exchange *exchange = guard->exchange;
    h2o_req_t *req = exchange->req;
    bool complete = exchange->is_stream || req->timestamps.response_end_at.tv_sec != 0;
    tb_access_log(&exchange->request, req->bytes_sent, complete);
    h2o_timeout_unlink(&exchange->delay);
    tb_held_leave(exchange);
    tb_transfer_leave(exchange);
    leave_waiting(exchange);
    if (exchange->slowed) {
        tb_slowdown_answered(&exchange->loop->worker.slowdown);
    }
    h2o_linklist_unlink(&exchange->link);
    exchange->loop->answer_bytes -= exchange->answer_bytes;
    exchange->loop->ended = req->conn;
    exchange->req = NULL;
    if (!exchange->job_pending && exchange->transfer == NULL) {
        give_back(exchange);
    }
}

void tb_exchange_job_done(struct tb_job *job)
{
    struct tb_request *request = H2O_STRUCT_FROM_MEMBER(struct tb_request, job, job);
    struct tb_exchange *exchange = tb_exchange_of(request);
    assert(exchange->job_pending);
    exchange->job_pending = false;
    exchange->loop->job_count--;
    if (exchange->req == NULL) {
        /* UNTESTED: this version of the library does not look at a connection while its request is
         * being handled, so that a client that has left is only noticed by the write of the answer.
         */
        give_back(exchange);
    } else {
        request->on_reply(request);
    }
}

static struct tb_str str_of(h2o_iovec_t bytes)
{
    return tb_str_from(bytes.base, bytes.len);
}

/* TB_IN_COUNT for a header that nobody reads. */
static enum tb_header_in header_of(const h2o_iovec_t *name)
{
    static const struct {
        struct tb_str name;
        enum tb_header_in header;
    } others[] = {
        {TB_STR("claim-token"), TB_IN_CLAIM_TOKEN},
        {TB_STR("content-type"), TB_IN_CONTENT_TYPE},
        {TB_STR("cookie"), TB_IN_COOKIE},
        {TB_STR("x-forwarded-proto"), TB_IN_FORWARDED_PROTO},
        {TB_STR("idempotency-key"), TB_IN_IDEMPOTENCY_KEY},
        {TB_STR("last-event-id"), TB_IN_LAST_EVENT_ID},
        {TB_STR("origin"), TB_IN_ORIGIN},
        {TB_STR("prefer"), TB_IN_PREFER},
        {TB_STR("x-request-id"), TB_IN_REQUEST_ID},
        {TB_STR("sec-fetch-mode"), TB_IN_FETCH_MODE},
        {TB_STR("sec-fetch-site"), TB_IN_FETCH_SITE},
        {TB_STR("traceparent"), TB_IN_TRACEPARENT},
        {TB_STR("sec-websocket-key"), TB_IN_WEBSOCKET_KEY},
        {TB_STR("sec-websocket-version"), TB_IN_WEBSOCKET_VERSION},
    };
    if (name == &H2O_TOKEN_AUTHORIZATION->buf) {
        return TB_IN_AUTHORIZATION;
    }
    if (name == &H2O_TOKEN_ACCEPT->buf) {
        return TB_IN_ACCEPT;
    }
    if (name == &H2O_TOKEN_ACCEPT_ENCODING->buf) {
        return TB_IN_ACCEPT_ENCODING;
    }
    if (name == &H2O_TOKEN_X_FORWARDED_FOR->buf) {
        return TB_IN_FORWARDED_FOR;
    }
    if (name == &H2O_TOKEN_IF_NONE_MATCH->buf) {
        return TB_IN_IF_NONE_MATCH;
    }
    if (name == &H2O_TOKEN_IF_MATCH->buf) {
        return TB_IN_IF_MATCH;
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (tb_str_eq(str_of(*name), others[i].name)) {
            return others[i].header;
        }
    }
    return TB_IN_COUNT;
}

/* Several lines of one header are one list (RFC 9110, 5.3); where no list is allowed, the result is
 * not valid. */
static struct tb_str join(struct tb_arena *arena, struct tb_str first, struct tb_str second)
{
    struct tb_buf out;
    tb_buf_init(&out, arena, first.len + second.len + 2);
    tb_buf_add_str(&out, first);
    TB_BUF_LIT(&out, ", ");
    tb_buf_add_str(&out, second);
    return tb_buf_str(&out);
}

static struct tb_str trim_end(struct tb_str s)
{
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t')) {
        s.len--;
    }
    return s;
}

static void read_headers(struct tb_request *request, const h2o_req_t *req)
{
    for (size_t i = 0; i < req->headers.size; i++) {
        const h2o_header_t *header = &req->headers.entries[i];
        if (header->name->len == 0) {
            request->malformed = "A header line is folded";
            continue;
        }
        enum tb_header_in at = header_of(header->name);
        if (at == TB_IN_COUNT) {
            continue;
        }
        struct tb_str value = trim_end(str_of(header->value));
        struct tb_str *slot = &request->headers[at];
        *slot = slot->ptr == NULL ? value : join(request->arena, *slot, value);
    }
}

/* The head still stands in the connection's input buffer, in front of the body. */
static void check_framing(struct tb_request *request, h2o_req_t *req)
{
    const h2o_socket_t *socket = req->conn->callbacks->get_socket(req->conn);
    const char *head = socket->input->bytes;
    struct tb_str bytes = tb_str_from(head, (size_t)(req->entity.base - head));
    request->malformed = tb_framing_fault(bytes, req->version < 0x101);
    if (tb_framing_is_chunked(bytes)) {
        req->http1_is_persistent = 0; /* nothing behind it is taken for a request */
    }
}

/* Once the operator has named proxies, nobody else can speak for another client. */
static void find_client(struct tb_request *request, const h2o_req_t *req)
{
    const struct tb_proxies *proxies = &request->http->proxies;
    struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
    (void)req->conn->callbacks->get_peername(req->conn, (struct sockaddr *)&peer);
    request->client = tb_address_of((const struct sockaddr *)&peer);
    if (proxies->count == 0) {
        return;
    }
    if (!tb_proxies_know(proxies, &request->client)) {
        request->headers[TB_IN_FORWARDED_PROTO] = TB_STR_NONE;
    }
    request->client =
        tb_proxies_client(proxies, request->client, request->headers[TB_IN_FORWARDED_FOR]);
}

static void read_request(struct tb_request *request, h2o_req_t *req)
{
    request->over_tls = req->conn->callbacks->get_socket(req->conn)->ssl != NULL;
    request->method_name = str_of(req->input.method);
    request->method = tb_method_parse(request->method_name);
    if (!tb_framing_target(str_of(req->input.path), &request->path, &request->query)) {
        request->path = TB_STR("");
        request->malformed = "The request target is no path";
    }
    if (req->entity.base != NULL) {
        request->body = str_of(req->entity);
        check_framing(request, req);
    }
    read_headers(request, req);
    find_client(request, req);
    request->headers[TB_IN_UPGRADE] = str_of(req->upgrade);
    /* The library puts the name of its only host where none was sent. */
    const h2o_iovec_t host = req->input.authority;
    if (host.base != req->conn->hosts[0]->authority.hostport.base) {
        request->headers[TB_IN_HOST] = str_of(host);
    }
}

struct tb_exchange *tb_exchange_open(struct tb_loop *loop, h2o_req_t *req)
{
    struct tb_exchange *exchange = take(loop);
    struct tb_arena *arena = exchange->request.arena;
    memset(exchange, 0, sizeof(*exchange));
    exchange->loop = loop;
    exchange->req = req;
    exchange->request.http = loop->worker.http;
    exchange->request.worker = &loop->worker;
    exchange->request.arena = arena;
    exchange->request.started_us = tb_loop_now_us(loop);
    loop->request_us = exchange->request.started_us;
    h2o_linklist_insert(&loop->live, &exchange->link);
    struct guard *guard = h2o_mem_alloc_shared(&req->pool, sizeof(*guard), on_request_gone);
    guard->exchange = exchange;
    read_request(&exchange->request, req);
    tb_dispatch_init(&exchange->request);
    return exchange;
}

static void on_next_turn(h2o_timeout_entry_t *entry)
{
    struct tb_exchange *exchange = H2O_STRUCT_FROM_MEMBER(struct tb_exchange, delay, entry);
    tb_dispatch(&exchange->request);
}

/* Behind an answer the library goes on at once with what its client has sent meanwhile, and looks at
 * nobody else as long as that lasts. What a connection asks first in a turn never waits: it would
 * have to let those pass who ask in the next one. */
int tb_exchange_on_request(h2o_handler_t *handler, h2o_req_t *req)
{
    (void)handler;
    struct tb_loop *loop = tb_loop_of(req);
    struct tb_exchange *exchange = tb_exchange_open(loop, req);
    int64_t now_us = exchange->request.started_us;
    loop->turn_us = loop->turn_us == 0 ? now_us : loop->turn_us;
    if (loop->ended != req->conn || now_us - loop->turn_us <= TURN_US_MAX) {
        tb_dispatch(&exchange->request);
    } else {
        exchange->delay.cb = on_next_turn;
        h2o_timeout_link(loop->context.loop, &loop->next_turn, &exchange->delay);
    }
    return 0;
}

void tb_request_submit(struct tb_request *request)
{
    struct tb_exchange *exchange = tb_exchange_of(request);
    request->job.arena = request->arena;
    request->job.mailbox = &exchange->loop->inbox.mailbox;
    prepare_waiting(exchange);
    exchange->job_pending = true;
    exchange->loop->job_count++;
    enum tb_err err = tb_service_submit(request->http->service, &request->job);
    if (err != TB_OK) {
        request->job.reply = (struct tb_reply){.err = err};
        tb_exchange_job_done(&request->job);
    }
}

struct tb_arena *tb_request_piece_arena(struct tb_request *request)
{
    struct tb_exchange *exchange = tb_exchange_of(request);
    if (exchange->pieces == NULL) {
        exchange->pieces = tb_arena_new(FIRST_ARENA_BYTES);
    }
    return exchange->pieces;
}
