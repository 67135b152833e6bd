/* What to merge. Ordinary merges keep runs few: of a level as many as the fan-in. When room is
 * scarce something else counts: a drop gives room back, its own and that of its put, once a merge
 * brings both together, and a merge costs what its inputs hold. */
#include "lmdb/run.h"

struct tb_run_span tb_run_choose(const struct tb_run_manifest *manifest, uint32_t level,
                                 unsigned count)
{
    unsigned found = 0;
    for (unsigned i = manifest->count; i-- > 0;) {
        const struct tb_run_info *run = &manifest->runs[i];
        found = run->level == level && run->merge == 0 ? found + 1 : 0;
        if (found == count) {
            return (struct tb_run_span){i, count};
        }
    }
    return (struct tb_run_span){0, 0};
}

/* A rescue is to give back at least one entry for so many that it takes. */
#define RESCUE_COST_MAX 16

struct gain {
    double freed; /* entries, about */
    double cost;
};

static double puts_of(const struct tb_run_info *run)
{
    return (double)(run->entries - run->drops);
}

/* The puts of a run's drops are in older runs, for all we know in proportion to the puts there. */
static double freed_by(const struct tb_run_info *run, double older_inside, double older)
{
    double drops = (double)run->drops;
    return older <= 0 ? drops : 2 * drops * older_inside / older;
}

/* The best that begins at a run and ends before `end`, behind which there are `older` puts. */
static struct gain best_from(const struct tb_run_manifest *manifest, unsigned at, double older,
                             unsigned *count)
{
    struct gain best = {0, 1};
    double puts[TB_RUN_INPUTS_MAX];
    double outside = older; /* puts of runs older than the newest input */
    double cost = 0;
    unsigned inputs = 0;
    while (inputs < TB_RUN_INPUTS_MAX && at + inputs < manifest->count &&
           manifest->runs[at + inputs].merge == 0) {
        const struct tb_run_info *run = &manifest->runs[at + inputs];
        puts[inputs++] = puts_of(run);
        cost += (double)run->entries;
        double freed = 0;
        double before = 0; /* puts of inputs newer than the one looked at, which itself included */
        double inside = 0;
        for (unsigned i = 1; i < inputs; i++) {
            inside += puts[i];
        }
        for (unsigned i = 0; i + 1 < inputs; i++) {
            freed += freed_by(&manifest->runs[at + i], inside - before, outside - before);
            before += puts[i + 1];
        }
        if (inputs > 1 && freed * best.cost > best.freed * cost) {
            best = (struct gain){freed, cost};
            *count = inputs;
        }
    }
    return best;
}

struct tb_run_span tb_run_choose_rescue(const struct tb_run_manifest *manifest)
{
    struct tb_run_span span = {0, 0};
    struct gain best = {0, 1};
    double older = 0;
    for (unsigned i = manifest->count; i-- > 0;) {
        unsigned count = 0;
        struct gain gain = best_from(manifest, i, older, &count);
        if (gain.freed * best.cost > best.freed * gain.cost) {
            best = gain;
            span = (struct tb_run_span){i, count};
        }
        older += puts_of(&manifest->runs[i]);
    }
    return best.freed * RESCUE_COST_MAX >= best.cost ? span : (struct tb_run_span){0, 0};
}
