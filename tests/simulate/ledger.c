/* What was promised, from the answers and the log alone: each event belongs to an answer or to the
 * clock, each answer to what the log says, each claim lasts as long as its holder was told. */
#include "simulate/sim.h"

#include <stdio.h>
#include <stdlib.h>

#include "scenario/wire.h"

#define AHEAD_MS     1000 /* the head moves a little when writing is tried again */
#define LOOK_EVERY   16   /* turns that wrote, between two comparisons with the lists */
#define VERIFY_EVERY 256  /* the same for the recount of everything */

static const struct tb_id no_id = {{0}};

static void digest(struct sim *sim, struct tb_str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        sim->ledger.digest = (sim->ledger.digest ^ (uint8_t)bytes.ptr[i]) * UINT64_C(1099511628211);
    }
}

static uint64_t hash_of(struct tb_str bytes)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < bytes.len; i++) {
        hash = (hash ^ (uint8_t)bytes.ptr[i]) * UINT64_C(1099511628211);
    }
    return hash;
}

static const char *name_of(const struct sim *sim, const struct request *request)
{
    return sim->clients[request->client].name;
}

/* --- claims --- */

struct claim *ledger_claim(struct sim *sim, uint64_t generation)
{
    struct claim *claim = &sim->ledger.claims[generation % SIM_CLAIMS_MAX];
    return claim->generation == generation && generation != 0 ? claim : NULL;
}

static int vm_of(struct tb_str id)
{
    int vm = -1;
    return id.ptr != NULL && sscanf(id.ptr, "vm%d", &vm) == 1 && vm < SIM_VMS ? vm : -1;
}

static void open_claim(struct sim *sim, const struct tb_event *event)
{
    struct tb_str claim = fixture_member(fixture_member(event->data, "task"), "claim");
    uint64_t generation = (uint64_t)wire_number(fixture_member(claim, "generation"));
    int64_t ends_ms = wire_instant(fixture_member(claim, "expiresAt"));
    sim->ledger.claims[generation % SIM_CLAIMS_MAX] = (struct claim){
        .generation = generation,
        .task = event->task_id,
        .vm = vm_of(wire_text(fixture_member(claim, "vmId"))),
        .lease_ms = ends_ms - wire_instant(fixture_member(claim, "claimedAt")),
        .told_ms = ends_ms,
        .maybe_ms = ends_ms,
        .live = true,
        .ended_by = TB_COMMAND_KIND_COUNT,
    };
}

static int64_t least_end_ms(const struct sim *sim, const struct claim *claim)
{
    int64_t end_ms = claim->told_ms;
    int64_t since_ms = sim->booted_ms;
    if (claim->vm >= 0 && sim->ledger.machines[claim->vm].seen_ms > since_ms) {
        since_ms = sim->ledger.machines[claim->vm].seen_ms;
    }
    return since_ms + claim->lease_ms > end_ms ? since_ms + claim->lease_ms : end_ms;
}

static void end_by_time(struct sim *sim, struct claim *claim, const struct tb_event *event)
{
    if (claim->vm >= 0 && sim->ledger.machines[claim->vm].lost) {
        return;
    }
    sim_require(sim, event->at_ms >= least_end_ms(sim, claim),
                "event %llu ends claim %llu %lld ms too early", (unsigned long long)event->seq,
                (unsigned long long)claim->generation,
                (long long)(least_end_ms(sim, claim) - event->at_ms));
}

static void end_claim(struct sim *sim, uint64_t generation, const struct tb_event *event,
                      const struct request *owner)
{
    struct claim *claim = ledger_claim(sim, generation);
    sim_require(sim, claim != NULL && claim->live, "a claim ends that nobody knows");
    claim->live = false;
    claim->end_seq = event->seq;
    if (event->actor.ptr == NULL) {
        claim->ended_by = TB_COMMAND_KIND_COUNT;
        end_by_time(sim, claim, event);
    } else if (owner != NULL) {
        claim->ended_by = owner->letter.kind;
        sim_require(sim, owner->letter.force || owner->letter.generation == generation,
                    "event %llu ends a claim without its token", (unsigned long long)event->seq);
    }
}

/* --- machines --- */

static void note_machine(struct sim *sim, const struct tb_event *event)
{
    int vm = vm_of(event->vm_id);
    sim_require(sim, vm >= 0, "an event names no VM");
    struct machine *machine = &sim->ledger.machines[vm];
    int64_t since_ms = machine->seen_ms > sim->booted_ms ? machine->seen_ms : sim->booted_ms;
    switch (event->type) {
    case TB_EVENT_VM_REGISTERED:
        machine->registered = true;
        machine->lost = false;
        machine->ttl_ms =
            wire_number(fixture_member(fixture_member(event->data, "vm"), "ttlSeconds")) * 1000;
        break;
    case TB_EVENT_VM_DEREGISTERED:
        machine->registered = false;
        machine->lost = true;
        break;
    case TB_EVENT_VM_STALE:
        sim_require(sim, event->at_ms >= since_ms + machine->ttl_ms, "vm%d goes stale too early",
                    vm);
        machine->lost = true;
        break;
    case TB_EVENT_VM_BACK:
        machine->lost = false;
        break;
    default:
        break;
    }
}

/* --- first come, first served --- */

static bool wants(struct sim *sim, const struct request *request, const struct replay_task *task)
{
    struct tb_str body = tb_str_c(request->letter.body);
    struct tb_str tags = fixture_member(body, "tags");
    struct tb_str tag;
    if (task->assignee.ptr != NULL && !tb_str_eq_c(task->assignee, name_of(sim, request))) {
        return false;
    }
    for (size_t at = 0; wire_next(tags, &at, &tag);) {
        if (!wire_has(task->tags, wire_text(tag))) {
            return false;
        }
    }
    return fixture_member(body, "vmId").ptr == NULL; /* that one may not be able to claim */
}

/* Nobody who came earlier, and waits, is passed over. */
static void check_order(struct sim *sim, const struct replay_task *task,
                        const struct tb_event *event, const struct request *owner)
{
    if (owner == NULL || sim->full ||
        (owner->letter.kind != TB_COMMAND_CLAIM && owner->letter.kind != TB_COMMAND_CLAIM_TASK)) {
        return;
    }
    for (size_t i = 0; i < sim->open_count && sim->open[i]->number < owner->number; i++) {
        const struct request *other = sim->open[i];
        bool served =
            other->answered && (other->job.reply.seq == 0 || other->job.reply.seq < event->seq ||
                                other->job.reply.replayed);
        bool waits = other->letter.kind == TB_COMMAND_CLAIM && other->until_ms > sim_now_ms(sim) &&
                     !other->gone && !served;
        sim_require(sim, !waits || !wants(sim, other, task),
                    "request %llu gets what request %llu waits for",
                    (unsigned long long)owner->number, (unsigned long long)other->number);
    }
}

/* --- the log --- */

/* Those of the answered that have written, in the order of the log. */
struct writers {
    struct sim *sim;
    struct request *list[SIM_OPEN_MAX];
    size_t count;
    size_t at; /* whose events come next */
    uint64_t last_seq;
};

static bool has_written(const struct request *request)
{
    return request->job.reply.seq != 0 && !request->job.reply.replayed;
}

static void find_writers(struct sim *sim, struct writers *writers)
{
    writers->sim = sim;
    writers->count = 0;
    writers->at = 0;
    for (size_t i = 0; i < sim->answered_count; i++) {
        struct request *request = sim->answered[i];
        size_t at = writers->count;
        if (!has_written(request)) {
            continue;
        }
        writers->count++;
        for (; at > 0 && writers->list[at - 1]->job.reply.seq > request->job.reply.seq; at--) {
            writers->list[at] = writers->list[at - 1];
        }
        writers->list[at] = request;
    }
}

/* A create names its tasks by numbers that are used once. */
static void note_title(struct sim *sim, const struct tb_event *event)
{
    struct ledger *ledger = &sim->ledger;
    struct tb_str title = wire_text(fixture_member(fixture_member(event->data, "task"), "title"));
    size_t number = strtoul(title.ptr + 1, NULL, 10);
    if (number >= ledger->title_room) {
        size_t room = (number + 1) * 2;
        ledger->titles = realloc(ledger->titles, room);
        assert_non_null(ledger->titles);
        memset(ledger->titles + ledger->title_room, 0, room - ledger->title_room);
        ledger->title_room = room;
    }
    sim_require(sim, ledger->titles[number]++ == 0, "one create has had two effects: %.*s",
                (int)title.len, title.ptr);
}

/* Who has done it: an answered request, or a lost one, or time. */
static void check_owner(struct sim *sim, const struct tb_event *event, struct request *owner)
{
    unsigned long long seq = event->seq;
    if (event->actor.ptr == NULL) {
        return;
    }
    if (owner != NULL && tb_str_eq_c(event->actor, name_of(sim, owner))) {
        owner->claimed += event->type == TB_EVENT_CLAIMED ? 1 : 0;
        owner->own_events += event->type != TB_EVENT_CLAIMED ? 1 : 0;
        return;
    }
    sim_require(sim, sim->ledger.maybe, "event %llu is nobody's: %.*s", seq, (int)event->wire.len,
                event->wire.ptr);
}

static enum tb_visit read_event(void *ctx, const struct tb_event *event)
{
    struct writers *writers = ctx;
    struct sim *sim = writers->sim;
    struct replay *replay = &sim->ledger.replay;
    char why[1024];
    while (writers->at < writers->count && writers->list[writers->at]->job.reply.seq < event->seq) {
        writers->at++;
    }
    struct request *owner = writers->at < writers->count ? writers->list[writers->at] : NULL;
    const struct replay_task *task = replay_find(replay, event->task_id);
    uint64_t was = task != NULL ? task->generation : 0;
    digest(sim, event->wire);
    sim_trace(sim, "  event %llu %s %.*s", (unsigned long long)event->seq,
              tb_event_type_name(event->type), (int)event->wire.len, event->wire.ptr);
    check_owner(sim, event, owner);
    sim_require(sim, event->at_ms <= sim_now_ms(sim) + AHEAD_MS,
                "event %llu is of %lld ms from now", (unsigned long long)event->seq,
                (long long)(event->at_ms - sim_now_ms(sim)));
    if (event->type == TB_EVENT_CLAIMED && task != NULL) {
        check_order(sim, task, event, owner);
    }
    bool good = replay_apply(replay, event, why, sizeof(why));
    sim_require(sim, good, "%s", why);
    task = replay_find(replay, event->task_id);
    uint64_t is = task != NULL ? task->generation : 0;
    if (was != 0 && is != was) {
        end_claim(sim, was, event, owner);
    }
    if (event->type == TB_EVENT_CLAIMED) {
        open_claim(sim, event);
    } else if (event->type == TB_EVENT_CREATED) {
        note_title(sim, event);
    } else if (event->vm_id.ptr != NULL) {
        note_machine(sim, event);
    }
    sim->figures.events++;
    return TB_VISIT_NEXT;
}

static struct tb_head read_log(struct sim *sim, struct writers *writers)
{
    struct fixture *look = &sim->look;
    struct tb_txn *txn = fixture_read(look);
    struct tb_head head = *tb_txn_head(txn);
    sim_require(sim, head.oldest_seq <= sim->ledger.replay.seq + 1, "the log was cut too early");
    sim->ledger.replay.floor_id = no_id;
    if (head.seq > sim->ledger.replay.seq) {
        sim->figures.batches++;
        enum tb_err err = tb_visit_events(txn, sim->ledger.replay.seq, no_id, read_event, writers);
        sim_require(sim, err == TB_OK, "the log cannot be read");
    }
    sim_require(sim, sim->ledger.replay.seq == head.seq, "the log ends at %llu, the head says %llu",
                (unsigned long long)sim->ledger.replay.seq, (unsigned long long)head.seq);
    fixture_forget(look);
    return head;
}

/* --- answers --- */

static bool is_holders(enum tb_command_kind kind)
{
    return kind == TB_COMMAND_HEARTBEAT || kind == TB_COMMAND_COMPLETE || kind == TB_COMMAND_FAIL ||
           kind == TB_COMMAND_RELEASE;
}

/* A token works as long as its claim does; only the verb that ended it may be repeated. */
static void check_token(struct sim *sim, const struct request *request, uint64_t seq_before)
{
    const struct tb_reply *reply = &request->job.reply;
    const struct letter *letter = &request->letter;
    struct claim *claim = ledger_claim(sim, letter->generation);
    if (!is_holders(letter->kind) || claim == NULL) {
        return;
    }
    if (reply->err == TB_E_CLAIM_LOST) {
        sim_require(sim, !claim->live, "a token is refused whose claim holds its task");
    }
    if (reply->err == TB_OK && !reply->replayed) {
        bool worked = claim->live || claim->end_seq > seq_before;
        bool repeated = claim->ended_by == letter->kind;
        sim_require(sim, worked || repeated, "a token works whose claim has ended");
    }
    if (reply->err == TB_OK && !reply->replayed && letter->kind == TB_COMMAND_HEARTBEAT) {
        claim->told_ms = wire_instant(fixture_member(reply->body, "expiresAt"));
        claim->maybe_ms = claim->told_ms > claim->maybe_ms ? claim->told_ms : claim->maybe_ms;
    }
}

/* Signs of life are no events, nor is it one that a create finds the task with its key. */
static bool has_effect(const struct letter *letter, const struct tb_reply *reply)
{
    return reply->err == TB_OK &&
           (reply->seq != 0 || letter->kind == TB_COMMAND_CREATE ||
            letter->kind == TB_COMMAND_HEARTBEAT || letter->kind == TB_COMMAND_VM_HEARTBEAT);
}

/* A key has one effect, and one answer. */
static void check_key(struct sim *sim, const struct request *request)
{
    const struct tb_reply *reply = &request->job.reply;
    unsigned number = request->letter.key;
    struct key *key = &sim->ledger.keys[number % SIM_KEYS_MAX];
    if (number == 0 || !has_effect(&request->letter, reply)) {
        sim_require(sim, !reply->replayed, "an answer is given again that was none");
        return;
    }
    if (key->number != number) {
        *key = (struct key){.number = number};
    }
    sim_require(sim, !key->answered || (reply->replayed && key->seq == reply->seq),
                "a repeated request has another effect");
    sim_require(sim, !key->answered || key->body == hash_of(reply->body),
                "a repeated request gets another answer");
    key->answered = true;
    key->seq = reply->seq;
    key->body = hash_of(reply->body);
    sim->figures.replayed += reply->replayed ? 1 : 0;
}

static int64_t count_in(struct tb_str answer)
{
    struct tb_str next = fixture_member(answer, "next");
    struct tb_str list = next.ptr != NULL ? next : answer;
    return wire_number_or(fixture_member(list, "count"), 0);
}

static bool hands_out(enum tb_command_kind kind)
{
    return kind == TB_COMMAND_CLAIM || is_holders(kind);
}

/* The tasks of an answer are claimed for whom it went to. */
static void check_claimed(struct sim *sim, const struct request *request)
{
    const struct tb_reply *reply = &request->job.reply;
    struct tb_str body = reply->body;
    struct tb_str next = fixture_member(body, "next");
    struct tb_str tasks = fixture_member(next.ptr != NULL ? next : body, "tasks");
    struct tb_str task;
    for (size_t at = 0; wire_next(tasks, &at, &task);) {
        struct tb_str shown = fixture_member(task, "claim");
        struct claim *claim =
            ledger_claim(sim, (uint64_t)wire_number(fixture_member(shown, "generation")));
        sim_require(
            sim, claim != NULL && tb_id_cmp(claim->task, wire_id(fixture_member(task, "id"))) == 0,
            "a claim was answered that the log does not have");
        sim_require(sim, tb_str_eq_c(wire_text(fixture_member(shown, "by")), name_of(sim, request)),
                    "a client gets the claim of another");
    }
}

/* How many events of its own, beside claims, a success writes that writes any. */
static bool has_one_event(enum tb_command_kind kind)
{
    return kind != TB_COMMAND_CREATE && kind != TB_COMMAND_CLAIM && kind != TB_COMMAND_CLAIM_TASK &&
           kind != TB_COMMAND_RETRY_MANY;
}

static void check_effect(struct sim *sim, const struct request *request)
{
    const struct tb_reply *reply = &request->job.reply;
    enum tb_command_kind kind = request->letter.kind;
    unsigned long long own = request->own_events;
    if (!has_written(request)) {
        struct tb_str unique = fixture_member(tb_str_c(request->letter.body), "uniqueKey");
        sim_require(sim,
                    reply->err != TB_OK || reply->replayed || kind != TB_COMMAND_CREATE ||
                        unique.ptr != NULL,
                    "a create is answered and has done nothing");
        return;
    }
    bool wanted = own == (has_one_event(kind) ? 1 : 0);
    if (kind == TB_COMMAND_CREATE) {
        wanted = own == request->letter.creates;
    } else if (kind == TB_COMMAND_RETRY_MANY) {
        wanted = own == (uint64_t)wire_number(fixture_member(reply->body, "count"));
    }
    if (kind == TB_COMMAND_VM_HEARTBEAT) {
        wanted = true; /* it was back, which names nobody */
    }
    sim_require(sim, wanted, "request %llu of kind %d has %llu effects",
                (unsigned long long)request->number, (int)kind, own);
    uint64_t claimed = hands_out(kind) && reply->err == TB_OK ? (uint64_t)count_in(reply->body) : 0;
    claimed += kind == TB_COMMAND_CLAIM_TASK ? 1 : 0;
    sim_require(sim, request->claimed == claimed,
                "request %llu is answered %llu claims, and has %llu",
                (unsigned long long)request->number, (unsigned long long)claimed,
                (unsigned long long)request->claimed);
}

static void note_seen(struct sim *sim, const struct request *request)
{
    const struct letter *letter = &request->letter;
    if (letter->vm < 0 || request->job.reply.err != TB_OK) {
        return;
    }
    struct machine *machine = &sim->ledger.machines[letter->vm];
    int64_t seen_ms = request->sent_ms; /* at the earliest */
    machine->seen_ms = seen_ms > machine->seen_ms ? seen_ms : machine->seen_ms;
}

static void check_answer(struct sim *sim, const struct request *request, uint64_t seq_before,
                         const struct tb_head *head)
{
    const struct tb_reply *reply = &request->job.reply;
    enum tb_err err = reply->err;
    sim_trace(sim, "  answer to %llu: %s, seq %llu%s", (unsigned long long)request->number,
              err == TB_OK ? "ok" : tb_err_code(err), (unsigned long long)reply->seq,
              reply->replayed ? ", again" : "");
    digest(sim, reply->body);
    sim->figures.answers[request->letter.kind][err]++;
    sim_require(sim, reply->seq <= head->seq, "an answer names event %llu, the log ends at %llu",
                (unsigned long long)reply->seq, (unsigned long long)head->seq);
    sim_require(sim, err == TB_OK || reply->seq == 0 || err == TB_E_CLAIM_LOST,
                "a refusal has changed something");
    sim_require(sim, !has_written(request) || reply->seq > seq_before,
                "an answer names an event of before");
    sim_require(sim, err != TB_E_INTERNAL && err != TB_E_ABSENT && err != TB_E_CONFLICT,
                "an answer is none: %s", tb_err_code(err));
    check_token(sim, request, seq_before);
    check_key(sim, request);
    if (err == TB_E_UNKNOWN_OUTCOME) {
        sim->figures.unknowns_open++;
        return;
    }
    if (err == TB_OK && !reply->replayed && hands_out(request->letter.kind)) {
        check_claimed(sim, request);
    }
    sim_require(
        sim,
        !request->gone || request->queued || request->job.is_gone == NULL || !has_written(request),
        "request %llu is served, and its client has gone", (unsigned long long)request->number);
    check_effect(sim, request);
    note_seen(sim, request);
    if (request->until_ms != 0 && request->turn + 1 < sim->figures.turns) {
        sim->figures.waited++;
    }
    sim_require(sim, request->until_ms == 0 || sim->turn_ms <= request->until_ms + SIM_PATIENCE_MS,
                "request %llu has waited too long", (unsigned long long)request->number);
}

/* --- a turn --- */

void ledger_lose(struct sim *sim, const struct request *request)
{
    struct claim *claim = ledger_claim(sim, request->letter.generation);
    sim->ledger.maybe = true;
    if (claim != NULL) {
        claim->maybe_ms = INT64_MAX / 2;
        claim->ended_by = claim->live ? request->letter.kind : claim->ended_by;
    }
}

void ledger_settle(struct sim *sim)
{
    struct writers *writers = malloc(sizeof(*writers));
    assert_non_null(writers);
    uint64_t seq_before = sim->ledger.replay.seq;
    for (size_t i = 0; i < sim->answered_count; i++) {
        if (sim->answered[i]->job.reply.err == TB_E_UNKNOWN_OUTCOME) {
            ledger_lose(sim, sim->answered[i]);
        }
    }
    find_writers(sim, writers);
    const struct tb_head head = read_log(sim, writers);
    for (size_t i = 0; i < sim->answered_count; i++) {
        check_answer(sim, sim->answered[i], seq_before, &head);
    }
    free(writers);
    sim->ledger.maybe = false; /* what was lost has happened by now, or never will */
    if (head.seq == seq_before) {
        return;
    }
    if (sim->figures.batches % LOOK_EVERY == 0) {
        ledger_check_board(sim);
    }
}

/* --- time --- */

static void check_claims(struct sim *sim, int64_t now_ms)
{
    for (size_t i = 0; i < sim->ledger.replay.count; i++) {
        struct claim *claim = ledger_claim(sim, sim->ledger.replay.tasks[i].generation);
        if (claim == NULL || claim->vm >= 0) {
            continue;
        }
        int64_t grace_ms = sim->booted_ms + claim->lease_ms + SIM_PATIENCE_MS;
        int64_t end_ms = claim->maybe_ms > grace_ms ? claim->maybe_ms : grace_ms;
        sim_require(sim, end_ms + SIM_PATIENCE_MS >= now_ms, "claim %llu is not ended",
                    (unsigned long long)claim->generation);
    }
}

/* Nobody waits for what is there, or for an answer that his key has got already. */
static void check_waiting(struct sim *sim, const struct request *request)
{
    const struct replay *replay = &sim->ledger.replay;
    const struct key *key = &sim->ledger.keys[request->letter.key % SIM_KEYS_MAX];
    sim_require(
        sim, request->letter.key == 0 || key->number != request->letter.key || key->seq == 0,
        "request %llu waits for an answer that there is", (unsigned long long)request->number);
    for (size_t i = 0; i < replay->count; i++) {
        const struct replay_task *task = &replay->tasks[i];
        sim_require(
            sim, !task->ready || replay_is_paused(replay, task) || !wants(sim, request, task),
            "request %llu waits for a task that is ready", (unsigned long long)request->number);
    }
}

/* Looked at once for each state of the log. */
static void check_waits(struct sim *sim)
{
    if (sim->ledger.waits_seq == sim->ledger.replay.seq) {
        return;
    }
    sim->ledger.waits_seq = sim->ledger.replay.seq;
    for (size_t i = 0; i < sim->open_count; i++) {
        const struct request *request = sim->open[i];
        if (request->letter.kind == TB_COMMAND_CLAIM && !request->gone) {
            check_waiting(sim, request);
        }
    }
}

/* The engine's own index of what is due, as it is now. */
static void check_due(struct sim *sim, int64_t now_ms)
{
    struct tb_txn *txn = fixture_read(&sim->look);
    int64_t due_ms = INT64_MAX;
    struct tb_id id;
    struct tb_vm vm;
    if (tb_next_due(txn, &due_ms, &id) == TB_OK) {
        sim_require(sim, due_ms + SIM_PATIENCE_MS >= now_ms, "a task was due %lld ms ago",
                    (long long)(now_ms - due_ms));
    }
    if (tb_next_due_vm(txn, &vm) == TB_OK) {
        sim_require(sim, vm.due_ms + SIM_PATIENCE_MS >= now_ms, "a VM was due %lld ms ago",
                    (long long)(now_ms - vm.due_ms));
    }
    const struct tb_head *head = tb_txn_head(txn);
    sim_require(sim, head->seq + 1 - head->oldest_seq < 3000 + 500, "the log is not cut");
    fixture_forget(&sim->look);
}

void ledger_check_time(struct sim *sim)
{
    int64_t now_ms = sim_now_ms(sim);
    if (!sim->up || now_ms - sim->fault_ms <= SIM_PATIENCE_MS ||
        now_ms - sim->booted_ms <= SIM_PATIENCE_MS || sim->weather == DOWN) {
        return;
    }
    sim_require(sim, atomic_load(&sim->committer.health) == TB_OK, "the server does not recover");
    check_claims(sim, now_ms);
    check_waits(sim);
    check_due(sim, now_ms);
    sim->ledger.handled_ms = now_ms - SIM_PATIENCE_MS;
}

/* --- the board --- */

/* Lists are what the log says. */
static void check_list(struct sim *sim)
{
    struct replay *replay = &sim->ledger.replay;
    struct fixture *look = &sim->look;
    look->clock.now_ms = sim_now_ms(sim);
    struct tb_str list = fixture_member(fixture_list(look, "view=summary"), "tasks");
    struct tb_str item;
    size_t at = 0;
    for (size_t left = replay->count; left > 0; left--) { /* newest first */
        const struct replay_task *task = &replay->tasks[left - 1];
        bool ready = task->ready && !replay_is_paused(replay, task);
        sim_require(sim, wire_next(list, &at, &item), "there are fewer tasks than the log says");
        sim_require(sim,
                    tb_str_eq(replay_lasting(look->arena, item, ready),
                              replay_lasting(look->arena, task->summary, ready)) &&
                        wire_bool(fixture_member(item, "ready")) == ready,
                    "a task is not what the log says: %.*s", (int)item.len, item.ptr);
    }
    sim_require(sim, !wire_next(list, &at, &item), "there are more tasks than the log says");
    fixture_forget(look);
}

void ledger_check_board(struct sim *sim)
{
    char why[1024];
    struct fixture *look = &sim->look;
    struct tb_head head = fixture_head(look);
    bool good = replay_holds(&sim->ledger.replay, &head, sim->ledger.handled_ms, why, sizeof(why));
    sim_require(sim, good, "%s", why);
    check_list(sim);
    if (sim->figures.batches % VERIFY_EVERY == 0) {
        struct tb_txn *txn = fixture_read(look);
        good = tb_board_verify(txn, &look->board.options, sim_now_ms(sim) + AHEAD_MS, look->arena,
                               why, sizeof(why));
        sim_require(sim, good, "%s", why);
        fixture_forget(look);
        sim->figures.verified++;
    }
}

void ledger_close(struct sim *sim)
{
    replay_fini(&sim->ledger.replay);
    free(sim->ledger.titles);
}
