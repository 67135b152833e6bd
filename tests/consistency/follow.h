/* Followers of /events/stream, a thread each, that come back with Last-Event-ID when the server was
 * away. What a follower got stands in FOLDER/follower-N: the first line is the path that it asked
 * for, each other one an event as it came. */
#ifndef CONSISTENCY_FOLLOW_H
#define CONSISTENCY_FOLLOW_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct follower {
    pthread_t thread;
    uint16_t port;
    const char *token;
    const char *path; /* of the stream, with its filter */
    char *file_name;
    _Atomic uint64_t last_seq; /* of the last event; 0: none yet */
    _Atomic int64_t until;     /* the seq at which it has seen enough; INT64_MAX: go on */
};

/* Owns nothing of the caller's; `path`, `token` and `folder` must outlive it. */
void follow_begin(struct follower *follower, unsigned number, const char *folder);

/* Waits until it has seen the event `seq`; ends the program when that takes too long. */
void follow_end(struct follower *follower, uint64_t seq);

#endif
