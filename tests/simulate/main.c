/* One history of the seed: time, its loop, and what is said of it in the end.
 *
 *     simulate --seed N [--hours H] [--control NAME]
 *
 * Ends with 0 and a line of JSON, or with 1 and what led to the broken promise. */
#include "simulate/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

#define HOUR_MS   INT64_C(3600000)
#define TURNS_MAX 2000 /* without that time passes */

static const char *const control_names[SIM_CONTROL_COUNT] = {
    [SIM_SOUND] = "none",
    [SIM_DROPPED_COMMIT] = "dropped-commit",
    [SIM_DOUBLE_COMMIT] = "double-commit",
    [SIM_LOST_DELIVERY] = "lost-delivery",
    [SIM_CLOCK_BACK] = "clock-back",
    [SIM_LATE_TURNS] = "late-turns",
    [SIM_CLOCK_AHEAD] = "clock-ahead",
    [SIM_WAITERS_SWAPPED] = "swapped-answers",
};

/* --- time and chance --- */

int64_t sim_now_ms(const struct sim *sim)
{
    return FIXTURE_START_MS + sim->now_us / 1000;
}

static int64_t wall_ms(void *ctx)
{
    const struct sim *sim = ctx;
    return sim_now_ms(sim) + sim->skew_ms + sim->wall_skew_ms;
}

static int64_t monotonic_us(void *ctx)
{
    const struct sim *sim = ctx;
    return INT64_C(86400000000) + sim->now_us + sim->skew_ms * 1000;
}

unsigned sim_roll(struct sim *sim, unsigned sides)
{
    return random_below(&sim->dice, sides);
}

bool sim_chance(struct sim *sim, unsigned per_mille)
{
    return sim_roll(sim, 1000) < per_mille;
}

int64_t sim_between(struct sim *sim, int64_t least, int64_t most)
{
    return least + (int64_t)(next_random(&sim->dice) >> 16) % (most - least + 1);
}

/* --- reports --- */

void sim_trace(struct sim *sim, const char *format, ...)
{
    char *line = sim->trace[sim->traced++ % SIM_TRACE_LINES];
    int64_t ms = sim->now_us / 1000;
    int len = snprintf(line, SIM_TRACE_MAX, "%4" PRId64 "h%02d:%02d.%03d ", ms / HOUR_MS,
                       (int)(ms / 60000 % 60), (int)(ms / 1000 % 60), (int)(ms % 1000));
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line + len, SIM_TRACE_MAX - (size_t)len, format, args);
    va_end(args);
}

void sim_require(struct sim *sim, bool holds, const char *format, ...)
{
    if (holds) {
        return;
    }
    uint64_t first = sim->traced > SIM_TRACE_LINES ? sim->traced - SIM_TRACE_LINES : 0;
    for (uint64_t i = first; i < sim->traced; i++) {
        printf("%s\n", sim->trace[i % SIM_TRACE_LINES]);
    }
    printf("FAILED: seed %" PRIu64 ", step %" PRIu64 ", %s weather, %u planted: ", sim->seed,
           sim->step, engine_weather_name(sim), sim->strikes);
    va_list args;
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    printf("\n");
    (void)fflush(stdout);
    _Exit(1);
}

/* The checks of what the simulation is made of (cmocka's, in the fixture and the replay) end the
 * program without a word. */
static struct sim *running;

static void tell_of_failed_check(void)
{
    if (running != NULL) {
        sim_require(running, false, "a check of the fixture or the replay failed");
    }
}

static void add_answers(const struct sim *sim)
{
    uint64_t kinds[TB_COMMAND_KIND_COUNT] = {0};
    uint64_t errs[TB_ERR_COUNT] = {0};
    const char *comma = "";
    for (size_t kind = 0; kind < TB_COMMAND_KIND_COUNT; kind++) {
        for (size_t err = 0; err < TB_ERR_COUNT; err++) {
            kinds[kind] += sim->figures.answers[kind][err];
            errs[err] += sim->figures.answers[kind][err];
        }
    }
    printf("\"answers\":{");
    for (size_t err = 0; err < TB_ERR_COUNT; err++) {
        if (errs[err] > 0) {
            printf("%s\"%s\":%" PRIu64, comma, err == TB_OK ? "ok" : tb_err_code((enum tb_err)err),
                   errs[err]);
            comma = ",";
        }
    }
    comma = "";
    printf("},\"kinds\":{");
    for (size_t kind = 0; kind < TB_COMMAND_KIND_COUNT; kind++) {
        if (kinds[kind] > 0) {
            printf("%s\"%zu\":%" PRIu64, comma, kind, kinds[kind]);
            comma = ",";
        }
    }
    printf("}");
}

static void print_figures(const struct sim *sim)
{
    const struct figures *f = &sim->figures;
    printf("{\"seed\":%" PRIu64 ",\"hours\":%" PRId64 ",\"strikes\":%u,\"digest\":\"%016" PRIx64
           "\",",
           sim->seed, sim->now_us / 1000 / HOUR_MS, sim->strikes, sim->ledger.digest);
#define FIGURE(name) printf("\"%s\":%" PRIu64 ",", #name, f->name)
    FIGURE(turns);
    FIGURE(batches);
    FIGURE(events);
    FIGURE(jobs);
    FIGURE(waited);
    FIGURE(replayed);
    FIGURE(conflicts);
    FIGURE(unknowns);
    FIGURE(unknowns_open);
    FIGURE(downs);
    FIGURE(fulls);
    FIGURE(slow);
    FIGURE(crashes);
    FIGURE(drains);
    FIGURE(starts);
    FIGURE(refused_sends);
    FIGURE(verified);
#undef FIGURE
    add_answers(sim);
    printf("}\n");
}

/* --- the loop --- */

/* Spells of much and of little to do. */
static void change_pace(struct sim *sim)
{
    sim->quiet = !sim->quiet;
    if (!sim->quiet) {
        clients_come_together(sim);
    }
    sim->quiet_ms = sim_now_ms(sim) + (sim->quiet ? sim_between(sim, HOUR_MS / 2, 5 * HOUR_MS)
                                                  : sim_between(sim, HOUR_MS / 12, HOUR_MS / 2));
}

static void plant(struct sim *sim)
{
    if (sim_now_ms(sim) < sim->control_ms) {
        return;
    }
    if (sim->control == SIM_CLOCK_BACK) {
        sim->skew_ms -= 600000;
    } else if (sim->control == SIM_CLOCK_AHEAD) {
        sim->wall_skew_ms += 1200000;
    } else {
        return;
    }
    sim->strikes++;
    sim->control_ms += HOUR_MS;
}

static void act(struct sim *sim)
{
    int nth = 0;
    int64_t now_ms = sim_now_ms(sim);
    plant(sim);
    if (sim->weather_ms <= now_ms) {
        engine_change_weather(sim);
    }
    if (sim->quiet_ms <= now_ms) {
        change_pace(sim);
    }
    if (sim->silence_ms <= now_ms) {
        clients_fall_silent(sim);
        sim->silence_ms = now_ms + sim_between(sim, HOUR_MS, 30 * HOUR_MS);
    }
    if (!sim->up && sim->start_ms <= now_ms) {
        server_start(sim);
    } else if (sim->up && sim->stop_ms <= now_ms) {
        server_stop(sim);
    }
    while (clients_next_ms(sim, &nth) <= now_ms) {
        clients_act(sim, nth);
    }
}

static void turn(struct sim *sim)
{
    unsigned turns = 0;
    for (bool first = true; sim->up && (first || tb_committer_sleep_ms(&sim->committer) == 0 ||
                                        sim->committer.queue.first != NULL);
         first = false) {
        server_turn(sim);
        sim_require(sim, turns++ < TURNS_MAX, "the committer finds no end");
    }
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The committer is woken when it asked for it, or when a job comes. */
static int64_t next_ms(struct sim *sim)
{
    int nth = 0;
    int64_t at_ms = least(clients_next_ms(sim, &nth), least(sim->weather_ms, sim->quiet_ms));
    at_ms = least(at_ms, sim->silence_ms);
    if (!sim->up) {
        return least(at_ms, sim->start_ms);
    }
    int64_t wake_ms = sim_now_ms(sim) + tb_committer_sleep_ms(&sim->committer);
    if (sim->control == SIM_LATE_TURNS && sim_now_ms(sim) >= sim->control_ms) {
        wake_ms += 60000;
        sim->strikes++;
    }
    return least(least(at_ms, sim->stop_ms), wake_ms);
}

static void run(struct sim *sim, int64_t hours)
{
    int64_t end_ms = sim_now_ms(sim) + hours * HOUR_MS;
    while (sim_now_ms(sim) < end_ms) {
        sim->step++;
        ledger_check_time(sim);
        act(sim);
        turn(sim);
        int64_t at_ms = next_ms(sim);
        if (at_ms > sim_now_ms(sim)) {
            sim->now_us = (at_ms - FIXTURE_START_MS) * 1000;
        }
    }
    ledger_check_board(sim);
}

static void open_look(struct sim *sim)
{
    sim->look.store = sim->inner;
    sim->look.arena = tb_arena_new(0);
    sim->look.board.options = (struct tb_board_options){.aging_ms = HOUR_MS};
    enum tb_err err = tb_reader_new(sim->inner, &sim->look.reader);
    sim_require(sim, err == TB_OK, "no reader");
}

static void close_all(struct sim *sim)
{
    while (sim->up) {
        sim->weather = FAIR;
        server_stop(sim);
    }
    ledger_close(sim);
    tb_reader_free(&sim->look.reader);
    tb_arena_free(sim->look.arena);
    engine_close(sim);
    free(sim);
}

/* --- the command line --- */

static uint64_t number_of(const char *text)
{
    char *end = NULL;
    uint64_t number = strtoull(text, &end, 10);
    if (*text == '\0' || *end != '\0') {
        (void)fprintf(stderr, "simulate: %s is no number\n", text);
        exit(2);
    }
    return number;
}

static enum sim_control control_of(const char *name)
{
    for (int i = 0; i < SIM_CONTROL_COUNT; i++) {
        if (strcmp(name, control_names[i]) == 0) {
            return (enum sim_control)i;
        }
    }
    (void)fprintf(stderr, "simulate: no such control: %s\n", name);
    exit(2);
}

int main(int argc, char **argv)
{
    uint64_t seed = 1;
    uint64_t hours = 24;
    enum sim_control control = SIM_SOUND;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0) {
            seed = number_of(argv[i + 1]);
        } else if (strcmp(argv[i], "--hours") == 0) {
            hours = number_of(argv[i + 1]);
        } else if (strcmp(argv[i], "--control") == 0) {
            control = control_of(argv[i + 1]);
        }
    }
    struct sim *sim = calloc(1, sizeof(*sim));
    assert_non_null(sim);
    sim->seed = seed;
    sim->control = control;
    sim->dice = seed * UINT64_C(0x9E3779B97F4A7C15) | 1;
    sim->random = sim->dice ^ UINT64_C(0x5851F42D4C957F2D);
    sim->clock = (struct tb_clock){wall_ms, monotonic_us, sim};
    sim->control_ms = sim_now_ms(sim) + HOUR_MS;
    tb_log_init(2, TB_LOG_OFF, TB_LOG_TEXT);
    engine_open(sim);
    open_look(sim);
    clients_open(sim);
    sim->quiet_ms = sim_now_ms(sim) + HOUR_MS / 3;
    sim->silence_ms = sim_now_ms(sim) + 3 * HOUR_MS;
    running = sim;
    (void)atexit(tell_of_failed_check);
    run(sim, (int64_t)hours);
    print_figures(sim);
    close_all(sim);
    running = NULL;
    return 0;
}
