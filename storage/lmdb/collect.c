#include <stdlib.h>

#include "lmdb/query.h"

/* Where the matches stand in the order asked for; at most TB_SHORT_LIST_MAX. */
struct places {
    enum tb_order order;
    size_t count;
    struct tb_position items[TB_SHORT_LIST_MAX];
};

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

static enum tb_visit remember(void *ctx, const struct tb_task *task)
{
    struct places *places = ctx;
    int64_t key = places->order == TB_ORDER_UPDATED ? task->updated_ms
                  : places->order == TB_ORDER_RANK  ? task->rank_ms
                                                    : 0;
    places->items[places->count++] = (struct tb_position){key, task->id};
    return places->count == TB_SHORT_LIST_MAX ? TB_VISIT_STOP : TB_VISIT_NEXT;
}

/* Runs the query for its matches alone: in no order, from the beginning, without a limit. */
static enum tb_err gather(const struct tb_query *query, struct tb_conditions *conditions,
                          bool changed_since, struct places *places)
{
    struct tb_task_query ask = *query->ask;
    ask.order = changed_since ? TB_ORDER_UPDATED : TB_ORDER_CREATED;
    ask.has_after = false;
    ask.scan_max = 0;
    struct tb_query inner = *query;
    inner.ask = &ask;
    inner.visit = remember;
    inner.ctx = places;
    return changed_since ? tb_query_ordered(&inner) : tb_query_intersect(&inner, conditions);
}

static enum tb_err hand_out(struct tb_query *query, const struct places *places)
{
    const struct tb_task_query *ask = query->ask;
    enum tb_err err = TB_OK;
    for (size_t i = 0; i < places->count && err == TB_OK && !query->stopped; i++) {
        struct tb_task task;
        if (ask->has_after && compare(ask->order, &places->items[i], &ask->after) <= 0) {
            continue;
        }
        err = tb_query_read(query, places->items[i].id, &task);
        if (err == TB_OK) {
            query->stopped = query->visit(query->ctx, &task) == TB_VISIT_STOP;
        }
    }
    return err;
}

enum tb_err tb_query_collect(struct tb_query *query, struct tb_conditions *conditions,
                             bool changed_since)
{
    struct places *places = malloc(sizeof *places);
    if (places == NULL) {
        abort();
    }
    places->order = query->ask->order;
    places->count = 0;
    enum tb_err err = gather(query, conditions, changed_since, places);
    if (err == TB_OK) {
        qsort(places->items, places->count, sizeof *places->items,
              places->order == TB_ORDER_RANK ? compare_up : compare_down);
        err = hand_out(query, places);
    }
    free(places);
    return err;
}
