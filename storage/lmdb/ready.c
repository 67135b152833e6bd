/* Which ready tasks a claim may have.
 *
 *   least rank first  ◄── merge ─┬─ part of nobody:    tags ∩ … ∩ (any ∪ …) \ excluded
 *                                └─ part of the agent: likewise, of what is assigned to it
 *
 * How many ready tasks have a tag is counted (names.h): where one of the tags has none there is
 * nothing to look at; the rarest tags are intersected, and only the excluded tags with the most
 * ready tasks get a list that is walked along. All conditions are compared with the record before
 * it is handed out, so what had no list is heeded as well. */
#include "lmdb/ready.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/json.h"
#include "base/memory.h"
#include "lmdb/names.h"
#include "taskboard/limits.h"

/* More lists would cost more than the records that they spare. */
#define LISTS_MAX          4
#define FEW                32 /* ready tasks with a tag: their records are read sooner than lists */
#define EXCLUDED_LISTS_MAX 16

/* The excluded tags, to be found by their hashes: there may be many of them, and many records to
 * compare. A table with open addressing, at most half full. */
struct tag_set {
    size_t mask;
    const struct tb_str **tags; /* malloced when it is needed */
};

struct walk {
    struct tb_lmdb_txn *txn;
    const struct tb_ready_query *query;
    tb_visit_task *visit;
    void *ctx;
    bool stopped;
    struct tag_set excluded;
    size_t part_count;
    struct tb_ready_part parts[2];
};

/* --- comparing --- */

static bool has_all(const struct tb_task *task, const struct tb_str *tags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!tb_strings_contain(task->tags, tags[i])) {
            return false;
        }
    }
    return true;
}

static bool has_any(const struct tb_task *task, const struct tb_str *tags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (tb_strings_contain(task->tags, tags[i])) {
            return true;
        }
    }
    return false;
}

static const struct tb_str **place_of(const struct tag_set *set, struct tb_str tag)
{
    size_t at = XXH3_64bits(tag.ptr, tag.len) & set->mask;
    while (set->tags[at] != NULL && !tb_str_eq(*set->tags[at], tag)) {
        at = (at + 1) & set->mask;
    }
    return &set->tags[at];
}

static void fill_set(struct tag_set *set, const struct tb_str *tags, size_t count)
{
    size_t size = 2;
    while (size < 2 * count) {
        size *= 2;
    }
    set->mask = size - 1;
    set->tags = calloc(size, sizeof(void *));
    if (set->tags == NULL) {
        tb_out_of_memory();
    }
    for (size_t i = 0; i < count; i++) {
        *place_of(set, tags[i]) = &tags[i];
    }
}

static bool is_excluded(struct walk *walk, const struct tb_task *task)
{
    const struct tb_ready_query *query = walk->query;
    if (query->without_tag_count == 0) {
        return false;
    }
    if (walk->excluded.tags == NULL) {
        fill_set(&walk->excluded, query->without_tags, query->without_tag_count);
    }
    struct tb_json_strings tags = tb_json_strings_of(task->tags);
    struct tb_str tag;
    bool found = false;
    while (!found && tb_json_strings_next(&tags, &tag)) {
        found = *place_of(&walk->excluded, tag) != NULL;
    }
    return found;
}

static bool is_wanted(const struct walk *walk, const struct tb_ready_part *part,
                      const struct tb_task *task)
{
    const struct tb_ready_query *query = walk->query;
    return tb_str_eq(task->assignee, part->assignee) &&
           has_all(task, query->tags, query->tag_count) &&
           (query->any_tag_count == 0 || has_any(task, query->any_tags, query->any_tag_count));
}

/* --- the plan --- */

struct counted_tag {
    struct tb_str tag;
    uint64_t ready;
};

static int rarest_first(const void *a, const void *b)
{
    const struct counted_tag *left = a;
    const struct counted_tag *right = b;
    return (left->ready > right->ready) - (left->ready < right->ready);
}

static int most_first(const void *a, const void *b)
{
    return rarest_first(b, a);
}

static enum tb_err count_ready(struct tb_lmdb_txn *txn, enum tb_name_kind kind, struct tb_str name,
                               uint64_t *ready)
{
    struct tb_name_count count;
    enum tb_err err = tb_lmdb_get_name(&txn->base, kind, name, &count);
    *ready = err == TB_OK ? count.ready : 0;
    return err == TB_E_ABSENT ? TB_OK : err;
}

/* Those of the tags that have ready tasks, in that order. The array is malloced. */
struct sorted_tags {
    struct counted_tag *tags;
    size_t count;
};

static enum tb_err sort_tags(struct tb_lmdb_txn *txn, const struct tb_str *tags, size_t count,
                             int (*order)(const void *, const void *), struct sorted_tags *sorted)
{
    sorted->count = 0;
    sorted->tags = malloc((count + 1) * sizeof *sorted->tags);
    if (sorted->tags == NULL) {
        tb_out_of_memory();
    }
    enum tb_err err = TB_OK;
    for (size_t i = 0; i < count && err == TB_OK; i++) {
        struct counted_tag *counted = &sorted->tags[sorted->count];
        counted->tag = tags[i];
        err = count_ready(txn, TB_NAME_TAG, tags[i], &counted->ready);
        sorted->count += err == TB_OK && counted->ready > 0;
    }
    qsort(sorted->tags, sorted->count, sizeof *sorted->tags, order);
    return err;
}

struct plan {
    bool nothing; /* there can be no match */
    struct sorted_tags tags;
    struct sorted_tags any_tags;
    struct sorted_tags excluded;
};

static void free_plan(struct plan *plan)
{
    free(plan->tags.tags);
    free(plan->any_tags.tags);
    free(plan->excluded.tags);
}

static bool is_among(const struct tb_str *texts, size_t count, struct tb_str text)
{
    for (size_t i = 0; i < count; i++) {
        if (tb_str_eq(texts[i], text)) {
            return true;
        }
    }
    return false;
}

/* A tag that is wanted and excluded has no list; to want it makes no sense. */
static void leave_out(const struct tb_ready_query *query, struct sorted_tags *tags)
{
    size_t kept = 0;
    for (size_t i = 0; i < tags->count; i++) {
        if (!is_among(query->without_tags, query->without_tag_count, tags->tags[i].tag)) {
            tags->tags[kept++] = tags->tags[i];
        }
    }
    tags->count = kept;
}

static enum tb_err make_plan(const struct walk *walk, struct plan *plan)
{
    const struct tb_ready_query *query = walk->query;
    size_t without_max =
        query->without_tag_count < TB_CLAIM_TAGS_MAX ? query->without_tag_count : TB_CLAIM_TAGS_MAX;
    enum tb_err err =
        sort_tags(walk->txn, query->tags, query->tag_count, rarest_first, &plan->tags);
    leave_out(query, &plan->tags);
    plan->nothing = plan->tags.count < query->tag_count;
    if (err == TB_OK && !plan->nothing && query->any_tag_count > 0) {
        err = sort_tags(walk->txn, query->any_tags, query->any_tag_count, most_first,
                        &plan->any_tags);
        leave_out(query, &plan->any_tags);
        plan->nothing = plan->any_tags.count == 0;
    }
    if (err == TB_OK && !plan->nothing) {
        err = sort_tags(walk->txn, query->without_tags, without_max, most_first, &plan->excluded);
    }
    return err;
}

/* A hash of the set that does not depend on its order. */
static struct tb_front_conditions hash_of_set(const struct tb_str *tags, size_t count)
{
    struct tb_front_conditions set = {{count, 0}};
    for (size_t i = 0; i < count; i++) {
        XXH128_hash_t hash = XXH3_128bits(tags[i].ptr, tags[i].len);
        set.words[0] += hash.low64;
        set.words[1] += hash.high64;
    }
    return set;
}

/* The first of them, at most `max`. The array is malloced. */
static struct tb_str *first_tags(const struct sorted_tags *sorted, size_t max, size_t *count)
{
    struct tb_str *tags = malloc((sorted->count + 1) * sizeof *tags);
    if (tags == NULL) {
        tb_out_of_memory();
    }
    *count = sorted->count < max ? sorted->count : max;
    for (size_t i = 0; i < *count; i++) {
        tags[i] = sorted->tags[i].tag;
    }
    return tags;
}

/* Of all conditions together. */
static struct tb_front_conditions hash_of_all(const struct tb_ready_query *query)
{
    const struct tb_front_conditions sets[] = {
        hash_of_set(query->tags, query->tag_count),
        hash_of_set(query->any_tags, query->any_tag_count),
        hash_of_set(query->without_tags, query->without_tag_count),
    };
    XXH128_hash_t hash = XXH3_128bits(sets, sizeof sets);
    return (struct tb_front_conditions){{hash.low64, hash.high64}};
}

/* What the fronts are to remember the walk by. Where one union holds just what is wanted, that is
 * what is excluded; else walks may pass many entries that lack something, and the next one for the
 * same conditions need not pass them again. Few entries are not worth remembering. */
static void choose_known_by(const struct walk *walk, const struct plan *plan, bool few,
                            struct tb_ready_conditions *conditions)
{
    const struct tb_ready_query *query = walk->query;
    size_t wanted = plan->tags.count + (query->any_tag_count > 0 ? 1 : 0);
    conditions->is_narrow = !few && wanted > 1;
    conditions->known_by = conditions->is_narrow
                               ? hash_of_all(query)
                               : hash_of_set(query->without_tags, query->without_tag_count);
}

/* --- walking --- */

static bool is_before(const struct tb_ready_part *a, const struct tb_ready_part *b)
{
    return a->on_entry && (!b->on_entry || memcmp(a->at, b->at, sizeof a->at) < 0);
}

/* The part with the next entry, or NULL. One that has come to its end tells so. */
static struct tb_ready_part *next_part(struct walk *walk)
{
    struct tb_ready_part *next = NULL;
    for (size_t i = 0; i < walk->part_count; i++) {
        struct tb_ready_part *part = &walk->parts[i];
        if (!part->on_entry) {
            tb_ready_part_tell(part);
        } else if (next == NULL || is_before(part, next)) {
            next = part;
        }
    }
    return next;
}

static enum tb_err offer(struct walk *walk, struct tb_ready_part *part)
{
    struct tb_id id;
    struct tb_task task;
    memcpy(id.bytes, part->at + sizeof(int64_t), sizeof id.bytes);
    enum tb_err err = tb_lmdb_must_exist(tb_lmdb_peek_task(walk->txn, id, &task));
    if (err != TB_OK || is_excluded(walk, &task)) {
        return err;
    }
    bool wanted = is_wanted(walk, part, &task);
    if (wanted || !part->is_narrow) {
        tb_ready_part_tell(part);
    }
    if (wanted) {
        walk->stopped = walk->visit(walk->ctx, &task) == TB_VISIT_STOP;
    }
    return TB_OK;
}

static enum tb_err walk_parts(struct walk *walk)
{
    enum tb_err err = TB_OK;
    int rc = 0;
    struct tb_ready_part *part = next_part(walk);
    while (part != NULL) {
        err = offer(walk, part);
        if (err != TB_OK || walk->stopped) {
            break;
        }
        rc = tb_ready_part_next(part);
        if (rc != 0) {
            break;
        }
        part = next_part(walk);
    }
    return rc != 0 ? tb_lmdb_err(rc) : err;
}

/* Nobody's tasks, and the agent's if it has any that are ready. */
static enum tb_err start_parts(struct walk *walk, const struct tb_ready_conditions *conditions)
{
    uint64_t own = 0;
    struct tb_str agent = walk->query->agent;
    enum tb_err err =
        agent.ptr == NULL ? TB_OK : count_ready(walk->txn, TB_NAME_ASSIGNEE, agent, &own);
    if (err != TB_OK) {
        return err;
    }
    int rc =
        tb_ready_part_start(walk->txn, TB_STR_NONE, conditions, &walk->parts[walk->part_count++]);
    if (rc == 0 && own > 0) {
        rc = tb_ready_part_start(walk->txn, agent, conditions, &walk->parts[walk->part_count++]);
    }
    return tb_lmdb_err(rc);
}

static enum tb_err follow_plan(struct walk *walk, const struct plan *plan)
{
    bool few = plan->tags.count > 0 && plan->tags.tags[0].ready <= FEW;
    struct tb_ready_conditions conditions = {.tag_count = 0};
    choose_known_by(walk, plan, few, &conditions);
    struct tb_str *tags = first_tags(&plan->tags, few ? 1 : LISTS_MAX, &conditions.tag_count);
    bool lists_any = plan->tags.count == 0 || (!few && plan->any_tags.count <= LISTS_MAX);
    struct tb_str *any_tags =
        first_tags(&plan->any_tags, lists_any ? SIZE_MAX : 0, &conditions.any_tag_count);
    struct tb_str *excluded =
        first_tags(&plan->excluded, EXCLUDED_LISTS_MAX, &conditions.excluded_tag_count);
    conditions.tags = tags;
    conditions.any_tags = any_tags;
    conditions.excluded_tags = excluded;
    enum tb_err err = start_parts(walk, &conditions);
    if (err == TB_OK) {
        err = walk_parts(walk);
    }
    for (size_t i = 0; i < walk->part_count; i++) {
        tb_ready_part_close(&walk->parts[i]);
    }
    free(tags);
    free(any_tags);
    free(excluded);
    return err;
}

enum tb_err tb_lmdb_visit_ready(struct tb_txn *base, const struct tb_ready_query *query,
                                tb_visit_task *visit, void *ctx)
{
    struct walk walk = {.txn = tb_lmdb_txn_of(base), .query = query, .visit = visit, .ctx = ctx};
    struct plan plan = {.nothing = false};
    enum tb_err err = make_plan(&walk, &plan);
    if (err == TB_OK && !plan.nothing) {
        err = follow_plan(&walk, &plan);
    }
    free_plan(&plan);
    free(walk.excluded.tags);
    return err;
}

enum tb_err tb_lmdb_oldest_ready(struct tb_txn *base, int64_t *ready_ms)
{
    struct tb_key prefix;
    struct tb_list list;
    tb_key_start(&prefix, TB_INDEX_READY_SINCE);
    int rc = tb_list_open(tb_lmdb_txn_of(base), TB_DB_RUN, &prefix, TB_FRONT_SUFFIX_BYTES, &list);
    if (rc == 0) {
        rc = tb_list_start(&list, TB_LIST_UP, NULL);
    }
    bool found = rc == 0 && list.on_entry;
    if (found) {
        *ready_ms = tb_key_read_i64(tb_list_suffix(&list));
    }
    tb_list_close(&list);
    if (rc != 0) {
        return tb_lmdb_err(rc);
    }
    return found ? TB_OK : TB_E_ABSENT;
}
