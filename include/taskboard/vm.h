/* What the registry keeps: machines and when they last gave a sign of life.
 *
 * Strings are borrowed, see task.h. */
#ifndef TASKBOARD_VM_H
#define TASKBOARD_VM_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/ulid.h"

enum tb_vm_role {
    TB_VM_INFRA,
    TB_VM_LIEUTENANT,
    TB_VM_WORKER,
    TB_VM_GOLDEN,
    TB_VM_CUSTOM,
    TB_VM_ROLE_COUNT,
};

enum tb_vm_status {
    TB_VM_RUNNING,
    TB_VM_PAUSED,
    TB_VM_STOPPED,
    TB_VM_STATUS_COUNT,
};

/* Members of tb_vm that are strings, as indices of `strings`. */
#define TB_VM_STRING_COUNT 6

/* Times are milliseconds since 1970; 0 means absent. */
struct tb_vm {
    struct tb_id number; /* made at the registration: its place in lists. What is stored is found by
                          * it, and by the id */
    int64_t registered_ms;
    int64_t seen_ms;  /* the last sign of life. A small record of its own: heartbeats are many */
    int64_t ttl_ms;   /* without a sign of life for longer it is stale */
    int64_t due_ms;   /* when the timer has to look at it, not after seen_ms + ttl_ms, unless the
                       * guard against a mass loss has put it off; 0: never (it does not run, or is
                       * stale already) */
    int64_t stale_ms; /* when the timer found it stale; 0: it is not */
    bool spared;      /* the guard has put its end off once since its last sign of life */
    enum tb_vm_role role;
    enum tb_vm_status status;
    union {
        struct {
            struct tb_str id;            /* text, never absent; so are the next three */
            struct tb_str name;          /* text */
            struct tb_str address;       /* text */
            struct tb_str registered_by; /* text */
            struct tb_str services;      /* json array of objects */
            struct tb_str metadata;      /* json object */
        };
        struct tb_str strings[TB_VM_STRING_COUNT];
    };

    /* Its wire JSON but for what changes all the time, made by tb_vm_render(); the strings then
     * point into it. `,"lastSeen":…,"stale":…,"claims":…}` comes behind it in an answer. */
    struct tb_str wire;
};

const char *tb_vm_role_name(enum tb_vm_role role);
bool tb_vm_role_parse(struct tb_str text, enum tb_vm_role *out);
const char *tb_vm_status_name(enum tb_vm_status status);
bool tb_vm_status_parse(struct tb_str text, enum tb_vm_status *out);

/* Renders vm->wire into `arena` and points the strings into it. */
void tb_vm_render(struct tb_vm *vm, struct tb_arena *arena);

/* Adds the whole view of a rendered VM that holds so many claims. */
void tb_vm_write(const struct tb_vm *vm, bool stale, uint64_t claims, struct tb_buf *out);

#endif
