/* Damaged pages of the file: found before anybody trusts them. */
#include "folder.h"
#include "scene.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void change_file(const struct scene *scene, size_t at, const void *bytes, size_t size)
{
    int fd = -1;
    char path[128];
    snprintf(path, sizeof path, "%s/data.mdb", scene->world->folder);
    fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, (off_t)at), (ssize_t)size);
    close(fd);
}

enum {
    META_BYTES = 4096,
    META_AT = 16,
    FREE_TREE_AT = 24,
    MAIN_TREE_AT = 72,
    LAST_PAGE_AT = 120,
    TXN_AT = 128,
    TREE_ROOT_AT = 40,
    TREE_LEAVES_AT = 16
};

struct layout {
    size_t meta; /* of the meta page in force */
    uint64_t free_root;
    uint64_t main_root;
    uint64_t last_page;
};

static uint64_t number_at(const struct scene *scene, size_t at)
{
    uint64_t number = 0;
    char path[128];
    snprintf(path, sizeof path, "%s/data.mdb", scene->world->folder);
    int fd = open(path, O_RDONLY);
    assert_int_equal(pread(fd, &number, sizeof number, (off_t)at), sizeof number);
    close(fd);
    return number;
}

static struct layout look_at_file(const struct scene *scene)
{
    size_t second = META_BYTES + META_AT;
    bool first = number_at(scene, META_AT + TXN_AT) > number_at(scene, second + TXN_AT);
    size_t meta = first ? META_AT : second;
    return (struct layout){meta, number_at(scene, meta + FREE_TREE_AT + TREE_ROOT_AT),
                           number_at(scene, meta + MAIN_TREE_AT + TREE_ROOT_AT),
                           number_at(scene, meta + LAST_PAGE_AT)};
}

static void root_outside(struct scene *scene, const struct layout *file)
{
    uint64_t far = file->last_page + 5;
    change_file(scene, file->meta + FREE_TREE_AT + TREE_ROOT_AT, &far, sizeof far);
}

static void one_root_for_two(struct scene *scene, const struct layout *file)
{
    change_file(scene, file->meta + FREE_TREE_AT + TREE_ROOT_AT, &file->main_root,
                sizeof file->main_root);
}

static void other_page_number(struct scene *scene, const struct layout *file)
{
    uint64_t other = file->main_root + 1;
    change_file(scene, file->main_root * META_BYTES, &other, sizeof other);
}

static void nodes_outside(struct scene *scene, const struct layout *file)
{
    uint16_t far = 5000;
    change_file(scene, file->main_root * META_BYTES + 16, &far, sizeof far);
}

static void other_leaf_count(struct scene *scene, const struct layout *file)
{
    uint64_t other = 99;
    change_file(scene, file->meta + MAIN_TREE_AT + TREE_LEAVES_AT, &other, sizeof other);
}

static void one_page_more(struct scene *scene, const struct layout *file)
{
    uint64_t more = file->last_page + 1;
    change_file(scene, file->meta + LAST_PAGE_AT, &more, sizeof more);
}

/* The first list of free pages names the main tree's root. */
static void free_a_page_in_use(struct scene *scene, const struct layout *file)
{
    size_t page = file->free_root * META_BYTES;
    uint16_t node = (uint16_t)number_at(scene, page + 16);
    size_t list = page + node + 8 + 8; /* its header and its key */
    assert_true(number_at(scene, list) > 0);
    change_file(scene, list + 8, &file->main_root, sizeof file->main_root);
}

/* Where the first list of free pages stands. */
static size_t free_list(const struct scene *scene, const struct layout *file)
{
    size_t page = file->free_root * META_BYTES;
    return page + (uint16_t)number_at(scene, page + 16) + 8 + 8;
}

static void free_a_page_that_is_none(struct scene *scene, const struct layout *file)
{
    uint64_t far = file->last_page + 9;
    change_file(scene, free_list(scene, file) + 8, &far, sizeof far);
}

static void free_too_many(struct scene *scene, const struct layout *file)
{
    uint64_t many = UINT64_C(1) << 40;
    change_file(scene, free_list(scene, file), &many, sizeof many);
}

static void swap_nodes(struct scene *scene, const struct layout *file)
{
    size_t at = file->main_root * META_BYTES + 16;
    uint32_t both = (uint32_t)number_at(scene, at);
    uint32_t swapped = both >> 16 | both << 16;
    change_file(scene, at, &swapped, sizeof swapped);
}

static void other_depth(struct scene *scene, const struct layout *file)
{
    uint16_t deep = 5;
    change_file(scene, file->meta + MAIN_TREE_AT + 6, &deep, sizeof deep);
}

static void no_magic(struct scene *scene, const struct layout *file)
{
    uint32_t none = 0;
    change_file(scene, file->meta, &none, sizeof none);
}

static void huge_value(struct scene *scene, const struct layout *file)
{
    size_t page = file->main_root * META_BYTES;
    uint16_t size = 0xffff;
    change_file(scene, page + (uint16_t)number_at(scene, page + 16), &size, sizeof size);
}

static void zero_the_rest(struct scene *scene, const struct layout *file)
{
    static const uint8_t zeros[META_BYTES];
    for (uint64_t page = 2; page <= file->last_page; page++) {
        if (page != file->main_root) {
            change_file(scene, page * META_BYTES, zeros, sizeof zeros);
        }
    }
}

static void damaged_pages_are_found_before_anybody_trusts_them(void **state)
{
    (void)state;
    static const struct {
        void (*plant)(struct scene *scene, const struct layout *file);
        const char *told;
    } cases[] = {
        {root_outside, "(the free pages): it is not in the file"},
        {one_root_for_two, "(the free pages): it is used twice"},
        {nodes_outside, "(the main database): one of its nodes is damaged"},
        {other_leaf_count, "the tree of the main database says it has "},
        {one_page_more, "1 pages of data.mdb are lost: neither in use nor free"},
        {free_a_page_in_use, "(the free pages): it is free and in use, or free twice"},
        {other_page_number, "(the main database): it is not a page of a tree"},
        {free_a_page_that_is_none, "(the free pages): it is free and does not exist"},
        {free_too_many, "(the free pages): a list of free pages is damaged"},
        {swap_nodes, "(the main database): its keys are not in order"},
        {other_depth, "(the main database): it is a leaf too high or a branch too low"},
        {no_magic, "data.mdb has no page that tells where its trees begin"},
        {huge_value, "(the main database): one of its values is damaged"},
        {zero_the_rest, "it is not a page of a tree"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene *scene = open_scene();
        close_store_of(scene->world);
        struct layout file = look_at_file(scene);
        assert_int_equal(open_to_look(scene->world->folder, &scene->world->store), TB_OK);
        expect_sound(scene->world);
        cases[i].plant(scene, &file);
        assert_true(is_told(scene, &(struct damage){NULL, cases[i].told, 0}));
        close_scene(scene);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_pages_are_found_before_anybody_trusts_them),
    };
    return cmocka_run_group_tests_name("check of pages", tests, NULL, NULL);
}
