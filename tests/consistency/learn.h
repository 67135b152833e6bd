/* What clients learn from answers: tasks, which all of them reach for, claims and tags of their
 * own. */
#ifndef CONSISTENCY_LEARN_H
#define CONSISTENCY_LEARN_H

#include "deeds.h"

#define KNOWN_MAX 1024

/* A task that some client saw: all clients of the load reach for the same ones. */
struct known_task {
    char id[ID_BYTES];
    unsigned version;
};

/* The places of `client->tagged_path` and `client->tag`. */
enum tagged { LIST, SUMMARY };

/* How many tasks are known; the place of the newest but `back`; the task at a place. */
unsigned learn_known_count(void);
unsigned learn_newest(unsigned back);
struct known_task *learn_task(unsigned place);

/* From the 2xx answer that the client's connection holds. */
void learn_created(struct client *client);
void learn_version(struct client *client);
void learn_claimed(struct client *client);
void learn_list(struct client *client);
void learn_summary(struct client *client);

#endif
