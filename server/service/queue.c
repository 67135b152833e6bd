#include "service/queue.h"

#include <time.h>

#define BYTES_MAX (256U << 20)

void tb_queue_init(struct tb_queue *queue, unsigned max)
{
    *queue = (struct tb_queue){.max = max};
    queue->end = &queue->first;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&queue->wake, &attr);
    pthread_condattr_destroy(&attr);
}

void tb_queue_fini(struct tb_queue *queue)
{
    pthread_cond_destroy(&queue->wake);
    pthread_mutex_destroy(&queue->lock);
}

/* Would it hand out a task? */
static bool claims(const struct tb_command *command)
{
    switch (command->kind) {
    case TB_COMMAND_CLAIM:
    case TB_COMMAND_CLAIM_TASK:
        return true;
    case TB_COMMAND_COMPLETE:
    case TB_COMMAND_FAIL:
    case TB_COMMAND_RELEASE:
        return command->finish.has_next;
    default:
        return false;
    }
}

enum tb_err tb_queue_put(struct tb_queue *queue, struct tb_job *job)
{
    enum tb_err err = TB_OK;
    size_t bytes = tb_arena_size_bytes(job->arena);
    job->next = NULL;
    job->wait = (struct tb_wait){.number = 0};
    pthread_mutex_lock(&queue->lock);
    if (queue->stopping || (queue->draining && claims(&job->command))) {
        err = TB_E_DRAINING;
    } else if (queue->len > 0 && (queue->len >= queue->max || queue->bytes + bytes > BYTES_MAX)) {
        err = TB_E_OVERLOADED;
        queue->refused++;
    } else {
        *queue->end = job;
        queue->end = &job->next;
        queue->bytes += bytes;
        if (queue->len++ == 0) {
            pthread_cond_signal(&queue->wake);
        }
    }
    pthread_mutex_unlock(&queue->lock);
    return err;
}

void tb_queue_look(struct tb_queue *queue, struct tb_queue_state *state)
{
    pthread_mutex_lock(&queue->lock);
    *state = (struct tb_queue_state){
        .jobs = queue->len,
        .jobs_max = queue->max,
        .bytes = queue->bytes,
        .refused = queue->refused,
    };
    pthread_mutex_unlock(&queue->lock);
}

void tb_queue_drain(struct tb_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->draining = true;
    pthread_cond_signal(&queue->wake);
    pthread_mutex_unlock(&queue->lock);
}

void tb_queue_stop(struct tb_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->draining = true;
    queue->stopping = true;
    pthread_cond_signal(&queue->wake);
    pthread_mutex_unlock(&queue->lock);
}

static struct timespec deadline_in(int64_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += (ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    return at;
}

struct tb_job *tb_queue_take(struct tb_queue *queue, unsigned most, int64_t wait_ms, bool *draining,
                             bool *stop)
{
    pthread_mutex_lock(&queue->lock);
    bool told = queue->stopping || queue->draining != *draining;
    if (queue->len == 0 && !told && wait_ms > 0) {
        const struct timespec deadline = deadline_in(wait_ms);
        pthread_cond_timedwait(&queue->wake, &queue->lock, &deadline);
    }
    struct tb_job *first = queue->first;
    struct tb_job **end = &first;
    unsigned count = 0;
    while (*end != NULL && count < most) {
        queue->bytes -= tb_arena_size_bytes((*end)->arena);
        end = &(*end)->next;
        count++;
    }
    queue->first = *end;
    *end = NULL;
    queue->len -= count;
    if (queue->first == NULL) {
        queue->end = &queue->first;
    }
    *draining = queue->draining;
    *stop = queue->stopping && first == NULL;
    pthread_mutex_unlock(&queue->lock);
    return first;
}
