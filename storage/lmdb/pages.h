/* How LMDB lays data.mdb out, and its pages read as bytes. It takes what a page says for granted, so
 * that a damaged one could end the process. Here nothing is believed before it was looked at.
 *
 *   page    | number u64 | 0 u16 | flags u16 | lower u16, upper u16; or pages u32 | … |
 *           of a branch or a leaf: u16 places of its nodes up to `lower`, nodes from `upper` on
 *   node    | u16 | u16 | u16 | key bytes u16 | key | value |
 *           of a branch the first three are the number of the page below; of a leaf the first two
 *           are the bytes of the value, and then flags: 1, the value is a number of pages of its
 *           own; 2, the value is a tree
 *   tree    | page bytes u32 | flags u16 | depth u16 | branch, leaf and overflow pages, entries u64 | root u64
 *   meta    two pages in front: | magic u32 | version u32 | 16 bytes | tree of free pages |
 *           main tree | last page u64 | transaction u64 |; the later transaction counts */
#ifndef TB_LMDB_PAGES_H
#define TB_LMDB_PAGES_H

#include <assert.h>

#include "lmdb/verify.h"

#define TB_PAGE_MAGIC     UINT32_C(0xBEEFC0DE)
#define TB_PAGE_METAS     2
#define TB_PAGE_NONE      UINT64_MAX
#define TB_PAGE_DEPTH_MAX 32
#define TB_PAGE_TREES     2 /* the free pages and the main tree */
#define TB_PAGE_NODE_TREE 0x02

struct tb_page_header {
    uint64_t number;
    uint16_t zero;
    uint16_t flags;
    union {
        struct {
            uint16_t lower;
            uint16_t upper;
        };
        uint32_t pages;
    };
};

struct tb_page_node {
    uint16_t low;
    uint16_t high;
    uint16_t flags;
    uint16_t key_bytes;
};

struct tb_page_tree {
    uint32_t page_bytes; /* of the free pages; else 0 */
    uint16_t flags;
    uint16_t depth;
    uint64_t branch_pages;
    uint64_t leaf_pages;
    uint64_t overflow_pages;
    uint64_t entries;
    uint64_t root;
};

struct tb_page_meta {
    uint32_t magic;
    uint32_t version;
    uint64_t address;
    uint64_t map_bytes;
    struct tb_page_tree trees[TB_PAGE_TREES];
    uint64_t last_page;
    uint64_t txn;
};

static_assert(sizeof(struct tb_page_header) == 16 && sizeof(struct tb_page_node) == 8 &&
                  sizeof(struct tb_page_tree) == 48 && sizeof(struct tb_page_meta) == 136,
              "as LMDB lays them out");

/* --- verify_pages.c --- */

struct tb_pages {
    struct tb_check *check;
    const uint8_t *bytes;
    size_t size;
    size_t page_bytes;
    struct tb_page_meta meta;
    uint8_t *taken; /* a bit for each page up to the last one */
    uint64_t taken_count;
    bool sound; /* the trees can be walked */
};

/* One level of the way from the root down to a leaf. */
struct tb_page_level {
    const uint8_t *page;
    unsigned nodes;
    unsigned next; /* the node to be looked at next */
};

struct tb_page_walk {
    struct tb_pages *file;
    const char *name;
    struct tb_page_tree counted;
    unsigned depth;
    struct tb_page_level levels[TB_PAGE_DEPTH_MAX];
    MDB_val last;  /* the last key */
    MDB_val bound; /* no key that follows is below it */
    void (*leaf)(struct tb_page_walk *walk, const struct tb_page_node *node, MDB_val key,
                 MDB_val value);
    struct tb_page_tree trees[TB_DB_COUNT]; /* of the main tree: those that it has */
    MDB_val names[TB_DB_COUNT];
    size_t tree_count;
};

/* A fault for which the walk is to blame: the trees cannot be walked. */
void tb_pages_fault(struct tb_page_walk *walk, uint64_t page, const char *what);

/* False: it was taken before. */
bool tb_pages_take(struct tb_pages *file, uint64_t number);

/* --- verify_tree.c --- */

/* From its root down to its leaves; each entry of a leaf goes to walk->leaf. Walk has the file, the
 * name and the leaf. */
void tb_pages_walk_tree(struct tb_page_walk *walk, const struct tb_page_tree *tree);

#endif
