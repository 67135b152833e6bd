/* The library refuses some requests before any handler sees them, in plain text: broken framing
 * (400), bodies over the limit (413), unknown expectations (417). A filter puts our form of an
 * error in the place of its own.
 *
 * It also closes the connection at once, with the client still writing its body; the kernel then
 * resets it, and the client never reads why. So the answer goes out first, then our half is closed,
 * and what the client still sends is thrown away for a while. */
#include <errno.h>
#include <sys/socket.h>

#include "http/h2o_loop.h"
#include "http/reply.h"

#define LINGER_STEPS_MAX      20 /* of 100 ms */
#define LINGER_STEP_BYTES_MAX ((size_t)64 * 1024 * 1024)

struct refusal_stream {
    h2o_ostream_t super;
    struct tb_exchange *exchange;
    bool sent;
    unsigned steps;
};

static void prepare(struct tb_exchange *exchange, int status)
{
    struct tb_request *request = &exchange->request;
    if (status == 413) {
        tb_reply_prepare_refusal(request, TB_E_BODY_TOO_LARGE, 0, TB_STR_NONE, TB_STR_NONE);
    } else if (status == 417) {
        tb_reply_prepare_refusal(request, TB_E_BAD_REQUEST, status,
                                 TB_STR("The only expectation met here is 100-continue"),
                                 TB_STR_NONE);
    } else {
        tb_reply_prepare_refusal(request, TB_E_BAD_REQUEST, status,
                                 TB_STR("The body's framing is broken"), TB_STR_NONE);
    }
}

/* Throws away what has come. False when the client has closed too, or nothing can come any more. */
static bool throw_away(int fd)
{
    static __thread char bin[64 * 1024];
    for (size_t total = 0; total < LINGER_STEP_BYTES_MAX;) {
        ssize_t got = recv(fd, bin, sizeof(bin), MSG_DONTWAIT);
        if (got < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        if (got == 0) {
            return false;
        }
        total += (size_t)got;
    }
    return true;
}

static void linger(struct tb_exchange *exchange)
{
    struct refusal_stream *stream = exchange->request.stream;
    bool more = throw_away(tb_exchange_fd(exchange));
    if (more && ++stream->steps < LINGER_STEPS_MAX && exchange->loop->state == TB_LOOP_SERVING) {
        tb_send_after(exchange, TB_DELAY_100_MS, linger);
        return;
    }
    h2o_ostream_send_next(&stream->super, exchange->req, NULL, 0, H2O_SEND_STATE_FINAL);
}

/* Called with the library's text, and again when ours has gone out. */
static void on_send(h2o_ostream_t *super, h2o_req_t *req, h2o_iovec_t *bufs, size_t count,
                    h2o_send_state_t state)
{
    struct refusal_stream *stream = (struct refusal_stream *)super;
    (void)bufs;
    (void)count;
    (void)state;
    if (stream->sent) {
        tb_half_close(req->conn->callbacks->get_socket(req->conn));
        linger(stream->exchange);
        return;
    }
    stream->sent = true;
    if (stream->exchange->request.method == TB_METHOD_HEAD) {
        h2o_ostream_send_next(super, req, NULL, 0, H2O_SEND_STATE_FINAL);
        return;
    }
    struct tb_str body = stream->exchange->request.response.body;
    h2o_iovec_t bytes = h2o_iovec_init(body.ptr, body.len);
    h2o_ostream_send_next(super, req, &bytes, 1, H2O_SEND_STATE_IN_PROGRESS);
}

static void on_setup(h2o_filter_t *filter, h2o_req_t *req, h2o_ostream_t **slot)
{
    (void)filter;
    struct tb_loop *loop = tb_loop_of(req);
    if (loop->replying != NULL) {
        h2o_setup_next_ostream(req, slot);
        return;
    }
    struct tb_exchange *exchange = tb_exchange_open(loop, req);
    prepare(exchange, req->res.status);
    req->res.headers = (h2o_headers_t){NULL, 0, 0};
    tb_send_fill_head(exchange);
    req->res.content_length = exchange->request.response.body.len;
    struct refusal_stream *stream = (void *)h2o_add_ostream(req, sizeof(*stream), slot);
    stream->super.do_send = on_send;
    stream->exchange = exchange;
    stream->sent = false;
    stream->steps = 0;
    exchange->request.stream = stream;
    h2o_setup_next_ostream(req, &stream->super.next);
}

void tb_refusal_register(h2o_pathconf_t *path)
{
    h2o_create_filter(path, sizeof(h2o_filter_t))->on_setup_ostream = on_setup;
}
