/* The claims that wait for a task, first come first served. A pure data structure, owned by the
 * committer's thread: it knows neither time nor transactions.
 *
 * Each stands in up to four queues, in the order in which they came:
 *
 *   all      of everybody
 *   filter   of those with the same `tags` and `anyTags`: a task that is reserved for nobody goes
 *            to the earliest of the first ones of the filters that it fits, so that finding it
 *            costs the number of different filters and not that of claims
 *   agent    of the same agent: a task that is reserved goes to one of its agent's
 *   key      of the same Idempotency-Key: what one of them gets is the answer of all
 *
 * and in a heap by the instant at which its time is over. */
#ifndef TB_SERVICE_WAITING_H
#define TB_SERVICE_WAITING_H

#include "taskboard/command.h"

struct tb_job;
struct tb_wait_queue;
struct tb_waiting;

enum tb_wait_kind { TB_WAIT_ALL, TB_WAIT_FILTER, TB_WAIT_AGENT, TB_WAIT_KEY, TB_WAIT_KIND_COUNT };

/* Where a job stands. */
struct tb_wait {
    uint64_t number;  /* from 1 on, in the order in which they came; 0: it does not wait */
    int64_t until_us; /* monotonic */
    size_t bytes;     /* of its arena */
    size_t heap_at;
    struct tb_wait_place {
        struct tb_wait_queue *queue; /* NULL: in none of this kind */
        struct tb_job *before;
        struct tb_job *behind;
    } places[TB_WAIT_KIND_COUNT];
};

/* Room for `max` claims whose arenas have `bytes_max` together. `seed` is random. NULL: out of
 * memory. */
struct tb_waiting *tb_waiting_new(size_t max, size_t bytes_max, uint64_t seed);

/* NULL is accepted. Jobs that still wait are not touched. */
void tb_waiting_free(struct tb_waiting *waiting);

size_t tb_waiting_count(const struct tb_waiting *waiting);

/* The number that the next one gets. */
uint64_t tb_waiting_next_number(const struct tb_waiting *waiting);

/* Puts a CLAIM behind all others. False: there is no room. */
bool tb_waiting_add(struct tb_waiting *waiting, struct tb_job *job, int64_t until_us);

/* Takes it out; its number and its time stay known, so that it can be put back into its place. */
void tb_waiting_remove(struct tb_waiting *waiting, struct tb_job *job);
void tb_waiting_put_back(struct tb_waiting *waiting, struct tb_job *job);

/* The first one that wants that task, which is in state READY, or NULL. */
struct tb_job *tb_waiting_first_for(const struct tb_waiting *waiting, const struct tb_task *task);

/* The first one whose number is not less, or NULL. */
struct tb_job *tb_waiting_from(const struct tb_waiting *waiting, uint64_t number);
struct tb_job *tb_waiting_next(const struct tb_job *job);

bool tb_waiting_has(const struct tb_job *job);

/* The last one, or NULL. */
struct tb_job *tb_waiting_last(const struct tb_waiting *waiting);

/* The first one with that Idempotency-Key, or NULL. */
struct tb_job *tb_waiting_with_key(const struct tb_waiting *waiting,
                                   const uint8_t key[TB_DIGEST_BYTES]);

/* The one whose time is over first, or NULL. */
struct tb_job *tb_waiting_earliest(const struct tb_waiting *waiting);

#endif
