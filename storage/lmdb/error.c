#include <errno.h>
#include <sys/statvfs.h>

#include "lmdb/lmdb.h"

enum tb_err tb_lmdb_err(int rc)
{
    switch (rc) {
    case MDB_SUCCESS:
        return TB_OK;
    case MDB_NOTFOUND:
        return TB_E_ABSENT;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL: /* a batch that LMDB cannot hold: a smaller one may pass */
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return TB_E_STORAGE_FULL;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_MAP_RESIZED: /* nobody else writes: a root that has more pages than there are */
    case MDB_CURSOR_FULL: /* a tree deeper than any real one */
    case MDB_PAGE_FULL:
        return TB_E_STORAGE_CORRUPT;
    case MDB_PANIC: /* the root of a commit could not be written */
        return TB_E_STORAGE_FAILED;
    default:
        return TB_E_STORAGE_DOWN;
    }
}

bool tb_lmdb_disk_is_full(const struct tb_lmdb_store *store)
{
    struct statvfs fs;
    return fstatvfs(store->folder_fd, &fs) == 0 && fs.f_bavail * fs.f_frsize < TB_ROOM_BYTES_MIN;
}

enum tb_err tb_lmdb_write_err(const struct tb_lmdb_store *store, int rc)
{
    if (rc == EIO && tb_lmdb_disk_is_full(store)) {
        return TB_E_STORAGE_FULL;
    }
    return tb_lmdb_err(rc);
}

enum tb_err tb_lmdb_must_exist(enum tb_err err)
{
    return err == TB_E_ABSENT ? TB_E_STORAGE_CORRUPT : err;
}
