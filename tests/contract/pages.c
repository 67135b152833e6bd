#include "pages.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"

uint64_t get(const struct file *file, size_t at, size_t width)
{
    uint64_t value = 0;
    assert_true(at + width <= file->size);
    memcpy(&value, file->bytes + at, width);
    return value;
}

void set(struct file *file, size_t at, size_t width, uint64_t value)
{
    assert_true(at + width <= file->size);
    memcpy(file->bytes + at, &value, width);
}

void write_file(const struct file *file, const uint8_t *bytes, size_t size)
{
    int fd = open(file->path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    assert_int_equal(pwrite(fd, bytes, size, 0), size);
    close(fd);
}

size_t meta(const struct file *file)
{
    size_t second = PAGE_BYTES + META;
    return get(file, META + TXN, 8) > get(file, second + TXN, 8) ? META : second;
}

size_t main_tree(const struct file *file)
{
    return meta(file) + MAIN_TREE;
}

size_t free_tree(const struct file *file)
{
    return meta(file) + FREE_TREE;
}

static size_t page_at(const struct file *file, size_t tree)
{
    return get(file, tree + ROOT, 8) * PAGE_BYTES;
}

size_t node_at(const struct file *file, size_t page, size_t nth)
{
    return page + get(file, page + PLACES + 2 * nth, 2);
}

size_t node_count(const struct file *file, size_t page)
{
    return (get(file, page + LOWER, 2) - PLACES) / 2;
}

/* The page that a branch's node leads to. */
static size_t child_at(const struct file *file, size_t page, size_t nth)
{
    return get(file, node_at(file, page, nth), 6) * PAGE_BYTES;
}

size_t value_of(const struct file *file, size_t node)
{
    return node + KEY + get(file, node + KEY_BYTES, 2);
}

static size_t find_in_leaf(const struct file *file, size_t leaf, const char *name)
{
    assert_int_equal(get(file, leaf + FLAGS, 2), LEAF);
    for (size_t i = 0; i < node_count(file, leaf); i++) {
        size_t node = node_at(file, leaf, i);
        if (get(file, node + KEY_BYTES, 2) == strlen(name) &&
            memcmp(file->bytes + node + KEY, name, strlen(name)) == 0) {
            return node;
        }
    }
    return 0;
}

/* The node of the main tree, of one level or two, with that key. */
static size_t main_node(const struct file *file, const char *name)
{
    size_t root = page_at(file, main_tree(file));
    bool is_leaf = get(file, root + FLAGS, 2) == LEAF;
    size_t found = is_leaf ? find_in_leaf(file, root, name) : 0;
    for (size_t i = 0; !is_leaf && found == 0 && i < node_count(file, root); i++) {
        found = find_in_leaf(file, child_at(file, root, i), name);
    }
    assert_true(found != 0);
    return found;
}

size_t main_root(const struct file *file)
{
    return page_at(file, main_tree(file));
}

size_t format_node(const struct file *file)
{
    return main_node(file, "format");
}

size_t task_tree_node(const struct file *file)
{
    return main_node(file, "task");
}

size_t task_tree(const struct file *file)
{
    return value_of(file, task_tree_node(file));
}

size_t task_root(const struct file *file)
{
    size_t root = page_at(file, task_tree(file));
    assert_int_equal(get(file, root + FLAGS, 2), BRANCH);
    return root;
}

size_t task_leaf(const struct file *file)
{
    size_t leaf = child_at(file, task_root(file), 0);
    assert_int_equal(get(file, leaf + FLAGS, 2), LEAF);
    return leaf;
}

size_t task_node(const struct file *file)
{
    return node_at(file, task_leaf(file), 0);
}

size_t free_root(const struct file *file)
{
    size_t root = page_at(file, free_tree(file));
    assert_int_equal(get(file, root + FLAGS, 2), LEAF);
    return root;
}

size_t free_node(const struct file *file)
{
    return node_at(file, free_root(file), 0);
}

size_t free_list(const struct file *file)
{
    return value_of(file, free_node(file));
}

void run_nodes(const struct file *file, size_t nodes[2])
{
    size_t leaf = page_at(file, value_of(file, main_node(file, "run")));
    size_t count = 0;
    assert_int_equal(get(file, leaf + FLAGS, 2), LEAF);
    for (size_t i = 0; i < node_count(file, leaf) && count < 2; i++) {
        size_t node = node_at(file, leaf, i);
        if ((get(file, node + NODE_FLAGS, 2) & WITH_PAGES) != 0) {
            nodes[count++] = node;
        }
    }
    assert_int_equal(count, 2);
    if (get(file, nodes[0], 4) < get(file, nodes[1], 4)) {
        size_t node = nodes[0];
        nodes[0] = nodes[1];
        nodes[1] = node;
    }
}

size_t run_value(const struct file *file)
{
    size_t nodes[2];
    run_nodes(file, nodes);
    return value_of(file, nodes[0]);
}

size_t run_page(const struct file *file)
{
    return get(file, run_value(file), 8) * PAGE_BYTES;
}

struct file open_file(struct scene *scene)
{
    struct stat status;
    struct file file = {.scene = scene};
    snprintf(file.path, sizeof file.path, "%s/data.mdb", scene->world->folder);
    close_store_of(scene->world);
    int fd = open(file.path, O_RDONLY);
    assert_int_equal(fstat(fd, &status), 0);
    file.size = (size_t)status.st_size;
    file.sound = malloc(file.size);
    file.bytes = calloc(file.size + (size_t)(PAGES_ADDED + 1) * PAGE_BYTES, 1);
    assert_int_equal(pread(fd, file.sound, file.size, 0), file.size);
    close(fd);
    assert_int_equal(open_to_look(scene->world->folder, &scene->world->store), TB_OK);
    expect_sound(scene->world);
    return file;
}

void close_file(struct file *file)
{
    close_scene(file->scene);
    free(file->sound);
    free(file->bytes);
}
