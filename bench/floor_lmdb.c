/* The least that a durable write over HTTP can be: one LMDB put in a group commit, without checks,
 * JSON, index or event, and a fixed answer. The floor of writes.
 *
 * GET tells {"puts":N,"commits":M}; every other method writes. Options, besides those of every
 * floor:
 *
 *   data DIR         the store
 *   ids FILE         what an empty store is filled with
 *   record-bytes N   of each put
 *   puts N           for each request
 *   keys path        overwrite the record whose id stands in the path; else append new ones */
#include "floor_answer.h"
#include "floor_committer.h"
#include "floor_options.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_BYTES_MAX (1024 * 1024)
#define PUTS_MAX         100000

static const char tasks_path[] = "/board/tasks/";

static struct floor_server server;
static struct floor_answer answer = {.status = 200};
static struct floor_committer committer = {
    .record_bytes = 512, .puts_per_job = 1, .server = &server};
static bool keys_from_path;

/* The part of a job that lives and dies with its request; owned by the loop. */
struct floor_pending {
    h2o_req_t *req;
    struct floor_job *job; /* NULL once it has come back */
};

/* The client has gone, or the answer is out. */
static void on_request_disposed(void *data)
{
    struct floor_pending *pending = data;
    if (pending->job != NULL) {
        pending->job->pending = NULL;
    }
}

static void answer_job(struct floor_job *job)
{
    if (job->pending != NULL) {
        job->pending->job = NULL;
        floor_answer_send(&answer, job->pending->req);
    }
    free(job);
}

static void on_committed(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    (void)receiver;
    for (h2o_linklist_t *link = messages->next, *next; link != messages; link = next) {
        struct floor_done *done = H2O_STRUCT_FROM_MEMBER(struct floor_done, message.link, link);
        next = link->next;
        while (done->jobs != NULL) {
            struct floor_job *job = done->jobs;
            done->jobs = job->next;
            answer_job(job);
        }
        free(done);
    }
    h2o_linklist_init_anchor(messages);
}

static void tell_counts(h2o_req_t *req)
{
    char *text = h2o_mem_alloc_pool(&req->pool, 80);
    int size = snprintf(text, 80, "{\"puts\":%llu,\"commits\":%llu}",
                        (unsigned long long)committer.put_count,
                        (unsigned long long)committer.commit_count);
    struct floor_answer counts = {.status = 200, .body = h2o_iovec_init(text, (size_t)size)};
    floor_answer_send(&counts, req);
}

static bool take_key(h2o_req_t *req, struct floor_job *job)
{
    size_t prefix = sizeof(tasks_path) - 1;
    if (req->path.len < prefix + FLOOR_KEY_BYTES ||
        memcmp(req->path.base, tasks_path, prefix) != 0) {
        return false;
    }
    memcpy(job->key, req->path.base + prefix, FLOOR_KEY_BYTES);
    job->has_key = true;
    return true;
}

static int on_req(h2o_handler_t *handler, h2o_req_t *req)
{
    (void)handler;
    if (h2o_memis(req->method.base, req->method.len, H2O_STRLIT("GET"))) {
        tell_counts(req);
        return 0;
    }
    struct floor_job *job = h2o_mem_alloc(sizeof(*job));
    *job = (struct floor_job){.loop = floor_loop_of(req)};
    if (keys_from_path && !take_key(req, job)) {
        free(job);
        h2o_send_error_400(req, "Bad Request", "no task id in the path", 0);
        return 0;
    }
    struct floor_pending *pending =
        h2o_mem_alloc_shared(&req->pool, sizeof(*pending), on_request_disposed);
    *pending = (struct floor_pending){.req = req, .job = job};
    job->pending = pending;
    floor_committer_submit(&committer, job);
    return 0;
}

static bool take_option(const char *name, const char *value)
{
    if (strcmp(name, "data") == 0) {
        committer.folder = value;
    } else if (strcmp(name, "ids") == 0) {
        committer.ids_path = value;
    } else if (strcmp(name, "record-bytes") == 0) {
        committer.record_bytes = floor_options_number(value, RECORD_BYTES_MAX);
    } else if (strcmp(name, "puts") == 0) {
        committer.puts_per_job = (unsigned)floor_options_number(value, PUTS_MAX);
    } else if (strcmp(name, "keys") == 0) {
        keys_from_path = strcmp(value, "path") == 0;
    } else {
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    (void)argc;
    floor_options_read(argv, &server, &answer, take_option);
    if (committer.folder == NULL) {
        errx(2, "--data is missing");
    }
    server.on_messages = on_committed;
    floor_committer_start(&committer);
    floor_serve(&server, on_req);
}
