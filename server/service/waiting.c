#include "service/waiting.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "service/service.h"
#include "taskboard/limits.h"

#define BUCKETS   16384U /* a power of two */
#define TAG_SLOTS 256U   /* a power of two, much more than TB_TAGS_MAX */

struct tb_wait_queue {
    enum tb_wait_kind kind;
    uint64_t hash;
    struct tb_wait_queue *next_in_bucket;
    struct tb_wait_queue *previous_filter; /* among the filters */
    struct tb_wait_queue *next_filter;
    struct tb_job *first;
    struct tb_job *last;
    uint64_t *tag_hashes; /* malloced, of a filter: of its `tags`, then of its `anyTags` */
    size_t name_len;
    char name[];
};

struct tb_waiting {
    size_t max;
    size_t bytes_max;
    uint64_t seed;
    size_t count;
    size_t bytes;
    uint64_t last_number;
    struct tb_wait_queue *all; /* always there */
    struct tb_wait_queue *filters;
    struct tb_wait_queue *buckets[BUCKETS]; /* of all but `all` */
    struct tb_job *heap[];                  /* the one whose time is over first is at 0 */
};

struct tb_waiting *tb_waiting_new(size_t max, size_t bytes_max, uint64_t seed)
{
    struct tb_waiting *waiting =
        calloc(1, sizeof(struct tb_waiting) + max * sizeof(struct tb_job *));
    struct tb_wait_queue *all = calloc(1, sizeof(struct tb_wait_queue));
    if (waiting == NULL || all == NULL) {
        free(waiting);
        free(all);
        return NULL;
    }
    waiting->max = max;
    waiting->bytes_max = bytes_max;
    waiting->seed = seed;
    waiting->all = all;
    return waiting;
}

static void free_queue(struct tb_wait_queue *queue)
{
    free(queue->tag_hashes);
    free(queue);
}

void tb_waiting_free(struct tb_waiting *waiting)
{
    if (waiting == NULL) {
        return;
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        while (waiting->buckets[i] != NULL) {
            struct tb_wait_queue *queue = waiting->buckets[i];
            waiting->buckets[i] = queue->next_in_bucket;
            free_queue(queue);
        }
    }
    free(waiting->all);
    free(waiting);
}

size_t tb_waiting_count(const struct tb_waiting *waiting)
{
    return waiting->count;
}

uint64_t tb_waiting_next_number(const struct tb_waiting *waiting)
{
    return waiting->last_number + 1;
}

/* --- the names of queues --- */

/* Adds bytes to a name; `out` NULL: only counts them. */
static size_t add_bytes(char *out, size_t len, const void *bytes, size_t count)
{
    if (out != NULL && count > 0) {
        memcpy(out + len, bytes, count);
    }
    return len + count;
}

static size_t add_tags(char *out, size_t len, const struct tb_str *tags, size_t count)
{
    len = add_bytes(out, len, &count, sizeof count);
    for (size_t i = 0; i < count; i++) {
        len = add_bytes(out, len, &tags[i].len, sizeof tags[i].len);
        len = add_bytes(out, len, tags[i].ptr, tags[i].len);
    }
    return len;
}

/* Writes what the command's queue of that kind is known by; returns its length. */
static size_t write_name(enum tb_wait_kind kind, const struct tb_command *command, char *out)
{
    const struct tb_claim_command *claim = &command->claim;
    size_t len = 0;
    switch (kind) {
    case TB_WAIT_FILTER:
        len = add_tags(out, len, claim->tags, claim->tag_count);
        return add_tags(out, len, claim->any_tags, claim->any_tag_count);
    case TB_WAIT_AGENT:
        return add_bytes(out, len, claim->agent.ptr, claim->agent.len);
    case TB_WAIT_KEY:
        return add_bytes(out, len, command->idempotency.key, TB_DIGEST_BYTES);
    case TB_WAIT_ALL:
    case TB_WAIT_KIND_COUNT:
        break;
    }
    return len;
}

/* FNV-1a from a random start. */
static uint64_t hash_of(const struct tb_waiting *waiting, enum tb_wait_kind kind,
                        struct tb_str name)
{
    uint64_t hash = waiting->seed ^ (uint64_t)kind << 56;
    for (size_t i = 0; i < name.len; i++) {
        hash = (hash ^ (unsigned char)name.ptr[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* --- finding, making and dropping queues --- */

static size_t bucket_of(uint64_t hash)
{
    return (hash ^ hash >> 32) & (BUCKETS - 1);
}

static struct tb_wait_queue *find(const struct tb_waiting *waiting, enum tb_wait_kind kind,
                                  struct tb_str name)
{
    uint64_t hash = hash_of(waiting, kind, name);
    struct tb_wait_queue *queue = waiting->buckets[bucket_of(hash)];
    while (queue != NULL && !(queue->kind == kind && queue->hash == hash &&
                              tb_str_eq(tb_str_from(queue->name, queue->name_len), name))) {
        queue = queue->next_in_bucket;
    }
    return queue;
}

static void link_filter(struct tb_waiting *waiting, struct tb_wait_queue *queue)
{
    queue->next_filter = waiting->filters;
    if (waiting->filters != NULL) {
        waiting->filters->previous_filter = queue;
    }
    waiting->filters = queue;
}

static void unlink_filter(struct tb_waiting *waiting, struct tb_wait_queue *queue)
{
    if (queue->next_filter != NULL) {
        queue->next_filter->previous_filter = queue->previous_filter;
    }
    if (queue->previous_filter != NULL) {
        queue->previous_filter->next_filter = queue->next_filter;
    } else {
        waiting->filters = queue->next_filter;
    }
}

static uint64_t *hash_tags(const struct tb_waiting *waiting, const struct tb_claim_command *claim)
{
    size_t count = claim->tag_count + claim->any_tag_count;
    uint64_t *hashes = malloc((count + 1) * sizeof *hashes);
    if (hashes == NULL) {
        tb_out_of_memory();
    }
    for (size_t i = 0; i < count; i++) {
        struct tb_str tag =
            i < claim->tag_count ? claim->tags[i] : claim->any_tags[i - claim->tag_count];
        hashes[i] = hash_of(waiting, TB_WAIT_FILTER, tag);
    }
    return hashes;
}

/* The queue that the command belongs into, made when it is not there. The name is written into a
 * new one at once, which is thrown away when there is one already. */
static struct tb_wait_queue *queue_for(struct tb_waiting *waiting, enum tb_wait_kind kind,
                                       const struct tb_command *command)
{
    size_t len = write_name(kind, command, NULL);
    struct tb_wait_queue *queue = calloc(1, sizeof *queue + len);
    if (queue == NULL) {
        tb_out_of_memory();
    }
    queue->kind = kind;
    queue->name_len = write_name(kind, command, queue->name);
    struct tb_wait_queue *there = find(waiting, kind, tb_str_from(queue->name, len));
    if (there != NULL) {
        free(queue);
        return there;
    }
    queue->hash = hash_of(waiting, kind, tb_str_from(queue->name, len));
    struct tb_wait_queue **bucket = &waiting->buckets[bucket_of(queue->hash)];
    queue->next_in_bucket = *bucket;
    *bucket = queue;
    if (kind == TB_WAIT_FILTER) {
        queue->tag_hashes = hash_tags(waiting, &command->claim);
        link_filter(waiting, queue);
    }
    return queue;
}

static void drop_queue(struct tb_waiting *waiting, struct tb_wait_queue *queue)
{
    struct tb_wait_queue **at = &waiting->buckets[bucket_of(queue->hash)];
    while (*at != queue) {
        at = &(*at)->next_in_bucket;
    }
    *at = queue->next_in_bucket;
    if (queue->kind == TB_WAIT_FILTER) {
        unlink_filter(waiting, queue);
    }
    free_queue(queue);
}

/* --- standing in a queue --- */

/* Who is put back belongs near the front, who comes anew at the end. */
static void enter(struct tb_wait_queue *queue, enum tb_wait_kind kind, struct tb_job *job)
{
    struct tb_job *behind = NULL;
    if (queue->last != NULL && queue->last->wait.number > job->wait.number) {
        behind = queue->first;
        while (behind->wait.number < job->wait.number) {
            behind = behind->wait.places[kind].behind;
        }
    }
    struct tb_job *before = behind != NULL ? behind->wait.places[kind].before : queue->last;
    job->wait.places[kind] =
        (struct tb_wait_place){.queue = queue, .before = before, .behind = behind};
    *(before != NULL ? &before->wait.places[kind].behind : &queue->first) = job;
    *(behind != NULL ? &behind->wait.places[kind].before : &queue->last) = job;
}

static void leave(struct tb_waiting *waiting, enum tb_wait_kind kind, struct tb_job *job)
{
    struct tb_wait_place *place = &job->wait.places[kind];
    struct tb_wait_queue *queue = place->queue;
    if (queue == NULL) {
        return;
    }
    *(place->before != NULL ? &place->before->wait.places[kind].behind : &queue->first) =
        place->behind;
    *(place->behind != NULL ? &place->behind->wait.places[kind].before : &queue->last) =
        place->before;
    *place = (struct tb_wait_place){.queue = NULL};
    if (queue->first == NULL && queue != waiting->all) {
        drop_queue(waiting, queue);
    }
}

/* --- the heap --- */

static bool is_earlier(const struct tb_job *a, const struct tb_job *b)
{
    return a->wait.until_us != b->wait.until_us ? a->wait.until_us < b->wait.until_us
                                                : a->wait.number < b->wait.number;
}

static void heap_set(struct tb_waiting *waiting, size_t at, struct tb_job *job)
{
    waiting->heap[at] = job;
    job->wait.heap_at = at;
}

static void heap_rise(struct tb_waiting *waiting, size_t at, struct tb_job *job)
{
    while (at > 0 && is_earlier(job, waiting->heap[(at - 1) / 2])) {
        heap_set(waiting, at, waiting->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_set(waiting, at, job);
}

/* Fills the gap at `at` with `job`, somewhere below. */
static void heap_sink(struct tb_waiting *waiting, size_t at, struct tb_job *job)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < waiting->count &&
            is_earlier(waiting->heap[child + 1], waiting->heap[child])) {
            child++;
        }
        if (child >= waiting->count || !is_earlier(waiting->heap[child], job)) {
            heap_rise(waiting, at, job);
            return;
        }
        heap_set(waiting, at, waiting->heap[child]);
        at = child;
    }
}

/* --- coming and going --- */

void tb_waiting_put_back(struct tb_waiting *waiting, struct tb_job *job)
{
    assert(waiting->count < waiting->max && job->wait.number != 0);
    enter(waiting->all, TB_WAIT_ALL, job);
    for (enum tb_wait_kind kind = TB_WAIT_FILTER; kind < TB_WAIT_KIND_COUNT; kind++) {
        if (kind != TB_WAIT_KEY || job->command.idempotency.present) {
            enter(queue_for(waiting, kind, &job->command), kind, job);
        }
    }
    waiting->bytes += job->wait.bytes;
    heap_rise(waiting, waiting->count++, job);
}

bool tb_waiting_add(struct tb_waiting *waiting, struct tb_job *job, int64_t until_us)
{
    size_t bytes = tb_arena_size_bytes(job->arena) + job->body_bytes;
    assert(job->command.kind == TB_COMMAND_CLAIM);
    if (waiting->count == waiting->max || waiting->bytes + bytes > waiting->bytes_max) {
        return false;
    }
    job->wait = (struct tb_wait){
        .number = ++waiting->last_number,
        .until_us = until_us,
        .bytes = bytes,
    };
    tb_waiting_put_back(waiting, job);
    return true;
}

void tb_waiting_remove(struct tb_waiting *waiting, struct tb_job *job)
{
    assert(waiting->heap[job->wait.heap_at] == job);
    for (enum tb_wait_kind kind = TB_WAIT_ALL; kind < TB_WAIT_KIND_COUNT; kind++) {
        leave(waiting, kind, job);
    }
    waiting->bytes -= job->wait.bytes;
    waiting->count--;
    struct tb_job *last = waiting->heap[waiting->count];
    if (last != job) {
        heap_sink(waiting, job->wait.heap_at, last);
    }
}

/* --- finding --- */

/* The task's tags by their hashes, with open addressing. Many filters of many tags are compared
 * with it: each tag must cost next to nothing. */
struct tag_set {
    const struct tb_task *task;
    uint64_t slots[TAG_SLOTS]; /* 0: free; a tag whose hash is 0 counts as there */
};

static void make_tag_set(const struct tb_waiting *waiting, const struct tb_task *task,
                         struct tag_set *set)
{
    *set = (struct tag_set){.task = task};
    struct tb_json_strings tags = tb_json_strings_of(task->tags);
    struct tb_str tag;
    for (size_t i = 0; i < TB_TAGS_MAX && tb_json_strings_next(&tags, &tag); i++) {
        uint64_t hash = hash_of(waiting, TB_WAIT_FILTER, tag);
        size_t at = hash & (TAG_SLOTS - 1);
        while (set->slots[at] != 0 && set->slots[at] != hash) {
            at = (at + 1) & (TAG_SLOTS - 1);
        }
        set->slots[at] = hash;
    }
}

static bool has_tag(const struct tag_set *set, uint64_t hash)
{
    size_t at = hash & (TAG_SLOTS - 1);
    while (set->slots[at] != 0 && set->slots[at] != hash) {
        at = (at + 1) & (TAG_SLOTS - 1);
    }
    return set->slots[at] == hash;
}

/* First by the hashes; what passes is compared in full. */
static bool wants(const struct tb_job *job, const struct tag_set *set)
{
    const struct tb_claim_command *claim = &job->command.claim;
    const uint64_t *hashes = job->wait.places[TB_WAIT_FILTER].queue->tag_hashes;
    for (size_t i = 0; i < claim->tag_count; i++) {
        if (!has_tag(set, hashes[i])) {
            return false;
        }
    }
    bool has_any = claim->any_tag_count == 0;
    for (size_t i = 0; i < claim->any_tag_count && !has_any; i++) {
        has_any = has_tag(set, hashes[claim->tag_count + i]);
    }
    return has_any && tb_claim_wants(claim, set->task);
}

static struct tb_job *first_of_agent(const struct tb_waiting *waiting, const struct tag_set *set)
{
    const struct tb_wait_queue *queue = find(waiting, TB_WAIT_AGENT, set->task->assignee);
    struct tb_job *job = queue != NULL ? queue->first : NULL;
    while (job != NULL && !wants(job, set)) {
        job = job->wait.places[TB_WAIT_AGENT].behind;
    }
    return job;
}

struct tb_job *tb_waiting_first_for(const struct tb_waiting *waiting, const struct tb_task *task)
{
    struct tag_set set;
    make_tag_set(waiting, task, &set);
    if (task->assignee.ptr != NULL) {
        return first_of_agent(waiting, &set);
    }
    struct tb_job *first = NULL;
    for (const struct tb_wait_queue *queue = waiting->filters; queue != NULL;
         queue = queue->next_filter) {
        struct tb_job *job = queue->first;
        if ((first == NULL || job->wait.number < first->wait.number) && wants(job, &set)) {
            first = job;
        }
    }
    return first;
}

struct tb_job *tb_waiting_from(const struct tb_waiting *waiting, uint64_t number)
{
    struct tb_job *job = waiting->all->first;
    while (job != NULL && job->wait.number < number) {
        job = tb_waiting_next(job);
    }
    return job;
}

struct tb_job *tb_waiting_next(const struct tb_job *job)
{
    return job->wait.places[TB_WAIT_ALL].behind;
}

bool tb_waiting_has(const struct tb_job *job)
{
    return job->wait.places[TB_WAIT_ALL].queue != NULL;
}

struct tb_job *tb_waiting_last(const struct tb_waiting *waiting)
{
    return waiting->all->last;
}

struct tb_job *tb_waiting_with_key(const struct tb_waiting *waiting,
                                   const uint8_t key[TB_DIGEST_BYTES])
{
    const struct tb_wait_queue *queue =
        find(waiting, TB_WAIT_KEY, tb_str_from((const char *)key, TB_DIGEST_BYTES));
    return queue != NULL ? queue->first : NULL;
}

struct tb_job *tb_waiting_earliest(const struct tb_waiting *waiting)
{
    return waiting->count > 0 ? waiting->heap[0] : NULL;
}
