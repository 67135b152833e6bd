/* The bodies of those who claim, work and steer. */
#include <stdio.h>

#include "scenario/dice.h"

bool dice_is_holders(enum tb_command_kind kind)
{
    return kind == TB_COMMAND_HEARTBEAT || kind == TB_COMMAND_COMPLETE || kind == TB_COMMAND_FAIL ||
           kind == TB_COMMAND_RELEASE;
}

bool dice_takes_header(enum tb_command_kind kind)
{
    return kind == TB_COMMAND_PATCH || kind == TB_COMMAND_DELETE || kind == TB_COMMAND_REVIEW ||
           kind == TB_COMMAND_APPROVE || kind == TB_COMMAND_REJECT;
}

/* --- tokens --- */

/* A token of the wanted sort, or any when there is none. */
static const struct dice_token *some_token(struct dice *dice, bool live)
{
    const struct dice_pool *pool = &dice->pool;
    size_t start = dice_roll(dice, (unsigned)pool->token_count);
    for (size_t i = 0; i < pool->token_count; i++) {
        const struct dice_token *token = &pool->tokens[(start + i) % pool->token_count];
        if (token->live == live) {
            return token;
        }
    }
    return &pool->tokens[start];
}

/* One that nobody was given, but that looks like one. */
static struct tb_str made_up(struct dice *dice, struct tb_arena *arena)
{
    static const char letters[] = "Az09-_";
    char text[DICE_TOKEN_MAX];
    size_t len = (size_t)snprintf(text, sizeof(text), "%u.", 1 + dice_roll(dice, 4));
    for (int i = 0; i < 22; i++) {
        text[len++] = letters[dice_roll(dice, sizeof(letters) - 1)];
    }
    return tb_arena_dup(arena, tb_str_from(text, len));
}

void dice_throw_token(struct dice *dice, struct dice_command *command, struct tb_arena *arena)
{
    unsigned roll = dice_roll(dice, 100);
    command->id = dice_some_id(dice);
    if (roll < 2) {
        return;
    }
    if (roll < 6 || dice->pool.token_count == 0) {
        command->token = made_up(dice, arena);
        return;
    }
    const struct dice_token *token = some_token(dice, roll < 75);
    command->token = tb_arena_dup(arena, tb_str_c(token->text));
    if (roll < 97) {
        command->id = token->task; /* else that of another task */
    }
}

/* --- bodies --- */

static void add_claim_args(struct dice *dice, struct tb_buf *out)
{
    static const char *const agents[] = {"ann", "bob", "eve"};
    dice_add(out, "'agent':'%s'", DICE_PICK(dice, agents));
    if (dice_chance(dice, 60)) {
        dice_add(out, ",'leaseSeconds':%u", 10 + dice_roll(dice, 120));
    }
    if (dice_chance(dice, 50)) {
        struct tb_str vm_id = dice_some_vm(dice);
        dice_add(out, ",'vmId':'%.*s'", (int)vm_id.len, vm_id.ptr);
    }
}

static void add_claim(struct dice *dice, struct tb_buf *out)
{
    static const char *const tags[] = {"['x']", "['x','y']", "['\\'']", "[]"};
    add_claim_args(dice, out);
    if (dice_chance(dice, 15)) {
        dice_add(out, ",'tags':%s", DICE_PICK(dice, tags));
    }
    if (dice_chance(dice, 10)) {
        dice_add(out, ",'anyTags':%s", DICE_PICK(dice, tags));
    }
    if (dice_chance(dice, 20)) {
        dice_add(out, ",'max':%u", 1 + dice_roll(dice, 4));
    }
}

static void add_heartbeat(struct dice *dice, struct tb_buf *out)
{
    if (dice_chance(dice, 25)) {
        dice_add(out, ",'leaseSeconds':%u", 10 + dice_roll(dice, 200));
    }
    if (dice_chance(dice, 50)) {
        dice_add(out, ",'progress':{'percent':%u%s}", dice_roll(dice, 101),
                 dice_chance(dice, 50) ? ",'message':'half \\u0022way'" : "");
    }
}

static void add_complete(struct dice *dice, struct tb_buf *out)
{
    static const char *const results[] = {"{'a':[1.50,null]}", "7", "'\\u0022'"};
    if (dice_chance(dice, 60)) {
        dice_add(out, ",'result':%s", DICE_PICK(dice, results));
    }
    if (dice_chance(dice, 20)) {
        dice_add(out, ",'summary':'made it'");
    }
    if (dice_chance(dice, 10)) {
        dice_add(out, ",");
        dice_add_artifacts(dice, out);
    }
    if (dice_chance(dice, 30)) {
        dice_add(out, ",'review':true");
    }
}

static void add_fail(struct dice *dice, struct tb_buf *out)
{
    dice_add(out, ",'error':'it \\u0022broke'");
    if (dice_chance(dice, 15)) {
        dice_add(out, ",'retryable':false");
    }
    if (dice_chance(dice, 60)) {
        dice_add(out, ",'delaySeconds':%u", dice_chance(dice, 60) ? 0 : dice_roll(dice, 100));
    }
}

static void add_next(struct dice *dice, struct tb_buf *out)
{
    if (dice_chance(dice, 30)) {
        dice_add(out, ",'next':{");
        add_claim(dice, out);
        dice_add(out, "}");
    }
}

static void add_holders_body(struct dice *dice, const struct dice_command *command,
                             struct tb_buf *out)
{
    dice_add(out, "{");
    if (command->token.ptr != NULL) {
        dice_add(out, "'claimToken':'%.*s'", (int)command->token.len, command->token.ptr);
    } else {
        dice_add(out, "'claimToken':null");
    }
    if (command->kind == TB_COMMAND_HEARTBEAT) {
        add_heartbeat(dice, out);
    } else if (command->kind == TB_COMMAND_COMPLETE) {
        add_complete(dice, out);
    } else if (command->kind == TB_COMMAND_FAIL) {
        add_fail(dice, out);
    } else if (dice_chance(dice, 50)) {
        dice_add(out, ",'reason':'too hard'");
    }
    if (command->kind != TB_COMMAND_HEARTBEAT) {
        add_next(dice, out);
    }
    dice_add(out, "}");
}

static void add_retry_many(struct dice *dice, struct tb_buf *out)
{
    static const char *const conditions[] = {",'tag':'x'",         ",'assignee':'ann'",
                                             ",'createdBy':'bob'", ",'outcome':'failed'",
                                             ",'max':2",           ",'outcome':'cancelled'"};
    dice_add(out, "{'by':'lead'%s}", dice_chance(dice, 60) ? DICE_PICK(dice, conditions) : "");
}

static void add_pause(struct dice *dice, struct tb_buf *out)
{
    static const char *const tags[] = {"'tag':'x'", "'tag':'y'", "'by':'lead'"};
    dice_add(out, "{%s}", DICE_PICK(dice, tags));
}

void dice_add_claim_body(struct dice *dice, const struct dice_command *command, struct tb_buf *out)
{
    switch (command->kind) {
    case TB_COMMAND_CLAIM:
        dice_add(out, "{");
        add_claim(dice, out);
        dice_add(out, "}");
        return;
    case TB_COMMAND_CLAIM_TASK:
        dice_add(out, "{");
        add_claim_args(dice, out);
        dice_add(out, "}");
        return;
    case TB_COMMAND_CANCEL:
        dice_add(out, "{'by':'lead','reason':'no \\u0022need'%s}",
                 command->force ? ",'force':true" : "");
        return;
    case TB_COMMAND_ACCEPT:
        dice_add(out, "{'by':'lead'%s}", command->force ? ",'force':true" : "");
        return;
    case TB_COMMAND_RETRY_MANY:
        add_retry_many(dice, out);
        return;
    case TB_COMMAND_PAUSE:
    case TB_COMMAND_RESUME:
        add_pause(dice, out);
        return;
    case TB_COMMAND_RETRY:
        dice_add(out, "{}");
        return;
    default:
        add_holders_body(dice, command, out);
        return;
    }
}
