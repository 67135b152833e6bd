/* Looked at before LMDB is let into a file: it ends the process when a page has no bytes, or a tree
 * no root where one must be. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lmdb/pages.h"

static bool is_page_size(uint32_t bytes)
{
    enum { BYTES_MIN = 512, BYTES_MAX = 65536 };
    return bytes >= BYTES_MIN && bytes <= BYTES_MAX && (bytes & (bytes - 1)) == 0;
}

bool tb_lmdb_has_page_size(int folder_fd, const char *name)
{
    struct tb_page_meta meta;
    off_t at = sizeof(struct tb_page_header);
    bool good = true;
    int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return true; /* LMDB finds out why, as it does with what is no file of its own */
    }
    for (unsigned i = 0; i < TB_PAGE_METAS && good; i++) {
        if (pread(fd, &meta, sizeof meta, at) != (ssize_t)sizeof meta ||
            meta.magic != TB_PAGE_MAGIC) {
            break;
        }
        good = is_page_size(meta.trees[0].page_bytes) &&
               (i == 0 || at == (off_t)(meta.trees[0].page_bytes + sizeof(struct tb_page_header)));
        at += meta.trees[0].page_bytes;
    }
    close(fd);
    return good;
}

static bool may_be_root(const struct tb_page_meta *meta, const struct tb_page_tree *tree)
{
    return tree->root == TB_PAGE_NONE ||
           (tree->root >= TB_PAGE_METAS && tree->root <= meta->last_page);
}

int tb_lmdb_find_roots(MDB_env *env)
{
    MDB_envinfo info;
    MDB_stat stat;
    struct tb_page_meta meta;
    int fd = -1;
    (void)mdb_env_info(env, &info); /* they fail for want of an environment alone */
    (void)mdb_env_stat(env, &stat);
    (void)mdb_env_get_fd(env, &fd);
    for (unsigned i = 0; i < TB_PAGE_METAS; i++) {
        off_t at = (off_t)(i * (size_t)stat.ms_psize + sizeof(struct tb_page_header));
        ssize_t bytes = pread(fd, &meta, sizeof meta, at);
        if (bytes < 0) {
            return errno;
        }
        if (bytes == (ssize_t)sizeof meta && meta.txn == info.me_last_txnid) {
            bool good = meta.last_page < TB_PAGE_NONE && may_be_root(&meta, &meta.trees[0]) &&
                        may_be_root(&meta, &meta.trees[1]);
            return good ? 0 : MDB_CORRUPTED;
        }
    }
    return MDB_CORRUPTED;
}
