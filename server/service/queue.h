/* The jobs on their way to the committer: any thread puts, the committer takes. */
#ifndef TB_SERVICE_QUEUE_H
#define TB_SERVICE_QUEUE_H

#include <pthread.h>

#include "service/service.h"

struct tb_queue {
    unsigned max; /* jobs; fixed */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    /* under `lock` */
    struct tb_job *first;
    struct tb_job **end;
    unsigned len;
    size_t bytes;     /* of the jobs' arenas */
    uint64_t refused; /* jobs, because it was full */
    bool draining;
    bool stopping;
};

void tb_queue_init(struct tb_queue *queue, unsigned max);
void tb_queue_fini(struct tb_queue *queue);

/* TB_E_OVERLOADED when it is full, TB_E_DRAINING when it takes no such job any more. */
TB_MUST_CHECK enum tb_err tb_queue_put(struct tb_queue *queue, struct tb_job *job);

/* As it is at this moment. */
void tb_queue_look(struct tb_queue *queue, struct tb_queue_state *state);

/* From now on nothing is taken that would hand out a task; nothing at all. */
void tb_queue_drain(struct tb_queue *queue);
void tb_queue_stop(struct tb_queue *queue);

/* Waits until there is a job, for at most `wait_ms` (real ones), and takes at most `most`, linked
 * by `next`. `*draining` is what the committer knows of it; when that is new, nothing is waited
 * for.
 * `*stop` says that the queue is empty and nothing more will come. */
struct tb_job *tb_queue_take(struct tb_queue *queue, unsigned most, int64_t wait_ms, bool *draining,
                             bool *stop);

#endif
