/* What the h2o_*.c files share: the only files of the project that know h2o.
 *
 *   h2o_server.c    the configuration and all loops: start, drain, join
 *   h2o_loop.c      one loop's thread
 *   h2o_listener.c  accepting connections
 *   h2o_inbox.c     what other threads tell a loop
 *   h2o_exchange.c  a request of the library ↔ a tb_request
 *   h2o_send.c      answers
 *   h2o_held.c      reads that are held until the board changes
 *   h2o_refusal.c   answers that the library gives by itself, made ours
 *   h2o_watch.c     what a loop looks after ten times a second: slow clients, memory, draining */
#ifndef TB_HTTP_H2O_LOOP_H
#define TB_HTTP_H2O_LOOP_H

#include <h2o.h>
#include <pthread.h>
#include <semaphore.h>

#include "http/context.h"
#include "http/listen.h"
#include "http/server.h"

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
    struct tb_arena *pieces; /* of what is sent next; NULL: not needed so far */
    h2o_generator_t generator;
    h2o_timeout_entry_t delay;
    void (*after_delay)(struct tb_exchange *exchange);
    uint64_t
        progress_ms; /* h2o_now() when the client was last seen to take bytes; 0: nothing is sent */
    uint64_t acked_bytes;     /* by then */
    size_t answer_bytes;      /* counted in the loop's sum; 0: small */
    struct tb_exchange *next; /* among the spare ones */
    h2o_linklist_t link;      /* among the live ones */
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
    bool posted;
    bool drain;
    bool news;
};

enum tb_loop_state {
    TB_LOOP_SERVING,
    TB_LOOP_DRAINING, /* answers still, but closes every connection after its request */
    TB_LOOP_CLOSED,   /* accepts nothing more */
};

/* Owned by its thread, but for the inbox. */
struct tb_loop {
    struct tb_worker worker;
    struct tb_server *server;
    unsigned index;
    pthread_t thread;
    enum tb_loop_state state;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    h2o_socket_t *listeners[TB_LISTEN_ADDRESSES_MAX];
    size_t listener_count;
    bool listeners_paused;
    int64_t pause_logged_us; /* when it was last said that nobody can be accepted */
    unsigned connection_count;
    size_t answer_bytes; /* of large answers that are not yet gone */
    unsigned job_count;
    pthread_mutex_t waiting_lock; /* held while the committer looks at a connection of ours */
    struct tb_exchange *replying; /* whose answer is being started */
    h2o_linklist_t live;
    struct tb_exchange *spare;
    unsigned spare_count;
    h2o_timeout_t delay_300_ms;
    h2o_timeout_entry_t watch;
    unsigned watch_count;
    int64_t logins_logged_us;    /* when the first loop last looked at failed logins */
    uint_fast64_t logins_logged; /* how many there were then */
    int64_t drain_started_us;
    struct tb_inbox inbox;
};

struct tb_server {
    struct tb_server_options options;
    h2o_globalconf_t config;
    atomic_uint connection_count;    /* of all loops */
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
int64_t tb_loop_now_us(const struct tb_loop *loop);

/* --- h2o_listener.c --- */
bool tb_listeners_open(struct tb_loop *loop);
void tb_listeners_resume(struct tb_loop *loop); /* after they paused for want of file descriptors */
void tb_listeners_close(struct tb_loop *loop);  /* takes those first who stand in the queue */

/* --- h2o_inbox.c --- */
void tb_inbox_open(struct tb_loop *loop);
void tb_inbox_close(struct tb_loop *loop);
void tb_inbox_ask_to_drain(struct tb_inbox *inbox); /* any thread, after the loop has started */

/* --- h2o_exchange.c --- */
int tb_exchange_on_request(h2o_handler_t *handler, h2o_req_t *req);
struct tb_exchange *tb_exchange_open(struct tb_loop *loop, h2o_req_t *req);
void tb_exchange_job_done(struct tb_job *job);
void tb_exchange_free_spares(struct tb_loop *loop);
struct tb_exchange *tb_exchange_of(struct tb_request *request);
int tb_exchange_fd(const struct tb_exchange *exchange);

/* --- h2o_send.c --- */
void tb_send_fill_head(struct tb_exchange *exchange);
void tb_send_after(struct tb_exchange *exchange, enum tb_delay delay,
                   void (*then)(struct tb_exchange *exchange));

/* --- h2o_held.c --- */
void tb_held_open(struct tb_loop *loop);
void tb_held_close(struct tb_loop *loop);
void tb_held_leave(struct tb_exchange *exchange); /* its request is over */
void tb_held_on_news(struct tb_loop *loop);
void tb_held_look(struct tb_loop *loop); /* ten times a second */
void tb_held_drain(struct tb_loop *loop);
bool tb_is_hung_up(int fd); /* any thread: has the client closed the connection, or its half? */

/* --- h2o_refusal.c --- */
void tb_refusal_register(h2o_pathconf_t *path);

/* --- h2o_watch.c --- */
void tb_watch_start(struct tb_loop *loop);
void tb_watch_stop(struct tb_loop *loop);
void tb_watch_drain(struct tb_loop *loop);

#endif
