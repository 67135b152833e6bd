/* The engine of the seed: the memory engine behind one that fails as the weather has it. */
#include "simulate/sim.h"

static struct tb_fate says(struct sim *sim, enum tb_err err, bool happens)
{
    if (err != TB_OK) {
        sim->fault_ms = sim_now_ms(sim);
        sim_trace(sim, "  engine: %s%s", tb_err_code(err), happens ? ", and has done it" : "");
    }
    sim->figures.conflicts += err == TB_E_CONFLICT ? 1 : 0;
    sim->figures.unknowns += err == TB_E_UNKNOWN_OUTCOME ? 1 : 0;
    sim->figures.downs += err == TB_E_STORAGE_DOWN ? 1 : 0;
    sim->figures.fulls += err == TB_E_STORAGE_FULL ? 1 : 0;
    sim->full = sim->full || err == TB_E_STORAGE_FULL;
    return (struct tb_fate){.err = err, .happens = happens};
}

static void take_time(struct sim *sim, int64_t most_ms)
{
    sim->now_us += sim_between(sim, 1, most_ms) * 1000;
    sim->figures.slow++;
}

/* A planted fault strikes now and then, so that the history around it is an ordinary one. */
static bool strikes(struct sim *sim, enum sim_control control)
{
    bool now = sim->control == control && sim->up && sim_now_ms(sim) >= sim->control_ms &&
               sim_chance(sim, 100);
    sim->strikes += now ? 1 : 0;
    return now;
}

/* Is a request on its way that does not merely wait? */
static bool somebody_asks(const struct sim *sim)
{
    for (size_t i = 0; i < sim->open_count; i++) {
        if (sim->open[i]->until_ms == 0) {
            return true;
        }
    }
    return false;
}

static struct tb_fate commit_in_fair_weather(struct sim *sim)
{
    unsigned roll = sim_roll(sim, 1000);
    if (somebody_asks(sim) && strikes(sim, SIM_DROPPED_COMMIT)) {
        return (struct tb_fate){.err = TB_OK, .happens = false};
    }
    if (strikes(sim, SIM_DOUBLE_COMMIT)) {
        return says(sim, TB_E_CONFLICT, true);
    }
    if (roll < 20) {
        return says(sim, TB_E_CONFLICT, false);
    }
    if (roll < 28) {
        return says(sim, TB_E_UNKNOWN_OUTCOME, sim_chance(sim, 500));
    }
    if (roll < 31) {
        sim->down_ms = sim_now_ms(sim) + sim_between(sim, 1, 5000);
        return says(sim, TB_E_UNKNOWN_OUTCOME, sim_chance(sim, 500));
    }
    if (roll < 33 && sim->up) {
        sim->crashing = true;
        return says(sim, TB_E_STORAGE_DOWN, sim_chance(sim, 500));
    }
    if (roll < 43) {
        take_time(sim, 3000);
    }
    return says(sim, TB_OK, true);
}

static struct tb_fate commit_in_flaky_weather(struct sim *sim)
{
    unsigned roll = sim_roll(sim, 100);
    if (roll < 40) {
        return says(sim, TB_E_CONFLICT, false);
    }
    if (roll < 60) {
        return says(sim, TB_E_UNKNOWN_OUTCOME, sim_chance(sim, 500));
    }
    if (roll < 70) {
        return says(sim, TB_E_STORAGE_DOWN, false);
    }
    return says(sim, TB_OK, true);
}

static struct tb_fate commit(struct sim *sim)
{
    switch (sim->weather) {
    case FLAKY:
        return commit_in_flaky_weather(sim);
    case FULL:
        return sim_chance(sim, 500) ? says(sim, TB_E_STORAGE_FULL, false) : says(sim, TB_OK, true);
    case SLOW:
        take_time(sim, 2000);
        return says(sim, TB_OK, true);
    case FAIR:
    case DOWN:
        break;
    }
    return commit_in_fair_weather(sim);
}

static struct tb_fate read_or_write(struct sim *sim)
{
    static const enum tb_err errors[] = {TB_E_STORAGE_DOWN, TB_E_CONFLICT, TB_E_STORAGE_CORRUPT};
    unsigned roll = sim_roll(sim, 20000);
    if (roll == 0) {
        return says(sim, errors[sim_roll(sim, COUNT(errors))], false);
    }
    if (sim->weather == FULL && roll < 400) {
        return says(sim, TB_E_STORAGE_FULL, false);
    }
    if ((sim->weather == SLOW || sim->sluggish) && roll < 2000) {
        take_time(sim, 40);
    }
    return says(sim, TB_OK, true);
}

static struct tb_fate decide(void *ctx, enum tb_fault_call call)
{
    struct sim *sim = ctx;
    if (sim->crashing || sim->weather == DOWN || sim_now_ms(sim) < sim->down_ms) {
        return says(sim, TB_E_STORAGE_DOWN, false);
    }
    if (call == TB_FAULT_BEGIN) {
        sim->sluggish = sim_chance(sim, 20);
    }
    return call == TB_FAULT_COMMIT ? commit(sim) : read_or_write(sim);
}

void engine_change_weather(struct sim *sim)
{
    static const enum weather others[] = {FLAKY, SLOW, FULL, DOWN};
    if (sim->weather == FAIR) {
        sim->weather = others[sim_roll(sim, COUNT(others))];
        sim->weather_ms = sim_now_ms(sim) + sim_between(sim, 500, 180000);
    } else {
        sim->weather = FAIR;
        sim->weather_ms = sim_now_ms(sim) + sim_between(sim, 60000, INT64_C(20) * 3600000);
    }
    sim->fault_ms = sim_now_ms(sim);
    sim_trace(sim, "weather: %s", engine_weather_name(sim));
}

const char *engine_weather_name(const struct sim *sim)
{
    static const char *const names[] = {"fair", "flaky", "slow", "full", "down"};
    return names[sim->weather];
}

/* Secrets are as random as the seed. */
static void set_secrets(struct sim *sim)
{
    struct tb_arena *arena = tb_arena_new(0);
    struct tb_txn *txn = NULL;
    enum tb_err err = tb_write_begin(sim->inner, arena, &txn);
    sim_require(sim, err == TB_OK, "the store does not begin");
    struct tb_head *head = tb_txn_head(txn);
    fixture_random(&sim->random, &head->store_id, sizeof(head->store_id));
    fixture_random(&sim->random, head->claim_key, sizeof(head->claim_key));
    err = tb_write_commit(&txn);
    sim_require(sim, err == TB_OK, "the store does not commit");
    tb_arena_free(arena);
}

void engine_open(struct sim *sim)
{
    const struct tb_store_options options = {.url = "memory:", .readers_max = 4};
    char why[256] = "";
    enum tb_err err = tb_store_open(&options, &sim->inner, why, sizeof(why));
    sim_require(sim, err == TB_OK, "%s", why);
    set_secrets(sim);
    err = tb_fault_wrap(sim->inner, &sim->store);
    sim_require(sim, err == TB_OK, "no engine");
    tb_fault_ask(sim->store, decide, sim);
    sim->weather_ms = sim_now_ms(sim) + 3600000;
}

void engine_close(struct sim *sim)
{
    tb_store_close(&sim->store);
}
