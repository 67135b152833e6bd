/* Keys of the entries of all secondary indexes, told apart by the first byte. UNIQUE, DUE,
 * DEPENDENT, VM and DUE_VM, which rules look at while they write, and NAME_ORDER stand in a B-tree,
 * the `index` database; all others in runs (run.h).
 *
 * Numbers are big-endian, so that bytewise order is numeric order; signed ones have their top bit
 * flipped. A text of variable length is followed by a byte that no canonical text contains, so that
 * one text's entries never stand among another's:
 *
 *   text 00                 at most TB_KEY_TEXT_BYTES_MAX bytes: the text itself
 *   first 32 bytes 01 hash  a longer one; hash is its XXH3 of 128 bits. Two texts might share it,
 *                           so whoever reads such an entry compares with the record
 *
 * Every entry ends in parts of fixed length (numbers, an id). */
#ifndef TB_LMDB_KEYS_H
#define TB_LMDB_KEYS_H

#include "taskboard/task.h"

#define TB_KEY_TEXT_BYTES_MAX 128
#define TB_KEY_BYTES_MAX      192

/* On disk: never renumbered. */
enum tb_index {
    TB_INDEX_CREATED = 1,      /* state, id */
    TB_INDEX_UPDATED = 2,      /* state, updated_ms, id, marks u32: see marks.h */
    TB_INDEX_RANK = 3,         /* state, rank_ms, id */
    TB_INDEX_ASSIGNEE = 4,     /* text, id */
    TB_INDEX_CREATED_BY = 5,   /* text, id */
    TB_INDEX_PARENT = 6,       /* parent id, id */
    TB_INDEX_UNIQUE = 7,       /* text, id; tasks that are not done */
    TB_INDEX_DUE = 8,          /* due_ms, id */
    TB_INDEX_TAG = 9,          /* text, id */
    TB_INDEX_DEPENDENT = 10,   /* text of the dependency, id */
    TB_INDEX_WORD = 11,        /* text, id */
    TB_INDEX_EVENT = 12,       /* task id, seq */
    TB_INDEX_READY = 13,       /* hash of assignee and tag, rank_ms, id: see ready.h */
    TB_INDEX_READY_SINCE = 14, /* ready_ms, id; tasks in state READY */
    TB_INDEX_NAME = 15,        /* kind, text, what is counted: see names.h */
    TB_INDEX_NAME_ORDER = 16,  /* kind, size, number, hash; the name is its value: see names.h */
    TB_INDEX_ANSWER = 17,      /* digest, number u64 */
    TB_INDEX_VM = 18,          /* text of the VM's id, its number */
    TB_INDEX_DUE_VM = 19,      /* due_ms, number of the VM */
    TB_INDEX_VM_TASK = 20,     /* text of the VM's id, id; tasks that its claim holds */
    TB_INDEX_FEED = 21,        /* seq */
    TB_INDEX_FEED_AGENT = 22,  /* text, seq */
};

/* updated_ms, id, marks */
#define TB_KEY_UPDATED_SUFFIX_BYTES 28

struct tb_key {
    size_t len;
    uint8_t bytes[TB_KEY_BYTES_MAX];
};

void tb_key_start(struct tb_key *key, enum tb_index index);
void tb_key_add_byte(struct tb_key *key, uint8_t byte);
void tb_key_add_u32(struct tb_key *key, uint32_t number);
void tb_key_add_u64(struct tb_key *key, uint64_t number);
void tb_key_add_i64(struct tb_key *key, int64_t number);
void tb_key_add_id(struct tb_key *key, struct tb_id id);
void tb_key_add_text(struct tb_key *key, struct tb_str text);
void tb_key_add_bytes(struct tb_key *key, const void *bytes, size_t len);

/* The numbers alone, as they stand in a key. */
void tb_key_write_u32(uint8_t out[4], uint32_t number);
void tb_key_write_u64(uint8_t out[8], uint64_t number);
void tb_key_write_i64(uint8_t out[8], int64_t number);
uint32_t tb_key_read_u32(const uint8_t in[4]);
uint64_t tb_key_read_u64(const uint8_t in[8]);
int64_t tb_key_read_i64(const uint8_t in[8]);

#endif
