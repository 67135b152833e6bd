#include "history.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES_MAX  4096
#define HEADER_ID       "x-request-id: n"
#define HEADER_SEQ      "events-seq: "
#define REQUESTS_MAX    4000000
#define FIELDS_MAX      6
#define FIELDS_OF_VM    5
#define FIELDS_OF_KEY   6
#define FIELDS_OF_TOKEN 2

/* Request numbers to the places of their answers. */
struct places {
    uint64_t *at;
    uint64_t count;
};

static void *grow(void *items, size_t count, size_t item_bytes)
{
    /* At powers of two, so that nobody need remember how much room there is. */
    if ((count & (count - 1)) != 0) {
        return items;
    }
    void *grown = realloc(items, (count == 0 ? 1 : count * 2) * item_bytes);
    if (grown == NULL) {
        err(2, "history");
    }
    return grown;
}

static char *read_text(const char *folder, const char *name)
{
    char path[PATH_BYTES_MAX];
    struct stat status;
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0) {
        err(2, "%s", path);
    }
    size_t size = (size_t)status.st_size;
    char *text = malloc(size + 1);
    size_t len = 0;
    for (ssize_t got = 1; text != NULL && got > 0 && len < size; len += (size_t)got) {
        got = read(fd, text + len, size - len);
    }
    if (text == NULL || len != size) {
        err(2, "%s", path);
    }
    text[size] = '\0';
    (void)close(fd);
    return text;
}

/* --- events --- */

/* Names with their quotes stand in no string: quotes in strings have a backslash before them. */
static const char *find_member(struct tb_str json, const char *member)
{
    const char *found = memmem(json.ptr, json.len, member, strlen(member));
    return found == NULL ? NULL : found + strlen(member);
}

/* The object that begins at `from`: braces in strings are passed by. */
static struct tb_str object_at(const char *from, const char *end)
{
    int depth = 0;
    bool quoted = false;
    for (const char *at = from; at < end; at++) {
        if (quoted) {
            quoted = *at != '"';
            at += *at == '\\' ? 1 : 0;
        } else if (*at == '"') {
            quoted = true;
        } else if (*at == '{') {
            depth++;
        } else if (*at == '}' && --depth == 0) {
            return tb_str_from(from, (size_t)(at + 1 - from));
        }
    }
    errx(2, "an event is cut off");
}

static struct history_event read_event(struct tb_str wire)
{
    struct history_event event = {.wire = wire};
    const char *end = wire.ptr + wire.len;
    const char *task_id = find_member(wire, "\"taskId\":\"");
    const char *task = find_member(wire, "\"task\":{");
    event.changes_nothing = find_member(wire, "\"type\":\"task.progress\"") != NULL ||
                            find_member(wire, "\"type\":\"task.late\"") != NULL;
    if (task_id != NULL && !tb_ulid_parse(tb_str_from(task_id, TB_ULID_LEN), &event.task_id)) {
        errx(2, "an event names no task: %.*s", (int)wire.len, wire.ptr);
    }
    if (task_id != NULL && task != NULL) {
        event.summary = object_at(task - 1, end);
        const char *version = find_member(event.summary, "\"version\":");
        event.version = version == NULL ? 0 : strtoull(version, NULL, 10);
    }
    return event;
}

/* From the end to the beginning, with a small open hash table of what comes behind. */
static void link_events(struct history *history)
{
    size_t slots = 1;
    while (slots < 2 * history->head + 2) {
        slots *= 2;
    }
    uint64_t *table = calloc(slots, sizeof(*table));
    if (table == NULL) {
        err(2, "events");
    }
    static const struct tb_id none;
    for (uint64_t seq = history->head; seq > 0; seq--) {
        struct history_event *event = &history->events[seq];
        uint64_t hash = 0;
        memcpy(&hash, event->task_id.bytes + sizeof(event->task_id) - sizeof(hash), sizeof(hash));
        size_t slot = hash * UINT64_C(0x9e3779b97f4a7c15) & (slots - 1);
        while (table[slot] != 0 &&
               memcmp(&history->events[table[slot]].task_id, &event->task_id, sizeof(none)) != 0) {
            slot = (slot + 1) & (slots - 1);
        }
        event->next_of_task = table[slot];
        table[slot] = seq;
    }
    free(table);
}

static void read_events(struct history *history, char *text)
{
    size_t count = 1;
    history->events = grow(NULL, 0, sizeof(*history->events));
    for (char *line = text; *line != '\0';) {
        char *end = line + strcspn(line, "\n");
        history->events = grow(history->events, count, sizeof(*history->events));
        history->events[count] = read_event(tb_str_from(line, (size_t)(end - line)));
        const char *seq = find_member(history->events[count].wire, "\"seq\":");
        if (seq == NULL || strtoull(seq, NULL, 10) != count) {
            errx(2, "the subscriber did not get event %zu", count);
        }
        count++;
        line = *end == '\0' ? end : end + 1;
    }
    history->head = count - 1;
    link_events(history);
}

/* --- answers in the recording --- */

static const char *find_header(const char *head, const char *name)
{
    const char *found = strcasestr(head, name);
    return found == NULL ? NULL : found + strlen(name);
}

static void take_promise(struct history *history, uint64_t at, uint64_t seq)
{
    uint64_t so_far = history_promised(history, UINT64_MAX);
    if (seq > so_far) {
        history->promises =
            grow(history->promises, history->promise_count, sizeof(*history->promises));
        history->promises[history->promise_count++] = (struct promise){at, seq};
    }
}

static void take_answer(struct history *history, struct places *places, const struct record *record,
                        uint64_t at)
{
    char head[1025];
    size_t len =
        record->payload_bytes < sizeof(head) - 1 ? record->payload_bytes : sizeof(head) - 1;
    memcpy(head, record->payload, len);
    head[len] = '\0';
    char *body = strstr(head, "\r\n\r\n");
    if (body != NULL) {
        *body = '\0';
    }
    const char *seq = find_header(head, HEADER_SEQ);
    const char *id = find_header(head, HEADER_ID);
    uint64_t number = id == NULL ? REQUESTS_MAX : strtoull(id, NULL, 10);
    if (seq != NULL) {
        take_promise(history, at, strtoull(seq, NULL, 10));
    }
    if (number < places->count && places->at[number] == 0) {
        places->at[number] = at;
    }
    history->first_answer = history->first_answer == 0 ? at : history->first_answer;
    history->answers_total++;
}

static void find_answers(struct history *history, struct places *places,
                         const struct recording *recording)
{
    const uint8_t *bytes = (const uint8_t *)recording;
    for (uint64_t at = sizeof(*recording); at < recording->tail;) {
        const struct record *record = (const struct record *)(bytes + at);
        at += record->bytes;
        if (record->kind == RECORDED_ANSWER) {
            take_answer(history, places, record, at);
        } else if (record->kind == RECORDED_TOLD) {
            take_promise(history, at, record->at);
        }
    }
}

uint64_t history_promised(const struct history *history, uint64_t at)
{
    size_t low = 0;
    size_t high = history->promise_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (history->promises[middle].at <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? 0 : history->promises[low - 1].seq;
}

/* --- what the workload remembers --- */

static uint64_t place_of(const struct places *places, const char *number)
{
    uint64_t n = strtoull(number, NULL, 10);
    return n < places->count ? places->at[n] : 0;
}

static struct history_vm *find_vm(struct history *history, const char *id)
{
    for (size_t i = 0; i < history->vm_count; i++) {
        if (strcmp(history->vms[i].id, id) == 0) {
            return &history->vms[i];
        }
    }
    if (history->vm_count == HISTORY_VMS_MAX || strlen(id) >= HISTORY_NAME_MAX) {
        errx(2, "too many VMs, or too long a name");
    }
    struct history_vm *vm = &history->vms[history->vm_count++];
    memcpy(vm->id, id, strlen(id) + 1);
    return vm;
}

/* vm NUMBER ID alive|gone SEEN_MS */
static void take_vm(struct history *history, const struct places *places, char **fields)
{
    struct history_vm *vm = find_vm(history, fields[2]);
    vm->ops = grow(vm->ops, vm->count, sizeof(*vm->ops));
    vm->ops[vm->count++] = (struct history_vm_op){
        .at = place_of(places, fields[1]),
        .leaves = strcmp(fields[3], "gone") == 0,
        .seen_ms = strtoll(fields[4], NULL, 10),
    };
}

static void read_digest(const char *hex, uint8_t digest[TB_DIGEST_BYTES])
{
    for (size_t i = 0; i < TB_DIGEST_BYTES; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        digest[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
}

/* key NUMBER KEY STATUS SEQ BODY, both digests in hexadecimal digits */
static void take_key(struct history *history, const struct places *places, char **fields)
{
    struct history_answer answer = {
        .at = place_of(places, fields[1]),
        .http_status = (int32_t)strtol(fields[3], NULL, 10),
        .seq = strtoull(fields[4], NULL, 10),
    };
    if (answer.at == 0 || strlen(fields[2]) != 2 * TB_DIGEST_BYTES ||
        strlen(fields[5]) != 2 * TB_DIGEST_BYTES) {
        errx(2, "the answer to request %s was not recorded", fields[1]);
    }
    read_digest(fields[2], answer.key);
    read_digest(fields[5], answer.body);
    history->answers = grow(history->answers, history->answer_count, sizeof(answer));
    history->answers[history->answer_count++] = answer;
}

static void take_line(struct history *history, const struct places *places, char *line)
{
    char *fields[FIELDS_MAX] = {NULL};
    size_t count = 0;
    char *rest = NULL;
    for (char *field = strtok_r(line, " ", &rest); field != NULL && count < FIELDS_MAX;
         field = strtok_r(NULL, " ", &rest)) {
        fields[count++] = field;
    }
    if (count == FIELDS_OF_VM && strcmp(fields[0], "vm") == 0) {
        take_vm(history, places, fields);
    } else if (count == FIELDS_OF_KEY && strcmp(fields[0], "key") == 0) {
        take_key(history, places, fields);
    } else if (count == FIELDS_OF_TOKEN && strcmp(fields[0], "token") == 0) {
        history->token = tb_str_c(fields[1]);
    } else {
        errx(2, "a line of the history that makes no sense: %s", line);
    }
}

void history_load(struct history *history, const char *folder, const struct recording *recording)
{
    struct places places = {calloc(REQUESTS_MAX, sizeof(uint64_t)), REQUESTS_MAX};
    if (places.at == NULL) {
        err(2, "history");
    }
    *history =
        (struct history){.text = {read_text(folder, "events"), read_text(folder, "history")}};
    read_events(history, history->text[0]);
    find_answers(history, &places, recording);
    char *rest = NULL;
    for (char *line = strtok_r(history->text[1], "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        take_line(history, &places, line);
    }
    free(places.at);
    if (history_promised(history, UINT64_MAX) > history->head) {
        errx(2, "answers promise more events than the subscriber got");
    }
}

void history_free(struct history *history)
{
    for (size_t i = 0; i < history->vm_count; i++) {
        free(history->vms[i].ops);
    }
    free(history->events);
    free(history->promises);
    free(history->answers);
    free(history->text[0]);
    free(history->text[1]);
}
