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

void dice_add(struct tb_buf *out, const char *format, ...)
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

const char *dice_pick(struct dice *dice, const char *const *from, size_t count)
{
    return from[dice_roll(dice, (unsigned)count)];
}

struct tb_id dice_some_id(struct dice *dice)
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
    tb_ulid_format(dice_some_id(dice), text);
    tb_buf_add(out, text, sizeof(text));
}

/* --- members of a task; each begins with a comma --- */

static void add_text(struct dice *dice, struct tb_buf *out, const char *field)
{
    static const char *const texts[] = {"'paint the fence'",      "' Fence, again '",
                                        "'\\u0022q\\u0022 \\\\'", "'\\n\\u0001 \\u00c4'",
                                        "'Größe 漢字'",           "'x'"};
    dice_add(out, ",'%s':%s", field, DICE_PICK(dice, texts));
}

static void add_dependencies(struct dice *dice, struct tb_buf *out, unsigned refs)
{
    unsigned count = dice_roll(dice, 4);
    dice_add(out, ",'dependencies':[");
    for (unsigned i = 0; i < count; i++) {
        dice_add(out, i == 0 ? "'" : ",'");
        if (refs > 0 && dice_chance(dice, 60)) {
            dice_add(out, "#%u", dice_roll(dice, refs));
        } else if (dice_chance(dice, 4)) {
            dice_add(out, "no such\\u0022");
        } else {
            add_id(dice, out);
        }
        dice_add(out, "'");
    }
    dice_add(out, "]");
}

static void add_time(struct dice *dice, struct tb_buf *out)
{
    static const char *const instants[] = {
        "null", "'2023-11-14T22:13:20Z'", "'2023-11-14T22:20:00Z'", "'2023-11-15T03:00:00.5+02:00'",
        "'2024-02-01T00:00:00Z'"};
    dice_add(out, ",'notBefore':%s", DICE_PICK(dice, instants));
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
        dice_add(out, ",'tags':%s", DICE_PICK(dice, tags));
    }
    if (dice_chance(dice, percent)) {
        dice_add(out, ",'assignee':%s", DICE_PICK(dice, names));
    }
    if (dice_chance(dice, percent)) {
        dice_add(out, ",'payload':%s", DICE_PICK(dice, payloads));
    }
    if (dice_chance(dice, percent)) {
        dice_add(out, ",'priority':%d", (int)dice_roll(dice, 201) - 100);
    }
    if (dice_chance(dice, percent)) {
        dice_add(out, ",'maxAttempts':%u", dice_roll(dice, 5));
    }
}

/* --- bodies --- */

/* One task of a create; `refs` tasks of the same array can be named, of which this is number
 * `own`. */
static void add_task(struct dice *dice, struct tb_buf *out, unsigned refs, unsigned own)
{
    dice_add(out, "{'createdBy':'%s'", dice_chance(dice, 50) ? "ann" : "bob");
    add_text(dice, out, "title");
    add_fields(dice, out, 15);
    if (refs > 0) {
        dice_add(out, ",'ref':'%u'", own);
    }
    if (dice_chance(dice, 40)) {
        dice_add(out, ",'status':'%s'", DICE_PICK(dice, statuses));
    }
    if (dice_chance(dice, 60)) {
        add_dependencies(dice, out, refs);
    }
    if (dice_chance(dice, 15)) {
        dice_add(out, ",'delaySeconds':%u", dice_roll(dice, 100));
    } else if (dice_chance(dice, 10)) {
        add_time(dice, out);
    }
    if (dice_chance(dice, 25)) {
        dice_add(out, ",'uniqueKey':'k%u'", dice_roll(dice, 4));
    }
    if (refs > 0 && dice_chance(dice, 10)) {
        dice_add(out, ",'parentId':'#%u'", dice_roll(dice, refs));
    } else if (dice_chance(dice, 15)) {
        dice_add(out, ",'parentId':'");
        add_id(dice, out);
        dice_add(out, "'");
    }
    dice_add(out, "}");
}

static void add_array(struct dice *dice, struct tb_buf *out)
{
    unsigned count = 1 + dice_roll(dice, 6);
    bool wrapped = dice_chance(dice, 30);
    dice_add(out, wrapped ? "{'tasks':[" : "[");
    for (unsigned i = 0; i < count; i++) {
        dice_add(out, "%s", i == 0 ? "" : ",");
        add_task(dice, out, count, i);
    }
    dice_add(out, wrapped ? "]}" : "]");
}

static void add_patch(struct dice *dice, struct tb_buf *out)
{
    static const char *const outcomes[] = {"success", "failed", "cancelled"};
    dice_add(out, "{'ignored':0");
    add_fields(dice, out, 10);
    if (dice_chance(dice, 10)) {
        add_text(dice, out, "title");
    }
    if (dice_chance(dice, 55)) {
        const char *status = DICE_PICK(dice, statuses);
        dice_add(out, ",'status':'%s'", status);
        if (strcmp(status, "done") == 0 && dice_chance(dice, 40)) {
            dice_add(out, ",'outcome':'%s'", DICE_PICK(dice, outcomes));
        }
    } else if (dice_chance(dice, 8)) {
        dice_add(out, ",'outcome':'%s'", DICE_PICK(dice, outcomes));
    }
    if (dice_chance(dice, 40)) {
        add_dependencies(dice, out, 0);
    }
    if (dice_chance(dice, 12)) {
        add_time(dice, out);
    }
    dice_add(out, "}");
}

void dice_add_artifacts(struct dice *dice, struct tb_buf *out)
{
    unsigned count = 1 + dice_roll(dice, 3);
    dice_add(out, "'artifacts':[");
    for (unsigned i = 0; i < count; i++) {
        dice_add(out, "%s{'type':'url','url':'http://x/%u','label':'l\\u0022'%s}",
                 i == 0 ? "" : ",", dice_roll(dice, 9),
                 dice_chance(dice, 50) ? ",'addedBy':'ann'" : "");
    }
    dice_add(out, "]");
}

static void add_body(struct dice *dice, const struct dice_command *command, struct tb_buf *out)
{
    switch (command->kind) {
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
        dice_add(out, "{'author':'bob','content':'n\\u0022 %u','type':'%s'}", dice_roll(dice, 100),
                 dice_chance(dice, 50) ? "finding" : "update");
        return;
    case TB_COMMAND_ARTIFACTS:
        dice_add(out, "{");
        dice_add_artifacts(dice, out);
        dice_add(out, "}");
        return;
    case TB_COMMAND_REVIEW:
        dice_add(out, "{'summary':'s','reviewedBy':'ann',");
        dice_add_artifacts(dice, out);
        dice_add(out, "}");
        return;
    case TB_COMMAND_APPROVE:
        dice_add(out,
                 dice_chance(dice, 50) ? "{}" : "{'approvedBy':'eve','comment':'well \\\\ done'}");
        return;
    case TB_COMMAND_REJECT:
        dice_add(out, "{'reason':'no'}");
        return;
    case TB_COMMAND_DELETE:
    case TB_COMMAND_BUMP:
    case TB_COMMAND_KIND_COUNT:
        return;
    default:
        if (dice_is_of_fleet(command->kind)) {
            dice_add_fleet_body(dice, command, out);
            return;
        }
        dice_add_claim_body(dice, command, out);
        return;
    }
}

/* What is thrown, and how often: creates and deletes balance at some thirty tasks. */
static enum tb_command_kind some_kind(struct dice *dice)
{
    static const struct {
        enum tb_command_kind kind;
        unsigned weight;
    } rows[] = {
        {TB_COMMAND_PATCH, 24},    {TB_COMMAND_NOTE, 3},       {TB_COMMAND_ARTIFACTS, 3},
        {TB_COMMAND_BUMP, 4},      {TB_COMMAND_REVIEW, 3},     {TB_COMMAND_APPROVE, 5},
        {TB_COMMAND_REJECT, 3},    {TB_COMMAND_CLAIM, 18},     {TB_COMMAND_CLAIM_TASK, 8},
        {TB_COMMAND_HEARTBEAT, 9}, {TB_COMMAND_COMPLETE, 10},  {TB_COMMAND_FAIL, 8},
        {TB_COMMAND_RELEASE, 5},   {TB_COMMAND_CANCEL, 6},     {TB_COMMAND_RETRY, 5},
        {TB_COMMAND_ACCEPT, 5},    {TB_COMMAND_RETRY_MANY, 1}, {TB_COMMAND_PAUSE, 1},
        {TB_COMMAND_RESUME, 3},
    };
    static const unsigned total = 124;
    if (dice_chance(dice, 18)) {
        return dice_fleet_kind(dice);
    }
    if (dice_chance(dice, 20)) {
        return TB_COMMAND_CREATE;
    }
    if (dice_roll(dice, 150) < dice->tasks) {
        return TB_COMMAND_DELETE;
    }
    unsigned roll = dice_roll(dice, total);
    size_t row = 0;
    for (; roll >= rows[row].weight; row++) {
        roll -= rows[row].weight;
        assert_true(row + 1 < COUNT(rows));
    }
    return rows[row].kind;
}

static bool names_no_task(enum tb_command_kind kind)
{
    return kind == TB_COMMAND_CREATE || kind == TB_COMMAND_CLAIM || kind == TB_COMMAND_PAUSE ||
           kind == TB_COMMAND_RESUME || kind == TB_COMMAND_RETRY_MANY || dice_is_of_fleet(kind);
}

/* Whom the command is about, and what right it has to it. */
static void aim(struct dice *dice, struct dice_command *command, struct tb_arena *arena)
{
    if (names_no_task(command->kind)) {
        return;
    }
    command->id = dice_some_id(dice);
    if (dice_is_holders(command->kind) ||
        (dice_takes_header(command->kind) && dice_chance(dice, 20))) {
        dice_throw_token(dice, command, arena);
    } else if (command->kind == TB_COMMAND_CANCEL || command->kind == TB_COMMAND_ACCEPT) {
        dice_throw_token(dice, command, arena); /* of a task that somebody claims or has claimed */
        command->token = TB_STR_NONE;
    }
    bool may_force = dice_takes_header(command->kind) || command->kind == TB_COMMAND_CANCEL ||
                     command->kind == TB_COMMAND_ACCEPT;
    command->force = may_force && dice_chance(dice, 25);
    command->attempt = 1 + dice_roll(dice, 3);
    if (dice_chance(dice, 6)) {
        command->if_match = dice_chance(dice, 20)
                                ? TB_STR("*")
                                : tb_arena_printf(arena, "\"%u\"", 1 + dice_roll(dice, 12));
    }
}

struct dice_command dice_throw(struct dice *dice, struct tb_arena *arena)
{
    static const char *const bad_bodies[] = {
        "{\"title\":\" \"}",    "[", "[{}]", "{\"priority\":101}", "{\"a\":1,\"a\":2}",
        "{\"status\":\"gone\"}"};
    struct dice_command command = {.kind = some_kind(dice)};
    struct tb_buf body;
    tb_buf_init(&body, arena, 1024);
    aim(dice, &command, arena);
    command.repeated = dice_chance(dice, 8);
    command.bad = dice_chance(dice, 2) && !dice_is_of_fleet(command.kind);
    if (dice_is_of_fleet(command.kind)) {
        command.vm_id = dice_some_vm(dice);
    }
    if (command.bad) {
        tb_buf_add_c(&body, DICE_PICK(dice, bad_bodies));
    } else {
        add_body(dice, &command, &body);
    }
    command.body = tb_buf_str(&body);
    return command;
}
