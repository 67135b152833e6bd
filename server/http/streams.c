/* GET /events/stream, GET /events/ws, GET /feed/stream: what a stream begins with. What comes then
 * is the fan-out's business. */
#include "board/read.h"
#include "http/context.h"
#include "http/handlers.h"
#include "http/header.h"
#include "http/read.h"
#include "http/reply.h"
#include "http/websocket.h"

#define RETRY "retry: 2000\n"

/* --- server-sent events --- */

static void set_headers(struct tb_request *request, enum tb_stream_coding coding)
{
    struct tb_str *headers = request->response.headers;
    headers[TB_OUT_CONTENT_TYPE] = TB_STR("text/event-stream");
    headers[TB_OUT_ACCEL_BUFFERING] = TB_STR("no");
    headers[TB_OUT_VARY] = TB_STR("accept-encoding");
    if (coding == TB_STREAM_GZIP) {
        headers[TB_OUT_CONTENT_ENCODING] = TB_STR("gzip");
    }
}

static void begin(struct tb_request *request, struct tb_subscription *subscription)
{
    if (tb_header_accepts_coding(request->headers[TB_IN_ACCEPT_ENCODING], TB_STR("gzip"))) {
        subscription->coding = TB_STREAM_GZIP;
    }
    set_headers(request, subscription->coding);
    if (request->method == TB_METHOD_HEAD) {
        (void)tb_request_piece_arena(request); /* of a body that has no length, too */
        tb_request_stream(request);
    } else {
        tb_request_subscribe(request, subscription);
    }
}

static bool has_since(const struct tb_request *request)
{
    const struct tb_params *params = request->query_params;
    for (size_t i = 0; i < params->count; i++) {
        if (tb_str_eq_c(params->items[i].name, "since")) {
            return true;
        }
    }
    return false;
}

/* Last-Event-ID, which knows better than the URL: an EventSource asks with the same URL again and
 * again. False: refused. */
static bool read_last_event_id(const struct tb_request *request, struct tb_parse *parse,
                               uint64_t *since, bool *given)
{
    struct tb_str sent = request->headers[TB_IN_LAST_EVENT_ID];
    int64_t number = 0;
    if (sent.len == 0) {
        return true;
    }
    if (!tb_str_to_i64(sent, &number) || number < 0) {
        parse->refusal = (struct tb_refusal){
            .err = TB_E_INVALID_HEADER,
            .message = TB_STR("Last-Event-ID must be the id of an event of this stream: a number"),
        };
        return false;
    }
    *since = (uint64_t)number;
    *given = true;
    return true;
}

/* Where a stream of the log begins. False: answered. */
static bool read_start(struct tb_request *request, struct tb_subscription *subscription)
{
    struct tb_parse parse;
    uint64_t head = tb_service_head_seq(request->http->service);
    bool given = has_since(request);
    tb_parse_init(request, &parse);
    if (!tb_parse_events(&parse, request->query_params, &subscription->filter) ||
        !read_last_event_id(request, &parse, &subscription->filter.since, &given)) {
        tb_reply_refusal(request, parse.refusal.err, parse.refusal.message, parse.refusal.extra);
        return false;
    }
    subscription->cursor = given ? subscription->filter.since : head;
    subscription->ahead = subscription->cursor > head;
    tb_reply_set_events_seq(request, head);
    return true;
}

void tb_handle_event_stream(struct tb_request *request)
{
    struct tb_subscription subscription = {.format = TB_STREAM_EVENTS};
    if (!read_start(request, &subscription)) {
        return;
    }
    /* Who is cut off before the first event resumes from here all the same. */
    struct tb_buf out;
    tb_buf_init(&out, request->arena, 64);
    TB_BUF_LIT(&out, RETRY);
    if (!subscription.ahead) {
        TB_BUF_LIT(&out, "id: ");
        tb_buf_add_u64(&out, subscription.cursor);
        TB_BUF_LIT(&out, "\n");
    }
    TB_BUF_LIT(&out, "\n");
    subscription.first = tb_buf_str(&out);
    begin(request, &subscription);
}

/* --- the feed --- */

/* An id of which nothing is known begins before all that is kept, or behind it: as its time says.
 */
static enum tb_err find_feed_start(struct tb_txn *txn, struct tb_id id, uint64_t *cursor)
{
    const struct tb_head *head = tb_txn_head(txn);
    enum tb_err err = tb_find_event(txn, id, cursor);
    if (err == TB_OK && *cursor + 1 < head->oldest_seq) {
        *cursor = head->oldest_seq - 1;
    }
    if (err == TB_OK && *cursor < head->feed_cleared_seq) {
        *cursor = head->feed_cleared_seq;
    }
    return err;
}

static struct tb_str since_of_feed(const struct tb_request *request)
{
    const struct tb_params *params = request->query_params;
    if (request->headers[TB_IN_LAST_EVENT_ID].len > 0) {
        return request->headers[TB_IN_LAST_EVENT_ID];
    }
    for (size_t i = 0; i < params->count; i++) {
        if (tb_str_eq_c(params->items[i].name, "since")) {
            return params->items[i].value;
        }
    }
    return TB_STR_NONE;
}

static void refuse_feed_start(struct tb_request *request)
{
    if (request->headers[TB_IN_LAST_EVENT_ID].len > 0) {
        tb_reply_refusal(request, TB_E_INVALID_HEADER,
                         TB_STR("Last-Event-ID must be the id of an event of this stream: a ULID"),
                         TB_STR_NONE);
        return;
    }
    tb_reply_refusal(request, TB_E_INVALID_QUERY, TB_STR("since must be the id of an event"),
                     TB_STR(",\"field\":\"since\""));
}

/* False: answered. */
static bool read_feed_start(struct tb_request *request, struct tb_subscription *subscription)
{
    struct tb_str since = since_of_feed(request);
    struct tb_id id;
    struct tb_txn *txn;
    subscription->cursor = tb_service_head_seq(request->http->service);
    if (since.len == 0) {
        return true;
    }
    if (!tb_ulid_parse(since, &id)) {
        refuse_feed_start(request);
        return false;
    }
    if (!tb_read_open(request, request->arena, &txn)) {
        return false;
    }
    enum tb_err err = find_feed_start(txn, id, &subscription->cursor);
    tb_read_end(&txn);
    if (err != TB_OK) {
        tb_reply_error(request, err);
    }
    return err == TB_OK;
}

void tb_handle_feed_stream(struct tb_request *request)
{
    struct tb_subscription subscription = {
        .format = TB_STREAM_FEED,
        .first = TB_STR(RETRY "\n"),
    };
    const struct tb_params *params = request->query_params;
    struct tb_str *agents = tb_arena_alloc(request->arena, params->count * sizeof(*agents) + 1);
    struct tb_events_request *filter = &subscription.filter;
    filter->agents = agents;
    for (size_t i = 0; i < params->count; i++) {
        if (tb_str_eq_c(params->items[i].name, "agent") && params->items[i].value.len > 0) {
            agents[filter->agent_count++] = params->items[i].value;
        }
    }
    if (read_feed_start(request, &subscription)) {
        begin(request, &subscription);
    }
}

/* --- WebSocket --- */

static bool is_websocket(struct tb_str upgrade)
{
    static const char wanted[] = "websocket";
    if (upgrade.len != sizeof(wanted) - 1) {
        return false;
    }
    for (size_t i = 0; i < upgrade.len; i++) {
        if ((upgrade.ptr[i] | 0x20) != wanted[i]) {
            return false;
        }
    }
    return true;
}

/* RFC 6455, 4.2.1 and 4.4. False: answered. */
static bool shake_hands(struct tb_request *request, char accept[TB_WEBSOCKET_ACCEPT_LEN])
{
    struct tb_str *headers = request->response.headers;
    if (request->method == TB_METHOD_HEAD || !is_websocket(request->headers[TB_IN_UPGRADE]) ||
        !tb_str_eq_c(request->headers[TB_IN_WEBSOCKET_VERSION], "13")) {
        headers[TB_OUT_CONNECTION] = TB_STR("upgrade");
        headers[TB_OUT_UPGRADE] = TB_STR("websocket");
        headers[TB_OUT_WEBSOCKET_VERSION] = TB_STR("13");
        tb_reply_error(request, TB_E_UPGRADE_REQUIRED);
        return false;
    }
    if (!tb_websocket_accept(request->headers[TB_IN_WEBSOCKET_KEY], accept)) {
        tb_reply_refusal(request, TB_E_INVALID_HEADER,
                         TB_STR("Sec-WebSocket-Key must be 16 bytes in base64"), TB_STR_NONE);
        return false;
    }
    headers[TB_OUT_UPGRADE] = TB_STR("websocket");
    headers[TB_OUT_WEBSOCKET_ACCEPT] = tb_str_from(accept, TB_WEBSOCKET_ACCEPT_LEN);
    headers[TB_OUT_CONTENT_TYPE] = TB_STR_NONE;
    return true;
}

void tb_handle_websocket(struct tb_request *request)
{
    struct tb_subscription subscription = {.format = TB_STREAM_WEBSOCKET};
    char *accept = tb_arena_alloc(request->arena, TB_WEBSOCKET_ACCEPT_LEN);
    if (read_start(request, &subscription) && shake_hands(request, accept)) {
        request->response.status = 101;
        tb_request_subscribe(request, &subscription);
    }
}
