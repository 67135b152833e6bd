#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "lmdb/lmdb.h"
#include "lmdb/names.h"

#define MAP_BYTES_DEFAULT (UINT64_C(1) << 40)
#define MAP_BYTES_MIN     (UINT64_C(1) << 20)
/* Where an address space that is limited stops being tried. */
#define MAP_BYTES_SMALL (UINT64_C(1) << 30)

/* Slots for tools that look into the store beside the server, such as mdb_stat. */
#define READERS_EXTRA 4

#define FAULT_BYTES_MAX 160

static void close_store(struct tb_store *base)
{
    struct tb_lmdb_store *store = (struct tb_lmdb_store *)base;
    if (store->env != NULL) {
        mdb_env_close(store->env);
    }
    tb_run_ops_fini(&store->ops);
    tb_block_maker_fini(&store->events);
    tb_block_maker_fini(&store->answers);
    tb_names_free(store->names);
    tb_heads_free(store->heads);
    tb_fronts_free(store->fronts);
    tb_arena_free(store->scratch);
    if (store->lock_fd >= 0) {
        close(store->lock_fd);
    }
    close(store->folder_fd);
    free(store);
}

static const struct tb_store_ops ops = {
    .close = close_store,
    .write_begin = tb_lmdb_write_begin,
    .write_commit = tb_lmdb_write_commit,
    .write_abort = tb_lmdb_write_abort,
    .reader_new = tb_lmdb_reader_new,
    .reader_free = tb_lmdb_reader_free,
    .read_begin = tb_lmdb_read_begin,
    .read_end = tb_lmdb_read_end,
    .swap_arena = tb_lmdb_swap_arena,
    .get_task = tb_lmdb_get_task,
    .put_task = tb_lmdb_put_task,
    .delete_task = tb_lmdb_delete_task,
    .find_unique = tb_lmdb_find_unique,
    .visit_dependents = tb_lmdb_visit_dependents,
    .next_due = tb_lmdb_next_due,
    .put_note = tb_lmdb_put_note,
    .visit_notes = tb_lmdb_visit_notes,
    .put_artifact = tb_lmdb_put_artifact,
    .visit_artifacts = tb_lmdb_visit_artifacts,
    .put_attempt = tb_lmdb_put_attempt,
    .get_attempt = tb_lmdb_get_attempt,
    .delete_attempt = tb_lmdb_delete_attempt,
    .visit_attempts = tb_lmdb_visit_attempts,
    .visit_ready = tb_lmdb_visit_ready,
    .oldest_ready = tb_lmdb_oldest_ready,
    .get_name = tb_lmdb_get_name,
    .visit_names = tb_lmdb_visit_names,
    .get_vm = tb_lmdb_get_vm,
    .put_vm = tb_lmdb_put_vm,
    .see_vm = tb_lmdb_see_vm,
    .delete_vm = tb_lmdb_delete_vm,
    .visit_vms = tb_lmdb_visit_vms,
    .next_due_vm = tb_lmdb_next_due_vm,
    .visit_vm_tasks = tb_lmdb_visit_vm_tasks,
    .get_credential = tb_lmdb_get_credential,
    .put_credential = tb_lmdb_put_credential,
    .delete_credential = tb_lmdb_delete_credential,
    .visit_credentials = tb_lmdb_visit_credentials,
    .get_pauses = tb_lmdb_get_pauses,
    .put_pauses = tb_lmdb_put_pauses,
    .get_answer = tb_lmdb_get_answer,
    .get_answer_share = tb_lmdb_get_answer_share,
    .put_answer = tb_lmdb_put_answer,
    .drop_answers = tb_lmdb_drop_answers,
    .append_event = tb_lmdb_append_event,
    .visit_events = tb_lmdb_visit_events,
    .visit_feed = tb_lmdb_visit_feed,
    .find_event = tb_lmdb_find_event,
    .drop_events = tb_lmdb_drop_events,
    .visit_tasks = tb_lmdb_visit_tasks,
    .stats = tb_lmdb_stats,
    .verify = tb_lmdb_verify,
    .copy = tb_lmdb_copy,
};

/* What only looks leaves even LMDB's table of readers alone: the folder's lock keeps writers out.
 */
static unsigned env_flags(const struct tb_store_options *options)
{
    return options->read_only ? MDB_NOTLS | MDB_RDONLY | MDB_NOLOCK : MDB_NOTLS;
}

static int open_env_of_size(struct tb_lmdb_store *store, const char *folder,
                            const struct tb_store_options *options, uint64_t map_bytes)
{
    int rc = mdb_env_create(&store->env);
    if (rc != 0) {
        store->env = NULL;
        return rc;
    }
    if ((rc = mdb_env_set_mapsize(store->env, map_bytes)) != 0 ||
        (rc = mdb_env_set_maxdbs(store->env, TB_DB_COUNT)) != 0 ||
        (rc = mdb_env_set_maxreaders(store->env, options->readers_max + READERS_EXTRA)) != 0 ||
        (rc = mdb_env_open(store->env, folder, env_flags(options), 0600)) != 0) {
        mdb_env_close(store->env);
        store->env = NULL;
    }
    return rc;
}

/* The map is address space, not memory: as much as there may be of it, less where it is limited. */
static int open_env(struct tb_lmdb_store *store, const struct tb_store_options *options,
                    const char *folder)
{
    uint64_t map_bytes = options->map_bytes != 0 ? options->map_bytes : MAP_BYTES_DEFAULT;
    uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    if (map_bytes < MAP_BYTES_MIN) {
        map_bytes = MAP_BYTES_MIN;
    }
    map_bytes -= map_bytes % page_bytes;
    if (!tb_lmdb_has_page_size(store->folder_fd, "data.mdb")) {
        return MDB_CORRUPTED;
    }
    int rc = 0;
    if (!options->read_only) {
        rc = tb_lmdb_fill_readers(store->folder_fd, options->readers_max + READERS_EXTRA);
    }
    rc = rc != 0 ? rc : open_env_of_size(store, folder, options, map_bytes);
    while (rc == ENOMEM && map_bytes / 2 >= MAP_BYTES_SMALL) {
        map_bytes /= 2;
        rc = open_env_of_size(store, folder, options, map_bytes);
    }
    return rc;
}

enum tb_err tb_lmdb_explain(const struct tb_lmdb_store *store, int rc, const char *folder,
                            char *why, size_t why_size)
{
    enum tb_err err = tb_lmdb_write_err(store, rc);
    if (err == TB_E_STORAGE_FULL) {
        snprintf(why, why_size, "There is no room on the disk of the data folder %s", folder);
    } else if (err == TB_E_STORAGE_CORRUPT || rc == MDB_VERSION_MISMATCH) {
        snprintf(why, why_size, "%s/data.mdb is damaged or is not a board's", folder);
        err = TB_E_STORAGE_CORRUPT;
    } else if (rc == EACCES || rc == EPERM || rc == EROFS) {
        snprintf(why, why_size, "The data folder %s cannot be written: %s", folder, strerror(rc));
    } else {
        snprintf(why, why_size, "The store in %s cannot be opened: %s", folder, mdb_strerror(rc));
    }
    return err;
}

static enum tb_err refuse_cut(struct tb_lmdb_store *store, const char *folder, char *why,
                              size_t why_size)
{
    char fault[FAULT_BYTES_MAX];
    int rc = tb_lmdb_find_cut(store, fault, sizeof fault);
    if (rc == MDB_CORRUPTED) {
        snprintf(why, why_size,
                 "%s/data.mdb is damaged, a part of it is missing (%s): restore a backup", folder,
                 fault);
        return TB_E_STORAGE_CORRUPT;
    }
    return rc == 0 ? TB_OK : tb_lmdb_explain(store, rc, folder, why, why_size);
}

/* What LMDB found may stand in the kernel's cache alone: the server before was killed while the disk
 * took its last root, or died of a disk that refused it. A power cut would take it back, so nobody
 * may see it yet. All there is was synced; now a commit writes a root of its own, where there is
 * room for one, in the map and on the disk. */
static int make_durable(const struct tb_lmdb_store *store)
{
    MDB_txn *mdb = NULL;
    int rc = mdb_txn_begin(store->env, NULL, 0, &mdb);
    if (rc != 0) {
        return rc;
    }
    rc = tb_lmdb_put_format(store, mdb);
    if (rc == 0) {
        rc = mdb_txn_commit(mdb);
    } else {
        mdb_txn_abort(mdb);
    }
    enum tb_err err = tb_lmdb_write_err(store, rc);
    bool full = err == TB_E_STORAGE_FULL && !tb_lmdb_is_failure(store, err, rc);
    return full ? 0 : rc;
}

/* Opens or makes the databases, durably. */
static enum tb_err open_board(struct tb_lmdb_store *store, bool writes, const char *folder,
                              char *why, size_t why_size)
{
    int dead = 0;
    MDB_txn *mdb = NULL;
    int rc = mdb_reader_check(store->env, &dead);
    if (rc == 0 && writes) {
        /* A root that the disk refused may be there nevertheless, and to LMDB, which put the old one
         * back, its pages are free: they may be written once the old one is on the disk again. */
        rc = mdb_env_sync(store->env, 1);
    }
    if (rc == 0) {
        rc = mdb_txn_begin(store->env, NULL, writes ? 0 : MDB_RDONLY, &mdb);
    }
    if (rc != 0) {
        return tb_lmdb_explain(store, rc, folder, why, why_size);
    }
    enum tb_err err = tb_lmdb_open_format(store, mdb, writes, folder, why, why_size);
    if (err != TB_OK) {
        mdb_txn_abort(mdb);
        return err;
    }
    rc = mdb_txn_commit(mdb);
    if (rc == 0 && writes) {
        rc = make_durable(store);
    }
    if (rc == 0 && writes && fsync(store->folder_fd) != 0) {
        rc = errno;
    }
    return rc == 0 ? TB_OK : tb_lmdb_explain(store, rc, folder, why, why_size);
}

enum tb_err tb_lmdb_open(const struct tb_store_options *options, const char *folder,
                         struct tb_store **store, char *why, size_t why_size)
{
    struct tb_lmdb_store *opening = calloc(1, sizeof *opening);
    if (opening == NULL) {
        tb_out_of_memory();
    }
    opening->base.ops = &ops;
    opening->tuning = (struct tb_run_tuning)TB_RUN_TUNING_DEFAULT;
    enum tb_folder_use use = options->read_only ? TB_FOLDER_READ
                             : options->create  ? TB_FOLDER_CREATE
                                                : TB_FOLDER_WRITE;
    enum tb_err err =
        tb_lmdb_folder_open(folder, use, &opening->folder_fd, &opening->lock_fd, why, why_size);
    if (err != TB_OK) {
        free(opening);
        return err;
    }
    opening->scratch = tb_arena_new(0);
    opening->names = tb_names_new();
    opening->heads = tb_heads_new(TB_HEADS_DEFAULT);
    opening->fronts = tb_fronts_new(TB_FRONTS_DEFAULT);
    int rc = options->create ? tb_lmdb_create(opening, folder) : 0;
    rc = rc != 0 ? rc : open_env(opening, options, folder);
    rc = rc != 0 ? rc : tb_lmdb_find_roots(opening->env);
    err = rc == 0 ? refuse_cut(opening, folder, why, why_size)
                  : tb_lmdb_explain(opening, rc, folder, why, why_size);
    if (err == TB_OK) {
        err = open_board(opening, !options->read_only, folder, why, why_size);
    }
    if (err != TB_OK) {
        close_store(&opening->base);
        return err;
    }
    MDB_envinfo info;
    MDB_stat stat;
    mdb_env_info(opening->env, &info);
    mdb_env_stat(opening->env, &stat);
    opening->pages_max = info.me_mapsize / stat.ms_psize;
    opening->committed = info.me_last_txnid;
    *store = &opening->base;
    return TB_OK;
}
