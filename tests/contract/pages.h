/* The file of a scene, in memory, and places in it; pages.h of the engine says how LMDB lays it out. */
#ifndef TB_TESTS_PAGES_H
#define TB_TESTS_PAGES_H

#include "scene.h"

enum {
    PAGE_BYTES = 4096,
    PAGES_ADDED = 64, /* room for those that a damage adds */

    FLAGS = 10, /* in a page */
    LOWER = 12,
    UPPER = 14,
    OVERFLOW_PAGES = 12,
    PLACES = 16,
    BRANCH = 1,
    LEAF = 2,

    VALUE_BYTES = 0, /* in a node */
    NODE_FLAGS = 4,
    KEY_BYTES = 6,
    KEY = 8,
    WITH_PAGES = 1,
    WITH_TREE = 2,

    DEPTH = 6, /* in a tree */
    BRANCH_PAGES = 8,
    LEAF_PAGES = 16,
    VALUE_PAGES = 24,
    ENTRIES = 32,
    ROOT = 40,

    META = 16, /* in a meta page */
    FREE_TREE = 24,
    MAIN_TREE = 72,
    LAST_PAGE = 120,
    TXN = 128,
};

struct file {
    struct scene *scene;
    char path[128];
    size_t size;
    uint8_t *sound;
    uint8_t *bytes;
};

/* Closes the store, reads its file, and opens it again to be looked at. */
struct file open_file(struct scene *scene);
void close_file(struct file *file);

/* Over the file that there is. */
void write_file(const struct file *file, const uint8_t *bytes, size_t size);

/* Numbers of so many bytes; of `bytes`, not of the file. */
uint64_t get(const struct file *file, size_t at, size_t width);
void set(struct file *file, size_t at, size_t width, uint64_t value);

/* --- places: of the meta page in force, of trees, pages and nodes --- */

size_t meta(const struct file *file);
size_t main_tree(const struct file *file);
size_t free_tree(const struct file *file);
size_t task_tree(const struct file *file);

size_t main_root(const struct file *file);
size_t free_root(const struct file *file);
size_t task_root(const struct file *file); /* a branch */
size_t task_leaf(const struct file *file); /* the first one */

size_t node_at(const struct file *file, size_t page, size_t nth);
size_t node_count(const struct file *file, size_t page);
size_t value_of(const struct file *file, size_t node);
size_t format_node(const struct file *file);
size_t task_tree_node(const struct file *file);
size_t task_node(const struct file *file);
size_t free_node(const struct file *file);
size_t free_list(const struct file *file); /* the value of that node: how many, and their numbers */

/* Two blocks of runs whose values have pages of their own: the one with more first. */
void run_nodes(const struct file *file, size_t nodes[2]);

/* Of the first: where the number of its page stands, and that page. */
size_t run_value(const struct file *file);
size_t run_page(const struct file *file);

#endif
