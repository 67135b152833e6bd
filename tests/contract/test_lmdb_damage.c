/* A damaged file: what reads it notices. */
#include "folder.h"

#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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
    close_store_of(world);
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

static void count_fault(void *ctx, const char *fault)
{
    (void)fault;
    ++*(size_t *)ctx;
    ++*(size_t *)ctx;
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
    close_store_of(world);
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
    close_store_of(world);
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

static void damaged_answers_are_not_given_and_not_dropped(void **state)
{
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 1);
    static const uint8_t whole[TB_DIGEST_BYTES] = {1};
    static const uint8_t damaged[TB_DIGEST_BYTES] = {2};
    static const char *const bodies[] = {"whole", "an answer, soon damaged"};
    struct tb_answer answer;
    world->damaged = true;
    struct tb_txn *txn = begin(world);
    for (uint8_t i = 0; i < 2; i++) {
        answer = (struct tb_answer){
            .key = {(uint8_t)(i + 1)}, .at_ms = i + 1, .share = 1, .body = tb_str_c(bodies[i])};
        assert_int_equal(tb_put_answer(txn, &answer), TB_OK);
    }
    commit(&txn);
    close_store_of(world);
    flip_a_byte(world->folder, ", soon damaged");
    world_reopen(world);
    txn = snapshot(world);
    assert_int_equal(tb_get_answer(txn, whole, &answer), TB_OK);
    assert_same_str(answer.body, tb_str_c(bodies[0]));
    assert_int_equal(tb_get_answer(txn, damaged, &answer), TB_E_STORAGE_CORRUPT);
    tb_read_end(&txn);
    txn = begin(world);
    assert_int_equal(tb_drop_answers(txn, 100, 100), TB_E_STORAGE_CORRUPT);
    assert_int_equal(tb_write_commit(&txn), TB_E_STORAGE_CORRUPT);
    txn = begin(world);
    assert_int_equal(tb_txn_head(txn)->answers, 2);
    assert_int_equal(tb_drop_answers(txn, 2, 100), TB_E_STORAGE_CORRUPT); /* it looks at the next */
    assert_int_equal(tb_write_commit(&txn), TB_E_STORAGE_CORRUPT);
    world_close(world);
}

/* --- the page that tells where the trees begin --- */

enum { PAGE_BYTES = 4096, TXN_AT = 144, ROOT_BYTES = 152 };

/* Opens it to look, and, where that is done, checks it all. 0: that was possible, and the store was
 * sound; 1: it was refused, or has a fault, and a sentence says so. */
static int look_at(const char *folder)
{
    struct tb_store *store = NULL;
    struct tb_store_tally tally;
    size_t faults = 0;
    char why[256] = "";
    struct tb_store_options options = {.url = folder, .readers_max = 2, .read_only = true};
    if (tb_store_open(&options, &store, why, sizeof why) != TB_OK) {
        return strlen(why) > 0 ? 1 : 2;
    }
    enum tb_err err = tb_store_verify(store, count_fault, &faults, &tally);
    tb_store_close(&store);
    return err == TB_OK && faults == 0 ? 0 : faults > 0 ? 1 : 3;
}

/* In a process of its own: whatever ends that one is told here. */
static int look_apart(const char *folder)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL};
        for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
            (void)signal(signals[i], SIG_DFL); /* the tests' own is for their process */
        }
        _exit(look_at(folder));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static off_t page_in_force(int fd)
{
    uint64_t txns[2];
    assert_int_equal(pread(fd, &txns[0], sizeof *txns, TXN_AT), sizeof *txns);
    assert_int_equal(pread(fd, &txns[1], sizeof *txns, PAGE_BYTES + TXN_AT), sizeof *txns);
    return txns[1] > txns[0] ? PAGE_BYTES : 0;
}

static void no_byte_of_the_root_ends_the_process(void **state)
{
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 1);
    char path[128];
    size_t failed = 0;
    created(world, draft(world, "a task"));
    close_store_of(world);
    snprintf(path, sizeof path, "%s/data.mdb", world->folder);
    int fd = open(path, O_RDWR);
    off_t page = page_in_force(fd);
    for (off_t at = page; at < page + ROOT_BYTES; at++) {
        static const uint8_t flips[] = {0x01, 0x10, 0x80};
        uint8_t byte = 0;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        for (size_t i = 0; i < sizeof flips; i++) {
            const uint8_t other = byte ^ flips[i];
            assert_int_equal(pwrite(fd, &other, 1, at), 1);
            int how = look_apart(world->folder);
            failed += how > 1 ? 1 : 0;
            if (how > 1) {
                print_error("byte %ld: %02x instead of %02x: %d\n", (long)at, other, byte, how);
            }
        }
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    close(fd);
    assert_int_equal(failed, 0);
    world_reopen(world);
    world_close(world);
}

/* Likewise, told by name: in the page in force, which has the newer transaction. */
static void a_root_that_cannot_be_is_refused(void **state)
{
    enum { PAGE_SIZE_AT = 40, FREE_ROOT_AT = 80, MAIN_ROOT_AT = 128, LAST_PAGE_AT = 136 };
    static const struct {
        off_t at;
        uint64_t value;
        size_t width;
    } rows[] = {{PAGE_SIZE_AT, 0, 4},         {PAGE_SIZE_AT, 256, 4},
                {PAGE_SIZE_AT, 4095, 4},      {PAGE_SIZE_AT, 8192, 4},
                {PAGE_SIZE_AT, 1U << 20, 4},  {FREE_ROOT_AT, 1, 8},
                {FREE_ROOT_AT, 9999, 8},      {MAIN_ROOT_AT, 0, 8},
                {MAIN_ROOT_AT, 9999, 8},      {LAST_PAGE_AT, UINT64_C(1) << 60, 8},
                {LAST_PAGE_AT, UINT64_MAX, 8}};
    (void)state;
    struct world *world = world_open(ENGINE_LMDB, 1);
    char path[128];
    created(world, draft(world, "a task"));
    close_store_of(world);
    snprintf(path, sizeof path, "%s/data.mdb", world->folder);
    int fd = open(path, O_RDWR);
    off_t page = page_in_force(fd);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t right = 0;
        assert_int_equal(pread(fd, &right, rows[i].width, page + rows[i].at), rows[i].width);
        assert_int_equal(pwrite(fd, &rows[i].value, rows[i].width, page + rows[i].at),
                         rows[i].width);
        expect_refusal(world->folder, true, TB_E_STORAGE_CORRUPT, "damaged or is not a board's");
        assert_int_equal(pwrite(fd, &right, rows[i].width, page + rows[i].at), rows[i].width);
    }
    close(fd);
    world_reopen(world);
    world_close(world);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_was_cut_is_refused),
        cmocka_unit_test(no_byte_of_the_root_ends_the_process),
        cmocka_unit_test(a_root_that_cannot_be_is_refused),
        cmocka_unit_test(a_damaged_record_is_noticed),
        cmocka_unit_test(a_damaged_vm_or_sign_of_life_is_noticed),
        cmocka_unit_test(damaged_events_are_not_dropped),
        cmocka_unit_test(damaged_answers_are_not_given_and_not_dropped),
    };
    return cmocka_run_group_tests_name("damage", tests, NULL, NULL);
}
