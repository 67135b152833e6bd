/* The pages and blocks that runs are made of (run.h says what a run is).
 *
 *   block  one value of the `run` database: up to TB_RUN_BLOCK_PAGES_MAX pages
 *          | page 0: 4080 bytes | page 1: 4096 | … | last page, as long as it needs |
 *          LMDB puts 16 bytes in front of a value that has pages of its own: so ours are its
 *   page   | checksum u64 | bytes u16 | entries u16 | restarts u16 | 0 u16 | entries … | table |
 *          bytes: from the checksum to the end of the table; checksum: XXH3 of 64 bits, seeded
 *          with the number of the run, over all behind it
 *   entry  | shared: 7 bits, put or drop: 1 bit | rest: u8 | rest bytes |
 *          the key is the first `shared` bytes of the key before it and then the rest
 *   table  u16 each: where every TB_RUN_RESTART_ENTRIESth entry begins; those share nothing
 *
 * Numbers are little-endian. Readers trust nothing: what does not add up is MDB_CORRUPTED. */
#ifndef TB_LMDB_RUN_PAGE_H
#define TB_LMDB_RUN_PAGE_H

#include "lmdb/keys.h"

#define TB_RUN_PAGE_BYTES        4096
#define TB_RUN_MARGIN_BYTES      16
#define TB_RUN_BLOCK_PAGES_MAX   16
#define TB_RUN_RESTART_ENTRIES   16
#define TB_RUN_RESTARTS_MAX      128
#define TB_RUN_PAGE_HEADER_BYTES 16

/* Where the page begins in its block. */
static inline size_t tb_run_page_at(unsigned page)
{
    return page == 0 ? 0 : (size_t)page * TB_RUN_PAGE_BYTES - TB_RUN_MARGIN_BYTES;
}

/* --- writing --- */

/* Builds one block at a time. Big: not for the stack of a deep call. */
struct tb_run_builder {
    uint64_t number;    /* of the run */
    unsigned pages_max; /* of a block */
    unsigned page;      /* the one being filled */
    size_t at;          /* in it, where the next entry goes */
    unsigned entries;   /* in it */
    unsigned restarts;  /* in it */
    uint32_t total;     /* entries in the block */
    struct tb_key first;
    struct tb_key last;
    uint16_t table[TB_RUN_RESTARTS_MAX];
    uint8_t block[TB_RUN_BLOCK_PAGES_MAX * TB_RUN_PAGE_BYTES];
};

void tb_run_builder_start(struct tb_run_builder *builder, uint64_t number, unsigned pages_max);

/* The key must be above the last one. False: the block is full, nothing was added. */
bool tb_run_builder_add(struct tb_run_builder *builder, const uint8_t *key, size_t len, bool put);

/* Whether a key of that length might not fit any more. */
bool tb_run_builder_is_full(const struct tb_run_builder *builder, size_t len);

/* Completes the block, which must hold something; its size. */
size_t tb_run_builder_finish(struct tb_run_builder *builder);

/* --- reading --- */

struct tb_run_page {
    const uint8_t *bytes;
    size_t entries_end; /* where the table begins */
    unsigned entries;
    unsigned restarts;
};

/* A place in a page. */
struct tb_run_place {
    unsigned index; /* of the entry */
    bool put;
    size_t next; /* where the entry behind it begins */
    struct tb_key key;
};

/* Checks the whole page. `number` is that of its run. */
int tb_run_page_open(const uint8_t *block, size_t block_bytes, unsigned page_index, uint64_t number,
                     struct tb_run_page *page);

/* To the entry of that index, which must be below page->entries. */
int tb_run_page_go(const struct tb_run_page *page, unsigned index, struct tb_run_place *place);

/* From an entry that is not the last to the next one. */
int tb_run_page_step(const struct tb_run_page *page, struct tb_run_place *place);

/* The first key of a page, where it stands, which need not have been checked: what it says is to be
 * confirmed by a page that was. */
int tb_run_page_peek(const uint8_t *block, size_t block_bytes, unsigned page_index,
                     const uint8_t **key, size_t *len);

/* To the last entry that is not above the key; the page's first key must not be above it. */
int tb_run_page_floor(const struct tb_run_page *page, const uint8_t *key, size_t len,
                      struct tb_run_place *place);

/* Bytewise; a prefix comes first. */
static inline int tb_run_compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

#endif
