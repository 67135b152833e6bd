/* The bodies of the registry and of the feed. */
#include "board/feed.h"
#include "scenario/dice.h"

bool dice_is_of_fleet(enum tb_command_kind kind)
{
    return kind >= TB_COMMAND_VM_REGISTER && kind <= TB_COMMAND_FEED_CLEAR;
}

enum tb_command_kind dice_fleet_kind(struct dice *dice)
{
    static const enum tb_command_kind kinds[] = {
        TB_COMMAND_VM_REGISTER,  TB_COMMAND_VM_REGISTER,  TB_COMMAND_VM_REGISTER,
        TB_COMMAND_VM_PUT,       TB_COMMAND_VM_PATCH,     TB_COMMAND_VM_PATCH,
        TB_COMMAND_VM_HEARTBEAT, TB_COMMAND_VM_HEARTBEAT, TB_COMMAND_VM_HEARTBEAT,
        TB_COMMAND_VM_HEARTBEAT, TB_COMMAND_FEED_PUBLISH, TB_COMMAND_FEED_PUBLISH,
    };
    unsigned roll = dice_roll(dice, 100);
    if (roll < 4) {
        return TB_COMMAND_VM_DELETE;
    }
    return roll < 5 ? TB_COMMAND_FEED_CLEAR : kinds[dice_roll(dice, COUNT(kinds))];
}

struct tb_str dice_some_vm(struct dice *dice)
{
    static const char *const ids[DICE_VMS] = {"vm0", "vm1", "vm2", "vm3",
                                              "vm4", "vm5", "vm6", "vm7"};
    unsigned among = dice_chance(dice, 40) ? 1 : DICE_VMS; /* one that has many claims */
    return tb_str_c(ids[dice_roll(dice, among)]);
}

static const char *const statuses[] = {"running", "running", "running", "paused", "stopped"};

static void add_whole(struct dice *dice, struct tb_buf *out)
{
    static const char *const services[] = {"null", "[]", "[{'name':'rpc','port':1}]"};
    dice_add(out, "'name':'n%u','role':'worker','address':'a'", dice_roll(dice, 3));
    if (dice_chance(dice, 20)) {
        dice_add(out, ",'status':'%s'", DICE_PICK(dice, statuses));
    }
    if (dice_chance(dice, 30)) {
        dice_add(out, ",'services':%s", DICE_PICK(dice, services));
    }
    if (dice_chance(dice, 70)) {
        dice_add(out, ",'ttlSeconds':%u", 10 + dice_roll(dice, 200));
    }
}

static void add_patch(struct dice *dice, struct tb_buf *out)
{
    dice_add(out, "'ignored':1");
    if (dice_chance(dice, 60)) {
        dice_add(out, ",'status':'%s'", DICE_PICK(dice, statuses));
    }
    if (dice_chance(dice, 20)) {
        dice_add(out, ",'name':'n%u'", dice_roll(dice, 3));
    }
    if (dice_chance(dice, 20)) {
        dice_add(out, ",'ttlSeconds':%u", 10 + dice_roll(dice, 200));
    }
    if (dice_chance(dice, 10)) {
        dice_add(out, ",'metadata':{'k':%u}", dice_roll(dice, 2));
    }
}

static void add_feed(struct dice *dice, struct tb_buf *out)
{
    unsigned types = TB_EVENT_FEED_LAST - TB_EVENT_FEED_FIRST + 1;
    struct tb_str type =
        tb_feed_type_name((enum tb_event_type)(TB_EVENT_FEED_FIRST + dice_roll(dice, types)));
    dice_add(out, "'agent':'%s','type':'%.*s','summary':'s\\u0022 %u'",
             dice_chance(dice, 50) ? "ann" : " bob", (int)type.len, type.ptr, dice_roll(dice, 100));
}

void dice_add_fleet_body(struct dice *dice, const struct dice_command *command, struct tb_buf *out)
{
    dice_add(out, "{");
    if (command->kind == TB_COMMAND_VM_REGISTER) {
        dice_add(out, "'id':'%.*s',", (int)command->vm_id.len, command->vm_id.ptr);
    }
    if (command->kind == TB_COMMAND_VM_REGISTER || command->kind == TB_COMMAND_VM_PUT) {
        add_whole(dice, out);
    } else if (command->kind == TB_COMMAND_VM_PATCH) {
        add_patch(dice, out);
    } else if (command->kind == TB_COMMAND_FEED_PUBLISH) {
        add_feed(dice, out);
    }
    dice_add(out, "}");
}
