#include "lmdb/query.h"

/* Entries of the straight way in its first turn. Each turn is twice as long as the one before. */
#define TURN_FIRST 128

int tb_straight_start(struct tb_query *query, struct tb_conditions *conditions,
                      struct tb_straight *straight)
{
    const struct tb_task_query *ask = query->ask;
    straight->by_creation = ask->order == TB_ORDER_CREATED;
    return straight->by_creation
               ? tb_intersection_start(query, conditions, &straight->intersection)
               : tb_ordered_start(query, ask->order, ask->has_after ? &ask->after : NULL,
                                  &straight->ordered);
}

void tb_straight_close(struct tb_straight *straight)
{
    if (!straight->by_creation) {
        tb_ordered_close(&straight->ordered);
    }
}

enum tb_err tb_straight_walk(struct tb_query *query, struct tb_straight *straight)
{
    return straight->by_creation ? tb_intersection_walk(query, &straight->intersection)
                                 : tb_ordered_walk(query, &straight->ordered);
}

static enum tb_err take_turns(struct tb_query *query, struct tb_straight *straight,
                              struct tb_gathering *gathering)
{
    enum tb_err err = TB_OK;
    for (uint32_t turn = TURN_FIRST; err == TB_OK && !gathering->through; turn *= 2) {
        query->paused = false;
        query->pause_at = query->scanned + turn;
        err = tb_straight_walk(query, straight);
        if (err != TB_OK || !query->paused) {
            return err;
        }
        err = tb_gathering_walk(gathering, turn);
    }
    return err != TB_OK ? err : tb_gathering_hand_out(gathering, query);
}

enum tb_err tb_query_in_turns(struct tb_query *query, struct tb_straight *straight,
                              struct tb_conditions *conditions)
{
    struct tb_gathering gathering;
    int rc = tb_gathering_start(query, conditions, &gathering);
    enum tb_err err = rc != 0 ? tb_lmdb_err(rc) : take_turns(query, straight, &gathering);
    tb_gathering_close(&gathering);
    return err;
}
