/* A sorted list of entries: those keys of a database, or of the runs, that begin with one prefix
 * and end in a suffix of fixed length.
 *
 *   key = prefix | suffix (4 to 28 bytes: an id; a number and an id, or more; a number)
 *
 * `rc` is 0 also at the end of the list: look at on_entry. */
#ifndef TB_LMDB_LIST_H
#define TB_LMDB_LIST_H

#include "lmdb/lmdb.h"

#define TB_SUFFIX_BYTES_MAX 28

enum tb_list_way { TB_LIST_UP, TB_LIST_DOWN };

struct tb_list {
    struct tb_lmdb_txn *txn;
    MDB_cursor *cursor;       /* its own */
    struct tb_run_list *runs; /* in the place of a cursor; its own */
    struct tb_window *window; /* of a queue, for the writer: then `runs` is opened when needed */
    bool in_window;           /* the entry is one of it: */
    size_t at;
    size_t prefix_len;
    size_t suffix_len;
    uint8_t key[TB_KEY_BYTES_MAX]; /* of the entry that it stands on; the prefix always */
    MDB_val value;                 /* of that entry; lives until the next write; not of runs */
    bool on_entry;
};

/* `prefix` NULL: the whole database. With TB_DB_RUN a list of the runs; that one is walked in the
 * way that it was started in. To be closed also after a failure. */
int tb_list_open(struct tb_lmdb_txn *txn, enum tb_lmdb_db db, const struct tb_key *prefix,
                 size_t suffix_len, struct tb_list *list);
void tb_list_close(struct tb_list *list);

/* Goes to the first entry behind `after` (a suffix; NULL: the first of all) as seen in that
 * direction. */
int tb_list_start(struct tb_list *list, enum tb_list_way way, const uint8_t *after);

/* Goes to the first entry that is not below the suffix. */
int tb_list_seek_up(struct tb_list *list, const uint8_t *suffix);

/* From an entry to the next one. */
int tb_list_next(struct tb_list *list, enum tb_list_way way);

/* Goes down to the last entry that is not above `bound`; stays where it is when that is one
 * already. */
int tb_list_sink(struct tb_list *list, const uint8_t *bound);

/* The other way round: goes up to the first entry that is not below `bound`. */
int tb_list_rise(struct tb_list *list, const uint8_t *bound);

/* The suffix of the entry that it stands on. */
static inline const uint8_t *tb_list_suffix(const struct tb_list *list)
{
    return list->key + list->prefix_len;
}

/* The id that ends the suffix. */
static inline struct tb_id tb_list_id(const struct tb_list *list)
{
    struct tb_id id;
    memcpy(id.bytes, list->key + list->prefix_len + list->suffix_len - sizeof id.bytes,
           sizeof id.bytes);
    return id;
}

#endif
