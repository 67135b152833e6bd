#include "scenario/dice.h"

#include <stdio.h>

unsigned dice_roll(struct dice *dice, unsigned sides)
{
    return random_below(&dice->state, sides);
}

bool dice_chance(struct dice *dice, unsigned percent)
{
    return dice_roll(dice, 100) < percent;
}

static void add(struct tb_buf *out, const char *format, ...) FIXTURE_FORMAT(2, 3);

/* With ' for ", as everywhere in these tests. */
static void add(struct tb_buf *out, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    assert_in_range(len, 0, sizeof(text) - 1);
    for (int i = 0; i < len; i++) {
        text[i] = text[i] == '\'' ? '"' : text[i];
    }
    tb_buf_add(out, text, (size_t)len);
}

static const char *pick(struct dice *dice, const char *const *from, size_t count)
{
    return from[dice_roll(dice, (unsigned)count)];
}

#define PICK(dice, array) pick((dice), (array), COUNT(array))

static struct tb_id some_id(struct dice *dice)
{
    static const struct tb_id nobody = {.bytes = {1}};
    if (dice->pool.count == 0 || dice_chance(dice, 2)) {
        return nobody;
    }
    return dice->pool.ids[dice_roll(dice, (unsigned)dice->pool.count)];
}

static void add_id(struct dice *dice, struct tb_buf *out)
{
    char text[TB_ULID_LEN];
    tb_ulid_format(some_id(dice), text);
    tb_buf_add(out, text, sizeof(text));
}

/* --- members of a task; each begins with a comma --- */

static void add_text(struct dice *dice, struct tb_buf *out, const char *field)
{
    static const char *const texts[] = {"'paint the fence'",      "' Fence, again '",
                                        "'\\u0022q\\u0022 \\\\'", "'\\n\\u0001 \\u00c4'",
                                        "'Größe 漢字'",           "'x'"};
    add(out, ",'%s':%s", field, PICK(dice, texts));
}

static void add_dependencies(struct dice *dice, struct tb_buf *out, unsigned refs)
{
    unsigned count = dice_roll(dice, 4);
    add(out, ",'dependencies':[");
    for (unsigned i = 0; i < count; i++) {
        add(out, i == 0 ? "'" : ",'");
        if (refs > 0 && dice_chance(dice, 60)) {
            add(out, "#%u", dice_roll(dice, refs));
        } else if (dice_chance(dice, 4)) {
            add(out, "no such\\u0022");
        } else {
            add_id(dice, out);
        }
        add(out, "'");
    }
    add(out, "]");
}

static void add_time(struct dice *dice, struct tb_buf *out)
{
    static const char *const instants[] = {
        "null", "'2023-11-14T22:13:20Z'", "'2023-11-14T22:20:00Z'", "'2023-11-15T03:00:00.5+02:00'",
        "'2024-02-01T00:00:00Z'"};
    add(out, ",'notBefore':%s", PICK(dice, instants));
}

static const char *const statuses[] = {"open",      "open",    "open", "in_progress",
                                       "in_review", "blocked", "done", "done"};

/* What create and PATCH have in common. */
static void add_fields(struct dice *dice, struct tb_buf *out, unsigned percent)
{
    static const char *const tags[] = {"[]", "['x']", "['x','y']", "['\\u0022',' ','x','x']",
                                       "null"};
    static const char *const names[] = {"'ann'", "' bob '", "''", "null", "'\\u00e9\\n'"};
    static const char *const payloads[] = {"{'a':[1.50,null]}", "0", "null", "'\\\\'"};
    if (dice_chance(dice, percent)) {
        add_text(dice, out, "description");
    }
    if (dice_chance(dice, percent)) {
        add(out, ",'tags':%s", PICK(dice, tags));
    }
    if (dice_chance(dice, percent)) {
        add(out, ",'assignee':%s", PICK(dice, names));
    }
    if (dice_chance(dice, percent)) {
        add(out, ",'payload':%s", PICK(dice, payloads));
    }
    if (dice_chance(dice, percent)) {
        add(out, ",'priority':%d", (int)dice_roll(dice, 201) - 100);
    }
    if (dice_chance(dice, percent)) {
        add(out, ",'maxAttempts':%u", dice_roll(dice, 5));
    }
}

/* --- bodies --- */

/* One task of a create; `refs` tasks of the same array can be named, of which this is number
 * `own`. */
static void add_task(struct dice *dice, struct tb_buf *out, unsigned refs, unsigned own)
{
    add(out, "{'createdBy':'%s'", dice_chance(dice, 50) ? "ann" : "bob");
    add_text(dice, out, "title");
    add_fields(dice, out, 15);
    if (refs > 0) {
        add(out, ",'ref':'%u'", own);
    }
    if (dice_chance(dice, 40)) {
        add(out, ",'status':'%s'", PICK(dice, statuses));
    }
    if (dice_chance(dice, 60)) {
        add_dependencies(dice, out, refs);
    }
    if (dice_chance(dice, 15)) {
        add(out, ",'delaySeconds':%u", dice_roll(dice, 100));
    } else if (dice_chance(dice, 10)) {
        add_time(dice, out);
    }
    if (dice_chance(dice, 25)) {
        add(out, ",'uniqueKey':'k%u'", dice_roll(dice, 4));
    }
    if (refs > 0 && dice_chance(dice, 10)) {
        add(out, ",'parentId':'#%u'", dice_roll(dice, refs));
    } else if (dice_chance(dice, 15)) {
        add(out, ",'parentId':'");
        add_id(dice, out);
        add(out, "'");
    }
    add(out, "}");
}

static void add_array(struct dice *dice, struct tb_buf *out)
{
    unsigned count = 1 + dice_roll(dice, 6);
    bool wrapped = dice_chance(dice, 30);
    add(out, wrapped ? "{'tasks':[" : "[");
    for (unsigned i = 0; i < count; i++) {
        add(out, "%s", i == 0 ? "" : ",");
        add_task(dice, out, count, i);
    }
    add(out, wrapped ? "]}" : "]");
}

static void add_patch(struct dice *dice, struct tb_buf *out)
{
    static const char *const outcomes[] = {"success", "failed", "cancelled"};
    add(out, "{'ignored':0");
    add_fields(dice, out, 10);
    if (dice_chance(dice, 10)) {
        add_text(dice, out, "title");
    }
    if (dice_chance(dice, 55)) {
        const char *status = PICK(dice, statuses);
        add(out, ",'status':'%s'", status);
        if (strcmp(status, "done") == 0 && dice_chance(dice, 40)) {
            add(out, ",'outcome':'%s'", PICK(dice, outcomes));
        }
    } else if (dice_chance(dice, 8)) {
        add(out, ",'outcome':'%s'", PICK(dice, outcomes));
    }
    if (dice_chance(dice, 40)) {
        add_dependencies(dice, out, 0);
    }
    if (dice_chance(dice, 12)) {
        add_time(dice, out);
    }
    add(out, "}");
}

static void add_artifacts(struct dice *dice, struct tb_buf *out)
{
    unsigned count = 1 + dice_roll(dice, 3);
    add(out, "'artifacts':[");
    for (unsigned i = 0; i < count; i++) {
        add(out, "%s{'type':'url','url':'http://x/%u','label':'l\\u0022'%s}", i == 0 ? "" : ",",
            dice_roll(dice, 9), dice_chance(dice, 50) ? ",'addedBy':'ann'" : "");
    }
    add(out, "]");
}

static void add_body(struct dice *dice, enum tb_command_kind kind, struct tb_buf *out)
{
    switch (kind) {
    case TB_COMMAND_CREATE:
        if (dice_chance(dice, 25)) {
            add_array(dice, out);
        } else {
            add_task(dice, out, 0, 0);
        }
        return;
    case TB_COMMAND_PATCH:
        add_patch(dice, out);
        return;
    case TB_COMMAND_NOTE:
        add(out, "{'author':'bob','content':'n\\u0022 %u','type':'%s'}", dice_roll(dice, 100),
            dice_chance(dice, 50) ? "finding" : "update");
        return;
    case TB_COMMAND_ARTIFACTS:
        add(out, "{");
        add_artifacts(dice, out);
        add(out, "}");
        return;
    case TB_COMMAND_REVIEW:
        add(out, "{'summary':'s','reviewedBy':'ann',");
        add_artifacts(dice, out);
        add(out, "}");
        return;
    case TB_COMMAND_APPROVE:
        add(out, dice_chance(dice, 50) ? "{}" : "{'approvedBy':'eve','comment':'well \\\\ done'}");
        return;
    case TB_COMMAND_REJECT:
        add(out, "{'reason':'no'}");
        return;
    case TB_COMMAND_DELETE:
    case TB_COMMAND_BUMP:
    case TB_COMMAND_KIND_COUNT:
        break;
    }
}

static enum tb_command_kind some_kind(struct dice *dice)
{
    static const enum tb_command_kind kinds[] = {
        TB_COMMAND_PATCH,  TB_COMMAND_PATCH,  TB_COMMAND_PATCH,   TB_COMMAND_PATCH,
        TB_COMMAND_PATCH,  TB_COMMAND_PATCH,  TB_COMMAND_NOTE,    TB_COMMAND_ARTIFACTS,
        TB_COMMAND_BUMP,   TB_COMMAND_REVIEW, TB_COMMAND_APPROVE, TB_COMMAND_APPROVE,
        TB_COMMAND_REJECT,
    };
    /* creates and deletes balance at some thirty tasks */
    if (dice_chance(dice, 22)) {
        return TB_COMMAND_CREATE;
    }
    if (dice_roll(dice, 130) < dice->tasks) {
        return TB_COMMAND_DELETE;
    }
    return kinds[dice_roll(dice, COUNT(kinds))];
}

struct dice_command dice_throw(struct dice *dice, struct tb_arena *arena)
{
    static const char *const bad_bodies[] = {
        "{\"title\":\" \"}",    "[", "[{}]", "{\"priority\":101}", "{\"a\":1,\"a\":2}",
        "{\"status\":\"gone\"}"};
    struct dice_command command = {.kind = some_kind(dice)};
    struct tb_buf body;
    tb_buf_init(&body, arena, 1024);
    if (command.kind != TB_COMMAND_CREATE) {
        command.id = some_id(dice);
    }
    if (command.kind != TB_COMMAND_CREATE && dice_chance(dice, 8)) {
        command.if_match = dice_chance(dice, 20)
                               ? TB_STR("*")
                               : tb_arena_printf(arena, "\"%u\"", 1 + dice_roll(dice, 12));
    }
    if (dice_chance(dice, 2)) {
        tb_buf_add_c(&body, PICK(dice, bad_bodies));
    } else {
        add_body(dice, command.kind, &body);
    }
    command.body = tb_buf_str(&body);
    return command;
}
