#include "learn.h"

#include <stdlib.h>
#include <string.h>

static struct known_task known[KNOWN_MAX];
static unsigned known_count; /* also of those that newer ones have pushed out */

unsigned learn_known_count(void)
{
    return known_count < KNOWN_MAX ? known_count : KNOWN_MAX;
}

unsigned learn_newest(unsigned back)
{
    return (known_count - 1 - back) % KNOWN_MAX;
}

struct known_task *learn_task(unsigned place)
{
    return &known[place];
}

static void know(const char *id)
{
    struct known_task *task = &known[known_count++ % KNOWN_MAX];
    memcpy(task->id, id, ID_BYTES - 1);
    task->version = 1;
}

#define TASK_BEGINS "{\"id\":\""

/* The next task in a body: `at` its id; NULL: there is none. Its title follows its id. */
static const char *next_task(const char *from)
{
    static const char title[] = "\",\"title\":\"";
    while ((from = strstr(from, TASK_BEGINS)) != NULL) {
        from += strlen(TASK_BEGINS);
        if (strnlen(from, ID_BYTES - 1) == ID_BYTES - 1 &&
            strncmp(from + ID_BYTES - 1, title, strlen(title)) == 0) {
            return from;
        }
    }
    return NULL;
}

void learn_created(struct client *client)
{
    for (const char *id = client->connection->body; (id = next_task(id)) != NULL;) {
        know(id);
    }
}

void learn_version(struct client *client)
{
    char etag[64];
    if (fleet_header(client->connection, "etag", etag, sizeof etag) && etag[0] == '"') {
        known[client->deed.task].version = (unsigned)strtoul(etag + 1, NULL, 10);
    }
}

static void hold(struct client *client, const char *id, const char *token)
{
    if (client->held_count == HELD_MAX) {
        return; /* abandoned: its lease runs out */
    }
    struct held_claim *held = &client->held[client->held_count++];
    size_t length = strcspn(token, "\"");
    if (length < TOKEN_BYTES) {
        memcpy(held->id, id, ID_BYTES - 1);
        held->id[ID_BYTES - 1] = '\0';
        memcpy(held->token, token, length);
        held->token[length] = '\0';
    }
}

void learn_claimed(struct client *client)
{
    static const char mark[] = "\"token\":\"";
    for (const char *id = client->connection->body; (id = next_task(id)) != NULL;) {
        const char *token = strstr(id, mark);
        const char *after = next_task(id);
        if (token != NULL && (after == NULL || token < after)) {
            hold(client, id, token + strlen(mark));
        }
    }
}

static void learn_tag(struct client *client, enum tagged which)
{
    if (client->connection->status != 200) {
        return;
    }
    char path[PATH_BYTES];
    memcpy(path, client->deed.path, PATH_BYTES);
    memcpy(client->tagged_path[which], path, PATH_BYTES);
    (void)fleet_header(client->connection, "etag", client->tag[which], sizeof client->tag[which]);
}

void learn_list(struct client *client)
{
    learn_tag(client, LIST);
}

void learn_summary(struct client *client)
{
    learn_tag(client, SUMMARY);
}
