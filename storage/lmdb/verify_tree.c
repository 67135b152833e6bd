/* One tree of data.mdb, from its root down to its leaves. */
#include "lmdb/pages.h"

#define FLAG_BRANCH   0x01
#define FLAG_LEAF     0x02
#define FLAG_OVERFLOW 0x04
#define NODE_OVERFLOW 0x01
#define KEY_BYTES_MAX 511

/* --- one page --- */

static struct tb_page_header header_of(const uint8_t *page)
{
    struct tb_page_header header;
    memcpy(&header, page, sizeof header);
    return header;
}

static bool is_inside(const struct tb_pages *file, uint64_t number, uint64_t count)
{
    uint64_t there = file->size / file->page_bytes;
    return number >= TB_PAGE_METAS && number <= file->meta.last_page &&
           count <= file->meta.last_page + 1 - number && number + count <= there;
}

/* The page of a tree with that number, when it is one; NULL and a fault: it is not. */
static const uint8_t *open_page(struct tb_page_walk *walk, uint64_t number)
{
    const struct tb_pages *file = walk->file;
    if (!is_inside(file, number, 1)) {
        tb_pages_fault(walk, number, "it is not in the file");
        return NULL;
    }
    if (!tb_pages_take(walk->file, number)) {
        tb_pages_fault(walk, number, "it is used twice");
        return NULL;
    }
    const uint8_t *page = file->bytes + number * file->page_bytes;
    struct tb_page_header header = header_of(page);
    bool good = header.number == number &&
                (header.flags == FLAG_BRANCH || header.flags == FLAG_LEAF) &&
                header.lower >= sizeof header && header.lower % sizeof(uint16_t) == 0 &&
                header.lower <= header.upper && header.upper <= file->page_bytes;
    if (!good) {
        tb_pages_fault(walk, number, "it is not a page of a tree");
        return NULL;
    }
    return page;
}

/* A node and its key; the rest is up to the value. False and a fault: it is not within its page. */
static bool open_node(struct tb_page_walk *walk, const struct tb_page_level *level,
                      struct tb_page_node *node, MDB_val *key)
{
    struct tb_page_header header = header_of(level->page);
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
        tb_pages_fault(walk, header.number, "one of its nodes is damaged");
        return false;
    }
    *key = tb_mdb_val(level->page + at + sizeof *node, node->key_bytes);
    return true;
}

/* --- values --- */

/* Takes the pages of a value that has its own: as many as it needs, or more from an earlier one. */
static bool open_overflow(struct tb_page_walk *walk, uint64_t number, size_t bytes, MDB_val *value)
{
    const struct tb_pages *file = walk->file;
    uint64_t needed =
        (sizeof(struct tb_page_header) + bytes + file->page_bytes - 1) / file->page_bytes;
    if (!is_inside(file, number, needed)) {
        tb_pages_fault(walk, number, "a value is not in the file");
        return false;
    }
    const uint8_t *page = file->bytes + number * file->page_bytes;
    struct tb_page_header header = header_of(page);
    if (header.number != number || header.flags != FLAG_OVERFLOW || header.pages < needed ||
        !is_inside(file, number, header.pages)) {
        tb_pages_fault(walk, number, "it is not the page of a value");
        return false;
    }
    bool free = true;
    for (uint64_t i = 0; i < header.pages; i++) {
        free = tb_pages_take(walk->file, number + i) && free;
    }
    if (!free) {
        tb_pages_fault(walk, number, "a value has pages that are used twice");
    }
    walk->counted.overflow_pages += header.pages;
    *value = tb_mdb_val(page + sizeof header, bytes);
    return free;
}

static bool open_value(struct tb_page_walk *walk, const struct tb_page_level *level,
                       const struct tb_page_node *node, MDB_val key, MDB_val *value)
{
    const uint8_t *at = (const uint8_t *)key.mv_data + key.mv_size;
    size_t left = (size_t)(level->page + walk->file->page_bytes - at);
    size_t bytes = node->low | (size_t)node->high << 16;
    uint64_t number = 0;
    bool overflow = (node->flags & NODE_OVERFLOW) != 0;
    if ((overflow ? sizeof number : bytes) > left) {
        tb_pages_fault(walk, header_of(level->page).number, "one of its values is damaged");
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

static bool is_above(const struct tb_page_walk *walk, MDB_val a, MDB_val b)
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

static void check_key(struct tb_page_walk *walk, uint64_t page, MDB_val key)
{
    bool above_last = walk->last.mv_data == NULL || is_above(walk, key, walk->last);
    bool above_bound = walk->bound.mv_data == NULL || !is_above(walk, walk->bound, key);
    if (!above_last || !above_bound) {
        tb_pages_fault(walk, page, "its keys are not in order");
    }
    walk->last = key;
}

/* --- one tree --- */

static bool descend(struct tb_page_walk *walk, uint64_t number)
{
    if (walk->depth == TB_PAGE_DEPTH_MAX || walk->depth >= walk->counted.depth) {
        tb_pages_fault(walk, number, "the tree is deeper than it should be");
        return false;
    }
    const uint8_t *page = open_page(walk, number);
    if (page == NULL) {
        return false;
    }
    struct tb_page_header header = header_of(page);
    bool leaf = header.flags == FLAG_LEAF;
    unsigned nodes = (unsigned)(header.lower - sizeof header) / sizeof(uint16_t);
    walk->levels[walk->depth++] = (struct tb_page_level){page, nodes, 0};
    walk->counted.leaf_pages += leaf ? 1 : 0;
    walk->counted.branch_pages += leaf ? 0 : 1;
    if (leaf != (walk->depth == walk->counted.depth) || nodes == 0) {
        tb_pages_fault(walk, number, "it is a leaf too high or a branch too low, or empty");
        return false;
    }
    return true;
}

static void look_at_node(struct tb_page_walk *walk, struct tb_page_level *level)
{
    struct tb_page_node node;
    MDB_val key;
    MDB_val value;
    struct tb_page_header header = header_of(level->page);
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

static void compare_counts(struct tb_page_walk *walk, const struct tb_page_tree *said)
{
    const struct tb_page_tree *counted = &walk->counted;
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

void tb_pages_walk_tree(struct tb_page_walk *walk, const struct tb_page_tree *tree)
{
    walk->counted = (struct tb_page_tree){.flags = tree->flags, .depth = tree->depth};
    walk->last.mv_data = NULL;
    walk->bound.mv_data = NULL;
    walk->depth = 0;
    if (tree->root != TB_PAGE_NONE) {
        (void)descend(walk, tree->root);
    }
    while (walk->depth > 0) {
        struct tb_page_level *level = &walk->levels[walk->depth - 1];
        if (level->next < level->nodes) {
            look_at_node(walk, level);
        } else {
            walk->depth--;
        }
    }
    compare_counts(walk, tree);
}
