#include "deeds.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn.h"

#define TAGS      100
#define NEW_TASKS 64
#define RARE_TAGS 4 /* of tasks that are so few that claims wait for them */

/* --- chance --- */

uint64_t deeds_dice(struct client *client, uint64_t sides)
{
    client->chance ^= client->chance << 13;
    client->chance ^= client->chance >> 7;
    client->chance ^= client->chance << 17;
    return (client->chance >> 11) % sides;
}

static bool one_in(struct client *client, uint64_t sides)
{
    return deeds_dice(client, sides) == 0;
}

void deeds_begin(struct client *client, uint64_t seed)
{
    client->chance = (seed * UINT64_C(0x9E3779B97F4A7C15)) ^
                     ((client->number + 1) * UINT64_C(0xBF58476D1CE4E5B9));
    for (int i = 0; i < 16; i++) {
        (void)deeds_dice(client, 2);
    }
}

/* --- what is sent --- */

__attribute__((format(printf, 3, 4))) static void send_to(struct client *client, const char *method,
                                                          const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(client->deed.path, PATH_BYTES, format, args);
    va_end(args);
    client->deed.method = method;
}

/* Adds to the body; ' stands for ". */
__attribute__((format(printf, 2, 3))) static void say(struct client *client, const char *format,
                                                      ...)
{
    size_t length = strlen(client->deed.body);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(client->deed.body + length, BODY_BYTES - length, format, args);
    va_end(args);
    for (char *at = client->deed.body + length; *at != '\0'; at++) {
        if (*at == '\'') {
            *at = '"';
        }
    }
}

/* A POST of which the answer may be asked for again. */
static void may_repeat(struct client *client)
{
    client->deed.keyed = !one_in(client, 4);
}

/* Any known task, rather a new one; NULL: none is known, and nothing is sent. */
static struct known_task *pick(struct client *client)
{
    unsigned kept = learn_known_count();
    if (kept == 0) {
        return NULL;
    }
    unsigned newest = one_in(client, 2) && kept > NEW_TASKS ? NEW_TASKS : kept;
    client->deed.task = learn_newest((unsigned)deeds_dice(client, newest));
    return learn_task(client->deed.task);
}

static void send_to_task(struct client *client, const char *method, const char *verb)
{
    struct known_task *task = pick(client);
    if (task == NULL) {
        return;
    }
    send_to(client, method, "/board/tasks/%s%s", task->id, verb);
}

static void say_new_task(struct client *client, unsigned index)
{
    char tag[16];
    if (one_in(client, 100)) {
        (void)snprintf(tag, sizeof tag, "rare%d", (int)deeds_dice(client, RARE_TAGS));
    } else {
        (void)snprintf(tag, sizeof tag, "t%d", (int)deeds_dice(client, TAGS));
    }
    say(client,
        "{'title':'t%" PRIu64
        ".%u','createdBy':'c%u','tags':['%s'],'priority':%d,'payload':{'op':%" PRIu64 "}",
        client->deed.serial, index, client->number, tag, (int)deeds_dice(client, 5),
        client->deed.serial);
}

static void compose_create(struct client *client)
{
    may_repeat(client);
    send_to(client, "POST", "/board/tasks");
    say_new_task(client, 0);
    if (one_in(client, 20)) {
        say(client, ",'delaySeconds':%d", 1 + (int)deeds_dice(client, 3));
    }
    if (one_in(client, 20)) {
        say(client, ",'assignee':'c%u'", client->number);
    }
    if (one_in(client, 4)) {
        const struct known_task *before = pick(client);
        if (before != NULL) {
            say(client, ",'dependencies':['%s']", before->id);
        }
    }
    say(client, "}");
}

/* An array of which each task but the first may wait for some before it. */
static void compose_plan(struct client *client)
{
    unsigned count = 4 + (unsigned)deeds_dice(client, 5);
    may_repeat(client);
    send_to(client, "POST", "/board/tasks");
    for (unsigned i = 0; i < count; i++) {
        say(client, i == 0 ? "[" : ",");
        say_new_task(client, i);
        say(client, ",'ref':'r%u'", i);
        if (i > 0 && !one_in(client, 3)) {
            say(client, ",'dependencies':['#r%d']", (int)deeds_dice(client, i));
        }
        say(client, "}");
    }
    say(client, "]");
}

static void compose_patch(struct client *client)
{
    const struct known_task *task = pick(client);
    if (task == NULL) {
        return;
    }
    send_to(client, "PATCH", "/board/tasks/%s%s", task->id,
            one_in(client, 30) ? "?force=true" : "");
    if (one_in(client, 2)) {
        (void)snprintf(client->deed.condition, sizeof client->deed.condition, "If-Match: \"%u\"",
                       task->version);
    }
    switch (deeds_dice(client, 8)) {
    case 0:
        say(client, "{'title':'t%" PRIu64 "','priority':%d}", client->deed.serial,
            (int)deeds_dice(client, 9));
        break;
    case 1:
        say(client, "{'title':'t%" PRIu64 "','status':'done'}", client->deed.serial);
        break;
    case 2:
        say(client, "{'title':'t%" PRIu64 "','status':'open'}", client->deed.serial);
        break;
    case 3:
        say(client, "{'title':'t%" PRIu64 "','tags':['t%d','t%d']}", client->deed.serial,
            (int)deeds_dice(client, TAGS), (int)deeds_dice(client, TAGS));
        break;
    default:
        say(client, "{'title':'t%" PRIu64 "'}", client->deed.serial);
        break;
    }
}

static void compose_note(struct client *client)
{
    may_repeat(client);
    send_to_task(client, "POST", "/notes");
    say(client, "{'author':'c%u','type':'update','content':'n%" PRIu64 "'}", client->number,
        client->deed.serial);
}

static void compose_bump(struct client *client)
{
    may_repeat(client);
    send_to_task(client, "POST", "/bump");
    say(client, "{}");
}

static void compose_delete(struct client *client)
{
    send_to_task(client, "DELETE", one_in(client, 4) ? "?force=true" : "");
}

static void compose_cancel(struct client *client)
{
    may_repeat(client);
    send_to_task(client, "POST", "/cancel");
    say(client, "{'by':'c%u','reason':'r%" PRIu64 "'%s}", client->number, client->deed.serial,
        one_in(client, 3) ? ",'force':true" : "");
}

static void compose_retry(struct client *client)
{
    may_repeat(client);
    send_to_task(client, "POST", "/retry");
    say(client, "{'by':'c%u'}", client->number);
}

/* --- claims --- */

static void say_claim(struct client *client)
{
    say(client, "{'agent':'c%u','leaseSeconds':%d", client->number, one_in(client, 20) ? 10 : 3600);
    if (client->has_vm && one_in(client, 8)) {
        say(client, ",'vmId':'vm%u'", client->number);
    }
}

static void compose_claim(struct client *client)
{
    may_repeat(client);
    send_to(client, "POST", "/board/claim");
    say_claim(client);
    if (one_in(client, 40)) {
        say(client, ",'tags':['rare%d'],'wait':%d}", (int)deeds_dice(client, RARE_TAGS),
            1 + (int)deeds_dice(client, 2));
    } else if (one_in(client, 3)) {
        say(client, ",'tags':['t%d']}", (int)deeds_dice(client, TAGS));
    } else {
        say(client, ",'max':%d}", 1 + (int)deeds_dice(client, 2));
    }
}

static void compose_take(struct client *client)
{
    may_repeat(client);
    send_to_task(client, "POST", "/claim");
    say_claim(client);
    say(client, "}");
}

/* One that it holds, or held: the copy stays, so that its token is seen again after its end. */
static const struct held_claim *pick_held(struct client *client, bool forget)
{
    if (client->held_count == 0) {
        return NULL;
    }
    unsigned at = (unsigned)deeds_dice(client, client->held_count);
    if (forget && !one_in(client, 20)) {
        struct held_claim chosen = client->held[at];
        client->held_count--;
        client->held[at] = client->held[client->held_count];
        client->held[client->held_count] = chosen;
        return &client->held[client->held_count];
    }
    return &client->held[at];
}

static void compose_beat(struct client *client)
{
    const struct held_claim *held = pick_held(client, false);
    if (held == NULL) {
        return;
    }
    send_to(client, "POST", "/board/tasks/%s/heartbeat", held->id);
    say(client, "{'claimToken':'%s'", held->token);
    if (one_in(client, 3)) {
        say(client, ",'progress':{'percent':%d,'message':'p%" PRIu64 "'}",
            (int)deeds_dice(client, 101), client->deed.serial);
    }
    say(client, "}");
}

static void compose_end(struct client *client, const char *verb)
{
    const struct held_claim *held = pick_held(client, true);
    if (held == NULL) {
        return;
    }
    may_repeat(client);
    send_to(client, "POST", "/board/tasks/%s/%s", held->id, verb);
    say(client, "{'claimToken':'%s'", held->token);
    if (one_in(client, 2)) {
        say(client, ",'next':");
        say_claim(client);
        say(client, "}");
    }
}

static void compose_complete(struct client *client)
{
    compose_end(client, "complete");
    say(client, ",'result':{'op':%" PRIu64 "}%s}", client->deed.serial,
        one_in(client, 10) ? ",'review':true" : "");
}

static void compose_fail(struct client *client)
{
    compose_end(client, "fail");
    say(client, ",'error':'e%" PRIu64 "','delaySeconds':%d%s}", client->deed.serial,
        (int)deeds_dice(client, 3), one_in(client, 10) ? ",'retryable':false" : "");
}

static void compose_release(struct client *client)
{
    compose_end(client, "release");
    say(client, ",'reason':'r%" PRIu64 "'}", client->deed.serial);
}

/* --- the fleet, the feed, pauses --- */

static void compose_vm_put(struct client *client)
{
    client->has_vm = true;
    send_to(client, "PUT", "/registry/vms/vm%u", client->number);
    say(client, "{'name':'m%" PRIu64 "','role':'worker','address':'10.0.0.%u'}",
        client->deed.serial, client->number % 250);
}

static void compose_vm_beat(struct client *client)
{
    send_to(client, "POST", "/registry/vms/vm%u/heartbeat", client->number);
    say(client, "{}");
}

static void compose_vm_stop(struct client *client)
{
    client->has_vm = false;
    send_to(client, "PATCH", "/registry/vms/vm%u", client->number);
    say(client, "{'name':'m%" PRIu64 "','status':'stopped'}", client->deed.serial);
}

static void compose_feed(struct client *client)
{
    may_repeat(client);
    send_to(client, "POST", "/feed/events");
    say(client, "{'agent':'c%u','type':'custom','summary':'f%" PRIu64 "'}", client->number,
        client->deed.serial);
}

static void compose_pause(struct client *client)
{
    may_repeat(client);
    client->has_paused = true;
    client->paused_tag[0] = '\0';
    send_to(client, "POST", "/board/pause");
    say(client, "{'by':'c%u','reason':'r%" PRIu64 "'", client->number, client->deed.serial);
    if (!one_in(client, 10)) {
        (void)snprintf(client->paused_tag, sizeof client->paused_tag, "t%d",
                       (int)deeds_dice(client, TAGS));
        say(client, ",'tag':'%s'", client->paused_tag);
    }
    say(client, "}");
}

static void compose_resume(struct client *client)
{
    may_repeat(client);
    client->has_paused = false;
    send_to(client, "POST", "/board/resume");
    say(client, "{'by':'c%u'", client->number);
    if (client->paused_tag[0] != '\0') {
        say(client, ",'tag':'%s'", client->paused_tag);
    }
    say(client, "}");
}

/* --- reads --- */

static void compose_get(struct client *client)
{
    send_to_task(client, "GET", "");
}

static void compose_get_if(struct client *client)
{
    const struct known_task *task = pick(client);
    if (task == NULL) {
        return;
    }
    send_to(client, "GET", "/board/tasks/%s", task->id);
    (void)snprintf(client->deed.condition, sizeof client->deed.condition, "If-None-Match: \"%u\"",
                   task->version);
}

#define LIST_OF "/board/tasks?limit=20&fields=id,version,status&"

static void compose_list(struct client *client)
{
    static const char *const statuses[] = {"open", "in_progress", "done", "blocked", "in_review"};
    const char *status = statuses[deeds_dice(client, 5)];
    switch (deeds_dice(client, 3)) {
    case 0:
        send_to(client, "GET", LIST_OF "createdBy=c%u", client->number);
        break;
    case 1:
        send_to(client, "GET", LIST_OF "assignee=c%u&status=%s", client->number, status);
        break;
    default:
        send_to(client, "GET", LIST_OF "tag=t%d&status=%s", (int)deeds_dice(client, TAGS), status);
        break;
    }
}

static void compose_summary(struct client *client)
{
    send_to(client, "GET", "/board/summary");
}

static void poll_tag(struct client *client, enum tagged which)
{
    if (client->tag[which][0] == '\0') {
        return;
    }
    send_to(client, "GET", "%s", client->tagged_path[which]);
    (void)snprintf(client->deed.condition, sizeof client->deed.condition, "If-None-Match: %s",
                   client->tag[which]);
}

static void compose_list_if(struct client *client)
{
    poll_tag(client, LIST);
}

static void compose_summary_if(struct client *client)
{
    poll_tag(client, SUMMARY);
}

static void compose_events(struct client *client)
{
    char seq[24];
    uint64_t since = 0;
    if (client->connection->length > 0 &&
        fleet_header(client->connection, "events-seq", seq, sizeof seq)) {
        since = strtoull(seq, NULL, 10);
        since -= since < 50 ? since : deeds_dice(client, 50);
    }
    send_to(client, "GET", "/events?limit=50&since=%" PRIu64, since);
}

static void compose_ready(struct client *client)
{
    send_to(client, "GET", "/board/ready?limit=10&agent=c%u", client->number);
}

static void compose_attempts(struct client *client)
{
    send_to_task(client, "GET", "/attempts");
}

static void compose_why(struct client *client)
{
    send_to_task(client, "GET", "/why");
}

static void compose_vms(struct client *client)
{
    send_to(client, "GET", "/registry/vms");
}

/* --- choosing --- */

static const struct deed_kind kinds[] = {
    {"create", 70, compose_create, learn_created},
    {"plan", 14, compose_plan, learn_created},
    {"patch", 60, compose_patch, learn_version},
    {"note", 60, compose_note, NULL},
    {"bump", 50, compose_bump, learn_version},
    {"delete", 12, compose_delete, NULL},
    {"cancel", 10, compose_cancel, learn_version},
    {"retry", 20, compose_retry, learn_version},
    {"claim", 90, compose_claim, learn_claimed},
    {"take", 40, compose_take, learn_claimed},
    {"beat", 70, compose_beat, NULL},
    {"complete", 110, compose_complete, learn_claimed},
    {"fail", 30, compose_fail, learn_claimed},
    {"release", 20, compose_release, learn_claimed},
    {"vm_put", 4, compose_vm_put, NULL},
    {"vm_beat", 12, compose_vm_beat, NULL},
    {"vm_stop", 2, compose_vm_stop, NULL},
    {"feed", 15, compose_feed, NULL},
    {"pause", 2, compose_pause, NULL},
    {"get", 110, compose_get, learn_version},
    {"get_if", 30, compose_get_if, NULL},
    {"list", 30, compose_list, learn_list},
    {"list_if", 30, compose_list_if, NULL},
    {"summary", 20, compose_summary, learn_summary},
    {"summary_if", 20, compose_summary_if, NULL},
    {"events", 10, compose_events, NULL},
    {"ready", 12, compose_ready, NULL},
    {"attempts", 20, compose_attempts, NULL},
    {"why", 12, compose_why, NULL},
    {"vms", 2, compose_vms, NULL},
};

static const struct deed_kind resume_kind = {"resume", 0, compose_resume, NULL};
static const struct deed_kind last_kind = {"feed", 0, compose_feed, NULL};

static const struct deed_kind *choose_kind(struct client *client)
{
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        sum += kinds[i].weight;
    }
    uint64_t at = deeds_dice(client, sum);
    size_t i = 0;
    for (; at >= kinds[i].weight; i++) {
        at -= kinds[i].weight;
    }
    return &kinds[i];
}

static void begin_deed(struct client *client, const struct deed_kind *kind, uint64_t serial)
{
    client->deed.kind = kind;
    client->deed.serial = serial;
    client->deed.keyed = false;
    client->deed.again = false;
    client->deed.path[0] = '\0';
    client->deed.condition[0] = '\0';
    client->deed.body[0] = '\0';
    kind->compose(client);
}

void deeds_choose(struct client *client, uint64_t serial)
{
    if (client->has_paused && one_in(client, 10)) {
        begin_deed(client, &resume_kind, serial);
        return;
    }
    begin_deed(client, choose_kind(client), serial);
    if (client->deed.path[0] == '\0') {
        begin_deed(client, &kinds[0], serial); /* what it needs is not there yet: it makes some */
    }
}

void deeds_choose_last(struct client *client, uint64_t serial)
{
    begin_deed(client, &last_kind, serial);
    client->deed.keyed = true;
}

void deeds_learn(struct client *client)
{
    const struct deed_kind *kind = client->deed.kind;
    if (kind->learn != NULL && client->connection->status / 100 == 2) {
        kind->learn(client);
    }
}
