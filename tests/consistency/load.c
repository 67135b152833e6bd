/* Concurrent clients of a board that is killed and started again under them. Each does one thing
 * after the other, and what it sent and what came back goes into a history (history.h). Prints how
 * many deeds are answered, a line every hundredth.
 *
 * Options: --port N --token T --operations N --clients N --seed N --folder DIR [--lie] */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deeds.h"
#include "fleet_client.h"
#include "follow.h"
#include "history.h"

#define CLIENTS_MAX     1000
#define FOLLOWERS       3
#define TURN_MS         5
#define REST_US         20000 /* after a 503 */
#define PATIENCE_US     120000000
#define REPEATED_ONE_IN 40

static struct fleet fleet;
static struct client *clients;
static const char *folder;
static uint64_t seed;
static uint64_t wanted; /* deeds */
static uint64_t begun;
static uint64_t answered;
static bool lies;         /* a planted fault is due: see lie() */
static uint64_t seen_seq; /* the highest Events-Seq */
static int64_t last_answer_us;

static void send_deed(struct client *client)
{
    const struct deed *deed = &client->deed;
    char headers[320];
    char key[80] = "";
    if (deed->keyed) {
        (void)snprintf(key, sizeof key, "Idempotency-Key: %" PRIu64 "-%" PRIu64 "\r\n", seed,
                       deed->serial);
    }
    (void)snprintf(headers, sizeof headers, "%s%s%s", key, deed->condition,
                   deed->condition[0] == '\0' ? "" : "\r\n");
    const struct fleet_request request = {deed->method, deed->path, headers,
                                          deed->body[0] == '\0' ? NULL : deed->body};
    client->under_way = true;
    fleet_send(&fleet, client->connection, &request);
}

/* The planted fault of --lie: what was lost is recorded as done. In the second half, one write is
 * never sent, but recorded with an answer. False: this deed is not fit for it. */
static bool lie(struct client *client)
{
    struct fleet_connection *connection = client->connection;
    const char *kind = client->deed.kind->name;
    if (!lies || begun <= wanted / 2 || (strcmp(kind, "note") != 0 && strcmp(kind, "feed") != 0)) {
        return false;
    }
    int length = snprintf(connection->buffer, FLEET_ANSWER_BYTES_MAX,
                          "HTTP/1.1 201 Created\r\nEvents-Seq: %" PRIu64 "\r\n", seen_seq + 1);
    connection->status = 201;
    connection->body = memcpy(connection->buffer + length + 1, "{}", 3);
    connection->sent_us = fleet_now_us();
    lies = false;
    history_note(client, true);
    return true;
}

/* What it does next, unless it is over, rests, or its connection is gone. */
static void go_on(struct client *client)
{
    if (client->connection->fd < 0 || client->connection->waiting) {
        return;
    }
    if (client->under_way) {
        send_deed(client); /* once more: it has a key */
    } else if (begun < wanted && fleet_now_us() >= client->rests_until_us) {
        do {
            deeds_choose(client, ++begun);
        } while (lie(client));
        send_deed(client);
    }
}

static void tell_progress(void)
{
    answered++;
    last_answer_us = fleet_now_us();
    if (answered % (wanted / 100 + 1) == 0) {
        printf("%" PRIu64 "\n", answered);
        (void)fflush(stdout);
    }
}

static void note_seq(const struct fleet_connection *connection)
{
    char text[24];
    if (fleet_header(connection, "events-seq", text, sizeof text)) {
        uint64_t seq = strtoull(text, NULL, 10);
        seen_seq = seq > seen_seq ? seq : seen_seq;
    }
}

static void on_answer(struct fleet *f, struct fleet_connection *connection)
{
    (void)f;
    struct client *client = &clients[connection->number];
    history_note(client, true);
    client->under_way = false;
    if (connection->status == 503) {
        client->rests_until_us = fleet_now_us() + REST_US;
        client->under_way = client->deed.keyed; /* until it is answered */
        return;
    }
    tell_progress();
    note_seq(connection);
    if (!client->deed.again) {
        deeds_learn(client);
        client->deed.again = client->deed.keyed && deeds_dice(client, REPEATED_ONE_IN) == 0;
        client->under_way = client->deed.again;
    }
    go_on(client);
}

static void on_lost(struct fleet *f, struct fleet_connection *connection)
{
    (void)f;
    struct client *client = &clients[connection->number];
    if (!connection->waiting) {
        return;
    }
    client->under_way = client->deed.keyed;
    history_note(client, false);
}

static void come_back(void)
{
    for (unsigned i = 0; i < fleet.connection_count; i++) {
        struct fleet_connection *connection = &fleet.connections[i];
        if (connection->fd < 0 && !fleet_connect(&fleet, connection)) {
            return; /* nobody listens: not for the others either */
        }
        if (!connection->waiting && fleet_now_us() >= clients[i].rests_until_us) {
            go_on(&clients[i]);
        }
    }
}

static bool is_over(void)
{
    if (begun < wanted) {
        return false;
    }
    for (unsigned i = 0; i < fleet.connection_count; i++) {
        if (clients[i].under_way) {
            return false;
        }
    }
    return true;
}

static void run(void)
{
    last_answer_us = fleet_now_us();
    while (!is_over()) {
        come_back();
        (void)fleet_turn(&fleet, TURN_MS);
        if (fleet_now_us() - last_answer_us > PATIENCE_US) {
            errx(1, "nothing was answered for too long");
        }
    }
}

/* Publishes what all followers wait for, and waits for them. */
static void run_last(struct follower *followers)
{
    wanted = ++begun;
    deeds_choose_last(&clients[0], begun);
    clients[0].under_way = true;
    run();
    for (unsigned i = 0; i < FOLLOWERS; i++) {
        follow_end(&followers[i], seen_seq);
    }
}

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

static void read_options(char **argv)
{
    for (char **at = argv + 1; *at != NULL; at += 2) {
        if (strcmp(at[0], "--lie") == 0) {
            lies = true;
            at--;
        } else if (at[1] == NULL) {
            errx(2, "%s needs a value", at[0]);
        } else if (strcmp(at[0], "--port") == 0) {
            fleet.port = (uint16_t)number(at[1], UINT16_MAX);
        } else if (strcmp(at[0], "--token") == 0) {
            fleet.token = at[1];
        } else if (strcmp(at[0], "--operations") == 0) {
            wanted = number(at[1], 100000000);
        } else if (strcmp(at[0], "--clients") == 0) {
            fleet.connection_count = (unsigned)number(at[1], CLIENTS_MAX);
        } else if (strcmp(at[0], "--seed") == 0) {
            seed = number(at[1], INT64_MAX);
        } else if (strcmp(at[0], "--folder") == 0) {
            folder = at[1];
        } else {
            errx(2, "unknown option: %s", at[0]);
        }
    }
    if (folder == NULL || wanted == 0 || fleet.connection_count == 0) {
        errx(2, "--folder, --operations and --clients are needed");
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    static const char *const paths[FOLLOWERS] = {
        "/events/stream?since=0", "/events/stream?since=0&topic=feed", "/events/stream?since=0"};
    struct follower followers[FOLLOWERS];
    fleet = (struct fleet){.token = "", .on_answer = on_answer, .on_lost = on_lost};
    read_options(argv);
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/history", folder);
    history_open(path);
    clients = calloc(fleet.connection_count, sizeof *clients);
    if (clients == NULL) {
        err(1, "memory");
    }
    fleet_open(&fleet);
    for (unsigned i = 0; i < fleet.connection_count; i++) {
        clients[i].number = i;
        clients[i].connection = &fleet.connections[i];
        deeds_begin(&clients[i], seed);
    }
    for (unsigned i = 0; i < FOLLOWERS; i++) {
        followers[i] =
            (struct follower){.port = fleet.port, .token = fleet.token, .path = paths[i]};
        follow_begin(&followers[i], i, folder);
    }
    run();
    run_last(followers);
    fleet_close(&fleet);
    history_close();
    free(clients);
    return 0;
}
