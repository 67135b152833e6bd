#include "lmdb/front.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/memory.h"

#define MARKS  4
#define OTHERS 4

enum { NONE = -1 };

struct mark {
    uint64_t from; /* 0: no mark */
    uint8_t at[TB_FRONT_SUFFIX_BYTES];
};

/* What is known of a list for one set of conditions. */
struct sight {
    struct mark marks[MARKS]; /* `from` and `at` descending; those that there are come first */
    struct mark pending;      /* the writer's */
};

struct other {
    struct tb_front_conditions conditions; /* what `sight` is about; none: free */
    uint64_t used;
    struct sight sight;
};

struct front {
    uint64_t hash;
    int next_alike; /* with the same bucket */
    int newer;      /* in the order of use */
    int older;
    bool is_listed; /* among the pending ones */
    uint8_t prefix_len;
    uint8_t prefix[TB_FRONT_PREFIX_BYTES_MAX];
    uint64_t put_txn;
    uint8_t least[TB_FRONT_SUFFIX_BYTES];
    struct sight all;
    struct other others[OTHERS];
};

struct tb_fronts {
    pthread_mutex_t mutex;
    uint64_t latest_txn; /* the latest write transaction that has begun */
    uint64_t uses;       /* of others */
    int capacity;
    int used;
    int newest;
    int oldest;
    int bucket_mask;
    int *buckets;
    struct front *fronts;
    int pending_count;
    int *pending; /* fronts on which the writer has a mark pending, or had one */
};

static void *zeroed(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        tb_out_of_memory();
    }
    return memory;
}

struct tb_fronts *tb_fronts_new(unsigned capacity)
{
    struct tb_fronts *fronts = zeroed(1, sizeof *fronts);
    int buckets = 1;
    while (buckets < (int)capacity) {
        buckets *= 2;
    }
    fronts->capacity = (int)capacity;
    fronts->bucket_mask = buckets - 1;
    fronts->newest = NONE;
    fronts->oldest = NONE;
    fronts->fronts = zeroed(capacity, sizeof *fronts->fronts);
    fronts->pending = zeroed(capacity, sizeof *fronts->pending);
    fronts->buckets = zeroed((size_t)buckets, sizeof *fronts->buckets);
    for (int i = 0; i < buckets; i++) {
        fronts->buckets[i] = NONE;
    }
    pthread_mutex_init(&fronts->mutex, NULL);
    return fronts;
}

void tb_fronts_free(struct tb_fronts *fronts)
{
    if (fronts == NULL) {
        return;
    }
    pthread_mutex_destroy(&fronts->mutex);
    free(fronts->buckets);
    free(fronts->fronts);
    free(fronts->pending);
    free(fronts);
}

/* --- the table; under the mutex --- */

static int *bucket_of(struct tb_fronts *fronts, uint64_t hash)
{
    return &fronts->buckets[hash & (uint64_t)fronts->bucket_mask];
}

static void unlink_use(struct tb_fronts *fronts, int i)
{
    struct front *front = &fronts->fronts[i];
    *(front->newer == NONE ? &fronts->newest : &fronts->fronts[front->newer].older) = front->older;
    *(front->older == NONE ? &fronts->oldest : &fronts->fronts[front->older].newer) = front->newer;
}

static void link_newest(struct tb_fronts *fronts, int i)
{
    struct front *front = &fronts->fronts[i];
    front->newer = NONE;
    front->older = fronts->newest;
    *(fronts->newest == NONE ? &fronts->oldest : &fronts->fronts[fronts->newest].newer) = i;
    fronts->newest = i;
}

static uint64_t hash_of(const uint8_t *prefix, size_t len)
{
    assert(len <= TB_FRONT_PREFIX_BYTES_MAX);
    return XXH3_64bits(prefix, len);
}

static struct front *lookup(struct tb_fronts *fronts, const uint8_t *prefix, size_t len)
{
    uint64_t hash = hash_of(prefix, len);
    for (int i = *bucket_of(fronts, hash); i != NONE; i = fronts->fronts[i].next_alike) {
        struct front *front = &fronts->fronts[i];
        if (front->hash == hash && front->prefix_len == len &&
            memcmp(front->prefix, prefix, len) == 0) {
            if (fronts->newest != i) {
                unlink_use(fronts, i);
                link_newest(fronts, i);
            }
            return front;
        }
    }
    return NULL;
}

/* Takes the front that was not used for the longest time out of the table. */
static int evict(struct tb_fronts *fronts)
{
    int i = fronts->oldest;
    int *link = bucket_of(fronts, fronts->fronts[i].hash);
    while (*link != i) {
        link = &fronts->fronts[*link].next_alike;
    }
    *link = fronts->fronts[i].next_alike;
    unlink_use(fronts, i);
    return i;
}

/* What was put into the list so far is not known: see the header. */
static struct front *make(struct tb_fronts *fronts, const uint8_t *prefix, size_t len)
{
    uint64_t hash = hash_of(prefix, len);
    int i = fronts->used < fronts->capacity ? fronts->used++ : evict(fronts);
    struct front *front = &fronts->fronts[i];
    int *bucket = bucket_of(fronts, hash);
    *front = (struct front){.hash = hash,
                            .next_alike = *bucket,
                            .is_listed = front->is_listed,
                            .prefix_len = (uint8_t)len,
                            .put_txn = fronts->latest_txn};
    memcpy(front->prefix, prefix, len);
    *bucket = i;
    link_newest(fronts, i);
    return front;
}

/* --- marks --- */

static bool is_none(struct tb_front_conditions conditions)
{
    return conditions.words[0] == 0 && conditions.words[1] == 0;
}

static bool is_same(struct tb_front_conditions a, struct tb_front_conditions b)
{
    return a.words[0] == b.words[0] && a.words[1] == b.words[1];
}

static int compare(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, TB_FRONT_SUFFIX_BYTES);
}

static void lower_mark(struct mark *mark, const uint8_t *suffix)
{
    if (mark->from != 0 && compare(suffix, mark->at) < 0) {
        memcpy(mark->at, suffix, sizeof mark->at);
    }
}

static void lower(struct sight *sight, const uint8_t *suffix)
{
    lower_mark(&sight->pending, suffix);
    for (int i = 0; i < MARKS; i++) {
        lower_mark(&sight->marks[i], suffix);
    }
}

/* Makes it the newest mark, unless one says as much already. */
static void add_mark(struct sight *sight, uint64_t from, const uint8_t *at)
{
    if (sight->marks[0].from != 0 && compare(at, sight->marks[0].at) <= 0) {
        return;
    }
    int kept = 0; /* those that hold for older snapshots than this one: they come behind it */
    while (kept < MARKS && sight->marks[kept].from >= from) {
        kept++;
    }
    struct mark marks[MARKS] = {{.from = from}};
    memcpy(marks[0].at, at, sizeof marks[0].at);
    for (int to = 1; to < MARKS && kept < MARKS; to++, kept++) {
        marks[to] = sight->marks[kept];
    }
    memcpy(sight->marks, marks, sizeof marks);
}

/* The higher one; either may be NULL. */
static const struct mark *higher(const struct mark *a, const struct mark *b)
{
    if (a == NULL || b == NULL) {
        return a == NULL ? b : a;
    }
    return compare(a->at, b->at) >= 0 ? a : b;
}

/* The highest mark that holds for the view. */
static const struct mark *best_mark(const struct sight *sight, struct tb_front_view view)
{
    const struct mark *pending = view.writes && sight->pending.from != 0 ? &sight->pending : NULL;
    for (int i = 0; i < MARKS; i++) {
        if (sight->marks[i].from != 0 && sight->marks[i].from <= view.txn) {
            return higher(pending, &sight->marks[i]);
        }
    }
    return pending;
}

/* --- by the writer --- */

void tb_fronts_begin(struct tb_fronts *fronts, uint64_t txn)
{
    pthread_mutex_lock(&fronts->mutex);
    assert(txn >= fronts->latest_txn && fronts->pending_count == 0);
    fronts->latest_txn = txn;
    pthread_mutex_unlock(&fronts->mutex);
}

void tb_fronts_put(struct tb_fronts *fronts, const uint8_t *prefix, size_t prefix_len,
                   const uint8_t suffix[TB_FRONT_SUFFIX_BYTES])
{
    pthread_mutex_lock(&fronts->mutex);
    struct front *front = lookup(fronts, prefix, prefix_len);
    if (front != NULL) {
        if (front->put_txn < fronts->latest_txn || compare(suffix, front->least) < 0) {
            memcpy(front->least, suffix, sizeof front->least);
        }
        front->put_txn = fronts->latest_txn;
        lower(&front->all, suffix);
        for (int i = 0; i < OTHERS; i++) {
            lower(&front->others[i].sight, suffix);
        }
    }
    pthread_mutex_unlock(&fronts->mutex);
}

static void end_pending(struct sight *sight, uint64_t from)
{
    if (from != 0 && sight->pending.from != 0) {
        add_mark(sight, from, sight->pending.at);
    }
    sight->pending.from = 0;
}

/* `from` 0: forgets what is pending. */
static void end_all(struct tb_fronts *fronts, uint64_t from)
{
    pthread_mutex_lock(&fronts->mutex);
    for (int i = 0; i < fronts->pending_count; i++) {
        struct front *front = &fronts->fronts[fronts->pending[i]];
        end_pending(&front->all, from);
        for (int k = 0; k < OTHERS; k++) {
            end_pending(&front->others[k].sight, from);
        }
        front->is_listed = false;
    }
    fronts->pending_count = 0;
    pthread_mutex_unlock(&fronts->mutex);
}

void tb_fronts_publish(struct tb_fronts *fronts, uint64_t from)
{
    end_all(fronts, from);
}

void tb_fronts_abort(struct tb_fronts *fronts)
{
    end_all(fronts, 0);
}

static void set_pending(struct tb_fronts *fronts, struct front *front, struct sight *sight,
                        const uint8_t *at)
{
    if (sight->pending.from != 0 && compare(at, sight->pending.at) <= 0) {
        return;
    }
    sight->pending.from = fronts->latest_txn;
    memcpy(sight->pending.at, at, sizeof sight->pending.at);
    if (!front->is_listed) {
        front->is_listed = true;
        fronts->pending[fronts->pending_count++] = (int)(front - fronts->fronts);
    }
}

/* --- by everybody --- */

/* NULL: nothing is known for these conditions. */
static struct other *find_other(struct tb_fronts *fronts, struct front *front,
                                struct tb_front_conditions conditions)
{
    for (int i = 0; i < OTHERS; i++) {
        struct other *other = &front->others[i];
        if (is_same(other->conditions, conditions)) {
            other->used = ++fronts->uses;
            return other;
        }
    }
    return NULL;
}

bool tb_fronts_find(struct tb_fronts *fronts, const struct tb_front_list *list,
                    struct tb_front_view view, uint8_t mark[TB_FRONT_SUFFIX_BYTES])
{
    pthread_mutex_lock(&fronts->mutex);
    struct front *front = lookup(fronts, list->prefix, list->prefix_len);
    const struct mark *best = front == NULL ? NULL : best_mark(&front->all, view);
    const struct other *other = front == NULL || is_none(list->conditions)
                                    ? NULL
                                    : find_other(fronts, front, list->conditions);
    if (other != NULL) {
        best = higher(best, best_mark(&other->sight, view));
    }
    if (best != NULL) {
        memcpy(mark, best->at, sizeof best->at);
    }
    pthread_mutex_unlock(&fronts->mutex);
    return best != NULL;
}

static bool holds_now(const struct front *front, uint64_t txn, const uint8_t *mark)
{
    return front->put_txn <= txn || (front->put_txn == txn + 1 && compare(mark, front->least) <= 0);
}

/* The sight that the list is about; the front forgets other conditions for it. */
static struct sight *sight_of(struct tb_fronts *fronts, struct front *front,
                              struct tb_front_conditions conditions)
{
    if (is_none(conditions)) {
        return &front->all;
    }
    struct other *other = find_other(fronts, front, conditions);
    if (other == NULL) {
        other = &front->others[0];
        for (int i = 1; i < OTHERS; i++) {
            if (front->others[i].used < other->used) {
                other = &front->others[i];
            }
        }
        *other = (struct other){.conditions = conditions, .used = ++fronts->uses};
    }
    return &other->sight;
}

void tb_fronts_raise(struct tb_fronts *fronts, const struct tb_front_list *list,
                     struct tb_front_view view, const uint8_t mark[TB_FRONT_SUFFIX_BYTES])
{
    pthread_mutex_lock(&fronts->mutex);
    struct front *front = lookup(fronts, list->prefix, list->prefix_len);
    if (front == NULL) {
        front = make(fronts, list->prefix, list->prefix_len);
    }
    if (view.writes) {
        set_pending(fronts, front, sight_of(fronts, front, list->conditions), mark);
    } else if (holds_now(front, view.txn, mark)) {
        add_mark(sight_of(fronts, front, list->conditions), view.txn, mark);
    }
    pthread_mutex_unlock(&fronts->mutex);
}
