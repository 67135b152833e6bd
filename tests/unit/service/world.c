#include "unit/service/world.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PATIENCE_SECONDS 10

/* --- clock --- */

static int64_t wall_ms(void *ctx)
{
    struct world *w = ctx;
    return atomic_fetch_add(&w->wall_ms, atomic_load(&w->wall_step_ms));
}

static int64_t monotonic_us(void *ctx)
{
    struct world *w = ctx;
    return atomic_fetch_add(&w->monotonic_us, atomic_load(&w->monotonic_step_us));
}

bool world_is_late(int64_t *start_us)
{
    int64_t now_us = tb_clock_monotonic_us(tb_clock_system());
    if (*start_us == 0) {
        *start_us = now_us;
    }
    return now_us - *start_us > PATIENCE_SECONDS * INT64_C(1000000);
}

static struct timespec deadline(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += PATIENCE_SECONDS;
    return at;
}

/* --- boxes --- */

/* On the committer thread: no asserts here, a test looks at the flags. */
static void deliver(struct tb_mailbox *mailbox, struct tb_job *jobs)
{
    struct box *box = (struct box *)mailbox;
    uint64_t head_seq = tb_service_head_seq(box->world->service);
    pthread_mutex_lock(&box->lock);
    unsigned before = box->jobs;
    *box->end = jobs;
    for (; *box->end != NULL; box->end = &(*box->end)->next) {
        box->jobs++;
        box->head_was_behind = box->head_was_behind || (*box->end)->reply.seq > head_seq;
    }
    if (box->deliveries < COUNT(box->deliveries_of)) {
        box->deliveries_of[box->deliveries] = box->jobs - before;
    }
    box->deliveries++;
    box->holding = box->holds;
    pthread_cond_broadcast(&box->changed);
    while (box->holds) {
        pthread_cond_wait(&box->changed, &box->lock);
    }
    box->holding = false;
    pthread_mutex_unlock(&box->lock);
}

static void announce(struct tb_mailbox *mailbox)
{
    struct box *box = (struct box *)mailbox;
    atomic_fetch_add(&box->announcements, 1);
}

static void open_box(struct box *box, struct world *w)
{
    *box = (struct box){.mailbox = {.deliver = deliver, .announce = announce}, .world = w};
    box->end = &box->first;
    pthread_mutex_init(&box->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&box->changed, &attr);
    pthread_condattr_destroy(&attr);
}

static void close_box(struct box *box)
{
    assert_false(box->head_was_behind);
    while (box->first != NULL) {
        struct tb_job *job = box->first;
        box->first = job->next;
        world_free_job(job);
    }
    pthread_cond_destroy(&box->changed);
    pthread_mutex_destroy(&box->lock);
}

void world_wait(struct box *box, unsigned jobs)
{
    const struct timespec at = deadline();
    int late = 0;
    pthread_mutex_lock(&box->lock);
    while (box->jobs < jobs && late == 0) {
        late = pthread_cond_timedwait(&box->changed, &box->lock, &at);
    }
    unsigned got = box->jobs;
    pthread_mutex_unlock(&box->lock);
    assert_in_range(got, jobs, UINT32_MAX);
}

struct tb_job *world_nth(struct box *box, unsigned n)
{
    pthread_mutex_lock(&box->lock);
    struct tb_job *job = box->first;
    for (; n > 0 && job != NULL; n--) {
        job = job->next;
    }
    pthread_mutex_unlock(&box->lock);
    assert_non_null(job);
    return job;
}

void world_hold(struct world *w, struct box *box)
{
    const struct timespec at = deadline();
    const struct tb_id nobody = {.bytes = {1}};
    int late = 0;
    pthread_mutex_lock(&box->lock);
    box->holds = true;
    pthread_mutex_unlock(&box->lock);
    world_submit(w, world_job(box, TB_COMMAND_BUMP, nobody, "{}"));
    pthread_mutex_lock(&box->lock);
    while (!box->holding && late == 0) {
        late = pthread_cond_timedwait(&box->changed, &box->lock, &at);
    }
    pthread_mutex_unlock(&box->lock);
    assert_int_equal(late, 0);
}

void world_release(struct box *box)
{
    pthread_mutex_lock(&box->lock);
    box->holds = false;
    pthread_cond_broadcast(&box->changed);
    pthread_mutex_unlock(&box->lock);
}

/* --- commits of which nobody knows --- */

/* On the committer thread. */
static struct tb_fate decide(void *ctx, enum tb_fault_call call)
{
    struct world *w = ctx;
    bool commits = call == TB_FAULT_COMMIT;
    w->commits += commits ? 1 : 0;
    if (commits && w->commit_fails) {
        w->commit_fails = false;
        return (struct tb_fate){.err = w->commit_err, .happens = w->commit_happens};
    }
    if (!w->commit_fails && w->calls_down > 0) {
        w->calls_down--;
        return (struct tb_fate){.err = TB_E_STORAGE_DOWN};
    }
    return (struct tb_fate){.err = TB_OK, .happens = true};
}

void world_fail_commit(struct world *w, enum tb_err err, bool happens, unsigned calls_down)
{
    w->commit_fails = true;
    w->commit_err = err;
    w->commit_happens = happens;
    w->calls_down = calls_down;
    w->commits = 0;
    tb_fault_ask(w->store, decide, w);
}

/* --- life --- */

void world_start(struct world *w)
{
    char why[256] = "";
    enum tb_err err = tb_service_start(&w->options, &w->service, why, sizeof(why));
    if (err != TB_OK) {
        fail_msg("%s", why);
    }
}

void world_stop(struct world *w)
{
    tb_service_stop(&w->service);
    assert_null(w->service);
}

int world_set_up(void **state)
{
    const struct tb_store_options options = {.url = "memory:", .readers_max = 8};
    char why[256];
    struct tb_store *memory = NULL;
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    assert_int_equal(tb_store_open(&options, &memory, why, sizeof(why)), TB_OK);
    assert_int_equal(tb_fault_wrap(memory, &w->store), TB_OK);
    w->clock = (struct tb_clock){wall_ms, monotonic_us, w};
    atomic_store(&w->wall_ms, FIXTURE_START_MS);
    w->random = 1;
    w->arena = tb_arena_new(0);
    for (size_t i = 0; i < WORLD_BOXES; i++) {
        open_box(&w->boxes[i], w);
    }
    w->options = (struct tb_service_options){
        .store = w->store,
        .clock = &w->clock,
        .board = {.aging_ms = 3600000, .default_max_attempts = 3},
        .random = fixture_random,
        .random_ctx = &w->random,
    };
    world_start(w);
    *state = w;
    return 0;
}

int world_tear_down(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < WORLD_BOXES; i++) {
        world_release(&w->boxes[i]);
    }
    tb_service_stop(&w->service);
    tb_fault_set(w->store, 0, TB_OK, false);
    world_verify(w);
    for (size_t i = 0; i < WORLD_BOXES; i++) {
        close_box(&w->boxes[i]);
    }
    tb_store_close(&w->store);
    tb_arena_free(w->arena);
    free(w);
    return 0;
}

/* --- jobs --- */

typedef bool parse_fn(struct tb_parse *parse, const struct tb_json *body,
                      struct tb_command *command);

static bool parse(struct tb_parse *parse, const struct tb_json *body, struct tb_command *command)
{
    static parse_fn *const parsers[TB_COMMAND_KIND_COUNT] = {
        [TB_COMMAND_CREATE] = tb_parse_create,
        [TB_COMMAND_PATCH] = tb_parse_patch,
        [TB_COMMAND_NOTE] = tb_parse_note,
        [TB_COMMAND_CLAIM] = tb_parse_claim,
        [TB_COMMAND_CLAIM_TASK] = tb_parse_claim_task,
        [TB_COMMAND_HEARTBEAT] = tb_parse_heartbeat,
        [TB_COMMAND_COMPLETE] = tb_parse_complete,
        [TB_COMMAND_FAIL] = tb_parse_fail,
        [TB_COMMAND_RELEASE] = tb_parse_release,
        [TB_COMMAND_PAUSE] = tb_parse_pause,
        [TB_COMMAND_RESUME] = tb_parse_resume,
        [TB_COMMAND_VM_REGISTER] = tb_parse_vm_register,
        [TB_COMMAND_VM_HEARTBEAT] = tb_parse_vm_heartbeat,
    };
    parse_fn *one = parsers[command->kind];
    return one == NULL || one(parse, body, command);
}

struct tb_job *world_job(struct box *box, enum tb_command_kind kind, struct tb_id id,
                         const char *format, ...)
{
    struct tb_job *job = calloc(1, sizeof(*job));
    assert_non_null(job);
    job->arena = tb_arena_new(0);
    job->mailbox = &box->mailbox;
    job->command = (struct tb_command){.kind = kind, .task_id = id};
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = tb_arena_alloc(job->arena, (size_t)len + 1);
    va_start(args, format);
    (void)vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    for (int i = 0; i < len; i++) {
        text[i] = text[i] == '\'' ? '"' : text[i];
    }
    struct tb_parse state = {.arena = job->arena};
    const struct tb_json *body = tb_parse_body(&state, tb_str_from(text, (size_t)len));
    assert_non_null(body);
    assert_true(parse(&state, body, &job->command));
    return job;
}

void world_free_job(struct tb_job *job)
{
    tb_arena_free(job->arena);
    free(job);
}

void world_submit(struct world *w, struct tb_job *job)
{
    assert_int_equal(tb_service_submit(w->service, job), TB_OK);
}

struct tb_job *world_create(struct box *box, const char *title)
{
    const struct tb_id none = {{0}};
    return world_job(box, TB_COMMAND_CREATE, none, "{'title':'%s','createdBy':'a'}", title);
}

void world_run(struct world *w, struct tb_job *job)
{
    struct box *box = (struct box *)job->mailbox;
    pthread_mutex_lock(&box->lock);
    unsigned before = box->jobs;
    pthread_mutex_unlock(&box->lock);
    world_submit(w, job);
    world_wait(box, before + 1);
}

void world_wait_for_seq(struct world *w, uint64_t seq)
{
    int64_t start_us = 0;
    while (tb_service_head_seq(w->service) < seq && !world_is_late(&start_us)) {
        sched_yield();
    }
    assert_int_equal(tb_service_head_seq(w->service), seq);
}

struct tb_job *world_claim(struct box *box, const char *agent, int wait_seconds)
{
    const struct tb_id none = {{0}};
    return world_job(box, TB_COMMAND_CLAIM, none, "{'agent':'%s','wait':%d}", agent, wait_seconds);
}

/* --- looking --- */

struct tb_id world_task_id(const struct tb_job *job)
{
    struct tb_id id;
    struct tb_str text = fixture_member(job->reply.body, "id");
    assert_int_equal(job->reply.err, TB_OK);
    assert_true(tb_ulid_parse(tb_str_from(text.ptr + 1, TB_ULID_LEN), &id));
    return id;
}

struct tb_str world_token(const struct tb_job *claim)
{
    static const char name[] = "\"token\":\"";
    struct tb_str body = claim->reply.body;
    const char *at = memmem(body.ptr, body.len, name, sizeof(name) - 1);
    assert_non_null(at);
    at += sizeof(name) - 1;
    const char *end = memchr(at, '"', (size_t)(body.ptr + body.len - at));
    assert_non_null(end);
    return tb_str_from(at, (size_t)(end - at));
}

static struct tb_txn *begin_read(struct world *w, struct tb_reader **reader)
{
    struct tb_txn *txn = NULL;
    assert_int_equal(tb_reader_new(w->store, reader), TB_OK);
    assert_int_equal(tb_read_begin(*reader, w->arena, &txn), TB_OK);
    return txn;
}

static void end_read(struct tb_txn *txn, struct tb_reader *reader)
{
    tb_read_end(&txn);
    tb_reader_free(&reader);
}

/* Its strings live as long as the world, on the memory engine, unless it is changed. */
struct tb_task world_task(struct world *w, struct tb_id id)
{
    struct tb_reader *reader = NULL;
    struct tb_txn *txn = begin_read(w, &reader);
    struct tb_task task;
    assert_int_equal(tb_get_task(txn, id, &task), TB_OK);
    end_read(txn, reader);
    return task;
}

struct tb_head world_head(struct world *w)
{
    struct tb_reader *reader = NULL;
    struct tb_txn *txn = begin_read(w, &reader);
    struct tb_head head = *tb_txn_head(txn);
    end_read(txn, reader);
    return head;
}

void world_verify(struct world *w)
{
    char why[256] = "";
    struct tb_reader *reader = NULL;
    struct tb_txn *txn = begin_read(w, &reader);
    int64_t last_ms = tb_txn_head(txn)->last_ms;
    int64_t now_ms = atomic_load(&w->wall_ms) > last_ms ? atomic_load(&w->wall_ms) : last_ms;
    bool holds = tb_board_verify(txn, &w->options.board, now_ms, w->arena, why, sizeof(why));
    end_read(txn, reader);
    if (!holds) {
        fail_msg("%s", why);
    }
}
