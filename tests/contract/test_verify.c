/* tb_store_verify must find damage of every kind and name it: each case plants one in a store that
 * has something of everything, behind the engine's back. */
#include "world.h"

#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lmdb/lmdb.h"
#include "lmdb/names.h"

enum { MANY = 400, FAULTS_BYTES = 1 << 20 };

/* The faults that a check told of, a line each. */
struct faults {
    size_t count;
    size_t used;
    char text[FAULTS_BYTES];
};

static void note_fault(void *ctx, const char *fault)
{
    struct faults *faults = ctx;
    faults->count++;
    if (faults->used + strlen(fault) + 2 < sizeof faults->text) {
        faults->used += (size_t)sprintf(faults->text + faults->used, "%s\n", fault);
    }
}

/* --- a store with something of everything --- */

struct scene {
    struct world *world;
    struct tb_id task; /* has one of everything that hangs on a task */
    struct tb_id claimed;
    struct tb_vm vm;
    struct tb_credential credential;
};

static struct tb_answer an_answer(struct world *world, uint8_t digest)
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

static struct scene *open_scene(void)
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

static void close_scene(struct scene *scene)
{
    world_close(scene->world);
    free(scene);
}

/* --- damage through LMDB --- */

/* What the damage does to a value, or to a key and a value. */
typedef void change_value(uint8_t *bytes, size_t size);

static struct tb_lmdb_store *store_of(const struct scene *scene)
{
    return (struct tb_lmdb_store *)scene->world->store;
}

static MDB_txn *raw_begin(const struct scene *scene)
{
    MDB_txn *mdb = NULL;
    assert_int_equal(mdb_txn_begin(store_of(scene)->env, NULL, 0, &mdb), 0);
    return mdb;
}

static void raw_put(const struct scene *scene, enum tb_lmdb_db db, MDB_val key, MDB_val value)
{
    MDB_txn *mdb = raw_begin(scene);
    assert_int_equal(mdb_put(mdb, store_of(scene)->dbis[db], &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(mdb), 0);
}

static void raw_delete(const struct scene *scene, enum tb_lmdb_db db, MDB_val key)
{
    MDB_txn *mdb = raw_begin(scene);
    assert_int_equal(mdb_del(mdb, store_of(scene)->dbis[db], &key, NULL), 0);
    assert_int_equal(mdb_txn_commit(mdb), 0);
}

/* The `nth` record from the first one on, copied; to be freed. */
struct raw {
    size_t key_size;
    size_t size;
    uint8_t *key;
    uint8_t *value;
};

static struct raw raw_get(const struct scene *scene, enum tb_lmdb_db db, size_t nth)
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

static void raw_free(struct raw *raw)
{
    free(raw->key);
    free(raw->value);
}

static void change_nth(const struct scene *scene, enum tb_lmdb_db db, size_t nth,
                       change_value *change)
{
    struct raw raw = raw_get(scene, db, nth);
    change(raw.value, raw.size);
    raw_put(scene, db, tb_mdb_val(raw.key, raw.key_size), tb_mdb_val(raw.value, raw.size));
    raw_free(&raw);
}

static void flip_last(uint8_t *bytes, size_t size)
{
    bytes[size - 1] ^= 1;
}

/* The nth record once more under another key: the first byte of the old one is another. */
static void copy_nth(const struct scene *scene, enum tb_lmdb_db db, size_t nth)
{
    struct raw raw = raw_get(scene, db, nth);
    raw.key[0] ^= 1;
    raw_put(scene, db, tb_mdb_val(raw.key, raw.key_size), tb_mdb_val(raw.value, raw.size));
    raw_free(&raw);
}

static void delete_nth(const struct scene *scene, enum tb_lmdb_db db, size_t nth)
{
    struct raw raw = raw_get(scene, db, nth);
    raw_delete(scene, db, tb_mdb_val(raw.key, raw.key_size));
    raw_free(&raw);
}

/* --- damage through the engine's own parts --- */

static void change_head(const struct scene *scene, void (*change)(struct tb_head *head))
{
    struct tb_txn *txn = begin(scene->world);
    change(tb_txn_head(txn));
    commit(&txn);
}

/* The manifest as it is, changed and stored again. */
static void change_manifest(const struct scene *scene, void (*change)(struct tb_run_manifest *))
{
    struct tb_txn *txn = begin(scene->world);
    struct tb_lmdb_txn *inner = tb_lmdb_txn_of(txn);
    assert_int_equal(tb_run_manifest_load(inner), 0);
    change(&inner->manifest);
    assert_int_equal(tb_run_manifest_save(inner), 0);
    inner->changed = true;
    commit(&txn);
}

static void put_entry(const struct scene *scene, const struct tb_key *key)
{
    struct tb_txn *txn = begin(scene->world);
    assert_int_equal(tb_run_put(tb_lmdb_txn_of(txn), key), 0);
    commit(&txn);
}

static void drop_entry(const struct scene *scene, const struct tb_key *key)
{
    struct tb_txn *txn = begin(scene->world);
    assert_int_equal(tb_run_drop(tb_lmdb_txn_of(txn), key), 0);
    commit(&txn);
}

/* --- records --- */

static void damage_task(const struct scene *scene)
{
    change_nth(scene, TB_DB_TASK, 0, flip_last);
}

static void damage_note(const struct scene *scene)
{
    change_nth(scene, TB_DB_NOTE, 0, flip_last);
}

static void damage_artifact(const struct scene *scene)
{
    change_nth(scene, TB_DB_ARTIFACT, 0, flip_last);
}

static void damage_attempt(const struct scene *scene)
{
    change_nth(scene, TB_DB_ATTEMPT, 0, flip_last);
}

static void damage_vm(const struct scene *scene)
{
    change_nth(scene, TB_DB_VM, 0, flip_last);
}

static void damage_seen(const struct scene *scene)
{
    change_nth(scene, TB_DB_VM_SEEN, 0, flip_last);
}

static void damage_credential(const struct scene *scene)
{
    change_nth(scene, TB_DB_CREDENTIAL, 0, flip_last);
}

static void damage_meta(const struct scene *scene, const char *name)
{
    MDB_txn *mdb = raw_begin(scene);
    MDB_val key = tb_mdb_val(name, strlen(name));
    MDB_val value;
    uint8_t bytes[8192];
    assert_int_equal(mdb_get(mdb, store_of(scene)->dbis[TB_DB_META], &key, &value), 0);
    assert_true(value.mv_size <= sizeof bytes);
    memcpy(bytes, value.mv_data, value.mv_size);
    value.mv_data = bytes;
    flip_last(bytes, value.mv_size);
    assert_int_equal(mdb_put(mdb, store_of(scene)->dbis[TB_DB_META], &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(mdb), 0);
}

static void damage_head(const struct scene *scene)
{
    damage_meta(scene, "head");
}

static void damage_pauses(const struct scene *scene)
{
    damage_meta(scene, "pauses");
}

static void damage_manifest(const struct scene *scene)
{
    damage_meta(scene, "runs");
}

static void lose_head(const struct scene *scene)
{
    raw_delete(scene, TB_DB_META, tb_mdb_val("head", 4));
}

static void leave_stranger(const struct scene *scene)
{
    raw_put(scene, TB_DB_META, tb_mdb_val("stranger", 8), tb_mdb_val("x", 1));
}

static void copy_task(const struct scene *scene)
{
    copy_nth(scene, TB_DB_TASK, 0);
}

static void copy_note(const struct scene *scene)
{
    copy_nth(scene, TB_DB_NOTE, 0);
}

static void copy_artifact(const struct scene *scene)
{
    copy_nth(scene, TB_DB_ARTIFACT, 0);
}

static void copy_attempt(const struct scene *scene)
{
    copy_nth(scene, TB_DB_ATTEMPT, 0);
}

static void renumber_attempt(const struct scene *scene)
{
    struct raw raw = raw_get(scene, TB_DB_ATTEMPT, 0);
    raw.key[raw.key_size - 1] = 7;
    raw_put(scene, TB_DB_ATTEMPT, tb_mdb_val(raw.key, raw.key_size),
            tb_mdb_val(raw.value, raw.size));
    raw_free(&raw);
}

static void copy_vm(const struct scene *scene)
{
    copy_nth(scene, TB_DB_VM, 0);
}

static void copy_credential(const struct scene *scene)
{
    copy_nth(scene, TB_DB_CREDENTIAL, 0);
}

static void lose_vm(const struct scene *scene)
{
    delete_nth(scene, TB_DB_VM, 0);
}

static void lose_seen(const struct scene *scene)
{
    delete_nth(scene, TB_DB_VM_SEEN, 0);
}

static void lose_task(const struct scene *scene)
{
    raw_delete(scene, TB_DB_TASK, tb_mdb_val(scene->task.bytes, sizeof scene->task));
}

static void put_short_keys(const struct scene *scene)
{
    static const enum tb_lmdb_db dbs[] = {
        TB_DB_TASK,  TB_DB_NOTE,   TB_DB_ARTIFACT, TB_DB_ATTEMPT, TB_DB_VM,        TB_DB_VM_SEEN,
        TB_DB_EVENT, TB_DB_ANSWER, TB_DB_INDEX,    TB_DB_RUN,     TB_DB_CREDENTIAL};
    for (size_t i = 0; i < sizeof dbs / sizeof *dbs; i++) {
        raw_put(scene, dbs[i], tb_mdb_val("abc", 3), tb_mdb_val("", 0));
    }
}

/* --- the log and the answers --- */

static void damage_event_table(const struct scene *scene)
{
    struct raw raw = raw_get(scene, TB_DB_EVENT, 1);
    raw.value[16] ^= 1; /* where the first record ends */
    raw_put(scene, TB_DB_EVENT, tb_mdb_val(raw.key, raw.key_size), tb_mdb_val(raw.value, raw.size));
    raw_free(&raw);
}

static void damage_event(const struct scene *scene)
{
    change_nth(scene, TB_DB_EVENT, 1, flip_last);
}

static void lose_events_between(const struct scene *scene)
{
    delete_nth(scene, TB_DB_EVENT, 1);
}

static void lose_last_events(const struct scene *scene)
{
    delete_nth(scene, TB_DB_EVENT, 2);
}

static void lengthen_events(const struct scene *scene)
{
    struct raw raw = raw_get(scene, TB_DB_EVENT, 1);
    memset(raw.value + raw.size, 0, 8);
    raw_put(scene, TB_DB_EVENT, tb_mdb_val(raw.key, raw.key_size),
            tb_mdb_val(raw.value, raw.size + 8));
    raw_free(&raw);
}

static void raise_seq(struct tb_head *head)
{
    head->seq++;
}

static void put_head_in_front(const struct scene *scene)
{
    change_head(scene, raise_seq);
}

static void raise_oldest(struct tb_head *head)
{
    head->oldest_seq++;
}

static void move_oldest(const struct scene *scene)
{
    change_head(scene, raise_oldest);
}

static void raise_answers(struct tb_head *head)
{
    head->answers++;
}

static void miscount_answers(const struct scene *scene)
{
    change_head(scene, raise_answers);
}

static void raise_answer_bytes(struct tb_head *head)
{
    head->answer_bytes++;
}

static void miscount_answer_bytes(const struct scene *scene)
{
    change_head(scene, raise_answer_bytes);
}

/* Of share 5. */
static void put_share(const struct scene *scene, struct tb_answer_share kept, uint8_t flip)
{
    uint8_t record[TB_RECORD_ANSWER_SHARE_BYTES];
    tb_record_encode_answer_share(&kept, record);
    record[TB_RECORD_ANSWER_SHARE_BYTES - 1] ^= flip;
    raw_put(scene, TB_DB_META, tb_mdb_val("share\0\5", 7), tb_mdb_val(record, sizeof record));
}

static void miscount_share(const struct scene *scene)
{
    put_share(scene, (struct tb_answer_share){.answers = 3, .bytes = 30}, 0);
}

static void miscount_share_bytes(const struct scene *scene)
{
    put_share(scene, (struct tb_answer_share){.answers = 2, .bytes = 31}, 0);
}

static void damage_share(const struct scene *scene)
{
    put_share(scene, (struct tb_answer_share){.answers = 2, .bytes = 30}, 1);
}

static void lose_share(const struct scene *scene)
{
    raw_delete(scene, TB_DB_META, tb_mdb_val("share\0\5", 7));
}

static void leave_strange_share(const struct scene *scene)
{
    raw_put(scene, TB_DB_META, tb_mdb_val("share\0\0", 7), tb_mdb_val("x", 1));
}

static void damage_answer(const struct scene *scene)
{
    change_nth(scene, TB_DB_ANSWER, 0, flip_last);
}

static void answer_again(const struct scene *scene)
{
    struct tb_txn *txn = begin(scene->world);
    struct tb_answer answer = an_answer(scene->world, 1);
    answer.at_ms++;
    assert_int_equal(tb_put_answer(txn, &answer), TB_OK);
    commit(&txn);
}

static void answer_earlier(const struct scene *scene)
{
    struct tb_txn *txn = begin(scene->world);
    struct tb_answer answer = an_answer(scene->world, 3);
    answer.at_ms = 1;
    assert_int_equal(tb_put_answer(txn, &answer), TB_OK);
    commit(&txn);
}

/* --- entries of the B-tree --- */

static void id_entry(struct tb_key *key, enum tb_index index, struct tb_str text, struct tb_id id)
{
    tb_key_start(key, index);
    tb_key_add_text(key, text);
    tb_key_add_id(key, id);
}

/* The first entry of an index, with its value. */
static struct raw first_entry(const struct scene *scene, enum tb_index index)
{
    for (size_t i = 0;; i++) {
        struct raw raw = raw_get(scene, TB_DB_INDEX, i);
        if (raw.key[0] == (uint8_t)index) {
            return raw;
        }
        raw_free(&raw);
    }
}

static void lose_entry(const struct scene *scene, enum tb_index index)
{
    struct raw raw = first_entry(scene, index);
    raw_delete(scene, TB_DB_INDEX, tb_mdb_val(raw.key, raw.key_size));
    raw_free(&raw);
}

/* One more, that ends in another number. */
static void double_entry(const struct scene *scene, enum tb_index index)
{
    struct raw raw = first_entry(scene, index);
    raw.key[raw.key_size - 1] ^= 1;
    raw_put(scene, TB_DB_INDEX, tb_mdb_val(raw.key, raw.key_size), tb_mdb_val(raw.value, raw.size));
    raw_free(&raw);
}

static void give_entry_a_value(const struct scene *scene)
{
    struct raw raw = first_entry(scene, TB_INDEX_DUE);
    raw_put(scene, TB_DB_INDEX, tb_mdb_val(raw.key, raw.key_size), tb_mdb_val("x", 1));
    raw_free(&raw);
}

static void rename_in_order(const struct scene *scene)
{
    struct raw raw = first_entry(scene, TB_INDEX_NAME_ORDER);
    raw_put(scene, TB_DB_INDEX, tb_mdb_val(raw.key, raw.key_size), tb_mdb_val("other", 5));
    raw_free(&raw);
}

static void move_in_order(const struct scene *scene)
{
    enum { SIZE_AT = 3 };
    struct raw raw = first_entry(scene, TB_INDEX_NAME_ORDER);
    raw_delete(scene, TB_DB_INDEX, tb_mdb_val(raw.key, raw.key_size));
    raw.key[SIZE_AT] ^= 1;
    raw_put(scene, TB_DB_INDEX, tb_mdb_val(raw.key, raw.key_size), tb_mdb_val(raw.value, raw.size));
    raw_free(&raw);
}

/* --- runs --- */

static void damage_page(const struct scene *scene)
{
    change_nth(scene, TB_DB_RUN, 2, flip_last);
}

static void swap_pages_in(uint8_t *bytes, size_t size)
{
    uint8_t page[TB_RUN_PAGE_BYTES];
    uint8_t *one = bytes + tb_run_page_at(1);
    uint8_t *two = bytes + tb_run_page_at(2);
    assert_true(size > tb_run_page_at(3));
    memcpy(page, one, sizeof page);
    memcpy(one, two, sizeof page);
    memcpy(two, page, sizeof page);
}

static void swap_pages(const struct scene *scene)
{
    change_nth(scene, TB_DB_RUN, 2, swap_pages_in);
}

/* The first page of one run in another one: right in itself, but of another run. */
static void exchange_runs(const struct scene *scene)
{
    struct raw one = raw_get(scene, TB_DB_RUN, 0);
    struct raw two = raw_get(scene, TB_DB_RUN, 1);
    raw_put(scene, TB_DB_RUN, tb_mdb_val(one.key, one.key_size), tb_mdb_val(two.value, two.size));
    raw_free(&one);
    raw_free(&two);
}

static void lose_block(const struct scene *scene)
{
    delete_nth(scene, TB_DB_RUN, 3);
}

static void leave_foreign_block(const struct scene *scene)
{
    struct raw raw = raw_get(scene, TB_DB_RUN, 0);
    tb_key_write_u64(raw.key, 999);
    raw_put(scene, TB_DB_RUN, tb_mdb_val(raw.key, raw.key_size), tb_mdb_val(raw.value, raw.size));
    raw_free(&raw);
}

static void rename_block(const struct scene *scene)
{
    struct raw raw = raw_get(scene, TB_DB_RUN, 0);
    raw_delete(scene, TB_DB_RUN, tb_mdb_val(raw.key, raw.key_size));
    raw.key[raw.key_size - 1] ^= 1;
    raw_put(scene, TB_DB_RUN, tb_mdb_val(raw.key, raw.key_size), tb_mdb_val(raw.value, raw.size));
    raw_free(&raw);
}

static void lengthen_block(const struct scene *scene)
{
    struct raw raw = raw_get(scene, TB_DB_RUN, 0);
    memset(raw.value + raw.size, 0, 8);
    raw_put(scene, TB_DB_RUN, tb_mdb_val(raw.key, raw.key_size),
            tb_mdb_val(raw.value, raw.size + 8));
    raw_free(&raw);
}

static void say_other_entries(struct tb_run_manifest *manifest)
{
    manifest->runs[0].entries++;
}

static void say_other_drops(struct tb_run_manifest *manifest)
{
    manifest->runs[0].drops++;
}

static void say_no_states(struct tb_run_manifest *manifest)
{
    manifest->runs[0].states = 0;
}

static void say_low_ids(struct tb_run_manifest *manifest)
{
    manifest->runs[0].id_top = 1;
}

static void say_low_times(struct tb_run_manifest *manifest)
{
    manifest->runs[0].time_top = 1;
}

static void miscount_entries(const struct scene *scene)
{
    change_manifest(scene, say_other_entries);
}

static void miscount_drops(const struct scene *scene)
{
    change_manifest(scene, say_other_drops);
}

static void deny_states(const struct scene *scene)
{
    change_manifest(scene, say_no_states);
}

static void deny_ids(const struct scene *scene)
{
    change_manifest(scene, say_low_ids);
}

static void deny_times(const struct scene *scene)
{
    change_manifest(scene, say_low_times);
}

static void drop_tag(const struct scene *scene)
{
    struct tb_key key;
    id_entry(&key, TB_INDEX_TAG, TB_STR("deploy"), scene->task);
    drop_entry(scene, &key);
}

static void put_tag(const struct scene *scene)
{
    struct tb_key key;
    id_entry(&key, TB_INDEX_TAG, TB_STR("blue"), scene->task);
    put_entry(scene, &key);
}

static void put_tag_twice(const struct scene *scene)
{
    struct tb_key key;
    id_entry(&key, TB_INDEX_TAG, TB_STR("deploy"), scene->task);
    put_entry(scene, &key);
}

static void drop_what_is_not_there(const struct scene *scene)
{
    struct tb_key key;
    id_entry(&key, TB_INDEX_TAG, TB_STR("blue"), scene->task);
    drop_entry(scene, &key);
}

static void put_entry_without_form(const struct scene *scene)
{
    struct tb_key key;
    tb_key_start(&key, TB_INDEX_FEED);
    tb_key_add_u32(&key, 1);
    put_entry(scene, &key);
}

static void put_entry_of_the_tree(const struct scene *scene)
{
    struct tb_key key;
    tb_key_start(&key, TB_INDEX_DUE);
    tb_key_add_i64(&key, 1);
    tb_key_add_id(&key, scene->task);
    put_entry(scene, &key);
}

static void put_name(const struct scene *scene, uint64_t changed, uint64_t tasks)
{
    struct tb_key key;
    tb_names_start_key(&key, TB_NAME_TAG, TB_STR("deploy"));
    tb_key_add_u64(&key, changed);
    tb_key_add_u64(&key, tasks);
    tb_key_add_u64(&key, 0);
    tb_key_add_u64(&key, 1);
    put_entry(scene, &key);
}

static void miscount_name(const struct scene *scene)
{
    put_name(scene, 2, 77);
}

static void count_no_task(const struct scene *scene)
{
    put_name(scene, 2, 0);
}

static void name_a_change_to_come(const struct scene *scene)
{
    put_name(scene, UINT64_C(1) << 40, 1);
}

/* More than the difference can keep: a sample of it is told. */
static void drop_very_many(const struct scene *scene)
{
    struct tb_txn *txn = begin(scene->world);
    for (uint32_t i = 0; i < 50000; i++) {
        struct tb_key key;
        tb_key_start(&key, TB_INDEX_FEED);
        tb_key_add_u64(&key, 1000000 + i);
        assert_int_equal(tb_run_put(tb_lmdb_txn_of(txn), &key), 0);
    }
    commit(&txn);
}

/* --- each of them --- */

struct damage {
    void (*plant)(const struct scene *scene);
    const char *told; /* TASK, CLAIMED, VM and CREDENTIAL stand for ids */
    size_t faults;    /* so many; 0: any number */
};

#define MISSING  "an index entry is missing: "
#define TOO_MANY "an index entry belongs to nothing: "

static const struct damage damages[] = {
    {damage_task, "task TASK: its record is damaged", 0},
    {damage_task, TOO_MANY "TAG \"deploy\" TASK", 0},
    {damage_note, "task TASK: the record of its note is damaged", 1},
    {damage_artifact, "task TASK: the record of its artifact is damaged", 1},
    {damage_attempt, "task TASK: the record of its attempt 1 is damaged", 1},
    {damage_vm, "VM number VM: its record is damaged", 3},
    {damage_seen, "VM number VM: its sign of life is damaged", 1},
    {damage_credential, "credential CREDENTIAL: its record is damaged", 1},
    {damage_head, "the head is damaged", 1},
    {damage_pauses, "the record of what is paused is damaged", 1},
    {damage_manifest, "the manifest of the runs is damaged: no list can be read", 1},
    {lose_head, "there is no head", 1},
    {leave_stranger, "the main database has an entry that nobody knows: stranger", 1},
    {copy_task, ": the record is that of task TASK", 1},
    {copy_note, ": it does not exist, but a record of its note does", 1},
    {copy_artifact, ": it does not exist, but a record of its artifact does", 1},
    {copy_attempt, ": it does not exist, but a record of its attempt does", 1},
    {renumber_attempt, "task TASK: its attempt 7 says that it is 1", 1},
    {copy_vm, ": the record is that of another one", 2},
    {copy_vm, ": it has no sign of life", 2},
    {copy_credential, ": its record is damaged", 1},
    {lose_vm, "VM number VM: it gave a sign of life and does not exist", 3},
    {lose_vm, TOO_MANY "DUE_VM 1760000001001 ", 3},
    {lose_seen, "VM number VM: it has no sign of life", 1},
    {lose_task, "task TASK: it does not exist, but a record of its note does", 0},
    {lose_task, TOO_MANY "UNIQUE \"the only one\" TASK", 0},
    {lose_task, TOO_MANY "DEPENDENT \"DEPENDENCY\" TASK", 0},
    {lose_task, TOO_MANY "NAME tag \"deploy\" 1 1", 0},
    {put_short_keys, "the task database has a key of 3 bytes", 0},
    {put_short_keys, "the note database has a key of 3 bytes", 0},
    {put_short_keys, "the artifact database has a key of 3 bytes", 0},
    {put_short_keys, "the attempt database has a key of 3 bytes", 0},
    {put_short_keys, "the vm database has a key of 3 bytes", 0},
    {put_short_keys, "the vm_seen database has a key of 3 bytes", 0},
    {put_short_keys, "the credential database has a key of 3 bytes", 0},
    {put_short_keys, "the event database has a key of 3 bytes", 0},
    {put_short_keys, "the answer database has a key of 3 bytes", 0},
    {put_short_keys, "the index database has an entry of no known form: unknown, 3 bytes", 0},
    {put_short_keys, "the run database has a key of 3 bytes", 0},
    {damage_event_table, "the block that begins with event 4 is damaged", 1},
    {damage_event, "event 4: its record is damaged", 1},
    {lose_events_between, "event 5 comes where 4 should", 1},
    {lose_last_events, "the log ends at event 4, the head says 404", 0},
    {lengthen_events, "the block of event 4 is longer than its records", 1},
    {put_head_in_front, "the log ends at event 404, the head says 405", 1},
    {move_oldest, "event 1 comes where 2 should", 1},
    {miscount_answers, "the head counts 3 answers of 30 bytes, there are 2 of 30", 1},
    {miscount_answer_bytes, "the head counts 2 answers of 31 bytes, there are 2 of 30", 1},
    {miscount_share, "share 5 is said to have 3 answers of 30 bytes, there are 2 of 30", 1},
    {miscount_share_bytes, "share 5 is said to have 2 answers of 31 bytes, there are 2 of 30", 1},
    {damage_share, "the record of share 5 of the answers is damaged", 2},
    {lose_share, "share 5 is said to have 0 answers of 0 bytes, there are 2 of 30", 1},
    {leave_strange_share, "the main database has an entry that nobody knows: share", 1},
    {damage_answer, "answer 1: its record is damaged", 0},
    {answer_again, "an idempotency key has two answers: ANSWER 0100000000000000", 1},
    {answer_earlier, "answer 3 was given before the one in front of it", 1},
    {give_entry_a_value, "an entry has a value and should have none: DUE ", 1},
    {rename_in_order, "the name of an entry is not the one in its key: NAME_ORDER tag", 2},
    {move_in_order, MISSING "NAME_ORDER tag", 2},
    {move_in_order, TOO_MANY "NAME_ORDER tag", 2},
    {damage_page, "the page is damaged", 0},
    {swap_pages, "an entry is not above the one in front of it", 0},
    {exchange_runs, "the page is damaged", 0},
    {lose_block, " blocks, there are ", 0},
    {leave_foreign_block, "there are blocks of run 999, which the manifest does not name", 1},
    {rename_block, "the block stands under another key than its first one", 1},
    {lengthen_block, "the block is longer than its pages", 1},
    {miscount_entries, " entries, there are ", 1},
    {miscount_drops, " drops, there are ", 1},
    {deny_states, "it has states, ids or times that the manifest denies", 1},
    {deny_ids, "it has states, ids or times that the manifest denies", 1},
    {deny_times, "it has states, ids or times that the manifest denies", 1},
    {drop_tag, MISSING "TAG \"deploy\" TASK", 1},
    {put_tag, TOO_MANY "TAG \"blue\" TASK", 1},
    {put_tag_twice, "an entry was put or dropped twice: TAG \"deploy\" TASK", 1},
    {drop_what_is_not_there, "an entry was put or dropped twice: TAG \"blue\" TASK", 1},
    {put_entry_without_form, "the run database has an entry of no known form", 1},
    {put_entry_of_the_tree, "the run database has an entry of no known form: DUE", 1},
    {miscount_name, TOO_MANY "NAME tag \"deploy\" 77 0", 2},
    {count_no_task, "an entry has numbers that cannot be: NAME tag \"deploy\" 2 0 0 1", 2},
    {name_a_change_to_come, "an entry has numbers that cannot be: NAME tag \"deploy\"", 3},
    {drop_very_many, " entries are missing or belong to nothing; one in ", 0},
};

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

static struct faults *verify(struct world *world)
{
    struct faults *faults = calloc(1, sizeof *faults);
    struct tb_store_tally tally;
    assert_non_null(faults);
    enum tb_err err = tb_store_verify(world->store, note_fault, faults, &tally);
    assert_true(err == TB_OK || err == TB_E_STORAGE_CORRUPT);
    return faults;
}

static bool is_told(struct scene *scene, const struct damage *damage)
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

static void every_damage_is_found_and_named(void **state)
{
    (void)state;
    size_t failed = 0;
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct scene *scene = open_scene();
        expect_sound(scene->world);
        damages[i].plant(scene);
        failed += is_told(scene, &damages[i]) ? 0 : 1;
        close_scene(scene);
    }
    assert_int_equal(failed, 0);
}

static void every_entry_of_the_tree_is_missed_and_none_is_too_many(void **state)
{
    (void)state;
    static const enum tb_index indexes[] = {TB_INDEX_UNIQUE,     TB_INDEX_DUE,
                                            TB_INDEX_DEPENDENT,  TB_INDEX_VM,
                                            TB_INDEX_NAME_ORDER, TB_INDEX_DUE_VM};
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
        struct scene *scene = open_scene();
        lose_entry(scene, indexes[i]);
        assert_true(is_told(scene, &(struct damage){NULL, MISSING, 1}));
        close_scene(scene);
        scene = open_scene();
        double_entry(scene, indexes[i]);
        assert_true(is_told(scene, &(struct damage){NULL,
                                                    indexes[i] == TB_INDEX_NAME_ORDER
                                                        ? "is not the one in its key"
                                                        : TOO_MANY,
                                                    1}));
        close_scene(scene);
    }
}

/* Each index of the runs loses its first entry and gets one that ends in another byte. */
static void every_entry_of_the_runs_is_missed_and_none_is_too_many(void **state)
{
    (void)state;
    static const struct {
        enum tb_index index;
        size_t suffix;
    } indexes[] = {
        {TB_INDEX_CREATED, 17},  {TB_INDEX_UPDATED, 29},     {TB_INDEX_RANK, 25},
        {TB_INDEX_ASSIGNEE, 20}, {TB_INDEX_CREATED_BY, 23},  {TB_INDEX_PARENT, 32},
        {TB_INDEX_TAG, 23},      {TB_INDEX_WORD, 18},        {TB_INDEX_EVENT, 24},
        {TB_INDEX_READY, 40},    {TB_INDEX_READY_SINCE, 24}, {TB_INDEX_ANSWER, 24},
        {TB_INDEX_VM_TASK, 21},  {TB_INDEX_FEED, 8},         {TB_INDEX_FEED_AGENT, 12},
        {TB_INDEX_NAME, 38},
    };
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
        struct scene *scene = open_scene();
        uint8_t prefix[1] = {(uint8_t)indexes[i].index};
        int rc = 0;
        struct tb_txn *txn = snapshot(scene->world);
        struct tb_run_list *list = tb_run_list_open(tb_lmdb_txn_of(txn), prefix, 1, 0, &rc);
        assert_int_equal(rc, 0);
        assert_int_equal(tb_run_list_seek(list, TB_RUN_UP, prefix, 0), 0);
        assert_true(list->on_entry);
        struct tb_key key = list->key;
        tb_run_list_close(list);
        tb_read_end(&txn);
        drop_entry(scene, &key);
        assert_true(is_told(scene, &(struct damage){NULL, MISSING, 0}));
        put_entry(scene, &key);
        expect_sound(scene->world);
        key.bytes[key.len - 1] ^= 1;
        put_entry(scene, &key);
        assert_true(is_told(scene, &(struct damage){NULL, TOO_MANY, 0}));
        close_scene(scene);
    }
}

/* --- the file's pages --- */

static void change_file(const struct scene *scene, size_t at, const void *bytes, size_t size)
{
    int fd = -1;
    char path[128];
    snprintf(path, sizeof path, "%s/data.mdb", scene->world->folder);
    fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, (off_t)at), (ssize_t)size);
    close(fd);
}

static void close_store_of(struct scene *scene)
{
    tb_reader_free(&scene->world->reader);
    tb_store_close(&scene->world->store);
}

/* Opened to be looked at only, as a damaged one should be. */
static void open_to_look(struct scene *scene)
{
    char why[256];
    struct tb_store_options options = {
        .url = scene->world->folder, .readers_max = 8, .read_only = true};
    assert_int_equal(tb_store_open(&options, &scene->world->store, why, sizeof why), TB_OK);
}

enum {
    META_BYTES = 4096,
    META_AT = 16,
    FREE_TREE_AT = 24,
    MAIN_TREE_AT = 72,
    LAST_PAGE_AT = 120,
    TXN_AT = 128,
    TREE_ROOT_AT = 40,
    TREE_LEAVES_AT = 16
};

struct layout {
    size_t meta; /* of the meta page in force */
    uint64_t free_root;
    uint64_t main_root;
    uint64_t last_page;
};

static uint64_t number_at(const struct scene *scene, size_t at)
{
    uint64_t number = 0;
    char path[128];
    snprintf(path, sizeof path, "%s/data.mdb", scene->world->folder);
    int fd = open(path, O_RDONLY);
    assert_int_equal(pread(fd, &number, sizeof number, (off_t)at), sizeof number);
    close(fd);
    return number;
}

static struct layout look_at_file(const struct scene *scene)
{
    size_t second = META_BYTES + META_AT;
    bool first = number_at(scene, META_AT + TXN_AT) > number_at(scene, second + TXN_AT);
    size_t meta = first ? META_AT : second;
    return (struct layout){meta, number_at(scene, meta + FREE_TREE_AT + TREE_ROOT_AT),
                           number_at(scene, meta + MAIN_TREE_AT + TREE_ROOT_AT),
                           number_at(scene, meta + LAST_PAGE_AT)};
}

static void root_outside(struct scene *scene, const struct layout *file)
{
    uint64_t far = file->last_page + 5;
    change_file(scene, file->meta + FREE_TREE_AT + TREE_ROOT_AT, &far, sizeof far);
}

static void one_root_for_two(struct scene *scene, const struct layout *file)
{
    change_file(scene, file->meta + FREE_TREE_AT + TREE_ROOT_AT, &file->main_root,
                sizeof file->main_root);
}

static void other_page_number(struct scene *scene, const struct layout *file)
{
    uint64_t other = file->main_root + 1;
    change_file(scene, file->main_root * META_BYTES, &other, sizeof other);
}

static void nodes_outside(struct scene *scene, const struct layout *file)
{
    uint16_t far = 5000;
    change_file(scene, file->main_root * META_BYTES + 16, &far, sizeof far);
}

static void other_leaf_count(struct scene *scene, const struct layout *file)
{
    uint64_t other = 99;
    change_file(scene, file->meta + MAIN_TREE_AT + TREE_LEAVES_AT, &other, sizeof other);
}

static void one_page_more(struct scene *scene, const struct layout *file)
{
    uint64_t more = file->last_page + 1;
    change_file(scene, file->meta + LAST_PAGE_AT, &more, sizeof more);
}

/* The first list of free pages names the main tree's root. */
static void free_a_page_in_use(struct scene *scene, const struct layout *file)
{
    size_t page = file->free_root * META_BYTES;
    uint16_t node = (uint16_t)number_at(scene, page + 16);
    size_t list = page + node + 8 + 8; /* its header and its key */
    assert_true(number_at(scene, list) > 0);
    change_file(scene, list + 8, &file->main_root, sizeof file->main_root);
}

/* Where the first list of free pages stands. */
static size_t free_list(const struct scene *scene, const struct layout *file)
{
    size_t page = file->free_root * META_BYTES;
    return page + (uint16_t)number_at(scene, page + 16) + 8 + 8;
}

static void free_a_page_that_is_none(struct scene *scene, const struct layout *file)
{
    uint64_t far = file->last_page + 9;
    change_file(scene, free_list(scene, file) + 8, &far, sizeof far);
}

static void free_too_many(struct scene *scene, const struct layout *file)
{
    uint64_t many = UINT64_C(1) << 40;
    change_file(scene, free_list(scene, file), &many, sizeof many);
}

static void swap_nodes(struct scene *scene, const struct layout *file)
{
    size_t at = file->main_root * META_BYTES + 16;
    uint32_t both = (uint32_t)number_at(scene, at);
    uint32_t swapped = both >> 16 | both << 16;
    change_file(scene, at, &swapped, sizeof swapped);
}

static void other_depth(struct scene *scene, const struct layout *file)
{
    uint16_t deep = 5;
    change_file(scene, file->meta + MAIN_TREE_AT + 6, &deep, sizeof deep);
}

static void no_magic(struct scene *scene, const struct layout *file)
{
    uint32_t none = 0;
    change_file(scene, file->meta, &none, sizeof none);
}

static void huge_value(struct scene *scene, const struct layout *file)
{
    size_t page = file->main_root * META_BYTES;
    uint16_t size = 0xffff;
    change_file(scene, page + (uint16_t)number_at(scene, page + 16), &size, sizeof size);
}

static void zero_the_rest(struct scene *scene, const struct layout *file)
{
    static const uint8_t zeros[META_BYTES];
    for (uint64_t page = 2; page <= file->last_page; page++) {
        if (page != file->main_root) {
            change_file(scene, page * META_BYTES, zeros, sizeof zeros);
        }
    }
}

static void damaged_pages_are_found_before_anybody_trusts_them(void **state)
{
    (void)state;
    static const struct {
        void (*plant)(struct scene *scene, const struct layout *file);
        const char *told;
    } cases[] = {
        {root_outside, "(the free pages): it is not in the file"},
        {one_root_for_two, "(the free pages): it is used twice"},
        {nodes_outside, "(the main database): one of its nodes is damaged"},
        {other_leaf_count, "the tree of the main database says it has "},
        {one_page_more, "1 pages of data.mdb are lost: neither in use nor free"},
        {free_a_page_in_use, "(the free pages): it is free and in use, or free twice"},
        {other_page_number, "(the main database): it is not a page of a tree"},
        {free_a_page_that_is_none, "(the free pages): it is free and does not exist"},
        {free_too_many, "(the free pages): a list of free pages is damaged"},
        {swap_nodes, "(the main database): its keys are not in order"},
        {other_depth, "(the main database): it is a leaf too high or a branch too low"},
        {no_magic, "data.mdb has no page that tells where its trees begin"},
        {huge_value, "(the main database): one of its values is damaged"},
        {zero_the_rest, "it is not a page of a tree"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene *scene = open_scene();
        close_store_of(scene);
        struct layout file = look_at_file(scene);
        open_to_look(scene);
        expect_sound(scene->world);
        cases[i].plant(scene, &file);
        assert_true(is_told(scene, &(struct damage){NULL, cases[i].told, 0}));
        close_scene(scene);
    }
}

/* --- merges --- */

static void a_merge_that_goes_on_is_looked_at_too(void **state)
{
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 1);
    struct tb_lmdb_store *store = (struct tb_lmdb_store *)world->store;
    store->tuning =
        (struct tb_run_tuning){.fan_in_first = 2, .fan_in = 2, .block_pages = 1, .step_entries = 3};
    unsigned seen = 0;
    for (unsigned i = 0; i < 200; i++) {
        created(world, draft(world, "one word more"));
        expect_sound(world);
        struct tb_txn *txn = begin(world);
        struct tb_lmdb_txn *inner = tb_lmdb_txn_of(txn);
        assert_int_equal(tb_run_manifest_load(inner), 0);
        struct tb_run_merging *merge = &inner->manifest.merges[1];
        if (merge->output != 0 && merge->taken.len > 0) {
            seen++;
            merge->left++;
            assert_int_equal(tb_run_manifest_save(inner), 0);
            struct faults *faults = NULL;
            inner->changed = true;
            commit(&txn);
            faults = verify(world);
            assert_non_null(strstr(faults->text, " entries to take, not "));
            assert_int_equal(faults->count, 1);
            free(faults);
            txn = begin(world);
            inner = tb_lmdb_txn_of(txn);
            assert_int_equal(tb_run_manifest_load(inner), 0);
            inner->manifest.merges[1].left--;
            assert_int_equal(tb_run_manifest_save(inner), 0);
            inner->changed = true;
            commit(&txn);
        } else {
            tb_write_abort(&txn);
        }
    }
    assert_true(seen > 5);
    world_close(world);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_damage_is_found_and_named),
        cmocka_unit_test(every_entry_of_the_tree_is_missed_and_none_is_too_many),
        cmocka_unit_test(every_entry_of_the_runs_is_missed_and_none_is_too_many),
        cmocka_unit_test(damaged_pages_are_found_before_anybody_trusts_them),
        cmocka_unit_test(a_merge_that_goes_on_is_looked_at_too),
    };
    return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
