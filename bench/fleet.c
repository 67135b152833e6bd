/* A fleet of workers in one thread: what wrk cannot play, because each request needs something of
 * the answer before. Prints one line of JSON.
 *
 *   cycle    each connection: create a task, claim the next one, complete it, again
 *   drain    each connection: claim, then complete with `next`, until nothing is left
 *   claim    each connection: claim, again and again, and keep what it gets
 *   wait     all connections but one wait for a task; the one creates a task at a time, and the
 *            time from its request to the answer of the claim that gets the task counts
 *   floor    as cycle, against a floor that answers everything alike
 *
 * Options: --port N --token T --mode M --connections N --seconds S --count N --tag T. A run ends
 * after S seconds or, of drain, claim and wait, after that many tasks. */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleet_client.h"

#define CONNECTIONS_MAX 20000
#define SAMPLES_MAX     4000000

enum step { CREATE, CLAIM, COMPLETE };

static struct fleet fleet;
static const char *tag;
static int64_t ends_us;
static uint64_t count_max = UINT64_MAX;
static bool against_floor;

static uint64_t ops; /* cycles, tasks or claims: what the mode counts */
static uint64_t requests;
static uint32_t *samples; /* µs */
static size_t sample_count;
static int64_t last_us; /* when the last op was done */

static void note_sample(int64_t us)
{
    if (sample_count < SAMPLES_MAX) {
        samples[sample_count++] = (uint32_t)us;
    }
}

static void note_op(void)
{
    ops++;
    last_us = fleet_now_us();
}

static bool is_over(void)
{
    return ops >= count_max || fleet_now_us() >= ends_us;
}

static void check(const struct fleet_connection *c, int status)
{
    requests++;
    if (c->status != status && !against_floor) {
        errx(1, "answered %d, not %d: %.300s", c->status, status, c->body);
    }
}

/* --- what is sent --- */

static void send_create(struct fleet_connection *c)
{
    c->step = CREATE;
    if (tag == NULL) {
        fleet_post(&fleet, c, "/board/tasks",
                   "{'title':'run the nightly build','createdBy':'bench'}");
    } else {
        fleet_post(&fleet, c, "/board/tasks",
                   "{'title':'run the nightly build','createdBy':'bench','tags':['%s']}", tag);
    }
}

static void send_claim(struct fleet_connection *c, int wait_seconds)
{
    c->step = CLAIM;
    char filter[200] = "";
    if (tag != NULL) {
        (void)snprintf(filter, sizeof filter, ",'tags':['%s']", tag);
    }
    fleet_post(&fleet, c, "/board/claim", "{'agent':'worker-%u','wait':%d%s}", c->number,
               wait_seconds, filter);
}

static void send_complete(struct fleet_connection *c, bool next)
{
    char path[80];
    c->step = COMPLETE;
    (void)snprintf(path, sizeof path, "/board/tasks/%s/complete", c->task_id);
    if (next) {
        fleet_post(&fleet, c, path,
                   "{'claimToken':'%s','result':{'ok':true},'next':{'agent':'worker-%u'}}",
                   c->claim_token, c->number);
    } else {
        fleet_post(&fleet, c, path, "{'claimToken':'%s','result':{'ok':true}}", c->claim_token);
    }
}

/* Takes the claimed task out of an answer; false: there is none. */
static bool take_claimed(struct fleet_connection *c)
{
    if (against_floor) {
        (void)snprintf(c->task_id, sizeof c->task_id, "%026d", 0);
        (void)snprintf(c->claim_token, sizeof c->claim_token, "1.%022d", 0);
        return true;
    }
    return fleet_find(c, "\"tasks\":[{\"id\":\"", c->task_id, sizeof c->task_id) &&
           fleet_find(c, "\"token\":\"", c->claim_token, sizeof c->claim_token);
}

/* --- the modes --- */

static void on_cycle(struct fleet *f, struct fleet_connection *c)
{
    (void)f;
    note_sample(c->took_us);
    switch ((enum step)c->step) {
    case CREATE:
        check(c, 201);
        send_claim(c, 0);
        break;
    case CLAIM:
        check(c, 200);
        if (!take_claimed(c)) {
            errx(1, "nothing was ready: %.300s", c->body);
        }
        send_complete(c, false);
        break;
    case COMPLETE:
        check(c, 200);
        note_op();
        if (!is_over()) {
            send_create(c);
        }
        break;
    }
}

static void on_drain(struct fleet *f, struct fleet_connection *c)
{
    (void)f;
    note_sample(c->took_us);
    check(c, 200);
    if (c->step == COMPLETE) {
        note_op();
    }
    if (take_claimed(c) && !is_over()) {
        send_complete(c, true);
    }
}

static void on_claim(struct fleet *f, struct fleet_connection *c)
{
    (void)f;
    note_sample(c->took_us);
    check(c, 200);
    if (!take_claimed(c)) {
        errx(1, "nothing was ready: %.300s", c->body);
    }
    note_op();
    if (!is_over()) {
        send_claim(c, 0);
    }
}

/* Connection 0 creates; the next task is created when both its answer and the claim's are there. */
static void on_wait(struct fleet *f, struct fleet_connection *c)
{
    static int64_t created_us;
    static int answers;
    if (c->number != 0) {
        check(c, 200);
        if (!take_claimed(c)) {
            return; /* its minute is over, or the run */
        }
        note_op();
        note_sample(fleet_now_us() - created_us);
        if (!is_over()) {
            send_claim(c, 60);
        }
    } else if (c->step == CREATE) {
        check(c, 201);
    } else {
        answers = 1; /* all others wait by now */
    }
    if (++answers == 2) {
        answers = 0;
        if (!is_over()) {
            created_us = fleet_now_us();
            send_create(&f->connections[0]);
        } else {
            f->under_way = 0; /* the others wait in vain */
        }
    }
}

static void start_wait(void)
{
    for (unsigned i = 1; i < fleet.connection_count; i++) {
        send_claim(&fleet.connections[i], 60);
    }
    /* A first claim of its own, which finds nothing, is answered behind all of them. */
    send_claim(&fleet.connections[0], 0);
}

static void start(const char *mode)
{
    if (strcmp(mode, "wait") == 0) {
        fleet.on_answer = on_wait;
        start_wait();
        return;
    }
    for (unsigned i = 0; i < fleet.connection_count; i++) {
        struct fleet_connection *c = &fleet.connections[i];
        if (strcmp(mode, "cycle") == 0 || strcmp(mode, "floor") == 0) {
            fleet.on_answer = on_cycle;
            send_create(c);
        } else if (strcmp(mode, "drain") == 0 || strcmp(mode, "claim") == 0) {
            fleet.on_answer = strcmp(mode, "drain") == 0 ? on_drain : on_claim;
            send_claim(c, 0);
        } else {
            errx(2, "no such mode: %s", mode);
        }
    }
}

/* --- options and report --- */

static unsigned long number(const char *text, unsigned long max)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value > max) {
        errx(2, "not a number up to %lu: %s", max, text);
    }
    return value;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static uint32_t percentile(unsigned percent)
{
    return sample_count == 0 ? 0 : samples[(sample_count - 1) * percent / 100];
}

static void report(int64_t began_us)
{
    qsort(samples, sample_count, sizeof *samples, by_size);
    double seconds = (double)(last_us - began_us) / 1e6;
    printf("{\"ops\":%llu,\"requests\":%llu,\"seconds\":%.6f,\"per_second\":%.1f,\"p50_us\":%u,"
           "\"p99_us\":%u}\n",
           (unsigned long long)ops, (unsigned long long)requests, seconds,
           seconds > 0 ? (double)ops / seconds : 0.0, percentile(50), percentile(99));
}

int main(int argc, char **argv)
{
    (void)argc;
    const char *mode = "cycle";
    unsigned long run_seconds = 3;
    fleet = (struct fleet){.connection_count = 64, .token = ""};
    for (char **at = argv + 1; *at != NULL; at += 2) {
        if (at[1] == NULL) {
            errx(2, "%s needs a value", at[0]);
        } else if (strcmp(at[0], "--port") == 0) {
            fleet.port = (uint16_t)number(at[1], UINT16_MAX);
        } else if (strcmp(at[0], "--token") == 0) {
            fleet.token = at[1];
        } else if (strcmp(at[0], "--mode") == 0) {
            mode = at[1];
        } else if (strcmp(at[0], "--connections") == 0) {
            fleet.connection_count = (unsigned)number(at[1], CONNECTIONS_MAX);
        } else if (strcmp(at[0], "--seconds") == 0) {
            run_seconds = number(at[1], 3600);
        } else if (strcmp(at[0], "--count") == 0) {
            count_max = number(at[1], 100000000);
        } else if (strcmp(at[0], "--tag") == 0) {
            tag = at[1];
        } else {
            errx(2, "unknown option: %s", at[0]);
        }
    }
    against_floor = strcmp(mode, "floor") == 0;
    samples = malloc(SAMPLES_MAX * sizeof *samples);
    if (samples == NULL || fleet.connection_count < 1) {
        errx(2, "at least one connection, and memory");
    }
    fleet_open(&fleet);
    int64_t began_us = fleet_now_us();
    last_us = began_us;
    ends_us = began_us + (int64_t)run_seconds * 1000000;
    start(mode);
    fleet_run(&fleet);
    report(began_us);
    fleet_close(&fleet);
    free(samples);
    return 0;
}
