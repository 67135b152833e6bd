/* The largest names: see NAME_ORDER in names.h. */
#include <stdlib.h>

#include "base/memory.h"
#include "lmdb/list.h"
#include "lmdb/names.h"

/* Names of the same size as the last one asked for, read to find the largest of them. */
#define MORE_MAX 200

#define ORDER_BYTES 26 /* size, number, hash */

struct found {
    struct tb_str name;
    struct tb_name_count count;
};

struct search {
    struct tb_lmdb_txn *txn;
    enum tb_name_kind kind;
    size_t max;
    struct tb_run_list *counts; /* NAME entries of the kind */
    struct found *found;        /* malloced */
    size_t count;
    size_t capacity;
};

static void add(struct search *search, struct tb_str name, const struct tb_name_count *count)
{
    if (search->count == search->capacity) {
        search->capacity = search->capacity == 0 ? 128 : 2 * search->capacity;
        search->found = realloc(search->found, search->capacity * sizeof *search->found);
        if (search->found == NULL) {
            tb_out_of_memory();
        }
    }
    search->found[search->count++] = (struct found){name, *count};
}

/* What the write transaction has changed is where it was before, if anywhere, in the order: all of
 * it is looked at, wherever it belongs. */
static void add_changed(struct search *search)
{
    if (!search->txn->base.writable) {
        return;
    }
    const struct tb_name_row *row = NULL;
    for (size_t i = 0; (row = tb_names_changed(search->txn->store->names, i)) != NULL; i++) {
        if (row->kind == search->kind && row->now.count.tasks > 0) {
            add(search, row->name, &row->now.count);
        }
    }
}

static int add_stored(struct search *search, struct tb_str name, size_t *added)
{
    struct tb_name_entry entry;
    if (search->txn->base.writable &&
        tb_names_has_changed(search->txn->store->names, search->kind, name)) {
        return 0;
    }
    int rc = tb_names_seek(search->counts, search->kind, name, &entry);
    if (rc == 0 && entry.count.tasks == 0) {
        rc = MDB_CORRUPTED; /* the order names it */
    }
    if (rc == 0) {
        add(search, name, &entry.count);
        ++*added;
    }
    return rc;
}

/* From the largest on, until there are enough and the sizes below cannot hold a larger one. */
static int walk(struct search *search, struct tb_list *order)
{
    uint8_t size[2] = {0};
    size_t added = 0;
    int rc = tb_list_start(order, TB_LIST_UP, NULL);
    while (rc == 0 && order->on_entry && added < search->max + MORE_MAX) {
        if (added >= search->max && memcmp(size, tb_list_suffix(order), sizeof size) != 0) {
            break;
        }
        memcpy(size, tb_list_suffix(order), sizeof size);
        rc = add_stored(search, tb_mdb_str(order->value), &added);
        rc = rc != 0 ? rc : tb_list_next(order, TB_LIST_UP);
    }
    return rc;
}

static int most_first(const void *a, const void *b)
{
    const struct found *left = a;
    const struct found *right = b;
    return left->count.tasks != right->count.tasks
               ? (left->count.tasks > right->count.tasks ? -1 : 1)
               : tb_str_cmp(left->name, right->name);
}

static int run(struct search *search)
{
    struct tb_key counts;
    struct tb_key order;
    struct tb_list list;
    tb_key_start(&counts, TB_INDEX_NAME);
    tb_key_add_byte(&counts, (uint8_t)search->kind);
    tb_key_start(&order, TB_INDEX_NAME_ORDER);
    tb_key_add_byte(&order, (uint8_t)search->kind);
    int rc = tb_list_open(search->txn, TB_DB_INDEX, &order, ORDER_BYTES, &list);
    if (rc == 0) {
        search->counts =
            tb_run_list_open_stored(search->txn, counts.bytes, counts.len, SIZE_MAX, &rc);
    }
    if (rc == 0) {
        rc = walk(search, &list);
    }
    tb_run_list_close(search->counts);
    tb_list_close(&list);
    return rc;
}

enum tb_err tb_lmdb_visit_names(struct tb_txn *base, enum tb_name_kind kind, uint32_t max,
                                tb_visit_name *visit, void *ctx)
{
    struct search search = {.txn = tb_lmdb_txn_of(base), .kind = kind, .max = max};
    add_changed(&search);
    int rc = run(&search);
    if (rc == 0 && search.count > 0) {
        qsort(search.found, search.count, sizeof *search.found, most_first);
    }
    for (size_t i = 0; rc == 0 && i < search.count && i < max; i++) {
        if (visit(ctx, search.found[i].name, &search.found[i].count) == TB_VISIT_STOP) {
            break;
        }
    }
    free(search.found);
    return tb_lmdb_err(rc);
}
