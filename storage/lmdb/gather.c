#include <stdlib.h>

#include "base/memory.h"
#include "lmdb/query.h"

#define PLACES_FIRST 256

/* What a step of a straight way that passes by most entries unread costs, compared with one that
 * reads the record. */
#define PASSING_SHARE 4

static void add_place(struct tb_gathering *gathering, struct tb_position place)
{
    if (gathering->count == gathering->capacity) {
        gathering->capacity = gathering->capacity == 0 ? PLACES_FIRST : 2 * gathering->capacity;
        gathering->places =
            realloc(gathering->places, gathering->capacity * sizeof *gathering->places);
        if (gathering->places == NULL) {
            tb_out_of_memory();
        }
    }
    gathering->places[gathering->count++] = place;
    gathering->too_many = gathering->count == TB_GATHERED_MAX;
}

static enum tb_visit remember(void *ctx, const struct tb_task *task)
{
    struct tb_gathering *gathering = ctx;
    int64_t key = gathering->order == TB_ORDER_UPDATED ? task->updated_ms
                  : gathering->order == TB_ORDER_RANK  ? task->rank_ms
                                                       : 0;
    add_place(gathering, (struct tb_position){key, task->id});
    return gathering->too_many ? TB_VISIT_STOP : TB_VISIT_NEXT;
}

int tb_gathering_start(struct tb_query *query, struct tb_conditions *conditions,
                       struct tb_gathering *gathering)
{
    *gathering = (struct tb_gathering){.ask = *query->ask, .order = query->ask->order};
    gathering->changed_since =
        gathering->order == TB_ORDER_CREATED || conditions->count == 0; /* see query.h */
    gathering->untested = gathering->order == TB_ORDER_CREATED;
    struct tb_task_query *ask = &gathering->ask;
    ask->order = gathering->changed_since ? TB_ORDER_UPDATED : TB_ORDER_CREATED;
    ask->has_after = false;
    ask->scan_max = 0;
    gathering->query = (struct tb_query){.txn = query->txn,
                                         .ask = ask,
                                         .visit = remember,
                                         .ctx = gathering,
                                         .end = query->end, /* stays as it is */
                                         .tasks = query->tasks};
    return gathering->changed_since
               ? tb_ordered_start(&gathering->query, TB_ORDER_UPDATED, NULL, &gathering->changed)
               : tb_intersection_start(&gathering->query, conditions, &gathering->intersection);
}

void tb_gathering_close(struct tb_gathering *gathering)
{
    if (gathering->changed_since) {
        tb_ordered_close(&gathering->changed);
    }
    free(gathering->places);
    gathering->places = NULL;
}

/* Takes ids from the index alone. In order of creation that is enough to sort them. */
static enum tb_err pass(struct tb_gathering *gathering, uint32_t entries)
{
    struct tb_ordered *changed = &gathering->changed;
    int rc = 0;
    for (uint32_t i = 0; i < entries && rc == 0 && !gathering->too_many; i++) {
        gathering->through = tb_ordered_is_through(&gathering->query, changed);
        if (gathering->through) {
            break;
        }
        if (tb_ordered_has_marks(changed)) {
            add_place(gathering, (struct tb_position){.id = tb_ordered_position(changed).id});
        }
        rc = tb_ordered_next(changed);
    }
    return tb_lmdb_err(rc);
}

static enum tb_err read_records(struct tb_gathering *gathering, uint32_t entries)
{
    struct tb_query *query = &gathering->query;
    query->paused = false;
    query->pause_at = query->scanned + entries;
    enum tb_err err = gathering->changed_since
                          ? tb_ordered_walk(query, &gathering->changed)
                          : tb_intersection_walk(query, &gathering->intersection);
    gathering->through = err == TB_OK && !query->paused && !gathering->too_many;
    return err;
}

enum tb_err tb_gathering_walk(struct tb_gathering *gathering, uint32_t entries)
{
    if (gathering->too_many) {
        return TB_OK;
    }
    if (gathering->untested) { /* the straight way reads records, and this does not */
        return pass(gathering, entries * PASSING_SHARE / 2);
    }
    bool straight_passes = gathering->order == TB_ORDER_UPDATED;
    return read_records(gathering, straight_passes ? entries / PASSING_SHARE : entries);
}

/* --- in order --- */

static int compare(enum tb_order order, const struct tb_position *a, const struct tb_position *b)
{
    int by_key = (a->key > b->key) - (a->key < b->key);
    int by_both = by_key != 0 ? by_key : tb_id_cmp(a->id, b->id);
    return order == TB_ORDER_RANK ? by_both : -by_both;
}

static int compare_up(const void *a, const void *b)
{
    return compare(TB_ORDER_RANK, a, b);
}

static int compare_down(const void *a, const void *b)
{
    return compare(TB_ORDER_UPDATED, a, b);
}

enum tb_err tb_gathering_hand_out(struct tb_gathering *gathering, struct tb_query *query)
{
    enum tb_err err = TB_OK;
    if (gathering->count > 0) {
        qsort(gathering->places, gathering->count, sizeof *gathering->places,
              gathering->order == TB_ORDER_RANK ? compare_up : compare_down);
    }
    for (size_t i = 0; i < gathering->count && err == TB_OK && !query->stopped; i++) {
        const struct tb_position *place = &gathering->places[i];
        if (compare(gathering->order, place, &query->reached) > 0) {
            err = tb_query_offer(query, place->id, !gathering->changed_since);
        }
    }
    return err;
}
