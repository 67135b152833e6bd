/* Reads that are held: they have the answer already, as their If-None-Match says, and wait for
 * another one. No snapshot is held with them: after each change of the board (once a commit, or
 * more rarely where commits come faster than a loop looks) their tags are made anew, once for all
 * with the same URL, and those for whom theirs is another one are answered.
 *
 * Owned by one loop's thread; no I/O but reading the store. */
#ifndef TB_HTTP_HELD_H
#define TB_HTTP_HELD_H

#include "base/arena.h"
#include "taskboard/storage.h"

struct tb_request;

/* What is held of a request: linked into its loop's list. */
struct tb_held_read {
    /* set by the handler */
    enum tb_err (*current_tag)(struct tb_request *request, struct tb_txn *txn,
                               struct tb_arena *arena, struct tb_str *tag);
    void (*on_wake)(struct tb_request *request); /* answers it, without holding it again */

    struct tb_request *request; /* NULL: it is not held */
    struct tb_held_read *before;
    struct tb_held_read *behind;
    int64_t until_us; /* monotonic */
    uint64_t hash;    /* of its URL */
    bool woken;       /* has been held, and is not to be held again */
};

struct tb_held {
    struct tb_held_read *first;
    struct tb_held_read *last;
    unsigned count;
    struct tb_held_read *next_look; /* where tb_held_next_look goes on; NULL: at the first one */
    struct tb_arena *arena;         /* of one wake-up; made when it is needed */
    uint64_t seed; /* random: nobody may choose the places of URLs; made when it is needed */
};

void tb_held_fini(struct tb_held *held);

void tb_held_add(struct tb_held *held, struct tb_request *request, int64_t until_us);

/* Does nothing when the request is not held. */
void tb_held_remove(struct tb_held *held, struct tb_request *request);

/* Answers a held request now. */
void tb_held_wake(struct tb_held *held, struct tb_request *request);

/* The board has changed: answers those whose answer may be another one. */
void tb_held_news(struct tb_held *held, struct tb_reader *reader);

/* Answers those whose time is over; with INT64_MAX all. */
void tb_held_expire(struct tb_held *held, int64_t now_us);

/* Walks round: the next request to look after, or NULL when none is held. */
struct tb_request *tb_held_next_look(struct tb_held *held);

#endif
