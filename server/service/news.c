#include "service/news.h"

void tb_news_init(struct tb_news *news)
{
    *news = (struct tb_news){.listeners = NULL};
    pthread_mutex_init(&news->lock, NULL);
}

void tb_news_fini(struct tb_news *news)
{
    pthread_mutex_destroy(&news->lock);
}

/* Who asks sets its flag and then looks at the numbers; here they are written before the flags are
 * looked at: so one of both sees the other. */
void tb_news_publish(struct tb_news *news, const struct tb_head *head)
{
    atomic_store(&news->credential_changes, head->credential_changes);
    if (atomic_load(&news->seq) == head->seq && atomic_load(&news->changes) == head->changes) {
        return;
    }
    atomic_store(&news->seq, head->seq);
    atomic_store(&news->changes, head->changes);
    pthread_mutex_lock(&news->lock);
    for (struct tb_mailbox *one = news->listeners; one != NULL; one = one->next_listener) {
        if (atomic_load(&one->wants_news) && atomic_exchange(&one->wants_news, false)) {
            one->announce(one);
        }
    }
    pthread_mutex_unlock(&news->lock);
}

void tb_news_listen(struct tb_news *news, struct tb_mailbox *mailbox)
{
    pthread_mutex_lock(&news->lock);
    mailbox->next_listener = news->listeners;
    news->listeners = mailbox;
    pthread_mutex_unlock(&news->lock);
}

void tb_news_unlisten(struct tb_news *news, struct tb_mailbox *mailbox)
{
    pthread_mutex_lock(&news->lock);
    struct tb_mailbox **at = &news->listeners;
    while (*at != mailbox) {
        at = &(*at)->next_listener;
    }
    *at = mailbox->next_listener;
    pthread_mutex_unlock(&news->lock);
}
