#include "lmdb/query.h"

#include "model/words.h"

/* --- what every way does with a task that it finds --- */

enum tb_err tb_query_read(struct tb_query *query, struct tb_id id, struct tb_task *task)
{
    MDB_val key = tb_mdb_val(id.bytes, sizeof id.bytes);
    MDB_val value;
    int rc = mdb_cursor_get(query->tasks, &key, &value, MDB_SET);
    if (rc != 0) {
        return tb_lmdb_must_exist(tb_lmdb_err(rc));
    }
    enum tb_err err = tb_record_decode_task(tb_mdb_str(value), task);
    return err == TB_OK && tb_id_cmp(task->id, id) != 0 ? TB_E_STORAGE_CORRUPT : err;
}

static bool text_matches(struct tb_str wanted, struct tb_str text)
{
    return wanted.ptr == NULL || tb_str_eq(wanted, text);
}

static bool has_all_tags(const struct tb_task_query *ask, const struct tb_task *task)
{
    for (size_t i = 0; i < ask->tag_count; i++) {
        if (!tb_strings_contain(task->tags, ask->tags[i])) {
            return false;
        }
    }
    return true;
}

static bool lacks_tags(const struct tb_task_query *ask, const struct tb_task *task)
{
    for (size_t i = 0; i < ask->without_tag_count; i++) {
        if (tb_strings_contain(task->tags, ask->without_tags[i])) {
            return false;
        }
    }
    return true;
}

static bool is_among(const struct tb_str *words, size_t count, struct tb_str word)
{
    for (size_t i = 0; i < count; i++) {
        if (tb_str_eq(words[i], word)) {
            return true;
        }
    }
    return false;
}

static bool has_all_words(const struct tb_task_query *ask, const struct tb_task *task)
{
    if (ask->word_count == 0) {
        return true;
    }
    struct tb_arena *arena = tb_arena_new(0);
    size_t count = 0;
    const struct tb_str *words =
        tb_words_collect(arena, task->title, task->description, TB_INDEXED_WORDS_MAX, &count);
    bool all = true;
    for (size_t i = 0; i < ask->word_count && all; i++) {
        all = is_among(words, count, ask->words[i]);
    }
    tb_arena_free(arena);
    return all;
}

enum tb_err tb_query_matches(struct tb_query *query, const struct tb_task *task, bool words_known,
                             bool *matches)
{
    const struct tb_task_query *ask = query->ask;
    *matches = (ask->states & (1U << tb_task_state(task))) != 0 &&
               text_matches(ask->assignee, task->assignee) &&
               text_matches(ask->created_by, task->created_by) &&
               (tb_id_is_zero(ask->parent_id) || tb_id_cmp(ask->parent_id, task->parent_id) == 0) &&
               (ask->updated_since_ms == 0 || task->updated_ms >= ask->updated_since_ms) &&
               has_all_tags(ask, task) && lacks_tags(ask, task);
    if (*matches && !words_known) {
        *matches = has_all_words(ask, task);
    }
    return TB_OK;
}

enum tb_err tb_query_offer(struct tb_query *query, struct tb_id id, bool words_known)
{
    struct tb_task task = {.version = 0};
    bool matches = false;
    enum tb_err err = tb_query_read(query, id, &task);
    if (err == TB_OK) {
        err = tb_query_matches(query, &task, words_known, &matches);
    }
    if (err == TB_OK && matches) {
        query->stopped = query->visit(query->ctx, &task) == TB_VISIT_STOP;
    }
    return err;
}

bool tb_query_gives_up(struct tb_query *query, struct tb_position reached)
{
    query->scanned++;
    if (query->ask->scan_max != 0 && query->scanned >= query->ask->scan_max) {
        query->end->more_to_scan = true;
        query->end->reached = reached;
        return true;
    }
    query->paused = query->pause_at != 0 && query->scanned >= query->pause_at;
    if (query->paused) {
        query->reached = reached;
    }
    return query->paused;
}

/* --- the choice of the way: see the table in query.h --- */

/* Whether the straight way meets tasks that may not match, and there is another. */
static bool has_to_compare(const struct tb_task_query *ask, const struct tb_conditions *conditions)
{
    switch (ask->order) {
    case TB_ORDER_CREATED:
        return ask->updated_since_ms != 0;
    case TB_ORDER_UPDATED:
        return conditions->count > 0;
    case TB_ORDER_RANK:
        return conditions->count > 0 || ask->updated_since_ms != 0;
    }
    return false;
}

static enum tb_err run(struct tb_query *query, struct tb_conditions *conditions)
{
    struct tb_straight straight;
    bool compares = has_to_compare(query->ask, conditions);
    int rc = tb_straight_start(query, conditions, &straight);
    enum tb_err err = rc != 0    ? tb_lmdb_err(rc)
                      : compares ? tb_query_in_turns(query, &straight, conditions)
                                 : tb_straight_walk(query, &straight);
    tb_straight_close(&straight);
    return err;
}

enum tb_err tb_lmdb_visit_tasks(struct tb_txn *base, const struct tb_task_query *query,
                                tb_visit_task *visit, void *ctx, struct tb_query_end *end)
{
    struct tb_task_query ask = *query;
    ask.states = ask.states == 0 ? TB_STATES_ALL : ask.states & TB_STATES_ALL;
    struct tb_query running = {
        .txn = tb_lmdb_txn_of(base), .ask = &ask, .visit = visit, .ctx = ctx, .end = end};
    MDB_txn *mdb = running.txn->mdb;
    int rc = mdb_cursor_open(mdb, running.txn->store->dbis[TB_DB_TASK], &running.tasks);
    if (rc != 0) {
        return tb_lmdb_err(rc);
    }
    struct tb_conditions conditions;
    rc = tb_conditions_open(&running, &conditions);
    enum tb_err err = rc != 0 ? tb_lmdb_err(rc) : run(&running, &conditions);
    tb_conditions_close(&conditions);
    mdb_cursor_close(running.tasks);
    return err;
}
