#include "board/import.h"

#include <assert.h>

#include "board/feed.h"
#include "board/note.h"
#include "board/pause.h"
#include "board/vm_life.h"

/* What was read once without a fault. */
static void read_again(struct tb_import *import, const struct tb_import_entry *entry,
                       struct tb_import_item *item)
{
    struct tb_parse parse = {.arena = import->board->arena};
    bool good = tb_import_read(&parse, import->command->import.format, entry->text,
                               import->board->options.default_max_attempts, item);
    assert(good);
}

static void write_attached(struct tb_import *import, const struct tb_import_item *item,
                           struct tb_task *task)
{
    struct tb_board *board = import->board;
    struct tb_buf wire;
    uint64_t offset = tb_txn_head(board->txn)->generation;
    for (size_t i = 0; i < task->note_count; i++) {
        tb_buf_init(&wire, board->arena, item->notes[i].content.len + 512);
        tb_note_write(&item->notes[i], &wire);
        tb_put_note(board->txn, task->id, item->notes[i].id, tb_buf_str(&wire));
        task->notes_bytes += wire.len;
    }
    for (uint32_t i = 0; i < task->artifact_count; i++) {
        tb_buf_init(&wire, board->arena, 512);
        tb_artifact_write(&item->artifacts[i], &wire);
        tb_put_artifact(board->txn, task->id, i, tb_buf_str(&wire));
    }
    for (size_t i = 0; i < item->attempt_count; i++) {
        struct tb_attempt attempt = item->attempts[i];
        attempt.generation += offset;
        tb_attempt_render(&attempt, board->arena);
        tb_put_attempt(board->txn, task->id, &attempt);
    }
}

static void write_task(struct tb_import *import, const struct tb_import_entry *entry)
{
    struct tb_import_item item;
    read_again(import, entry, &item);
    struct tb_task task = item.task;
    const struct tb_change change = {
        .type = TB_EVENT_IMPORTED, .actor = import->command->actor, .dependencies_changed = true};
    write_attached(import, &item, &task);
    tb_change_import(import->board, &task, &change);
}

static void write_tasks(struct tb_import *import, bool met)
{
    const struct tb_import_entries *tasks = &import->entries[TB_IMPORT_TASK];
    for (size_t i = 0; i < tasks->count; i++) {
        if (tasks->items[i].met == met) {
            write_task(import, &tasks->items[i]);
            tb_scratch_reset(&import->scratch);
        }
    }
}

/* A place among the others for one that comes without. */
static struct tb_id number_of(struct tb_import *import, const struct tb_import_item *item)
{
    struct tb_ulid_source ids = {.random = import->board->ids.random,
                                 .random_ctx = import->board->ids.random_ctx};
    return tb_id_is_zero(item->id) ? tb_ulid_next(&ids, item->vm.registered_ms) : item->id;
}

static void write_vms(struct tb_import *import)
{
    const struct tb_import_entries *vms = &import->entries[TB_IMPORT_VM];
    for (size_t i = 0; i < vms->count; i++) {
        struct tb_import_item item;
        read_again(import, &vms->items[i], &item);
        item.vm.number = number_of(import, &item);
        tb_vm_change(import->board, NULL, &item.vm, TB_EVENT_VM_IMPORTED, import->command->actor);
        tb_scratch_reset(&import->scratch);
    }
}

static void write_feed(struct tb_import *import)
{
    const struct tb_import_entries *feed = &import->entries[TB_IMPORT_FEED];
    for (size_t i = 0; i < feed->count; i++) {
        struct tb_import_item item;
        read_again(import, &feed->items[i], &item);
        const struct tb_change change = {.type = item.feed.type,
                                         .actor = item.feed.agent,
                                         .extra =
                                             tb_feed_members(import->board->arena, &item.feed)};
        tb_change_tell_of(import->board, &change, item.id, item.feed_ms);
        tb_scratch_reset(&import->scratch);
    }
}

static void write_pauses(struct tb_import *import)
{
    const struct tb_import_entries *pauses = &import->entries[TB_IMPORT_PAUSE];
    for (size_t i = 0; i < pauses->count; i++) {
        struct tb_import_item item;
        read_again(import, &pauses->items[i], &item);
        tb_pause_import(import->board, &item.pause, item.pause_since);
        tb_scratch_reset(&import->scratch);
    }
}

/* Ids and instants made from now on are greater than all of the file. */
static void raise_clock(struct tb_import *import)
{
    struct tb_board *board = import->board;
    if (tb_id_cmp(import->latest_id, board->ids.last) > 0) {
        board->ids.last = import->latest_id;
    }
    if (import->latest_ms > board->now_ms) {
        board->now_ms = import->latest_ms;
    }
}

void tb_import_write(struct tb_import *import)
{
    struct tb_head *head = tb_txn_head(import->board->txn);
    write_feed(import); /* before any event gets an id of today */
    raise_clock(import);
    write_pauses(import);
    write_vms(import);
    write_tasks(import, true);
    write_tasks(import, false);
    head->generation += import->generation;
    head->last_id = import->board->ids.last;
    head->last_ms = import->board->now_ms;
}
