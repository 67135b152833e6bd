/* Heads: entries of queues from where claims look for them, in the memory of the writer.
 *
 * A claim asks for the first entry of a queue, takes it, and the next claim asks again. To look for
 * it in the runs costs a search in each of them, and a sort of what the transaction has put and
 * dropped so far. So the writer keeps, of the queues that it walked lately, a window:
 *
 *      entries        e1 e2 e3 … e200 | e201 …
 *      window         [e1 … e200]       everything alive between `from` and `through` stands in it
 *
 * Mostly `from` is the beginning; where tags are excluded, it is the first entry that is not.
 *
 * The writer is the only one who changes a queue, and every put and every drop comes by here; so a
 * window stays true from one transaction to the next, until one is aborted: then all are forgotten.
 * Readers know nothing of it: they have the fronts (front.h).
 *
 * Only for the thread that has the write transaction. */
#ifndef TB_LMDB_HEADS_H
#define TB_LMDB_HEADS_H

#include "lmdb/front.h"

#define TB_WINDOW_ENTRIES    256
#define TB_WINDOW_STEP_FIRST 16
#define TB_HEADS_DEFAULT     128 /* windows */

struct tb_window {
    bool known;                          /* else it says nothing yet */
    bool whole;                          /* nothing stands behind `through` */
    size_t count;                        /* of entries; ascending, each once */
    size_t step;                         /* so many are taken from the runs at a time */
    uint8_t from[TB_FRONT_SUFFIX_BYTES]; /* all zero: the beginning */
    uint8_t through[TB_FRONT_SUFFIX_BYTES];
    uint8_t entries[TB_WINDOW_ENTRIES][TB_FRONT_SUFFIX_BYTES];
    /* of the table */
    unsigned pins; /* lists that use it */
    size_t prefix_len;
    uint8_t prefix[TB_FRONT_PREFIX_BYTES_MAX];
    struct tb_window *next_alike;
    uint64_t used; /* when last */
};

struct tb_heads;

struct tb_heads *tb_heads_new(unsigned capacity);
void tb_heads_free(struct tb_heads *heads);

/* The window of the list, an empty one when it has none yet; NULL: all are in use. To be given
 * back.
 */
struct tb_window *tb_heads_take(struct tb_heads *heads, const uint8_t *prefix, size_t prefix_len);
void tb_heads_give_back(struct tb_window *window);

/* The entry was put, or dropped. */
void tb_heads_put(struct tb_heads *heads, const uint8_t *prefix, size_t prefix_len,
                  const uint8_t suffix[TB_FRONT_SUFFIX_BYTES]);
void tb_heads_drop(struct tb_heads *heads, const uint8_t *prefix, size_t prefix_len,
                   const uint8_t suffix[TB_FRONT_SUFFIX_BYTES]);

/* The transaction was aborted. */
void tb_heads_forget(struct tb_heads *heads);

/* --- of one window --- */

/* Makes it one that says nothing, to begin at that suffix (NULL: at the beginning). */
void tb_window_clear(struct tb_window *window, const uint8_t *from);
bool tb_window_is_at_beginning(const struct tb_window *window);

/* Whether it would have that entry, if it is alive. */
bool tb_window_covers(const struct tb_window *window, const uint8_t suffix[TB_FRONT_SUFFIX_BYTES]);

/* How many of its entries are below the suffix. */
size_t tb_window_rank(const struct tb_window *window, const uint8_t suffix[TB_FRONT_SUFFIX_BYTES]);

/* The next entry behind all that it has; there must be room. */
void tb_window_append(struct tb_window *window, const uint8_t suffix[TB_FRONT_SUFFIX_BYTES]);

#endif
