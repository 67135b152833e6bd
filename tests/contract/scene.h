/* A store with something of everything, to be damaged behind the engine's back, and what the check
 * (tb_store_verify) then says. */
#ifndef TB_TESTS_SCENE_H
#define TB_TESTS_SCENE_H

#include "world.h"

#include "lmdb/lmdb.h"
#include "lmdb/names.h"

struct scene {
    struct world *world;
    struct tb_id task; /* has one of everything that hangs on a task */
    struct tb_id claimed;
    struct tb_vm vm;
    struct tb_credential credential;
};

struct scene *open_scene(void);
void close_scene(struct scene *scene);

/* Of share 5; two of them are there, with the digests 1 and 2. */
struct tb_answer an_answer(struct world *world, uint8_t digest);

/* --- damage through LMDB --- */

struct tb_lmdb_store *store_of(const struct scene *scene);
MDB_txn *raw_begin(const struct scene *scene);
void raw_put(const struct scene *scene, enum tb_lmdb_db db, MDB_val key, MDB_val value);
void raw_delete(const struct scene *scene, enum tb_lmdb_db db, MDB_val key);

/* The `nth` record from the first one on, copied, with room for 16 bytes more; to be freed. */
struct raw {
    size_t key_size;
    size_t size;
    uint8_t *key;
    uint8_t *value;
};

struct raw raw_get(const struct scene *scene, enum tb_lmdb_db db, size_t nth);
void raw_free(struct raw *raw);

/* What the damage does to a value. */
typedef void change_value(uint8_t *bytes, size_t size);
change_value flip_last;
void change_nth(const struct scene *scene, enum tb_lmdb_db db, size_t nth, change_value *change);

/* The nth record once more under another key: the first byte of the old one is another. */
void copy_nth(const struct scene *scene, enum tb_lmdb_db db, size_t nth);
void delete_nth(const struct scene *scene, enum tb_lmdb_db db, size_t nth);

/* --- damage through the engine's own parts --- */

void change_head(const struct scene *scene, void (*change)(struct tb_head *head));

/* The manifest as it is, changed and stored again. */
void change_manifest(const struct scene *scene, void (*change)(struct tb_run_manifest *));

void put_entry(const struct scene *scene, const struct tb_key *key);
void drop_entry(const struct scene *scene, const struct tb_key *key);

/* --- what the check says --- */

enum { FAULTS_BYTES = 1 << 20 };

/* The faults that a check told of, a line each. */
struct faults {
    size_t count;
    size_t used;
    char text[FAULTS_BYTES];
};

/* To be freed. */
struct faults *verify(struct world *world);

struct damage {
    void (*plant)(const struct scene *scene);
    const char *told; /* TASK, CLAIMED, VM and CREDENTIAL stand for ids */
    size_t faults;    /* so many; 0: any number */
};

#define MISSING  "an index entry is missing: "
#define TOO_MANY "an index entry belongs to nothing: "

/* Whether the check of a store that was damaged so says so. */
bool is_told(struct scene *scene, const struct damage *damage);

/* Plants each of them in a scene of its own. */
void expect_all_found(const struct damage *damages, size_t count);

#endif
