#include "scenario/replay.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/instant.h"

#define FAIL(why, why_size, ...) ((void)snprintf((why), (why_size), __VA_ARGS__), false)

/* --- life --- */

static struct tb_str own(struct tb_str s)
{
    char *copy = malloc(s.len);
    assert_non_null(copy);
    memcpy(copy, s.ptr, s.len);
    return tb_str_from(copy, s.len);
}

static void disown(struct tb_str s)
{
    free((void *)(uintptr_t)s.ptr);
}

void replay_fini(struct replay *replay)
{
    for (size_t i = 0; i < replay->count; i++) {
        disown(replay->tasks[i].summary);
    }
    *replay = (struct replay){.count = 0};
}

static struct tb_str moved(struct tb_str slice, const char *from, const char *to)
{
    return slice.ptr == NULL ? slice : tb_str_from(to + (slice.ptr - from), slice.len);
}

void replay_copy(struct replay *to, const struct replay *from)
{
    *to = *from;
    for (size_t i = 0; i < to->count; i++) {
        struct replay_task *task = &to->tasks[i];
        const char *before = task->summary.ptr;
        task->summary = own(task->summary);
        const char *now = task->summary.ptr;
        task->blocked_by = moved(task->blocked_by, before, now);
        task->unique_key = moved(task->unique_key, before, now);
        for (size_t k = 0; k < task->dependency_count; k++) {
            task->dependencies[k] = moved(task->dependencies[k], before, now);
        }
    }
}

/* --- reading the wire format --- */

static int64_t number_of(struct tb_str json)
{
    int64_t number = -1;
    assert_true(tb_str_to_i64(json, &number));
    return number;
}

/* The text between the quotes; absent when the member is. */
static struct tb_str text_of(struct tb_str json)
{
    return json.ptr == NULL ? json : tb_str_from(json.ptr + 1, json.len - 2);
}

static int64_t instant_of(struct tb_str json)
{
    int64_t ms = 0;
    assert_true(json.ptr == NULL || tb_instant_parse(text_of(json), &ms));
    return ms;
}

static struct tb_id id_of(struct tb_str json)
{
    struct tb_id id = {{0}};
    assert_true(tb_ulid_parse(text_of(json), &id));
    return id;
}

static void read_dependencies(struct replay_task *task, struct tb_str array)
{
    const char *at = array.ptr + 1;
    const char *end = array.ptr + array.len - 1;
    task->dependency_count = 0;
    while (at < end) {
        const char *start = ++at;
        while (*at != '"') {
            at += *at == '\\' ? 2 : 1;
        }
        assert_true(task->dependency_count < REPLAY_DEPENDENCIES_MAX);
        task->dependencies[task->dependency_count++] = tb_str_from(start, (size_t)(at - start));
        at += 2;
    }
}

/* Reads the summary into the other fields, but for notes and artifacts. */
static void read_task(struct replay_task *task)
{
    struct tb_str json = task->summary;
    task->id = id_of(fixture_member(json, "id"));
    memcpy(task->id_text, fixture_member(json, "id").ptr + 1, TB_ULID_LEN);
    task->version = (uint64_t)number_of(fixture_member(json, "version"));
    task->updated_ms = instant_of(fixture_member(json, "updatedAt"));
    task->not_before_ms = instant_of(fixture_member(json, "notBefore"));
    assert_true(tb_status_parse(text_of(fixture_member(json, "status")), &task->status));
    struct tb_str outcome = text_of(fixture_member(json, "outcome"));
    task->success = tb_str_eq_c(outcome, "success");
    task->ready = tb_str_eq_c(fixture_member(json, "ready"), "true");
    task->blocked_by = fixture_member(json, "blockedBy");
    task->unique_key = text_of(fixture_member(json, "uniqueKey"));
    read_dependencies(task, fixture_member(json, "dependencies"));
}

/* --- events --- */

static struct replay_task *find(struct replay *replay, struct tb_id id)
{
    for (size_t i = 0; i < replay->count; i++) {
        if (tb_id_cmp(replay->tasks[i].id, id) == 0) {
            return &replay->tasks[i];
        }
    }
    return NULL;
}

const struct replay_task *replay_find(const struct replay *replay, struct tb_id id)
{
    return find((struct replay *)(uintptr_t)replay, id);
}

static bool check_envelope(const struct replay *replay, const struct tb_event *event, char *why,
                           size_t why_size)
{
    struct tb_str wire = event->wire;
    struct tb_str data = fixture_member(wire, "data");
    struct tb_str task = fixture_member(data, "task"); /* absent when it was deleted */
    unsigned long long seq = event->seq;
    if (event->seq != replay->seq + 1 ||
        number_of(fixture_member(wire, "seq")) != (int64_t)event->seq) {
        return FAIL(why, why_size, "event %llu follows event %llu", seq,
                    (unsigned long long)replay->seq);
    }
    if (event->at_ms < replay->last_ms || instant_of(fixture_member(wire, "at")) != event->at_ms) {
        return FAIL(why, why_size, "event %llu goes back in time", seq);
    }
    if (tb_id_cmp(event->id, replay->last_event_id) <= 0 ||
        tb_id_cmp(id_of(fixture_member(wire, "id")), event->id) != 0) {
        return FAIL(why, why_size, "the id of event %llu does not rise", seq);
    }
    if ((task.ptr == NULL) != (event->type == TB_EVENT_DELETED)) {
        return FAIL(why, why_size, "event %llu should tell its task unless that is gone", seq);
    }
    if (tb_id_cmp(id_of(fixture_member(wire, "taskId")), event->task_id) != 0 ||
        (task.ptr != NULL && tb_id_cmp(id_of(fixture_member(task, "id")), event->task_id) != 0)) {
        return FAIL(why, why_size, "event %llu names two tasks", seq);
    }
    if (!tb_str_eq_c(text_of(fixture_member(wire, "type")), tb_event_type_name(event->type)) ||
        !tb_str_eq(text_of(fixture_member(wire, "actor")), event->actor) ||
        !tb_str_eq(fixture_member(task.ptr != NULL ? task : data, "tags"), event->tags)) {
        return FAIL(why, why_size, "event %llu is not what its wire says", seq);
    }
    return true;
}

static bool check_change(const struct replay_task *before, const struct replay_task *after,
                         const struct tb_event *event, char *why, size_t why_size)
{
    unsigned long long seq = event->seq;
    bool quiet = event->type == TB_EVENT_READY ||
                 (event->type == TB_EVENT_UPDATED && event->actor.ptr == NULL);
    if (after->version != before->version + 1) {
        return FAIL(why, why_size, "event %llu goes from version %llu to %llu", seq,
                    (unsigned long long)before->version, (unsigned long long)after->version);
    }
    if (after->updated_ms != (quiet ? before->updated_ms : event->at_ms)) {
        return FAIL(why, why_size, "event %llu has a wrong updatedAt", seq);
    }
    if (event->type == TB_EVENT_READY && (before->ready || !after->ready)) {
        return FAIL(why, why_size, "event %llu makes nothing ready", seq);
    }
    if (event->type == TB_EVENT_UPDATED && quiet &&
        tb_str_eq(before->blocked_by, after->blocked_by)) {
        return FAIL(why, why_size, "event %llu tells nothing", seq);
    }
    return true;
}

/* Counts what an event adds to a task, as far as its data tells. */
static void count_records(struct replay_task *task, struct tb_str data)
{
    struct tb_str artifacts = fixture_member(data, "artifacts");
    task->notes += fixture_member(data, "note").ptr != NULL ? 1 : 0;
    for (size_t i = 0; i + 8 < artifacts.len; i++) {
        task->artifacts += memcmp(artifacts.ptr + i, "{\"type\":", 8) == 0 ? 1 : 0;
    }
}

static bool apply_created(struct replay *replay, struct tb_str summary, char *why, size_t why_size)
{
    struct replay_task task = {.summary = summary};
    read_task(&task);
    if (task.version != 1 || tb_id_cmp(task.id, replay->floor_id) <= 0 ||
        find(replay, task.id) != NULL) {
        return FAIL(why, why_size, "event %llu creates what is no new task",
                    (unsigned long long)replay->seq + 1);
    }
    assert_true(replay->count < REPLAY_TASKS_MAX);
    size_t at = replay->count++;
    for (; at > 0 && tb_id_cmp(replay->tasks[at - 1].id, task.id) > 0; at--) {
        replay->tasks[at] = replay->tasks[at - 1];
    }
    task.summary = own(summary);
    read_task(&task);
    replay->tasks[at] = task;
    return true;
}

static bool apply_deleted(struct replay *replay, struct replay_task *task, struct tb_str tags,
                          char *why, size_t why_size)
{
    if (!tb_str_eq(fixture_member(task->summary, "tags"), tags)) {
        return FAIL(why, why_size, "event %llu deletes another task than there was",
                    (unsigned long long)replay->seq + 1);
    }
    disown(task->summary);
    size_t at = (size_t)(task - replay->tasks);
    memmove(task, task + 1, (replay->count - at - 1) * sizeof(*task));
    replay->count--;
    return true;
}

static bool apply_changed(struct replay_task *task, const struct tb_event *event,
                          struct tb_str summary, char *why, size_t why_size)
{
    struct replay_task after = {
        .summary = own(summary), .notes = task->notes, .artifacts = task->artifacts};
    read_task(&after);
    count_records(&after, fixture_member(event->wire, "data"));
    bool good = check_change(task, &after, event, why, why_size);
    disown(task->summary);
    *task = after;
    return good;
}

bool replay_apply(struct replay *replay, const struct tb_event *event, char *why, size_t why_size)
{
    struct tb_str data = fixture_member(event->wire, "data");
    struct tb_str summary = fixture_member(data, "task");
    struct replay_task *task = find(replay, event->task_id);
    bool good = check_envelope(replay, event, why, why_size);
    if (!good) {
        return false;
    }
    if (event->type == TB_EVENT_CREATED) {
        good = apply_created(replay, summary, why, why_size);
    } else if (task == NULL) {
        good = FAIL(why, why_size, "event %llu is about a task that is not there",
                    (unsigned long long)event->seq);
    } else if (event->type == TB_EVENT_DELETED) {
        good = apply_deleted(replay, task, event->tags, why, why_size);
    } else {
        good = apply_changed(task, event, summary, why, why_size);
    }
    replay->seq = event->seq;
    replay->last_ms = event->at_ms;
    replay->last_event_id = event->id;
    return good;
}

struct tb_str replay_list(const struct replay *replay, struct tb_arena *arena)
{
    struct tb_buf out;
    tb_buf_init(&out, arena, 512 * replay->count + 64);
    TB_BUF_LIT(&out, "{\"tasks\":[");
    for (size_t i = replay->count; i-- > 0;) {
        tb_buf_add_str(&out, replay->tasks[i].summary);
        if (i > 0) {
            TB_BUF_LIT(&out, ",");
        }
    }
    TB_BUF_LIT(&out, "],\"count\":");
    tb_buf_add_u64(&out, replay->count);
    TB_BUF_LIT(&out, "}");
    return tb_buf_str(&out);
}

/* --- what must hold between the tasks --- */

static const struct replay_task *named(const struct replay *replay, struct tb_str text)
{
    for (size_t i = 0; i < replay->count; i++) {
        const struct replay_task *task = &replay->tasks[i];
        if (text.len == TB_ULID_LEN && memcmp(text.ptr, task->id_text, TB_ULID_LEN) == 0) {
            return task;
        }
    }
    return NULL;
}

static bool check_waiting(const struct replay *replay, const struct replay_task *task,
                          int64_t handled_ms, char *why, size_t why_size)
{
    char wanted[REPLAY_DEPENDENCIES_MAX * 64] = "[";
    size_t len = 1;
    for (size_t i = 0; i < task->dependency_count; i++) {
        struct tb_str text = task->dependencies[i];
        const struct replay_task *dependency = named(replay, text);
        bool met =
            dependency != NULL && dependency->status == TB_STATUS_DONE && dependency->success;
        if (task->status != TB_STATUS_DONE && !met) {
            len += (size_t)snprintf(wanted + len, sizeof(wanted) - len, "%s\"%.*s\"",
                                    len > 1 ? "," : "", (int)text.len, text.ptr);
        }
    }
    wanted[len++] = ']';
    if (!tb_str_eq(task->blocked_by, tb_str_from(wanted, len))) {
        return FAIL(why, why_size, "blockedBy should be %.*s: %.*s", (int)len, wanted,
                    (int)task->summary.len, task->summary.ptr);
    }
    bool free = task->status == TB_STATUS_OPEN && len == 2;
    bool must = free && task->not_before_ms <= handled_ms;
    bool may = free && task->not_before_ms <= replay->last_ms;
    if ((must && !task->ready) || (task->ready && !may)) {
        return FAIL(why, why_size, "ready is wrong: %.*s", (int)task->summary.len,
                    task->summary.ptr);
    }
    return true;
}

/* Takes away tasks that wait for none of those left, as long as there are some. */
static bool is_free_of_cycles(const struct replay *replay)
{
    bool gone[REPLAY_TASKS_MAX] = {false};
    size_t left = replay->count;
    for (bool progress = true; progress;) {
        progress = false;
        for (size_t i = 0; i < replay->count; i++) {
            bool waits = false;
            for (size_t k = 0; k < replay->tasks[i].dependency_count && !gone[i]; k++) {
                const struct replay_task *to = named(replay, replay->tasks[i].dependencies[k]);
                waits = waits || (to != NULL && !gone[to - replay->tasks]);
            }
            if (!gone[i] && !waits) {
                gone[i] = true;
                progress = true;
                left--;
            }
        }
    }
    return left == 0;
}

static bool check_keys(const struct replay *replay, char *why, size_t why_size)
{
    for (size_t i = 0; i < replay->count; i++) {
        const struct replay_task *task = &replay->tasks[i];
        for (size_t k = 0; k < i && task->unique_key.ptr != NULL; k++) {
            const struct replay_task *other = &replay->tasks[k];
            if (task->status != TB_STATUS_DONE && other->status != TB_STATUS_DONE &&
                tb_str_eq(task->unique_key, other->unique_key)) {
                return FAIL(why, why_size, "two tasks have the key %.*s", (int)task->unique_key.len,
                            task->unique_key.ptr);
            }
        }
    }
    return true;
}

static bool check_counters(const struct replay *replay, const struct tb_head *head, char *why,
                           size_t why_size)
{
    uint64_t counts[TB_STATE_COUNT] = {0};
    for (size_t i = 0; i < replay->count; i++) {
        const struct replay_task *task = &replay->tasks[i];
        static const enum tb_state states[TB_STATUS_COUNT] = {
            TB_STATE_WAITING, TB_STATE_IN_PROGRESS, TB_STATE_IN_REVIEW, TB_STATE_BLOCKED,
            TB_STATE_DONE};
        counts[task->ready ? TB_STATE_READY : states[task->status]]++;
    }
    return memcmp(counts, head->task_counts, sizeof(counts)) == 0 ||
           FAIL(why, why_size, "the counters are wrong");
}

bool replay_holds(const struct replay *replay, const struct tb_head *head, int64_t handled_ms,
                  char *why, size_t why_size)
{
    for (size_t i = 0; i < replay->count; i++) {
        if (!check_waiting(replay, &replay->tasks[i], handled_ms, why, why_size)) {
            return false;
        }
    }
    if (!is_free_of_cycles(replay)) {
        return FAIL(why, why_size, "there is a cycle");
    }
    return check_keys(replay, why, why_size) && check_counters(replay, head, why, why_size);
}
