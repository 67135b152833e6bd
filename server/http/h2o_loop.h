/* What the h2o_*.c files share: the only files of the project that know h2o.
 *
 *   h2o_server.c    the configuration and all loops: start, drain, join
 *   h2o_loop.c      one loop's thread
 *   h2o_listener.c  accepting connections
 *   h2o_inbox.c     what other threads tell a loop
 *   h2o_exchange.c  a request of the library ↔ a tb_request
 *   h2o_send.c      answers
 *   h2o_transfer.c  answers that a thread of their own makes
 *   h2o_held.c      reads that are held until the board changes
 *   h2o_stream.c    one stream of events on its connection
 *   h2o_fanout.c    all streams of a loop: who is sent what, and when
 *   h2o_tls.c       handshakes of native TLS
 *   h2o_refusal.c   answers that the library gives by itself, made ours
 *   h2o_watch.c     what a loop looks after ten times a second: slow clients, memory, draining */
#ifndef TB_HTTP_H2O_LOOP_H
#define TB_HTTP_H2O_LOOP_H

#include <h2o.h>
#include <pthread.h>
#include <semaphore.h>

#include "http/context.h"
#include "http/listen.h"
#include "http/peers.h"
#include "http/server.h"
#include "http/websocket.h"

struct tb_loop;

/* A request on its way through a loop, with its memory: taken when the request comes, and given
 * back when both the library's request and the job, if there is one, are over. */
struct tb_exchange {
    struct tb_request request;
    struct tb_loop *loop;
    h2o_req_t *req; /* NULL once the library has let go of it */
    bool job_pending;
    int waiting_fd; /* of a claim that may wait, under the loop's `waiting_lock`; -1: its connection
                     * is gone */
    bool slowed;    /* counts as pending in the slowdown */
    bool waited;    /* on purpose: its time tells nothing of the server */
    bool is_stream; /* its connection goes on as a stream */
    bool cut_off;   /* while it waits, for want of memory */
    struct tb_arena *pieces; /* of what is sent next; NULL: not needed so far */
    h2o_generator_t generator;
    h2o_timeout_entry_t delay;
    void (*after_delay)(struct tb_exchange *exchange);
    uint64_t
        progress_ms; /* tb_loop_now_ms() when the client was last seen to take bytes; 0: nothing is sent */
    uint64_t acked_bytes;         /* by then */
    size_t answer_bytes;          /* counted in the loop's sum; 0: small */
    struct tb_transfer *transfer; /* NULL: none; the exchange stays until it is over */
    enum tb_transfer_kind transfer_kind;
    bool transfer_begun;           /* its answer is being sent */
    bool transfer_waits;           /* the client has everything that there is so far */
    bool transfer_told;            /* under the inbox's lock, as the next one: it is in its list */
    struct tb_exchange *next_told; /* there */
    struct tb_exchange *next;      /* among the spare ones */
    h2o_linklist_t link;           /* among the live ones */
};

/* What other threads tell a loop. */
struct tb_inbox {
    struct tb_mailbox mailbox; /* first: the service knows only this */
    h2o_multithread_receiver_t receiver;
    h2o_multithread_message_t message; /* linked while posted */
    pthread_mutex_t lock;
    /* under the lock */
    struct tb_job *first;
    struct tb_job **last;
    struct tb_exchange *told; /* whose transfers have something new */
    bool posted;
    bool drain;
    bool news;
};

enum tb_loop_state {
    TB_LOOP_SERVING,
    TB_LOOP_DRAINING, /* answers still, but closes every connection after its request */
    TB_LOOP_CLOSED,   /* accepts nothing more */
};

/* A stream of events: what is left of a connection when its request is over. It is linked into one
 * list of the fan-out at most: none while it opens, and while it is being sent something. */
struct tb_stream {
    struct tb_subscriber subscriber;
    struct tb_ticket ticket; /* of who subscribed */
    struct tb_loop *loop;
    h2o_socket_t *socket;           /* NULL while the head of the answer is on its way */
    struct tb_websocket *websocket; /* NULL: server-sent events */
    struct tb_parcel *sending;      /* what the socket has not taken yet; NULL: nothing */
    h2o_linklist_t link;            /* in the fan-out's list of all */
    h2o_linklist_t turn;            /* in its ready, waiting or resting ones */
    bool ending;                    /* is closed as soon as it has said what it still has to say */
    unsigned end_code;              /* of the close frame then */
    bool read_stopped;              /* the client sends faster than it takes answers */
    bool deaf;                      /* its TLS has been ended: what comes is thrown away */
    uint64_t sent_ms; /* tb_loop_now_ms() when something was last sent, or the client took a part */
    uint64_t heard_ms;    /* when the client was last heard of */
    uint64_t pinged_ms;   /* when it was last asked for a sign of life since then; 0: it was not */
    uint64_t ending_ms;   /* when `ending` was set */
    uint64_t acked_bytes; /* as of `sent_ms` */
    size_t unread_bytes;  /* what the client of a stream that listens to nothing has sent */
    uint64_t sent_bytes;
    int64_t started_us;
    struct tb_str id; /* of its request, behind it */
};

/* All streams of a loop.
 *
 *             is behind                  news
 *   ready ◄─────────────── waiting ◄─────────────── resting
 *     │    next round         ▲  the head has moved    ▲
 *     └────► sent ────────────┴────────────────────────┘ */
struct tb_fanout {
    struct tb_stream_source source;
    h2o_linklist_t all;
    h2o_linklist_t ready;   /* to be looked at in this round */
    h2o_linklist_t waiting; /* for the next one */
    h2o_linklist_t resting; /* have everything: woken by news */
    unsigned count;
    bool in_round;
    int64_t round_us;            /* when it began */
    h2o_linklist_t *next_look;   /* in `all` */
    uint64_t credential_changes; /* when all tickets were last looked at */
    int64_t next_end_ms;         /* when the first of them is over (wall clock) */
    int64_t credit_us;           /* time that may be spent at once */
    int64_t credit_at_us;
    uint64_t lag_max; /* events; of those that were looked at since the look began anew */
    h2o_timeout_t next_turn;
    h2o_timeout_entry_t turn;
    struct tb_arena *scratch; /* of one message, one heartbeat */
};

/* Owned by its thread, but for the inbox. */
struct tb_loop {
    struct tb_worker worker;
    struct tb_server *server;
    unsigned index;
    pthread_t thread;
    enum tb_loop_state state;
    h2o_context_t context;
    uint64_t library_ms; /* h2o_now() when its timers were last looked at */
    h2o_accept_ctx_t accept;
    h2o_socket_t *listeners[TB_LISTEN_ADDRESSES_MAX];
    size_t listener_count;
    bool listeners_paused;
    int64_t pause_logged_us; /* when it was last said that nobody can be accepted */
    int64_t crowd_logged_us; /* and that an address has too many connections */
    unsigned connection_count;
    int64_t request_us;      /* when a request last came */
    int64_t turn_us;         /* and when the first one of this turn; 0: none so far */
    const h2o_conn_t *ended; /* whose request was the last one to end in it; NULL: none so far */
    size_t answer_bytes;     /* of large answers that are not yet gone */
    unsigned job_count;
    pthread_mutex_t waiting_lock; /* held while the committer looks at a connection of ours */
    struct tb_exchange *replying; /* whose answer is being started */
    h2o_linklist_t handshakes;
    h2o_linklist_t live;
    struct tb_exchange *spare;
    unsigned spare_count;
    h2o_timeout_t delay_300_ms;
    h2o_timeout_t next_turn;
    h2o_timeout_entry_t watch;
    bool watch_rests; /* looks once a second only, for there was no connection */
    unsigned watch_count;
    int64_t logins_logged_us;    /* when the first loop last looked at failed logins */
    uint_fast64_t logins_logged; /* how many there were then */
    int64_t drain_started_us;
    struct tb_fanout fanout;
    struct tb_inbox inbox;
};

struct tb_server {
    struct tb_server_options options;
    h2o_globalconf_t config;
    atomic_uint connection_count;    /* of all loops */
    struct tb_peers *peers;          /* the same by address; NULL: not counted */
    atomic_int_fast64_t drain_by_us; /* when the last requests are cut off */
    sem_t started;
    atomic_uint failed_count; /* loops that could not start */
    unsigned loop_count;
    sem_t ended;
    unsigned ended_count; /* loops that are known to have ended */
    struct tb_loop loops[];
};

/* --- h2o_loop.c --- */
void *tb_loop_main(void *loop);
struct tb_loop *tb_loop_of(const h2o_req_t *req);
int64_t tb_loop_now_us(const struct tb_loop *loop); /* monotonic, as the next one */
uint64_t tb_loop_now_ms(const struct tb_loop *loop);

/* --- h2o_listener.c --- */
bool tb_listeners_open(struct tb_loop *loop);
void tb_listeners_resume(struct tb_loop *loop); /* after they paused for want of file descriptors */
void tb_listeners_close(struct tb_loop *loop);  /* takes those first who stand in the queue */

/* --- h2o_tls.c --- */
void tb_handshake_begin(struct tb_loop *loop, h2o_socket_t *socket);
void tb_handshakes_cut(struct tb_loop *loop, int64_t older_than_us);
void tb_tls_look(void);                   /* ten times a second, on a loop's thread */
void tb_half_close(h2o_socket_t *socket); /* no more will be written; what comes is still read */

/* The same of a socket that is ours alone and speaks TLS: ends that, and closes the socket. Its
 * connection, with what is to be done when that is closed, goes on in the one returned, on which
 * nothing can be understood any more. NULL: there is no file descriptor for it, and nothing was done.
 */
h2o_socket_t *tb_tls_end(h2o_socket_t *socket);

/* --- h2o_inbox.c --- */
void tb_inbox_open(struct tb_loop *loop);
void tb_inbox_close(struct tb_loop *loop);
void tb_inbox_ask_to_drain(struct tb_inbox *inbox); /* any thread, after the loop has started */
void tb_inbox_tell_of_transfer(struct tb_inbox *inbox,
                               struct tb_exchange *exchange); /* any thread */
void tb_inbox_forget_transfer(struct tb_inbox *inbox, struct tb_exchange *exchange);

/* --- h2o_exchange.c --- */
int tb_exchange_on_request(h2o_handler_t *handler, h2o_req_t *req);
struct tb_exchange *tb_exchange_open(struct tb_loop *loop, h2o_req_t *req);
void tb_exchange_job_done(struct tb_job *job);
void tb_exchange_let_go(struct tb_exchange *exchange); /* the library has done so before */
void tb_exchange_free_spares(struct tb_loop *loop);
struct tb_exchange *tb_exchange_of(struct tb_request *request);
int tb_exchange_fd(const struct tb_exchange *exchange);

/* --- h2o_send.c --- */
void tb_send_fill_head(struct tb_exchange *exchange);
void tb_send_start(struct tb_exchange *exchange); /* fills and starts the head */
void tb_send_after(struct tb_exchange *exchange, enum tb_delay delay,
                   void (*then)(struct tb_exchange *exchange));

/* --- h2o_transfer.c --- */
void tb_transfer_told(struct tb_exchange *exchange);
void tb_transfer_leave(struct tb_exchange *exchange); /* its request is over */

/* --- h2o_held.c --- */
void tb_held_open(struct tb_loop *loop);
void tb_held_close(struct tb_loop *loop);
void tb_held_leave(struct tb_exchange *exchange); /* its request is over */
void tb_held_on_news(struct tb_loop *loop);
void tb_held_look(struct tb_loop *loop); /* ten times a second */
void tb_held_drain(struct tb_loop *loop);
bool tb_is_hung_up(int fd); /* any thread: has the client closed the connection, or its half? */

/* --- h2o_stream.c --- */
void tb_stream_send(struct tb_stream *stream, struct tb_parcel *parcel); /* takes the reference */
void tb_stream_send_bytes(struct tb_stream *stream, struct tb_str bytes);
void tb_stream_end(struct tb_stream *stream, unsigned code); /* politely; the code of a WebSocket */
void tb_stream_say_goodbye(struct tb_stream *stream); /* no more; and waits for the client's */
void tb_stream_resume_reading(struct tb_stream *stream);
void tb_stream_close(struct tb_stream *stream);
void tb_stream_revoke(struct tb_stream *stream); /* who subscribed may not any more */
bool tb_stream_is_sending(const struct tb_stream *stream);

/* --- h2o_fanout.c --- */
void tb_fanout_open(struct tb_loop *loop);
void tb_fanout_close(struct tb_loop *loop);
void tb_fanout_add(struct tb_stream *stream);    /* opens */
void tb_fanout_ready(struct tb_stream *stream);  /* has something to do */
void tb_fanout_rest(struct tb_stream *stream);   /* has been sent everything, as far as it knows */
void tb_fanout_leave(struct tb_stream *stream);  /* is busy: no turn for now */
void tb_fanout_remove(struct tb_stream *stream); /* closes */
void tb_fanout_on_news(struct tb_loop *loop);
void tb_fanout_look(struct tb_loop *loop); /* ten times a second */
void tb_fanout_drain(struct tb_loop *loop);
void tb_fanout_cut(struct tb_loop *loop);

/* --- h2o_refusal.c --- */
void tb_refusal_register(h2o_pathconf_t *path);

/* --- h2o_watch.c --- */
void tb_watch_start(struct tb_loop *loop);
void tb_watch_wake(struct tb_loop *loop); /* it has a connection again */
void tb_watch_stop(struct tb_loop *loop);
void tb_watch_drain(struct tb_loop *loop);

/* Has the client of a connection on which something waits to be taken taken too little since
 * `*since_ms`? Both are moved on when it has been looked at; `*acked_bytes` is 0 before the first
 * look. */
bool tb_watch_is_stuck(int fd, uint64_t now_ms, uint64_t *since_ms, uint64_t *acked_bytes);

#endif
