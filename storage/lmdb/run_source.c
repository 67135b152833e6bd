#include "lmdb/lmdb.h"

void tb_run_source_init(struct tb_run_source *source, struct tb_lmdb_txn *txn, uint64_t number)
{
    source->txn = txn;
    source->number = number;
    source->floor = NULL;
    source->top = TB_RUN_NO_TOP;
    source->waits = false;
    source->block = (MDB_val){0, NULL};
    source->on_entry = false;
}

/* --- among the ops --- */

/* `i` past the end or, by going below 0, enormous: there is none. */
static int show_op(struct tb_run_source *source, size_t i)
{
    const struct tb_run_ops *ops = &source->txn->store->ops;
    source->on_entry = i < ops->sorted;
    if (source->on_entry) {
        const struct tb_run_op *op = &ops->ops[i];
        source->place.index = (unsigned)i;
        source->place.put = op->last_put;
        source->place.key.len = op->len;
        memcpy(source->place.key.bytes, tb_run_op_key(ops, i), op->len);
    }
    return 0;
}

static int seek_op(struct tb_run_source *source, enum tb_run_way way, const uint8_t *key,
                   size_t len)
{
    const struct tb_run_ops *ops = &source->txn->store->ops;
    size_t rank = tb_run_ops_rank(ops, key, len);
    bool equal = rank > 0 && tb_run_compare(tb_run_op_key(ops, rank - 1), ops->ops[rank - 1].len,
                                            key, len) == 0;
    return show_op(source, way == TB_RUN_DOWN || equal ? rank - 1 : rank);
}

/* --- in a run --- */

static bool is_in_run(const struct tb_run_source *source, MDB_val key)
{
    return key.mv_size > sizeof source->number && tb_key_read_u64(key.mv_data) == source->number;
}

static unsigned page_count(const struct tb_run_source *source)
{
    return (unsigned)((source->block.mv_size + TB_RUN_MARGIN_BYTES + TB_RUN_PAGE_BYTES - 1) /
                      TB_RUN_PAGE_BYTES);
}

static int open_page(struct tb_run_source *source, unsigned index)
{
    source->page_index = index;
    int rc = tb_run_page_open(source->block.mv_data, source->block.mv_size, index, source->number,
                              &source->page);
    if (rc != 0) {
        source->block.mv_size = 0;
    }
    return rc;
}

static int go_edge(struct tb_run_source *source, enum tb_run_way way)
{
    int rc = tb_run_page_go(&source->page, way == TB_RUN_UP ? 0 : source->page.entries - 1,
                            &source->place);
    source->on_entry = rc == 0;
    return rc;
}

/* Opens a block at its first entry, walking up, or at its last. */
static int enter_block(struct tb_run_source *source, MDB_val key, MDB_val block,
                       enum tb_run_way way)
{
    source->block_key = key;
    source->block = block;
    int rc = block.mv_size == 0 ? MDB_CORRUPTED
                                : open_page(source, way == TB_RUN_UP ? 0 : page_count(source) - 1);
    return rc != 0 ? rc : go_edge(source, way);
}

/* Behind the last page of a block. */
static int next_block(struct tb_run_source *source, enum tb_run_way way)
{
    MDB_cursor *cursor = NULL;
    MDB_val key = source->block_key;
    MDB_val block;
    int rc = tb_run_cursor(source->txn, &cursor);
    if (rc == 0) {
        rc = mdb_cursor_get(cursor, &key, &block, MDB_SET);
    }
    if (rc == 0) {
        rc = mdb_cursor_get(cursor, &key, &block, way == TB_RUN_UP ? MDB_NEXT : MDB_PREV);
    }
    source->on_entry = false;
    if (rc != 0 || !is_in_run(source, key)) {
        return rc == MDB_NOTFOUND ? 0 : rc;
    }
    return enter_block(source, key, block, way);
}

static int next_page(struct tb_run_source *source, enum tb_run_way way)
{
    bool last =
        way == TB_RUN_UP ? source->page_index + 1 == page_count(source) : source->page_index == 0;
    if (last) {
        return next_block(source, way);
    }
    source->on_entry = false;
    int rc = open_page(source, source->page_index + (way == TB_RUN_UP ? 1U : -1U));
    return rc != 0 ? rc : go_edge(source, way);
}

static int step(struct tb_run_source *source, enum tb_run_way way)
{
    unsigned index = source->place.index;
    if (source->number == 0) {
        return show_op(source, way == TB_RUN_UP ? (size_t)index + 1 : (size_t)index - 1);
    }
    int rc = 0;
    if (way == TB_RUN_UP) {
        if (index + 1 == source->page.entries) {
            return next_page(source, way);
        }
        rc = tb_run_page_step(&source->page, &source->place);
    } else {
        if (index == 0) {
            return next_page(source, way);
        }
        rc = tb_run_page_go(&source->page, index - 1, &source->place);
    }
    source->on_entry = rc == 0;
    return rc;
}

/* The run's block that could hold the key: the last that does not begin above it. When there is
 * none: its first block, or, with `*found` not in the run, nothing at all. */
static int find_block(struct tb_run_source *source, const uint8_t *key, size_t len, MDB_val *found,
                      MDB_val *block)
{
    struct tb_run_block_key wanted;
    MDB_cursor *cursor = NULL;
    MDB_val above = {0, NULL};
    MDB_val above_block = {0, NULL};
    *found = above;
    *block = above_block;
    tb_run_block_key(&wanted, source->number, key, len);
    MDB_val at = tb_mdb_val(wanted.bytes, wanted.len);
    int rc = tb_run_cursor(source->txn, &cursor);
    if (rc == 0) {
        rc = mdb_cursor_get(cursor, &at, &above_block, MDB_SET_RANGE);
    }
    if (rc == 0) {
        above = at;
        if (at.mv_size == wanted.len && memcmp(at.mv_data, wanted.bytes, wanted.len) == 0) {
            *found = above;
            *block = above_block;
            return 0;
        }
    } else if (rc != MDB_NOTFOUND) {
        return rc;
    }
    rc = mdb_cursor_get(cursor, found, block, rc == 0 ? MDB_PREV : MDB_LAST);
    if (rc == MDB_NOTFOUND || (rc == 0 && !is_in_run(source, *found))) {
        *found = above;
        *block = above_block;
        rc = 0;
    }
    return rc;
}

/* Whether the page begins above the key. */
static int page_is_above(const struct tb_run_source *source, unsigned index, const uint8_t *key,
                         size_t len, bool *above)
{
    const uint8_t *first = NULL;
    size_t first_len = 0;
    int rc =
        tb_run_page_peek(source->block.mv_data, source->block.mv_size, index, &first, &first_len);
    *above = rc == 0 && tb_run_compare(first, first_len, key, len) > 0;
    return rc;
}

/* The block's last page that does not begin above the key. It is found by pages that nobody has
 * checked: to check them all would be most of the cost of a search. */
static int guess_page(const struct tb_run_source *source, const uint8_t *key, size_t len,
                      unsigned *page)
{
    unsigned low = 0;
    unsigned high = page_count(source) - 1;
    int rc = 0;
    while (low < high && rc == 0) {
        unsigned middle = (low + high + 1) / 2;
        bool above = false;
        rc = page_is_above(source, middle, key, len, &above);
        if (above) {
            high = middle - 1;
        } else {
            low = middle;
        }
    }
    *page = low;
    return rc;
}

/* The page found is checked, and so is that the key belongs there: the page does not begin above
 * it, and either the page ends above it or the next one, checked too, begins above it. */
static int confirm_page(struct tb_run_source *source, const uint8_t *key, size_t len, unsigned page)
{
    bool above = false;
    struct tb_run_page next;
    int rc = page_is_above(source, page, key, len, &above);
    if (rc != 0 || above) {
        return MDB_CORRUPTED;
    }
    if (source->place.index + 1 < source->page.entries || page + 1 == page_count(source)) {
        return 0;
    }
    rc = tb_run_page_open(source->block.mv_data, source->block.mv_size, page + 1, source->number,
                          &next);
    if (rc == 0) {
        rc = page_is_above(source, page + 1, key, len, &above);
    }
    return rc != 0 || !above ? MDB_CORRUPTED : 0;
}

/* To the last entry not above the key in the block, which begins not above it. */
static int find_floor(struct tb_run_source *source, const uint8_t *key, size_t len)
{
    unsigned page = 0;
    int rc = guess_page(source, key, len, &page);
    if (rc == 0) {
        rc = open_page(source, page);
    }
    if (rc == 0) {
        rc = tb_run_page_floor(&source->page, key, len, &source->place);
    }
    if (rc == 0) {
        rc = confirm_page(source, key, len, page);
    }
    source->on_entry = rc == 0;
    return rc;
}

static bool block_begins_above(const struct tb_run_source *source, const uint8_t *key, size_t len)
{
    const uint8_t *first = (const uint8_t *)source->block_key.mv_data + sizeof source->number;
    return tb_run_compare(first, source->block_key.mv_size - sizeof source->number, key, len) > 0;
}

/* Further down, but not below the page it stands in: nothing has to be looked for elsewhere. */
static bool is_in_page(const struct tb_run_source *source, const uint8_t *key, size_t len)
{
    const struct tb_key *at = &source->place.key;
    bool above = false;
    return source->on_entry && tb_run_compare(at->bytes, at->len, key, len) > 0 &&
           page_is_above(source, source->page_index, key, len, &above) == 0 && !above;
}

static int seek_run(struct tb_run_source *source, enum tb_run_way way, const uint8_t *key,
                    size_t len)
{
    MDB_val found;
    MDB_val block;
    source->on_entry = false;
    int rc = find_block(source, key, len, &found, &block);
    if (rc != 0 || !is_in_run(source, found)) {
        return rc;
    }
    source->block_key = found;
    source->block = block;
    if (block.mv_size == 0) {
        return MDB_CORRUPTED;
    }
    if (block_begins_above(source, key, len)) {
        return way == TB_RUN_DOWN ? 0 : enter_block(source, found, block, way);
    }
    rc = find_floor(source, key, len);
    if (rc == 0 && way == TB_RUN_UP &&
        tb_run_compare(source->place.key.bytes, source->place.key.len, key, len) < 0) {
        rc = step(source, way);
    }
    return rc;
}

static int seek(struct tb_run_source *source, enum tb_run_way way, const uint8_t *key, size_t len)
{
    if (source->number == 0) {
        return seek_op(source, way, key, len);
    }
    if (way == TB_RUN_DOWN && is_in_page(source, key, len)) {
        int rc = tb_run_page_floor(&source->page, key, len, &source->place);
        source->on_entry = rc == 0;
        return rc;
    }
    return seek_run(source, way, key, len);
}

/* --- above its floor --- */

static bool is_at_floor(const struct tb_run_source *source)
{
    const struct tb_key *at = &source->place.key;
    return source->on_entry &&
           tb_run_compare(at->bytes, at->len, source->floor->bytes, source->floor->len) <= 0;
}

/* What is at the floor or below is not there; walking up it is passed. */
static int stay_above(struct tb_run_source *source, enum tb_run_way way)
{
    int rc = 0;
    if (way == TB_RUN_DOWN) {
        source->on_entry = source->on_entry && !is_at_floor(source);
    } else if (is_at_floor(source)) {
        rc = seek(source, way, source->floor->bytes, source->floor->len);
        rc = rc == 0 && is_at_floor(source) ? step(source, way) : rc;
    }
    return rc;
}

int tb_run_source_seek(struct tb_run_source *source, enum tb_run_way way, const uint8_t *key,
                       size_t len)
{
    int rc = seek(source, way, key, len);
    return rc != 0 || source->floor == NULL ? rc : stay_above(source, way);
}

int tb_run_source_step(struct tb_run_source *source, enum tb_run_way way)
{
    int rc = step(source, way);
    return rc != 0 || source->floor == NULL ? rc : stay_above(source, way);
}
