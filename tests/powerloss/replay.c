/* powerloss: cuts the power in a recording, many times, and judges what is left each time.
 *
 *   powerloss --recording DIR --work DIR [--first IMAGE] [--images N] [--seed N] [--slice I/N]
 *             [--map-size BYTES] [--seconds N] [--write-every N] [--check PROGRAM --check-every N]
 *             [--keep DIR]
 *   powerloss --recording DIR --seed N --build IMAGE --into DIR
 *
 * DIR of --recording has the files recording, events and history. Prints a line for each faulty
 * image, `fault IMAGE PLACE SENTENCE`, and figures as the last one. Exit code 1: there were some;
 * 2: the recording is no good. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "image.h"
#include "judge.h"
#include "plan.h"

#define PATH_BYTES_MAX 4096
#define ROUND_IMAGES   2000
#define BLOCKS         16 /* that a round is dealt out in */
#define JUDGE_SECONDS  60
#define KEPT_MAX       3
#define EXIT_FAULTS    1
#define EXIT_NO_GOOD   2
#define NO_IMAGE       UINT64_MAX
#define NOT_SAID       (-1)

struct options {
    const char *recording;
    const char *work;
    const char *check;
    const char *keep;
    const char *into;
    uint64_t first; /* number of the first image */
    uint64_t images;
    uint64_t seed;
    uint64_t slice;
    uint64_t slices;
    uint64_t map_bytes;
    uint64_t seconds; /* 0: without limit */
    uint64_t write_every;
    uint64_t check_every;
    uint64_t build;
};

struct figures {
    uint64_t images;
    uint64_t faults;
    uint64_t compared; /* with a reference */
    uint64_t fresh;    /* without a store */
    uint64_t written;
    uint64_t checked;
    uint64_t kept;
};

/* What a child tells; shared with it. */
struct told {
    struct judgement judgement;
    struct digest digest;
};

struct run {
    struct options options;
    const struct recording *recording;
    struct history history;
    struct plan plan;
    struct disk disk;
    struct reference *references; /* a place for each commit; at 0: not made */
    struct told *told;
    struct figures figures;
    char folder[PATH_BYTES_MAX]; /* of the image */
    time_t begun;
};

/* --- options --- */

static uint64_t number(const char *text)
{
    char *end = NULL;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0') {
        errx(EXIT_NO_GOOD, "not a number: %s", text);
    }
    return value;
}

static void take_slice(struct options *options, const char *text)
{
    unsigned long long slice = 0;
    unsigned long long slices = 0;
    if (sscanf(text, "%llu/%llu", &slice, &slices) != 2 || slice >= slices) {
        errx(EXIT_NO_GOOD, "not a slice: %s", text);
    }
    options->slice = slice;
    options->slices = slices;
}

static bool take_text(struct options *options, const char *name, const char *value)
{
    const struct {
        const char *name;
        const char **to;
    } texts[] = {
        {"--recording", &options->recording}, {"--work", &options->work},
        {"--check", &options->check},         {"--keep", &options->keep},
        {"--into", &options->into},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(name, texts[i].name) == 0) {
            *texts[i].to = value;
            return true;
        }
    }
    return false;
}

static bool take_number(struct options *options, const char *name, const char *value)
{
    const struct {
        const char *name;
        uint64_t *to;
    } numbers[] = {
        {"--images", &options->images},
        {"--seed", &options->seed},
        {"--map-size", &options->map_bytes},
        {"--seconds", &options->seconds},
        {"--write-every", &options->write_every},
        {"--check-every", &options->check_every},
        {"--build", &options->build},
        {"--first", &options->first},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (strcmp(name, numbers[i].name) == 0) {
            *numbers[i].to = number(value);
            return true;
        }
    }
    return false;
}

static struct options read_options(int argc, char **argv)
{
    struct options options = {
        .images = 1000, .slices = 1, .write_every = 10, .check_every = 50, .build = NO_IMAGE};
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc) {
            errx(EXIT_NO_GOOD, "%s needs a value", argv[i]);
        }
        if (strcmp(argv[i], "--slice") == 0) {
            take_slice(&options, argv[i + 1]);
        } else if (!take_text(&options, argv[i], argv[i + 1]) &&
                   !take_number(&options, argv[i], argv[i + 1])) {
            errx(EXIT_NO_GOOD, "unknown option %s", argv[i]);
        }
    }
    bool builds = options.build != NO_IMAGE;
    if (options.recording == NULL || (builds ? options.into : options.work) == NULL) {
        errx(EXIT_NO_GOOD, "needs --recording, and --work or --into");
    }
    return options;
}

static const struct recording *map_recording(const char *folder)
{
    char path[PATH_BYTES_MAX];
    struct stat status;
    (void)snprintf(path, sizeof(path), "%s/recording", folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0) {
        err(EXIT_NO_GOOD, "%s", path);
    }
    void *map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
    const struct recording *recording = map;
    if (map == MAP_FAILED || recording->magic != RECORDING_MAGIC || recording->overflow != 0) {
        errx(EXIT_NO_GOOD, "%s is no recording, or it was not long enough", path);
    }
    (void)close(fd);
    return recording;
}

/* --- children --- */

/* What died there; NULL: it ended by itself. */
static const char *wait_for(pid_t child, int *code)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            err(EXIT_NO_GOOD, "waitpid");
        }
    }
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : NOT_SAID;
    return WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : NULL;
}

/* In a process of its own, for a broken store may take its reader with it. */
static void judge_apart(struct run *run, const struct cut *cut, bool writes)
{
    const struct judge judge = {
        .history = &run->history,
        .references = run->references,
        .reference_count = run->plan.commit_count,
        .map_bytes = run->options.map_bytes,
    };
    struct judgement *judgement = &run->told->judgement;
    int code = 0;
    *judgement = (struct judgement){.sound = false};
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(JUDGE_SECONDS);
        judge_image(&judge, run->folder, cut->at, writes, judgement);
        _exit(EXIT_SUCCESS);
    }
    const char *signal_name = child < 0 ? "cannot fork" : wait_for(child, &code);
    if (signal_name != NULL || code != EXIT_SUCCESS) {
        judgement->sound = false;
        (void)snprintf(judgement->why, sizeof(judgement->why), "whoever opened it died: %s",
                       signal_name == NULL ? "exit" : signal_name);
    }
}

static void digest_apart(struct run *run, struct digest *digest)
{
    int code = 0;
    run->told->digest = (struct digest){0, 0};
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(JUDGE_SECONDS);
        _exit(digest_store(run->folder, &run->told->digest) ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    if (child < 0 || wait_for(child, &code) != NULL || code != EXIT_SUCCESS) {
        errx(EXIT_NO_GOOD, "what the server wrote is no store, without any power cut");
    }
    *digest = run->told->digest;
}

/* `taskboardd --check` on the image. */
static bool check_apart(struct run *run, struct judgement *judgement)
{
    char program[PATH_BYTES_MAX];
    char check[] = "--check";
    char data[] = "--data";
    char *const argv[] = {program, check, data, run->folder, NULL};
    pid_t child = 0;
    int code = 0;
    (void)snprintf(program, sizeof(program), "%s", run->options.check);
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    int rc = posix_spawn(&child, program, &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (rc != 0) {
        errx(EXIT_NO_GOOD, "%s: %s", program, strerror(rc));
    }
    const char *signal_name = wait_for(child, &code);
    if (signal_name == NULL && code == EXIT_SUCCESS) {
        return true;
    }
    (void)snprintf(judgement->why, sizeof(judgement->why), "--check ended with %d %s", code,
                   signal_name == NULL ? "" : signal_name);
    return false;
}

/* --- images --- */

static void build(struct run *run, const struct cut *cut, const char *folder)
{
    uint64_t dice = cut->dice;
    image_build(&run->disk, &dice, folder);
}

static void keep(struct run *run, const struct cut *cut)
{
    char path[PATH_BYTES_MAX];
    if (run->options.keep != NULL && run->figures.kept++ < KEPT_MAX) {
        (void)snprintf(path, sizeof(path), "%s/image-%llu", run->options.keep,
                       (unsigned long long)cut->number);
        build(run, cut, path);
    }
}

static void try_image(struct run *run, const struct cut *cut)
{
    const struct options *options = &run->options;
    struct figures *figures = &run->figures;
    struct judgement *judgement = &run->told->judgement;
    bool writes = options->write_every != 0 && cut->number % options->write_every == 1;
    build(run, cut, run->folder);
    judge_apart(run, cut, writes);
    figures->images++;
    figures->compared += judgement->compared ? 1 : 0;
    figures->fresh += judgement->fresh ? 1 : 0;
    figures->written += writes ? 1 : 0;
    bool sound = judgement->sound;
    if (sound && !judgement->fresh && options->check != NULL && options->check_every != 0 &&
        cut->number % options->check_every == 2) {
        build(run, cut, run->folder);
        figures->checked++;
        sound = check_apart(run, judgement);
    }
    if (!sound) {
        figures->faults++;
        (void)printf("fault %llu %llu %s\n", (unsigned long long)cut->number,
                     (unsigned long long)cut->at, judgement->why);
        (void)fflush(stdout);
        keep(run, cut);
    }
}

/* Whether a cut comes while the store may hold this transaction, or the one before, as its last. */
static bool is_needed(const struct plan *plan, size_t commit, const struct cut *next)
{
    return commit + 2 >= plan->commit_count || next->at < plan->commits[commit + 2];
}

static void make_reference(struct run *run, size_t commit)
{
    struct reference *reference = &run->references[commit];
    if (reference->at == 0) {
        image_build(&run->disk, NULL, run->folder);
        digest_apart(run, &reference->digest);
        reference->at = run->plan.commits[commit];
    }
}

/* Plays the recording once, and cuts the power at these places, which must be in order. */
static void play(struct run *run, const struct cut *cuts, size_t count)
{
    const uint8_t *bytes = (const uint8_t *)run->recording;
    uint64_t at = sizeof(*run->recording);
    size_t commit = 0;
    disk_init(&run->disk);
    for (size_t next = 0; next < count;) {
        if (cuts[next].at <= at) {
            try_image(run, &cuts[next++]);
            continue;
        }
        const struct record *record = (const struct record *)(bytes + at);
        at += record->bytes;
        if (!disk_take(&run->disk, record, at)) {
            errx(EXIT_NO_GOOD, "the recording is no good: %s", run->disk.why);
        }
        if (plan_is_commit(record)) {
            if (is_needed(&run->plan, commit, &cuts[next])) {
                make_reference(run, commit);
            }
            commit++;
        }
    }
    disk_fini(&run->disk);
}

static int by_place(const void *a, const void *b)
{
    const struct cut *left = a;
    const struct cut *right = b;
    if (left->at != right->at) {
        return left->at < right->at ? -1 : 1;
    }
    return left->number < right->number ? -1 : 1;
}

/* Of the images from `first` on, those that fall to this process: blocks of neighbours in the
 * recording, from all parts of it, because the later ones take longer. */
static void play_round(struct run *run, uint64_t first, uint64_t count)
{
    const struct options *options = &run->options;
    struct cut *cuts = calloc(count, sizeof(*cuts));
    if (cuts == NULL) {
        err(EXIT_NO_GOOD, "cuts");
    }
    for (uint64_t i = 0; i < count; i++) {
        cuts[i] = plan_cut(&run->plan, first + i);
    }
    qsort(cuts, count, sizeof(*cuts), by_place);
    uint64_t own = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (i * BLOCKS / count % options->slices == options->slice) {
            cuts[own++] = cuts[i];
        }
    }
    play(run, cuts, own);
    free(cuts);
}

/* To its end, to see that the recording leads to what the server left. */
static void play_through(struct run *run)
{
    struct cut end = {.number = NO_IMAGE - 1, .at = run->recording->tail};
    const uint8_t *bytes = (const uint8_t *)run->recording;
    disk_init(&run->disk);
    for (uint64_t at = sizeof(*run->recording); at < end.at;) {
        const struct record *record = (const struct record *)(bytes + at);
        at += record->bytes;
        if (!disk_take(&run->disk, record, at)) {
            errx(EXIT_NO_GOOD, "the recording is no good: %s", run->disk.why);
        }
    }
    disk_fini(&run->disk);
}

static bool is_time_over(const struct run *run)
{
    return run->options.seconds != 0 && time(NULL) - run->begun >= (time_t)run->options.seconds;
}

static void play_all(struct run *run)
{
    play_through(run);
    for (uint64_t done = 0; done < run->options.images && !is_time_over(run);
         done += ROUND_IMAGES) {
        uint64_t left = run->options.images - done;
        play_round(run, run->options.first + done, left < ROUND_IMAGES ? left : ROUND_IMAGES);
        (void)printf("progress %llu\n", (unsigned long long)run->figures.images);
        (void)fflush(stdout);
    }
    const struct figures *f = &run->figures;
    (void)printf("figures images=%llu faults=%llu compared=%llu fresh=%llu written=%llu "
                 "checked=%llu commits=%zu answers=%llu events=%llu bytes=%llu\n",
                 (unsigned long long)f->images, (unsigned long long)f->faults,
                 (unsigned long long)f->compared, (unsigned long long)f->fresh,
                 (unsigned long long)f->written, (unsigned long long)f->checked,
                 run->plan.commit_count, (unsigned long long)run->history.answers_total,
                 (unsigned long long)run->history.head, (unsigned long long)run->recording->tail);
}

/* Only builds one image. */
static void build_one(struct run *run)
{
    struct cut cut = plan_cut(&run->plan, run->options.build);
    const uint8_t *bytes = (const uint8_t *)run->recording;
    disk_init(&run->disk);
    for (uint64_t at = sizeof(*run->recording); at < cut.at;) {
        const struct record *record = (const struct record *)(bytes + at);
        at += record->bytes;
        if (!disk_take(&run->disk, record, at)) {
            errx(EXIT_NO_GOOD, "the recording is no good: %s", run->disk.why);
        }
    }
    build(run, &cut, run->options.into);
    disk_fini(&run->disk);
}

static void init(struct run *run)
{
    (void)snprintf(run->folder, sizeof(run->folder), "%s/data", run->options.work);
    history_load(&run->history, run->options.recording, run->recording);
    run->references = calloc(run->plan.commit_count + 1, sizeof(*run->references));
    run->told =
        mmap(NULL, sizeof(*run->told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run->references == NULL || run->told == MAP_FAILED) {
        err(EXIT_NO_GOOD, "memory");
    }
}

int main(int argc, char **argv)
{
    static struct run run;
    run.options = read_options(argc, argv);
    run.begun = time(NULL);
    run.recording = map_recording(run.options.recording);
    plan_make(&run.plan, run.recording, run.options.seed);
    if (sodium_init() < 0) {
        errx(EXIT_NO_GOOD, "libsodium");
    }
    if (run.options.build != NO_IMAGE) {
        build_one(&run);
    } else {
        init(&run);
        play_all(&run);
        free(run.references);
        history_free(&run.history);
    }
    plan_free(&run.plan);
    return run.figures.faults > 0 ? EXIT_FAULTS : EXIT_SUCCESS;
}
