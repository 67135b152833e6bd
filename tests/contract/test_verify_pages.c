/* Damaged pages of the file: found before anybody trusts them. The damage is done to a copy of the
 * file in memory, which is then written over it. */
#include "folder.h"
#include "pages.h"

/* --- damage: one number --- */

#define FAR (UINT64_C(1) << 40)

static const struct {
    size_t (*where)(const struct file *file);
    size_t at;
    size_t width;
    uint64_t value;
    const char *told;
} numbers[] = {
    {meta, 0, 4, 0, "data.mdb has no page that tells where its trees begin"},
    {free_tree, ROOT, 8, FAR, "(the free pages): it is not in the file"},
    {main_tree, DEPTH, 2, 5, "(the main database): it is a leaf too high or a branch too low"},
    {main_tree, LEAF_PAGES, 8, 99, "the tree of the main database says it has "},
    {task_tree, ROOT, 8, 1, "(the database task): it is not in the file"},
    {task_tree, DEPTH, 2, 0, "(the database task): the tree is deeper than it should be"},
    {task_tree, DEPTH, 2, 1, "(the database task): it is a leaf too high or a branch too low"},
    {task_tree, BRANCH_PAGES, 8, 9, " in 9 + "},
    {task_tree, LEAF_PAGES, 8, 999, " + 999 + "},
    {task_tree, VALUE_PAGES, 8, 77, " + 77 pages; there are "},
    {task_tree, ENTRIES, 8, 9, "the tree of the database task says it has 9 entries in "},
    {task_tree_node, VALUE_BYTES, 2, 47, "(the main database): it holds a tree that nobody knows"},
    {format_node, NODE_FLAGS, 2, WITH_TREE,
     "(the main database): it holds a tree that nobody knows"},
    {format_node, VALUE_BYTES, 2, 0xffff, "(the main database): one of its values is damaged"},
    {main_root, 0, 8, 1, "(the main database): it is not a page of a tree"},
    {task_leaf, FLAGS, 2, 0, "(the database task): it is not a page of a tree"},
    {task_leaf, LOWER, 2, PLACES,
     "(the database task): it is a leaf too high or a branch too low, or "
     "empty"},
    {task_leaf, LOWER, 2, PLACES - 2, "(the database task): it is not a page of a tree"},
    {task_leaf, LOWER, 2, PLACES + 1, "(the database task): it is not a page of a tree"},
    {task_leaf, LOWER, 2, PAGE_BYTES, "(the database task): it is not a page of a tree"},
    {task_leaf, UPPER, 2, PAGE_BYTES + 1, "(the database task): it is not a page of a tree"},
    {task_leaf, PLACES, 2, PLACES, "(the database task): one of its nodes is damaged"},
    {task_leaf, PLACES, 2, 5000, "(the database task): one of its nodes is damaged"},
    {task_node, KEY_BYTES, 2, 512, "(the database task): one of its nodes is damaged"},
    {task_node, VALUE_BYTES, 2, 0xffff, "(the database task): one of its values is damaged"},
    {task_node, NODE_FLAGS, 2, WITH_TREE, "(the database task): it has a tree within"},
    {run_value, 0, 8, FAR, "(the database run): a value is not in the file"},
    {run_value, 0, 8, 1, "(the database run): a value is not in the file"},
    {run_page, 0, 8, 5, "(the database run): it is not the page of a value"},
    {run_page, FLAGS, 2, LEAF, "(the database run): it is not the page of a value"},
    {run_page, OVERFLOW_PAGES, 4, 1, "(the database run): it is not the page of a value"},
    {run_page, OVERFLOW_PAGES, 4, 99999, "(the database run): it is not the page of a value"},
    {free_node, VALUE_BYTES, 2, 4, "(the free pages): a list of free pages is damaged"},
    {free_list, 0, 8, FAR, "(the free pages): a list of free pages is damaged"},
    {free_list, 8, 8, FAR, "(the free pages): it is free and does not exist"},
    {free_list, 8, 8, 1, "(the free pages): it is free and does not exist"},
};

/* --- damage of other kinds --- */

static void one_root_for_two(struct file *file)
{
    set(file, free_tree(file) + ROOT, 8, get(file, main_tree(file) + ROOT, 8));
}

static void one_page_more(struct file *file)
{
    size_t at = meta(file) + LAST_PAGE;
    set(file, at, 8, get(file, at, 8) + 1);
}

/* A page that the file may have, and does not. */
static void root_behind_the_end(struct file *file)
{
    size_t at = meta(file) + LAST_PAGE;
    set(file, at, 8, get(file, at, 8) + 9);
    set(file, task_tree(file) + ROOT, 8, get(file, at, 8));
}

/* A value of several pages begins at the last one. */
static void value_over_the_end(struct file *file)
{
    set(file, run_value(file), 8, get(file, meta(file) + LAST_PAGE, 8));
}

static void one_value_for_two(struct file *file)
{
    size_t nodes[2];
    run_nodes(file, nodes);
    set(file, value_of(file, nodes[1]), 8, get(file, value_of(file, nodes[0]), 8));
}

/* The first list of free pages names the main tree's root. */
static void free_a_page_in_use(struct file *file)
{
    assert_true(get(file, free_list(file), 8) > 0);
    set(file, free_list(file) + 8, 8, get(file, main_tree(file) + ROOT, 8));
}

static void swap_nodes(struct file *file)
{
    size_t at = task_leaf(file) + PLACES;
    uint64_t first = get(file, at, 2);
    set(file, at, 2, get(file, at + 2, 2));
    set(file, at + 2, 2, first);
}

/* The branch says that its second page begins with a key that is above the first one there, and
 * below its own next one. */
static void raise_bound(struct file *file)
{
    size_t node = node_at(file, task_root(file), 1);
    size_t last = node + KEY + get(file, node + KEY_BYTES, 2) - 1;
    for (size_t i = 0; i < 4; i++) {
        set(file, last - i, 1, 0xff);
    }
}

static void zero_the_rest(struct file *file)
{
    for (size_t page = (size_t)2 * PAGE_BYTES; page < file->size; page += PAGE_BYTES) {
        if (page != main_root(file)) {
            memset(file->bytes + page, 0, PAGE_BYTES);
        }
    }
}

/* The numbers of transactions are the keys of the free pages: half of one is none. */
static void cut_keys_of_free_pages(struct file *file)
{
    assert_true(node_count(file, free_root(file)) > 1);
    for (size_t i = 0; i < 2; i++) {
        set(file, node_at(file, free_root(file), i) + KEY_BYTES, 2, 4);
    }
}

/* A node at the very end of its page, with a key of one byte. */
static void key_over_the_end(struct file *file)
{
    size_t leaf = task_leaf(file);
    set(file, leaf + PLACES, 2, PAGE_BYTES - KEY);
    set(file, leaf + PAGE_BYTES - KEY + KEY_BYTES, 2, 1);
}

/* A file that is whole, with branch below branch below branch. */
static void a_tree_without_end(struct file *file)
{
    size_t last_page = meta(file) + LAST_PAGE;
    uint64_t number = get(file, last_page, 8) + 1;
    file->size = (number + PAGES_ADDED) * PAGE_BYTES;
    set(file, task_tree(file) + ROOT, 8, number);
    set(file, task_tree(file) + DEPTH, 2, UINT16_MAX);
    for (uint64_t end = number + PAGES_ADDED; number < end; number++) {
        size_t page = number * PAGE_BYTES;
        size_t node = PAGE_BYTES - KEY;
        memset(file->bytes + page, 0, PAGE_BYTES);
        set(file, page, 8, number);
        set(file, page + FLAGS, 2, BRANCH);
        set(file, page + LOWER, 2, PLACES + 2);
        set(file, page + UPPER, 2, node);
        set(file, page + PLACES, 2, node);
        set(file, page + node, 4, number + 1);
    }
    set(file, last_page, 8, number - 1);
}

/* Of two pages that tell where the trees begin, one is damaged and the other one cut off. */
static void cut_behind_the_first_page(struct file *file)
{
    set(file, META, 4, 0);
    file->size = PAGE_BYTES + META + 64;
}

static const struct {
    void (*plant)(struct file *file);
    const char *told;
} others[] = {
    {one_root_for_two, "(the free pages): it is used twice"},
    {one_page_more, "1 pages of data.mdb are lost: neither in use nor free"},
    {root_behind_the_end, "(the database task): it is not in the file"},
    {value_over_the_end, "(the database run): a value is not in the file"},
    {one_value_for_two, "(the database run): a value has pages that are used twice"},
    {free_a_page_in_use, "(the free pages): it is free and in use, or free twice"},
    {swap_nodes, "(the database task): its keys are not in order"},
    {raise_bound, "(the database task): its keys are not in order"},
    {zero_the_rest, "it is not a page of a tree"},
    {cut_keys_of_free_pages, "(the free pages): a list of free pages is damaged"},
    {key_over_the_end, "(the database task): one of its nodes is damaged"},
    {a_tree_without_end, "(the database task): the tree is deeper than it should be"},
    {cut_behind_the_first_page, "data.mdb has no page that tells where its trees begin"},
};

/* --- each of them --- */

/* Writes the damaged file and puts the sound one back. */
static bool damage_is_told(struct file *file, size_t sound_size, const char *told)
{
    write_file(file, file->bytes, file->size);
    bool good = is_told(file->scene, &(struct damage){NULL, told, 0});
    write_file(file, file->sound, sound_size);
    file->size = sound_size;
    return good;
}

static void damaged_pages_are_found_before_anybody_trusts_them(void **state)
{
    (void)state;
    struct file file = open_file(open_scene());
    const size_t size = file.size;
    size_t failed = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        memcpy(file.bytes, file.sound, size);
        set(&file, numbers[i].where(&file) + numbers[i].at, numbers[i].width, numbers[i].value);
        failed += damage_is_told(&file, size, numbers[i].told) ? 0 : 1;
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        memcpy(file.bytes, file.sound, size);
        others[i].plant(&file);
        failed += damage_is_told(&file, size, others[i].told) ? 0 : 1;
    }
    assert_int_equal(failed, 0);
    expect_sound(file.scene->world);
    close_file(&file);
}

/* LMDB takes as many as there are. */
static void databases_of_somebody_else_are_told(void **state)
{
    (void)state;
    struct scene *scene = open_scene();
    MDB_env *env = NULL;
    MDB_txn *mdb = NULL;
    MDB_dbi dbi = 0;
    close_store_of(scene->world);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 4), 0);
    assert_int_equal(mdb_env_open(env, scene->world->folder, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &mdb), 0);
    assert_int_equal(mdb_dbi_open(mdb, "foreign", MDB_CREATE, &dbi), 0);
    assert_int_equal(mdb_dbi_open(mdb, "strange", MDB_CREATE, &dbi), 0);
    assert_int_equal(mdb_txn_commit(mdb), 0);
    mdb_env_close(env);
    assert_int_equal(open_to_look(scene->world->folder, &scene->world->store), TB_OK);
    assert_true(is_told(
        scene,
        &(struct damage){NULL, "(the main database): it holds a tree that nobody knows", 0}));
    close_scene(scene);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_pages_are_found_before_anybody_trusts_them),
        cmocka_unit_test(databases_of_somebody_else_are_told),
    };
    return cmocka_run_group_tests_name("check of pages", tests, NULL, NULL);
}
