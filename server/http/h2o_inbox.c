/* One message a batch: jobs join a list, and only the first of it wakes the loop. */
#include <assert.h>

#include "http/h2o_loop.h"

static void post_locked(struct tb_inbox *inbox)
{
    if (!inbox->posted) {
        inbox->posted = true;
        h2o_multithread_send_message(&inbox->receiver, &inbox->message);
    }
}

static void deliver(struct tb_mailbox *mailbox, struct tb_job *jobs)
{
    struct tb_inbox *inbox = H2O_STRUCT_FROM_MEMBER(struct tb_inbox, mailbox, mailbox);
    struct tb_job *last = jobs;
    while (last->next != NULL) {
        last = last->next;
    }
    pthread_mutex_lock(&inbox->lock);
    *inbox->last = jobs;
    inbox->last = &last->next;
    post_locked(inbox);
    pthread_mutex_unlock(&inbox->lock);
}

/* At most once for each time that the loop has asked for it. */
static void announce(struct tb_mailbox *mailbox)
{
    struct tb_inbox *inbox = H2O_STRUCT_FROM_MEMBER(struct tb_inbox, mailbox, mailbox);
    pthread_mutex_lock(&inbox->lock);
    inbox->news = true;
    post_locked(inbox);
    pthread_mutex_unlock(&inbox->lock);
}

void tb_inbox_tell_of_transfer(struct tb_inbox *inbox, struct tb_exchange *exchange)
{
    pthread_mutex_lock(&inbox->lock);
    if (!exchange->transfer_told) {
        exchange->transfer_told = true;
        exchange->next_told = inbox->told;
        inbox->told = exchange;
        post_locked(inbox);
    }
    pthread_mutex_unlock(&inbox->lock);
}

void tb_inbox_forget_transfer(struct tb_inbox *inbox, struct tb_exchange *exchange)
{
    pthread_mutex_lock(&inbox->lock);
    struct tb_exchange **at = &inbox->told;
    while (*at != NULL && *at != exchange) {
        at = &(*at)->next_told;
    }
    if (*at != NULL) {
        *at = exchange->next_told;
        exchange->transfer_told = false;
    }
    pthread_mutex_unlock(&inbox->lock);
}

/* One at a time: what it does may end others. */
static struct tb_exchange *next_told(struct tb_inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    struct tb_exchange *exchange = inbox->told;
    if (exchange != NULL) {
        inbox->told = exchange->next_told;
        exchange->transfer_told = false;
    }
    pthread_mutex_unlock(&inbox->lock);
    return exchange;
}

void tb_inbox_ask_to_drain(struct tb_inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    inbox->drain = true;
    post_locked(inbox);
    pthread_mutex_unlock(&inbox->lock);
}

static void receive(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct tb_inbox *inbox = H2O_STRUCT_FROM_MEMBER(struct tb_inbox, receiver, receiver);
    struct tb_loop *loop = H2O_STRUCT_FROM_MEMBER(struct tb_loop, inbox, inbox);
    pthread_mutex_lock(&inbox->lock);
    h2o_linklist_unlink(&inbox->message.link);
    assert(h2o_linklist_is_empty(messages));
    (void)messages;
    struct tb_job *job = inbox->first;
    bool drain = inbox->drain;
    bool news = inbox->news;
    inbox->first = NULL;
    inbox->last = &inbox->first;
    inbox->posted = false;
    inbox->drain = false;
    inbox->news = false;
    pthread_mutex_unlock(&inbox->lock);
    while (job != NULL) {
        struct tb_job *next = job->next;
        tb_exchange_job_done(job);
        job = next;
    }
    for (struct tb_exchange *told = next_told(inbox); told != NULL; told = next_told(inbox)) {
        tb_transfer_told(told);
    }
    if (news) {
        tb_held_on_news(loop);
        tb_fanout_on_news(loop);
    }
    if (drain) {
        tb_watch_drain(loop);
    }
}

void tb_inbox_open(struct tb_loop *loop)
{
    struct tb_inbox *inbox = &loop->inbox;
    inbox->mailbox.deliver = deliver;
    inbox->mailbox.announce = announce;
    inbox->last = &inbox->first;
    (void)pthread_mutex_init(&inbox->lock, NULL);
    h2o_multithread_register_receiver(loop->context.queue, &inbox->receiver, receive);
}

void tb_inbox_close(struct tb_loop *loop)
{
    h2o_multithread_unregister_receiver(loop->context.queue, &loop->inbox.receiver);
    (void)pthread_mutex_destroy(&loop->inbox.lock);
}
