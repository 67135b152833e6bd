#include "check.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"

#define FAULTS_TOLD_MAX 100

/* A check that goes on. */
struct checking {
    const struct tb_check_options *options;
    struct tb_store *store;
    struct tb_store_tally tally;
    uint64_t faults;
};

static void tell_fault(void *ctx, const char *fault)
{
    struct checking *checking = ctx;
    if (checking->faults++ < FAULTS_TOLD_MAX) {
        (void)puts(fault);
    }
}

/* An empty file: the server that was to make the store came no further. */
static bool holds_store(const char *folder)
{
    char path[4096];
    struct stat status;
    int len = snprintf(path, sizeof(path), "%s/data.mdb", folder);
    return len > 0 && (size_t)len < sizeof(path) && stat(path, &status) == 0 && status.st_size > 0;
}

/* What the rules say, in one snapshot. */
static void check_rules(struct checking *checking)
{
    struct tb_reader *reader = NULL;
    struct tb_txn *txn = NULL;
    struct tb_arena *arena = tb_arena_new(0);
    enum tb_err err = tb_reader_new(checking->store, &reader);
    err = err != TB_OK ? err : tb_read_begin(reader, arena, &txn);
    if (err == TB_OK) {
        (void)tb_board_verify_all(txn, &checking->options->board,
                                  tb_clock_wall_ms(tb_clock_system()), arena, tell_fault, checking);
    } else {
        tell_fault(checking, "what the rules demand cannot be checked: the head cannot be read");
    }
    tb_read_end(&txn);
    tb_reader_free(&reader);
    tb_arena_free(arena);
}

static void check_all(struct checking *checking)
{
    if (tb_store_verify(checking->store, tell_fault, checking, &checking->tally) == TB_OK) {
        check_rules(checking);
    } else {
        tell_fault(checking, "the check could not go on behind that");
    }
}

static void tell_result(const struct checking *checking, int64_t started_us)
{
    const struct tb_store_tally *tally = &checking->tally;
    double seconds = (double)(tb_clock_monotonic_us(tb_clock_system()) - started_us) / 1e6;
    if (checking->faults > FAULTS_TOLD_MAX) {
        (void)printf("and %llu more\n", (unsigned long long)(checking->faults - FAULTS_TOLD_MAX));
    }
    if (checking->faults == 0) {
        (void)printf("the store is sound: %llu tasks, %llu events, %llu VMs, %llu answers, "
                     "%llu index entries, in %.1f s\n",
                     (unsigned long long)tally->tasks, (unsigned long long)tally->events,
                     (unsigned long long)tally->vms, (unsigned long long)tally->answers,
                     (unsigned long long)tally->entries, seconds);
    }
}

enum tb_check_result tb_check_store(const struct tb_check_options *options, char *why,
                                    size_t why_size)
{
    struct checking checking = {.options = options};
    struct tb_store_options store = {
        .url = options->url, .map_bytes = options->map_bytes, .readers_max = 1, .read_only = true};
    int64_t started_us = tb_clock_monotonic_us(tb_clock_system());
    if (!holds_store(options->folder)) {
        return TB_CHECK_NOTHING;
    }
    enum tb_err err = tb_store_open(&store, &checking.store, why, why_size);
    if (err == TB_E_ABSENT) {
        return TB_CHECK_NOTHING;
    }
    if (err == TB_E_STORAGE_CORRUPT) {
        tell_fault(&checking, why);
        return TB_CHECK_FAULTY;
    }
    if (err != TB_OK) {
        return TB_CHECK_REFUSED;
    }
    check_all(&checking);
    tb_store_close(&checking.store);
    tell_result(&checking, started_us);
    return checking.faults == 0 ? TB_CHECK_SOUND : TB_CHECK_FAULTY;
}
