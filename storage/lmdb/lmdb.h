/* Private to storage/lmdb/: the engine's structs and what its files share.
 *
 * Threads   The store's write transaction belongs to whoever began it; each reader has its own.
 *           Nothing else is shared but the environment, which LMDB guards, and the fronts.
 * Codes     `rc` is a code of LMDB or errno; tb_lmdb_err turns it into a tb_err at the engine's
 *           edge.
 */
#ifndef TB_LMDB_LMDB_H
#define TB_LMDB_LMDB_H

#include <limits.h>
#include <lmdb.h>

#include "engine.h"
#include "lmdb/block.h"
#include "lmdb/front.h"
#include "lmdb/heads.h"
#include "lmdb/run.h"
#include "record.h"

enum tb_lmdb_db {
    TB_DB_TASK,       /* id → task record */
    TB_DB_NOTE,       /* task id, note id → note record */
    TB_DB_ARTIFACT,   /* task id, number u32 → artifact record */
    TB_DB_ATTEMPT,    /* task id, number u32 → attempt record */
    TB_DB_EVENT,      /* first seq u64 → block of event records, see events.c */
    TB_DB_VM,         /* number → VM record */
    TB_DB_VM_SEEN,    /* number → its sign of life, see vms.c */
    TB_DB_CREDENTIAL, /* id → credential record */
    TB_DB_ANSWER,     /* first number u64 → block of answer records, see answers.c */
    TB_DB_INDEX,      /* the entries that rules read, see keys.h */
    TB_DB_RUN,        /* run number u64, first key → block of all other entries, see run.h */
    TB_DB_META, /* LMDB's own: "format" → u32 little-endian, "head" → head record, "runs" →
                 * manifest, "pauses" → JSON record, "share" and u16 → what is kept of a share of
                 * the answers */
    TB_DB_COUNT,
};

struct tb_lmdb_store;

/* Is told which entries a record has, instead of their being written: see verify.h. */
struct tb_entry_listener {
    int (*put)(struct tb_entry_listener *listener, const struct tb_key *key);
};

struct tb_lmdb_txn {
    struct tb_txn base;
    struct tb_lmdb_store *store;
    MDB_txn *mdb;
    struct tb_arena *arena;
    struct tb_head head;
    MDB_cursor *runs; /* walks TB_DB_RUN; opened at first use. A reader keeps it for its next
                       * snapshots; that of a write transaction LMDB closes at the end */
    bool runs_stale;  /* opened in an earlier snapshot */
    struct tb_run_manifest manifest;
    struct tb_entry_listener *listener; /* NULL, but in a check */
    /* only in a write transaction */
    uint8_t head_before[TB_RECORD_HEAD_BYTES];
    MDB_cursor *index;    /* writes TB_DB_INDEX; opened at first use, closed by LMDB at the end */
    bool may_grow;        /* there was room at the beginning */
    bool scarce;          /* there was little, or none lately */
    size_t puts;          /* records written, the head apart */
    size_t deletes;       /* tasks and VMs deleted */
    size_t dropped_bytes; /* of the events dropped */
    uint64_t seq_before;  /* head.seq at the beginning */
    bool changed;         /* a run or a block of events was written before the commit */
};

struct tb_lmdb_reader {
    struct tb_reader base;
    struct tb_lmdb_txn txn; /* its one snapshot; base.ops is NULL while none is open */
    MDB_env *env;           /* its own, once the store's has failed; else NULL: see failed.c */
    size_t known; /* number of the transaction that the head, and the manifest if it is loaded, are
                   * of; 0: none. A snapshot of the same one need not read them again */
};

struct tb_lmdb_store {
    struct tb_store base;
    MDB_env *env;
    MDB_dbi dbis[TB_DB_COUNT];
    int folder_fd;
    int lock_fd;
    size_t pages_max; /* of the map */
    struct tb_run_tuning tuning;
    /* shared by all threads */
    struct tb_fronts *fronts;
    _Atomic uint64_t committed; /* number of the last transaction that is on the disk */
    /* owned by the thread that has the write transaction */
    struct tb_lmdb_txn write;      /* the one write transaction */
    struct tb_names *names;        /* see names.h */
    struct tb_heads *heads;        /* see heads.h */
    struct tb_block_maker answers; /* what it has put */
    struct tb_run_ops ops;         /* what it has put into runs and dropped so far */
    struct tb_block_maker events;  /* what it has appended */
    struct tb_run_builder builder; /* for the blocks of its runs */
    struct tb_arena *scratch;      /* its own; empty between calls */
    unsigned tight_commits;        /* so many more are careful, as the disk was full lately */
    bool has_failed;               /* it is written no more: see failed.c */
};

static inline struct tb_lmdb_txn *tb_lmdb_txn_of(struct tb_txn *txn)
{
    return (struct tb_lmdb_txn *)txn;
}

static inline MDB_val tb_mdb_val(const void *bytes, size_t len)
{
    /* LMDB takes keys and values without const but does not write to them. */
    return (MDB_val){len, (void *)(uintptr_t)bytes};
}

static inline struct tb_str tb_mdb_str(MDB_val val)
{
    return tb_str_from(val.mv_data, val.mv_size);
}

/* Who walks, for the fronts. */
static inline struct tb_front_view tb_lmdb_front_view(const struct tb_lmdb_txn *txn)
{
    return (struct tb_front_view){mdb_txn_id(txn->mdb), txn->base.writable};
}

/* --- env.c --- */

/* NULL: it is LMDB's own. */
const char *tb_lmdb_db_name(enum tb_lmdb_db db);

/* --- error.c --- */

/* MDB_NOTFOUND becomes TB_E_ABSENT. */
enum tb_err tb_lmdb_err(int rc);

/* The same for what a write met: LMDB reports a write cut short by a full disk as EIO. */
enum tb_err tb_lmdb_write_err(const struct tb_lmdb_store *store, int rc);

/* With less than this free, the file system counts as full. */
#define TB_ROOM_BYTES_MIN (4ULL * 1024 * 1024)

bool tb_lmdb_disk_is_full(const struct tb_lmdb_store *store);

/* For an entry that must be there because another names it. */
enum tb_err tb_lmdb_must_exist(enum tb_err err);

/* --- failed.c: what remains when the disk has failed --- */

/* Whether a commit that ended with `rc`, told as `err`, ends all writing. */
bool tb_lmdb_is_failure(const struct tb_lmdb_store *store, enum tb_err err, int rc);

/* Gives the reader, which has no snapshot open, an environment of its own and begins one in it. */
int tb_lmdb_read_on(struct tb_lmdb_reader *reader);

/* Opens the same file once more, for reading alone: of a store that has failed. */
int tb_lmdb_open_beside(const struct tb_lmdb_store *store, MDB_env **env);

/* Closes what the reader has open in LMDB. */
void tb_lmdb_reader_close(struct tb_lmdb_reader *reader);

/* --- env.c --- */

/* Says in `why` what has gone wrong with the store in that folder. */
enum tb_err tb_lmdb_explain(const struct tb_lmdb_store *store, int rc, const char *folder,
                            char *why, size_t why_size);

/* --- format.c --- */

/* In place of a database that an older store lacks, which is open only to be looked at: there is
 * nothing in it. */
#define TB_LMDB_NO_DBI UINT_MAX

/* Writes the number of the format; the databases are open. */
int tb_lmdb_put_format(const struct tb_lmdb_store *store, MDB_txn *mdb);

/* Opens all databases. `writes`: a new store gets them, and an older one those that it lacks. */
enum tb_err tb_lmdb_open_format(struct tb_lmdb_store *store, MDB_txn *mdb, bool writes,
                                const char *folder, char *why, size_t why_size);

/* Opens those of a store that is up to date. */
int tb_lmdb_open_dbs(MDB_txn *mdb, MDB_dbi dbis[TB_DB_COUNT]);

/* --- roots.c --- */

/* LMDB ends the process when the file says that a page has no bytes, so this is looked at before it
 * is opened; true where there is no such file. */
bool tb_lmdb_has_page_size(int folder_fd, const char *name);

/* Likewise when a tree has no root where one must be, and would write to the file's first page if
 * the last one were the last there can be (MDB_CORRUPTED): this is looked at next. */
int tb_lmdb_find_roots(MDB_env *env);

/* --- create.c --- */

/* Makes data.mdb, on the disk, if there is none. */
int tb_lmdb_create(const struct tb_lmdb_store *store, const char *folder);

/* --- restore.c --- */

/* Removes what a restore that was cut short has left. */
int tb_lmdb_forget_restore(int folder_fd);

/* --- folder.c: the data folder and its lock --- */

enum tb_folder_use {
    TB_FOLDER_CREATE, /* to write, and make it when it is missing */
    TB_FOLDER_WRITE,
    TB_FOLDER_READ, /* nothing in it is changed; without a lock file it is not locked: *lock_fd -1
                     */
};
enum tb_err tb_lmdb_folder_open(const char *folder, enum tb_folder_use use, int *folder_fd,
                                int *lock_fd, char *why, size_t why_size);

/* LMDB writes to its table of readers through the map, which ends the process when the disk has no
 * room for it. So the table has all its bytes before LMDB is let in. */
int tb_lmdb_fill_readers(int folder_fd, unsigned readers);

/* --- txn.c --- */

enum tb_err tb_lmdb_write_begin(struct tb_store *store, struct tb_arena *arena,
                                struct tb_txn **txn);
enum tb_err tb_lmdb_write_commit(struct tb_txn *txn);
void tb_lmdb_write_abort(struct tb_txn *txn);
enum tb_err tb_lmdb_reader_new(struct tb_store *store, struct tb_reader **reader);
void tb_lmdb_reader_free(struct tb_reader *reader);
enum tb_err tb_lmdb_read_begin(struct tb_reader *reader, struct tb_arena *arena,
                               struct tb_txn **txn);
void tb_lmdb_read_end(struct tb_txn *txn);
struct tb_arena *tb_lmdb_swap_arena(struct tb_txn *txn, struct tb_arena *arena);

/* Stores a record of `size` bytes under the key and hands out where it is to be encoded. `flags`
 * are those of mdb_put. */
int tb_lmdb_put(struct tb_lmdb_txn *txn, enum tb_lmdb_db db, MDB_val key, size_t size,
                unsigned flags, void **record);

/* --- room.c: what happens near the end of the map --- */

/* Pages that the trees hold as this transaction sees them, that of LMDB's free pages included. */
size_t tb_lmdb_pages_in_use(struct tb_lmdb_txn *txn);

/* Fills in has_room and room_is_scarce. */
void tb_lmdb_tell_room(struct tb_lmdb_txn *txn, struct tb_store_stats *stats);

/* Finds out may_grow and scarce. */
void tb_lmdb_look_for_room(struct tb_lmdb_txn *txn);

/* MDB_MAP_FULL: the transaction must not commit, because too little would be left. */
int tb_lmdb_leave_room(struct tb_lmdb_txn *txn);

/* Whether a value should have no more than one page, because the file cannot or should not get
 * longer: single free pages are always found, many in a row are not. */
bool tb_lmdb_is_tight(const struct tb_lmdb_txn *txn);

/* To be told how each commit ended. */
void tb_lmdb_note_commit(struct tb_lmdb_store *store, enum tb_err err);

/* --- index.c --- */

/* Where the entries of an index stand. */
static inline enum tb_lmdb_db tb_lmdb_index_db(enum tb_index index)
{
    bool tree = index == TB_INDEX_UNIQUE || index == TB_INDEX_DUE || index == TB_INDEX_DEPENDENT ||
                index == TB_INDEX_NAME_ORDER || index == TB_INDEX_VM || index == TB_INDEX_DUE_VM;
    return tree ? TB_DB_INDEX : TB_DB_RUN;
}

/* Whether it is a queue: walks up begin at its front (front.h). All of them end in a number and an
 * id. */
static inline bool tb_lmdb_is_queue(enum tb_index index)
{
    return index == TB_INDEX_RANK || index == TB_INDEX_READY || index == TB_INDEX_READY_SINCE;
}

/* Puts or drops one entry, wherever it stands; see Pairs in run.h. `value` is what the entry of a
 * B-tree has. */
int tb_lmdb_index_put(struct tb_lmdb_txn *txn, const struct tb_key *key);
int tb_lmdb_index_put_value(struct tb_lmdb_txn *txn, const struct tb_key *key, struct tb_str value);
int tb_lmdb_index_drop(struct tb_lmdb_txn *txn, const struct tb_key *key);

/* Turns the index entries of `old` into those of `task`; either may be NULL. With what is counted
 * by name, or without. */
int tb_lmdb_index_change(struct tb_lmdb_txn *txn, const struct tb_task *old,
                         const struct tb_task *task);
int tb_lmdb_index_entries(struct tb_lmdb_txn *txn, const struct tb_task *old,
                          const struct tb_task *task);

/* vms.c: the same for a VM. */
int tb_lmdb_vm_entries(struct tb_lmdb_txn *txn, const struct tb_vm *old, const struct tb_vm *vm);

/* --- events.c; what reads it is in log.h --- */

/* Puts or drops the entries of an event. */
typedef int tb_change_entry(struct tb_lmdb_txn *txn, const struct tb_key *key);
int tb_event_entries(struct tb_lmdb_txn *txn, const struct tb_event *event,
                     tb_change_entry *change);

/* Writes the appended events as a block. */
int tb_events_flush(struct tb_lmdb_txn *txn);

/* --- answers.c --- */

/* Writes the answers put so far as a block. */
int tb_answers_flush(struct tb_lmdb_txn *txn);

/* Counts one more, or one less, in what is kept of its share (answer_shares.c). */
int tb_answer_share_count(struct tb_lmdb_txn *txn, const struct tb_answer *answer, bool more);

/* The share that a key of LMDB's own database names; 0: it is no such key. */
uint16_t tb_answer_share_of(MDB_val key);

/* The key of an answer's entry. */
void tb_answer_key(struct tb_key *key, const uint8_t digest[TB_DIGEST_BYTES], uint64_t number);

/* --- the calls of storage.h: task.c, lookup.c, attached.c, attempts.c, ready.c, names.c,
 * answers.c, vms.c, events.c, events_read.c, query.c --- */

enum tb_err tb_lmdb_get_task(struct tb_txn *txn, struct tb_id id, struct tb_task *task);
enum tb_err tb_lmdb_put_task(struct tb_txn *txn, const struct tb_task *old,
                             const struct tb_task *task);
enum tb_err tb_lmdb_delete_task(struct tb_txn *txn, const struct tb_task *old);
enum tb_err tb_lmdb_find_unique(struct tb_txn *txn, struct tb_str unique_key, struct tb_id *id);
enum tb_err tb_lmdb_visit_dependents(struct tb_txn *txn, struct tb_str dependency,
                                     tb_visit_id *visit, void *ctx);
enum tb_err tb_lmdb_next_due(struct tb_txn *txn, int64_t *due_ms, struct tb_id *id);
enum tb_err tb_lmdb_put_note(struct tb_txn *txn, struct tb_id task_id, struct tb_id note_id,
                             struct tb_str wire);
enum tb_err tb_lmdb_visit_notes(struct tb_txn *txn, struct tb_id task_id, tb_visit_json *visit,
                                void *ctx);
enum tb_err tb_lmdb_put_artifact(struct tb_txn *txn, struct tb_id task_id, uint32_t number,
                                 struct tb_str wire);
enum tb_err tb_lmdb_visit_artifacts(struct tb_txn *txn, struct tb_id task_id, tb_visit_json *visit,
                                    void *ctx);
enum tb_err tb_lmdb_put_attempt(struct tb_txn *txn, struct tb_id task_id,
                                const struct tb_attempt *attempt);
enum tb_err tb_lmdb_get_attempt(struct tb_txn *txn, struct tb_id task_id, uint32_t number,
                                struct tb_attempt *attempt);
enum tb_err tb_lmdb_delete_attempt(struct tb_txn *txn, struct tb_id task_id, uint32_t number);
enum tb_err tb_lmdb_visit_attempts(struct tb_txn *txn, struct tb_id task_id,
                                   tb_visit_attempt *visit, void *ctx);
enum tb_err tb_lmdb_visit_ready(struct tb_txn *txn, const struct tb_ready_query *query,
                                tb_visit_task *visit, void *ctx);
enum tb_err tb_lmdb_oldest_ready(struct tb_txn *txn, int64_t *ready_ms);
enum tb_err tb_lmdb_get_name(struct tb_txn *txn, enum tb_name_kind kind, struct tb_str name,
                             struct tb_name_count *count);
enum tb_err tb_lmdb_visit_names(struct tb_txn *txn, enum tb_name_kind kind, uint32_t max,
                                tb_visit_name *visit, void *ctx);
enum tb_err tb_lmdb_get_vm(struct tb_txn *txn, struct tb_str id, struct tb_vm *vm);
enum tb_err tb_lmdb_put_vm(struct tb_txn *txn, const struct tb_vm *old, const struct tb_vm *vm);
enum tb_err tb_lmdb_see_vm(struct tb_txn *txn, const struct tb_vm *vm, int64_t seen_ms);
enum tb_err tb_lmdb_delete_vm(struct tb_txn *txn, const struct tb_vm *old);
enum tb_err tb_lmdb_visit_vms(struct tb_txn *txn, bool latest_first, tb_visit_vm *visit, void *ctx);
enum tb_err tb_lmdb_next_due_vm(struct tb_txn *txn, struct tb_vm *vm);
enum tb_err tb_lmdb_visit_vm_tasks(struct tb_txn *txn, struct tb_str vm_id, tb_visit_id *visit,
                                   void *ctx);
enum tb_err tb_lmdb_get_credential(struct tb_txn *txn, struct tb_id id,
                                   struct tb_credential *credential);
enum tb_err tb_lmdb_put_credential(struct tb_txn *txn, const struct tb_credential *credential);
enum tb_err tb_lmdb_delete_credential(struct tb_txn *txn, struct tb_id id);
enum tb_err tb_lmdb_visit_credentials(struct tb_txn *txn, tb_visit_credential *visit, void *ctx);
enum tb_err tb_lmdb_get_pauses(struct tb_txn *txn, struct tb_str *json);
enum tb_err tb_lmdb_put_pauses(struct tb_txn *txn, struct tb_str json);
enum tb_err tb_lmdb_get_answer(struct tb_txn *txn, const uint8_t key[TB_DIGEST_BYTES],
                               struct tb_answer *answer);
enum tb_err tb_lmdb_get_answer_share(struct tb_txn *txn, uint16_t share,
                                     struct tb_answer_share *kept);
enum tb_err tb_lmdb_put_answer(struct tb_txn *txn, const struct tb_answer *answer);
enum tb_err tb_lmdb_drop_answers(struct tb_txn *txn, int64_t before_ms, uint32_t max);
enum tb_err tb_lmdb_append_event(struct tb_txn *txn, const struct tb_event *event);
enum tb_err tb_lmdb_visit_events(struct tb_txn *txn, uint64_t since, struct tb_id task_id,
                                 tb_visit_event *visit, void *ctx);
enum tb_err tb_lmdb_visit_feed(struct tb_txn *txn, const struct tb_feed_query *query,
                               tb_visit_event *visit, void *ctx);
enum tb_err tb_lmdb_find_event(struct tb_txn *txn, struct tb_id id, uint64_t *seq);
enum tb_err tb_lmdb_drop_events(struct tb_txn *txn, uint64_t seq, uint32_t max);
enum tb_err tb_lmdb_visit_tasks(struct tb_txn *txn, const struct tb_task_query *query,
                                tb_visit_task *visit, void *ctx, struct tb_query_end *end);

/* The task without a copy: valid until the next write or the end of the transaction. */
enum tb_err tb_lmdb_peek_task(struct tb_lmdb_txn *txn, struct tb_id id, struct tb_task *task);

/* credentials.c: that of a record, which must be the key's. */
enum tb_err tb_lmdb_decode_credential(MDB_val key, MDB_val record,
                                      struct tb_credential *credential);

/* vms.c: the sign of life of that VM, as it is stored. */
enum tb_err tb_lmdb_decode_seen(struct tb_id number, MDB_val value, int64_t *seen_ms);

/* verify.c: the file was cut. LMDB reads it through the map, where a page behind its end would end
 * the process; so to be called before the first page is read. MDB_CORRUPTED: a page that is needed
 * is not there, as `fault` says. */
int tb_lmdb_find_cut(struct tb_lmdb_store *store, char *fault, size_t fault_size);

/* stats.c */
enum tb_err tb_lmdb_stats(struct tb_txn *txn, struct tb_store_stats *stats);

/* copy.c */
enum tb_err tb_lmdb_copy(struct tb_store *store, tb_write_bytes *write, void *ctx);

/* verify.c */
enum tb_err tb_lmdb_verify(struct tb_store *store, tb_report_fault *report, void *ctx,
                           struct tb_store_tally *tally);

/* Removes every note, artifact and attempt of the task. */
int tb_lmdb_delete_attached(struct tb_lmdb_txn *txn, struct tb_id task_id);

#endif
