/* The life of the server: starts, turns, crashes and stops; requests and their answers. */
#include "simulate/sim.h"

#include <stdlib.h>

#define QUEUE_MAX 32 /* so small that it is full now and then */
#define BATCH_MAX 12

/* --- answers --- */

static void take_answer(struct sim *sim, struct request *request)
{
    sim_require(sim, !request->answered, "request %llu is answered twice",
                (unsigned long long)request->number);
    request->answered = true;
    sim->answered[sim->answered_count++] = request;
}

static bool loses_delivery(struct sim *sim)
{
    bool lost = sim->control == SIM_LOST_DELIVERY && sim_now_ms(sim) >= sim->control_ms &&
                sim_chance(sim, 5);
    sim->strikes += lost ? 1 : 0;
    return lost;
}

static void deliver(struct tb_mailbox *mailbox, struct tb_job *jobs)
{
    for (struct tb_job *job = jobs; job != NULL; job = job->next) {
        struct request *request = (struct request *)job;
        struct sim *sim = request->sim;
        sim_require(sim, job->mailbox == mailbox, "an answer comes to a wrong mailbox");
        if (!loses_delivery(sim)) {
            take_answer(sim, request);
        }
    }
}

static void announce(struct tb_mailbox *mailbox)
{
    struct sim *sim = (struct sim *)((char *)mailbox - offsetof(struct sim, boxes));
    sim->announced++;
}

static bool is_gone(struct tb_job *job)
{
    return ((const struct request *)job)->gone;
}

static void forget(struct sim *sim, struct request *request)
{
    size_t kept = 0;
    for (size_t i = 0; i < sim->open_count; i++) {
        if (sim->open[i] != request) {
            sim->open[kept++] = sim->open[i];
        }
    }
    sim->open_count = kept;
    tb_arena_free(request->job.arena);
    free(request);
}

/* --- requests --- */

static bool parse(struct request *request, const char *name)
{
    struct tb_job *job = &request->job;
    const struct letter *letter = &request->letter;
    struct fixture parser = {.arena = job->arena, .actor = tb_str_c(name), .force = letter->force};
    if (letter->vm >= 0) {
        parser.vm_id = tb_arena_printf(job->arena, "vm%d", letter->vm);
    }
    if (letter->key != 0) {
        parser.idempotency_key = tb_arena_printf(job->arena, "key %u", letter->key).ptr;
    }
    struct tb_str body = tb_arena_printf(job->arena, "%s", letter->body);
    return fixture_parse(&parser, letter->kind, letter->task, &job->command, body);
}

bool server_submit(struct sim *sim, int client, const struct letter *letter, int64_t wait_ms)
{
    sim_require(sim, sim->up && sim->open_count < SIM_OPEN_MAX, "too many requests are open");
    struct request *request = calloc(1, sizeof(*request));
    assert_non_null(request);
    request->sim = sim;
    request->letter = *letter;
    request->number = ++sim->next_number;
    request->client = client;
    request->sent_ms = sim_now_ms(sim);
    request->until_ms = wait_ms > 0 ? sim_now_ms(sim) + wait_ms : 0;
    request->wait_ms = wait_ms;
    request->turn = sim->figures.turns;
    request->job.arena = tb_arena_new(0);
    request->job.mailbox = &sim->boxes[client % 2];
    request->job.is_gone = client % 3 == 0 ? NULL : is_gone; /* not every client can be asked */
    sim_require(sim, parse(request, sim->clients[client].name), "no good body: %s", letter->body);
    enum tb_err err = tb_queue_put(&sim->committer.queue, &request->job);
    sim_trace(sim, "%s sends %llu: kind %d %s%s", sim->clients[client].name,
              (unsigned long long)request->number, (int)letter->kind, letter->body,
              err != TB_OK ? ", refused at the door" : "");
    if (err != TB_OK) {
        sim_require(sim, err == TB_E_OVERLOADED || (err == TB_E_DRAINING && sim->draining),
                    "a request is refused: %s", tb_err_code(err));
        sim->figures.refused_sends++;
        tb_arena_free(request->job.arena);
        free(request);
        return false;
    }
    sim->figures.jobs++;
    sim->open[sim->open_count++] = request;
    sim->clients[client].pending = request;
    return true;
}

/* --- life --- */

static const struct tb_service_options *options_of(struct sim *sim)
{
    static struct tb_service_options options;
    options = (struct tb_service_options){
        .store = sim->store,
        .clock = &sim->clock,
        .board = {.aging_ms = 3600000,
                  .default_max_attempts = 3,
                  .retain_events = 3000,
                  .retain_ms = INT64_C(30) * 3600000},
        .random = fixture_random,
        .random_ctx = &sim->random,
        .queue_max = QUEUE_MAX,
        .batch_max = BATCH_MAX,
    };
    return &options;
}

void server_start(struct sim *sim)
{
    char why[256] = "";
    int64_t before_ms = sim_now_ms(sim);
    enum tb_err err = tb_committer_init(&sim->committer, options_of(sim), why, sizeof(why));
    sim->figures.starts++;
    if (err != TB_OK) {
        sim_trace(sim, "the server does not start: %s", why);
        sim->start_ms = sim_now_ms(sim) + sim_between(sim, 1000, 10000);
        ledger_settle(sim); /* a part may have happened */
        return;
    }
    sim_trace(sim, "the server starts");
    sim->up = true;
    sim->draining = false;
    sim->booted_ms = before_ms;
    sim->stop_ms = sim_now_ms(sim) + sim_between(sim, 600000, INT64_C(40) * 3600000);
    sim->boxes[0] = (struct tb_mailbox){.deliver = deliver, .announce = announce};
    sim->boxes[1] = (struct tb_mailbox){.deliver = deliver, .announce = announce};
    tb_news_listen(&sim->committer.news, &sim->boxes[0]);
    ledger_settle(sim);
}

static void end(struct sim *sim)
{
    tb_committer_fini(&sim->committer);
    sim->up = false;
    sim->crashing = false;
    sim->start_ms = sim_now_ms(sim) + sim_between(sim, 100, 120000);
}

/* All that was not delivered is lost, and nobody knows what of it has happened. */
void server_crash(struct sim *sim)
{
    sim_trace(sim, "the server crashes");
    sim->figures.crashes++;
    end(sim);
    sim->answered_count = 0;
    while (sim->open_count > 0) {
        struct request *request = sim->open[0];
        ledger_lose(sim, request);
        clients_forget(sim, request);
        forget(sim, request);
    }
    ledger_settle(sim);
}

/* --- turns --- */

static void check_news(struct sim *sim, uint64_t seq_before)
{
    uint64_t seq = atomic_load(&sim->committer.news.seq);
    sim_require(sim, seq == seq_before || sim->announced == 1, "a commit was announced %u times",
                sim->announced);
}

/* Answers do not wait for the next turn, but those of claims that may wait. */
static void check_left_over(struct sim *sim)
{
    bool none_queued = sim->committer.queue.first == NULL;
    for (size_t i = 0; i < sim->open_count && none_queued; i++) {
        const struct request *request = sim->open[i];
        sim_require(sim, request->until_ms != 0, "request %llu of kind %d is never answered",
                    (unsigned long long)request->number, (int)request->letter.kind);
    }
}

static void hand_out(struct sim *sim)
{
    size_t count = sim->answered_count;
    for (size_t i = 0; i < count; i++) {
        clients_take(sim, sim->answered[i]);
    }
    for (size_t i = 0; i < count; i++) {
        forget(sim, sim->answered[i]);
    }
    sim->answered_count = 0;
}

/* A wait begins when the committer has taken the request, which a slow engine may put off. */
static void note_queued(struct sim *sim)
{
    for (struct tb_job *job = sim->committer.queue.first; job != NULL; job = job->next) {
        ((struct request *)job)->queued = true;
    }
}

static void begin_waits(struct sim *sim)
{
    for (size_t i = 0; i < sim->open_count; i++) {
        struct request *request = sim->open[i];
        if (request->queued && request->until_ms != 0) {
            request->until_ms = sim_now_ms(sim) + request->wait_ms;
        }
        request->queued = false;
    }
}

static void swap_answers(struct sim *sim)
{
    if (sim->control != SIM_WAITERS_SWAPPED || sim->answered_count < 2 ||
        sim_now_ms(sim) < sim->control_ms) {
        return;
    }
    struct tb_reply reply = sim->answered[0]->job.reply;
    sim->answered[0]->job.reply = sim->answered[1]->job.reply;
    sim->answered[1]->job.reply = reply;
    sim->strikes++;
}

void server_turn(struct sim *sim)
{
    uint64_t seq_before = atomic_load(&sim->committer.news.seq);
    sim->turn_ms = sim_now_ms(sim);
    sim->figures.turns++;
    sim->full = false;
    sim->announced = 0;
    atomic_store(&sim->boxes[0].wants_news, true);
    note_queued(sim);
    bool goes_on = tb_committer_turn(&sim->committer, 0);
    if (sim->crashing) {
        server_crash(sim);
        return;
    }
    check_news(sim, seq_before);
    swap_answers(sim);
    ledger_settle(sim);
    hand_out(sim);
    check_left_over(sim);
    begin_waits(sim);
    if (!goes_on) {
        sim_require(sim, sim->open_count == 0, "the server stops with requests unanswered");
        end(sim);
    }
}

/* As SIGTERM does it. */
void server_stop(struct sim *sim)
{
    sim_trace(sim, "the server stops");
    sim->figures.drains++;
    sim->draining = true;
    sim->stop_ms = INT64_MAX;
    tb_queue_drain(&sim->committer.queue);
    for (int turns = 0; sim->up && turns < 200; turns++) {
        if (turns == 1) {
            tb_queue_stop(&sim->committer.queue);
        }
        server_turn(sim);
    }
    sim_require(sim, !sim->up, "the server does not stop");
}
