/* Fronts: where the live entries of a queue begin.
 *
 * A queue loses entries where walks begin. In runs a dropped entry stays as a put and a drop until
 * a merge brings the two together (run.h), so a walk from the beginning of a queue would pass
 * everything that was ever taken from it. Fronts remember, in memory only, for lists of a kind that
 * is used as a queue (READY, READY_SINCE, RANK):
 *
 *   mark      below this suffix the list has no live entry: a walk up may begin here
 *
 * and, for a few sets of conditions a list (see ready.c), the same for entries that meet them.
 * Those that were not used for the longest time make room for others.
 *
 * What a mark says holds for every snapshot from that of transaction `from` on, and for the write
 * transaction that is open. It stays so:
 *
 *   A put below a mark, at the moment when it is done and so before any snapshot can show it,
 *   lowers the mark to its key; so does a change by which an entry may meet other conditions (a
 *   "touch"). Drops and aborts take nothing from what a mark says: lowering needs no undoing.
 *
 * Marks are raised by walks that found the first live entry:
 *
 *   by the writer  What it found holds for itself at once, for others only when its drops are
 *                  committed. So the mark waits as `pending`, is lowered by puts as all are,
 *                  becomes a mark from this transaction on at the commit, and is forgotten at an
 *                  abort. When the transaction changed nothing it saw what the snapshot before it
 *                  shows: its marks hold from there on.
 *   by a reader    of snapshot t, who found that nothing lives below m in t. That holds from t on
 *                  unless a transaction later than t has put (or touched) something below m. Each
 *                  list keeps `put_txn`, the latest transaction that put something into it, and
 *                  `least`, the least suffix that this one put. The mark is accepted when
 *                      put_txn <= t                         nothing was put after t, or
 *                      put_txn == t + 1 and m <= least      all that was put after t is not below.
 *                  Whatever is put from now on lowers it.
 *                  Of a list that was not in the table nobody noted the puts: then put_txn is the
 *                  latest write transaction that has begun at all, and `least` is zero. (A
 *                  transaction that was aborted shares its number with the next one; their puts are
 *                  noted together.)
 *
 * A few marks a list are kept, because a reader of a snapshot older than the newest mark needs an
 * older one. The table is bounded: the list that was not used for the longest time makes room,
 * which costs a long walk and nothing else. Thread-safe. */
#ifndef TB_LMDB_FRONT_H
#define TB_LMDB_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TB_FRONT_PREFIX_BYTES_MAX 17
#define TB_FRONT_SUFFIX_BYTES     24 /* a number and an id */
#define TB_FRONTS_DEFAULT         4096

/* Which tags an entry must have, and must not: a hash of it; all zero: it does not matter. */
struct tb_front_conditions {
    uint64_t words[2];
};

#define TB_FRONT_WITHOUT_NONE ((struct tb_front_conditions){{0, 0}})

/* A list, and for which entries of it. */
struct tb_front_list {
    const uint8_t *prefix;
    size_t prefix_len;
    struct tb_front_conditions conditions;
};

/* Who walks. */
struct tb_front_view {
    uint64_t txn; /* number of the snapshot, or of the write transaction */
    bool writes;
};

struct tb_fronts;

/* For so many lists. */
struct tb_fronts *tb_fronts_new(unsigned capacity);
void tb_fronts_free(struct tb_fronts *fronts);

/* --- by the writer --- */

/* A write transaction has begun; nothing has been put in it yet. */
void tb_fronts_begin(struct tb_fronts *fronts, uint64_t txn);

/* An entry was put into the list, or one that was there may now meet other conditions. */
void tb_fronts_put(struct tb_fronts *fronts, const uint8_t *prefix, size_t prefix_len,
                   const uint8_t suffix[TB_FRONT_SUFFIX_BYTES]);

/* It was committed: what is pending holds from snapshot `from` on. That is its own number, or, when
 * it changed nothing, that of the one before. */
void tb_fronts_publish(struct tb_fronts *fronts, uint64_t from);
void tb_fronts_abort(struct tb_fronts *fronts);

/* --- by everybody --- */

/* False: nothing is known. */
bool tb_fronts_find(struct tb_fronts *fronts, const struct tb_front_list *list,
                    struct tb_front_view view, uint8_t mark[TB_FRONT_SUFFIX_BYTES]);

/* Below `mark` the view has no live entry (that meets the conditions). */
void tb_fronts_raise(struct tb_fronts *fronts, const struct tb_front_list *list,
                     struct tb_front_view view, const uint8_t mark[TB_FRONT_SUFFIX_BYTES]);

#endif
