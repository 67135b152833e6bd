#include "scenario/history.h"

#include <stdio.h>

#include "taskboard/storage_testing.h"

#define GUESSES    3  /* ids yet to come that commands may name */
#define LOOK_EVERY 16 /* batches between the costly checks */

/* Says where in which history it happened. */
static void require(const struct history *h, bool condition, const char *what)
{
    if (condition) {
        return;
    }
    print_error("TASKBOARD_SEED=%llu, step %u: %s\n", (unsigned long long)h->seed, h->step, what);
    if (h->command != NULL) {
        print_error("command %d: %.*s\n", (int)h->command->kind, (int)h->command->body.len,
                    h->command->body.ptr);
    }
    fail();
}

static void require_same(const struct history *h, struct tb_str got, struct tb_str wanted,
                         const char *what)
{
    if (!tb_str_eq(got, wanted)) {
        print_error("got    [%.*s]\nwanted [%.*s]\n", (int)got.len, got.len > 0 ? got.ptr : "",
                    (int)wanted.len, wanted.len > 0 ? wanted.ptr : "");
        require(h, false, what);
    }
}

/* --- life --- */

void history_open(struct history *h, uint64_t seed, enum history_kind kind)
{
    static const enum fixture_engine engines[] = {FIXTURE_MEMORY, FIXTURE_LMDB};
    *h = (struct history){
        .seed = seed,
        .board_count = kind == HISTORY_TWO_ENGINES ? 2 : 1,
        .faulty = kind == HISTORY_FAULTY,
    };
    h->dice.state = seed * UINT64_C(0x9E3779B97F4A7C15) | 1;
    for (size_t i = 0; i < h->board_count; i++) {
        fixture_open(&h->boards[i], engines[i], seed | 1);
        h->boards[i].actor = TB_STR("the token"); /* nobody: the board itself did it */
    }
    if (h->faulty) {
        fixture_add_faults(&h->boards[0]);
    }
}

void history_close(struct history *h)
{
    for (size_t i = 0; i < h->board_count; i++) {
        fixture_close(&h->boards[i]);
    }
    replay_fini(&h->replay);
}

/* --- the log --- */

struct feed {
    struct history *h;
    char why[1024];
    bool good;
};

static enum tb_visit feed_event(void *ctx, const struct tb_event *event)
{
    struct feed *feed = ctx;
    struct history *h = feed->h;
    feed->good = replay_apply(&h->replay, event, feed->why, sizeof(feed->why));
    if (event->type == TB_EVENT_DELETED) {
        h->gone[h->gone_count++ % HISTORY_GONE_MAX] = event->task_id;
    }
    return feed->good ? TB_VISIT_NEXT : TB_VISIT_STOP;
}

/* Reads the events that the last command wrote. */
static void read_log(struct history *h, struct tb_id floor_id)
{
    const struct tb_id any = {{0}};
    struct feed feed = {.h = h, .good = true};
    h->replay.floor_id = floor_id;
    enum tb_err err = tb_visit_events(h->boards[0].txn, h->replay.seq, any, feed_event, &feed);
    require(h, err == TB_OK, "the log cannot be read");
    require(h, feed.good, feed.why);
    require(h, h->replay.seq == fixture_head(&h->boards[0]).seq, "the log ends before the head");
}

/* --- checks --- */

static void check_tasks(struct history *h)
{
    char why[1024];
    struct fixture *f = &h->boards[0];
    struct tb_head head = fixture_head(f);
    require(h, replay_holds(&h->replay, &head, h->handled_ms, why, sizeof(why)), why);
    require_same(h, fixture_list(f, "view=summary"), replay_list(&h->replay, f->arena),
                 "the tasks are not what the log says");
}

static void check_heads(struct history *h)
{
    struct tb_head first = fixture_head(&h->boards[0]);
    for (size_t i = 1; i < h->board_count; i++) {
        struct tb_head head = fixture_head(&h->boards[i]);
        head.store_id = first.store_id;
        require(h, memcmp(&head, &first, sizeof(head)) == 0, "the heads of the engines differ");
    }
}

static void check_reply(struct history *h, const struct tb_head *before)
{
    const struct fixture *f = &h->boards[0];
    struct tb_head after = fixture_head(&h->boards[0]);
    bool refused = f->reply.err != TB_OK;
    bool changed = after.seq != before->seq;
    require(h, !refused || memcmp(before, &after, sizeof(after)) == 0,
            "a refusal changed the head");
    require(h, f->reply.seq == (changed ? after.seq : 0), "the answer names another seq");
    require(h, refused || f->reply.body.len > 0, "a success without a body");
    require(h, refused || changed || h->command->kind == TB_COMMAND_CREATE, "nothing was changed");
    if (!refused && f->reply.version != 0) {
        struct tb_str id_text = fixture_member(f->reply.body, "id");
        struct tb_id id;
        require(h, tb_ulid_parse(tb_str_from(id_text.ptr + 1, TB_ULID_LEN), &id), "no id");
        const struct replay_task *task = replay_find(&h->replay, id);
        require(h, task != NULL && task->version == f->reply.version,
                "the answer has another version than the task");
    }
    h->answers[f->reply.err]++;
}

static void check_same_reply(struct history *h)
{
    const struct tb_reply *first = &h->boards[0].reply;
    for (size_t i = 1; i < h->board_count; i++) {
        const struct tb_reply *reply = &h->boards[i].reply;
        require(h,
                reply->err == first->err && reply->http_status == first->http_status &&
                    reply->version == first->version && reply->seq == first->seq,
                "the engines answer differently");
        require_same(h, reply->message, first->message, "the engines answer differently");
        require_same(h, reply->extra, first->extra, "the engines answer differently");
        require_same(h, reply->body, first->body, "the engines answer differently");
    }
}

/* --- costly checks, between batches --- */

static void check_same_lists(struct history *h)
{
    static const char *const queries[] = {
        "",
        "order=updated",
        "order=rank&view=summary",
        "ready=true&order=rank",
        "status=done",
        "status=open,blocked&order=updated",
        "tag=x&tag=y",
        "tag=%22",
        "assignee=bob",
        "q=fence",
        "q=größe+漢字",
        "createdBy=ann&status=open",
        "updatedSince=2023-11-15T00:00:00Z",
        "ready=false&limit=3",
        "order=updated&limit=5&status=in_review,in_progress",
        "order=rank&limit=4",
        "fields=id,notes,artifacts,version",
        "maxBytes=4000",
    };
    for (size_t i = 1; i < h->board_count; i++) {
        for (size_t k = 0; k < COUNT(queries); k++) {
            require_same(h, fixture_list(&h->boards[i], queries[k]),
                         fixture_list(&h->boards[0], queries[k]), queries[k]);
        }
    }
}

/* Pages by cursor, put together, must be the whole list. */
static void check_pages(struct history *h)
{
    static const char *const orders[] = {"created", "updated", "rank"};
    for (size_t i = 0; i < h->board_count; i++) {
        struct fixture *f = &h->boards[i];
        const char *order = orders[dice_roll(&h->dice, 3)];
        struct tb_str whole =
            fixture_list(f, tb_arena_printf(f->arena, "fields=id&order=%s", order).ptr);
        struct tb_buf all;
        tb_buf_init(&all, f->arena, 1024);
        unsigned limit = 1 + dice_roll(&h->dice, 9);
        struct tb_str cursor = TB_STR("");
        while (cursor.ptr != NULL) {
            struct tb_str page = fixture_list(
                f, tb_arena_printf(f->arena, "fields=id&order=%s&limit=%u%s%.*s", order, limit,
                                   cursor.len > 0 ? "&cursor=" : "", (int)cursor.len, cursor.ptr)
                       .ptr);
            struct tb_str tasks = fixture_member(page, "tasks");
            tb_buf_add_c(&all, cursor.len > 0 && tasks.len > 2 ? "," : "");
            tb_buf_add(&all, tasks.ptr + 1, tasks.len - 2);
            cursor = fixture_member(page, "nextCursor");
            cursor = cursor.ptr == NULL ? cursor : tb_str_from(cursor.ptr + 1, cursor.len - 2);
        }
        struct tb_str tasks = fixture_member(whole, "tasks");
        require_same(h, tb_buf_str(&all), tb_str_from(tasks.ptr + 1, tasks.len - 2),
                     "the pages are not the list");
    }
}

static void check_records(struct history *h)
{
    for (size_t i = 0; i < h->board_count; i++) {
        for (size_t k = 0; k < h->replay.count; k++) {
            const struct replay_task *wanted = &h->replay.tasks[k];
            struct tb_task task = fixture_task(&h->boards[i], wanted->id);
            require(h, task.note_count == wanted->notes && task.artifact_count == wanted->artifacts,
                    "notes or artifacts were lost");
        }
    }
}

static void check_all(struct history *h)
{
    for (size_t i = 0; i < h->board_count; i++) {
        assert_verified(&h->boards[i]);
    }
    check_heads(h);
    check_same_lists(h);
    check_pages(h);
    check_records(h);
}

/* --- one command --- */

/* All ids of the board, some that are gone, some that will come if the clock stands still. */
static void fill_pool(struct history *h)
{
    struct dice_pool *pool = &h->dice.pool;
    struct tb_id next = fixture_head(&h->boards[0]).last_id;
    pool->count = 0;
    for (size_t i = 0;
         i < h->replay.count && pool->count < DICE_IDS_MAX - HISTORY_GONE_MAX - GUESSES; i++) {
        pool->ids[pool->count++] = h->replay.tasks[i].id;
    }
    for (size_t i = 0; i < h->gone_count && i < HISTORY_GONE_MAX; i++) {
        pool->ids[pool->count++] = h->gone[i];
    }
    for (int i = 0; i < GUESSES; i++) {
        next.bytes[15]++;
        pool->ids[pool->count++] = next;
    }
    h->dice.tasks = h->replay.count;
}

static void send(struct history *h, const struct dice_command *command)
{
    for (size_t i = 0; i < h->board_count; i++) {
        struct fixture *f = &h->boards[i];
        f->if_match = command->if_match;
        fixture_send_body(f, command->kind, command->id, command->body);
    }
}

static void forget(struct history *h)
{
    h->command = NULL;
    for (size_t i = 0; i < h->board_count; i++) {
        fixture_forget(&h->boards[i]);
    }
}

static void run_step(struct history *h)
{
    struct tb_head before = fixture_head(&h->boards[0]);
    h->step++;
    fill_pool(h);
    const struct dice_command command = dice_throw(&h->dice, h->boards[0].arena);
    h->command = &command;
    send(h, &command);
    check_same_reply(h);
    read_log(h, before.last_id);
    check_reply(h, &before);
    check_tasks(h);
    forget(h);
}

/* A command during which the engine fails at some call; true when it did. */
static bool run_faulty_step(struct history *h)
{
    static const enum tb_err errors[] = {TB_E_STORAGE_FULL, TB_E_STORAGE_DOWN, TB_E_CONFLICT,
                                         TB_E_STORAGE_CORRUPT};
    struct fixture *f = &h->boards[0];
    enum tb_err err = errors[dice_roll(&h->dice, COUNT(errors))];
    struct tb_head before = fixture_head(f);
    h->step++;
    fill_pool(h);
    const struct dice_command command = dice_throw(&h->dice, f->arena);
    h->command = &command;
    tb_fault_set(f->store, 1 + dice_roll(&h->dice, 30), err, true);
    send(h, &command);
    bool failed = tb_txn_error(f->txn) != TB_OK;
    tb_fault_set(f->store, 0, TB_OK, false);
    require(h, failed == (f->reply.err == err), "the answer hides the engine's error");
    if (!failed) {
        read_log(h, before.last_id);
        check_reply(h, &before);
        check_tasks(h);
    }
    forget(h);
    return failed;
}

/* --- one batch --- */

static void move_clock(struct history *h)
{
    int64_t ms = 0;
    unsigned roll = dice_roll(&h->dice, 100);
    if (roll >= 97) {
        ms = (int64_t)dice_roll(&h->dice, 36000000);
    } else if (roll >= 93) {
        ms = -(int64_t)dice_roll(&h->dice, 3600000);
    } else if (roll >= 75) {
        ms = (int64_t)dice_roll(&h->dice, 60000);
    } else if (roll >= 35) {
        ms = (int64_t)dice_roll(&h->dice, 3);
    }
    for (size_t i = 0; i < h->board_count; i++) {
        fixture_advance(&h->boards[i], ms);
    }
}

static void restart(struct history *h)
{
    for (size_t i = 0; i < h->board_count; i++) {
        fixture_restart(&h->boards[i]);
    }
}

static void begin(struct history *h)
{
    for (size_t i = 0; i < h->board_count; i++) {
        fixture_begin(&h->boards[i]);
    }
    replay_copy(&h->replay_before, &h->replay);
    h->head_before = fixture_head(&h->boards[0]);
    h->handled_before_ms = h->handled_ms;
}

static void run_due(struct history *h)
{
    unsigned max = dice_chance(&h->dice, 80) ? 1000 : 1 + dice_roll(&h->dice, 2);
    int64_t next_ms = fixture_run_due(&h->boards[0], max);
    int64_t now_ms = h->boards[0].board.now_ms;
    for (size_t i = 1; i < h->board_count; i++) {
        require(h, fixture_run_due(&h->boards[i], max) == next_ms, "the engines differ in time");
    }
    require(h, next_ms == 0 || next_ms > now_ms || max < 1000, "something due was left over");
    if (next_ms == 0 || next_ms > now_ms) {
        h->handled_ms = now_ms;
    }
    read_log(h, h->head_before.last_id);
    check_tasks(h);
}

/* Everything must be as it was before the batch. */
static void take_back(struct history *h)
{
    for (size_t i = 0; i < h->board_count; i++) {
        if (h->boards[i].txn != NULL) {
            fixture_abort(&h->boards[i]);
        }
    }
    replay_fini(&h->replay);
    h->replay = h->replay_before;
    h->handled_ms = h->handled_before_ms;
    struct tb_head head = fixture_head(&h->boards[0]);
    require(h, memcmp(&head, &h->head_before, sizeof(head)) == 0,
            "an aborted batch changed the head");
    check_tasks(h);
}

static bool commit(struct history *h)
{
    struct fixture *f = &h->boards[0];
    bool fails = h->faulty && dice_chance(&h->dice, 10);
    if (fails) {
        tb_fault_set(f->store, 1, TB_E_STORAGE_FULL, true);
        require(h, tb_write_commit(&f->txn) == TB_E_STORAGE_FULL, "a failed commit says nothing");
        tb_fault_set(f->store, 0, TB_OK, false);
        return false;
    }
    for (size_t i = 0; i < h->board_count; i++) {
        fixture_commit(&h->boards[i]);
    }
    return true;
}

static void run_batch(struct history *h)
{
    bool failed = false;
    move_clock(h);
    if (dice_chance(&h->dice, 3)) {
        restart(h);
    }
    begin(h);
    if (dice_chance(&h->dice, 75)) {
        run_due(h);
    }
    for (unsigned left = 1 + dice_roll(&h->dice, 8); left > 0 && !failed; left--) {
        if (h->faulty && dice_chance(&h->dice, 20)) {
            failed = run_faulty_step(h);
        } else {
            run_step(h);
        }
    }
    if (failed || dice_chance(&h->dice, 8) || !commit(h)) {
        take_back(h);
    } else {
        replay_fini(&h->replay_before);
        check_tasks(h);
    }
    forget(h);
}

void history_run(struct history *h, unsigned steps)
{
    for (unsigned batch = 0; h->step < steps; batch++) {
        run_batch(h);
        if (batch % LOOK_EVERY == 0) {
            check_all(h);
            forget(h);
        }
    }
    check_all(h);
}
