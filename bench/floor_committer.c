#include "floor_committer.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAP_BYTES        ((size_t)1 << 38)
#define FILL_TXN_RECORDS 50000

static void check(int rc, const char *what)
{
    if (rc != 0) {
        errx(1, "%s: %s", what, mdb_strerror(rc));
    }
}

static void open_env(struct floor_committer *committer, unsigned flags)
{
    MDB_txn *txn;
    check(mdb_env_create(&committer->env), "mdb_env_create");
    check(mdb_env_set_mapsize(committer->env, MAP_BYTES), "mdb_env_set_mapsize");
    check(mdb_env_open(committer->env, committer->folder, flags | MDB_NOTLS, 0600), "mdb_env_open");
    check(mdb_txn_begin(committer->env, NULL, 0, &txn), "mdb_txn_begin");
    check(mdb_dbi_open(txn, NULL, 0, &committer->dbi), "mdb_dbi_open");
    check(mdb_txn_commit(txn), "mdb_txn_commit");
}

static bool store_is_empty(struct floor_committer *committer)
{
    MDB_stat stat;
    check(mdb_env_stat(committer->env, &stat), "mdb_env_stat");
    return stat.ms_entries == 0;
}

static void put(struct floor_committer *committer, MDB_txn *txn, const char *key, unsigned flags)
{
    char copy[FLOOR_KEY_BYTES]; /* MDB_val is not const */
    memcpy(copy, key, FLOOR_KEY_BYTES);
    MDB_val k = {FLOOR_KEY_BYTES, copy};
    MDB_val v = {committer->record_bytes, committer->record};
    check(mdb_put(txn, committer->dbi, &k, &v, flags), "mdb_put");
}

/* Without syncs but for the last: what is timed comes later. */
static void fill(struct floor_committer *committer)
{
    char line[FLOOR_KEY_BYTES + 2];
    MDB_txn *txn;
    unsigned in_txn = 0;
    FILE *file = fopen(committer->ids_path, "r");
    if (file == NULL) {
        err(1, "cannot read %s", committer->ids_path);
    }
    check(mdb_txn_begin(committer->env, NULL, 0, &txn), "mdb_txn_begin");
    while (fgets(line, sizeof(line), file) != NULL) {
        put(committer, txn, line, MDB_APPEND);
        if (++in_txn == FILL_TXN_RECORDS) {
            check(mdb_txn_commit(txn), "mdb_txn_commit");
            check(mdb_txn_begin(committer->env, NULL, 0, &txn), "mdb_txn_begin");
            in_txn = 0;
        }
    }
    check(mdb_txn_commit(txn), "mdb_txn_commit");
    check(mdb_env_sync(committer->env, 1), "mdb_env_sync");
    fclose(file);
}

/* Keys of the committer's own stand behind every ULID (none begins with a Z). In hexadecimal
 * digits, so that they are as long as one. */
static void next_key(struct floor_committer *committer, char *key)
{
    char text[FLOOR_KEY_BYTES + 1];
    snprintf(text, sizeof(text), "Z%025llx", (unsigned long long)++committer->last_key);
    memcpy(key, text, FLOOR_KEY_BYTES);
}

static void find_last_key(struct floor_committer *committer)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    check(mdb_txn_begin(committer->env, NULL, MDB_RDONLY, &txn), "mdb_txn_begin");
    check(mdb_cursor_open(txn, committer->dbi, &cursor), "mdb_cursor_open");
    if (mdb_cursor_get(cursor, &key, &value, MDB_LAST) == 0 && *(char *)key.mv_data == 'Z') {
        char text[FLOOR_KEY_BYTES + 1] = {0};
        memcpy(text, key.mv_data, FLOOR_KEY_BYTES);
        committer->last_key = strtoull(text + 1, NULL, 16);
    }
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
}

static struct floor_job *take_all(struct floor_committer *committer)
{
    pthread_mutex_lock(&committer->mutex);
    while (committer->waiting == NULL) {
        pthread_cond_wait(&committer->filled, &committer->mutex);
    }
    struct floor_job *jobs = committer->waiting;
    committer->waiting = NULL;
    committer->waiting_tail = &committer->waiting;
    pthread_mutex_unlock(&committer->mutex);
    return jobs;
}

static void write_jobs(struct floor_committer *committer, struct floor_job *jobs)
{
    MDB_txn *txn;
    uint64_t puts = 0;
    char key[FLOOR_KEY_BYTES];
    check(mdb_txn_begin(committer->env, NULL, 0, &txn), "mdb_txn_begin");
    for (struct floor_job *job = jobs; job != NULL; job = job->next) {
        if (job->has_key) {
            put(committer, txn, job->key, 0);
            puts++;
            continue;
        }
        for (unsigned i = 0; i < committer->puts_per_job; i++) {
            next_key(committer, key);
            put(committer, txn, key, 0);
            puts++;
        }
    }
    check(mdb_txn_commit(txn), "mdb_txn_commit");
    committer->put_count += puts;
    committer->commit_count++;
}

static void send_back(struct floor_committer *committer, struct floor_job *jobs)
{
    struct floor_done *of_loop[FLOOR_LOOPS_MAX] = {NULL};
    while (jobs != NULL) {
        struct floor_job *job = jobs;
        jobs = job->next;
        size_t index = (size_t)(job->loop - committer->server->loops);
        if (of_loop[index] == NULL) {
            of_loop[index] = h2o_mem_alloc(sizeof(**of_loop));
            *of_loop[index] = (struct floor_done){.jobs = NULL};
        }
        job->next = of_loop[index]->jobs;
        of_loop[index]->jobs = job;
    }
    for (size_t i = 0; i < committer->server->loop_count; i++) {
        if (of_loop[i] != NULL) {
            h2o_multithread_send_message(&committer->server->loops[i].receiver,
                                         &of_loop[i]->message);
        }
    }
}

static void *run(void *arg)
{
    struct floor_committer *committer = arg;
    for (;;) {
        struct floor_job *jobs = take_all(committer);
        write_jobs(committer, jobs);
        send_back(committer, jobs);
    }
    return NULL;
}

void floor_committer_start(struct floor_committer *committer)
{
    committer->record = h2o_mem_alloc(committer->record_bytes + 1);
    memset(committer->record, 'x', committer->record_bytes);
    committer->waiting_tail = &committer->waiting;
    pthread_mutex_init(&committer->mutex, NULL);
    pthread_cond_init(&committer->filled, NULL);

    mkdir(committer->folder, 0700);
    open_env(committer, MDB_NOSYNC);
    if (committer->ids_path != NULL && store_is_empty(committer)) {
        fill(committer);
    }
    mdb_env_close(committer->env);
    open_env(committer, 0);
    find_last_key(committer);
    if (pthread_create(&committer->thread, NULL, run, committer) != 0) {
        errx(1, "cannot start a thread");
    }
}

void floor_committer_submit(struct floor_committer *committer, struct floor_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&committer->mutex);
    bool was_empty = committer->waiting == NULL;
    *committer->waiting_tail = job;
    committer->waiting_tail = &job->next;
    pthread_mutex_unlock(&committer->mutex);
    if (was_empty) {
        pthread_cond_signal(&committer->filled);
    }
}
