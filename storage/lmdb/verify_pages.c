/* The pages of data.mdb, read as bytes, without LMDB: it takes what a page says for granted, so
 * that a damaged one could end the process. Here nothing is believed before it was looked at.
 *
 *   page    | number u64 | 0 u16 | flags u16 | lower u16, upper u16; or pages u32 | … |
 *           of a branch or a leaf: u16 places of its nodes up to `lower`, nodes from `upper` on
 *   node    | u16 | u16 | u16 | key bytes u16 | key | value |
 *           of a branch the first three are the number of the page below; of a leaf the first two
 *           are the bytes of the value, and then flags: 1, the value is a number of pages of its
 *           own; 2, the value is a tree
 *   tree    | u32 | flags u16 | depth u16 | branch, leaf and overflow pages, entries u64 | root u64
 * | meta    two pages in front: | magic u32 | version u32 | 16 bytes | tree of free pages | main
 * tree | last page u64 | transaction u64 |; the later transaction counts
 *
 * Each page is in exactly one tree, or on the list of free ones, or is neither: lost. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lmdb/verify.h"

#define MAGIC         UINT32_C(0xBEEFC0DE)
#define META_PAGES    2
#define NO_PAGE       UINT64_MAX
#define DEPTH_MAX     32
#define FLAG_BRANCH   0x01
#define FLAG_LEAF     0x02
#define FLAG_OVERFLOW 0x04
#define NODE_OVERFLOW 0x01
#define NODE_TREE     0x02
#define KEY_BYTES_MAX 511
#define TREES_FIRST   2 /* the free pages and the main tree */

struct page_header {
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

struct node_header {
    uint16_t low;
    uint16_t high;
    uint16_t flags;
    uint16_t key_bytes;
};

struct tree {
    uint32_t zero;
    uint16_t flags;
    uint16_t depth;
    uint64_t branch_pages;
    uint64_t leaf_pages;
    uint64_t overflow_pages;
    uint64_t entries;
    uint64_t root;
};

struct meta {
    uint32_t magic;
    uint32_t version;
    uint64_t address;
    uint64_t map_bytes;
    struct tree trees[TREES_FIRST];
    uint64_t last_page;
    uint64_t txn;
};

static_assert(sizeof(struct page_header) == 16 && sizeof(struct node_header) == 8 &&
                  sizeof(struct tree) == 48 && sizeof(struct meta) == 136,
              "as LMDB lays them out");

struct file {
    struct tb_check *check;
    const uint8_t *bytes;
    size_t size;
    size_t page_bytes;
    struct meta meta;
    uint8_t *taken; /* a bit for each page up to the last one */
    uint64_t taken_count;
    bool sound; /* the trees can be walked */
};

/* One level of the way from the root down to a leaf. */
struct level {
    const uint8_t *page;
    unsigned nodes;
    unsigned next; /* the node to be looked at next */
};

struct walk {
    struct file *file;
    const char *name;
    struct tree counted;
    unsigned depth;
    struct level levels[DEPTH_MAX];
    MDB_val last;  /* the last key */
    MDB_val bound; /* no key that follows is below it */
    void (*leaf)(struct walk *walk, const struct node_header *node, MDB_val key, MDB_val value);
    struct tree trees[TB_DB_COUNT]; /* of the main tree: those that it has */
    MDB_val names[TB_DB_COUNT];
    size_t tree_count;
};

static void fault(struct walk *walk, uint64_t page, const char *what)
{
    tb_check_fault(walk->file->check, "page %llu of data.mdb (%s): %s", (unsigned long long)page,
                   walk->name, what);
    walk->file->sound = false;
}

/* --- one page --- */

static struct page_header header_of(const uint8_t *page)
{
    struct page_header header;
    memcpy(&header, page, sizeof header);
    return header;
}

static bool is_inside(const struct file *file, uint64_t number, uint64_t count)
{
    uint64_t there = file->size / file->page_bytes;
    return number >= META_PAGES && number <= file->meta.last_page &&
           count <= file->meta.last_page + 1 - number && number + count <= there;
}

/* False: it was taken before. */
static bool take(struct file *file, uint64_t number)
{
    uint8_t bit = (uint8_t)(1U << (number % 8));
    bool free = (file->taken[number / 8] & bit) == 0;
    file->taken[number / 8] |= bit;
    file->taken_count += free ? 1 : 0;
    return free;
}

/* The page of a tree with that number, when it is one; NULL and a fault: it is not. */
static const uint8_t *open_page(struct walk *walk, uint64_t number)
{
    const struct file *file = walk->file;
    if (!is_inside(file, number, 1)) {
        fault(walk, number, "it is not in the file");
        return NULL;
    }
    if (!take(walk->file, number)) {
        fault(walk, number, "it is used twice");
        return NULL;
    }
    const uint8_t *page = file->bytes + number * file->page_bytes;
    struct page_header header = header_of(page);
    bool good = header.number == number &&
                (header.flags == FLAG_BRANCH || header.flags == FLAG_LEAF) &&
                header.lower >= sizeof header && header.lower % sizeof(uint16_t) == 0 &&
                header.lower <= header.upper && header.upper <= file->page_bytes;
    if (!good) {
        fault(walk, number, "it is not a page of a tree");
        return NULL;
    }
    return page;
}

/* A node and its key; the rest is up to the value. False and a fault: it is not within its page. */
static bool open_node(struct walk *walk, const struct level *level, struct node_header *node,
                      MDB_val *key)
{
    struct page_header header = header_of(level->page);
    size_t page_bytes = walk->file->page_bytes;
    uint16_t at = 0;
    memcpy(&at, level->page + sizeof header + level->next * sizeof at, sizeof at);
    bool good = at >= header.upper && at + sizeof *node <= page_bytes;
    if (good) {
        memcpy(node, level->page + at, sizeof *node);
        good =
            node->key_bytes <= KEY_BYTES_MAX && at + sizeof *node + node->key_bytes <= page_bytes;
    }
    if (!good) {
        fault(walk, header.number, "one of its nodes is damaged");
        return false;
    }
    *key = tb_mdb_val(level->page + at + sizeof *node, node->key_bytes);
    return true;
}

/* --- values --- */

/* Takes the pages of a value that has its own: as many as it needs, or more from an earlier one. */
static bool open_overflow(struct walk *walk, uint64_t number, size_t bytes, MDB_val *value)
{
    const struct file *file = walk->file;
    uint64_t needed =
        (sizeof(struct page_header) + bytes + file->page_bytes - 1) / file->page_bytes;
    if (!is_inside(file, number, needed)) {
        fault(walk, number, "a value is not in the file");
        return false;
    }
    const uint8_t *page = file->bytes + number * file->page_bytes;
    struct page_header header = header_of(page);
    if (header.number != number || header.flags != FLAG_OVERFLOW || header.pages < needed ||
        !is_inside(file, number, header.pages)) {
        fault(walk, number, "it is not the page of a value");
        return false;
    }
    bool free = true;
    for (uint64_t i = 0; i < header.pages; i++) {
        free = take(walk->file, number + i) && free;
    }
    if (!free) {
        fault(walk, number, "a value has pages that are used twice");
    }
    walk->counted.overflow_pages += header.pages;
    *value = tb_mdb_val(page + sizeof header, bytes);
    return free;
}

static bool open_value(struct walk *walk, const struct level *level, const struct node_header *node,
                       MDB_val key, MDB_val *value)
{
    const uint8_t *at = (const uint8_t *)key.mv_data + key.mv_size;
    size_t left = (size_t)(level->page + walk->file->page_bytes - at);
    size_t bytes = node->low | (size_t)node->high << 16;
    uint64_t number = 0;
    bool overflow = (node->flags & NODE_OVERFLOW) != 0;
    if ((overflow ? sizeof number : bytes) > left) {
        fault(walk, header_of(level->page).number, "one of its values is damaged");
        return false;
    }
    if (!overflow) {
        *value = tb_mdb_val(at, bytes);
        return true;
    }
    memcpy(&number, at, sizeof number);
    return open_overflow(walk, number, bytes, value);
}

/* --- the order of the keys --- */

static bool is_above(const struct walk *walk, MDB_val a, MDB_val b)
{
    uint64_t left = 0;
    uint64_t right = 0;
    if ((walk->counted.flags & MDB_INTEGERKEY) == 0) {
        return tb_run_compare(a.mv_data, a.mv_size, b.mv_data, b.mv_size) > 0;
    }
    memcpy(&left, a.mv_data, a.mv_size < sizeof left ? a.mv_size : sizeof left);
    memcpy(&right, b.mv_data, b.mv_size < sizeof right ? b.mv_size : sizeof right);
    return left > right;
}

static void check_key(struct walk *walk, uint64_t page, MDB_val key)
{
    bool above_last = walk->last.mv_data == NULL || is_above(walk, key, walk->last);
    bool above_bound = walk->bound.mv_data == NULL || !is_above(walk, walk->bound, key);
    if (!above_last || !above_bound) {
        fault(walk, page, "its keys are not in order");
    }
    walk->last = key;
}

/* --- one tree --- */

static bool descend(struct walk *walk, uint64_t number)
{
    if (walk->depth == DEPTH_MAX || walk->depth >= walk->counted.depth) {
        fault(walk, number, "the tree is deeper than it should be");
        return false;
    }
    const uint8_t *page = open_page(walk, number);
    if (page == NULL) {
        return false;
    }
    struct page_header header = header_of(page);
    bool leaf = header.flags == FLAG_LEAF;
    unsigned nodes = (unsigned)(header.lower - sizeof header) / sizeof(uint16_t);
    walk->levels[walk->depth++] = (struct level){page, nodes, 0};
    walk->counted.leaf_pages += leaf ? 1 : 0;
    walk->counted.branch_pages += leaf ? 0 : 1;
    if (leaf != (walk->depth == walk->counted.depth) || nodes == 0) {
        fault(walk, number, "it is a leaf too high or a branch too low, or empty");
        return false;
    }
    return true;
}

static void look_at_node(struct walk *walk, struct level *level)
{
    struct node_header node;
    MDB_val key;
    MDB_val value;
    struct page_header header = header_of(level->page);
    bool good = open_node(walk, level, &node, &key);
    bool first = level->next++ == 0;
    if (!good) {
        return;
    }
    if (header.flags == FLAG_BRANCH) {
        if (!first) { /* the key of a branch's first node says nothing */
            check_key(walk, header.number, key);
            walk->bound = key;
            walk->last.mv_data = NULL; /* the key may be there again, in the leaf */
        }
        (void)descend(walk, node.low | (uint64_t)node.high << 16 | (uint64_t)node.flags << 32);
        return;
    }
    check_key(walk, header.number, key);
    if (open_value(walk, level, &node, key, &value)) {
        walk->counted.entries++;
        walk->leaf(walk, &node, key, value);
    }
}

static void compare_counts(struct walk *walk, const struct tree *said)
{
    const struct tree *counted = &walk->counted;
    if (walk->file->sound &&
        (said->branch_pages != counted->branch_pages || said->leaf_pages != counted->leaf_pages ||
         said->overflow_pages != counted->overflow_pages || said->entries != counted->entries)) {
        tb_check_fault(
            walk->file->check,
            "the tree of %s says it has %llu entries in %llu + %llu + %llu pages; there "
            "are %llu in %llu + %llu + %llu",
            walk->name, (unsigned long long)said->entries, (unsigned long long)said->branch_pages,
            (unsigned long long)said->leaf_pages, (unsigned long long)said->overflow_pages,
            (unsigned long long)counted->entries, (unsigned long long)counted->branch_pages,
            (unsigned long long)counted->leaf_pages, (unsigned long long)counted->overflow_pages);
    }
}

static void walk_tree(struct walk *walk, const struct tree *tree)
{
    walk->counted = (struct tree){.flags = tree->flags, .depth = tree->depth};
    walk->last.mv_data = NULL;
    walk->bound.mv_data = NULL;
    walk->depth = 0;
    if (tree->root != NO_PAGE) {
        (void)descend(walk, tree->root);
    }
    while (walk->depth > 0) {
        struct level *level = &walk->levels[walk->depth - 1];
        if (level->next < level->nodes) {
            look_at_node(walk, level);
        } else {
            walk->depth--;
        }
    }
    compare_counts(walk, tree);
}

/* --- what the trees hold --- */

static void ignore_leaf(struct walk *walk, const struct node_header *node, MDB_val key,
                        MDB_val value)
{
    (void)key;
    (void)value;
    if ((node->flags & NODE_TREE) != 0) {
        fault(walk, 0, "it has a tree within");
    }
}

/* A list of free pages: their number, and their numbers. */
static void take_free(struct walk *walk, const struct node_header *node, MDB_val key, MDB_val value)
{
    uint64_t count = 0;
    (void)node;
    (void)key;
    if (value.mv_size >= sizeof count) {
        memcpy(&count, value.mv_data, sizeof count);
    }
    if (value.mv_size < sizeof count || count > value.mv_size / sizeof count - 1) {
        fault(walk, 0, "a list of free pages is damaged");
        return;
    }
    for (uint64_t i = 1; i <= count; i++) {
        uint64_t number = 0;
        memcpy(&number, (const uint8_t *)value.mv_data + i * sizeof number, sizeof number);
        if (number < META_PAGES || number > walk->file->meta.last_page) {
            fault(walk, number, "it is free and does not exist");
        } else if (!take(walk->file, number)) {
            fault(walk, number, "it is free and in use, or free twice");
        }
    }
}

static void note_tree(struct walk *walk, const struct node_header *node, MDB_val key, MDB_val value)
{
    if ((node->flags & NODE_TREE) == 0) {
        return;
    }
    if (value.mv_size != sizeof(struct tree) || walk->tree_count == TB_DB_COUNT) {
        fault(walk, 0, "it holds a tree that nobody knows");
        return;
    }
    memcpy(&walk->trees[walk->tree_count], value.mv_data, sizeof(struct tree));
    walk->names[walk->tree_count++] = key;
}

/* --- the file --- */

/* The meta page of the snapshot that the check has. */
static bool read_meta(struct file *file)
{
    size_t txn = mdb_txn_id(file->check->txn.mdb);
    for (unsigned i = 0; i < META_PAGES; i++) {
        size_t at = i * file->page_bytes + sizeof(struct page_header);
        if (at + sizeof file->meta > file->size) {
            break;
        }
        memcpy(&file->meta, file->bytes + at, sizeof file->meta);
        if (file->meta.magic == MAGIC && file->meta.txn == txn) {
            return true;
        }
    }
    tb_check_fault(file->check, "data.mdb has no page that tells where its trees begin");
    return false;
}

static void walk_trees(struct file *file)
{
    struct walk main_walk = {.file = file, .name = "the main database", .leaf = note_tree};
    walk_tree(&main_walk, &file->meta.trees[1]);
    for (size_t i = 0; i < main_walk.tree_count; i++) {
        char name[TB_KEY_TEXT_BYTES_MAX];
        (void)snprintf(name, sizeof name, "the database %.*s", (int)main_walk.names[i].mv_size,
                       (const char *)main_walk.names[i].mv_data);
        struct walk walk = {.file = file, .name = name, .leaf = ignore_leaf};
        walk_tree(&walk, &main_walk.trees[i]);
    }
    struct walk free_walk = {.file = file, .name = "the free pages", .leaf = take_free};
    walk_tree(&free_walk, &file->meta.trees[0]);
    uint64_t pages = file->meta.last_page + 1 - META_PAGES;
    if (file->sound && file->taken_count != pages) {
        tb_check_fault(file->check, "%llu pages of data.mdb are lost: neither in use nor free",
                       (unsigned long long)(pages - file->taken_count));
    }
}

static void check_file(struct file *file)
{
    enum { BITS = 8 };
    if (!read_meta(file)) {
        return;
    }
    file->taken = calloc(file->meta.last_page / BITS + 1, 1);
    if (file->taken == NULL) {
        abort();
    }
    file->sound = true;
    walk_trees(file);
    free(file->taken);
}

static int file_of(const struct tb_lmdb_store *store, int *fd, struct file *file)
{
    struct stat status;
    MDB_stat stat;
    int rc = mdb_env_get_fd(store->env, fd);
    rc = rc != 0 ? rc : mdb_env_stat(store->env, &stat);
    if (rc == 0 && fstat(*fd, &status) != 0) {
        rc = errno;
    }
    if (rc == 0) {
        file->size = (size_t)status.st_size;
        file->page_bytes = stat.ms_psize;
    }
    return rc;
}

bool tb_check_pages(struct tb_check *check)
{
    struct file file = {.check = check};
    int fd = -1;
    int rc = file_of(check->txn.store, &fd, &file);
    if (rc == 0) {
        void *map = mmap(NULL, file.size, PROT_READ, MAP_SHARED, fd, 0);
        rc = map == MAP_FAILED ? errno : 0;
        file.bytes = map;
    }
    if (rc != 0) {
        tb_check_fault(check, "data.mdb cannot be read: %s", mdb_strerror(rc));
        return false;
    }
    check_file(&file);
    (void)munmap((void *)(uintptr_t)file.bytes, file.size);
    return file.sound;
}

int tb_lmdb_is_short(const struct tb_lmdb_store *store, bool *yes)
{
    struct file file = {.check = NULL};
    MDB_envinfo info;
    int fd = -1;
    int rc = file_of(store, &fd, &file);
    rc = rc != 0 ? rc : mdb_env_info(store->env, &info);
    *yes = rc == 0 && file.size / file.page_bytes <= info.me_last_pgno;
    return rc;
}
