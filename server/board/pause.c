/* What is paused is stored as one JSON value, so written that it is read without a parser: every
 * read looks at it.
 *
 *   [all, [tags], [pauses]]     true or false; texts, ascending; as they are answered, oldest first
 */
#include "board/pause.h"

#include <stdlib.h>

#include "base/json.h"
#include "board/change.h"
#include "board/rules.h"
#include "taskboard/limits.h"

/* --- reading --- */

static int compare_texts(const void *a, const void *b)
{
    return tb_str_cmp(*(const struct tb_str *)a, *(const struct tb_str *)b);
}

/* What is left of the stored value. */
struct rest {
    const char *at;
    const char *end;
};

static bool take(struct rest *rest, const char *literal)
{
    size_t len = strlen(literal);
    bool is_there = (size_t)(rest->end - rest->at) >= len && memcmp(rest->at, literal, len) == 0;
    rest->at += is_there ? len : 0;
    return is_there;
}

/* A text with its quotes. */
static bool take_text(struct rest *rest, struct tb_str *text)
{
    if (!take(rest, "\"")) {
        return false;
    }
    const char *start = rest->at;
    while (rest->at < rest->end && *rest->at != '"') {
        rest->at += *rest->at == '\\' && rest->end - rest->at > 1 ? 2 : 1;
    }
    *text = tb_str_from(start, (size_t)(rest->at - start));
    return take(rest, "\"");
}

/* False: it is not what was stored, which had `count` pauses. */
static bool read_stored(struct tb_str stored, uint64_t count, struct tb_str *tags,
                        struct tb_pauses *pauses)
{
    struct rest rest = {stored.ptr, stored.ptr + stored.len};
    pauses->all = take(&rest, "[true,[");
    uint64_t tag_count = count - (pauses->all ? 1 : 0);
    if (!pauses->all && !take(&rest, "[false,[")) {
        return false;
    }
    for (uint64_t i = 0; i < tag_count; i++) {
        if ((i > 0 && !take(&rest, ",")) || !take_text(&rest, &tags[i])) {
            return false;
        }
    }
    pauses->tags = tags;
    pauses->tag_count = tag_count;
    if (!take(&rest, "],") || rest.at == rest.end) {
        return false;
    }
    pauses->wire = tb_str_from(rest.at, (size_t)(rest.end - rest.at - 1));
    return true;
}

enum tb_err tb_pauses_load(struct tb_txn *txn, struct tb_arena *arena, struct tb_pauses *pauses)
{
    uint64_t count = tb_txn_head(txn)->pauses;
    *pauses = (struct tb_pauses){.wire = TB_STR("[]")};
    if (count == 0) {
        return TB_OK;
    }
    struct tb_str stored;
    enum tb_err err = tb_get_pauses(txn, &stored);
    if (err != TB_OK) {
        return err == TB_E_ABSENT ? TB_E_STORAGE_CORRUPT : err;
    }
    struct tb_str *tags = tb_arena_alloc(arena, count * sizeof(*tags));
    return read_stored(tb_arena_dup(arena, stored), count, tags, pauses) ? TB_OK
                                                                         : TB_E_STORAGE_CORRUPT;
}

bool tb_pauses_hold(const struct tb_pauses *pauses, const struct tb_task *task)
{
    if (pauses->all || pauses->tag_count == 0) {
        return pauses->all;
    }
    struct tb_json_strings tags = tb_json_strings_of(task->tags);
    struct tb_str tag;
    while (tb_json_strings_next(&tags, &tag)) {
        if (bsearch(&tag, pauses->tags, pauses->tag_count, sizeof(tag), compare_texts) != NULL) {
            return true;
        }
    }
    return false;
}

void tb_pauses_show(const struct tb_pauses *pauses, struct tb_task *task)
{
    task->ready = task->ready && !tb_pauses_hold(pauses, task);
}

/* --- changing --- */

/* One that is in force, or is to be. */
struct entry {
    struct tb_str tag;  /* text; absent: the board as a whole */
    struct tb_str wire; /* as it is answered */
};

struct entries {
    struct entry *items;
    size_t count;
};

static struct tb_str member_text(const struct tb_json *object, const char *name)
{
    const struct tb_json *node = tb_json_member(object, name);
    return node != NULL ? tb_json_text(node) : TB_STR_NONE;
}

static void add_text(struct tb_buf *out, const char *name, struct tb_str text)
{
    if (text.ptr == NULL) {
        return;
    }
    if (out->ptr[out->len - 1] != '{') {
        TB_BUF_LIT(out, ",");
    }
    TB_BUF_LIT(out, "\"");
    tb_buf_add_c(out, name);
    TB_BUF_LIT(out, "\":");
    tb_buf_add_quoted(out, text);
}

/* `since` is a text: an instant as it stands in JSON. */
static struct tb_str write_entry(struct tb_arena *arena, const struct tb_steer_command *steer,
                                 struct tb_str since, struct tb_str by)
{
    struct tb_buf out;
    tb_buf_init(&out, arena, steer->tag.len + steer->reason.len + by.len + 96);
    TB_BUF_LIT(&out, "{");
    add_text(&out, "tag", steer->tag);
    add_text(&out, "reason", steer->reason);
    add_text(&out, "since", since);
    add_text(&out, "by", by);
    TB_BUF_LIT(&out, "}");
    return tb_buf_str(&out);
}

static struct tb_str instant_text(struct tb_arena *arena, int64_t ms)
{
    struct tb_buf out;
    tb_buf_init(&out, arena, 32);
    tb_buf_add_instant(&out, ms);
    return tb_str_from(out.ptr + 1, out.len - 2);
}

/* Fills in what is paused, with room for one more. `*same` is the place of the pause of `tag`, or
 * the count when there is none; `*node` is it as JSON. */
static enum tb_err load_entries(struct tb_board *board, struct tb_str tag, struct entries *entries,
                                size_t *same, const struct tb_json **node)
{
    const struct tb_json_limits limits = {
        .depth_max = 2, .tree_depth = 3, .node_count_max = TB_JSON_NODES_MAX};
    struct tb_pauses pauses;
    struct tb_json_error error;
    enum tb_err err = tb_pauses_load(board->txn, board->arena, &pauses);
    if (err != TB_OK) {
        return err;
    }
    const struct tb_json *list = tb_json_parse(board->arena, pauses.wire, &limits, &error);
    if (list == NULL) {
        return TB_E_STORAGE_CORRUPT;
    }
    entries->items =
        tb_arena_alloc(board->arena, (list->child_count + 1) * sizeof(*entries->items));
    entries->count = 0;
    *same = list->child_count;
    for (const struct tb_json *item = list->child; item != NULL; item = item->next) {
        struct tb_str item_tag = member_text(item, "tag");
        if (tb_str_eq(item_tag, tag)) {
            *same = entries->count;
            *node = item;
        }
        entries->items[entries->count++] = (struct entry){item_tag, item->raw};
    }
    return TB_OK;
}

static struct tb_str write_list(struct tb_arena *arena, const struct entries *entries)
{
    struct tb_buf out;
    tb_buf_init(&out, arena, 256);
    TB_BUF_LIT(&out, "[");
    for (size_t i = 0; i < entries->count; i++) {
        if (i > 0) {
            TB_BUF_LIT(&out, ",");
        }
        tb_buf_add_str(&out, entries->items[i].wire);
    }
    TB_BUF_LIT(&out, "]");
    return tb_buf_str(&out);
}

static struct tb_str write_stored(struct tb_arena *arena, const struct entries *entries)
{
    struct tb_str *tags = tb_arena_alloc(arena, (entries->count + 1) * sizeof(*tags));
    size_t count = 0;
    for (size_t i = 0; i < entries->count; i++) {
        if (entries->items[i].tag.ptr != NULL) {
            tags[count++] = entries->items[i].tag;
        }
    }
    qsort(tags, count, sizeof(*tags), compare_texts);
    struct tb_buf out;
    tb_buf_init(&out, arena, 256);
    tb_buf_add_c(&out, count < entries->count ? "[true,[" : "[false,[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            TB_BUF_LIT(&out, ",");
        }
        tb_buf_add_quoted(&out, tags[i]);
    }
    TB_BUF_LIT(&out, "],");
    tb_buf_add_str(&out, write_list(arena, entries));
    TB_BUF_LIT(&out, "]");
    return tb_buf_str(&out);
}

static void store(struct tb_board *board, const struct tb_command *command,
                  const struct entries *entries, enum tb_event_type type)
{
    const struct tb_steer_command *steer = &command->steer;
    struct tb_head *head = tb_txn_head(board->txn);
    tb_put_pauses(board->txn, write_stored(board->arena, entries));
    head->pauses = entries->count;
    head->changes++;
    head->pause_changes = head->changes;
    struct tb_buf extra;
    tb_buf_init(&extra, board->arena, steer->tag.len + steer->reason.len + 32);
    if (steer->tag.ptr != NULL) {
        TB_BUF_LIT(&extra, ",\"tag\":");
        tb_buf_add_quoted(&extra, steer->tag);
    }
    if (steer->reason.ptr != NULL) {
        TB_BUF_LIT(&extra, ",\"reason\":");
        tb_buf_add_quoted(&extra, steer->reason);
    }
    const struct tb_change change = {
        .type = type,
        .actor = steer->by.ptr != NULL ? steer->by : command->actor,
        .extra = tb_buf_str(&extra),
    };
    tb_change_tell(board, NULL, &change);
}

static void answer(const struct entries *entries, struct tb_arena *arena, struct tb_reply *reply)
{
    struct tb_str list = write_list(arena, entries);
    struct tb_buf body;
    tb_buf_init(&body, arena, list.len + 16);
    TB_BUF_LIT(&body, "{\"paused\":");
    tb_buf_add_str(&body, list);
    TB_BUF_LIT(&body, "}");
    *reply = (struct tb_reply){.http_status = 200, .body = tb_buf_str(&body)};
}

/* Pausing again says why anew, when it says why; since when, and who began, stays. */
void tb_rule_pause(struct tb_board *board, const struct tb_command *command, struct tb_arena *arena,
                   struct tb_reply *reply)
{
    const struct tb_steer_command *steer = &command->steer;
    struct entries entries;
    size_t at = 0;
    const struct tb_json *node = NULL;
    enum tb_err err = load_entries(board, steer->tag, &entries, &at, &node);
    if (err != TB_OK) {
        tb_refuse(reply, err, TB_STR_NONE, TB_STR_NONE);
        return;
    }
    struct tb_str since = instant_text(board->arena, board->now_ms);
    struct tb_str by = steer->by.ptr != NULL ? steer->by : command->actor;
    if (node != NULL) {
        if (steer->reason.ptr == NULL || tb_str_eq(steer->reason, member_text(node, "reason"))) {
            answer(&entries, arena, reply);
            return;
        }
        since = member_text(node, "since");
        by = member_text(node, "by");
    } else if (entries.count >= TB_PAUSES_MAX) {
        tb_refuse(reply, TB_E_LIMIT_REACHED,
                  tb_arena_printf(arena, "At most %d pauses can be in force", TB_PAUSES_MAX),
                  TB_STR_NONE);
        return;
    }
    entries.items[at] = (struct entry){steer->tag, write_entry(board->arena, steer, since, by)};
    entries.count += node == NULL ? 1 : 0;
    store(board, command, &entries, TB_EVENT_PAUSED);
    answer(&entries, arena, reply);
}

/* Nobody who waits need be asked when there is nothing for him. */
static bool has_ready(struct tb_board *board, struct tb_str tag)
{
    struct tb_name_count count = {.ready = 0};
    if (tag.ptr == NULL) {
        return tb_txn_head(board->txn)->task_counts[TB_STATE_READY] > 0;
    }
    return tb_get_name(board->txn, TB_NAME_TAG, tag, &count) == TB_OK && count.ready > 0;
}

void tb_rule_resume(struct tb_board *board, const struct tb_command *command,
                    struct tb_arena *arena, struct tb_reply *reply)
{
    struct entries entries;
    size_t at = 0;
    const struct tb_json *node = NULL;
    enum tb_err err = load_entries(board, command->steer.tag, &entries, &at, &node);
    if (err != TB_OK) {
        tb_refuse(reply, err, TB_STR_NONE, TB_STR_NONE);
        return;
    }
    if (node != NULL) {
        entries.count--;
        memmove(&entries.items[at], &entries.items[at + 1],
                (entries.count - at) * sizeof(*entries.items));
        store(board, command, &entries, TB_EVENT_RESUMED);
        board->resumed = board->resumed || has_ready(board, command->steer.tag);
    }
    answer(&entries, arena, reply);
}

void tb_pause_import(struct tb_board *board, const struct tb_steer_command *pause,
                     struct tb_str since)
{
    const struct tb_command command = {.kind = TB_COMMAND_PAUSE, .steer = *pause};
    struct entries entries;
    size_t at = 0;
    const struct tb_json *node = NULL;
    if (load_entries(board, pause->tag, &entries, &at, &node) != TB_OK || node != NULL) {
        return; /* the transaction's error tells */
    }
    entries.items[at] =
        (struct entry){pause->tag, write_entry(board->arena, pause, since, pause->by)};
    entries.count++;
    store(board, &command, &entries, TB_EVENT_PAUSED);
}
