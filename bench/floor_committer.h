/* Group commit with nothing around it: a thread that takes all the jobs that wait, puts them in one
 * transaction, commits it with a full sync, and hands them back, one message a loop. */
#ifndef BENCH_FLOOR_COMMITTER_H
#define BENCH_FLOOR_COMMITTER_H

#include "floor_loop.h"

#include <lmdb.h>

#define FLOOR_KEY_BYTES 26

struct floor_pending;

/* A request's puts. Between floor_committer_submit and its message back it belongs to the
 * committer, but for `pending`. */
struct floor_job {
    struct floor_job *next;
    struct floor_loop *loop;
    struct floor_pending *pending; /* owned by the loop; NULL when the client has gone */
    bool has_key;                  /* otherwise the committer takes the next higher one */
    char key[FLOOR_KEY_BYTES];
};

/* What a loop receives: the jobs of one commit. The receiver frees both. */
struct floor_done {
    h2o_multithread_message_t message;
    struct floor_job *jobs;
};

struct floor_committer {
    const char *folder;
    const char *ids_path;  /* file of ids, one a line and sorted: the keys of an empty store's first
                              records; NULL: none */
    size_t record_bytes;   /* of each put */
    unsigned puts_per_job; /* with higher and higher keys, when the job has none of its own */
    struct floor_server *server;

    /* owned by the committer thread; the two counters are read anywhere */
    MDB_env *env;
    MDB_dbi dbi;
    char *record;
    uint64_t last_key;
    _Atomic uint64_t put_count;
    _Atomic uint64_t commit_count;

    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    struct floor_job *waiting; /* under the mutex, as is the tail */
    struct floor_job **waiting_tail;
};

/* Opens the store, fills it when it is empty, starts the thread. Exits with a sentence when it
 * cannot. */
void floor_committer_start(struct floor_committer *committer);

/* Any thread. */
void floor_committer_submit(struct floor_committer *committer, struct floor_job *job);

#endif
