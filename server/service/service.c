#include "service/service.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/committer.h"

struct tb_service {
    struct tb_committer committer;
    pthread_t thread; /* makes its turns */
};

static void *run(void *arg)
{
    struct tb_committer *committer = arg;
    while (tb_committer_turn(committer, tb_committer_sleep_ms(committer))) {
    }
    return NULL;
}

enum tb_err tb_service_start(const struct tb_service_options *options, struct tb_service **service,
                             char *why, size_t why_size)
{
    struct tb_service *new = calloc(1, sizeof(*new));
    if (new == NULL) {
        (void)snprintf(why, why_size, "there is no memory for the service");
        return TB_E_INTERNAL;
    }
    enum tb_err err = tb_committer_init(&new->committer, options, why, why_size);
    if (err != TB_OK) {
        free(new);
        return err;
    }
    int failed = pthread_create(&new->thread, NULL, run, &new->committer);
    if (failed != 0) {
        (void)snprintf(why, why_size, "the committer thread cannot be started: %s",
                       strerrordesc_np(failed));
        tb_committer_fini(&new->committer);
        free(new);
        return TB_E_INTERNAL;
    }
    *service = new;
    return TB_OK;
}

void tb_service_stop(struct tb_service **service)
{
    struct tb_service *stopped = *service;
    if (stopped == NULL) {
        return;
    }
    tb_queue_stop(&stopped->committer.queue);
    pthread_join(stopped->thread, NULL);
    assert(stopped->committer.queue.first == NULL);
    tb_committer_fini(&stopped->committer);
    free(stopped);
    *service = NULL;
}

/* --- what any thread may ask for --- */

enum tb_err tb_service_submit(struct tb_service *service, struct tb_job *job)
{
    return tb_queue_put(&service->committer.queue, job);
}

void tb_service_drain(struct tb_service *service)
{
    tb_queue_drain(&service->committer.queue);
}

uint64_t tb_service_head_seq(const struct tb_service *service)
{
    return atomic_load(&service->committer.news.seq);
}

uint64_t tb_service_credential_changes(const struct tb_service *service)
{
    return atomic_load(&service->committer.news.credential_changes);
}

uint64_t tb_service_changes(const struct tb_service *service)
{
    return atomic_load(&service->committer.news.changes);
}

void tb_service_listen(struct tb_service *service, struct tb_mailbox *mailbox)
{
    tb_news_listen(&service->committer.news, mailbox);
}

void tb_service_unlisten(struct tb_service *service, struct tb_mailbox *mailbox)
{
    tb_news_unlisten(&service->committer.news, mailbox);
}

uint64_t tb_service_store_id(const struct tb_service *service)
{
    return service->committer.store_id;
}

enum tb_err tb_service_health(const struct tb_service *service)
{
    return (enum tb_err)atomic_load(&service->committer.health);
}

const struct tb_commit_metrics *tb_service_metrics(const struct tb_service *service)
{
    return &service->committer.metrics;
}

void tb_service_look_at_queue(struct tb_service *service, struct tb_queue_state *state)
{
    tb_queue_look(&service->committer.queue, state);
}
