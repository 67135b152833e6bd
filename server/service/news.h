/* What the committer publishes of the last commit, and whom it tells that there is one. */
#ifndef TB_SERVICE_NEWS_H
#define TB_SERVICE_NEWS_H

#include <pthread.h>

#include "service/service.h"

struct tb_news {
    /* written by the committer, read by anybody */
    _Atomic uint64_t seq;
    _Atomic uint64_t changes;
    _Atomic uint64_t credential_changes;
    pthread_mutex_t lock;
    struct tb_mailbox *listeners; /* under `lock`; linked by next_listener */
};

void tb_news_init(struct tb_news *news);
void tb_news_fini(struct tb_news *news);

/* Makes the last commit known: first the numbers, then to those who have asked. Does nothing when
 * the head says what it said before. */
void tb_news_publish(struct tb_news *news, const struct tb_head *head);

/* See tb_service_listen. */
void tb_news_listen(struct tb_news *news, struct tb_mailbox *mailbox);
void tb_news_unlisten(struct tb_news *news, struct tb_mailbox *mailbox);

#endif
