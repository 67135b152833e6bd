#include "base/json.h"

#include <stddef.h>
#include <yajl/yajl_parse.h>

#include "base/json_error.h"
#include "base/json_keys.h"
#include "base/json_string.h"

#define FRAMES_FIRST    17 /* the depth of 16 that the protocol allows, and frame 0 */
#define KEY_SLACK_BYTES 8  /* tb_json_keys_add reads that far */
#define SCRATCH_BYTES   6144

/* One container that is open. Frame 0 is the place of the outermost value. */
struct frame {
    struct tb_json *node;        /* NULL: the container has none */
    const struct tb_json **link; /* where to hang the next child; NULL: children get no nodes */
    size_t first_key;
    unsigned count; /* of children so far */
    bool is_object;
};

struct parser {
    struct tb_arena *arena;
    struct tb_str input;
    const struct tb_json_limits *limits;
    struct tb_json_error *error;
    yajl_handle yajl;
    char *out; /* where the canonical text goes on; see canonical_room */
    struct frame *frames;
    struct frame *top;
    size_t frame_count;
    size_t node_count;
    struct tb_json_keys keys;
    const struct tb_json *root;
    struct tb_str key; /* of the member whose value comes next */
    size_t root_end;   /* offset behind the outermost value; 0: not there yet */
    bool failed;       /* *error is filled */
    bool at_end;       /* yajl has had the whole input */
};

/* --- errors --- */

/* Always false, so that a callback can return it to stop yajl. */
static bool fail(struct parser *p, const char *what, size_t offset)
{
    p->failed = true;
    p->error->offset = offset;
    p->error->text = tb_arena_printf(p->arena, "%s at byte %zu", what, offset);
    return false;
}

static bool fail_as_yajl_says(struct parser *p)
{
    if (p->at_end) {
        return fail(p, "unexpected end", p->input.len);
    }
    const char *message = (const char *)yajl_get_error(p->yajl, 0, NULL, 0);
    struct tb_json_fault fault =
        tb_json_fault_of(message, p->input, yajl_get_bytes_consumed(p->yajl));
    return fail(p, fault.what, fault.offset);
}

static bool fail_twice(struct parser *p, const struct tb_json_key *key)
{
    struct tb_str start = tb_json_shown(key->text);
    struct tb_str what = tb_arena_printf(p->arena, "duplicate key \\\"%.*s%s\\\"", (int)start.len,
                                         start.ptr, start.len < key->text.len ? "..." : "");
    return fail(p, what.ptr, key->offset);
}

/* Offset behind the token that yajl has just read. */
static size_t token_end(const struct parser *p)
{
    return p->at_end ? p->input.len : yajl_get_bytes_consumed(p->yajl);
}

/* --- strings --- */

/* Puts a string with its quotes. yajl gives a string without escapes as a part of our input; one
 * with escapes comes decoded, in a buffer of yajl's and with lone surrogates already lost, so that
 * is read again from the input. */
static bool put_string(struct parser *p, const unsigned char *value, size_t len, size_t *offset)
{
    uintptr_t in_input = (uintptr_t)value - (uintptr_t)p->input.ptr;
    *p->out++ = '"';
    if (in_input < p->input.len) {
        *offset = in_input - 1;
        memcpy(p->out, value, len);
        p->out += len;
    } else {
        struct tb_str before = tb_str_from(p->input.ptr, token_end(p));
        const char *start = tb_json_opening_quote(before);
        *offset = (size_t)(start - before.ptr);
        struct tb_json_fault fault;
        char *out =
            tb_json_put_canonical(p->out, tb_str_from(start + 1, before.len - *offset - 2), &fault);
        if (out == NULL) {
            return fail(p, fault.what, *offset + 1 + fault.offset);
        }
        p->out = out;
    }
    *p->out++ = '"';
    return true;
}

/* --- values --- */

/* Every value begins here: the comma before it, and its node (*node is NULL when it gets none). */
static bool begin_value(struct parser *p, enum tb_json_type type, struct tb_json **node)
{
    struct frame *top = p->top;
    if (!top->is_object && top->count++ > 0) {
        *p->out++ = ',';
    }
    *node = NULL;
    if (top->link == NULL) {
        return true;
    }
    if (p->node_count == p->limits->node_count_max) {
        struct tb_str what =
            tb_arena_printf(p->arena, "more than %zu values", p->limits->node_count_max);
        return fail(p, what.ptr, token_end(p));
    }
    p->node_count++;
    *node = tb_arena_alloc(p->arena, sizeof(**node));
    **node = (struct tb_json){.type = type, .raw.ptr = p->out};
    if (top->is_object) {
        (*node)->key = p->key;
    }
    *top->link = *node;
    top->link = &(*node)->next;
    return true;
}

static void end_value(struct parser *p, struct tb_json *node)
{
    if (node != NULL) {
        node->raw.len = (size_t)(p->out - node->raw.ptr);
    }
    if (p->top == p->frames) {
        p->root_end = token_end(p);
    }
}

static int put_scalar(struct parser *p, enum tb_json_type type, const char *raw, size_t len)
{
    struct tb_json *node;
    if (!begin_value(p, type, &node)) {
        return 0;
    }
    memcpy(p->out, raw, len);
    p->out += len;
    end_value(p, node);
    return 1;
}

static int on_null(void *ctx)
{
    return put_scalar(ctx, TB_JSON_NULL, "null", 4);
}

static int on_boolean(void *ctx, int value)
{
    return value ? put_scalar(ctx, TB_JSON_TRUE, "true", 4)
                 : put_scalar(ctx, TB_JSON_FALSE, "false", 5);
}

static int on_number(void *ctx, const char *raw, size_t len)
{
    return put_scalar(ctx, TB_JSON_NUMBER, raw, len);
}

static int on_string(void *ctx, const unsigned char *value, size_t len)
{
    struct parser *p = ctx;
    struct tb_json *node;
    size_t offset;
    if (!begin_value(p, TB_JSON_STRING, &node) || !put_string(p, value, len, &offset)) {
        return 0;
    }
    end_value(p, node);
    return 1;
}

static int on_key(void *ctx, const unsigned char *value, size_t len)
{
    struct parser *p = ctx;
    size_t offset;
    if (p->top->count++ > 0) {
        *p->out++ = ',';
    }
    const char *start = p->out;
    if (!put_string(p, value, len, &offset)) {
        return 0;
    }
    p->key = tb_str_from(start + 1, (size_t)(p->out - start) - 2);
    *p->out++ = ':';
    const struct tb_json_key *twice = tb_json_keys_add(&p->keys, p->top->first_key, p->key, offset);
    return twice == NULL || fail_twice(p, twice);
}

/* --- containers --- */

static void grow_frames(struct parser *p)
{
    size_t count = p->frame_count * 2;
    struct frame *frames = tb_arena_alloc(p->arena, count * sizeof(*frames));
    memcpy(frames, p->frames, p->frame_count * sizeof(*frames));
    p->top = frames + (p->top - p->frames);
    p->frames = frames;
    p->frame_count = count;
}

static int begin_container(struct parser *p, enum tb_json_type type)
{
    struct tb_json *node;
    if (!begin_value(p, type, &node)) {
        return 0;
    }
    size_t depth = (size_t)(p->top - p->frames) + 1;
    if (depth > p->limits->depth_max) {
        struct tb_str what =
            tb_arena_printf(p->arena, "nested deeper than %u", p->limits->depth_max);
        return fail(p, what.ptr, token_end(p) - 1);
    }
    if (depth == p->frame_count) {
        grow_frames(p);
    }
    p->top++;
    *p->top = (struct frame){
        .node = node,
        .link = node != NULL && depth < p->limits->tree_depth ? &node->child : NULL,
        .first_key = p->keys.count,
        .is_object = type == TB_JSON_OBJECT,
    };
    *p->out++ = type == TB_JSON_OBJECT ? '{' : '[';
    return 1;
}

static int on_start_array(void *ctx)
{
    return begin_container(ctx, TB_JSON_ARRAY);
}

static int on_start_object(void *ctx)
{
    return begin_container(ctx, TB_JSON_OBJECT);
}

static void end_container(struct parser *p, char bracket)
{
    struct tb_json *node = p->top->node;
    *p->out++ = bracket;
    if (node != NULL) {
        node->child_count = p->top->count;
    }
    p->top--;
    end_value(p, node);
}

static int on_end_array(void *ctx)
{
    end_container(ctx, ']');
    return 1;
}

static int on_end_object(void *ctx)
{
    struct parser *p = ctx;
    const struct tb_json_key *twice = tb_json_keys_close(&p->keys, p->top->first_key);
    if (twice != NULL) {
        return fail_twice(p, twice);
    }
    end_container(p, '}');
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_start_object,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end_object,
    .yajl_start_array = on_start_array,
    .yajl_end_array = on_end_array,
};

/* --- yajl's memory --- */

/* A small document is parsed within `bytes`, which lie on the stack; the rest comes from the arena.
 */
struct scratch {
    struct tb_arena *arena;
    size_t used;
    _Alignas(max_align_t) char bytes[SCRATCH_BYTES];
};

/* Stands before each block, because realloc must know how much to copy. */
union block {
    size_t size;
    max_align_t align;
};

static void *scratch_malloc(void *ctx, size_t size)
{
    struct scratch *scratch = ctx;
    size_t units = (size + sizeof(union block) - 1) / sizeof(union block) + 1;
    size_t room = units * sizeof(union block);
    union block *block;
    if (room <= sizeof(scratch->bytes) - scratch->used) {
        block = (union block *)(void *)(scratch->bytes + scratch->used);
        scratch->used += room;
    } else {
        block = tb_arena_alloc(scratch->arena, room);
    }
    block->size = room - sizeof(*block);
    return block + 1;
}

static void scratch_free(void *ctx, void *ptr)
{
    (void)ctx;
    (void)ptr;
}

/* yajl's stack of states grows by 128 bytes at a time; doubling keeps deep documents linear. */
static void *scratch_realloc(void *ctx, void *ptr, size_t size)
{
    size_t old = ptr == NULL ? 0 : ((union block *)ptr - 1)->size;
    if (size <= old) {
        return ptr;
    }
    void *moved = scratch_malloc(ctx, size < 2 * old ? 2 * old : size);
    if (old > 0) {
        memcpy(moved, ptr, old);
    }
    return moved;
}

/* --- parsing --- */

/* What yajl would let pass, and is seen best in the whole input: a byte order mark, what is no
 * UTF-8, and \v and \f (white space to yajl, and nowhere allowed as they are). */
static bool check_bytes(struct parser *p)
{
    struct tb_str input = p->input;
    if (input.len >= 3 && memcmp(input.ptr, "\xef\xbb\xbf", 3) == 0) {
        return fail(p, "byte order mark", 0);
    }
    size_t valid = tb_utf8_valid_len(input);
    if (valid < input.len) {
        return fail(p, "invalid UTF-8", valid);
    }
    const char *control = memchr(input.ptr, '\v', input.len);
    if (control == NULL) {
        control = memchr(input.ptr, '\f', input.len);
    }
    return control == NULL || fail(p, "control character", (size_t)(control - input.ptr));
}

/* yajl overlooks a string without an end behind the outermost value. */
static bool check_rest(struct parser *p)
{
    for (size_t i = p->root_end; i < p->input.len; i++) {
        if (memchr(" \t\n\r", p->input.ptr[i], 4) == NULL) {
            return fail(p, "unexpected character after the value", i);
        }
    }
    return true;
}

/* Room for the canonical text, which never gets longer than the input: nothing is put before yajl
 * has read what it stands for, and nothing is longer than that.
 *   punctuation, numbers, words    as they came
 *   a character without escape     as it came (`"`, `\` and control characters never come so)
 *   \/                             1 byte for 2
 *   \" \\ \b \f \n \r \t           2 for 2
 *   \uxxxx                         at most 6 for 6 (\u001f), else up to 3
 *   two of them, a pair            4 for 12 */
static char *canonical_room(struct parser *p)
{
    return tb_arena_alloc(p->arena, p->input.len + KEY_SLACK_BYTES);
}

static bool parse(struct parser *p)
{
    struct scratch scratch;
    scratch.arena = p->arena;
    scratch.used = 0;
    yajl_alloc_funcs memory = {scratch_malloc, scratch_realloc, scratch_free, &scratch};
    p->yajl = yajl_alloc(&callbacks, &memory, p);
    yajl_status status = yajl_parse(p->yajl, (const unsigned char *)p->input.ptr, p->input.len);
    if (status == yajl_status_ok) {
        p->at_end = true;
        status = yajl_complete_parse(p->yajl);
    }
    bool good = !p->failed && (p->root_end == 0 || check_rest(p)) &&
                (status == yajl_status_ok || fail_as_yajl_says(p));
    yajl_free(p->yajl);
    return good;
}

const struct tb_json *tb_json_parse(struct tb_arena *arena, struct tb_str input,
                                    const struct tb_json_limits *limits,
                                    struct tb_json_error *error)
{
    struct frame frames[FRAMES_FIRST];
    struct parser p = {
        .arena = arena,
        .input = input.ptr == NULL ? TB_STR("") : input,
        .limits = limits,
        .error = error,
        .frames = frames,
        .top = frames,
        .frame_count = FRAMES_FIRST,
        .keys = {.arena = arena},
    };
    frames[0] = (struct frame){.link = &p.root};
    p.out = canonical_room(&p);
    return check_bytes(&p) && parse(&p) ? p.root : NULL;
}
