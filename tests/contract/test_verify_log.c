/* Damage of the log and of the answers to idempotency keys. */
#include "scene.h"

static void damage_event_table(const struct scene *scene)
{
    struct raw raw = raw_get(scene, TB_DB_EVENT, 1);
    raw.value[16] ^= 1; /* where the first record ends */
    raw_put(scene, TB_DB_EVENT, tb_mdb_val(raw.key, raw.key_size), tb_mdb_val(raw.value, raw.size));
    raw_free(&raw);
}

static void damage_event(const struct scene *scene)
{
    change_nth(scene, TB_DB_EVENT, 1, flip_last);
}

static void lose_events_between(const struct scene *scene)
{
    delete_nth(scene, TB_DB_EVENT, 1);
}

static void lose_last_events(const struct scene *scene)
{
    delete_nth(scene, TB_DB_EVENT, 2);
}

static void lengthen_events(const struct scene *scene)
{
    struct raw raw = raw_get(scene, TB_DB_EVENT, 1);
    memset(raw.value + raw.size, 0, 8);
    raw_put(scene, TB_DB_EVENT, tb_mdb_val(raw.key, raw.key_size),
            tb_mdb_val(raw.value, raw.size + 8));
    raw_free(&raw);
}

static void raise_seq(struct tb_head *head)
{
    head->seq++;
}

static void put_head_in_front(const struct scene *scene)
{
    change_head(scene, raise_seq);
}

static void raise_oldest(struct tb_head *head)
{
    head->oldest_seq++;
}

static void move_oldest(const struct scene *scene)
{
    change_head(scene, raise_oldest);
}

static void raise_answers(struct tb_head *head)
{
    head->answers++;
}

static void miscount_answers(const struct scene *scene)
{
    change_head(scene, raise_answers);
}

static void raise_answer_bytes(struct tb_head *head)
{
    head->answer_bytes++;
}

static void miscount_answer_bytes(const struct scene *scene)
{
    change_head(scene, raise_answer_bytes);
}

/* Of share 5. */
static void put_share(const struct scene *scene, struct tb_answer_share kept, uint8_t flip)
{
    uint8_t record[TB_RECORD_ANSWER_SHARE_BYTES];
    tb_record_encode_answer_share(&kept, record);
    record[TB_RECORD_ANSWER_SHARE_BYTES - 1] ^= flip;
    raw_put(scene, TB_DB_META, tb_mdb_val("share\0\5", 7), tb_mdb_val(record, sizeof record));
}

static void miscount_share(const struct scene *scene)
{
    put_share(scene, (struct tb_answer_share){.answers = 3, .bytes = 30}, 0);
}

static void miscount_share_bytes(const struct scene *scene)
{
    put_share(scene, (struct tb_answer_share){.answers = 2, .bytes = 31}, 0);
}

static void damage_share(const struct scene *scene)
{
    put_share(scene, (struct tb_answer_share){.answers = 2, .bytes = 30}, 1);
}

static void lose_share(const struct scene *scene)
{
    raw_delete(scene, TB_DB_META, tb_mdb_val("share\0\5", 7));
}

static void leave_strange_share(const struct scene *scene)
{
    raw_put(scene, TB_DB_META, tb_mdb_val("share\0\0", 7), tb_mdb_val("x", 1));
}

static void damage_answer(const struct scene *scene)
{
    change_nth(scene, TB_DB_ANSWER, 0, flip_last);
}

static void answer_again(const struct scene *scene)
{
    struct tb_txn *txn = begin(scene->world);
    struct tb_answer answer = an_answer(scene->world, 1);
    answer.at_ms++;
    assert_int_equal(tb_put_answer(txn, &answer), TB_OK);
    commit(&txn);
}

static void answer_earlier(const struct scene *scene)
{
    struct tb_txn *txn = begin(scene->world);
    struct tb_answer answer = an_answer(scene->world, 3);
    answer.at_ms = 1;
    assert_int_equal(tb_put_answer(txn, &answer), TB_OK);
    commit(&txn);
}

static const struct damage damages[] = {
    {damage_event_table, "the block that begins with event 4 is damaged", 1},
    {damage_event, "event 4: its record is damaged", 1},
    {lose_events_between, "event 5 comes where 4 should", 1},
    {lose_last_events, "the log ends at event 4, the head says 404", 0},
    {lengthen_events, "the block of event 4 is longer than its records", 1},
    {put_head_in_front, "the log ends at event 404, the head says 405", 1},
    {move_oldest, "event 1 comes where 2 should", 1},
    {miscount_answers, "the head counts 3 answers of 30 bytes, there are 2 of 30", 1},
    {miscount_answer_bytes, "the head counts 2 answers of 31 bytes, there are 2 of 30", 1},
    {miscount_share, "share 5 is said to have 3 answers of 30 bytes, there are 2 of 30", 1},
    {miscount_share_bytes, "share 5 is said to have 2 answers of 31 bytes, there are 2 of 30", 1},
    {damage_share, "the record of share 5 of the answers is damaged", 2},
    {lose_share, "share 5 is said to have 0 answers of 0 bytes, there are 2 of 30", 1},
    {leave_strange_share, "the main database has an entry that nobody knows: share", 1},
    {damage_answer, "answer 1: its record is damaged", 0},
    {answer_again, "an idempotency key has two answers: ANSWER 0100000000000000", 1},
    {answer_earlier, "answer 3 was given before the one in front of it", 1},
};

static void every_damage_is_found_and_named(void **state)
{
    (void)state;
    expect_all_found(damages, sizeof damages / sizeof *damages);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_damage_is_found_and_named),
    };
    return cmocka_run_group_tests_name("check of the log", tests, NULL, NULL);
}
