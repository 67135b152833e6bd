#include "scenario/promises.h"

#include <stdio.h>

#include "scenario/wire.h"

void promises_require(const struct history *h, bool condition, const char *what)
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

void promises_require_same(const struct history *h, struct tb_str got, struct tb_str wanted,
                           const char *what)
{
    if (!tb_str_eq(got, wanted)) {
        print_error("got    [%.*s]\nwanted [%.*s]\n", (int)got.len, got.len > 0 ? got.ptr : "",
                    (int)wanted.len, wanted.len > 0 ? wanted.ptr : "");
        promises_require(h, false, what);
    }
}

/* --- tasks --- */

/* No claim outlives its lease when time was handled, and readers see the end that was promised. */
static void check_claim(struct history *h, struct tb_str summary, const struct replay_task *task)
{
    struct model_attempt *attempt = model_by_generation(&h->model, task->generation);
    struct tb_str claim = fixture_member(summary, "claim");
    if (task->generation == 0) {
        promises_require(h, claim.ptr == NULL, "a claim is shown that nobody made");
        return;
    }
    int64_t ends_ms = model_ends_ms(&h->model, attempt);
    int64_t shown_ms = wire_instant(fixture_member(claim, "expiresAt"));
    struct tb_str progress = fixture_member(summary, "progress");
    promises_require(h, attempt->outcome == TB_ATTEMPT_RUNNING,
                     "a claim that has ended holds a task");
    promises_require(h, attempt->lost || ends_ms > h->handled_ms, "a lease was not ended");
    promises_require(h, shown_ms >= attempt->expires_ms, "a lease was shortened");
    promises_require(h,
                     shown_ms == attempt->expires_ms || shown_ms == ends_ms ||
                         (attempt->vm >= 0 && shown_ms <= ends_ms),
                     "a lease ends otherwise");
    attempt->expires_ms = shown_ms;
    promises_require(
        h,
        wire_number_or(progress.ptr != NULL ? fixture_member(progress, "percent") : progress, -1) ==
            attempt->percent,
        "progress was lost");
}

/* The next item. Most are just what is wanted, and need not be taken apart. */
static bool next_item(struct tb_str list, size_t *at, struct tb_str wanted, struct tb_str *item)
{
    if (list.len - *at > wanted.len && memcmp(list.ptr + *at + 1, wanted.ptr, wanted.len) == 0) {
        *item = tb_str_from(list.ptr + *at + 1, wanted.len);
        *at += wanted.len + 1;
        return true;
    }
    return wire_next(list, at, item);
}

static void check_task(struct history *h, struct tb_str item, const struct replay_task *task)
{
    struct tb_arena *arena = h->boards[0].arena;
    bool paused = replay_is_paused(&h->replay, task);
    if (tb_str_eq(item, task->summary) && task->generation == 0 && !(paused && task->ready)) {
        return;
    }
    promises_require_same(h, replay_lasting(arena, item, wire_bool(fixture_member(item, "ready"))),
                          replay_lasting(arena, task->summary, task->ready && !paused),
                          "a task is not what the log says");
    check_claim(h, item, task);
}

void promises_check_tasks(struct history *h)
{
    char why[1024];
    struct fixture *f = &h->boards[0];
    struct tb_head head = fixture_head(f);
    struct tb_str list = fixture_member(fixture_list(f, "view=summary"), "tasks");
    struct tb_str item;
    size_t at = 0;
    promises_require(h, replay_holds(&h->replay, &head, h->handled_ms, why, sizeof(why)), why);
    for (size_t left = h->replay.count; left > 0; left--) { /* newest first */
        const struct replay_task *task = &h->replay.tasks[left - 1];
        promises_require(h, next_item(list, &at, task->summary, &item),
                         "there are fewer tasks than the log says");
        check_task(h, item, task);
    }
    promises_require(h, !wire_next(list, &at, &item), "there are more tasks than the log says");
    history_check_fleet(h);
}

static void check_heads(struct history *h)
{
    struct tb_head first = fixture_head(&h->boards[0]);
    for (size_t i = 1; i < h->board_count; i++) {
        struct tb_head head = fixture_head(&h->boards[i]);
        head.store_id = first.store_id;
        promises_require(h, memcmp(&head, &first, sizeof(head)) == 0,
                         "the heads of the engines differ");
    }
}

static bool may_change_nothing(const struct history *h)
{
    switch (h->command->kind) {
    case TB_COMMAND_CREATE:
    case TB_COMMAND_CLAIM:
    case TB_COMMAND_HEARTBEAT:
    case TB_COMMAND_COMPLETE: /* repeated */
    case TB_COMMAND_FAIL:
    case TB_COMMAND_RELEASE:
    case TB_COMMAND_CANCEL:
    case TB_COMMAND_RETRY_MANY:
    case TB_COMMAND_PAUSE:
    case TB_COMMAND_RESUME:
    case TB_COMMAND_VM_PUT: /* as it was: a heartbeat */
    case TB_COMMAND_VM_PATCH:
    case TB_COMMAND_VM_HEARTBEAT:
        return true;
    default:
        return false;
    }
}

/* Besides what time had done before, a refusal has written nothing but a late result. */
static bool is_idle(const struct history *h, const struct tb_head *before,
                    const struct tb_head *after)
{
    if (h->events.own != h->events.late) {
        return false;
    }
    return h->events.by_time + h->events.late > 0 ? after->generation == before->generation
                                                  : memcmp(before, after, sizeof(*after)) == 0;
}

static void check_version(const struct history *h, const struct tb_reply *reply)
{
    struct tb_id id;
    if (reply->err != TB_OK || reply->version == 0) {
        return;
    }
    struct tb_str id_text = fixture_member(reply->body, "id");
    promises_require(h, tb_ulid_parse(tb_str_from(id_text.ptr + 1, TB_ULID_LEN), &id), "no id");
    const struct replay_task *task = replay_find(&h->replay, id);
    promises_require(h, task != NULL && task->version == reply->version,
                     "the answer has another version than the task");
}

void promises_check_reply(struct history *h, const struct tb_head *before,
                          const struct expectation *expectation)
{
    char why[1024];
    const struct tb_reply *reply = &h->boards[0].reply;
    struct tb_head after = fixture_head(&h->boards[0]);
    bool refused = reply->err != TB_OK;
    bool changed = h->events.own > 0;
    promises_require(h, !refused || is_idle(h, before, &after), "a refusal changed something");
    promises_require(h, reply->seq == (changed ? after.seq : 0), "the answer names another seq");
    promises_require(h, refused || reply->body.len > 0, "a success without a body");
    promises_require(h, refused || changed || may_change_nothing(h), "nothing was changed");
    promises_require(h,
                     reply->found_nothing == (!refused && h->command->kind == TB_COMMAND_CLAIM &&
                                              h->events.claimed == 0),
                     "a claim does not say that it found nothing");
    check_version(h, reply);
    promises_require(
        h, expect_holds(expectation, &h->replay, h->command, reply, &h->events, why, sizeof(why)),
        why);
    promises_require(h,
                     expect_learn(&h->model, &h->replay, h->command, reply,
                                  h->boards[0].board.now_ms, why, sizeof(why)),
                     why);
    if (!refused && h->command->kind == TB_COMMAND_RETRY_MANY && !h->command->bad) {
        promises_require(h, wire_number(fixture_member(reply->body, "count")) == h->events.retried,
                         "another number of tasks was retried");
    }
    h->answers[reply->err]++;
}

void promises_check_same_reply(struct history *h)
{
    const struct tb_reply *first = &h->boards[0].reply;
    for (size_t i = 1; i < h->board_count; i++) {
        const struct tb_reply *reply = &h->boards[i].reply;
        promises_require(h,
                         reply->err == first->err && reply->http_status == first->http_status &&
                             reply->version == first->version && reply->seq == first->seq &&
                             reply->replayed == first->replayed,
                         "the engines answer differently");
        promises_require_same(h, reply->message, first->message, "the engines answer differently");
        promises_require_same(h, reply->extra, first->extra, "the engines answer differently");
        promises_require_same(h, reply->body, first->body, "the engines answer differently");
    }
}

/* --- costly checks --- */

/* What is asked for by other ways than a list. */
static void check_same_reads(struct history *h, struct fixture *f)
{
    struct fixture *first = &h->boards[0];
    for (size_t k = 0; k < h->replay.count; k++) {
        struct tb_id id = h->replay.tasks[k].id;
        promises_require_same(h, fixture_why(f, id, "ann"), fixture_why(first, id, "ann"),
                              "the engines differ in why");
        promises_require_same(h, fixture_why(f, id, NULL), fixture_why(first, id, NULL),
                              "the engines differ in why");
    }
    promises_require_same(h, fixture_summary(f), fixture_summary(first),
                          "the engines differ in the summary");
}

/* Who asks why is told that he can have a task just when a claim would get it. */
static void check_why(struct history *h)
{
    struct fixture *f = &h->boards[0];
    const struct replay_task *next = model_next(&h->replay, fixture_json(f, "{'agent':'ann'}"));
    for (size_t k = 0; k < h->replay.count; k++) {
        const struct replay_task *task = &h->replay.tasks[k];
        struct tb_str why = fixture_why(f, task->id, "ann");
        bool wanted = task->status == TB_STATUS_OPEN && task->blocked_by.len == 2 &&
                      (task->ready || task->not_before_ms <= f->clock.now_ms) &&
                      (task->assignee.ptr == NULL || tb_str_eq_c(task->assignee, "ann")) &&
                      !replay_is_paused(&h->replay, task);
        promises_require(h, wire_bool(fixture_member(why, "claimable")) == wanted,
                         "why is wrong about a task");
        promises_require(
            h, (wire_number_or(fixture_member(why, "position"), 0) == 1) == (task == next),
            "why is wrong about the first task");
    }
}

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
            promises_require_same(h, fixture_list(&h->boards[i], queries[k]),
                                  fixture_list(&h->boards[0], queries[k]), queries[k]);
        }
        check_same_reads(h, &h->boards[i]);
        history_check_same_fleets(h, i);
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
        promises_require_same(h, tb_buf_str(&all), tb_str_from(tasks.ptr + 1, tasks.len - 2),
                              "the pages are not the list");
    }
}

static void check_records(struct history *h)
{
    for (size_t i = 0; i < h->board_count; i++) {
        for (size_t k = 0; k < h->replay.count; k++) {
            const struct replay_task *wanted = &h->replay.tasks[k];
            struct tb_task task = fixture_task(&h->boards[i], wanted->id);
            char why[1024];
            promises_require(
                h, task.note_count == wanted->notes && task.artifact_count == wanted->artifacts,
                "notes or artifacts were lost");
            promises_require(h,
                             model_check_attempts(&h->model, wanted->id,
                                                  fixture_attempts(&h->boards[i], wanted->id), why,
                                                  sizeof(why)),
                             why);
        }
    }
}

void promises_check_all(struct history *h)
{
    for (size_t i = 0; i < h->board_count; i++) {
        assert_verified(&h->boards[i]);
    }
    check_heads(h);
    check_same_lists(h);
    check_pages(h);
    check_records(h);
    check_why(h);
}
