/* Requests of the loop: each is sent until it is answered. */
#ifndef CLI_WORK_CALL_H
#define CLI_WORK_CALL_H

#include "http.h"

#define WORK_SOCKETS_MAX 4

typedef void work_answer_fn(void *ctx, const struct cli_answer *answer);

struct work_call {
    struct work_calls *calls;
    struct work_call *next; /* among those that are active */
    struct cli_exchange *exchange;
    struct tb_arena *arena; /* of the request */
    struct cli_request request;
    char key[CLI_KEY_LEN + 1];
    CURL *in_flight; /* NULL: waits for its next try, or is idle */
    unsigned attempt;
    int64_t next_ms;
    bool active;
    bool once;             /* not tried again by itself */
    bool fresh;            /* a connection of its own */
    bool may_have_arrived; /* an earlier try reached the board, for all that is known */
    curl_socket_t sockets[WORK_SOCKETS_MAX]; /* of a fresh one: two may race to connect */
    work_answer_fn *on_answer;
    void *ctx;
};

struct work_calls {
    const struct cli_settings *settings;
    CURLM *multi;
    struct work_call *active;
    int64_t silent_since_ms; /* 0: the board answers */
};

void work_calls_init(struct work_calls *calls, const struct cli_settings *settings);
void work_calls_fini(struct work_calls *calls); /* after its calls */

struct work_call *work_call_new(struct work_calls *calls, work_answer_fn *on_answer, void *ctx);
void work_call_free(struct work_call *call); /* NULL is accepted */

/* The request is copied; `keyed` gives it an idempotency key. The call must be idle. */
void work_call_send(struct work_call *call, const struct cli_request *request, bool keyed);

/* Forgets the request; nobody hears of its answer. */
void work_call_abort(struct work_call *call);

/* Tells the board that nobody waits any more, and goes on reading: an answer that was under way
 * still comes. */
void work_call_half_close(struct work_call *call);

/* Sends what is due, handles what has arrived. */
void work_calls_step(struct work_calls *calls, int64_t now_ms);
int64_t work_calls_next_ms(const struct work_calls *calls); /* 0: no matter */

#endif
