#include "scenario/replay.h"

#include <stdio.h>
#include <stdlib.h>

#include "scenario/wire.h"

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
        task->outcome = moved(task->outcome, before, now);
        task->tags = moved(task->tags, before, now);
        task->assignee = moved(task->assignee, before, now);
        task->blocked_by = moved(task->blocked_by, before, now);
        task->unique_key = moved(task->unique_key, before, now);
        for (size_t k = 0; k < task->dependency_count; k++) {
            task->dependencies[k] = moved(task->dependencies[k], before, now);
        }
    }
}

/* --- reading the wire format --- */

static void read_dependencies(struct replay_task *task, struct tb_str array)
{
    struct tb_str item;
    task->dependency_count = 0;
    for (size_t at = 0; wire_next(array, &at, &item);) {
        assert_true(task->dependency_count < REPLAY_DEPENDENCIES_MAX);
        task->dependencies[task->dependency_count++] = wire_text(item);
    }
}

static void read_claim(struct replay_task *task, struct tb_str claim)
{
    if (claim.ptr == NULL) {
        return;
    }
    task->generation = (uint64_t)wire_number(fixture_member(claim, "generation"));
    task->attempt = (uint32_t)wire_number(fixture_member(claim, "attempt"));
    task->cancel_requested = fixture_member(claim, "cancelRequested").ptr != NULL;
}

/* Reads the summary into the other fields, but for notes and artifacts. */
static void read_task(struct replay_task *task)
{
    struct tb_str json = task->summary;
    task->id = wire_id(fixture_member(json, "id"));
    memcpy(task->id_text, fixture_member(json, "id").ptr + 1, TB_ULID_LEN);
    task->version = (uint64_t)wire_number(fixture_member(json, "version"));
    task->created_ms = wire_instant(fixture_member(json, "createdAt"));
    task->updated_ms = wire_instant(fixture_member(json, "updatedAt"));
    task->not_before_ms = wire_instant(fixture_member(json, "notBefore"));
    assert_true(tb_status_parse(wire_text(fixture_member(json, "status")), &task->status));
    task->points =
        wire_number(fixture_member(json, "priority")) + wire_number(fixture_member(json, "score"));
    task->outcome = wire_text(fixture_member(json, "outcome"));
    task->success = tb_str_eq_c(task->outcome, "success");
    task->ready = wire_bool(fixture_member(json, "ready"));
    struct tb_str reason = fixture_member(json, "blockedReason");
    task->dead_letter =
        reason.ptr != NULL && tb_str_eq_c(fixture_member(reason, "kind"), "\"dead_letter\"");
    task->attempts = (uint32_t)wire_number(fixture_member(json, "attempts"));
    task->max_attempts = (uint32_t)wire_number(fixture_member(json, "maxAttempts"));
    task->tags = fixture_member(json, "tags");
    task->assignee = wire_text(fixture_member(json, "assignee"));
    read_claim(task, fixture_member(json, "claim"));
    task->blocked_by = fixture_member(json, "blockedBy");
    task->unique_key = wire_text(fixture_member(json, "uniqueKey"));
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

static bool is_about_no_task(enum tb_event_type type)
{
    return type >= TB_EVENT_PAUSED;
}

/* What the event's wire says of itself is what its record says; `tagged` has the tags. */
static bool check_names(const struct tb_event *event, struct tb_str tagged, char *why,
                        size_t why_size)
{
    struct tb_str tags = tagged.ptr != NULL ? fixture_member(tagged, "tags") : TB_STR_NONE;
    struct tb_str type = wire_text(fixture_member(event->wire, "type"));
    return (tb_str_eq_c(type, tb_event_type_name(event->type)) &&
            tb_str_eq(wire_text(fixture_member(event->wire, "actor")), event->actor) &&
            tb_str_eq(wire_text(fixture_member(event->wire, "vmId")), event->vm_id) &&
            tb_str_eq(fixture_member(event->wire, "data"), event->data) &&
            tb_str_eq(tags, event->tags)) ||
           FAIL(why, why_size, "event %llu is not what its wire says",
                (unsigned long long)event->seq);
}

static bool check_envelope(const struct replay *replay, const struct tb_event *event, char *why,
                           size_t why_size)
{
    struct tb_str wire = event->wire;
    struct tb_str data = fixture_member(wire, "data");
    struct tb_str task = fixture_member(data, "task"); /* absent when it was deleted */
    unsigned long long seq = event->seq;
    if (event->seq != replay->seq + 1 ||
        wire_number(fixture_member(wire, "seq")) != (int64_t)event->seq) {
        return FAIL(why, why_size, "event %llu follows event %llu", seq,
                    (unsigned long long)replay->seq);
    }
    if (event->at_ms < replay->last_ms ||
        wire_instant(fixture_member(wire, "at")) != event->at_ms) {
        return FAIL(why, why_size, "event %llu goes back in time", seq);
    }
    if (tb_id_cmp(event->id, replay->last_event_id) <= 0 ||
        tb_id_cmp(wire_id(fixture_member(wire, "id")), event->id) != 0) {
        return FAIL(why, why_size, "the id of event %llu does not rise", seq);
    }
    if (is_about_no_task(event->type)) {
        return check_names(event, TB_STR_NONE, why, why_size);
    }
    if ((task.ptr == NULL) != (event->type == TB_EVENT_DELETED)) {
        return FAIL(why, why_size, "event %llu should tell its task unless that is gone", seq);
    }
    if (tb_id_cmp(wire_id(fixture_member(wire, "taskId")), event->task_id) != 0 ||
        (task.ptr != NULL && tb_id_cmp(wire_id(fixture_member(task, "id")), event->task_id) != 0)) {
        return FAIL(why, why_size, "event %llu names two tasks", seq);
    }
    return check_names(event, task.ptr != NULL ? task : data, why, why_size);
}

/* What is told but is no change of the task. */
static bool is_no_change(enum tb_event_type type)
{
    return type == TB_EVENT_PROGRESS || type == TB_EVENT_LATE;
}

/* A claim is taken from nobody, with the next generation. */
static bool check_claimed(const struct replay *replay, const struct replay_task *before,
                          const struct replay_task *after, const struct tb_event *event)
{
    return before->generation == 0 && before->status == TB_STATUS_OPEN &&
           before->blocked_by.len == 2 && before->not_before_ms <= event->at_ms &&
           after->status == TB_STATUS_IN_PROGRESS && after->generation == replay->generation + 1 &&
           after->attempt == before->claims + 1 && after->attempts == before->attempts + 1 &&
           tb_str_eq(after->assignee, event->actor) &&
           (before->assignee.ptr == NULL || tb_str_eq(before->assignee, after->assignee));
}

static bool has_assignee_back(const struct replay_task *before, const struct replay_task *after)
{
    struct tb_str wanted = before->was_reserved
                               ? tb_str_from(before->reserved_for, before->reserved_len)
                               : TB_STR_NONE;
    return tb_str_eq(after->assignee, wanted);
}

static bool has_used_up(const struct replay_task *task)
{
    return task->max_attempts > 0 && task->attempts >= task->max_attempts;
}

/* The holder, or time, gave the task back, and nothing else was said of it. */
static bool check_given_back(const struct replay_task *before, const struct replay_task *after,
                             enum tb_event_type type)
{
    uint32_t counted = type == TB_EVENT_RELEASED && before->attempts > 0 ? 1 : 0;
    if (type != TB_EVENT_RELEASED && has_used_up(before)) {
        return false;
    }
    return before->generation != 0 && after->generation == 0 && after->status == TB_STATUS_OPEN &&
           after->attempts == before->attempts - counted && has_assignee_back(before, after);
}

/* What each type of event may do to the claim and to the count of attempts. */
static bool check_claim(const struct replay *replay, const struct replay_task *before,
                        const struct replay_task *after, const struct tb_event *event)
{
    bool by_holder = before->generation != 0;
    switch (event->type) {
    case TB_EVENT_CLAIMED:
        return check_claimed(replay, before, after, event);
    case TB_EVENT_RELEASED:
    case TB_EVENT_EXPIRED:
        return check_given_back(before, after, event->type);
    case TB_EVENT_FAILED:
        return after->status == TB_STATUS_DONE || check_given_back(before, after, event->type);
    case TB_EVENT_DEAD:
        return by_holder && after->generation == 0 && after->dead_letter &&
               (has_used_up(before) || event->actor.ptr != NULL) && /* or it is not retryable */
               after->attempts == before->attempts;
    case TB_EVENT_RETRIED:
        return (before->dead_letter || (before->status == TB_STATUS_DONE && !before->success)) &&
               after->status == TB_STATUS_OPEN && after->attempts == 0;
    case TB_EVENT_CANCEL_REQUESTED:
        return by_holder && after->generation == before->generation && !before->cancel_requested &&
               after->cancel_requested;
    case TB_EVENT_CANCELLED:
        return after->status == TB_STATUS_DONE && after->generation == 0;
    default:
        return after->attempts == before->attempts &&
               (after->generation == before->generation || after->generation == 0);
    }
}

static bool check_version(const struct replay_task *before, const struct replay_task *after,
                          const struct tb_event *event, char *why, size_t why_size)
{
    unsigned long long seq = event->seq;
    bool quiet = event->type == TB_EVENT_READY || is_no_change(event->type) ||
                 (event->type == TB_EVENT_UPDATED && event->actor.ptr == NULL);
    if (after->version != before->version + (is_no_change(event->type) ? 0 : 1)) {
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

static bool check_change(const struct replay *replay, const struct replay_task *before,
                         const struct replay_task *after, const struct tb_event *event, char *why,
                         size_t why_size)
{
    unsigned long long seq = event->seq;
    if (!check_version(before, after, event, why, why_size)) {
        return false;
    }
    if (!check_claim(replay, before, after, event) ||
        (after->generation != 0 && after->status != TB_STATUS_IN_PROGRESS)) {
        return FAIL(why, why_size, "event %llu makes no sense for the claim: %.*s, before %.*s",
                    seq, (int)event->wire.len, event->wire.ptr, (int)before->summary.len,
                    before->summary.ptr);
    }
    if (is_no_change(event->type)) {
        struct tb_arena *arena = tb_arena_new(0);
        bool same = tb_str_eq(replay_lasting(arena, before->summary, before->ready),
                              replay_lasting(arena, after->summary, after->ready));
        tb_arena_free(arena);
        return same || FAIL(why, why_size, "event %llu changes the task", seq);
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

/* What the summary does not tell. */
static void carry_over(const struct replay_task *before, struct replay_task *after,
                       const struct tb_event *event)
{
    after->notes = before->notes;
    after->artifacts = before->artifacts;
    after->claims = before->claims;
    after->was_reserved = before->was_reserved;
    after->reserved_len = before->reserved_len;
    memcpy(after->reserved_for, before->reserved_for, sizeof(after->reserved_for));
    count_records(after, fixture_member(event->wire, "data"));
    if (event->type == TB_EVENT_CLAIMED) {
        after->claims = after->attempt;
        after->was_reserved = before->assignee.ptr != NULL;
        after->reserved_len = before->assignee.len;
        assert_true(before->assignee.len < sizeof(after->reserved_for));
        if (before->assignee.len > 0) {
            memcpy(after->reserved_for, before->assignee.ptr, before->assignee.len);
        }
    }
}

static bool apply_changed(struct replay *replay, struct replay_task *task,
                          const struct tb_event *event, struct tb_str summary, char *why,
                          size_t why_size)
{
    struct replay_task after = {.summary = own(summary)};
    read_task(&after);
    carry_over(task, &after, event);
    bool good = check_change(replay, task, &after, event, why, why_size);
    disown(task->summary);
    *task = after;
    if (event->type == TB_EVENT_CLAIMED) {
        replay->generation = after.generation;
    }
    return good;
}

/* --- events about no task --- */

static size_t find_pause(const struct replay *replay, struct tb_str tag)
{
    size_t i = 0;
    while (i < replay->paused_tag_count && !tb_str_eq_c(tag, replay->paused_tags[i])) {
        i++;
    }
    return i;
}

static void pause_tag(struct replay *replay, struct tb_str tag)
{
    if (find_pause(replay, tag) == replay->paused_tag_count) {
        assert_true(replay->paused_tag_count < REPLAY_PAUSES_MAX &&
                    tag.len < sizeof(replay->paused_tags[0]));
        (void)snprintf(replay->paused_tags[replay->paused_tag_count++],
                       sizeof(replay->paused_tags[0]), "%.*s", (int)tag.len, tag.ptr);
    }
}

static bool resume_tag(struct replay *replay, struct tb_str tag)
{
    size_t at = find_pause(replay, tag);
    if (at == replay->paused_tag_count) {
        return false;
    }
    memcpy(replay->paused_tags[at], replay->paused_tags[--replay->paused_tag_count],
           sizeof(replay->paused_tags[0]));
    return true;
}

static bool apply_pause(struct replay *replay, const struct tb_event *event, char *why,
                        size_t why_size)
{
    struct tb_str tag = wire_text(fixture_member(fixture_member(event->wire, "data"), "tag"));
    bool pauses = event->type == TB_EVENT_PAUSED;
    bool good = tb_id_is_zero(event->task_id);
    if (tag.ptr == NULL) {
        good = good && (pauses || replay->paused);
        replay->paused = pauses;
    } else if (pauses) {
        pause_tag(replay, tag);
    } else {
        good = good && resume_tag(replay, tag);
    }
    return good || FAIL(why, why_size, "event %llu resumes what was not paused",
                        (unsigned long long)event->seq);
}

bool replay_is_paused(const struct replay *replay, const struct replay_task *task)
{
    for (size_t i = 0; i < replay->paused_tag_count; i++) {
        if (wire_has(task->tags, tb_str_c(replay->paused_tags[i]))) {
            return true;
        }
    }
    return replay->paused;
}

/* --- the log --- */

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
    } else if (event->type == TB_EVENT_PAUSED || event->type == TB_EVENT_RESUMED) {
        good = apply_pause(replay, event, why, why_size);
    } else if (is_about_no_task(event->type)) {
        good = tb_id_is_zero(event->task_id); /* of the fleet: the model's */
    } else if (task == NULL) {
        good = FAIL(why, why_size, "event %llu is about a task that is not there",
                    (unsigned long long)event->seq);
    } else if (event->type == TB_EVENT_DELETED) {
        good = apply_deleted(replay, task, event->tags, why, why_size);
    } else {
        good = apply_changed(replay, task, event, summary, why, why_size);
    }
    replay->seq = event->seq;
    replay->last_ms = event->at_ms;
    replay->last_event_id = event->id;
    return good;
}

struct tb_str replay_lasting(struct tb_arena *arena, struct tb_str summary, bool shown_ready)
{
    static const char ready[] = ",\"ready\":";
    struct tb_str progress = fixture_member(summary, "progress");
    struct tb_str claim = fixture_member(summary, "claim");
    struct tb_str expires = claim.ptr != NULL ? fixture_member(claim, "expiresAt") : TB_STR_NONE;
    struct tb_str shown = fixture_member(summary, "ready");
    const char *end = shown.ptr - sizeof(ready) + 1;
    const char *at = summary.ptr;
    struct tb_buf out;
    tb_buf_init(&out, arena, summary.len + 16);
    if (expires.ptr != NULL) {
        tb_buf_add(&out, at, (size_t)(expires.ptr - at));
        at = expires.ptr + expires.len;
    }
    if (progress.ptr != NULL) {
        const char *name = progress.ptr - sizeof(",\"progress\":") + 1;
        tb_buf_add(&out, at, (size_t)(name - at));
        at = progress.ptr + progress.len;
    }
    tb_buf_add(&out, at, (size_t)(end - at));
    tb_buf_add_c(&out, ready);
    tb_buf_add_c(&out, shown_ready ? "true}" : "false}");
    return tb_buf_str(&out);
}
