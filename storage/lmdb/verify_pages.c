/* All pages of data.mdb: its trees, and the lists of free pages. Each page is in exactly one tree, or
 * on the list of free ones, or is neither: lost. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lmdb/pages.h"

void tb_pages_fault(struct tb_page_walk *walk, uint64_t page, const char *what)
{
    tb_check_fault(walk->file->check, "page %llu of data.mdb (%s): %s", (unsigned long long)page,
                   walk->name, what);
    walk->file->sound = false;
}

bool tb_pages_take(struct tb_pages *file, uint64_t number)
{
    uint8_t bit = (uint8_t)(1U << (number % 8));
    bool free = (file->taken[number / 8] & bit) == 0;
    file->taken[number / 8] |= bit;
    file->taken_count += free ? 1 : 0;
    return free;
}

/* --- what the trees hold --- */

static void ignore_leaf(struct tb_page_walk *walk, const struct tb_page_node *node, MDB_val key,
                        MDB_val value)
{
    (void)key;
    (void)value;
    if ((node->flags & TB_PAGE_NODE_TREE) != 0) {
        tb_pages_fault(walk, 0, "it has a tree within");
    }
}

/* A list of free pages: their number, and their numbers. */
static void take_free(struct tb_page_walk *walk, const struct tb_page_node *node, MDB_val key,
                      MDB_val value)
{
    uint64_t count = 0;
    (void)node;
    (void)key;
    if (value.mv_size >= sizeof count) {
        memcpy(&count, value.mv_data, sizeof count);
    }
    if (value.mv_size < sizeof count || count > value.mv_size / sizeof count - 1) {
        tb_pages_fault(walk, 0, "a list of free pages is damaged");
        return;
    }
    for (uint64_t i = 1; i <= count; i++) {
        uint64_t number = 0;
        memcpy(&number, (const uint8_t *)value.mv_data + i * sizeof number, sizeof number);
        if (number < TB_PAGE_METAS || number > walk->file->meta.last_page) {
            tb_pages_fault(walk, number, "it is free and does not exist");
        } else if (!tb_pages_take(walk->file, number)) {
            tb_pages_fault(walk, number, "it is free and in use, or free twice");
        }
    }
}

static void note_tree(struct tb_page_walk *walk, const struct tb_page_node *node, MDB_val key,
                      MDB_val value)
{
    if ((node->flags & TB_PAGE_NODE_TREE) == 0) {
        return;
    }
    if (value.mv_size != sizeof(struct tb_page_tree) || walk->tree_count == TB_DB_COUNT) {
        tb_pages_fault(walk, 0, "it holds a tree that nobody knows");
        return;
    }
    memcpy(&walk->trees[walk->tree_count], value.mv_data, sizeof(struct tb_page_tree));
    walk->names[walk->tree_count++] = key;
}

/* --- the file --- */

/* The meta page of the snapshot that the check has. */
static bool read_meta(struct tb_pages *file)
{
    size_t txn = mdb_txn_id(file->check->txn.mdb);
    for (unsigned i = 0; i < TB_PAGE_METAS; i++) {
        size_t at = i * file->page_bytes + sizeof(struct tb_page_header);
        if (at + sizeof file->meta > file->size) {
            break;
        }
        memcpy(&file->meta, file->bytes + at, sizeof file->meta);
        if (file->meta.magic == TB_PAGE_MAGIC && file->meta.txn == txn) {
            return true;
        }
    }
    tb_check_fault(file->check, "data.mdb has no page that tells where its trees begin");
    return false;
}

static void walk_trees(struct tb_pages *file)
{
    struct tb_page_walk main_walk = {.file = file, .name = "the main database", .leaf = note_tree};
    tb_pages_walk_tree(&main_walk, &file->meta.trees[1]);
    for (size_t i = 0; i < main_walk.tree_count; i++) {
        char name[TB_KEY_TEXT_BYTES_MAX];
        (void)snprintf(name, sizeof name, "the database %.*s", (int)main_walk.names[i].mv_size,
                       (const char *)main_walk.names[i].mv_data);
        struct tb_page_walk walk = {.file = file, .name = name, .leaf = ignore_leaf};
        tb_pages_walk_tree(&walk, &main_walk.trees[i]);
    }
    struct tb_page_walk free_walk = {.file = file, .name = "the free pages", .leaf = take_free};
    tb_pages_walk_tree(&free_walk, &file->meta.trees[0]);
    uint64_t pages = file->meta.last_page + 1 - TB_PAGE_METAS;
    if (file->sound && file->taken_count != pages) {
        tb_check_fault(file->check, "%llu pages of data.mdb are lost: neither in use nor free",
                       (unsigned long long)(pages - file->taken_count));
    }
}

static void check_file(struct tb_pages *file)
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

static int file_of(const struct tb_lmdb_store *store, int *fd, struct tb_pages *file)
{
    struct stat status;
    MDB_stat stat;
    (void)mdb_env_get_fd(store->env, fd); /* they fail for want of an environment alone */
    (void)mdb_env_stat(store->env, &stat);
    file->page_bytes = stat.ms_psize;
    if (fstat(*fd, &status) != 0) {
        return errno;
    }
    file->size = (size_t)status.st_size;
    return 0;
}

bool tb_check_pages(struct tb_check *check)
{
    struct tb_pages file = {.check = check};
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
    struct tb_pages file = {.check = NULL};
    MDB_envinfo info;
    int fd = -1;
    int rc = file_of(store, &fd, &file);
    (void)mdb_env_info(store->env, &info);
    *yes = rc == 0 && file.size / file.page_bytes <= info.me_last_pgno;
    return rc;
}
