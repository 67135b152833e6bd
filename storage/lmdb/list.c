#include "lmdb/list.h"

#include <assert.h>

static bool is_queue(const struct tb_list *list)
{
    return list->cursor == NULL && list->prefix_len > 0 && tb_lmdb_is_queue(list->key[0]) &&
           list->suffix_len == TB_FRONT_SUFFIX_BYTES;
}

static int open_runs(struct tb_list *list)
{
    int rc = 0;
    if (list->runs == NULL) {
        list->runs =
            tb_run_list_open(list->txn, list->key, list->prefix_len, list->suffix_len, &rc);
    }
    return rc;
}

int tb_list_open(struct tb_lmdb_txn *txn, enum tb_lmdb_db db, const struct tb_key *prefix,
                 size_t suffix_len, struct tb_list *list)
{
    assert(suffix_len <= TB_SUFFIX_BYTES_MAX);
    *list = (struct tb_list){.txn = txn, .suffix_len = suffix_len};
    if (prefix != NULL) {
        assert(prefix->len + suffix_len <= sizeof list->key);
        memcpy(list->key, prefix->bytes, prefix->len);
        list->prefix_len = prefix->len;
    }
    if (db != TB_DB_RUN) {
        return mdb_cursor_open(txn->mdb, txn->store->dbis[db], &list->cursor);
    }
    if (txn->base.writable && is_queue(list)) {
        list->window = tb_heads_take(txn->store->heads, list->key, list->prefix_len);
    }
    return list->window != NULL ? 0 : open_runs(list);
}

void tb_list_close(struct tb_list *list)
{
    if (list->window != NULL) {
        tb_heads_give_back(list->window);
        list->window = NULL;
    }
    if (list->cursor != NULL) {
        mdb_cursor_close(list->cursor);
        list->cursor = NULL;
    }
    tb_run_list_close(list->runs);
    list->runs = NULL;
}

/* --- of a B-tree --- */

/* Moves the cursor and says in on_entry whether it still stands in the list. */
static int move(struct tb_list *list, MDB_val *key, MDB_cursor_op op)
{
    list->on_entry = false;
    int rc = mdb_cursor_get(list->cursor, key, &list->value, op);
    if (rc != 0) {
        return rc == MDB_NOTFOUND ? 0 : rc;
    }
    if (key->mv_size < list->prefix_len || memcmp(key->mv_data, list->key, list->prefix_len) != 0) {
        return 0;
    }
    if (key->mv_size != list->prefix_len + list->suffix_len) {
        return MDB_CORRUPTED;
    }
    memcpy(list->key + list->prefix_len, (const uint8_t *)key->mv_data + list->prefix_len,
           list->suffix_len);
    list->on_entry = true;
    return 0;
}

static int step_tree(struct tb_list *list, enum tb_list_way way)
{
    MDB_val key = tb_mdb_val(NULL, 0);
    return move(list, &key, way == TB_LIST_UP ? MDB_NEXT : MDB_PREV);
}

static bool stands_on(const struct tb_list *list, const uint8_t *suffix)
{
    return list->on_entry && memcmp(tb_list_suffix(list), suffix, list->suffix_len) == 0;
}

/* The first entry not below the suffix or, walking down, the last one not above it. */
static int seek_tree(struct tb_list *list, enum tb_list_way way, const uint8_t *suffix,
                     size_t suffix_len)
{
    uint8_t bytes[TB_KEY_BYTES_MAX];
    memcpy(bytes, list->key, list->prefix_len);
    memcpy(bytes + list->prefix_len, suffix, suffix_len);
    MDB_val key = tb_mdb_val(bytes, list->prefix_len + suffix_len);
    if (key.mv_size == 0) { /* the whole database, from its beginning */
        return move(list, &key, MDB_FIRST);
    }
    MDB_val found = key;
    list->on_entry = false;
    int rc = mdb_cursor_get(list->cursor, &found, &list->value, MDB_SET_RANGE);
    bool past_end = rc == MDB_NOTFOUND;
    if (!past_end) {
        rc = rc != 0 ? rc : move(list, &found, MDB_GET_CURRENT);
    } else if (way == TB_LIST_UP) {
        return 0;
    } else {
        rc = 0;
    }
    if (rc != 0 || way == TB_LIST_UP || stands_on(list, suffix)) {
        return rc;
    }
    return past_end ? move(list, &key, MDB_LAST) : step_tree(list, way);
}

/* --- of runs --- */

static int show_run(struct tb_list *list, int rc)
{
    const struct tb_key *key = &list->runs->key;
    list->on_entry = rc == 0 && list->runs->on_entry;
    if (!list->on_entry) {
        return rc;
    }
    if (key->len != list->prefix_len + list->suffix_len) {
        list->on_entry = false;
        return MDB_CORRUPTED;
    }
    memcpy(list->key + list->prefix_len, key->bytes + list->prefix_len, list->suffix_len);
    return 0;
}

/* --- of either --- */

/* `suffix` NULL: from the end of the list that the way begins at. */
static int seek(struct tb_list *list, enum tb_list_way way, const uint8_t *suffix)
{
    uint8_t top[TB_SUFFIX_BYTES_MAX];
    memset(top, 0xff, sizeof top);
    size_t len = suffix == NULL && way == TB_LIST_UP ? 0 : list->suffix_len;
    const uint8_t *from = suffix == NULL ? top : suffix;
    list->in_window = false;
    if (list->cursor != NULL) {
        return seek_tree(list, way, from, len);
    }
    int rc = open_runs(list);
    return rc != 0 ? rc
                   : show_run(list, tb_run_list_seek(list->runs,
                                                     way == TB_LIST_UP ? TB_RUN_UP : TB_RUN_DOWN,
                                                     from, len));
}

static int next_of_runs(struct tb_list *list)
{
    return show_run(list, tb_run_list_next(list->runs));
}

/* --- queues: see front.h --- */

/* Tells the fronts where a walk from the beginning found the first entry. */
static void raise_front(const struct tb_list *list, const struct tb_front_list *front,
                        struct tb_front_view view)
{
    uint8_t end[TB_FRONT_SUFFIX_BYTES];
    memset(end, 0xff, sizeof end);
    tb_fronts_raise(list->txn->store->fronts, front, view,
                    list->on_entry ? tb_list_suffix(list) : end);
}

/* Up from the beginning, in the runs. */
static int start_queue(struct tb_list *list)
{
    const struct tb_front_list front = {list->key, list->prefix_len, TB_FRONT_WITHOUT_NONE};
    const struct tb_front_view view = tb_lmdb_front_view(list->txn);
    uint8_t mark[TB_FRONT_SUFFIX_BYTES];
    bool known = tb_fronts_find(list->txn->store->fronts, &front, view, mark);
    int rc = seek(list, TB_LIST_UP, known ? mark : NULL);
    if (rc == 0 && !(known && stands_on(list, mark))) {
        raise_front(list, &front, view);
    }
    return rc;
}

/* --- windows: see heads.h --- */

/* To the first entry that the window does not have, in the runs. */
static int leave_window(struct tb_list *list)
{
    const struct tb_window *window = list->window;
    if (!window->known) {
        return tb_window_is_at_beginning(window) ? start_queue(list)
                                                 : seek(list, TB_LIST_UP, window->from);
    }
    int rc = seek(list, TB_LIST_UP, window->through);
    return rc == 0 && stands_on(list, window->through) ? next_of_runs(list) : rc;
}

/* Takes more entries into the window. */
static int extend_window(struct tb_list *list)
{
    struct tb_window *window = list->window;
    size_t enough = window->count + window->step;
    int rc = leave_window(list);
    while (rc == 0 && list->on_entry && window->count < enough) {
        tb_window_append(window, tb_list_suffix(list));
        rc = next_of_runs(list);
    }
    if (rc != 0) {
        tb_window_clear(window, NULL);
        return rc;
    }
    window->known = true;
    window->whole = !list->on_entry;
    window->step = window->step < TB_WINDOW_ENTRIES / 2 ? 2 * window->step : window->step;
    return 0;
}

/* To the window's `i`th entry. One that is used up takes more, as long as it has room. */
static int show_window(struct tb_list *list, size_t i)
{
    struct tb_window *window = list->window;
    int rc = 0;
    while (rc == 0 && i == window->count && !window->whole) {
        if (window->count + window->step > TB_WINDOW_ENTRIES) {
            return leave_window(list);
        }
        rc = extend_window(list);
    }
    list->in_window = true;
    list->at = i;
    list->on_entry = rc == 0 && i < window->count;
    if (list->on_entry) {
        memcpy(list->key + list->prefix_len, window->entries[i], list->suffix_len);
    }
    return rc;
}

/* Whether the window has what there is at that suffix; one that nobody else uses is moved there. */
static bool is_covered(const struct tb_list *list, const uint8_t *suffix)
{
    struct tb_window *window = list->window;
    if (window == NULL || tb_window_covers(window, suffix)) {
        return window != NULL;
    }
    bool alone = window->pins == 1;
    if (alone) {
        tb_window_clear(window, suffix);
    }
    return alone;
}

/* --- walking --- */

int tb_list_seek_up(struct tb_list *list, const uint8_t *suffix)
{
    return is_covered(list, suffix) ? show_window(list, tb_window_rank(list->window, suffix))
                                    : seek(list, TB_LIST_UP, suffix);
}

int tb_list_next(struct tb_list *list, enum tb_list_way way)
{
    assert(list->on_entry);
    if (list->in_window) {
        assert(way == TB_LIST_UP);
        return show_window(list, list->at + 1);
    }
    return list->cursor != NULL ? step_tree(list, way) : next_of_runs(list);
}

/* The runs are not looked at, but readers are to know where the queue begins. */
static int start_window(struct tb_list *list)
{
    const struct tb_front_list front = {list->key, list->prefix_len, TB_FRONT_WITHOUT_NONE};
    if (!tb_window_is_at_beginning(list->window)) {
        if (list->window->pins > 1) {
            return start_queue(list);
        }
        tb_window_clear(list->window, NULL);
    }
    int rc = show_window(list, 0);
    if (rc == 0) {
        raise_front(list, &front, tb_lmdb_front_view(list->txn));
    }
    return rc;
}

int tb_list_start(struct tb_list *list, enum tb_list_way way, const uint8_t *after)
{
    if (way == TB_LIST_UP && after == NULL && is_queue(list)) {
        return list->window != NULL ? start_window(list) : start_queue(list);
    }
    int rc =
        way == TB_LIST_UP && after != NULL ? tb_list_seek_up(list, after) : seek(list, way, after);
    return rc == 0 && after != NULL && stands_on(list, after) ? tb_list_next(list, way) : rc;
}

static bool is_above(const struct tb_list *list, const uint8_t *bound)
{
    return list->on_entry && memcmp(tb_list_suffix(list), bound, list->suffix_len) > 0;
}

/* Lists that are walked together mostly move on by one: a step is tried before a search. */
int tb_list_sink(struct tb_list *list, const uint8_t *bound)
{
    int rc = is_above(list, bound) ? tb_list_next(list, TB_LIST_DOWN) : 0;
    if (rc != 0 || !is_above(list, bound)) {
        return rc;
    }
    if (list->cursor != NULL) {
        return seek(list, TB_LIST_DOWN, bound);
    }
    return show_run(list, tb_run_list_sink(list->runs, bound, list->suffix_len));
}

static bool is_below(const struct tb_list *list, const uint8_t *bound)
{
    return list->on_entry && memcmp(tb_list_suffix(list), bound, list->suffix_len) < 0;
}

int tb_list_rise(struct tb_list *list, const uint8_t *bound)
{
    int rc = is_below(list, bound) ? tb_list_next(list, TB_LIST_UP) : 0;
    if (rc != 0 || !is_below(list, bound)) {
        return rc;
    }
    if (list->cursor != NULL || list->in_window) {
        return tb_list_seek_up(list, bound);
    }
    return show_run(list, tb_run_list_rise(list->runs, bound, list->suffix_len));
}
