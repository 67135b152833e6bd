/* The check of a whole store: every page, record, block, run and entry, compared with each other.
 *
 * It reads with cursors and with the decoders of records, blocks and run pages, and else with
 * nothing that makes lists fast: no fronts, heads, marks, tops or states. Which entries a record
 * has it is told by the code that writes them (tb_entry_listener). Both sides, what there should be
 * and what there is, are thrown into one structure that keeps only their difference, so that
 * nothing has to be remembered of an entry that is right.
 *
 * Files: verify.c the order of it all; verify_pages.c the file's pages, with
 * verify_tree.c for one tree of them; verify_records.c tasks, what hangs on them, VMs, credentials; verify_blocks.c events and answers; verify_runs.c the runs;
 * verify_index.c the entries found, wherever they stand; verify_entry.c what a key says;
 * verify_difference.c the difference. */
#ifndef TB_LMDB_VERIFY_H
#define TB_LMDB_VERIFY_H

#include "lmdb/lmdb.h"
#include "lmdb/names.h"

struct tb_difference;

/* What the store says is kept of a share of the answers, and what there is. */
struct tb_checked_share {
    struct tb_answer_share said;
    struct tb_answer_share found;
};

#define TB_CHECKED_SHARES (UINT16_MAX + 1)

struct tb_check {
    struct tb_lmdb_txn txn; /* its own snapshot */
    struct tb_entry_listener listener;
    tb_report_fault *report;
    void *ctx;
    struct tb_store_tally *tally;
    struct tb_difference *difference;
    struct tb_name_table *names; /* as the tasks have them */
    uint64_t *record_entries;    /* hashes of the entries that the record at hand has */
    size_t record_entry_count;
    size_t record_entry_room;
    struct tb_checked_share *shares; /* by number */
    bool met_head;
    bool has_head; /* and it is whole */
};

/* --- verify.c --- */

void tb_check_fault(struct tb_check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One database from its first record to its last. `rc` of the walk is reported. */
typedef void tb_check_record(void *ctx, MDB_val key, MDB_val value);
void tb_check_walk(struct tb_check *check, enum tb_lmdb_db db, tb_check_record *each, void *ctx);

const char *tb_check_db_name(enum tb_lmdb_db db);

/* --- verify_pages.c --- */

/* False: the trees cannot be walked. */
bool tb_check_pages(struct tb_check *check);

/* Whether the file ends before its last page: it was cut, or that page was never needed. */
int tb_lmdb_is_short(const struct tb_lmdb_store *store, bool *yes);

/* --- verify_records.c --- */

void tb_check_tasks(struct tb_check *check);
void tb_check_attached(struct tb_check *check);
void tb_check_vms(struct tb_check *check);
void tb_check_credentials(struct tb_check *check);
void tb_check_meta(struct tb_check *check);

/* --- verify_blocks.c --- */

void tb_check_events(struct tb_check *check);
void tb_check_answers(struct tb_check *check);

/* --- verify_runs.c --- */

/* False: the manifest cannot be read, and so no run. */
bool tb_check_runs(struct tb_check *check);

/* --- verify_index.c --- */

/* What the record at hand has; tb_check_entries_begin begins another one's. An entry that a record
 * has twice counts once. */
void tb_check_entries_begin(struct tb_check *check);
void tb_check_expect(struct tb_check *check, const struct tb_key *key);

/* What the tasks have by name. */
void tb_check_expect_names(struct tb_check *check);

/* An entry that is there. */
void tb_check_find(struct tb_check *check, const struct tb_key *key);

/* The B-tree. */
void tb_check_index(struct tb_check *check);

/* Tells what there should be and is not, and the other way round. `runs`: entries of the runs were
 * found. */
void tb_check_tell_difference(struct tb_check *check, bool runs);

/* --- verify_entry.c --- */

/* Stand only in the difference: what is counted of a name, and its place in the order. */
#define TB_CHECK_COUNT 0xF0 /* kind, text, tasks u64, ready u64 */
#define TB_CHECK_PLACE 0xF1 /* kind, text, size u16, number u64 */

/* Whether a key has the form that its first byte promises; and its name. */
bool tb_entry_has_form(const uint8_t *key, size_t len);
const char *tb_entry_index_name(uint8_t index);

#define TB_ENTRY_TEXT_BYTES 256

/* What it says, for a person. */
void tb_entry_describe(const uint8_t *key, size_t len, char text[TB_ENTRY_TEXT_BYTES]);

/* --- verify_difference.c --- */

struct tb_difference *tb_difference_new(void);
void tb_difference_free(struct tb_difference *difference);

/* Adds a key to one of the two sets; each key at most once to each. Answers a hash of it. */
void tb_difference_add(struct tb_difference *difference, const struct tb_key *key, bool expected);

uint64_t tb_difference_hash(const struct tb_key *key);

/* A key that is in one set only. */
struct tb_differing {
    struct tb_key key;
    bool expected;
};

/* Those, sorted, malloced; `*sample`: as there are too many, these are about one in so many (1: all
 * of them). To be called once, last. */
size_t tb_difference_take(struct tb_difference *difference, struct tb_differing **keys,
                          uint64_t *sample);

#endif
