/* Those who use the board: coordinators that make and steer tasks, workers that claim them, and
 * machines that say that they live. All of them get things wrong: answers are lost and asked for
 * again, workers vanish, heartbeats come late, machines fall silent. */
#include "simulate/sim.h"

#include <stdio.h>

#include "scenario/wire.h"

#define COORDINATORS 6
#define WORKERS      30
#define TASKS_MANY   90 /* from here on more are deleted than made */
#define NEVER        INT64_MAX

static const struct tb_id no_id = {{0}};

static void write_body(struct letter *letter, const char *format, ...) FIXTURE_FORMAT(2, 3);

/* Adds to the body; with ' for ". */
static void write_body(struct letter *letter, const char *format, ...)
{
    size_t len = strlen(letter->body);
    va_list args;
    va_start(args, format);
    int added = vsnprintf(letter->body + len, sizeof(letter->body) - len, format, args);
    va_end(args);
    assert_in_range(added, 0, sizeof(letter->body) - len - 1);
    for (char *at = letter->body + len; *at != '\0'; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
}

static const char *tag(struct sim *sim)
{
    static const char *const tags[] = {"red", "green", "blue"};
    return tags[sim_roll(sim, COUNT(tags))];
}

static const struct replay_task *some_task(struct sim *sim)
{
    const struct replay *replay = &sim->ledger.replay;
    return replay->count == 0 ? NULL : &replay->tasks[sim_roll(sim, (unsigned)replay->count)];
}

static void write_id(struct letter *letter, struct tb_id id)
{
    char text[TB_ULID_LEN];
    tb_ulid_format(id, text);
    write_body(letter, "%.*s", TB_ULID_LEN, text);
}

/* --- coordinators --- */

static void write_task(struct sim *sim, struct letter *letter, const char *by, unsigned refs,
                       unsigned own)
{
    const struct replay_task *other = some_task(sim);
    write_body(letter, "{'title':'t%u','createdBy':'%s','priority':%u", ++sim->next_title, by,
               sim_roll(sim, 5));
    if (sim_chance(sim, 500)) {
        const char *more = sim_chance(sim, 300) ? ",'blue'" : "";
        write_body(letter, ",'tags':['%s'%s]", tag(sim), more);
    }
    if (refs > 0) {
        write_body(letter, ",'ref':'%u'", own);
    }
    if (own > 0 && sim_chance(sim, 500)) {
        write_body(letter, ",'dependencies':['#%u']", sim_roll(sim, own));
    } else if (other != NULL && sim_chance(sim, 200)) {
        write_body(letter, ",'dependencies':['");
        write_id(letter, other->id);
        write_body(letter, "']");
    }
    if (sim_chance(sim, 150)) {
        write_body(letter, ",'delaySeconds':%u", 1 + sim_roll(sim, 20000));
    }
    if (sim_chance(sim, 150)) {
        write_body(letter, ",'assignee':'work%u'", sim_roll(sim, WORKERS));
    }
    if (refs == 0 && sim_chance(sim, 100)) {
        write_body(letter, ",'uniqueKey':'u%u'", sim_roll(sim, 5));
    }
    if (sim_chance(sim, 200)) {
        write_body(letter, ",'maxAttempts':%u", sim_roll(sim, 4));
    }
    write_body(letter, "}");
}

static void create(struct sim *sim, struct letter *letter, const char *by)
{
    unsigned many = sim_chance(sim, 300) ? 1 + sim_roll(sim, 6) : 0;
    letter->kind = TB_COMMAND_CREATE;
    letter->creates = many > 0 ? many : 1;
    letter->key = ++sim->next_key;
    if (many == 0) {
        write_task(sim, letter, by, 0, 0);
        return;
    }
    for (unsigned i = 0; i < many; i++) {
        write_body(letter, i == 0 ? "[" : ",");
        write_task(sim, letter, by, many, i);
    }
    write_body(letter, "]");
}

static void patch(struct sim *sim, struct letter *letter, const char *by)
{
    static const char *const statuses[] = {"open", "in_progress", "done", "done", "blocked"};
    letter->kind = TB_COMMAND_PATCH;
    if (sim_chance(sim, 700)) {
        write_body(letter, "{'status':'%s'}", statuses[sim_roll(sim, COUNT(statuses))]);
    } else if (sim_chance(sim, 500)) {
        write_body(letter, "{'tags':['%s']}", tag(sim));
    } else {
        write_body(letter, "{'assignee':'%s'}", sim_chance(sim, 500) ? "" : by);
    }
}

/* On a task that is there, or was. */
static void steer(struct sim *sim, struct letter *letter, const char *by)
{
    static const enum tb_command_kind kinds[] = {
        TB_COMMAND_CANCEL, TB_COMMAND_RETRY,   TB_COMMAND_RETRY, TB_COMMAND_BUMP,
        TB_COMMAND_NOTE,   TB_COMMAND_APPROVE, TB_COMMAND_REJECT};
    enum tb_command_kind kind = kinds[sim_roll(sim, COUNT(kinds))];
    letter->kind = kind;
    if (kind == TB_COMMAND_CANCEL) {
        letter->force = sim_chance(sim, 300);
        write_body(letter, "{'by':'%s','force':%s}", by, letter->force ? "true" : "false");
    } else if (kind == TB_COMMAND_NOTE) {
        write_body(letter, "{'author':'%s','content':'n','type':'finding'}", by);
    } else if (kind == TB_COMMAND_APPROVE) {
        write_body(letter, "{'approvedBy':'%s'}", by);
    } else if (kind == TB_COMMAND_REJECT) {
        write_body(letter, "{'rejectedBy':'%s','reason':'r'}", by);
    } else {
        write_body(letter, kind == TB_COMMAND_RETRY ? "{'by':'%s'}" : "{}", by);
    }
}

static void pause_or_resume(struct sim *sim, struct letter *letter, const char *by)
{
    const struct replay *replay = &sim->ledger.replay;
    bool resumes = replay->paused || replay->paused_tag_count > 0;
    letter->kind = resumes ? TB_COMMAND_RESUME : TB_COMMAND_PAUSE;
    if (resumes ? !replay->paused : sim_chance(sim, 700)) {
        write_body(letter, "{'by':'%s','tag':'%s'}", by,
                   resumes ? replay->paused_tags[0] : tag(sim));
    } else {
        write_body(letter, "{'by':'%s'}", by);
    }
}

static void coordinate(struct sim *sim, const struct client *client, struct letter *letter)
{
    const struct replay *replay = &sim->ledger.replay;
    const struct replay_task *task = some_task(sim);
    unsigned roll = sim_roll(sim, 100);
    if (replay->count >= TASKS_MANY && roll < 50) {
        roll = 99;
    }
    if (task == NULL || roll < 50) {
        create(sim, letter, client->name);
        return;
    }
    letter->task = task->id;
    letter->force = sim_chance(sim, 300);
    if (roll < 62) {
        patch(sim, letter, client->name);
    } else if (roll < 80) {
        steer(sim, letter, client->name);
    } else if (roll < 87) {
        letter->task = no_id;
        pause_or_resume(sim, letter, client->name);
    } else if (roll < 89) {
        letter->task = no_id;
        letter->kind = TB_COMMAND_RETRY_MANY;
        write_body(letter, "{'by':'%s'}", client->name);
    } else if (roll < 91) {
        letter->task = no_id;
        letter->kind = TB_COMMAND_FEED_PUBLISH;
        write_body(letter, "{'agent':'%s','type':'finding','summary':'s'}", client->name);
    } else {
        letter->kind = TB_COMMAND_DELETE;
    }
}

/* --- workers --- */

static int64_t lease_seconds(struct sim *sim)
{
    static const int64_t leases[] = {10, 30, 60, 300, 3600, 14400};
    return leases[sim_roll(sim, COUNT(leases))];
}

static void write_claim(struct sim *sim, const struct client *client, struct letter *letter)
{
    write_body(letter, "'agent':'%s','leaseSeconds':%lld", client->name,
               (long long)lease_seconds(sim));
    if (client->vm >= 0) {
        write_body(letter, ",'vmId':'vm%d'", client->vm);
    }
    if (sim_chance(sim, 300)) {
        write_body(letter, ",'tags':['%s']", tag(sim));
    }
    if (sim_chance(sim, 100)) {
        write_body(letter, ",'max':%u", 1 + sim_roll(sim, 3));
    }
}

/* Returns how long it waits. */
static int64_t claim(struct sim *sim, const struct client *client, struct letter *letter)
{
    const struct replay_task *task = some_task(sim);
    unsigned wait_seconds = sim_chance(sim, 700) ? 1 + sim_roll(sim, 60) : 0;
    write_body(letter, "{");
    if (task != NULL && sim_chance(sim, 100)) {
        letter->kind = TB_COMMAND_CLAIM_TASK;
        letter->task = task->id;
        write_body(letter, "'agent':'%s','leaseSeconds':%lld}", client->name,
                   (long long)lease_seconds(sim));
        return 0;
    }
    letter->kind = TB_COMMAND_CLAIM;
    write_claim(sim, client, letter);
    write_body(letter, ",'wait':%u}", wait_seconds);
    return wait_seconds * INT64_C(1000);
}

static void finish(struct sim *sim, const struct client *client, struct letter *letter,
                   const struct holding *held)
{
    unsigned roll = sim_roll(sim, 100);
    letter->task = held->task;
    letter->generation = held->generation;
    write_body(letter, "{'claimToken':'%s'", held->token);
    if (roll < 65) {
        letter->kind = TB_COMMAND_COMPLETE;
        write_body(letter, ",'result':{'n':%u}", roll);
        if (sim_chance(sim, 100)) {
            write_body(letter, ",'review':true");
        }
    } else if (roll < 85) {
        letter->kind = TB_COMMAND_FAIL;
        write_body(letter, ",'error':'e','retryable':%s", roll < 82 ? "true" : "false");
    } else {
        letter->kind = TB_COMMAND_RELEASE;
    }
    if (sim_chance(sim, 300)) {
        write_body(letter, ",'next':{");
        write_claim(sim, client, letter);
        write_body(letter, "}");
    }
    write_body(letter, "}");
}

static void beat(struct sim *sim, struct letter *letter, const struct holding *held)
{
    letter->kind = TB_COMMAND_HEARTBEAT;
    letter->task = held->task;
    letter->generation = held->generation;
    write_body(letter, "{'claimToken':'%s'", held->token);
    if (sim_chance(sim, 200)) {
        write_body(letter, ",'progress':{'percent':%u}", sim_roll(sim, 101));
    }
    write_body(letter, "}");
}

/* The work that is to be seen to first; NULL: it holds nothing. */
static struct holding *first_held(struct client *client)
{
    struct holding *first = NULL;
    int64_t first_ms = NEVER;
    for (size_t i = 0; i < SIM_HELD_MAX; i++) {
        struct holding *held = &client->held[i];
        int64_t at_ms = held->done_ms < held->beat_ms ? held->done_ms : held->beat_ms;
        if (held->generation != 0 && (first == NULL || at_ms < first_ms)) {
            first = held;
            first_ms = at_ms;
        }
    }
    return first;
}

/* Now and then it forgets all that it holds: its process has died. */
static int64_t work(struct sim *sim, struct client *client, struct letter *letter)
{
    struct holding *held = first_held(client);
    if (held != NULL && sim_chance(sim, 30)) {
        memset(client->held, 0, sizeof(client->held));
        held = NULL;
    }
    if (held == NULL) {
        return claim(sim, client, letter);
    }
    if (held->beat_ms < held->done_ms) {
        beat(sim, letter, held);
        held->beat_ms = sim_now_ms(sim) + held->lease_ms / 3;
    } else {
        finish(sim, client, letter, held);
    }
    return 0;
}

static void take_claim(struct sim *sim, struct client *client, struct tb_str task)
{
    struct tb_str shown = fixture_member(task, "claim");
    struct tb_str token = wire_text(fixture_member(shown, "token"));
    const struct claim *known =
        ledger_claim(sim, (uint64_t)wire_number(fixture_member(shown, "generation")));
    sim_require(sim, known != NULL && token.len < SIM_TOKEN_MAX, "a claim without a token");
    for (size_t i = 0; i < SIM_HELD_MAX; i++) {
        struct holding *held = &client->held[i];
        if (held->generation == 0) {
            int64_t now_ms = sim_now_ms(sim);
            unsigned roll = sim_roll(sim, 100);
            *held = (struct holding){.generation = known->generation, .task = known->task};
            memcpy(held->token, token.ptr, token.len);
            held->lease_ms = known->lease_ms;
            held->done_ms = now_ms + sim_between(sim, 100, 2 * held->lease_ms);
            held->beat_ms = now_ms + held->lease_ms / (roll < 80 ? 3 : 1) + (roll < 80 ? 0 : 500);
            if (roll >= 92) {
                held->beat_ms = NEVER;
            }
            return;
        }
    }
}

static void take_claims(struct sim *sim, struct client *client, struct tb_str answer)
{
    struct tb_str next = fixture_member(answer, "next");
    struct tb_str tasks = fixture_member(next.ptr != NULL ? next : answer, "tasks");
    struct tb_str task;
    for (size_t at = 0; wire_next(tasks, &at, &task);) {
        take_claim(sim, client, task);
    }
}

static void let_go(struct client *client, uint64_t generation)
{
    for (size_t i = 0; i < SIM_HELD_MAX; i++) {
        if (client->held[i].generation == generation) {
            client->held[i].generation = 0;
        }
    }
}

/* What an answer tells a worker. */
static void learn(struct sim *sim, struct client *client, const struct request *request)
{
    const struct tb_reply *reply = &request->job.reply;
    enum tb_command_kind kind = request->letter.kind;
    if (request->letter.generation != 0 && (kind != TB_COMMAND_HEARTBEAT || reply->err != TB_OK)) {
        let_go(client, request->letter.generation);
    }
    if (reply->err != TB_OK) {
        return;
    }
    if (kind == TB_COMMAND_CLAIM_TASK) {
        take_claim(sim, client, reply->body);
    } else if (kind != TB_COMMAND_HEARTBEAT) {
        take_claims(sim, client, reply->body);
    }
}

/* --- machines --- */

static void live(struct sim *sim, const struct client *client, struct letter *letter)
{
    static const unsigned ttls[] = {60, 600, 3600, 7200};
    const struct machine *machine = &sim->ledger.machines[client->vm];
    unsigned roll = sim_roll(sim, 1000);
    letter->vm = client->vm;
    if (!machine->registered) {
        letter->kind = TB_COMMAND_VM_REGISTER;
        write_body(letter, "{'id':'vm%d','name':'n','role':'worker','address':'a'", client->vm);
        write_body(letter, ",'registeredBy':'%s','ttlSeconds':%u}", client->name,
                   ttls[sim_roll(sim, COUNT(ttls))]);
    } else if (roll < 4) {
        letter->kind = TB_COMMAND_VM_DELETE;
    } else {
        letter->kind = TB_COMMAND_VM_HEARTBEAT;
    }
}

/* --- what all of them do --- */

/* When most of the board sleeps, hardly anybody begins anything new. */
static int64_t rest(struct sim *sim, int64_t least_ms, int64_t most_ms)
{
    int64_t at_ms = sim_now_ms(sim) + sim_between(sim, least_ms, most_ms);
    if (sim->quiet && at_ms < sim->quiet_ms && sim_chance(sim, 900)) {
        at_ms = sim->quiet_ms + sim_between(sim, 0, 300000);
    }
    return at_ms;
}

static int64_t next_of(struct sim *sim, struct client *client)
{
    const struct holding *held = first_held(client);
    int64_t now_ms = sim_now_ms(sim);
    if (client->kind == MACHINE) {
        int64_t ttl_ms = sim->ledger.machines[client->vm].ttl_ms;
        int64_t pause_ms = sim_chance(sim, 10) ? sim_between(sim, ttl_ms, 4 * ttl_ms) : ttl_ms / 3;
        return now_ms + (ttl_ms > 0 ? pause_ms : sim_between(sim, 1000, 60000));
    }
    if (held != NULL) {
        int64_t at_ms = held->done_ms < held->beat_ms ? held->done_ms : held->beat_ms;
        return at_ms > now_ms ? at_ms : now_ms + 1;
    }
    return client->kind == WORKER ? rest(sim, 100, 120000) : rest(sim, 1000, 240000);
}

static void compose(struct sim *sim, struct client *client, int64_t *wait_ms)
{
    struct letter *letter = &client->letter;
    *letter = (struct letter){.vm = -1};
    *wait_ms = 0;
    switch (client->kind) {
    case COORDINATOR:
        coordinate(sim, client, letter);
        break;
    case WORKER:
        *wait_ms = work(sim, client, letter);
        break;
    case MACHINE:
        live(sim, client, letter);
        break;
    }
    if (letter->key == 0 && sim_chance(sim, 400) && client->kind != MACHINE) {
        letter->key = ++sim->next_key;
    }
}

static void leave(struct sim *sim, struct client *client)
{
    client->pending->gone = true;
    client->pending = NULL;
    client->resends = client->letter.key != 0 && sim_chance(sim, 500) ? 1 : 0;
    client->next_ms = client->resends > 0 ? sim_now_ms(sim) + 100 : next_of(sim, client);
    sim_trace(sim, "%s leaves", client->name);
}

static int64_t wait_of(const struct letter *letter)
{
    struct tb_str wait = fixture_member(tb_str_c(letter->body), "wait");
    return letter->kind == TB_COMMAND_CLAIM ? wire_number_or(wait, 0) * 1000 : 0;
}

void clients_act(struct sim *sim, int nth)
{
    struct client *client = &sim->clients[nth];
    int64_t wait_ms = 0;
    if (client->pending != NULL) {
        leave(sim, client);
        return;
    }
    if (!sim->up) {
        client->next_ms = sim_now_ms(sim) + sim_between(sim, 500, 20000);
        return;
    }
    if (client->resends > 0) {
        client->resends--;
        wait_ms = wait_of(&client->letter);
    } else {
        compose(sim, client, &wait_ms);
    }
    if (!server_submit(sim, nth, &client->letter, wait_ms)) {
        client->resends++;
        client->next_ms = sim_now_ms(sim) + sim_between(sim, 500, 5000);
        return;
    }
    bool leaves = wait_ms > 0 && sim_chance(sim, 100);
    client->next_ms = leaves ? sim_now_ms(sim) + sim_between(sim, 1, wait_ms) : NEVER;
}

/* A server that has failed is asked again, the same with the same key. */
static void ask_again(struct sim *sim, struct client *client)
{
    client->resends = client->letter.key != 0 || client->kind == WORKER ? 1 : 0;
    client->next_ms =
        client->resends > 0 ? sim_now_ms(sim) + sim_between(sim, 100, 15000) : next_of(sim, client);
}

void clients_take(struct sim *sim, struct request *request)
{
    struct client *client = &sim->clients[request->client];
    if (client->pending != request) {
        return; /* it has left */
    }
    client->pending = NULL;
    if (tb_err_status(request->job.reply.err) >= 500 && request->job.reply.err != TB_OK) {
        ask_again(sim, client);
        return;
    }
    if (request->letter.key != 0 && sim_chance(sim, 50)) {
        sim_trace(sim, "%s does not get its answer", client->name);
        ask_again(sim, client);
        return;
    }
    if (client->kind == WORKER) {
        learn(sim, client, request);
    }
    client->next_ms = next_of(sim, client);
}

void clients_forget(struct sim *sim, struct request *request)
{
    struct client *client = &sim->clients[request->client];
    if (client->pending == request) {
        client->pending = NULL;
        ask_again(sim, client);
    }
}

int64_t clients_next_ms(const struct sim *sim, int *nth)
{
    int64_t next_ms = NEVER;
    for (int i = 0; i < SIM_CLIENTS; i++) { /* so few that a search is short */
        if (sim->clients[i].next_ms < next_ms) {
            next_ms = sim->clients[i].next_ms;
            *nth = i;
        }
    }
    return next_ms;
}

void clients_open(struct sim *sim)
{
    for (int i = 0; i < SIM_CLIENTS; i++) {
        struct client *client = &sim->clients[i];
        int nth = i < COORDINATORS ? i : i - COORDINATORS;
        client->kind = i < COORDINATORS ? COORDINATOR : WORKER;
        client->vm = -1;
        if (nth >= WORKERS) {
            nth -= WORKERS;
            client->kind = MACHINE;
            client->vm = nth;
        } else if (client->kind == WORKER && nth % 3 == 0) {
            client->vm = nth / 3;
        }
        static const char *const names[] = {"lead", "work", "mach"};
        (void)snprintf(client->name, sizeof(client->name), "%s%d", names[client->kind], nth);
        client->next_ms = sim_now_ms(sim) + sim_between(sim, 0, 120000);
    }
}

void clients_fall_silent(struct sim *sim)
{
    int64_t until_ms = sim_now_ms(sim) + sim_between(sim, 60000, 10800000);
    sim_trace(sim, "most machines fall silent");
    for (int i = 0; i < SIM_CLIENTS; i++) {
        struct client *client = &sim->clients[i];
        if (client->kind == MACHINE && client->pending == NULL && sim_chance(sim, 800)) {
            client->next_ms = until_ms + sim_between(sim, 0, 5000);
        }
    }
}

void clients_come_together(struct sim *sim)
{
    for (int i = 0; i < SIM_CLIENTS; i++) {
        if (sim->clients[i].pending == NULL) {
            sim->clients[i].next_ms = sim_now_ms(sim);
        }
    }
}
