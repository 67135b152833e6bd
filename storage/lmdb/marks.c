#include "lmdb/marks.h"

#include <xxhash.h>

#include "base/json.h"

/* On disk: never renumbered. */
enum trait { TRAIT_CREATOR = 1, TRAIT_ASSIGNEE = 2, TRAIT_PARENT = 3, TRAIT_TAG = 4 };

static uint32_t marks_of(enum trait trait, const void *bytes, size_t len)
{
    uint64_t hash = XXH3_64bits_withSeed(bytes, len, (uint64_t)trait);
    return UINT32_C(1) << (hash & 31) | UINT32_C(1) << (hash >> 5 & 31);
}

static uint32_t marks_of_text(enum trait trait, struct tb_str text)
{
    return text.ptr == NULL ? 0 : marks_of(trait, text.ptr, text.len);
}

static uint32_t marks_of_parent(struct tb_id id)
{
    return tb_id_is_zero(id) ? 0 : marks_of(TRAIT_PARENT, id.bytes, sizeof id.bytes);
}

uint32_t tb_marks_of_task(const struct tb_task *task)
{
    uint32_t marks = marks_of_text(TRAIT_CREATOR, task->created_by) |
                     marks_of_text(TRAIT_ASSIGNEE, task->assignee) |
                     marks_of_parent(task->parent_id);
    struct tb_json_strings tags = tb_json_strings_of(task->tags);
    struct tb_str tag;
    while (tb_json_strings_next(&tags, &tag)) {
        marks |= marks_of_text(TRAIT_TAG, tag);
    }
    return marks;
}

uint32_t tb_marks_of_query(const struct tb_task_query *ask)
{
    uint32_t marks = marks_of_text(TRAIT_CREATOR, ask->created_by) |
                     marks_of_text(TRAIT_ASSIGNEE, ask->assignee) | marks_of_parent(ask->parent_id);
    for (size_t i = 0; i < ask->tag_count; i++) {
        marks |= marks_of_text(TRAIT_TAG, ask->tags[i]);
    }
    return marks;
}
