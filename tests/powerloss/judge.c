#include "judge.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "again.h"
#include "taskboard/storage.h"

#define PATH_BYTES_MAX  4096
#define TOKEN_BYTES_MAX 512

/* Of the last answers to keys all are looked for, of the older ones some. */
#define ANSWERS_ALWAYS 64
#define ANSWERS_STEP   7

#define FAIL(judgement, ...)                                                                       \
    ((void)snprintf((judgement)->why, sizeof((judgement)->why), __VA_ARGS__), false)

/* A store that is being judged. */
struct sitting {
    const struct judge *judge;
    const struct history *history;
    struct judgement *judgement;
    uint64_t at;
    struct tb_txn *txn;
    struct tb_arena *arena;
    uint64_t head; /* its seq */
    uint64_t next; /* seq of the event that should come next */
    bool holds;
};

static const struct tb_id no_task;

/* --- content --- */

static bool check_digest(const struct judge *judge, const char *folder, uint64_t at,
                         struct judgement *judgement)
{
    struct digest digest;
    if (!digest_store(folder, &digest)) {
        return FAIL(judgement, "LMDB cannot read transaction %llu", (unsigned long long)digest.txn);
    }
    judgement->fresh = digest.txn == 0;
    for (size_t i = judge->reference_count; i-- > 0;) {
        const struct reference *reference = &judge->references[i];
        if (reference->at == 0 || reference->at > at || reference->digest.txn != digest.txn) {
            continue;
        }
        judgement->compared = true;
        return reference->digest.hash == digest.hash ||
               FAIL(judgement, "the content of transaction %llu is not what was written",
                    (unsigned long long)digest.txn);
    }
    return true;
}

/* --- the log --- */

static enum tb_visit check_event(void *ctx, const struct tb_event *event)
{
    struct sitting *sitting = ctx;
    const struct history *history = sitting->history;
    if (event->seq != sitting->next || event->seq > history->head ||
        !tb_str_eq(event->wire, history->events[event->seq].wire)) {
        sitting->holds = FAIL(sitting->judgement, "event %llu is not the one that was told",
                              (unsigned long long)event->seq);
        return TB_VISIT_STOP;
    }
    sitting->next++;
    return TB_VISIT_NEXT;
}

static bool check_log(struct sitting *sitting)
{
    const struct tb_head *head = tb_txn_head(sitting->txn);
    uint64_t promised = history_promised(sitting->history, sitting->at);
    sitting->head = head->seq;
    sitting->next = head->oldest_seq;
    sitting->holds = true;
    if (head->seq < promised) {
        return FAIL(sitting->judgement, "clients knew of event %llu, the log ends at %llu",
                    (unsigned long long)promised, (unsigned long long)head->seq);
    }
    if (tb_visit_events(sitting->txn, 0, no_task, check_event, sitting) != TB_OK) {
        return FAIL(sitting->judgement, "the log cannot be read");
    }
    return sitting->holds &&
           (sitting->next == head->seq + 1 || FAIL(sitting->judgement, "the log has lost its end"));
}

/* --- tasks, as the log tells them --- */

static bool check_task(struct sitting *sitting, const struct history_event *event)
{
    struct tb_task task;
    enum tb_err err = tb_get_task(sitting->txn, event->task_id, &task);
    char id[TB_ULID_LEN];
    tb_ulid_format(event->task_id, id);
    if (err != TB_OK) {
        return FAIL(sitting->judgement, "task %.*s is lost", TB_ULID_LEN, id);
    }
    if (task.version != event->version) {
        return FAIL(sitting->judgement, "task %.*s has version %llu, the log tells of %llu",
                    TB_ULID_LEN, id, (unsigned long long)task.version,
                    (unsigned long long)event->version);
    }
    /* A heartbeat changes a claimed task, and tells nobody. */
    struct tb_buf buf;
    tb_buf_init(&buf, sitting->arena, 1024);
    tb_task_write_summary(&task, &buf);
    return tb_task_is_claimed(&task) || tb_str_eq(tb_buf_str(&buf), event->summary) ||
           FAIL(sitting->judgement, "task %.*s is not what the log tells", TB_ULID_LEN, id);
}

static bool check_tasks(struct sitting *sitting)
{
    uint64_t tasks = 0;
    uint64_t counted = 0;
    for (uint64_t seq = 1; seq <= sitting->head; seq++) {
        const struct history_event *event = &sitting->history->events[seq];
        bool is_last = event->next_of_task == 0 || event->next_of_task > sitting->head;
        if (event->summary.ptr == NULL || !is_last) {
            continue;
        }
        if (!check_task(sitting, event)) {
            return false;
        }
        tasks++;
    }
    for (size_t i = 0; i < TB_STATE_COUNT; i++) {
        counted += tb_txn_head(sitting->txn)->task_counts[i];
    }
    return counted == tasks ||
           FAIL(sitting->judgement, "the log tells of %llu tasks, the store has %llu",
                (unsigned long long)tasks, (unsigned long long)counted);
}

/* --- the registry --- */

/* Requests that were sent behind the `i`th one and whose answers had not come may have had their
 * effect. */
static bool may_be(const struct history_vm *vm, size_t i, uint64_t at, bool gone)
{
    for (; i < vm->count; i++) {
        if (vm->ops[i].leaves == gone) {
            return true;
        }
        bool answered = vm->ops[i].at != 0;
        if (answered && vm->ops[i].at > at) {
            return false;
        }
    }
    return false;
}

static bool check_vm(struct sitting *sitting, const struct history_vm *vm)
{
    size_t known = 0; /* requests up to the last one that was answered */
    for (size_t i = 0; i < vm->count; i++) {
        known = vm->ops[i].at != 0 && vm->ops[i].at <= sitting->at ? i + 1 : known;
    }
    if (known == 0) {
        return true;
    }
    const struct history_vm_op *last = &vm->ops[known - 1];
    struct tb_vm found;
    enum tb_err err = tb_get_vm(sitting->txn, tb_str_c(vm->id), &found);
    if (err == TB_E_ABSENT) {
        return may_be(vm, known - 1, sitting->at, true) ||
               FAIL(sitting->judgement, "the VM %s is lost", vm->id);
    }
    if (err != TB_OK || !may_be(vm, known - 1, sitting->at, false)) {
        return FAIL(sitting->judgement, "the VM %s cannot be read or is back", vm->id);
    }
    return last->leaves || found.seen_ms >= last->seen_ms ||
           FAIL(sitting->judgement, "the last %lld ms of the VM %s are lost",
                (long long)(last->seen_ms - found.seen_ms), vm->id);
}

static bool check_vms(struct sitting *sitting)
{
    for (size_t i = 0; i < sitting->history->vm_count; i++) {
        if (!check_vm(sitting, &sitting->history->vms[i])) {
            return false;
        }
    }
    return true;
}

/* --- answers to keys --- */

static bool check_answer(struct sitting *sitting, const struct history_answer *wanted)
{
    struct tb_answer found;
    uint8_t body[TB_DIGEST_BYTES];
    if (tb_get_answer(sitting->txn, wanted->key, &found) != TB_OK) {
        return FAIL(sitting->judgement, "the answer to the key of event %llu is lost",
                    (unsigned long long)wanted->seq);
    }
    (void)crypto_generichash(body, sizeof(body), (const unsigned char *)found.body.ptr,
                             found.body.len, NULL, 0);
    return (found.http_status == wanted->http_status && found.seq == wanted->seq &&
            memcmp(body, wanted->body, sizeof(body)) == 0) ||
           FAIL(sitting->judgement, "the answer to the key of event %llu is another one",
                (unsigned long long)wanted->seq);
}

static bool check_answers(struct sitting *sitting)
{
    const struct history *history = sitting->history;
    size_t looked_at = 0;
    for (size_t i = history->answer_count; i-- > 0;) {
        if (history->answers[i].at > sitting->at) {
            continue;
        }
        bool look = looked_at++ < ANSWERS_ALWAYS || i % ANSWERS_STEP == sitting->at % ANSWERS_STEP;
        if (look && !check_answer(sitting, &history->answers[i])) {
            return false;
        }
    }
    return true;
}

/* --- the token --- */

static bool check_token(const struct history *history, const char *folder, uint64_t at,
                        struct judgement *judgement)
{
    char path[PATH_BYTES_MAX];
    char text[TOKEN_BYTES_MAX];
    (void)snprintf(path, sizeof(path), "%s/admin-token", folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text));
    if (fd >= 0) {
        (void)close(fd);
    }
    if (len < 0) {
        return history->first_answer == 0 || at < history->first_answer ||
               FAIL(judgement, "the admin token is lost");
    }
    bool ends = len > 0 && text[len - 1] == '\n';
    return (ends && tb_str_eq(tb_str_from(text, (size_t)len - 1), history->token)) ||
           FAIL(judgement, "the admin token is another one");
}

/* --- all of it --- */

/* The engine's own check tells of every fault; the first one will do. */
static void take_fault(void *ctx, const char *fault)
{
    struct sitting *sitting = ctx;
    if (sitting->holds) {
        sitting->holds = FAIL(sitting->judgement, "tb_store_verify: %s", fault);
    }
}

static bool check_engine(struct sitting *sitting, struct tb_store *store)
{
    struct tb_store_tally tally;
    sitting->holds = true;
    enum tb_err err = tb_store_verify(store, take_fault, sitting, &tally);
    return sitting->holds &&
           (err == TB_OK || FAIL(sitting->judgement, "tb_store_verify came to no end"));
}

static bool check_rules(struct sitting *sitting, struct tb_reader *reader)
{
    char why[JUDGE_WHY_BYTES / 2];
    const struct tb_board_options options = AGAIN_BOARD_OPTIONS;
    if (tb_read_begin(reader, sitting->arena, &sitting->txn) != TB_OK) {
        return FAIL(sitting->judgement, "the store cannot be read");
    }
    bool sound = tb_board_verify(sitting->txn, &options, 0, sitting->arena, why, sizeof(why)) ||
                 FAIL(sitting->judgement, "tb_board_verify: %s", why);
    sound = sound && check_log(sitting) && check_tasks(sitting) && check_vms(sitting) &&
            check_answers(sitting);
    tb_read_end(&sitting->txn);
    return sound;
}

static bool check_open_store(const struct judge *judge, struct tb_store *store, uint64_t at,
                             bool writes, struct judgement *judgement)
{
    struct tb_reader *reader = NULL;
    struct sitting sitting = {
        .judge = judge,
        .history = judge->history,
        .judgement = judgement,
        .at = at,
        .arena = tb_arena_new(0),
    };
    bool sound =
        tb_reader_new(store, &reader) == TB_OK || FAIL(judgement, "the store gives no reader");
    sound = sound && check_engine(&sitting, store) && check_rules(&sitting, reader);
    sound = sound && (!writes || again_write(store, reader, judgement->why, JUDGE_WHY_BYTES));
    tb_reader_free(&reader);
    tb_arena_free(sitting.arena);
    return sound;
}

void judge_image(const struct judge *judge, const char *folder, uint64_t at, bool writes,
                 struct judgement *judgement)
{
    char why[JUDGE_WHY_BYTES / 2];
    struct tb_store *store = NULL;
    const struct tb_store_options options = {
        .url = folder,
        .map_bytes = judge->map_bytes,
        .readers_max = 4,
        .create = true,
    };
    *judgement = (struct judgement){.sound = false};
    if (!check_digest(judge, folder, at, judgement) ||
        !check_token(judge->history, folder, at, judgement)) {
        return;
    }
    if (tb_store_open(&options, &store, why, sizeof(why)) != TB_OK) {
        (void)FAIL(judgement, "the store does not open: %s", why);
        return;
    }
    judgement->sound = check_open_store(judge, store, at, writes, judgement);
    tb_store_close(&store);
}
