/* The JSON reader on any bytes, judged by strict.c: what it accepts is valid, says the same as what
 * was sent, and reads as itself again; what is valid it accepts. */
#include <inttypes.h>

#include "base/json.h"
#include "fuzz.h"
#include "strict.h"
#include "taskboard/limits.h"

static const struct tb_json *parse(struct tb_arena *arena, struct tb_str input, unsigned tree_depth)
{
    const struct tb_json_limits limits = {
        .depth_max = TB_JSON_DEPTH_MAX,
        .tree_depth = tree_depth,
        .node_count_max = TB_JSON_NODES_MAX,
    };
    struct tb_json_error error = {0};
    const struct tb_json *root = tb_json_parse(arena, input, &limits, &error);
    size_t len = 0;
    must(root != NULL || error.text.len > 0);
    must(root != NULL || error.offset <= input.len);
    must(root != NULL || strict_text(error.text, &len));
    return root;
}

/* Plain integers are read as what they are. */
static void check_number(const struct tb_json *node)
{
    int64_t number = 0;
    bool plain = node->raw.len > 0 && node->raw.len <= 18;
    for (size_t i = 0; i < node->raw.len; i++) {
        char c = node->raw.ptr[i];
        plain = plain && ((c >= '0' && c <= '9') || (i == 0 && c == '-'));
    }
    bool is_integer = tb_json_to_i64(node, &number);
    if (plain) {
        char text[24] = "";
        memcpy(text, node->raw.ptr, node->raw.len);
        must(is_integer && number == strtoll(text, NULL, 10));
    }
}

static void check_node(const struct tb_json *node, bool in_object)
{
    size_t len = 0;
    must((node->key.ptr != NULL) == in_object);
    must(node->key.ptr == NULL || strict_text(node->key, &len));
    if (node->type == TB_JSON_STRING) {
        must(strict_text(tb_json_text(node), &len));
        must(tb_text_decoded_len(tb_json_text(node)) == len);
        must(strict_text_within(tb_text_trim(tb_json_text(node)), len));
    } else if (node->type == TB_JSON_NUMBER) {
        check_number(node);
    }
    unsigned children = 0;
    for (const struct tb_json *child = node->child; child != NULL; child = child->next) {
        children++;
    }
    must(node->child == NULL || children == node->child_count);
}

/* In the order of the input; a tree is at most TB_JSON_DEPTH_MAX deep. */
static void check_tree(const struct tb_json *root)
{
    const struct tb_json *stack[TB_JSON_DEPTH_MAX + 1];
    bool in_object[TB_JSON_DEPTH_MAX + 1];
    unsigned depth = 1;
    stack[0] = root;
    in_object[0] = false;
    while (depth > 0) {
        const struct tb_json *node = stack[depth - 1];
        if (node == NULL) {
            depth--;
            continue;
        }
        check_node(node, in_object[depth - 1]);
        stack[depth - 1] = depth == 1 ? NULL : node->next;
        if (node->child != NULL) {
            must(depth <= TB_JSON_DEPTH_MAX);
            stack[depth] = node->child;
            in_object[depth] = node->type == TB_JSON_OBJECT;
            depth++;
        }
    }
}

static void check_accepted(struct tb_arena *arena, const struct tb_json *root,
                           const struct strict_json *sent)
{
    struct strict_json rendered;
    must(sent->valid);
    must(sent->depth <= TB_JSON_DEPTH_MAX);
    strict_json_read(root->raw, &rendered);
    must(rendered.valid);
    must(rendered.digest == sent->digest);
    const struct tb_json *again = parse(arena, root->raw, 2);
    must(again != NULL && tb_str_eq(again->raw, root->raw));
    must(memchr(root->raw.ptr, '\n', root->raw.len) == NULL);
    check_tree(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input_of(data, size);
    struct tb_arena *arena = tb_arena_new(0);
    struct strict_json sent;
    strict_json_read(fuzz_rest(&input), &sent);
    const struct tb_json *root = parse(arena, fuzz_rest(&input), TB_JSON_DEPTH_MAX + 1);
    const struct tb_json *shallow = parse(arena, fuzz_rest(&input), 2);
    must((root == NULL) == (shallow == NULL));
    if (root != NULL) {
        must(tb_str_eq(root->raw, shallow->raw));
        check_accepted(arena, root, &sent);
    } else {
        must(!sent.valid || sent.long_numbers || sent.depth > TB_JSON_DEPTH_MAX ||
             sent.value_count > TB_JSON_NODES_MAX);
    }
    must(tb_utf8_valid_len(fuzz_rest(&input)) <= size);
    must((tb_utf8_valid_len(fuzz_rest(&input)) == size) == strict_utf8(fuzz_rest(&input)));
    tb_arena_free(arena);
    return 0;
}
