/* One WebSocket connection (RFC 6455), the server's side, over bytes that somebody else carries:
 * reading what the client sends, and the control frames that this calls for. The events themselves
 * are no business of this module: whoever writes them takes the output from here between two of
 * their pieces, so that whole frames alternate.
 *
 * Owned by one thread; no I/O. */
#ifndef TB_HTTP_WEBSOCKET_H
#define TB_HTTP_WEBSOCKET_H

#include "base/arena.h"
#include "base/str.h"

#define TB_WEBSOCKET_MESSAGE_BYTES_MAX 8192 /* of what a client sends */
#define TB_WEBSOCKET_KEY_LEN           24
#define TB_WEBSOCKET_ACCEPT_LEN        28

/* RFC 6455, 7.4.1 */
#define TB_WEBSOCKET_GOING_AWAY 1001
#define TB_WEBSOCKET_POLICY     1008
#define TB_WEBSOCKET_FAULT      1011

/* Sec-WebSocket-Accept for a Sec-WebSocket-Key. False: that is no key. */
bool tb_websocket_accept(struct tb_str key, char accept[TB_WEBSOCKET_ACCEPT_LEN]);

struct tb_websocket;

/* Called with each text message (bytes; UTF-8). It may call tb_websocket_send and _close. */
typedef void tb_websocket_on_text(void *ctx, struct tb_str message);

struct tb_websocket *tb_websocket_new(tb_websocket_on_text *on_text, void *ctx);

/* NULL is accepted; the caller's pointer is set to NULL. */
void tb_websocket_free(struct tb_websocket **websocket);

/* Takes bytes of the client. Pings, closing and what is against the protocol it answers. Messages
 * that are binary (1003) or too long (1009) end the connection. */
void tb_websocket_take(struct tb_websocket *websocket, struct tb_str bytes);

/* From here on there is output to be taken. Do nothing when the connection is being closed. */
void tb_websocket_send(struct tb_websocket *websocket, struct tb_str message); /* json */
void tb_websocket_ping(struct tb_websocket *websocket);
void tb_websocket_close(struct tb_websocket *websocket, unsigned code, const char *reason);

/* How many messages wait to be taken: who has sent too much is not read any further. */
size_t tb_websocket_queued(const struct tb_websocket *websocket);

/* All that waits, as bytes in `arena`: whole frames. Empty: there is none. */
struct tb_str tb_websocket_output(struct tb_websocket *websocket, struct tb_arena *arena);

/* Has one side said that it closes? No event may be sent any more. */
bool tb_websocket_is_closing(const struct tb_websocket *websocket);

/* Our own last frame has been taken; and the client's has come. */
bool tb_websocket_has_said_goodbye(const struct tb_websocket *websocket);
bool tb_websocket_is_over(const struct tb_websocket *websocket);

#endif
