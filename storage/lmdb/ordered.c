#include "lmdb/marks.h"
#include "lmdb/query.h"

void tb_query_suffix(struct tb_position position, uint8_t suffix[TB_SUFFIX_BYTES_MAX])
{
    memset(suffix, 0, TB_SUFFIX_BYTES_MAX);
    tb_key_write_i64(suffix, position.key);
    memcpy(suffix + sizeof position.key, position.id.bytes, sizeof position.id);
}

struct tb_position tb_query_position(const uint8_t suffix[TB_SUFFIX_BYTES_MAX])
{
    struct tb_position position = {.key = tb_key_read_i64(suffix)};
    memcpy(position.id.bytes, suffix + sizeof position.key, sizeof position.id);
    return position;
}

/* Walking down, a suffix without marks stands below all that a task may have: so what begins behind
 * it does not meet that task again. */
int tb_ordered_start(struct tb_query *query, enum tb_order order, const struct tb_position *after,
                     struct tb_ordered *ordered)
{
    bool latest_first = order == TB_ORDER_UPDATED;
    ordered->order = order;
    ordered->marks = latest_first ? tb_marks_of_query(query->ask) : 0;
    int rc = tb_merge_open_states(query->txn, latest_first ? TB_INDEX_UPDATED : TB_INDEX_RANK,
                                  query->ask->states, latest_first ? TB_LIST_DOWN : TB_LIST_UP,
                                  &ordered->merge);
    if (rc == 0) {
        uint8_t suffix[TB_SUFFIX_BYTES_MAX];
        if (after != NULL) {
            tb_query_suffix(*after, suffix);
        }
        rc = tb_merge_start(&ordered->merge, after != NULL ? suffix : NULL);
    }
    return rc;
}

void tb_ordered_close(struct tb_ordered *ordered)
{
    tb_merge_close(&ordered->merge);
}

struct tb_position tb_ordered_position(const struct tb_ordered *ordered)
{
    return tb_query_position(tb_list_suffix(ordered->merge.front));
}

bool tb_ordered_is_through(const struct tb_query *query, const struct tb_ordered *ordered)
{
    int64_t since_ms = query->ask->updated_since_ms;
    return ordered->merge.front == NULL ||
           (ordered->order == TB_ORDER_UPDATED && since_ms != 0 &&
            tb_key_read_i64(tb_list_suffix(ordered->merge.front)) < since_ms);
}

bool tb_ordered_has_marks(const struct tb_ordered *ordered)
{
    if (ordered->marks == 0) {
        return true;
    }
    const struct tb_list *front = ordered->merge.front;
    uint32_t marks = tb_key_read_u32(tb_list_suffix(front) + front->suffix_len - sizeof marks);
    return (marks & ordered->marks) == ordered->marks;
}

int tb_ordered_next(struct tb_ordered *ordered)
{
    return tb_merge_next(&ordered->merge);
}

enum tb_err tb_ordered_walk(struct tb_query *query, struct tb_ordered *ordered)
{
    enum tb_err err = TB_OK;
    int rc = 0;
    while (rc == 0 && !tb_ordered_is_through(query, ordered)) {
        struct tb_position at = tb_ordered_position(ordered);
        if (tb_ordered_has_marks(ordered)) {
            err = tb_query_offer(query, at.id, false);
        }
        if (err != TB_OK || query->stopped) {
            break;
        }
        rc = tb_ordered_next(ordered);
        if (rc == 0 && tb_query_gives_up(query, at)) {
            break;
        }
    }
    return rc != 0 ? tb_lmdb_err(rc) : err;
}
