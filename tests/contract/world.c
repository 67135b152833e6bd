#include "world.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const names[ENGINE_COUNT] = {
    [ENGINE_MEMORY] = "memory",
    [ENGINE_LMDB] = "lmdb",
    [ENGINE_FAULT_ON_MEMORY] = "fault on memory",
    [ENGINE_FAULT_ON_LMDB] = "fault on lmdb",
};

const char *engine_name(enum engine engine)
{
    return names[engine];
}

static bool on_lmdb(const struct world *world)
{
    return world->engine == ENGINE_LMDB || world->engine == ENGINE_FAULT_ON_LMDB;
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void fill_random(void *ctx, void *out, size_t len)
{
    uint8_t *bytes = out;
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)next_random(ctx);
    }
}

uint64_t pick(struct world *world, uint64_t bound)
{
    return next_random(&world->random) % bound;
}

struct tb_id new_id(struct world *world)
{
    world->ids.random_ctx = &world->random;
    return tb_ulid_next(&world->ids, world->now_ms);
}

/* --- opening --- */

void folder_make(char folder[64])
{
    strcpy(folder, "/tmp/taskboard-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
}

static int remove_entry(const char *path, const struct stat *status, int flag, struct FTW *ftw)
{
    (void)status;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void folder_remove(const char *folder)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void open_store(struct world *world)
{
    char why[256];
    struct tb_store *inner = NULL;
    struct tb_store_options options = {
        .url = on_lmdb(world) ? world->folder : "memory:",
        .map_bytes = world->map_bytes,
        .readers_max = 16,
        .create = true,
    };
    if (tb_store_open(&options, &inner, why, sizeof why) != TB_OK) {
        fail_msg("%s", why);
    }
    world->store = inner;
    if (world->engine == ENGINE_FAULT_ON_MEMORY || world->engine == ENGINE_FAULT_ON_LMDB) {
        assert_int_equal(tb_fault_wrap(inner, &world->store), TB_OK);
    }
    assert_int_equal(tb_reader_new(world->store, &world->reader), TB_OK);
}

static struct world *open_world(enum engine engine, uint64_t seed, uint64_t map_bytes)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->engine = engine;
    world->arena = tb_arena_new(0);
    world->random = seed;
    world->map_bytes = map_bytes;
    world->now_ms = INT64_C(1760000000000);
    world->ids.random = fill_random;
    if (on_lmdb(world)) {
        folder_make(world->folder);
    }
    open_store(world);
    return world;
}

struct world *world_open(enum engine engine, uint64_t seed)
{
    return open_world(engine, seed, UINT64_C(1) << 30);
}

struct world *world_open_small(uint64_t map_bytes)
{
    return open_world(ENGINE_LMDB, 1, map_bytes);
}

static void close_store(struct world *world)
{
    tb_reader_free(&world->reader);
    tb_store_close(&world->store);
}

static void tell_fault(void *ctx, const char *fault)
{
    size_t *count = ctx;
    if ((*count)++ < 20) {
        print_error("%s\n", fault);
    }
}

void expect_sound(struct world *world)
{
    struct tb_store_tally tally;
    size_t faults = 0;
    assert_int_equal(tb_store_verify(world->store, tell_fault, &faults, &tally), TB_OK);
    assert_int_equal(faults, 0);
}

void world_close(struct world *world)
{
    if (!world->damaged) {
        expect_sound(world);
    }
    close_store(world);
    if (on_lmdb(world)) {
        folder_remove(world->folder);
    }
    tb_arena_free(world->arena);
    free(world);
}

void world_reopen(struct world *world)
{
    close_store(world);
    open_store(world);
}

/* --- transactions --- */

struct tb_txn *begin(struct world *world)
{
    struct tb_txn *txn = NULL;
    assert_int_equal(tb_write_begin(world->store, world->arena, &txn), TB_OK);
    return txn;
}

void commit(struct tb_txn **txn)
{
    assert_int_equal(tb_write_commit(txn), TB_OK);
    assert_null(*txn);
}

struct tb_txn *snapshot(struct world *world)
{
    struct tb_txn *txn = NULL;
    assert_int_equal(tb_read_begin(world->reader, world->arena, &txn), TB_OK);
    return txn;
}

/* --- tasks --- */

struct tb_str text(struct world *world, const char *format, ...)
{
    char bytes[8192];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(bytes, sizeof bytes, format, arguments);
    va_end(arguments);
    assert_in_range(len, 0, sizeof bytes - 1);
    return tb_arena_dup(world->arena, tb_str_from(bytes, (size_t)len));
}

struct tb_task draft(struct world *world, const char *title)
{
    world->now_ms++;
    return (struct tb_task){
        .id = new_id(world),
        .version = 1,
        .created_ms = world->now_ms,
        .updated_ms = world->now_ms,
        .rank_ms = world->now_ms,
        .max_attempts = 3,
        .status = TB_STATUS_OPEN,
        .ready = true,
        .title = text(world, "%s", title),
        .tags = TB_STR("[]"),
        .dependencies = TB_STR("[]"),
        .created_by = TB_STR("tester"),
        .blocked_by = TB_STR("[]"),
    };
}

void log_event(struct world *world, struct tb_txn *txn, enum tb_event_type type,
               const struct tb_task *task)
{
    struct tb_head *head = tb_txn_head(txn);
    struct tb_event event = {
        .seq = head->seq + 1,
        .id = new_id(world),
        .at_ms = world->now_ms,
        .type = type,
        .task_id = task == NULL ? (struct tb_id){{0}} : task->id,
        .actor = task == NULL ? TB_STR_NONE : task->created_by,
    };
    tb_event_render(&event, task, TB_STR_NONE, world->arena);
    assert_int_equal(tb_append_event(txn, &event), TB_OK);
    head->seq++;
}

uint64_t publish(struct world *world, struct tb_txn *txn, enum tb_event_type type,
                 struct tb_str agent)
{
    struct tb_head *head = tb_txn_head(txn);
    struct tb_event event = {
        .seq = head->seq + 1,
        .id = new_id(world),
        .at_ms = world->now_ms,
        .type = type,
        .actor = agent,
    };
    tb_event_render(&event, NULL, text(world, ",\"summary\":\"%u\"", (unsigned)event.seq),
                    world->arena);
    assert_int_equal(tb_append_event(txn, &event), TB_OK);
    return ++head->seq;
}

void create(struct world *world, struct tb_txn *txn, struct tb_task *task)
{
    tb_task_render(task, world->arena);
    assert_int_equal(tb_put_task(txn, NULL, task), TB_OK);
    tb_txn_head(txn)->task_counts[tb_task_state(task)]++;
    log_event(world, txn, TB_EVENT_CREATED, task);
}

struct tb_id created(struct world *world, struct tb_task task)
{
    struct tb_txn *txn = begin(world);
    create(world, txn, &task);
    commit(&txn);
    return task.id;
}

void replace(struct world *world, struct tb_txn *txn, struct tb_task *task)
{
    struct tb_task old = stored(txn, task->id);
    task->version = old.version + 1;
    tb_task_render(task, world->arena);
    assert_int_equal(tb_put_task(txn, &old, task), TB_OK);
    tb_txn_head(txn)->task_counts[tb_task_state(&old)]--;
    tb_txn_head(txn)->task_counts[tb_task_state(task)]++;
    log_event(world, txn, TB_EVENT_UPDATED, task);
}

void remove_task(struct world *world, struct tb_txn *txn, struct tb_id id)
{
    struct tb_task old = stored(txn, id);
    assert_int_equal(tb_delete_task(txn, &old), TB_OK);
    tb_txn_head(txn)->task_counts[tb_task_state(&old)]--;
    log_event(world, txn, TB_EVENT_DELETED, &old);
}

struct tb_task stored(struct tb_txn *txn, struct tb_id id)
{
    struct tb_task task;
    assert_int_equal(tb_get_task(txn, id, &task), TB_OK);
    return task;
}

/* --- VMs --- */

struct tb_vm draft_vm(struct world *world, struct tb_str id)
{
    world->now_ms++;
    return (struct tb_vm){
        .number = new_id(world),
        .registered_ms = world->now_ms,
        .seen_ms = world->now_ms,
        .ttl_ms = 300000,
        .role = TB_VM_WORKER,
        .status = TB_VM_RUNNING,
        .id = id,
        .name = TB_STR("a worker"),
        .address = TB_STR("worker.example:22"),
        .registered_by = TB_STR("tester"),
    };
}

struct tb_credential draft_credential(struct world *world, struct tb_str name)
{
    world->now_ms++;
    struct tb_credential credential = {
        .id = new_id(world),
        .kind = TB_CREDENTIAL_TOKEN,
        .role = TB_ROLE_WORKER,
        .created_ms = world->now_ms,
        .name = name,
    };
    memset(credential.digest, 7, sizeof credential.digest);
    return credential;
}

void put_credential(struct world *world, struct tb_txn *txn, struct tb_credential *credential)
{
    tb_credential_render(credential, world->arena);
    assert_int_equal(tb_put_credential(txn, credential), TB_OK);
}

void put_vm(struct world *world, struct tb_txn *txn, const struct tb_vm *old, struct tb_vm *vm)
{
    tb_vm_render(vm, world->arena);
    assert_int_equal(tb_put_vm(txn, old, vm), TB_OK);
}

struct tb_vm stored_vm(struct tb_txn *txn, struct tb_str id)
{
    struct tb_vm vm;
    assert_int_equal(tb_get_vm(txn, id, &vm), TB_OK);
    return vm;
}

/* --- comparing --- */

void assert_same_id(struct tb_id a, struct tb_id b)
{
    assert_memory_equal(a.bytes, b.bytes, sizeof a.bytes);
}

void assert_same_str(struct tb_str a, struct tb_str b)
{
    assert_int_equal(a.ptr == NULL, b.ptr == NULL);
    assert_int_equal(a.len, b.len);
    if (a.len > 0) {
        assert_memory_equal(a.ptr, b.ptr, a.len);
    }
}

void assert_same_task(const struct tb_task *a, const struct tb_task *b)
{
    assert_same_id(a->id, b->id);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->created_ms, b->created_ms);
    assert_int_equal(a->updated_ms, b->updated_ms);
    assert_int_equal(a->not_before_ms, b->not_before_ms);
    assert_int_equal(a->due_ms, b->due_ms);
    assert_int_equal(a->ready_ms, b->ready_ms);
    assert_int_equal(a->rank_ms, b->rank_ms);
    assert_int_equal(a->score, b->score);
    assert_int_equal(a->priority, b->priority);
    assert_int_equal(a->attempts, b->attempts);
    assert_int_equal(a->claims, b->claims);
    assert_int_equal(a->claim.generation, b->claim.generation);
    assert_int_equal(a->claim.attempt, b->claim.attempt);
    assert_int_equal(a->claim.claimed_ms, b->claim.claimed_ms);
    assert_int_equal(a->claim.expires_ms, b->claim.expires_ms);
    assert_int_equal(a->claim.lease_ms, b->claim.lease_ms);
    assert_int_equal(a->progress_told_ms, b->progress_told_ms);
    assert_int_equal(a->max_attempts, b->max_attempts);
    assert_int_equal(a->note_count, b->note_count);
    assert_int_equal(a->artifact_count, b->artifact_count);
    assert_int_equal(a->notes_bytes, b->notes_bytes);
    assert_same_id(a->parent_id, b->parent_id);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->outcome, b->outcome);
    assert_int_equal(a->ready, b->ready);
    for (size_t i = 0; i < TB_TASK_STRING_COUNT; i++) {
        assert_same_str(a->strings[i], b->strings[i]);
    }
    assert_same_str(a->wire, b->wire);
    assert_int_equal(a->summary_len, b->summary_len);
    assert_int_equal(a->view_len, b->view_len);
}

void assert_same_attempt(const struct tb_attempt *a, const struct tb_attempt *b)
{
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->generation, b->generation);
    assert_int_equal(a->claimed_ms, b->claimed_ms);
    assert_int_equal(a->ended_ms, b->ended_ms);
    assert_int_equal(a->outcome, b->outcome);
    assert_int_equal(a->ended_by, b->ended_by);
    assert_int_equal(a->late, b->late);
    for (size_t i = 0; i < TB_ATTEMPT_STRING_COUNT; i++) {
        assert_same_str(a->strings[i], b->strings[i]);
    }
    assert_same_str(a->wire, b->wire);
}

void assert_same_vm(const struct tb_vm *a, const struct tb_vm *b)
{
    assert_same_id(a->number, b->number);
    assert_int_equal(a->registered_ms, b->registered_ms);
    assert_int_equal(a->seen_ms, b->seen_ms);
    assert_int_equal(a->ttl_ms, b->ttl_ms);
    assert_int_equal(a->due_ms, b->due_ms);
    assert_int_equal(a->stale_ms, b->stale_ms);
    assert_int_equal(a->spared, b->spared);
    assert_int_equal(a->role, b->role);
    assert_int_equal(a->status, b->status);
    for (size_t i = 0; i < TB_VM_STRING_COUNT; i++) {
        assert_same_str(a->strings[i], b->strings[i]);
    }
    assert_same_str(a->wire, b->wire);
}

void assert_same_credential(const struct tb_credential *a, const struct tb_credential *b)
{
    assert_same_id(a->id, b->id);
    assert_same_id(a->parent, b->parent);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->role, b->role);
    assert_int_equal(a->created_ms, b->created_ms);
    assert_int_equal(a->expires_ms, b->expires_ms);
    assert_memory_equal(a->digest, b->digest, sizeof a->digest);
    for (size_t i = 0; i < TB_CREDENTIAL_STRING_COUNT; i++) {
        assert_same_str(a->strings[i], b->strings[i]);
    }
    assert_same_str(a->wire, b->wire);
}

void assert_same_event(const struct tb_event *a, const struct tb_event *b)
{
    assert_int_equal(a->seq, b->seq);
    assert_same_id(a->id, b->id);
    assert_int_equal(a->at_ms, b->at_ms);
    assert_int_equal(a->type, b->type);
    assert_same_id(a->task_id, b->task_id);
    assert_same_str(a->wire, b->wire);
    assert_same_str(a->actor, b->actor);
    assert_same_str(a->tags, b->tags);
    assert_same_str(a->vm_id, b->vm_id);
    assert_same_str(a->data, b->data);
}

void assert_same_answer(const struct tb_answer *a, const struct tb_answer *b)
{
    assert_memory_equal(a->key, b->key, sizeof a->key);
    assert_memory_equal(a->fingerprint, b->fingerprint, sizeof a->fingerprint);
    assert_int_equal(a->at_ms, b->at_ms);
    assert_int_equal(a->http_status, b->http_status);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->seq, b->seq);
    assert_same_str(a->body, b->body);
}

/* --- lists --- */

static enum tb_visit remember(void *ctx, const struct tb_task *task)
{
    struct page *page = ctx;
    assert_true(page->count < sizeof page->ids / sizeof *page->ids);
    page->ids[page->count++] = task->id;
    page->last.id = task->id;
    page->last.key = page->order == TB_ORDER_UPDATED ? task->updated_ms
                     : page->order == TB_ORDER_RANK  ? task->rank_ms
                                                     : 0;
    return page->count == page->max ? TB_VISIT_STOP : TB_VISIT_NEXT;
}

struct page *list(struct tb_txn *txn, const struct tb_task_query *query, size_t max)
{
    struct page *page = calloc(1, sizeof *page);
    assert_non_null(page);
    page->max = max;
    page->order = query->order;
    assert_int_equal(tb_visit_tasks(txn, query, remember, page, &page->end), TB_OK);
    return page;
}

struct page *ready_list(struct tb_txn *txn, const struct tb_ready_query *query, size_t max)
{
    struct page *page = calloc(1, sizeof *page);
    assert_non_null(page);
    page->max = max;
    page->order = TB_ORDER_RANK;
    assert_int_equal(tb_visit_ready(txn, query, remember, page), TB_OK);
    return page;
}

/* Puts the pages one after the other and expects the whole. */
static void expect_pages(struct tb_txn *txn, struct tb_task_query query, size_t max,
                         const struct tb_id *ids, size_t count)
{
    size_t met = 0;
    bool more = true;
    for (size_t rounds = 0; more; rounds++) {
        assert_true(rounds <= 100000);
        struct page *page = list(txn, &query, max);
        assert_true(met + page->count <= count);
        for (size_t i = 0; i < page->count; i++) {
            assert_same_id(page->ids[i], ids[met++]);
        }
        more = page->end.more_to_scan || page->count == max;
        query.has_after = true;
        query.after = page->end.more_to_scan ? page->end.reached : page->last;
        free(page);
    }
    assert_int_equal(met, count);
}

void expect_list(struct tb_txn *txn, struct tb_task_query query, const struct tb_id *ids,
                 size_t count)
{
    static const uint32_t scans[] = {0, 1, 2, 7};
    for (size_t i = 0; i < sizeof scans / sizeof *scans; i++) {
        query.scan_max = scans[i];
        expect_pages(txn, query, SIZE_MAX, ids, count);
        for (size_t max = 1; max <= count + 1 && max <= 5; max++) {
            expect_pages(txn, query, max, ids, count);
        }
    }
}
