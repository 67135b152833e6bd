#include "scene.h"

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>

enum { MANY = 400 };

static void note_fault(void *ctx, const char *fault)
{
    struct faults *faults = ctx;
    faults->count++;
    if (faults->used + strlen(fault) + 2 < sizeof faults->text) {
        faults->used += (size_t)sprintf(faults->text + faults->used, "%s\n", fault);
    }
}

struct tb_answer an_answer(struct world *world, uint8_t digest)
{
    return (struct tb_answer){.key = {digest},
                              .at_ms = world->now_ms,
                              .http_status = 201,
                              .share = 5,
                              .body = TB_STR("{\"an\":\"answer\"}")};
}

static void furnish_tasks(struct scene *scene, struct tb_txn *txn)
{
    struct world *world = scene->world;
    struct tb_task task = draft(world, "one of everything");
    task.tags = TB_STR("[\"deploy\",\"red\"]");
    task.assignee = TB_STR("ann");
    task.unique_key = TB_STR("the only one");
    task.dependencies = TB_STR("[\"DEPENDENCY\"]");
    task.parent_id = new_id(world);
    task.due_ms = world->now_ms + 1000;
    task.ready_ms = world->now_ms;
    create(world, txn, &task);
    scene->task = task.id;
    assert_int_equal(tb_put_note(txn, task.id, new_id(world), TB_STR("a note's bytes")), TB_OK);
    assert_int_equal(tb_put_artifact(txn, task.id, 0, TB_STR("an artifact's bytes")), TB_OK);
    struct tb_attempt attempt = {.number = 1,
                                 .generation = 1,
                                 .claimed_ms = 1,
                                 .ended_ms = 2,
                                 .outcome = TB_ATTEMPT_RELEASED,
                                 .agent = TB_STR("somebody")};
    tb_attempt_render(&attempt, world->arena);
    assert_int_equal(tb_put_attempt(txn, task.id, &attempt), TB_OK);
    task = draft(world, "held by a claim");
    task.status = TB_STATUS_IN_PROGRESS;
    task.ready = false;
    task.assignee = TB_STR("bob");
    task.claim = (struct tb_claim){.generation = 2, .attempt = 1, .expires_ms = 5, .lease_ms = 1};
    task.claim_vm = TB_STR("vm-1");
    create(world, txn, &task);
    scene->claimed = task.id;
}

/* Enough for blocks of many pages. */
static void furnish_many(struct scene *scene)
{
    struct world *world = scene->world;
    struct tb_txn *txn = begin(world);
    for (unsigned i = 0; i < MANY; i++) {
        struct tb_task task = draft(world, "one of many");
        task.description = text(world, "some words and w%u w%u", i, i / 2);
        task.tags = text(world, "[\"t%u\"]", i % 9);
        create(world, txn, &task);
    }
    commit(&txn);
}

struct scene *open_scene(void)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    struct world *world = scene->world = world_open(ENGINE_LMDB, 1);
    world->damaged = true;
    struct tb_txn *txn = begin(world);
    scene->vm = draft_vm(world, TB_STR("vm-1"));
    scene->vm.due_ms = world->now_ms + 1000;
    put_vm(world, txn, NULL, &scene->vm);
    furnish_tasks(scene, txn);
    assert_int_equal(tb_put_pauses(txn, TB_STR("[\"what is paused\"]")), TB_OK);
    publish(world, txn, TB_EVENT_FEED_FINDING, TB_STR("ann"));
    struct tb_answer answer = an_answer(world, 1);
    assert_int_equal(tb_put_answer(txn, &answer), TB_OK);
    scene->credential = draft_credential(world, TB_STR("a token"));
    put_credential(world, txn, &scene->credential);
    commit(&txn);
    txn = begin(world);
    answer = an_answer(world, 2);
    assert_int_equal(tb_put_answer(txn, &answer), TB_OK);
    log_event(world, txn, TB_EVENT_UPDATED, NULL);
    commit(&txn);
    furnish_many(scene);
    return scene;
}

void close_scene(struct scene *scene)
{
    world_close(scene->world);
    free(scene);
}

/* --- damage through LMDB --- */

struct tb_lmdb_store *store_of(const struct scene *scene)
{
    return (struct tb_lmdb_store *)scene->world->store;
}

MDB_txn *raw_begin(const struct scene *scene)
{
    MDB_txn *mdb = NULL;
    assert_int_equal(mdb_txn_begin(store_of(scene)->env, NULL, 0, &mdb), 0);
    return mdb;
}

void raw_put(const struct scene *scene, enum tb_lmdb_db db, MDB_val key, MDB_val value)
{
    MDB_txn *mdb = raw_begin(scene);
    assert_int_equal(mdb_put(mdb, store_of(scene)->dbis[db], &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(mdb), 0);
}

void raw_delete(const struct scene *scene, enum tb_lmdb_db db, MDB_val key)
{
    MDB_txn *mdb = raw_begin(scene);
    assert_int_equal(mdb_del(mdb, store_of(scene)->dbis[db], &key, NULL), 0);
    assert_int_equal(mdb_txn_commit(mdb), 0);
}

struct raw raw_get(const struct scene *scene, enum tb_lmdb_db db, size_t nth)
{
    MDB_txn *mdb = raw_begin(scene);
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    assert_int_equal(mdb_cursor_open(mdb, store_of(scene)->dbis[db], &cursor), 0);
    assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_FIRST), 0);
    for (; nth > 0; nth--) {
        assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_NEXT), 0);
    }
    struct raw raw = {key.mv_size, value.mv_size, malloc(key.mv_size), malloc(value.mv_size + 16)};
    memcpy(raw.key, key.mv_data, key.mv_size);
    memcpy(raw.value, value.mv_data, value.mv_size);
    mdb_cursor_close(cursor);
    mdb_txn_abort(mdb);
    return raw;
}

void raw_free(struct raw *raw)
{
    free(raw->key);
    free(raw->value);
}

void change_nth(const struct scene *scene, enum tb_lmdb_db db, size_t nth, change_value *change)
{
    struct raw raw = raw_get(scene, db, nth);
    change(raw.value, raw.size);
    raw_put(scene, db, tb_mdb_val(raw.key, raw.key_size), tb_mdb_val(raw.value, raw.size));
    raw_free(&raw);
}

void flip_last(uint8_t *bytes, size_t size)
{
    bytes[size - 1] ^= 1;
}

void copy_nth(const struct scene *scene, enum tb_lmdb_db db, size_t nth)
{
    struct raw raw = raw_get(scene, db, nth);
    raw.key[0] ^= 1;
    raw_put(scene, db, tb_mdb_val(raw.key, raw.key_size), tb_mdb_val(raw.value, raw.size));
    raw_free(&raw);
}

void delete_nth(const struct scene *scene, enum tb_lmdb_db db, size_t nth)
{
    struct raw raw = raw_get(scene, db, nth);
    raw_delete(scene, db, tb_mdb_val(raw.key, raw.key_size));
    raw_free(&raw);
}

/* --- damage through the engine's own parts --- */

void change_head(const struct scene *scene, void (*change)(struct tb_head *head))
{
    struct tb_txn *txn = begin(scene->world);
    change(tb_txn_head(txn));
    commit(&txn);
}

void change_manifest(const struct scene *scene, void (*change)(struct tb_run_manifest *))
{
    struct tb_txn *txn = begin(scene->world);
    struct tb_lmdb_txn *inner = tb_lmdb_txn_of(txn);
    assert_int_equal(tb_run_manifest_load(inner), 0);
    change(&inner->manifest);
    assert_int_equal(tb_run_manifest_save(inner), 0);
    inner->changed = true;
    commit(&txn);
}

void put_entry(const struct scene *scene, const struct tb_key *key)
{
    struct tb_txn *txn = begin(scene->world);
    assert_int_equal(tb_run_put(tb_lmdb_txn_of(txn), key), 0);
    commit(&txn);
}

void drop_entry(const struct scene *scene, const struct tb_key *key)
{
    struct tb_txn *txn = begin(scene->world);
    assert_int_equal(tb_run_drop(tb_lmdb_txn_of(txn), key), 0);
    commit(&txn);
}

/* --- what the check says --- */

static void replace_word(char *text, const char *word, struct tb_id id)
{
    char *at = strstr(text, word);
    if (at != NULL) {
        char rest[512];
        char ulid[TB_ULID_LEN];
        tb_ulid_format(id, ulid);
        snprintf(rest, sizeof rest, "%s", at + strlen(word));
        sprintf(at, "%.*s%s", TB_ULID_LEN, ulid, rest);
    }
}

struct faults *verify(struct world *world)
{
    struct faults *faults = calloc(1, sizeof *faults);
    struct tb_store_tally tally;
    assert_non_null(faults);
    enum tb_err err = tb_store_verify(world->store, note_fault, faults, &tally);
    assert_true(err == TB_OK || err == TB_E_STORAGE_CORRUPT);
    return faults;
}

bool is_told(struct scene *scene, const struct damage *damage)
{
    char told[1024];
    snprintf(told, sizeof told, "%s", damage->told);
    replace_word(told, "TASK", scene->task);
    replace_word(told, "VM number VM", scene->vm.number);
    replace_word(told, "CREDENTIAL", scene->credential.id);
    struct faults *faults = verify(scene->world);
    bool good = strstr(faults->text, told) != NULL &&
                (damage->faults == 0 || faults->count == damage->faults);
    if (!good) {
        print_error("[%s] and %zu faults were expected; %zu came:\n%.4000s\n", told, damage->faults,
                    faults->count, faults->text);
    }
    free(faults);
    return good;
}

void expect_all_found(const struct damage *damages, size_t count)
{
    size_t failed = 0;
    for (size_t i = 0; i < count; i++) {
        struct scene *scene = open_scene();
        expect_sound(scene->world);
        damages[i].plant(scene);
        failed += is_told(scene, &damages[i]) ? 0 : 1;
        close_scene(scene);
    }
    assert_int_equal(failed, 0);
}
