/* Index entries that are missing, too many or wrong, in the B-tree and in the runs. */
#include "scene.h"

/* --- in the B-tree --- */

static void id_entry(struct tb_key *key, enum tb_index index, struct tb_str text, struct tb_id id)
{
    tb_key_start(key, index);
    tb_key_add_text(key, text);
    tb_key_add_id(key, id);
}

/* The first entry of an index, with its value. */
static struct raw first_entry(const struct scene *scene, enum tb_index index)
{
    for (size_t i = 0;; i++) {
        struct raw raw = raw_get(scene, TB_DB_INDEX, i);
        if (raw.key[0] == (uint8_t)index) {
            return raw;
        }
        raw_free(&raw);
    }
}

static void lose_entry(const struct scene *scene, enum tb_index index)
{
    struct raw raw = first_entry(scene, index);
    raw_delete(scene, TB_DB_INDEX, tb_mdb_val(raw.key, raw.key_size));
    raw_free(&raw);
}

/* One more, that ends in another number. */
static void double_entry(const struct scene *scene, enum tb_index index)
{
    struct raw raw = first_entry(scene, index);
    raw.key[raw.key_size - 1] ^= 1;
    raw_put(scene, TB_DB_INDEX, tb_mdb_val(raw.key, raw.key_size), tb_mdb_val(raw.value, raw.size));
    raw_free(&raw);
}

static void give_entry_a_value(const struct scene *scene)
{
    struct raw raw = first_entry(scene, TB_INDEX_DUE);
    raw_put(scene, TB_DB_INDEX, tb_mdb_val(raw.key, raw.key_size), tb_mdb_val("x", 1));
    raw_free(&raw);
}

static void rename_in_order(const struct scene *scene)
{
    struct raw raw = first_entry(scene, TB_INDEX_NAME_ORDER);
    raw_put(scene, TB_DB_INDEX, tb_mdb_val(raw.key, raw.key_size), tb_mdb_val("other", 5));
    raw_free(&raw);
}

static void move_in_order(const struct scene *scene)
{
    enum { SIZE_AT = 3 };
    struct raw raw = first_entry(scene, TB_INDEX_NAME_ORDER);
    raw_delete(scene, TB_DB_INDEX, tb_mdb_val(raw.key, raw.key_size));
    raw.key[SIZE_AT] ^= 1;
    raw_put(scene, TB_DB_INDEX, tb_mdb_val(raw.key, raw.key_size), tb_mdb_val(raw.value, raw.size));
    raw_free(&raw);
}

/* --- in the runs --- */

static void drop_tag(const struct scene *scene)
{
    struct tb_key key;
    id_entry(&key, TB_INDEX_TAG, TB_STR("deploy"), scene->task);
    drop_entry(scene, &key);
}

static void put_tag(const struct scene *scene)
{
    struct tb_key key;
    id_entry(&key, TB_INDEX_TAG, TB_STR("blue"), scene->task);
    put_entry(scene, &key);
}

static void put_tag_twice(const struct scene *scene)
{
    struct tb_key key;
    id_entry(&key, TB_INDEX_TAG, TB_STR("deploy"), scene->task);
    put_entry(scene, &key);
}

static void drop_what_is_not_there(const struct scene *scene)
{
    struct tb_key key;
    id_entry(&key, TB_INDEX_TAG, TB_STR("blue"), scene->task);
    drop_entry(scene, &key);
}

static void put_entry_without_form(const struct scene *scene)
{
    struct tb_key key;
    tb_key_start(&key, TB_INDEX_FEED);
    tb_key_add_u32(&key, 1);
    put_entry(scene, &key);
}

static void put_entry_of_the_tree(const struct scene *scene)
{
    struct tb_key key;
    tb_key_start(&key, TB_INDEX_DUE);
    tb_key_add_i64(&key, 1);
    tb_key_add_id(&key, scene->task);
    put_entry(scene, &key);
}

static void put_name(const struct scene *scene, uint64_t changed, uint64_t tasks)
{
    struct tb_key key;
    tb_names_start_key(&key, TB_NAME_TAG, TB_STR("deploy"));
    tb_key_add_u64(&key, changed);
    tb_key_add_u64(&key, tasks);
    tb_key_add_u64(&key, 0);
    tb_key_add_u64(&key, 1);
    put_entry(scene, &key);
}

static void miscount_name(const struct scene *scene)
{
    put_name(scene, 2, 77);
}

static void count_no_task(const struct scene *scene)
{
    put_name(scene, 2, 0);
}

static void name_a_change_to_come(const struct scene *scene)
{
    put_name(scene, UINT64_C(1) << 40, 1);
}

/* More than the difference can keep: a sample of it is told. */
static void drop_very_many(const struct scene *scene)
{
    struct tb_txn *txn = begin(scene->world);
    for (uint32_t i = 0; i < 50000; i++) {
        struct tb_key key;
        tb_key_start(&key, TB_INDEX_FEED);
        tb_key_add_u64(&key, 1000000 + i);
        assert_int_equal(tb_run_put(tb_lmdb_txn_of(txn), &key), 0);
    }
    commit(&txn);
}

static const struct damage damages[] = {
    {give_entry_a_value, "an entry has a value and should have none: DUE ", 1},
    {rename_in_order, "the name of an entry is not the one in its key: NAME_ORDER tag", 2},
    {move_in_order, MISSING "NAME_ORDER tag", 2},
    {move_in_order, TOO_MANY "NAME_ORDER tag", 2},
    {drop_tag, MISSING "TAG \"deploy\" TASK", 1},
    {put_tag, TOO_MANY "TAG \"blue\" TASK", 1},
    {put_tag_twice, "an entry was put or dropped twice: TAG \"deploy\" TASK", 1},
    {drop_what_is_not_there, "an entry was put or dropped twice: TAG \"blue\" TASK", 1},
    {put_entry_without_form, "the run database has an entry of no known form", 1},
    {put_entry_of_the_tree, "the run database has an entry of no known form: DUE", 1},
    {miscount_name, TOO_MANY "NAME tag \"deploy\" 77 0", 2},
    {count_no_task, "an entry has numbers that cannot be: NAME tag \"deploy\" 2 0 0 1", 2},
    {name_a_change_to_come, "an entry has numbers that cannot be: NAME tag \"deploy\"", 3},
    {drop_very_many, " entries are missing or belong to nothing; one in ", 0},
};

static void every_damage_is_found_and_named(void **state)
{
    (void)state;
    expect_all_found(damages, sizeof damages / sizeof *damages);
}

static void every_entry_of_the_tree_is_missed_and_none_is_too_many(void **state)
{
    (void)state;
    static const enum tb_index indexes[] = {TB_INDEX_UNIQUE,     TB_INDEX_DUE,
                                            TB_INDEX_DEPENDENT,  TB_INDEX_VM,
                                            TB_INDEX_NAME_ORDER, TB_INDEX_DUE_VM};
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
        struct scene *scene = open_scene();
        lose_entry(scene, indexes[i]);
        assert_true(is_told(scene, &(struct damage){NULL, MISSING, 1}));
        close_scene(scene);
        scene = open_scene();
        double_entry(scene, indexes[i]);
        assert_true(is_told(scene, &(struct damage){NULL,
                                                    indexes[i] == TB_INDEX_NAME_ORDER
                                                        ? "is not the one in its key"
                                                        : TOO_MANY,
                                                    1}));
        close_scene(scene);
    }
}

/* Each index of the runs loses its first entry and gets one that ends in another byte. */
static void every_entry_of_the_runs_is_missed_and_none_is_too_many(void **state)
{
    (void)state;
    static const struct {
        enum tb_index index;
        size_t suffix;
    } indexes[] = {
        {TB_INDEX_CREATED, 17},  {TB_INDEX_UPDATED, 29},     {TB_INDEX_RANK, 25},
        {TB_INDEX_ASSIGNEE, 20}, {TB_INDEX_CREATED_BY, 23},  {TB_INDEX_PARENT, 32},
        {TB_INDEX_TAG, 23},      {TB_INDEX_WORD, 18},        {TB_INDEX_EVENT, 24},
        {TB_INDEX_READY, 40},    {TB_INDEX_READY_SINCE, 24}, {TB_INDEX_ANSWER, 24},
        {TB_INDEX_VM_TASK, 21},  {TB_INDEX_FEED, 8},         {TB_INDEX_FEED_AGENT, 12},
        {TB_INDEX_NAME, 38},
    };
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
        struct scene *scene = open_scene();
        uint8_t prefix[1] = {(uint8_t)indexes[i].index};
        int rc = 0;
        struct tb_txn *txn = snapshot(scene->world);
        struct tb_run_list *list = tb_run_list_open(tb_lmdb_txn_of(txn), prefix, 1, 0, &rc);
        assert_int_equal(rc, 0);
        assert_int_equal(tb_run_list_seek(list, TB_RUN_UP, prefix, 0), 0);
        assert_true(list->on_entry);
        struct tb_key key = list->key;
        tb_run_list_close(list);
        tb_read_end(&txn);
        drop_entry(scene, &key);
        assert_true(is_told(scene, &(struct damage){NULL, MISSING, 0}));
        put_entry(scene, &key);
        expect_sound(scene->world);
        key.bytes[key.len - 1] ^= 1;
        put_entry(scene, &key);
        assert_true(is_told(scene, &(struct damage){NULL, TOO_MANY, 0}));
        close_scene(scene);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_damage_is_found_and_named),
        cmocka_unit_test(every_entry_of_the_tree_is_missed_and_none_is_too_many),
        cmocka_unit_test(every_entry_of_the_runs_is_missed_and_none_is_too_many),
    };
    return cmocka_run_group_tests_name("check of entries", tests, NULL, NULL);
}
