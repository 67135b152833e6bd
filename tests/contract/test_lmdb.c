/* What only a store on a disk can meet: restarts, other processes, a full map, damage. */
#include "world.h"

#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static enum tb_err open_folder(const char *folder, bool create, uint64_t map_bytes,
                               struct tb_store **store, char why[256])
{
    struct tb_store_options options = {
        .url = folder, .map_bytes = map_bytes, .readers_max = 8, .create = create};
    return tb_store_open(&options, store, why, 256);
}

static void expect_refusal(const char *folder, bool create, enum tb_err err, const char *because)
{
    struct tb_store *store = NULL;
    char why[256];
    assert_int_equal(open_folder(folder, create, 0, &store, why), err);
    assert_null(store);
    if (strstr(why, because) == NULL || strstr(why, "taskboard-test-") == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", why, because);
    }
}

static struct tb_str dump_now(struct world *world)
{
    struct tb_txn *txn = snapshot(world);
    struct tb_str all = dump(world, txn);
    tb_read_end(&txn);
    return all;
}

/* --- opening --- */

static void a_reopened_store_keeps_everything(void **state)
{
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 3);
    struct tb_task task = draft(world, "kept over a restart");
    task.tags = TB_STR("[\"a\"]");
    created(world, task);
    struct tb_txn *txn = begin(world);
    uint64_t store_id = tb_txn_head(txn)->store_id;
    tb_txn_head(txn)->aging_ms = 7;
    assert_int_equal(tb_put_note(txn, task.id, new_id(world), TB_STR("n")), TB_OK);
    assert_int_equal(tb_put_artifact(txn, task.id, 0, TB_STR("a")), TB_OK);
    commit(&txn);
    struct tb_str before = dump_now(world);
    world_reopen(world);
    assert_same_str(dump_now(world), before);
    txn = snapshot(world);
    assert_int_equal(tb_txn_head(txn)->store_id, store_id);
    tb_read_end(&txn);
    world_close(world);
}

/* A child process does some of the work and dies; nothing is closed. */
static void work_and_die(const char *folder, bool commit_second)
{
    struct tb_store *store = NULL;
    char why[256];
    if (open_folder(folder, true, 0, &store, why) != TB_OK) {
        _exit(1);
    }
    struct world world = {.store = store, .arena = tb_arena_new(0), .now_ms = 1};
    for (int round = 0; round < 2; round++) {
        struct tb_txn *txn = NULL;
        if (tb_write_begin(store, world.arena, &txn) != TB_OK) {
            _exit(2);
        }
        struct tb_task task = {.id.bytes = {(uint8_t)(round + 1)},
                               .title = TB_STR("t"),
                               .tags = TB_STR("[]"),
                               .dependencies = TB_STR("[]"),
                               .blocked_by = TB_STR("[]"),
                               .created_by = TB_STR("child")};
        tb_task_render(&task, world.arena);
        enum tb_err err = tb_put_task(txn, NULL, &task);
        if (err == TB_OK && (round == 0 || commit_second)) {
            err = tb_write_commit(&txn);
        }
        if (err != TB_OK) {
            _exit(3);
        }
    }
    _exit(0);
}

static void what_was_committed_survives_a_killed_process(void **state)
{
    (void)state;
    for (int commit_second = 0; commit_second <= 1; commit_second++) {
        char folder[64];
        folder_make(folder);
        pid_t child = fork();
        if (child == 0) {
            work_and_die(folder, commit_second != 0);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        struct world *world = world_open(ENGINE_MEMORY, 1);
        struct tb_store *store = NULL;
        struct tb_store *memory = world->store;
        char why[256];
        assert_int_equal(open_folder(folder, false, 0, &store, why), TB_OK);
        world->store = store;
        struct tb_txn *txn = begin(world);
        struct page *page = list(txn, &(struct tb_task_query){.states = 0}, SIZE_MAX);
        assert_int_equal(page->count, 1 + commit_second);
        free(page);
        struct tb_task task = draft(world, "and it goes on");
        create(world, txn, &task);
        commit(&txn);
        tb_store_close(&store);
        world->store = memory;
        world_close(world);
        folder_remove(folder);
    }
}

static void a_store_in_use_is_refused(void **state)
{
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 1);
    expect_refusal(world->folder, true, TB_E_STORAGE_DOWN, "in use by another taskboardd");
    pid_t child = fork();
    if (child == 0) {
        struct tb_store *store = NULL;
        char why[256];
        enum tb_err err = open_folder(world->folder, true, 0, &store, why);
        _exit(err == TB_E_STORAGE_DOWN && strstr(why, "in use by another") != NULL ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    world_close(world);
}

static void a_folder_that_cannot_be_a_store_is_refused_with_a_reason(void **state)
{
    (void)state;
    char folder[64];
    char path[128];
    folder_make(folder);
    snprintf(path, sizeof path, "%s/missing/store", folder);
    expect_refusal(path, true, TB_E_STORAGE_DOWN, "does not exist");
    snprintf(path, sizeof path, "%s/missing", folder);
    expect_refusal(path, false, TB_E_STORAGE_DOWN, "does not exist");
    expect_refusal(folder, false, TB_E_STORAGE_DOWN, "holds no board");
    snprintf(path, sizeof path, "%s/file", folder);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
    expect_refusal(path, true, TB_E_STORAGE_DOWN, "is not a folder");
    folder_remove(folder);

    struct tb_store *store = NULL;
    char why[256];
    assert_int_equal(open_folder("", true, 0, &store, why), TB_E_STORAGE_DOWN);
    assert_non_null(strstr(why, "empty"));
}

/* Root may write anywhere: the child becomes nobody. */
static void a_folder_that_cannot_be_written_is_refused(void **state)
{
    (void)state;
    char folder[64];
    folder_make(folder);
    assert_int_equal(chmod(folder, 0555), 0);
    pid_t child = fork();
    if (child == 0) {
        struct tb_store *store = NULL;
        char why[256];
        if (geteuid() == 0 && setuid(65534) != 0) {
            _exit(2);
        }
        enum tb_err err = open_folder(folder, true, 0, &store, why);
        _exit(err == TB_E_STORAGE_DOWN && strstr(why, "cannot be written") != NULL ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(chmod(folder, 0755), 0);
    folder_remove(folder);
}

static enum tb_err open_to_look(const char *folder, struct tb_store **store)
{
    char why[256];
    struct tb_store_options options = {.url = folder, .readers_max = 2, .read_only = true};
    return tb_store_open(&options, store, why, sizeof why);
}

static void a_store_that_is_only_looked_at_takes_no_writes_and_needs_no_lock_file(void **state)
{
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 1);
    struct tb_store *store = NULL;
    struct tb_txn *txn = NULL;
    char path[128];
    created(world, draft(world, "looked at"));
    assert_int_equal(open_to_look(world->folder, &store), TB_E_STORAGE_DOWN);
    tb_reader_free(&world->reader);
    tb_store_close(&world->store);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(open_to_look(world->folder, &store), TB_OK);
        assert_int_equal(tb_write_begin(store, world->arena, &txn), TB_E_STORAGE_DOWN);
        tb_store_close(&store);
        snprintf(path, sizeof path, "%s/lock", world->folder);
        assert_int_equal(unlink(path), round == 0 ? 0 : -1);
    }
    world_reopen(world);
    world_close(world);
}

static void an_environment_without_a_board_is_told_from_a_damaged_one(void **state)
{
    (void)state;
    char folder[64];
    struct tb_store *store = NULL;
    MDB_env *env = NULL;
    folder_make(folder);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_open(env, folder, 0, 0600), 0);
    mdb_env_close(env);
    assert_int_equal(open_to_look(folder, &store), TB_E_ABSENT);
    assert_null(store);
    folder_remove(folder);
}

/* --- formats and damage --- */

static void write_meta(const char *folder, const char *db, const void *bytes, size_t size)
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi dbi = 0;
    MDB_val key = {strlen("format"), (void *)(uintptr_t) "format"};
    MDB_val value = {size, (void *)(uintptr_t)bytes};
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 16), 0);
    assert_int_equal(mdb_env_open(env, folder, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, db, MDB_CREATE, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void a_newer_format_is_refused(void **state)
{
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 1);
    tb_reader_free(&world->reader);
    tb_store_close(&world->store);
    uint32_t newer = 3;
    uint32_t own = 2;
    write_meta(world->folder, NULL, &newer, sizeof newer);
    expect_refusal(world->folder, true, TB_E_STORAGE_DOWN, "newer taskboardd");
    write_meta(world->folder, NULL, &own, sizeof own);
    world_reopen(world);
    world_close(world);
}

static void a_format_that_never_was_is_refused(void **state)
{
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 1);
    tb_reader_free(&world->reader);
    tb_store_close(&world->store);
    const uint32_t none = 0;
    const uint32_t own = 2;
    write_meta(world->folder, NULL, &none, sizeof none);
    expect_refusal(world->folder, true, TB_E_STORAGE_CORRUPT, "damaged or is not a board's");
    write_meta(world->folder, NULL, &own, 2);
    expect_refusal(world->folder, true, TB_E_STORAGE_CORRUPT, "damaged or is not a board's");
    write_meta(world->folder, NULL, &own, sizeof own);
    world_reopen(world);
    world_close(world);
}

static void what_stands_in_the_way_of_a_new_store_is_told(void **state)
{
    (void)state;
    char folder[64];
    char path[128];
    folder_make(folder);
    snprintf(path, sizeof path, "%s/data.mdb.new", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    expect_refusal(folder, true, TB_E_STORAGE_DOWN, "cannot be opened: Is a directory");
    snprintf(path, sizeof path, "%s/data.mdb", folder);
    assert_int_not_equal(access(path, F_OK), 0);
    folder_remove(folder);
}

/* LMDB needs some room to begin with. */
static void a_map_that_is_too_small_is_made_large_enough(void **state)
{
    (void)state;
    struct tb_store *store = NULL;
    char folder[64];
    char why[256];
    folder_make(folder);
    assert_int_equal(open_folder(folder, true, 1, &store, why), TB_OK);
    tb_store_close(&store);
    folder_remove(folder);
}

/* A crash while the store was made leaves any part of the file under its first name, and LMDB would
 * refuse that. */
static void what_a_cut_first_start_left_is_made_anew(void **state)
{
    static const char half[8192] = "half a page";
    struct tb_store *store = NULL;
    char why[256];
    (void)state;
    char folder[64];
    char path[128];
    folder_make(folder);
    snprintf(path, sizeof path, "%s/data.mdb.new", folder);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, half, sizeof half), sizeof half);
    close(fd);
    for (int start = 0; start < 2; start++) {
        assert_int_equal(open_folder(folder, true, 0, &store, why), TB_OK);
        assert_int_not_equal(access(path, F_OK), 0);
        tb_store_close(&store);
    }
    folder_remove(folder);
}

/* As a crash of a restore leaves it. */
static void what_a_cut_restore_left_is_removed(void **state)
{
    struct tb_store *store = NULL;
    char why[256];
    (void)state;
    char folder[64];
    char path[128];
    folder_make(folder);
    snprintf(path, sizeof path, "%s/new", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/new/data.mdb", folder);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(open_folder(folder, true, 0, &store, why), TB_OK);
    snprintf(path, sizeof path, "%s/new", folder);
    assert_int_not_equal(access(path, F_OK), 0);
    tb_store_close(&store);
    folder_remove(folder);
}

static void a_foreign_data_file_is_refused(void **state)
{
    (void)state;
    char folder[64];
    char path[128];
    folder_make(folder);
    write_meta(folder, "somebody-elses", "x", 1);
    expect_refusal(folder, true, TB_E_STORAGE_CORRUPT, "damaged or is not a board's");
    snprintf(path, sizeof path, "%s/data.mdb", folder);
    int fd = open(path, O_RDWR);
    char noise[8192];
    memset(noise, 'x', sizeof noise);
    assert_int_equal(pwrite(fd, noise, sizeof noise, 0), sizeof noise);
    close(fd);
    expect_refusal(folder, true, TB_E_STORAGE_CORRUPT, "damaged or is not a board's");
    assert_int_equal(truncate(path, 100), 0);
    expect_refusal(folder, true, TB_E_STORAGE_CORRUPT, "damaged or is not a board's");
    folder_remove(folder);
}

/* LMDB reads through a map: a page behind the file's end would end the process. */
static void a_file_that_was_cut_is_refused(void **state)
{
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 1);
    char path[128];
    struct stat before;
    for (int i = 0; i < 50; i++) {
        created(world, draft(world, "one of many tasks, each of which needs some of the pages"));
    }
    tb_reader_free(&world->reader);
    tb_store_close(&world->store);
    snprintf(path, sizeof path, "%s/data.mdb", world->folder);
    assert_int_equal(stat(path, &before), 0);
    long page_bytes = sysconf(_SC_PAGESIZE);
    assert_true(before.st_size > 20 * page_bytes);
    for (off_t end = before.st_size / 2; end >= 2 * page_bytes; end -= page_bytes + 512) {
        assert_int_equal(truncate(path, end), 0);
        expect_refusal(world->folder, true, TB_E_STORAGE_CORRUPT, "a part of it is missing (page ");
        expect_refusal(world->folder, false, TB_E_STORAGE_CORRUPT, "restore a backup");
    }
    world->damaged = true;
    world_close(world);
}

/* Changes one byte wherever the text stands in the data file. */
static void flip_a_byte(const char *folder, const char *needle)
{
    char path[128];
    struct stat status;
    snprintf(path, sizeof path, "%s/data.mdb", folder);
    int fd = open(path, O_RDWR);
    assert_int_equal(fstat(fd, &status), 0);
    size_t size = (size_t)status.st_size;
    char *bytes = malloc(size);
    assert_int_equal(pread(fd, bytes, size, 0), (ssize_t)size);
    char *at = bytes;
    size_t flips = 0;
    while ((at = memmem(at, size - (size_t)(at - bytes), needle, strlen(needle))) != NULL) {
        *at ^= 1;
        assert_int_equal(pwrite(fd, at, 1, at - bytes), 1);
        flips++;
    }
    assert_true(flips > 0);
    free(bytes);
    close(fd);
}

static enum tb_visit ignore_task(void *ctx, const struct tb_task *task)
{
    (void)ctx;
    (void)task;
    return TB_VISIT_NEXT;
}

static enum tb_visit ignore_event(void *ctx, const struct tb_event *event)
{
    (void)ctx;
    (void)event;
    return TB_VISIT_NEXT;
}

static enum tb_visit ignore_json(void *ctx, struct tb_id id, struct tb_str wire)
{
    (void)ctx;
    (void)id;
    (void)wire;
    return TB_VISIT_NEXT;
}

static void a_damaged_record_is_noticed(void **state)
{
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 1);
    world->damaged = true;
    struct tb_id good = created(world, draft(world, "whole"));
    struct tb_id bad = created(world, draft(world, "a title, soon damaged"));
    struct tb_txn *txn = begin(world);
    assert_int_equal(tb_put_note(txn, good, new_id(world), TB_STR("note, soon damaged")), TB_OK);
    commit(&txn);
    tb_reader_free(&world->reader);
    tb_store_close(&world->store);
    flip_a_byte(world->folder, ", soon damaged");
    world_reopen(world);
    txn = snapshot(world);
    struct tb_task task;
    struct tb_query_end end;
    struct tb_task_query query = {.states = TB_STATES_ALL};
    assert_int_equal(tb_get_task(txn, bad, &task), TB_E_STORAGE_CORRUPT);
    assert_int_equal(tb_get_task(txn, good, &task), TB_OK);
    assert_int_equal(tb_visit_tasks(txn, &query, ignore_task, NULL, &end), TB_E_STORAGE_CORRUPT);
    assert_int_equal(tb_visit_events(txn, 0, (struct tb_id){{0}}, ignore_event, NULL),
                     TB_E_STORAGE_CORRUPT);
    assert_int_equal(tb_visit_notes(txn, good, ignore_json, NULL), TB_E_STORAGE_CORRUPT);
    tb_read_end(&txn);
    world_close(world);
}

/* Changes the value of the only entry of a database. */
static void damage_only_value(const char *folder, const char *db, size_t at)
{
    MDB_env *env = NULL;
    MDB_txn *mdb = NULL;
    MDB_dbi dbi = 0;
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    uint8_t bytes[64];
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 16), 0);
    assert_int_equal(mdb_env_open(env, folder, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &mdb), 0);
    assert_int_equal(mdb_dbi_open(mdb, db, 0, &dbi), 0);
    assert_int_equal(mdb_cursor_open(mdb, dbi, &cursor), 0);
    assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_FIRST), 0);
    assert_in_range(value.mv_size, at + 1, sizeof bytes);
    memcpy(bytes, value.mv_data, value.mv_size);
    bytes[at] ^= 1;
    value.mv_data = bytes;
    assert_int_equal(mdb_cursor_put(cursor, &key, &value, MDB_CURRENT), 0);
    mdb_cursor_close(cursor);
    assert_int_equal(mdb_txn_commit(mdb), 0);
    mdb_env_close(env);
}

static enum tb_visit ignore_vm(void *ctx, const struct tb_vm *vm)
{
    (void)ctx;
    (void)vm;
    return TB_VISIT_NEXT;
}

static void expect_damaged_vm(struct world *world)
{
    struct tb_vm vm = {.ttl_ms = 77};
    world_reopen(world);
    struct tb_txn *txn = snapshot(world);
    assert_int_equal(tb_get_vm(txn, TB_STR("vm"), &vm), TB_E_STORAGE_CORRUPT);
    assert_int_equal(tb_next_due_vm(txn, &vm), TB_E_STORAGE_CORRUPT);
    assert_int_equal(tb_visit_vms(txn, false, ignore_vm, NULL), TB_E_STORAGE_CORRUPT);
    assert_int_equal(vm.ttl_ms, 77);
    tb_read_end(&txn);
}

static void a_damaged_vm_or_sign_of_life_is_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i < 9; i++) {
        struct world *world = world_open(ENGINE_LMDB, 1);
        world->damaged = true;
        struct tb_vm vm = draft_vm(world, TB_STR("vm"));
        vm.name = TB_STR("soon damaged");
        vm.due_ms = 5;
        struct tb_txn *txn = begin(world);
        put_vm(world, txn, NULL, &vm);
        commit(&txn);
        tb_reader_free(&world->reader);
        tb_store_close(&world->store);
        if (i == 8) {
            flip_a_byte(world->folder, "soon damaged");
        } else {
            damage_only_value(world->folder, "vm_seen", i);
        }
        expect_damaged_vm(world);
        world_close(world);
    }
}

/* What keeps a store from forgetting old events must say so, and not go on half way. */
static void damaged_events_are_not_dropped(void **state)
{
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 1);
    world->damaged = true;
    created(world, draft(world, "whole"));
    created(world, draft(world, "a title, soon damaged"));
    tb_reader_free(&world->reader);
    tb_store_close(&world->store);
    flip_a_byte(world->folder, ", soon damaged");
    world_reopen(world);
    struct tb_txn *txn = begin(world);
    assert_int_equal(tb_drop_events(txn, 2, 100), TB_E_STORAGE_CORRUPT);
    assert_int_equal(tb_write_commit(&txn), TB_E_STORAGE_CORRUPT);
    txn = begin(world);
    assert_int_equal(tb_txn_head(txn)->oldest_seq, 1);
    assert_int_equal(tb_drop_events(txn, 1, 100), TB_OK);
    commit(&txn);
    world_close(world);
}

/* --- a full map --- */

struct small {
    struct world *world; /* its store is the small one */
    struct tb_store *memory;
    struct tb_reader *memory_reader;
    char folder[64];
};

static void small_open(struct small *small, uint64_t map_bytes)
{
    char why[256];
    small->world = world_open(ENGINE_MEMORY, 1);
    small->memory = small->world->store;
    small->memory_reader = small->world->reader;
    folder_make(small->folder);
    assert_int_equal(open_folder(small->folder, true, map_bytes, &small->world->store, why), TB_OK);
    assert_int_equal(tb_reader_new(small->world->store, &small->world->reader), TB_OK);
}

static void small_close(struct small *small)
{
    tb_reader_free(&small->world->reader);
    tb_store_close(&small->world->store);
    small->world->store = small->memory;
    small->world->reader = small->memory_reader;
    world_close(small->world);
    folder_remove(small->folder);
}

/* Creates a batch of tasks with descriptions of so many bytes; their ids go to `ids`. */
static enum tb_err try_create(struct world *world, size_t tasks, size_t bytes, struct tb_id *ids)
{
    struct tb_txn *txn = NULL;
    enum tb_err err = tb_write_begin(world->store, world->arena, &txn);
    if (err != TB_OK) {
        return err;
    }
    char *filler = tb_arena_alloc(world->arena, bytes);
    memset(filler, '-', bytes);
    for (size_t i = 0; i < tasks; i++) {
        struct tb_task task = draft(world, "filler");
        task.description = tb_str_from(filler, bytes);
        tb_task_render(&task, world->arena);
        tb_put_task(txn, NULL, &task);
        ids[i] = task.id;
    }
    err = tb_write_commit(&txn);
    tb_arena_reset(world->arena);
    return err;
}

static void try_delete(struct world *world, struct tb_id id)
{
    struct tb_txn *txn = begin(world);
    remove_task(world, txn, id);
    commit(&txn);
    tb_arena_reset(world->arena);
}

static size_t count_tasks(struct world *world)
{
    struct tb_txn *txn = snapshot(world);
    struct page *page = list(txn, &(struct tb_task_query){.states = 0}, SIZE_MAX);
    size_t count = page->count;
    free(page);
    tb_read_end(&txn);
    return count;
}

/* Fills the map, batch by batch; answers how many tasks fit in. */
static size_t fill(struct world *world, size_t batch, size_t bytes, struct tb_id *ids)
{
    size_t count = 0;
    enum tb_err err = TB_OK;
    while ((err = try_create(world, batch, bytes, &ids[count])) == TB_OK) {
        count += batch;
        assert_true(count + batch < 10000);
    }
    assert_int_equal(err, TB_E_STORAGE_FULL);
    return count;
}

/* Changes tasks, which grows nothing but the log, until not even that has room. */
static void wear_out(struct world *world, const struct tb_id *ids, size_t count)
{
    enum tb_err err = TB_OK;
    for (size_t i = 0; err == TB_OK; i++) {
        assert_true(i < 100000);
        struct tb_txn *txn = begin(world);
        struct tb_task old = stored(txn, ids[i % count]);
        struct tb_task task = old;
        task.priority = (int32_t)(i % 100);
        tb_task_render(&task, world->arena);
        struct tb_event event = {.seq = tb_txn_head(txn)->seq + 1, .task_id = task.id};
        tb_event_render(&event, &task, TB_STR_NONE, world->arena);
        tb_put_task(txn, &old, &task);
        tb_append_event(txn, &event);
        tb_txn_head(txn)->seq++;
        err = tb_write_commit(&txn);
        tb_arena_reset(world->arena);
    }
    assert_int_equal(err, TB_E_STORAGE_FULL);
}

/* Deletes tasks, each with an event in the log, until a new one fits in again; answers how many it
 * took. */
static size_t make_room(struct world *world, const struct tb_id *ids, size_t count, size_t bytes)
{
    struct tb_id id;
    for (size_t deleted = 1; deleted <= count; deleted++) {
        try_delete(world, ids[deleted - 1]);
        enum tb_err err = try_create(world, 1, bytes, &id);
        if (err == TB_OK) {
            return deleted;
        }
        assert_int_equal(err, TB_E_STORAGE_FULL);
    }
    fail_msg("%zu tasks were deleted and there is still no room", count);
    return 0;
}

static void a_full_map_is_refused_and_read_and_emptied_again(void **state)
{
    (void)state;
    static const struct {
        uint64_t map_bytes;
        size_t batch;
        size_t bytes;
    } cases[] = {{UINT64_C(1) << 20, 1, 3000},    {UINT64_C(1) << 20, 10, 1700},
                 {UINT64_C(4) << 20, 1, 100000},  {UINT64_C(4) << 20, 40, 3000},
                 {UINT64_C(16) << 20, 300, 2500}, {UINT64_C(16) << 20, 3000, 1500}};
    static struct tb_id ids[10000];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct small small;
        small_open(&small, cases[i].map_bytes);
        struct world *world = small.world;
        size_t tasks = fill(world, cases[i].batch, cases[i].bytes, ids);
        assert_true(tasks > 0);
        for (int again = 0; again < 5; again++) {
            assert_int_equal(try_create(world, cases[i].batch, cases[i].bytes, &ids[tasks]),
                             TB_E_STORAGE_FULL);
        }
        assert_int_equal(count_tasks(world), tasks);
        wear_out(world, ids, tasks);
        size_t deleted = make_room(world, ids, tasks, cases[i].bytes);
        assert_int_equal(count_tasks(world), tasks - deleted + 1);
        print_message("%zu tasks filled the map, %zu made room again\n", tasks, deleted);
        small_close(&small);
    }
}

/* Readers that hold old pages make the map fill sooner, and that is all. */
static void a_full_map_with_an_open_snapshot_recovers_when_it_ends(void **state)
{
    (void)state;
    static struct tb_id ids[10000];
    struct small small;
    small_open(&small, UINT64_C(4) << 20);
    struct world *world = small.world;
    static struct tb_id first[100];
    assert_int_equal(try_create(world, 100, 2000, first), TB_OK);
    struct tb_txn *held = NULL;
    struct tb_arena *arena = tb_arena_new(0);
    struct tb_reader *reader = NULL;
    assert_int_equal(tb_reader_new(world->store, &reader), TB_OK);
    assert_int_equal(tb_read_begin(reader, arena, &held), TB_OK);
    fill(world, 1, 2000, ids);
    tb_read_end(&held);
    tb_reader_free(&reader);
    tb_arena_free(arena);
    size_t tasks = count_tasks(world);
    size_t deleted = make_room(world, first, 100, 2000);
    assert_int_equal(count_tasks(world), tasks - deleted + 1);
    small_close(&small);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reopened_store_keeps_everything),
        cmocka_unit_test(what_was_committed_survives_a_killed_process),
        cmocka_unit_test(a_store_in_use_is_refused),
        cmocka_unit_test(a_folder_that_cannot_be_a_store_is_refused_with_a_reason),
        cmocka_unit_test(a_folder_that_cannot_be_written_is_refused),
        cmocka_unit_test(a_store_that_is_only_looked_at_takes_no_writes_and_needs_no_lock_file),
        cmocka_unit_test(an_environment_without_a_board_is_told_from_a_damaged_one),
        cmocka_unit_test(a_newer_format_is_refused),
        cmocka_unit_test(a_format_that_never_was_is_refused),
        cmocka_unit_test(what_a_cut_first_start_left_is_made_anew),
        cmocka_unit_test(what_a_cut_restore_left_is_removed),
        cmocka_unit_test(what_stands_in_the_way_of_a_new_store_is_told),
        cmocka_unit_test(a_map_that_is_too_small_is_made_large_enough),
        cmocka_unit_test(a_foreign_data_file_is_refused),
        cmocka_unit_test(a_file_that_was_cut_is_refused),
        cmocka_unit_test(a_damaged_record_is_noticed),
        cmocka_unit_test(a_damaged_vm_or_sign_of_life_is_noticed),
        cmocka_unit_test(damaged_events_are_not_dropped),
        cmocka_unit_test(a_full_map_is_refused_and_read_and_emptied_again),
        cmocka_unit_test(a_full_map_with_an_open_snapshot_recovers_when_it_ends),
    };
    return cmocka_run_group_tests_name("lmdb", tests, NULL, NULL);
}
