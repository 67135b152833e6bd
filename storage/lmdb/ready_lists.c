#include <stdlib.h>

#include "base/memory.h"
#include "lmdb/list.h"
#include "lmdb/ready.h"

static void *zeroed(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        tb_out_of_memory();
    }
    return memory;
}

/* --- unions --- */

static int open_union(struct tb_ready_part *part, const struct tb_str *tags, size_t count,
                      struct tb_ready_union *lists)
{
    lists->lists = zeroed(count, sizeof *lists->lists);
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        struct tb_key prefix;
        tb_ready_prefix(&prefix, part->assignee, tags[i]);
        rc = tb_list_open(part->txn, TB_DB_RUN, &prefix, TB_FRONT_SUFFIX_BYTES,
                          &lists->lists[lists->count++]);
    }
    return rc;
}

static void close_union(struct tb_ready_union *lists)
{
    for (size_t i = 0; i < lists->count; i++) {
        tb_list_close(&lists->lists[i]);
    }
    free(lists->lists);
    *lists = (struct tb_ready_union){.count = 0};
}

static void find_front(struct tb_ready_union *lists)
{
    lists->front = NULL;
    for (size_t i = 0; i < lists->count; i++) {
        struct tb_list *list = &lists->lists[i];
        if (list->on_entry &&
            (lists->front == NULL || memcmp(tb_list_suffix(list), tb_list_suffix(lists->front),
                                            TB_FRONT_SUFFIX_BYTES) < 0)) {
            lists->front = list;
        }
    }
}

/* To the first entry not below the bound. */
static int rise(struct tb_ready_union *lists, const uint8_t *bound)
{
    int rc = 0;
    for (size_t i = 0; i < lists->count && rc == 0; i++) {
        rc = tb_list_rise(&lists->lists[i], bound);
    }
    find_front(lists);
    return rc;
}

/* Past that suffix. */
static int pass(struct tb_ready_union *lists, const uint8_t *suffix)
{
    int rc = 0;
    for (size_t i = 0; i < lists->count && rc == 0; i++) {
        struct tb_list *list = &lists->lists[i];
        if (list->on_entry && memcmp(tb_list_suffix(list), suffix, TB_FRONT_SUFFIX_BYTES) == 0) {
            rc = tb_list_next(list, TB_LIST_UP);
        }
    }
    find_front(lists);
    return rc;
}

/* --- where lists begin --- */

static struct tb_front_list front_of(const struct tb_ready_part *part, const struct tb_list *list)
{
    return (struct tb_front_list){list->key, list->prefix_len, part->known_by};
}

static bool has_conditions(const struct tb_ready_part *part)
{
    return part->known_by.words[0] != 0 || part->known_by.words[1] != 0;
}

/* Without conditions, tb_list_start asks the fronts, and tells them. */
static int start_list(const struct tb_ready_part *part, const struct tb_ready_union *lists,
                      struct tb_list *list)
{
    uint8_t mark[TB_FRONT_SUFFIX_BYTES];
    struct tb_front_list front = front_of(part, list);
    bool may_be_known = has_conditions(part) && (!part->is_narrow || lists == part->unions);
    bool known = may_be_known && tb_fronts_find(part->txn->store->fronts, &front,
                                                tb_lmdb_front_view(part->txn), mark);
    return known ? tb_list_seek_up(list, mark) : tb_list_start(list, TB_LIST_UP, NULL);
}

/* The first union: it holds all that meets the conditions, each entry in one of its lists. */
void tb_ready_part_tell(struct tb_ready_part *part)
{
    uint8_t mark[TB_FRONT_SUFFIX_BYTES];
    if (part->told || !has_conditions(part)) {
        return;
    }
    part->told = true;
    memset(mark, 0xff, sizeof mark);
    if (part->on_entry) {
        memcpy(mark, part->at, sizeof mark);
    }
    for (size_t i = 0; i < part->unions[0].count; i++) {
        struct tb_front_list front = front_of(part, &part->unions[0].lists[i]);
        tb_fronts_raise(part->txn->store->fronts, &front, tb_lmdb_front_view(part->txn), mark);
    }
}

/* --- walking --- */

static int rise_excluded(struct tb_ready_part *part, bool *is_excluded)
{
    struct tb_ready_union *excluded = &part->excluded;
    int rc = 0;
    if (part->excluded_started) {
        rc = rise(excluded, part->at);
    } else {
        for (size_t i = 0; i < excluded->count && rc == 0; i++) {
            rc = tb_list_seek_up(&excluded->lists[i], part->at);
        }
        part->excluded_started = true;
        find_front(excluded);
    }
    *is_excluded = rc == 0 && excluded->front != NULL &&
                   memcmp(tb_list_suffix(excluded->front), part->at, sizeof part->at) == 0;
    return rc;
}

/* Raises `at` to the first suffix not below it that stands in every union. on_entry: there is one.
 */
static int agree(struct tb_ready_part *part)
{
    size_t agreed = 0;
    part->on_entry = true;
    for (size_t i = 0; agreed < part->union_count; i = (i + 1) % part->union_count) {
        struct tb_ready_union *lists = &part->unions[i];
        int rc = rise(lists, part->at);
        if (rc != 0 || lists->front == NULL) {
            part->on_entry = false;
            return rc;
        }
        const uint8_t *found = tb_list_suffix(lists->front);
        agreed++;
        if (memcmp(found, part->at, sizeof part->at) != 0) {
            memcpy(part->at, found, sizeof part->at);
            agreed = 1;
        }
    }
    return 0;
}

/* From `at` on, to the first that is not excluded. */
static int settle(struct tb_ready_part *part)
{
    bool is_excluded = false;
    int rc = agree(part);
    while (rc == 0 && part->on_entry) {
        rc = rise_excluded(part, &is_excluded);
        if (rc != 0 || !is_excluded) {
            break;
        }
        rc = pass(&part->unions[0], part->at);
        rc = rc != 0 ? rc : agree(part);
    }
    return rc;
}

int tb_ready_part_next(struct tb_ready_part *part)
{
    int rc = pass(&part->unions[0], part->at);
    return rc != 0 ? rc : settle(part);
}

/* --- life cycle --- */

static int open_all(struct tb_ready_part *part, const struct tb_ready_conditions *conditions)
{
    static const struct tb_str no_tag = {NULL, 0};
    int rc = 0;
    part->unions = zeroed(conditions->tag_count + 2, sizeof *part->unions);
    for (size_t i = 0; i < conditions->tag_count && rc == 0; i++) {
        rc = open_union(part, &conditions->tags[i], 1, &part->unions[part->union_count++]);
    }
    if (rc == 0 && conditions->any_tag_count > 0) {
        rc = open_union(part, conditions->any_tags, conditions->any_tag_count,
                        &part->unions[part->union_count++]);
    }
    if (rc == 0 && part->union_count == 0) {
        rc = open_union(part, &no_tag, 1, &part->unions[part->union_count++]);
    }
    return rc != 0 ? rc
                   : open_union(part, conditions->excluded_tags, conditions->excluded_tag_count,
                                &part->excluded);
}

int tb_ready_part_start(struct tb_lmdb_txn *txn, struct tb_str assignee,
                        const struct tb_ready_conditions *conditions, struct tb_ready_part *part)
{
    *part = (struct tb_ready_part){
        .txn = txn,
        .assignee = assignee,
        .known_by = conditions->known_by,
        .is_narrow = conditions->is_narrow,
    };
    int rc = open_all(part, conditions);
    for (size_t i = 0; i < part->union_count; i++) {
        struct tb_ready_union *lists = &part->unions[i];
        for (size_t k = 0; k < lists->count && rc == 0; k++) {
            rc = start_list(part, lists, &lists->lists[k]);
        }
        find_front(lists);
    }
    return rc != 0 ? rc : settle(part);
}

void tb_ready_part_close(struct tb_ready_part *part)
{
    for (size_t i = 0; i < part->union_count; i++) {
        close_union(&part->unions[i]);
    }
    free(part->unions);
    part->unions = NULL;
    part->union_count = 0;
    close_union(&part->excluded);
}
