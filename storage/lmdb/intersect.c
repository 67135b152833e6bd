#include <stdlib.h>

#include "base/memory.h"
#include "lmdb/query.h"

/* --- the lists of the conditions --- */

static int open_list(struct tb_query *query, struct tb_conditions *conditions,
                     const struct tb_key *prefix)
{
    return tb_merge_open_list(query->txn, TB_DB_RUN, prefix,
                              &conditions->lists[conditions->count++]);
}

static int open_text(struct tb_query *query, struct tb_conditions *conditions, enum tb_index index,
                     struct tb_str text)
{
    if (text.ptr == NULL) {
        return 0;
    }
    struct tb_key prefix;
    tb_key_start(&prefix, index);
    tb_key_add_text(&prefix, text);
    return open_list(query, conditions, &prefix);
}

static int open_tags(struct tb_query *query, struct tb_conditions *conditions)
{
    int rc = 0;
    for (size_t i = 0; i < query->ask->tag_count && rc == 0; i++) {
        rc = open_text(query, conditions, TB_INDEX_TAG, query->ask->tags[i]);
    }
    return rc;
}

static int open_words(struct tb_query *query, struct tb_conditions *conditions)
{
    int rc = 0;
    for (size_t i = 0; i < query->ask->word_count && rc == 0; i++) {
        rc = open_text(query, conditions, TB_INDEX_WORD, query->ask->words[i]);
    }
    return rc;
}

static int open_parent(struct tb_query *query, struct tb_conditions *conditions)
{
    if (tb_id_is_zero(query->ask->parent_id)) {
        return 0;
    }
    struct tb_key prefix;
    tb_key_start(&prefix, TB_INDEX_PARENT);
    tb_key_add_id(&prefix, query->ask->parent_id);
    return open_list(query, conditions, &prefix);
}

int tb_conditions_open(struct tb_query *query, struct tb_conditions *conditions)
{
    enum { OTHERS_MAX = 4 }; /* assignee, creator, parent, and the one more */
    const struct tb_task_query *ask = query->ask;
    conditions->count = 0;
    conditions->lists = NULL;
    bool any = ask->assignee.ptr != NULL || ask->created_by.ptr != NULL ||
               !tb_id_is_zero(ask->parent_id) || ask->tag_count > 0 || ask->word_count > 0 ||
               ask->order == TB_ORDER_CREATED;
    if (!any) {
        return 0;
    }
    conditions->lists =
        calloc(ask->tag_count + ask->word_count + OTHERS_MAX, sizeof *conditions->lists);
    if (conditions->lists == NULL) {
        tb_out_of_memory();
    }
    int rc = open_text(query, conditions, TB_INDEX_ASSIGNEE, ask->assignee);
    if (rc == 0) {
        rc = open_text(query, conditions, TB_INDEX_CREATED_BY, ask->created_by);
    }
    if (rc == 0) {
        rc = open_parent(query, conditions);
    }
    if (rc == 0) {
        rc = open_tags(query, conditions);
    }
    if (rc == 0) {
        rc = open_words(query, conditions);
    }
    return rc;
}

void tb_conditions_close(struct tb_conditions *conditions)
{
    for (size_t i = 0; i < conditions->count; i++) {
        tb_merge_close(&conditions->lists[i]);
    }
    conditions->count = 0;
    free(conditions->lists);
    conditions->lists = NULL;
}

/* --- walking them together --- */

/* The states are one more list; with no list at all the task database is it. */
static int add_states(struct tb_query *query, struct tb_conditions *conditions)
{
    struct tb_merge *more = &conditions->lists[conditions->count];
    if (query->ask->states != TB_STATES_ALL) {
        conditions->count++;
        return tb_merge_open_states(query->txn, TB_INDEX_CREATED, query->ask->states, TB_LIST_DOWN,
                                    more);
    }
    if (conditions->count == 0) {
        conditions->count++;
        return tb_merge_open_list(query->txn, TB_DB_TASK, NULL, more);
    }
    return 0;
}

/* The id just above or below. False: there is none. */
static bool step_id(struct tb_id *id, int by)
{
    int i = (int)sizeof id->bytes - 1;
    uint8_t overflowing = by > 0 ? 0xff : 0x00;
    while (i >= 0 && id->bytes[i] == overflowing) {
        id->bytes[i--] = (uint8_t)~overflowing;
    }
    if (i >= 0) {
        id->bytes[i] = (uint8_t)(id->bytes[i] + by);
    }
    return i >= 0;
}

/* Lowers every list to the greatest id, not above `*at`, that all of them hold. `*ended`: there is
 * none. Each lowering counts as an entry looked at; when those are used up, `*at` is where to go
 * on. */
static int settle(struct tb_query *query, struct tb_conditions *conditions, struct tb_id *at,
                  bool *ended, bool *gave_up)
{
    size_t agreed = 0;
    for (size_t i = 0; agreed < conditions->count; i = (i + 1) % conditions->count) {
        struct tb_merge *list = &conditions->lists[i];
        int rc = tb_merge_sink(list, at->bytes);
        if (rc != 0) {
            return rc;
        }
        *ended = list->front == NULL;
        if (*ended) {
            return 0;
        }
        struct tb_id found = tb_list_id(list->front);
        agreed++;
        if (tb_id_cmp(found, *at) == 0) {
            continue;
        }
        *at = found;
        agreed = 1;
        struct tb_position reached = {.id = found};
        *gave_up = i > 0 && step_id(&reached.id, 1) && tb_query_gives_up(query, reached);
        if (*gave_up) {
            return 0;
        }
    }
    return 0;
}

static int start_all(struct tb_conditions *conditions, const uint8_t *after)
{
    int rc = 0;
    for (size_t i = 0; i < conditions->count && rc == 0; i++) {
        rc = tb_merge_start(&conditions->lists[i], after);
    }
    return rc;
}

int tb_intersection_start(struct tb_query *query, struct tb_conditions *conditions,
                          struct tb_intersection *intersection)
{
    intersection->conditions = conditions;
    memset(intersection->at.bytes, 0xff, sizeof intersection->at.bytes);
    int rc = add_states(query, conditions);
    const uint8_t *after = query->ask->has_after ? query->ask->after.id.bytes : NULL;
    return rc != 0 ? rc : start_all(conditions, after);
}

enum tb_err tb_intersection_walk(struct tb_query *query, struct tb_intersection *intersection)
{
    struct tb_id *at = &intersection->at;
    bool ended = false;
    bool gave_up = false;
    int rc = 0;
    enum tb_err err = TB_OK;
    while (rc == 0 && err == TB_OK && !query->stopped) {
        rc = settle(query, intersection->conditions, at, &ended, &gave_up);
        if (rc != 0 || ended || gave_up) {
            break;
        }
        err = tb_query_offer(query, *at, true);
        struct tb_position reached = {.id = *at};
        if (!step_id(at, -1) || query->stopped || tb_query_gives_up(query, reached)) {
            break;
        }
    }
    return rc != 0 ? tb_lmdb_err(rc) : err;
}
