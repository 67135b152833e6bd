#include "scenario/history.h"

#include "scenario/promises.h"
#include "taskboard/limits.h"
#include "taskboard/storage_testing.h"

#define GUESSES    3  /* ids yet to come that commands may name */
#define LOOK_EVERY 16 /* batches between the costly checks */

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

/* Time ends leases before a command is looked at; what time does names no actor. */
static bool is_by_time(const struct tb_event *event)
{
    return event->actor.ptr == NULL &&
           (event->type == TB_EVENT_EXPIRED || event->type == TB_EVENT_DEAD ||
            event->type == TB_EVENT_CANCELLED);
}

static void count_event(struct history *h, const struct tb_event *event)
{
    struct step_events *events = &h->events;
    h->told[event->type]++;
    if (is_by_time(event)) {
        events->by_time++;
        return;
    }
    events->own++;
    events->claimed += event->type == TB_EVENT_CLAIMED ? 1 : 0;
    events->retried += event->type == TB_EVENT_RETRIED ? 1 : 0;
    events->late += event->type == TB_EVENT_LATE ? 1 : 0;
}

/* Who claims without naming a task gets the one that comes first. */
static bool is_next(struct history *h, const struct tb_event *event)
{
    struct tb_str args = expect_claim_args(h->command);
    const struct replay_task *next = args.ptr != NULL ? model_next(&h->replay, args) : NULL;
    return args.ptr == NULL || (next != NULL && tb_id_cmp(next->id, event->task_id) == 0);
}

/* The claims that wait are told of every task that has become ready, or was changed while it is. */
static bool was_noted_down(struct history *h, const struct replay_task *task)
{
    const struct tb_board *board = &h->boards[0].board;
    if (!board->collects_readied || task == NULL || !task->ready) {
        return true;
    }
    for (size_t i = 0; i < board->readied.count; i++) {
        if (tb_id_cmp(board->readied.ids[i], task->id) == 0) {
            return true;
        }
    }
    return false;
}

static enum tb_visit feed_event(void *ctx, const struct tb_event *event)
{
    struct feed *feed = ctx;
    struct history *h = feed->h;
    const struct replay_task *found = replay_find(&h->replay, event->task_id);
    struct replay_task before = {.generation = found != NULL ? found->generation : 0};
    count_event(h, event);
    promises_require(h, event->type != TB_EVENT_CLAIMED || is_next(h, event),
                     "another task should have been claimed");
    feed->good = replay_apply(&h->replay, event, feed->why, sizeof(feed->why));
    const struct replay_task *after = replay_find(&h->replay, event->task_id);
    feed->good = feed->good && model_apply(&h->model, event, found != NULL ? &before : NULL, after,
                                           h->command, feed->why, sizeof(feed->why));
    promises_require(h, event->type == TB_EVENT_LATE || was_noted_down(h, after),
                     "a ready task was not noted down");
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
    h->events = (struct step_events){.own = 0};
    enum tb_err err = tb_visit_events(h->boards[0].txn, h->replay.seq, any, feed_event, &feed);
    promises_require(h, err == TB_OK, "the log cannot be read");
    promises_require(h, feed.good, feed.why);
    model_settle_vms(&h->model);
    promises_require(h, h->replay.seq == fixture_head(&h->boards[0]).seq,
                     "the log ends before the head");
}

/* --- one command --- */

/* Those of the latest claims. */
static void fill_tokens(struct history *h)
{
    struct dice_pool *pool = &h->dice.pool;
    size_t first = h->model.count > DICE_TOKENS_MAX ? h->model.count - DICE_TOKENS_MAX : 0;
    pool->token_count = 0;
    for (size_t i = first; i < h->model.count; i++) {
        const struct model_attempt *attempt = &h->model.attempts[i];
        struct dice_token *token = &pool->tokens[pool->token_count++];
        token->task = attempt->task;
        token->live = attempt->outcome == TB_ATTEMPT_RUNNING;
        memcpy(token->text, attempt->token, sizeof(token->text));
    }
}

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
    fill_tokens(h);
}

static void send(struct history *h, const struct dice_command *command)
{
    for (size_t i = 0; i < h->board_count; i++) {
        struct fixture *f = &h->boards[i];
        f->if_match = command->if_match;
        f->claim_token = dice_takes_header(command->kind) ? command->token : TB_STR_NONE;
        f->force = command->force;
        f->attempt = command->attempt;
        f->vm_id = command->vm_id;
        fixture_send_body(f, command->kind, command->id, command->body);
    }
}

static void forget(struct history *h)
{
    h->command = NULL;
    for (size_t i = 0; i < h->board_count; i++) {
        h->boards[i].idempotency_key = NULL;
        fixture_forget(&h->boards[i]);
    }
}

/* The same request again, with the same key: the first answer, and no second effect. */
static void send_again(struct history *h, const struct dice_command *command)
{
    struct tb_reply first = h->boards[0].reply;
    struct tb_head before = fixture_head(&h->boards[0]);
    send(h, command);
    struct tb_head after = fixture_head(&h->boards[0]);
    const struct tb_reply *again = &h->boards[0].reply;
    promises_check_same_reply(h);
    promises_require(h, memcmp(&before, &after, sizeof(after)) == 0,
                     "a repeated request had an effect");
    promises_require(h,
                     again->replayed && again->err == first.err &&
                         again->http_status == first.http_status && again->version == first.version,
                     "a repeated request is not answered as before");
    promises_require_same(h, again->body, first.body,
                          "a repeated request is not answered as before");
    h->replayed++;
}

static void run_step(struct history *h)
{
    struct tb_head before = fixture_head(&h->boards[0]);
    h->step++;
    fill_pool(h);
    const struct dice_command command = dice_throw(&h->dice, h->boards[0].arena);
    h->command = &command;
    const struct expectation expectation =
        expect(&h->model, &h->replay, &command, h->boards[0].board.now_ms);
    for (size_t i = 0; i < h->board_count && command.repeated; i++) {
        h->boards[i].idempotency_key = tb_arena_printf(h->boards[i].arena, "%u", h->step).ptr;
    }
    send(h, &command);
    promises_check_same_reply(h);
    read_log(h, before.last_id);
    promises_check_reply(h, &before, &expectation);
    promises_check_tasks(h);
    if (command.repeated && h->boards[0].reply.err == TB_OK && h->boards[0].reply.seq != 0) {
        send_again(h, &command);
    }
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
    const struct expectation expectation = expect(&h->model, &h->replay, &command, f->board.now_ms);
    tb_fault_set(f->store, 1 + dice_roll(&h->dice, 30), err, true);
    send(h, &command);
    bool failed = tb_txn_error(f->txn) != TB_OK;
    tb_fault_set(f->store, 0, TB_OK, false);
    promises_require(h, failed == (f->reply.err == err), "the answer hides the engine's error");
    if (!failed) {
        read_log(h, before.last_id);
        promises_check_reply(h, &before, &expectation);
        promises_check_tasks(h);
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
    h->model.started_ms = h->boards[0].board.started_ms;
}

static void copy_model(struct model *to, const struct model *from)
{
    memcpy(to->attempts, from->attempts, from->count * sizeof(*from->attempts));
    to->count = from->count;
    to->started_ms = from->started_ms;
    memcpy(to->vms, from->vms, sizeof(to->vms));
}

static void begin(struct history *h)
{
    bool somebody_waits = dice_chance(&h->dice, 50);
    uint32_t claims_left = dice_chance(&h->dice, 30) ? dice_roll(&h->dice, 3) : TB_VM_CLAIMS_ENDED;
    h->head_before = fixture_head(&h->boards[0]);
    for (size_t i = 0; i < h->board_count; i++) {
        h->boards[i].board.collects_readied = somebody_waits;
        fixture_begin(&h->boards[i]);
        h->boards[i].board.vm_claims_left = claims_left;
    }
    replay_copy(&h->replay_before, &h->replay);
    copy_model(&h->model_before, &h->model);
    h->handled_before_ms = h->handled_ms;
    if (h->handled_ms > h->boards[0].board.now_ms) { /* the clock was set back, nothing written */
        h->handled_ms = h->boards[0].board.now_ms;
    }
}

static void run_due(struct history *h)
{
    unsigned max = dice_chance(&h->dice, 80) ? 1000 : 1 + dice_roll(&h->dice, 2);
    int64_t next_ms = fixture_run_due(&h->boards[0], max);
    int64_t now_ms = h->boards[0].board.now_ms;
    for (size_t i = 1; i < h->board_count; i++) {
        promises_require(h, fixture_run_due(&h->boards[i], max) == next_ms,
                         "the engines differ in time");
    }
    bool all = next_ms == 0 || next_ms > now_ms;
    promises_require(h, all || max < 1000 || h->boards[0].board.vm_claims_left == 0,
                     "something due was left over");
    if (all) {
        h->handled_ms = now_ms;
    }
    read_log(h, h->head_before.last_id);
    history_look_at_guard(h, all);
    promises_check_tasks(h);
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
    copy_model(&h->model, &h->model_before);
    h->handled_ms = h->handled_before_ms;
    struct tb_head head = fixture_head(&h->boards[0]);
    promises_require(h, memcmp(&head, &h->head_before, sizeof(head)) == 0,
                     "an aborted batch changed the head");
    promises_check_tasks(h);
}

static bool commit(struct history *h)
{
    struct fixture *f = &h->boards[0];
    bool fails = h->faulty && dice_chance(&h->dice, 10);
    if (fails) {
        tb_fault_set(f->store, 1, TB_E_STORAGE_FULL, true);
        promises_require(h, tb_write_commit(&f->txn) == TB_E_STORAGE_FULL,
                         "a failed commit says nothing");
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
        promises_check_tasks(h);
    }
    forget(h);
}

void history_run(struct history *h, unsigned steps)
{
    for (unsigned batch = 0; h->step < steps; batch++) {
        run_batch(h);
        if (batch % LOOK_EVERY == 0) {
            promises_check_all(h);
            forget(h);
        }
    }
    promises_check_all(h);
}
